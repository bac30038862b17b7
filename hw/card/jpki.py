"""The card application of the public personal authentication service, on cards of the policies in `hw.card.jpki_cards`.

Reading, verifying and signing are the service's public card interface; issuing is a profile of our own on ISO/IEC
7816-4, -8 and -9, under SCP03. The session knows what it has selected, so that nothing is sent twice.
"""

import re
from collections.abc import Callable

from hw import rsa_check
from hw.card import pin_entry, tlv
from hw.card.apdu import Command
from hw.card.connection import CommandPort, Traffic
from hw.card.exchange import do
from hw.card.jpki_cards import ANY_CARD, CARDS, LAYOUTS, Layout, Place
from hw.card.secure_channel import CHALLENGE_BYTES, SecureChannel, initialize_update
from hw.card.status import Status, attempts_in, error_of
from hw.errors import CardAnswerInvalid, CardUnsupported, NotSent, Unsupported
from hw.ports import (
    Attestation,
    ChannelChallenge,
    ChannelKeys,
    ChannelPurpose,
    KeyReplacement,
    KeyUse,
    PinPolicy,
    PinStatus,
    RsaPublicKey,
    SessionKeys,
)

AID = bytes.fromhex("D392F000260100000001")

_TOKEN = b"\x00\x06"
_TOKEN_BYTES = 0x20
_TELEPHONE = b"JPKIAPGPSETOKEN"
_DER_HEADER_BYTES = 4
_SHORTEST_CERTIFICATE = 0x100 + _DER_HEADER_BYTES
_NOTHING, _SEQUENCE = b"\x00", b"\x30"
"""First byte of a file without a certificate, and of one with: a single byte is written wholly or not at all."""

_PUBLIC_KEY_BYTES = 512
_IDENTITY_BYTES = 512
_SIGNATURE_BYTES = 256
_ATTESTATION_BYTES = 16

_LABEL, _CARD_NUMBER, _PIN_STATE, _LAYOUT, _OTHER_PIN_STATE, _KEY_GENERATIONS = 0x50, 0x5A, 0xC1, 0xC3, 0xC4, 0xC6
_IDENTITY_UNKNOWN = {
    Status.FUNCTION_NOT_SUPPORTED,
    Status.WRONG_P1_P2,
    Status.REFERENCED_DATA_NOT_FOUND,
    Status.INSTRUCTION_NOT_SUPPORTED,
    Status.CLASS_NOT_SUPPORTED,
}
_SHORT_IDENTIFIER = 0x80
_SHORT_IDENTIFIER_UNKNOWN = {
    Status.COMMAND_INCOMPATIBLE_WITH_FILE,
    Status.NO_FILE_SELECTED,
    Status.FUNCTION_NOT_SUPPORTED,
    Status.FILE_NOT_FOUND,
    Status.WRONG_P1_P2,
    Status.OUTSIDE_THE_FILE,
}
_PUBLIC_KEY, _MODULUS, _EXPONENT = 0x7F49, 0x81, 0x82

_KEY_VERSION = {ChannelPurpose.ISSUE: 0x30, ChannelPurpose.RESET: 0x31, ChannelPurpose.ERASE: 0x32}
"""Of the first generation of keys; each later one has 4 more."""

_VERSIONS_A_GENERATION, _GENERATIONS = 4, 4
_SET_PIN = {ChannelPurpose.ISSUE: (0x24, 0x01), ChannelPurpose.RESET: (0x2C, 0x02)}
"""INS and P1: CHANGE REFERENCE DATA and RESET RETRY COUNTER, each with nothing but the new password as data."""


def open_session(port: CommandPort, traffic: Traffic, random: Callable[[int], bytes]) -> "JpkiSession | None":
    """Selects the application; None when the card does not have it. `random` makes the host's challenges."""
    response = port.send(_select_application())
    return JpkiSession(port, traffic, random) if response.sw == Status.OK else None


class JpkiSession:
    """A selected application; implements `hw.ports.CardSession`."""

    def __init__(self, port: CommandPort, traffic: Traffic, random: Callable[[int], bytes]) -> None:
        self._plain = port
        self._port = port
        self._traffic = traffic
        self._random = random
        self._purpose: ChannelPurpose | None = None
        self._selected = b""
        self._number = ""
        self._label = ""
        self._layout = LAYOUTS[1]
        self._key_versions = dict(_KEY_VERSION)
        self._pins_set: set[bytes] = set()
        self._blank_certificates: set[bytes] = set()

    @property
    def exchanges(self) -> int:
        """Command/response pairs since the session began."""
        return self._traffic.exchanges

    @property
    def application(self) -> str:
        """The label that the card bears; asked once. Raises `CardUnsupported` as `number` does."""
        self.number()
        return self._label

    def uses(self) -> tuple[KeyUse, ...]:
        """Those of the card's label; asked once."""
        return tuple(CARDS[self.application])

    def number(self) -> str:
        """The card's number; asked once. Raises `CardUnsupported` for a card that cannot be issued to here."""
        if not self._number:
            self._identify()
        return self._number

    def pin_policy(self, use: KeyUse = KeyUse.SIGNATURE) -> PinPolicy:
        """That of the card's label."""
        self.number()
        return self._place(use).pin_policy

    def pin_status(self, use: KeyUse = KeyUse.SIGNATURE) -> PinStatus:
        """Asks the card. It counts 0 for a locked and for an unset password: its own data tell them apart."""
        place = self._place(use)
        self._select(place.pin)
        sw = self._port.send(Command(0x00, 0x20, 0x00, 0x80)).sw
        attempts = attempts_in(sw)
        if attempts is None:
            raise error_of("ask for attempts", sw)
        if attempts == 0:
            self.number()
        return PinStatus(is_set=attempts > 0 or place.pin in self._pins_set, attempts_remaining=attempts)

    def open_channel(self, purpose: ChannelPurpose, keys: ChannelKeys) -> None:
        """Opens the secure channel; `keys` may refuse, then the session goes on without one."""
        number = self.number()
        self._port, self._purpose = self._plain, None
        host_challenge = self._random(CHALLENGE_BYTES)
        key_version = self._key_versions[purpose]
        greeting = initialize_update(self._plain, key_version, host_challenge)
        challenge = ChannelChallenge(
            card_number=number,
            purpose=purpose,
            key_version=key_version,
            host_challenge=host_challenge,
            card_challenge=greeting.card_challenge,
            card_cryptogram=greeting.card_cryptogram,
            key_versions=self.key_versions(),
        )
        answer = keys(challenge)
        if not isinstance(answer, SessionKeys):
            raise NotSent("the issuer answered with keys of another kind of card")
        self._port = SecureChannel.open(self._plain, answer, host_challenge + greeting.card_challenge)
        self._purpose = purpose

    def set_pin(self, pin: bytearray, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """Sets a password under an issue or a reset channel; `NotSent` without one, so that it never goes in clear."""
        if self._purpose not in _SET_PIN:
            raise NotSent("a password is set under an issue or a reset channel only")
        ins, p1 = _SET_PIN[self._purpose]
        self._send_pin("set password", ins, p1, pin, use)
        self._pins_set.add(self._place(use).pin)

    def verify_pin(self, pin: bytearray, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """Presents the password once. Raises `PinRefused`, `PinLocked`."""
        self._send_pin("verify password", 0x20, 0x00, pin, use)

    def has_pin_pad(self, use: KeyUse = KeyUse.SIGNATURE) -> bool:
        """Whether this password can be typed at the reader."""
        return self.pin_policy(use).characters.isdigit() and pin_entry.has_pad(self._traffic)

    def verify_pin_at_reader(self, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """VERIFY made by the reader, outside any channel: it does not cross this computer."""
        policy = self.pin_policy(use)
        if not policy.characters.isdigit():
            raise NotSent("a password with letters cannot be typed at a reader")
        self._select(self._place(use).pin)
        command = Command(0x00, 0x20, 0x00, 0x80).header
        sw = pin_entry.verify_at_reader(
            self._traffic, command, minimum=policy.minimum_length, maximum=policy.maximum_length
        )
        if sw != Status.OK:
            raise error_of("verify password", sw)

    def change_pin(self, old: bytearray, new: bytearray, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """Verifies the old, then sets the new: passwords of free length are never joined in one command."""
        self._send_pin("verify password", 0x20, 0x00, old, use)
        self._send_pin("change password", 0x24, 0x01, new, use)

    def generate_key(self, use: KeyUse = KeyUse.SIGNATURE) -> RsaPublicKey:
        """Makes a key pair; the card drops the old one, and first of all the certificate that went with it.

        Raises `CardAnswerInvalid` for a public key that no sound card makes.
        """
        place = self._place(use)
        self._select(place.key)
        answer = self._do("generate key", Command(0x00, 0x47, 0x80, 0x00, le=_PUBLIC_KEY_BYTES))
        self._blank_certificates.add(place.certificate)
        key = _public_key(answer)
        rsa_check.refuse_weak(key)
        return key

    def public_key(self, use: KeyUse = KeyUse.SIGNATURE) -> RsaPublicKey | None:
        """The public key of the key pair in the card, or None."""
        self._select(self._place(use).key)
        response = self._port.send(Command(0x00, 0x47, 0x81, 0x00, le=_PUBLIC_KEY_BYTES))
        if response.sw == Status.REFERENCED_DATA_NOT_FOUND:
            return None
        if response.sw != Status.OK:
            raise error_of("read public key", response.sw)
        return _public_key(response.data)

    def key_versions(self) -> dict[ChannelPurpose, int]:
        """As the card's identity tells; asked once."""
        self.number()
        return dict(self._key_versions)

    def replace_channel_keys(self, replacement: KeyReplacement) -> None:
        """PUT KEY; the card answers the new version and the check values of what it has stored."""
        answer = self._do("replace keys", Command(0x80, 0xD8, replacement.old_version, 0x81, replacement.data, 256))
        if answer[:1] != replacement.data[:1]:
            raise CardAnswerInvalid("the card has stored keys of another version")
        for purpose, version in self._key_versions.items():
            if version == replacement.old_version:
                self._key_versions[purpose] = answer[0]

    def has_own_pin(self, use: KeyUse) -> bool:
        """Every key has."""
        return True

    def attests(self) -> bool:
        """Every card of this kind does."""
        return True

    def attest(self, nonce: bytes, key_hash: bytes) -> Attestation:
        """INTERNAL AUTHENTICATE over nonce (16 bytes) and key hash (32 bytes); CMAC of the card's attestation key."""
        command = Command(0x00, 0x88, 0x00, 0x33, nonce + key_hash, _ATTESTATION_BYTES)
        value = self._do("attest key", command)
        if len(value) != _ATTESTATION_BYTES:
            raise CardAnswerInvalid(f"an attestation of {len(value)} bytes")
        return Attestation(nonce, value)

    def sign(self, digest_info: bytes, use: KeyUse = KeyUse.SIGNATURE) -> bytes:
        """PERFORM SECURITY OPERATION; the card adds the padding of PKCS#1 v1.5."""
        self._select(self._place(use).key)
        signature = self._do("sign", Command(0x80, 0x2A, 0x00, 0x80, digest_info, _SIGNATURE_BYTES))
        if len(signature) != _SIGNATURE_BYTES:
            raise CardAnswerInvalid(f"a signature of {len(signature)} bytes")
        return signature

    def write_certificate(self, certificate: bytes, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """Writes what makes the file readable last: a card pulled before reads as having no certificate.

        Raises `NotSent` for what is no DER object of 260 bytes to what fits, the form the public interface can read.
        """
        file = self._place(use).certificate
        if not 0 < _der_length(certificate) == len(certificate) <= self._layout.file_bytes:
            raise NotSent("not one DER object that fits the card's certificate file")
        self._select(file)
        if self._layout.has_life_cycle:
            self._write_deactivated(file, certificate)
        else:
            self._write_first_byte_last(file, certificate)

    def read_certificate(self, use: KeyUse = KeyUse.SIGNATURE) -> bytes | None:
        """The DER certificate, or None; one exchange where reader and card take extended length."""
        file = self._place(use).certificate
        content = self._read_beginning(file)
        if content is None or content.startswith(_NOTHING):
            self._blank_certificates.add(file)
            return None
        length = _der_length(content)
        if not 0 < length <= self._layout.file_bytes:
            raise CardAnswerInvalid("the certificate file holds no certificate")
        while len(content) < length:
            piece = self._read(len(content))
            if not piece:
                raise CardAnswerInvalid("the certificate file ends within the certificate")
            content += piece
        return content[:length]

    def erase(self) -> None:
        """Removes certificates, keys and passwords under an erase channel."""
        self._do("erase", Command(0x80, 0xE4, 0x00, 0x00))
        self._selected = b""
        self._pins_set.clear()
        self._blank_certificates = {place.certificate for place in ANY_CARD.values()}

    def deselect(self) -> None:
        """Selects the application anew, which forgets every verified password and ends the channel."""
        self._port, self._purpose, self._selected = self._plain, None, b""
        self._do("end session", _select_application())

    def _place(self, use: KeyUse) -> Place:
        places = CARDS.get(self._label, ANY_CARD)
        if use not in places:
            raise NotSent(f"a {self._label} card has no key for {use}")
        return places[use]

    def _identify(self) -> None:
        # Asked in the extended form where that may be: a card that knows the short one only says so here, in plain.
        response = self._port.send(Command(0x00, 0xCA, 0x01, 0x01, le=_IDENTITY_BYTES))
        if response.sw in _IDENTITY_UNKNOWN:
            raise self._unidentified()
        if response.sw != Status.OK:
            raise error_of("read card number", response.sw)
        identity = tlv.read(response.data)
        number = identity.get(_CARD_NUMBER, b"")
        states = identity.get(_PIN_STATE, b""), identity.get(_OTHER_PIN_STATE, b"\x00")
        if not re.fullmatch(rb"[A-Z0-9]{16}", number) or any(state not in (b"\x00", b"\x01") for state in states):
            raise CardAnswerInvalid("the card's identity lacks its number or the state of its password")
        label = identity.get(_LABEL, b"").decode("latin-1")
        layout = _layout(identity.get(_LAYOUT, b"\x01"))
        if label not in CARDS or layout is None:
            raise CardUnsupported("the card was made for another policy", Unsupported.OTHER_POLICY)
        generations = identity.get(_KEY_GENERATIONS, bytes(len(_KEY_VERSION)))
        if len(generations) != len(_KEY_VERSION) or max(generations) >= _GENERATIONS:
            raise CardAnswerInvalid("the card's identity does not tell the generation of its keys")
        self._key_versions = {
            purpose: version + _VERSIONS_A_GENERATION * generation
            for (purpose, version), generation in zip(_KEY_VERSION.items(), generations, strict=True)
        }
        self._number, self._label, self._layout = number.decode(), label, layout
        places = zip(CARDS[label].values(), states, strict=False)
        self._pins_set |= {place.pin for place, state in places if state == b"\x01"}

    def _unidentified(self) -> CardUnsupported:
        """What a card is that has the application and no card number."""
        token = self._read_beginning(_TOKEN)
        if token is not None and token.startswith(_TELEPHONE):
            return CardUnsupported("a telephone that plays a card", Unsupported.EMULATED)
        return CardUnsupported("the card has no card number", Unsupported.NOT_PREPARED)

    def _send_pin(self, operation: str, ins: int, p1: int, pin: bytearray, use: KeyUse) -> None:
        if not pin:
            raise NotSent("an empty password: the card would take it for a question")
        self._select(self._place(use).pin)
        self._do(operation, Command(0x00, ins, p1, 0x80, bytes(pin)))

    def _select(self, file: bytes) -> None:
        if self._selected == file:
            return
        self._selected = b""
        self._do(f"select file {file.hex().upper()}", Command(0x00, 0xA4, 0x02, 0x0C, file))
        self._selected = file

    def _read_beginning(self, file: bytes) -> bytes | None:
        """As much of the file as one answer holds, None when it is deactivated.

        A file that is not selected is selected by the reading itself, with its short identifier (ISO/IEC 7816-4,
        7.3.2); a card that does not know those has it selected first.
        """
        if self._selected != file:
            self._selected = b""
            p1 = _SHORT_IDENTIFIER | file[-1]
            response = self._port.send(Command(0x00, 0xB0, p1, 0x00, le=self._read_size(0)))
            if response.sw not in _SHORT_IDENTIFIER_UNKNOWN:
                content = _content(response.data, response.sw)
                self._selected = file
                return content
            self._select(file)
        response = self._port.send(Command(0x00, 0xB0, 0x00, 0x00, le=self._read_size(0)))
        return _content(response.data, response.sw)

    def _read(self, offset: int) -> bytes:
        command = Command(0x00, 0xB0, offset >> 8, offset & 0xFF, le=self._read_size(offset))
        response = self._port.send(command)
        return _content(response.data, response.sw) or b""

    def _read_size(self, offset: int) -> int:
        return min(self._layout.file_bytes - offset, self._port.limits.answer)

    def _write_first_byte_last(self, file: bytes, certificate: bytes) -> None:
        if file not in self._blank_certificates:
            self._update(0, _NOTHING)
        self._blank_certificates.discard(file)
        self._update_all(certificate, len(_SEQUENCE))
        self._update(0, _SEQUENCE)

    def _write_deactivated(self, file: bytes, certificate: bytes) -> None:
        if file not in self._blank_certificates:
            self._do("deactivate certificate file", Command(0x00, 0x04, 0x00, 0x00))
        self._blank_certificates.discard(file)
        self._update_all(certificate, 0)
        self._do("activate certificate file", Command(0x00, 0x44, 0x00, 0x00))

    def _update_all(self, data: bytes, start: int) -> None:
        size = self._port.limits.data
        for offset in range(start, len(data), size):
            self._update(offset, data[offset : offset + size])

    def _update(self, offset: int, data: bytes) -> None:
        self._do("write certificate", Command(0x00, 0xD6, offset >> 8, offset & 0xFF, data))

    def _do(self, operation: str, command: Command) -> bytes:
        return do(self._port, operation, command)


def _select_application() -> Command:
    return Command(0x00, 0xA4, 0x04, 0x0C, AID)


def _layout(number: bytes) -> Layout | None:
    return LAYOUTS.get(int.from_bytes(number, "big"))


def _content(data: bytes, sw: int) -> bytes | None:
    """What a read file answered, None when it is deactivated; raises what any other refusal means."""
    if sw == Status.FILE_DEACTIVATED:
        return None
    if sw not in (Status.OK, Status.END_OF_FILE_REACHED):
        raise error_of("read certificate", sw)
    return data


def _der_length(data: bytes) -> int:
    """The whole length of a DER SEQUENCE with a length field of two bytes, or 0 when `data` begins with no such."""
    if data[:2] != b"\x30\x82" or len(data) < _DER_HEADER_BYTES:
        return 0
    length = _DER_HEADER_BYTES + int.from_bytes(data[2:4], "big")
    return length if length >= _SHORTEST_CERTIFICATE else 0


def _public_key(answer: bytes) -> RsaPublicKey:
    parts = tlv.read(tlv.read(answer).get(_PUBLIC_KEY, b""))
    return rsa_check.rsa_2048(parts.get(_MODULUS, b""), parts.get(_EXPONENT, b""))

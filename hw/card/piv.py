"""The PIV card application (NIST SP 800-73-4), so that the kiosk works with cards that anyone can buy.

Beyond the standard it asks for what many cards have: serial number, metadata, attestation, key policies. A card that
has them not is told from one that has them by its answer.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace

from hw import rsa_check
from hw.card import pin_entry, piv_channel, piv_contents, piv_management, tlv
from hw.card.apdu import SHORT, Command
from hw.card.connection import CommandChaining, CommandPort, Traffic
from hw.card.piv_management import AES_256, ALGORITHMS, FACTORY_KEY, TDEA
from hw.card.secure_channel import Greeting
from hw.card.status import Status, attempts_in, error_of
from hw.errors import CardAnswerInvalid, CardRefused, CardUnsupported, NotSent, Unsupported
from hw.ports import (
    FACTORY_KEY_VERSION,
    MANAGEMENT_KEY_VERSION,
    Attestation,
    ChannelChallenge,
    ChannelKeys,
    ChannelPurpose,
    KeyReplacement,
    KeyUse,
    ManagementKeys,
    PinPolicy,
    PinStatus,
    RsaPublicKey,
    SessionKeys,
)

APPLICATION = "piv"
AID = bytes.fromhex("A00000030800001000")
"""The standard's identifier without its version, so that a card of any version answers."""

PIN_POLICY = PinPolicy(minimum_length=6, maximum_length=8, characters="0123456789")
FACTORY_PIN, FACTORY_PUK = b"123456", b"12345678"

_SLOTS = {KeyUse.SIGNATURE: (0x9C, 0x5FC10A), KeyUse.AUTHENTICATION: (0x9A, 0x5FC105)}
"""Key reference, and data object of its certificate (SP 800-73-4 part 1, table 4b)."""

_CHUID, _ATTESTATION_CERTIFICATE = 0x5FC102, 0x5FFF01
_PIN, _PUK, _PADDED_BYTES = 0x80, 0x81, 8
_SERIAL_NUMBER, _GUID_NUMBER = "PIV", "PIVG"
_RSA_2048, _SIGNATURE_BYTES = 0x07, rsa_check.MODULUS_BYTES
_GUID, _GUID_BYTES = 0x34, 16
_TAG_LIST, _OBJECT = 0x5C, 0x53
_TEMPLATE, _CHALLENGE, _RESPONSE = 0x7C, 0x81, 0x82
_CONTROL_TEMPLATE, _ALGORITHM, _PIN_POLICY, _PUBLIC_KEY = 0xAC, 0x80, 0xAA, 0x7F49
_PIN_ONCE = b"\x02"
_META_ALGORITHM, _META_PUBLIC_KEY, _META_IS_DEFAULT, _META_TRIES = 0x01, 0x04, 0x05, 0x06
_ANSWER_BYTES = 3072
_UNKNOWN = {Status.INSTRUCTION_NOT_SUPPORTED, Status.WRONG_P1_P2, Status.FUNCTION_NOT_SUPPORTED}
_ABSENT = {Status.FILE_NOT_FOUND, Status.REFERENCED_DATA_NOT_FOUND}


def open_session(port: CommandPort, traffic: Traffic, random: Callable[[int], bytes]) -> "PivSession | None":
    """Selects the application; None when the card does not have it. `random` makes the host's challenges."""
    session = PivSession(CommandChaining(port), traffic, random)
    return session if session.select() else None


class PivSession:
    """A selected application; implements `hw.ports.CardSession`."""

    application = APPLICATION

    def __init__(self, port: CommandPort, traffic: Traffic, random: Callable[[int], bytes]) -> None:
        self._plain = port
        self._port = port
        self._traffic = traffic
        self._random = random
        self._purpose: ChannelPurpose | None = None
        self._puk = b""
        self._is_secured = False
        self._number = ""

    @property
    def exchanges(self) -> int:
        """Command/response pairs since the session began."""
        return self._traffic.exchanges

    def uses(self) -> tuple[KeyUse, ...]:
        """Digital signature key and PIV authentication key."""
        return tuple(_SLOTS)

    def select(self) -> bool:
        """Selects the application; False when the card does not have it."""
        return self._plain.send(Command(0x00, 0xA4, 0x04, 0x00, AID, SHORT.answer)).sw == Status.OK

    def number(self) -> str:
        """`PIV` and the card's serial number, or `PIVG` and what is made of its unique identifier (CHUID); asked once.

        Raises `CardUnsupported` for a card that has neither: nothing tells it from another.
        """
        if not self._number:
            serial = self._port.send(Command(0x00, 0xF8, 0x00, 0x00, le=SHORT.answer))
            if serial.sw == Status.OK and len(serial.data) == 4:
                self._number = f"{_SERIAL_NUMBER}{int.from_bytes(serial.data, 'big'):013d}"
            else:
                self._number = self._number_of_identifier()
        return self._number

    def pin_policy(self, use: KeyUse = KeyUse.SIGNATURE) -> PinPolicy:
        """6 to 8 digits (SP 800-73-4 part 1, 4.3); one PIN guards all keys."""
        return PIN_POLICY

    def pin_status(self, use: KeyUse = KeyUse.SIGNATURE) -> PinStatus:
        """Asks the card. A PIN that is still the maker's counts as not set, where the card tells."""
        metadata = self._metadata(_PIN)
        tries = metadata.get(_META_TRIES, b"")
        if len(tries) == 2:
            return PinStatus(metadata.get(_META_IS_DEFAULT) != b"\x01", tries[1])
        sw = self._port.send(Command(0x00, 0x20, 0x00, _PIN)).sw
        attempts = 0 if sw == Status.PIN_LOCKED else attempts_in(sw)
        if attempts is None:
            raise error_of("ask for attempts", sw)
        return PinStatus(is_set=True, attempts_remaining=attempts)

    def open_channel(self, purpose: ChannelPurpose, keys: ChannelKeys) -> None:
        """Authenticates to the card with its management key, through a secure channel where the card offers one.

        One fresh from the shop gets keys for the channel, a management key and a PUK of its own. `keys` may refuse;
        then nothing was changed that the issuer does not know.
        """
        number = self.number()
        self._port, self._purpose, self._puk = self._plain, None, b""
        # Asked in the extended form: a card that knows short ones only says so here, where it can still be repeated.
        metadata = self._metadata(MANAGEMENT_KEY_VERSION, _ANSWER_BYTES)
        is_factory = metadata.get(_META_IS_DEFAULT) == b"\x01"
        identifier = int.from_bytes(metadata.get(_META_ALGORITHM, bytes((TDEA.identifier,))), "big")
        if identifier not in ALGORITHMS:
            raise CardUnsupported("the card's management key is of no known algorithm", Unsupported.NOT_PREPARED)
        algorithm = ALGORITHMS[identifier]
        if not is_factory and algorithm is not AES_256:
            raise CardUnsupported("the card is managed by somebody else", Unsupported.NOT_PREPARED)
        # A PUK that is neither the maker's nor ours would cost a try each time. Of a card that was pulled while it was
        # taken over, the key is ours and the PUK still the maker's.
        has_factory_puk = self._is_default(self._metadata(_PUK))
        if is_factory and not has_factory_puk:
            raise CardUnsupported("the card's PUK was changed by somebody else", Unsupported.NOT_PREPARED)
        self._port = self._secured(purpose, keys, is_factory)
        witness = piv_management.ask_witness(self._port, algorithm)
        challenge = ChannelChallenge(number, purpose, MANAGEMENT_KEY_VERSION, b"", witness, b"")
        answer = keys(replace(challenge, is_secured=self._is_secured))
        if not isinstance(answer, ManagementKeys):
            raise NotSent("the issuer answered with keys of another kind of card")
        key = FACTORY_KEY if is_factory else answer.management_key
        piv_management.prove(self._port, algorithm, key, witness, self._random(algorithm.block_bytes))
        if is_factory:
            self._take_over(answer.management_key)
        if has_factory_puk:
            self._do("replace PUK", Command(0x00, 0x24, 0x00, _PUK, FACTORY_PUK + answer.puk))
        self._purpose, self._puk = purpose, answer.puk

    def set_pin(self, pin: bytearray, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """Sets the PIN by the PUK, whatever it was; `NotSent` without an issue or a reset channel."""
        if self._purpose not in (ChannelPurpose.ISSUE, ChannelPurpose.RESET):
            raise NotSent("a password is set under an issue or a reset channel only")
        self._reset_pin("set password", pin)

    def verify_pin(self, pin: bytearray, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """Presents the PIN once. Raises `PinRefused`, `PinLocked`."""
        self._do("verify password", Command(0x00, 0x20, 0x00, _PIN, _padded(pin)))

    def has_pin_pad(self, use: KeyUse = KeyUse.SIGNATURE) -> bool:
        """Whether the PIN can be typed at the reader."""
        return pin_entry.has_pad(self._traffic)

    def verify_pin_at_reader(self, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """VERIFY made by the reader; what it types lies over the filling bytes."""
        command = Command(0x00, 0x20, 0x00, _PIN, bytes((0xFF,)) * _PADDED_BYTES).encode()
        sw = pin_entry.verify_at_reader(
            self._traffic, command, minimum=PIN_POLICY.minimum_length, maximum=PIN_POLICY.maximum_length
        )
        if sw != Status.OK:
            raise error_of("verify password", sw)

    def change_pin(self, old: bytearray, new: bytearray, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """Replaces the PIN by one who knows it."""
        self._do("change password", Command(0x00, 0x24, 0x00, _PIN, _padded(old) + _padded(new)))

    def generate_key(self, use: KeyUse = KeyUse.SIGNATURE) -> RsaPublicKey:
        """Makes an RSA-2048 key pair; the certificate that went with the old one is removed first.

        A card that knows key policies is asked for a PIN a session; by the standard a signature key wants it before
        every signature. Raises `CardAnswerInvalid` for a public key that no sound card makes.
        """
        slot, certificate = _SLOTS[use]
        self._put(certificate, b"")
        plain = tlv.write(_ALGORITHM, bytes((_RSA_2048,)))
        response = self._generate(slot, plain + tlv.write(_PIN_POLICY, _PIN_ONCE))
        if response is None:
            response = self._generate(slot, plain)
        if response is None:
            raise CardRefused("generate key", Status.WRONG_DATA)
        key = piv_contents.public_key(tlv.read(response).get(_PUBLIC_KEY, b""))
        rsa_check.refuse_weak(key)
        return key

    def public_key(self, use: KeyUse = KeyUse.SIGNATURE) -> RsaPublicKey | None:
        """The public key, or None; of a card without metadata the one of the certificate, if that is there."""
        slot, _ = _SLOTS[use]
        response = self._port.send(Command(0x00, 0xF7, 0x00, slot, le=_ANSWER_BYTES))
        if response.sw in _ABSENT:
            return None
        if response.sw == Status.OK:
            objects = tlv.read(response.data)
            is_rsa_2048 = objects.get(_META_ALGORITHM) == bytes((_RSA_2048,))
            return piv_contents.public_key(objects.get(_META_PUBLIC_KEY, b"")) if is_rsa_2048 else None
        if response.sw not in _UNKNOWN:
            raise error_of("read public key", response.sw)
        certificate = self.read_certificate(use)
        return None if certificate is None else piv_contents.key_in(certificate)

    def key_versions(self) -> dict[ChannelPurpose, int]:
        """None: the card has one management key, and no purposes."""
        return {}

    def replace_channel_keys(self, replacement: KeyReplacement) -> None:
        """Not on this card."""
        raise NotSent("a PIV card has no channel keys")

    def has_own_pin(self, use: KeyUse) -> bool:
        """One PIN guards all keys."""
        return use is KeyUse.SIGNATURE

    def attests(self) -> bool:
        """Whether the card has a certificate of its maker for an attestation key of its own."""
        return bool(piv_contents.certificate_in(self._get(_ATTESTATION_CERTIFICATE) or b""))

    def attest(self, nonce: bytes, key_hash: bytes) -> Attestation:
        """The attestation certificate of whichever key has that hash, and the one of the card's attestation key.

        Raises `CardRefused` when the card attests no such key, or attests none at all.
        """
        for slot, _ in _SLOTS.values():
            response = self._port.send(Command(0x00, 0xF9, slot, 0x00, le=_ANSWER_BYTES))
            if response.sw != Status.OK:
                continue
            if piv_contents.key_hash(response.data) == key_hash:
                issuer = piv_contents.certificate_in(self._get(_ATTESTATION_CERTIFICATE) or b"") or b""
                return Attestation(nonce, response.data + issuer)
        raise CardRefused("attest key", Status.CONDITIONS_OF_USE_NOT_SATISFIED)

    def sign(self, digest_info: bytes, use: KeyUse = KeyUse.SIGNATURE) -> bytes:
        """GENERAL AUTHENTICATE over the block of PKCS#1 v1.5, which is padded here (RFC 8017, 9.2)."""
        padding = _SIGNATURE_BYTES - 3 - len(digest_info)
        if padding < 8:
            raise NotSent("more than an RSA-2048 block can hold")
        block = b"\x00\x01" + b"\xff" * padding + b"\x00" + digest_info
        template = tlv.write(_TEMPLATE, tlv.write(_RESPONSE, b"") + tlv.write(_CHALLENGE, block))
        slot, _ = _SLOTS[use]
        answer = self._do("sign", Command(0x00, 0x87, _RSA_2048, slot, template, le=_ANSWER_BYTES))
        signature = tlv.read(tlv.read(answer).get(_TEMPLATE, b"")).get(_RESPONSE, b"")
        if len(signature) != _SIGNATURE_BYTES:
            raise CardAnswerInvalid(f"a signature of {len(signature)} bytes")
        return signature

    def write_certificate(self, certificate: bytes, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """Replaces the data object wholly; one that was cut short while written reads as none."""
        self._put(_SLOTS[use][1], piv_contents.certificate_object(certificate))

    def read_certificate(self, use: KeyUse = KeyUse.SIGNATURE) -> bytes | None:
        """The DER certificate, or None."""
        content = self._get(_SLOTS[use][1])
        return None if not content else piv_contents.certificate_in(content)

    def erase(self) -> None:
        """Removes certificates and keys under an erase channel, and makes the PIN the maker's again.

        A key is destroyed where the card can, else replaced by one that nobody has seen.
        """
        if self._purpose is not ChannelPurpose.ERASE:
            raise NotSent("a card is erased under an erase channel only")
        for slot, certificate in _SLOTS.values():
            self._put(certificate, b"")
            destroyed = self._port.send(Command(0x00, 0xF6, 0xFF, slot))
            if destroyed.sw in _UNKNOWN:
                self._do("erase", _generation(slot, tlv.write(_ALGORITHM, bytes((_RSA_2048,)))))
            elif destroyed.sw != Status.OK and destroyed.sw not in _ABSENT:
                raise error_of("erase", destroyed.sw)
        self._reset_pin("erase", bytearray(FACTORY_PIN))

    def deselect(self) -> None:
        """Makes the card forget that the PIN was verified; one that cannot be told so forgets it at selection."""
        self._purpose, self._puk = None, b""
        port, self._port = self._port, self._plain
        if port.send(Command(0x00, 0x20, 0xFF, _PIN)).sw != Status.OK:
            self.select()

    def _number_of_identifier(self) -> str:
        try:
            guid = tlv.read(self._get(_CHUID) or b"").get(_GUID, b"")
        except CardAnswerInvalid:
            guid = b""
        if len(guid) != _GUID_BYTES or not any(guid):
            raise CardUnsupported("the card has neither serial number nor identifier", Unsupported.NOT_PREPARED)
        return _GUID_NUMBER + base64.b32encode(hashlib.sha256(guid).digest()[:10]).decode("ascii")[:12]

    def _is_default(self, metadata: dict[int, bytes]) -> bool:
        """Whether it is still the maker's. Raises `CardAnswerInvalid` when the card does not tell."""
        state = metadata.get(_META_IS_DEFAULT, b"")
        if state not in (b"\x00", b"\x01"):
            raise CardAnswerInvalid("the card does not tell whether a key or a PUK is still its maker's")
        return state == b"\x01"

    def _secured(self, purpose: ChannelPurpose, keys: ChannelKeys, is_factory: bool) -> CommandPort:
        """The port through a secure channel; the plain one where the card offers none.

        The maker's keys are replaced on a card that is wholly as its maker made it: another may be somebody's own.
        """
        is_number_certain = self._is_secured = False

        def ask(greeting: Greeting, host_challenge: bytes) -> SessionKeys:
            nonlocal is_number_certain
            answer = keys(
                ChannelChallenge(
                    self._number,
                    purpose,
                    greeting.key_version,
                    host_challenge,
                    greeting.card_challenge,
                    greeting.card_cryptogram,
                )
            )
            if not isinstance(answer, SessionKeys):
                raise NotSent("the issuer answered with keys of another kind of card")
            # Under the maker's keys everybody can listen, which is no better than in clear.
            self._is_secured = greeting.key_version != FACTORY_KEY_VERSION
            if greeting.key_version == FACTORY_KEY_VERSION and not is_factory:
                answer = replace(answer, replacements=())
            if answer.replacements and not is_number_certain:
                self._refuse_two_numbers()
                is_number_certain = True
            return answer

        return piv_channel.open_channel(self._plain, ask, self._random, self._select_again) or self._plain

    def _select_again(self) -> None:
        if not self.select():
            raise CardAnswerInvalid("the card does not have its PIV application any more")

    def _take_over(self, key: bytes) -> None:
        """Gives the card a key of its number."""
        self._refuse_two_numbers()
        piv_management.replace_key(self._port, key)

    def _refuse_two_numbers(self) -> None:
        """Asks the number again: under another one nobody would find the keys that are made of it."""
        number, self._number = self._number, ""
        if self.number() != number:
            self._number = ""
            raise CardAnswerInvalid("the card has two numbers")

    def _reset_pin(self, operation: str, pin: bytearray) -> None:
        self._do(operation, Command(0x00, 0x2C, 0x00, _PIN, self._puk + _padded(pin)))

    def _metadata(self, reference: int, answer_bytes: int = SHORT.answer) -> dict[int, bytes]:
        """What the card tells about a reference, nothing when it does not have the command."""
        response = self._port.send(Command(0x00, 0xF7, 0x00, reference, le=answer_bytes))
        if response.sw in _UNKNOWN or response.sw in _ABSENT:
            return {}
        if response.sw != Status.OK:
            raise error_of("read metadata", response.sw)
        return tlv.read(response.data)

    def _generate(self, slot: int, parameters: bytes) -> bytes | None:
        """The card's answer; None when it does not know the parameters."""
        response = self._port.send(_generation(slot, parameters))
        if response.sw == Status.WRONG_DATA:
            return None
        if response.sw != Status.OK:
            raise error_of("generate key", response.sw)
        return response.data

    def _get(self, tag: int) -> bytes | None:
        """A data object's content, None when it is not there."""
        command = Command(0x00, 0xCB, 0x3F, 0xFF, tlv.write(_TAG_LIST, tag.to_bytes(3, "big")), le=_ANSWER_BYTES)
        response = self._port.send(command)
        if response.sw == Status.FILE_NOT_FOUND:
            return None
        if response.sw != Status.OK:
            raise error_of("read data object", response.sw)
        return tlv.read(response.data).get(_OBJECT)

    def _put(self, tag: int, content: bytes) -> None:
        data = tlv.write(_TAG_LIST, tag.to_bytes(3, "big")) + tlv.write(_OBJECT, content)
        self._do("write data object", Command(0x00, 0xDB, 0x3F, 0xFF, data))

    def _do(self, operation: str, command: Command) -> bytes:
        response = self._port.send(command)
        if response.sw != Status.OK:
            raise error_of(operation, response.sw)
        return response.data


def _generation(slot: int, parameters: bytes) -> Command:
    return Command(0x00, 0x47, 0x00, slot, tlv.write(_CONTROL_TEMPLATE, parameters), le=_ANSWER_BYTES)


def _padded(pin: bytes | bytearray) -> bytes:
    """8 bytes, filled with FF (SP 800-73-4 part 2, 2.4.3). Raises `NotSent` for none at all and for too many."""
    if not 1 <= len(pin) <= _PADDED_BYTES:
        raise NotSent("a PIN of this card has 1 to 8 characters")
    return bytes(pin).ljust(_PADDED_BYTES, b"\xff")

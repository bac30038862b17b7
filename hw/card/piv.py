"""The PIV card application (NIST SP 800-73-4), so that the kiosk works with cards that anyone can buy.

Beyond the standard it asks for what many cards have: serial number, metadata, attestation, key policies. A card that
has them not is told from one that has them by its answer.
"""

from collections.abc import Callable

from hw import rsa_check
from hw.card import pin_entry, piv_contents, piv_metadata, piv_objects, piv_opening, piv_pin, tlv
from hw.card.apdu import SHORT, Command, Response
from hw.card.connection import CommandChaining, CommandPort, Traffic
from hw.card.exchange import do
from hw.card.piv_metadata import metadata_command
from hw.card.piv_objects import ANSWER_BYTES, card_number, read_object, write_object
from hw.card.piv_opening import Opened
from hw.card.piv_pin import HeldPin
from hw.card.status import Status, attempts_in, error_of
from hw.errors import CardAnswerInvalid, CardRefused, NotSent
from hw.ports import (
    Attestation,
    ChannelKeys,
    ChannelPurpose,
    KeyReplacement,
    KeyUse,
    PinPolicy,
    PinStatus,
    RsaPublicKey,
)

APPLICATION = "piv"
AID = bytes.fromhex("A00000030800001000")
"""The standard's identifier without its version, so that a card of any version answers."""

PIN_POLICY = PinPolicy(minimum_length=6, maximum_length=8, characters="0123456789")

_SLOTS = {KeyUse.SIGNATURE: (0x9C, 0x5FC10A), KeyUse.AUTHENTICATION: (0x9A, 0x5FC105)}
"""Key reference, and data object of its certificate (SP 800-73-4 part 1, table 4b)."""

_ATTESTATION_CERTIFICATE = 0x5FFF01
_RSA_2048, _SIGNATURE_BYTES = 0x07, rsa_check.MODULUS_BYTES
_GUID_BYTES = 16
_TEMPLATE, _CHALLENGE, _RESPONSE = 0x7C, 0x81, 0x82
_CONTROL_TEMPLATE, _ALGORITHM, _PIN_POLICY, _PUBLIC_KEY = 0xAC, 0x80, 0xAA, 0x7F49
_PIN_ONCE, _PIN_ALWAYS = b"\x02", b"\x03"


def open_session(port: CommandPort, traffic: Traffic, random: Callable[[int], bytes]) -> "PivSession | None":
    """Selects the application; None when the card does not have it. `random` makes the host's challenges."""
    session = PivSession(CommandChaining(port), traffic, random)
    return session if session.select() else None


class PivSession:
    """A selected application; implements `hw.ports.CardSession`."""

    application = APPLICATION

    def __init__(self, port: CommandPort, traffic: Traffic, random: Callable[[int], bytes]) -> None:
        self._plain = port
        self._traffic = traffic
        self._random = random
        self._purpose: ChannelPurpose | None = None
        self._opened: Opened | None = None
        self._held_pin = HeldPin()
        self._is_pin_always: bool | None = None
        self._is_complete = False
        self._made: dict[KeyUse, RsaPublicKey] = {}
        self._number = ""

    @property
    def _port(self) -> CommandPort:
        return self._plain if self._opened is None else self._opened.port

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

        Raises `CardUnsupported` for a card that has neither.
        """
        if not self._number:
            self._number = card_number(self._port)
        return self._number

    def pin_policy(self, use: KeyUse = KeyUse.SIGNATURE) -> PinPolicy:
        """6 to 8 digits (SP 800-73-4 part 1, 4.3); one PIN guards all keys."""
        return PIN_POLICY

    def pin_status(self, use: KeyUse = KeyUse.SIGNATURE) -> PinStatus:
        """Asks the card. A PIN that is still the maker's counts as not set, where the card tells."""
        metadata = piv_metadata.read_metadata(self._port, piv_pin.REFERENCE)
        tries = metadata.get(piv_metadata.TRIES, b"")
        if len(tries) == 2:
            return PinStatus(metadata.get(piv_metadata.IS_DEFAULT) != b"\x01", tries[1])
        sw = self._port.send(Command(0x00, 0x20, 0x00, piv_pin.REFERENCE)).sw
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
        self._opened, self._purpose, self._number = None, None, ""
        self._opened = piv_opening.open_card(
            self._plain, number, piv_opening.Issuer(purpose, keys, self._random), self._select_again
        )
        self._purpose, self._number = purpose, number

    def set_pin(self, pin: bytearray, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """Sets the PIN by the PUK, whatever it was; `NotSent` without an issue or a reset channel."""
        if self._opened is None or self._purpose not in (ChannelPurpose.ISSUE, ChannelPurpose.RESET):
            raise NotSent("a password is set under an issue or a reset channel only")
        self._held_pin.wipe()
        piv_opening.reset_pin(self._opened, "set password", pin)

    def verify_pin(self, pin: bytearray, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """Presents the PIN once. Raises `PinRefused`, `PinLocked`.

        A card that wants it before each signature gets it again in `sign` (see `hw.card.piv_pin`).
        """
        self._held_pin.wipe()
        is_pin_always = self._asks_always()
        piv_pin.verify(self._port, pin)
        if is_pin_always:
            self._held_pin.hold(pin)

    def has_pin_pad(self, use: KeyUse = KeyUse.SIGNATURE) -> bool:
        """Whether the PIN can be typed at the reader."""
        return pin_entry.has_pad(self._traffic)

    def verify_pin_at_reader(self, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """VERIFY made by the reader; what it types lies over the filling bytes."""
        command = Command(0x00, 0x20, 0x00, piv_pin.REFERENCE, b"\xff" * piv_pin.PADDED_BYTES).encode()
        sw = pin_entry.verify_at_reader(
            self._traffic, command, minimum=PIN_POLICY.minimum_length, maximum=PIN_POLICY.maximum_length
        )
        if sw != Status.OK:
            raise error_of("verify password", sw)

    def change_pin(self, old: bytearray, new: bytearray, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """Replaces the PIN by one who knows it."""
        self._held_pin.wipe()
        both = piv_pin.padded(old) + piv_pin.padded(new)
        self._do("change password", Command(0x00, 0x24, 0x00, piv_pin.REFERENCE, both))

    def generate_key(self, use: KeyUse = KeyUse.SIGNATURE) -> RsaPublicKey:
        """Makes an RSA-2048 key pair; the certificate that went with the old one is removed first.

        A card that knows key policies is asked for a PIN a session; by the standard a signature key wants it before
        every signature. Raises `CardAnswerInvalid` for a public key that no sound card makes.
        """
        slot, certificate = _SLOTS[use]
        self._put(certificate, b"")
        plain = tlv.write(_ALGORITHM, bytes((_RSA_2048,)))
        response = self._generate(slot, plain + tlv.write(_PIN_POLICY, _PIN_ONCE))
        takes_policy = response is not None
        if response is None:
            response = self._generate(slot, plain)
        if response is None:
            raise CardRefused("generate key", Status.WRONG_DATA)
        key = piv_contents.public_key(tlv.read(response).get(_PUBLIC_KEY, b""))
        rsa_check.refuse_weak(key)
        if use is KeyUse.SIGNATURE:
            self._is_pin_always = not takes_policy
            if takes_policy:
                self._held_pin.wipe()
        self._made[use] = key
        return key

    def public_key(self, use: KeyUse = KeyUse.SIGNATURE) -> RsaPublicKey | None:
        """The public key, or None; of a card without metadata the one of the certificate, if that is there.

        Between making and certifying a key such a card does not show it; then it is the one that this session made.
        """
        slot, _ = _SLOTS[use]
        response = self._port.send(metadata_command(slot, ANSWER_BYTES))
        if use is KeyUse.SIGNATURE:
            self._note_policy(response)
        if response.sw in piv_metadata.ABSENT:
            return None
        if response.sw == Status.OK:
            objects = tlv.read(response.data)
            is_rsa_2048 = objects.get(piv_metadata.ALGORITHM) == bytes((_RSA_2048,))
            return piv_contents.public_key(objects.get(piv_metadata.PUBLIC_KEY, b"")) if is_rsa_2048 else None
        if response.sw not in piv_metadata.UNKNOWN:
            raise error_of("read public key", response.sw)
        if use in self._made:
            return self._made[use]
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
            response = self._port.send(Command(0x00, 0xF9, slot, 0x00, le=ANSWER_BYTES))
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
        if use is KeyUse.SIGNATURE:
            self._held_pin.present(self._port)
        answer = self._do("sign", Command(0x00, 0x87, _RSA_2048, slot, template, le=ANSWER_BYTES))
        signature = tlv.read(tlv.read(answer).get(_TEMPLATE, b"")).get(_RESPONSE, b"")
        if len(signature) != _SIGNATURE_BYTES:
            raise CardAnswerInvalid(f"a signature of {len(signature)} bytes")
        return signature

    def write_certificate(self, certificate: bytes, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """Replaces the data object wholly; one that was cut short while written reads as none.

        A card that lacks identifier and capabilities, which the standard asks for, gets them first.
        """
        if not self._is_complete:
            self._complete()
        self._put(_SLOTS[use][1], piv_contents.certificate_object(certificate))

    def read_certificate(self, use: KeyUse = KeyUse.SIGNATURE) -> bytes | None:
        """The DER certificate, or None."""
        content = self._get(_SLOTS[use][1])
        return None if not content else piv_contents.certificate_in(content)

    def erase(self) -> None:
        """Removes certificates and keys under an erase channel, and makes the PIN the maker's again.

        A key is destroyed where the card can, else replaced by one that nobody has seen.
        """
        if self._opened is None or self._purpose is not ChannelPurpose.ERASE:
            raise NotSent("a card is erased under an erase channel only")
        for slot, certificate in _SLOTS.values():
            self._put(certificate, b"")
            destroyed = self._port.send(Command(0x00, 0xF6, 0xFF, slot))
            if destroyed.sw in piv_metadata.UNKNOWN:
                self._do("erase", _generation(slot, tlv.write(_ALGORITHM, bytes((_RSA_2048,)))))
            elif destroyed.sw != Status.OK and destroyed.sw not in piv_metadata.ABSENT:
                raise error_of("erase", destroyed.sw)
        self._made.clear()
        self._held_pin.wipe()
        piv_opening.reset_pin(self._opened, "erase", piv_pin.FACTORY_PIN)

    def deselect(self) -> None:
        """Makes the card forget that the PIN was verified; one that cannot be told so forgets it at selection."""
        self._held_pin.wipe()
        port, self._opened, self._purpose = self._port, None, None
        if port.send(Command(0x00, 0x20, 0xFF, piv_pin.REFERENCE)).sw != Status.OK:
            self.select()

    def _select_again(self) -> None:
        if not self.select():
            raise CardAnswerInvalid("the card does not have its PIV application any more")

    def _asks_always(self) -> bool:
        """Whether the signature key wants the PIN right before each signature, as far as the card tells."""
        if self._is_pin_always is None:
            self._note_policy(self._port.send(metadata_command(_SLOTS[KeyUse.SIGNATURE][0], ANSWER_BYTES)))
        return bool(self._is_pin_always)

    def _note_policy(self, metadata: Response) -> None:
        """A card without metadata has the standard's policy."""
        if metadata.sw in piv_metadata.UNKNOWN:
            self._is_pin_always = True
        elif metadata.sw == Status.OK:
            self._is_pin_always = tlv.read(metadata.data).get(piv_metadata.POLICIES, b"")[:1] == _PIN_ALWAYS
        elif metadata.sw in piv_metadata.ABSENT:
            self._is_pin_always = False

    def _complete(self) -> None:
        """Writes the two objects that a card must have, where it has none: other programs look for them."""
        has_identifier = piv_objects.is_of_identifier(self.number())
        if not has_identifier and piv_contents.guid_in(self._get(piv_objects.IDENTIFIER) or b"") is None:
            self._put(piv_objects.IDENTIFIER, piv_contents.identifier_object(self._random(_GUID_BYTES)))
        if not piv_contents.is_capabilities(self._get(piv_objects.CAPABILITIES) or b""):
            random = self._random(piv_contents.CAPABILITIES_RANDOM_BYTES)
            self._put(piv_objects.CAPABILITIES, piv_contents.capabilities_object(random))
        self._is_complete = True

    def _generate(self, slot: int, parameters: bytes) -> bytes | None:
        """The card's answer; None when it does not know the parameters."""
        response = self._port.send(_generation(slot, parameters))
        if response.sw == Status.WRONG_DATA:
            return None
        if response.sw != Status.OK:
            raise error_of("generate key", response.sw)
        return response.data

    def _get(self, tag: int) -> bytes | None:
        return read_object(self._port, tag)

    def _put(self, tag: int, content: bytes) -> None:
        write_object(self._port, tag, content)

    def _do(self, operation: str, command: Command) -> bytes:
        return do(self._port, operation, command)


def _generation(slot: int, parameters: bytes) -> Command:
    return Command(0x00, 0x47, 0x00, slot, tlv.write(_CONTROL_TEMPLATE, parameters), le=ANSWER_BYTES)

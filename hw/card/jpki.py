"""The card application of the public personal authentication service, as cards of the policy `juki-2011` hold it.

Reading, verifying and signing are the service's public card interface; issuing is a profile of our own on ISO/IEC
7816-4 and -8, under SCP03. The session knows what it has selected, so that nothing is sent twice.
"""

import re
import string
from collections.abc import Callable

from hw.card import tlv
from hw.card.apdu import SHORT, Command
from hw.card.connection import CommandPort, Traffic
from hw.card.secure_channel import CHALLENGE_BYTES, SecureChannel, initialize_update
from hw.card.status import Status, attempts_in, error_of
from hw.errors import CardAnswerInvalid, CardUnsupported, NotSent
from hw.ports import (
    Attestation,
    ChannelChallenge,
    ChannelKeys,
    ChannelPurpose,
    PinPolicy,
    PinStatus,
    RsaPublicKey,
)

APPLICATION = "juki-2011"
AID = bytes.fromhex("D392F000260100000001")
PIN_POLICY = PinPolicy(minimum_length=4, maximum_length=16, characters=string.ascii_letters + string.digits)

_CERTIFICATE, _KEY, _PIN = b"\x00\x01", b"\x00\x1a", b"\x00\x1b"
_CERTIFICATE_FILE_BYTES = 4096
_DER_HEADER_BYTES = 4
_NO_HEADER = bytes(_DER_HEADER_BYTES)
_PUBLIC_KEY_BYTES = 512
_SIGNATURE_BYTES = 256
_ATTESTATION_BYTES = 16

_LABEL, _CARD_NUMBER, _PIN_STATE = 0x50, 0x5A, 0xC1
_IDENTITY_UNKNOWN = {
    Status.FUNCTION_NOT_SUPPORTED,
    Status.WRONG_P1_P2,
    Status.REFERENCED_DATA_NOT_FOUND,
    Status.INSTRUCTION_NOT_SUPPORTED,
}
_PUBLIC_KEY, _MODULUS, _EXPONENT = 0x7F49, 0x81, 0x82

_KEY_VERSION = {ChannelPurpose.ISSUE: 0x30, ChannelPurpose.RESET: 0x31, ChannelPurpose.ERASE: 0x32}
_SET_PIN = {ChannelPurpose.ISSUE: (0x24, 0x01), ChannelPurpose.RESET: (0x2C, 0x02)}
"""INS and P1: CHANGE REFERENCE DATA and RESET RETRY COUNTER, each with nothing but the new password as data."""


def open_session(port: CommandPort, traffic: Traffic, random: Callable[[int], bytes]) -> "JpkiSession | None":
    """Selects the application; None when the card does not have it. `random` makes the host's challenges."""
    response = port.send(_select_application())
    return JpkiSession(port, traffic, random) if response.sw == Status.OK else None


class JpkiSession:
    """A selected application; implements `hw.ports.CardSession`."""

    def __init__(self, port: CommandPort, traffic: Traffic, random: Callable[[int], bytes]) -> None:
        self.application = APPLICATION
        self._plain = port
        self._port = port
        self._traffic = traffic
        self._random = random
        self._purpose: ChannelPurpose | None = None
        self._selected = b""
        self._number = ""
        self._is_pin_set = False
        self._is_certificate_blank = False

    @property
    def exchanges(self) -> int:
        """Command/response pairs since the session began."""
        return self._traffic.exchanges

    def number(self) -> str:
        """The card's number; asked once. Raises `CardUnsupported` for a card made for another policy."""
        if not self._number:
            self._identify()
        return self._number

    def pin_policy(self) -> PinPolicy:
        """4 to 16 letters and digits."""
        return PIN_POLICY

    def pin_status(self) -> PinStatus:
        """Asks the card. It counts 0 for a locked and for an unset password: its own data tell them apart."""
        self._select(_PIN)
        sw = self._port.send(Command(0x00, 0x20, 0x00, 0x80)).sw
        attempts = attempts_in(sw)
        if attempts is None:
            raise error_of("ask for attempts", sw)
        if attempts == 0:
            self.number()
        return PinStatus(is_set=attempts > 0 or self._is_pin_set, attempts_remaining=attempts)

    def open_channel(self, purpose: ChannelPurpose, keys: ChannelKeys) -> None:
        """Opens the secure channel; `keys` may refuse, then the session goes on without one."""
        number = self.number()
        self._port, self._purpose = self._plain, None
        host_challenge = self._random(CHALLENGE_BYTES)
        greeting = initialize_update(self._plain, _KEY_VERSION[purpose], host_challenge)
        challenge = ChannelChallenge(
            card_number=number,
            purpose=purpose,
            key_version=_KEY_VERSION[purpose],
            host_challenge=host_challenge,
            card_challenge=greeting.card_challenge,
            card_cryptogram=greeting.card_cryptogram,
        )
        self._port = SecureChannel.open(self._plain, keys(challenge), host_challenge + greeting.card_challenge)
        self._purpose = purpose

    def set_pin(self, pin: bytearray) -> None:
        """Sets a password under an issue or a reset channel; `NotSent` without one, so that it never goes in clear."""
        if self._purpose not in _SET_PIN:
            raise NotSent("a password is set under an issue or a reset channel only")
        ins, p1 = _SET_PIN[self._purpose]
        self._send_pin("set password", ins, p1, pin)
        self._is_pin_set = True

    def verify_pin(self, pin: bytearray) -> None:
        """Presents the password once. Raises `PinRefused`, `PinLocked`."""
        self._send_pin("verify password", 0x20, 0x00, pin)

    def change_pin(self, old: bytearray, new: bytearray) -> None:
        """Verifies the old, then sets the new: passwords of free length are never joined in one command."""
        self._send_pin("verify password", 0x20, 0x00, old)
        self._send_pin("change password", 0x24, 0x01, new)

    def generate_key(self) -> RsaPublicKey:
        """Makes a key pair; the card drops the old one, and first of all the certificate that went with it."""
        self._select(_KEY)
        answer = self._do("generate key", Command(0x00, 0x47, 0x80, 0x00, le=_PUBLIC_KEY_BYTES))
        self._is_certificate_blank = True
        return _public_key(answer)

    def public_key(self) -> RsaPublicKey | None:
        """The public key of the key pair in the card, or None."""
        self._select(_KEY)
        response = self._port.send(Command(0x00, 0x47, 0x81, 0x00, le=_PUBLIC_KEY_BYTES))
        if response.sw == Status.REFERENCED_DATA_NOT_FOUND:
            return None
        if response.sw != Status.OK:
            raise error_of("read public key", response.sw)
        return _public_key(response.data)

    def attest(self, nonce: bytes, key_hash: bytes) -> Attestation:
        """INTERNAL AUTHENTICATE over nonce (16 bytes) and key hash (32 bytes); CMAC of the card's attestation key."""
        command = Command(0x00, 0x88, 0x00, 0x33, nonce + key_hash, _ATTESTATION_BYTES)
        value = self._do("attest key", command)
        if len(value) != _ATTESTATION_BYTES:
            raise CardAnswerInvalid(f"an attestation of {len(value)} bytes")
        return Attestation(nonce, value)

    def sign(self, digest_info: bytes) -> bytes:
        """PERFORM SECURITY OPERATION; the card adds the padding of PKCS#1 v1.5."""
        self._select(_KEY)
        signature = self._do("sign", Command(0x80, 0x2A, 0x00, 0x80, digest_info, _SIGNATURE_BYTES))
        if len(signature) != _SIGNATURE_BYTES:
            raise CardAnswerInvalid(f"a signature of {len(signature)} bytes")
        return signature

    def write_certificate(self, certificate: bytes) -> None:
        """Writes what makes the file readable last: a card pulled before reads as having no certificate.

        Raises `NotSent` for what is no DER object of 260 to 4096 bytes, the form the public interface can read.
        """
        if not 0 < _der_length(certificate) == len(certificate) <= _CERTIFICATE_FILE_BYTES:
            raise NotSent("not one DER object that fits the card's certificate file")
        self._select(_CERTIFICATE)
        if not self._is_certificate_blank:
            self._update(0, _NO_HEADER)
        self._is_certificate_blank = False
        for offset in range(_DER_HEADER_BYTES, len(certificate), self._port.limits.data):
            self._update(offset, certificate[offset : offset + self._port.limits.data])
        self._update(0, certificate[:_DER_HEADER_BYTES])

    def read_certificate(self) -> bytes | None:
        """The DER certificate, or None; one exchange where reader and card take extended length."""
        self._select(_CERTIFICATE)
        content = self._read(0)
        if content.startswith(_NO_HEADER):
            self._is_certificate_blank = True
            return None
        length = _der_length(content)
        if not 0 < length <= _CERTIFICATE_FILE_BYTES:
            raise CardAnswerInvalid("the certificate file holds no certificate")
        while len(content) < length:
            piece = self._read(len(content))
            if not piece:
                raise CardAnswerInvalid("the certificate file ends within the certificate")
            content += piece
        return content[:length]

    def erase(self) -> None:
        """Removes certificate, key and password under an erase channel."""
        self._do("erase", Command(0x80, 0xE4, 0x00, 0x00))
        self._selected = b""
        self._is_pin_set = False
        self._is_certificate_blank = True

    def deselect(self) -> None:
        """Selects the application anew, which forgets the verified password and ends the channel."""
        self._port, self._purpose, self._selected = self._plain, None, b""
        self._do("end session", _select_application())

    def _identify(self) -> None:
        response = self._port.send(Command(0x00, 0xCA, 0x01, 0x01, le=SHORT.answer))
        if response.sw in _IDENTITY_UNKNOWN:
            raise CardUnsupported("the card has no card number")
        if response.sw != Status.OK:
            raise error_of("read card number", response.sw)
        identity = tlv.read(response.data)
        number, pin_state = identity.get(_CARD_NUMBER, b""), identity.get(_PIN_STATE, b"")
        if not re.fullmatch(rb"[A-Z0-9]{16}", number) or pin_state not in (b"\x00", b"\x01"):
            raise CardAnswerInvalid("the card's identity lacks its number or the state of its password")
        if identity.get(_LABEL) != APPLICATION.encode():
            raise CardUnsupported("the card was made for another policy")
        self._number, self._is_pin_set = number.decode(), pin_state == b"\x01"

    def _send_pin(self, operation: str, ins: int, p1: int, pin: bytearray) -> None:
        if not pin:
            raise NotSent("an empty password: the card would take it for a question")
        self._select(_PIN)
        self._do(operation, Command(0x00, ins, p1, 0x80, bytes(pin)))

    def _select(self, file: bytes) -> None:
        if self._selected == file:
            return
        self._selected = b""
        self._do(f"select file {file.hex().upper()}", Command(0x00, 0xA4, 0x02, 0x0C, file))
        self._selected = file

    def _read(self, offset: int) -> bytes:
        le = min(_CERTIFICATE_FILE_BYTES - offset, self._port.limits.answer)
        response = self._port.send(Command(0x00, 0xB0, offset >> 8, offset & 0xFF, le=le))
        if response.sw not in (Status.OK, Status.END_OF_FILE_REACHED):
            raise error_of("read certificate", response.sw)
        return response.data

    def _update(self, offset: int, data: bytes) -> None:
        self._do("write certificate", Command(0x00, 0xD6, offset >> 8, offset & 0xFF, data))

    def _do(self, operation: str, command: Command) -> bytes:
        response = self._port.send(command)
        if response.sw != Status.OK:
            raise error_of(operation, response.sw)
        return response.data


def _select_application() -> Command:
    return Command(0x00, 0xA4, 0x04, 0x0C, AID)


def _der_length(data: bytes) -> int:
    """The whole length of a DER SEQUENCE with a length field of two bytes, or 0 when `data` begins with no such."""
    return _DER_HEADER_BYTES + int.from_bytes(data[2:4], "big") if data[:2] == b"\x30\x82" and len(data) >= 4 else 0


def _public_key(answer: bytes) -> RsaPublicKey:
    parts = tlv.read(tlv.read(answer).get(_PUBLIC_KEY, b""))
    modulus, exponent = parts.get(_MODULUS, b""), parts.get(_EXPONENT, b"")
    if len(modulus) != _SIGNATURE_BYTES or not modulus[0] & 0x80 or not exponent:
        raise CardAnswerInvalid("the card's public key is not one of RSA with 2048 bits")
    return RsaPublicKey(int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big"))

"""The host's side of SCP03, AES-128 with C-MAC, C-DEC, R-MAC and R-ENC (GlobalPlatform 2.3.1, Amendment D 1.1.2)."""

import hmac
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from hw.card.apdu import SECURE_MESSAGING, SHORT, Command, Limits, Response
from hw.card.connection import CommandPort
from hw.card.status import Status, error_of, is_warning
from hw.errors import CardAnswerInvalid, NotSent
from hw.ports import SessionKeys

CHALLENGE_BYTES = 8
"""Length of the host's challenge, and of the card's."""

_MAC_BYTES = 8
_BLOCK_BYTES = 16
_PROPRIETARY = 0x80
_LEVEL_ALL = 0x33
_SCP03 = 0x03
_R_MAC_AND_R_ENC, _PSEUDO_RANDOM = 0x60, 0x10
"""Bits of the parameter i: what the channel can do, and whether a sequence counter follows the cryptogram."""

_COMMAND, _ANSWER = 0x00, 0x80
"""First byte of the counter block, one a direction."""


@dataclass(frozen=True)
class Greeting:
    """What the card answers to INITIALIZE UPDATE: version of its keys, challenge, cryptogram over both challenges."""

    key_version: int
    card_challenge: bytes
    card_cryptogram: bytes


def initialize_update(port: CommandPort, key_version: int, host_challenge: bytes) -> Greeting:
    """Asks the card to begin a channel with the keys of that version (section 7.1.1), 0: of its first one.

    Raises `CardRefused`, and `CardAnswerInvalid` for a card that does not speak SCP03 with R-MAC and R-ENC.
    """
    response = port.send(Command(0x80, 0x50, key_version, 0x00, host_challenge, SHORT.answer))
    if response.sw != Status.OK:
        raise error_of("open secure channel", response.sw)
    offered = response.data[10:13]
    if (
        len(offered) != 3
        or offered[0] not in ((key_version,) if key_version else range(1, 0x100))
        or offered[1] != _SCP03
        or offered[2] & ~_PSEUDO_RANDOM != _R_MAC_AND_R_ENC
    ):
        raise CardAnswerInvalid("the card offers another key or another protocol than SCP03 with R-MAC and R-ENC")
    if len(response.data) != 29 + (3 if offered[2] & _PSEUDO_RANDOM else 0):
        raise CardAnswerInvalid(f"INITIALIZE UPDATE answered {len(response.data)} bytes")
    return Greeting(offered[0], card_challenge=response.data[13:21], card_cryptogram=response.data[21:29])


class SecureChannel:
    """An open channel as a port: commands go in plain, leave encrypted and authenticated, and so do their answers.

    It is good until an exchange does not end as the standard demands; after that it sends nothing more.
    """

    def __init__(self, port: CommandPort, keys: SessionKeys) -> None:
        self._port = port
        self._keys = keys
        self._chaining_value = bytes(_BLOCK_BYTES)
        self._counter = 0
        self._is_open = True

    @classmethod
    def open(cls, port: CommandPort, keys: SessionKeys, context: bytes) -> "SecureChannel":
        """Proves the host's keys by EXTERNAL AUTHENTICATE (section 7.1.2).

        `context` is host challenge and card challenge, one after the other. Raises `CardRefused`.
        """
        channel = cls(port, keys)
        cryptogram = _host_cryptogram(keys.mac, context)
        command = Command(_PROPRIETARY, 0x82, _LEVEL_ALL, 0x00, cryptogram)
        response = port.send(channel._authenticated(command, cryptogram))
        if response.sw != Status.OK:
            raise error_of("open secure channel", response.sw)
        return channel

    @property
    def limits(self) -> Limits:
        """What is left of the port's limits after padding and MAC."""
        return Limits(data=_room(self._port.limits.data), answer=_room(self._port.limits.answer))

    def send(self, command: Command) -> Response:
        """Does one command under the channel; an error status comes without data and unauthenticated (section 6.2.5).

        Raises `CardAnswerInvalid` for an answer that is not the card's, and `NotSent` ever after.
        """
        if not self._is_open:
            raise NotSent("the secure channel has ended")
        self._is_open = False
        self._counter += 1
        data = self._encrypted(command.data) if command.data else b""
        sealed = self._port.send(self._authenticated(command, data))
        response = self._unsealed(sealed) if _is_sealed(sealed) else Response(b"", sealed.sw)
        self._is_open = True
        return response

    def _encrypted(self, data: bytes) -> bytes:
        padded = data + b"\x80"
        padded += bytes(-len(padded) % _BLOCK_BYTES)
        encryptor = self._cipher(self._counter_block(_COMMAND)).encryptor()
        return encryptor.update(padded) + encryptor.finalize()

    def _authenticated(self, command: Command, data: bytes) -> Command:
        """The command with its data replaced and a C-MAC behind it (section 6.2.4)."""
        cla = command.cla & _PROPRIETARY | SECURE_MESSAGING
        unsigned = replace(command, cla=cla, data=data + bytes(_MAC_BYTES), le=self._le(command))
        self._chaining_value = _cmac(self._keys.mac, self._chaining_value + unsigned.header + unsigned.lc + data)
        return replace(unsigned, data=data + self._chaining_value[:_MAC_BYTES])

    def _le(self, command: Command) -> int | None:
        """Le counts plain bytes, as it does outside; what is longer sealed than a short answer is asked in full.

        A card that takes the greater number for plain bytes too just answers what it has.
        """
        if command.le is None or _sealed_length(command.le) <= SHORT.answer:
            return command.le
        return min(_sealed_length(command.le), self._port.limits.answer)

    def _unsealed(self, sealed: Response) -> Response:
        """The answer's plain data, once its R-MAC holds (section 6.2.5)."""
        data, mac = sealed.data[:-_MAC_BYTES], sealed.data[-_MAC_BYTES:]
        expected = _cmac(self._keys.rmac, self._chaining_value + data + sealed.sw.to_bytes(2, "big"))
        if not hmac.compare_digest(mac, expected[:_MAC_BYTES]):
            raise CardAnswerInvalid("the answer's MAC is wrong: it is not the card's, or not to this command")
        if not data:
            return Response(b"", sealed.sw)
        if len(data) % _BLOCK_BYTES:
            raise CardAnswerInvalid("the encrypted answer is not whole blocks")
        decryptor = self._cipher(self._counter_block(_ANSWER)).decryptor()
        plain, mark, zeros = (decryptor.update(data) + decryptor.finalize()).rpartition(b"\x80")
        if not mark or any(zeros):
            raise CardAnswerInvalid("the encrypted answer is not padded")
        return Response(plain, sealed.sw)

    def _cipher(self, counter_block: bytes) -> Cipher[modes.CBC]:
        ecb = Cipher(algorithms.AES(self._keys.enc), modes.ECB()).encryptor()  # noqa: S305 - one block, as SCP03 says
        return Cipher(algorithms.AES(self._keys.enc), modes.CBC(ecb.update(counter_block) + ecb.finalize()))

    def _counter_block(self, direction: int) -> bytes:
        return bytes((direction,)) + self._counter.to_bytes(_BLOCK_BYTES - 1, "big")


def _is_sealed(response: Response) -> bool:
    """Whether an answer claims to be authenticated: errors never are, and a bare warning is worth as little as one."""
    return response.sw == Status.OK or (is_warning(response.sw) and bool(response.data))


def _room(length: int) -> int:
    return (length - _MAC_BYTES) // _BLOCK_BYTES * _BLOCK_BYTES - 1


def _sealed_length(length: int) -> int:
    return (length // _BLOCK_BYTES + 1) * _BLOCK_BYTES + _MAC_BYTES


def _host_cryptogram(mac_key: bytes, context: bytes) -> bytes:
    derivation = bytes(11) + bytes((0x01, 0x00)) + (8 * _MAC_BYTES).to_bytes(2, "big") + b"\x01" + context
    return _cmac(mac_key, derivation)[:_MAC_BYTES]


def _cmac(key: bytes, message: bytes) -> bytes:
    cmac = CMAC(algorithms.AES(key))
    cmac.update(message)
    return cmac.finalize()

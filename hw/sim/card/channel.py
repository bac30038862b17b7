"""The card's side of the secure channel (GlobalPlatform Amendment D 1.1.2, SCP03): AES-128, i=60, every level."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from hw.ports import ChannelPurpose
from hw.sim.card.apdu import Answer, Command, Refusal, Status
from hw.sim.card.memory import StaticKeys

FULL_SECURITY_LEVEL = 0x33
"""C-MAC, C-DECRYPTION, R-MAC and R-ENCRYPTION together."""

_C_MAC, _C_DECRYPTION, _R_MAC, _R_ENCRYPTION = 0x01, 0x02, 0x10, 0x20
SECURITY_LEVELS = frozenset({0x00, 0x01, 0x03, 0x11, 0x13, FULL_SECURITY_LEVEL})
"""What EXTERNAL AUTHENTICATE may ask for in P1 (Amendment D, 7.1.2.1)."""

SECURED_BIT = 0x04
"""Marks in CLA a command inside the channel (Amendment D, 6.1)."""

KEY_INFORMATION = bytes((0x03, 0x60))
"""SCP03 with random challenges, R-MAC and R-ENCRYPTION (Amendment D, 5.1 and 7.1.1.6)."""

CHALLENGE_SIZE = 8
CRYPTOGRAM_SIZE = 8
_KEY_BLOCK_HEADER = bytes((0x88, 0x11, 0x10))
"""AES; 17 bytes follow, of which the first says that the key has 16."""

_KEY_BLOCK_SIZE = 23
PUT_KEY_SIZE = 1 + 3 * _KEY_BLOCK_SIZE
"""Bytes of data of PUT KEY: a version and three keys."""

MAC_SIZE = 8
_BLOCK = 16

# Data derivation constants (Amendment D, 4.1.5)
_CARD_CRYPTOGRAM, _HOST_CRYPTOGRAM, _S_ENC, _S_MAC, _S_RMAC = 0x00, 0x01, 0x04, 0x06, 0x07


class ChannelBroken(Exception):
    """A command does not come from whoever opened the channel: its MAC or its padding is wrong."""


class SecureChannel:
    """One channel for one `purpose`: begun by INITIALIZE UPDATE, open once `authenticate` succeeded.

    `purpose` is None for keys that belong to no purpose of the issuer's. `level` is what the host asked for.
    """

    def __init__(
        self, purpose: ChannelPurpose | None, keys: StaticKeys, host_challenge: bytes, card_challenge: bytes
    ) -> None:
        context = host_challenge + card_challenge
        self.purpose = purpose
        self.dek = keys.dek
        self._enc = algorithms.AES(_derive(keys.enc, _S_ENC, 128, context))
        self._mac = _derive(keys.mac, _S_MAC, 128, context)
        self._rmac = _derive(keys.mac, _S_RMAC, 128, context)
        self.card_cryptogram = _derive(self._mac, _CARD_CRYPTOGRAM, 64, context)
        self._host_cryptogram = _derive(self._mac, _HOST_CRYPTOGRAM, 64, context)
        self._chaining = bytes(_BLOCK)
        self._counter = 0
        self.is_open = False
        self.level = FULL_SECURITY_LEVEL

    @property
    def right(self) -> ChannelPurpose | None:
        """What may be done in this channel: only one that protects everything carries the purpose of its keys."""
        return self.purpose if self.level == FULL_SECURITY_LEVEL else None

    def authenticate(self, command: Command) -> bool:
        """Opens the channel if EXTERNAL AUTHENTICATE carries the host's cryptogram; raises `ChannelBroken`."""
        cryptogram = self._check_mac(command)
        self.level = command.p1
        self.is_open = hmac.compare_digest(cryptogram, self._host_cryptogram)
        return self.is_open

    def unwrap(self, command: Command) -> Command:
        """The plain command inside a secured one; raises `ChannelBroken`, and then the channel is to be dropped."""
        if not self.level & _C_MAC:
            raise ChannelBroken
        data = self._check_mac(command)
        self._counter += 1
        if data and self.level & _C_DECRYPTION:
            data = _unpad(self._decrypt(data))
        return replace(command, cla=command.cla & ~SECURED_BIT, data=data)

    def wrap(self, answer: Answer) -> Answer:
        """The answer as it leaves: encrypted and with its R-MAC, unless its status is an error (Amendment D, 6.2.5)."""
        if not self.level & _R_MAC or (answer.sw != Status.OK and answer.sw >> 8 not in (0x62, 0x63)):
            return answer
        data = self._encrypt(answer.data) if answer.data and self.level & _R_ENCRYPTION else answer.data
        mac = _cmac(self._rmac, self._chaining + data + answer.sw.to_bytes(2, "big"))
        return Answer(data + mac[:MAC_SIZE], answer.sw)

    def _check_mac(self, command: Command) -> bytes:
        """The command's data without its C-MAC; the full MAC becomes the next chaining value."""
        data, mac = command.data[:-MAC_SIZE], command.data[-MAC_SIZE:]
        lc = len(command.data)
        length = bytes(1) + lc.to_bytes(2, "big") if command.extended else lc.to_bytes(1, "big")
        header = bytes((command.cla, command.ins, command.p1, command.p2))
        full = _cmac(self._mac, self._chaining + header + length + data)
        if not hmac.compare_digest(mac, full[:MAC_SIZE]):
            raise ChannelBroken
        self._chaining = full
        return data

    def _cipher(self, marker: int) -> Cipher[modes.CBC]:
        block = bytes((marker,)) + self._counter.to_bytes(_BLOCK - 1, "big")
        encryptor = Cipher(self._enc, modes.ECB()).encryptor()  # noqa: S305 - one block; the IV of Amendment D, 6.2.6
        return Cipher(self._enc, modes.CBC(encryptor.update(block)))

    def _decrypt(self, data: bytes) -> bytes:
        if len(data) % _BLOCK:
            raise ChannelBroken
        return self._cipher(0x00).decryptor().update(data)

    def _encrypt(self, data: bytes) -> bytes:
        padded = data + b"\x80" + bytes(-(len(data) + 1) % _BLOCK)
        return self._cipher(0x80).encryptor().update(padded)


@dataclass
class ChannelEnd:
    """The card's end of whatever channel there is: it offers one, opens one, and carries commands through it.

    `keys` are those of the card by key version, `purposes` what each is for, `diversification` the 10 bytes by which
    the host finds them; version 00 asks for the one that issues, else for the lowest (Amendment D, 7.1.1.3).
    """

    keys: Mapping[int, StaticKeys]
    purposes: Mapping[int, ChannelPurpose]
    diversification: bytes
    random_bytes: Callable[[int], bytes]
    channel: SecureChannel | None = field(default=None, init=False)

    def reset(self) -> None:
        """Ends the channel."""
        self.channel = None

    def initialize_update(self, command: Command) -> Answer:
        """Ends an open channel and offers a new one."""
        self.channel = None
        version = command.p1 or min(
            self.keys, key=lambda each: (self.purposes.get(each) is not ChannelPurpose.ISSUE, each)
        )
        if command.p2:
            raise Refusal(Status.P1P2_WRONG)
        if version not in self.keys:
            raise Refusal(Status.REFERENCE_NOT_FOUND)
        challenge = self.random_bytes(CHALLENGE_SIZE)
        self.channel = SecureChannel(self.purposes.get(version), self.keys[version], command.data, challenge)
        offer = self.diversification + bytes((version,)) + KEY_INFORMATION + challenge
        return Answer(offer + self.channel.card_cryptogram)

    def external_authenticate(self, command: Command) -> Answer:
        """Opens the channel that was offered last, if the host knows its keys; there is one attempt an offer."""
        if command.p1 not in SECURITY_LEVELS or command.p2:
            raise Refusal(Status.P1P2_WRONG)
        channel, self.channel = self.channel, None
        if channel is None or channel.is_open:
            raise Refusal(Status.CONDITIONS_NOT_SATISFIED)
        try:
            if not channel.authenticate(command):
                raise Refusal(Status.CRYPTOGRAM_WRONG)
        except ChannelBroken:
            raise Refusal(Status.SECURITY_NOT_SATISFIED) from None
        self.channel = channel
        return Answer()

    def execute_secured(self, command: Command, run: Callable[[Command, ChannelPurpose | None], Answer]) -> Answer:
        """Runs the plain command inside a secured one, with the right that the channel gives; seals its answer."""
        channel = self.channel
        if channel is None or not channel.is_open:
            raise Refusal(Status.SECURITY_NOT_SATISFIED)
        try:
            plain = channel.unwrap(command)
        except ChannelBroken:
            self.channel = None
            raise Refusal(Status.SECURITY_NOT_SATISFIED) from None
        return channel.wrap(run(plain, channel.right))


def new_keys(dek: bytes, data: bytes) -> tuple[StaticKeys, Answer]:
    """The key set that PUT KEY brings (GlobalPlatform 11.8.2.3, Amendment D 7.2), and the answer to it.

    `data`: version; then for each key its type (AES), its length, itself encrypted under `dek`, and a check value.
    Answer: version and check values. Raises `Refusal`.
    """
    if len(data) != PUT_KEY_SIZE:
        raise Refusal(Status.LENGTH_WRONG)
    keys, checks = [], b""
    for start in range(1, PUT_KEY_SIZE, _KEY_BLOCK_SIZE):
        block = data[start : start + _KEY_BLOCK_SIZE]
        key = decrypt_key(dek, block[3:19])
        check = key_check_value(key)
        if block[:3] != _KEY_BLOCK_HEADER or block[19:] != b"\x03" + check:
            raise Refusal(Status.DATA_WRONG)
        keys.append(key)
        checks += check
    return StaticKeys(*keys), Answer(data[:1] + checks)


def decrypt_key(dek: bytes, encrypted: bytes) -> bytes:
    """A key that came encrypted under K-DEK: AES-CBC without padding, IV zero (Amendment D, 7.2)."""
    return Cipher(algorithms.AES(dek), modes.CBC(bytes(_BLOCK))).decryptor().update(encrypted)


def key_check_value(key: bytes) -> bytes:
    """Three bytes by which a key is known to be the right one: of a block of 01 enciphered (Amendment D, 4.1.4)."""
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - one block, as the standard says
    return encryptor.update(b"\x01" * _BLOCK)[:3]


def _derive(key: bytes, constant: int, bits: int, context: bytes) -> bytes:
    """Data derivation of Amendment D, 4.1.5: label, separation indicator, L in bits, counter 1, context."""
    fixed = bytes(11) + bytes((constant, 0x00)) + bits.to_bytes(2, "big") + b"\x01"
    return _cmac(key, fixed + context)[: bits // 8]


def _unpad(data: bytes) -> bytes:
    plain = data.rstrip(b"\x00")
    if not plain.endswith(b"\x80") or len(data) - len(plain) >= _BLOCK:
        raise ChannelBroken
    return plain[:-1]


def _cmac(key: bytes, message: bytes) -> bytes:
    mac = CMAC(algorithms.AES(key))
    mac.update(message)
    return mac.finalize()

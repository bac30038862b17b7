"""What a card remembers without power, and the two places where it is kept: this process, or a file."""

import os
import re
from pathlib import Path
from typing import Annotated, Literal, Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from hw.sim.card.profile import PIV, PROFILE_NAMES

CARD_NUMBER = re.compile("[A-Z0-9]{16}", re.ASCII)

_Aes128Key = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
_Tries = Annotated[int, msgspec.Meta(ge=0, le=15)]


class CardMemoryInvalid(ValueError):
    """The card's memory cannot be read or kept; the message names the file and the reason."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason = reason


class _Secret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class StaticKeys(_Secret, frozen=True):
    """The static keys of one secure channel purpose (SCP03: K-ENC, K-MAC, K-DEK)."""

    enc: _Aes128Key
    mac: _Aes128Key
    dek: _Aes128Key


class PinRecord(_Secret, frozen=True):
    """A password as a salted hash, and the tries that are left for it."""

    salt: bytes
    digest: bytes
    tries: _Tries


class Reference(_Secret, frozen=True):
    """A PIN or PUK of a PIV card: salted hash, tries left and at most, and whether it is still the factory's."""

    record: PinRecord
    maximum: _Tries
    is_default: bool


class PivKey(_Secret, frozen=True):
    """A private key of a PIV card: PKCS#8 DER, its algorithm and policies (wire values), and where it was made."""

    der: bytes
    algorithm: int
    pin_policy: int
    touch_policy: int
    is_generated: bool


class PivMemory(_Secret, frozen=True):
    """What the PIV application keeps: data objects by tag, private keys by key reference."""

    pin: Reference
    puk: Reference
    management_algorithm: int
    management_key: bytes
    objects: dict[int, bytes] = {}
    keys: dict[int, PivKey] = {}


class CardMemory(_Secret, frozen=True):
    """Everything a card keeps; mappings are by file identifier, `channel_keys` by key version.

    `files` hold what was written to them, without the zeros that follow; `keys` are PKCS#8 DER. A password that is not
    set and a key that does not exist are not in their mapping. `deactivated` are those of the files with a life cycle
    that cannot be read. A PIV card keeps all of its own in `piv`.
    """

    profile: str
    number: str
    channel_keys: dict[int, StaticKeys]
    attestation_key: _Aes128Key
    files: dict[int, bytes] = {}
    pins: dict[int, PinRecord] = {}
    keys: dict[int, bytes] = {}
    deactivated: set[int] = set()
    piv: PivMemory | None = None
    format: Literal["virtual-card-1"] = "virtual-card-1"


class NonVolatile(Protocol):
    """Where a card's memory is kept; what `write` returned from survives whatever the place survives."""

    def read(self) -> CardMemory:
        """The memory as last written. Raises `CardMemoryInvalid`."""
        ...

    def write(self, memory: CardMemory) -> None:
        """Replaces the memory, wholly or not at all. Raises `CardMemoryInvalid`."""
        ...


class MemoryStore:
    """A card's memory in this process; it survives power off and removal."""

    def __init__(self, memory: CardMemory) -> None:
        self._memory = memory

    def read(self) -> CardMemory:
        """The memory as last written."""
        return self._memory

    def write(self, memory: CardMemory) -> None:
        """Replaces the memory."""
        self._memory = memory


class FileStore:
    """A card's memory in a JSON file of its own, readable by its owner only; survives SIGKILL and power loss.

    A change is a new file beside it, synced, then renamed over it: the file is the old memory or the new, always.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def exists(self) -> bool:
        """Whether the file is there; a new card has none yet."""
        return self._path.exists()

    def read(self) -> CardMemory:
        """The memory in the file. Raises `CardMemoryInvalid`."""
        try:
            memory = msgspec.json.decode(self._path.read_bytes(), type=CardMemory)
            _check(memory)
        except OSError as error:
            raise CardMemoryInvalid(self._path, error.strerror or str(error)) from error
        except (msgspec.DecodeError, ValueError) as error:
            raise CardMemoryInvalid(self._path, f"not a card's memory: {error}") from error
        return memory

    def write(self, memory: CardMemory) -> None:
        """Replaces the memory. Raises `CardMemoryInvalid` when the disk refuses; the file is then as it was."""
        new = self._path.with_name(self._path.name + ".new")
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "wb") as file:
                file.write(msgspec.json.encode(memory))
                file.flush()
                os.fsync(file.fileno())
            new.rename(self._path)
            directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise CardMemoryInvalid(self._path, error.strerror or str(error)) from error


def _check(memory: CardMemory) -> None:
    """Raises `ValueError` for what the types alone do not say."""
    if memory.profile not in PROFILE_NAMES or (memory.profile == PIV) != (memory.piv is not None):
        raise ValueError(f"profile {memory.profile!r} is unknown, or what the card holds is not of it")
    if not CARD_NUMBER.fullmatch(memory.number):
        raise ValueError("number is not 16 characters of A-Z and 0-9")
    for fid, der in memory.keys.items():
        try:
            # Whether p and q are prime would take 40 ms at every insertion; the card made them, or the file is forged.
            key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
        except (ValueError, TypeError) as error:
            raise ValueError(f"key {fid:04X} is not a private key in PKCS#8") from error
        if not isinstance(key, RSAPrivateKey) or key.key_size != 2048:
            raise ValueError(f"key {fid:04X} is not RSA-2048")
        numbers = key.private_numbers()
        if numbers.p * numbers.q != numbers.public_numbers.n:
            raise ValueError(f"key {fid:04X} is damaged")

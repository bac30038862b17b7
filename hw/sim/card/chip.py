"""What a card application runs on: memory that survives power loss, randomness, key generation, cryptography."""

import hashlib
import hmac
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from msgspec.structs import replace

from hw.sim.card.key_maker import KeyMaker
from hw.sim.card.memory import CardMemory, NonVolatile, PinRecord, StaticKeys

RandomBytes = Callable[[int], bytes]


class Chip:
    """One card's memory and cryptography; every change is kept in `nonvolatile` before the method returns.

    Each method is one write, so that a card that loses power stands before or after it, never within.
    """

    def __init__(self, nonvolatile: NonVolatile, make_key: KeyMaker, random_bytes: RandomBytes) -> None:
        self._nonvolatile = nonvolatile
        self._make_key = make_key
        self._shown = make_key.shown
        self.random_bytes = random_bytes
        self.memory: CardMemory = nonvolatile.read()

    # --- files

    def write_file(self, fid: int, offset: int, data: bytes) -> None:
        """Overwrites a part of a file; the caller has checked its size."""
        content = self.memory.files.get(fid, b"")
        content = content[:offset].ljust(offset, b"\x00") + data + content[offset + len(data) :]
        self._keep(replace(self.memory, files={**self.memory.files, fid: content}))

    def deactivate_file(self, fid: int) -> None:
        """Makes a file empty and unreadable."""
        files = {**self.memory.files, fid: b""}
        self._keep(replace(self.memory, files=files, deactivated=self.memory.deactivated | {fid}))

    def activate_file(self, fid: int) -> None:
        """Makes what was written to a file readable, and no longer to be written."""
        self._keep(replace(self.memory, deactivated=self.memory.deactivated - {fid}))

    def clear_files(self, fids: set[int]) -> None:
        """Makes the files empty."""
        self._keep(replace(self.memory, files=_without(self.memory.files, fids)))

    # --- passwords

    def set_pin(self, fid: int, pin: bytes, tries: int) -> None:
        """Replaces the password and gives it all its tries."""
        salt = self.random_bytes(16)
        self._keep_pin(fid, PinRecord(salt, pin_digest(salt, pin), tries))

    def set_tries(self, fid: int, tries: int) -> None:
        """Records how many tries are left for a password that is set."""
        self._keep_pin(fid, replace(self.memory.pins[fid], tries=tries))

    def is_pin(self, fid: int, pin: bytes) -> bool:
        """Whether `pin` is the password; counts nothing."""
        record = self.memory.pins[fid]
        return hmac.compare_digest(record.digest, pin_digest(record.salt, pin))

    def replace_channel_keys(self, old_version: int, new_version: int, keys: StaticKeys) -> None:
        """Replaces the channel keys of a version by those of another."""
        kept = {version: held for version, held in self.memory.channel_keys.items() if version != old_version}
        self._keep(replace(self.memory, channel_keys={**kept, new_version: keys}))

    def clear_pins(self) -> None:
        """Unsets every password."""
        self._keep(replace(self.memory, pins={}))

    # --- keys

    def generate_key(self, fid: int) -> None:
        """Replaces the key pair by a new one."""
        der = self._make_key().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        self._keep(replace(self.memory, keys={**self.memory.keys, fid: der}))

    def clear_keys(self) -> None:
        """Destroys every key pair."""
        self._keep(replace(self.memory, keys={}))

    def public_numbers(self, fid: int) -> rsa.RSAPublicNumbers:
        """Modulus and exponent of a key pair that exists, as the card shows them."""
        return self._shown(self._private_key(fid)).public_key().public_numbers()

    def public_key_hash(self, fid: int) -> bytes:
        """SHA-256 of the SubjectPublicKeyInfo of a key pair that exists."""
        public = self._private_key(fid).public_key()
        return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()

    def sign(self, fid: int, digest_info: bytes) -> bytes:
        """PKCS#1 v1.5 signature over a DigestInfo of at most 245 bytes, which is padded and not looked into."""
        return self._private_key(fid).sign(digest_info, padding.PKCS1v15(), utils.NoDigestInfo())

    def attest(self, message: bytes) -> bytes:
        """AES-CMAC of `message` under the card's attestation key."""
        mac = CMAC(algorithms.AES(self.memory.attestation_key))
        mac.update(message)
        return mac.finalize()

    def _private_key(self, fid: int) -> rsa.RSAPrivateKey:
        # The chip made this key or the store has checked it; checking again would cost more than the signature.
        key = load_der_private_key(self.memory.keys[fid], None, unsafe_skip_rsa_key_validation=True)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key

    def _keep_pin(self, fid: int, record: PinRecord) -> None:
        self._keep(replace(self.memory, pins={**self.memory.pins, fid: record}))

    def _keep(self, memory: CardMemory) -> None:
        self._nonvolatile.write(memory)
        self.memory = memory


def _without(files: dict[int, bytes], fids: set[int]) -> dict[int, bytes]:
    return {fid: content for fid, content in files.items() if fid not in fids}


def pin_digest(salt: bytes, pin: bytes) -> bytes:
    """How a card keeps a password: salted and hashed."""
    # Cheap on purpose: a simulated card answers thousands of tests, and a short PIN is no secret to a determined thief.
    return hashlib.scrypt(pin, salt=salt, n=1024, r=8, p=1, dklen=32)

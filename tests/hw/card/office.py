"""A simulated card in a memory slot behind the real driver, the issuer whose keys it holds, and jobs done with them."""

import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from hw.card.apdu import EXTENDED, Limits
from hw.card.key import CardKey
from hw.card.memory import MemorySlot
from hw.card.reader import Reader
from hw.ports import CardReader, CardSession, ChannelPurpose, KeyUse, RsaPublicKey
from hw.sim.card.card import VirtualCard
from hw.sim.card.limits import UNLIMITED, CardLimits
from hw.sim.card.memory import CardMemory, MemoryStore
from hw.sim.card.personalization import DEMO_MASTERS, new_card, new_piv_card
from hw.sim.card.profile import PIV, PROFILES
from hw.sim.fault import Fault
from kiosk.counter.card_issuer import CardIssuer, in_memory

CARD_NUMBER = "KIOSK00000000001"
PASSWORD = b"KIOSK123"
CERTIFICATE = b"\x30\x82\x05\xdc" + bytes(range(250)) * 6
"""As long as a real one, and a DER SEQUENCE as far as a card looks."""

ISSUER = CardIssuer(
    in_memory(
        {
            ChannelPurpose.ISSUE: DEMO_MASTERS.issue,
            ChannelPurpose.RESET: DEMO_MASTERS.reset,
            ChannelPurpose.ERASE: DEMO_MASTERS.erase,
        }
    )
).session_keys


@lru_cache(1)
def _keys() -> Iterator[rsa.RSAPrivateKey]:
    return itertools.cycle([rsa.generate_private_key(65537, 2048) for _ in range(3)])


def rsa_key() -> rsa.RSAPrivateKey:
    """Another key than the last one, without the time that making it takes."""
    return next(_keys())


@dataclass
class Desk:
    """One card of a kind and its reader; `faults` are by the number of the exchange from 1."""

    limits: Limits = EXTENDED
    faults: Mapping[int, Fault] = field(default_factory=dict)
    kind: str = "juki-2011"
    card_limits: CardLimits = UNLIMITED

    def __post_init__(self) -> None:
        self.memory = MemoryStore(blank(self.kind))
        self.slot = MemorySlot("memory")
        self.reader = Reader(self.slot, limits=self.limits)
        self.insert(self.faults)

    def insert(self, faults: Mapping[int, Fault] | None = None) -> None:
        """Puts the card in (again): all that it remembers is what it keeps without power."""
        self.card = VirtualCard(self.memory, make_key=rsa_key, faults=faults, limits=self.card_limits)
        self.slot.insert(self.card)

    def exchanges_of(self, job: Callable[[CardReader], object]) -> int:
        """How many commands the card itself has counted during a job."""
        before = self.card.exchanges
        job(self.reader)
        return self.card.exchanges - before


def blank(kind: str) -> CardMemory:
    """What a new card of a kind holds."""
    return new_piv_card("PIV0000012345678") if kind == PIV else new_card(CARD_NUMBER, PROFILES[kind])


def password() -> bytearray:
    """A password of one's own to wipe."""
    return bytearray(PASSWORD)


def password_for(card: CardSession, use: KeyUse = KeyUse.SIGNATURE) -> bytearray:
    """A password that the card takes for a key."""
    policy = card.pin_policy(use)
    return bytearray(PASSWORD if "K" in policy.characters else b"424242"[: policy.maximum_length])


def key_hash(public_key: RsaPublicKey) -> bytes:
    """SHA-256 of the SubjectPublicKeyInfo."""
    key = rsa.RSAPublicNumbers(public_key.exponent, public_key.modulus).public_key()
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).digest()


def issue(reader: CardReader) -> RsaPublicKey:
    """The card's part in a whole issuance, in one session; proves what the card did and returns the new key."""
    with reader.session() as card:
        card.pin_status()
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        card.set_pin(password_for(card))
        card.verify_pin(password_for(card))
        before = card.public_key()
        made = card.generate_key()
        assert card.public_key() == made != before
        card.attest(bytes(16), key_hash(made))
        prove(CardKey(card, made), b"certificate request")
        card.write_certificate(CERTIFICATE)
        assert card.read_certificate() == CERTIFICATE
        prove(CardKey(card, made), b"test text")
        return made


def prove(key: CardKey, text: bytes) -> None:
    """Signs a text and verifies the signature."""
    signature = key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    key.public_key().verify(signature, text, padding.PKCS1v15(), hashes.SHA256())


def read_certificate(reader: CardReader) -> bytes | None:
    """The certificate, by its owner's password."""
    with reader.session() as card:
        card.verify_pin(password_for(card))
        return card.read_certificate()

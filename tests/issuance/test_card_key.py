"""What is taken for a card's key and its proof, whatever the card answers."""

import datetime
import hashlib
from dataclasses import dataclass, field, replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from hw.ports import Attestation, KeyUse, RsaPublicKey
from kiosk.config import SHIPPED, load_config
from kiosk.issuance.card_fitness import is_attesting, refuse_unfit
from kiosk.issuance.card_key import PROOF_TEXT, attested_key, digest_info, key_hash, prove_delivery
from kiosk.issuance.failure import CardUnattested, DeliveryUnproven
from kiosk.model.application import KeyReady
from kiosk.model.policy import Policy

NONCE = b"\x05" * 16
DAY = datetime.datetime(2026, 4, 1, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_config(SHIPPED / "kiosk.toml", []).policy


@pytest.fixture(scope="module")
def certificate(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "card")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, DAY, DAY + datetime.timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@dataclass
class Card:
    """Answers as a card with this key and certificate does, and remembers what it was asked."""

    key: rsa.RSAPrivateKey
    certificate: bytes | None = None
    can_attest: bool = True
    application: str = "jpki"
    asked: list[object] = field(default_factory=list)

    def attests(self) -> bool:
        self.asked.append("attests")
        return self.can_attest

    def attest(self, nonce: bytes, key_hash: bytes) -> Attestation:
        self.asked.append((nonce, key_hash))
        return Attestation(nonce, b"proof of " + key_hash)

    def read_certificate(self, use: KeyUse) -> bytes | None:
        self.asked.append(("read", use))
        return self.certificate

    def sign(self, info: bytes, use: KeyUse) -> bytes:
        self.asked.append(("sign", info, use))
        assert info[-32:] == hashlib.sha256(PROOF_TEXT).digest()
        return self.key.sign(PROOF_TEXT, padding.PKCS1v15(), hashes.SHA256())


def shown(key: rsa.RSAPrivateKey) -> RsaPublicKey:
    numbers = key.public_key().public_numbers()
    return RsaPublicKey(numbers.n, numbers.e)


def spki(key: rsa.RSAPrivateKey) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.DER, form)


def accepting(policy: Policy) -> Policy:
    return replace(policy, unattested_cards="accepted")


def test_the_text_that_is_signed_says_what_it_is_for_and_stays_so() -> None:
    assert PROOF_TEXT == b"jpki-kiosk: this text was signed to test a new card and says nothing else"
    # RFC 8017, 9.2, note 1.
    prefix = bytes.fromhex("30 31 30 0d 06 09 60 86 48 01 65 03 04 02 01 05 00 04 20")
    assert digest_info(b"data") == prefix + hashlib.sha256(b"data").digest()


def test_a_key_is_taken_with_the_cards_word_for_exactly_it(key: rsa.RSAPrivateKey, policy: Policy) -> None:
    digest = hashlib.sha256(spki(key)).digest()
    for rules in (policy, accepting(policy)):
        card = Card(key)
        assert attested_key(card, shown(key), NONCE, rules) == KeyReady(spki(key), NONCE, b"proof of " + digest)
        assert card.asked[-1] == (NONCE, digest)
    assert key_hash(shown(key)) == digest.hex()
    assert key_hash(None) == ""


def test_a_card_without_a_word_is_taken_only_where_the_policy_accepts_it(
    key: rsa.RSAPrivateKey, policy: Policy
) -> None:
    mute = Card(key, can_attest=False)
    assert attested_key(mute, shown(key), NONCE, accepting(policy)) == KeyReady(spki(key), NONCE, b"")
    assert mute.asked == ["attests"]
    refuse_unfit(mute, replace(accepting(policy), card_applications=("jpki",)))
    with pytest.raises(CardUnattested):
        refuse_unfit(mute, replace(policy, card_applications=("jpki",)))
    # Where a word is demanded nobody asks whether there is one: a card without it fails at giving it.
    assert is_attesting(mute, policy) and not is_attesting(mute, accepting(policy))
    with pytest.raises(DeliveryUnproven):
        attested_key(mute, None, NONCE, policy)


@pytest.mark.parametrize("use", KeyUse)
def test_a_delivery_is_proven_by_the_key_of_its_use(key: rsa.RSAPrivateKey, certificate: bytes, use: KeyUse) -> None:
    card = Card(key, certificate)
    proof = prove_delivery(card, certificate, use)
    assert proof.certificate == certificate
    key.public_key().verify(proof.proof, PROOF_TEXT, padding.PKCS1v15(), hashes.SHA256())
    assert card.asked == [("read", use), ("sign", digest_info(PROOF_TEXT), use)]
    another = rsa.generate_private_key(65537, 2048)
    for wrong in (Card(key, None), Card(key, certificate + b"\0"), Card(another, certificate)):
        with pytest.raises(DeliveryUnproven):
            prove_delivery(wrong, certificate, use)

"""A key pair in a card as the use cases see it: its public key's bytes, its attestation, the proof that it works."""

import hashlib

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from hw import rsa_check
from hw.ports import CardSession, KeyUse, PinPolicy, RsaPublicKey
from kiosk.issuance.card_fitness import is_attesting
from kiosk.issuance.failure import DeliveryUnproven, PasswordRulesIncompatible
from kiosk.model.application import DeliveredCertificate, KeyReady
from kiosk.model.policy import PasswordRules, Policy

PROOF_TEXT = b"jpki-kiosk: this text was signed to test a new card and says nothing else"
"""What the new key signs at read-back; labelled, so that the signature can never pass for a declaration."""

_SHA256_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def password_policy(rules: PasswordRules, card: PinPolicy) -> PinPolicy:
    """What both the policy and the card accept. Raises `PasswordRulesIncompatible` when that is nothing."""
    both = PinPolicy(
        minimum_length=max(rules.minimum_length, card.minimum_length),
        maximum_length=min(rules.maximum_length, card.maximum_length),
        characters="".join(c for c in rules.characters if c in card.characters),
    )
    if both.minimum_length > both.maximum_length or not both.characters:
        raise PasswordRulesIncompatible("no password satisfies both the policy and this card")
    return both


def attested_key(session: CardSession, key: RsaPublicKey | None, nonce: bytes, policy: Policy) -> KeyReady:
    """The key that the card has made, as it shows it now, with its word for it; nothing else is ever certified.

    Raises `DeliveryUnproven` when it shows none, `CardAnswerInvalid` for one that no sound card makes.
    """
    if key is None:
        raise DeliveryUnproven("the card shows no key after making one")
    rsa_check.refuse_weak(key)
    public_key = public_key_der(key)
    if not is_attesting(session, policy):
        return KeyReady(public_key, nonce, b"")
    proof = session.attest(nonce, hashlib.sha256(public_key).digest())
    return KeyReady(public_key, proof.nonce, proof.value)


def refuse_another_key(made: RsaPublicKey, shown: RsaPublicKey | None) -> None:
    """Raises `DeliveryUnproven` when the card shows another key than the one it has just made."""
    if shown != made:
        raise DeliveryUnproven("the card shows another key than it has made")


def prove_delivery(session: CardSession, certificate: bytes, use: KeyUse = KeyUse.SIGNATURE) -> DeliveredCertificate:
    """The certificate (DER) is read from the card and compared, a labelled text signed by its key and verified.

    Raises `DeliveryUnproven`.
    """
    if session.read_certificate(use) != certificate:
        raise DeliveryUnproven("the card does not return the certificate that was written")
    proof = session.sign(digest_info(PROOF_TEXT), use)
    public_key = x509.load_der_x509_certificate(certificate).public_key()
    assert isinstance(public_key, rsa.RSAPublicKey), "the certificate carries the card's RSA key"
    try:
        public_key.verify(proof, PROOF_TEXT, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise DeliveryUnproven("the card's signature does not fit its certificate") from None
    return DeliveredCertificate(certificate, proof)


def load_public_key(key: KeyReady) -> rsa.RSAPublicKey:
    """The public key of a key pair that was made."""
    public_key = serialization.load_der_public_key(key.public_key)
    assert isinstance(public_key, rsa.RSAPublicKey), "cards of these policies make RSA keys"
    return public_key


def public_key_der(key: RsaPublicKey) -> bytes:
    """The SubjectPublicKeyInfo (DER)."""
    return (
        rsa.RSAPublicNumbers(key.exponent, key.modulus)
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def key_hash(key: RsaPublicKey | None) -> str:
    """SHA-256 of the SubjectPublicKeyInfo in hex, empty for no key."""
    return "" if key is None else hashlib.sha256(public_key_der(key)).hexdigest()


def digest_info(data: bytes) -> bytes:
    """DigestInfo of SHA-256 over `data` (RFC 8017, 9.2)."""
    return _SHA256_DIGEST_INFO + hashlib.sha256(data).digest()

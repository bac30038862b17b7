"""Signature algorithms by object identifier: one table for message protection, proof of possession and certificates.

RFC 9481, section 3 and RFC 5754. An algorithm that is not in the table is not spoken; another one is one more row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509 import ObjectIdentifier, SignatureAlgorithmOID

from kiosk.authority.credential import SigningKey


class SignatureInvalid(ValueError):
    """A signature does not verify under the key, or its algorithm does not fit the key."""


class AlgorithmUnknown(ValueError):
    """An algorithm that is not in the table."""


@dataclass(frozen=True)
class _Algorithm:
    verify: Callable[[object, bytes, bytes], bool]
    has_null: bool
    hash: hashes.HashAlgorithm | None


def _rsa(digest: hashes.HashAlgorithm) -> _Algorithm:
    def verify(key: object, signature: bytes, data: bytes) -> bool:
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        key.verify(signature, data, padding.PKCS1v15(), digest)
        return True

    return _Algorithm(verify, has_null=True, hash=digest)


def _ecdsa(digest: hashes.HashAlgorithm) -> _Algorithm:
    def verify(key: object, signature: bytes, data: bytes) -> bool:
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        key.verify(signature, data, ec.ECDSA(digest))
        return True

    return _Algorithm(verify, has_null=False, hash=digest)


def _ed25519() -> _Algorithm:
    def verify(key: object, signature: bytes, data: bytes) -> bool:
        if not isinstance(key, ed25519.Ed25519PublicKey):
            return False
        key.verify(signature, data)
        return True

    return _Algorithm(verify, has_null=False, hash=None)


_ALGORITHMS: Mapping[ObjectIdentifier, _Algorithm] = MappingProxyType(
    {
        SignatureAlgorithmOID.RSA_WITH_SHA256: _rsa(hashes.SHA256()),
        SignatureAlgorithmOID.RSA_WITH_SHA384: _rsa(hashes.SHA384()),
        SignatureAlgorithmOID.RSA_WITH_SHA512: _rsa(hashes.SHA512()),
        SignatureAlgorithmOID.ECDSA_WITH_SHA256: _ecdsa(hashes.SHA256()),
        SignatureAlgorithmOID.ECDSA_WITH_SHA384: _ecdsa(hashes.SHA384()),
        SignatureAlgorithmOID.ECDSA_WITH_SHA512: _ecdsa(hashes.SHA512()),
        SignatureAlgorithmOID.ED25519: _ed25519(),
    }
)


def verify_signature(algorithm: ObjectIdentifier, key: object, signature: bytes, data: bytes) -> None:
    """Raises `SignatureInvalid` or `AlgorithmUnknown` unless `signature` over `data` is by `key`'s owner."""
    if algorithm not in _ALGORITHMS:
        raise AlgorithmUnknown(f"signature algorithm {algorithm.dotted_string} is not spoken")
    try:
        fits = _ALGORITHMS[algorithm].verify(key, signature, data)
    except InvalidSignature:
        raise SignatureInvalid("signature does not verify") from None
    if not fits:
        raise SignatureInvalid("signature algorithm does not fit the key")


def signature_algorithm(key: SigningKey) -> ObjectIdentifier:
    """The algorithm that `sign` uses with this key."""
    if isinstance(key, rsa.RSAPrivateKey):
        return SignatureAlgorithmOID.RSA_WITH_SHA256
    return SignatureAlgorithmOID.ECDSA_WITH_SHA256


def sign(key: SigningKey, data: bytes) -> bytes:
    """A signature over `data`: RSA PKCS#1 v1.5 or ECDSA, with SHA-256."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def has_null_parameters(algorithm: ObjectIdentifier) -> bool:
    """Whether the algorithm's identifier carries NULL (RSA, RFC 5754, 3.2) rather than no parameters."""
    return _ALGORITHMS[algorithm].has_null

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

from kiosk.authority import asn1, oids
from kiosk.authority.credential import SigningKey


class SignatureInvalid(ValueError):
    """A signature does not verify under the key, or its algorithm does not fit the key."""


class AlgorithmUnknown(ValueError):
    """An algorithm that is not in the table."""


@dataclass(frozen=True)
class _Algorithm:
    """`verify` takes key, signature, data, and the algorithm's parameters (DER, None when there are none)."""

    verify: Callable[[object, bytes, bytes, bytes | None], bool]
    has_null: bool
    hash: hashes.HashAlgorithm | None


def _rsa(digest: hashes.HashAlgorithm) -> _Algorithm:
    def verify(key: object, signature: bytes, data: bytes, _: bytes | None) -> bool:
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        key.verify(signature, data, padding.PKCS1v15(), digest)
        return True

    return _Algorithm(verify, has_null=True, hash=digest)


def _rsa_pss() -> _Algorithm:
    """The parameters say everything: hash, mask generation, and salt (RFC 4055, 3.1)."""

    def verify(key: object, signature: bytes, data: bytes, parameters: bytes | None) -> bool:
        scheme, digest = _read_pss(parameters)
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        try:
            key.verify(signature, data, scheme, digest)
        except ValueError:
            # Hash and salt do not fit into a key of this size.
            return False
        return True

    return _Algorithm(verify, has_null=False, hash=None)


def _read_pss(parameters: bytes | None) -> tuple[padding.PSS, hashes.HashAlgorithm]:
    try:
        pss = asn1.decode(asn1.RSASSAPSSParams, parameters or b"")
        digest = _PSS_DIGESTS.get(asn1.oid((pss.hash or [])[0]))
        function, inner = pss.mask_generation or []
        (mask, *_) = asn1.elements(asn1.encode(inner))
        mask_digest = _PSS_DIGESTS.get(asn1.oid(mask))
        is_mgf1 = asn1.oid(function) == oids.MGF1
    except (asn1.Asn1Invalid, IndexError, ValueError):
        raise AlgorithmUnknown("the parameters of RSASSA-PSS cannot be read, or mean SHA-1") from None
    if digest is None or mask_digest is None or not is_mgf1 or pss.trailer_field != 1:
        raise AlgorithmUnknown("the parameters of RSASSA-PSS are not spoken")
    if not 0 <= pss.salt_length <= _LONGEST_PSS_SALT:
        raise AlgorithmUnknown("the salt of RSASSA-PSS has no such length")
    return padding.PSS(padding.MGF1(mask_digest), pss.salt_length), digest


_LONGEST_PSS_SALT = 512
_PSS_DIGESTS: Mapping[ObjectIdentifier, hashes.HashAlgorithm] = MappingProxyType(
    {
        ObjectIdentifier("2.16.840.1.101.3.4.2.1"): hashes.SHA256(),
        ObjectIdentifier("2.16.840.1.101.3.4.2.2"): hashes.SHA384(),
        ObjectIdentifier("2.16.840.1.101.3.4.2.3"): hashes.SHA512(),
    }
)


def _ecdsa(digest: hashes.HashAlgorithm) -> _Algorithm:
    def verify(key: object, signature: bytes, data: bytes, _: bytes | None) -> bool:
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        key.verify(signature, data, ec.ECDSA(digest))
        return True

    return _Algorithm(verify, has_null=False, hash=digest)


def _ed25519() -> _Algorithm:
    def verify(key: object, signature: bytes, data: bytes, _: bytes | None) -> bool:
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
        SignatureAlgorithmOID.RSASSA_PSS: _rsa_pss(),
        SignatureAlgorithmOID.ECDSA_WITH_SHA256: _ecdsa(hashes.SHA256()),
        SignatureAlgorithmOID.ECDSA_WITH_SHA384: _ecdsa(hashes.SHA384()),
        SignatureAlgorithmOID.ECDSA_WITH_SHA512: _ecdsa(hashes.SHA512()),
        SignatureAlgorithmOID.ED25519: _ed25519(),
    }
)


def is_spoken(algorithm: ObjectIdentifier) -> bool:
    """Whether a signature algorithm is in the table."""
    return algorithm in _ALGORITHMS


def verify_signature(
    algorithm: ObjectIdentifier, key: object, signature: bytes, data: bytes, parameters: bytes | None = None
) -> None:
    """Raises `SignatureInvalid` or `AlgorithmUnknown` unless `signature` over `data` is by `key`'s owner.

    `parameters` (DER) are the algorithm's; RSASSA-PSS cannot do without.
    """
    if algorithm not in _ALGORITHMS:
        raise AlgorithmUnknown(f"signature algorithm {algorithm.dotted_string} is not spoken")
    try:
        fits = _ALGORITHMS[algorithm].verify(key, signature, data, parameters)
    except InvalidSignature:
        raise SignatureInvalid("signature does not verify") from None
    if not fits:
        raise SignatureInvalid("signature algorithm does not fit the key")


def verify_identified(identifier: list[asn1.TLV], key: object, signature: bytes, data: bytes) -> None:
    """The same with an AlgorithmIdentifier as it came; what is none raises `AlgorithmUnknown`."""
    try:
        algorithm = asn1.oid(identifier[0])
    except (asn1.Asn1Invalid, IndexError):
        raise AlgorithmUnknown("that is no algorithm") from None
    parameters = asn1.encode(identifier[1]) if len(identifier) > 1 else None
    verify_signature(algorithm, key, signature, data, parameters)


def signature_algorithm(key: SigningKey) -> ObjectIdentifier:
    """The algorithm that `sign` uses with this key."""
    match key:
        case rsa.RSAPrivateKey():
            return SignatureAlgorithmOID.RSA_WITH_SHA256
        case ed25519.Ed25519PrivateKey():
            return SignatureAlgorithmOID.ED25519
        case _:
            return SignatureAlgorithmOID.ECDSA_WITH_SHA256


def sign(key: SigningKey, data: bytes) -> bytes:
    """A signature over `data`: RSA PKCS#1 v1.5 or ECDSA, with SHA-256, or Ed25519."""
    match key:
        case rsa.RSAPrivateKey():
            return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        case ed25519.Ed25519PrivateKey():
            return key.sign(data)
        case _:
            return key.sign(data, ec.ECDSA(hashes.SHA256()))


def verify(key: object, signature: bytes, data: bytes) -> None:
    """Checks what `sign` made with the private half of `key`. Raises `SignatureInvalid`."""
    match key:
        case rsa.RSAPublicKey():
            algorithm = SignatureAlgorithmOID.RSA_WITH_SHA256
        case ed25519.Ed25519PublicKey():
            algorithm = SignatureAlgorithmOID.ED25519
        case _:
            algorithm = SignatureAlgorithmOID.ECDSA_WITH_SHA256
    verify_signature(algorithm, key, signature, data)


def has_null_parameters(algorithm: ObjectIdentifier) -> bool:
    """Whether the algorithm's identifier carries NULL (RSA, RFC 5754, 3.2) rather than no parameters."""
    return _ALGORITHMS[algorithm].has_null

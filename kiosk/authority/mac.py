"""Protection of messages by a shared secret: PasswordBasedMac (RFC 9810, 5.1.3.1) and PBMAC1 (RFC 9481, 6.1.2)."""

import hashlib
import hmac
from dataclasses import dataclass, replace

from cryptography import x509

from kiosk.authority import asn1, oids
from kiosk.authority.signature import AlgorithmUnknown

FEWEST_ITERATIONS = 100
MOST_PBM_ITERATIONS = 100_000
MOST_PBKDF2_ITERATIONS = 600_000
"""Whoever asks decides how often we hash: more than this is not worked off for a stranger."""

SHORTEST_SECRET_BYTES = 8

_SHORTEST_SALT_BYTES, _LONGEST_SALT_BYTES = 8, 1024
_SHORTEST_KEY_BYTES, _LONGEST_KEY_BYTES = 16, 128
_HMAC_SHA1 = x509.ObjectIdentifier("1.2.840.113549.2.7")


@dataclass(frozen=True)
class MacAlgorithm:
    """How a key is made of a secret, and the MAC that is computed with it.

    `is_pbmac1` tells the two standards apart; `hash_oid` is the one-way function or pseudo-random function of the key
    derivation, `mac_oid` the HMAC. `has_null`: by which of the two customs their identifiers are written. `key_bytes`
    is the length of PBMAC1's key.
    """

    is_pbmac1: bool
    salt: bytes
    iterations: int
    hash_oid: x509.ObjectIdentifier
    mac_oid: x509.ObjectIdentifier
    has_null: bool = False
    key_bytes: int = 32

    def with_salt(self, salt: bytes) -> "MacAlgorithm":
        """The same with a salt of one's own, for the answer."""
        return replace(self, salt=salt)

    def compute(self, secret: bytes, data: bytes) -> bytes:
        """The MAC of `data`."""
        if self.is_pbmac1:
            key = hashlib.pbkdf2_hmac(oids.HMACS[self.hash_oid], secret, self.salt, self.iterations, self.key_bytes)
        else:
            name = oids.DIGESTS[self.hash_oid]
            key = secret + self.salt
            for _ in range(self.iterations):
                key = hashlib.new(name, key, usedforsecurity=False).digest()
        return hmac.digest(key, data, oids.HMACS[self.mac_oid])

    def identifier(self) -> list[asn1.TLV]:
        """The AlgorithmIdentifier."""
        function = asn1.algorithm(self.hash_oid, self.has_null)
        mac = asn1.algorithm(self.mac_oid, self.has_null)
        if not self.is_pbmac1:
            parameters = asn1.encode(
                asn1.PBMParameter(salt=self.salt, owf=function, iteration_count=self.iterations, mac=mac)
            )
            return [asn1.tlv(asn1.encode(oids.PASSWORD_BASED_MAC)), asn1.tlv(parameters)]
        # HMAC with SHA-1 is the default, which DER leaves out (RFC 8018, A.2; X.690, 11.5).
        is_default = self.hash_oid == _HMAC_SHA1 and self.has_null
        derivation = asn1.PBKDF2Params(
            salt=self.salt,
            iteration_count=self.iterations,
            key_length=self.key_bytes,
            prf=None if is_default else function,
        )
        parameters = asn1.encode(
            asn1.PBMAC1Params(
                key_derivation=[asn1.tlv(asn1.encode(oids.PBKDF2)), asn1.tlv(asn1.encode(derivation))],
                message_auth=mac,
            )
        )
        return [asn1.tlv(asn1.encode(oids.PBMAC1)), asn1.tlv(parameters)]


def read_mac_algorithm(identifier: list[asn1.TLV]) -> MacAlgorithm:
    """Raises `AlgorithmUnknown` for one that is not spoken, cannot be read, or would take too long."""
    try:
        oid, parameters = asn1.oid(identifier[0]), asn1.encode(identifier[1])
        if oid == oids.PASSWORD_BASED_MAC:
            algorithm = _read_pbm(asn1.decode(asn1.PBMParameter, parameters))
            most = MOST_PBM_ITERATIONS
        elif oid == oids.PBMAC1:
            algorithm = _read_pbmac1(asn1.decode(asn1.PBMAC1Params, parameters))
            most = MOST_PBKDF2_ITERATIONS
        else:
            raise AlgorithmUnknown(f"MAC {oid.dotted_string} is not spoken")
    except (asn1.Asn1Invalid, IndexError):
        raise AlgorithmUnknown("the MAC's parameters cannot be read") from None
    if not FEWEST_ITERATIONS <= algorithm.iterations <= most:
        raise AlgorithmUnknown(f"a MAC takes {FEWEST_ITERATIONS} to {most} iterations")
    if not _SHORTEST_SALT_BYTES <= len(algorithm.salt) <= _LONGEST_SALT_BYTES:
        raise AlgorithmUnknown("a MAC's salt has no such length")
    known = oids.HMACS if algorithm.is_pbmac1 else oids.DIGESTS
    if algorithm.hash_oid not in known or algorithm.mac_oid not in oids.HMACS:
        raise AlgorithmUnknown("a function of the MAC is not spoken")
    return algorithm


def _read_pbm(value: asn1.PBMParameter) -> MacAlgorithm:
    owf, mac = asn1.oid(value.owf[0]), asn1.oid(value.mac[0])
    return MacAlgorithm(False, value.salt, value.iteration_count, owf, mac, has_null=len(value.owf) > 1)


def _read_pbmac1(value: asn1.PBMAC1Params) -> MacAlgorithm:
    if asn1.oid(value.key_derivation[0]) != oids.PBKDF2:
        raise AlgorithmUnknown("the key derivation of PBMAC1 must be PBKDF2")
    derivation = asn1.decode(asn1.PBKDF2Params, asn1.encode(value.key_derivation[1]))
    prf = derivation.prf or asn1.algorithm(_HMAC_SHA1, has_null=True)
    mac = asn1.oid(value.message_auth[0])
    length = derivation.key_length
    if length is None:
        length = hashlib.new(oids.HMACS.get(mac, "sha256")).digest_size
    if not _SHORTEST_KEY_BYTES <= length <= _LONGEST_KEY_BYTES:
        raise AlgorithmUnknown("PBMAC1's key has no such length")
    return MacAlgorithm(True, derivation.salt, derivation.iteration_count, asn1.oid(prf[0]), mac, len(prf) > 1, length)


@dataclass(frozen=True, repr=False)
class SharedSecret:
    """What two sides know of each other: a reference, a secret, and how messages are protected by it.

    `certificates` go along with a message, although none of them protects it.
    """

    reference: bytes
    secret: bytes
    algorithm: MacAlgorithm
    certificates: tuple[x509.Certificate, ...] = ()

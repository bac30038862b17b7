"""Protection by every kind of signature (RFC 9481, 3), and none that is weaker."""

from collections.abc import Callable
from typing import Any

import pytest
from authority_desk import Desk
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from rebuilt_message import set_field, verdict

from kiosk.authority import asn1, oids
from kiosk.authority.credential import Credential
from kiosk.authority.embedded.registration import register
from kiosk.authority.message import BodyKind, parse_message

SHA1, SHA256, SHA512 = (
    x509.ObjectIdentifier(o) for o in ("1.3.14.3.2.26", "2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.3")
)
NULL = asn1.encode(asn1.Null())


def station(desk: Desk, key: Any) -> Credential:
    """A station of the authority with this key."""
    certificate = desk.authority.profiles.station("demo", key.public_key(), desk.authority.new_serial(), desk.clock.now)
    with desk.authority.store.write(desk.clock.now) as books:
        register(books, certificate, "station")
    return Credential(key, certificate, (desk.issuer,))


def identifier(oid: x509.ObjectIdentifier, *parameters: bytes) -> list[asn1.TLV]:
    return [asn1.tlv(asn1.encode(oid)), *map(asn1.tlv, parameters)]


def pss(digest: x509.ObjectIdentifier, mask: x509.ObjectIdentifier, salt: int, function: Any = oids.MGF1) -> bytes:
    inner = asn1.sequence_of([asn1.encode(mask), NULL])
    parameters = asn1.RSASSAPSSParams(
        hash=identifier(digest, NULL), mask_generation=identifier(function, inner), salt_length=salt
    )
    return asn1.encode(parameters)


def protected_with(
    desk: Desk, credential: Credential, algorithm: list[asn1.TLV], sign: Callable[[bytes], bytes]
) -> bytes:
    """A station's message, protected by this algorithm."""
    desk.station = credential
    desk.serve(desk.authority)
    old = parse_message(desk.client._message(BodyKind.GENM, asn1.sequence_of([])).der)
    set_field(protection_alg=algorithm)(old.header)
    part = asn1.ProtectedPart(
        header=asn1.tlv(asn1.encode(old.header)), body=asn1.tlv(asn1.explicit(old.kind, old.body))
    )
    message = asn1.PKIMessage(
        header=part.header,
        body=part.body,
        protection=asn1.BitString(sign(asn1.encode(part)), 0),
        extra_certs=[asn1.tlv(c) for c in old.extra_certs],
    )
    return asn1.encode(message)


PSS = {
    "SHA-256": (hashes.SHA256(), SHA256, 32),
    "SHA-512": (hashes.SHA512(), SHA512, 64),
    "another salt": (hashes.SHA256(), SHA256, 20),
}


@pytest.mark.parametrize("name", PSS)
def test_rsassa_pss(desk: Desk, keys: list[rsa.RSAPrivateKey], name: str) -> None:
    digest, oid, salt = PSS[name]
    scheme = padding.PSS(padding.MGF1(digest), salt)
    algorithm = identifier(x509.SignatureAlgorithmOID.RSASSA_PSS, pss(oid, oid, salt))
    request = protected_with(desk, station(desk, keys[1]), algorithm, lambda data: keys[1].sign(data, scheme, digest))
    assert verdict(desk.responder.respond(request)) == (BodyKind.GENP, "")


WEAK_PSS = {
    "SHA-1": pss(SHA1, SHA1, 20),
    "a mask by SHA-1": pss(SHA256, SHA1, 32),
    "another mask": pss(SHA256, SHA256, 32, x509.ObjectIdentifier("1.2.3")),
    "a salt without end": pss(SHA256, SHA256, 100_000),
    "SHA-1 by default": asn1.sequence_of([]),
    "garbage": asn1.encode(1),
}


@pytest.mark.parametrize("name", WEAK_PSS)
def test_weak_parameters_of_pss_are_refused(desk: Desk, keys: list[rsa.RSAPrivateKey], name: str) -> None:
    algorithm = identifier(x509.SignatureAlgorithmOID.RSASSA_PSS, WEAK_PSS[name])
    request = protected_with(desk, station(desk, keys[1]), algorithm, lambda _: bytes(256))
    assert verdict(desk.responder.respond(request)) == (BodyKind.ERROR, "badAlg")


def test_pss_of_another_salt_than_it_says_is_refused(desk: Desk, keys: list[rsa.RSAPrivateKey]) -> None:
    digest = hashes.SHA256()
    algorithm = identifier(x509.SignatureAlgorithmOID.RSASSA_PSS, pss(SHA256, SHA256, 32))
    scheme = padding.PSS(padding.MGF1(digest), 20)
    request = protected_with(desk, station(desk, keys[1]), algorithm, lambda data: keys[1].sign(data, scheme, digest))
    assert verdict(desk.responder.respond(request)) == (BodyKind.ERROR, "badMessageCheck")


KEYS: dict[str, Callable[[], Any]] = {
    "RSA": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_station_may_have_a_key_of_any_of_these_kinds(desk: Desk, kind: str) -> None:
    desk.station = station(desk, KEYS[kind]())
    desk.serve(desk.authority)
    desk.confirmed()


def test_sha_1_is_no_signature(desk: Desk, keys: list[rsa.RSAPrivateKey]) -> None:
    algorithm = identifier(x509.ObjectIdentifier("1.2.840.113549.1.1.5"), NULL)
    request = protected_with(
        desk,
        station(desk, keys[1]),
        algorithm,
        lambda data: keys[1].sign(data, padding.PKCS1v15(), hashes.SHA1()),
    )
    assert verdict(desk.responder.respond(request)) == (BodyKind.ERROR, "badAlg")

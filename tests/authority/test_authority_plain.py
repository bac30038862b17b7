"""Training's plain profile: the subject that was asked for, marked as no resident's, and no power over anybody."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from authority_desk import ITEMS, Desk
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from rebuilt_message import verdict

from kiosk.authority import asn1, oids
from kiosk.authority.items import write_items
from kiosk.authority.message import BodyKind, parse_message
from kiosk.authority.profile import usage
from kiosk.authority.verification import asserted_policies, certified_items

SUBJECT = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "JP"),
        x509.NameAttribute(NameOID.COMMON_NAME, "x", _type=x509.name._ASN1Type.PrintableString),
    ]
)


@pytest.fixture
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def ask(desk: Desk, key: Any, *extensions: x509.ExtensionType, subject: x509.Name = SUBJECT) -> bytes:
    """The response to a p10cr of the station."""
    builder = x509.CertificateSigningRequestBuilder(subject)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    csr = builder.sign(key, algorithm).public_bytes(Encoding.DER)
    return desk.responder.respond(desk.client._message(BodyKind.P10CR, csr).der)


def issued(response: bytes) -> x509.Certificate:
    answer = asn1.decode(asn1.CertRepMessage, parse_message(response).body)
    assert answer.response[0].certified_key_pair is not None
    return x509.load_der_x509_certificate(asn1.encode(answer.response[0].certified_key_pair.certificate))


def status(response: bytes) -> int:
    return asn1.decode(asn1.CertRepMessage, parse_message(response).body).response[0].status.status


def test_it_has_the_very_subject_and_a_mark(desk: Desk, key: ec.EllipticCurvePrivateKey) -> None:
    certificate = issued(ask(desk, key))
    assert certificate.subject.public_bytes() == SUBJECT.public_bytes()
    assert asserted_policies(certificate) == {oids.NOT_A_RESIDENT.dotted_string}
    assert b"TRAINING - not a resident's certificate" in certificate.public_bytes(Encoding.DER)
    assert certified_items(certificate) is None


def test_harmless_wishes_are_granted(desk: Desk, key: ec.EllipticCurvePrivateKey) -> None:
    wishes = (
        usage("digitalSignature", "keyAgreement"),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]),
        x509.SubjectAlternativeName([x509.DNSName("example.jp")]),
    )
    response = ask(desk, key, *wishes)
    assert status(response) == 0
    granted = [e.value for e in issued(response).extensions]
    assert all(wish in granted for wish in wishes)


def test_other_wishes_are_left_out_and_that_is_said(desk: Desk, key: ec.EllipticCurvePrivateKey) -> None:
    response = ask(desk, key, x509.BasicConstraints(ca=True, path_length=None))
    assert status(response) == 1
    with pytest.raises(x509.ExtensionNotFound):
        issued(response).extensions.get_extension_for_class(x509.BasicConstraints)


POWERS: dict[str, x509.ExtensionType] = {
    "station": x509.ExtendedKeyUsage([oids.STATION]),
    "clerk": x509.ExtendedKeyUsage([oids.CLERK]),
    "OCSP responder": x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]),
    "authority by CMP": x509.ExtendedKeyUsage([oids.CMP_AUTHORITY]),
    "anything": x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]),
    "authority": usage("keyCertSign"),
    "CRL issuer": usage("cRLSign"),
}


@pytest.mark.parametrize("name", POWERS)
def test_nobody_becomes_one_of_the_authoritys_people(desk: Desk, key: ec.EllipticCurvePrivateKey, name: str) -> None:
    assert verdict(ask(desk, key, POWERS[name])) == (BodyKind.CP, "notAuthorized")


def test_nobody_gets_a_certificate_that_is_too_large_to_sign_with(desk: Desk, key: ec.EllipticCurvePrivateKey) -> None:
    names = x509.SubjectAlternativeName([x509.DNSName(f"host-{number}.example.jp") for number in range(1000)])
    assert verdict(ask(desk, key, names)) == (BodyKind.CP, "badCertTemplate")


def test_nobody_becomes_a_resident(desk: Desk, key: ec.EllipticCurvePrivateKey) -> None:
    assert verdict(ask(desk, key, write_items(ITEMS))) == (BodyKind.CP, "notAuthorized")
    part = x509.SubjectAlternativeName([x509.OtherName(x509.ObjectIdentifier(f"{oids.ITEM_ARC}.1"), b"\x0c\x01x")])
    assert verdict(ask(desk, key, part)) == (BodyKind.CP, "badCertTemplate")


def test_nobody_gets_a_second_certificate_for_a_residents_key(desk: Desk) -> None:
    desk.certify()
    assert verdict(ask(desk, desk.key)) == (BodyKind.CP, "badCertTemplate")
    assert verdict(ask(desk, desk.station.key)) == (BodyKind.CP, "badCertTemplate")


def test_only_an_authority_for_training_has_it(desk: Desk, key: ec.EllipticCurvePrivateKey) -> None:
    desk.serve(dataclasses.replace(desk.authority, is_training=False))
    assert verdict(ask(desk, key)) == (BodyKind.CP, "notAuthorized")


@pytest.mark.parametrize("version", [1, 2, 127])
def test_a_request_of_an_unknown_version_is_badly_formed(
    desk: Desk, key: ec.EllipticCurvePrivateKey, version: int
) -> None:
    """RFC 2986, 4.1: version is 0."""
    der = x509.CertificateSigningRequestBuilder(SUBJECT).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    changed = der.replace(b"\x02\x01\x00", bytes([2, 1, version]), 1)
    response = desk.responder.respond(desk.client._message(BodyKind.P10CR, changed).der)
    assert verdict(response) == (BodyKind.CP, "badDataFormat")


def test_an_empty_subject_is_refused(desk: Desk, key: ec.EllipticCurvePrivateKey) -> None:
    assert verdict(ask(desk, key, subject=x509.Name([]))) == (BodyKind.CP, "badCertTemplate")


KEYS: dict[str, tuple[Callable[[], Any], str]] = {
    "P-256": (lambda: ec.generate_private_key(ec.SECP256R1()), ""),
    "P-384": (lambda: ec.generate_private_key(ec.SECP384R1()), ""),
    "Ed25519": (ed25519.Ed25519PrivateKey.generate, ""),
    "P-192": (lambda: ec.generate_private_key(ec.SECP192R1()), "badCertTemplate"),
    "RSA 1024": (lambda: rsa.generate_private_key(public_exponent=65537, key_size=1024), "badCertTemplate"),
}


@pytest.mark.parametrize("name", KEYS)
def test_strong_keys_are_certified(desk: Desk, name: str) -> None:
    make, fail_info = KEYS[name]
    assert verdict(ask(desk, make())) == (BodyKind.CP, fail_info)


def test_a_request_signed_by_another_key_is_refused(desk: Desk, key: ec.EllipticCurvePrivateKey) -> None:
    csr = x509.CertificateSigningRequestBuilder(SUBJECT).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    broken = csr[:-4] + bytes(4)
    response = desk.responder.respond(desk.client._message(BodyKind.P10CR, broken).der)
    assert verdict(response) == (BodyKind.CP, "badPOP")


def test_what_is_no_request_is_refused(desk: Desk) -> None:
    response = desk.responder.respond(desk.client._message(BodyKind.P10CR, b"\x30\x00").der)
    assert verdict(response) == (BodyKind.CP, "badDataFormat")

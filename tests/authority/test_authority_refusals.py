"""Every request that must be refused, each with one detail wrong, and the failInfo that tells which (RFC 9483)."""

import dataclasses
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from authority_desk import ITEMS, START, Desk, attest, make_authority, make_desk, signer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from rebuilt_message import change_each, change_message, change_request, nothing, rebuild, set_field, verdict

from hw.ports import Attestation
from kiosk.authority import asn1, oids
from kiosk.authority.credential import Credential
from kiosk.authority.embedded.directory import add_station
from kiosk.authority.embedded.requester import LARGEST_CERTIFICATE
from kiosk.authority.items import write_items
from kiosk.authority.message import BodyKind, parse_message, read_status, verify_protection
from kiosk.model.authorisation import Authorisation
from kiosk.model.certificate import RevocationReason, serial_text


def general_name(name: x509.Name) -> asn1.TLV:
    return asn1.tlv(asn1.explicit(4, name.public_bytes()))


def item(oid: x509.ObjectIdentifier, value: bytes) -> list[list[asn1.TLV]]:
    return [[asn1.tlv(asn1.encode(oid)), asn1.tlv(value)]]


def add_items(items: list[list[asn1.TLV]]) -> Callable[[Any], None]:
    def change(header: Any) -> None:
        header.general_info = header.general_info + items

    return change


NULL = asn1.encode(asn1.Null())
UTC_TIME = b"\x17\x0d260401010203Z"
TIME = asn1.encode(asn1.GeneralizedTime(START))
SHA256, SHA512 = (x509.ObjectIdentifier(f"2.16.840.1.101.3.4.2.{n}") for n in (1, 3))
OTHER_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody else")])

HEADERS = {
    "pvno 1": (set_field(pvno=1), "unsupportedVersion"),
    "pvno 4": (set_field(pvno=4), "unsupportedVersion"),
    "no transactionID": (set_field(transaction_id=None), "badDataFormat"),
    "short transactionID": (set_field(transaction_id=bytes(15)), "badDataFormat"),
    "no senderNonce": (set_field(sender_nonce=None), "badSenderNonce"),
    "short senderNonce": (set_field(sender_nonce=bytes(15)), "badSenderNonce"),
    "recipNonce in a first message": (set_field(recip_nonce=bytes(16)), "badRequest"),
    "no messageTime": (set_field(message_time=None), "missingTimeStamp"),
    "messageTime past": (
        set_field(message_time=asn1.GeneralizedTime(START - datetime.timedelta(minutes=6))),
        "badTime",
    ),
    "messageTime ahead": (
        set_field(message_time=asn1.GeneralizedTime(START + datetime.timedelta(minutes=6))),
        "badTime",
    ),
    "another sender": (set_field(sender=general_name(OTHER_NAME)), "badMessageCheck"),
    "sender no directoryName": (set_field(sender=asn1.tlv(b"\x82\x01x")), "badMessageCheck"),
    "no senderKID": (set_field(sender_kid=None), "badMessageCheck"),
    "wrong senderKID": (set_field(sender_kid=bytes(20)), "badMessageCheck"),
    "no protectionAlg": (set_field(protection_alg=None), "badMessageCheck"),
    "protectionAlg of another key": (
        set_field(protection_alg=asn1.algorithm(x509.SignatureAlgorithmOID.RSA_WITH_SHA256, has_null=True)),
        "badMessageCheck",
    ),
    "protectionAlg unknown": (
        set_field(protection_alg=asn1.algorithm(x509.ObjectIdentifier("1.2.3.4"), has_null=False)),
        "badAlg",
    ),
    "protectionAlg empty": (set_field(protection_alg=[]), "badAlg"),
    "protection by a secret that nobody knows": (
        set_field(protection_alg=asn1.algorithm(x509.ObjectIdentifier("1.2.840.113533.7.66.13"), has_null=False)),
        "badMessageCheck",
    ),
    "implicitConfirm not NULL": (add_items(item(oids.IMPLICIT_CONFIRM, asn1.encode(1))), "badRequest"),
    "implicitConfirm of nothing": (
        lambda h: add_items([[asn1.tlv(asn1.encode(oids.IMPLICIT_CONFIRM))]])(h),
        "badRequest",
    ),
    "freeText of nothing": (set_field(free_text=[]), "badDataFormat"),
    "generalInfo of nothing": (set_field(general_info=[]), "badDataFormat"),
    "implicitConfirm and confirmWaitTime": (
        add_items(item(oids.IMPLICIT_CONFIRM, NULL) + item(oids.CONFIRM_WAIT_TIME, TIME)),
        "badRequest",
    ),
    "confirmWaitTime of another type": (add_items(item(oids.CONFIRM_WAIT_TIME, UTC_TIME)), "badDataFormat"),
    # RFC 9810, 5.1.1.4.
    "certProfile no sequence": (add_items(item(oids.CERT_PROFILE, asn1.encode("signature"))), "badDataFormat"),
    "certProfile of numbers": (add_items(item(oids.CERT_PROFILE, asn1.sequence_of([asn1.encode(1)]))), "badDataFormat"),
    "certProfile without a name": (add_items(item(oids.CERT_PROFILE, asn1.sequence_of([]))), "badRequest"),
    "certProfile of two names": (
        add_items(item(oids.CERT_PROFILE, asn1.sequence_of([asn1.encode("a"), asn1.encode("b")]))),
        "badRequest",
    ),
    "generalInfo malformed": (add_items([[]]), "badDataFormat"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_bad_header_is_refused(desk: Desk, name: str) -> None:
    change, fail_info = HEADERS[name]
    request = rebuild(desk.message().der, desk.station, header=change)
    assert verdict(desk.responder.respond(request)) == (BodyKind.ERROR, fail_info)


PROTECTIONS: dict[str, tuple[Callable[[Any], None], str]] = {
    "no protection": (set_field(protection=None), "badMessageCheck"),
    "wrong protection": (set_field(protection=asn1.BitString(bytes(70), 0)), "badMessageCheck"),
    "no extraCerts": (set_field(extra_certs=None), "badMessageCheck"),
    "signer not first": (lambda m: m.extra_certs.reverse(), "badMessageCheck"),
    "signer of a size that no certificate here has": (
        set_field(extra_certs=[asn1.tlv(asn1.tagged(0x30, bytes(LARGEST_CERTIFICATE)))]),
        "signerNotTrusted",
    ),
    "signer no certificate": (set_field(extra_certs=[asn1.tlv(NULL)]), "badMessageCheck"),
}


@pytest.mark.parametrize("name", PROTECTIONS)
def test_bad_protection_is_refused(desk: Desk, name: str) -> None:
    change, fail_info = PROTECTIONS[name]
    request = rebuild(desk.message().der, desk.station, message=change)
    assert verdict(desk.responder.respond(request)) == (BodyKind.ERROR, fail_info)


def spki(key: Any) -> list[asn1.TLV]:
    return asn1.elements(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def template(**values: object) -> Callable[[Any], None]:
    return lambda request: set_field(**values)(request.cert_template)


def extensions(*values: x509.ExtensionType) -> list[asn1.Extension]:
    return asn1.extensions(x509.Extensions([x509.Extension(v.oid, False, v) for v in values]))


def twice(content: bytes) -> bytes:
    return asn1.sequence_of([asn1.encode(e) for e in asn1.elements(content) * 2])


BodyChange = Callable[[Desk], Callable[[bytes], bytes]]

REQUESTS: dict[str, tuple[BodyChange, str]] = {
    "certReqId not 0": (lambda d: change_request(set_field(cert_req_id=-1), d.key), "badRequest"),
    "no subject": (lambda d: change_request(template(subject=None), d.key), "badCertTemplate"),
    "no key": (lambda d: change_request(template(public_key=None), d.key), "badCertTemplate"),
    # RFC 4211, section 5: what the authority chooses.
    "serialNumber of one's own": (lambda d: change_request(template(serial_number=1), d.key), "badCertTemplate"),
    "signingAlg of one's own": (
        lambda d: change_request(template(signing_alg=asn1.algorithm(SHA256, has_null=False)), d.key),
        "badCertTemplate",
    ),
    "issuerUID": (lambda d: change_request(template(issuer_uid=asn1.BitString(b"x", 0)), d.key), "badCertTemplate"),
    "subjectUID": (lambda d: change_request(template(subject_uid=asn1.BitString(b"x", 0)), d.key), "badCertTemplate"),
    "version 1": (lambda d: change_request(template(version=0), d.key), "badCertTemplate"),
    "a control of nothing": (lambda d: change_request(set_field(controls=[[]]), d.key), "badDataFormat"),
    "a control of no type": (
        lambda d: change_request(set_field(controls=[[asn1.tlv(asn1.encode(5))]]), d.key),
        "badDataFormat",
    ),
    "two requests": (
        lambda _: lambda c: asn1.sequence_of([asn1.encode(e) for e in asn1.elements(c) * 2]),
        "badRequest",
    ),
    "no request": (lambda _: lambda _: asn1.sequence_of([]), "badRequest"),
    "no proof of possession": (lambda _: change_message(set_field(popo=None)), "badPOP"),
    "request changed after it was signed": (
        lambda d: change_request(template(subject=asn1.rdns(OTHER_NAME.public_bytes())), d.key, signs=False),
        "badPOP",
    ),
    "raVerified for a resident": (
        lambda _: change_message(set_field(popo=asn1.Variant(asn1.Null(), "ra_verified"))),
        "notAuthorized",
    ),
    "proof by encryption": (
        lambda _: change_message(set_field(popo=asn1.Variant(asn1.tlv(b"\x81\x01\x00"), "key_encipherment"))),
        "badPOP",
    ),
    "proof of unknown algorithm": (
        lambda _: change_message(
            lambda m: set_field(algorithm=asn1.algorithm(x509.ObjectIdentifier("1.2.3"), has_null=False))(m.popo.value)
        ),
        "badAlg",
    ),
    "no extensions": (lambda d: change_request(template(extensions=None), d.key), "badCertTemplate"),
    "key usage of no kind": (
        lambda d: change_request(template(extensions=extensions(write_items(ITEMS))), d.key),
        "badCertTemplate",
    ),
    "key of no kind": (
        lambda d: change_request(template(public_key=asn1.elements(b"\x30\0")), d.key),
        "badCertTemplate",
    ),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_bad_certification_request_is_refused_in_the_response(desk: Desk, name: str) -> None:
    change, fail_info = REQUESTS[name]
    request = rebuild(desk.message().der, desk.station, body=change(desk))
    assert verdict(desk.responder.respond(request)) == (BodyKind.IP, fail_info)


WEAK_KEYS: dict[str, Callable[[], Any]] = {
    "1024 bits": lambda: rsa.generate_private_key(public_exponent=65537, key_size=1024),
    "exponent 3": lambda: rsa.generate_private_key(public_exponent=3, key_size=2048),
    "elliptic curve": lambda: ec.generate_private_key(ec.SECP256R1()),
}


@pytest.mark.parametrize("name", WEAK_KEYS)
def test_a_key_against_the_policy_is_refused(desk: Desk, name: str) -> None:
    key = WEAK_KEYS[name]()
    message = desk.message()
    algorithm = x509.SignatureAlgorithmOID.ECDSA_WITH_SHA256

    def change(content: bytes) -> bytes:
        if isinstance(key, rsa.RSAPrivateKey):
            return change_request(template(public_key=spki(key)), key)(content)
        (outer,) = asn1.elements(change_request(template(public_key=spki(key)), desk.key)(content))
        request = asn1.decode(asn1.CertReqMsg, asn1.encode(outer))
        proof = key.sign(asn1.encode(request.cert_req), ec.ECDSA(hashes.SHA256()))
        value = asn1.POPOSigningKey(
            algorithm=asn1.algorithm(algorithm, has_null=False), signature=asn1.BitString(proof, 0)
        )
        request.popo = asn1.Variant(value, "signature")
        return asn1.sequence_of([asn1.encode(request)])

    response = desk.responder.respond(rebuild(message.der, desk.station, body=change))
    assert verdict(response) == (BodyKind.IP, "badCertTemplate")
    answer = asn1.decode(asn1.CertRepMessage, parse_message(response).body)
    assert read_status(answer.response[0].status)[1].startswith("E20:")


Leave = Callable[[Desk], tuple[Authorisation, Attestation | None]]


def leave_with(**changes: Any) -> Leave:
    """Terms with a change, signed and attested as they should be."""

    def make(desk: Desk) -> tuple[Authorisation, Attestation]:
        terms = desk.terms(**{name: value(desk) if callable(value) else value for name, value in changes.items()})
        return desk.authorise(terms), attest(terms, desk.key)

    return make


def signed_by(who: Callable[[Desk], Credential]) -> Leave:
    def make(desk: Desk) -> tuple[Authorisation, Attestation]:
        terms = desk.terms()
        return desk.authorise(terms, who(desk)), attest(terms, desk.key)

    return make


def attested(change: Callable[[Desk, Attestation], Attestation | None]) -> Leave:
    def make(desk: Desk) -> tuple[Authorisation, Attestation | None]:
        terms = desk.terms()
        return desk.authorise(terms), change(desk, attest(terms, desk.key))

    return make


def tampered(desk: Desk) -> tuple[Authorisation, Attestation]:
    terms = desk.terms()
    other = dataclasses.replace(terms, card_number="JK00000000000002")
    return dataclasses.replace(desk.authorise(terms), payload=other.encode()), attest(other, desk.key)


def unreadable(desk: Desk) -> tuple[Authorisation, Attestation]:
    terms = desk.terms()
    return dataclasses.replace(desk.authorise(terms), payload=b"{}"), attest(terms, desk.key)


def impostor(desk: Desk) -> Credential:
    """A key of his own under the clerk's very certificate."""
    return dataclasses.replace(desk.clerk, key=ec.generate_private_key(ec.SECP256R1()))


LEAVES: dict[str, tuple[Leave, str]] = {
    "another station": (leave_with(station="terminal-9"), "notAuthorized"),
    "expired": (leave_with(expires_at=START), "notAuthorized"),
    "not yet": (leave_with(issued_at=START + datetime.timedelta(minutes=6)), "notAuthorized"),
    "other items": (leave_with(items_hash=bytes(32)), "notAuthorized"),
    "signed by a station": (signed_by(lambda d: d.station), "notAuthorized"),
    "signed by another key": (signed_by(impostor), "notAuthorized"),
    "tampered": (tampered, "notAuthorized"),
    "unreadable": (unreadable, "badDataFormat"),
    "no attestation": (attested(lambda d, a: None), "badPOP"),
    "attestation of another nonce": (attested(lambda d, a: dataclasses.replace(a, nonce=bytes(16))), "badPOP"),
    "wrong attestation": (attested(lambda d, a: dataclasses.replace(a, value=bytes(16))), "badPOP"),
    "attestation of another master": (
        attested(lambda d, a: attest(d.terms(nonce=a.nonce), d.key, bytes(16))),
        "badPOP",
    ),
    "attestation of another card": (
        attested(lambda d, a: attest(d.terms(nonce=a.nonce, card_number="JK00000000000002"), d.key)),
        "badPOP",
    ),
}


ITEMS_THAT_NOBODY_HAS: dict[str, dict[str, str]] = {
    "a character outside the standards": {"name": "\U00020bb7田　太郎", "name_flags": "00000"},
    "an empty name": {"name": "", "name_flags": ""},
    "an address without end": {"address": "あ" * 201, "address_flags": "0" * 201},
    "flags of another length": {"name_flags": "0000"},
    "a birthday in words": {"birth": "Showa 47"},
    "another digit of sex": {"sex": "7"},
}


@pytest.mark.parametrize("name", ITEMS_THAT_NOBODY_HAS)
def test_items_that_no_certificate_carries_are_refused_although_a_clerk_signed_them(desk: Desk, name: str) -> None:
    items = dataclasses.replace(ITEMS, **ITEMS_THAT_NOBODY_HAS[name])
    request = desk.message(terms=desk.terms(items_hash=items.hash()), items=items)
    assert verdict(desk.responder.respond(request.der)) == (BodyKind.IP, "badCertTemplate")


@pytest.mark.parametrize("name", LEAVES)
def test_a_request_that_the_clerk_or_the_card_does_not_cover_is_refused(desk: Desk, name: str) -> None:
    make, fail_info = LEAVES[name]
    authorisation, attestation = make(desk)
    request = desk.client.certification_request(desk.key.public_key(), ITEMS, "signature", signer(desk.key))
    message = desk.client.certify_message(request, authorisation, attestation)
    assert verdict(desk.responder.respond(message.der)) == (BodyKind.IP, fail_info)


def test_an_attestation_of_another_key_is_refused(desk: Desk, keys: list[rsa.RSAPrivateKey]) -> None:
    terms = desk.terms()
    request = desk.client.certification_request(desk.key.public_key(), ITEMS, "signature", signer(desk.key))
    message = desk.client.certify_message(request, desk.authorise(terms), attest(terms, keys[1]))
    assert verdict(desk.responder.respond(message.der)) == (BodyKind.IP, "badPOP")


def test_a_residents_request_without_leave_is_refused(desk: Desk) -> None:
    request = rebuild(desk.message().der, desk.station, header=set_field(general_info=None))
    assert verdict(desk.responder.respond(request)) == (BodyKind.IP, "notAuthorized")


def test_a_revoked_clerk_gives_no_leave(desk: Desk) -> None:
    revoke_by_hand(desk, desk.clerk.certificate)
    assert verdict(desk.responder.respond(desk.message().der)) == (BodyKind.IP, "notAuthorized")


def test_a_revoked_station_is_not_heard(desk: Desk) -> None:
    revoke_by_hand(desk, desk.station.certificate)
    assert verdict(desk.responder.respond(desk.message().der)) == (BodyKind.ERROR, "signerNotTrusted")


def test_a_station_out_of_its_time_is_not_heard(desk: Desk) -> None:
    desk.clock.now = desk.station.certificate.not_valid_after_utc + datetime.timedelta(seconds=1)
    assert verdict(desk.responder.respond(desk.message().der)) == (BodyKind.ERROR, "signerNotTrusted")


def test_a_clerk_is_no_station(desk: Desk) -> None:
    desk.station = desk.clerk
    desk.serve(desk.authority)
    assert verdict(desk.responder.respond(desk.message().der)) == (BodyKind.IP, "notAuthorized")


def test_a_station_of_another_authority_is_not_heard(desk: Desk, tmp_path: Path) -> None:
    other = make_desk(make_authority(tmp_path / "made"), tmp_path / "other", desk.key)
    assert verdict(desk.responder.respond(other.message().der)) == (BodyKind.ERROR, "signerNotTrusted")


def test_leave_for_one_station_is_of_no_use_to_another(desk: Desk) -> None:
    message = desk.message()
    add_station(desk.directory, desk.authority, "terminal-2")
    desk.use_station("terminal-2")
    assert verdict(desk.responder.respond(desk.message().der)) == (BodyKind.IP, "notAuthorized")
    assert verdict(desk.responder.respond(message.der)) == (BodyKind.IP, ""), "the first station's is untouched"


def test_a_transaction_id_is_used_once(desk: Desk) -> None:
    message = desk.message()
    desk.client.certify(message.der)
    again = rebuild(desk.message().der, desk.station, header=set_field(transaction_id=message.transaction_id))
    assert verdict(desk.responder.respond(again)) == (BodyKind.ERROR, "transactionIdInUse")


def conclusion(desk: Desk) -> bytes:
    return desk.client.confirm_message(desk.certify()).der


def rejection_info(**changes: Any) -> Callable[[Any], None]:
    return set_field(status_info=asn1.PKIStatusInfo(**changes))


CONCLUSIONS: dict[str, tuple[dict[str, Any], str]] = {
    "no transactionID": ({"header": set_field(transaction_id=None)}, "badRequest"),
    "unknown transaction": ({"header": set_field(transaction_id=bytes(16))}, "badRequest"),
    "no senderNonce": ({"header": set_field(sender_nonce=None)}, "badSenderNonce"),
    "no recipNonce": ({"header": set_field(recip_nonce=None)}, "badRecipientNonce"),
    "another recipNonce": ({"header": set_field(recip_nonce=bytes(16))}, "badRecipientNonce"),
    "from the future": (
        {"header": set_field(message_time=asn1.GeneralizedTime(START + datetime.timedelta(hours=1)))},
        "badTime",
    ),
    "another certReqId": ({"body": change_each(asn1.CertStatus, set_field(cert_req_id=1))}, "badRequest"),
    "twice": (
        {"body": twice},
        "badRequest",
    ),
    "accepted with failInfo": (
        {"body": change_each(asn1.CertStatus, rejection_info(status=0, fail_info=asn1.BitString(b"\x20", 5)))},
        "badRequest",
    ),
    "neither yes nor no": ({"body": change_each(asn1.CertStatus, rejection_info(status=3))}, "badRequest"),
    "hashAlg in version 2": (
        {
            "body": change_each(
                asn1.CertStatus,
                set_field(hash_alg=asn1.algorithm(x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1"), False)),
            )
        },
        "badRequest",
    ),
    "no protection": ({"message": set_field(protection=None)}, "badMessageCheck"),
}


@pytest.mark.parametrize("name", CONCLUSIONS)
def test_a_bad_confirmation_is_refused_and_changes_nothing(desk: Desk, name: str) -> None:
    how, fail_info = CONCLUSIONS[name]
    pending = desk.certify()
    good = desk.client.confirm_message(pending).der
    assert verdict(desk.responder.respond(rebuild(good, desk.station, **how))) == (BodyKind.ERROR, fail_info)
    assert desk.state(pending) == ("pending", "certificateHold")
    desk.client.confirm(good)


@pytest.mark.parametrize("cert_hash", [b"", bytes(32)])
def test_a_confirmation_of_something_else_revokes(desk: Desk, cert_hash: bytes) -> None:
    pending = desk.certify()
    body = change_each(asn1.CertStatus, set_field(cert_hash=cert_hash))
    request = rebuild(desk.client.confirm_message(pending).der, desk.station, body=body)
    assert verdict(desk.responder.respond(request)) == (BodyKind.ERROR, "badCertId")
    assert desk.state(pending) == ("revoked", "cessationOfOperation")


def test_an_empty_confirmation_declines(desk: Desk) -> None:
    pending = desk.certify()
    request = rebuild(desk.client.confirm_message(pending).der, desk.station, body=lambda _: asn1.sequence_of([]))
    assert verdict(desk.responder.respond(request)) == (BodyKind.PKICONF, "")
    assert desk.state(pending) == ("revoked", "cessationOfOperation")


def test_version_3_may_confirm_by_another_hash(desk: Desk) -> None:
    pending = desk.certify()
    digest = hashes.Hash(hashes.SHA512())
    digest.update(pending.certificate)
    change = set_field(
        cert_hash=digest.finalize(),
        hash_alg=asn1.algorithm(SHA512, has_null=False),
    )
    request = rebuild(
        desk.client.confirm_message(pending).der,
        desk.station,
        header=set_field(pvno=3),
        body=change_each(asn1.CertStatus, change),
    )
    assert verdict(desk.responder.respond(request)) == (BodyKind.PKICONF, "")
    assert desk.state(pending) == ("good", None)


def test_only_the_station_that_asked_may_confirm(desk: Desk) -> None:
    pending = desk.certify()
    add_station(desk.directory, desk.authority, "terminal-2")
    desk.use_station("terminal-2")
    assert verdict(desk.responder.respond(desk.client.confirm_message(pending).der)) == (BodyKind.ERROR, "badRequest")


def crl_reasons(*values: bytes) -> Callable[[Any], None]:
    return set_field(crl_entry_details=[asn1.Extension(oid=oids.CRL_REASON, value=v) for v in values])


def details(**values: object) -> Callable[[Any], None]:
    return lambda rev: set_field(**values)(rev.cert_details)


REVOCATIONS: dict[str, tuple[Callable[[Any], None], str]] = {
    "no issuer": (details(issuer=None), "addInfoNotAvailable"),
    "no serialNumber": (details(serial_number=None), "addInfoNotAvailable"),
    "another issuer": (details(issuer=asn1.rdns(OTHER_NAME.public_bytes())), "badCertId"),
    "unknown serialNumber": (details(serial_number=1), "badCertId"),
    "another subject": (details(subject=asn1.rdns(OTHER_NAME.public_bytes())), "badCertId"),
    "another key": (details(public_key=spki(ec.generate_private_key(ec.SECP256R1()))), "badCertId"),
    "unknown reason": (crl_reasons(b"\x0a\x01\x63"), "badDataFormat"),
    "reason of another type": (crl_reasons(b"\x02\x01\x01"), "badDataFormat"),
    "reason for other certificates": (crl_reasons(b"\x0a\x01\x0a"), "badRequest"),
    "two reasons": (crl_reasons(b"\x0a\x01\x01", b"\x0a\x01\x04"), "badRequest"),
    "release of what is not on hold": (crl_reasons(b"\x0a\x01\x08"), "badCertId"),
}


@pytest.mark.parametrize("name", REVOCATIONS)
def test_a_bad_revocation_request_is_refused(desk: Desk, name: str) -> None:
    change, fail_info = REVOCATIONS[name]
    pending = desk.confirmed()
    good = desk.client.revoke_message(pending.certificate, RevocationReason.SUPERSEDED).der
    request = rebuild(good, desk.station, body=change_each(asn1.RevDetails, change))
    assert verdict(desk.responder.respond(request)) == (BodyKind.RP, fail_info)
    assert desk.state(pending) == ("good", None)


def test_an_unprotected_revocation_request_is_refused_in_its_own_response(desk: Desk) -> None:
    pending = desk.confirmed()
    good = desk.client.revoke_message(pending.certificate, RevocationReason.SUPERSEDED).der
    request = rebuild(good, desk.station, message=set_field(protection=None))
    assert verdict(desk.responder.respond(request)) == (BodyKind.RP, "badMessageCheck")


def test_a_hold_is_released(desk: Desk) -> None:
    pending = desk.confirmed()
    desk.client.revoke(desk.client.revoke_message(pending.certificate, RevocationReason.CERTIFICATE_HOLD).der)
    message = desk.client.revoke_message(pending.certificate, RevocationReason.UNSPECIFIED).der
    release = rebuild(message, desk.station, body=change_each(asn1.RevDetails, crl_reasons(b"\x0a\x01\x08")))
    assert verdict(desk.responder.respond(release)) == (BodyKind.RP, "")
    assert desk.state(pending) == ("good", None)


def test_a_release_must_not_come_late(desk: Desk) -> None:
    pending = desk.confirmed()
    desk.client.revoke(desk.client.revoke_message(pending.certificate, RevocationReason.CERTIFICATE_HOLD).der)
    message = desk.client.revoke_message(pending.certificate, RevocationReason.UNSPECIFIED).der
    release = rebuild(message, desk.station, body=change_each(asn1.RevDetails, crl_reasons(b"\x0a\x01\x08")))
    desk.clock.advance(minutes=6)
    assert verdict(desk.responder.respond(release)) == (BodyKind.RP, "badTime")


def test_what_takes_only_away_needs_no_time(desk: Desk) -> None:
    """RFC 9483, 3.1: messageTime is recommended. A release gives, and has to say when it was made."""
    pending = desk.certify()
    timeless = set_field(message_time=None)
    confirmation = rebuild(desk.client.confirm_message(pending).der, desk.station, header=timeless)
    assert verdict(desk.responder.respond(confirmation)) == (BodyKind.PKICONF, "")
    hold = desk.client.revoke_message(pending.certificate, RevocationReason.CERTIFICATE_HOLD).der
    assert verdict(desk.responder.respond(rebuild(hold, desk.station, header=timeless))) == (BodyKind.RP, "")
    message = desk.client.revoke_message(pending.certificate, RevocationReason.UNSPECIFIED).der
    release = rebuild(
        message, desk.station, header=timeless, body=change_each(asn1.RevDetails, crl_reasons(b"\x0a\x01\x08"))
    )
    assert verdict(desk.responder.respond(release)) == (BodyKind.RP, "missingTimeStamp")


@pytest.mark.parametrize("whose", ["station", "clerk"])
def test_the_authoritys_own_people_are_not_revoked_by_message(desk: Desk, whose: str) -> None:
    certificate = getattr(desk, whose).certificate.public_bytes(Encoding.DER)
    message = desk.client.revoke_message(certificate, RevocationReason.SUPERSEDED)
    assert verdict(desk.responder.respond(message.der)) == (BodyKind.RP, "notAuthorized")


@pytest.mark.parametrize("kind", [BodyKind.POLL_REQ, BodyKind.PKICONF, BodyKind.IP, BodyKind.GENP, 9])
def test_what_is_not_offered_is_refused(desk: Desk, kind: int) -> None:
    request = rebuild(desk.message().der, desk.station, kind=kind)
    assert verdict(desk.responder.respond(request)) == (BodyKind.ERROR, "badRequest")


@pytest.mark.parametrize("garbage", [b"", b"no DER at all", b"\x30\x00", b"\x30\x80\x00\x00"])
def test_garbage_is_answered_in_cmp(desk: Desk, garbage: bytes) -> None:
    assert verdict(desk.responder.respond(garbage)) == (BodyKind.ERROR, "badDataFormat")


def test_no_authentic_nonsense_brings_it_into_trouble(desk: Desk) -> None:
    pending = desk.certify()
    requests = [
        desk.message().der,
        desk.client.confirm_message(pending).der,
        desk.client.revoke_message(pending.certificate, RevocationReason.SUPERSEDED).der,
    ]

    @given(st.sampled_from(requests), st.integers(0, 10_000), st.integers(1, 255), st.binary(min_size=16, max_size=16))
    @settings(max_examples=150, deadline=None)
    def garble(request: bytes, place: int, mask: int, transaction_id: bytes) -> None:
        def body(content: bytes) -> bytes:
            changed = bytearray(content)
            changed[place % len(changed)] ^= mask
            return bytes(changed)

        header = nothing if request == requests[1] else set_field(transaction_id=transaction_id)
        response = desk.responder.respond(rebuild(request, desk.station, header=header, body=body))
        assert verdict(response)[1] != "systemFailure"

    garble()


def test_every_answer_repeats_transaction_and_nonce_and_is_signed_by_the_authority(desk: Desk) -> None:
    good = desk.message().der
    for request in (good, rebuild(good, desk.station, header=set_field(message_time=None))):
        asked, answer = parse_message(request).header, parse_message(desk.responder.respond(request))
        assert verify_protection(answer) == desk.authority.speaker.certificate
        assert answer.header.transaction_id == asked.transaction_id
        assert answer.header.recip_nonce == asked.sender_nonce
        assert answer.header.sender_nonce is not None and len(answer.header.sender_nonce) >= 16
        assert answer.header.message_time is not None and answer.header.message_time.as_datetime() == START
        assert asn1.encode(answer.header.recipient) == asn1.encode(asked.sender)


def revoke_by_hand(desk: Desk, certificate: x509.Certificate) -> None:
    with desk.authority.store.write(desk.authority.now()) as books:
        books.revoke(serial_text(certificate.serial_number), RevocationReason.KEY_COMPROMISE, "by hand")

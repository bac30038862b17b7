"""What RFC 9483, or what it stands on, forbids and a lenient responder would let pass."""

from collections.abc import Callable
from typing import Any

import pytest
from authority_desk import Desk
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from rebuilt_message import change_each, change_request, rebuild, set_field, verdict
from test_cmp_information import as_holder, genm, nested, plain, question_of
from test_rfc_9483 import concluding, csr, issued, p10cr, respond_to

from kiosk.authority import asn1, oids
from kiosk.authority.client import CertificateId
from kiosk.authority.credential import Credential
from kiosk.authority.embedded.in_step import Stages, do
from kiosk.authority.embedded.requester import open_request
from kiosk.authority.message import BodyKind, Status, parse_message
from kiosk.authority.profile import usage
from kiosk.model.certificate import RevocationReason, serial_text

NULL = asn1.encode(asn1.Null())
SOMEBODY = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody")])
HOLD, SUPERSEDED = RevocationReason.CERTIFICATE_HOLD, RevocationReason.SUPERSEDED


@pytest.fixture
def holder(desk: Desk) -> Credential:
    """Somebody with a plain certificate of his own."""
    return plain(desk, "holder")


# --- header (RFC 9483, 3.1; RFC 9810, section 7)


@pytest.mark.parametrize(("asked", "answered"), [(0, 2), (1, 2), (4, 3), (99, 3)])
@pytest.mark.parametrize("kind", ["ir", "rr"])
def test_whoever_speaks_another_version_is_told_the_nearest_one(
    desk: Desk, kind: str, asked: int, answered: int
) -> None:
    certificate = desk.confirmed().certificate
    message = desk.message() if kind == "ir" else desk.client.revoke_message(certificate, SUPERSEDED)
    answer = desk.responder.respond(rebuild(message.der, desk.station, header=set_field(pvno=asked)))
    assert verdict(answer) == (BodyKind.ERROR, "unsupportedVersion")
    assert parse_message(answer).header.pvno == answered


def of_header(der: bytes, change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    """A message whose header's parts (DER) are changed as no library would."""
    header, *rest = (asn1.encode(part) for part in asn1.elements(der))
    return asn1.sequence_of([asn1.sequence_of(change([asn1.encode(p) for p in asn1.elements(header)])), *rest])


UNREADABLE: dict[str, Callable[[bytes], bytes]] = {
    "a time of another kind": lambda der: of_header(
        der, lambda parts: [asn1.explicit(0, b"\x17\x0d260401010203Z") if p[:1] == b"\xa0" else p for p in parts]
    ),
    "no body": lambda der: asn1.sequence_of([asn1.encode(asn1.elements(der)[0]), asn1.encode(5)]),
    "a protection of another kind": lambda der: asn1.sequence_of(
        [*(asn1.encode(part) for part in asn1.elements(der)[:2]), asn1.explicit(0, NULL)]
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_answer_to_what_cannot_be_read_still_names_its_transaction(desk: Desk, name: str) -> None:
    """3.6.2: whoever waits for an answer in a transaction must know that this is it."""
    message = desk.message()
    answer = desk.responder.respond(UNREADABLE[name](message.der))
    asked, header = parse_message(message.der).header, parse_message(answer).header
    assert verdict(answer) == (BodyKind.ERROR, "badDataFormat")
    assert header.transaction_id == asked.transaction_id and header.recip_nonce == asked.sender_nonce
    assert asn1.encode(header.recipient) == asn1.encode(asked.sender)


def test_what_names_nothing_is_answered_to_nobody_in_particular(desk: Desk) -> None:
    answer = desk.responder.respond(asn1.sequence_of([asn1.sequence_of([asn1.encode(2)]), NULL]))
    assert verdict(answer) == (BodyKind.ERROR, "badDataFormat")
    assert parse_message(answer).header.recip_nonce is None


def item(oid: x509.ObjectIdentifier, value: bytes) -> list[asn1.TLV]:
    return [asn1.tlv(asn1.encode(oid)), asn1.tlv(value)]


def test_an_item_comes_once(desk: Desk) -> None:
    twice = [item(oids.IMPLICIT_CONFIRM, NULL)] * 2
    request = p10cr(desk, ec.generate_private_key(ec.SECP256R1()), general_info=twice)
    assert verdict(desk.responder.respond(request)) == (BodyKind.ERROR, "badRequest")


def test_a_profile_is_named_where_something_is_asked_for(desk: Desk) -> None:
    """3.1: certProfile is left out of any other message."""
    named = [item(oids.CERT_PROFILE, asn1.sequence_of([asn1.encode("plain")]))]
    answer = desk.responder.respond(p10cr(desk, ec.generate_private_key(ec.SECP256R1())))
    conclusion = rebuild(concluding(desk, answer, -1), desk.station, header=set_field(general_info=named))
    assert verdict(desk.responder.respond(conclusion)) == (BodyKind.ERROR, "badRequest")


# --- transactions (3.5)


def test_a_holders_message_is_not_answered_twice(desk: Desk, holder: Credential) -> None:
    """Only a registered station may ask again by the same bytes."""
    asked = request_of(desk, holder)
    answer = desk.responder.respond(asked)
    assert verdict(answer) == (BodyKind.CP, "")
    assert verdict(desk.responder.respond(asked)) == (BodyKind.ERROR, "transactionIdInUse")
    header, certificate = parse_message(answer).header, issued(answer)
    accepted = asn1.CertStatus(cert_hash=certificate.fingerprint(hashes.SHA256()), cert_req_id=-1)
    of = header.transaction_id, header.sender_nonce
    conclusion = as_holder(desk, holder, BodyKind.CERT_CONF, asn1.sequence_of([asn1.encode(accepted)]), *of)
    assert verdict(desk.responder.respond(conclusion)) == (BodyKind.PKICONF, "")
    assert verdict(desk.responder.respond(conclusion)) == (BodyKind.ERROR, "certConfirmed")


def request_of(desk: Desk, holder: Credential) -> bytes:
    """A holder's p10cr for a key of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    body = x509.CertificateSigningRequestBuilder(SOMEBODY).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    return as_holder(desk, holder, BodyKind.P10CR, body)


def within(answer: bytes) -> bytes:
    (inner,) = asn1.elements(parse_message(answer).body)
    return asn1.encode(inner)


def test_a_station_that_speaks_for_another_may_ask_again(desk: Desk, holder: Credential) -> None:
    """By the same bytes around, or by others around the same bytes, also after the time of a new message is over."""
    asked = request_of(desk, holder)
    header = parse_message(asked).header
    batch = nested(desk, asked)
    answer = desk.responder.respond(batch)
    assert verdict(within(answer)) == (BodyKind.CP, "")
    desk.clock.advance(minutes=6)
    assert desk.responder.respond(batch) == answer
    assert within(desk.responder.respond(nested(desk, asked))) == within(answer)
    alone = nested(desk, asked, transaction_id=header.transaction_id, sender_nonce=header.sender_nonce)
    assert desk.responder.respond(alone) == within(answer)


def test_a_station_that_was_put_away_is_not_answered_again(desk: Desk) -> None:
    message = desk.message().der
    assert verdict(desk.responder.respond(message)) == (BodyKind.IP, "")
    with desk.authority.store.write(desk.clock.now) as books:
        books.revoke(serial_text(desk.station.certificate.serial_number), SUPERSEDED, "by hand")
    assert verdict(desk.responder.respond(message)) == (BodyKind.ERROR, "signerNotTrusted")


def test_of_two_batches_under_one_id_the_other_is_refused_as_a_whole(
    desk: Desk, holder: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while the first is still being handled: nothing is issued behind a refusal."""
    first, second = (nested(desk, request_of(desk, holder), transaction_id=bytes(16)) for _ in range(2))
    refused: list[bytes] = []
    respond = desk.responder._respond

    def beside(store: Any, request: Any, *, has_vouching_station: bool = False) -> Stages[bytes]:
        if has_vouching_station and not refused:
            refused.append(b"")
            refused[0] = do(respond(store, open_request(second)))
        return (yield from respond(store, request, has_vouching_station=has_vouching_station))

    # The second comes between two steps of the first, as another worker's may on PostgreSQL; threads would meet there
    # by chance only.
    monkeypatch.setattr(desk.responder, "_respond", beside)
    assert verdict(within(desk.responder.respond(first))) == (BodyKind.CP, "")
    assert verdict(refused[0]) == (BodyKind.ERROR, "transactionIdInUse")


@pytest.mark.parametrize("items", ["twice", "a profile"])
def test_the_header_around_others_is_read_too(desk: Desk, items: str) -> None:
    profile = item(oids.CERT_PROFILE, asn1.sequence_of([asn1.encode("plain")]))
    found = {"twice": [item(oids.IMPLICIT_CONFIRM, NULL)] * 2, "a profile": [profile]}[items]
    batch = nested(desk, genm(desk, oids.CA_CERTS), general_info=found)
    assert verdict(desk.responder.respond(batch)) == (BodyKind.ERROR, "badRequest")


def test_a_batch_has_a_transaction_that_nothing_else_had(desk: Desk) -> None:
    used = desk.message()
    desk.client.certify(used.der)
    batch = nested(desk, genm(desk, oids.CA_CERTS), transaction_id=used.transaction_id)
    assert verdict(desk.responder.respond(batch)) == (BodyKind.ERROR, "transactionIdInUse")
    first, second = (nested(desk, genm(desk, oids.CA_CERTS), transaction_id=bytes(16)) for _ in range(2))
    assert verdict(desk.responder.respond(first))[0] == BodyKind.NESTED
    assert verdict(desk.responder.respond(second)) == (BodyKind.ERROR, "transactionIdInUse")


def test_added_protection_repeats_the_senders_nonce(desk: Desk, holder: Credential) -> None:
    message = question_of(desk, holder)
    around = nested(desk, message, transaction_id=parse_message(message).header.transaction_id, sender_nonce=bytes(16))
    assert verdict(desk.responder.respond(around)) == (BodyKind.ERROR, "badSenderNonce")


# --- names (RFC 5280, 7.1)


def respelled(name: bytes) -> bytes:
    """The same Name as UTF8String where it was PrintableString, or the other way round; in capitals, more spaces."""

    def other(value: asn1.TLV) -> bytes:
        tag = {b"\x0c": 0x13, b"\x13": 0x0C}.get(asn1.encode(value)[:1])
        text = bytes(value.data)
        return asn1.encode(value) if tag is None else asn1.tagged(tag, text.upper().replace(b" ", b"  "))

    return asn1.sequence_of(
        [
            asn1.tagged(0x31, b"".join(asn1.sequence_of([asn1.encode(a.type), other(a.value)]) for a in rdn.as_list()))
            for rdn in asn1.rdns(name)
        ]
    )


def test_a_sender_who_spells_his_name_otherwise_is_the_same(desk: Desk) -> None:
    name = respelled(desk.station.subject)
    assert name != desk.station.subject
    changed = set_field(sender=asn1.tlv(asn1.explicit(4, name)))
    assert verdict(desk.responder.respond(rebuild(desk.message().der, desk.station, header=changed))) == (
        BodyKind.IP,
        "",
    )


def test_a_certificate_is_revoked_by_its_issuers_name_however_it_is_spelled(desk: Desk) -> None:
    pending = desk.confirmed()
    issuer = asn1.rdns(respelled(desk.issuer.subject.public_bytes()))
    change = change_each(asn1.RevDetails, lambda details: set_field(issuer=issuer)(details.cert_details))
    message = desk.client.revoke_message(pending.certificate, SUPERSEDED).der
    assert verdict(desk.responder.respond(rebuild(message, desk.station, body=change))) == (BodyKind.RP, "")


def test_names_are_not_the_same_for_being_alike() -> None:
    def name(*values: tuple[x509.ObjectIdentifier, str]) -> bytes:
        return x509.Name([x509.NameAttribute(oid, value) for oid, value in values]).public_bytes()

    common, unit = x509.NameOID.COMMON_NAME, x509.NameOID.ORGANIZATIONAL_UNIT_NAME
    assert asn1.is_same_name(name((common, "A  b")), name((common, "a B ")))
    assert asn1.is_same_name(name((common, "\uff21\uff22 が")), name((common, "ab か\u3099")))
    for other in (name((unit, "a b")), name((common, "ab")), name((common, "a b"), (unit, "c")), b"\x30\x00", NULL):
        assert not asn1.is_same_name(name((common, "a b")), other)
        assert not asn1.is_same_name(other, name((common, "a b")))


# --- what is asked for (4.1.1)


def time(at: str) -> bytes:
    return asn1.tagged(0x17, at.encode())


VALIDITIES: dict[str, tuple[list[bytes], str]] = {
    "a time to come": ([asn1.explicit(0, time("260401010203Z")), asn1.explicit(1, time("270401010203Z"))], ""),
    "a begin alone": ([asn1.explicit(0, time("260401010203Z"))], ""),
    "an end alone": ([asn1.explicit(1, asn1.tagged(0x18, b"20600401010203Z"))], ""),
    "nothing": ([], "badDataFormat"),
    "no time": ([NULL], "badDataFormat"),
    "no time under a tag": ([asn1.explicit(0, NULL)], "badDataFormat"),
    "the end first": (
        [asn1.explicit(1, time("270401010203Z")), asn1.explicit(0, time("260401010203Z"))],
        "badDataFormat",
    ),
    "two ends": ([asn1.explicit(1, time("270401010203Z"))] * 2, "badDataFormat"),
    "an end before the begin": (
        [asn1.explicit(0, time("290401010203Z")), asn1.explicit(1, time("280401010203Z"))],
        "badCertTemplate",
    ),
    "a time that is over": ([asn1.explicit(1, time("260401010203Z"))], "badCertTemplate"),
}


@pytest.mark.parametrize("name", VALIDITIES)
def test_a_validity_is_one(desk: Desk, name: str) -> None:
    """RFC 4211, section 5; how long a certificate is valid the authority says itself."""
    parts, fail_info = VALIDITIES[name]
    value = [asn1.tlv(part) for part in parts]
    change = change_request(lambda request: set_field(validity=value)(request.cert_template), desk.key)
    answer = desk.responder.respond(rebuild(desk.message().der, desk.station, body=change))
    assert verdict(answer) == (BodyKind.IP, fail_info)
    assert status_of(answer) == (Status.REJECTION if fail_info else Status.GRANTED_WITH_MODS)


def p256() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


NO_USAGE = x509.UnrecognizedExtension(x509.KeyUsage.oid, b"\x03\x01\x00")
NO_NAME = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"\x30\x00")
USAGES: dict[str, tuple[Callable[[], Any], x509.ExtensionType, str]] = {
    "nothing": (p256, NO_USAGE, "badCertTemplate"),
    "EC for encryption": (p256, usage("keyEncipherment"), "badCertTemplate"),
    "EC for data": (p256, usage("digitalSignature", "dataEncipherment"), "badCertTemplate"),
    "EC for agreement": (p256, usage("keyAgreement"), ""),
    "Ed25519 for agreement": (ed25519.Ed25519PrivateKey.generate, usage("keyAgreement"), "badCertTemplate"),
    "Ed25519 for signatures": (ed25519.Ed25519PrivateKey.generate, usage("digitalSignature", "nonRepudiation"), ""),
    "an alternative name without a name": (p256, NO_NAME, "badCertTemplate"),
    "no purpose that is known": (
        p256,
        x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.17")]),
        "badCertTemplate",
    ),
}


@pytest.mark.parametrize("name", USAGES)
def test_a_key_is_certified_for_what_it_can_do(desk: Desk, name: str) -> None:
    """RFC 5280, 4.2.1.3 and 4.2.1.6; RFC 8813, section 3; RFC 9295, section 3."""
    make, extension, fail_info = USAGES[name]
    key = make()
    builder = x509.CertificateSigningRequestBuilder(SOMEBODY).add_extension(extension, critical=False)
    request = builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    assert verdict(respond_to(desk, request)) == (BodyKind.CP, fail_info)


def test_rsa_is_not_certified_for_agreement(desk: Desk, keys: list[rsa.RSAPrivateKey]) -> None:
    builder = x509.CertificateSigningRequestBuilder(SOMEBODY).add_extension(usage("keyAgreement"), critical=False)
    assert verdict(respond_to(desk, builder.sign(keys[1], hashes.SHA256()))) == (BodyKind.CP, "badCertTemplate")


def test_a_purpose_that_nobody_here_knows_is_left_out_and_that_is_told(desk: Desk) -> None:
    known, unknown = x509.ExtendedKeyUsageOID.CLIENT_AUTH, x509.ObjectIdentifier("1.3.6.1.5.5.7.3.17")
    answer = respond_to(desk, csr(SOMEBODY, x509.ExtendedKeyUsage([known, unknown])))
    assert status_of(answer) == Status.GRANTED_WITH_MODS
    assert issued(answer).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value == x509.ExtendedKeyUsage(
        [known]
    )


def status_of(answer: bytes) -> int:
    return asn1.decode(asn1.CertRepMessage, parse_message(answer).body).response[0].status.status


def test_a_key_for_pss_alone_is_not_certified_for_more(desk: Desk, keys: list[rsa.RSAPrivateKey]) -> None:
    """RFC 4055, 1.2: the restriction is part of the key, and the certificate would not say it."""
    request = x509.CertificateSigningRequestBuilder(SOMEBODY).sign(keys[1], hashes.SHA256())
    info = asn1.elements(request.tbs_certrequest_bytes)
    key = asn1.elements(asn1.encode(info[2]))
    algorithm = asn1.sequence_of([asn1.encode(x509.SignatureAlgorithmOID.RSASSA_PSS)])
    parts = [*map(asn1.encode, info[:2]), asn1.sequence_of([algorithm, asn1.encode(key[1])]), asn1.encode(info[3])]
    raw = asn1.sequence_of(parts)
    identifier = [asn1.encode(p) for p in asn1.algorithm(x509.SignatureAlgorithmOID.RSA_WITH_SHA256, has_null=True)]
    signed = asn1.sequence_of([raw, asn1.sequence_of(identifier), asn1.encode(asn1.BitString(bytes(256), 0))])
    assert verdict(respond_to(desk, signed)) == (BodyKind.CP, "badCertTemplate")


def test_a_certificate_is_accepted_as_it_is_or_not_at_all(desk: Desk) -> None:
    """4.1.1: the status of a confirmation is accepted or rejection."""
    pending = desk.certify()
    changed = set_field(status_info=asn1.PKIStatusInfo(status=Status.GRANTED_WITH_MODS))
    message = desk.client.confirm_message(pending).der
    request = rebuild(message, desk.station, body=change_each(asn1.CertStatus, changed))
    assert verdict(desk.responder.respond(request)) == (BodyKind.ERROR, "badRequest")
    assert desk.state(pending) == ("pending", "certificateHold")


# --- revocation (4.2)


def revocation_of(desk: Desk, holder: Credential, certificate: bytes, reason: RevocationReason = SUPERSEDED) -> bytes:
    """A holder's rr about a certificate."""
    body = parse_message(desk.client.revoke_message(certificate, reason).der).body
    return as_holder(desk, holder, BodyKind.RR, body)


def own(holder: Credential) -> bytes:
    return holder.certificate.public_bytes(Encoding.DER)


def test_whoever_has_revoked_his_certificate_is_told_that_it_is_revoked(desk: Desk, holder: Credential) -> None:
    for reason, fail_info in ((SUPERSEDED, ""), (RevocationReason.KEY_COMPROMISE, "certRevoked")):
        answer = desk.responder.respond(revocation_of(desk, holder, own(holder), reason))
        assert verdict(answer) == (BodyKind.RP, fail_info)
    assert verdict(desk.responder.respond(question_of(desk, holder))) == (BodyKind.ERROR, "signerNotTrusted")


def elsewhere(details: asn1.RevDetails) -> None:
    details.cert_details.issuer = asn1.rdns(SOMEBODY.public_bytes())


def test_his_revoked_key_revokes_nothing_else(desk: Desk, holder: Credential) -> None:
    other = desk.confirmed().certificate
    desk.responder.respond(revocation_of(desk, holder, own(holder)))
    of_another_issuer = parse_message(revocation_of(desk, holder, own(holder))).body
    bodies = (
        parse_message(revocation_of(desk, holder, other)).body,
        change_each(asn1.RevDetails, elsewhere)(of_another_issuer),
        NULL,
    )
    for body in bodies:
        answer = desk.responder.respond(as_holder(desk, holder, BodyKind.RR, body))
        assert verdict(answer) == (BodyKind.RP, "signerNotTrusted")


def test_a_holder_revokes_his_own_certificate_and_nobody_elses(desk: Desk, holder: Credential) -> None:
    """Not even one that he asked for."""
    asked_for = issued(desk.responder.respond(request_of(desk, holder)))
    answer = desk.responder.respond(revocation_of(desk, holder, asked_for.public_bytes(Encoding.DER)))
    assert verdict(answer) == (BodyKind.RP, "notAuthorized")


def test_what_is_revoked_for_good_is_not_revived(desk: Desk) -> None:
    pending = desk.confirmed()
    desk.responder.respond(desk.client.revoke_message(pending.certificate, SUPERSEDED).der)
    loaded = x509.load_der_x509_certificate(pending.certificate)
    release = desk.client.release_message(CertificateId(loaded.issuer.public_bytes(), loaded.serial_number))
    assert verdict(desk.responder.respond(release.der)) == (BodyKind.RP, "certRevoked")


def test_details_of_an_entry_have_a_reason(desk: Desk) -> None:
    unknown = asn1.Extension(oid=x509.ObjectIdentifier("1.2.3.4"), critical=False, value=NULL)
    change = change_each(asn1.RevDetails, set_field(crl_entry_details=[unknown]))
    message = desk.client.revoke_message(desk.confirmed().certificate, SUPERSEDED).der
    assert verdict(desk.responder.respond(rebuild(message, desk.station, body=change))) == (BodyKind.RP, "badRequest")

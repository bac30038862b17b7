"""General messages (RFC 9483, 4.3; RFC 9810, 5.3.19), nested messages (5.2.2) and messages that give up (3.6.1)."""

import dataclasses
import datetime
from collections.abc import Callable

import pytest
from authority_desk import START, URL, Desk
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from pyasn1.codec.der import decoder
from pyasn1_alt_modules import rfc9480
from rebuilt_message import Change, rebuild, set_field, verdict

from kiosk.authority import asn1, oids
from kiosk.authority.credential import Credential
from kiosk.authority.message import BodyKind, parse_message, status_info
from kiosk.authority.profile import authority_certificate


def genm(desk: Desk, oid: x509.ObjectIdentifier, value: bytes | None = None) -> bytes:
    item = asn1.sequence_of([asn1.encode(oid), *([] if value is None else [value])])
    return desk.client._message(BodyKind.GENM, asn1.sequence_of([item])).der


def told(desk: Desk, oid: x509.ObjectIdentifier, value: bytes | None = None) -> tuple[x509.ObjectIdentifier, bytes]:
    """Type and value (empty for none) of the one item that is answered."""
    answer = desk.responder.respond(genm(desk, oid, value))
    assert verdict(answer) == (BodyKind.GENP, "")
    decoder.decode(answer, asn1Spec=rfc9480.PKIMessage())
    ((kind, content),) = parse_message(answer).general_message.items()
    return kind, b"" if content is None else asn1.encode(content)


def test_the_authoritys_certificates_are_told(desk: Desk) -> None:
    """4.3.1."""
    kind, value = told(desk, oids.CA_CERTS)
    assert (kind, [asn1.encode(c) for c in asn1.elements(value)]) == (oids.CA_CERTS, [desk.issuer_der])


def test_there_is_no_update_of_the_present_root(desk: Desk) -> None:
    """4.3.2: then the answer has no value."""
    for value in (None, desk.issuer_der):
        assert told(desk, oids.ROOT_CA_CERT, value) == (oids.ROOT_CA_KEY_UPDATE, b"")


def test_what_a_request_should_hold_is_told(desk: Desk) -> None:
    """4.3.3."""
    kind, value = told(desk, oids.CERT_REQ_TEMPLATE)
    template = asn1.decode(asn1.CertReqTemplate, value)
    assert kind == oids.CERT_REQ_TEMPLATE and template.key_spec is not None
    (control,) = template.key_spec
    assert asn1.oid(control[0]) == oids.RSA_KEY_LENGTH and asn1.encode(control[1]) == asn1.encode(2048)
    judged, rest = decoder.decode(value, asn1Spec=rfc9480.CertReqTemplateValue())
    assert not rest and not judged["certTemplate"]["serialNumber"].isValue


def test_whoever_asks_for_nothing_in_particular_is_told_what_there_is(desk: Desk) -> None:
    """RFC 9810, 5.3.19."""
    answer = desk.responder.respond(desk.client._message(BodyKind.GENM, asn1.sequence_of([])).der)
    assert set(parse_message(answer).general_message) == {oids.CA_CERTS, oids.SIGN_KEY_PAIR_TYPES, oids.CURRENT_CRL}


def of_profile(name: str) -> Change:
    value = asn1.sequence_of([asn1.encode(name)])
    return set_field(general_info=[[asn1.tlv(asn1.encode(oids.CERT_PROFILE)), asn1.tlv(value)]])


@pytest.mark.parametrize(("profile", "has_value"), [("signature", True), ("plain", False)])
def test_what_a_request_of_a_profile_should_hold_is_told(desk: Desk, profile: str, has_value: bool) -> None:
    """4.3.3: and there is no value where nothing is asked for."""
    request = rebuild(genm(desk, oids.CERT_REQ_TEMPLATE), desk.station, header=of_profile(profile))
    ((kind, content),) = parse_message(desk.responder.respond(request)).general_message.items()
    assert (kind, content is not None) == (oids.CERT_REQ_TEMPLATE, has_value)


def two_items(desk: Desk, *asked: x509.ObjectIdentifier) -> bytes:
    items = [asn1.sequence_of([asn1.encode(oid)]) for oid in asked or (oids.CA_CERTS, oids.CURRENT_CRL)]
    return desk.client._message(BodyKind.GENM, asn1.sequence_of(items)).der


def source(name: x509.GeneralName) -> bytes:
    """CRLSource (RFC 9810, 5.3.19.17): dpn [0] DistributionPointName."""
    point = x509.CRLDistributionPoints([x509.DistributionPoint([name], None, None, None)]).public_bytes()
    ((field,),) = [asn1.elements(asn1.encode(element)) for element in asn1.elements(point)]
    return asn1.encode(field)


def status_list(name: x509.GeneralName, since: datetime.datetime | None = None) -> bytes:
    parts = [source(name)]
    if since is not None:
        parts.append(b"\x17\x0d" + since.strftime("%y%m%d%H%M%SZ").encode())
    return asn1.sequence_of([asn1.sequence_of(parts)])


def test_newer_crls_are_told(desk: Desk) -> None:
    """4.3.4: by distribution point, when newer than what the asking side has."""
    place = x509.UniformResourceIdentifier(f"{URL}/crl/13221.crl")
    for since in (None, START - datetime.timedelta(days=1)):
        kind, value = told(desk, oids.CRL_STATUS_LIST, status_list(place, since))
        (crl,) = [x509.load_der_x509_crl(asn1.encode(c)) for c in asn1.elements(value)]
        assert kind == oids.CRLS and crl.is_signature_valid(desk.issuer.public_key())  # RSA
        assert [e for e in crl.extensions if isinstance(e.value, x509.IssuingDistributionPoint)]
    assert told(desk, oids.CRL_STATUS_LIST, status_list(place, START)) == (oids.CRLS, b"")


def test_the_present_crl_is_told(desk: Desk) -> None:
    kind, value = told(desk, oids.CURRENT_CRL)
    assert kind == oids.CURRENT_CRL and x509.load_der_x509_crl(value).issuer == desk.issuer.subject


def test_it_is_told_which_keys_are_certified(desk: Desk) -> None:
    kind, value = told(desk, oids.SIGN_KEY_PAIR_TYPES)
    (algorithm,) = asn1.elements(value)
    assert kind == oids.SIGN_KEY_PAIR_TYPES
    assert asn1.oid(asn1.elements(asn1.encode(algorithm))[0]).dotted_string == "1.2.840.113549.1.1.1"


NOWHERE = x509.UniformResourceIdentifier("http://elsewhere.test/x.crl")

BAD: dict[str, tuple[Callable[[Desk], bytes], str]] = {
    "an unknown item": (lambda d: genm(d, x509.ObjectIdentifier("1.2.3.4")), "badRequest"),
    "two items": (lambda d: two_items(d), "badRequest"),
    "the same item twice": (lambda d: two_items(d, oids.CA_CERTS, oids.CA_CERTS), "badRequest"),
    "generalInfo malformed": (
        lambda d: rebuild(genm(d, oids.CA_CERTS), d.station, header=set_field(general_info=[[]])),
        "badDataFormat",
    ),
    "a template for a profile that nobody knows": (
        lambda d: rebuild(genm(d, oids.CERT_REQ_TEMPLATE), d.station, header=of_profile("unheard of")),
        "badRequest",
    ),
    "a value where none belongs": (lambda d: genm(d, oids.CA_CERTS, asn1.encode(1)), "badRequest"),
    "a root that is none": (lambda d: genm(d, oids.ROOT_CA_CERT, asn1.encode(1)), "badDataFormat"),
    "no list of CRLs": (lambda d: genm(d, oids.CRL_STATUS_LIST), "badRequest"),
    "an empty list of CRLs": (lambda d: genm(d, oids.CRL_STATUS_LIST, asn1.sequence_of([])), "badRequest"),
    "a list of something else": (lambda d: genm(d, oids.CRL_STATUS_LIST, asn1.encode(1)), "badDataFormat"),
    "a CRL of elsewhere": (lambda d: genm(d, oids.CRL_STATUS_LIST, status_list(NOWHERE)), "badRequest"),
    "a recipNonce": (
        lambda d: rebuild(genm(d, oids.CA_CERTS), d.station, header=set_field(recip_nonce=bytes(16))),
        "badRequest",
    ),
    "no protection": (
        lambda d: rebuild(genm(d, oids.CA_CERTS), d.station, message=set_field(protection=None)),
        "badMessageCheck",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_question_is_refused(desk: Desk, name: str) -> None:
    make, fail_info = BAD[name]
    assert verdict(desk.responder.respond(make(desk))) == (BodyKind.ERROR, fail_info)


def test_a_question_does_not_go_on_with_a_transaction(desk: Desk) -> None:
    message = desk.message()
    desk.client.certify(message.der)
    asked = rebuild(genm(desk, oids.CA_CERTS), desk.station, header=set_field(transaction_id=message.transaction_id))
    assert verdict(desk.responder.respond(asked)) == (BodyKind.ERROR, "transactionIdInUse")


# --- nested messages (5.2.2)


def nested(desk: Desk, *messages: bytes, **header: object) -> bytes:
    der = desk.client._message(BodyKind.NESTED, asn1.sequence_of(list(messages))).der
    return rebuild(der, desk.station, header=set_field(**header)) if header else der


@pytest.fixture
def holder(desk: Desk) -> Credential:
    """Somebody with a plain certificate of his own."""
    return plain(desk, "holder")


def plain(desk: Desk, name: str) -> Credential:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    csr = x509.CertificateSigningRequestBuilder(subject).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    answer = parse_message(desk.responder.respond(desk.client._message(BodyKind.P10CR, csr).der))
    pair = asn1.decode(asn1.CertRepMessage, answer.body).response[0].certified_key_pair
    assert pair is not None
    certificate = x509.load_der_x509_certificate(asn1.encode(pair.certificate))
    accepted = asn1.CertStatus(cert_hash=certificate.fingerprint(hashes.SHA256()), cert_req_id=-1)
    body = asn1.sequence_of([asn1.encode(accepted)])
    header = answer.header
    desk.responder.respond(
        desk.client._message(BodyKind.CERT_CONF, body, header.transaction_id, header.sender_nonce).der
    )
    return Credential(key, certificate, (desk.issuer,))


def question_of(desk: Desk, credential: Credential) -> bytes:
    """A general message of somebody else."""
    station = desk.station
    desk.station = credential
    desk.serve(desk.authority)
    message = genm(desk, oids.CA_CERTS)
    desk.station = station
    desk.serve(desk.authority)
    return message


def test_a_batch_is_answered_by_a_batch_in_order(desk: Desk, holder: Credential) -> None:
    """5.2.2.2."""
    messages = [desk.message().der, question_of(desk, holder), genm(desk, x509.ObjectIdentifier("1.2.3.4"))]
    answer = parse_message(desk.responder.respond(nested(desk, *messages)))
    assert answer.kind == BodyKind.NESTED
    answers = [asn1.encode(e) for e in asn1.elements(answer.body)]
    assert [verdict(a) for a in answers] == [(BodyKind.IP, ""), (BodyKind.GENP, ""), (BodyKind.ERROR, "badRequest")]
    for asked, got in zip(messages, answers, strict=True):
        assert parse_message(asked).header.transaction_id == parse_message(got).header.transaction_id


def test_added_protection_is_answered_as_if_the_message_came_alone(desk: Desk, holder: Credential) -> None:
    """5.2.2.1."""
    message = question_of(desk, holder)
    header = parse_message(message).header
    answer = desk.responder.respond(
        nested(desk, message, transaction_id=header.transaction_id, sender_nonce=header.sender_nonce)
    )
    assert verdict(answer) == (BodyKind.GENP, "")


def as_holder(desk: Desk, holder: Credential, kind: BodyKind, body: bytes, *of: bytes | None) -> bytes:
    """A message of somebody else's."""
    station = desk.station
    desk.station = holder
    desk.serve(desk.authority)
    message = desk.client._message(kind, body, *of).der
    desk.station = station
    desk.serve(desk.authority)
    return message


@pytest.mark.parametrize(
    ("recip_nonce", "kind", "fail_info"),
    [
        ("as within", BodyKind.PKICONF, ""),
        ("none", BodyKind.PKICONF, ""),
        ("another", BodyKind.ERROR, "badRecipientNonce"),
    ],
)
def test_protection_is_added_to_a_confirmation_too(
    desk: Desk, holder: Credential, recip_nonce: str, kind: BodyKind, fail_info: str
) -> None:
    """5.2.2.1: the nonces of the message within are those of the message around it."""
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder(holder.certificate.subject).sign(key, hashes.SHA256())
    asked = as_holder(desk, holder, BodyKind.P10CR, csr.public_bytes(Encoding.DER))
    answer = parse_message(desk.responder.respond(asked))
    pair = asn1.decode(asn1.CertRepMessage, answer.body).response[0].certified_key_pair
    assert pair is not None
    certificate = x509.load_der_x509_certificate(asn1.encode(pair.certificate))
    accepted = asn1.CertStatus(cert_hash=certificate.fingerprint(hashes.SHA256()), cert_req_id=-1)
    body, begun = asn1.sequence_of([asn1.encode(accepted)]), answer.header
    confirmation = as_holder(desk, holder, BodyKind.CERT_CONF, body, begun.transaction_id, begun.sender_nonce)
    around = nested(
        desk,
        confirmation,
        transaction_id=begun.transaction_id,
        sender_nonce=parse_message(confirmation).header.sender_nonce,
        recip_nonce={"as within": begun.sender_nonce, "none": None, "another": bytes(16)}[recip_nonce],
    )
    assert verdict(desk.responder.respond(around)) == (kind, fail_info)


def test_a_batch_begins_something(desk: Desk) -> None:
    """5.2.2.2: a message of its own kind, to which nothing went before."""
    batch = nested(desk, genm(desk, oids.CA_CERTS), recip_nonce=bytes(16))
    assert verdict(desk.responder.respond(batch)) == (BodyKind.ERROR, "badRequest")


def test_nobody_but_a_station_speaks_for_others(desk: Desk, holder: Credential) -> None:
    message = question_of(desk, holder)
    desk.station = holder
    desk.serve(desk.authority)
    assert verdict(desk.responder.respond(nested(desk, message))) == (BodyKind.ERROR, "notAuthorized")


NESTS: dict[str, tuple[Callable[[Desk], bytes], str]] = {
    "nothing": (lambda d: nested(d), "badRequest"),
    "what is no message": (lambda d: nested(d, asn1.encode(1)), "badDataFormat"),
    "the same message twice": (lambda d: nested(d, *[genm(d, oids.CA_CERTS)] * 2), "transactionIdInUse"),
    "without protection of its own": (
        lambda d: rebuild(nested(d, genm(d, oids.CA_CERTS)), d.station, message=set_field(protection=None)),
        "badMessageCheck",
    ),
}


@pytest.mark.parametrize("name", NESTS)
def test_a_bad_nest_is_refused(desk: Desk, name: str) -> None:
    make, fail_info = NESTS[name]
    assert verdict(desk.responder.respond(make(desk))) == (BodyKind.ERROR, fail_info)


def test_a_nest_in_a_nest_is_refused(desk: Desk) -> None:
    answer = parse_message(desk.responder.respond(nested(desk, nested(desk, genm(desk, oids.CA_CERTS)))))
    (inner,) = asn1.elements(answer.body)
    assert verdict(asn1.encode(inner)) == (BodyKind.ERROR, "badRequest")


# --- giving up (3.6.1)


def test_a_requester_that_gives_up_gets_what_was_issued_revoked(desk: Desk) -> None:
    pending = desk.certify()
    body = asn1.encode(asn1.ErrorMsgContent(status=status_info(2, "cannot be written", "systemFailure")))  # Status
    message = desk.client._message(BodyKind.ERROR, body, pending.transaction_id, pending.nonce)
    assert verdict(desk.responder.respond(message.der)) == (BodyKind.PKICONF, "")
    assert desk.state(pending) == ("revoked", "cessationOfOperation")


def test_a_certificate_may_be_given_up_late(desk: Desk) -> None:
    pending = desk.certify()
    body = asn1.encode(asn1.ErrorMsgContent(status=status_info(2, "cannot be written", "systemFailure")))  # Status
    message = desk.client._message(BodyKind.ERROR, body, pending.transaction_id, pending.nonce)
    desk.clock.advance(minutes=6)
    assert verdict(desk.responder.respond(message.der)) == (BodyKind.PKICONF, "")
    assert desk.state(pending) == ("revoked", "cessationOfOperation")


def test_whoever_has_nothing_to_give_up_is_told(desk: Desk) -> None:
    body = asn1.encode(asn1.ErrorMsgContent(status=status_info(2, "", "")))  # Status
    message = desk.client._message(BodyKind.ERROR, body)
    assert verdict(desk.responder.respond(message.der)) == (BodyKind.ERROR, "badRequest")


# --- extraCerts (3.3)


def test_a_later_message_may_leave_out_its_signers_certificate(desk: Desk) -> None:
    pending = desk.certify()
    bare = rebuild(desk.client.confirm_message(pending).der, desk.station, message=set_field(extra_certs=None))
    assert verdict(desk.responder.respond(bare)) == (BodyKind.PKICONF, "")


# --- two generations under one name (4.3.2)


def test_the_root_that_follows_is_told_with_its_links(desk: Desk) -> None:
    older = authority_certificate(desk.clerk.key, desk.authority.policy, desk.authority.town, True, 1, START)
    desk.serve(dataclasses.replace(desk.authority, generations=(desk.issuer, older)))
    kind, value = told(desk, oids.ROOT_CA_CERT, older.public_bytes(Encoding.DER))
    assert kind == oids.ROOT_CA_KEY_UPDATE
    assert asn1.encode(asn1.elements(value)[0]) == desk.issuer_der

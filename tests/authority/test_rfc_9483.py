"""RFC 9483 rule by rule: `RULES` names the test of each; those that no other module has stand below.

Sections 1 and 2 hold no rule for a responder, section 7 names the algorithms of RFC 9481. What a section makes optional
and is not offered here is refused, and that has a test too.
"""

import ast
import datetime
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from authority_desk import START, Desk
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from pyasn1.codec.der import decoder
from pyasn1_alt_modules import rfc9480
from rebuilt_message import change_message, change_request, rebuild, set_field, verdict

from kiosk.authority import asn1, oids
from kiosk.authority.credential import Credential
from kiosk.authority.embedded.directory import add_client
from kiosk.authority.mac import MacAlgorithm, SharedSecret
from kiosk.authority.message import (
    BodyKind,
    Head,
    Status,
    build_message,
    parse_message,
    read_status,
    verify_protection,
)
from kiosk.authority.profile import usage
from kiosk.authority.signature import signature_algorithm
from kiosk.model.certificate import RevocationReason

REFUSALS = "test_authority_refusals"
HEADER = f"{REFUSALS}::test_a_bad_header_is_refused"
PROTECTION = f"{REFUSALS}::test_bad_protection_is_refused"
REQUEST = f"{REFUSALS}::test_a_bad_certification_request_is_refused_in_the_response"
CONFIRMATION = f"{REFUSALS}::test_a_bad_confirmation_is_refused_and_changes_nothing"
REVOCATION = f"{REFUSALS}::test_a_bad_revocation_request_is_refused"
UPDATE = "test_cmp_key_update::test_a_bad_update_is_refused"
QUESTION = "test_cmp_information::test_a_bad_question_is_refused"
NEST = "test_cmp_information::test_a_bad_nest_is_refused"
SECRET = "test_cmp_shared_secret::test_what_is_wrong_with_a_shared_secret_is_said"
STRICT = "test_cmp_strictness"
HERE = "test_rfc_9483"

SHARED = b"correct horse battery"
PBM = MacAlgorithm(
    False,
    bytes(16),
    1000,
    x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1"),
    x509.ObjectIdentifier("1.2.840.113549.2.9"),
)
OTHER = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody else")])
REASONS = (RevocationReason.SUPERSEDED, RevocationReason.KEY_COMPROMISE)
KEY_OF_NO_BITS = bytes.fromhex("3012 300d 06092a864886f70d0101010500 030100")
"""A SubjectPublicKeyInfo of RSA with an empty BIT STRING (RFC 9483, 4.1.6)."""

RULES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("3.1", "pvno is 2, or 3 where a newer syntax needs it", (f"{HEADER}[pvno 1]", f"{HEADER}[pvno 4]")),
    ("3.1", "an answer has the version of the question", (f"{HERE}::test_version_3_is_answered_in_version_3",)),
    ("3.1", "or the nearest one", (f"{STRICT}::test_whoever_speaks_another_version_is_told_the_nearest_one",)),
    ("3.1", "each item of generalInfo once", (f"{STRICT}::test_an_item_comes_once",)),
    ("3.1", "certProfile in requests only", (f"{STRICT}::test_a_profile_is_named_where_something_is_asked_for",)),
    (
        "3.1",
        "a name is the same however it is spelled",
        (f"{STRICT}::test_a_sender_who_spells_his_name_otherwise_is_the_same",),
    ),
    ("3.1", "sender is the subject of the protecting certificate", (f"{HEADER}[another sender]",)),
    (
        "3.1",
        "sender and senderKID of an answer under a secret identify the secret",
        ("test_cmp_shared_secret::test_an_answer_names_the_secret_as_its_sender",),
    ),
    (
        "3.1",
        "sender, recipient, transactionID and nonces of every answer",
        (f"{HERE}::test_every_kind_of_answer_has_the_header_and_the_protection_that_are_asked_for",),
    ),
    ("3.1", "messageTime is the time of making", (f"{HEADER}[messageTime past]", f"{HEADER}[messageTime ahead]")),
    (
        "3.1",
        "messageTime is recommended, and here asked for where it decides something",
        (f"{HEADER}[no messageTime]", f"{REFUSALS}::test_what_takes_only_away_needs_no_time"),
    ),
    ("3.1", "transactionID has 128 bits", (f"{HEADER}[no transactionID]", f"{HEADER}[short transactionID]")),
    ("3.1", "senderNonce has 128 bits", (f"{HEADER}[no senderNonce]", f"{HEADER}[short senderNonce]")),
    ("3.1", "a first message has no recipNonce", (f"{HEADER}[recipNonce in a first message]",)),
    ("3.1", "senderKID names the protecting key", (f"{HEADER}[no senderKID]", f"{HEADER}[wrong senderKID]")),
    (
        "3.1",
        "implicitConfirm is NULL, and not granted here; confirmWaitTime is a GeneralizedTime",
        (
            f"{HEADER}[implicitConfirm not NULL]",
            f"{HEADER}[implicitConfirm and confirmWaitTime]",
            f"{HEADER}[confirmWaitTime of another type]",
            f"{HERE}::test_implicit_confirmation_is_not_granted",
        ),
    ),
    (
        "3.1",
        "certProfile holds one UTF8String",
        (f"{HEADER}[certProfile no sequence]", f"{HEADER}[certProfile of two names]"),
    ),
    (
        "3.1",
        "the header of every message is well formed, not that of a request for a certificate alone",
        (
            f"{HEADER}[freeText of nothing]",
            f"{HEADER}[generalInfo of nothing]",
            f"{HEADER}[implicitConfirm of nothing]",
            f"{QUESTION}[generalInfo malformed]",
            f"{HERE}::test_a_bad_header_is_refused_in_every_kind_of_message",
        ),
    ),
    ("3.1", "certProfile is what is issued, or nothing is", (f"{HERE}::test_another_profile_is_not_issued",)),
    ("3.2", "what is protected is the received bytes", (f"{PROTECTION}[wrong protection]",)),
    ("3.2", "no request without protection", (f"{PROTECTION}[no protection]", f"{HEADER}[no protectionAlg]")),
    ("3.2", "protectionAlg fits the key", (f"{HEADER}[protectionAlg of another key]",)),
    (
        "3.2",
        "an answer is protected as the question was",
        ("test_cmp_shared_secret::test_question_and_answer_are_protected_by_the_same_secret",),
    ),
    ("3.3", "the protecting certificate goes first", (f"{PROTECTION}[signer not first]",)),
    ("3.3", "the protecting certificate is there", (f"{PROTECTION}[no extraCerts]",)),
    (
        "3.3",
        "a later message may leave it out",
        ("test_cmp_information::test_a_later_message_may_leave_out_its_signers_certificate",),
    ),
    ("3.4", "requests come from known senders", (f"{REFUSALS}::test_a_station_of_another_authority_is_not_heard",)),
    ("3.5", "DER, whole and nothing behind it", (f"{HERE}::test_what_is_no_der_of_a_message_is_badly_formed",)),
    ("3.5", "a transactionID is used once", (f"{REFUSALS}::test_a_transaction_id_is_used_once",)),
    (
        "3.5",
        "also by the same bytes, unless a registered station asks again",
        (
            f"{STRICT}::test_a_holders_message_is_not_answered_twice",
            f"{STRICT}::test_a_station_that_speaks_for_another_may_ask_again",
        ),
    ),
    (
        "3.5",
        "recipNonce repeats the senderNonce of the message before",
        (f"{CONFIRMATION}[no recipNonce]", f"{CONFIRMATION}[another recipNonce]"),
    ),
    (
        "3.5",
        "the kind of protection is that of the transaction",
        (f"{HERE}::test_a_transaction_keeps_its_kind_of_protection",),
    ),
    ("3.5", "keyUsage has digitalSignature", (f"{HERE}::test_a_key_that_is_not_for_signatures_protects_nothing",)),
    (
        "3.5",
        "the protecting certificate is valid",
        (
            f"{REFUSALS}::test_a_revoked_station_is_not_heard",
            f"{REFUSALS}::test_a_station_out_of_its_time_is_not_heard",
        ),
    ),
    ("3.5", "the sender is authorised", (f"{REFUSALS}::test_a_clerk_is_no_station",)),
    (
        "3.6.1",
        "a requester that gives up is answered by pkiConf",
        ("test_cmp_information::test_a_requester_that_gives_up_gets_what_was_issued_revoked",),
    ),
    (
        "3.6.2",
        "an error is told in a protected message",
        (
            f"{REFUSALS}::test_every_answer_repeats_transaction_and_nonce_and_is_signed_by_the_authority",
            f"{REFUSALS}::test_garbage_is_answered_in_cmp",
        ),
    ),
    (
        "3.6.3",
        "an error in a batch is told in its place",
        ("test_cmp_information::test_a_batch_is_answered_by_a_batch_in_order",),
    ),
    ("3.6.4", "failInfo with a rejection only", (f"{HERE}::test_fail_info_comes_with_a_rejection_and_nothing_else",)),
    ("4.1.1", "one CertReqMsg, certReqId 0", (f"{REQUEST}[two requests]", f"{REQUEST}[certReqId not 0]")),
    (
        "4.1.1",
        "the template names subject and key, and what is the authority's is left out",
        (
            f"{REQUEST}[no subject]",
            f"{REQUEST}[no key]",
            f"{REQUEST}[version 1]",
            f"{REQUEST}[serialNumber of one's own]",
            f"{HERE}::test_a_request_to_another_issuer_is_the_wrong_authoritys",
        ),
    ),
    (
        "4.1.1",
        "a NULL-DN is named by subjectAltName, which is critical then",
        (f"{HERE}::test_a_subject_may_be_empty_beside_alternative_names",),
    ),
    (
        "4.1.1",
        "the subject is one that can be certified",
        (f"{HERE}::test_a_subject_that_is_nobodys_is_refused",),
    ),
    (
        "4.1.1",
        "possession is proven by a signature over the request",
        (
            f"{REQUEST}[no proof of possession]",
            f"{REQUEST}[request changed after it was signed]",
            f"{HERE}::test_a_proof_over_something_else_than_the_request_is_none",
        ),
    ),
    ("4.1.1", "what an ip holds", (f"{HERE}::test_an_ip_holds_what_it_should_and_nothing_else",)),
    (
        "4.1.1",
        "one CertStatus with the certReqId of the request",
        (f"{CONFIRMATION}[twice]", f"{CONFIRMATION}[another certReqId]", f"{CONFIRMATION}[hashAlg in version 2]"),
    ),
    ("4.1.1", "statusInfo says yes or no", (f"{CONFIRMATION}[accepted with failInfo]",)),
    (
        "4.1.1",
        "accepted or rejected, and nothing between",
        (f"{STRICT}::test_a_certificate_is_accepted_as_it_is_or_not_at_all",),
    ),
    ("4.1.1", "a validity that can be read, and comes", (f"{STRICT}::test_a_validity_is_one",)),
    ("4.1.1", "a key usage that fits the key", (f"{STRICT}::test_a_key_is_certified_for_what_it_can_do",)),
    (
        "3.6.2",
        "an error repeats transactionID and nonce even where the message cannot be read",
        (f"{STRICT}::test_an_answer_to_what_cannot_be_read_still_names_its_transaction",),
    ),
    (
        "3.2",
        "an error is protected by the secret that was shown",
        ("test_cmp_shared_secret::test_who_knows_the_secret_is_told_under_it_what_is_wrong_with_his_header",),
    ),
    (
        "4.1.3",
        "the holder stays who he is",
        (f"{UPDATE}[another name]", f"{UPDATE}[another alternative name]"),
    ),
    (
        "4.1.3",
        "what is revoked is not renewed by its own key",
        ("test_cmp_key_update::test_a_revoked_certificate_is_not_renewed_by_its_own_key",),
    ),
    (
        "4.2",
        "signed by the certificate's own key, or by a station",
        (
            "test_cmp_shared_secret::test_a_shared_secret_revokes_nothing",
            f"{STRICT}::test_whoever_has_revoked_his_certificate_is_told_that_it_is_revoked",
        ),
    ),
    ("4.2", "details of an entry have a reason", (f"{STRICT}::test_details_of_an_entry_have_a_reason",)),
    (
        "5.2.2",
        "the transaction and the nonce of what is around a message",
        (
            f"{STRICT}::test_a_batch_has_a_transaction_that_nothing_else_had",
            f"{STRICT}::test_added_protection_repeats_the_senders_nonce",
        ),
    ),
    (
        "4.1.1",
        "certHash is of the certificate",
        (
            f"{REFUSALS}::test_a_confirmation_of_something_else_revokes",
            f"{REFUSALS}::test_version_3_may_confirm_by_another_hash",
        ),
    ),
    ("4.1.1", "confirmed once", (f"{HERE}::test_what_was_confirmed_is_not_confirmed_again",)),
    ("4.1.2", "cr is answered by cp", ("test_authority_server::test_openssl_enrols_and_confirms",)),
    (
        "4.1.3",
        "kur is signed by the key that it updates, which oldCertId names",
        (f"{UPDATE}[another certificate]", f"{UPDATE}[another issuer]", f"{UPDATE}[the same key]"),
    ),
    ("4.1.4", "p10cr: certReqId is -1", (f"{HERE}::test_the_answer_to_a_p10cr_has_the_request_id_of_none",)),
    (
        "4.1.5",
        "a shared secret: caPubs in the ip",
        (
            "test_cmp_shared_secret::test_the_first_answer_to_an_ir_brings_the_authoritys_certificate",
            f"{HERE}::test_an_ip_holds_what_it_should_and_nothing_else",
        ),
    ),
    ("4.1.4", "p10cr: signed by a known algorithm", (f"{HERE}::test_a_request_signed_by_sha_1_has_a_bad_algorithm",)),
    ("4.1.5", "a shared secret that is wrong", (SECRET,)),
    ("4.1.6", "keys made by the authority are not offered", (f"{HERE}::test_keys_are_not_made_for_anybody",)),
    (
        "4.2",
        "one RevDetails with issuer and serialNumber",
        (f"{REVOCATION}[no issuer]", f"{REVOCATION}[no serialNumber]", f"{HERE}::test_one_revocation_a_message"),
    ),
    ("4.2", "one CRLReason", (f"{REVOCATION}[two reasons]", f"{REVOCATION}[unknown reason]")),
    ("4.2", "revoked once", (f"{HERE}::test_what_is_revoked_is_not_revoked_again",)),
    (
        "4.2",
        "a hold is released",
        (f"{REFUSALS}::test_a_hold_is_released", f"{REVOCATION}[release of what is not on hold]"),
    ),
    ("4.3", "one item a genm, of a kind that is offered", (QUESTION, f"{QUESTION}[the same item twice]")),
    ("4.3.1", "CA certificates", ("test_cmp_information::test_the_authoritys_certificates_are_told",)),
    (
        "4.3.2",
        "root update",
        (
            "test_cmp_information::test_there_is_no_update_of_the_present_root",
            "test_cmp_information::test_the_root_that_follows_is_told_with_its_links",
        ),
    ),
    (
        "4.3.3",
        "request template",
        (
            "test_cmp_information::test_what_a_request_should_hold_is_told",
            "test_cmp_information::test_what_a_request_of_a_profile_should_hold_is_told",
            f"{QUESTION}[a template for a profile that nobody knows]",
        ),
    ),
    ("4.3.4", "CRL update", ("test_cmp_information::test_newer_crls_are_told",)),
    ("4.4", "nothing is delayed here: who polls is told", (f"{HERE}::test_who_polls_for_what_is_not_delayed_is_told",)),
    ("4.4", "our client polls", ("test_authority_client::test_a_waiting_authority_is_asked_again_when_it_says",)),
    ("5.1", "raVerified from a registration authority only", (f"{REQUEST}[raVerified for a resident]",)),
    (
        "5.2.2.1",
        "added protection",
        (
            "test_cmp_information::test_added_protection_is_answered_as_if_the_message_came_alone",
            "test_cmp_information::test_protection_is_added_to_a_confirmation_too",
        ),
    ),
    (
        "5.2.3",
        "a station's protection in the place of another's",
        ("test_cmp_key_update::test_a_station_that_put_its_protection_in_the_place_of_the_holders_renews_for_him",),
    ),
    ("5.2.2.2", "batches", (f"{NEST}[nothing]", f"{NEST}[the same message twice]")),
    (
        "5.2.2",
        "only a station speaks for others",
        ("test_cmp_information::test_nobody_but_a_station_speaks_for_others",),
    ),
    ("5.3.2", "a station revokes for others", (f"{REFUSALS}::test_a_release_must_not_come_late",)),
    ("6.1", "HTTP: paths, labels, media type", ("test_authority_server::test_http_says_what_is_spoken_where",)),
    ("6.1", "HTTP: persistent, in HTTP/1.0 too", ("test_http_server::test_http_1_0_goes_on_when_asked_to",)),
    ("7", "algorithms", ("test_cmp_signatures::test_rsassa_pss", "test_cmp_signatures::test_sha_1_is_no_signature")),
)
"""Section, rule, and the tests that hold it; a name in brackets is the case's."""


@pytest.mark.parametrize(("section", "rule", "tests"), RULES)
def test_every_rule_has_its_test(section: str, rule: str, tests: tuple[str, ...]) -> None:
    for test in tests:
        module, _, rest = test.partition("::")
        function, _, case = rest.partition("[")
        source = (Path(__file__).parent / f"{module}.py").read_text("utf-8")
        names = {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
        assert function in names, f"{section} {rule}: {test}"
        strings = {n.value for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Constant)}
        assert not case or case.removesuffix("]") in strings, f"{section} {rule}: {test}"


def p10cr(desk: Desk, key: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType, **header: object) -> bytes:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody")])
    builder = x509.CertificateSigningRequestBuilder(subject)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    der = desk.client._message(BodyKind.P10CR, builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)).der
    return rebuild(der, desk.station, header=set_field(**header)) if header else der


def concluding(desk: Desk, answer: bytes, cert_req_id: int) -> bytes:
    """The certConf that accepts what an answer brought."""
    header, certificate = parse_message(answer).header, issued(answer)
    status = asn1.CertStatus(cert_hash=certificate.fingerprint(hashes.SHA256()), cert_req_id=cert_req_id)
    body = asn1.sequence_of([asn1.encode(status)])
    return desk.client._message(BodyKind.CERT_CONF, body, header.transaction_id, header.sender_nonce).der


def issued(answer: bytes) -> x509.Certificate:
    pair = asn1.decode(asn1.CertRepMessage, parse_message(answer).body).response[0].certified_key_pair
    assert pair is not None
    return x509.load_der_x509_certificate(asn1.encode(pair.certificate))


def revocation(desk: Desk) -> bytes:
    pending = desk.confirmed()
    return desk.client.revoke_message(pending.certificate, RevocationReason.SUPERSEDED).der


def question(desk: Desk) -> bytes:
    return desk.client._message(BodyKind.GENM, asn1.sequence_of([asn1.sequence_of([asn1.encode(oids.CA_CERTS)])])).der


KINDS: dict[str, tuple[Callable[[Desk], bytes], BodyKind]] = {
    "ip": (lambda d: d.message().der, BodyKind.IP),
    "ip that refuses": (
        lambda d: rebuild(d.message().der, d.station, body=change_message(set_field(popo=None))),
        BodyKind.IP,
    ),
    "cp": (lambda d: p10cr(d, ec.generate_private_key(ec.SECP256R1())), BodyKind.CP),
    "pkiConf": (lambda d: d.client.confirm_message(d.certify()).der, BodyKind.PKICONF),
    "rp": (revocation, BodyKind.RP),
    "genp": (question, BodyKind.GENP),
    "error": (lambda d: rebuild(d.message().der, d.station, kind=BodyKind.POLL_REQ), BodyKind.ERROR),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_answer_has_the_header_and_the_protection_that_are_asked_for(desk: Desk, name: str) -> None:
    """3.1, 3.2 and 3.3; an independent ASN.1 library reads the whole."""
    make, kind = KINDS[name]
    request = make(desk)
    response = desk.responder.respond(request)
    asked, answer = parse_message(request).header, parse_message(response)
    header, speaker = answer.header, desk.authority.speaker
    assert (answer.kind, header.pvno) == (kind, 2)
    assert asn1.encode(header.sender) == asn1.explicit(4, speaker.subject)
    assert asn1.encode(header.recipient) == asn1.encode(asked.sender)
    assert header.transaction_id == asked.transaction_id and header.recip_nonce == asked.sender_nonce
    assert header.sender_nonce is not None and len(header.sender_nonce) == 16
    assert header.message_time is not None and header.message_time.as_datetime() == START
    assert header.sender_kid == speaker.key_id
    assert header.protection_alg is not None
    assert asn1.oid(header.protection_alg[0]) == signature_algorithm(speaker.key)
    assert verify_protection(answer) == speaker.certificate
    certificates = [x509.load_der_x509_certificate(der) for der in answer.extra_certs]
    assert certificates[0] == speaker.certificate
    for below, above in pairwise(certificates):
        below.verify_directly_issued_by(above)
    judged, rest = decoder.decode(response, asn1Spec=rfc9480.PKIMessage())
    assert not rest and judged["header"]["recipNonce"].isValue


def test_version_3_is_answered_in_version_3(desk: Desk) -> None:
    request = rebuild(desk.message().der, desk.station, header=set_field(pvno=3))
    assert parse_message(desk.responder.respond(request)).header.pvno == 3


def test_implicit_confirmation_is_not_granted(desk: Desk) -> None:
    """3.1: it is asked for, and the answer says until when the confirmation has to come."""
    wanted = [[asn1.tlv(asn1.encode(oids.IMPLICIT_CONFIRM)), asn1.tlv(asn1.encode(asn1.Null()))]]
    request = p10cr(desk, ec.generate_private_key(ec.SECP256R1()), general_info=wanted)
    answer = desk.responder.respond(request)
    info = parse_message(answer).general_info
    assert oids.IMPLICIT_CONFIRM not in info
    deadline = info[oids.CONFIRM_WAIT_TIME]
    assert deadline is not None
    assert asn1.decode(asn1.GeneralizedTime, asn1.encode(deadline)).as_datetime() == START + datetime.timedelta(
        hours=24
    )
    assert verdict(desk.responder.respond(concluding(desk, answer, -1))) == (BodyKind.PKICONF, "")


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "something behind it": lambda der: der + b"\0",
    "cut short": lambda der: der[:-1],
    "another length": lambda der: der[:3] + bytes([der[3] ^ 1]) + der[4:],
    "indefinite length": lambda der: b"\x30\x80" + der[4:] + b"\0\0",
    "another type": lambda der: b"\x31" + der[1:],
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_no_der_of_a_message_is_badly_formed(desk: Desk, name: str) -> None:
    assert verdict(desk.responder.respond(SPOILT[name](desk.message().der))) == (BodyKind.ERROR, "badDataFormat")


def test_a_transaction_keeps_its_kind_of_protection(desk: Desk) -> None:
    """3.5: what a station began is not gone on with under a secret."""
    add_client(desk.authority, "client-1", SHARED)
    answer = desk.responder.respond(p10cr(desk, ec.generate_private_key(ec.SECP256R1())))
    begun = parse_message(answer).header
    assert begun.transaction_id is not None
    head = Head(
        sender=desk.station.subject,
        recipient=desk.issuer.subject.public_bytes(),
        time=START,
        transaction_id=begun.transaction_id,
        sender_nonce=bytes(16),
        recipient_nonce=begun.sender_nonce,
    )
    body = parse_message(concluding(desk, answer, -1)).body
    message = build_message(BodyKind.CERT_CONF, body, head, SharedSecret(b"client-1", SHARED, PBM))
    assert verdict(desk.responder.respond(message)) == (BodyKind.ERROR, "wrongIntegrity")


def test_a_key_that_is_not_for_signatures_protects_nothing(desk: Desk) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    answer = desk.responder.respond(p10cr(desk, key, usage("keyAgreement")))
    desk.responder.respond(concluding(desk, answer, -1))
    desk.station = Credential(key, issued(answer), desk.station.chain)
    desk.serve(desk.authority)
    assert verdict(desk.responder.respond(question(desk))) == (BodyKind.ERROR, "signerNotTrusted")


def statuses(response: bytes) -> list[asn1.PKIStatusInfo]:
    answer = parse_message(response)
    match answer.kind:
        case BodyKind.ERROR:
            return [asn1.decode(asn1.ErrorMsgContent, answer.body).status]
        case BodyKind.RP:
            return list(asn1.decode(asn1.RevRepContent, answer.body).status)
        case BodyKind.IP | BodyKind.CP:
            return [one.status for one in asn1.decode(asn1.CertRepMessage, answer.body).response]
    return []


@pytest.mark.parametrize("name", KINDS)
def test_fail_info_comes_with_a_rejection_and_nothing_else(desk: Desk, name: str) -> None:
    """3.6.4: and a rejection says why in words too."""
    make, _ = KINDS[name]
    for status in statuses(desk.responder.respond(make(desk))):
        assert (status.status == Status.REJECTION) == (status.fail_info is not None)
        assert status.status != Status.REJECTION or all(read_status(status))


def test_an_ip_holds_what_it_should_and_nothing_else(desk: Desk) -> None:
    """4.1.1."""
    answer = parse_message(desk.responder.respond(desk.message().der))
    content = asn1.decode(asn1.CertRepMessage, answer.body)
    (response,) = content.response
    assert content.ca_pubs is None
    assert (response.cert_req_id, response.status.status) == (0, Status.ACCEPTED)
    pair = response.certified_key_pair
    assert pair is not None and pair.private_key is None and pair.publication_info is None
    refused = asn1.decode(
        asn1.CertRepMessage, parse_message(desk.responder.respond(KINDS["ip that refuses"][0](desk))).body
    )
    assert refused.response[0].certified_key_pair is None and refused.ca_pubs is None


@pytest.mark.parametrize(("issuer", "fail_info"), [("other", "wrongAuthority"), ("own", ""), ("nobody", "")])
def test_a_request_to_another_issuer_is_the_wrong_authoritys(desk: Desk, issuer: str, fail_info: str) -> None:
    named = {"other": OTHER, "own": desk.issuer.subject, "nobody": x509.Name([])}[issuer]
    value = asn1.rdns(named.public_bytes())
    change = change_request(lambda r: set_field(issuer=value)(r.cert_template), desk.key)
    request = rebuild(desk.message().der, desk.station, body=change)
    assert verdict(desk.responder.respond(request)) == (BodyKind.IP, fail_info)


def test_a_proof_over_something_else_than_the_request_is_none(desk: Desk) -> None:
    """4.1.1: poposkInput is not for requests that name subject and key."""

    def add_input(message: asn1.CertReqMsg) -> None:
        assert message.popo is not None
        message.popo.value.poposk_input = [asn1.tlv(asn1.explicit(0, b"\x05\x00"))]

    request = rebuild(desk.message().der, desk.station, body=change_message(add_input))
    assert verdict(desk.responder.respond(request)) == (BodyKind.IP, "badPOP")


def test_what_was_confirmed_is_not_confirmed_again(desk: Desk) -> None:
    pending = desk.certify()
    first, second = desk.client.confirm_message(pending).der, desk.client.confirm_message(pending).der
    assert first != second
    assert verdict(desk.responder.respond(first)) == (BodyKind.PKICONF, "")
    assert verdict(desk.responder.respond(second)) == (BodyKind.ERROR, "certConfirmed")
    assert verdict(desk.responder.respond(first)) == (BodyKind.PKICONF, ""), "the same bytes have the same answer"
    assert desk.state(pending) == ("good", None)


def test_the_answer_to_a_p10cr_has_the_request_id_of_none(desk: Desk) -> None:
    answer = desk.responder.respond(p10cr(desk, ec.generate_private_key(ec.SECP256R1())))
    assert asn1.decode(asn1.CertRepMessage, parse_message(answer).body).response[0].cert_req_id == -1
    assert verdict(desk.responder.respond(concluding(desk, answer, 1))) == (BodyKind.ERROR, "badRequest")
    assert verdict(desk.responder.respond(concluding(desk, answer, -1))) == (BodyKind.PKICONF, "")


@pytest.mark.parametrize("public_key", [None, KEY_OF_NO_BITS], ids=["no key", "its algorithm alone"])
def test_keys_are_not_made_for_anybody(desk: Desk, public_key: bytes | None) -> None:
    """4.1.6 is optional: without a key, or with its algorithm alone, nothing is certified."""
    value = None if public_key is None else asn1.elements(public_key)
    change = change_request(lambda r: set_field(public_key=value)(r.cert_template), desk.key)
    without_proof = change_message(set_field(popo=None))
    request = rebuild(desk.message().der, desk.station, body=lambda content: without_proof(change(content)))
    assert verdict(desk.responder.respond(request)) == (BodyKind.IP, "badCertTemplate")


def test_one_revocation_a_message(desk: Desk) -> None:
    for times in (0, 2):
        request = rebuild(
            revocation(desk) if times else desk.client.revoke_message(desk.issuer_der, RevocationReason.SUPERSEDED).der,
            desk.station,
            body=lambda c, times=times: asn1.sequence_of([asn1.encode(e) for e in asn1.elements(c) * times]),
        )
        assert verdict(desk.responder.respond(request)) == (BodyKind.RP, "badRequest")


def test_what_is_revoked_is_not_revoked_again(desk: Desk) -> None:
    pending = desk.confirmed()
    first, second = (desk.client.revoke_message(pending.certificate, reason).der for reason in REASONS)
    assert verdict(desk.responder.respond(first)) == (BodyKind.RP, "")
    assert verdict(desk.responder.respond(second)) == (BodyKind.RP, "certRevoked")
    assert desk.state(pending) == ("revoked", REASONS[0])


def test_who_polls_for_what_is_not_delayed_is_told(desk: Desk) -> None:
    """4.4: also within a transaction whose answer he has."""
    pending = desk.certify()
    body = asn1.sequence_of([asn1.sequence_of([asn1.encode(0)])])
    message = desk.client._message(BodyKind.POLL_REQ, body, pending.transaction_id, pending.nonce).der
    assert verdict(desk.responder.respond(message)) == (BodyKind.ERROR, "badRequest")
    assert desk.state(pending) == ("pending", "certificateHold")


@pytest.mark.parametrize("name", ["pkiConf", "rp", "genp", "cp"])
def test_a_bad_header_is_refused_in_every_kind_of_message(desk: Desk, name: str) -> None:
    """3.1 and 3.5: the form of the whole message; a refused revocation is told in an rp."""
    make, kind = KINDS[name]
    request = rebuild(make(desk), desk.station, header=set_field(general_info=[[]]))
    expected = BodyKind.RP if kind == BodyKind.RP else BodyKind.ERROR
    assert verdict(desk.responder.respond(request)) == (expected, "badDataFormat")


@pytest.mark.parametrize(("profile", "fail_info"), [("plain", ""), ("signature", "badCertTemplate")])
def test_another_profile_is_not_issued(desk: Desk, profile: str, fail_info: str) -> None:
    value = asn1.sequence_of([asn1.encode(profile)])
    wanted = [[asn1.tlv(asn1.encode(oids.CERT_PROFILE)), asn1.tlv(value)]]
    request = p10cr(desk, ec.generate_private_key(ec.SECP256R1()), general_info=wanted)
    assert verdict(desk.responder.respond(request)) == (BodyKind.CP, fail_info)


def csr(subject: x509.Name, *extensions: x509.ExtensionType) -> x509.CertificateSigningRequest:
    builder = x509.CertificateSigningRequestBuilder(subject)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())


def respond_to(desk: Desk, request: x509.CertificateSigningRequest | bytes) -> bytes:
    der = request if isinstance(request, bytes) else request.public_bytes(Encoding.DER)
    return desk.responder.respond(desk.client._message(BodyKind.P10CR, der).der)


def test_a_subject_may_be_empty_beside_alternative_names(desk: Desk) -> None:
    names = x509.SubjectAlternativeName([x509.DNSName("device.test")])
    answer = respond_to(desk, csr(x509.Name([]), names))
    assert verdict(answer) == (BodyKind.CP, "")
    certificate = issued(answer)
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert not list(certificate.subject) and found.critical and found.value == names
    assert verdict(respond_to(desk, csr(x509.Name([])))) == (BodyKind.CP, "badCertTemplate")


@pytest.mark.parametrize("name", ["the authority", "a country of four letters", "a name without end"])
def test_a_subject_that_is_nobodys_is_refused(desk: Desk, name: str) -> None:
    """RFC 5280, appendix A.1 has the lengths."""

    def of(oid: x509.ObjectIdentifier, text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(oid, text, _validate=False)])

    subjects = {
        "the authority": desk.issuer.subject,
        "a country of four letters": of(x509.NameOID.COUNTRY_NAME, "DEUT"),
        "a name without end": of(x509.NameOID.COMMON_NAME, "x" * 65),
    }
    assert verdict(respond_to(desk, csr(subjects[name]))) == (BodyKind.CP, "badCertTemplate")


def test_a_request_signed_by_sha_1_has_a_bad_algorithm(desk: Desk) -> None:
    """RFC 9481, section 3 has no SHA-1."""
    info = csr(OTHER).tbs_certrequest_bytes
    algorithm = [asn1.encode(x509.ObjectIdentifier("1.2.840.10045.4.1"))]
    signature = asn1.encode(asn1.BitString(bytes(70), 0))
    request = asn1.sequence_of([info, asn1.sequence_of(algorithm), signature])
    assert verdict(respond_to(desk, request)) == (BodyKind.CP, "badAlg")

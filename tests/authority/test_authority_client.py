"""What the kiosk concludes from answers, late answers, false answers and silence."""

import dataclasses
import datetime
from collections.abc import Callable

import httpx
import pytest
from authority_desk import ITEMS, START, Desk, signer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from kiosk.authority import asn1, oids
from kiosk.authority.certificate_form import CertificateForm, encode_extension, encode_key
from kiosk.authority.client import AuthorityClient, PendingCertificate
from kiosk.authority.credential import Credential
from kiosk.authority.embedded.status import StatusService
from kiosk.authority.errors import (
    AuthorityNotRecognised,
    AuthorityOutcomeUnknown,
    AuthorityRejected,
    AuthorityUnreachable,
    CertificateUnacceptable,
)
from kiosk.authority.items import ItemsInvalid
from kiosk.authority.message import (
    EMPTY_NAME,
    BodyKind,
    Head,
    Status,
    build_message,
    info_item,
    parse_message,
    status_info,
)
from kiosk.authority.profile import usage
from kiosk.authority.request import station_record
from kiosk.authority.status_service import ask_status
from kiosk.authority.verification import PathInvalid, certified_items, validate_path
from kiosk.model.certificate import CertificateState, RevocationReason
from tests.httpx_line import HttpxLine

Answer = Callable[[bytes], bytes]


class ScriptedAuthority(HttpxLine):
    """Another authority: gives the scripted answers one after the other."""

    def __init__(self, *answers: Answer, media_type: str = "application/pkixcmp", status: int = 200) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.media_type = media_type
        self.status = status

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request.read())
        content = self.answers.pop(0)(self.requests[-1])
        return httpx.Response(self.status, headers={"Content-Type": self.media_type}, content=content)


def speak(
    desk: Desk, kind: BodyKind, body: bytes, signer_credential: Credential | None = None, **head: object
) -> Answer:
    """A well-formed answer to whatever is asked, with what `head` changes in its header."""

    def answer(request: bytes) -> bytes:
        asked = parse_message(request).header
        credential = signer_credential or desk.authority.credential
        values = {
            "sender": credential.certificate.subject.public_bytes(),
            "recipient": desk.station.certificate.subject.public_bytes(),
            "time": desk.clock.now,
            "transaction_id": asked.transaction_id,
            "sender_nonce": bytes(16),
            "recipient_nonce": asked.sender_nonce,
        } | head
        return build_message(kind, body, Head(**values), credential)  # the tests know the fields

    return answer


def issuance(status: asn1.PKIStatusInfo, certificate: bytes | None = None, cert_req_id: int = 0) -> bytes:
    pair = asn1.CertifiedKeyPair(certificate=asn1.tlv(certificate)) if certificate else None
    response = asn1.CertResponse(cert_req_id=cert_req_id, status=status, certified_key_pair=pair)
    return asn1.encode(asn1.CertRepMessage(response=[response]))


def poll(seconds: int) -> bytes:
    return asn1.sequence_of([asn1.encode(asn1.PollRep(cert_req_id=0, check_after=seconds))])


NO = status_info(Status.REJECTION, "never", "badPOP")
WAIT = issuance(status_info(Status.WAITING))
ERROR = asn1.encode(asn1.ErrorMsgContent(status=NO))
WAITS = asn1.encode(asn1.ErrorMsgContent(status=status_info(Status.WAITING)))


def certificate_for(desk: Desk, key: rsa.RSAPrivateKey | None = None, **changes: object) -> bytes:
    """What the authority would issue, made without it."""
    values = {
        "rules": desk.authority.policy.certificates[0],
        "public_key": (key or desk.key).public_key(),
        "items": ITEMS,
        "pseudonym": "X",
        "serial": 4711,
        "start": desk.clock.now,
        "end": desk.clock.now + datetime.timedelta(days=9),
    } | changes
    return desk.authority.profiles.resident(**values).public_bytes(Encoding.DER)


def test_a_waiting_authority_is_asked_again_when_it_says(desk: Desk) -> None:
    accepted = issuance(status_info(Status.ACCEPTED), certificate_for(desk))
    authority = ScriptedAuthority(
        speak(desk, BodyKind.IP, WAIT),
        speak(desk, BodyKind.POLL_REP, poll(3)),
        speak(desk, BodyKind.POLL_REP, poll(4)),
        speak(desk, BodyKind.IP, accepted),
    )
    pending = desk.client_over(authority).certify(desk.message().der)
    assert pending.serial == "1267"
    assert pending.confirm_before is None
    waited = (desk.clock.now - START).total_seconds()
    assert 7 <= waited < 7 * 1.25, "what it says, and a little more by chance"
    assert [parse_message(r).kind for r in authority.requests] == [BodyKind.IR, *[BodyKind.POLL_REQ] * 3]
    assert len({parse_message(r).header.transaction_id for r in authority.requests}) == 1


def test_an_authority_that_never_decides_is_not_waited_for(desk: Desk) -> None:
    authority = ScriptedAuthority(speak(desk, BodyKind.IP, WAIT), speak(desk, BodyKind.POLL_REP, poll(11)))
    with pytest.raises(AuthorityOutcomeUnknown, match="not decided"):
        desk.client_over(authority).certify(desk.message().der)


@pytest.mark.parametrize("by_error", [False, True], ids=["ip", "error"])
@pytest.mark.parametrize("repeats", ["request", "poll"])
def test_a_delayed_answer_repeats_the_nonce_of_its_request_or_of_the_poll(
    desk: Desk, by_error: bool, repeats: str
) -> None:
    message = desk.message()
    accepted = issuance(status_info(Status.ACCEPTED), certificate_for(desk))
    head = {"recipient_nonce": parse_message(message.der).header.sender_nonce} if repeats == "request" else {}
    authority = ScriptedAuthority(
        speak(desk, BodyKind.ERROR, WAITS) if by_error else speak(desk, BodyKind.IP, WAIT),
        speak(desk, BodyKind.POLL_REP, poll(1)),
        speak(desk, BodyKind.IP, accepted, **head),
    )
    assert desk.client_over(authority).certify(message.der).serial == "1267"
    asked = [
        asn1.decode(asn1.PollReq, asn1.encode(*asn1.elements(parse_message(r).body))) for r in authority.requests[1:]
    ]
    assert [poll_request.cert_req_id for poll_request in asked] == [-1 if by_error else 0] * 2, "RFC 9810, 5.3.22"


def test_a_poll_is_answered_with_its_own_nonce_while_nothing_is_decided(desk: Desk) -> None:
    message = desk.message()
    stale = {"recipient_nonce": parse_message(message.der).header.sender_nonce}
    authority = ScriptedAuthority(speak(desk, BodyKind.IP, WAIT), speak(desk, BodyKind.POLL_REP, poll(1), **stale))
    with pytest.raises(AuthorityOutcomeUnknown, match="nonce"):
        desk.client_over(authority).certify(message.der)


def test_nobody_is_told_to_poll_by_the_answer_to_a_poll_that_was_not_asked(desk: Desk) -> None:
    with pytest.raises(AuthorityOutcomeUnknown, match="not believed"):
        desk.client_over(ScriptedAuthority(speak(desk, BodyKind.POLL_REP, poll(1)))).certify(desk.message().der)


def asking(desk: Desk, what: str) -> tuple[bytes, Callable[[AuthorityClient], object], BodyKind, bytes]:
    """A message of ours besides a request for a certificate, what sends it, and its final answer."""
    pending = desk.certify()
    null = asn1.encode(asn1.Null())
    if what == "rr":
        der = desk.client.revoke_message(pending.certificate, RevocationReason.SUPERSEDED).der
        return der, lambda client: client.revoke(der), BodyKind.RP, revocation(Status.ACCEPTED)
    if what == "genm":
        held = asn1.sequence_of([info_item(oids.PENDING, asn1.encode("held"))])
        return b"", lambda client: client.is_pending_known(), BodyKind.GENP, held
    if what == "certConf":
        der = desk.client.confirm_message(pending).der
        return der, lambda client: client.confirm(der), BodyKind.PKICONF, null
    der = desk.client.reject_message(pending, "no").der
    return der, lambda client: client.reject(der), BodyKind.PKICONF, null


def revocation(status: Status) -> bytes:
    return asn1.encode(asn1.RevRepContent(status=[status_info(status)]))


@pytest.mark.parametrize("what", ["rr", "genm", "certConf", "certConf that declines"])
def test_whatever_was_asked_is_waited_for(desk: Desk, what: str) -> None:
    """RFC 9483, 4.4: an error with the status waiting, polls about the message as a whole, and the answer itself."""
    der, send, kind, final = asking(desk, what)
    authority = ScriptedAuthority(
        speak(desk, BodyKind.ERROR, WAITS), speak(desk, BodyKind.POLL_REP, poll(2)), speak(desk, kind, final)
    )
    send(desk.client_over(authority))
    polls = [parse_message(request) for request in authority.requests[1:]]
    assert [message.kind for message in polls] == [BodyKind.POLL_REQ] * 2
    assert {message.body for message in polls} == {asn1.sequence_of([asn1.encode(asn1.PollReq(cert_req_id=-1))])}
    first = parse_message(authority.requests[0]).header
    assert {message.header.transaction_id for message in polls} == {first.transaction_id}
    if der:
        original = {"recipient_nonce": first.sender_nonce}
        late = ScriptedAuthority(speak(desk, BodyKind.ERROR, WAITS), speak(desk, kind, final, **original))
        send(desk.client_over(late))


@pytest.mark.parametrize("what", ["rr", "genm", "certConf", "certConf that declines"])
def test_what_is_not_decided_in_time_is_unknown_and_no_refusal(desk: Desk, what: str) -> None:
    _, send, _, _ = asking(desk, what)
    authority = ScriptedAuthority(speak(desk, BodyKind.ERROR, WAITS), speak(desk, BodyKind.POLL_REP, poll(11)))
    with pytest.raises(AuthorityOutcomeUnknown, match="not decided"):
        send(desk.client_over(authority))


def test_a_poll_about_a_delayed_answer_may_be_refused(desk: Desk) -> None:
    _, send, _, _ = asking(desk, "rr")
    authority = ScriptedAuthority(speak(desk, BodyKind.ERROR, WAITS), speak(desk, BodyKind.ERROR, ERROR))
    with pytest.raises(AuthorityRejected):
        send(desk.client_over(authority))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.ACCEPTED, None),
        (Status.GRANTED_WITH_MODS, None),
        (Status.REVOCATION_NOTIFICATION, None),
        (Status.REJECTION, AuthorityRejected),
        (Status.REVOCATION_WARNING, AuthorityOutcomeUnknown),
        (Status.KEY_UPDATE_WARNING, AuthorityOutcomeUnknown),
    ],
)
def test_a_revocation_is_done_when_it_is_said_to_have_happened(
    desk: Desk, status: Status, expected: type[Exception] | None
) -> None:
    _, send, _, _ = asking(desk, "rr")
    client = desk.client_over(ScriptedAuthority(speak(desk, BodyKind.RP, revocation(status))))
    if expected is None:
        send(client)
    else:
        with pytest.raises(expected):
            send(client)


def test_a_revocation_that_waits_is_polled_for_in_its_own_answer_too(desk: Desk) -> None:
    _, send, _, _ = asking(desk, "rr")
    waits, done = revocation(Status.WAITING), revocation(Status.REVOCATION_NOTIFICATION)
    send(desk.client_over(ScriptedAuthority(speak(desk, BodyKind.RP, waits), speak(desk, BodyKind.RP, done))))


@pytest.mark.parametrize("status", [Status.REVOCATION_WARNING, Status.REVOCATION_NOTIFICATION, Status.ACCEPTED])
def test_an_error_that_is_no_rejection_is_no_refusal(desk: Desk, status: Status) -> None:
    strange = asn1.encode(asn1.ErrorMsgContent(status=status_info(status)))
    with pytest.raises(AuthorityOutcomeUnknown):
        desk.client_over(ScriptedAuthority(speak(desk, BodyKind.ERROR, strange))).certify(desk.message().der)


def test_a_record_that_repeats_itself_is_not_read_without_end(desk: Desk) -> None:
    desk.confirmed()
    (page,) = [desk.responder.respond(desk.client._message(BodyKind.GENM, station_record(0)).der)]
    body = parse_message(page).body
    authority = ScriptedAuthority(*[speak(desk, BodyKind.GENP, body)] * 3)
    with pytest.raises(AuthorityOutcomeUnknown, match="repeats itself"):
        desk.client_over(authority).station_record()


@pytest.mark.parametrize("kind", [BodyKind.IP, BodyKind.ERROR])
def test_no_is_no(desk: Desk, kind: BodyKind) -> None:
    body = ERROR if kind is BodyKind.ERROR else issuance(NO)
    with pytest.raises(AuthorityRejected) as refused:
        desk.client_over(ScriptedAuthority(speak(desk, kind, body))).certify(desk.message().der)
    assert (refused.value.fail_info, refused.value.text) == ("badPOP", "never")


def test_an_authority_in_trouble_does_not_know_what_it_did(desk: Desk) -> None:
    trouble = asn1.encode(asn1.ErrorMsgContent(status=status_info(Status.REJECTION, "oh", "systemFailure")))
    with pytest.raises(AuthorityOutcomeUnknown):
        desk.client_over(ScriptedAuthority(speak(desk, BodyKind.ERROR, trouble))).certify(desk.message().der)


def stranger(desk: Desk) -> Credential:
    """A key of somebody else's under the authority's name and certificate."""
    return Credential(ec.generate_private_key(ec.SECP256R1()), desk.issuer)


def test_an_answer_is_believed_from_the_authority_only(desk: Desk) -> None:
    for somebody in (desk.station, desk.clerk, desk.authority.ocsp, stranger(desk)):
        with pytest.raises(AuthorityOutcomeUnknown, match="not believed"):
            authority = ScriptedAuthority(speak(desk, BodyKind.ERROR, ERROR, somebody))
            desk.client_over(authority).certify(desk.message().der)


def test_another_authority_is_told_from_a_silent_one(desk: Desk) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string("CN=Another Authority")
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(START)
        .not_valid_after(START + datetime.timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    answer = speak(desk, BodyKind.ERROR, ERROR, Credential(key, certificate))
    with pytest.raises(AuthorityNotRecognised):
        desk.client_over(ScriptedAuthority(answer)).certify(desk.message().der)


@pytest.mark.parametrize(
    "head", [{"transaction_id": bytes(16)}, {"recipient_nonce": bytes(16)}, {"recipient_nonce": None}]
)
def test_an_answer_to_something_else_is_not_believed(desk: Desk, head: dict[str, object]) -> None:
    accepted = issuance(status_info(Status.ACCEPTED), certificate_for(desk))
    with pytest.raises(AuthorityOutcomeUnknown, match="not believed"):
        desk.client_over(ScriptedAuthority(speak(desk, BodyKind.IP, accepted, **head))).certify(desk.message().der)


def bit_flipped(answer: Answer) -> Answer:
    def flipped(request: bytes) -> bytes:
        der = bytearray(answer(request))
        der[len(der) // 3] ^= 1
        return bytes(der)

    return flipped


def test_a_certificate_that_cannot_be_read_leaves_the_outcome_unknown(desk: Desk) -> None:
    answer = speak(desk, BodyKind.IP, issuance(status_info(Status.ACCEPTED), b"\x30\x00"))
    with pytest.raises(AuthorityOutcomeUnknown, match="no certificate"):
        desk.client_over(ScriptedAuthority(answer)).certify(desk.message().der)


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x30\x00"])
def test_what_is_no_message_leaves_the_outcome_unknown(desk: Desk, content: bytes) -> None:
    with pytest.raises(AuthorityOutcomeUnknown):
        desk.client_over(ScriptedAuthority(lambda _: content)).certify(desk.message().der)


def test_a_tampered_answer_leaves_the_outcome_unknown(desk: Desk) -> None:
    with pytest.raises(AuthorityOutcomeUnknown):
        authority = ScriptedAuthority(bit_flipped(speak(desk, BodyKind.ERROR, ERROR)))
        desk.client_over(authority).certify(desk.message().der)


def test_an_answer_that_is_not_cmp_leaves_the_outcome_unknown(desk: Desk) -> None:
    with pytest.raises(AuthorityOutcomeUnknown, match="HTTP 503"):
        authority = ScriptedAuthority(lambda _: b"busy", media_type="text/plain", status=503)
        desk.client_over(authority).certify(desk.message().der)


def test_an_answer_of_another_kind_leaves_the_outcome_unknown(desk: Desk) -> None:
    with pytest.raises(AuthorityOutcomeUnknown):
        authority = ScriptedAuthority(speak(desk, BodyKind.PKICONF, asn1.encode(asn1.Null())))
        desk.client_over(authority).certify(desk.message().der)


def test_a_certificate_that_was_not_asked_for_is_not_taken(desk: Desk, keys: list[rsa.RSAPrivateKey]) -> None:
    other = dataclasses.replace(ITEMS, sex="2")
    day = datetime.timedelta(days=1)
    bad = {
        "another key": certificate_for(desk, keys[1]),
        "other items": certificate_for(desk, items=other),
        "no items": certificate_for(desk, items=None),
        "out of its time": certificate_for(desk, start=START - 9 * day, end=START - day),
    }
    for name, der in bad.items():
        answer = speak(desk, BodyKind.IP, issuance(status_info(Status.ACCEPTED), der))
        with pytest.raises(CertificateUnacceptable) as unacceptable:
            desk.client_over(ScriptedAuthority(answer)).certify(desk.message().der)
        assert unacceptable.value.certificate == der, name


def test_a_certificate_of_another_authority_is_not_taken(desk: Desk) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder().subject_name(desk.issuer.subject).issuer_name(desk.issuer.subject)
    forged = load_like(builder, certificate_for(desk)).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    answer = speak(desk, BodyKind.IP, issuance(status_info(Status.ACCEPTED), forged))
    with pytest.raises(CertificateUnacceptable):
        desk.client_over(ScriptedAuthority(answer)).certify(desk.message().der)


def form(desk: Desk, *extensions: bytes, public_key: bytes = b"") -> bytes:
    """A certificate by the authority for the card's key, with these extensions in DER, readable or not."""
    form = CertificateForm(desk.authority.credential.key, desk.issuer.subject.public_bytes())
    key = public_key or encode_key(desk.key.public_key())
    end = START + datetime.timedelta(days=9)
    return form.fill_in(EMPTY_NAME, key, 5, START, end, extensions).public_bytes(Encoding.DER)


def oddities(desk: Desk) -> dict[str, bytes]:
    """Certificates that an authority with a defect could issue; each raises something else when it is looked at."""
    once = encode_extension(usage("digitalSignature", "nonRepudiation"), True)
    names = x509.UnrecognizedExtension(
        x509.SubjectAlternativeName.oid, asn1.sequence_of([asn1.tagged(0xA3, b"\x05\x00")])
    )
    broken = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"\xff")
    point = b"\x04\x01\x02"
    curve = [asn1.encode(x509.ObjectIdentifier(f"1.2.840.10045.{end}")) for end in ("2.1", "3.99.99")]
    strange = asn1.sequence_of([asn1.sequence_of(curve), asn1.encode(asn1.BitString(point, 0))])
    return {
        "an extension twice": form(desk, once, once),
        "a name of a kind that is not spoken": form(desk, once, encode_extension(names, False)),
        "names that cannot be read": form(desk, once, encode_extension(broken, False)),
        "a key on an unknown curve": form(desk, once, public_key=strange),
    }


@pytest.mark.parametrize("oddity", range(4))
def test_a_certificate_that_cannot_be_understood_is_given_up(desk: Desk, oddity: int) -> None:
    name, der = list(oddities(desk).items())[oddity]
    answer = speak(desk, BodyKind.IP, issuance(status_info(Status.ACCEPTED), der))
    with pytest.raises(CertificateUnacceptable) as unacceptable:
        desk.client_over(ScriptedAuthority(answer)).certify(desk.message().der)
    assert unacceptable.value.certificate == der, name


def test_no_path_leads_from_a_certificate_whose_extensions_cannot_be_read(desk: Desk) -> None:
    unreadable = {name: der for name, der in oddities(desk).items() if "key" not in name}
    assert len(unreadable) == 3
    for der in unreadable.values():
        certificate = x509.load_der_x509_certificate(der)
        with pytest.raises(PathInvalid):
            validate_path(certificate, (desk.issuer,), START)
        with pytest.raises(ItemsInvalid):
            certified_items(certificate)


def test_a_certificate_that_cannot_be_confirmed_is_given_up(desk: Desk) -> None:
    """A certConf of CMP's version 2 is made with the hash of the certificate's signature, and EdDSA has none there."""
    builder = x509.CertificateBuilder().subject_name(desk.issuer.subject).issuer_name(desk.issuer.subject)
    key = ed25519.Ed25519PrivateKey.generate()
    der = load_like(builder, certificate_for(desk)).sign(key, None).public_bytes(Encoding.DER)
    answer = speak(desk, BodyKind.IP, issuance(status_info(Status.ACCEPTED), der))
    with pytest.raises(CertificateUnacceptable, match="without a hash"):
        desk.client_over(ScriptedAuthority(answer)).certify(desk.message().der)


def load_like(builder: x509.CertificateBuilder, der: bytes) -> x509.CertificateBuilder:
    certificate = x509.load_der_x509_certificate(der)
    builder = (
        builder.public_key(certificate.public_key())
        .serial_number(1)
        .not_valid_before(certificate.not_valid_before_utc)
        .not_valid_after(certificate.not_valid_after_utc)
    )
    for extension in certificate.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder


def test_an_authority_whose_clock_is_a_little_ahead_is_believed(desk: Desk) -> None:
    start = START + datetime.timedelta(seconds=40)
    answer = speak(desk, BodyKind.IP, issuance(status_info(Status.ACCEPTED), certificate_for(desk, start=start)))
    assert desk.client_over(ScriptedAuthority(answer)).certify(desk.message().der).not_before == start


def test_the_card_signs_once_and_only_the_request(desk: Desk) -> None:
    signed = []

    def sign(data: bytes) -> bytes:
        signed.append(data)
        return signer(desk.key)(data)

    request = desk.client.certification_request(desk.key.public_key(), ITEMS, "signature", sign)
    (data,) = signed
    assert data in request
    assert asn1.decode(asn1.CertRequest, data).cert_req_id == 0


def test_a_status_that_proves_nothing_is_no_status(desk: Desk) -> None:
    pending = desk.confirmed()

    def ask(pending: PendingCertificate, status: int = 200, replay: bytes | None = None) -> CertificateState:
        def answer(request: bytes) -> bytes:
            return replay or StatusService(desk.authority).ocsp(request).der

        authority = ScriptedAuthority(answer, media_type="application/ocsp-response", status=status)
        state = desk.client_over(authority).status(pending.certificate, desk.issuer_der).state
        kept.append(authority.requests[0])
        return state

    kept: list[bytes] = []
    assert ask(pending) == CertificateState.GOOD
    with pytest.raises(AuthorityOutcomeUnknown, match="HTTP 500"):
        ask(pending, status=500)
    with pytest.raises(AuthorityOutcomeUnknown, match="cannot be read"):
        ask(pending, replay=b"\x30")
    old = StatusService(desk.authority).ocsp(kept[0]).der
    with pytest.raises(AuthorityOutcomeUnknown, match="nonce"):
        ask(pending, replay=old)
    desk.serve(dataclasses.replace(desk.authority, ocsp=desk.station))
    with pytest.raises(AuthorityOutcomeUnknown, match="not by the issuer"):
        ask(pending)


def test_an_unknown_certificate_is_unknown(desk: Desk) -> None:
    assert desk.client.status(certificate_for(desk), desk.issuer_der).state == CertificateState.UNKNOWN


def test_a_status_is_asked_for_with_a_nonce_of_32_octets(desk: Desk) -> None:
    """RFC 9654, 2.1: as long as any responder takes that knows RFC 8954 only. A transaction has 16 (RFC 9483, 3.1)."""
    pending = desk.confirmed()
    authority = ScriptedAuthority(
        lambda request: StatusService(desk.authority).ocsp(request).der, media_type="application/ocsp-response"
    )
    assert desk.client_over(authority).status(pending.certificate).state is CertificateState.GOOD
    nonces = ocsp.load_der_ocsp_request(authority.requests[0]).extensions.get_extension_for_class(x509.OCSPNonce)
    assert len(nonces.value.nonce) == 32
    drawn: list[int] = []

    def random_bytes(count: int) -> bytes:
        drawn.append(count)
        return bytes(count)

    with pytest.raises(AuthorityUnreachable):
        ask_status(
            "http://127.0.0.1:1/ocsp",
            desk.station.certificate,
            desk.issuer,
            clock=desk.clock,
            random_bytes=random_bytes,
            timeout_s=5,
        )
    assert drawn == [32]

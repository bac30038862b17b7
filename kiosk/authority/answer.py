"""The authority's answers as the kiosk believes them: authenticated, of this transaction, and what was asked for."""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.authority import asn1, oids
from kiosk.authority.credential import subject_key_id
from kiosk.authority.errors import (
    AuthorityError,
    AuthorityOutcomeUnknown,
    AuthorityRejected,
    CertificateUnacceptable,
)
from kiosk.authority.issuer import UNREADABLE
from kiosk.authority.items import read_items
from kiosk.authority.message import (
    BodyKind,
    MessageInvalid,
    Received,
    Status,
    parse_message,
    read,
    read_elements,
    read_status,
    verify_protection,
)
from kiosk.authority.verification import (
    CLOCK_SKEW,
    PathInvalid,
    ValidPath,
    certified_items,
    load_certificate,
    validate_path,
)
from kiosk.model.certificate import CertifiedItems

T = TypeVar("T")

NOT_TRUSTED = "signerNotTrusted"
"""The PKIFailureInfo (RFC 9810, 5.2.3) of an answer that another than the authority signed."""

_SHORTEST_WAIT_S = 1

_IN_TROUBLE = {"systemUnavail", "systemFailure"}
"""An authority that says so does not know itself what it did."""

_GRANTED = (Status.ACCEPTED, Status.GRANTED_WITH_MODS)
_REVOKED = (*_GRANTED, Status.REVOCATION_NOTIFICATION)
_WHOLE_MESSAGE = -1


@dataclass(frozen=True)
class Delay:
    """The authority has not decided yet (RFC 9483, 4.4).

    A poll asks about `cert_req_id`, -1 for the answer as a whole, after so many seconds, 0 when it does not say.
    """

    cert_req_id: int
    check_after_s: int


def check_answer(
    der: bytes,
    request: Received,
    trust: tuple[x509.Certificate, ...],
    at: datetime.datetime,
    delayed: Received | None = None,
) -> Received:
    """The answer to `request`, protected by the authority itself or its CMP delegate. Raises `MessageInvalid`.

    When `request` is a poll, `delayed` is the request whose answer it asks for.
    """
    answer = parse_message(der)
    # An authority that signs with its own key need not send what we have (RFC 9483, 3.3).
    named = (c for c in trust if answer.header.sender_kid is not None and subject_key_id(c) == answer.header.sender_kid)
    signer = verify_protection(answer, next(named, None))
    if signer not in trust:
        try:
            validate_path(signer, trust, at, intermediates=load_certificates(answer))
        except PathInvalid as error:
            raise MessageInvalid(NOT_TRUSTED, f"the answer's signer: {error}") from None
        # A resident's certificate leads to the same authority: only one made for this may speak for it.
        if not _is_delegate(signer):
            raise MessageInvalid(NOT_TRUSTED, "the answer's signer may not speak for the authority")
    if answer.header.transaction_id != request.header.transaction_id:
        raise MessageInvalid("badRequest", "the answer is of another transaction")
    nonces = [request.header.sender_nonce]
    if delayed is not None and answer.kind != BodyKind.POLL_REP:
        # A delayed answer repeats the nonce of what it answers; some that speak for an authority put the poll's there.
        nonces.append(delayed.header.sender_nonce)
    if answer.header.recip_nonce not in nonces:
        raise MessageInvalid("badRecipientNonce", "the answer does not repeat our nonce")
    if not answer.header.sender_nonce:
        raise MessageInvalid("badSenderNonce", "the answer has no nonce")
    return answer


def read_delay(answer: Received, before: Delay | None = None) -> Delay | None:
    """Whether an answer says that there is none yet; `before` is what led to the poll that it answers.

    An ip, cp or kup says so of its certificate, an error of whatever was asked, and a pollRep after a poll. Raises
    `MessageInvalid`.
    """
    match answer.kind:
        case BodyKind.POLL_REP if before is not None:
            again = _only(read_elements(asn1.PollRep, answer.body))
            return Delay(before.cert_req_id, max(again.check_after, _SHORTEST_WAIT_S))
        case BodyKind.IP | BodyKind.CP | BodyKind.KUP:
            response = _only(read(asn1.CertRepMessage, answer.body).response)
            status, cert_req_id = response.status, response.cert_req_id
        case BodyKind.RP:
            status, cert_req_id = _only(read(asn1.RevRepContent, answer.body).status), _WHOLE_MESSAGE
        case BodyKind.ERROR:
            status, cert_req_id = read(asn1.ErrorMsgContent, answer.body).status, _WHOLE_MESSAGE
        case _:
            return None
    return Delay(cert_req_id, 0) if status.status == Status.WAITING else None


def read_issuance(answer: Received, kind: BodyKind = BodyKind.IP) -> asn1.CertResponse:
    """What an answer of this kind says of our one request. Raises `AuthorityError`, `MessageInvalid`."""
    _expect(kind, answer)
    response = _only(read(asn1.CertRepMessage, answer.body).response)
    _accept(response.status, _GRANTED)
    return response


def read_acknowledgement(answer: Received) -> None:
    """A pkiConf. Raises `AuthorityError`, `MessageInvalid`."""
    _expect(BodyKind.PKICONF, answer)


def read_revocation(answer: Received) -> None:
    """An rp that says yes, or that it has been done. Raises `AuthorityError`, `MessageInvalid`."""
    _expect(BodyKind.RP, answer)
    _accept(_only(read(asn1.RevRepContent, answer.body).status), _REVOKED)


def read_pending(answer: Received) -> bool:
    """Whether a genp says that certificates are held until they are confirmed.

    Raises `AuthorityError`, `MessageInvalid`.
    """
    _expect(BodyKind.GENP, answer)
    value = answer.general_message.get(oids.PENDING)
    return value is not None and read(str, asn1.encode(value)) == "held"


def read_prospect(answer: Received) -> str:
    """A genp that says that nothing stands against a request; the newest head of our journal that came there.

    Raises `AuthorityError`, `MessageInvalid`.
    """
    _expect(BodyKind.GENP, answer)
    head = answer.general_message.get(oids.PROSPECT)
    if head is None:
        raise MessageInvalid("badRequest", "the answer is about something else")
    return read(bytes, asn1.encode(head)).decode("ascii", "replace")


def read_station_record(answer: Received) -> Sequence[asn1.IssuedValue]:
    """A genp about what was issued to us. Raises `AuthorityError`, `MessageInvalid`."""
    _expect(BodyKind.GENP, answer)
    record = answer.general_message.get(oids.STATION_RECORD)
    if record is None:
        raise MessageInvalid("badRequest", "the answer is about something else")
    return read_elements(asn1.IssuedValue, asn1.encode(record))


def check_certificate(
    response: asn1.CertResponse,
    answer: Received,
    request: Received,
    trust: tuple[x509.Certificate, ...],
    at: datetime.datetime,
) -> ValidPath:
    """The certificate of a response with its path: of our key, with our items, and leading to the authority.

    What else it says is for whoever knows what it has to be. Raises `CertificateUnacceptable`, `MessageInvalid`.
    """
    if response.cert_req_id != 0 or response.certified_key_pair is None:
        raise MessageInvalid("badRequest", "accepted, and no certificate for this request")
    der = asn1.encode(response.certified_key_pair.certificate)
    expected_key, expected_items = _asked_for(request)
    try:
        certificate = load_certificate(der)
    except ValueError as error:
        raise MessageInvalid("badDataFormat", f"no certificate: {error}") from None
    try:
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        items = certified_items(certificate)
        if key != expected_key:
            raise CertificateUnacceptable(der, "it is for another key")
        if items != expected_items:
            raise CertificateUnacceptable(der, "it carries other items than were asked for")
        if certificate.signature_hash_algorithm is None:
            raise CertificateUnacceptable(der, "it is signed without a hash, by which it would be confirmed")
        # The authority's clock may be a little ahead of ours.
        start = certificate.not_valid_before_utc
        moment = start if at < start <= at + CLOCK_SKEW else at
        return validate_path(certificate, trust, moment, intermediates=load_certificates(answer))
    except (PathInvalid, *UNREADABLE) as error:
        raise CertificateUnacceptable(der, str(error)) from error


def load_certificates(message: Received) -> list[x509.Certificate]:
    """The certificates that came along. Raises `MessageInvalid`."""
    try:
        return [load_certificate(der) for der in message.extra_certs]
    except ValueError as error:
        raise MessageInvalid("badDataFormat", f"extraCerts: {error}") from None


def confirmation_deadline(answer: Received) -> datetime.datetime | None:
    """How long the authority waits for the confirmation, if it says so. Raises `MessageInvalid`."""
    value = answer.general_info.get(oids.CONFIRM_WAIT_TIME)
    return None if value is None else read(asn1.GeneralizedTime, asn1.encode(value)).as_datetime()


def _asked_for(request: Received) -> tuple[bytes, CertifiedItems | None]:
    """The key (SubjectPublicKeyInfo) and the items of our own ir, cr or kur."""
    message = _only(read_elements(asn1.CertReqMsg, request.body))
    csr = asn1.as_csr(read(asn1.CertRequest, asn1.encode(message.cert_req)).cert_template)
    names = [e.value for e in csr.extensions if isinstance(e.value, x509.SubjectAlternativeName)]
    key = csr.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return key, read_items(names[0]) if names else None


def _expect(kind: BodyKind, answer: Received) -> None:
    if answer.kind == BodyKind.ERROR:
        raise _no(read(asn1.ErrorMsgContent, answer.body).status)
    if answer.kind != kind:
        raise MessageInvalid("badRequest", f"body kind {answer.kind} where {kind.name} was expected")


def _accept(status: asn1.PKIStatusInfo, yes: Collection[Status]) -> None:
    if status.status not in yes:
        raise _no(status)


def _no(status: asn1.PKIStatusInfo) -> AuthorityError:
    fail_info, text = read_status(status)
    if fail_info in _IN_TROUBLE:
        return AuthorityOutcomeUnknown(f"the authority is in trouble: {text}")
    if status.status != Status.REJECTION:
        # A warning or a notice of something else is no refusal.
        return AuthorityOutcomeUnknown(f"the authority answers with status {status.status}: {text}")
    return AuthorityRejected(fail_info, text)


def _only(parts: Sequence[T]) -> T:
    if len(parts) != 1:
        raise MessageInvalid("badDataFormat", f"{len(parts)} parts where one was expected")
    return parts[0]


def _is_delegate(certificate: x509.Certificate) -> bool:
    try:
        return oids.CMP_AUTHORITY in certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except UNREADABLE:
        return False

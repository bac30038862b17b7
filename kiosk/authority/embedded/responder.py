"""The CMP responder: one request's bytes in, one response's bytes out, over the authority's books.

Issuing is one transaction: the certificate and the response to it are in the books before the response leaves, and the
same bytes again are answered by that response. Every refusal is a protected PKIMessage, never an exception. Profile:
RFC 9483; implicit confirmation is never granted.
"""

import datetime
import hashlib
import hmac
import logging
from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from kiosk.authority import asn1, oids
from kiosk.authority.embedded.authority import Authority
from kiosk.authority.embedded.issuing import check_prospect, issue, read_request
from kiosk.authority.embedded.refusal import Refusal
from kiosk.authority.embedded.requester import (
    NONCE_BYTES,
    TRANSACTION_ID_BYTES,
    Requester,
    check_general_info,
    check_header,
    check_transaction_id,
    identify,
)
from kiosk.authority.embedded.revocation import revoke
from kiosk.authority.embedded.store import Books, State, TransactionRecord
from kiosk.authority.message import (
    EMPTY_NAME,
    BodyKind,
    GeneralInfo,
    Head,
    MessageInvalid,
    Received,
    Status,
    build_message,
    info_item,
    parse_message,
    read,
    read_elements,
    status_info,
    verify_protection,
)
from kiosk.model.certificate import RevocationReason

_ANSWER_KIND = {
    BodyKind.IR: BodyKind.IP,
    BodyKind.CR: BodyKind.CP,
    BodyKind.P10CR: BodyKind.CP,
    BodyKind.RR: BodyKind.RP,
}

_BEYOND_ANY_RECORD = 1 << 62

RECORDS_A_PAGE = 500
"""How many certificates one answer about a station's record tells."""

_log = logging.getLogger(__name__)


class Responder:
    """Answers the CMP requests to one authority; may be called from several threads."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    def respond(self, request: bytes) -> bytes:
        """The response to a request; never raises."""
        message = None
        try:
            message = parse_message(request)
            return self._answer(message, request)
        except MessageInvalid as invalid:
            return self._refuse(message, invalid.fail_info, invalid.text)
        except Exception:
            _log.exception("a request could not be handled")
            return self._refuse(message, "systemFailure", "the request could not be handled; its outcome is unknown")

    def _answer(self, message: Received, request: bytes) -> bytes:
        authority, now = self._authority, self._authority.now()
        transaction_id = check_transaction_id(message)
        request_hash = hashlib.sha256(request).digest()
        with authority.store.read(now) as books:
            if answer := books.answer(request_hash):
                return answer
        check_header(message, now)
        signer = verify_protection(message)
        with authority.store.write(now) as books:
            # Asked again under the lock: the same bytes may have come twice at once.
            if answer := books.answer(request_hash):
                return answer
            requester = identify(signer, message, books, now)
            if message.kind == BodyKind.GENM:
                # Changes nothing, so that nothing has to be kept of it.
                return self._inform(message, requester, books)
            response = self._handle(message, transaction_id, requester, books)
            books.add_answer(request_hash, transaction_id, response)
        return response

    def _handle(self, message: Received, transaction_id: bytes, requester: Requester, books: Books) -> bytes:
        known = books.transaction(transaction_id)
        if message.kind == BodyKind.CERT_CONF:
            return self._conclude(message, known, requester, books)
        if message.kind not in _ANSWER_KIND:
            raise MessageInvalid("badRequest", f"body kind {message.kind} is not offered here")
        if known:
            raise MessageInvalid("transactionIdInUse", "another message began this transaction")
        if message.header.recip_nonce is not None:
            raise MessageInvalid("badRequest", "recipNonce in the first message of a transaction")
        if message.kind == BodyKind.RR:
            return self._revoke(message, transaction_id, requester, books)
        return self._certify(message, transaction_id, requester, books)

    def _certify(self, message: Received, transaction_id: bytes, requester: Requester, books: Books) -> bytes:
        nonce = self._authority.random_bytes(NONCE_BYTES)
        info = check_general_info(message)
        cert_req_id = -1 if message.kind == BodyKind.P10CR else 0
        serial = None
        general_info: GeneralInfo = ()
        pair = None
        try:
            issued = issue(read_request(message), info, requester, self._authority, books)
        except Refusal as refusal:
            status = status_info(Status.REJECTION, refusal.text, refusal.fail_info)
        else:
            serial = issued.serial
            status = status_info(Status.GRANTED_WITH_MODS if issued.has_mods else Status.ACCEPTED)
            pair = asn1.CertifiedKeyPair(certificate=asn1.tlv(issued.certificate))
            deadline = asn1.encode(asn1.GeneralizedTime(issued.confirm_before))
            general_info = ((oids.CONFIRM_WAIT_TIME, deadline),)
        response = asn1.CertResponse(cert_req_id=cert_req_id, status=status, certified_key_pair=pair)
        books.add_transaction(TransactionRecord(transaction_id, requester.serial, serial, cert_req_id, nonce))
        body = asn1.encode(asn1.CertRepMessage(response=[response]))
        return self._reply(message, _ANSWER_KIND[BodyKind(message.kind)], body, nonce, general_info)

    def _revoke(self, message: Received, transaction_id: bytes, requester: Requester, books: Books) -> bytes:
        nonce = self._authority.random_bytes(NONCE_BYTES)
        rev_certs = None
        try:
            done = revoke(message, requester, self._authority, books)
        except Refusal as refusal:
            status = status_info(Status.REJECTION, refusal.text, refusal.fail_info)
        else:
            status = status_info(Status.ACCEPTED, done.text)
            issuer = asn1.explicit(4, self._authority.credential.certificate.subject.public_bytes())
            rev_certs = [asn1.tlv(asn1.sequence_of([issuer, asn1.encode(done.serial)]))]
        books.add_transaction(TransactionRecord(transaction_id, requester.serial, None, None, nonce))
        body = asn1.encode(asn1.RevRepContent(status=[status], rev_certs=rev_certs))
        return self._reply(message, BodyKind.RP, body, nonce)

    def _inform(self, message: Received, requester: Requester, books: Books) -> bytes:
        """Answers a general message (RFC 9810, 5.3.19) of one item."""
        match list(message.general_message.items()):
            case [(oids.STATION_RECORD, place)] if place is not None:
                item = info_item(oids.STATION_RECORD, self._station_record(place, requester, books))
            case [(oids.PROSPECT, prospect)] if prospect is not None:
                try:
                    check_prospect(prospect, requester, self._authority, books)
                except Refusal as refusal:
                    raise MessageInvalid(refusal.fail_info, refusal.text) from None
                item = info_item(oids.PROSPECT, asn1.encode(books.newest_head(requester.serial)))
            case _:
                raise MessageInvalid("badRequest", "this information is not offered here")
        return self._reply(message, BodyKind.GENP, asn1.sequence_of([item]), self._authority.random_bytes(NONCE_BYTES))

    def _station_record(self, place: asn1.TLV, requester: Requester, books: Books) -> bytes:
        """What was issued to a station, a page at a time."""
        if not requester.is_station:
            raise MessageInvalid("notAuthorized", "only a station has a record here")
        after = read(int, asn1.encode(place))
        if not 0 <= after < _BEYOND_ANY_RECORD:
            raise MessageInvalid("badRequest", "a record has no such place")
        values = [
            asn1.encode(
                asn1.IssuedValue(
                    transaction_id=transaction_id,
                    serial_number=int(record.serial, 16),
                    state=record.state.value,
                    issued_at=asn1.GeneralizedTime(datetime.datetime.fromtimestamp(record.issued_at, datetime.UTC)),
                    journal_head=head,
                )
            )
            for transaction_id, record, head in books.issued_to(requester.serial, after, RECORDS_A_PAGE)
        ]
        return asn1.sequence_of(values)

    def _conclude(
        self, message: Received, known: TransactionRecord | None, requester: Requester, books: Books
    ) -> bytes:
        """Handles a certConf: the pending certificate becomes good or is revoked (RFC 9810, 5.3.18)."""
        if known is None or known.serial is None:
            raise MessageInvalid("badRequest", "no certificate waits for confirmation in this transaction")
        if known.requester != requester.serial:
            raise MessageInvalid("badRequest", "confirmation by another than the requester")
        if message.header.recip_nonce != known.nonce:
            raise MessageInvalid("badRecipientNonce", "recipNonce is not the nonce of our answer")
        record = books.certificate(known.serial)
        assert record is not None, "transactions refer to certificates of these books"
        if record.state is State.GOOD:
            raise MessageInvalid("certConfirmed", "confirmed already")
        if record.state is not State.PENDING:
            raise MessageInvalid("certRevoked", f"no longer pending: {record.note}")
        statuses = read_elements(asn1.CertStatus, message.body)
        if len(statuses) > 1:
            raise MessageInvalid("badRequest", "one CertStatus a message")
        if statuses and _accepts(statuses[0], known, message.header.pvno):
            if not _is_hash_of(statuses[0], record.der):
                note = "the confirmation was of another certificate"
                books.revoke(record.serial, RevocationReason.CESSATION_OF_OPERATION, note)
                return self._refuse(message, "badPOP", "certHash is not of the certificate issued; it is revoked")
            books.confirm(record.serial)
        else:
            books.revoke(record.serial, RevocationReason.CESSATION_OF_OPERATION, f"declined by {requester.name}")
        return self._reply(
            message, BodyKind.PKICONF, asn1.encode(asn1.Null()), self._authority.random_bytes(NONCE_BYTES)
        )

    def _refuse(self, message: Received | None, fail_info: str, text: str) -> bytes:
        status = status_info(Status.REJECTION, text, fail_info)
        nonce = self._authority.random_bytes(NONCE_BYTES)
        if message is not None and message.kind == BodyKind.RR:
            return self._reply(message, BodyKind.RP, asn1.encode(asn1.RevRepContent(status=[status])), nonce)
        return self._reply(message, BodyKind.ERROR, asn1.encode(asn1.ErrorMsgContent(status=status)), nonce)

    def _reply(
        self,
        message: Received | None,
        kind: BodyKind,
        body: bytes,
        nonce: bytes,
        general_info: GeneralInfo = (),
    ) -> bytes:
        authority = self._authority
        header = message.header if message else None
        head = Head(
            sender=authority.credential.certificate.subject.public_bytes(),
            recipient=_sender_name(header),
            time=authority.now(),
            transaction_id=(header and header.transaction_id) or authority.random_bytes(TRANSACTION_ID_BYTES),
            sender_nonce=nonce,
            recipient_nonce=header.sender_nonce if header else None,
            general_info=general_info,
            pvno=header.pvno if header and header.pvno in (2, 3) else 2,
        )
        return build_message(kind, body, head, authority.credential)


def _accepts(status: asn1.CertStatus, known: TransactionRecord, pvno: int) -> bool:
    """Whether the requester takes the certificate. Raises `MessageInvalid` when he does not say it clearly."""
    # Clients disagree about certReqId after a p10cr: RFC 9483 4.1.4 has -1, others repeat the usual 0.
    if status.cert_req_id not in {known.cert_req_id, 0}:
        raise MessageInvalid("badRequest", "certReqId is not that of the request")
    if status.hash_alg is not None and pvno < 3:
        raise MessageInvalid("badRequest", "hashAlg needs pvno 3")
    info = status.status_info
    if info is None or info.status in (Status.ACCEPTED, Status.GRANTED_WITH_MODS):
        if info is not None and info.fail_info is not None:
            raise MessageInvalid("badRequest", "accepted, with failInfo")
        return True
    if info.status != Status.REJECTION:
        raise MessageInvalid("badRequest", "neither accepted nor rejected")
    return False


def _is_hash_of(status: asn1.CertStatus, der: bytes) -> bool:
    certificate = x509.load_der_x509_certificate(der)
    algorithm = certificate.signature_hash_algorithm
    if status.hash_alg is not None:
        algorithm = _HASHES.get(asn1.sequence_of([asn1.encode(part) for part in status.hash_alg]))
    if algorithm is None:
        return False
    return hmac.compare_digest(certificate.fingerprint(algorithm), status.cert_hash)


def _hashes() -> Iterator[tuple[bytes, hashes.HashAlgorithm]]:
    """Hash algorithms by their identifier, with NULL parameters or none (RFC 5754, section 2)."""
    for arc, algorithm in ((1, hashes.SHA256()), (2, hashes.SHA384()), (3, hashes.SHA512())):
        oid = x509.ObjectIdentifier(f"2.16.840.1.101.3.4.2.{arc}")
        for has_null in (False, True):
            yield asn1.sequence_of([asn1.encode(part) for part in asn1.algorithm(oid, has_null)]), algorithm


_HASHES: dict[bytes, hashes.HashAlgorithm] = dict(_hashes())


def _sender_name(header: asn1.PKIHeader | None) -> bytes:
    """The sender's Name; the NULL-DN when he gave something else."""
    if header is None or header.sender.tag_bytes != b"\xa4":
        return EMPTY_NAME
    return bytes(header.sender.data)

"""The CMP responder: one request's bytes in, one response's bytes out, over the authority's books.

Issuing is one transaction: the certificate and the response to it are in the books before the response leaves. A
station that asks again by the same bytes gets that response, since it may lose an answer and must not have to ask for
another certificate; nobody else begins anything twice (RFC 9483, 3.5). Every refusal is a protected PKIMessage, never
an exception. Profile: RFC 9483; implicit confirmation is never granted.
"""

import datetime
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType

from cryptography import x509

from kiosk.authority import asn1, oids
from kiosk.authority.embedded.authority import Authority
from kiosk.authority.embedded.confirmation import abandon, conclude
from kiosk.authority.embedded.exchange import Exchange
from kiosk.authority.embedded.in_step import Stages, do, do_in_step
from kiosk.authority.embedded.information import inform
from kiosk.authority.embedded.issuing import Issued, issue, read_request
from kiosk.authority.embedded.refusal import Refusal
from kiosk.authority.embedded.renewal import renew, renews
from kiosk.authority.embedded.requester import (
    OpenedRequest,
    Requester,
    Sender,
    SignerRevoked,
    check_general_info,
    check_header,
    check_transaction_id,
    identify,
    open_request,
    protector,
    wanted_profile,
)
from kiosk.authority.embedded.revocation import revoke, revokes
from kiosk.authority.embedded.shared_commit import OutOfStep
from kiosk.authority.embedded.store import Books, Store, TransactionRecord
from kiosk.authority.mac import SharedSecret
from kiosk.authority.message import (
    BodyKind,
    GeneralInfo,
    MessageInvalid,
    Received,
    Status,
    read_body_elements,
    status_info,
)

_ANSWER_KIND = {
    BodyKind.IR: BodyKind.IP,
    BodyKind.CR: BodyKind.CP,
    BodyKind.P10CR: BodyKind.CP,
    BodyKind.KUR: BodyKind.KUP,
    BodyKind.RR: BodyKind.RP,
}

_IS_ABOUT: Mapping[int, Callable[[Received, str, Authority], bool]] = MappingProxyType(
    {BodyKind.RR: revokes, BodyKind.KUR: renews}
)
"""Whether a message asks for something to be done with the certificate of a serial number, by kind."""

RECORDS_A_PAGE = 500
"""How many certificates one answer about a station's record tells."""

LARGEST_BATCH = 64
"""How many messages one nested message may hold."""

_UNKNOWN = "the request could not be handled; its outcome is unknown"

_log = logging.getLogger(__name__)


class Responder:
    """Answers the CMP requests to one authority; may be called from several threads."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    def respond(self, request: bytes) -> bytes:
        """The response to a request; never raises."""
        return self.respond_all([open_request(request)])[0]

    def respond_all(self, requests: Sequence[OpenedRequest]) -> list[bytes]:
        """The responses to several requests, in their order, durable together; never raises."""
        try:
            if len(requests) > 1 and not self._authority.store.is_shared:
                with suppress(OutOfStep), self._authority.store.in_step() as store:
                    return do_in_step([self._respond(store, request) for request in requests])
            with self._authority.store.together() as store:
                return [do(self._respond(store, request)) for request in requests]
        except Exception:
            # Nothing of it was stored, whatever failed: each is told so by a protected answer (RFC 9483, section 3.6).
            _log.exception("what was answered could not be stored")
            return [self._unstored(request) for request in requests]

    def _unstored(self, request: OpenedRequest) -> bytes:
        return self._exchange(request).refuse("systemFailure", _UNKNOWN)

    def _exchange(self, request: OpenedRequest) -> Exchange:
        kind = None if request.message is None else request.message.kind
        return Exchange(self._authority, self._authority.speaker, request.header, kind)

    def _respond(self, store: Store, request: OpenedRequest, *, has_vouching_station: bool = False) -> Stages[bytes]:
        exchange = self._exchange(request)
        try:
            message = request.readable
            if message.kind == BodyKind.NESTED and not has_vouching_station:
                return (yield from self._unpack(store, exchange, message, request))
            return (yield from self._answer(store, exchange, message, request, has_vouching_station))
        except MessageInvalid as invalid:
            return exchange.refuse(invalid.fail_info, invalid.text)
        except OutOfStep:
            raise
        except Exception:
            # A defect of ours must not leave a client without a protected answer (RFC 9483, section 3.6).
            _log.exception("a request could not be handled")
            return exchange.refuse("systemFailure", _UNKNOWN)

    def _answer(
        self, store: Store, exchange: Exchange, message: Received, request: OpenedRequest, has_vouching_station: bool
    ) -> Stages[bytes]:
        authority, now = self._authority, self._authority.now()
        with store.read(now) as books:
            transaction_id, answer = self._begin(exchange, message, request, books, now, has_vouching_station)
            if answer:
                return answer
            sender = request.prove(books)
            if message.kind == BodyKind.GENM:
                # Changes no certificate: nothing has to be kept of it for a second asking.
                requester = identify(sender, books, now)
                exchange.protector = protector(sender, authority)
                return self._inform(store, exchange, message, transaction_id, requester, books)
        yield
        with store.write(now) as books:
            known = books.transaction(transaction_id)
            # Asked again under the lock: the same bytes may have come twice at once.
            if known and (answer := _answered(request, books, has_vouching_station)):
                return answer
            exchange.protector = protector(sender, authority)
            requester = self._identify(message, sender, books, now, has_vouching_station)
            yield
            response = yield from self._handle(exchange, message, transaction_id, known, requester, books)
            yield
            books.add_answer(request.hash, transaction_id, response)
        return response

    def _begin(
        self,
        exchange: Exchange,
        message: Received,
        request: OpenedRequest,
        books: Books,
        now: datetime.datetime,
        has_vouching_station: bool,
    ) -> tuple[bytes, bytes | None]:
        """The transaction's id, and what these very bytes were answered before. Raises `MessageInvalid`."""
        try:
            transaction_id = check_transaction_id(message)
            if answer := _answered(request, books, has_vouching_station):
                return transaction_id, answer
            check_header(message, now)
        except MessageInvalid:
            # Whoever has shown that he knows a secret is answered under it, whatever else is wrong.
            with suppress(MessageInvalid):
                exchange.protector = protector(request.prove(books), self._authority)
            raise
        return transaction_id, None

    def _identify(
        self, message: Received, sender: Sender, books: Books, now: datetime.datetime, has_vouching_station: bool
    ) -> Requester:
        try:
            return identify(sender, books, now, has_vouching_station=has_vouching_station)
        except SignerRevoked as revoked:
            is_about = _IS_ABOUT.get(message.kind)
            if is_about is not None and is_about(message, revoked.serial, self._authority):
                text = "the certificate is revoked, and its key signs nothing"
                raise MessageInvalid("certRevoked", text) from None
            raise

    def _handle(
        self,
        exchange: Exchange,
        message: Received,
        transaction_id: bytes,
        known: TransactionRecord | None,
        requester: Requester,
        books: Books,
    ) -> Stages[bytes]:
        info = check_general_info(message)
        if message.kind == BodyKind.CERT_CONF:
            return (yield from conclude(exchange, message, known, requester, books))
        if message.kind == BodyKind.ERROR:
            return abandon(exchange, message, known, requester, books)
        if message.kind not in _ANSWER_KIND:
            raise MessageInvalid("badRequest", f"body kind {message.kind} is not offered here")
        if known:
            raise MessageInvalid("transactionIdInUse", "another message began this transaction")
        _check_first(message)
        if message.kind == BodyKind.RR:
            return self._revoke(exchange, message, transaction_id, requester, books)
        return (yield from self._certify(exchange, message, info, transaction_id, requester, books))

    def _certify(
        self,
        exchange: Exchange,
        message: Received,
        info: dict[x509.ObjectIdentifier, asn1.TLV | None],
        transaction_id: bytes,
        requester: Requester,
        books: Books,
    ) -> Stages[bytes]:
        nonce = exchange.new_nonce()
        cert_req_id = -1 if message.kind == BodyKind.P10CR else 0
        serial = None
        general_info: GeneralInfo = ()
        pair = None
        try:
            issued: Issued
            if message.kind == BodyKind.KUR:
                issued = yield from renew(message, info, requester, self._authority, books)
            else:
                wanted = read_request(message)
                yield
                issued = yield from issue(wanted, info, requester, self._authority, books)
        except Refusal as refusal:
            status = status_info(Status.REJECTION, refusal.text, refusal.fail_info)
        else:
            serial = issued.serial
            status = status_info(Status.GRANTED_WITH_MODS if issued.has_mods else Status.ACCEPTED)
            pair = asn1.CertifiedKeyPair(certificate=asn1.tlv(issued.certificate))
            deadline = asn1.encode(asn1.GeneralizedTime(issued.confirm_before))
            general_info = ((oids.CONFIRM_WAIT_TIME, deadline),)
        response = asn1.CertResponse(cert_req_id=cert_req_id, status=status, certified_key_pair=pair)
        books.add_transaction(
            TransactionRecord(transaction_id, requester.owner, serial, cert_req_id, nonce, requester.serial)
        )
        # Whoever shares a secret with us may have no other way to learn whom to trust (RFC 9483, 4.1.5).
        is_by_secret = isinstance(exchange.protector, SharedSecret) and message.kind == BodyKind.IR and pair is not None
        own = [asn1.tlv(der) for der in self._authority.own_ders] if is_by_secret else None
        yield
        body = asn1.encode(asn1.CertRepMessage(ca_pubs=own, response=[response]))
        return exchange.reply(_ANSWER_KIND[BodyKind(message.kind)], body, nonce, general_info)

    def _revoke(
        self, exchange: Exchange, message: Received, transaction_id: bytes, requester: Requester, books: Books
    ) -> bytes:
        nonce = exchange.new_nonce()
        rev_certs = None
        try:
            done = revoke(message, requester, self._authority, books)
        except Refusal as refusal:
            status = status_info(Status.REJECTION, refusal.text, refusal.fail_info)
        else:
            status = status_info(Status.ACCEPTED, done.text)
            issuer = asn1.explicit(4, self._authority.credential.subject)
            rev_certs = [asn1.tlv(asn1.sequence_of([issuer, asn1.encode(done.serial)]))]
        books.add_transaction(TransactionRecord(transaction_id, requester.owner, None, None, nonce, requester.serial))
        return exchange.reply(BodyKind.RP, asn1.encode(asn1.RevRepContent(status=[status], rev_certs=rev_certs)), nonce)

    def _inform(
        self,
        store: Store,
        exchange: Exchange,
        message: Received,
        transaction_id: bytes,
        requester: Requester,
        books: Books,
    ) -> bytes:
        if books.transaction(transaction_id):
            raise MessageInvalid("transactionIdInUse", "another message began this transaction")
        _check_first(message)
        info = check_general_info(message)
        # A CRL that has to be made for the answer is written with whatever else is in this turn.
        authority = replace(self._authority, store=store)
        items = inform(message, wanted_profile(info), requester, authority, books, RECORDS_A_PAGE)
        return exchange.reply(BodyKind.GENP, asn1.sequence_of(items))

    def _unpack(self, store: Store, exchange: Exchange, message: Received, request: OpenedRequest) -> Stages[bytes]:
        """Handles what a station sends under its own protection for others (RFC 9483, 5.2.2).

        One message of the same transaction is answered as if it had come by itself (5.2.2.1), a batch by a batch
        (5.2.2.2).
        """
        now = self._authority.now()
        with store.read(now) as books:
            transaction_id, answer = self._begin(exchange, message, request, books, now, has_vouching_station=False)
            if answer:
                return answer
            sender = request.prove(books)
            exchange.protector = protector(sender, self._authority)
            requester = identify(sender, books, now)
        if not requester.is_station:
            raise MessageInvalid("notAuthorized", "only a station may send messages of others")
        check_general_info(message)
        inner = read_body_elements(message.body)
        if not 1 <= len(inner) <= LARGEST_BATCH:
            raise MessageInvalid("badRequest", f"a nested message holds 1 to {LARGEST_BATCH} messages")
        opened = [open_request(der) for der in inner]
        ids = [one.readable.header.transaction_id for one in opened]
        if len(inner) == 1 and ids[0] == transaction_id:
            # What is added to any message of a transaction repeats its nonces, where it has any.
            within = opened[0].readable.header
            if message.header.recip_nonce not in (None, within.recip_nonce):
                raise MessageInvalid("badRecipientNonce", "recipNonce is not that of the message within")
            if message.header.sender_nonce != within.sender_nonce:
                raise MessageInvalid("badSenderNonce", "senderNonce is not that of the message within")
            return (yield from self._respond(store, opened[0], has_vouching_station=True))
        _check_first(message)
        if transaction_id in ids or len(set(ids)) < len(ids):
            raise MessageInvalid("transactionIdInUse", "messages of a batch have transactions of their own")
        with store.write(now) as books:
            known = books.transaction(transaction_id)
            if known and known.nonce != request.hash:
                raise MessageInvalid("transactionIdInUse", "another message began this transaction")
            if not known:
                # Before anything is handled: of two batches under one id the other is refused as a whole.
                books.add_transaction(
                    TransactionRecord(transaction_id, requester.owner, None, None, request.hash, requester.serial)
                )
        answers = []
        for one in opened:
            answers.append((yield from self._respond(store, one, has_vouching_station=True)))
        response = exchange.reply(BodyKind.NESTED, asn1.sequence_of(answers))
        with store.write(now) as books:
            # For its lock: the same batch may have come twice at once; what is within was handled once all the same.
            books.transaction(transaction_id)
            if answer := books.answer(request.hash):
                return answer
            books.add_answer(request.hash, transaction_id, response)
        return response


def _answered(request: OpenedRequest, books: Books, has_vouching_station: bool) -> bytes | None:
    """What these very bytes were answered before, if a registered station asks again."""
    return books.answer(request.hash) if has_vouching_station else books.answer_to_station(request.hash)


def _check_first(message: Received) -> None:
    if message.header.recip_nonce is not None:
        raise MessageInvalid("badRequest", "recipNonce in the first message of a transaction")

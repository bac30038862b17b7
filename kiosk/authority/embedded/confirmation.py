"""The end of a transaction: a pending certificate becomes good, or is revoked (RFC 9483, 3.6.1 and 4.1.1)."""

import hashlib
import hmac
from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from kiosk.authority import asn1
from kiosk.authority.embedded.exchange import Exchange
from kiosk.authority.embedded.in_step import Stages
from kiosk.authority.embedded.requester import CLIENT_OWNER, Requester
from kiosk.authority.embedded.store import Books, CertificateRecord, TransactionRecord
from kiosk.authority.message import BodyKind, MessageInvalid, Received, Status, read, read_elements
from kiosk.model.certificate import BookedState, RevocationReason


def conclude(
    exchange: Exchange,
    message: Received,
    known: TransactionRecord | None,
    requester: Requester,
    books: Books,
) -> Stages[bytes]:
    """Handles a certConf (RFC 9810, 5.3.18). Raises `MessageInvalid`.

    An error that it answers with has revoked the certificate: what is not confirmed as it was issued must not stand.
    """
    known, record = _awaited(message, known, requester, books)
    statuses = read_elements(asn1.CertStatus, message.body)
    if len(statuses) > 1:
        raise MessageInvalid("badRequest", "one CertStatus a message")
    if statuses and _accepts(statuses[0], known, message.header.pvno):
        if not _is_hash_of(statuses[0], record.der):
            note = "the confirmation was of another certificate"
            books.revoke(record.serial, RevocationReason.CESSATION_OF_OPERATION, note)
            # Not badPOP: only what was sent encrypted is proven by its hash (RFC 9810, 5.2.8.3.2).
            return exchange.refuse("badCertId", "certHash is not of the certificate issued; it is revoked")
        if record.person is not None and books.has_other_good(record.person, record.profile, record.serial):
            note = "the holder had another valid one when it was confirmed"
            books.revoke(record.serial, RevocationReason.CESSATION_OF_OPERATION, note)
            return exchange.refuse("duplicateCertReq", "the resident has another valid certificate; this is revoked")
        books.confirm(record.serial)
    else:
        books.revoke(record.serial, RevocationReason.CESSATION_OF_OPERATION, f"declined by {requester.name}")
    yield
    return exchange.reply(BodyKind.PKICONF, asn1.encode(asn1.Null()))


def abandon(
    exchange: Exchange,
    message: Received,
    known: TransactionRecord | None,
    requester: Requester,
    books: Books,
) -> bytes:
    """Handles an error message: the requester gives up, and what was issued to him is revoked (RFC 9483, 3.6.1)."""
    known, record = _awaited(message, known, requester, books)
    read(asn1.ErrorMsgContent, message.body)
    books.revoke(record.serial, RevocationReason.CESSATION_OF_OPERATION, f"given up by {requester.name}")
    return exchange.reply(BodyKind.PKICONF, asn1.encode(asn1.Null()))


def _awaited(
    message: Received, known: TransactionRecord | None, requester: Requester, books: Books
) -> tuple[TransactionRecord, CertificateRecord]:
    """The transaction that the message belongs to and its pending certificate."""
    if known is None or known.serial is None:
        raise MessageInvalid("badRequest", "no certificate waits for confirmation in this transaction")
    if known.requester.startswith(CLIENT_OWNER) != requester.owner.startswith(CLIENT_OWNER):
        raise MessageInvalid("wrongIntegrity", "the transaction began under another kind of protection")
    if known.requester != requester.owner:
        raise MessageInvalid("badRequest", "confirmation by another than the requester")
    if message.header.recip_nonce != known.nonce:
        raise MessageInvalid("badRecipientNonce", "recipNonce is not the nonce of our answer")
    books.lock_certificate(known.serial)
    record = books.certificate(known.serial)
    assert record is not None, "transactions refer to certificates of these books"
    if record.state is BookedState.GOOD:
        raise MessageInvalid("certConfirmed", "confirmed already")
    if record.state is not BookedState.PENDING:
        raise MessageInvalid("certRevoked", f"no longer pending: {record.note}")
    return known, record


def _accepts(status: asn1.CertStatus, known: TransactionRecord, pvno: int) -> bool:
    """Whether the requester takes the certificate. Raises `MessageInvalid` when he does not say it clearly."""
    # Clients disagree about certReqId after a p10cr: RFC 9483 4.1.4 has -1, others repeat the usual 0.
    if status.cert_req_id not in {known.cert_req_id, 0}:
        raise MessageInvalid("badRequest", "certReqId is not that of the request")
    if status.hash_alg is not None and pvno < 3:
        raise MessageInvalid("badRequest", "hashAlg needs pvno 3")
    info = status.status_info
    if info is None or info.status == Status.ACCEPTED:
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
            raise MessageInvalid("badAlg", "hashAlg is not spoken")
    if algorithm is None:
        return False
    return hmac.compare_digest(hashlib.new(algorithm.name, der).digest(), status.cert_hash)


def _hashes() -> Iterator[tuple[bytes, hashes.HashAlgorithm]]:
    """Hash algorithms by their identifier, with NULL parameters or none (RFC 5754, section 2)."""
    for arc, algorithm in ((1, hashes.SHA256()), (2, hashes.SHA384()), (3, hashes.SHA512())):
        oid = x509.ObjectIdentifier(f"2.16.840.1.101.3.4.2.{arc}")
        for has_null in (False, True):
            yield asn1.sequence_of([asn1.encode(part) for part in asn1.algorithm(oid, has_null)]), algorithm


_HASHES: dict[bytes, hashes.HashAlgorithm] = dict(_hashes())

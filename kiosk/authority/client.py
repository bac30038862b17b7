"""The kiosk's side of the authority: messages made first, so that the caller stores them, and then sent.

Every request comes in two halves. `..._message` makes the exact bytes and sends nothing; `certify`, `confirm`,
`reject` and `revoke` send such bytes. After a crash the caller sends the stored bytes again, and the embedded
authority answers them with its stored response.

CMP: RFC 9810, CRMF: RFC 4211, profile: RFC 9483, OCSP: RFC 6960.
"""

import datetime
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from hw.ports import Attestation
from kiosk.authority import answer as answers
from kiosk.authority import asn1, oids, request
from kiosk.authority.credential import SigningKey, StationCredential, load_credential
from kiosk.authority.errors import (
    AuthorityNotRecognised,
    AuthorityOutcomeUnknown,
    AuthorityRejected,
    AuthorityUnreachable,
)
from kiosk.authority.http import Endpoint, Line
from kiosk.authority.issuer import find_issuer
from kiosk.authority.message import (
    BodyKind,
    GeneralInfo,
    Head,
    MessageInvalid,
    Received,
    Status,
    build_message,
    info_item,
    parse_message,
    status_info,
)
from kiosk.authority.request import CertificateKind
from kiosk.authority.signature import has_null_parameters, sign, signature_algorithm
from kiosk.authority.signed_inquiry import sign_inquiry
from kiosk.authority.verification import (
    OCSP_NONCE_BYTES,
    StatusUndecidable,
    asks_for_signature,
    ocsp_request,
    ocsp_status,
)
from kiosk.model.authorisation import Authorisation
from kiosk.model.certificate import CertificateStatus, CertifiedItems, RevocationReason, serial_text

__all__ = ["AuthorityClient", "CertificateId", "Message", "PendingCertificate", "StationCredential", "load_credential"]

T = TypeVar("T")

CMP_PATH = "/.well-known/cmp"
OCSP_PATH = "/ocsp"

_NONCE_BYTES = 16
_FIRST_WAIT_S = 1.0
_LONGEST_OWN_WAIT_S = 16.0


@dataclass(frozen=True, repr=False)
class Message:
    """One CMP request, ready to be stored and sent: its transaction (16 bytes) and its exact bytes."""

    transaction_id: bytes
    der: bytes


@dataclass(frozen=True, repr=False)
class PendingCertificate:
    """A certificate that was issued and is not yet valid for anybody. Plain data: store it as JSON with msgspec.

    `certificate` and `chain` (issuer first, a trusted one last) are DER; `serial` is upper-case hex as openssl prints
    it; `nonce` is the authority's, which the confirmation repeats; `confirm_before` is when the authority gives up
    waiting, or None when it does not say.
    """

    transaction_id: bytes
    nonce: bytes
    serial: str
    certificate: bytes
    chain: tuple[bytes, ...]
    not_before: datetime.datetime
    not_after: datetime.datetime
    confirm_before: datetime.datetime | None


@dataclass(frozen=True)
class CertificateId:
    """A certificate by its issuer's name (DER) and serial number, for when the certificate itself is gone."""

    issuer: bytes
    serial: int


@dataclass(frozen=True)
class IssuedRecord:
    """One certificate in the authority's record of a station, issued in the transaction of this id.

    `state` is the authority's own word (`pending`, `good`, `held`, `revoked`); `journal_head` the text that it was
    given as a witness, empty for none.
    """

    transaction_id: bytes
    serial: str
    state: str
    issued_at: datetime.datetime
    journal_head: str


class AuthorityClient:
    """Talks to the authority at `url` for one station.

    A `url` without a path (`http://127.0.0.1:8080`) has CMP at its well-known path and OCSP at /ocsp; one with a path
    names the CMP service itself, and `ocsp_path` says where OCSP is. `trust` are the authority's own certificates, the
    only ones believed. `timeout_s` bounds each question as a whole, polling included; a call asks one, `station_record`
    one a page. `line` joins client and server in one process; `pause` waits so many seconds between
    polls. Raises `UrlRefused`.

    All calls block. They raise `AuthorityUnreachable`, `AuthorityOutcomeUnknown` or `AuthorityRejected`
    (`kiosk.authority.errors`).
    """

    def __init__(
        self,
        url: str,
        credential: StationCredential,
        trust: tuple[x509.Certificate, ...],
        *,
        clock: Callable[[], datetime.datetime],
        random_bytes: Callable[[int], bytes] = os.urandom,
        line: Line | None = None,
        timeout_s: float = 10.0,
        ocsp_path: str = OCSP_PATH,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url
        self._endpoint = Endpoint(url, credential, trust, line)
        self._credential = credential
        self._trust = trust
        self._clock = clock
        self._random_bytes = random_bytes
        self._timeout_s = timeout_s
        self._ocsp_path = ocsp_path
        self._pause = pause

    def certification_request(
        self,
        public_key: rsa.RSAPublicKey,
        items: CertifiedItems | None,
        kind: CertificateKind,
        sign: Callable[[bytes], bytes],
    ) -> bytes:
        """The request for one certificate (CertReqMsg, DER) with its proof of possession.

        `sign` is called once with the DER of the CertRequest and returns the PKCS#1 v1.5 signature over its SHA-256,
        made by the private key that belongs to `public_key`. `items` go into the subject alternative name.
        """
        return request.certification_request(public_key, items, kind, sign)

    def certify_message(
        self,
        cert_req: bytes,
        authorisation: Authorisation,
        attestation: Attestation | None,
        journal_head: bytes | None = None,
    ) -> Message:
        """Wraps a certification request into an `ir`, with the clerk's authorisation and the card's attestation."""
        info = request.leave(authorisation, attestation, journal_head)
        return self._message(BodyKind.IR, asn1.sequence_of([cert_req]), general_info=info)

    def certify(self, der: bytes) -> PendingCertificate:
        """Sends an `ir` and returns the checked pending certificate; polls while the authority asks to wait.

        Raises `CertificateUnacceptable` when another certificate came than was asked for.
        """
        return self._enrol(der, BodyKind.IP)

    def renewal_message(self, new_key: SigningKey) -> Message:
        """The `kur` that asks for a certificate of `new_key` in place of this station's own (RFC 9483, 4.1.3)."""
        oid = signature_algorithm(new_key)
        body = request.key_update_request(
            self._credential.certificate,
            new_key.public_key(),
            asn1.algorithm(oid, has_null_parameters(oid)),
            lambda data: sign(new_key, data),
        )
        return self._message(BodyKind.KUR, asn1.sequence_of([body]))

    def renew(self, der: bytes) -> PendingCertificate:
        """Sends a `kur`; its certificate is pending until `confirm`, like any other."""
        return self._enrol(der, BodyKind.KUP)

    def own_request_message(self, key: SigningKey) -> Message:
        """The `cr` that asks for a certificate of `key` in this station's own name."""
        oid = signature_algorithm(key)
        algorithm = asn1.algorithm(oid, has_null_parameters(oid))
        certificate = self._credential.certificate
        body = request.own_request(certificate, key.public_key(), algorithm, lambda data: sign(key, data))
        return self._message(BodyKind.CR, asn1.sequence_of([body]))

    def is_pending_known(self) -> bool:
        """Whether the authority says that it holds what it issues until that is confirmed.

        `AuthorityRejected` where it does not know the question, as authorities other than ours.
        """
        message = self._message(BodyKind.GENM, asn1.sequence_of([info_item(oids.PENDING, asn1.encode(asn1.Null()))]))
        return self._exchange(message.der, answers.read_pending)

    @property
    def authority_name(self) -> str:
        """The authority by its address and its certificate's fingerprint."""
        return f"{self._url} {self._trust[0].fingerprint(hashes.SHA256()).hex()}"

    def _enrol(self, der: bytes, kind: BodyKind) -> PendingCertificate:
        def read(answer: Received) -> tuple[Received, asn1.CertResponse]:
            return answer, answers.read_issuance(answer, kind)

        answer, response = self._exchange(der, read)
        with _believing():
            path = answers.check_certificate(response, answer, parse_message(der), self._trust, self._clock())
            confirm_before = answers.confirmation_deadline(answer)
        assert answer.header.transaction_id and answer.header.sender_nonce, "check_answer demands both"
        return PendingCertificate(
            transaction_id=answer.header.transaction_id,
            nonce=answer.header.sender_nonce,
            serial=serial_text(path.certificate.serial_number),
            certificate=path.certificate.public_bytes(Encoding.DER),
            chain=tuple(c.public_bytes(Encoding.DER) for c in path.chain),
            not_before=path.certificate.not_valid_before_utc,
            not_after=path.certificate.not_valid_after_utc,
            confirm_before=confirm_before,
        )

    def confirm_message(self, pending: PendingCertificate) -> Message:
        """The `certConf` that makes the pending certificate valid."""
        return self._conclusion(pending, None)

    def confirm(self, der: bytes) -> None:
        """Sends a `certConf` made by `confirm_message`; the authority has acknowledged it when this returns."""
        try:
            self._exchange(der, answers.read_acknowledgement)
        except AuthorityRejected as rejected:
            # Heard and obeyed before, when its acknowledgement did not reach us.
            if rejected.fail_info != "certConfirmed":
                raise

    def reject_message(self, pending: PendingCertificate, text: str) -> Message:
        """The `certConf` that declines the pending certificate; `text` says why."""
        return self._conclusion(pending, status_info(Status.REJECTION, text))

    def reject(self, der: bytes) -> None:
        """Sends a `certConf` made by `reject_message`. Never trust it to revoke: send `revoke` and look at `status`."""
        self._exchange(der, answers.read_acknowledgement)

    def revoke_message(self, certificate: bytes | CertificateId, reason: RevocationReason) -> Message:
        """The `rr` that revokes a certificate (DER, or by issuer and serial)."""
        if isinstance(certificate, bytes):
            loaded = x509.load_der_x509_certificate(certificate)
            certificate = CertificateId(loaded.issuer.public_bytes(), loaded.serial_number)
        return self._message(BodyKind.RR, request.revocation(certificate.issuer, certificate.serial, reason))

    def revoke(self, der: bytes) -> None:
        """Sends an `rr`. `AuthorityRejected("certRevoked", ...)` means that it was revoked before."""
        self._exchange(der, answers.read_revocation)

    def release_message(self, certificate: CertificateId) -> Message:
        """The `rr` that takes a certificate off its hold; `revoke` sends it."""
        return self._message(BodyKind.RR, request.release(certificate.issuer, certificate.serial))

    def check_prospect(self, authorisation: Authorisation, key_hash: bytes) -> str:
        """Asks, before a key is made, whether a request on this leave would be met; `key_hash` is of the card's key.

        The text of the newest head of this station's journal that the authority has seen, empty for none.
        `AuthorityRejected` says why not. Authorities other than ours do not know the question, and have seen none.
        """
        message = self._message(BodyKind.GENM, request.prospect(authorisation, key_hash))
        try:
            return self._exchange(message.der, answers.read_prospect)
        except AuthorityRejected as rejected:
            if rejected.fail_info != "badRequest":
                raise
            return ""

    def station_record(self) -> list[IssuedRecord]:
        """What the authority issued to this station, oldest first, each with the journal's head that came with it.

        `AuthorityRejected` where it keeps no such record, as authorities other than ours.
        """
        issued: list[IssuedRecord] = []
        known: set[bytes] = set()
        while True:
            message = self._message(BodyKind.GENM, request.station_record(len(issued)))
            page = self._exchange(message.der, answers.read_station_record)
            if not page:
                return issued
            if not known.isdisjoint(value.transaction_id for value in page):
                raise AuthorityOutcomeUnknown("the authority's record of this station repeats itself")
            known.update(value.transaction_id for value in page)
            for value in page:
                issued.append(
                    IssuedRecord(
                        value.transaction_id,
                        serial_text(value.serial_number),
                        value.state,
                        value.issued_at.as_datetime().replace(tzinfo=datetime.UTC),
                        value.journal_head.decode("ascii", "replace"),
                    )
                )

    def status(self, certificate: bytes, issuer: bytes | None = None) -> CertificateStatus:
        """Asks the authority's OCSP responder about a certificate (DER); on hold reads as pending.

        `issuer` (DER) is who issued it, where its path is known; else that is found among the authority's own
        certificates. About one of a generation that is not among them the first of them is named: an authority of
        ours answers that too.
        """
        subject = x509.load_der_x509_certificate(certificate)
        if issuer is not None:
            authority = x509.load_der_x509_certificate(issuer)
        else:
            authority = find_issuer(subject, self._trust) or self._trust[0]
        nonce, deadline = self._random_bytes(OCSP_NONCE_BYTES), self._deadline()
        query = ocsp_request(subject, authority, nonce)
        body = self._ask_status(query, deadline)
        if asks_for_signature(body):
            # Told only to registered relying parties; its stations are known to an authority anyway.
            body = self._ask_status(sign_inquiry(query, self._credential), deadline)
        try:
            return ocsp_status(body, subject, authority, nonce, self._clock())
        except StatusUndecidable as error:
            raise AuthorityOutcomeUnknown(str(error)) from error

    def _ask_status(self, query: bytes, deadline: datetime.datetime) -> bytes:
        timeout_s = self._left_s(deadline)
        status, _, body = self._endpoint.post(self._ocsp_path, "application/ocsp-request", query, timeout_s)
        if status != 200:
            raise AuthorityOutcomeUnknown(f"the status service answers HTTP {status}")
        return body

    @property
    def credential_certificate(self) -> bytes:
        """This station's own certificate (DER)."""
        return self._credential.certificate.public_bytes(Encoding.DER)

    def _deadline(self) -> datetime.datetime:
        return self._clock() + datetime.timedelta(seconds=self._timeout_s)

    def _left_s(self, deadline: datetime.datetime) -> float:
        return max((deadline - self._clock()).total_seconds(), 0.001)

    def _conclusion(self, pending: PendingCertificate, status: asn1.PKIStatusInfo | None) -> Message:
        body = request.confirmation(x509.load_der_x509_certificate(pending.certificate), status)
        return self._message(BodyKind.CERT_CONF, body, pending.transaction_id, pending.nonce)

    def _message(
        self,
        kind: BodyKind,
        body: bytes,
        transaction_id: bytes | None = None,
        recipient_nonce: bytes | None = None,
        general_info: GeneralInfo = (),
    ) -> Message:
        head = Head(
            sender=self._credential.certificate.subject.public_bytes(),
            recipient=self._trust[0].subject.public_bytes(),
            time=self._clock().astimezone(datetime.UTC),
            transaction_id=transaction_id or self._random_bytes(_NONCE_BYTES),
            sender_nonce=self._random_bytes(_NONCE_BYTES),
            recipient_nonce=recipient_nonce,
            general_info=general_info,
        )
        return Message(head.transaction_id, build_message(kind, body, head, self._credential))

    def _exchange(self, der: bytes, read: Callable[[Received], T]) -> T:
        """Sends a message and reads the final answer, polling while the authority asks to wait (RFC 9483, 4.4).

        Raises `AuthorityError`.
        """
        deadline, asked = self._deadline(), parse_message(der)
        answer, delay = self._send(der, deadline)
        backoff = _Backoff(self._random_bytes)
        while delay is not None:
            wait_s = backoff.next_s(delay.check_after_s)
            if self._clock() + datetime.timedelta(seconds=wait_s) >= deadline:
                raise AuthorityOutcomeUnknown("the authority has not decided yet")
            self._pause(wait_s)
            poll, header = request.poll(delay.cert_req_id), answer.header
            message = self._message(BodyKind.POLL_REQ, poll, header.transaction_id, header.sender_nonce)
            with after_it_was_heard():
                answer, delay = self._send(message.der, deadline, asked, delay)
        with _believing():
            return read(answer)

    def _send(
        self,
        der: bytes,
        deadline: datetime.datetime,
        delayed: Received | None = None,
        before: answers.Delay | None = None,
    ) -> tuple[Received, answers.Delay | None]:
        """One message and its authenticated answer; whether that is none yet."""
        timeout_s = self._left_s(deadline)
        status, media_type, body = self._endpoint.post(
            self._endpoint.path or CMP_PATH, "application/pkixcmp", der, timeout_s
        )
        if media_type != "application/pkixcmp":
            raise AuthorityOutcomeUnknown(f"the authority answers HTTP {status}, and not in CMP")
        with _believing():
            answer = answers.check_answer(body, parse_message(der), self._trust, self._clock(), delayed)
            return answer, answers.read_delay(answer, before)


class _Backoff:
    """How long to wait before asking again: what the authority says; longer each time when it does not say.

    With up to a quarter more by chance, so that stations that were refused together do not come back together.
    """

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes
        # An authority that only says "waiting" is asked at once when it will know (RFC 9483, 4.4).
        self._own_s = 0.0

    def next_s(self, asked_for_s: int) -> float:
        wait_s = float(asked_for_s)
        if asked_for_s <= 0:
            wait_s, self._own_s = self._own_s, min(max(self._own_s * 2, _FIRST_WAIT_S), _LONGEST_OWN_WAIT_S)
        return wait_s * (1 + self._random_bytes(1)[0] / 1024)


@contextmanager
def _believing() -> Iterator[None]:
    """An answer that cannot be believed says nothing about what the authority did."""
    try:
        yield
    except MessageInvalid as invalid:
        kind = AuthorityNotRecognised if invalid.fail_info == answers.NOT_TRUSTED else AuthorityOutcomeUnknown
        raise kind(f"the authority's answer is not believed: {invalid.text}") from invalid


@contextmanager
def after_it_was_heard() -> Iterator[None]:
    """That the authority cannot be reached any more proves nothing, once it has heard of a request."""
    try:
        yield
    except AuthorityUnreachable as error:
        raise AuthorityOutcomeUnknown(f"the authority has the request, and is gone: {error}") from error

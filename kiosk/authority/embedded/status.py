"""What the authority says of its certificates: OCSP (RFC 6960) and CRLs (RFC 5280, section 5)."""

import datetime
import hashlib
import threading
from dataclasses import dataclass
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp

from kiosk.authority import asn1
from kiosk.authority.credential import Credential
from kiosk.authority.embedded.authority import Authority, Generation
from kiosk.authority.embedded.registration import registered_serial
from kiosk.authority.embedded.requester import Signer, identify
from kiosk.authority.embedded.status_batch import is_bare, join, split
from kiosk.authority.embedded.store import CertificateRecord, CrlRecord, Entry
from kiosk.authority.issuer import UNREADABLE
from kiosk.authority.message import MessageInvalid
from kiosk.authority.profile import crl_name
from kiosk.authority.signature import AlgorithmUnknown, SignatureInvalid
from kiosk.authority.signed_inquiry import InquiryInvalid, read_inquiry_signature
from kiosk.model.certificate import BookedState, RevocationReason, serial_text

FULL = "full"
"""The CRL of everything; any other is named by its municipality's code."""

OCSP_VALIDITY = datetime.timedelta(minutes=10)
CRL_VALIDITY = datetime.timedelta(hours=24)
CRL_RENEWAL = datetime.timedelta(hours=1)

_LONGEST_NONCE = 128

_UNDERSTOOD = {x509.OCSPNonce.oid, x509.OCSPAcceptableResponses.oid}
"""Extensions of a request that may be critical: a basic response, which is the only kind, is acceptable to anybody."""

_RECHECK = datetime.timedelta(seconds=0.5)
"""How long an answer may be given again without asking the books whether anything changed."""

_MOST_KEPT = 20_000

_LONG_AGO = datetime.datetime.min.replace(tzinfo=datetime.UTC)


@dataclass(frozen=True)
class OcspAnswer:
    """An OCSP response (DER). `is_final` is False for a certificate that may become good: nobody may keep that."""

    der: bytes
    is_final: bool
    is_successful: bool = True


class StatusService:
    """Answers from the books as they are now; may be called from several threads.

    What was asked without a nonce is answered by the same bytes again as long as the books have not changed, which is
    looked at every half second. Kept are only questions that name a certificate of ours and say nothing else: each
    certificate has a few of them, so that nobody fills the memory by asking.
    """

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self.is_for_registered = authority.policy.relying_parties == "registered"
        self._making = threading.Lock()
        self._kept: dict[bytes, tuple[int, OcspAnswer]] = {}
        # Answers of which revision of the books are given again, when that was last compared, and since when.
        self._kept_at = (-1, _LONG_AGO, _LONG_AGO)
        responders = {g.credential.certificate: g.ocsp for g in authority.all_generations}
        self._issuers = {
            (algorithm.name, *_issuer_hashes(certificate, algorithm)): responders.get(certificate, authority.ocsp)
            for certificate in authority.generations
            for algorithm in (hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512())  # noqa: S303  # names only
        }

    def ocsp(self, request: bytes) -> OcspAnswer:
        """The response to an OCSP request; counted where relying parties are registered."""
        if answer := self.kept(request):
            return answer
        if not self.is_for_registered:
            return self._answer(request)
        asking = self._asking(request)
        if isinstance(asking, OcspAnswer):
            return asking
        answer = self._answer(request)
        if answer.is_successful:
            with self._authority.store.write(self._authority.now()) as books:
                books.count_told(asking, "ocsp")
        return answer

    def _asking(self, request: bytes) -> str | OcspAnswer:
        """The serial number of the registered certificate that signed a request, or what others are told (2.3)."""
        try:
            signature = read_inquiry_signature(request)
        except InquiryInvalid:
            return _unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
        if signature is None:
            return _unsuccessful(ocsp.OCSPResponseStatus.SIG_REQUIRED)
        now = self._authority.now()
        try:
            signer = Signer(signature.verify(), signature.signer)
            with self._authority.store.read(now) as books:
                requester = identify(signer, books, now)
        except (InquiryInvalid, SignatureInvalid, AlgorithmUnknown, MessageInvalid):
            return _unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED)
        return registered_serial(requester) or _unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED)

    def _answer(self, request: bytes) -> OcspAnswer:
        try:
            requests = split(request)
        except (asn1.Asn1Invalid, ValueError):
            return _unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
        if len(requests) == 1:
            return self._ocsp(request)[0]
        answers = [self._ocsp(one) for one in requests]
        try:
            der = join([answer.der for answer, _ in answers], answers[0][1])
        except asn1.Asn1Invalid:
            return _unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
        return OcspAnswer(der, all(answer.is_final for answer, _ in answers))

    def kept(self, request: bytes) -> OcspAnswer | None:
        """The answer to the same request that was made before and is still true; None when there is none."""
        found = self._kept.get(request)
        if found is None:
            return None
        of_revision, answer = found
        revision, looked_at, made_at = self._kept_at
        if of_revision != revision:
            # Another thread has seen newer books meanwhile.
            return None
        now = self._authority.clock()
        if now - looked_at >= _RECHECK or now < looked_at:
            with self._authority.store.read(now) as books:
                if books.revision() != revision or now - made_at > OCSP_VALIDITY / 4:
                    self._kept.clear()
                    return None
            self._kept_at = (revision, now, made_at)
        return answer

    def _keep(self, request: bytes, answer: OcspAnswer, revision: int) -> None:
        if not self._kept or len(self._kept) >= _MOST_KEPT or self._kept_at[0] != revision:
            now = self._authority.clock()
            self._kept.clear()
            self._kept_at = (revision, now, now)
        self._kept[request] = revision, answer

    def _ocsp(self, request: bytes) -> tuple[OcspAnswer, Credential]:
        """The response to a request about one certificate, and who signed it."""
        try:
            query = ocsp.load_der_ocsp_request(request)
            nonce = _nonce(query)
            if any(e.critical and e.oid not in _UNDERSTOOD for e in query.extensions):
                raise ValueError("a critical extension that is not understood (RFC 6960, 4.1.2)")
            algorithm = query.hash_algorithm
            if {len(query.issuer_name_hash), len(query.issuer_key_hash)} != {algorithm.digest_size}:
                raise ValueError("hashes of another length than their algorithm's")
            if query.serial_number < 0:
                raise ValueError("a serial number that no certificate has")
        except UNREADABLE:
            return _unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST), self._authority.ocsp
        now = self._authority.now()
        record, revision = None, -1
        # Generations share a name, and no serial number: whichever of them is asked about, its own responder answers.
        responder = self._issuers.get((algorithm.name, query.issuer_name_hash, query.issuer_key_hash))
        if responder is not None:
            with self._authority.store.read(now) as books:
                # Asked first: an answer may be newer than the revision that it is kept under, and never older.
                revision = books.revision() if nonce is None else -1
                record = books.certificate(serial_text(query.serial_number))
        responder = responder or self._authority.ocsp
        status, revoked_at, reason = _status(record)
        is_final = record is None or record.state in (BookedState.GOOD, BookedState.REVOKED)
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response_by_hash(
                query.issuer_name_hash,
                query.issuer_key_hash,
                query.serial_number,
                algorithm,
                status,
                now,
                now + OCSP_VALIDITY if is_final else None,
                revoked_at,
                reason,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, responder.certificate)
            .certificates([responder.certificate])
        )
        if nonce is not None:
            builder = builder.add_extension(nonce, critical=False)
        response = builder.sign(responder.key, hashes.SHA256())
        answer = OcspAnswer(response.public_bytes(Encoding.DER), is_final)
        # What is kept is given to whoever asks, and not counted.
        is_kept = nonce is None and record is not None and is_final and not self.is_for_registered
        if is_kept and is_bare(request):
            self._keep(request, answer, revision)
        return answer, responder

    def crl(self, name: str) -> bytes | None:
        """The CRL (DER) of this name, None when there is none; made anew when anything changed since the last."""
        authority, now = self._authority, self._authority.now()
        found = next((g for g in authority.all_generations if name in crl_names(authority, g)), None)
        if found is None:
            return None
        if fresh := self._fresh_crl(name, now):
            return fresh
        # One list of this service at a time: whoever waited finds the one that was made meanwhile. Whoever asks by CMP
        # may have another made beside it; a lock for both would be taken the other way round there, within his turn.
        with self._making:
            return self._fresh_crl(name, authority.now()) or self._make_crl(name, found)

    def _fresh_crl(self, name: str, now: datetime.datetime) -> bytes | None:
        with self._authority.store.read(now) as books:
            last = books.crl(name)
            is_fresh = last and last.revision == books.revision() and last.fresh_until > now.timestamp()
        return last.der if last and is_fresh else None

    def _make_crl(self, name: str, generation: Generation) -> bytes:
        """A long list takes a second, in which others must be able to write: only its number and itself are written."""
        store = self._authority.store
        with store.write(self._authority.now()) as books:
            books.enter_lapses()
            number = books.next_crl_number(name)
            # Under the number's lock: a higher number is never of an earlier time.
            now = self._authority.now()
        with store.read(now) as books:
            # Asked first: what changes while the list is read makes another list necessary, and never too few.
            revision = books.revision()
            entries = books.not_good(generation.number, _listed_since(books.crl(name), now))
            deadline = books.next_deadline()
        der = self._sign_crl(name, generation, number, entries, now)
        fresh_until = int((now + CRL_RENEWAL).timestamp())
        if deadline is not None:
            # A pending certificate that lapses changes the list without anybody writing.
            fresh_until = min(fresh_until, deadline)
        with store.write(now) as books:
            books.replace_crl(CrlRecord(name, number, revision, fresh_until, der))
        return der

    def _sign_crl(
        self, name: str, generation: Generation, number: int, entries: list[Entry], now: datetime.datetime
    ) -> bytes:
        authority, issuer = self._authority, generation.credential
        # The list goes in whole: adding entries one by one copies it each time.
        builder = x509.CertificateRevocationListBuilder(
            issuer.certificate.subject,
            now.replace(tzinfo=None),
            (now + CRL_VALIDITY).replace(tzinfo=None),
            [],
            [_entry(entry) for entry in entries],
        )
        builder = builder.add_extension(x509.CRLNumber(number), critical=False).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
        )
        if name != crl_name(FULL, generation.number):
            point = authority.profiles_of(generation).distribution_point(authority.base_url)
            builder = builder.add_extension(
                x509.IssuingDistributionPoint(point.full_name, None, False, False, None, False, False), critical=True
            )
        return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def crl_names(authority: Authority, generation: Generation) -> tuple[str, str]:
    """The names of a generation's CRLs: of everything, and of the municipality's."""
    return crl_name(FULL, generation.number), crl_name(authority.town.code, generation.number)


def _status(
    record: CertificateRecord | None,
) -> tuple[ocsp.OCSPCertStatus, datetime.datetime | None, x509.ReasonFlags | None]:
    if record is None:
        return ocsp.OCSPCertStatus.UNKNOWN, None, None
    if record.state is BookedState.GOOD:
        return ocsp.OCSPCertStatus.GOOD, None, None
    return ocsp.OCSPCertStatus.REVOKED, _revocation_time(record), _flag(record)


def _listed_since(last: CrlRecord | None, now: datetime.datetime) -> int:
    """What ended before this moment was on a CRL made after its end, for a CRL's whole validity (RFC 5280, 3.3)."""
    if last is None:
        return 0
    # Its thisUpdate is not earlier.
    made_at = last.fresh_until - int(CRL_RENEWAL.total_seconds())
    return min(made_at, int((now - CRL_VALIDITY).timestamp()))


def _entry(entry: Entry) -> x509.RevokedCertificate:
    extensions = [*_reason_extensions(entry.reason)]
    if entry.invalid_since is not None:
        invalid_since = x509.InvalidityDate(_moment(entry.invalid_since))
        extensions.append(x509.Extension(invalid_since.oid, critical=False, value=invalid_since))
    # At once: adding one by one copies each time, and checks what cannot be wrong here; a list has 100,000 entries.
    return x509.RevokedCertificateBuilder(int(entry.serial, 16), _moment(entry.since), extensions).build()


@cache
def _reason_extensions(reason: RevocationReason) -> tuple[x509.Extension[x509.ExtensionType], ...]:
    # RFC 5280, 5.3.1: "unspecified" is said by leaving the reason away.
    if reason is RevocationReason.UNSPECIFIED:
        return ()
    code = x509.CRLReason(x509.ReasonFlags(reason.value))
    return (x509.Extension(code.oid, critical=False, value=code),)


def _moment(seconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).replace(tzinfo=None)


def _revocation_time(record: CertificateRecord) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(record.revoked_at or record.issued_at, datetime.UTC)


def _flag(record: CertificateRecord) -> x509.ReasonFlags:
    """The reason; a pending certificate is on hold."""
    return x509.ReasonFlags((record.reason or RevocationReason.CERTIFICATE_HOLD).value)


def _issuer_hashes(certificate: x509.Certificate, algorithm: hashes.HashAlgorithm) -> tuple[bytes, bytes]:
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    bits = asn1.decode(asn1.BitString, asn1.encode(asn1.elements(key)[1])).as_bytes()
    name = certificate.subject.public_bytes()
    return tuple(hashlib.new(algorithm.name, data).digest() for data in (name, bits))  # type: ignore[return-value]  # two


def _nonce(query: ocsp.OCSPRequest) -> x509.OCSPNonce | None:
    try:
        nonce = query.extensions.get_extension_for_class(x509.OCSPNonce).value
    except x509.ExtensionNotFound:
        return None
    if not 1 <= len(nonce.nonce) <= _LONGEST_NONCE:
        raise ValueError("nonce of an unreasonable length")
    return nonce


def _unsuccessful(status: ocsp.OCSPResponseStatus) -> OcspAnswer:
    return OcspAnswer(
        ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER),
        is_final=False,
        is_successful=False,
    )

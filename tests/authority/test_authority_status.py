"""What OCSP and the CRLs say, and for how long it may be believed."""

import dataclasses
import datetime
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from authority_desk import START, Desk, load
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from kiosk.authority import asn1
from kiosk.authority.client import PendingCertificate
from kiosk.authority.embedded.status import CRL_RENEWAL, OCSP_VALIDITY, OcspAnswer, StatusService
from kiosk.authority.embedded.status_batch import LARGEST_BATCH
from kiosk.authority.embedded.store import Books, Store
from kiosk.authority.profile import authority_certificate
from kiosk.authority.verification import StatusUndecidable, ocsp_request, ocsp_status
from kiosk.model.certificate import CertificateState, RevocationReason

NONCE = b"0123456789abcdef"


def ask(desk: Desk, certificate: x509.Certificate, algorithm: hashes.HashAlgorithm | None = None) -> OcspAnswer:
    request = ocsp.OCSPRequestBuilder().add_certificate(certificate, desk.issuer, algorithm or hashes.SHA256())
    return StatusService(desk.authority).ocsp(request.build().public_bytes(Encoding.DER))


def listed(desk: Desk, name: str = "full") -> x509.CertificateRevocationList:
    der = StatusService(desk.authority).crl(name)
    assert der is not None
    crl = x509.load_der_x509_crl(der)
    assert crl.is_signature_valid(desk.issuer.public_key())  # RSA
    return crl


def reason(crl: x509.CertificateRevocationList, pending: PendingCertificate) -> str | None:
    entry = crl.get_revoked_certificate_by_serial_number(load(pending).serial_number)
    return None if entry is None else entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value


def number(crl: x509.CertificateRevocationList) -> int:
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_a_certificate_is_known_by_any_usual_hash(desk: Desk, algorithm: hashes.HashAlgorithm) -> None:
    response = ocsp.load_der_ocsp_response(ask(desk, load(desk.confirmed()), algorithm).der)
    assert response.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert response.hash_algorithm.name == algorithm.name


def test_only_what_is_final_may_be_kept(desk: Desk) -> None:
    pending = desk.certify()
    answer = ask(desk, load(pending))
    assert not answer.is_final
    assert ocsp.load_der_ocsp_response(answer.der).next_update_utc is None
    desk.client.confirm(desk.client.confirm_message(pending).der)
    answer = ask(desk, load(pending))
    assert answer.is_final
    assert ocsp.load_der_ocsp_response(answer.der).next_update_utc == START + OCSP_VALIDITY


def test_the_responder_is_a_delegate_beyond_revocation(desk: Desk) -> None:
    (responder,) = ocsp.load_der_ocsp_response(ask(desk, desk.station.certificate).der).certificates
    responder.verify_directly_issued_by(desk.issuer)
    usage = responder.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.OCSP_SIGNING]
    responder.extensions.get_extension_for_class(x509.OCSPNoCheck)


def test_another_authoritys_certificate_is_unknown(desk: Desk) -> None:
    pending = load(desk.confirmed())
    request = ocsp.OCSPRequestBuilder().add_certificate(pending, desk.station.certificate, hashes.SHA256()).build()
    answer = StatusService(desk.authority).ocsp(request.public_bytes(Encoding.DER))
    assert ocsp.load_der_ocsp_response(answer.der).certificate_status is ocsp.OCSPCertStatus.UNKNOWN


def test_what_is_no_request_is_malformed(desk: Desk) -> None:
    request = ocsp.OCSPRequestBuilder().add_certificate(desk.issuer, desk.issuer, hashes.SHA256())
    endless = request.add_extension(x509.OCSPNonce(bytes(129)), critical=False).build().public_bytes(Encoding.DER)
    # Found by mutation: a hash of SHA-1's length that says it is SHA-256.
    good = request.build().public_bytes(Encoding.DER)
    lying = good.replace(b"\x60\x86\x48\x01\x65\x03\x04\x02\x01", b"\x60\x86\x48\x01\x65\x03\x04\x02\x03")
    assert lying != good
    nonces = good_with_two_nonces(request)
    for der in (b"", b"garbage", b"\x30\x00", endless, lying, nonces):
        answer = StatusService(desk.authority).ocsp(der)
        assert ocsp.load_der_ocsp_response(answer.der).response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


@pytest.mark.parametrize("count", [0, LARGEST_BATCH + 1])
def test_a_request_about_none_or_too_many_is_malformed(desk: Desk, count: int) -> None:
    one = ocsp_request(desk.station.certificate, desk.issuer, NONCE)
    ((tbs,),) = [asn1.elements(one)]
    asked, *rest = [asn1.encode(part) for part in asn1.elements(asn1.encode(tbs))]
    (single,) = [asn1.encode(part) for part in asn1.elements(asked)]
    many = asn1.sequence_of([asn1.sequence_of([asn1.sequence_of([single] * count), *rest])])
    answer = StatusService(desk.authority).ocsp(many)
    assert ocsp.load_der_ocsp_response(answer.der).response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


def good_with_two_nonces(request: ocsp.OCSPRequestBuilder) -> bytes:
    """An extension that occurs twice, which the builder would not make."""
    der = request.add_extension(x509.OCSPNonce(NONCE), critical=False).build().public_bytes(Encoding.DER)
    ((tbs,),) = [asn1.elements(der)]
    *parts, extensions = [asn1.encode(part) for part in asn1.elements(asn1.encode(tbs))]
    (nonce,) = asn1.elements(asn1.encode(asn1.elements(b"\x30" + extensions[1:])[0]))
    twice = asn1.explicit(2, asn1.sequence_of([asn1.encode(nonce)] * 2))
    return asn1.sequence_of([asn1.sequence_of([*parts, twice])])


def test_a_response_is_believed_in_its_time_only(desk: Desk) -> None:
    certificate = load(desk.confirmed())
    # The delegate's certificate begins at START; it must not be what decides.
    desk.clock.advance(hours=1)
    now, minute = desk.clock.now, datetime.timedelta(minutes=1)
    response = StatusService(desk.authority).ocsp(ocsp_request(certificate, desk.issuer, NONCE)).der

    def status(at: datetime.datetime, nonce: bytes | None = NONCE) -> CertificateState:
        return ocsp_status(response, certificate, desk.issuer, nonce, at).state

    assert status(now) == status(now, None) == CertificateState.GOOD
    assert status(now - 4 * minute) == status(now + 14 * minute) == CertificateState.GOOD
    for moment, why in ((now - 6 * minute, "future"), (now + 16 * minute, "out of date")):
        with pytest.raises(StatusUndecidable, match=why):
            status(moment)
    with pytest.raises(StatusUndecidable, match="nonce"):
        status(now, bytes(16))
    with pytest.raises(StatusUndecidable, match="another certificate"):
        ocsp_status(response, desk.station.certificate, desk.issuer, NONCE, now)
    with pytest.raises(StatusUndecidable, match="not by the issuer"):
        ocsp_status(response, certificate, desk.clerk.certificate, NONCE, now)


def test_crls_list_what_is_not_good_with_its_reason(desk: Desk, keys: list[rsa.RSAPrivateKey]) -> None:
    first = desk.confirmed()
    second = desk.certify(key=keys[1], terms=desk.terms(person=bytes(32)))
    for name in ("full", "13221"):
        assert (reason(listed(desk, name), first), reason(listed(desk, name), second)) == (None, "certificateHold")
    desk.client.revoke(desk.client.revoke_message(first.certificate, RevocationReason.KEY_COMPROMISE).der)
    desk.client.confirm(desk.client.confirm_message(second).der)
    for name in ("full", "13221"):
        assert (reason(listed(desk, name), first), reason(listed(desk, name), second)) == ("keyCompromise", None)


def test_the_municipalitys_crl_says_what_it_covers(desk: Desk) -> None:
    points = load(desk.certify()).extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    scope = listed(desk, "13221").extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    assert scope.critical and scope.value.full_name == next(iter(points)).full_name
    with pytest.raises(x509.ExtensionNotFound):
        listed(desk).extensions.get_extension_for_class(x509.IssuingDistributionPoint)


def test_there_is_no_crl_of_another_name(desk: Desk) -> None:
    assert StatusService(desk.authority).crl("01520") is None


def test_a_crl_has_a_new_number_whenever_it_is_another(desk: Desk) -> None:
    first = listed(desk)
    assert listed(desk) == first
    pending = desk.certify()
    second = listed(desk)
    assert (number(second), listed(desk)) == (number(first) + 1, second)
    desk.clock.advance(seconds=CRL_RENEWAL.total_seconds())
    third = listed(desk)
    assert number(third) == number(second) + 1 and third.last_update_utc == desk.clock.now
    assert reason(third, pending) == "certificateHold"


def test_a_certificate_that_lapses_changes_the_crl_by_itself(desk: Desk) -> None:
    pending = desk.certify()
    desk.clock.advance(hours=23, minutes=30)
    assert reason(listed(desk), pending) == "certificateHold"
    desk.clock.advance(minutes=30)
    assert reason(listed(desk), pending) == "cessationOfOperation"


def test_a_certificate_past_its_end_leaves_the_crl_after_one_was_made_that_lists_it(desk: Desk) -> None:
    """RFC 5280, 3.3: not before it was on a list made beyond its end; for a day, so that nobody misses that list."""
    pending = desk.confirmed()
    desk.client.revoke(desk.client.revoke_message(pending.certificate, RevocationReason.SUPERSEDED).der)
    assert reason(listed(desk), pending) == "superseded"
    # Nobody asks for a list for days: the first one after that still has it.
    desk.clock.now = pending.not_after + datetime.timedelta(days=3)
    assert reason(listed(desk), pending) == "superseded"
    desk.clock.advance(hours=2)
    assert reason(listed(desk), pending) is None


def test_an_expired_certificate_is_listed_for_a_day(desk: Desk) -> None:
    pending = desk.confirmed()
    desk.client.revoke(desk.client.revoke_message(pending.certificate, RevocationReason.SUPERSEDED).der)
    desk.clock.now = pending.not_after - datetime.timedelta(minutes=1)
    for _ in range(25):
        assert reason(listed(desk), pending) == "superseded"
        desk.clock.advance(hours=1)
    assert reason(listed(desk), pending) is None


def test_an_unspecified_reason_is_left_out_of_a_crl(desk: Desk) -> None:
    """RFC 5280, 5.3.1."""
    pending = desk.confirmed()
    desk.client.revoke(desk.client.revoke_message(pending.certificate, RevocationReason.UNSPECIFIED).der)
    entry = listed(desk).get_revoked_certificate_by_serial_number(load(pending).serial_number)
    assert entry is not None and not list(entry.extensions)


def bare(desk: Desk, certificate: x509.Certificate) -> ocsp.OCSPRequestBuilder:
    return ocsp.OCSPRequestBuilder().add_certificate(certificate, desk.issuer, hashes.SHA256())


def unknown_extension(number: int) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), number.to_bytes(32, "big"))


def test_the_same_question_has_the_same_answer_until_something_changes(desk: Desk) -> None:
    pending = desk.confirmed()
    service, request = StatusService(desk.authority), bare(desk, load(pending)).build().public_bytes(Encoding.DER)
    first = service.ocsp(request)
    assert service.kept(request) == first and service.ocsp(request) is first
    desk.client.revoke(desk.client.revoke_message(pending.certificate, RevocationReason.SUPERSEDED).der)
    desk.clock.advance(seconds=1)
    assert service.kept(request) is None
    status = ocsp.load_der_ocsp_response(service.ocsp(request).der).certificate_status
    assert status is ocsp.OCSPCertStatus.REVOKED


def test_nobody_fills_the_memory_by_asking_in_many_ways(desk: Desk) -> None:
    pending, service = load(desk.confirmed()), StatusService(desk.authority)
    one = bare(desk, pending).build().public_bytes(Encoding.DER)
    padded = [
        bare(desk, pending).add_extension(unknown_extension(number), critical=False).build().public_bytes(Encoding.DER)
        for number in range(3)
    ]
    ((tbs,),) = [asn1.elements(one)]
    (asked,) = [asn1.encode(part) for part in asn1.elements(asn1.encode(tbs))]
    requestor = asn1.explicit(1, asn1.explicit(4, desk.issuer.subject.public_bytes()))
    named = asn1.sequence_of([asn1.sequence_of([requestor, asked])])
    (inner,) = [asn1.encode(part) for part in asn1.elements(asked)]
    single = single_extension(inner, critical=False)
    for request in (*padded, named, single):
        answer = service.ocsp(request)
        assert ocsp.load_der_ocsp_response(answer.der).certificate_status is ocsp.OCSPCertStatus.GOOD
        assert service.kept(request) is None
    assert service.ocsp(one) == service.kept(one)


def single_extension(inner: bytes, *, critical: bool) -> bytes:
    """A request whose only Request has an extension of its own (RFC 6960, 4.1.1: singleRequestExtensions)."""
    (cert_id,) = [asn1.encode(part) for part in asn1.elements(inner)]
    extension = asn1.Extension(oid=x509.ObjectIdentifier("1.2.3.4"), critical=critical, value=b"\x05\x00")
    extensions = asn1.explicit(0, asn1.sequence_of([asn1.encode(extension)]))
    return asn1.sequence_of([asn1.sequence_of([asn1.sequence_of([asn1.sequence_of([cert_id, extensions])])])])


def test_a_critical_extension_that_is_not_understood_is_not_passed_over(desk: Desk) -> None:
    """RFC 6960, 4.1.2."""
    certificate, service = load(desk.confirmed()), StatusService(desk.authority)
    critical = bare(desk, certificate).add_extension(unknown_extension(1), critical=True).build()
    ((tbs,),) = [asn1.elements(bare(desk, certificate).build().public_bytes(Encoding.DER))]
    ((request,),) = [asn1.elements(asn1.encode(part)) for part in asn1.elements(asn1.encode(tbs))]
    for der in (critical.public_bytes(Encoding.DER), single_extension(asn1.encode(request), critical=True)):
        status = ocsp.load_der_ocsp_response(service.ocsp(der).der).response_status
        assert status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST
    known = bare(desk, certificate).add_extension(x509.OCSPNonce(NONCE), critical=True).build()
    answer = ocsp.load_der_ocsp_response(service.ocsp(known.public_bytes(Encoding.DER)).der)
    assert answer.certificate_status is ocsp.OCSPCertStatus.GOOD


def test_an_answer_of_older_books_is_not_kept_among_those_of_newer_ones(desk: Desk) -> None:
    """Two threads on PostgreSQL: one has read the books before a revocation, and keeps its answer after the other's."""
    pending = desk.confirmed()
    service = StatusService(desk.authority)
    other = bare(desk, desk.station.certificate).build().public_bytes(Encoding.DER)
    request = bare(desk, load(pending)).build().public_bytes(Encoding.DER)
    good = service.ocsp(request)
    with desk.authority.store.read(START) as books:
        revision = books.revision()
    desk.client.revoke(desk.client.revoke_message(pending.certificate, RevocationReason.SUPERSEDED).der)
    desk.clock.advance(seconds=1)
    assert service.kept(request) is None
    service.ocsp(other)
    # What the slower thread does last, having found its own revision there just before.
    service._kept[request] = revision, good
    assert service.kept(request) is None
    status = ocsp.load_der_ocsp_response(service.ocsp(request).der).certificate_status
    assert status is ocsp.OCSPCertStatus.REVOKED


class Crowded:
    """A store before which something else happens once, between a look and the first turn to write."""

    def __init__(self, store: Store, first: Callable[[], object]) -> None:
        self._store, self._first = store, iter([first])

    def write(self, now: datetime.datetime) -> AbstractContextManager[Books]:
        for first in self._first:
            first()
        return self._store.write(now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_crls_are_numbered_in_the_order_of_their_times(desk: Desk) -> None:
    """Whoever has to wait for his turn makes his list of that moment, not of the one when he was asked."""
    desk.certify()
    others: list[x509.CertificateRevocationList] = []

    def another() -> None:
        desk.clock.advance(hours=2)
        others.append(listed(desk))
        desk.clock.advance(hours=2)

    store: Any = Crowded(desk.authority.store, another)
    mine = x509.load_der_x509_crl(StatusService(dataclasses.replace(desk.authority, store=store)).crl("full") or b"")
    assert number(others[0]) < number(mine) and others[0].last_update_utc < mine.last_update_utc


def test_all_generations_of_the_authority_are_known(desk: Desk) -> None:
    pending = load(desk.confirmed())
    older = authority_certificate(desk.clerk.key, desk.authority.policy, desk.authority.town, True, 1, START)
    assert older.subject == desk.issuer.subject, "generations share one name"
    desk.serve(dataclasses.replace(desk.authority, generations=(desk.issuer, older)))
    request = ocsp.OCSPRequestBuilder().add_certificate(pending, older, hashes.SHA256()).build()
    answer = StatusService(desk.authority).ocsp(request.public_bytes(Encoding.DER))
    assert ocsp.load_der_ocsp_response(answer.der).certificate_status is ocsp.OCSPCertStatus.GOOD

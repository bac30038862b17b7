"""What OCSP and the CRLs say, and for how long it may be believed."""

import dataclasses
import datetime

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


def test_a_certificate_past_its_end_leaves_the_crl(desk: Desk) -> None:
    pending = desk.certify()
    desk.clock.now = pending.not_after + datetime.timedelta(seconds=1)
    assert reason(listed(desk), pending) is None


def test_all_generations_of_the_authority_are_known(desk: Desk) -> None:
    pending = load(desk.confirmed())
    older = authority_certificate(desk.clerk.key, desk.authority.policy, desk.authority.town, True, 1, START)
    assert older.subject == desk.issuer.subject, "generations share one name"
    desk.serve(dataclasses.replace(desk.authority, generations=(desk.issuer, older)))
    request = ocsp.OCSPRequestBuilder().add_certificate(pending, older, hashes.SHA256()).build()
    answer = StatusService(desk.authority).ocsp(request.public_bytes(Encoding.DER))
    assert ocsp.load_der_ocsp_response(answer.der).certificate_status is ocsp.OCSPCertStatus.GOOD

"""Where the policy asks for it, registered relying parties alone are told a status, and counted (RFC 6960, 2.3)."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from authority_desk import Desk, load
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from rebuilt_message import verdict

from kiosk.authority import asn1, oids
from kiosk.authority.credential import Credential, load_credential
from kiosk.authority.embedded.directory import add_relying_party
from kiosk.authority.embedded.status import StatusService
from kiosk.authority.embedded.terms import DirectoryInvalid
from kiosk.authority.message import BodyKind
from kiosk.authority.signed_inquiry import InquiryInvalid, read_inquiry_signature, sign_inquiry
from kiosk.authority.verification import ocsp_request
from kiosk.model.certificate import CertificateState, RevocationReason, serial_text

NONCE = bytes(16)
Status = ocsp.OCSPResponseStatus


@pytest.fixture
def closed(desk: Desk) -> Desk:
    """A desk whose authority tells nobody else."""
    policy = dataclasses.replace(desk.authority.policy, relying_parties="registered")
    desk.serve(dataclasses.replace(desk.authority, policy=policy))
    return desk


@pytest.fixture
def agency(closed: Desk) -> Credential:
    return load_credential(add_relying_party(closed.directory, closed.authority, "tax-office"))


def question(desk: Desk, certificate: bytes) -> bytes:
    return ocsp_request(x509.load_der_x509_certificate(certificate), desk.issuer, NONCE)


def answer(desk: Desk, request: bytes) -> ocsp.OCSPResponse:
    return ocsp.load_der_ocsp_response(StatusService(desk.authority).ocsp(request).der)


def told(desk: Desk) -> dict[str, dict[str, int]]:
    with desk.authority.store.read(desk.authority.now()) as books:
        return {party.name: party.told for party in books.relying_parties()}


def test_a_registered_one_is_told_and_counted(closed: Desk, agency: Credential) -> None:
    other = load_credential(add_relying_party(closed.directory, closed.authority, "pension-office"))
    asked = question(closed, closed.confirmed().certificate)
    service = StatusService(closed.authority)
    for who, times in ((agency, 3), (other, 1)):
        for _ in range(times):
            # The same bytes too: what is counted is what was told.
            response = ocsp.load_der_ocsp_response(service.ocsp(sign_inquiry(asked, who)).der)
            assert response.certificate_status is ocsp.OCSPCertStatus.GOOD
            assert response.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == NONCE
    assert told(closed) == {"pension-office": {"ocsp": 1}, "tax-office": {"ocsp": 3}}


def test_one_request_about_several_certificates_is_one(closed: Desk, agency: Credential) -> None:
    outer = asn1.elements(question(closed, closed.confirmed().certificate))
    parts = [asn1.encode(part) for part in asn1.elements(asn1.encode(outer[0]))]
    (single,) = asn1.elements(parts[0])
    several = asn1.sequence_of([asn1.sequence_of([asn1.sequence_of([asn1.encode(single)] * 2), *parts[1:]])])
    response = answer(closed, sign_inquiry(several, agency))
    assert len(list(response.responses)) == 2
    assert told(closed) == {"tax-office": {"ocsp": 1}}


def stranger(desk: Desk, agency: Credential) -> Credential:
    """A resident, who has a certificate of the same authority."""
    return Credential(desk.key, load(desk.confirmed()), (desk.issuer,))


def impostor(desk: Desk, agency: Credential) -> Credential:
    return dataclasses.replace(agency, key=ec.generate_private_key(ec.SECP256R1()))


def revoked(desk: Desk, agency: Credential) -> Credential:
    with desk.authority.store.write(desk.authority.now()) as books:
        books.revoke(serial_text(agency.certificate.serial_number), RevocationReason.CESSATION_OF_OPERATION, "by hand")
    return agency


def out_of_time(desk: Desk, agency: Credential) -> Credential:
    desk.clock.now = agency.certificate.not_valid_after_utc.replace(
        year=agency.certificate.not_valid_after_utc.year + 1
    )
    return agency


@pytest.mark.parametrize("who", [stranger, impostor, revoked, out_of_time, lambda desk, agency: desk.clerk])
def test_others_are_unauthorised(
    closed: Desk, agency: Credential, who: Callable[[Desk, Credential], Credential]
) -> None:
    asked = question(closed, closed.issuer_der)
    assert answer(closed, sign_inquiry(asked, who(closed, agency))).response_status is Status.UNAUTHORIZED
    assert told(closed) == {"tax-office": {}}


def test_whoever_does_not_sign_is_asked_to(closed: Desk, agency: Credential) -> None:
    asked = question(closed, closed.issuer_der)
    assert answer(closed, asked).response_status is Status.SIG_REQUIRED


def test_a_request_that_was_changed_is_not_its_signers(closed: Desk, agency: Credential) -> None:
    signed = sign_inquiry(question(closed, closed.issuer_der), agency)
    changed = signed.replace(NONCE, b"\1" * 16, 1)
    assert changed != signed
    assert answer(closed, changed).response_status is Status.UNAUTHORIZED


def what_counts(request: bytes) -> tuple[bytes, bytes, bytes]:
    found = read_inquiry_signature(request)
    assert found is not None
    return found.signed, found.signer, found.value


def test_no_octet_of_what_was_signed_can_be_changed(closed: Desk, agency: Credential) -> None:
    """At every place: it is not answered, and nothing but an answer comes back."""
    signed = sign_inquiry(question(closed, closed.issuer_der), dataclasses.replace(agency, chain=()))
    service = StatusService(closed.authority)
    for place in range(len(signed)):
        changed = signed[:place] + bytes([signed[place] ^ 0x01]) + signed[place + 1 :]
        status = ocsp.load_der_ocsp_response(service.ocsp(changed).der).response_status
        # How many bits of the signature's last octet are unused is no part of what was signed.
        is_refused = status in (Status.MALFORMED_REQUEST, Status.UNAUTHORIZED)
        assert is_refused or what_counts(changed) == what_counts(signed), f"octet {place}"


def test_a_signed_request_names_its_requestor(closed: Desk, agency: Credential) -> None:
    tbs, signature = asn1.elements(sign_inquiry(question(closed, closed.issuer_der), agency))
    nameless = asn1.sequence_of([asn1.encode(e) for e in asn1.elements(asn1.encode(tbs))[1:]])
    request = asn1.sequence_of([nameless, asn1.encode(signature)])
    assert answer(closed, request).response_status is Status.MALFORMED_REQUEST
    named = asn1.sequence_of(
        [asn1.explicit(1, asn1.explicit(4, closed.clerk.subject)), *map(asn1.encode, asn1.elements(nameless))]
    )
    other = asn1.sequence_of([named, asn1.encode(signature)])
    assert answer(closed, other).response_status is Status.UNAUTHORIZED


@pytest.mark.parametrize("garbage", [b"", b"\x30\x00", b"\x30\x04\x30\x00\xa0\x00", b"\x30\x04\x30\x00\xa1\x00"])
def test_what_is_no_signed_request_is_malformed(closed: Desk, garbage: bytes) -> None:
    assert answer(closed, garbage).response_status is Status.MALFORMED_REQUEST
    with pytest.raises(InquiryInvalid):
        read_inquiry_signature(garbage)


def test_the_authoritys_stations_go_on_asking(closed: Desk) -> None:
    """Their client signs once it is asked to."""
    assert closed.client.status(closed.confirmed().certificate, closed.issuer_der).state is CertificateState.GOOD


def crl_question(desk: Desk) -> bytes:
    item = asn1.sequence_of([asn1.encode(oids.CURRENT_CRL)])
    return desk.client._message(BodyKind.GENM, asn1.sequence_of([item])).der


def test_crls_are_told_to_registered_ones_and_counted(closed: Desk, agency: Credential) -> None:
    closed.station = agency
    closed.serve(closed.authority)
    assert verdict(closed.responder.respond(crl_question(closed))) == (BodyKind.GENP, "")
    assert told(closed) == {"tax-office": {"crl": 1}}
    closed.station = closed.clerk
    closed.serve(closed.authority)
    assert verdict(closed.responder.respond(crl_question(closed))) == (BodyKind.ERROR, "notAuthorized")


def test_a_relying_party_may_ask_and_nothing_else(closed: Desk, agency: Credential) -> None:
    pending = closed.confirmed()
    closed.station = agency
    closed.serve(closed.authority)
    assert verdict(closed.responder.respond(closed.message().der)) == (BodyKind.IP, "notAuthorized")
    revocation = closed.client.revoke_message(pending.certificate, RevocationReason.SUPERSEDED)
    assert verdict(closed.responder.respond(revocation.der)) == (BodyKind.RP, "notAuthorized")


def test_a_name_is_registered_once(closed: Desk, agency: Credential) -> None:
    for name in ("tax-office", "../x", ""):
        with pytest.raises(DirectoryInvalid):
            add_relying_party(closed.directory, closed.authority, name)


def test_its_key_is_for_its_eyes_only(closed: Desk, agency: Credential) -> None:
    path: Path = closed.directory / "relying_parties" / "tax-office.pem"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)

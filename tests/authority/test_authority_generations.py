"""Two generations of the authority's key under one name: links, status by each, and who trusts the old one only."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from authority_desk import URL, Desk, load
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from pkilint.bin import lint_pkix_cert
from pyasn1.codec.der import decoder
from pyasn1_alt_modules import rfc9480

from kiosk.authority import asn1, oids
from kiosk.authority.client import PendingCertificate
from kiosk.authority.credential import load_credential
from kiosk.authority.embedded import generation
from kiosk.authority.embedded.directory import init, open_authority, read_passphrase
from kiosk.authority.embedded.generation import finish_rollover, roll_over
from kiosk.authority.embedded.status import StatusService
from kiosk.authority.embedded.store import Store
from kiosk.authority.embedded.terms import DirectoryInvalid
from kiosk.authority.message import BodyKind, parse_message
from kiosk.authority.verification import PathInvalid, ocsp_request, ocsp_status, validate_path
from kiosk.journal.chain import read_entries
from kiosk.model.certificate import CertificateState, RevocationReason, serial_text


@pytest.fixture
def before(desk: Desk) -> PendingCertificate:
    """A certificate of the first generation."""
    return desk.confirmed()


@pytest.fixture
def after(desk: Desk, before: PendingCertificate, keys: list[rsa.RSAPrivateKey]) -> PendingCertificate:
    """One of the second, for a station that trusts the first only."""
    desk.clock.advance(days=400)
    roll_over(desk.directory, desk.authority, None)
    desk.authority.store.close()
    desk.reopen()
    return desk.confirmed(key=keys[1], terms=desk.terms(person=bytes(32)))


def old_and_new(desk: Desk) -> tuple[x509.Certificate, x509.Certificate]:
    new, old = desk.authority.generations
    assert new.subject == old.subject and new.public_key() != old.public_key()
    return old, new


def test_a_station_that_trusts_the_old_key_reaches_the_new_one_over_the_link(
    desk: Desk, after: PendingCertificate
) -> None:
    old, new = old_and_new(desk)
    load(after).verify_directly_issued_by(new)
    assert desk.station.chain == (old,)
    assert desk.state(after) == ("good", None)


def write(path: Path, *certificates: x509.Certificate) -> str:
    path.write_bytes(b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates))
    return str(path)


def test_openssl_goes_over_the_links_both_ways(
    desk: Desk, before: PendingCertificate, after: PendingCertificate, tmp_path: Path
) -> None:
    old, new = old_and_new(desk)
    links = write(tmp_path / "links.pem", *desk.authority.links)
    for trusted, certificate in ((old, load(after)), (new, load(before)), (old, load(before)), (new, load(after))):
        trust, path = write(tmp_path / "trust.pem", trusted), write(tmp_path / "ee.pem", certificate)
        words = ("verify", "-x509_strict", "-attime", f"{desk.clock.now.timestamp():.0f}")
        command = ["openssl", *words, "-CAfile", trust, "-untrusted", links, path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.stdout == f"{path}: OK\n", done.stderr


def test_links_are_without_a_finding(desk: Desk, after: PendingCertificate, tmp_path: Path) -> None:
    for link in desk.authority.links:
        assert lint_pkix_cert.main(["lint", "-s", "WARNING", write(tmp_path / "link.pem", link)]) == 0


def test_links_are_valid_as_the_standard_has_it(desk: Desk, after: PendingCertificate) -> None:
    """RFC 4210 and 9810, 4.4.1: oldWithNew as oldWithOld; newWithOld from the new key's making to the old key's end."""
    old, new = old_and_new(desk)
    new_with_old, old_with_new = desk.authority.links
    assert (old_with_new.not_valid_before_utc, old_with_new.not_valid_after_utc) == (
        old.not_valid_before_utc,
        old.not_valid_after_utc,
    )
    assert (new_with_old.not_valid_before_utc, new_with_old.not_valid_after_utc) == (
        new.not_valid_before_utc,
        old.not_valid_after_utc,
    )
    assert old.not_valid_before_utc < new.not_valid_before_utc and old.not_valid_after_utc < new.not_valid_after_utc


def test_the_status_of_a_link_is_told_by_whom_it_is_signed(desk: Desk, after: PendingCertificate) -> None:
    """Whoever goes over a link checks it as any certificate on the way (RFC 5280, 6.1.3 (a) (3))."""
    old, new = old_and_new(desk)
    service = StatusService(desk.authority)
    for link, issuer in zip(desk.authority.links, (old, new), strict=True):
        answer = service.ocsp(ocsp_request(link, issuer, bytes(32))).der
        assert ocsp_status(answer, link, issuer, bytes(32), desk.clock.now).state is CertificateState.GOOD


def test_each_generations_status_is_told_by_its_own(
    desk: Desk, before: PendingCertificate, after: PendingCertificate
) -> None:
    for issuer, pending in zip(old_and_new(desk), (before, after), strict=True):
        answer = StatusService(desk.authority).ocsp(ocsp_request(load(pending), issuer, bytes(16))).der
        status = ocsp_status(answer, load(pending), issuer, bytes(16), desk.clock.now)
        assert status.state is CertificateState.GOOD


def test_each_generation_has_crls_of_its_own(desk: Desk, before: PendingCertificate, after: PendingCertificate) -> None:
    for pending in (before, after):
        desk.client.revoke(desk.client.revoke_message(pending.certificate, RevocationReason.SUPERSEDED).der)
    for issuer, own, other, suffix in zip(old_and_new(desk), (before, after), (after, before), ("", "-2"), strict=True):
        for base in ("full", "13221"):
            crl = x509.load_der_x509_crl(StatusService(desk.authority).crl(base + suffix) or b"")
            assert crl.is_signature_valid(issuer.public_key())  # RSA
            assert crl.get_revoked_certificate_by_serial_number(load(own).serial_number) is not None
            assert crl.get_revoked_certificate_by_serial_number(load(other).serial_number) is None
    points = load(after).extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert f"{URL}/crl/13221-2.crl" in {name.value for point in points for name in point.full_name or []}
    assert StatusService(desk.authority).crl("full-3") is None


def test_the_update_of_the_root_is_told_with_both_links(desk: Desk, after: PendingCertificate) -> None:
    old, new = old_and_new(desk)
    item = asn1.sequence_of([asn1.encode(oids.ROOT_CA_CERT), old.public_bytes(Encoding.DER)])
    asked = desk.client._message(BodyKind.GENM, asn1.sequence_of([item])).der
    ((kind, value),) = parse_message(desk.responder.respond(asked)).general_message.items()
    assert kind == oids.ROOT_CA_KEY_UPDATE and value is not None
    judged, rest = decoder.decode(asn1.encode(value), asn1Spec=rfc9480.RootCaKeyUpdateContent())
    assert not rest and judged["newWithOld"].isValue and judged["oldWithNew"].isValue
    first, *links = asn1.elements(asn1.encode(value))
    assert asn1.encode(first) == new.public_bytes(Encoding.DER)
    assert [link.tag_bytes for link in links] == [b"\xa0", b"\xa1"]
    by_old, by_new = (x509.load_der_x509_certificate(bytes(link.data)) for link in links)
    by_old.verify_directly_issued_by(old)
    by_new.verify_directly_issued_by(new)
    assert (by_old.public_key(), by_new.public_key()) == (new.public_key(), old.public_key())


def test_the_directory_tells_the_present_generation_first(desk: Desk, after: PendingCertificate) -> None:
    old, new = old_and_new(desk)
    assert x509.load_pem_x509_certificates((desk.directory / "ca.pem").read_bytes()) == [new, old]
    assert all(p.stat().st_mode & 0o077 == 0 for p in (desk.directory / "generations" / "2").glob("*.key"))


def test_a_third_generation_follows(desk: Desk, after: PendingCertificate) -> None:
    assert roll_over(desk.directory, desk.authority, None).number == 3
    desk.reopen()
    assert [g.number for g in desk.authority.all_generations] == [3, 2, 1]
    assert desk.station.chain == (desk.authority.generations[2],), "trusts the first"
    assert desk.client.station_record()[-1].serial == after.serial


@pytest.mark.parametrize("killed_at", ["Store.write", "publish", "power cut"])
def test_a_rollover_that_was_killed_is_finished(
    desk: Desk, before: PendingCertificate, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object) -> NoReturn:
        raise Killed

    # With its own journal, as every authority is opened outside these tests.
    desk.reopen()
    with monkeypatch.context() as patched:
        patched.setattr(*(Store, "write") if killed_at == "Store.write" else (generation, "_publish"), kill)
        with pytest.raises(Killed):
            roll_over(desk.directory, desk.authority, None)
    if killed_at == "power cut":
        (desk.directory / "ca.pem").write_bytes(b"")
    desk.authority.store.close()
    again = [sys.executable, "-m", "kiosk", "ca", "rollover", "--data", str(desk.directory)]
    said = subprocess.run(again, capture_output=True, text=True, timeout=120, check=True).stdout
    assert "generation 2;" in said and "no other one made" in said
    desk.reopen()
    assert not finish_rollover(desk.directory, desk.authority), "done once"
    present = desk.authority.all_generations[0]
    assert present.number == 2 and present.delegate is not None
    assert x509.load_pem_x509_certificates((desk.directory / "ca.pem").read_bytes()) == list(desk.authority.generations)
    with desk.authority.store.read(desk.clock()) as books:
        for certificate in (present.ocsp.certificate, present.delegate.certificate, *present.links):
            assert books.certificate(serial_text(certificate.serial_number)) is not None
    entries = [json.loads(entry.body) for entry in read_entries(desk.authority.store.journal())]
    assert [entry["number"] for entry in entries if entry["event"] == "generation"] == [2]


# --- keys under a passphrase


def test_the_authoritys_keys_are_of_no_use_without_the_passphrase(desk: Desk, tmp_path: Path) -> None:
    directory = tmp_path / "locked"
    policy = Path(__file__).resolve().parents[2] / "config" / "policy" / "juki-2011.toml"
    init(directory, policy, desk.authority.town, desk.clock, passphrase=b"four words are better")
    for name in ("ca.key", "ocsp.pem", "cmp.pem"):
        assert b"ENCRYPTED PRIVATE KEY" in (directory / name).read_bytes()
    for wrong in (None, b"another"):
        with pytest.raises(DirectoryInvalid, match=r"ca\.key"):
            open_authority(directory, desk.clock, passphrase=wrong)
    authority = open_authority(directory, desk.clock, passphrase=b"four words are better")
    roll_over(directory, authority, b"four words are better")
    assert b"ENCRYPTED" in (directory / "generations" / "2" / "ca.key").read_bytes()
    authority.store.close()
    load_credential(directory / "stations" / "demo.pem")


def test_a_passphrase_is_the_first_line_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"two words\r\nnot this\n")
    assert read_passphrase(tmp_path / "secret") == b"two words"
    for content in (b"", b"\n"):
        (tmp_path / "empty").write_bytes(content)
        with pytest.raises(DirectoryInvalid, match="no passphrase"):
            read_passphrase(tmp_path / "empty")
    with pytest.raises(DirectoryInvalid, match="nowhere"):
        read_passphrase(tmp_path / "nowhere")


def test_a_certificate_that_cannot_be_read_is_no_link(desk: Desk) -> None:
    """Found by mutation: names are taken apart only when somebody looks."""
    der = desk.station.certificate.public_bytes(Encoding.DER)
    subject = desk.station.certificate.subject.public_bytes()
    garbled = der.replace(subject, subject.replace(b"JPKI-TEST", b"\xff" * 9))
    assert garbled != der
    with pytest.raises(PathInvalid):
        validate_path(
            desk.clerk.certificate,
            (desk.station.certificate,),
            desk.clock.now,
            intermediates=(x509.load_der_x509_certificate(garbled),),
        )

"""What the authority makes, before independent judges: pkilint (RFC 5280, 6960) and `openssl verify -x509_strict`."""

import base64
import contextlib
import io
import subprocess
from pathlib import Path

import pytest
from authority_desk import URL, Clock, Desk, load, make_authority, make_desk
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from pkilint.bin import lint_crl, lint_ocsp_response, lint_pkix_cert, lint_pkix_signer_signee_cert_chain

from kiosk.authority import asn1
from kiosk.authority.embedded.directory import open_authority
from kiosk.authority.embedded.status import StatusService
from kiosk.authority.message import BodyKind, parse_message
from kiosk.authority.verification import ocsp_request
from kiosk.model.certificate import RevocationReason

POLICIES = {
    "juki-2011": ("1.2.392.200149.8.5.1.0.20",),
    "myna-2016": ("1.2.392.200149.8.5.1.0.20", "1.2.392.200149.8.5.1.2.30"),
}
SEVERITY = ("-s", "WARNING")


@pytest.fixture(scope="module", params=POLICIES)
def desk(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, keys: list[rsa.RSAPrivateKey]
) -> Desk:
    """An authority of every profile that has issued, held, and revoked."""
    folder = tmp_path_factory.mktemp("linted")
    template = make_authority(folder / "template", request.param)
    return make_desk(template, folder / "authority", keys[0], open_authority(template, Clock(), listening_url=URL))


@pytest.fixture(scope="module")
def certificates(desk: Desk, keys: list[rsa.RSAPrivateKey]) -> dict[str, x509.Certificate]:
    """One certificate of every kind."""
    terms = desk.terms()
    made = {
        "authority": desk.issuer,
        "OCSP responder": desk.authority.ocsp.certificate,
        "station": desk.station.certificate,
        "clerk": desk.clerk.certificate,
        "signature": load(desk.confirmed(terms=terms)),
        "plain": plain(desk),
    }
    if len(desk.authority.policy.certificates) > 1:
        made["authentication"] = load(desk.confirmed(key=keys[1], items=None, kind="authentication", terms=terms))
    return made


def plain(desk: Desk) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    csr = x509.CertificateSigningRequestBuilder(subject).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    answer = parse_message(desk.responder.respond(desk.client._message(BodyKind.P10CR, csr).der))
    pair = asn1.decode(asn1.CertRepMessage, answer.body).response[0].certified_key_pair
    assert pair is not None
    return x509.load_der_x509_certificate(asn1.encode(pair.certificate))


def findings(lint: object, *words: str) -> str:
    """What a linter says from warnings on."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        lint.main(["lint", *SEVERITY, *words])  # a module with a main
    return said.getvalue().strip()


def written(path: Path, certificate: x509.Certificate) -> str:
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    return str(path)


def test_certificates_are_without_a_finding(certificates: dict[str, x509.Certificate], tmp_path: Path) -> None:
    issuer = written(tmp_path / "issuer.pem", certificates["authority"])
    for name, certificate in certificates.items():
        path = written(tmp_path / "certificate.pem", certificate)
        assert findings(lint_pkix_cert, path) == "", name
        assert findings(lint_pkix_signer_signee_cert_chain, issuer, path) == "", name


def test_openssl_accepts_them_strictly_and_by_policy(
    desk: Desk, certificates: dict[str, x509.Certificate], tmp_path: Path
) -> None:
    issuer = written(tmp_path / "issuer.pem", certificates["authority"])
    for name, certificate in certificates.items():
        path = written(tmp_path / "certificate.pem", certificate)
        policies = {"signature": POLICIES["juki-2011"][0], "authentication": POLICIES["myna-2016"][1]}
        wanted = ("-policy", policies[name], "-explicit_policy") if name in policies else ()
        words = ("verify", "-x509_strict", "-policy_check", *wanted, "-attime", f"{desk.clock.now.timestamp():.0f}")
        done = subprocess.run(["openssl", *words, "-CAfile", issuer, path], capture_output=True, text=True, timeout=30)
        assert done.stdout == f"{path}: OK\n", (name, done.stderr)


def test_crls_and_ocsp_answers_are_without_a_finding(
    desk: Desk, certificates: dict[str, x509.Certificate], tmp_path: Path
) -> None:
    service = StatusService(desk.authority)
    signature = certificates["signature"]

    def judge(name: str) -> None:
        for crl in ("full", desk.authority.town.code):
            path = tmp_path / "list.pem"
            path.write_bytes(x509.load_der_x509_crl(service.crl(crl) or b"").public_bytes(Encoding.PEM))
            assert findings(lint_crl, "-p", "PKIX", "-t", "CRL", str(path)) == "", (name, crl)
        for certificate in (signature, desk.station.certificate, unknown(desk)):
            path = tmp_path / "answer.b64"
            answer = service.ocsp(ocsp_request(certificate, desk.issuer, bytes(16))).der
            path.write_bytes(base64.b64encode(answer))
            assert findings(lint_ocsp_response, str(path)) == "", name

    judge("good and on hold")
    for reason in (RevocationReason.CERTIFICATE_HOLD, RevocationReason.KEY_COMPROMISE):
        desk.client.revoke(desk.client.revoke_message(signature.public_bytes(Encoding.DER), reason).der)
        judge(reason)


def unknown(desk: Desk) -> x509.Certificate:
    """A certificate of which the authority's books know nothing."""
    other = desk.authority.profiles.clerk("x", desk.clerk.key.public_key(), 4711, desk.clock.now)
    assert other.serial_number == 4711
    return other


def test_the_linters_find_something_where_there_is_something(desk: Desk, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    start = desk.clock.now.replace(tzinfo=None)
    bad = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start.replace(year=2030))
    usage = x509.KeyUsage(False, False, False, False, False, True, False, False, False)
    certificate = bad.add_extension(usage, critical=False).sign(key, hashes.SHA256())
    assert findings(lint_pkix_cert, written(tmp_path / "bad.pem", certificate)) != ""

"""Our client against openssl's CMP server: polling, refusals, errors, and what it says that must not be believed."""

import contextlib
import datetime
import http.client
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from served_authority import openssl

from kiosk.authority.client import AuthorityClient, Message
from kiosk.authority.credential import Credential, load_credential
from kiosk.authority.errors import AuthorityOutcomeUnknown, AuthorityRejected, CertificateUnacceptable
from kiosk.model.authorisation import Authorisation
from kiosk.model.certificate import RevocationReason
from tests.httpx_line import HttpxLine

CA_EXTENSIONS = """[ca]
basicConstraints = critical,CA:true
keyUsage = critical,digitalSignature,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[ee]
keyUsage = critical,digitalSignature,nonRepudiation
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, key: rsa.RSAPrivateKey) -> Path:
    """An authority, a station and the certificate to be issued, all made by openssl."""
    work = tmp_path_factory.mktemp("mock")
    (work / "extensions.cnf").write_text(CA_EXTENSIONS)
    (work / "card.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for name, subject, section in (("ca", "/CN=Mock CA", "ca"), ("station", "/CN=station", "ee")):
        made = openssl(work, "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", f"{name}.key")
        assert made.returncode == 0, made.stderr
        issue(work, name, subject, section)
    issue(work, "card", "/CN=holder", "ee")
    parts = [(work / name).read_text() for name in ("station.key", "station.pem", "ca.pem")]
    (work / "credential.pem").write_text("".join(parts))
    return work


def issue(work: Path, name: str, subject: str, section: str) -> None:
    request = openssl(work, "req", "-new", "-key", f"{name}.key", "-subj", subject, "-out", f"{name}.csr")
    assert request.returncode == 0, request.stderr
    signer = ("-signkey", "ca.key") if name == "ca" else ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
    options = ("-days", "30", "-sha256", "-extfile", "extensions.cnf", "-extensions", section)
    done = openssl(work, "x509", "-req", "-in", f"{name}.csr", *signer, *options, "-out", f"{name}.pem")
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def mock(folder: Path, *options: str) -> Iterator[str]:
    """`openssl cmp -port` with these options; yields its URL."""
    own = ("-srv_cert", "ca.pem", "-srv_key", "ca.key", "-srv_trusted", "ca.pem", "-no_check_time")
    process = subprocess.Popen(
        ["openssl", "cmp", "-config", "", "-port", "0", *own, "-rsp_cert", "card.pem", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    try:
        port = next(line for line in process.stdout if line.startswith("ACCEPT")).split()[1].rpartition(":")[2]
        yield f"http://127.0.0.1:{port}/pkix/"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class OneConnection(HttpxLine):
    """openssl's server forgets a transaction with its connection, which it keeps as HTTP/1.0 does; httpx does not."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(url.split("/")[2], timeout=60)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._connection.request("POST", request.url.path, request.read(), dict(request.headers))
        answer = self._connection.getresponse()
        return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())


class Station:
    """Our client beside such a server, with its waits counted and not waited."""

    def __init__(self, folder: Path, url: str) -> None:
        self.credential: Credential = load_credential(folder / "credential.pem")
        self.waited_s: list[float] = []
        trust = tuple(self.credential.chain)
        self.client = AuthorityClient(
            url,
            self.credential,
            trust,
            clock=self.now,
            pause=self.waited_s.append,
            timeout_s=60,
            line=OneConnection(url),
        )

    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC)

    def message(self, key: rsa.RSAPrivateKey) -> Message:
        request = self.client.certification_request(
            key.public_key(), None, "signature", lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        )
        return self.client.certify_message(
            request, Authorisation(b"{}", b"", self.credential.certificate.public_bytes(Encoding.DER)), None
        )


def test_a_certificate_is_issued_and_confirmed(folder: Path, key: rsa.RSAPrivateKey) -> None:
    with mock(folder) as url:
        station = Station(folder, url)
        pending = station.client.certify(station.message(key).der)
        assert pending.certificate == x509.load_pem_x509_certificate((folder / "card.pem").read_bytes()).public_bytes(
            Encoding.DER
        )
        station.client.confirm(station.client.confirm_message(pending).der)


def test_polling_goes_on_until_the_certificate_is_there(folder: Path, key: rsa.RSAPrivateKey) -> None:
    with mock(folder, "-poll_count", "3", "-check_after", "2") as url:
        station = Station(folder, url)
        pending = station.client.certify(station.message(key).der)
        assert len(station.waited_s) >= 3 and all(wait >= 0 for wait in station.waited_s)
        station.client.confirm(station.client.confirm_message(pending).der)


@pytest.mark.parametrize(("number", "name"), [(9, "badPOP"), (0, "badAlg"), (26, "duplicateCertReq")])
def test_a_refusal_is_told_by_its_first_bit(folder: Path, key: rsa.RSAPrivateKey, number: int, name: str) -> None:
    status = ("-pkistatus", "2", "-failure", str(number), "-statusstring", "no")
    with mock(folder, *status) as url, pytest.raises(AuthorityRejected) as refused:
        station = Station(folder, url)
        station.client.certify(station.message(key).der)
    assert (refused.value.fail_info, refused.value.text) == (name, "no")


def test_an_error_is_a_refusal(folder: Path, key: rsa.RSAPrivateKey) -> None:
    with mock(folder, "-send_error") as url, pytest.raises(AuthorityRejected):
        station = Station(folder, url)
        station.client.certify(station.message(key).der)


def test_an_authority_in_trouble_leaves_the_outcome_unknown(folder: Path, key: rsa.RSAPrivateKey) -> None:
    with mock(folder, "-pkistatus", "2", "-failure", "25") as url, pytest.raises(AuthorityOutcomeUnknown):
        station = Station(folder, url)
        station.client.certify(station.message(key).der)


def test_an_unprotected_answer_is_not_believed(folder: Path, key: rsa.RSAPrivateKey) -> None:
    with mock(folder, "-send_unprotected") as url, pytest.raises(AuthorityOutcomeUnknown, match="not believed"):
        station = Station(folder, url)
        station.client.certify(station.message(key).der)


def test_a_certificate_of_another_key_is_not_taken(folder: Path) -> None:
    with mock(folder) as url, pytest.raises(CertificateUnacceptable, match="another key"):
        station = Station(folder, url)
        station.client.certify(station.message(rsa.generate_private_key(public_exponent=65537, key_size=2048)).der)


def test_a_certificate_is_revoked(folder: Path) -> None:
    with mock(folder) as url:
        station = Station(folder, url)
        der = x509.load_pem_x509_certificate((folder / "card.pem").read_bytes()).public_bytes(Encoding.DER)
        station.client.revoke(station.client.revoke_message(der, RevocationReason.SUPERSEDED).der)


def test_the_key_of_the_tests_is_the_certificates(folder: Path, key: rsa.RSAPrivateKey) -> None:
    certificate = x509.load_pem_x509_certificate((folder / "card.pem").read_bytes())
    public = (
        k.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for k in (certificate.public_key(), key.public_key())
    )
    assert len(set(public)) == 1

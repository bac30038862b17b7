"""OpenSC's own JPKI driver, over a real pcscd, as the judge of the public part of the card."""

import datetime
import socket
import subprocess
import threading
from collections.abc import Iterator

import pytest
from card_terminal import CA_CERTIFICATE, CERTIFICATE, SELECT_AP, Terminal, make_key, write_certificate
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hw.sim.card.card import VirtualCard
from hw.sim.card.memory import MemoryStore
from hw.sim.card.personalization import new_card
from hw.sim.card.vpcd import connect, serve
from tests.pcscd import PrivatePcscd

pytestmark = pytest.mark.wire

PIN = b"KIOSK123"
TOKEN = "JPKI (Digital Signature PIN)"


def certificate(subject: str, issuer: str, public: rsa.RSAPublicKey, signer: rsa.RSAPrivateKey) -> x509.Certificate:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name(issuer), name(subject), public, 4711, begin, begin.replace(year=2029))
    return builder.sign(signer, SHA256())


@pytest.fixture(scope="module")
def pcscd() -> Iterator[PrivatePcscd]:
    with PrivatePcscd() as pcscd:
        yield pcscd


@pytest.fixture(scope="module")
def issued(prepared_key) -> tuple[VirtualCard, x509.Certificate]:
    """A card with key, password and certificates, issued by the tests' own terminal."""
    card = VirtualCard(MemoryStore(new_card("JUKI20110000TEST")))
    card.power_on()
    terminal = Terminal(card.transmit)
    terminal.ok(SELECT_AP)
    public = rsa.RSAPublicNumbers(*reversed(make_key(terminal, PIN))).public_key()
    leaf = certificate("Resident", "Test CA", public, prepared_key)
    write_certificate(terminal, CERTIFICATE, leaf.public_bytes(Encoding.DER))
    root = certificate("Test CA", "Test CA", prepared_key.public_key(), prepared_key)
    write_certificate(terminal, CA_CERTIFICATE, root.public_bytes(Encoding.DER))
    card.power_off()
    return card, leaf


@pytest.fixture(scope="module")
def inserted(pcscd, issued) -> Iterator[PrivatePcscd]:
    """The issued card in the first reader of a pcscd."""
    connection = connect("127.0.0.1", pcscd.vpcd_ports[0])
    seen = threading.Event()
    thread = threading.Thread(target=serve, args=(issued[0], connection, seen.set), daemon=True)
    thread.start()
    assert seen.wait(10), pcscd.log
    yield pcscd
    connection.shutdown(socket.SHUT_RDWR)
    thread.join()


def tool(pcscd: PrivatePcscd, *command: str) -> str:
    result = subprocess.run(command, env=pcscd.env, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr + result.stdout
    return result.stdout


def test_opensc_recognises_the_card(inserted):
    assert tool(inserted, "opensc-tool", "--reader", inserted.reader_names[0], "--name").strip() == "jpki"


def test_opensc_lists_the_whole_card(inserted):
    dump = tool(inserted, "pkcs15-tool", "--reader", inserted.reader_names[0], "--dump")
    for what in ("PIN [Digital Signature PIN]", "Tries left     : 5", "Private RSA Key [Digital Signature Key]",
                 "X.509 Certificate [Digital Signature Certificate]"):  # fmt: skip
        assert what in dump


def test_opensc_reads_the_certificate_with_the_password_only(inserted, issued):
    read = ("pkcs15-tool", "--reader", inserted.reader_names[0], "--read-certificate", "02")
    pem = tool(inserted, *read, "--auth-id", "02", "--verify-pin", "--pin", PIN.decode())
    assert x509.load_pem_x509_certificate(pem.encode()) == issued[1]
    refused = subprocess.run(read, env=inserted.env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert "BEGIN CERTIFICATE" not in refused.stdout


def test_opensc_reads_the_authority_certificate_freely(inserted):
    pem = tool(inserted, "pkcs15-tool", "--reader", inserted.reader_names[0], "--read-certificate", "04")
    assert "Test CA" in x509.load_pem_x509_certificate(pem.encode()).subject.rfc4514_string()


def test_opensc_signs_and_openssl_verifies(inserted, issued, tmp_path):
    (tmp_path / "text").write_bytes(b"a text to be signed")
    (tmp_path / "public.pem").write_bytes(
        issued[1].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    tool(inserted, "pkcs11-tool", "--token-label", TOKEN, "--login", "--pin", PIN.decode(), "--sign", "--id", "02",
         "--mechanism", "SHA256-RSA-PKCS", "--input-file", f"{tmp_path}/text",
         "--output-file", f"{tmp_path}/signature")  # fmt: skip
    verified = tool(inserted, "openssl", "dgst", "-sha256", "-verify", f"{tmp_path}/public.pem",
                    "-signature", f"{tmp_path}/signature", f"{tmp_path}/text")  # fmt: skip
    assert verified.strip() == "Verified OK"


def test_opensc_counts_a_wrong_password(inserted):
    reader = ("pkcs15-tool", "--reader", inserted.reader_names[0])
    verify = (*reader, "--verify-pin", "--auth-id", "02", "--pin")
    wrong = subprocess.run([*verify, "WRONG123"], env=inserted.env, capture_output=True, text=True)
    assert "PIN code or key incorrect" in wrong.stderr
    assert "Tries left     : 4" in tool(inserted, *reader, "--dump")
    tool(inserted, *verify, PIN.decode())
    assert "Tries left     : 5" in tool(inserted, *reader, "--dump")


def test_opensc_finds_nothing_more_after_removal(pcscd):
    connection = connect("127.0.0.1", pcscd.vpcd_ports[1])
    card, seen = VirtualCard(MemoryStore(new_card("JUKI20110001TEST"))), threading.Event()
    thread = threading.Thread(target=serve, args=(card, connection, seen.set), daemon=True)
    thread.start()
    assert seen.wait(10), pcscd.log
    select = ("opensc-tool", "--reader", pcscd.reader_names[1], "--send-apdu", SELECT_AP.replace(" ", ""))
    assert "SW1=0x90, SW2=0x00" in tool(pcscd, *select)
    connection.shutdown(socket.SHUT_RDWR)
    thread.join()
    assert not card.is_inserted
    gone = subprocess.run(select, env=pcscd.env, capture_output=True, text=True, timeout=60)
    assert gone.returncode != 0

"""Cards that the driver issued, in the hands of other people's programs: OpenSC, openssl, and a maker's PIV tool.

Over a real pcscd; none of these programs has anything of ours.
"""

import datetime
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hw.card.key import CardKey
from hw.card.memory import MemorySlot
from hw.card.reader import Reader
from hw.ports import CardReader, ChannelPurpose, KeyUse
from hw.sim.card.card import VirtualCard
from hw.sim.card.limits import STANDARD
from hw.sim.card.memory import MemoryStore
from hw.sim.card.personalization import FACTORY_MANAGEMENT_KEY, new_standard_piv_card
from tests.hw.card.office import ISSUER, blank, password_for, rsa_key
from tests.hw.card.pcsc_bench import Client, inserted, outcome
from tests.pcscd import PrivatePcscd

pytestmark = pytest.mark.wire

TOKENS = {
    ("juki-2011", KeyUse.SIGNATURE): ("JPKI (Digital Signature PIN)", "02", "KIOSK123"),
    ("juki-2011-b", KeyUse.SIGNATURE): ("JPKI (Digital Signature PIN)", "02", "KIOSK123"),
    ("myna-2016", KeyUse.SIGNATURE): ("JPKI (Digital Signature PIN)", "02", "KIOSK123"),
    ("myna-2016", KeyUse.AUTHENTICATION): ("JPKI (User Authentication PIN)", "01", "4242"),
    ("piv", KeyUse.AUTHENTICATION): ("Resident authentication", "01", "424242"),
    ("piv", KeyUse.SIGNATURE): ("Resident authentication", "02", "424242"),
    ("piv-standard", KeyUse.AUTHENTICATION): ("Resident authentication", "01", "424242"),
    ("piv-standard", KeyUse.SIGNATURE): ("Resident authentication", "02", "424242"),
}
"""Name of OpenSC's token, identifier of its key, and the password."""

PIV_NAME = "Personal Identity Verification Card"
NAMES = {"juki-2011": "jpki", "juki-2011-b": "jpki", "myna-2016": "jpki", "piv": PIV_NAME, "piv-standard": PIV_NAME}


def issued(kind: str) -> tuple[VirtualCard, dict[KeyUse, x509.Certificate]]:
    """A card with every key and certificate it can have, issued by the driver in memory."""
    if kind == "piv-standard":
        card = VirtualCard(MemoryStore(new_standard_piv_card("PIV0000012345678")), make_key=rsa_key, limits=STANDARD)
    else:
        card = VirtualCard(MemoryStore(blank(kind)), make_key=rsa_key)
    certificates = {}
    with Reader(MemorySlot("memory", card)).session() as session:
        session.open_channel(ChannelPurpose.ISSUE, ISSUER)
        for use in session.uses():
            session.set_pin(password_for(session, use), use)
            session.verify_pin(password_for(session, use), use)
            key = CardKey(session, session.generate_key(use), use)
            certificates[use] = certificate(f"Resident {use}", key)
            session.write_certificate(certificates[use].public_bytes(Encoding.DER), use)
    card.remove()
    return card, certificates


def certificate(subject: str, key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)])
    begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 4711, begin, begin.replace(year=2029))
    return builder.sign(key, SHA256(), rsa_padding=padding.PKCS1v15())


@pytest.fixture(scope="module")
def pcscd() -> Iterator[PrivatePcscd]:
    with PrivatePcscd() as running:
        yield running


@pytest.fixture(scope="module")
def client(pcscd: PrivatePcscd) -> Iterator[Client]:
    with Client(pcscd.env["PCSCLITE_CSOCK_NAME"]) as process:
        yield process


def wait_for_card(reader: CardReader) -> bool:
    return reader.wait_for_card(20)


def wait_for_removal(reader: CardReader) -> bool:
    return reader.wait_for_removal(20)


class Office:
    """A card in the reader, and programs that are run at it."""

    def __init__(self, kind: str, pcscd: PrivatePcscd, certificates: dict[KeyUse, x509.Certificate]) -> None:
        self.kind = kind
        self.certificates = certificates
        self.reader = pcscd.reader_names[0]
        self._env = pcscd.env

    def run(self, *command: str, expected: int = 0) -> str:
        result = subprocess.run(
            command, env=self._env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
        )
        assert result.returncode == expected, result.stderr + result.stdout
        return result.stdout + result.stderr

    def tool(self, program: str, *words: str) -> str:
        return self.run(program, "--reader", self.reader, *words)


@pytest.fixture(scope="module", params=NAMES)
def office(request: pytest.FixtureRequest, pcscd: PrivatePcscd, client: Client) -> Iterator[Office]:
    card, certificates = issued(request.param)
    with inserted(card, pcscd.vpcd_ports[0]):
        office = Office(request.param, pcscd, certificates)
        assert client.run(outcome, wait_for_card, office.reader) == "True"
        yield office
    # pcscd takes a card that comes within 0.4 s for the one that was there before.
    assert client.run(outcome, wait_for_removal, office.reader) == "True"


def test_opensc_names_the_card(office: Office) -> None:
    assert office.tool("opensc-tool", "--name").strip() == NAMES[office.kind]


def test_opensc_dumps_the_whole_card(office: Office) -> None:
    dump = office.tool("pkcs15-tool", "--dump")
    assert len(re.findall(r"^Private RSA Key", dump, re.M)) >= len(office.certificates)
    assert len(re.findall(r"^X\.509 Certificate", dump, re.M)) >= len(office.certificates)
    assert ("Tries left     : 5" in dump) == (NAMES[office.kind] != PIV_NAME), "of a PIV card OpenSC does not show them"


@pytest.mark.parametrize("office", [kind for kind, name in NAMES.items() if name == PIV_NAME], indirect=True)
def test_opensc_finds_what_a_piv_card_must_have(office: Office) -> None:
    """It names identifier and capabilities, and reads them as the standard writes them."""
    dump = office.tool("pkcs15-tool", "--dump")
    for name in ("Card Capability Container", "Card Holder Unique Identifier"):
        assert f"Data object '{name}'" in dump, dump
    for tag, first in (("5FC102", "53 3B 30 19 D4 E7 39"), ("5FC107", "53 33 F0 15 A0 00")):
        got = office.tool("opensc-tool", "--send-apdu", "00A4040009A00000030800001000", "--send-apdu",
                          f"00CB3FFF055C03{tag}00")  # fmt: skip
        assert first in got
    listed = office.run("pkcs11-tool", "--token-label", TOKENS[office.kind, KeyUse.SIGNATURE][0], "--list-slots")
    assert "token initialized, PIN initialized" in listed


@pytest.mark.parametrize("use", KeyUse)
def test_opensc_signs_with_every_key_and_openssl_verifies(office: Office, use: KeyUse, tmp_path: Path) -> None:
    if use not in office.certificates:
        assert (office.kind, use) not in TOKENS, "this card has no such key"
        return
    token, key, pin = TOKENS[office.kind, use]
    (tmp_path / "text").write_bytes(b"a text to be signed")
    public = office.certificates[use].public_key()
    (tmp_path / "public.pem").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    office.run("pkcs11-tool", "--token-label", token, "--login", "--pin", pin, "--sign", "--id", key,
               "--mechanism", "SHA256-RSA-PKCS", "--input-file", f"{tmp_path}/text",
               "--output-file", f"{tmp_path}/signature")  # fmt: skip
    verified = office.run("openssl", "dgst", "-sha256", "-verify", f"{tmp_path}/public.pem",
                          "-signature", f"{tmp_path}/signature", f"{tmp_path}/text")  # fmt: skip
    assert verified.strip() == "Verified OK"


# --- a maker's own tool, on the card as it is bought


@pytest.fixture(scope="module")
def bought(pcscd: PrivatePcscd, client: Client) -> Iterator[Office]:
    card = VirtualCard(MemoryStore(blank("piv")), make_key=rsa_key)
    with inserted(card, pcscd.vpcd_ports[1]):
        office = Office("piv", pcscd, {})
        office.reader = pcscd.reader_names[1]
        assert client.run(outcome, wait_for_card, office.reader) == "True"
        yield office


def test_a_makers_tool_manages_the_card_that_was_bought(bought: Office, tmp_path: Path) -> None:
    key = "000102030405060708090A0B0C0D0E0F1011121314151617"
    tool = ("yubico-piv-tool",)
    assert "PIN tries left:\t3" in bought.tool(*tool, "-a", "status")
    bought.tool(*tool, "-a", "generate", "-s", "9a", "-A", "RSA2048", "-o", f"{tmp_path}/public.pem")
    bought.tool(*tool, "-a", "attest", "-s", "9a", "-o", f"{tmp_path}/attestation.pem")
    subject = bought.run("openssl", "x509", "-in", f"{tmp_path}/attestation.pem", "-noout", "-subject", "-pubkey")
    assert "PIV Attestation 9a" in subject
    assert (tmp_path / "public.pem").read_text().strip() in subject
    bought.tool(*tool, "-a", "import-certificate", "-s", "9a", "-i", f"{tmp_path}/attestation.pem")
    bought.tool(*tool, "-a", "set-chuid", "-a", "set-ccc")
    bought.tool(*tool, "-a", "change-pin", "-P", "123456", "-N", "654321")
    bought.tool(*tool, "-a", "change-puk", "-P", "12345678", "-N", "87654321")
    bought.tool(*tool, "-a", "unblock-pin", "-P", "87654321", "-N", "111111")
    bought.tool(*tool, "-a", "verify-pin", "-P", "111111", "-a", "test-decipher", "-s", "9a", "-i",
                f"{tmp_path}/attestation.pem")  # fmt: skip
    bought.tool(*tool, "-a", "set-mgm-key", "-n", key)
    wrong = subprocess.run(
        [*tool, "--reader", bought.reader, "-a", "set-chuid"], env=bought._env, capture_output=True, text=True
    )
    assert "Failed authentication" in wrong.stderr
    bought.tool(*tool, f"--key={key}", "-a", "set-chuid")


@pytest.fixture
def alone() -> Iterator[tuple[PrivatePcscd, Client]]:
    """A card service in whose readers nothing lies."""
    with PrivatePcscd() as running, Client(running.env["PCSCLITE_CSOCK_NAME"]) as process:
        yield running, process


def test_opensc_makes_a_key_in_a_card_that_was_bought_and_signs_with_it(
    alone: tuple[PrivatePcscd, Client], tmp_path: Path
) -> None:
    """What `piv-tool` returns is its own affair: it fails to write down the RSA key that the card gave it (OpenSC
    issue 3156, mended in 0.26), and returns a certificate's length for having loaded it.
    """
    pcscd, client = alone
    store = MemoryStore(blank("piv"))
    reader = pcscd.reader_names[0]
    (tmp_path / "9b").write_text(":".join(f"{byte:02X}" for byte in FACTORY_MANAGEMENT_KEY))
    (tmp_path / "text").write_bytes(b"a text to be signed")
    with inserted(VirtualCard(store, make_key=rsa_key), pcscd.vpcd_ports[0]):
        assert client.run(outcome, wait_for_card, reader) == "True"
        env = {**pcscd.env, "PIV_EXT_AUTH_KEY": f"{tmp_path}/9b"}

        def run(*command: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)

        tool = ("piv-tool", "--reader", reader, "--admin", "M:9B:03")
        made = run(*tool, "--genkey", "9A:07", "--out", f"{tmp_path}/public.der")
        assert made.returncode == 0 or made.stderr.strip() == "gen_key unable to gen RSA"
        piv = store.read().piv
        assert piv is not None
        key = serialization.load_der_private_key(piv.keys[0x9A].der, None)
        assert isinstance(key, rsa.RSAPrivateKey)
        (tmp_path / "certificate.pem").write_bytes(certificate("Bought", key).public_bytes(Encoding.PEM))
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (tmp_path / "public.pem").write_bytes(public)
        loaded = run(*tool, "--cert", "9A", "--in", f"{tmp_path}/certificate.pem")
        assert loaded.stderr == ""
        signed = run("pkcs11-tool", "--token-label", "Bought", "--login", "--pin", "123456", "--sign", "--id", "01",
                     "--mechanism", "SHA256-RSA-PKCS", "--input-file", f"{tmp_path}/text",
                     "--output-file", f"{tmp_path}/signature")  # fmt: skip
        assert signed.returncode == 0, signed.stderr
    verified = run("openssl", "dgst", "-sha256", "-verify", f"{tmp_path}/public.pem",
                   "-signature", f"{tmp_path}/signature", f"{tmp_path}/text")  # fmt: skip
    assert verified.stdout.strip() == "Verified OK"

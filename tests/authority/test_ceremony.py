"""A production authority is made by two persons, opened by both, and makes nothing for training."""

from pathlib import Path

import pytest
from authority_desk import CARD_MASTER, POLICIES, START, TOWN
from ca_program import ca
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from rebuilt_message import verdict

from kiosk.authority.client import AuthorityClient
from kiosk.authority.credential import load_credential
from kiosk.authority.embedded.ceremony import hold_ceremony
from kiosk.authority.embedded.directory import _MADE, add_station, open_authority, read_passphrases
from kiosk.authority.embedded.responder import Responder
from kiosk.authority.embedded.terms import DirectoryInvalid
from kiosk.authority.message import BodyKind
from kiosk.authority.training import is_training

PERSONS = ("Hanako Suzuki", "Ichiro Tanaka")


@pytest.fixture
def passphrases(tmp_path: Path) -> list[Path]:
    files = [tmp_path / "first", tmp_path / "second"]
    for number, file in enumerate(files):
        file.write_text(f"a passphrase of person {number}\n")
    return files


def hold(directory: Path, passphrases: list[Path], persons: tuple[str, ...] = PERSONS) -> str:
    return hold_ceremony(directory, POLICIES / "juki-2011.toml", TOWN, lambda: START, persons, passphrases)


def test_two_persons_make_an_authority_that_is_not_for_training(
    tmp_path: Path, passphrases: list[Path], keys: list[rsa.RSAPrivateKey]
) -> None:
    directory = tmp_path / "authority"
    protocol = hold(directory, passphrases)
    authority = open_authority(directory, lambda: START, passphrase=read_passphrases(passphrases))
    certificate = authority.credential.certificate
    assert not authority.is_training and not is_training(certificate, authority.policy)
    assert authority.card_master != CARD_MASTER
    assert not list((directory / "stations").iterdir()) and not list((directory / "clerks").iterdir())
    for said in (*PERSONS, certificate.fingerprint(hashes.SHA256()).hex(), f"{certificate.serial_number:X}"):
        assert said in protocol
    public = certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    signature, text = (directory / "ceremony.sig").read_bytes(), (directory / "ceremony.txt").read_bytes()
    public.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
    station = load_credential(add_station(directory, authority, "demo"))
    asking = AuthorityClient("https://authority.test", station, (certificate,), clock=lambda: START)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    csr = x509.CertificateSigningRequestBuilder(name).sign(keys[0], hashes.SHA256()).public_bytes(Encoding.DER)
    answer = Responder(authority).respond(asking._message(BodyKind.P10CR, csr).der)
    assert verdict(answer) == (BodyKind.CP, "notAuthorized"), "no plain profile"
    authority.store.close()


@pytest.mark.parametrize("moved", range(len(_MADE)))
def test_an_authority_never_appears_without_its_protocol(tmp_path: Path, passphrases: list[Path], moved: int) -> None:
    """Killed after any of its files was moved into place: there is no authority yet, and the next one has its own."""
    directory, work = tmp_path / "authority", tmp_path / "authority" / ".init-killed"
    hold(directory, passphrases)
    work.mkdir()
    for name in _MADE[moved:]:
        (directory / name).rename(work / name)
    with pytest.raises(DirectoryInvalid):
        open_authority(directory, lambda: START, passphrase=read_passphrases(passphrases))
    protocol = hold(directory, passphrases)
    assert (directory / "ceremony.txt").read_text() == protocol
    authority = open_authority(directory, lambda: START, passphrase=read_passphrases(passphrases))
    assert f"{authority.credential.certificate.serial_number:X}" in protocol and not authority.is_training
    authority.store.close()


@pytest.mark.parametrize("order", [[0], [1], [1, 0], []])
def test_nobody_opens_it_alone_or_in_another_order(tmp_path: Path, passphrases: list[Path], order: list[int]) -> None:
    directory = tmp_path / "authority"
    hold(directory, passphrases)
    with pytest.raises(DirectoryInvalid, match=r"ca\.key"):
        open_authority(directory, lambda: START, passphrase=read_passphrases([passphrases[n] for n in order]))


@pytest.mark.parametrize(
    "persons", [("Hanako Suzuki",), ("Hanako Suzuki",) * 2, ("Hanako Suzuki", " "), (*PERSONS, "x")]
)
def test_a_ceremony_needs_two_persons(tmp_path: Path, passphrases: list[Path], persons: tuple[str, ...]) -> None:
    with pytest.raises(DirectoryInvalid, match="two persons"):
        hold(tmp_path / "authority", passphrases, persons)
    assert not (tmp_path / "authority").exists()


def test_a_ceremony_needs_two_passphrases(tmp_path: Path, passphrases: list[Path]) -> None:
    (tmp_path / "short").write_text("short\n")
    for files, why in (
        (passphrases[:1], "of his own"),
        ([passphrases[0]] * 2, "different"),
        ([passphrases[0], tmp_path / "short"], "at least 12"),
    ):
        with pytest.raises(DirectoryInvalid, match=why):
            hold(tmp_path / "authority", files)


def test_revoking_by_hand_takes_both(tmp_path: Path, passphrases: list[Path]) -> None:
    data, words = tmp_path / "data", [word for person in PERSONS for word in ("--person", person)]
    opened = [word for file in passphrases for word in ("--passphrase", str(file))]
    made = ca("ceremony", *words, *opened, "--data", str(data))
    assert made.code == 0 and "KEY CEREMONY" in made.out
    station = ca("station", "terminal-1", *opened, "--data", str(data)).out.strip()
    serial = f"{x509.load_pem_x509_certificate(Path(station).read_bytes()).serial_number:X}"
    alone = ca("revoke", serial, *opened[:2], "--data", str(data))
    assert alone.code == 78 and "ca.key" in alone.err
    assert ca("revoke", serial, "--reason", "keyCompromise", *opened, "--data", str(data)).code == 0
    assert ca("status", serial, *opened, "--data", str(data)).out.startswith("revoked keyCompromise")

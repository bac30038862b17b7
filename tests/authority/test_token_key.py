"""The authority's own key in a PKCS #11 token: used there, by every worker, and never seen here."""

import copy
import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from authority_desk import POLICIES, START, TOWN, URL, Desk, load
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from softhsm import MODULE, PIN, token

from kiosk.authority.credential import load_credential
from kiosk.authority.embedded.directory import init, open_authority
from kiosk.authority.embedded.generation import roll_over
from kiosk.authority.embedded.terms import DirectoryInvalid
from kiosk.authority.errors import CredentialInvalid
from kiosk.authority.token_key import TokenKey, TokenPlace, TokenUnusable, make_token_key, read_uri
from kiosk.cli import main

NAMES = (f"ca {number}" for number in itertools.count())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One token for all: the library is opened once a process."""
    with token(tmp_path_factory.mktemp("softhsm"), "authority") as begin:
        yield begin


@pytest.fixture
def place(made: str) -> TokenPlace:
    return read_uri(f"{made};object={next(NAMES).replace(' ', '%20')}?module-path={MODULE}")


def sign(key: TokenKey) -> bytes:
    return key.sign(b"text", padding.PKCS1v15(), hashes.SHA256())


def test_a_key_is_made_and_used_in_the_token(place: TokenPlace) -> None:
    key = make_token_key(place, PIN.encode(), 2048)
    key.public_key().verify(sign(key), b"text", padding.PKCS1v15(), hashes.SHA256())
    assert key.key_size == 2048 and copy.copy(key) is copy.deepcopy(key) is key
    again = TokenKey(place, PIN.encode(), key.public_key())
    again.public_key().verify(sign(again), b"text", padding.PKCS1v15(), hashes.SHA256())


def test_it_does_not_leave_the_token_nor_do_anything_but_sign(place: TokenPlace) -> None:
    key = make_token_key(place, PIN.encode(), 2048)
    with pytest.raises(ValueError, match="leave"):
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="leave"):
        key.private_numbers()
    with pytest.raises(ValueError, match="nothing else"):
        key.decrypt(b"", padding.PKCS1v15())
    for scheme, digest in (
        (padding.PKCS1v15(), hashes.SHA512()),
        (padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()),
    ):
        with pytest.raises(ValueError, match=r"PKCS#1 v1\.5"):
            key.sign(b"text", scheme, digest)


def test_a_name_is_given_once(place: TokenPlace) -> None:
    make_token_key(place, PIN.encode(), 2048)
    with pytest.raises(TokenUnusable, match="already"):
        make_token_key(place, PIN.encode(), 2048)


def test_what_is_not_there_is_said_without_the_pin(place: TokenPlace) -> None:
    public = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    for wrong in (place, TokenPlace(place.module, "elsewhere", "ca"), TokenPlace("/nowhere.so", "x", "ca")):
        with pytest.raises(TokenUnusable) as said:
            sign(TokenKey(wrong, PIN.encode(), public))
        assert PIN not in str(said.value)


def test_uris_are_read_as_they_are_written(place: TokenPlace) -> None:
    assert read_uri(place.uri) == place
    for bad in ("", "pkcs11:", "pkcs11:token=x;object=y", "file:x"):
        with pytest.raises(ValueError, match="pkcs11:token"):
            read_uri(bad)


def test_an_authority_with_its_key_in_a_token(place: TokenPlace, tmp_path: Path, keys: list[rsa.RSAPrivateKey]) -> None:
    directory, policy = tmp_path / "authority", POLICIES / "juki-2011.toml"
    init(directory, policy, TOWN, lambda: START, passphrase=PIN.encode(), token=place.uri)
    content = (directory / "ca.key").read_bytes()
    assert content.startswith(b"pkcs11:token=authority;object=ca%20") and b"PRIVATE KEY" not in content
    desk = Desk(
        directory, keys[0], opened=open_authority(directory, lambda: START, listening_url=URL, passphrase=PIN.encode())
    )
    pending = desk.confirmed()
    (tmp_path / "ee.pem").write_bytes(load(pending).public_bytes(Encoding.PEM))
    words = ["openssl", "verify", "-x509_strict", "-attime", f"{START.timestamp():.0f}", "-CAfile"]
    done = subprocess.run(
        [*words, str(directory / "ca.pem"), str(tmp_path / "ee.pem")], capture_output=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    made = roll_over(directory, desk.authority, PIN.encode())
    assert isinstance(made.credential.key, TokenKey) and made.credential.key.place.key == f"{place.key}-2"
    desk.authority.store.close()


def test_the_command_makes_the_key_where_it_is_told(place: TokenPlace, tmp_path: Path) -> None:
    (tmp_path / "pin").write_text(PIN)
    words = ["ca", "init", "--token", place.uri, "--passphrase", str(tmp_path / "pin"), "--data", str(tmp_path / "ca")]
    assert main(words) == 0
    assert (tmp_path / "ca" / "ca.key").read_bytes().startswith(place.uri.encode())


def test_such_a_directory_needs_the_pin(place: TokenPlace, tmp_path: Path) -> None:
    directory, policy = tmp_path / "authority", POLICIES / "juki-2011.toml"
    with pytest.raises(DirectoryInvalid, match="passphrase"):
        init(directory, policy, TOWN, lambda: START, token=place.uri)
    with pytest.raises(DirectoryInvalid, match="pkcs11:token"):
        init(directory, policy, TOWN, lambda: START, token="nonsense", passphrase=b"x")
    init(directory, policy, TOWN, lambda: START, passphrase=PIN.encode(), token=place.uri)
    with pytest.raises(CredentialInvalid, match="PIN"):
        load_credential(directory / "ca.key")

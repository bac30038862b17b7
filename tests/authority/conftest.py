from pathlib import Path

import pytest
from authority_desk import URL, Clock, Desk, make_authority, make_desk
from cryptography.hazmat.primitives.asymmetric import rsa

from kiosk.authority.embedded.authority import Authority
from kiosk.authority.embedded.directory import open_authority


@pytest.fixture(scope="session")
def keys() -> list[rsa.RSAPrivateKey]:
    """Making RSA keys is slow: these are everybody's."""
    return [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]


@pytest.fixture(scope="session")
def juki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority to copy, never to use."""
    return make_authority(tmp_path_factory.mktemp("juki") / "authority")


@pytest.fixture(scope="session")
def opened(juki: Path) -> Authority:
    """The same, opened; only its keys and rules are used."""
    return open_authority(juki, Clock(), listening_url=URL)


@pytest.fixture
def desk(juki: Path, opened: Authority, tmp_path: Path, keys: list[rsa.RSAPrivateKey]) -> Desk:
    return make_desk(juki, tmp_path / "authority", keys[0], opened)

"""A resident's signature by the card that a counter has issued."""

import pytest
from cryptography import x509

from hw.card.key import CardKey
from kiosk.authority.embedded.directory import init
from kiosk.config import SHIPPED, load_config
from kiosk.eapply.sign import sign_cms
from tests.counter_bench import PASSWORD, RESIDENT, START, World

CONTENT = "町道民税申告書\n".encode()


@pytest.fixture(scope="session")
def signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, bytes, bytes]:
    """A counter where a certificate was issued, the signature of its card, detached and enclosing."""
    directory = tmp_path_factory.mktemp("eapply")
    ca = directory / "ca"
    init(ca, SHIPPED / "policy" / "juki-2011.toml", load_config(SHIPPED / "kiosk.toml", []).town, lambda: START)
    world = World(directory, ca)
    world.issue()
    world.hand.insert(RESIDENT)
    with world.station().reader.session() as card:
        card.verify_pin(bytearray(PASSWORD.encode()))
        public_key, certificate = card.public_key(), card.read_certificate()
        assert public_key is not None and certificate is not None
        key, loaded = CardKey(card, public_key), x509.load_der_x509_certificate(certificate)
        return world, *(sign_cms(CONTENT, loaded, key, is_detached=detached) for detached in (True, False))

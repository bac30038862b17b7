"""A resident's signature by the card that a counter has issued."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from hw.card.key import CardKey
from kiosk.authority.embedded.directory import init
from kiosk.config import SHIPPED, load_config
from kiosk.eapply.sign import sign_cms
from kiosk.eapply.verify import Verdict, verify
from kiosk.model.certificate import CertificateState, CertificateStatus
from tests.counter_bench import PASSWORD, RESIDENT, START, World

CONTENT = "町道民税申告書\n".encode()


@contextmanager
def resident_key(world: World) -> Iterator[tuple[CardKey, x509.Certificate]]:
    """The key in the resident's card, its password verified, and its certificate."""
    with world.station().reader.session() as card:
        card.verify_pin(bytearray(PASSWORD.encode()))
        public_key, certificate = card.public_key(), card.read_certificate()
        assert public_key is not None and certificate is not None
        yield CardKey(card, public_key), x509.load_der_x509_certificate(certificate)


def forged_like(real: x509.Certificate, key: rsa.RSAPrivateKey) -> x509.Certificate:
    """A certificate that says the same of another key, by which it is signed itself."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(real.subject)
        .issuer_name(real.issuer)
        .serial_number(real.serial_number)
        .not_valid_before(real.not_valid_before_utc)
        .not_valid_after(real.not_valid_after_utc)
        .public_key(key.public_key())
    )
    for extension in real.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(key, hashes.SHA256())


@pytest.fixture(scope="session")
def signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, bytes, bytes]:
    """A counter where a certificate was issued, the signature of its card, detached and enclosing."""
    directory = tmp_path_factory.mktemp("eapply")
    ca = directory / "ca"
    init(ca, SHIPPED / "policy" / "juki-2011.toml", load_config(SHIPPED / "kiosk.toml", []).town, lambda: START)
    world = World(directory, ca)
    world.issue()
    world.hand.insert(RESIDENT)
    with resident_key(world) as (key, certificate):
        return world, *(sign_cms(CONTENT, certificate, key, is_detached=detached) for detached in (True, False))


GOOD = CertificateStatus(CertificateState.GOOD)


def judge_document(world: World, document: bytes, status: CertificateStatus = GOOD, name: str | None = None) -> Verdict:
    """The agency's verdict on what holds its signature within itself, where the authority says `status`."""
    policies = world.authority.policy.signature_policies
    return verify(None, document, world.authority.generations, policies, START, lambda *_: status, name)

"""A certificate of a version that nobody has defined is no certificate, wherever it comes from."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from kiosk.authority.credential import load_credential
from kiosk.authority.verification import load_certificate
from kiosk.counter.clerk_key import load_clerk_key, verify_authorisation
from kiosk.model.authorisation import Authorisation, AuthorisationInvalid
from tests.counter_bench import START

VERSION_3 = bytes.fromhex("a003020102")


@pytest.mark.parametrize("version", [3, 4, 127])
def test_an_unknown_version_is_a_value_error_and_nothing_else(fresh_authority: Path, version: int) -> None:
    issuers = load_credential(fresh_authority / "stations" / "demo.pem").generations
    clerk = load_clerk_key(fresh_authority / "clerks" / "demo.pem")
    strange = clerk.certificate.replace(VERSION_3, VERSION_3[:-1] + bytes([version]), 1)
    assert strange != clerk.certificate
    assert load_certificate(clerk.certificate).public_bytes(Encoding.DER) == clerk.certificate
    with pytest.raises(ValueError, match="version"):
        load_certificate(strange)
    with pytest.raises(AuthorisationInvalid):
        verify_authorisation(Authorisation(b"", b"", strange), issuers, START)

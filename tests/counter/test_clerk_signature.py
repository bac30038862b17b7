"""Whose signature passes for a clerk's: a clerk's alone, of all to whom the authority has given certificates."""

import datetime
from pathlib import Path

import pytest
from cryptography import x509

from kiosk.counter.clerk_key import (
    ClerkKeyFile,
    clerk_name,
    load_clerk_key,
    verify_authorisation,
    verify_countersignature,
    verify_testimony,
)
from kiosk.model.authorisation import AuthorisationInvalid, AuthorisationTerms, Uptime
from kiosk.model.step import Step
from kiosk.model.testimony import Testimony, TestimonyInvalid, TestimonyTerms
from tests.counter_bench import START

TERMS = AuthorisationTerms(
    operation="issue",
    case="c" * 32,
    station="demo",
    card_number="JUKI1",
    items_hash=bytes(32),
    person=bytes(32),
    nonce=bytes(16),
    issued_at=START,
    expires_at=START + datetime.timedelta(minutes=15),
    uptime=Uptime(bytes(16), 0),
)
SAID = TestimonyTerms("c" * 32, "demo", Step.FEE, "0", bytes(16), START).encode()


@pytest.fixture
def issuer(fresh_authority: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates((fresh_authority / "ca.pem").read_bytes())[0]


@pytest.fixture
def clerk(fresh_authority: Path) -> ClerkKeyFile:
    return load_clerk_key(fresh_authority / "clerks" / "demo.pem")


@pytest.fixture
def station(fresh_authority: Path) -> ClerkKeyFile:
    """What a stolen terminal has: a key of its own, certified by the same authority."""
    return load_clerk_key(fresh_authority / "stations" / "demo.pem")


def test_a_clerk_gives_leave_and_a_station_does_not(
    issuer: x509.Certificate, clerk: ClerkKeyFile, station: ClerkKeyFile
) -> None:
    assert verify_authorisation(clerk.authorise(TERMS), (issuer,), START) == TERMS
    with pytest.raises(AuthorisationInvalid, match="somebody who is no clerk"):
        verify_authorisation(station.authorise(TERMS), (issuer,), START)


def test_a_clerk_and_a_station_are_not_two_clerks(
    issuer: x509.Certificate, clerk: ClerkKeyFile, station: ClerkKeyFile, fresh_authority: Path
) -> None:
    second = load_clerk_key(fresh_authority / "clerks" / "second.pem")
    verify_testimony(Testimony(SAID, clerk.testify(SAID), second.testify(SAID)), (issuer,), START)
    leave = clerk.authorise(TERMS)
    verify_countersignature(leave, second.testify(leave.payload), (issuer,), START)
    with pytest.raises(TestimonyInvalid, match="somebody who is no clerk"):
        verify_testimony(Testimony(SAID, clerk.testify(SAID), station.testify(SAID)), (issuer,), START)
    with pytest.raises(AuthorisationInvalid, match="somebody who is no clerk"):
        verify_countersignature(leave, station.testify(leave.payload), (issuer,), START)


def test_a_clerk_is_known_by_the_name_in_his_certificate(clerk: ClerkKeyFile) -> None:
    assert clerk_name(x509.load_der_x509_certificate(clerk.certificate)) == clerk.name != ""

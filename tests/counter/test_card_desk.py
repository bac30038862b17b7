"""The clerk's station gives session keys for what was authorised, and for nothing else."""

import dataclasses
import datetime
import shutil
from pathlib import Path
from typing import get_args

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from hw.errors import Refused
from hw.ports import ChannelChallenge, ChannelPurpose, SessionKeys
from kiosk.authority.credential import load_credential
from kiosk.counter.card_desk import OPEN_TO, CardDesk
from kiosk.counter.card_issuer import KEY_VERSION, CardIssuer
from kiosk.counter.clerk_key import ClerkKeyFile, load_clerk_key, verify_authorisation
from kiosk.model.authorisation import Authorisation, AuthorisationInvalid, AuthorisationTerms, Operation, Uptime
from kiosk.model.transition import Stage
from tests.counter_bench import START

CARD = "JUKI000000000001"
KEYS = SessionKeys(bytes(16), bytes(16), bytes(16))


class AnyCardIssuer(CardIssuer):
    """Holds the keys of every card, so that only the desk itself can refuse."""

    def session_keys(self, challenge: ChannelChallenge) -> SessionKeys:
        return KEYS


@dataclasses.dataclass
class Town:
    """A clerk's station whose one case stands where a test puts it."""

    directory: Path
    stage: Stage | None = Stage.AUTHORISED
    now: datetime.datetime = START
    challenges: int = 0

    def __post_init__(self) -> None:
        self.clerk = load_clerk_key(self.directory / "clerks" / "demo.pem")
        self.issuer = load_credential(self.directory / "stations" / "demo.pem").chain[0]
        self.desk = CardDesk(AnyCardIssuer({}), (self.issuer,), lambda _: self.stage, lambda: self.now)

    def authorise(self, clerk: ClerkKeyFile | None = None, **changes: object) -> Authorisation:
        terms = AuthorisationTerms(
            operation="issue",
            case="c" * 32,
            station="demo",
            card_number=CARD,
            items_hash=bytes(32),
            person=bytes(32),
            nonce=bytes(16),
            issued_at=START,
            expires_at=START + datetime.timedelta(minutes=15),
            uptime=Uptime(bytes(16), 0),
        )
        return (clerk or self.clerk).authorise(dataclasses.replace(terms, **changes))

    def challenge(self, purpose: ChannelPurpose = ChannelPurpose.ISSUE, **changes: object) -> ChannelChallenge:
        self.challenges += 1
        fresh = self.challenges.to_bytes(8, "big")
        challenge = ChannelChallenge(CARD, purpose, KEY_VERSION[purpose], bytes(8), fresh, bytes(8))
        return dataclasses.replace(challenge, **changes)  # one detail changed


@pytest.fixture
def town(tmp_path: Path, fresh_authority: Path) -> Town:
    return Town(Path(shutil.copytree(fresh_authority, tmp_path / "ca")))


@pytest.mark.parametrize("operation", get_args(Operation))
def test_keys_are_given_for_the_authorised_card_while_its_case_needs_them_and_no_longer(
    town: Town, operation: Operation
) -> None:
    answer = town.desk.keys(town.authorise(operation=operation))
    for purpose in ChannelPurpose:
        for stage in (*Stage, None):
            town.stage = stage
            if stage in OPEN_TO.get((operation, purpose), ()):
                assert answer(town.challenge(purpose)) == KEYS
            else:
                with pytest.raises(Refused, match="no session keys"):
                    answer(town.challenge(purpose))


def test_another_card_gets_none(town: Town) -> None:
    with pytest.raises(Refused, match="another card"):
        town.desk.keys(town.authorise())(town.challenge(card_number="JUKI000000000002"))


def test_a_challenge_is_answered_once(town: Town) -> None:
    answer, challenge = town.desk.keys(town.authorise()), town.challenge()
    answer(challenge)
    with pytest.raises(Refused, match="answered before"):
        answer(challenge)


@pytest.mark.parametrize("before", [datetime.timedelta(), datetime.timedelta(seconds=1)])
def test_a_clock_that_was_put_back_makes_no_leave_longer(town: Town, before: datetime.timedelta) -> None:
    signed_at = START + datetime.timedelta(minutes=10)
    answer = town.desk.keys(town.authorise(issued_at=signed_at))
    town.now = signed_at - before
    if before:
        with pytest.raises(Refused, match="expired"):
            answer(town.challenge())
    else:
        answer(town.challenge())


def test_a_key_is_not_made_on_an_expired_leave_and_one_that_was_made_is_certified_on(town: Town) -> None:
    answer = town.desk.keys(town.authorise())
    town.now += datetime.timedelta(minutes=15)
    with pytest.raises(Refused, match="expired"):
        answer(town.challenge())
    town.stage = Stage.PENDING
    assert answer(town.challenge()) == KEYS


def test_a_leave_that_was_changed_or_is_not_by_a_clerk_of_this_authority_opens_no_card(
    town: Town, tmp_path: Path
) -> None:
    good = town.authorise()
    for at in range(0, len(good.payload), 7):
        changed = bytearray(good.payload)
        changed[at] ^= 1
        with pytest.raises(Refused, match="no session keys"):
            town.desk.keys(dataclasses.replace(good, payload=bytes(changed)))(town.challenge())
    stranger = ClerkKeyFile("stranger", ec.generate_private_key(ec.SECP256R1()), town.clerk.certificate)
    station = load_credential(town.directory / "stations" / "demo.pem").certificate.public_bytes(Encoding.DER)
    for bad in (
        town.authorise(stranger),
        dataclasses.replace(good, clerk_certificate=b""),
        dataclasses.replace(good, clerk_certificate=station),
        dataclasses.replace(good, clerk_certificate=self_signed()),
    ):
        with pytest.raises(Refused, match="no session keys"):
            town.desk.keys(bad)(town.challenge())


def self_signed() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "demo clerk")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, START, START + datetime.timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_clerk_whose_certificate_is_not_in_force_authorises_nothing(town: Town) -> None:
    clerk = x509.load_der_x509_certificate(town.clerk.certificate)
    leave = town.authorise()
    for instant in (
        clerk.not_valid_before_utc - datetime.timedelta(seconds=1),
        clerk.not_valid_after_utc + datetime.timedelta(seconds=1),
    ):
        with pytest.raises(AuthorisationInvalid, match="not in force"):
            verify_authorisation(leave, (town.issuer,), instant)
    assert verify_authorisation(leave, (town.issuer,), town.now).card_number == CARD

"""A password is set anew, a certificate revoked, at a terminal whose clerk, keys and register are another station's."""

from dataclasses import replace
from pathlib import Path

import pytest

from hw.errors import Refused
from kiosk.counter.remote_clerk import RemoteClerk, RemoteClerkKey, RemoteRegister
from kiosk.issuance.failure import StationDenied
from kiosk.issuance.persons import IdentityQuestion, Persons
from kiosk.model.authorisation import AuthorisationTerms, Operation
from kiosk.model.certificate import CertificateState, certify_items
from kiosk.model.policy import PasswordKind
from tests.counter.two_stations import TwoStations, two_stations
from tests.counter_bench import RESIDENT
from tests.issuance.served_counter import (
    NEW_PASSWORD,
    SERVICES,
    Issued,
    Owner,
    check_books,
    has_password,
    issue_once,
)

Leave = tuple[Operation, PasswordKind | None]
"""What a leave is for, and which password."""

NUMBERS = {"unlock": "U-1", "revoke": "R-1"}


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory, fresh_authority: Path) -> Issued:
    return issue_once(tmp_path_factory.mktemp("issued"), fresh_authority)


@pytest.fixture
def town(tmp_path: Path, issued: Issued) -> TwoStations:
    return two_stations(issued.world(tmp_path / "world"))


@pytest.mark.parametrize("name", NUMBERS)
def test_what_needs_the_clerk_is_done_with_the_one_at_the_window(town: TwoStations, issued: Issued, name: str) -> None:
    world = town.world
    with town.attended(town.desk()):
        remote = town.remote()
        persons = Persons(Owner(world), RemoteClerk(remote, NUMBERS[name]))
        SERVICES[name](world, town.terminal(remote), persons)
    check_books(world)
    station = world.station()
    state = station.authority.status(issued.closed.certificate).state
    if name == "unlock":
        assert has_password(world, NEW_PASSWORD) and state is CertificateState.GOOD
    else:
        assert state is CertificateState.REVOKED and not world.hand.memories[RESIDENT].read().keys


class Leaves(Exception):
    """The terminal's process ends here."""


def test_what_is_not_said_to_be_set_anew_is_not_shown_to_the_clerk(town: TwoStations) -> None:
    items = town.world.station().register.residents()[0].items
    with town.attended(town.desk()):
        remote = town.remote()
        RemoteRegister(remote).find(RESIDENT)
        for operation, which in (("reset_password", None), ("issue", "signature")):
            question = IdentityQuestion("U-1", items, items, (), operation, which=which)
            with pytest.raises(StationDenied, match="which password"):
                RemoteClerk(remote, "U-1").approve(question)


SIGNATURE: Leave = ("reset_password", "signature")
AUTHENTICATION: Leave = ("reset_password", "authentication")
ISSUE: Leave = ("issue", None)


@pytest.mark.parametrize(
    ("approved", "wanted"),
    [
        (ISSUE, SIGNATURE),
        (SIGNATURE, ISSUE),
        (AUTHENTICATION, SIGNATURE),
        (SIGNATURE, AUTHENTICATION),
        (SIGNATURE, ("reset_password", None)),
    ],
)
def test_a_leave_for_one_thing_is_not_signed_for_another(town: TwoStations, approved: Leave, wanted: Leave) -> None:
    """What the clerk was shown decides what his key signs, whatever the terminal asks for afterwards."""
    world = town.world
    asked: list[IdentityQuestion] = []

    class Straying(RemoteClerk):
        def approve(self, question: IdentityQuestion) -> None:
            asked.append(question)
            raise Leaves

    with town.attended(town.desk()):
        remote = town.remote()
        persons = Persons(Owner(world), Straying(remote, "U-1"))
        with pytest.raises(Leaves):
            SERVICES["unlock"](world, town.terminal(remote), persons)
        (question,) = asked
        assert (question.operation, question.which) == SIGNATURE
        operation, which = approved
        RemoteClerk(remote, "U-1").approve(replace(question, operation=operation, which=which))
        case = world.station().journal.latest_case("U-1")
        assert case is not None
        terms = AuthorisationTerms(
            operation=wanted[0],
            which=wanted[1],
            case=case.pseudonym,
            station="demo",
            card_number=f"JUKI{RESIDENT:0>12}",
            items_hash=certify_items(question.register_items, "").hash(),
            person=world.station().person(RESIDENT),
            nonce=bytes(16),
            issued_at=world.now,
            expires_at=world.now,
            uptime=world.station().uptime(),
        )
        with pytest.raises(Refused, match="has approved"):
            RemoteClerkKey(remote).authorise(terms)

"""Two stations of one town on one store: each opens its own cases, and the authority sees to what they cannot see."""

from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.authority.client import AuthorityClient
from kiosk.authority.credential import load_credential
from kiosk.authority.embedded.directory import add_station, init
from kiosk.config import SHIPPED, load_config
from kiosk.issuance.failure import CaseEnded, Refusal
from kiosk.issuance.issue import issue
from kiosk.issuance.report import StepReport
from kiosk.issuance.station import Station
from kiosk.journal.database import open_database
from kiosk.journal.head import HeadKey
from kiosk.journal.journal import Journal
from kiosk.journal.seal import StationKey
from kiosk.journal.verify import verify_chain
from kiosk.model.application import Application
from kiosk.model.step import Step
from tests.asgi_line import AsgiLine
from tests.counter_bench import OTHER_RESIDENT, RESIDENT, START, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    town = load_config(SHIPPED / "kiosk.toml", []).town
    init(tmp_path / "ca", SHIPPED / "policy" / "juki-2011.toml", town, lambda: START)
    return World(tmp_path, tmp_path / "ca")


def second_station(world: World) -> Station:
    """A station with a name, a credential and a key of its own, on the first one's store."""
    credential = load_credential(add_station(world.authority_directory, world.authority, "second"))
    return world.station(
        name="second",
        journal=Journal(
            open_database(world.database_url),
            "second",
            StationKey(b"\x01" * 32),
            lambda: world.now,
            head_key=HeadKey(b"\x01" * 32),
        ),
        authority=AuthorityClient(
            "http://authority",
            credential,
            credential.chain,
            clock=lambda: world.now,
            line=AsgiLine(world.application),
        ),
    )


def test_a_resident_who_has_a_certificate_gets_no_second_at_another_station(world: World) -> None:
    world.issue("1")
    card = world.hand.memories[RESIDENT].read()
    with pytest.raises(CaseEnded, match="E07") as elsewhere:
        world.issue("2", station=second_station(world))
    after = world.hand.memories[RESIDENT].read()
    assert (after.files, after.keys, after.pins) == (card.files, card.keys, card.pins), "his key is in use"
    assert not isinstance(elsewhere.value, Refusal), "its own books do not tell, the authority does"
    with pytest.raises(Refusal, match="E07"):
        world.issue("3")
    assert world.till.total_yen() == 500


def test_nobody_loses_his_key_to_another_who_comes_with_his_card(world: World) -> None:
    world.issue("1")
    card = world.hand.memories[RESIDENT].read()
    persons = world.persons("2", OTHER_RESIDENT)
    borrower = replace(persons, resident=world.persons("2", RESIDENT).resident)
    with pytest.raises(CaseEnded, match="E06"):
        issue(Application("2", OTHER_RESIDENT), second_station(world), borrower, lambda _: None)
    after = world.hand.memories[RESIDENT].read()
    assert (after.files, after.keys, after.pins) == (card.files, card.keys, card.pins)
    assert world.till.total_yen() == 500


def test_both_issue_under_one_number_and_their_receipts_have_no_gap(world: World) -> None:
    second = second_station(world)
    closed = [world.issue("1"), world.issue("1", OTHER_RESIDENT, station=second)]
    assert [one.receipt_number for one in closed] == [1, 2]
    assert world.issue("1") == closed[0]
    assert world.issue("1", OTHER_RESIDENT, station=second) == closed[1]
    assert set(verify_chain(second.journal.entries())) == {"demo", "second"}


def test_a_card_in_use_at_one_station_is_refused_at_the_other(world: World) -> None:
    class Cut(BaseException):
        pass

    def cut_at_certify(report: StepReport) -> None:
        if report.step is Step.CERTIFY:
            raise Cut

    with pytest.raises(Cut):
        world.issue("1", report=cut_at_certify)
    with pytest.raises(Refusal, match="E18"):
        world.issue("2", station=second_station(world))
    assert world.issue("1").receipt_number == 1

"""The other procedures' exploration in a reduced set, and that it bites.

The long run is a command: `python -m tests.crash.services`.
"""

from collections.abc import Iterator
from random import Random, SystemRandom
from typing import Any

import pytest

from kiosk.issuance import abort, change_password, revoke, roll_back
from kiosk.journal.journal import Journal
from kiosk.journal.records import CaseRecord
from kiosk.model.step import Actor
from kiosk.model.transition import Event
from tests.crash.boundary import Kind
from tests.crash.office import Office, furnished
from tests.crash.people import Presence
from tests.crash.plan import Change, Delay, text_of
from tests.crash.services import CHANGES, SERVICES, deaths, explore, set_up


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with furnished() as office:
        yield office


@pytest.fixture(scope="module")
def two_key_office() -> Iterator[Office]:
    with furnished("myna-2016") as office:
        yield office


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_breaks_wherever_one_of_all_ends(office: Office, two_key_office: Office, name: str) -> None:
    service = SERVICES[name]
    stage = set_up(office if service.policy == office.config.policy.name else two_key_office, service)
    seed = SystemRandom().randrange(1 << 16)
    print(f"seed {seed}")
    plans = Random(seed).sample(deaths(stage), 6) + Random(seed).sample(deaths(stage, CHANGES), 6)
    found: list[str] = []
    explore(stage, plans, found.append)
    assert found == []


def test_who_files_for_the_card_that_lies_in_the_terminal_has_both_in_that_one(two_key_office: Office) -> None:
    """Taken for one that lacks them when he was looked for in his own."""
    stage = set_up(two_key_office, SERVICES["issue-two-terminal"])
    found: list[str] = []
    plans = deaths(stage, [Change(Presence.SWAPPED)])
    explore(stage, [plan for plan in plans if text_of(plan) == "card3+/swapped"], found.append)
    assert found == []


@pytest.mark.parametrize("name", [name for name in SERVICES if name.startswith("issue-two")])
def test_a_neighbour_who_is_served_before_anything_was_certified_is_not_taken_for_the_applicant(
    two_key_office: Office, name: str
) -> None:
    stage = set_up(two_key_office, SERVICES[name])
    found: list[str] = []
    plans = deaths(stage, [Change(is_next=True)])
    # Before anything was done, and with his card left in the terminal, which is then the neighbour's.
    chosen = [plans[0], *(plan for plan in plans if text_of(plan) == "person1+/next")]
    explore(stage, chosen, found.append)
    assert found == []


def test_a_card_that_was_emptied_and_then_became_the_neighbours_has_a_key_again(office: Office) -> None:
    stage = set_up(office, SERVICES["revoke"])
    found: list[str] = []
    explore(stage, [p for p in deaths(stage, [Change(is_next=True)]) if text_of(p) == "store10+/next"], found.append)
    assert found == []


def test_a_change_that_is_guessed_to_have_happened_is_found_out(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_password, "holds", lambda session, use, typed: True)
    stage = set_up(office, SERVICES["change"])
    found: list[str] = []
    explore(stage, deaths(stage), found.append)
    assert any("does not have the password" in text for text in found)


def test_a_revocation_that_nobody_looks_at_is_found_out(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    guess = roll_back.Revoked("cessationOfOperation")
    monkeypatch.setattr(revoke, "look_at_revocation", lambda intent, station: guess)
    stage = set_up(office, SERVICES["revoke"])
    found: list[str] = []
    explore(stage, deaths(stage), found.append)
    assert any("the certificate is" in text for text in found)


def test_a_case_that_is_ended_by_what_was_known_before_the_last_cut_is_found_out(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(abort, "recall", lambda case, card: None)
    stage = set_up(office, SERVICES["end-pending"])
    found: list[str] = []
    explore(stage, deaths(stage)[::6], found.append)
    assert found


def test_a_case_that_is_ended_before_it_is_put_off_is_found_out(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the process dies in between, nothing knows of the day."""

    def end_on_hold(journal: Journal, case: CaseRecord, code: str, application: bytes, held: bytes) -> CaseRecord:
        journal.move(case, Event.END, Actor.STATION, code)
        return journal.open_on_hold(case.number, application, held)

    monkeypatch.setattr(Journal, "end_on_hold", end_on_hold)
    stage = set_up(office, SERVICES["put-off-pending"])
    found: list[str] = []
    explore(stage, deaths(stage), found.append)
    assert any("a_day_to_return_outlives" in text for text in found)


def test_a_second_certificate_that_is_not_taken_back_is_found_out(
    two_key_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is valid before the first, which nobody confirms any more once its time is over."""

    def revoke_first(case: Any, station: Any, unacceptable: Any) -> None:
        first = roll_back._certificate_to_revoke(
            case, station, roll_back.CERTIFY, roll_back.CONFIRM, roll_back.REVOKE, unacceptable
        )
        roll_back._revoke(case, station, roll_back.REVOKE, first)

    monkeypatch.setattr(roll_back, "_revoke_both", revoke_first)
    stage = set_up(two_key_office, SERVICES["issue-two-terminal"])
    late = [plan for plan in deaths(stage, [Change(delay=Delay.LAPSED)]) if plan[0].point.kind is Kind.AUTHORITY]
    found: list[str] = []
    explore(stage, late, found.append)
    assert any("a_valid_second_certificate" in text for text in found)

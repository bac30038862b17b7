"""What the journal tells of a case, from its first entry to its last: every step, who, why, and what money."""

import datetime
import json
from dataclasses import replace
from pathlib import Path

import pytest

from hw.ports import PrintOutcome
from kiosk.authority.errors import AuthorityRejected
from kiosk.counter.clerk_key import load_clerk_key, operator_of
from kiosk.issuance.abort import abort
from kiosk.issuance.failure import RolledBack, Suspect
from kiosk.issuance.hold import NotHeld, hold, resume
from kiosk.issuance.persons import Abandoned, CannotTell
from kiosk.issuance.settle import settle
from kiosk.journal.journal import Journal
from kiosk.journal.records import CaseRecord
from kiosk.journal.seal import Seal, StationKey
from kiosk.model.step import Actor
from kiosk.model.transition import Procedure
from tests.counter_bench import RESIDENT, World
from tests.issuance.myna_counter import make_myna_authority, new_myna_world
from tests.issuance.otherwise import always, raising, with_authority, with_clerk, with_printer, with_resident
from tests.issuance.rest import cut, new_world, step_of_commit

OPERATOR = "a1" * 16
TOMORROW = datetime.date(2026, 4, 2)
_TOLD = ("event", "step", "by", "code", "yen", "operator", "operators", "auto", "receipt", "attempt_number", "beside")
_TO_THE_FEE = """opened attempt_number=1 beside=number
    done application beside=card
    done identity_check beside=person
    done authorise
    intended generate_key
    done generate_key
    done request
    intended certify
    done certify
    intended write
    done write
    done read_back
    intended fee"""
_FROM_THE_CONFIRMATION = """intended confirm
    done confirm
    done take_card
    numbered receipt=1
    intended receipt
    done receipt
    done closed"""


def told(world: World) -> list[str]:
    """What each entry tells besides its place, its time, its case and its commitment."""
    entries = [json.loads(entry.body) for entry in world.station().journal.entries()]
    named = [{key: entry[key] for key in _TOLD if key in entry} for entry in entries]
    return [
        " ".join(str(value) if key in ("event", "step") else f"{key}={value}" for key, value in entry.items())
        for entry in named
    ]


def lines(*texts: str) -> list[str]:
    return [line.strip() for text in texts for line in text.splitlines()]


def test_an_issuance(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "world", fresh_authority)
    world.issue()
    assert told(world) == lines(_TO_THE_FEE, "done fee yen=500", _FROM_THE_CONFIRMATION)


def test_an_issuance_of_two_certificates(tmp_path: Path) -> None:
    world = new_myna_world(tmp_path / "world", make_myna_authority(tmp_path / "ca"))
    world.issue()
    second = """intended second_certify
        done second_certify
        intended second_write
        done second_write
        done second_read_back
        intended fee
        done fee yen=200
        intended second_confirm
        done second_confirm"""
    first = _TO_THE_FEE.replace(
        "done request", "done request\nintended second_key\ndone second_key\ndone second_request"
    )
    assert told(world) == lines(first.removesuffix("intended fee").rstrip(), second, _FROM_THE_CONFIRMATION)


def test_an_issuance_that_is_taken_back_when_it_is_paid(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "world", fresh_authority)
    refusing = with_authority(world, lambda _: {"confirm": raising(AuthorityRejected("badRequest", "no"))})
    with pytest.raises(RolledBack, match="K-CA-005"):
        world.issue(station=refusing)
    end = """done fee yen=500
        intended confirm
        failed confirm code=K-CA-005
        rolling_back by=station code=K-CA-005
        intended revoke
        done revoke
        intended refund yen=0
        done refund yen=500
        intended erase
        done erase
        rolled_back by=station code=K-CA-005"""
    assert told(world) == lines(_TO_THE_FEE, end)


def test_an_issuance_that_its_resident_leaves(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "world", fresh_authority)
    with pytest.raises(RolledBack, match="K-CASE-002"):
        world.issue(persons=with_resident(world, consent=raising(Abandoned(Actor.RESIDENT, "left"))))
    end = """failed fee code=K-CASE-002
        rolling_back by=resident code=K-CASE-002
        intended revoke
        done revoke
        intended erase
        done erase
        rolled_back by=station code=K-CASE-002"""
    assert told(world) == lines(_TO_THE_FEE, end)


def test_an_issuance_that_two_clerks_have_to_settle(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "world", fresh_authority)
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, "fee", "done"), is_before=True)
    with pytest.raises(Suspect, match="K-CASE-007"):
        world.issue(persons=with_clerk(world, count_payment=raising(CannotTell())))
    keys = [load_clerk_key(world.authority_directory / "clerks" / f"{name}.pem") for name in ("demo", "second")]
    one, other = (operator_of(key.certificate) for key in keys)
    station = world.station()
    case = station.journal.latest_case("1")
    assert case is not None
    settle(case, "500", station, *keys)
    world.issue()
    end = f"""unknown fee code=K-CASE-007
        fee_suspect by=clerk code=K-CASE-007 operator={one}
        witnessed fee by=two_clerks operators={one} {other}
        unknown fee by=two_clerks
        done fee yen=500"""
    assert told(world) == lines(_TO_THE_FEE, end, _FROM_THE_CONFIRMATION)


@pytest.mark.parametrize("is_paid", [False, True])
def test_an_issuance_that_a_clerk_ends_after_an_interruption(
    tmp_path: Path, fresh_authority: Path, *, is_paid: bool
) -> None:
    """Money that is found in the till is told before it is given back."""
    step, until = ("fee", 13) if is_paid else ("generate_key", 5)
    world = new_world(tmp_path / "world", fresh_authority)
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, step, "done"), is_before=True)
    world.hand.insert(RESIDENT)
    case = world.station().journal.latest_case("1")
    assert case is not None
    ended = abort(case, world.station(), world.persons("1"), OPERATOR)
    assert isinstance(ended, RolledBack)
    taken_back = """intended refund yen=500
        done refund yen=500
        intended revoke
        done revoke
        intended erase
        done erase"""
    end = [
        f"rolling_back by=clerk code=K-CASE-010 operator={OPERATOR}",
        *(lines(taken_back) if is_paid else ()),
        "rolled_back by=station code=K-CASE-010",
    ]
    assert told(world) == [*lines(_TO_THE_FEE)[:until], *end]


def test_an_application_that_is_put_off_and_taken_up_again(tmp_path: Path, fresh_authority: Path) -> None:
    """What was begun is taken back by the clerk who puts it off; it begins anew, and ends as any other."""
    world = new_world(tmp_path / "world", fresh_authority)
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, "generate_key", "intended"), is_before=False)
    world.hand.insert(RESIDENT)
    slip = hold("1", TOMORROW, world.station(), world.persons("1"), "sato", OPERATOR)
    assert (slip.until, slip.came_out) == (TOMORROW, True)
    begun = lines(_TO_THE_FEE)
    put_off = [
        f"rolling_back by=clerk code=K-CASE-010 operator={OPERATOR}",
        f"done return_day operator={OPERATOR}",
        "rolled_back by=station code=K-CASE-010",
        "opened attempt_number=2 beside=number",
        "done hold",
    ]
    assert told(world) == [*begun[:5], *put_off]
    paper = world.printer_core.sheets[-1].text
    assert "令和8年4月2日" in paper and "いただいていません" in paper and "sato" in paper and "幌延町" in paper
    resume("1", world.station(), OPERATOR)
    assert told(world)[-1] == f"opened by=clerk code=K-CASE-010 operator={OPERATOR}"
    world.hand.insert(RESIDENT)
    world.issue()
    end = lines("done fee yen=500", _FROM_THE_CONFIRMATION)
    assert told(world)[len(begun[:5]) + len(put_off) + 1 :] == [*begun[1:], *end]


@pytest.mark.parametrize("seal", [StationKey(bytes(32)).seal(None), StationKey(bytes(32)).seal_elsewhere("clerk")])
def test_an_application_that_cannot_be_read_here_any_more_is_not_put_off(
    tmp_path: Path, fresh_authority: Path, monkeypatch: pytest.MonkeyPatch, seal: Seal
) -> None:
    world = new_world(tmp_path / "world", fresh_authority)
    with pytest.raises(RolledBack):
        world.issue(persons=with_resident(world, consent=raising(Abandoned(Actor.RESIDENT, "left"))))
    latest_case = Journal.latest_case

    def unread(journal: Journal, number: str) -> CaseRecord | None:
        case = latest_case(journal, number)
        return case and replace(case, seal=seal)

    monkeypatch.setattr(Journal, "latest_case", unread)
    with pytest.raises(NotHeld, match="cannot be read here"):
        hold("1", TOMORROW, world.station(), world.persons("1"), "sato")


def test_only_an_application_for_a_certificate_is_put_off(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "world", fresh_authority)
    journal = world.station().journal
    journal.open_case("P-1", b"{}", Procedure.CHANGE)
    for number in ("P-1", "nobody's"):
        with pytest.raises(NotHeld, match="no application"):
            hold(number, TOMORROW, world.station(), world.persons("1"), "sato")


@pytest.mark.parametrize(("outcome", "came_out"), [(PrintOutcome.SENT, None), (PrintOutcome.CONFIRMED, True)])
def test_a_slip_that_no_printer_vouches_for(
    tmp_path: Path, fresh_authority: Path, outcome: PrintOutcome, *, came_out: bool | None
) -> None:
    world = new_world(tmp_path / "world", fresh_authority)
    world.station().journal.open_case("1", b"{}")
    silent = with_printer(world, lambda _: {"print": always(outcome)})
    assert hold("1", TOMORROW, silent, world.persons("1"), "sato").came_out is came_out

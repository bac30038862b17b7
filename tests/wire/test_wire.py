"""The campaigns on the line in a reduced set; whole they are a command: `python -m tests.wire all`."""

from pathlib import Path
from random import SystemRandom

import pytest

from hw.ports import DepositEnd
from hw.printer.models import MODELS
from tests.wire import coins, payouts, plugs, receipts, values
from tests.wire.__main__ import is_wrong


@pytest.fixture
def seed() -> int:
    """Printed when the test fails."""
    seed = SystemRandom().randrange(1 << 16)
    print(f"seed {seed}")
    return seed


def test_every_coin_is_credited_once_or_reported_lost_whatever_befalls_a_byte(seed: int, tmp_path: Path) -> None:
    found = list(coins.campaign(41, tmp_path, seed=seed))
    assert len(found) > 400
    assert {kind for kind, _, _ in found} == {*coins.INJURIES, "killed", "killed at a note", "power cut"}
    assert [plan for _, verdict, plan in found if is_wrong(verdict)] == []
    assert {kind for kind, verdict, _ in found if verdict != "exact"} <= {"power cut"}


def test_no_change_is_paid_twice_whatever_befalls_a_byte(seed: int, tmp_path: Path) -> None:
    found = list(payouts.campaign(61, tmp_path, seed))
    assert {kind for kind, _, _ in found} >= {*coins.INJURIES, "killed"}
    assert [finding for finding in found if is_wrong(finding[1])] == []


def test_the_verdict_on_a_payout_can_be_a_wrong_one() -> None:
    for stolen, told in ((-1, "LOST IN SILENCE"), (1, "PAID TOO MUCH")):
        counter = payouts.PayoutCounter("simple", 100)
        box = counter.fixed("first")
        counter.machine.hopper.memory.dispensed += stolen
        assert counter.verdict(box, box.end(DepositEnd.CHANGE)) == told
    counter = payouts.PayoutCounter("simple", 100)
    box = counter.fixed("first")
    counter.machine.hopper.memory.dispensed += 1
    assert counter.verdict(box, None) == "TOLD WRONGLY"


def test_a_payment_is_exact_after_every_value_of_the_counter() -> None:
    assert [plan for _, verdict, plan in coins.counter_steps() if verdict != "exact"] == []


def test_the_verdict_on_coins_can_be_a_wrong_one() -> None:
    counter = coins.CoinCounter("simple")
    counter.machine.acceptor.memory.cash_box_yen.append(500)
    assert is_wrong(counter.verdict())
    counter.ledger.state.unassigned_yen = 1000
    assert is_wrong(counter.verdict())
    counter.ledger.state.unassigned_yen, counter.ledger.state.lost_events = 0, 1
    assert counter.verdict() == "reported lost"


@pytest.mark.parametrize("model", ["tm-t88-ja", "generic-58"])
def test_no_receipt_is_confirmed_without_paper_whatever_befalls_a_byte(model: str, seed: int) -> None:
    found = list(receipts.campaign(23, (model,), seed))
    assert {finding.kind for finding in found} == set(receipts.INJURIES)
    assert [finding for finding in found if is_wrong(finding.verdict)] == []
    outcome = "printed" if MODELS[model].cut_counter is None else "confirmed"
    assert any(finding.verdict == f"{outcome}, whole" for finding in found)


@pytest.mark.wire
def test_a_device_unplugged_within_a_command_is_told_and_works_again(seed: int) -> None:
    found = list(plugs.campaign(29, seed))
    assert {finding.kind.partition(":")[0] for finding in found} == set(plugs.KINDS)
    silent = {finding.kind.partition(":")[0] for finding in found if finding.is_silence}
    assert silent == {name for name, kind in plugs.KINDS.items() if kind.answers}
    assert [finding for finding in found if is_wrong(finding.verdict)] == []


def test_every_value_of_every_status_byte() -> None:
    assert values.status_bytes() == 4 * 256
    assert values.automatic_status_bytes() == 4 * 256
    assert values.codes() == 256


def test_steps_of_the_event_counter() -> None:
    assert values.counter_steps(every=5) == 52 * 256 * 6


def test_random_frames_upset_nothing(seed: int) -> None:
    assert dict(values.random_frames(3000, seed))["ccTalk frames"] == 3000
    assert len(dict(values.random_commands(400, seed))) == 5


def test_answers_that_are_whole_and_say_anything_upset_no_driver(seed: int) -> None:
    taken = dict(values.random_answers(3000, seed))
    assert all(300 < count < 2700 for count in taken.values()), taken

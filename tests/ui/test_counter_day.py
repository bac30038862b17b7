"""The counter's day from the keyboard: numbers, the drawer, copies, papers; what is kept is there after a restart."""

import json
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from hw.cash.coin_box import CoinBox
from hw.errors import LinkLost
from hw.ports import UnownedMoney
from kiosk.counter.queue import TicketState
from kiosk.journal.chain import read_entries
from kiosk.ui.app import KioskApp
from tests.hw.cash.coins import Coins
from tests.ui.contact_sheet import duties
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import ScriptedCounter, a_left_case
from tests.ui.walk import choose_duty, find_resident, go, reach, take_up_duty, until


def test_a_clerks_day_is_kept(play: Callable[..., KioskApp]) -> None:
    counter = ScriptedCounter()
    seen: dict[str, str] = {}

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        async def look(name: str) -> None:
            seen[name] = text_on(app)

        await duties(pilot, look)

    a_left_case(counter)
    play(counter, clerk)
    assert "1,500円 足りない" in seen["day-differs"] and "署名" in seen["day-differs"]
    assert "ありません。" in seen["day-sums"]
    assert "10,000円" in seen["day-closed"] and "500円" in seen["day-closed"]
    (slip, values), (form, on_form) = counter.papers().printed
    assert (slip, values["expected_yen"], values["counted_yen"], values["first_receipt"]) == (
        "day_close", "10,500", "10,500", "000016",
    )  # fmt: skip
    assert values["head"].startswith("KJ1:")
    assert (form, on_form["name"]) == ("application", "幌延　花子") and on_form["number"].startswith("2026-0001-")

    async def next_start(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await until(pilot, lambda: app.board.calls == 2, "the number that was called")
        assert "2番の方を お呼びしています" in text_on(app)
        assert [t.state for t in app.board.tickets] == [
            TicketState.ABSENT,
            TicketState.CALLED,
            TicketState.WAITING,
        ]
        await pilot.press("f11")
        await reach(pilot, "LeftCases")
        await pilot.press("escape")
        await choose_duty(pilot, "4")
        await reach(pilot, "DayIsClosed")
        await pilot.press("enter")
        await choose_duty(pilot, "b")
        await reach(pilot, "DayIsClosed")

    play(counter, next_start)


def test_a_drawer_is_handed_over_and_the_seat_locks(play: Callable[..., KioskApp]) -> None:
    counter = ScriptedCounter()

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await take_up_duty(pilot, "b")
        await reach(pilot, "CountDrawer")
        await pilot.press("1", "f9")
        await reach(pilot, "DaySums")
        await go(pilot, ("2", "Told"), ("enter", "Desk"))
        await until(pilot, lambda: "離席" in text_on(app) or app.screen.has_class("-locked"), "the lock")

    play(counter, clerk)
    last = counter.records().counts.last()
    assert last is not None
    assert (last.count.kind, last.count.reason, last.count.kept_yen) == ("handover", "unexplained", 10_000)

    async def next_clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await take_up_duty(pilot, "b")
        await reach(pilot, "Told")
        assert "管理者に お知らせください" in text_on(app)
        await pilot.press("enter")
        await reach(pilot, "Desk")

    # The journal now tells of another count than the one that is kept.
    counter.records().journal.note({"event": "handover", "commitment": "00", "operators": ""}, lambda _: None)
    play(counter, next_clerk)


def coins_of_nobody(tmp_path: Path, payment: str = "") -> CoinBox:
    """A coin machine that was interrupted while it held 200 yen of a payer."""
    coins = Coins(tmp_path / "coins.jsonl")
    box = coins.box()
    box.begin(500, payment)
    for _ in range(2):
        box.deposit()
        assert coins.machine.insert(100)
    return coins.box()


def test_money_of_nobody_is_counted_and_settled_before_the_drawer(
    play: Callable[..., KioskApp], tmp_path: Path
) -> None:
    counter = ScriptedCounter()
    counter.coins = box = coins_of_nobody(tmp_path)

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await take_up_duty(pilot, "4")
        await reach(pilot, "CountDrawer")
        assert "どの手続のものでもない" in text_on(app) and "200円" in text_on(app)
        await pilot.press("escape")  # put off
        await reach(pilot, "CountDrawer")
        assert "引き出し" in text_on(app)
        await pilot.press("escape")
        await choose_duty(pilot, "4")
        await reach(pilot, "CountDrawer")
        await pilot.click("#piece-100")
        await pilot.press("f9")
        await reach(pilot, "DaySums")
        assert "100円 足りない" in text_on(app) and "前回の残り" not in text_on(app)
        await pilot.press("1")
        await reach(pilot, "Told")
        assert "片づけました" in text_on(app)

    play(counter, clerk)
    assert not box.unowned()
    counts = counter.records().counts
    assert counts.last() is None, "the drawer goes on from its own counts"
    assert machine_counts(counter) == [(200, 100)]


def test_a_count_that_the_machine_did_not_hear_of_is_not_made_twice(
    play: Callable[..., KioskApp], tmp_path: Path
) -> None:
    counter = ScriptedCounter()
    counter.coins = box = coins_of_nobody(tmp_path)

    class Cut:
        """Its power fails when it is told."""

        unowned = box.unowned

        def settle(self, counted: UnownedMoney) -> int:
            raise LinkLost("cut")

    counter.coins = Cut()

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await take_up_duty(pilot, "4")
        await reach(pilot, "CountDrawer")
        await pilot.click("#piece-100")
        await pilot.click("#piece-100")
        await go(pilot, ("f9", "DaySums"), ("enter", "Told"))
        assert "もう一度" in text_on(app)

    async def after(pilot: Pilot[None], app: KioskApp) -> None:
        await take_up_duty(pilot, "4")
        await reach(pilot, "Told")
        assert "片づけました" in text_on(app)

    play(counter, clerk)
    counter.coins = box
    play(counter, after)
    assert not box.unowned()
    assert machine_counts(counter) == [(200, 200)]


def test_money_of_a_case_that_was_left_is_not_settled_behind_its_back(
    play: Callable[..., KioskApp], tmp_path: Path
) -> None:
    counter = ScriptedCounter()
    counter.coins = box = coins_of_nobody(tmp_path, "a case")

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await take_up_duty(pilot, "4")
        await reach(pilot, "Told")
        assert "終わっていない手続" in text_on(app)
        await pilot.press("enter")
        await reach(pilot, "CountDrawer")
        assert "引き出し" in text_on(app)

    play(counter, clerk)
    assert box.left_over("a case").coins_yen == 100


def machine_counts(counter: ScriptedCounter) -> list[tuple[int, int]]:
    """What the journal tells of counts of the coin machine: what it says to hold, and what was counted."""
    told = [json.loads(entry.body) for entry in read_entries(counter.kept.databases[-1])]
    return [(facts["due_yen"], facts["counted_yen"]) for facts in told if facts.get("event") == "machine"]


def test_a_letter_to_somebody_under_protection_has_no_address(play: Callable[..., KioskApp]) -> None:
    counter = ScriptedCounter()
    counter.protected = frozenset({1})

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await take_up_duty(pilot, "a")
        await find_resident(pilot, "花子")
        await reach(pilot, "Told")
        assert "支援措置" in text_on(app)

    play(counter, clerk)
    ((name, values),) = counter.papers().printed
    assert (name, values["address"], values["name"]) == ("inquiry", "", "幌延　花子")


def test_nobody_is_asked_why_he_needs_a_copy_of_a_receipt_that_was_never_printed(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await take_up_duty(pilot, "6")
        await reach(pilot, "EnterReceiptNumber")
        await pilot.press("9", "9", "enter")
        await until(pilot, lambda: type(app.screen).__name__ not in ("EnterReceiptNumber", "Desk"), "the answer")
        assert type(app.screen).__name__ == "Told" and "99" in text_on(app)
        await go(pilot, ("enter", "Desk"))

    play(ScriptedCounter(), clerk)

"""The counter's day from the keyboard: numbers, the drawer, copies, papers; what is kept is there after a restart."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from kiosk.counter.queue import TicketState
from kiosk.ui.app import KioskApp
from tests.ui.contact_sheet import duties
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import ScriptedCounter, a_left_case
from tests.ui.walk import reach, until


def run(counter: ScriptedCounter, locale: Path, what: Callable[[Pilot[None], KioskApp], Awaitable[None]]) -> KioskApp:
    async def session() -> KioskApp:
        app = KioskApp(lambda: counter, issue=counter.issue, locale=locale)
        async with app.run_test(size=(100, 30)) as pilot:
            await what(pilot, app)
        return app

    return asyncio.run(session())


async def to_menu(pilot: Pilot[None], key: str) -> None:
    await reach(pilot, "Desk")
    await pilot.press("m")
    await reach(pilot, "Menu")
    await pilot.press(key)


def test_a_clerks_day_is_kept(locale: Path) -> None:
    counter = ScriptedCounter()
    seen: dict[str, str] = {}

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        async def look(name: str) -> None:
            seen[name] = text_on(app)

        await duties(pilot, look)

    a_left_case(counter)
    run(counter, locale, clerk)
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
        await to_menu(pilot, "4")
        await reach(pilot, "DayIsClosed")
        await pilot.press("enter")
        await to_menu(pilot, "b")
        await reach(pilot, "DayIsClosed")

    run(counter, locale, next_start)


def test_a_drawer_is_handed_over_and_the_seat_locks(locale: Path) -> None:
    counter = ScriptedCounter()

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f11")
        await to_menu(pilot, "b")
        await reach(pilot, "CountDrawer")
        await pilot.press("1", "f9")
        await reach(pilot, "DaySums")
        await pilot.press("2")
        await reach(pilot, "Told")
        await pilot.press("enter")
        await reach(pilot, "Desk")
        await until(pilot, lambda: "離席" in text_on(app) or app.screen.has_class("-locked"), "the lock")

    run(counter, locale, clerk)
    last = counter.records().counts.last()
    assert last is not None
    assert (last.count.kind, last.count.reason, last.count.kept_yen) == ("handover", "unexplained", 10_000)

    async def next_clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f11")
        await to_menu(pilot, "b")
        await reach(pilot, "Told")
        assert "管理者に お知らせください" in text_on(app)
        await pilot.press("enter")
        await reach(pilot, "Desk")

    # The journal now tells of another count than the one that is kept.
    counter.records().journal.note({"event": "handover", "commitment": "00", "operators": ""}, lambda _: None)
    run(counter, locale, next_clerk)


def test_a_letter_to_somebody_under_protection_has_no_address(locale: Path) -> None:
    counter = ScriptedCounter()
    counter.protected = frozenset({1})

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f11")
        await to_menu(pilot, "a")
        await reach(pilot, "FindResident")
        await pilot.press(*"花子")
        await pilot.pause()
        await pilot.press("enter")
        await reach(pilot, "Told")
        assert "支援措置" in text_on(app)

    run(counter, locale, clerk)
    ((name, values),) = counter.papers().printed
    assert (name, values["address"], values["name"]) == ("inquiry", "", "幌延　花子")

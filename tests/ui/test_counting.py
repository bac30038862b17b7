"""A count of the drawer: Enter goes on, money alone interrupts it, and nothing that was counted is lost."""

from collections.abc import Callable
from dataclasses import replace

from textual.pilot import Pilot

from kiosk.journal.records import CaseElsewhere
from kiosk.model.transition import Stage
from kiosk.ui.app import KioskApp
from kiosk.ui.persons import CaseLine
from kiosk.ui.terminals import LeftAtTerminal, TerminalQuestion, Terminals
from kiosk.ui.widgets.key import Key
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import ScriptedCounter, a_left_case
from tests.ui.walk import PASSWORD, choose_duty, go, reach, until, walk_to


async def to_count(pilot: Pilot[None]) -> None:
    await choose_duty(pilot, "4")
    await reach(pilot, "CountDrawer")


def pieces(app: KioskApp, yen: int) -> str:
    return app.screen.query_one(f"#piece-{yen}", Key).label


def test_enter_goes_on_to_the_next_piece_and_a_tap_adds_one(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f11")
        await to_count(pilot)
        first = app.screen.query_one("#piece-10000", Key)
        assert first.has_focus and first.render().plain.split() == ["10,000円", "0枚", "Enter"]
        await pilot.press("2", "enter", "3", "enter", "enter")
        await pilot.click("#piece-500")
        assert [pieces(app, yen) for yen in (10000, 5000, 500)] == ["2枚", "3枚", "1枚"]
        assert "35,500円" in text_on(app)

    play(ScriptedCounter(), clerk)


def test_who_goes_back_from_the_sums_counts_on(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f11")
        await to_count(pilot)
        await pilot.press("2", "f9")
        await reach(pilot, "DaySums")
        await pilot.press("escape")
        await reach(pilot, "CountDrawer")
        assert pieces(app, 10000) == "2枚"
        await pilot.press("escape")
        await until(pilot, lambda: "ここまで数えたものを消して" in text_on(app), "the question whether he gives it up")
        await pilot.press("escape", "enter", "7")
        assert [pieces(app, yen) for yen in (10000, 5000)] == ["2枚", "7枚"], "it is counted on"
        await pilot.press("escape", "f8")
        await reach(pilot, "Desk")
        await to_count(pilot)
        assert pieces(app, 10000) == "0枚", "he has given the count up"
        await pilot.press("escape")
        await reach(pilot, "Desk")

    play(ScriptedCounter(), clerk)


def test_an_identity_check_waits_until_the_count_is_done(play: Callable[..., KioskApp]) -> None:
    counter = ScriptedCounter()

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "insert-card")
        await pilot.press("f11")
        await to_count(pilot)
        await pilot.press("2")
        counter.reader.insert()
        await until(pilot, lambda: "お客様の手続が 待っています" in text_on(app), "the word that somebody waits")
        assert type(app.screen).__name__ == "CountDrawer" and pieces(app, 10000) == "2枚"
        await pilot.press("escape", "f8")
        await reach(pilot, "CheckIdentity")

    play(counter, clerk)


def test_money_interrupts_a_count_that_then_goes_on_where_it_was(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "Desk")
        await to_count(pilot)
        await pilot.press("2", "enter", "7")
        await pilot.press("f10")
        await reach(pilot, "ChoosePassword")
        await pilot.press(*PASSWORD, "enter", *PASSWORD, "enter")
        await reach(pilot, "Agree")
        await go(pilot, ("enter", "FeeNotice"), ("f11", "EnterAmount"))
        await pilot.press(*"1000", "enter")
        await reach(pilot, "GiveMoney")
        await pilot.press("enter")
        await to_count(pilot)
        assert [pieces(app, yen) for yen in (10000, 5000)] == ["2枚", "7枚"]

    play(ScriptedCounter(), clerk)


def test_a_day_is_closed_by_no_one_key_and_who_waits_still_is_told(play: Callable[..., KioskApp]) -> None:
    counter = ScriptedCounter()

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await go(pilot, ("f11", "Desk"), ("q", "QueueScreen"))
        for count in (1, 2):
            await reach(pilot, "QueueScreen")
            await pilot.press("1")
            await until(pilot, lambda count=count: len(app.board.tickets) == count, "the number")
        await reach(pilot, "QueueScreen")
        await pilot.press("escape")
        await to_count(pilot)
        await pilot.press("1", "f9")
        await reach(pilot, "DaySums")
        await pilot.press("2")
        await until(pilot, lambda: type(app.screen).__name__ not in ("DaySums", "CountDrawer"), "what follows")
        assert type(app.screen).__name__ == "ConfirmClose"
        await until(pilot, lambda: "番号札で 2人 お待ちです" in text_on(app), "who waits")
        assert "500円 足りない" in text_on(app) and "終わっていない手続は ありません" in text_on(app)
        await go(pilot, ("enter", "DaySums"), ("2", "ConfirmClose"), ("2", "DaySums"))
        assert counter.records().counts.last() is None, "Enter, and the key beside it, close nothing"
        await go(pilot, ("2", "ConfirmClose"), ("1", "Told"), ("enter", "DayIsClosed"))

    play(counter, clerk)
    last = counter.records().counts.last()
    assert last is not None and last.count.reason == "unexplained"


def test_sums_and_the_question_before_a_close_tell_one_number_and_holds_apart(play: Callable[..., KioskApp]) -> None:
    """Those of terminals elsewhere count too; what is on hold waits for its resident, and nobody can end it today."""
    counter = ScriptedCounter()
    a_left_case(counter)
    counter.left += (replace(counter.left[0], number="2026-0003", stage=Stage.ON_HOLD),)
    elsewhere = [
        CaseElsewhere(str(number), "lobby", f"2026-000{number}", stage)
        for number, stage in enumerate((Stage.PENDING, Stage.ON_HOLD, Stage.ROLLING_BACK))
    ]

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        terminals = Terminals(app.board.bell)
        terminals.ask(TerminalQuestion("lobby", "lobby", "", LeftAtTerminal(tuple(elsewhere)), CaseLine()))
        app.board.terminals = terminals
        await go(pilot, ("f11", "LeftCases"), ("escape", "Desk"))
        await to_count(pilot)
        await pilot.press("1", "f9")
        await reach(pilot, "DaySums")
        assert "終わっていない手続が 4件" in text_on(app)
        await go(pilot, ("2", "ConfirmClose"))
        assert "終わっていない手続が 4件" in text_on(app) and "保留の手続が 2件" in text_on(app)

    play(counter, clerk)

"""Refusals, stops, defects and the end of the program: what each person sees, and what is certain afterwards."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual import events
from textual.app import ScreenStackError
from textual.pilot import Pilot

from hw.ports import CashTrouble
from kiosk.exit_code import ExitCode
from kiosk.model.step import Actor, Step
from kiosk.ui.app import KioskApp
from kiosk.ui.counter import FailureText
from kiosk.ui.ending import Money, Outcome, Trouble
from kiosk.ui.resident.finish import TroubleNotice
from kiosk.ui.widgets.key import Key
from kiosk.ui.words import RESIDENT_LANGUAGES
from tests.ui.screen_host import ScreenHost, show, text_on
from tests.ui.scripted_counter import Script, ScriptedCounter
from tests.ui.walk import leave, patience, reach, until, walk_to

BEFORE_PASSWORD = frozenset({Step.APPLICATION, Step.IDENTITY_CHECK, Step.AUTHORISE})
BEFORE_FEE = BEFORE_PASSWORD | {Step.GENERATE_KEY}


async def apply(pilot: Pilot[None]) -> None:
    """Files the first form; the case begins."""
    await walk_to(pilot, "ConfirmItems")
    await pilot.press("enter")


def trouble_of(app: KioskApp) -> Trouble:
    """How the only case of the day ended."""
    (case,) = app.board.ended
    assert isinstance(case.ending, Trouble)
    return case.ending


def test_the_next_resident_begins_in_the_towns_language(play: Callable[..., KioskApp]) -> None:
    async def residents(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("e", "enter")
        await reach(pilot, "Guide")
        assert "Before you start" in text_on(app)
        await pilot.press("escape", "left", "enter")
        await reach(pilot, "Start")
        assert "電子証明書の発行" in text_on(app)

    assert play(ScriptedCounter(), residents).board.ended == []


def test_who_has_read_what_it_is_goes_on_in_his_language(play: Callable[..., KioskApp]) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("e", "3")
        await reach(pilot, "Topic")
        await pilot.press("escape")
        await reach(pilot, "Start")
        assert "Digital certificate" in text_on(app) and "電子証明書の発行" not in text_on(app)

    play(ScriptedCounter(), resident)


def test_a_refusal_names_code_money_and_card_and_accuses_nobody(play: Callable[..., KioskApp]) -> None:
    counter = ScriptedCounter(Script(refuse_with="E02", skip=frozenset({Step.APPLICATION})))
    counter.reader.insert()

    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await apply(pilot)
        await reach(pilot, "TroubleNotice")
        text = text_on(app)
        assert "窓口で ご案内します" in text and "E02" in text
        assert "いただいていません" in text and "入ったままです" in text
        await pilot.click("#hand")
        await until(pilot, lambda: "入っていません" in text_on(app), "the card outside")
        await pilot.press("f11")
        await reach(pilot, "Desk")
        assert "E02" in text_on(app)

    app = play(counter, resident)
    assert trouble_of(app) == Trouble(Outcome.REFUSED, "E02", True)


@pytest.mark.parametrize(
    ("outcome", "stopped_by", "is_own_wish"),
    [
        (Outcome.ROLLED_BACK, Actor.RESIDENT, True),
        (Outcome.ROLLED_BACK, Actor.CLERK, False),
        (Outcome.HALTED, Actor.RESIDENT, False),
    ],
)
def test_who_stopped_is_told_that_nothing_is_left_only_once_all_is_taken_back(
    locale: Path, outcome: Outcome, stopped_by: Actor, is_own_wish: bool
) -> None:
    case: Any = SimpleNamespace(position=2, money=Money.UNTOUCHED, done=frozenset(), stopped_by=stopped_by)
    texts = {language: FailureText("what", "remedy", "clerk") for language in RESIDENT_LANGUAGES}

    async def read(pilot: Pilot[None], host: ScreenHost) -> None:
        assert ("おやめになりました" in host.text) is is_own_wish
        assert ("K-CASE-002" in host.text) is not is_own_wish

    show(lambda seat: TroubleNotice(seat, case, Trouble(outcome, "K-CASE-002", True), texts, None), locale, read)


@pytest.mark.parametrize(("code", "is_told"), [("K-CA-002", True), ("E02", False)])
def test_the_technician_sees_at_once_what_stopped_the_last_case_if_it_is_his(
    play: Callable[..., KioskApp], code: str, is_told: bool
) -> None:
    """The authority is away, and every device is in order."""
    counter = ScriptedCounter(Script(refuse_with=code, skip=frozenset({Step.APPLICATION})))
    counter.reader.insert()

    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await apply(pilot)
        await reach(pilot, "TroubleNotice")
        await pilot.press("f12")
        await reach(pilot, "Bench")
        await until(pilot, lambda: "使用可" in text_on(app), "the devices")
        assert (f"停止　{code}" in text_on(app)) is is_told
        assert ("ネットワークを確かめてください。" in text_on(app)) is is_told, "what to do"

    play(counter, people)


def test_a_resident_who_stops_takes_the_question_from_the_clerk(play: Callable[..., KioskApp]) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await apply(pilot)
        await reach(pilot, "Notice")
        await pilot.press("f11")
        await reach(pilot, "CheckIdentity")
        await pilot.press("f10", "escape", "left", "enter")
        await reach(pilot, "TroubleNotice")
        text = text_on(app)
        assert "おやめになりました" in text and "いただいていません" in text, "nothing is wrong"
        assert "K-CASE-002" not in text and "お客様の操作" not in text
        await pilot.press("f11")
        await reach(pilot, "Desk")

    app = play(ScriptedCounter(Script(skip=frozenset({Step.APPLICATION}))), resident)
    assert trouble_of(app).code == "K-CASE-002"


def test_a_card_that_nobody_inserts_can_be_given_up(play: Callable[..., KioskApp]) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await apply(pilot)
        await reach(pilot, "HandleCard")
        await pilot.press("escape", "left", "enter")
        await reach(pilot, "TroubleNotice")

    assert trouble_of(play(ScriptedCounter(), resident)).outcome is Outcome.ROLLED_BACK


def test_the_clerk_can_stop_while_the_fee_is_due_and_nobody_after_it(play: Callable[..., KioskApp]) -> None:
    async def fee_due(pilot: Pilot[None], app: KioskApp) -> None:
        await apply(pilot)
        await reach(pilot, "Agree")
        await pilot.press("enter")
        await reach(pilot, "FeeNotice")
        assert not app.screen.query("#stop"), "the resident pays or speaks with the clerk"
        await pilot.press("f11")
        await reach(pilot, "EnterAmount")

    async def stopped(pilot: Pilot[None], app: KioskApp) -> None:
        await fee_due(pilot, app)
        await pilot.press("escape", "left", "enter")
        await reach(pilot, "Desk")

    async def paid(pilot: Pilot[None], app: KioskApp) -> None:
        await fee_due(pilot, app)
        await pilot.press("5", "0", "0", "enter")
        await reach(pilot, "GiveMoney")
        assert not app.screen.query("#stop")
        assert app.board.case is not None
        app.board.case.stop(Actor.CLERK)
        await pilot.press("enter")
        await reach(pilot, "Desk")
        assert app.screen.query_one("#stop", Key).disabled

    assert trouble_of(play(ScriptedCounter(Script(skip=BEFORE_FEE)), stopped)).outcome is Outcome.ROLLED_BACK
    counter = ScriptedCounter(Script(skip=BEFORE_FEE))
    play(counter, paid)
    assert counter.script.tendered_yen == 500


def test_the_clerk_reads_what_is_wrong_with_the_cash_before_he_gives_change(play: Callable[..., KioskApp]) -> None:
    async def scenario(pilot: Pilot[None], app: KioskApp) -> None:
        await apply(pilot)
        await reach(pilot, "Agree")
        await pilot.press("enter")
        await reach(pilot, "FeeNotice")
        await pilot.press("f11")
        await reach(pilot, "EnterAmount")
        await pilot.press("5", "0", "0", "enter")
        for _ in CashTrouble:
            await reach(pilot, "MindCash")
            shown.append(text_on(app))
            assert not app.screen.query("#stop")
            await pilot.press("enter")
        await reach(pilot, "GiveMoney")

    shown: list[str] = []
    play(ScriptedCounter(Script(skip=BEFORE_FEE, cash_troubles=tuple(CashTrouble))), scenario)
    counts, drawer = shown
    assert "硬貨機の数が" in counts and "書きとめて" in counts and "技術担当" in counts
    assert "引き出しが" in drawer and "鍵で" in drawer and "技術担当" in drawer


def test_a_defect_puts_the_terminal_out_of_service_and_quotes_nothing(play: Callable[..., KioskApp]) -> None:
    skip = BEFORE_PASSWORD | {Step.GENERATE_KEY}
    counter = ScriptedCounter(Script(skip=skip, defect=ValueError("幌延　太郎")))

    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await apply(pilot)
        for _ in range(100):
            await pilot.pause()
            if type(app.screen).__name__ == "Outage":
                break
        text = text_on(app)
        assert "ただいま ご利用いただけません" in text and "Out of service" in text
        assert "ValueError" in text and "幌延　太郎" not in text
        await pilot.press("f11", "enter")
        await leave(app)

    app = play(counter, resident)
    assert app.return_code == ExitCode.INTERNAL
    assert counter.is_closed


def test_out_of_service_nothing_waits_for_a_person_any_more_least_of_all_for_money(
    play: Callable[..., KioskApp],
) -> None:
    async def paying(pilot: Pilot[None], app: KioskApp) -> None:
        await apply(pilot)
        await reach(pilot, "Agree")
        await pilot.press("enter")
        await reach(pilot, "FeeNotice")
        app._handle_exception(ValueError("somewhere else"))
        has_time = patience()
        while app.board.case is not None and app.board.case.ending is None:
            assert has_time(), "the fee is still waited for"
            await pilot.pause()
        await pilot.press("enter")
        await leave(app)

    app = play(ScriptedCounter(Script(skip=BEFORE_FEE)), paying)
    assert app.return_code == ExitCode.INTERNAL
    assert trouble_of(app).outcome is Outcome.INTERRUPTED


def test_a_counter_that_does_not_open_says_why(play: Callable[..., KioskApp]) -> None:
    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        for _ in range(100):
            await pilot.pause()
            if type(app.screen).__name__ == "Outage":
                break
        assert "no reader named ABC" in text_on(app)

    play(ScriptedCounter(fails_to_open="no reader named ABC"), technician)


def test_a_station_that_is_out_of_service_ends_to_be_started_anew(
    play: Callable[..., KioskApp], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Time of the event loop, which no clock that is turned by hand moves.
    monkeypatch.setattr("kiosk.ui.app._ENDS_AFTER_S", 0.05)

    async def nobody(pilot: Pilot[None], app: KioskApp) -> None:
        await leave(app)

    counter = ScriptedCounter(fails_to_open="no store")
    assert play(counter, nobody, is_demo=False).return_code == ExitCode.INTERNAL
    assert counter.is_closed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_program_and_leaves_the_case_to_the_next_start(
    number: signal.Signals, play: Callable[..., KioskApp]
) -> None:
    counter = ScriptedCounter(Script(skip=frozenset({Step.APPLICATION})))

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await apply(pilot)
        await reach(pilot, "Notice")
        os.kill(os.getpid(), number)
        await leave(app)

    app = play(counter, clerk)
    assert app.return_code == 0
    assert counter.is_closed
    assert trouble_of(app).outcome is Outcome.INTERRUPTED


def test_a_key_that_comes_when_the_last_screen_has_gone_is_no_defect(play: Callable[..., KioskApp]) -> None:
    async def anybody(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")

    app = play(ScriptedCounter(), anybody)
    with pytest.raises(ScreenStackError):
        assert app.screen
    asyncio.run(app.on_event(events.Key("a", "a")))
    assert app.fault is None


def test_a_defect_while_the_program_ends_is_kept_and_draws_nothing(play: Callable[..., KioskApp]) -> None:
    async def nothing(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")

    app = play(ScriptedCounter(), nothing)
    with pytest.raises(ScreenStackError):
        assert app.screen
    late = RuntimeError("late")
    app._handle_exception(late)
    assert app.fault is late


def test_no_key_ends_or_suspends_the_program(play: Callable[..., KioskApp]) -> None:
    async def anybody(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("ctrl+q", "ctrl+c", "ctrl+z", "ctrl+p", "ctrl+d", "ctrl+backslash")
        assert type(app.screen).__name__ == "Start" and app.return_code is None

    play(ScriptedCounter(), anybody)


def test_only_the_technician_leaves_a_demo_and_is_asked_back(play: Callable[..., KioskApp]) -> None:
    counter = ScriptedCounter()

    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f12")
        await reach(pilot, "Bench")
        await pilot.press("escape")
        assert app.return_code is None
        await pilot.press("left", "enter")
        await leave(app)

    assert play(counter, technician).return_code == 0
    assert counter.is_closed

"""The clerk's own station: what terminals elsewhere ask comes before him, and its number and terminal with it."""

import asyncio
import datetime
import gc
import weakref
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from hw.ports import MachineMoney
from kiosk.counter.asking import FormLooked
from kiosk.counter.line import Question
from kiosk.issuance.persons import Abandoned, Exemption, IdentityQuestion
from kiosk.journal.records import CaseElsewhere
from kiosk.model.decision import CarriedOut, Decision, DecisionKind
from kiosk.model.form import Form
from kiosk.model.policy import MOST_GROUNDS, ExemptionGround
from kiosk.model.step import Step, Undo
from kiosk.model.testimony import Finding
from kiosk.model.transition import Stage
from kiosk.ui.app import KioskApp
from kiosk.ui.devices import CARD_LEFT, READER, DeviceState, StationDevices
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.terminals import ClerkForTerminals
from kiosk.ui.words import LANGUAGES
from tests.sweep import rows
from tests.ui.fit import flaws
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import ScriptedCounter, resident
from tests.ui.walk import choose_duty, leave, opened, reach, until

Play = Callable[[Pilot[None], ClerkForTerminals], Awaitable[None]]


def asked_by(station: str, id_: str = "") -> Question:
    return Question(id_ or station, station, "", b"")


@pytest.fixture
def attend(locale: Path) -> Callable[[Play], None]:
    """The clerk's station at work, its clerk signed in."""

    def run(play: Play) -> None:
        counter = ScriptedCounter()
        # Unless a test says what is out of order at a terminal, nothing is.
        if counter.stations is None:
            counter.stations = ()

        async def session() -> None:
            async with opened(lambda: counter, locale, seat="clerk", is_demo=False) as pilot:
                app = pilot.app
                await until(pilot, counter.attends.is_set, "attendance")
                await until(pilot, lambda: app.screen.has_class("-locked"), "the lock")
                await reach(pilot, "Desk")
                await pilot.press(*"011234", "enter")
                await until(pilot, lambda: not app.screen.has_class("-locked"), "the clerk")
                assert counter.terminal_clerk is not None
                await play(pilot, counter.terminal_clerk)
                app.leave()
                await leave(app)
            assert app.fault is None, repr(app.fault)

        asyncio.run(session())

    return run


async def fits(pilot: Pilot[None]) -> None:
    """Every text of the screen in front, at every size in both languages."""
    screen = pilot.app.screen
    assert isinstance(screen, SeatScreen)
    for size in ((90, 26), (132, 43), (100, 30)):
        await pilot.resize_terminal(*size)
        for _ in LANGUAGES:
            await screen.action_speak()
            await pilot.pause()
            assert not flaws(screen), f"{size} {screen.seat.language}"


def identity(number: str) -> IdentityQuestion:
    items = resident(1).items
    return IdentityQuestion(number, items, items, ())


def test_what_a_terminal_asks_comes_before_the_clerk(attend: Callable[[Play], None]) -> None:
    async def play(pilot: Pilot[None], clerk: ClerkForTerminals) -> None:
        terminal = clerk.clerk(asked_by("lobby"), "2026-0007")
        checked = asyncio.ensure_future(asyncio.to_thread(terminal.check_identity, identity("2026-0007")))
        await reach(pilot, "CheckIdentity")
        await until(pilot, lambda: "端末 lobby　申請書 2026-0007" in text_on(pilot.app), "the terminal's name")
        await pilot.press("1", "1", "2", "3", "enter")
        assert (await checked).clerk == "demo"
        paid = asyncio.ensure_future(
            asyncio.to_thread(clerk.clerk(asked_by("lobby", "fee"), "2026-0007").take_fee, 500)
        )
        await reach(pilot, "EnterAmount")
        await pilot.press(*"1000", "enter")
        assert await paid == 1000
        await reach(pilot, "Desk")

    attend(play)


def test_a_terminal_without_paper_is_told_before_its_fee_is_taken(
    attend: Callable[[Play], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    no_paper = DeviceState("printer", "receipt_printer", "sim:", "blocked", "paper_end")
    told = (StationDevices("lobby", 1, (no_paper,)), StationDevices("annex", 1, ()))
    monkeypatch.setattr(ScriptedCounter, "stations", told)

    async def play(pilot: Pilot[None], clerk: ClerkForTerminals) -> None:
        await until(pilot, lambda: "用紙がありません （K-PRINTER-001）" in text_on(pilot.app), "the terminal's printer")
        paid = asyncio.ensure_future(
            asyncio.to_thread(clerk.clerk(asked_by("lobby", "fee"), "2026-0007").take_fee, 500)
        )
        await reach(pilot, "MindFeeTrouble")
        assert "端末 lobby" in text_on(pilot.app)
        await pilot.press("1")
        await reach(pilot, "EnterAmount")
        await pilot.press(*"500", "enter")
        assert await paid == 500
        other = asyncio.ensure_future(
            asyncio.to_thread(clerk.clerk(asked_by("annex", "fee-2"), "2026-0008").take_fee, 500)
        )
        await reach(pilot, "EnterAmount")
        await pilot.press(*"500", "enter")
        assert await other == 500

    attend(play)


def test_a_card_that_was_forgotten_at_a_terminal_is_told_at_its_clerks_desk(
    attend: Callable[[Play], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = DeviceState(READER, "card_reader", "sim:", "ready", CARD_LEFT)
    monkeypatch.setattr(ScriptedCounter, "stations", (StationDevices("lobby", 1, (reader,)),))

    async def play(pilot: Pilot[None], clerk: ClerkForTerminals) -> None:
        await until(pilot, lambda: "端末「lobby」に カードが 忘れられています" in text_on(pilot.app), "which terminal")
        monkeypatch.setattr(ScriptedCounter, "stations", ())
        await until(pilot, lambda: "忘れられています" not in text_on(pilot.app), "that it was taken")

    attend(play)


def test_what_was_asked_and_said_is_kept_by_nobody_once_it_was_heard(attend: Callable[[Play], None]) -> None:
    async def play(pilot: Pilot[None], clerk: ClerkForTerminals) -> None:
        def ask() -> weakref.ref[Question]:
            question = asked_by("lobby", "fee")
            assert clerk.clerk(question, "2026-0007").take_fee(500) == 500
            return weakref.ref(question)

        kept = asyncio.ensure_future(asyncio.to_thread(ask))
        await reach(pilot, "EnterAmount")
        await pilot.press(*"500", "enter")
        question = await kept
        await reach(pilot, "Desk")
        gc.collect()
        assert question() is None

    attend(play)


def test_several_terminals_wait_in_turn(attend: Callable[[Play], None]) -> None:
    async def play(pilot: Pilot[None], clerk: ClerkForTerminals) -> None:
        answers = []
        for station, yen in (("lobby", 500), ("annex", 500)):
            terminal = clerk.clerk(asked_by(station), f"2026-{station}")
            answers.append(asyncio.ensure_future(asyncio.to_thread(terminal.take_fee, yen)))
            await reach(pilot, "EnterAmount")
            await until(pilot, lambda: "lobby" in text_on(pilot.app), "the first to ask")
        await pilot.press(*"500", "enter")
        await until(pilot, lambda: "annex" in text_on(pilot.app), "the second")
        assert "0円" in text_on(pilot.app), "what was typed for the first is not the second's"
        await pilot.press(*"1000", "enter")
        assert await asyncio.gather(*answers) == [500, 1000]

    attend(play)


def test_the_clerk_stops_a_case(attend: Callable[[Play], None]) -> None:
    async def play(pilot: Pilot[None], clerk: ClerkForTerminals) -> None:
        terminal = clerk.clerk(asked_by("lobby"), "2026-0007")
        approved = asyncio.ensure_future(asyncio.to_thread(terminal.approve, identity("2026-0007")))
        await reach(pilot, "Approve")
        await pilot.press("escape", "left", "enter")
        with pytest.raises(Abandoned):
            await approved
        await reach(pilot, "Desk")

    attend(play)


def test_a_resident_is_exempted_on_a_ground_and_with_a_second_clerk(
    attend: Callable[[Play], None],
) -> None:
    """Whoever goes no further is back where he gives leave."""
    grounds = tuple(ExemptionGround(f"ground_{n}", f"第{n}号の災害による") for n in range(1, MOST_GROUNDS + 1))
    question = replace(identity("2026-0007"), exemptions=grounds)

    async def play(pilot: Pilot[None], clerk: ClerkForTerminals) -> None:
        terminal = clerk.clerk(asked_by("lobby"), "2026-0007")
        approved = asyncio.ensure_future(asyncio.to_thread(terminal.approve, question))
        await reach(pilot, "Approve")
        await fits(pilot)
        for way in (("ChooseGround",), ("ChooseGround", "SecondClerk")):
            await pilot.press("0")
            await reach(pilot, "ChooseGround")
            if "SecondClerk" in way:
                await pilot.press("2")
                await reach(pilot, "SecondClerk")
                assert grounds[1].name in text_on(pilot.app)
                await fits(pilot)
            else:
                assert "端末 lobby" in text_on(pilot.app) and "2026-0007" in text_on(pilot.app)
                await fits(pilot)
            await pilot.press("escape")
            await reach(pilot, "Approve")
            assert not approved.done()
        await pilot.press("0")
        await reach(pilot, "ChooseGround")
        await pilot.press(str(MOST_GROUNDS))
        await reach(pilot, "SecondClerk")
        await pilot.press(*"025678", "enter")
        await until(pilot, approved.done, "the answer")
        assert await approved == Exemption(f"ground_{MOST_GROUNDS}", "second")
        await reach(pilot, "Desk")

    attend(play)


def test_no_word_of_an_exemption_where_no_ordinance_has_a_ground(attend: Callable[[Play], None]) -> None:
    async def play(pilot: Pilot[None], clerk: ClerkForTerminals) -> None:
        terminal = clerk.clerk(asked_by("lobby"), "2026-0007")
        approved = asyncio.ensure_future(asyncio.to_thread(terminal.approve, identity("2026-0007")))
        await reach(pilot, "Approve")
        await pilot.press("0")
        assert type(pilot.app.screen).__name__ == "Approve" and not pilot.app.screen.query("#exempt")
        await pilot.press("enter")
        assert await approved is None

    attend(play)


def test_a_payment_that_is_given_up_is_told(attend: Callable[[Play], None]) -> None:
    """Whether it was given up before he answered or after: he may hold the money."""

    async def play(pilot: Pilot[None], clerk: ClerkForTerminals) -> None:
        for is_answered in (False, True):
            question = asked_by("lobby", f"fee-{is_answered}")
            paid = asyncio.ensure_future(asyncio.to_thread(clerk.clerk(question, "2026-0007").take_fee, 500))
            await reach(pilot, "EnterAmount")
            if is_answered:
                await pilot.press(*"500", "enter")
                assert await paid == 500
            clerk.withdraw(question)
            if not is_answered:
                with pytest.raises(asyncio.CancelledError):
                    await paid
            await reach(pilot, "Told")
            assert "2026-0007" in text_on(pilot.app) and "お返しください" in text_on(pilot.app)
            await fits(pilot)
            await pilot.press("enter")
            await reach(pilot, "Desk")

    attend(play)


def test_a_question_that_was_withdrawn_before_it_was_put_is_never_seen(attend: Callable[[Play], None]) -> None:
    """Nobody takes money for a terminal that does not wait for it."""

    async def play(pilot: Pilot[None], clerk: ClerkForTerminals) -> None:
        question = asked_by("lobby")
        clerk.withdraw(question)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.to_thread(clerk.clerk(question, "2026-0007").take_fee, 500)
        await pilot.pause()
        assert type(pilot.app.screen).__name__ == "Desk"

    attend(play)


def test_a_form_that_was_typed_elsewhere_is_compared(attend: Callable[[Play], None]) -> None:
    who = resident(1)
    form = Form(who.kana, who.items.name, who.items.birth_date, who.items.sex, who.items.address)

    async def play(pilot: Pilot[None], clerk: ClerkForTerminals) -> None:
        for number, (given, keys, looked) in enumerate(
            (
                (form, ("5",), FormLooked(who)),
                (Form(form.kana, form.name, datetime.date(1950, 1, 1), form.sex, form.address), ("4",), None),
                (form, ("3",), FormLooked(None)),
            )
        ):
            reception = clerk.reception(asked_by("lobby", str(number)))
            answer = asyncio.ensure_future(asyncio.to_thread(reception.look_at_form, given))
            await reach(pilot, "CompareForm")
            await pilot.press(*keys)
            assert await answer == (looked or FormLooked(None, ("birth_date",)))
            await reach(pilot, "Desk")

    attend(play)


def test_a_form_is_sent_to_a_free_terminal(attend: Callable[[Play], None]) -> None:
    """To the only one without asking, else to the one that is chosen."""

    async def play(pilot: Pilot[None], clerk: ClerkForTerminals) -> None:
        await look_for_taro(pilot)
        await reach(pilot, "Told")
        assert "空いている端末が ありません" in text_on(pilot.app)
        await pilot.press("enter")
        free = [send_to(clerk, "annex")]
        await reach(pilot, "Desk")
        await until(pilot, lambda: "端末 annex　空いています" in text_on(pilot.app), "the free terminal")
        await look_for_taro(pilot)
        await reach(pilot, "Told")
        assert (await free.pop()).code == resident(0).code
        await pilot.press("enter")
        free = [send_to(clerk, "annex"), send_to(clerk, "lobby")]
        await reach(pilot, "Desk")
        await until(pilot, lambda: "端末 lobby　空いています" in text_on(pilot.app), "both terminals")
        await look_for_taro(pilot)
        await reach(pilot, "ChooseTerminal")
        await fits(pilot)
        assert isinstance(pilot.app, KioskApp) and pilot.app.board.terminals is not None
        # The second key is the one that was free later; two threads ask.
        chosen = ["annex", "lobby"].index(pilot.app.board.terminals.free[1].station)
        await pilot.press("2")
        assert (await free[chosen]).code == resident(0).code
        assert not free[1 - chosen].done()
        clerk.close()

    attend(play)


def send_to(clerk: ClerkForTerminals, station: str) -> "asyncio.Future[Any]":
    return asyncio.ensure_future(asyncio.to_thread(clerk.reception(asked_by(station)).send_form))


async def look_for_taro(pilot: Pilot[None]) -> None:
    """The clerk takes a form in."""
    await choose_duty(pilot, "1")
    await reach(pilot, "FindResident")
    await pilot.press(*"太郎", "enter")


def test_calls_and_cases_stand_on_the_desk(attend: Callable[[Play], None]) -> None:
    async def play(pilot: Pilot[None], clerk: ClerkForTerminals) -> None:
        call = asyncio.ensure_future(asyncio.to_thread(clerk.reception(asked_by("lobby")).come))
        await until(pilot, lambda: "端末 lobby の お客様が お呼びです" in text_on(pilot.app), "the call")
        await pilot.press("c")
        await call
        await until(pilot, lambda: "端末 lobby　使用中" in text_on(pilot.app), "the terminal in use")
        clerk.follow([CaseElsewhere("p", "lobby", "2026-0007", Stage.AUTHORISED)])
        await until(pilot, lambda: "鍵の生成を 許可した" in text_on(pilot.app), "how far it is")
        await fits(pilot)
        clerk.follow([CaseElsewhere("p", "lobby", "2026-0007", Stage.CLOSED)])
        await until(pilot, lambda: "2026-0007  済" in text_on(pilot.app), "how it ended")

    attend(play)


def test_a_terminal_that_nobody_seems_to_be_at_is_looked_at_and_ended(attend: Callable[[Play], None]) -> None:
    async def play(pilot: Pilot[None], clerk: ClerkForTerminals) -> None:
        def left_at(station: str) -> "asyncio.Future[None]":
            return asyncio.ensure_future(asyncio.to_thread(clerk.reception(asked_by(station)).end_deserted))

        lobby = left_at("lobby")
        await until(pilot, lambda: "端末 lobby　パスワードの入力中のまま" in text_on(pilot.app), "why he is called")
        annex = left_at("annex")
        await until(pilot, lambda: "端末 annex　パスワードの入力中のまま" in text_on(pilot.app), "the other")
        await fits(pilot)
        await pilot.press("c")
        await reach(pilot, "LookAtDeserted")
        assert "端末 lobby" in text_on(pilot.app)
        await fits(pilot)
        # Its resident is back.
        clerk.withdraw(asked_by("lobby"))
        await reach(pilot, "Desk")
        with pytest.raises(asyncio.CancelledError):
            await lobby
        await pilot.press("c")
        await reach(pilot, "LookAtDeserted")
        assert "端末 annex" in text_on(pilot.app)
        await pilot.press("escape")
        await reach(pilot, "Desk")
        assert not annex.done()
        await pilot.press("c")
        await reach(pilot, "LookAtDeserted")
        await pilot.press("1")
        await annex
        await reach(pilot, "Desk")
        assert "入力中のまま" not in text_on(pilot.app)

    attend(play)


@pytest.mark.parametrize(
    ("step", "stage", "keys", "answer"),
    rows(
        [
            (Step.FEE, Stage.FEE_SUSPECT, ("5", "0", "0", "enter"), "500"),
            (Step.RECEIPT, Stage.RECEIPT_SUSPECT, "1", "whole"),
            (Undo.REVOKE, Stage.CERTIFICATE_SUSPECT, "1", "none_valid"),
        ],
        suite=[0],
    ),
)
def test_two_clerks_settle_what_nobody_can_tell_at_a_terminal(
    attend: Callable[[Play], None], step: Step | Undo, stage: Stage, keys: Sequence[str], answer: str
) -> None:
    """It waits among what was left, and disturbs nobody; whose case it is stands there all the time."""

    async def play(pilot: Pilot[None], clerk: ClerkForTerminals) -> None:
        clerk.follow([CaseElsewhere("p", "lobby", "2026-0007", stage, "K-CASE-007")])
        witnesses = clerk.witnesses(asked_by("lobby"), "2026-0007")
        found = asyncio.ensure_future(asyncio.to_thread(witnesses.look, step, MachineMoney(coins_yen=300)))
        await until(pilot, lambda: "K-CASE-007" in text_on(pilot.app), "the case on the desk")
        await until(pilot, lambda: bool(pilot.app.board.terminals.suspect), "the question")
        assert type(pilot.app.screen).__name__ == "Desk"
        await choose_duty(pilot, "2")
        await reach(pilot, "LeftCases")
        assert "端末 lobby" in text_on(pilot.app) and "2026-0007" in text_on(pilot.app)
        await fits(pilot)
        await pilot.press("d")
        await reach(pilot, "ChooseLeft")
        await fits(pilot)
        await pilot.press("enter")
        await reach(pilot, "DecideCase")
        await fits(pilot)
        await pilot.press("4")
        screens = {Step.RECEIPT: "SettlePaper", Undo.REVOKE: "SettleCertificate"}
        await reach(pilot, screens.get(step, "SettleAmount"))
        assert "端末 lobby　申請書 2026-0007" in text_on(pilot.app)
        assert ("300円を受け取りました" in text_on(pilot.app)) is (step is Step.FEE)
        await fits(pilot)
        await pilot.press(*keys)
        await reach(pilot, "SecondClerk")
        assert "端末 lobby　申請書 2026-0007" in text_on(pilot.app)
        await fits(pilot)
        await pilot.press(*"011234", "enter")
        await until(pilot, lambda: "この席の職員です" in text_on(pilot.app), "that one clerk is not two")
        await pilot.press(*"025679", "enter")
        await until(pilot, lambda: "違います" in text_on(pilot.app), "that the PIN is wrong")
        await pilot.press("2", "enter")
        assert not found.done() and type(pilot.app.screen).__name__ == "SecondClerk"
        await pilot.press(*"025678", "enter")
        assert await found == Finding(answer, "second")
        await reach(pilot, "Decided")
        assert "記録しました" in text_on(pilot.app)
        await pilot.press("enter")
        await reach(pilot, "Desk")

    attend(play)


LEFT = CaseElsewhere("p", "lobby", "2026-0007", Stage.PENDING, "K-CASE-010")
HOLD_KEYS = (("1", "ReturnDay"), ("1", "Decided"))
ABORT_KEYS = (("3", "ConfirmAbort"), ("1", "Decided"))
DONE = {"is_done": True, "slip_came_out": True}
ON_HOLD = CaseElsewhere("p", "lobby", "2026-0007", Stage.ON_HOLD, until=datetime.date(2026, 12, 1))


@pytest.mark.parametrize(
    ("case", "keys", "kind", "comes_of", "told"),
    rows(
        [
            (LEFT, HOLD_KEYS, DecisionKind.HOLD, DONE, "保留票は、その端末"),
            (ON_HOLD, (("2", "Decided"),), DecisionKind.RESUME, DONE, "保留を解きました"),
            (LEFT, ABORT_KEYS, DecisionKind.ABORT, DONE, "中止しました"),
            (LEFT, ABORT_KEYS, DecisionKind.ABORT, {"is_done": False}, "その処理を終えられませんでした"),
            (LEFT, HOLD_KEYS, DecisionKind.HOLD, {"is_done": False, "is_day_kept": True}, "もう一度「保留にする」"),
        ],
        suite=[0, 3, 4],
    ),
)
def test_the_clerk_decides_about_what_was_left_at_a_terminal_and_hears_what_came_of_it(
    attend: Callable[[Play], None],
    case: CaseElsewhere,
    keys: Sequence[tuple[str, str]],
    kind: DecisionKind,
    comes_of: dict[str, bool],
    told: str,
) -> None:
    """It disturbs nobody: neither the question, nor what came of it while he is at something else."""

    async def play(pilot: Pilot[None], clerk: ClerkForTerminals) -> None:
        clerk.follow([case])
        decisions = clerk.decisions(asked_by("lobby"))
        made = asyncio.ensure_future(asyncio.to_thread(decisions.decide, [case]))
        await until(pilot, lambda: bool(pilot.app.board.terminals.undecided), "the question")
        assert type(pilot.app.screen).__name__ == "Desk"
        for key, screen in (("m", "Menu"), ("2", "LeftCases")):
            await pilot.press(key)
            await reach(pilot, screen)
        assert "端末 lobby" in text_on(pilot.app) and "ここで保留・中止を決めます" in text_on(pilot.app)
        assert ("保留　令和8年12月1日（2026年）まで" in text_on(pilot.app)) is (case is ON_HOLD)
        await fits(pilot)
        await pilot.press("1")
        assert type(pilot.app.screen).__name__ == "LeftCases", "it goes on at its terminal alone"
        for key, screen in (("d", "ChooseLeft"), ("enter", "DecideCase"), *keys):
            await pilot.press(key)
            await reach(pilot, screen)
            await fits(pilot)
        assert "端末 lobby に伝えました" in text_on(pilot.app)
        choice = await made
        assert choice.case == "p" and choice.kind is kind
        assert (choice.until is not None) == (kind is DecisionKind.HOLD)
        decision = Decision(choice, case.number, case.stage, "demo", "0" * 32)
        code = "K-CASE-010" if choice.kind is DecisionKind.ABORT else ""
        decisions.carried_out(CarriedOut(decision, code=code, **comes_of))
        await until(pilot, lambda: bool(pilot.app.board.terminals.carried_out), "what came of it")
        assert "に伝えました" in text_on(pilot.app)
        await pilot.press("enter")
        await until(pilot, lambda: told in text_on(pilot.app), "that it is told")
        assert "端末 lobby　申請書 2026-0007" in text_on(pilot.app)
        assert "「続ける」" not in text_on(pilot.app), "which there is none of for a case elsewhere"
        await fits(pilot)
        await pilot.press("enter")
        await reach(pilot, "Desk")

    attend(play)


def test_a_terminal_to_which_a_resident_has_come_takes_no_decision(attend: Callable[[Play], None]) -> None:
    async def play(pilot: Pilot[None], clerk: ClerkForTerminals) -> None:
        question = asked_by("lobby")
        made = asyncio.ensure_future(asyncio.to_thread(clerk.decisions(question).decide, [LEFT]))
        await until(pilot, lambda: bool(pilot.app.board.terminals.undecided), "the question")
        for key, screen in (("m", "Menu"), ("2", "LeftCases"), ("d", "ChooseLeft"), ("enter", "DecideCase")):
            await pilot.press(key)
            await reach(pilot, screen)
        await pilot.press("3")
        await reach(pilot, "ConfirmAbort")
        clerk.withdraw(question)
        with pytest.raises(asyncio.CancelledError):
            await made
        await pilot.press("1")
        await reach(pilot, "Decided")
        assert "端末 lobby が使用中か" in text_on(pilot.app)
        await fits(pilot)

    attend(play)


def test_what_a_terminal_does_not_wait_for_any_more_is_not_settled(attend: Callable[[Play], None]) -> None:
    async def play(pilot: Pilot[None], clerk: ClerkForTerminals) -> None:
        question = asked_by("lobby")
        found = asyncio.ensure_future(
            asyncio.to_thread(clerk.witnesses(question, "2026-0007").look, Step.FEE, MachineMoney())
        )
        await until(pilot, lambda: bool(pilot.app.board.terminals.suspect), "the question")
        await choose_duty(pilot, "2")
        await reach(pilot, "LeftCases")
        for key, screen in (("d", "ChooseLeft"), ("enter", "DecideCase")):
            await pilot.press(key)
            await reach(pilot, screen)
        await pilot.press("4")
        await reach(pilot, "SettleAmount")
        clerk.withdraw(question)
        with pytest.raises(asyncio.CancelledError):
            await found
        await pilot.press("5", "enter")
        await reach(pilot, "SecondClerk")
        await pilot.press(*"025678", "enter")
        await reach(pilot, "Decided")
        assert "その処理を終えられませんでした" in text_on(pilot.app)

    attend(play)


def test_a_question_does_not_disturb_whoever_signs_in(locale: Path) -> None:
    counter = ScriptedCounter()
    counter.stations = ()

    async def session() -> None:
        async with opened(lambda: counter, locale, seat="clerk", is_demo=False) as pilot:
            app = pilot.app
            await until(pilot, counter.attends.is_set, "attendance")
            await reach(pilot, "Desk")
            await pilot.press(*"0112")
            assert counter.terminal_clerk is not None
            terminal = counter.terminal_clerk.clerk(asked_by("lobby"), "2026-0007")
            paid = asyncio.ensure_future(asyncio.to_thread(terminal.take_fee, 500))
            await reach(pilot, "EnterAmount")
            assert "2026-0007" not in text_on(app).replace("端末 lobby　申請書 2026-0007", "")
            await pilot.press(*"34", "enter")
            await until(pilot, lambda: not app.screen.has_class("-locked"), "the clerk")
            await pilot.press(*"500", "enter")
            assert await paid == 500
            app.leave()
            await leave(app)

    asyncio.run(session())

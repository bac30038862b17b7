"""The clerk is told what became of what he has begun, and the resident nothing that is no longer so."""

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from kiosk.model.application import Application
from kiosk.ui.app import KioskApp
from kiosk.ui.board import Board
from kiosk.ui.case import OpenCase
from kiosk.ui.clerk.money import EnterAmount
from kiosk.ui.ending import Outcome, Trouble
from kiosk.ui.persons import ChangeDue, FeeDue
from kiosk.ui.resident.wait import FeeNotice
from kiosk.ui.service import OpenService, ServiceDone, ServiceKind
from tests.ui.screen_host import ScreenHost, show, text_on
from tests.ui.scripted_counter import ScriptedCounter, a_left_case, resident
from tests.ui.walk import PASSWORD, choose_duty, find_resident, go, reach, until, walk_to

ENDINGS = (
    (ServiceDone(None), "失効しました"),
    (Trouble(Outcome.REFUSED, "E24", None), "窓口でご案内（E24）"),
    (Trouble(Outcome.ROLLED_BACK, "K-CASE-002", None), "取りやめ（K-CASE-002）"),
)


@pytest.mark.parametrize(("ending", "told"), ENDINGS)
def test_how_a_revocation_ended_stands_at_the_desk_then_and_later(
    ending: ServiceDone | Trouble, told: str, play: Callable[..., KioskApp]
) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await go(pilot, ("f11", "Desk"))
        board = app.board
        service = OpenService(ServiceKind.REVOKE, "R2026-0001", lambda *_: None, board.bell, has_resident=True)
        service.take(ending)
        board.service = service
        board.end_service(service)
        await until(pilot, lambda: text_on(app).count(told) == 2, "how it ended, at the left and at the right")
        board.serve(None)
        await until(pilot, lambda: "手続中の方は いません" in text_on(app), "that he has gone")
        assert f"R2026-0001  {told}" in text_on(app)

    play(ScriptedCounter(), clerk)


@pytest.mark.parametrize(("came_out", "is_written_by_hand"), [(True, False), (None, True)])
def test_that_a_case_is_on_hold_after_it_was_taken_back_stands_at_the_desk(
    play: Callable[..., KioskApp], came_out: bool | None, *, is_written_by_hand: bool
) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await go(pilot, ("f11", "Desk"))
        for number in ("2026-0001", "2026-0002"):
            case = OpenCase(Application(number, "1"), resident(0), app.board.bell)
            day = datetime.date(2026, 12, 28)
            app.board.open(case)
            app.board.close(case, Trouble(Outcome.ROLLED_BACK, "K-CASE-010", None, day, came_out))
        await until(pilot, lambda: "受付番号 2026-0002 を" in text_on(app), "that it is on hold")
        shown = "".join(text_on(app).split())
        assert ("手書きで" in shown) is is_written_by_hand and "取りやめ" not in shown
        assert "2026-0001保留　令和8年12月28日".replace("　", "") in shown, "the one before"

    play(ScriptedCounter(), clerk)


def test_of_a_revocation_on_information_a_passer_by_has_no_say(play: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        service = OpenService(ServiceKind.REVOKE, "R2026-0001", lambda *_: None, app.board.bell, has_resident=False)
        app.board.serve(service)
        await reach(pilot, "ServiceWait")
        await pilot.press("escape", "f8")
        await pilot.pause()
        assert not app.screen.query("#stop") and not service.is_stopping
        assert service.can_stop, "the clerk may"

    play(ScriptedCounter(), people)


def test_more_endings_than_there_is_room_for_are_counted(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await go(pilot, ("f11", "Desk"))
        for number in range(1, 10):
            service = OpenService(
                ServiceKind.REVOKE, f"R2026-{number:04d}", lambda *_: None, app.board.bell, has_resident=True
            )
            service.take(Trouble(Outcome.REFUSED, "E24", None))
            app.board.end_service(service)
        await until(pilot, lambda: "ほか 3件" in text_on(app), "how many are not shown")
        shown = text_on(app)
        assert [f"R2026-{number:04d}" in shown for number in (9, 4, 3)] == [True, True, False]
        assert shown.index("R2026-0009") < shown.index("R2026-0004"), "newest first"

    play(ScriptedCounter(), clerk)


def test_a_form_at_the_terminal_is_told_and_can_be_taken_back(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f11")
        await choose_duty(pilot, "1")
        await find_resident(pilot, "花")
        await reach(pilot, "Desk")
        await until(pilot, lambda: "花子 様の申請書を" in text_on(app), "whose form is there")
        await pilot.press("escape", "f8")
        await until(pilot, lambda: "手続中の方は いません" in text_on(app), "that it was taken back")
        await go(pilot, ("f10", "Start"))

    play(ScriptedCounter(), clerk)


def test_a_doubted_amount_is_asked_about_no_longer_once_it_is_another(locale: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.press(*"20000", "enter")
        await until(pilot, lambda: "19,500円に" in host.text, "the doubt")
        await pilot.press("backspace")
        await until(pilot, lambda: "19,500円" not in host.text, "that it has gone")
        assert "2,000円" in host.text
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(host.screen, EnterAmount) or "1,500円に" in host.text, "the next one")

    show(lambda seat: EnterAmount(seat, None, 500, least_yen=500, purpose="fee"), locale, use)


def test_who_has_paid_is_not_asked_to_pay(locale: Path) -> None:
    case = OpenCase(Application("2026-0001", "1"), resident(0), Board().bell)

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        for news, asks in ((FeeDue(500), True), (FeeDue(400), True), (ChangeDue(0), False)):
            case.clerk_asked = news
            assert isinstance(host.screen, FeeNotice)
            host.screen.follow()
            await pilot.pause()
            assert ("お支払いください" in host.text) is asks and ("すみました" in host.text) is not asks

    assert show(lambda seat: FeeNotice(seat, case, 7, 500), locale, use) == []


def test_nothing_is_typed_behind_the_question_whether_to_stop(play: Callable[..., KioskApp]) -> None:
    async def person(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "ChoosePassword")
        screen = app.screen
        await pilot.press(*PASSWORD)
        await until(pilot, lambda: len(screen._typed) == len(PASSWORD), "his password")
        await pilot.press("escape")
        await until(pilot, lambda: screen.asks_stop, "the question")
        await pilot.press("z", "z", "backspace", "backspace", "backspace")
        await pilot.press("escape")
        await until(pilot, lambda: not screen.asks_stop, "that he goes on")
        assert len(screen._typed) == len(PASSWORD)

    play(ScriptedCounter(), person)


def test_a_seat_that_locks_over_the_question_is_opened_again(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Desk")
        await until(pilot, lambda: app.screen.has_class("-locked"), "the lock")
        await pilot.press(*"011234", "enter")
        await until(pilot, lambda: not app.screen.has_class("-locked"), "the clerk")
        app.board.offer(resident(0))
        await until(pilot, lambda: not app.screen.query_one("#stop").disabled, "something to take back")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.asks_stop, "the question")
        app.screen.seat.lock()
        await until(pilot, lambda: app.screen.has_class("-locked"), "the lock")
        await pilot.press(*"011234", "enter")
        await until(pilot, lambda: not app.screen.has_class("-locked"), "the clerk")
        assert app.board.offered is not None and not app.screen.asks_stop

    play(ScriptedCounter(), clerk, seat="clerk", is_demo=False)


def test_another_thing_is_not_stopped_in_the_place_of_what_was_asked_about(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await go(pilot, ("f11", "Desk"))
        board = app.board
        board.offer(resident(0))
        await until(pilot, lambda: not app.screen.query_one("#stop").disabled, "something to take back")
        await pilot.press("escape")
        await until(pilot, lambda: "取り下げますか" in text_on(app), "the question")
        service = OpenService(ServiceKind.CHANGE, "C2026-0001", lambda *_: None, board.bell, has_resident=True)
        board.offer(None)
        board.service = service
        board.bell.ring()
        await until(pilot, lambda: not app.screen.asks_stop, "that it is taken back")
        await pilot.press("f8")
        await pilot.pause()
        assert not service.is_stopping

    play(ScriptedCounter(), clerk)


def test_what_has_not_begun_is_left_without_a_question(play: Callable[..., KioskApp]) -> None:
    """Esc at a duty's own screens only goes back: nothing would be stopped by it."""

    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await go(pilot, ("f11", "LeftCases"), ("d", "ChooseLeft"), ("1", "DecideCase"), ("1", "ReturnDay"))
        for which, way in (
            ("1", (("1", "ReturnDay"),)),
            ("2", (("4", "SettleAmount"),)),
            ("2", (("4", "SettleAmount"), ("0", "SettleAmount"), ("enter", "SecondClerk"))),
        ):
            await go(pilot, ("escape", "Desk"), ("m", "Menu"), ("2", "LeftCases"), ("d", "ChooseLeft"))
            await go(pilot, (which, "DecideCase"), *way)
        await go(pilot, ("escape", "Desk"))
        await choose_duty(pilot, "7")
        await find_resident(pilot, "花")
        await reach(pilot, "ChooseCause")
        await go(pilot, ("escape", "Desk"))

    counter = ScriptedCounter()
    a_left_case(counter)
    play(counter, clerk)

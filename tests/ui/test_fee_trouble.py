"""What is known to be out of order before a fee is taken, and what is said where a receipt did not come."""

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from kiosk.failure_book import load_failure_book
from kiosk.model.application import Application, Closed
from kiosk.model.step import Step
from kiosk.ui.app import KioskApp
from kiosk.ui.case import OpenCase
from kiosk.ui.counter import FailureText
from kiosk.ui.devices import DeviceState
from kiosk.ui.ending import Ending, Finished, Outcome, Trouble
from kiosk.ui.seat_name import SeatName
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.words import LANGUAGES
from tests.ui.fit import flaws
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import VALID_UNTIL, Script, ScriptedCounter, resident
from tests.ui.test_trouble import BEFORE_FEE, apply
from tests.ui.walk import SMALL, USUAL, reach, until

NO_PAPER = DeviceState("printer", "receipt_printer", "sim:", "blocked", "paper_end")
NO_COINS = DeviceState("cash", "cctalk", "sim:", "missing", "no answer")


def out_of_order(*troubles: DeviceState) -> ScriptedCounter:
    counter = ScriptedCounter(Script(skip=BEFORE_FEE))
    counter.troubles = troubles
    return counter


async def agree(pilot: Pilot[None]) -> None:
    await apply(pilot)
    await reach(pilot, "Agree")
    await pilot.press("enter")
    await reach(pilot, "FeeNotice")


def test_the_desk_tells_what_is_out_of_order_who_acts_and_a_code(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f11")
        await reach(pilot, "Desk")
        await until(pilot, lambda: "用紙がありません （K-PRINTER-001）" in text_on(app), "the printer")
        assert "職員：用紙、カバー、カッターを確かめて" in text_on(app)
        assert "硬貨の投入口：未接続" in text_on(app) and "K-DEVICE-001" in text_on(app)
        counter.troubles = ()
        await until(pilot, lambda: "K-PRINTER-001" not in text_on(app), "the desk without trouble")

    counter = out_of_order(NO_PAPER, NO_COINS)
    play(counter, clerk)


def test_a_fee_is_taken_without_a_receipt_only_by_somebody_who_knows(play: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await agree(pilot)
        await pilot.press("f11")
        await reach(pilot, "MindFeeTrouble")
        assert "用紙がありません （K-PRINTER-001）" in text_on(app) and "領収書が出ず" in text_on(app)
        await pilot.press("enter", "escape")
        assert type(app.screen).__name__ == "MindFeeTrouble" and counter.script.tendered_yen is None
        await pilot.press("1")
        await reach(pilot, "EnterAmount")
        await pilot.press(*"500", "enter")
        await reach(pilot, "GiveMoney")
        await pilot.press("enter", "f10")
        await reach(pilot, "HandleCard")
        assert "領収書が 出ます" not in text_on(app) and "職員が あとで お渡しします" in text_on(app)

    counter = out_of_order(NO_PAPER)
    counter.reader.insert()
    play(counter, people)


class WithBook(ScriptedCounter):
    """A counter whose failures have the words of the book."""

    def failure_text(self, code: str, language: str) -> FailureText:
        entry = load_failure_book()[code]
        text = entry.text(language)
        return FailureText(text.what, text.remedy, entry.who)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_told_of_two_devices_fits_where_screens_are_smallest(
    play: Callable[..., KioskApp], language: str
) -> None:
    told: list[str] = []

    async def look(pilot: Pilot[None], app: KioskApp) -> None:
        assert isinstance(app.screen, SeatScreen)
        app.screen.seat.speak(language)
        await app.screen.compose_anew()
        for size in (USUAL, SMALL):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            told.extend(f"{type(app.screen).__name__} {size}: {flaw}" for flaw in flaws(app.screen))

    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f11")
        await reach(pilot, "Desk")
        await until(pilot, lambda: "K-DEVICE-001" in text_on(app), "the troubles")
        await look(pilot, app)
        await pilot.press("f10")
        await agree(pilot)
        await pilot.press("f11")
        await reach(pilot, "MindFeeTrouble")
        await look(pilot, app)

    counter = WithBook(Script(skip=BEFORE_FEE))
    counter.troubles = (NO_PAPER, NO_COINS)
    play(counter, people)
    assert not told, "\n".join(told)


def test_a_printer_put_right_meanwhile_leads_on_by_itself(play: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await agree(pilot)
        await pilot.press("f11")
        await reach(pilot, "MindFeeTrouble")
        counter.troubles = ()
        await reach(pilot, "EnterAmount")

    counter = out_of_order(NO_PAPER)
    play(counter, people)


def test_who_paid_and_got_no_receipt_reads_what_he_has_and_his_clerk_is_called(play: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await agree(pilot)
        await pilot.press("f11")
        await reach(pilot, "EnterAmount")
        await pilot.press(*"500", "enter")
        await reach(pilot, "GiveMoney")
        await pilot.press("enter", "f10")
        await reach(pilot, "TroubleNotice")
        for told in ("いただきました", "証明書", "お使いいただけます", "K-PRINTER-001"):
            assert told in text_on(app)
        assert isinstance(app.screen, SeatScreen) and SeatName.CLERK in app.screen.seat.called()
        await pilot.press("f11")
        await reach(pilot, "Desk")
        await until(pilot, lambda: "要確認です" in text_on(app), "what the clerk has to do")
        assert "終わりました" not in text_on(app)

    script = Script(skip=BEFORE_FEE | {Step.TAKE_CARD}, is_paper_at_end=True)
    play(ScriptedCounter(script), people)


def test_a_case_that_was_resolved_stands_at_the_desk_with_its_newest_word_alone(play: Callable[..., KioskApp]) -> None:
    async def clerk(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        endings: tuple[Ending, ...] = (
            Trouble(Outcome.HALTED, "K-PRINTER-001", False),
            Finished(Closed("pseudonym", "0A1B2C3D", b"", 17, VALID_UNTIL)),
        )
        for ending in endings:
            app.board.close(OpenCase(Application("2026-0007", ""), resident(0), app.board.bell), ending)
        await pilot.press("f11")
        await reach(pilot, "Desk")
        assert text_on(app).count("2026-0007") == 1 and "交付済" in text_on(app) and "要確認" not in text_on(app)

    play(ScriptedCounter(), clerk)


def test_a_rule_on_the_technicians_paper_is_as_wide_as_the_paper(play: Callable[..., KioskApp], tmp_path: Path) -> None:
    async def technician(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("f12")
        await reach(pilot, "Bench")
        await until(pilot, lambda: "\n" + "─" * 42 + "\n" in text_on(app), "the paper")

    # 42 columns of a printer of 58 or 80 mm in its usual font: 21 characters of two columns.
    (tmp_path / "0001.txt").write_text("head\n" + "─" * 21 + "\nend\n")
    play(ScriptedCounter(papers=tmp_path), technician)

"""Tours of the screens that a day rarely brings, on a scripted counter."""

import datetime

from textual.pilot import Pilot

from hw.ports import CashTrouble
from kiosk.counter.reprint import CertificateContent, CopyReason
from kiosk.model.policy import MOST_GROUNDS, ExemptionGround
from kiosk.model.step import Step, Undo
from kiosk.ui.app import KioskApp
from kiosk.ui.books import LeftCase
from kiosk.ui.clerk.papers import Choose, ConfirmCopy
from kiosk.ui.idle import Patience
from kiosk.ui.persons import CaseLine
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.terminals import FormWanted, TerminalQuestion, Terminals
from tests.ui.scripted_counter import Script, ScriptedCounter, resident
from tests.ui.walk import Shoot, choose_duty, find_resident, go, reach, take_up_duty, walk_to


async def own_trouble(pilot: Pilot[None], shoot: Shoot) -> None:
    """A resident leaves his password half typed and the clerk ends it; the next one mistypes his once too often."""
    await reach(pilot, "Start")
    await go(pilot, ("1", "HandleCard"), ("enter", "EnterPassword"))
    assert isinstance(pilot.app.screen, SeatScreen)
    patience = Patience()
    pilot.app.screen.mind_idleness(patience.entry_s, patience)
    await shoot("nobody-types")
    await go(pilot, ("f11", "Desk"), ("c", "LookAtDeserted"))
    await shoot("look-at-deserted")
    await go(pilot, ("1", "Desk"), ("f10", "HandleCard"), ("enter", "Start"))
    await go(pilot, ("1", "HandleCard"), ("enter", "EnterPassword"))
    await pilot.press(*"AB02", "enter")
    await reach(pilot, "CardNotice")
    await shoot("card-locked")
    await go(pilot, ("enter", "HandleCard"), ("enter", "Start"))


def one_attempt_left(counter: ScriptedCounter) -> None:
    """The card's password may be mistyped no more."""
    counter.services.left = 1


async def unusual_case(pilot: Pilot[None], shoot: Shoot) -> None:
    """A case in which a ground for an exemption is looked at, the cash is in disorder, and the card out of sight."""
    await walk_to(pilot, "ConfirmItems")
    await pilot.press("enter", "f11")
    await reach(pilot, "Approve")
    await shoot("approve-or-exempt")
    await go(pilot, ("0", "ChooseGround"))
    await shoot("ground")
    await go(pilot, ("2", "SecondClerk"))
    await shoot("second-for-exemption")
    await go(pilot, ("escape", "Approve"), ("enter", "Desk"), ("f10", "Agree"), ("enter", "FeeNotice"))
    await go(pilot, ("f11", "EnterAmount"))
    await pilot.press(*"500", "enter")
    for trouble in CashTrouble:
        await reach(pilot, "MindCash")
        await shoot(f"cash-{trouble}")
        await pilot.press("enter")
    await go(pilot, ("enter", "LookForCard"))
    await shoot("look-for-card")
    await go(pilot, ("2", "Desk"), ("f10", "Finish"))


def unusual_script() -> Script:
    """As long as the ordinance's grounds can be."""
    return Script(
        skip=frozenset({Step.APPLICATION, Step.IDENTITY_CHECK, Step.GENERATE_KEY}),
        exemptions=tuple(ExemptionGround(f"ground_{n}", f"第{n}号の災害による") for n in range(1, MOST_GROUNDS + 1)),
        cash_troubles=tuple(CashTrouble),
        asks_for_card=True,
    )


async def looked_at_by_two(pilot: Pilot[None], shoot: Shoot) -> None:
    """Two clerks say what a printer, and what the authority, has done."""
    await reach(pilot, "Start")
    await go(pilot, ("f11", "LeftCases"), ("escape", "Desk"))
    for case, screen in (("1", "SettlePaper"), ("2", "SettleCertificate")):
        await choose_duty(pilot, "2")
        await reach(pilot, "LeftCases")
        await go(pilot, ("d", "ChooseLeft"), (case, "DecideCase"), ("4", screen))
        await shoot(screen)
        await go(pilot, ("1", "SecondClerk"))
        await pilot.press(*"025678", "enter")
        await reach(pilot, "Decided")
        await go(pilot, ("enter", "Desk"))


_RECEIPT_OUT, _CERTIFICATE_OUT = "2026-0001", "2026-0002"


def suspect_cases(counter: ScriptedCounter) -> None:
    """Of one case nobody knows whether its receipt came out, of another whether its certificate was issued."""
    counter.left = (
        LeftCase(_RECEIPT_OUT, resident(0), "receipt_suspect", "", True),
        LeftCase(_CERTIFICATE_OUT, resident(2), "certificate_suspect", "", True),
    )


def suspect_script() -> Script:
    """What the two clerks are asked about them."""
    return Script(questions={_RECEIPT_OUT: Step.RECEIPT, _CERTIFICATE_OUT: Undo.REVOKE})


async def other_duties(pilot: Pilot[None], shoot: Shoot) -> None:
    """A form goes to one of the terminals that are free elsewhere, and a certificate's words are printed again."""
    assert isinstance(pilot.app, KioskApp)
    board = pilot.app.board
    terminals = Terminals(board.bell)
    for station in ("annex", "lobby"):
        terminals.ask(TerminalQuestion(station, station, "", FormWanted(), CaseLine()))
    await reach(pilot, "Start")
    board.terminals = terminals
    await take_up_duty(pilot, "1")
    await find_resident(pilot, "太郎")
    await reach(pilot, "ChooseTerminal")
    await shoot("choose-terminal")
    await go(pilot, ("2", "Told"), ("enter", "Desk"))
    desk = pilot.app.screen
    assert isinstance(desk, SeatScreen)
    # The scripted counter has printed no receipt by which a copy could be asked for.
    choosing = pilot.app.run_worker(desk.seat.ask(Choose(desk.seat, "copy", tuple(CopyReason))))
    await reach(pilot, "Choose")
    await shoot("copy-reason")
    await go(pilot, ("1", "Desk"))
    await choosing.wait()
    copying = pilot.app.run_worker(desk.seat.ask(ConfirmCopy(desk.seat, _content())))
    await reach(pilot, "ConfirmCopy")
    await shoot("confirm-copy")
    await go(pilot, ("enter", "Desk"))
    await copying.wait()


def _content() -> CertificateContent:
    items, at = resident(1).items, datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)
    return CertificateContent(items.name, items.address, items.birth_date, items.sex, "7B" * 16, at, at, "JP")

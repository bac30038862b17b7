"""The notice of every failure: what happened, money, card, certificate, who acts, the code; no line of it is lost."""

import asyncio
import itertools
from pathlib import Path

import pytest

from kiosk.failure_book import load_failure_book
from kiosk.model.application import Application
from kiosk.model.step import Step
from kiosk.ui.bell import Bell
from kiosk.ui.case import OpenCase
from kiosk.ui.counter import FailureText
from kiosk.ui.ending import Money, Outcome, Trouble
from kiosk.ui.resident.finish import TroubleNotice
from kiosk.ui.seat_name import SeatName
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.words import RESIDENT_LANGUAGES
from tests.sweep import sweep
from tests.ui.fit import flaws
from tests.ui.screens_met import LoneScreen, MetScreen
from tests.ui.scripted_counter import resident
from tests.ui.walk import SMALL, USUAL


def notice(code: str, *, has_certificate: bool) -> MetScreen:
    """The longest that a failure can say: with a valid certificate the money is being checked, and the card unknown."""
    case = OpenCase(Application("2026-0001", "1"), resident(0), Bell())
    outcome = Outcome.HALTED if has_certificate else Outcome.ROLLED_BACK
    if has_certificate:
        case.done, case.money = frozenset({Step.CONFIRM}), Money.BEING_CHECKED
    entry = load_failure_book()[code]
    texts = {
        language: FailureText(entry.text(language).what, entry.text(language).remedy, entry.who)
        for language in RESIDENT_LANGUAGES
    }
    return MetScreen(TroubleNotice, SeatName.RESIDENT, (case, Trouble(outcome, code, None), texts, None), {})


@pytest.mark.parametrize("is_thorough", sweep([False, True], suite=[0]))
def test_every_failure_fits_with_a_valid_certificate_and_without(locale: Path, is_thorough: bool) -> None:
    told: list[str] = []
    kinds = list(itertools.product(load_failure_book(), (True, False)))

    async def visit() -> None:
        app = LoneScreen(locale)
        async with app.run_test(size=USUAL) as pilot:
            for shift, size in enumerate((USUAL, SMALL)):
                await pilot.resize_terminal(*size)
                for number, (code, has_certificate) in enumerate(kinds, shift):
                    app.turn_to(notice(code, has_certificate=has_certificate))
                    await pilot.pause()
                    first = number % len(RESIDENT_LANGUAGES)
                    for language in RESIDENT_LANGUAGES if is_thorough else RESIDENT_LANGUAGES[first : first + 1]:
                        assert isinstance(app.screen, SeatScreen)
                        app.seat.speak(language)
                        await app.screen.compose_anew()
                        await pilot.pause()
                        kind = "with a certificate" if has_certificate else "without one"
                        told.extend(f"{code} {kind} {size} {language}: {flaw}" for flaw in flaws(app.screen))

    asyncio.run(visit())
    assert not told, "\n".join(told)

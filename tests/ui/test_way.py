"""The whole way of one issuance through all seats, by keyboard alone and by touch alone; every text fits its place."""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from kiosk.issuance.persons import IdentityEvidence
from kiosk.model.identity import IdentityDocument
from kiosk.ui.app import KioskApp
from kiosk.ui.ending import Finished
from tests.sweep import rows, sweep
from tests.ui.contact_sheet import beside, comfortably, duties, fill_in, rounds
from tests.ui.fit import Tour, above_the_middle, flaws_on_tour
from tests.ui.fit import flaws as flaws_of
from tests.ui.scripted_counter import ScriptedCounter, a_left_case
from tests.ui.walk import PASSWORD, SMALL, USUAL, Hand, by_keyboard, by_touch, walk


@pytest.mark.parametrize(
    ("hand", "language", "sizes"),
    rows([(by_keyboard, "ja", (USUAL, SMALL)), (by_touch, "en", (SMALL,))], suite=[0]),
)
def test_every_step_works_with_one_kind_of_hand_and_every_text_fits(
    hand: Hand, language: str, sizes: tuple[tuple[int, int], ...], play: Callable[..., KioskApp]
) -> None:
    counter = ScriptedCounter()
    flaws: list[str] = []

    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        async def visit(name: str) -> None:
            flaws.extend(f"{name} at {app.size}: {flaw}" for flaw in flaws_of(app.screen))
            # Every second screen is left in the other size, so that each is walked on in either.
            for size in sizes:
                if size != app.size:
                    await pilot.resize_terminal(*size)
                    flaws.extend(f"{name} at {app.size}: {flaw}" for flaw in flaws_of(app.screen))
                    break

        await walk(pilot, hand, visit)

    app = play(counter, people, language, size=sizes[0])
    assert not flaws, "\n".join(flaws)
    assert counter.script.password == PASSWORD.encode()
    assert counter.script.evidence == IdentityEvidence(IdentityDocument.DRIVING_LICENCE, "demo")
    assert counter.script.tendered_yen == 1000
    assert [type(case.ending) for case in app.board.ended] == [Finished]


@pytest.mark.parametrize(("language", "size"), rows([("ja", USUAL), ("en", SMALL)], suite=[1]))
def test_what_a_resident_can_do_besides_fits_too(
    language: str, size: tuple[int, int], play: Callable[..., KioskApp]
) -> None:
    counter = ScriptedCounter()
    flaws = flaws_on_tour(play, beside, counter, language, size)
    assert not flaws, "\n".join(flaws)
    assert counter.services.signed, "the sample was signed"


# Japanese at the usual size stands in the kept screens, and each screen alone in every language at every size.
@pytest.mark.parametrize(("language", "size"), [("en", SMALL)])
@pytest.mark.parametrize("tour", sweep([duties, rounds, fill_in], suite=[2]))
def test_what_clerk_and_technician_do_besides_the_case_fits_too(
    tour: Tour, language: str, size: tuple[int, int], play: Callable[..., KioskApp]
) -> None:
    counter = ScriptedCounter()
    if tour is duties:
        a_left_case(counter)
    flaws = flaws_on_tour(play, tour, counter, language, size)
    assert not flaws, "\n".join(flaws)


@pytest.mark.parametrize(
    ("layout", "language", "size"), rows([("large", "2", SMALL), ("lower", "3", USUAL)], suite=[1])
)
def test_every_arrangement_and_easy_japanese_lead_to_the_end(
    layout: str, language: str, size: tuple[int, int], play: Callable[..., KioskApp]
) -> None:
    flaws: list[str] = []
    answer = {"large": "2", "lower": "3"}[layout]

    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        async def visit(name: str) -> None:
            if not app.screen.has_class("seat-resident"):
                return
            flaws.extend(f"{name}: {flaw}" for flaw in flaws_of(app.screen))
            if app.screen.has_class("-arranged-lower"):
                flaws.extend(f"{name}: {flaw}" for flaw in above_the_middle(app.screen))

        await comfortably(answer, language)(pilot, visit)

    app = play(ScriptedCounter(), people, size=size)
    assert not flaws, "\n".join(flaws)
    assert [type(case.ending) for case in app.board.ended] == [Finished]

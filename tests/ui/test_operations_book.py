"""The operations book on a screen: every line as wide as its place, a step's action set in below what one sees."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from kiosk.papers.operations import chapters, reading
from kiosk.ui.technician.pages import Pages, reflowed
from kiosk.ui.widgets.paragraph import Paragraph
from tests.sweep import sweep
from tests.ui.screen_host import ScreenHost, show
from tests.ui.walk import LARGE, SMALL, USUAL

VALUES = {"station": "window", "date": "2026-11-22"}


@pytest.mark.parametrize("language", sweep(["ja", "en"], suite=[0]))
def test_no_line_is_broken_twice_at_any_size(language: str, locale: Path) -> None:
    blocks = [f"{block}\n" for block in reading(language, VALUES)]

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        lines = host.screen.query_one("#page-lines", Paragraph)
        for size in (USUAL, SMALL, LARGE):
            await pilot.resize_terminal(*size)
            for _ in blocks[::4]:
                await pilot.pause()
                assert lines.content_size.height == lines.text.count("\n") + 1, (size, lines.text)
                await pilot.press("pagedown")
            await pilot.press(*["pageup"] * len(blocks[::4]))

    show(lambda seat: Pages(seat, "technician.operations.title", blocks), locale, use)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_every_step_is_there_and_its_action_below_it(language: str) -> None:
    book = reading(language, VALUES)
    for steps in chapters(language).values():
        for step in steps:
            assert f"{step['shown']}\n  {step['action']}" in book


def test_what_a_line_goes_on_with_is_set_in_as_the_line() -> None:
    assert reflowed("paper\n  look at it, then\nend", 12) == "paper\n  look at\n  it, then\nend"

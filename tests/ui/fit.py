"""What is wrong with a screen as it is: clipped, wrapped within a phrase, too small to touch, or one over another."""

import re
from collections.abc import Awaitable, Callable, Iterable
from itertools import combinations
from typing import Any

from rich.cells import cell_len
from textual.containers import VerticalScroll
from textual.geometry import Region
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

from kiosk.ui.app import KioskApp
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.keyboard import KeyCap
from tests.ui.scripted_counter import ScriptedCounter
from tests.ui.walk import USUAL, Shoot

_SAYS_SOMETHING = "Banner, StepBar, Paragraph, Key, KeyCap, SeatTab"
_MAY_WRAP = "Comparison Paragraph, .desk Paragraph"
"""Where texts are data of any length."""
_CODE = re.compile(r"K-[A-Z]+-\d{3}")
"""A failure's code, by which the failure book is asked."""
_LEAST = {Key: (12, 5), KeyCap: (8, 4)}
"""Cells of a target, across and down."""
_LEAST_LINES = 3
"""Fewer lines to scroll in are of no use."""

Tour = Callable[[Pilot[None], Shoot], Awaitable[None]]


def flaws_on_tour(
    play: Callable[..., KioskApp],
    tour: Tour,
    counter: ScriptedCounter,
    language: str = "ja",
    size: tuple[int, int] = USUAL,
    look: Callable[[KioskApp, str], Iterable[str]] = lambda app, name: (),
) -> list[str]:
    """The flaws of all screens that a tour comes past; `look` is given each with its name, and tells further ones."""
    told: list[str] = []

    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        async def visit(name: str) -> None:
            await pilot.pause()
            told.extend(f"{name} at {app.size}: {flaw}" for flaw in (*flaws(app.screen), *look(app, name)))

        await tour(pilot, visit)

    play(counter, people, language, size=size)
    return told


def flaws(screen: Screen[Any]) -> list[str]:
    """One sentence a flaw."""
    told = []
    wraps = set(screen.query(_MAY_WRAP))
    shown = [widget for widget in screen.query(_SAYS_SOMETHING) if _is_shown(widget)]
    for widget in shown:
        told += _of_place(widget, screen)
        for kind, (width, height) in _LEAST.items():
            if isinstance(widget, kind) and (widget.region.width < width or widget.region.height < height):
                told.append(f"{widget!r} is smaller than {width} by {height} cells")
        told += _of_codes(widget) if widget in wraps else _of_text(widget)
    for scroll in filter(_is_shown, screen.query(VerticalScroll)):
        place = _visible(scroll, screen)
        if place != scroll.region or place.height < min(_LEAST_LINES, scroll.virtual_size.height):
            told.append(f"of {scroll!r} {place.height} lines are seen")
    seen = {widget: _visible(widget, screen) for widget in shown}
    for one, other in combinations(shown, 2):
        if seen[one].intersection(seen[other]).area and one not in other.ancestors and other not in one.ancestors:
            told.append(f"{one!r} and {other!r} stand on one another")
    # The answers' own ground is painted over whatever it reaches.
    for answers in filter(_is_shown, screen.query(".keys .answers")):
        beside = filter(_is_shown, screen.query(".keys > Key"))
        told += [f"{key!r} is painted over" for key in beside if key.region.intersection(answers.region).area]
    return told


def above_the_middle(screen: Screen[Any]) -> list[str]:
    """What can be touched and does not lie in the lower half of the terminal."""
    middle = screen.app.size.height // 2
    targets = (target for target in screen.query("Key, KeyCap") if target.region.area)
    return [f"{target!r} is in the upper half" for target in targets if target.region.y < middle]


def _visible(widget: Widget, screen: Screen[Any]) -> Region:
    place = screen.find_widget(widget)
    return place.clip.intersection(place.region)


def _is_shown(widget: Widget) -> bool:
    around = (widget, *(above for above in widget.ancestors if isinstance(above, Widget)))
    return all(shown.display for shown in around)


def _of_place(widget: Widget, screen: Screen[Any]) -> list[str]:
    place = screen.find_widget(widget)
    if place.clip.intersection(place.region) == place.region or _scrolls(widget):
        return []
    return [f"{widget!r} is clipped: {place.region} in {place.clip}: {_text(widget)!r}"]


def _scrolls(widget: Widget) -> bool:
    return any(isinstance(above, VerticalScroll) for above in widget.ancestors)


def _of_text(widget: Widget) -> list[str]:
    told, lines = [], _text(widget).split("\n")
    if max(map(cell_len, lines)) > widget.content_size.width:
        told.append(f"{_text(widget)!r} is wider than {widget.content_size.width} cells")
    if len(lines) > widget.content_size.height:
        told.append(f"{_text(widget)!r} is higher than {widget.content_size.height} cells")
    return told


def _of_codes(widget: Widget) -> list[str]:
    """A code is read out over the telephone, so it stands in one line."""
    drawn = [strip.text for strip in widget.render_lines(Region(0, 0, *widget.size))]
    codes = set(_CODE.findall(_text(widget)))
    return [f"{code} is broken in {_text(widget)!r}" for code in codes if not any(code in line for line in drawn)]


def _text(widget: Widget) -> str:
    return str(widget.render())

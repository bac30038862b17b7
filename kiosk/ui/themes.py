"""The three looks of the screens; each says everything by words and shapes too, never by colour alone."""

from pathlib import Path
from typing import Any

from textual.app import App
from textual.theme import Theme

from kiosk.ui.style_sheet import ParsedOnce

FRAME_SHEET = Path(__file__).with_name("frame.tcss")
"""What the first paint needs."""
SEATS_SHEET = Path(__file__).with_name("seats.tcss")
"""Everything else; parsing it takes a third of a start, so it is read behind the first paint."""

STANDARD = Theme(
    name="kiosk-standard",
    dark=False,
    primary="#1b3f6b",
    secondary="#51637a",
    accent="#ffd84a",
    warning="#8a4b00",
    error="#9c1c1c",
    success="#1d6142",
    foreground="#17202b",
    background="#f3f5f7",
    surface="#ffffff",
    panel="#e3e9ef",
    variables={"on-primary": "#ffffff", "on-accent": "#17202b", "quiet": "#4c5a69", "line": "#9dabb9"},
)

CONTRAST = Theme(
    name="kiosk-contrast",
    dark=True,
    primary="#ffe100",
    secondary="#ffffff",
    accent="#ffffff",
    warning="#ffe100",
    error="#ffe100",
    success="#ffffff",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    variables={"on-primary": "#000000", "on-accent": "#000000", "quiet": "#ffffff", "line": "#ffffff"},
)

MONO = Theme(
    name="kiosk-mono",
    dark=False,
    primary="#000000",
    secondary="#000000",
    accent="#000000",
    warning="#000000",
    error="#000000",
    success="#000000",
    foreground="#000000",
    background="#ffffff",
    surface="#ffffff",
    panel="#ffffff",
    variables={"on-primary": "#ffffff", "on-accent": "#ffffff", "quiet": "#000000", "line": "#000000"},
)

THEMES = (STANDARD, CONTRAST, MONO)
"""In the order in which the display key goes through them."""


_WIDTHS = [(0, "-narrow"), (100, "-wide")]
_HEIGHTS = [(0, "-low"), (30, "-high")]
"""From how many cells on a screen has which class; the style sheet speaks of the low and the narrow ones."""


LEAST_COLUMNS, LEAST_ROWS = 90, 26
"""On fewer cells no screen has room for all that it says; a page says so instead."""


def size_classes(width: int, height: int) -> str:
    """The classes of a screen of that size, which it has from the start so that nothing is styled twice."""
    return " ".join(
        max((least, name) for least, name in classes if cells >= least)[1]
        for cells, classes in ((width, _WIDTHS), (height, _HEIGHTS))
    )


def dress_seats(app: App[Any]) -> None:
    """Reads the look of everything inside the frame."""
    app.stylesheet.read(SEATS_SHEET)
    app.refresh_css(animate=False)


def dress(app: App[Any]) -> None:
    """Gives an app that has not started yet the themes and the sizes that the style sheet knows."""
    app.HORIZONTAL_BREAKPOINTS = _WIDTHS
    app.VERTICAL_BREAKPOINTS = _HEIGHTS
    for theme in THEMES:
        app.register_theme(theme)
    # Without the theme's watcher, which needs a running app and would parse the style sheet a second time.
    app.set_reactive(App.theme, MONO.name if app.no_color else STANDARD.name)
    app.stylesheet = ParsedOnce(variables=app.get_css_variables())

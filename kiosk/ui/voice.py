"""What a screen says to somebody who does not see it: its texts, then every key with the keyboard's key that does it.

Before them, while the staff are called, that they are. A screen that changes says what is new on it first, and then all
of it: who types hears what was taken, and who has lost his way hears where he is. Seconds that are counted are no news.

`Voice` is the port; nothing speaks unless a station has one. A masked field says nothing. Of a password only what is
tapped by digits is spoken, as it is tapped: whoever sees neither keypad nor field could not know it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from textual.screen import Screen
from textual.widget import Widget

from kiosk.ui.widgets.call_key import CallKey
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import Words

_UNSPOKEN = ".picture, .danger-picture, #password-field, SeatBar Paragraph"
"""Drawings, what hides a password, and what stands on every screen."""


class Voice(Protocol):
    """Speaks to the one person at the terminal, in his headset."""

    def say(self, text: str) -> None:
        """Says a text, in place of what is still being said; returns at once."""
        ...


@dataclass(frozen=True)
class Sentence:
    """What is said; and what it is known by when it was said before: the text, or where seconds count their place."""

    text: str
    known_by: str


def sentences(screen: Screen[Any], words: Words) -> list[Sentence]:
    """Everything that somebody has to hear to go on from this screen, text by text and key by key."""
    silent = set(screen.query(_UNSPOKEN))
    texts = [
        _sentence(paragraph)
        for paragraph in screen.query(Paragraph)
        if paragraph not in silent and paragraph.text.strip() and _is_shown(paragraph)
    ]
    keys = [
        words("voice.key", key=keyboard_key, label=label)
        for key in screen.query(Key)
        if _is_shown(key) and not key.disabled
        for keyboard_key, label in key.ways
    ]
    called = [words("voice.called")] if any(key.is_calling for key in screen.query(CallKey)) else []
    return [*(Sentence(text, text) for text in called), *texts, *(Sentence(text, text) for text in keys)]


def news_first(now: Sequence[Sentence], said: Collection[str]) -> str:
    """All in one text, what was not `said` before at its beginning; empty where all is as it was."""
    new = [sentence.text for sentence in now if sentence.known_by not in said]
    if not new and {sentence.known_by for sentence in now} == set(said):
        return ""
    return " ".join((*new, *(sentence.text for sentence in now if sentence.known_by in said)))


def _sentence(paragraph: Paragraph) -> Sentence:
    text = paragraph.text.replace("\n", " ").strip()
    return Sentence(text, f"#{paragraph.id}" if paragraph.has_class("counting") else text)


def _is_shown(widget: Widget) -> bool:
    """Whether neither the widget nor anything around it is hidden."""
    around = (widget, *(ancestor for ancestor in widget.ancestors if isinstance(ancestor, Widget)))
    return all(shown.display for shown in around)

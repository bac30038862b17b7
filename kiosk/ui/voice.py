"""What a screen says to somebody who does not see it: its texts, then every key with the keyboard's key that does it.

Before them, while the staff are called, that they are. A screen that changes says what is new on it first, and then all
of it: who types hears the character, and who has lost his way hears where he is.

`Voice` is the port; nothing speaks unless a station has one. Passwords are never spoken: a masked field says nothing.
"""

from collections.abc import Sequence
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


def sentences(screen: Screen[Any], words: Words) -> list[str]:
    """Everything that somebody has to hear to go on from this screen, text by text and key by key."""
    silent = set(screen.query(_UNSPOKEN))
    texts = [
        paragraph.text.replace("\n", " ").strip()
        for paragraph in screen.query(Paragraph)
        if paragraph not in silent and _is_shown(paragraph)
    ]
    keys = [
        words("voice.key", key=keyboard_key, label=label)
        for key in screen.query(Key)
        if _is_shown(key) and not key.disabled
        for keyboard_key, label in key.ways
    ]
    if any(key.is_calling for key in screen.query(CallKey)):
        texts.insert(0, words("voice.called"))
    return [*filter(None, texts), *keys]


def news_first(texts: Sequence[str], said: Sequence[str]) -> str:
    """The texts in one, those before the others that were not `said` before; empty where nothing is new."""
    new = [text for text in texts if text not in said]
    return " ".join((*new, *(text for text in texts if text in said))) if new else ""


def _is_shown(widget: Widget) -> bool:
    """Whether neither the widget nor anything around it is hidden."""
    around = (widget, *(ancestor for ancestor in widget.ancestors if isinstance(ancestor, Widget)))
    return all(shown.display for shown in around)

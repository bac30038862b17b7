"""What a hand or a keyboard does twice without meaning it: contacts that bounce, a key that is held down."""

from collections.abc import Callable

BOUNCE_S = 0.16
"""Two strokes of a key closer than this are one: nobody reads a screen in between, and a keyboard repeats faster."""

_CONFIRMS = "enter"
"""The key that presses whatever has the focus, on every screen."""


class KeyBounce:
    """Tells strokes that were meant from those that were not; `now` is the clock of the strokes, in seconds.

    Enter counts once however long it repeats. Any other key is heard as often as it comes, so that nobody is slowed who
    types digits; but not when it is still the stroke that has led to the screen in front.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._last_key = ""
        self._last_s = float("-inf")
        self._was_dropped = False
        self._came_s = float("-inf")

    def screen_came(self) -> None:
        """Another screen is in front."""
        self._came_s = self._now()

    def drops(self, key: str, at_s: float) -> bool:
        """Whether this stroke, made at that time, was not meant."""
        is_again = key == self._last_key and at_s - self._last_s < BOUNCE_S
        has_led_here = self._last_s <= self._came_s
        self._was_dropped = is_again and (key == _CONFIRMS or has_led_here or self._was_dropped)
        self._last_key, self._last_s = key, at_s
        return self._was_dropped

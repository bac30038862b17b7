"""What the counter says by tones: a card was left, somebody is needed, all is done; told apart by how often it rings.

Tones go with the tower's signs, so that whoever sees no lamp hears the same.
"""

import time
from collections.abc import Callable, Mapping

from kiosk.ui.tower import TowerSign

RINGS: Mapping[TowerSign, int] = {
    TowerSign.DONE: 1,
    TowerSign.NEEDS_CLERK: 2,
    TowerSign.TROUBLE: 2,
    TowerSign.CARD_LEFT: 3,
}
"""How often each rings; the others are silent."""

_GAP_S = 0.25


class Sounds:
    """Rings once at every change of the sign, and again and again while a card is left.

    `ring` rings once and returns; `pause` waits so many seconds.
    """

    def __init__(self, ring: Callable[[], object], pause: Callable[[float], None] = time.sleep) -> None:
        self._ring = ring
        self._pause = pause
        self._last: TowerSign | None = None

    def follow(self, sign: TowerSign) -> None:
        """Rings for a sign, when it is a new one or one that must not be overheard."""
        is_heard = sign is self._last and sign is not TowerSign.CARD_LEFT
        self._last = sign
        for index in range(0 if is_heard else RINGS.get(sign, 0)):
            if index:
                self._pause(_GAP_S)
            self._ring()

"""A technician at a station of another's: he comes by his key, shows that he is one, and leaves the seat as it was."""

import logging
from collections.abc import Callable
from typing import Any

from textual.app import App

from kiosk.ui.idle import IdleGuard, Patience
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen

_SIGNS_IN_WITHIN_S = 30.0
"""A key that somebody else pressed must not keep residents from the terminal for longer."""

_log = logging.getLogger(__name__)


class Visit:
    """The visits of one station, one after another; `own` is its seat, `technician` the visitor's.

    `idle` knows when the terminal was touched last, `now` is a monotonic clock in seconds.
    """

    def __init__(
        self,
        app: App[None],
        own: Seat,
        technician: Seat,
        idle: IdleGuard,
        patience: Patience,
        now: Callable[[], float],
    ) -> None:
        self._app = app
        self._own = own
        self._technician = technician
        self._idle = idle
        self._patience = patience
        self._now = now
        self._look_before = app.theme
        self._begun_at_s = self._idle_before_s = 0.0

    @property
    def is_possible(self) -> bool:
        """Whether the station knows technicians who may come."""
        return self._own is not self._technician and self._technician.guard is not None

    @property
    def is_on(self) -> bool:
        """Whether a technician, or whoever pressed his key, is in front."""
        return self.is_possible and self._technician.is_in_front

    @property
    def is_at_cover(self) -> bool:
        """Whether he has not yet shown who he is."""
        return self.is_on and self._technician.is_locked

    def begin(self) -> None:
        """Covers the seat's screens by the question who he is; the station's own person has to sign in again, too."""
        if self._own.guard is not None:
            self._own.lock()
        self._technician.lock()
        self._technician.speak(self._own.language)
        self._look_before = self._app.theme
        self._begun_at_s, self._idle_before_s = self._now(), self._idle.idle_s
        self._app.switch_mode(self._technician.name)

    def end(self) -> None:
        """The station is its people's again."""
        if self.is_on:
            self._technician.lock()
            self._app.switch_mode(self._own.name)
            self._app.theme = self._look_before

    def mind_idleness(self, screen_behind: object) -> None:
        """Ends a visit of nobody; whoever has left the station in the middle of something is noticed meanwhile."""
        if not self.is_on:
            return
        if isinstance(screen_behind, SeatScreen):
            behind: SeatScreen[Any] = screen_behind
            behind.mind_idleness(self._idle_before_s + self._now() - self._begun_at_s, self._patience)
        if self._idle.idle_s >= (_SIGNS_IN_WITHIN_S if self.is_at_cover else self._patience.clerk_s):
            self.end()


def note_try(proved: object) -> None:
    """Whoever tries his luck at a public terminal leaves a trace: what came of it, by `kiosk.counter.roster.SignIn`."""
    if isinstance(proved, str):
        _log.info("a technician has signed in")
    else:
        _log.warning("a technician's PIN was wrong" if proved is None else "no technician is heard for a while")

"""Where a resident fills in a form or has one scanned: what the terminal has for it, over an open station."""

import asyncio
import datetime
import threading
from typing import TYPE_CHECKING

from kiosk.clock import JAPAN
from kiosk.model.resident import Resident
from kiosk.ui.counter import Counter
from kiosk.ui.station_thread import StationThread
from kiosk.ui.writings import NamePart, Writings

if TYPE_CHECKING:
    from kiosk.issuance.station import Station


class StationForms:
    """`kiosk.ui.resident.form_flow.FormsCorner`; in a demo the forms of its invented residents lie ready.

    The dictionaries and the scanner are read on a thread of their own, so that no case waits for them. It does not keep
    the program alive.
    """

    def __init__(self, counter: Counter, station: "Station", thread: StationThread, *, is_demo: bool) -> None:
        self.areas = counter.areas()
        self._codes = counter.code_reader()
        self.has_scanner = self._codes is not None
        is_clerk_here = counter.far_clerk() is None
        self._has_forms = is_clerk_here and (is_demo or counter.simulated_card() is not None)
        self._station = station
        self._thread = thread
        self._own_thread = StationThread()
        self._writings = Writings()

    def today(self) -> datetime.date:
        """The day at the counter."""
        return self._station.clock().astimezone(JAPAN).date()

    async def writings(self, reading: str, part: NamePart) -> tuple[str, ...]:
        """The dictionaries'; none without them, for kana alone are no choice."""
        if not self._writings.is_there:
            return ()
        return await self._own_thread.call(self._writings.of, reading, part)

    async def residents(self) -> tuple[Resident, ...]:
        """The demo's; a terminal in a town does not know the register."""
        if not self._has_forms:
            return ()
        return await self._thread.call(self._station.register.residents)

    async def scan(self) -> Resident | None:
        """One code; whoever gives up waiting has the scanner rest."""
        assert self._codes is not None, "asked where there is a scanner"
        is_given_up = threading.Event()
        try:
            code = await self._own_thread.call(self._codes.read, lambda: not is_given_up.is_set())
        except asyncio.CancelledError:
            is_given_up.set()
            raise
        return await self._own_thread.call(self._codes.resident_of, code) if code else None

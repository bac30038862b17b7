"""What the clerk's and the technician's seats ask of the station beside the case at the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kiosk.clock import JAPAN
from kiosk.model.form import Form
from kiosk.model.identity import IdentityRoute
from kiosk.model.resident import Resident
from kiosk.register.candidates import candidates
from kiosk.ui.board import Board
from kiosk.ui.books import Books, JournalQuery, JournalView, LeftCase, Statistics
from kiosk.ui.counter import Counter
from kiosk.ui.day import CounterDay
from kiosk.ui.reception import StationReception
from kiosk.ui.station_thread import StationThread
from kiosk.ui.workbench import Check

if TYPE_CHECKING:
    from kiosk.issuance.station import Station

_DAYS_TOLD = 14


class StationOffice:
    """`kiosk.ui.clerk.flow.Office` and `kiosk.ui.technician.flow.Workshop` over an open station.

    The books are read on a thread of their own.
    """

    def __init__(
        self, counter: Counter, station: "Station", thread: StationThread, reception: StationReception, board: Board
    ) -> None:
        self.services = reception.services
        self._counter = counter
        self._station = station
        self._thread = thread
        self._reception = reception
        self._board = board
        self._books: Books | None = None
        self.day = CounterDay(counter, station, thread, board, self._opened)

    def _opened(self) -> Books:
        if self._books is None:
            self._books = self._counter.books()
        return self._books

    async def left_cases(self) -> Sequence[LeftCase]:
        """Cases that have not ended, without the one at the terminal."""
        today = self._station.clock().astimezone(JAPAN).date()
        cases = await self._thread.call(lambda: self._opened().left_cases(today))
        case, service = self._board.case, self._board.service
        at_terminal = (case and case.application.number, service and service.number)
        self._board.left = tuple(case for case in cases if case.number not in at_terminal)
        self._board.bell.ring()
        return self._board.left

    async def journal(self, asked: JournalQuery) -> JournalView:
        """The entries that are asked for."""
        return await self._thread.call(lambda: self._opened().journal(asked))

    async def statistics(self) -> Statistics:
        """What the journal says about the last days."""
        today = self._station.clock().astimezone(JAPAN).date()
        return await self._thread.call(lambda: self._opened().statistics(today, _DAYS_TOLD))

    async def checks(self) -> Sequence[Check]:
        """The configuration and what is wrong with it."""
        return await self._thread.call(self._counter.checks)

    async def residents(self) -> Sequence[Resident]:
        """The register, which the clerk's station alone reads."""
        return await self._thread.call(self._station.register.residents)

    async def candidates(self, form: Form) -> Sequence[Resident]:
        """Whose form it may be."""
        return await self._thread.call(lambda: candidates(self._station.register.residents(), form))

    @property
    def identity_routes(self) -> Sequence[IdentityRoute]:
        """The policy's."""
        return self._station.policy.identity

    def offer(self, resident: Resident) -> None:
        """Sends a form that was taken in to the terminal."""
        self._board.offer(resident)

    async def resume(self, case: LeftCase) -> None:
        """Goes on with a case that was left; its resident, or the clerk for him, finishes it or takes it back."""
        if case.procedure != "issuance":
            await self.services.go_on(case.number, case.resident)
        elif case.resident is not None and self._board.case is None and self._board.service is None:
            if case.stage == "on_hold":
                await self.services.resume(case.number)
            await self._reception.open_case(case.resident)

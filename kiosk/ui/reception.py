"""Takes residents in: their forms, their cases, and the thread on which a case runs."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING

from hw.ports import PinPolicy
from kiosk.model.resident import Resident
from kiosk.ui.board import Board
from kiosk.ui.case import OpenCase
from kiosk.ui.case_thread import Issue, run_case
from kiosk.ui.counter import Counter, FailureText, SimulatedCard
from kiosk.ui.station_thread import StationThread
from kiosk.ui.words import LANGUAGES

if TYPE_CHECKING:
    from kiosk.issuance.station import Station


class StationReception:
    """`kiosk.ui.resident.flow.Reception` over an open station. `start` runs a coroutine and minds its failure."""

    def __init__(
        self,
        counter: Counter,
        station: "Station",
        thread: StationThread,
        board: Board,
        issue: Issue,
        start: Callable[[Coroutine[None, None, None]], object],
    ) -> None:
        rules = station.policy.passwords["signature"]
        self.fee_yen = station.policy.fee.issue_yen
        self.entry_policy = PinPolicy(rules.minimum_length, rules.maximum_length, rules.characters)
        self.card: SimulatedCard | None = counter.simulated_card()
        self._counter = counter
        self._station = station
        self._thread = thread
        self._board = board
        self._issue = issue
        self._start = start

    async def residents(self) -> tuple[Resident, ...]:
        """Whose forms lie here."""
        return await self._thread.call(self._station.register.residents)

    async def open_case(self, resident: Resident) -> OpenCase:
        """Files the form and lets its case run."""
        application = await self._thread.call(self._counter.file_application, resident)
        case = OpenCase(application, resident, self._board.bell)
        self._board.open(case)
        self._start(self._run(case))
        return case

    async def _run(self, case: OpenCase) -> None:
        loop = asyncio.get_running_loop()

        def post(news: object) -> None:
            loop.call_soon_threadsafe(case.take, news)

        self._board.close(case, await self._thread.call(run_case, self._issue, case, self._station, post))

    def leave(self) -> None:
        """The resident leaves."""
        self._board.leave()

    def failure_texts(self, code: str) -> dict[str, FailureText]:
        """The failure book's words in every language."""
        return {language: self._counter.failure_text(code, language) for language in LANGUAGES}

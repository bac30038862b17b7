"""Takes residents in: their forms, their cases, and the thread on which a case runs."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING

from hw.errors import DeviceError
from hw.ports import PinPolicy
from kiosk.model.resident import Resident
from kiosk.model.secret import wipe
from kiosk.reception_hours import Closed
from kiosk.ui.board import Board
from kiosk.ui.card_services import CardServices, Judgement, OwnCertificate
from kiosk.ui.case import OpenCase
from kiosk.ui.case_thread import Issue, is_card_inside, run_case
from kiosk.ui.counter import Counter, FailureText
from kiosk.ui.devices import SimulatedCard
from kiosk.ui.forms_corner import StationForms
from kiosk.ui.resident.form_flow import FormsCorner
from kiosk.ui.resident.own_flow import OwnCard
from kiosk.ui.service_desk import StationServices
from kiosk.ui.station_thread import StationThread

if TYPE_CHECKING:
    from kiosk.issuance.station import Station


_USUAL_OF = 20
"""So many of the newest tell what is usual."""
_SLICE_S = 0.5
"""How long the station's thread waits for a card before somebody else gets a turn."""


class CardAtTerminal:
    """`kiosk.ui.resident.own_flow.OwnCard` over an open station: every call but `look` takes its turn on its thread."""

    def __init__(
        self, station: "Station", services: CardServices, thread: StationThread, card: SimulatedCard | None
    ) -> None:
        self._reader = station.reader
        self._readers = station.readers
        self._services = services
        self._thread = thread
        self.card = card

    async def is_inside(self) -> bool:
        """Whether a card lies in the reader; a reader that cannot be asked has none."""
        try:
            return await self._thread.call(self._reader.is_card_present)
        except DeviceError:
            return False

    async def look(self) -> bool | None:
        """Looks, on a thread of its own: the station's belongs to the case."""
        return await asyncio.to_thread(is_card_inside, self._readers)

    async def wait(self, is_inside: bool) -> None:
        """Waits for the hand that moves the card; a reader that is missing is waited for too."""
        wait = self._reader.wait_for_card if is_inside else self._reader.wait_for_removal
        while True:
            try:
                if await self._thread.call(wait, _SLICE_S):
                    return
            except DeviceError:
                await asyncio.sleep(_SLICE_S)

    async def attempts(self) -> int:
        """Asks the card."""
        return await self._thread.call(self._services.attempts)

    async def certificate(self, password: bytearray, sample: Callable[[str], str] | None) -> OwnCertificate:
        """Reads it, has the sample signed, and wipes the password."""
        try:
            return await self._thread.call(self._services.own_certificate, password, sample)
        finally:
            wipe(password)

    async def judge(self, document: str, name: str) -> Judgement:
        """Judges."""
        return await self._thread.call(self._services.judge, document, name)


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
        *,
        is_demo: bool,
    ) -> None:
        rules = station.policy.passwords["signature"]
        self.fee_yen = station.policy.fee.issue_yen
        self.entry_policy = PinPolicy(rules.minimum_length, rules.maximum_length, rules.characters)
        self.validity_years = station.policy.certificates[0].validity_years
        self.card: SimulatedCard | None = counter.simulated_card()
        self.own_card: OwnCard = CardAtTerminal(station, counter.card_services(), thread, self.card)
        self.services = StationServices(counter, station, thread, board, start)
        self.forms: FormsCorner = StationForms(counter, station, thread, is_demo=is_demo)
        self._counter = counter
        self._station = station
        self._thread = thread
        self._board = board
        self._issue = issue
        self._start = start
        self._key_generations_s: deque[int] = deque(maxlen=_USUAL_OF)

    async def open_case(self, resident: Resident) -> OpenCase:
        """Files the form and lets its case run; one that was left goes on, and had reached a step before."""
        application = await self._thread.call(self._counter.file_application, resident)
        reached = await self._thread.call(self._station.journal.reached, application.number)
        case = OpenCase(application, resident, self._board.bell, reached)
        self._board.open(case)
        self._start(self._run(case))
        return case

    async def _run(self, case: OpenCase) -> None:
        loop = asyncio.get_running_loop()

        def post(news: object) -> None:
            loop.call_soon_threadsafe(case.take, news)

        far = self._counter.far_clerk()
        self._board.close(case, await self._thread.call(run_case, self._issue, case, self._station, post, far))

    @property
    def usual_key_generation_s(self) -> int | None:
        """How long cards here usually take to make their key, None where that is no second or nobody knows yet."""
        seconds = sorted(self._key_generations_s)
        return (seconds[len(seconds) // 2] or None) if seconds else None

    def note_key_generation(self, took_s: int) -> None:
        """A card has made its key in that many seconds, counted from the moment its resident had chosen a password."""
        self._key_generations_s.append(took_s)

    def closed(self) -> Closed | None:
        """What the counter's hours say now."""
        hours = self._counter.hours
        return None if hours is None else hours.closed_at(self._station.clock())

    def leave(self) -> None:
        """The resident leaves."""
        self._board.leave()

    def failure_texts(self, code: str) -> dict[str, FailureText]:
        """The failure book's words in every language."""
        return self.services.failure_texts(code)

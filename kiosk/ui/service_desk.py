"""What the seats have the station do besides issuing: procedures begun, gone on with, put off, ended, settled."""

import asyncio
import datetime
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING

from hw.ports import MachineMoney, PinPolicy
from kiosk.clock import JAPAN
from kiosk.model.open_days import open_days_after
from kiosk.model.resident import Resident
from kiosk.model.revocation import RevocationApplication, RevocationCause
from kiosk.ui.board import Board
from kiosk.ui.counter import Counter, FailureText
from kiosk.ui.devices import SimulatedCard
from kiosk.ui.service import OpenService, Run, ServiceKind, run_service
from kiosk.ui.station_thread import StationThread
from kiosk.ui.words import RESIDENT_LANGUAGES

if TYPE_CHECKING:
    from kiosk.issuance.station import Station

_RETURN_DAYS = 5


class StationServices:
    """`kiosk.ui.resident.service_flow.Services` and `kiosk.ui.clerk.service_flow.Services` over an open station."""

    def __init__(
        self,
        counter: Counter,
        station: "Station",
        thread: StationThread,
        board: Board,
        start: Callable[[Coroutine[None, None, None]], object],
    ) -> None:
        rules = station.policy.passwords["signature"]
        self.entry_policy = PinPolicy(rules.minimum_length, rules.maximum_length, rules.characters)
        self.card: SimulatedCard | None = counter.simulated_card()
        self._counter = counter
        self._procedures = counter.procedures()
        self._station = station
        self._thread = thread
        self._board = board
        self._start = start

    # --- beginning

    async def change_password(self) -> OpenService:
        """The card's owner wants another password."""
        number = await self._next(ServiceKind.CHANGE)
        return self._open(ServiceKind.CHANGE, number, self._procedures.change_password(number), has_resident=True)

    async def unlock(self, resident: Resident) -> OpenService:
        """The clerk has taken an application in to set a password anew."""
        number = await self._next(ServiceKind.UNLOCK)
        run = self._procedures.unlock(number, resident.code)
        born = resident.items.birth_date
        return self._open(ServiceKind.UNLOCK, number, run, has_resident=True, birth_date=born)

    async def revoke(
        self, resident: Resident, cause: RevocationCause, has_card: bool, second: str | None
    ) -> OpenService:
        """The clerk has taken an application in, or was informed; `second` is the clerk who signs too."""
        number = await self._next(ServiceKind.REVOKE)
        application = RevocationApplication(number, resident.code, cause, has_card)
        run = self._procedures.revoke(application, second)
        return self._open(ServiceKind.REVOKE, number, run, has_resident=not cause.is_on_information)

    async def go_on(self, number: str, resident: Resident | None) -> None:
        """Goes on with a procedure that an interruption left; `resident` as the register knows him, if it is known."""
        if self._board.case is None and self._board.service is None:
            kind, has_resident, run = await self._thread.call(self._procedures.left, number)
            born = None if resident is None else resident.items.birth_date
            self._open(ServiceKind(kind), number, run, has_resident=has_resident, birth_date=born)

    async def again(self, service: OpenService) -> OpenService:
        """The same procedure once more: start is resume."""
        kind, has_resident = service.kind, service.has_resident
        born = service.birth_date
        return self._open(kind, service.number, service.run, has_resident=has_resident, birth_date=born)

    def leave(self) -> None:
        """The resident has read how it ended."""
        self._board.serve(None)

    # --- deciding

    async def hold(self, number: str, until: datetime.date) -> bool | None:
        """Puts an application off; whether the slip came out. Raises `DecisionRefused`."""
        return await self._thread.call(self._procedures.hold, number, until)

    async def resume(self, number: str) -> None:
        """Takes an application off hold. Raises `DecisionRefused`."""
        await self._thread.call(self._procedures.resume, number)

    async def abort(self, number: str) -> str:
        """Ends a case; the code by which it is known. Raises `DecisionRefused`."""
        return await self._thread.call(self._procedures.abort, number)

    async def settle(self, number: str, answer: str, second: str) -> None:
        """Records what two clerks say. Raises `DecisionRefused`."""
        await self._thread.call(self._procedures.settle, number, answer, second)

    async def question(self, number: str) -> str:
        """What two clerks are asked about a case: `fee`, `receipt` or `refund`; empty when nothing is asked."""
        return await self._thread.call(self._procedures.question, number)

    async def known_money(self, number: str) -> MachineMoney:
        """What a machine knows of the money of a case."""
        return await self._thread.call(self._procedures.known_money, number)

    def second_clerks(self) -> tuple[str, ...]:
        """Who can sign beside the clerk at this seat."""
        return self._procedures.second_clerks()

    def today(self) -> datetime.date:
        """The day at the counter."""
        return self._station.clock().astimezone(JAPAN).date()

    def return_days(self) -> Sequence[datetime.date]:
        """The next days on which a resident can come again."""
        return open_days_after(self.today(), self._counter.holidays, _RETURN_DAYS)

    def failure_texts(self, code: str) -> dict[str, FailureText]:
        """The failure book's words in every language."""
        return {language: self._counter.failure_text(code, language) for language in RESIDENT_LANGUAGES}

    # ---

    def _open(
        self, kind: ServiceKind, number: str, run: Run, *, has_resident: bool, birth_date: datetime.date | None = None
    ) -> OpenService:
        bell = self._board.bell
        service = OpenService(kind, number, run, bell, has_resident=has_resident, birth_date=birth_date)
        self._board.serve(service)
        self._start(self._run(service))
        return service

    async def _run(self, service: OpenService) -> None:
        loop = asyncio.get_running_loop()

        def post(news: object) -> None:
            loop.call_soon_threadsafe(service.take, news)

        far = self._counter.far_clerk()
        service.take(await self._thread.call(run_service, service, self._station, post, far))
        self._board.end_service(service)

    async def _next(self, kind: ServiceKind) -> str:
        return await self._thread.call(self._procedures.next_number, kind, self.today().year)

"""The terminal's side of a clerk elsewhere who decides about cases that were left here: put off, taken up, or ended."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from kiosk.issuance.persons import Abandoned
from kiosk.ui.board import Board
from kiosk.ui.far import FarClerk
from kiosk.ui.station_thread import StationThread

if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping

    from kiosk.issuance.station import Station
    from kiosk.model.decision import Decision
    from kiosk.ui.far import FarDecisions
    from kiosk.ui.procedures import Procedures

_LOOKS_EVERY_S = 2.0
"""How often it is looked for cases that were left."""

_log = logging.getLogger(__name__)


class _NotWanted(Exception):
    """A resident has come, and the station is his; or the program ends."""


async def have_left_cases_decided(
    far: FarClerk,
    procedures: "Procedures",
    station: "Station",
    station_thread: StationThread,
    board: Board,
    is_leaving: Callable[[], bool],
) -> None:
    """Asks the clerk at his station about what was left, for as long as nobody is at the terminal, for ever.

    What he decides is carried out on the station's own thread, and he is told what came of it.
    """
    from kiosk.issuance.decide import days_of_holds, undecided_cases

    thread = StationThread()

    def give_up() -> None:
        if board.is_in_use or is_leaving():
            raise _NotWanted

    def go_on() -> None:
        if is_leaving():
            raise _NotWanted

    try:
        while not is_leaving():
            await board.bell.until(lambda: not board.is_in_use)
            left = await station_thread.call(undecided_cases, station.journal)
            decisions = await thread.call(far.decisions, give_up)
            days = await station_thread.call(days_of_holds, left, station)
            names = [case.pseudonym for case in left]
            decision = await _decision(decisions, names, days, thread) if names else None
            if decision is not None and not board.is_in_use:
                clerk = far.clerk(decision.number, go_on)
                carried_out = await station_thread.call(procedures.carry_out, decision, clerk)
                await _told(partial((await thread.call(far.decisions, go_on)).tell, carried_out), thread)
            else:
                await asyncio.sleep(_LOOKS_EVERY_S)
    finally:
        thread.end()


async def _decision(
    decisions: "FarDecisions", names: list[str], days: "Mapping[str, datetime.date]", thread: StationThread
) -> "Decision | None":
    from hw.errors import LinkLost, Refused

    try:
        return await thread.call(decisions.decide, names, days)
    except (_NotWanted, Abandoned, LinkLost, Refused):
        return None  # the cases stay as they are, and he is asked again


async def _told(tell: Callable[[], None], thread: StationThread) -> None:
    from hw.errors import LinkLost, Refused

    try:
        await thread.call(tell)
    except (_NotWanted, Abandoned, LinkLost, Refused) as lost:
        # How the case stands he sees in the store.
        _log.warning("the clerk's station does not hear what came of a decision: %s", type(lost).__name__)

"""Cases that were left at terminals elsewhere: the clerk decides here, the terminal does it, and he hears how."""

import datetime
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kiosk.model.decision import CarriedOut, Choice, DecisionKind
from kiosk.model.transition import procedure_of
from kiosk.ui.books import LeftCase
from kiosk.ui.clerk.service import ConfirmAbort, Decided, ReturnDay
from kiosk.ui.seat import Seat
from kiosk.ui.terminals import TerminalQuestion, Terminals

if TYPE_CHECKING:
    from kiosk.ui.clerk.service_flow import Services, Show


def left_at_terminals(terminals: Terminals) -> Iterator[LeftCase]:
    """The cases about which terminals ask; of their residents nothing is known here."""
    for _, left in terminals.undecided:
        for case in left.cases:
            procedure = procedure_of(case.stage).value
            yield LeftCase(
                case.number,
                None,
                case.stage.value,
                case.code,
                False,
                procedure,
                case.station,
                fee=case.fee,
                until=case.until,
            )


async def decide_elsewhere(
    seat: Seat, services: "Services", case: LeftCase, kind: DecisionKind, show: "Show"
) -> Decided | None:
    """The clerk says the rest, and the terminal gets it, if it waits still."""
    until: datetime.date | None = None
    if kind is DecisionKind.HOLD:
        day = await show(seat, ReturnDay(seat, services.return_days(), case))
        if not isinstance(day, datetime.date):
            return None
        until = day
    if kind is DecisionKind.ABORT and await show(seat, ConfirmAbort(seat, case)) is not True:
        return None
    terminals = seat.board.terminals
    found = None if terminals is None else _asked_about(terminals, case)
    if terminals is None or found is None or not terminals.answer(found[0], Choice(found[1], kind, until)):
        return Decided(seat, "clerk.told.refused_elsewhere", station=case.station)
    return Decided(seat, "clerk.told.sent_elsewhere", station=case.station, number=case.number)


def _asked_about(terminals: Terminals, case: LeftCase) -> tuple[TerminalQuestion, str] | None:
    """What the terminal asks about its case, and the case's pseudonym; None when it does not any more."""
    for question, left in terminals.undecided:
        for one in left.cases:
            if (one.station, one.number, one.stage.value) == (case.station, case.number, case.stage):
                return question, one.pseudonym
    return None


async def tell_carried_out(seat: Seat, services: "Services", terminals: Terminals) -> None:
    """What came of a decision, in the words in which it is told of a case of this station."""
    station, told = terminals.carried_out.pop(0)
    screen = _decided(seat, services, told)
    screen.concerning = seat.words("clerk.terminal.case", station=station, number=told.decision.number)
    await seat.ask(screen)


def _decided(seat: Seat, services: "Services", told: CarriedOut) -> Decided:
    number, choice = told.decision.number, told.decision.choice
    failure = services.failure_texts(told.code) if told.code else None
    if told.is_day_kept:
        return Decided(seat, "clerk.told.day_kept_elsewhere", failure, number=number, day=choice.until)
    if not told.is_done:
        return Decided(seat, "clerk.told.not_done_elsewhere", failure)
    match choice.kind:
        case DecisionKind.HOLD:
            text = "clerk.told.held_elsewhere" if told.slip_came_out else "clerk.told.held_without_slip"
            return Decided(seat, text, number=number, day=choice.until)
        case DecisionKind.RESUME:
            return Decided(seat, "clerk.told.resumed", number=number)
    return Decided(seat, "clerk.told.aborted", failure, number=number)

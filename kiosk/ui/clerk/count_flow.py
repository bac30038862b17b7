"""The clerk's way through a count: the coin machine's money of nobody, then the drawer; signed, kept and printed.

A count is left alone but for what waits for money; everything else waits until it is signed.
"""

from typing import TypeVar

from kiosk.counter.cash_count import CountKind
from kiosk.journal.entry import ChainBroken
from kiosk.ui.board import Board
from kiosk.ui.books import DayTakings
from kiosk.ui.clerk.day_close import ConfirmClose, CountDrawer, DayIsClosed, DaySums, machine_text
from kiosk.ui.clerk.papers import Told, told_of
from kiosk.ui.day import CounterDay
from kiosk.ui.persons import CashMinded, ChangeDue, FeeDue, PaymentCount, Repayment
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen, Stop

R = TypeVar("R")

_OF_MONEY = (FeeDue, PaymentCount, ChangeDue, CashMinded, Repayment)


async def count(seat: Seat, day: CounterDay, kind: CountKind, clerk: str) -> bool:
    """Counts coin machine and drawer unless the last count is not as it was journaled; whether the drawer's is kept."""
    try:
        if await day.closed() is None:
            await _count_machine(seat, day)
        return await _count_drawer(seat, day, kind, clerk)
    except ChainBroken as broken:
        await _show(seat, Told(seat, "count_changed", entry=broken.seq))
        return False


async def _show(seat: Seat, screen: SeatScreen[R]) -> R | Stop | None:
    """Shows a screen for as long as no money waits for the clerk."""
    return await seat.show(screen, lambda: not _is_money_waiting(seat.board))


def _is_money_waiting(board: Board) -> bool:
    asked: list[object] = [under_way.clerk_asked for under_way in (board.case, board.service) if under_way is not None]
    if board.terminal_question is not None:
        asked.append(board.terminal_question.asked)
    return any(isinstance(question, _OF_MONEY) for question in asked)


async def _counted(
    seat: Seat, day: CounterDay, kind: CountKind, takings: DayTakings, aside: str
) -> tuple[dict[int, int], str] | None:
    """The pieces and why they differ from the sums; None when it was put off.

    What was counted stays when the count is interrupted. Who goes back from the sums counts on.
    """
    while True:
        begun = day.begun(kind)
        pieces = await _show(seat, CountDrawer(seat, takings, kind, aside, begun))
        if isinstance(pieces, Stop):
            begun.clear()
        if not isinstance(pieces, dict):
            return None
        counted_yen = sum(yen * number for yen, number in pieces.items())
        reason = await _signed(seat, day, kind, takings, counted_yen)
        if isinstance(reason, str):
            return pieces, reason
        if reason is None:
            return None


async def _signed(
    seat: Seat, day: CounterDay, kind: CountKind, takings: DayTakings, counted_yen: int
) -> str | Stop | None:
    """Why the sums differ, as the clerk signs it; a day's close he is asked about once more, and may go back from."""
    while True:
        reason = await _show(seat, DaySums(seat, takings, counted_yen, kind))
        if kind is not CountKind.DAY_CLOSE or not isinstance(reason, str):
            return reason
        await day.look_at_queue()
        match await _show(seat, ConfirmClose(seat, takings, counted_yen)):
            case True:
                return reason
            case None:
                return None


async def _count_machine(seat: Seat, day: CounterDay) -> None:
    """Counts, signs and settles what the coin machine holds of nobody; what is put off stays in it."""
    money = await day.unowned_money()
    if not money:
        return
    if money.of_payments_yen:
        await _show(seat, Told(seat, "machine_of_cases", yen=f"{money.of_payments_yen:,}"))
        return
    if not await day.is_machine_counted(money):
        taken = await day.machine_takings(money)
        counted = await _counted(seat, day, CountKind.MACHINE, taken, machine_text(money, seat.words))
        if counted is None:
            return
        await day.keep_count(CountKind.MACHINE, taken, *counted)
    is_settled = await day.settle_machine(money)
    await _show(seat, Told(seat, "machine_settled" if is_settled else "machine_changed"))


async def _count_drawer(seat: Seat, day: CounterDay, kind: CountKind, clerk: str) -> bool:
    """Counts the drawer, signs and keeps the count, prints its slip; a day is closed once. Whether it was kept."""
    closed = await day.closed()
    if closed is not None:
        await _show(seat, DayIsClosed(seat, closed.count))
        return False
    takings = await day.takings()
    counted = await _counted(seat, day, kind, takings, seat.words("clerk.day.text"))
    if counted is None:
        return False
    kept = await day.keep_count(kind, takings, *counted)
    outcome = await day.print_count(kept, takings, clerk, seat.words)
    await _show(seat, Told(seat, told_of(outcome)))
    if kind is CountKind.DAY_CLOSE:
        await _show(seat, DayIsClosed(seat, kept.count))
    return True

"""The counter's day at the clerk's seat: the queue, the drawer, copies of receipts, papers; over an open station.

Everything runs on the books' thread, beside the case at the terminal.
"""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from hw.errors import DeviceError, NotSent
from hw.ports import PrintOutcome, UnownedMoney
from kiosk.clock import JAPAN
from kiosk.counter.cash_count import CashCount, CountKind, KeptCount, drawer_day
from kiosk.counter.queue import Purpose, TicketState
from kiosk.counter.reprint import (
    CertificateContent,
    Copied,
    CopyReason,
    ReceiptUnknown,
    can_copy,
    certificate_of,
    copy_receipt,
    note_certificate_copy,
)
from kiosk.model.resident import Resident
from kiosk.ui.board import Board
from kiosk.ui.books import Books, DayTakings
from kiosk.ui.counter import Counter
from kiosk.ui.dates import day_text
from kiosk.ui.station_thread import StationThread
from kiosk.ui.words import Words

if TYPE_CHECKING:
    from kiosk.counter_records import CounterRecords
    from kiosk.issuance.station import Station

LETTER_DAYS = 14
"""So long a resident has to answer a letter of inquiry."""

T = TypeVar("T")


class CounterDay:
    """`kiosk.ui.clerk.flow.Day`."""

    def __init__(
        self,
        counter: Counter,
        station: "Station",
        thread: StationThread,
        board: Board,
        books: Callable[[], Books],
    ) -> None:
        self._counter = counter
        self._station = station
        self._thread = thread
        self._board = board
        self._books = books
        self._kept: CounterRecords | None = None
        self._begun: dict[CountKind, dict[int, int]] = {}

    def _records(self) -> "CounterRecords":
        if self._kept is None:
            self._kept = self._counter.records()
        return self._kept

    # --- the queue ----------------------------------------------------------------------------------------------------

    async def look_at_queue(self) -> None:
        """Shows today's numbers as they are kept."""
        await self._queued(lambda: None)

    async def give(self, purpose: Purpose) -> int:
        """Gives the next number."""
        return await self._queued(lambda: self._records().queue.give(purpose).number)

    async def call_next(self) -> int | None:
        """Calls whoever has waited longest."""
        return await self._queued(lambda: self._records().queue.call_next())

    async def call(self, number: int) -> bool:
        """Calls one number."""
        return await self._queued(lambda: self._records().queue.call(number))

    async def end(self, state: TicketState) -> None:
        """Whom this counter has called was served, did not come, or waits again."""
        await self._queued(lambda: self._records().queue.end(state))

    async def _queued(self, act: Callable[[], T]) -> T:
        result = await self._thread.call(act)
        tickets = await self._thread.call(lambda: self._records().queue.tickets())
        mine = (t.number for t in tickets if t.state is TicketState.CALLED and t.counter == self._station.name)
        self._board.tickets, self._board.calls = tickets, next(mine, None)
        self._board.bell.ring()
        return result

    # --- the drawer ---------------------------------------------------------------------------------------------------

    async def takings(self) -> DayTakings:
        """The money since the drawer was counted last; what has not ended at terminals of this clerk counts too."""
        told = await self._thread.call(self._read_takings)
        terminals = self._board.terminals
        if terminals is None:
            return told
        held = terminals.held_count
        return replace(told, left=told.left + terminals.left_count - held, held=told.held + held)

    def _read_takings(self) -> DayTakings:
        counts = self._records().counts
        last = counts.last()
        today = self._station.clock().astimezone(JAPAN).date()
        told = self._books().takings(today, 0 if last is None else last.count.until_seq)
        return replace(told, float_yen=counts.float_yen)

    async def closed(self) -> KeptCount | None:
        """The close of today, when it was made."""

        def find() -> KeptCount | None:
            counts = self._records().counts
            return counts.last() if counts.is_closed() else None

        return await self._thread.call(find)

    def begun(self, kind: CountKind) -> dict[int, int]:
        """The pieces by their value of a count that was begun and not signed; empty at first, written by who counts."""
        return self._begun.setdefault(kind, {})

    async def keep_count(
        self, kind: CountKind, takings: DayTakings, pieces: Mapping[int, int], reason: str
    ) -> KeptCount:
        """Signs a count by the clerk's key and keeps it.

        Of a day's close the change stays in the drawer and the rest is paid in, of a machine everything is.
        """
        counted_yen = sum(yen * count for yen, count in pieces.items())
        kept_yen = {
            CountKind.DAY_CLOSE: min(takings.float_yen, counted_yen),
            CountKind.HANDOVER: counted_yen,
            CountKind.MACHINE: 0,
        }
        now = self._station.clock()
        count = CashCount(
            kind,
            self._station.name,
            drawer_day(now),
            now.isoformat(timespec="seconds"),
            takings.float_yen,
            takings.issued,
            takings.fees_yen,
            takings.refunds,
            takings.refunds_yen,
            {str(yen): number for yen, number in pieces.items() if number},
            kept_yen[kind],
            reason,
            takings.until_seq,
        )
        kept = await self._thread.call(lambda: self._records().counts.keep(count, [self._station.clerk_key]))
        self._begun.pop(kind, None)
        return kept

    async def unowned_money(self) -> UnownedMoney | None:
        """What the coin machine holds of nobody; None where there is none, or nobody can ask it."""
        machine = self._counter.coin_machine()
        if machine is None:
            return None
        try:
            return await self._thread.call(machine.unowned)
        except DeviceError:
            return None

    async def machine_takings(self, money: UnownedMoney) -> DayTakings:
        """What the machine says, as sums of a count."""
        today = self._station.clock().astimezone(JAPAN).date()
        return DayTakings(today, 0, money.unassigned_yen, 0, 0, 0, until_seq=money.entry)

    async def is_machine_counted(self, money: UnownedMoney) -> bool:
        """Whether it was counted as it is, and the program ended before the machine had heard of it."""
        return await self._thread.call(lambda: self._records().counts.is_machine_counted(money.entry))

    async def settle_machine(self, counted: UnownedMoney) -> bool:
        """Tells the coin machine that it was counted; False when it holds, or may hold, something else by now."""
        machine = self._counter.coin_machine()
        assert machine is not None, "it was counted"
        try:
            await self._thread.call(machine.settle, counted)
        except DeviceError:
            return False
        return True

    async def print_count(self, kept: KeptCount, takings: DayTakings, clerk: str, words: Words) -> PrintOutcome:
        """The slip of a count, with the journal's head over it and what the coin machine still holds of nobody."""
        count = kept.count
        unowned = await self.unowned_money()
        values = {
            "date": count.day,
            "station": count.station,
            "float_yen": f"{count.float_yen:,}",
            "receipts": str(count.receipts),
            "received_yen": f"{count.taken_yen:,}",
            "refunds": str(count.refunds),
            "refunded_yen": f"{count.repaid_yen:,}",
            "expected_yen": f"{count.due_yen:,}",
            "counted_yen": f"{count.counted_yen:,}",
            "difference_yen": f"{count.difference_yen:+,}" if count.difference_yen else "0",
            "first_receipt": "-" if takings.receipts is None else f"{takings.receipts[0]:06d}",
            "last_receipt": "-" if takings.receipts is None else f"{takings.receipts[1]:06d}",
            "exempted": str(takings.exempted),
            "suspects": str(takings.suspects),
            "unassigned_yen": f"{unowned.unassigned_yen:,}" if unowned else "0",
            "clerk": clerk,
            "head": kept.head,
        }
        rows = {"denominations": [{"value": f"{int(yen):,}", "pieces": str(n)} for yen, n in count.pieces.items()]}
        known = {"head": kept.head, "suspects": takings.suspects, "unassigned": unowned, "exempted": takings.exempted}
        marks = {mark for mark, is_known in known.items() if is_known}
        return await self._print("day_close", words, values, rows, marks)

    # --- papers -------------------------------------------------------------------------------------------------------

    async def can_copy(self, number: int) -> bool:
        """Whether a receipt of that number can be read here."""
        return await self._thread.call(lambda: can_copy(number, self._records().journal))

    async def copy_receipt(self, number: int, reason: CopyReason, operator: str) -> Copied | None:
        """A copy of a receipt, printed for the clerk of that name; None for a number that was printed nowhere here."""

        def copy() -> Copied | None:
            try:
                return copy_receipt(number, reason, operator, self._records().journal, self._station)
            except ReceiptUnknown:
                return None
            except NotSent:
                return Copied(PrintOutcome.NOT_STARTED, 0)
            except DeviceError:
                return Copied(PrintOutcome.UNKNOWN, 0)

        return await self._thread.call(copy)

    async def print_form(self, resident: Resident, words: Words) -> PrintOutcome:
        """A form filled in from the register, with the code by which the terminal knows it."""
        code = await self._thread.call(lambda: self._records().forms.issue(resident.code))
        items, town = resident.items, self._station.town
        values = {
            "number": code,
            "addressee": words("paper.addressee", municipality=town.municipality),
            "date": self._today(words),
            "kana": resident.kana,
            "name": items.name,
            "address": items.address,
            "birth_date": day_text(items.birth_date, words),
            "sex": words(f"sex.{items.sex}"),
            "kind": words("paper.kind"),
        }
        return await self._print("application", words, values)

    async def print_letter(self, resident: Resident, words: Words) -> PrintOutcome:
        """A letter of inquiry; to a resident under protection without his address, which a person decides about."""
        items = resident.items
        now = self._station.clock().astimezone(JAPAN).date()
        values = {
            "name": items.name,
            "address": "" if resident.is_protected else items.address,
            "date": self._today(words),
            "subject": words("paper.subject"),
            "applied_on": self._today(words),
            "deadline": day_text(now + datetime.timedelta(days=LETTER_DAYS), words),
        }
        return await self._print("inquiry", words, values)

    async def certificate(self, number: int) -> CertificateContent | None:
        """What the certificate of this receipt says; None where no such receipt can be read."""
        try:
            return await self._thread.call(lambda: certificate_of(number, self._records().journal))
        except ReceiptUnknown:
            return None

    async def print_certificate_copy(
        self, number: int, content: CertificateContent, operator: str, words: Words
    ) -> PrintOutcome:
        """What the certificate of this receipt says, for its owner to keep; printed for the clerk of that name."""
        await self._thread.call(lambda: note_certificate_copy(number, operator, self._records().journal))
        valid_from, valid_until = (at.astimezone(JAPAN).date() for at in (content.not_before, content.not_after))
        values = {
            "name": content.name,
            "address": content.address,
            "birth_date": day_text(content.birth_date, words),
            "sex": words(f"sex.{content.sex}"),
            "kind": words("paper.kind"),
            "serial": content.serial,
            "issued_on": day_text(valid_from, words),
            "valid_until": day_text(valid_until, words),
            "issuer": content.issuer,
            "date": self._today(words),
        }
        return await self._print("certificate_copy", words, values)

    async def print_blank(self, name: str, words: Words) -> PrintOutcome:
        """A paper to be filled in by hand."""
        return await self._print(name, words, {})

    async def _print(
        self,
        name: str,
        words: Words,
        values: Mapping[str, str],
        rows: Mapping[str, list[dict[str, str]]] | None = None,
        marks: set[str] | None = None,
    ) -> PrintOutcome:
        language = "ja" if words.is_japanese else "en"

        def run() -> PrintOutcome:
            try:
                return self._counter.papers().print(name, language, values, rows, marks or set()).outcome
            except NotSent:
                return PrintOutcome.NOT_STARTED
            except DeviceError:
                return PrintOutcome.UNKNOWN

        return await self._thread.call(run)

    def _today(self, words: Words) -> str:
        return day_text(self._station.clock().astimezone(JAPAN).date(), words)

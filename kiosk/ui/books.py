"""The station's books as the screens read them: cases that were left, the journal, the day's money, statistics."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kiosk.model.resident import Resident


@dataclass(frozen=True, repr=False)
class LeftCase:
    """A case that has not ended and that nobody works on; `resident` is None when he left the register.

    `stage` is the journal's; a suspect case waits for two clerks who look at what is there. `procedure` is one of
    `kiosk.model.transition.Procedure`. `station` is the terminal whose case it is, where that stands elsewhere; then
    its resident is not known here.

    `fee` is how far the journal's effect of the fee has gone, by `kiosk.journal.records.EffectState`; empty before it
    was asked for. `until` is the day until which it is put off, or will be once it is taken back.
    """

    number: str
    resident: Resident | None
    stage: str
    code: str
    is_suspect: bool
    procedure: str = "issuance"
    station: str = ""
    fee: str = ""
    until: datetime.date | None = None


EVENTS = (
    *("begun", "numbered", "purged", "escrowed", "not_admitted"),
    *("exempted", "receipt_copy", "certificate_copy", "till", "day_close", "handover", "machine"),
)
"""What entries tell besides stages and steps."""


@dataclass(frozen=True)
class JournalLine:
    """One entry of the journal as it is shown, without personal data.

    `case` is the application's number, or a part of the random pseudonym where nobody can read that any more.
    `event` is the state of an effect where there is a `step`, else a stage or one of `EVENTS`. `yen` is what was taken
    or given back, `code` why something did not happen, `receipt` the number that an entry names, `operators` who signed
    or is named: as the roster writes it, or the first digits by which his key is known.
    """

    seq: int
    at: datetime.datetime
    case: str
    event: str
    step: str
    yen: int | None = None
    is_exempted: bool = False
    code: str = ""
    receipt: int | None = None
    operators: str = ""


@dataclass(frozen=True)
class JournalQuery:
    """Which entries are looked for: so many of the `newest` in which `text` stands, behind as many as are `skipped`.

    It may stand in the entry's number, its day and minute (`2026-11-22 10:00`), the application's number, the
    receipt's or the code, or begin an operator's name. What came after `until` is left out, so that whoever turns
    pages while the counter works skips none.
    """

    text: str = ""
    skipped: int = 0
    newest: int = 200
    until: datetime.datetime | None = None


@dataclass(frozen=True)
class JournalView:
    """Entries that were asked for, oldest first, and how many were `found` in all.

    `count` is how many entries there are, `broken` why the chain does not hold; empty when it does.
    """

    lines: tuple[JournalLine, ...]
    found: int
    count: int
    broken: str


@dataclass(frozen=True)
class DayTakings:
    """What the journal says of the money at this station since the drawer was counted last.

    `float_yen` lay in the drawer then; `until_seq` is the journal's last entry that was read; `receipts` the first and
    the last number, None where none was printed; `exempted` are residents of whom two clerks took no fee. `left` cases
    have not ended, beside those that are `held` until their residents return.
    """

    day: datetime.date
    issued: int
    fees_yen: int
    refunds: int
    refunds_yen: int
    left: int
    float_yen: int = 0
    until_seq: int = 0
    suspects: int = 0
    receipts: tuple[int, int] | None = None
    exempted: int = 0
    held: int = 0

    @property
    def due_yen(self) -> int:
        """What must be in the drawer."""
        return self.float_yen + self.fees_yen - self.refunds_yen


@dataclass(frozen=True)
class EndedCase:
    """A case that ended, of whatever procedure: when, in which stage, and by which failure code; not whose it was."""

    at: datetime.datetime
    stage: str
    code: str


@dataclass(frozen=True)
class Statistics:
    """What happened on each day, oldest first, and how often which failure code ended a case, most frequent first.

    `issued` are certificates, `failed` the cases that ended by a failure code, `took` the median of each act's duration
    in seconds, by the act's word; None for a day without any. `ended` are the newest cases that ended, oldest first.
    """

    issued: tuple[tuple[datetime.date, int], ...]
    codes: tuple[tuple[str, int], ...]
    failed: tuple[tuple[datetime.date, int], ...]
    took: Mapping[str, tuple[float | None, ...]]
    ended: tuple[EndedCase, ...] = ()


class Books(Protocol):
    """What is read in the station's books; called on one thread of its own, beside the cases."""

    def statistics(self, until: datetime.date, days: int) -> Statistics:
        """So many days up to and with `until`; without personal data."""
        ...

    def left_cases(self, today: datetime.date) -> tuple[LeftCase, ...]:
        """Every case that has not ended, by number, as it stands on that day (Japan)."""
        ...

    def journal(self, asked: JournalQuery) -> JournalView:
        """The entries that are asked for, after the whole chain was followed."""
        ...

    def takings(self, day: datetime.date, after: int) -> DayTakings:
        """The money of everything behind the journal's entry `after`, told as that day's (Japan)."""
        ...

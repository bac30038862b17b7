"""Forms that the town has printed from the register: who holds one has it scanned at the terminal.

The code on the paper is the application's number and eight characters that nobody can guess, so that a terminal in
public does not show the register to whoever types numbers. The store knows the code's hash alone, and the resident
sealed by the clerk's station.
"""

import datetime
import hashlib
from collections.abc import Callable

from kiosk.clock import JAPAN, Clock
from kiosk.journal.database import Database, Transaction
from kiosk.journal.seal import StationKey

VALID_DAYS = 90
"""So long a printed form is taken; what is older was filled in for another life."""

_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 that cannot be taken for one another."""
_LENGTH = 8
_LABEL = "printed form"


def number_of(code: str) -> str:
    """The application number on a form with this code."""
    return code.rpartition("-")[0]


class PrintedForms:
    """The forms of one station."""

    def __init__(
        self, database: Database, station: str, key: StationKey, clock: Clock, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._database = database
        self._station = station
        self._key = key
        self._clock = clock
        self._random_bytes = random_bytes

    def issue(self, resident_code: str) -> str:
        """A new code for a resident's form, under the next application number of the year."""
        secret = "".join(_LETTERS[byte % len(_LETTERS)] for byte in self._random_bytes(_LENGTH))
        wrapped = self._key.new_case_key()
        sealed = self._key.seal(wrapped).close(resident_code.encode(), _LABEL).sealed
        now = self._clock()
        with self._database.write() as transaction:
            number = next_number(transaction, now)
            code = f"{number}-{secret}"
            transaction.run(
                "INSERT INTO printed_forms VALUES (?, ?, ?, ?, ?, ?)",
                _hash(code),
                self._station,
                number,
                int(now.timestamp()),
                wrapped,
                sealed,
            )
        return code

    def resident_of(self, code: str) -> str | None:
        """The code of the resident whose form this is; None for an unknown, an old one, or one handed in before."""
        oldest = int((self._clock() - datetime.timedelta(days=VALID_DAYS)).timestamp())
        with self._database.read() as transaction:
            row = transaction.run(
                "SELECT seal, resident FROM printed_forms WHERE code = ? AND station = ? AND printed_at >= ?"
                " AND NOT EXISTS (SELECT 1 FROM cases WHERE cases.number = printed_forms.number AND stage = 'closed')",
                _hash(code),
                self._station,
                oldest,
            ).first()
        return None if row is None else self._opened(row.seal, row.resident)

    def number_for(self, resident_code: str) -> str | None:
        """The number of the newest form that was printed for a resident and under which no case was opened yet."""
        with self._database.read() as transaction:
            rows = transaction.run(
                "SELECT number, seal, resident FROM printed_forms WHERE station = ?"
                " AND NOT EXISTS (SELECT 1 FROM cases WHERE cases.number = printed_forms.number)"
                " ORDER BY number DESC",
                self._station,
            )
        return next((row.number for row in rows if self._opened(row.seal, row.resident) == resident_code), None)

    def next_number(self) -> str:
        """The next application number of the year that neither a case nor a printed form has."""
        with self._database.read() as transaction:
            return next_number(transaction, self._clock())

    def _opened(self, wrapped: bytes, sealed: bytes) -> str:
        return self._key.seal(bytes(wrapped)).open(bytes(sealed), _LABEL).decode()


def next_number(transaction: Transaction, now: datetime.datetime) -> str:
    """`YEAR-NNNN`, one after the highest of the year."""
    year = f"{now.astimezone(JAPAN).year}"
    rows = transaction.run(
        "SELECT number FROM cases WHERE number LIKE ? UNION SELECT number FROM printed_forms WHERE number LIKE ?",
        f"{year}-%",
        f"{year}-%",
    )
    taken = [int(tail) for row in rows if (tail := row.number.removeprefix(f"{year}-")).isdigit()]
    return f"{year}-{max(taken, default=0) + 1:04d}"


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()

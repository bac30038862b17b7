"""Verifies the whole journal while the station works: what was signed long ago still holds, and so does the state.

At start only what was written since the last signed head is checked before anything is issued; the rest follows here, a
page at a time, so that nobody waits for it.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from kiosk.journal.agreement import Told, check_state, read_state
from kiosk.journal.chain import read_entries, read_heads, read_proofs
from kiosk.journal.database import UNREADABLE, Database
from kiosk.journal.entry import ChainBroken, Entry
from kiosk.journal.errors import StoreLost
from kiosk.journal.verify import verify_journal

_PAGE = 1000
_PAUSE_S = 0.02
"""After every page; whoever works comes first."""
_PAUSES_WITHOUT_STORE = 250
"""So many before a store that was lost is tried again."""


class _Stopped(Exception):
    """The program ends before everything was looked at."""


class Audit:
    """One verification of everything; `broken` is what it found, None as long as nothing.

    `pause` is called after every thousand entries and lets others work; it answers whether to stop.
    """

    def __init__(self, database: Database, pause: Callable[[], bool]) -> None:
        self.broken: ChainBroken | None = None
        self.is_complete = False
        self._database = database
        self._pause = pause

    def run(self) -> None:
        """Verifies, from the beginning when the store was lost meanwhile; what does not hold is kept in `broken`."""
        while not self._has_ended():
            if any(self._pause() for _ in range(_PAUSES_WITHOUT_STORE)):
                return

    def _has_ended(self) -> bool:
        """One verification; False when the store was lost before its end, which others tell."""
        try:
            state = read_state(self._database)
            told = Told(state.ends)
            # Heads and proofs are read before the entries that they cover.
            heads, proofs = read_heads(self._database), read_proofs(self._database)
            verify_journal(told.listen(self._paced(read_entries(self._database))), heads, proofs)
            check_state(told, state)
        except ChainBroken as broken:
            self.broken = broken
        except UNREADABLE as error:
            self.broken = ChainBroken("?", 0, f"the store cannot be read: {error}")
        except StoreLost:
            return False
        except _Stopped:
            return True
        # Whatever else ends it: what was not looked at to its end must not pass for what holds.
        except Exception as error:
            self.broken = ChainBroken("?", 0, f"the journal cannot be verified: {type(error).__name__}")
            return True
        self.is_complete = True
        return True

    def _paced(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        for number, entry in enumerate(entries, start=1):
            if number % _PAGE == 0 and self._pause():
                raise _Stopped
            yield entry


@contextmanager
def auditing(database: Database) -> Iterator[Audit]:
    """An audit that runs in a thread of its own as long as this block."""
    stopping = threading.Event()
    audit = Audit(database, lambda: stopping.wait(_PAUSE_S))
    thread = threading.Thread(target=audit.run)
    thread.start()
    try:
        yield audit
    finally:
        stopping.set()
        thread.join()

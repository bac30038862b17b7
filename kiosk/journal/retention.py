"""The end of retention: the records of cases that ended long ago are made unreadable, by destroying their keys.

Both keys: the wrapped one of the station that worked on the case, and the copy of the clerk's station.

The journal stays whole. What it says of such a case, pseudonym, steps, times and commitments, tells nobody whom it was
about, and the commitments cannot be tried out, because their salts are gone with the records. Copies of the store from
before still hold the keys and must be destroyed by whoever keeps them; PostgreSQL keeps them until its next VACUUM.
"""

import datetime
import json
from collections.abc import Callable

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap

from kiosk.journal.journal import PURGED, Journal, told_stage
from kiosk.journal.records import CaseRecord


def purge(journal: Journal, before: datetime.datetime) -> list[CaseRecord]:
    """Destroys the keys of this station's cases that ended before a time, and returns these.

    One transaction a case; interrupted, it goes on where it is started anew. What is open or suspect is kept.
    """
    due = due_cases(journal, before)
    for case in due:
        journal.destroy_seal(case)
    return due


def due_cases(journal: Journal, before: datetime.datetime) -> list[CaseRecord]:
    """This station's cases that ended before a time and whose records can still be read."""
    ended = _ended(journal)
    return [case for case in journal.cases() if case.pseudonym in ended and ended[case.pseudonym] < before]


def hand_over(
    journal: Journal, before: datetime.datetime, tell_damaged: Callable[[CaseRecord], None]
) -> list[CaseRecord]:
    """Leaves this station's cases that ended before a time to the clerk's station alone, and returns these.

    For those that ended before there was one, or while nobody vouched for its key: what has ended since then is left to
    it at once. Interrupted, it goes on where it is started anew. One whose key is damaged, so that nobody can read it,
    is told and left as it is.
    """
    readable = journal.ended_cases_here()
    ended = _ended(journal) if readable else {}
    # One that was destroyed meanwhile is not in `ended`.
    due = [case for case in readable if case.pseudonym in ended and ended[case.pseudonym] < before]
    handed_over = []
    for case in due:
        try:
            handed_over.append(journal.hand_over(case))
        except InvalidUnwrap:
            tell_damaged(case)
    return [case for case in handed_over if case.seal.elsewhere]


def _ended(journal: Journal) -> dict[str, datetime.datetime]:
    """The ended cases whose records can still be read, by pseudonym, and when they ended."""
    ended: dict[str, datetime.datetime] = {}
    for entry in journal.entries():
        if entry.station == journal.station:
            facts = json.loads(entry.body)
            stage = told_stage(facts)
            if facts["event"] == PURGED:
                ended.pop(facts["case"], None)
            elif stage is not None and stage.is_ended:
                ended[facts["case"]] = datetime.datetime.fromisoformat(facts["at"])
    return ended

"""How long the acts of cases took, by the times of the journal's entries.

From an act's intention to its end, so that of acts in which a person is waited for it tells the person.
"""

import datetime
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kiosk.journal.entry import Entry
from kiosk.journal.records import EffectState

_LONGEST_S = 300.0
"""What took longer was interrupted: nothing in the journal says that a program ended and another went on."""


@dataclass(frozen=True)
class ActDuration:
    """An act that was done at `at` (with its zone), so many seconds after it was intended."""

    act: str
    at: datetime.datetime
    seconds: float


def act_durations(entries: Iterable[Entry]) -> Iterator[ActDuration]:
    """Of every act that was done straight after it was intended, and not only found to be done."""
    intended: dict[tuple[str, str], tuple[str, datetime.datetime]] = {}
    for entry in entries:
        facts = json.loads(entry.body)
        case = entry.station, str(facts.get("case", ""))
        act, event = str(facts.get("step", "")), facts["event"]
        begun_act, begun_at = intended.pop(case, ("", None))
        at = datetime.datetime.fromisoformat(facts["at"])
        if event == EffectState.INTENDED:
            intended[case] = act, at
        elif event == EffectState.DONE and act == begun_act and begun_at is not None and "auto" not in facts:
            seconds = (at - begun_at).total_seconds()
            if 0 <= seconds <= _LONGEST_S:
                yield ActDuration(act, at, seconds)


def usual_s(durations: Iterable[ActDuration], act: str) -> float | None:
    """The median of an act's durations in seconds, the upper of two; None where it was never done."""
    seconds = sorted(one.seconds for one in durations if one.act == act)
    return seconds[len(seconds) // 2] if seconds else None

"""What the journal gives of a case: how it stands, what became of its effects, its receipt's number and proof."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Any, NamedTuple

from kiosk.journal.seal import Seal
from kiosk.model.transition import Stage


class EffectState(StrEnum):
    """How far one effect on the world is known to have gone."""

    INTENDED = "intended"
    UNKNOWN = "unknown"
    WITNESSED = "witnessed"
    """Two clerks have said how it stands, and the case has not gone on upon their word yet."""
    FAILED = "failed"
    DONE = "done"


@dataclass(frozen=True)
class CaseRecord:
    """One case as stored; `seal` opens its records, unless it is destroyed or only another station has the key."""

    pseudonym: str
    number: str
    person: str | None
    stage: Stage
    code: str | None
    seal: Seal


@dataclass(frozen=True, repr=False)
class EffectRecord:
    """One effect of a case; `intent` and `outcome` are its plain records, None where not reached.

    `testimony` is the record of what two clerks said last, whether it was gone on upon or not.
    """

    state: EffectState
    intent: bytes | None
    outcome: bytes | None
    testimony: bytes | None = None


@dataclass(frozen=True)
class NumberedReceipt:
    """The number of a receipt, and the text that proves that it was journaled; empty for one of an older program."""

    number: int
    proof: str


class Witness(Enum):
    """What a signed head from outside says about the store."""

    AGREES = auto()
    SAW_MORE = auto()
    SAW_OTHERS = auto()


class Note(NamedTuple):
    """An entry about no case: its place, and its facts."""

    seq: int
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class CaseElsewhere:
    """A case of another station: its number, how far it is, and the failure that is known by a code.

    `fee` is how far the effect of the fee has gone, by `EffectState`; empty before it was asked for. `until` is the day
    until which it is put off, or will be once it is taken back, where its station has told it.
    """

    pseudonym: str
    station: str
    number: str
    stage: Stage
    code: str = ""
    fee: str = ""
    until: datetime.date | None = None


@dataclass(frozen=True)
class IdentifiedCase:
    """A case of any station: its application's number, how far it is, and its card's keyed id, once that was read."""

    station: str
    number: str
    stage: Stage
    card: str | None

"""What a clerk reads in the station's books: cases that were left, the journal, a day's money.

It reads through a connection of its own, so that nobody at the desk waits for the case at the terminal, and it writes
nothing.
"""

import datetime
import json
import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from kiosk.clock import JAPAN
from kiosk.config import Config
from kiosk.counter.till import Till
from kiosk.issuance.filing import filed
from kiosk.issuance.put_off import held_until
from kiosk.issuance.roll_back import REFUND
from kiosk.issuance.station import Station
from kiosk.journal.database import open_database
from kiosk.journal.durations import ActDuration, act_durations, usual_s
from kiosk.journal.entry import ChainBroken, Entry
from kiosk.journal.head import load_head_key
from kiosk.journal.journal import Journal, told_stage
from kiosk.journal.records import CaseRecord, EffectState
from kiosk.journal.seal import load_station_key
from kiosk.journal.verify import verify_chain
from kiosk.model.application import Application, SettledFee
from kiosk.model.password_service import UnlockApplication
from kiosk.model.revocation import RevocationApplication
from kiosk.model.step import Pause, Step, Undo
from kiosk.model.transition import Procedure, Stage, procedure_of
from kiosk.register.register import ResidentLookup
from kiosk.ui.books import DayTakings, EndedCase, JournalLine, JournalQuery, JournalView, LeftCase, Statistics

_SHOWN_OF_PSEUDONYM = _SHOWN_OF_OPERATOR = 8
_KEY = re.compile(r"[0-9a-f]{32}")
"""What `kiosk.counter.clerk_key.operator_of` makes of a clerk's certificate."""
_TIMED = (Step.CERTIFY, Step.CONFIRM)
"""Acts of the authority: in those of the card a person may be waited for."""
_ENDED_TOLD = 10
"""Of how many cases that ended lately a technician is told."""


@contextmanager
def open_books(config: Config, data: Path, station: Station) -> Iterator["StationBooks"]:
    """The books of a station that is open, until left."""
    database = open_database(config.store.location(data), must_exist=True)
    try:
        journal = Journal(
            database,
            station.name,
            load_station_key(data / "station.key"),
            station.clock,
            head_key=load_head_key(data / "head.key"),
        )
        yield StationBooks(journal, station.register)
    finally:
        database.close()


class StationBooks:
    """`kiosk.ui.books.Books` of one station."""

    def __init__(self, journal: Journal, register: ResidentLookup) -> None:
        self._journal = journal
        self._register = register
        self._station = journal.station

    def left_cases(self, today: datetime.date) -> tuple[LeftCase, ...]:
        """Every case that has not ended."""
        return tuple(self._left(case, today) for case in self._journal.cases() if not case.stage.is_ended)

    def _left(self, case: CaseRecord, today: datetime.date) -> LeftCase:
        procedure = procedure_of(case.stage)
        code = self._resident_code(case, procedure)
        resident = None if code is None else self._register.find(code)
        states = self._journal.effect_states(case)
        # Records are opened only where a day was said.
        until = held_until(case, self._journal, today) if states.keys() & set(Pause) else None
        return LeftCase(
            case.number,
            resident,
            case.stage.value,
            case.code or "",
            case.stage.is_suspect,
            procedure,
            fee=states.get(Step.FEE, ""),
            until=until,
        )

    def _resident_code(self, case: CaseRecord, procedure: Procedure) -> str | None:
        """Whom a case is about; of a card whose password is changed nobody knows that."""
        match procedure:
            case Procedure.ISSUANCE:
                return filed(case, self._journal, Application).resident_code
            case Procedure.REVOCATION:
                return filed(case, self._journal, RevocationApplication).resident_code
            case Procedure.UNLOCK:
                return filed(case, self._journal, UnlockApplication).resident_code
            case Procedure.CHANGE:
                return None

    def journal(self, asked: JournalQuery) -> JournalView:
        """The entries that are asked for; a chain that does not hold is told with its place."""
        lines: deque[JournalLine] = deque(maxlen=asked.skipped + asked.newest)
        numbers = {case.pseudonym: case.number for case in self._journal.cases()}
        count = found = 0

        def told() -> Iterator[Entry]:
            nonlocal count, found
            for entry in self._journal.entries():
                count += 1
                line = _line(entry, numbers)
                if _has(line, asked.text) and (asked.until is None or line.at <= asked.until):
                    found += 1
                    lines.append(line)
                yield entry

        broken = ""
        try:
            verify_chain(told())
        except ChainBroken as error:
            broken = str(error)
        return JournalView(tuple(lines)[: max(0, len(lines) - asked.skipped)], found, count, broken)

    def takings(self, day: datetime.date, after: int) -> DayTakings:
        """Fees and refunds that were journaled as done behind the entry `after`, told as that day's.

        Money that was found in the till and is given back without a fee was taken too, when it was found.
        """
        done: dict[tuple[str, str], int | None] = {}
        found: Counter[str] = Counter()
        found_before: Counter[str] = Counter()
        receipts: list[int] = []
        exempted = 0
        last = after
        for entry in self._journal.entries():
            facts = json.loads(entry.body)
            if facts["station"] != self._station:
                continue
            if facts["event"] == EffectState.INTENDED and facts.get("step") == Undo.REFUND:
                # What a later count found stands for what an earlier one did.
                (found if entry.seq > after else found_before)[facts["case"]] = facts.get("yen", 0)
            if entry.seq <= after:
                continue
            last = entry.seq
            if facts["event"] == EffectState.DONE and facts.get("step") in (Step.FEE, Undo.REFUND):
                done[facts["case"], facts["step"]] = facts.get("yen")
                exempted += "exempted" in facts
            if facts["event"] == "numbered":
                receipts.append(facts["receipt"])
        cases = {case.pseudonym: case for case in self._journal.cases()}
        # Entries of an older program do not say how much; its records do.
        fees = [
            self._fee_yen(cases[case]) if yen is None else yen for (case, step), yen in done.items() if step == Step.FEE
        ]
        refunds = [
            self._refund_yen(cases[case]) if yen is None else yen
            for (case, step), yen in done.items()
            if step == Undo.REFUND
        ]
        held = sum(case.stage is Stage.ON_HOLD for case in cases.values())
        left = sum(not case.stage.is_ended for case in cases.values()) - held
        suspects = sum(case.stage.is_suspect for case in cases.values())
        # What this drawer took in for terminals elsewhere, whose fees stand in their own stations' entries.
        balances = [*Till(self._journal).balances(after).values(), *(found[c] - found_before[c] for c in found)]
        fees += [yen for yen in balances if yen > 0]
        refunds += [-yen for yen in balances if yen < 0]
        # A refund of nothing is journaled too; no money moved then.
        given_back = [yen for yen in refunds if yen]
        return DayTakings(
            day,
            len(fees),
            sum(fees),
            len(given_back),
            sum(given_back),
            left,
            until_seq=last,
            suspects=suspects,
            receipts=(min(receipts), max(receipts)) if receipts else None,
            exempted=exempted,
            held=held,
        )

    def statistics(self, until: datetime.date, days: int) -> Statistics:
        """What happened when, from the journal; why cases ended, from the cases."""
        issued = {until - datetime.timedelta(days=ago): 0 for ago in range(days - 1, -1, -1)}
        failed: dict[datetime.date, set[str]] = {day: set() for day in issued}
        own = []
        ended: deque[EndedCase] = deque(maxlen=_ENDED_TOLD)
        for entry in self._journal.entries():
            facts = json.loads(entry.body)
            if facts["station"] != self._station or (day := _day(facts["at"])) not in issued:
                continue
            own.append(entry)
            issued[day] += facts["event"] == EffectState.DONE and facts.get("step") == Step.CLOSED
            stage = told_stage(facts)
            if stage is None or not stage.is_ended:
                continue
            at = datetime.datetime.fromisoformat(facts["at"]).astimezone(JAPAN)
            ended.append(EndedCase(at, stage.value, str(facts.get("code", ""))))
            if "code" in facts:
                failed[day].add(str(facts["case"]))
        codes = Counter(case.code for case in self._journal.cases() if case.code)
        by_day: dict[datetime.date, list[ActDuration]] = {day: [] for day in issued}
        for duration in act_durations(own):
            by_day[duration.at.astimezone(JAPAN).date()].append(duration)
        took = {act.value: tuple(usual_s(by_day[day], act) for day in issued) for act in _TIMED}
        return Statistics(
            tuple(issued.items()),
            tuple(codes.most_common()),
            tuple((day, len(cases)) for day, cases in failed.items()),
            took,
            tuple(ended),
        )

    def _fee_yen(self, case: CaseRecord) -> int:
        effect = self._journal.effect(case, Step.FEE)
        assert effect is not None and effect.outcome is not None, "the journal says that it is done"
        return msgspec.json.decode(effect.outcome, type=SettledFee).fee_yen

    def _refund_yen(self, case: CaseRecord) -> int:
        effect = self._journal.effect(case, Undo.REFUND)
        assert effect is not None and effect.outcome is not None, "the journal says that it is done"
        return msgspec.json.decode(effect.outcome, type=REFUND.outcome).amount_yen


def _line(entry: Entry, numbers: Mapping[str, str]) -> JournalLine:
    facts = json.loads(entry.body)
    case = str(facts.get("case", ""))
    return JournalLine(
        entry.seq,
        datetime.datetime.fromisoformat(facts["at"]).astimezone(JAPAN),
        numbers.get(case) or case[:_SHOWN_OF_PSEUDONYM],
        str(facts["event"]),
        str(facts.get("step", "")),
        yen=facts.get("yen"),
        is_exempted="exempted" in facts,
        code=str(facts.get("code", "")),
        receipt=facts.get("receipt"),
        operators=" ".join(
            name[:_SHOWN_OF_OPERATOR] if _KEY.fullmatch(name) else name
            for name in str(facts.get("operators") or facts.get("operator") or "").split()
        ),
    )


_AS_RECEIPTS_SAY = re.compile(r"(?:no\.?|第)\s*0*(?P<number>\d+)\s*号?", re.IGNORECASE)
"""A receipt's number as the paper and the screens write it: No. 000001, No. 1, 第1号."""


def _has(line: JournalLine, text: str) -> bool:
    if named := _AS_RECEIPTS_SAY.fullmatch(text.strip()):
        return line.receipt == int(named["number"])
    receipt = "" if line.receipt is None else f"{line.receipt:06d}"
    asked = text.casefold()
    parts = (str(line.seq), f"{line.at:%Y-%m-%d %H:%M}", line.case, receipt, line.code)
    # The first digits of a key would have any two digits in them.
    is_operators = any(name.casefold().startswith(asked) for name in line.operators.split())
    return is_operators or any(asked in part.casefold() for part in parts)


def _day(text: str) -> datetime.date:
    return datetime.datetime.fromisoformat(text).astimezone(JAPAN).date()

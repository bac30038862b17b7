"""The one way in which a use case does anything to the world: intent durable, effect, outcome durable.

`Case.run` is the whole protocol. A step that is recorded as done is not done again; one that was begun and left
without outcome asks the world first; so a use case that is started anew after any interruption simply goes on.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar

import msgspec
from cryptography import x509

from hw.errors import LinkLost, OutcomeUnknown
from kiosk.authority.errors import AuthorityOutcomeUnknown, CertificateUnacceptable
from kiosk.counter.clerk_key import verify_testimony
from kiosk.issuance.failure import TROUBLE, LeftUnseen, Refusal, RolledBack, Suspect, failure_code
from kiosk.issuance.persons import CannotTell
from kiosk.issuance.report import Phase, Report, StepReport
from kiosk.journal.journal import Journal
from kiosk.journal.records import CaseRecord, EffectRecord, EffectState
from kiosk.model.application import ExemptedFee
from kiosk.model.step import Act, Actor, Supplement, Undo, actor_of
from kiosk.model.testimony import Testimony, TestimonyInvalid
from kiosk.model.transition import WITNESSED, Event

Intent = TypeVar("Intent")
Outcome = TypeVar("Outcome")


class World(Enum):
    """What the world answers when it is asked after an interruption."""

    NOT_HAPPENED = auto()


_WORLD_MAY_HAVE_CHANGED = (
    OutcomeUnknown,
    LinkLost,
    AuthorityOutcomeUnknown,
    CertificateUnacceptable,
    LeftUnseen,
    CannotTell,
)


@dataclass(frozen=True)
class Effect(Generic[Intent, Outcome]):
    """A step that changes the world: what is durable before it, and what after.

    `signs_head` has the station sign a head of its journal with the outcome. `yen` takes from the outcome what the
    journal tells of money, `intended_yen` from the intent: a sum is no personal data, and the books need it when the
    records are sealed elsewhere. `exempted` takes from the outcome that none was due, and by whom.
    """

    step: Act
    intent: type[Intent]
    outcome: type[Outcome]
    signs_head: bool = False
    yen: Callable[[Outcome], int] | None = None
    intended_yen: Callable[[Intent], int] | None = None
    exempted: Callable[[Outcome], ExemptedFee | None] | None = None


@dataclass(frozen=True)
class Note(Generic[Outcome]):
    """A step that leaves the world as it was, such as reading or asking a person: only its outcome is recorded."""

    step: Act
    outcome: type[Outcome]


class Case:
    """One case being worked on."""

    def __init__(
        self,
        record: CaseRecord,
        journal: Journal,
        report: Report,
        exchanges: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.record = record
        self._journal = journal
        self._report = report
        self._exchanges = exchanges
        self._monotonic = monotonic

    def run(
        self,
        effect: Effect[Intent, Outcome],
        *,
        prepare: Callable[[], Intent],
        perform: Callable[[Intent], Outcome],
        inquire: Callable[[Intent], Outcome | World],
        card: Callable[[Outcome], str] | None = None,
    ) -> Outcome:
        """Does one step exactly once, as far as anything can.

        `prepare` makes the intent, which is durable before `perform` touches the world. After an interruption
        `inquire` asks the world: it answers the outcome, or that nothing happened. What goes wrong is recorded as
        unknown when the world may have changed, as failed otherwise, and raised again; a question that found no answer
        leaves what was unknown unknown. `card` takes from the outcome which card the case is about.
        """
        known = self._journal.effect(self.record, effect.step)
        if known is not None and known.state is EffectState.DONE:
            return self._recalled(effect, known.outcome)
        begun = self._begin(effect.step)
        answer: Outcome | World = World.NOT_HAPPENED
        # Whether an earlier attempt may have changed the world, which has not been asked yet.
        is_past_unknown = known is not None and known.intent is not None and known.state is not EffectState.FAILED
        try:
            if is_past_unknown:
                assert known is not None and known.intent is not None, "an open effect has its intent"
                intent = msgspec.json.decode(known.intent, type=effect.intent)
                answer = inquire(intent)
                is_past_unknown = False
            else:
                intent = prepare()
                yen = effect.intended_yen(intent) if effect.intended_yen else None
                self._journal.intend(self.record, effect.step, msgspec.json.encode(intent), yen=yen)
            result = perform(intent) if isinstance(answer, World) else answer
        except TROUBLE as error:
            is_unknown = is_past_unknown or isinstance(error, _WORLD_MAY_HAVE_CHANGED)
            state = EffectState.UNKNOWN if is_unknown else EffectState.FAILED
            if not self._is_witnessed(effect.step):
                self._journal.leave(self.record, effect.step, state, failure_code(error))
            raise
        was_resumed = not isinstance(answer, World)
        self._complete(effect, result, begun, was_resumed, card=card(result) if card else None)
        return result

    def note(
        self, note: Note[Outcome], perform: Callable[[], Outcome], *, person: Callable[[Outcome], str] | None = None
    ) -> Outcome:
        """Does a step that changes nothing; `person` takes from its outcome whom the case is about."""
        known = self._journal.effect(self.record, note.step)
        if known is not None and known.state is EffectState.DONE:
            return self._recalled(note, known.outcome)
        begun = self._begin(note.step)
        try:
            result = perform()
        except TROUBLE as error:
            self._journal.leave(self.record, note.step, EffectState.FAILED, failure_code(error))
            raise
        self._complete(note, result, begun, False, person=person(result) if person else None)
        return result

    def outcome_of(self, effect: Effect[Intent, Outcome] | Note[Outcome]) -> Outcome | None:
        """What a step yielded, None when it has not been done."""
        return outcome_in(self._journal.effect(self.record, effect.step), effect)

    def intent_of(self, effect: Effect[Intent, Outcome]) -> Intent | None:
        """What a step was about to do, None when it was not begun or certainly did not happen."""
        return intent_in(self._journal.effect(self.record, effect.step), effect)

    def last_intent_of(self, effect: Effect[Intent, Outcome]) -> Intent | None:
        """What a step was about to do when it was begun last, also when it certainly did not happen."""
        known = self._journal.effect(self.record, effect.step)
        return msgspec.json.decode(known.intent, type=effect.intent) if known and known.intent else None

    def witness(self, step: Act, issuers: Sequence[x509.Certificate], ask: Callable[[], str]) -> str:
        """What a person saw: what two clerks testified since he was asked last, else what he answers to `ask` now.

        It is gone on upon once. A record that two clerks of these `issuers` did not sign about this case says
        nothing.
        """
        said = self.testified(step, issuers)
        self.go_on(step)
        return ask() if said is None else said

    def testified(self, step: Act, issuers: Sequence[x509.Certificate]) -> str | None:
        """What two clerks testified about a step, on which nothing was done since; None when they did not."""
        known = self._journal.effect(self.record, step)
        if known is None or known.state is not EffectState.WITNESSED or known.testimony is None:
            return None
        testimony = msgspec.json.decode(known.testimony, type=Testimony)
        try:
            signed_at = testimony.terms.signed_at
            terms = verify_testimony(testimony, issuers, signed_at)
        except TestimonyInvalid:
            return None
        return terms.answer if (terms.case, terms.question) == (self.record.pseudonym, step) else None

    def go_on(self, step: Act) -> None:
        """What two clerks testified is gone on upon from here: it is true of this moment, and of none after it."""
        self._journal.take_testimony(self.record, step)

    def _is_witnessed(self, step: Act) -> bool:
        """Whether two clerks' word about a step still waits to be gone on upon."""
        known = self._journal.effect(self.record, step)
        return known is not None and known.state is EffectState.WITNESSED

    def move(self, event: Event, code: str, actor: Actor = Actor.STATION, operator: str | None = None) -> None:
        """Records what happened to the case besides a step, by whom, and why."""
        self.record = self._journal.move(self.record, event, actor, code, operator)

    def suspect(self, code: str, actor: Actor, clerk: str | None = None) -> Suspect:
        """The case waits for two clerks, since who was asked cannot tell: a clerk, by what the journal knows him."""
        self.move(Event.SUSPECT, code, actor, clerk)
        return Suspect(code)

    def abandon(self, code: str, actor: Actor, operator: str | None = None) -> RolledBack:
        """Ends a case of a procedure that takes nothing back, before anything was done to the world."""
        self.move(Event.ABANDON, code, actor, operator)
        return RolledBack(code)

    def is_open(self, step: Act) -> bool:
        """Whether the world may have been changed by a step whose outcome is not known."""
        known = self._journal.effect(self.record, step)
        return (
            known is not None and known.intent is not None and known.state not in (EffectState.FAILED, EffectState.DONE)
        )

    def was_begun(self, step: Act) -> bool:
        """Whether a step was ever intended, whatever became of it."""
        known = self._journal.effect(self.record, step)
        return known is not None and known.intent is not None

    def refuse(self, code: str) -> Refusal:
        """Ends the case because a rule stands against it; nothing was done to the world."""
        self.move(Event.REFUSE, code)
        return Refusal(code)

    def _begin(self, step: Act) -> tuple[float, int]:
        if not isinstance(step, Undo | Supplement):
            self._report(StepReport(step, actor_of(step), Phase.BEGUN))
        return self._monotonic(), self._exchanges()

    def _complete(
        self,
        effect: Effect[Intent, Outcome] | Note[Outcome],
        result: Outcome,
        begun: tuple[float, int],
        was_resumed: bool,
        *,
        person: str | None = None,
        card: str | None = None,
    ) -> None:
        self.record = self._journal.complete(
            self.record,
            effect.step,
            msgspec.json.encode(result),
            person=person,
            card=card,
            yen=effect.yen(result) if isinstance(effect, Effect) and effect.yen else None,
            exempted=effect.exempted(result) if isinstance(effect, Effect) and effect.exempted else None,
            resumed=was_resumed and effect.step not in WITNESSED,
            signs_head=isinstance(effect, Effect) and effect.signs_head,
        )
        if not isinstance(effect.step, Undo | Supplement):
            elapsed_ms = (self._monotonic() - begun[0]) * 1000
            exchanges = self._exchanges() - begun[1]
            self._report(StepReport(effect.step, actor_of(effect.step), Phase.DONE, elapsed_ms, exchanges, was_resumed))

    def _recalled(self, effect: Effect[Intent, Outcome] | Note[Outcome], stored: bytes | None) -> Outcome:
        assert stored is not None, "a step that is done has an outcome"
        if not isinstance(effect.step, Undo | Supplement):
            self._report(StepReport(effect.step, actor_of(effect.step), Phase.DONE, was_resumed=True))
        return msgspec.json.decode(stored, type=effect.outcome)


def outcome_in(record: EffectRecord | None, effect: Effect[Intent, Outcome] | Note[Outcome]) -> Outcome | None:
    """What a step yielded by its record, None when it has not been done."""
    if record is None or record.outcome is None:
        return None
    return msgspec.json.decode(record.outcome, type=effect.outcome)


def intent_in(record: EffectRecord | None, effect: Effect[Intent, Outcome]) -> Intent | None:
    """What a step was about to do by its record, None when it was not begun or certainly did not happen."""
    if record is None or record.intent is None or record.state is EffectState.FAILED:
        return None
    return msgspec.json.decode(record.intent, type=effect.intent)

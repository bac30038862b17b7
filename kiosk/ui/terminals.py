"""What terminals whose clerk sits at this station ask him: questions that wait, and how far their cases are.

`Terminals` lives on the event loop and rings the counter's bell. `ClerkForTerminals` is called on the threads that
serve the line and block until the clerk has answered at the screen.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from hw.ports import MachineMoney
from kiosk.counter.asking import FormLooked
from kiosk.counter.line import Question
from kiosk.issuance.persons import Clerk
from kiosk.journal.records import CaseElsewhere
from kiosk.model.decision import CarriedOut, Choice
from kiosk.model.form import Form
from kiosk.model.resident import Resident
from kiosk.model.step import Actor, Step, Undo, position_of
from kiosk.model.testimony import Finding
from kiosk.model.transition import Stage
from kiosk.ui.bell import Bell
from kiosk.ui.board import Board
from kiosk.ui.counter import Counter
from kiosk.ui.persons import Approval, CaseLine, ClerkAsked, FeeDue, IdentityCheck, Unsure
from kiosk.ui.station_thread import StationThread
from kiosk.ui.words import Words

_ANSWERED_KEPT = 50

Post = Callable[[Callable[[], None]], None]
"""Has something done on the event loop."""


@dataclass(frozen=True, eq=False)
class FormLook(ClerkAsked[FormLooked]):
    """A form that a resident has typed lies before the clerk."""

    form: Form


@dataclass(frozen=True, eq=False)
class FormWanted(ClerkAsked[Resident]):
    """The terminal has nobody, and would take a form that the clerk has taken in."""


@dataclass(frozen=True, eq=False)
class Call(ClerkAsked[None]):
    """The resident at the terminal wants somebody to come."""


@dataclass(frozen=True, eq=False)
class Deserted(ClerkAsked[None]):
    """A password is waited for at the terminal, and nobody seems to be there; a clerk who looked may end it."""


@dataclass(frozen=True, eq=False)
class Settlement(ClerkAsked[Finding]):
    """A case of the terminal waits for two clerks (要確認); they answer when they have looked, among all else.

    `known` is what its machine, which they do not see, knows of the money.
    """

    question: Step | Undo
    known: MachineMoney


@dataclass(frozen=True, eq=False)
class LeftAtTerminal(ClerkAsked[Choice]):
    """Nobody works on these cases of the terminal, where nobody is: the clerk may decide about one of them."""

    cases: tuple[CaseElsewhere, ...]


@dataclass(frozen=True, eq=False)
class TerminalQuestion:
    """A question of one terminal, about the application of a number, which is empty where there is none yet."""

    id: str
    station: str
    number: str
    asked: ClerkAsked[Any]
    line: CaseLine

    @property
    def position(self) -> int | None:
        """Where an issuance is when this is asked; None for other procedures."""
        match self.asked:
            case IdentityCheck(question=question) | Approval(question=question):
                return position_of(Step.IDENTITY_CHECK) if question.operation == "issue" else None
            case FormLook() | FormWanted() | Call() | Deserted() | Settlement() | LeftAtTerminal():
                return None
        return position_of(Step.FEE)


def terminal_name(words: Words, question: TerminalQuestion) -> str:
    """The terminal, and the number of its application where there is one yet."""
    if not question.number:
        return words("clerk.terminal.name", station=question.station)
    return words("clerk.terminal.case", station=question.station, number=question.number)


@dataclass
class Terminals:
    """The terminals of this clerk."""

    bell: Bell
    waiting: list[TerminalQuestion] = field(default_factory=list)
    """Oldest first: what the clerk has to answer, and what he may."""
    broken_off: list[TerminalQuestion] = field(default_factory=list)
    """Payments that a terminal gave up while the clerk took money; he gives back what he has."""
    cases: tuple[CaseElsewhere, ...] = ()
    """The cases under way at terminals."""
    carried_out: list[tuple[str, CarriedOut]] = field(default_factory=list)
    """What came of decisions at terminals, each with its station; the clerk has not read it yet."""
    ended: list[CaseElsewhere] = field(default_factory=list)
    """Those that ended since this seat was opened, newest last."""
    stations: set[str] = field(default_factory=set)
    """Every terminal that has asked since then."""
    _answered: dict[str, TerminalQuestion] = field(default_factory=dict)
    """What was answered lately, by id: whether it was heard is known later."""

    @property
    def asked(self) -> TerminalQuestion | None:
        """What has waited for the clerk longest."""
        return next((q for q in self.waiting if not isinstance(q.asked, _FOR_LATER)), None)

    @property
    def suspect(self) -> tuple[TerminalQuestion, ...]:
        """Cases of terminals that two clerks can settle now."""
        return tuple(q for q in self.waiting if isinstance(q.asked, Settlement))

    @property
    def undecided(self) -> tuple[tuple[TerminalQuestion, LeftAtTerminal], ...]:
        """Cases that were left at terminals, where they can be decided about now."""
        return tuple((q, q.asked) for q in self.waiting if isinstance(q.asked, LeftAtTerminal))

    @property
    def left_count(self) -> int:
        """How many cases of terminals wait for a decision, of one clerk or of two."""
        return len(self.suspect) + sum(len(left.cases) for _, left in self.undecided)

    @property
    def held_count(self) -> int:
        """How many of them are on hold until their residents return."""
        return sum(case.stage is Stage.ON_HOLD for _, left in self.undecided for case in left.cases)

    @property
    def free(self) -> tuple[TerminalQuestion, ...]:
        """Terminals to which a form can be sent."""
        return tuple(q for q in self.waiting if isinstance(q.asked, FormWanted))

    @property
    def busy(self) -> tuple[str, ...]:
        """Terminals that have no case and take no form: a resident reads or types there, or it is switched off."""
        seen = {case.station for case in self.cases} | {question.station for question in self.free}
        return tuple(sorted(self.stations - seen))

    @property
    def calls(self) -> tuple[TerminalQuestion, ...]:
        """Terminals whose resident wants somebody to come."""
        return tuple(q for q in self.waiting if isinstance(q.asked, Call))

    @property
    def deserted(self) -> tuple[TerminalQuestion, ...]:
        """Terminals at which a password is waited for, and nobody seems to be."""
        return tuple(q for q in self.waiting if isinstance(q.asked, Deserted))

    def ask(self, question: TerminalQuestion) -> None:
        """A terminal asks."""
        self.stations.add(question.station)
        # One that was withdrawn before it came here is nobody's any more.
        if question.asked.is_open:
            self.waiting.append(question)
        self.bell.ring()

    def answer(self, question: TerminalQuestion, value: object) -> bool:
        """The clerk answers; False when the question was withdrawn in the same moment."""
        if question not in self.waiting:
            return False
        if value is Unsure.CANNOT_TELL:
            question.asked.cannot_tell()
        else:
            question.asked.answer(value)
        self._leave(question)
        return True

    def stop(self, question: TerminalQuestion) -> None:
        """The clerk stops the case; what follows is the terminal's."""
        if question in self.waiting:
            question.line.abandon(Actor.CLERK, "stopped at the screen")
            self._leave(question)

    def _leave(self, question: TerminalQuestion) -> None:
        self.waiting.remove(question)
        self._answered[question.id] = question
        for old in list(self._answered)[:-_ANSWERED_KEPT]:
            del self._answered[old]
        self.bell.ring()

    def withdraw(self, id_: str) -> None:
        """A terminal does not wait for the answer any more, or has not heard it."""
        for question in (*self.waiting, *self._answered.values()):
            if question.id == id_ and isinstance(question.asked, FeeDue):
                self.broken_off.append(question)
        self.waiting = [question for question in self.waiting if question.id != id_]
        self.bell.ring()

    def hear(self, station: str, carried_out: CarriedOut) -> None:
        """A terminal tells what came of a decision."""
        self.carried_out.append((station, carried_out))
        self.bell.ring()

    def follow(self, cases: Sequence[CaseElsewhere]) -> None:
        """The terminals' cases have gone on."""
        self.cases = tuple(case for case in cases if not case.stage.is_ended)
        told = {case.pseudonym for case in self.ended}
        self.ended += [case for case in cases if case.stage.is_ended and case.pseudonym not in told]
        self.bell.ring()


_FOR_LATER = (FormWanted, Call, Deserted, Settlement, LeftAtTerminal)
"""What the clerk may answer when he wants; everything else comes before him."""


class ClerkForTerminals:
    """Stands for the clerk on the threads that serve the line."""

    def __init__(self, terminals: Terminals, post: Post) -> None:
        self._terminals = terminals
        self._post = post
        self._lock = threading.Lock()
        self._lines: WeakValueDictionary[str, CaseLine] = WeakValueDictionary()
        """While somebody still uses them: an answered one, with what was asked and said, is nobody's."""
        self._withdrawn: set[str] = set()
        """Questions that were withdrawn before their thread had put them."""

    def clerk(self, question: Question, number: str) -> Clerk:
        """The clerk at the screen, for a question about an application."""
        line = CaseLine()
        return line.persons(self._put_of(question, number, line)).clerk

    def reception(self, question: Question) -> "ReceptionAtScreen":
        """The clerk at the screen, for a resident without an application."""
        line = CaseLine()
        line.persons(self._put_of(question, "", line))
        return ReceptionAtScreen(line)

    def witnesses(self, question: Question, number: str) -> "WitnessesAtScreen":
        """Two clerks at the screen, for a case that nobody else can settle."""
        line = CaseLine()
        line.persons(self._put_of(question, number, line))
        return WitnessesAtScreen(line)

    def decisions(self, question: Question) -> "DecisionsAtScreen":
        """The clerk at the screen, about cases that were left."""
        line = CaseLine()
        line.persons(self._put_of(question, "", line))
        station = question.asker
        return DecisionsAtScreen(line, lambda told: self._post(lambda: self._terminals.hear(station, told)))

    def _put_of(self, question: Question, number: str, line: CaseLine) -> Callable[[object], None]:
        with self._lock:
            self._lines[question.id] = line
            if question.id in self._withdrawn:
                self._withdrawn.remove(question.id)
                line.close()

        # Not the question itself: its body is of a resident, and the line lives for as long as an answer may be undone.
        id_, asker = question.id, question.asker

        def put(news: object) -> None:
            assert isinstance(news, ClerkAsked), "the clerk is asked, and told nothing"
            asked = TerminalQuestion(id_, asker, number, news, line)
            self._post(lambda: self._terminals.ask(asked))

        return put

    def withdraw(self, question: Question) -> None:
        """Nobody waits for an answer any more."""
        with self._lock:
            line = self._lines.pop(question.id, None)
            if line is None:
                self._withdrawn.add(question.id)
            else:
                line.close()
        self._post(lambda: self._terminals.withdraw(question.id))

    def follow(self, cases: Sequence[CaseElsewhere]) -> None:
        """The terminals' cases have gone on."""
        self._post(lambda: self._terminals.follow(cases))

    def close(self) -> None:
        """The station ends: nobody answers."""
        with self._lock:
            for line in list(self._lines.values()):
                line.close()


async def attend_terminals(counter: Counter, board: Board, is_stopping: Callable[[], bool]) -> None:
    """Answers terminals until the program ends; what fails is the store, which the whole station needs."""
    board.terminals = Terminals(board.bell)
    loop = asyncio.get_running_loop()

    def post(act: Callable[[], None]) -> None:
        loop.call_soon_threadsafe(act)

    clerk, thread = ClerkForTerminals(board.terminals, post), StationThread()
    try:
        await thread.call(counter.attend_terminals, clerk, is_stopping)
    finally:
        clerk.close()
        thread.end()


@dataclass(frozen=True)
class ReceptionAtScreen:
    """`kiosk.counter.desk.Reception`."""

    line: CaseLine

    def look_at_form(self, form: Form) -> FormLooked:
        """Puts the form before the clerk."""
        return self.line.ask(FormLook(form))

    def send_form(self) -> Resident:
        """Waits until the clerk has taken a form in for this terminal."""
        return self.line.ask(FormWanted())

    def come(self) -> None:
        """Waits until the clerk is on his way."""
        self.line.ask(Call())

    def end_deserted(self) -> None:
        """Waits until the clerk has looked, and ends what is under way there."""
        self.line.ask(Deserted())


@dataclass(frozen=True)
class WitnessesAtScreen:
    """`kiosk.counter.desk.Witnesses`."""

    line: CaseLine

    def look(self, question: Step | Undo, known: MachineMoney) -> Finding:
        """Waits until two clerks have looked."""
        return self.line.ask(Settlement(question, known))


@dataclass(frozen=True)
class DecisionsAtScreen:
    """`kiosk.counter.desk.Decisions`."""

    line: CaseLine
    hear: Callable[[CarriedOut], None]

    def decide(self, cases: Sequence[CaseElsewhere]) -> Choice:
        """Waits until the clerk has chosen."""
        return self.line.ask(LeftAtTerminal(tuple(cases)))

    def carried_out(self, carried_out: CarriedOut) -> None:
        """Lies there until he reads it."""
        self.hear(carried_out)

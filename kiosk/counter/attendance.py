"""The clerk's station serves several terminals at once.

What a station can answer is answered at once; what only the clerk can is put before him, and waits beside everything
else, so that a resident who takes his time holds up nobody at another terminal.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field

from kiosk.counter.asking import CLERKS, Reply
from kiosk.counter.desk import Desk
from kiosk.counter.line import Question
from kiosk.journal.records import CaseElsewhere

_WAIT_S = 0.1
"""How long what the clerk has answered may lie here."""
_LOOKS_AT_CASES_EVERY_S = 0.5


@dataclass
class Attendance:
    """Serves until told to stop, on one thread, which alone writes to the store.

    `withdraw` hears, on that thread, of every question that nobody waits for any more, before the clerk has answered it
    or too late; `follow` how far the terminals' cases are, whenever one has gone on. Whoever asked and still waits at
    the end hears that no answer will come; who stands for the clerk has to end his own waiting with `CancelledError`.
    """

    desk: Desk
    withdraw: Callable[[Question], None]
    follow: Callable[[Sequence[CaseElsewhere]], None]
    monotonic: Callable[[], float]
    _asked: dict[str, Question] = field(default_factory=dict)
    _cases: tuple[CaseElsewhere, ...] = ()
    _looked_at_s: float = -_LOOKS_AT_CASES_EVERY_S
    _replies: "queue.SimpleQueue[tuple[Question, Reply | Exception]]" = field(default_factory=queue.SimpleQueue)

    def serve(self, is_stopping: Callable[[], bool]) -> None:
        """Serves. Raises `StoreLost`."""
        line = self.desk.line
        with line.watching() as wait:
            while not is_stopping():
                self._send_replies()
                self._look_for_withdrawn()
                self._look_at_cases()
                if not self._begin_next():
                    wait(_WAIT_S)
            for question in self._asked.values():
                line.drop(question)

    def _begin_next(self) -> bool:
        question = self.desk.line.begin_next()
        if question is None:
            return False
        if question.kind in CLERKS:
            self._asked[question.id] = question
            threading.Thread(target=self._ask, args=(question,), name="asking", daemon=True).start()
        else:
            self.desk.answer(question, self.desk.reply(question))
        return True

    def _ask(self, question: Question) -> None:
        try:
            self._replies.put((question, self.desk.reply(question)))
        except CancelledError:
            return  # it was withdrawn, or the station ends
        # `StoreLost`, or a defect: the serving thread ends with it, since nobody would notice that this one has.
        except Exception as error:
            self._replies.put((question, error))

    def _send_replies(self) -> None:
        while not self._replies.empty():
            question, reply = self._replies.get()
            if isinstance(reply, Exception):
                raise reply
            if self._asked.pop(question.id, None) is not None and not self.desk.answer(question, reply):
                self.withdraw(question)

    def _look_at_cases(self) -> None:
        if (now_s := self.monotonic()) - self._looked_at_s < _LOOKS_AT_CASES_EVERY_S:
            return
        self._looked_at_s = now_s
        # A case that was under way when last looked at is told once more, with how it ended.
        known = [case.pseudonym for case in self._cases if not case.stage.is_ended]
        if (cases := self.desk.journal.cases_elsewhere(known)) != self._cases:
            self._cases = cases
            self.follow(cases)

    def _look_for_withdrawn(self) -> None:
        if not self._asked:
            return
        begun = self.desk.line.begun()
        for question in [question for id_, question in self._asked.items() if id_ not in begun]:
            del self._asked[question.id]
            self.withdraw(question)

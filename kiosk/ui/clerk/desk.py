"""The clerk's desk: the case at the terminal and where it is, and what ended today."""

import asyncio
import datetime
from collections.abc import Iterable
from operator import itemgetter

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from kiosk.journal.records import CaseElsewhere
from kiosk.model.step import PROCEDURE, Actor
from kiosk.model.transition import Stage
from kiosk.ui.case import OpenCase
from kiosk.ui.clerk.fee_trouble import fee_trouble_text
from kiosk.ui.clerk.left import stage_text
from kiosk.ui.counter import Counter
from kiosk.ui.dates import day_text
from kiosk.ui.ending import Finished, Outcome, Trouble, has_halted
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.service import OpenService
from kiosk.ui.terminals import Terminals
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.widgets.step_bar import step_word_id

_ENDED_SHOWN = 6
"""So many have a line; the newest has its words, too. The others stand in the journal."""
_LOOKS_EVERY_S = 1.0


class Desk(SeatScreen[str]):
    """Shows the resident's step and why he waits; never a password, nor its length.

    The answer is `menu`, `queue` or, when he goes to a terminal at which nobody seems to be, `deserted`.
    """

    def __init__(self, seat: Seat, counter: Counter) -> None:
        super().__init__(seat, can_stop=True)
        self._counter = counter
        self._asked_about: object | None = None

    def page(self) -> ComposeResult:
        """The open case at the left, the ended ones at the right."""
        with Horizontal(classes="desk"):
            with Vertical(classes="panel"):
                is_alone = self.seat.board.terminals is None
                title = self.words("clerk.desk.case" if is_alone else "clerk.terminal.title")
                yield Paragraph(title, classes="panel-title")
                yield Paragraph(id="desk-case")
                yield Paragraph(id="desk-steps")
            with Vertical(classes="panel"):
                yield Paragraph(id="desk-calls")
                yield Paragraph(self.words("clerk.desk.ended"), classes="panel-title")
                yield Paragraph(id="desk-ended")

    def keys(self) -> Iterable[Key]:
        """The answer to a resident's call, and the menu."""
        key = Key(self.words("clerk.desk.come"), id="come", hint="C")
        key.disabled = not self.seat.board.is_somebody_calling
        yield key
        recover = Key(self.words("device.recover"), id="recover", hint="K")
        recover.display = self._counter.is_printer_stuck
        yield recover
        yield Key(self.words("clerk.desk.queue"), id="queue", hint="Q")
        yield Key(self.words("clerk.desk.menu"), id="menu", hint="M", kind="main")

    def on_mount(self) -> None:
        """Looks from time to time whether the printer is stuck, which no case tells."""
        self.set_interval(_LOOKS_EVERY_S, self.follow)

    @on(Key.Pressed, "#recover")
    def recover_printer(self) -> None:
        """What kept the printer's cutter is removed."""
        self.run_worker(asyncio.to_thread(self._counter.recover_printer), group="recover")

    @on(Key.Pressed, "#menu")
    def open_menu(self) -> None:
        """Wants to do something else."""
        self.dismiss("menu")

    @on(Key.Pressed, "#queue")
    def open_queue(self) -> None:
        """Wants to call a number, or give one."""
        self.dismiss("queue")

    @on(Key.Pressed, "#come")
    def come(self) -> None:
        """Goes to the residents who called."""
        board = self.seat.board
        board.answer_call()
        if board.terminals is not None:
            for call in board.terminals.calls:
                board.terminals.answer(call, None)
        # A call is over when he goes; what nobody seems to be at waits until he has looked.
        if board.is_somebody_calling:
            self.dismiss("deserted")

    def on_key(self, event: events.Key) -> None:
        """C answers a call, K frees a stuck printer, Q opens the queue, M the menu; Caps Lock or not."""
        letter = event.key.lower()
        if letter == "c":
            self.come()
        elif letter == "k" and self._counter.is_printer_stuck:
            self.recover_printer()
        elif letter == "q":
            self.open_queue()
        elif letter == "m":
            self.open_menu()

    def follow(self) -> None:
        """Shows the counter as it is."""
        board = self.seat.board
        self.write("desk-case", self._service_text(board.service) if board.service else self._case_text(board.case))
        self.write("desk-steps", "" if board.case is None else self._steps_text(board.case))
        called = "clerk.desk.called_before" if board.has_caller_left else "clerk.desk.called"
        calls = [self.words(called)] if board.is_clerk_called else []
        if board.denied is not None:
            calls.append(self.words("clerk.desk.denied", name=board.denied.items.name))
        if board.is_deserted:
            calls.append(self.words("clerk.deserted.here"))
        if board.is_card_left:
            calls.append(self.words("clerk.desk.card_left"))
        elif board.is_card_asked_back:
            calls.append(self.words("clerk.desk.card_inside"))
        if board.terminals is not None:
            calls += [self.words("clerk.terminal.calls", station=call.station) for call in board.terminals.calls]
            calls += [self.words("clerk.deserted.there", station=one.station) for one in board.terminals.deserted]
            calls += [self.words("clerk.desk.card_left_there", station=name) for name in board.cards_left_elsewhere]
        if waiting := sum(ticket.state == "waiting" for ticket in board.tickets):
            calls.append(self.words("clerk.desk.waiting", count=waiting))
        if board.calls is not None:
            calls.append(self.words("clerk.desk.calls", number=board.calls))
        if left := len(board.left) + (board.terminals.left_count if board.terminals else 0):
            calls.append(self.words("clerk.desk.left", count=left))
        calls += [fee_trouble_text(device, self.words, self._counter) for device in board.fee_troubles]
        for station, troubles in board.fee_troubles_elsewhere.items() if board.terminals is not None else ():
            told = [fee_trouble_text(device, self.words, self._counter) for device in troubles]
            calls += [self.words("clerk.terminal.name", station=station), *told] if told else []
        is_stuck = self._counter.is_printer_stuck
        if is_stuck:
            calls.append(self.words("device.stuck"))
        for key in self.query("#recover").results(Key):
            key.display = is_stuck
        self.write("desk-calls", "\n".join((*calls, "")))
        for paragraph in self.query("#desk-calls").results(Paragraph):
            paragraph.display = bool(calls)
        ended, elsewhere = self._ended(), board.terminals.ended if board.terminals is not None else ()
        # Neither those of this station nor those of the terminals take all the room.
        shown = ended[: max(_ENDED_SHOWN - len(elsewhere), _ENDED_SHOWN // 2)]
        newest = [self._ended_text(one) if place == 0 else self._ended_line(one) for place, one in enumerate(shown)]
        shown_elsewhere = elsewhere[max(len(elsewhere) - (_ENDED_SHOWN - len(shown)), 0) :]
        newest += map(self._ended_elsewhere, reversed(shown_elsewhere))
        if unseen := len(ended) + len(elsewhere) - len(newest):
            newest.append(self.words("clerk.desk.more_ended", count=unseen))
        self.write("desk-ended", "\n".join(newest) or self.words("clerk.desk.none_ended"))
        for key in self.query("#come").results(Key):
            key.disabled = not self.seat.board.is_somebody_calling
        for key in self.query("#stop").results(Key):
            key.disabled = not self._can_be_stopped
        subject = self._at_terminal or board.offered
        # What was asked about has gone meanwhile; something else is not stopped in its place.
        if self.asks_stop and subject is not self._asked_about:
            self.keep_going()
        if not self.asks_stop:
            self._asked_about = subject

    def _ended(self) -> list[OpenCase | OpenService]:
        """What ended here today, newest first.

        What went on after a trouble has ended twice; what it came to in the end is what counts.
        """
        board = self.seat.board
        latest: dict[str, tuple[tuple[int, int], OpenCase | OpenService]] = {}
        for place, case in enumerate(board.ended, 1):
            latest[case.application.number] = (place, 0), case
        for index, (place, service) in enumerate(board.ended_services, 1):
            latest[service.number] = (place, index), service
        return [one for _, one in sorted(latest.values(), key=itemgetter(0), reverse=True)]

    @property
    def _can_be_stopped(self) -> bool:
        """Whether there is something at the terminal that the clerk can stop, or a form that he can take back."""
        if self._at_terminal is None:
            return self.seat.board.offered is not None
        return self._at_terminal.can_stop

    @property
    def _at_terminal(self) -> OpenCase | OpenService | None:
        return self.seat.board.case or self.seat.board.service

    def _service_text(self, service: OpenService) -> str:
        waits_for = self.words(f"clerk.waits_for.{self._waits_for(service)}")
        return self.words(
            "clerk.desk.service_line",
            number=service.number,
            kind=self.words(f"clerk.desk.service.{service.kind}"),
            waits_for="\n".join(filter(None, (self._result(service), waits_for))),
        )

    def _case_text(self, case: OpenCase | None) -> str:
        board = self.seat.board
        if case is None and board.terminals is not None:
            return self._terminals_text(board.terminals)
        if case is None and board.offered is not None:
            return self.words("clerk.desk.offered", name=board.offered.items.name)
        if case is None:
            return self.words("clerk.desk.in_use" if board.is_occupied else "clerk.desk.no_case")
        return self.words(
            "clerk.desk.case_line",
            number=case.application.number,
            name=case.resident.items.name,
            waits_for=self.words(f"clerk.waits_for.{self._waits_for(case)}"),
        )

    def _terminals_text(self, terminals: Terminals) -> str:
        """Every terminal of this clerk: how far its case is, or that it is free."""
        lines = [
            self.words(
                "clerk.terminal.line",
                station=case.station,
                number=case.number,
                stage=" ".join((stage_text(self.words, case), case.code)).strip(),
            )
            for case in terminals.cases
        ]
        lines += [self.words("clerk.terminal.free", station=question.station) for question in terminals.free]
        lines += [self.words("clerk.terminal.busy", station=station) for station in terminals.busy]
        return "\n".join(lines) or self.words("clerk.terminal.none")

    @staticmethod
    def _waits_for(case: OpenCase | OpenService) -> str:
        if case.ending is not None:
            return "check" if has_halted(case.ending) else "leaving"
        if case.is_stopping:
            return "stopping"
        if case.clerk_asked is not None:
            return "clerk"
        return "resident" if case.waits_for_resident else "station"

    def _steps_text(self, case: OpenCase) -> str:
        lines = []
        for index, (name, _) in enumerate(PROCEDURE):
            state = "done" if index < case.position else "now" if index == case.position else "later"
            lines.append(
                self.words(
                    "clerk.desk.step",
                    number=index + 1,
                    step=self.words(f"{step_word_id(name)}.long"),
                    state=self.words(f"step.state.{state}"),
                )
            )
        return "\n".join(lines)

    def _ended_text(self, ended: OpenCase | OpenService) -> str:
        """One that ended, with what there is to know of it."""
        match ended.ending:
            case Finished(closed) if isinstance(ended, OpenCase):
                return self.words("clerk.desk.finished", number=ended.application.number, serial=closed.serial)
            case Trouble(until=datetime.date() as until, slip_came_out=came_out):
                told = "clerk.told.held" if came_out else "clerk.told.held_without_slip"
                return self.words(told, number=_number(ended), day=day_text(until, self.words))
            # The program is ending: the failure book has no word for that, and nobody reads it.
            case Trouble(outcome=outcome, code=code) if outcome is not Outcome.INTERRUPTED:
                text = self._counter.failure_text(code, self.words.language)
                return self.words(
                    "clerk.desk.trouble",
                    number=_number(ended),
                    result=self.words(f"clerk.outcome.{outcome}"),
                    code=code,
                    what=text.what,
                    remedy=text.remedy,
                )
        return self._ended_line(ended)

    def _ended_line(self, ended: OpenCase | OpenService) -> str:
        return f"{_number(ended)}  {self._result(ended)}"

    def _result(self, ended: OpenCase | OpenService) -> str:
        """How it ended, with its code where there is one; empty while it goes on."""
        match ended.ending:
            case None:
                return ""
            case Trouble(until=datetime.date() as until):
                on_hold = self.words(f"stage.{Stage.ON_HOLD}")
                return self.words("clerk.stage.on_hold", stage=on_hold, day=day_text(until, self.words))
            case Trouble(outcome=outcome, code=code):
                told = self.words(f"clerk.outcome.{outcome}")
                return self.words("clerk.desk.result", result=told, code=code) if code else told
        return self.words(f"clerk.done.{ended.kind if isinstance(ended, OpenService) else 'issue'}")

    def _ended_elsewhere(self, case: CaseElsewhere) -> str:
        if not case.code:
            return self.words("clerk.terminal.done", station=case.station, number=case.number)
        what = self._counter.failure_text(case.code, self.words.language).what
        return self.words("clerk.terminal.ended", station=case.station, number=case.number, code=case.code, what=what)

    @property
    def stop_question(self) -> str:
        """About what is at the terminal: a case, in which there may be money, a procedure, or a form."""
        if self.seat.board.case is not None:
            return self.words("stop.clerk.question")
        return self.words("stop.clerk.service" if self.seat.board.service is not None else "stop.clerk.form")

    def stop(self) -> None:
        """Stops what goes on at the terminal, or takes a form back from there; the desk stays."""
        self.keep_going()
        if self._at_terminal is not None:
            self._at_terminal.stop(Actor.CLERK)
        elif self.seat.board.offered is not None:
            self.seat.board.offer(None)


def _number(ended: OpenCase | OpenService) -> str:
    return ended.number if isinstance(ended, OpenService) else ended.application.number

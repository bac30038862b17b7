"""What goes on at this counter today: the case being worked on, and those that ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kiosk.ui.bell import Bell

if TYPE_CHECKING:
    from kiosk.counter.queue import Ticket
    from kiosk.model.resident import Resident
    from kiosk.model.revocation import RevocationCause
    from kiosk.ui.books import LeftCase
    from kiosk.ui.case import OpenCase
    from kiosk.ui.deserted import DesertedEntry
    from kiosk.ui.devices import DeviceState
    from kiosk.ui.ending import Ending
    from kiosk.ui.service import OpenService
    from kiosk.ui.submission import Accepted, Referred, Returned, Submission
    from kiosk.ui.terminals import TerminalQuestion, Terminals

RECEIPT_PRINTER = "receipt_printer"
"""The kind of the device by which a receipt comes."""


@dataclass
class Board:
    """The counter's cases; the bell rings at every change of any of them."""

    bell: Bell = field(default_factory=Bell)
    case: "OpenCase | None" = None
    """The case being worked on; one at a time, because the terminal has one reader."""
    ended: list["OpenCase"] = field(default_factory=list)
    """Newest last."""
    ended_services: "list[tuple[int, OpenService]]" = field(default_factory=list)
    """Procedures besides issuing, newest last, each with how many cases had ended before it."""
    left: "tuple[LeftCase, ...]" = ()
    """Cases that an interruption left, as far as the desk knows."""
    has_seen_left: bool = False
    """Whether the clerk has looked at them since the start."""
    offered: "Resident | None" = None
    """Whose form the clerk has taken in for the terminal."""
    service: "OpenService | None" = None
    """A procedure besides the issuance that is under way; never while there is a case."""
    revocation_wished: "RevocationCause | None" = None
    """Why the resident at the terminal wants his certificate revoked; the clerk takes the application in."""
    is_wish_attended: bool = False
    """Whether he still stands there; once he has sat down, the call and the cause stay for the clerk."""
    denied: "Resident | None" = None
    """Of whose form somebody at the terminal said that it is not right."""
    submitted: "Submission | None" = None
    """The form that was typed at the terminal and that the clerk has not looked at yet."""
    tickets: "tuple[Ticket, ...]" = ()
    """The numbers that were given today, as far as the desk knows."""
    calls: "int | None" = None
    """The number that is being called to this counter."""
    terminals: "Terminals | None" = None
    """The terminals whose clerk sits here; None where the seats of one terminal are all there is."""
    is_greeting: bool = False
    """Whether the terminal shows its first screen, and waits for the next resident."""
    is_occupied: bool = False
    """Whether somebody has begun at the terminal that this station has."""
    is_clerk_called: bool = False
    """Whether a resident of this terminal wants somebody to come."""
    has_caller_left: bool = False
    """Whether he who called has left the terminal: he is still expected to be met, but whoever comes has not called."""
    deserted: "DesertedEntry | None" = None
    """The password entry whose resident has not touched the terminal for long, until he does."""
    is_card_asked_back: bool = False
    """Whether somebody is asked to take his card out once all else has ended."""
    is_card_left: bool = False
    """Whether a card that is to be taken out has been in the terminal for longer than taking it needs."""

    fee_troubles: "tuple[DeviceState, ...]" = ()
    """What the fee and its receipt need at this station, and what cannot be worked with now."""
    fee_troubles_elsewhere: "Mapping[str, tuple[DeviceState, ...]]" = field(default_factory=dict)
    """The same at other stations, by name, where their clerk sits here."""

    cards_left_elsewhere: tuple[str, ...] = ()
    """The stations whose clerk sits here and in whose terminal a card has been forgotten."""

    is_maintained: bool = False
    """Whether the technician works with the devices; a resident who comes waits until he has finished."""

    @property
    def prints_receipts(self) -> bool:
        """Whether a receipt will come, as far as anybody knows."""
        return all(device.kind != RECEIPT_PRINTER for device in self.fee_troubles)

    def fee_troubles_at(self, station: str) -> "tuple[DeviceState, ...]":
        """At one station; the empty name is this one's."""
        return self.fee_troubles_elsewhere.get(station, ()) if station else self.fee_troubles

    def tell_fee_troubles(
        self, here: "tuple[DeviceState, ...]", elsewhere: "Mapping[str, tuple[DeviceState, ...]]"
    ) -> None:
        """What was found out of order just now."""
        if (here, elsewhere) != (self.fee_troubles, self.fee_troubles_elsewhere):
            self.fee_troubles, self.fee_troubles_elsewhere = here, elsewhere
            self.bell.ring()

    @property
    def has_work(self) -> bool:
        """Whether a case, or a procedure besides issuing, is under way at this station."""
        return self.case is not None or self.service is not None

    @property
    def takes_form(self) -> bool:
        """Whether a form that is sent now meets the next resident, and nobody who is at the terminal already."""
        if self.is_maintained:
            return False
        return self.is_greeting and self.offered is None and not self.has_work

    @property
    def takes_procedure(self) -> bool:
        """Whether a procedure can begin: nobody is in the middle of something else, or he waits for just this.

        A clerk's station of its own has no terminal at which somebody could be.
        """
        is_attended = self.terminals is not None or self.is_wish_attended
        return self.takes_form or (is_attended and not self.has_work and not self.is_maintained)

    def offer(self, resident: "Resident | None") -> None:
        """The clerk sends a form to the terminal; None when it is taken up there."""
        self.offered = resident
        self.bell.ring()

    @property
    def is_in_use(self) -> bool:
        """Whether a resident, or a procedure of his, needs the devices of this station."""
        return self.is_occupied or self.has_work

    def lend(self) -> bool:
        """Lends the devices to the technician until `end_loan`; False, and nothing is lent, when somebody needs them.

        Whoever comes in the same moment finds them lent or takes them first: nothing happens between look and loan.
        """
        if self.is_in_use or self.is_maintained or self.offered is not None:
            return False
        self.is_maintained = True
        self.bell.ring()
        return True

    def end_loan(self) -> None:
        """The technician's tool has ended."""
        self.is_maintained = False
        self.bell.ring()

    @property
    def is_somebody_calling(self) -> bool:
        """Whether somebody has to come to this terminal or one elsewhere: a resident calls, or seems to have gone."""
        if self.is_clerk_called or self.is_deserted:
            return True
        return self.terminals is not None and bool(self.terminals.calls or self.terminals.deserted)

    @property
    def is_deserted(self) -> bool:
        """Whether a password is waited for at the terminal, and nobody seems to be there."""
        return self.deserted is not None and self.deserted.is_open

    @property
    def asks_clerk(self) -> bool:
        """Whether something waits for the clerk's answer."""
        if any(under_way and under_way.clerk_asked for under_way in (self.case, self.service)):
            return True
        return self.terminal_question is not None or bool(self.terminals and self.terminals.broken_off)

    @property
    def terminal_question(self) -> "TerminalQuestion | None":
        """What a terminal elsewhere has asked the clerk for longest."""
        return None if self.terminals is None else self.terminals.asked

    def serve(self, service: "OpenService | None") -> None:
        """A procedure begins; None when its resident has read how it ended."""
        self.service = service
        is_wished = service is not None and service.kind == "revoke"
        if self.is_wish_attended or (is_wished and self.revocation_wished is not None):
            self.wish_revocation(None)
        self.bell.ring()

    def end_service(self, service: "OpenService") -> None:
        """A procedure has come to its end; its resident may still have to read how."""
        self.ended_services.append((len(self.ended), service))
        self.bell.ring()

    def wish_revocation(self, cause: "RevocationCause | None") -> None:
        """The resident wants his certificate revoked; None when he has changed his mind, or was told something."""
        self.revocation_wished = cause
        self.is_wish_attended = self.is_clerk_called = cause is not None
        self.has_caller_left = False
        self.bell.ring()

    @property
    def is_caller_there(self) -> bool:
        """Whether the resident who is at the terminal now has called."""
        return self.is_clerk_called and not self.has_caller_left

    def sit_down(self) -> None:
        """Who wants his certificate revoked has made place at the terminal; he still waits to be called on."""
        self.is_wish_attended = False
        self.bell.ring()

    def deny(self, resident: "Resident") -> None:
        """Somebody says that a form is not right, and waits for somebody to come."""
        self.denied = resident
        self.call_clerk()

    def greet(self, is_greeting: bool) -> None:
        """The terminal waits for the next resident, or one has come."""
        self.is_greeting, self.is_occupied = is_greeting, not is_greeting
        self.bell.ring()

    def submit(self, submission: "Submission") -> None:
        """The resident hands a form in."""
        self.submitted = submission
        self.bell.ring()

    def withdraw(self, submission: "Submission") -> None:
        """The resident takes his form back."""
        if self.submitted is submission:
            self.submitted = None
        self.bell.ring()

    def answer_submission(self, submission: "Submission", answer: "Accepted | Returned | Referred") -> None:
        """The clerk has looked at a form; of one that was taken back nobody hears."""
        if self.submitted is submission:
            submission.answer = answer
            self.submitted = None
        self.bell.ring()

    def call_clerk(self) -> None:
        """The resident wants somebody to come; nobody asks why."""
        self.is_clerk_called, self.has_caller_left = True, False
        self.bell.ring()

    def end_visit(self) -> None:
        """The resident leaves the terminal; whom he has called comes all the same."""
        self.has_caller_left = self.is_clerk_called
        self.bell.ring()

    def desert(self, entry: "DesertedEntry") -> None:
        """Nobody has touched the terminal for long while a password is typed."""
        self.deserted = entry
        self.bell.ring()

    def come_back(self) -> None:
        """Somebody has touched the terminal, or no password is typed any more."""
        if self.deserted is not None:
            self.deserted = None
            self.bell.ring()

    def end_deserted(self) -> None:
        """The clerk has looked, and ends what its resident has left."""
        if self.deserted is not None:
            self.deserted.end()
            self.bell.ring()

    def ask_card_back(self, is_asked: bool) -> None:
        """Somebody is asked to take his card, or need not be any more."""
        self.is_card_asked_back = is_asked
        self.bell.ring()

    def leave_card(self, is_left: bool) -> None:
        """A card has been forgotten, or is no longer in the terminal."""
        if is_left != self.is_card_left:
            self.is_card_left = is_left
            self.bell.ring()

    def tell_cards_left(self, stations: tuple[str, ...]) -> None:
        """In which terminals elsewhere a card has been forgotten now."""
        if stations != self.cards_left_elsewhere:
            self.cards_left_elsewhere = stations
            self.bell.ring()

    def answer_call(self) -> None:
        """Somebody has come."""
        self.is_clerk_called, self.has_caller_left, self.denied = False, False, None
        self.bell.ring()

    def open(self, case: "OpenCase") -> None:
        """A case begins."""
        self.case = case
        self.bell.ring()

    def close(self, case: "OpenCase", ending: "Ending") -> None:
        """A case has ended; its resident still reads how."""
        self.ended.append(case)
        case.take(ending)

    def leave(self) -> None:
        """The resident has left the terminal."""
        self.case = None
        self.bell.ring()

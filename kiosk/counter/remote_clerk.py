"""The clerk's station as a terminal has it: the clerk, his key, the register and the card keys, asked over the line.

A station that is away is as a clerk who left: before the resident has paid the case is taken back, while money changes
hands it stays unknown how far it had come.
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec

from hw.errors import LinkLost, Refused
from hw.ports import CashTrouble, ChannelChallenge, ChannelKeys, MachineMoney, ManagementKeys, SessionKeys
from kiosk.authority.verification import load_certificate
from kiosk.counter import asking
from kiosk.counter.asking import (
    Asking,
    Concerning,
    CountWanted,
    Denied,
    FormLooked,
    Gone,
    Keyless,
    Reply,
    Said,
    Unreadable,
    Unsure,
)
from kiosk.counter.clerk_key import clerk_name
from kiosk.counter.line import Line, LineLost, QuestionState, StationUnknown
from kiosk.issuance.ended_cases import Certified
from kiosk.issuance.failure import CaseUnreadable, IssuerKeysUnavailable, StationDenied
from kiosk.issuance.persons import (
    CLERK_ALONE,
    Abandoned,
    CannotTell,
    Exemption,
    IdentityEvidence,
    IdentityQuestion,
    OpenDeposit,
)
from kiosk.model.authorisation import Authorisation, AuthorisationTerms
from kiosk.model.decision import CarriedOut, Decision
from kiosk.model.form import Form
from kiosk.model.resident import Resident
from kiosk.model.step import Actor
from kiosk.model.testimony import ClerkSignature, PaperSeen, Testimony

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")

STATION_LOST = "station_lost"
"""Why the clerk is gone when it is his station that is."""


@dataclass(frozen=True)
class RemoteDesk:
    """Asks one clerk's station.

    It has to begin with a question within `patience_s`; what a person is then asked may take as long as it takes.
    `give_up` is called meanwhile and may raise, when the resident stops.
    """

    line: Line
    station: str
    patience_s: float
    monotonic: Callable[[], float]
    give_up: Callable[[], None] = lambda: None

    def ask(self, asked: Asking[Asked, Answered], body: Asked) -> Answered:
        """Puts one question.

        Raises `Abandoned`, `CannotTell`, `hw.errors.Refused`, `CaseUnreadable`, `IssuerKeysUnavailable`; `LineLost` and
        `StationUnknown`.
        """
        until_s = self.monotonic() + self.patience_s

        def go_on(state: QuestionState) -> None:
            self.give_up()
            if state is QuestionState.OPEN and self.monotonic() > until_s:
                raise LineLost(f"station {self.station} does not take up questions")

        answer = self.line.ask(self.station, asked.kind, msgspec.json.encode(body), go_on)
        reply: Reply = msgspec.json.decode(answer, type=Reply)
        match reply:
            case Said(value):
                return msgspec.json.decode(value, type=asked.answered)
            case Gone(by, reason):
                raise Abandoned(by, reason)
            case Unsure():
                raise CannotTell
            case Denied(reason):
                raise Refused(f"the clerk's station: {reason}")
            case Unreadable(reason):
                raise CaseUnreadable(f"the clerk's station: {reason}")
            case Keyless(reason):
                raise IssuerKeysUnavailable(f"the clerk's station: {reason}")

    def ask_person(self, asked: Asking[Asked, Answered], body: Asked) -> Answered:
        """Puts a question to the clerk himself; he is gone when his station is.

        Raises `Abandoned`, `CannotTell`, and `StationDenied` when his station does not put it to him.
        """
        try:
            return self.ask(asked, body)
        except Refused as denied:
            raise StationDenied(str(denied)) from denied
        except (LineLost, StationUnknown) as lost:
            raise Abandoned(Actor.CLERK, STATION_LOST) from lost

    def ask_station(self, asked: Asking[Asked, Answered], body: Asked) -> Answered:
        """Asks for what lies at the station.

        Raises `hw.errors.LinkLost`, `hw.errors.Refused`, and `IssuerKeysUnavailable` where keys are asked for.
        """
        try:
            return self.ask(asked, body)
        except (LineLost, StationUnknown) as lost:
            raise LinkLost(f"the clerk's station: {lost}") from lost


class _NotDue(Exception):
    """What the clerk was asked for is not what is due now."""


@dataclass(frozen=True)
class RemoteClerk:
    """The clerk, as `kiosk.issuance.persons.Clerk`, about one application; he serves several terminals."""

    desk: RemoteDesk
    application_number: str

    def check_identity(self, question: IdentityQuestion) -> IdentityEvidence:
        """Asks him."""
        return self.desk.ask_person(asking.IDENTITY, question)

    def approve(self, question: IdentityQuestion) -> Exemption | None:
        """Asks him; what he approved his station will sign once, for this case and these items."""
        answer = self.desk.ask_person(asking.APPROVE, question)
        return answer if isinstance(answer, Exemption) else None

    def take_fee(self, due_yen: int, deposit: OpenDeposit = CLERK_ALONE) -> int:
        """Asks him, who is elsewhere, once the resident had his time to pay alone; until something else is due."""
        deposit.await_payer()
        if not deposit.is_due():
            return 0

        def give_up() -> None:
            self.desk.give_up()
            if not deposit.is_due():
                raise _NotDue

        try:
            return replace(self.desk, give_up=give_up).ask_person(asking.FEE, self._concerning(due_yen))
        except _NotDue:
            return 0

    def give_change(self, change_yen: int) -> None:
        """Asks him."""
        self.desk.ask_person(asking.CHANGE, self._concerning(change_yen))

    def mind_cash(self, trouble: CashTrouble) -> None:
        """Asks him."""
        self.desk.ask_person(asking.CASH, asking.CashMinded(self.application_number, trouble))

    def repay(self, amount_yen: int) -> None:
        """Asks him."""
        self.desk.ask_person(asking.REPAY, self._concerning(amount_yen))

    def count_payment(self, due_yen: int, known: MachineMoney) -> int:
        """Asks him."""
        return self.desk.ask_person(asking.COUNT, CountWanted(self.application_number, due_yen, known))

    def is_card_returned(self) -> bool:
        """Asks him."""
        return self.desk.ask_person(asking.RETURNED, self._concerning(0))

    def look_at_paper(self, receipt_number: int) -> PaperSeen:
        """Asks him."""
        return self.desk.ask_person(asking.PAPER, self._concerning(receipt_number))

    def _concerning(self, count: int) -> Concerning:
        return Concerning(self.application_number, count)


@dataclass(frozen=True)
class RemoteReception:
    """The clerk, for a resident who has no application yet. Every call raises `Abandoned` when his station is away."""

    desk: RemoteDesk

    def look_at_form(self, form: Form) -> FormLooked:
        """Asks him to compare a form that was typed."""
        return self.desk.ask_person(asking.TYPED_FORM, form)

    def send_form(self) -> Resident:
        """Waits for a form that he takes in for this terminal."""
        resident = self.desk.ask_person(asking.FREE, "").resident
        assert resident is not None, "the clerk's station sends somebody or denies it"
        return resident

    def come(self) -> None:
        """Waits until he is on his way."""
        self.desk.ask_person(asking.CALL, "")

    def end_deserted(self) -> None:
        """Waits until he has looked, and ends what is under way here."""
        self.desk.ask_person(asking.DESERTED, "")

    def resident_of(self, code: str) -> Resident | None:
        """Whose printed form has this code; nobody's when the clerk's station cannot be asked."""
        try:
            return self.desk.ask_person(asking.PRINTED_FORM, code).resident
        except Abandoned:
            return None


@dataclass(frozen=True)
class RemoteClerkKey:
    """The clerk's key, as `kiosk.counter.clerk_key.ClerkKey`: it never leaves his station."""

    desk: RemoteDesk

    @property
    def name(self) -> str:
        """The name of the clerk who is there now."""
        return clerk_name(load_certificate(self.certificate))

    @property
    def certificate(self) -> bytes:
        """The certificate of the clerk who is there now; another one may be in an hour."""
        return self.desk.ask_station(asking.CERTIFICATE, "")

    def authorise(self, terms: AuthorisationTerms) -> Authorisation:
        """The terms under his signature, when he has approved just this."""
        return self.desk.ask_station(asking.AUTHORISE, terms.encode())

    def testify(self, payload: bytes) -> ClerkSignature:
        """His signature under what a terminal has written: never; `RemoteTwoClerks` asks what he finds himself."""
        raise Refused("clerks testify at their own station, to what they find there")


@dataclass(frozen=True)
class RemoteTwoClerks:
    """Two clerks at their own station, as `kiosk.issuance.station.TwoClerks`: their keys never leave it."""

    desk: RemoteDesk

    def testify(self, pseudonym: str, known: MachineMoney) -> Testimony:
        """What they found, signed by both there."""
        return self.desk.ask_station(asking.TESTIFY, asking.SuspectCase(pseudonym, known))

    def exempt(self, pseudonym: str) -> Testimony:
        """Their ground, signed by both there."""
        return self.desk.ask_station(asking.EXEMPT, pseudonym)


@dataclass(frozen=True)
class RemoteDecisions:
    """The clerk at his own station, about cases that were left here. Raises as `RemoteDesk.ask_station`."""

    desk: RemoteDesk

    def decide(self, cases: Sequence[str], until: Mapping[str, datetime.date]) -> Decision:
        """What he decides about one of them, named by their pseudonyms; waits until he does.

        `until` is the day of each that is put off, which only its own station can read.
        """
        return self.desk.ask_station(asking.DECIDE, asking.Cases(tuple(cases), dict(until)))

    def tell(self, carried_out: CarriedOut) -> None:
        """What came of it."""
        self.desk.ask_station(asking.CARRIED_OUT, carried_out)


@dataclass(frozen=True)
class RemoteRegister:
    """The register, as far as a terminal may read it: one resident, by the code that he filed under."""

    desk: RemoteDesk

    def find(self, code: str) -> Resident | None:
        """The resident of a code."""
        return self.desk.ask_station(asking.RESIDENT, code).resident

    def residents(self) -> tuple[Resident, ...]:
        """Nobody looks through the register here."""
        raise Refused("the register is read at the clerk's station")


@dataclass(frozen=True)
class RemoteIds:
    """The town's ids, as `kiosk.counter.town_ids.TownIds`."""

    desk: RemoteDesk

    def person(self, resident_code: str) -> bytes:
        """The id of a resident."""
        return self.desk.ask_station(asking.PERSON, resident_code)

    def card(self, card_number: str) -> bytes:
        """The id of a card."""
        return self.desk.ask_station(asking.CARD, card_number)


@dataclass(frozen=True)
class RemoteArchive:
    """Cases that have ended, as `kiosk.issuance.ended_cases.Archive`: their keys lie with the clerk's station alone."""

    desk: RemoteDesk

    @property
    def station(self) -> str:
        """The clerk's station."""
        return self.desk.station

    def is_valid(self, pseudonym: str) -> bool:
        """Whether the certificate is valid; nothing else is told of a case that may be anybody's."""
        return self.desk.ask_station(asking.IS_VALID, pseudonym)

    def key(self, pseudonym: str, resident_code: str) -> bytes | None:
        """The key of a resident's own case."""
        return self.desk.ask_station(asking.CASE_KEY, asking.KeyWanted(pseudonym, resident_code)).key

    def certified(self, pseudonyms: Sequence[str]) -> Mapping[str, Sequence[Certified]]:
        """What this station's cases asked the authority for."""
        return self.desk.ask_station(asking.CERTIFIED, asking.Cases(tuple(pseudonyms))).cases


def remote_card_keys(desk: RemoteDesk) -> Callable[[Authorisation], ChannelKeys]:
    """The cards' keys: session keys for one challenge, on a leave."""

    def keys(authorisation: Authorisation) -> ChannelKeys:
        def answer(challenge: ChannelChallenge) -> SessionKeys | ManagementKeys:
            given = desk.ask_station(asking.KEYS, asking.KeysWanted(authorisation, challenge))
            keys = given.session or given.management
            assert keys is not None, "the clerk's station gives keys or denies them"
            return keys

        return answer

    return keys

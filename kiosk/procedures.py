"""What the counter does besides issuing, as the screens have it done at the station, with persons or without."""

import datetime
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from hw.errors import LinkLost, Refused
from hw.ports import CashTrouble, KeyUse, MachineMoney, PinPolicy, PinStatus
from kiosk.counter.clerk_key import ClerkKey, load_clerk_key, operator_of
from kiosk.issuance.abort import NotAbortable, abort
from kiosk.issuance.change_password import change_password
from kiosk.issuance.decide import carry_out
from kiosk.issuance.failure import CaseEnded, GivenUp, RolledBack, failure_code
from kiosk.issuance.filing import filed
from kiosk.issuance.hold import NotHeld, hold, resume
from kiosk.issuance.persons import (
    CLERK_ALONE,
    Abandoned,
    AskedPassword,
    CardAction,
    Clerk,
    DeliverySummary,
    Exemption,
    IdentityEvidence,
    IdentityQuestion,
    OpenDeposit,
    Persons,
)
from kiosk.issuance.put_off import held_until
from kiosk.issuance.report import Report
from kiosk.issuance.revoke import revoke
from kiosk.issuance.settle import NotSuspect, known_money, question_of, settle
from kiosk.issuance.station import Station
from kiosk.issuance.unlock import unlock
from kiosk.journal.records import CaseRecord
from kiosk.model.decision import CarriedOut, Decision
from kiosk.model.password_service import PasswordChangeApplication, UnlockApplication
from kiosk.model.revocation import RevocationApplication
from kiosk.model.step import Actor
from kiosk.model.testimony import PaperSeen, TestimonyInvalid
from kiosk.model.transition import Procedure, procedure_of
from kiosk.ui.procedures import DecisionRefused
from kiosk.ui.service import Run

_LETTER = {"change": "P", "unlock": "U", "revoke": "R"}
"""With which a number of each kind begins."""


class StationProcedures:
    """`kiosk.ui.procedures.Procedures` at an open station. `clerks` is the folder of keys in files, as in training."""

    def __init__(self, station: Station, clerk: str, clerks: Path) -> None:
        self._station = station
        self._clerk = clerk
        self._clerks = clerks

    def next_number(self, kind: str, year: int) -> str:
        """The next that is free."""
        taken = 1
        while self._station.journal.latest_case(f"{_LETTER[kind]}{year}-{taken:04d}") is not None:
            taken += 1
        return f"{_LETTER[kind]}{year}-{taken:04d}"

    def change_password(self, number: str) -> Run:
        """The card's owner replaces a password of his card."""
        return partial(change_password, PasswordChangeApplication(number))

    def unlock(self, number: str, code: str) -> Run:
        """A resident's password is set anew."""
        return partial(unlock, UnlockApplication(number, code))

    def revoke(self, application: RevocationApplication, second: str | None) -> Run:
        """A certificate is revoked."""

        def run(station: Station, persons: Persons, report: Report) -> object:
            key = None if second is None else self._key_of(second)
            return revoke(application, station, persons, report, key)

        return run

    def left(self, number: str) -> tuple[str, bool, Run]:
        """What kind of procedure an interruption left, whether whom it is about is here, and how it goes on."""
        journal, record = self._station.journal, self._record(number)
        match procedure_of(record.stage):
            case Procedure.REVOCATION:
                application = filed(record, journal, RevocationApplication)
                return "revoke", not application.cause.is_on_information, self.revoke(application, None)
            case Procedure.UNLOCK:
                return "unlock", True, partial(unlock, filed(record, journal, UnlockApplication))
        return "change", True, partial(change_password, filed(record, journal, PasswordChangeApplication))

    def hold(self, number: str, until: datetime.date) -> bool | None:
        """Puts an application off; whether the slip came out."""
        try:
            with _explained():
                return hold(number, until, self._station, _nobody(), self._clerk, self._operator()).came_out
        except DecisionRefused as refused:
            is_kept = held_until(self._record(number), self._station.journal, self._station.today()) == until
            raise DecisionRefused(refused.code, is_day_kept=is_kept) from refused

    def resume(self, number: str) -> None:
        """Takes an application off hold."""
        with _explained():
            resume(number, self._station, self._operator())

    def abort(self, number: str) -> str:
        """Ends a case; the code by which it is known."""
        with _explained():
            ended = abort(self._record(number), self._station, _nobody(), self._operator())
            if not isinstance(ended, RolledBack | GivenUp):
                raise ended
            return ended.code

    def _operator(self) -> str:
        """What the journal knows the clerk at this seat by."""
        return operator_of(self._station.clerk_key.certificate)

    def carry_out(self, decision: Decision, clerk: Clerk) -> CarriedOut:
        """What a clerk at a station of his own has decided; the resident has left."""
        return carry_out(decision, self._station, Persons(NobodyAtTerminal(), clerk))

    def settle(self, number: str, answer: str, second: str) -> None:
        """Records what two clerks say; where they have a station of their own, they say it there."""
        if self._station.two_clerks is not None:
            raise DecisionRefused("")
        with _explained():
            settle(self._record(number), answer, self._station, self._station.clerk_key, self._key_of(second))

    def question(self, number: str) -> str:
        """What two clerks are asked, empty for nothing."""
        try:
            return question_of(self._record(number)).value
        except NotSuspect:
            return ""

    def known_money(self, number: str) -> MachineMoney:
        """What the machine here knows of the money of a case."""
        return known_money(self._record(number), self._station)

    def second_clerks(self) -> tuple[str, ...]:
        """The clerks whose keys lie beside that of this seat."""
        return tuple(sorted(path.stem for path in self._clerks.glob("*.pem") if path.stem != self._clerk))

    def _key_of(self, name: str) -> ClerkKey:
        assert name in self.second_clerks(), "a name that was offered"
        return load_clerk_key(self._clerks / f"{name}.pem")

    def _record(self, number: str) -> CaseRecord:
        record = self._station.journal.latest_case(number)
        assert record is not None, "a case that was left is in the journal"
        return record


@contextmanager
def _explained() -> Iterator[None]:
    """What stands against a decision becomes `DecisionRefused`."""
    try:
        yield
    except CaseEnded as ended:
        raise DecisionRefused(ended.code) from ended
    except LinkLost as lost:
        raise DecisionRefused(failure_code(lost)) from lost
    except (NotAbortable, NotHeld, NotSuspect, TestimonyInvalid, Refused) as error:
        raise DecisionRefused("") from error


def _nobody() -> Persons:
    """Nobody is asked at a decision; what a person would have to say is asked when the case is gone on with."""
    return Persons(NobodyAtTerminal(), NobodyAtDesk())


class NobodyAtTerminal:
    """The resident who has left."""

    def card(self, action: CardAction) -> None:
        """He is not there."""

    def choose_password(self, policy: PinPolicy) -> bytearray:
        """He is not there."""
        raise Abandoned(Actor.RESIDENT, "left")

    def enter_password(self, status: PinStatus) -> bytearray:
        """He is not there."""
        raise Abandoned(Actor.RESIDENT, "left")

    choose_authentication_password = choose_password

    def enter_authentication_password(self, status: PinStatus, policy: PinPolicy) -> bytearray:
        """He is not there."""
        raise Abandoned(Actor.RESIDENT, "left")

    def which_password(self, statuses: Mapping[KeyUse, PinStatus]) -> KeyUse:
        """He is not there."""
        raise Abandoned(Actor.RESIDENT, "left")

    def enter_old_password(self, status: PinStatus, asked: AskedPassword) -> bytearray:
        """He is not there."""
        raise Abandoned(Actor.RESIDENT, "left")

    enter_new_password = enter_old_password

    def consent(self, summary: DeliverySummary) -> None:
        """He is not there."""
        raise Abandoned(Actor.RESIDENT, "left")


class NobodyAtDesk:
    """The clerk, who decides and is not asked what he sees."""

    def check_identity(self, question: IdentityQuestion) -> IdentityEvidence:
        """Not now."""
        raise Abandoned(Actor.CLERK, "not_now")

    def approve(self, question: IdentityQuestion) -> Exemption | None:
        """Not now."""
        raise Abandoned(Actor.CLERK, "not_now")

    def take_fee(self, due_yen: int, deposit: OpenDeposit = CLERK_ALONE) -> int:
        """Not now."""
        raise Abandoned(Actor.CLERK, "not_now")

    def give_change(self, change_yen: int) -> None:
        """Not now."""
        raise Abandoned(Actor.CLERK, "not_now")

    def mind_cash(self, trouble: CashTrouble) -> None:
        """Not now."""
        raise Abandoned(Actor.CLERK, "not_now")

    def repay(self, amount_yen: int) -> None:
        """Not now."""
        raise Abandoned(Actor.CLERK, "not_now")

    def count_payment(self, due_yen: int, known: MachineMoney) -> int:
        """Not now."""
        raise Abandoned(Actor.CLERK, "not_now")

    def is_card_returned(self) -> bool:
        """Not now."""
        raise Abandoned(Actor.CLERK, "not_now")

    def look_at_paper(self, receipt_number: int) -> PaperSeen:
        """Not now."""
        raise Abandoned(Actor.CLERK, "not_now")

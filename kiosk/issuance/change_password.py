"""The card's owner replaces his password by another (パスワード変更), at the terminal and by himself.

Start is resume. Whoever knows the old password may; the card counts the tries. Whether an interrupted change happened
only the card's owner can find out, by typing the password that he chose: the software never tries one by itself.
"""

from dataclasses import dataclass, field

from hw.errors import PinLocked, PinRefused
from hw.ports import KeyUse
from kiosk.issuance.effect import Case, Effect, World
from kiosk.issuance.failure import TROUBLE, CaseEnded, GivenUp, Halted, Refusal, actor_behind, failure_code
from kiosk.issuance.filing import NOBODY, alone_with_the_case, open_or_resume
from kiosk.issuance.inserted_card import InsertedCard
from kiosk.issuance.password_card import asked, choosable, choose, hand_back, holds, meant, prove, tries_left
from kiosk.issuance.persons import Persons, Resident
from kiosk.issuance.report import Report
from kiosk.issuance.station import Station
from kiosk.model.password_service import FiledPasswordChange, PasswordChangeApplication, PasswordChanged
from kiosk.model.secret import wipe
from kiosk.model.step import PasswordChangeStep
from kiosk.model.transition import Event, Procedure


@dataclass(frozen=True)
class ChangeIntent:
    """The password of this card is about to be replaced."""

    card_number: str


@dataclass(repr=False)
class Passwords:
    """The old and the new password between the moment at which they are typed and the command that takes them."""

    old: bytearray = field(default_factory=bytearray)
    new: bytearray = field(default_factory=bytearray)

    def wipe(self) -> None:
        """Neither is there any more."""
        wipe(self.old)
        wipe(self.new)


CHANGE_APPLICATION = Effect(PasswordChangeStep.APPLICATION, PasswordChangeApplication, FiledPasswordChange)
CHANGE = Effect(PasswordChangeStep.CHANGE, ChangeIntent, PasswordChanged)


def change_password(
    application: PasswordChangeApplication, station: Station, persons: Persons, report: Report
) -> PasswordChanged:
    """Changes one card's password, or goes on with the change of this number that was interrupted.

    Raises `Refusal` (the card has no such password), `RolledBack` (nothing was changed) or `Halted`: whether it was
    changed is found out when the same card is put in again. `GivenUp`: the card was locked over finding out.
    """
    record = open_or_resume(application, Procedure.CHANGE, station, NOBODY)
    passwords = Passwords()
    with alone_with_the_case(station), InsertedCard(station, persons) as card:
        case = Case(record, station.journal, report, lambda: card.exchanges)
        known = case.outcome_of(CHANGE_APPLICATION)
        card.number = known.card_number if known else None
        try:
            filed = file(case, application, card, station, persons.resident)
            changed = change(case, filed, card, passwords, station, persons)
        except Refusal:
            hand_back(card, station, persons)
            raise
        except TROUBLE as trouble:
            hand_back(card, station, persons)
            raise _ended(case, trouble) from trouble
        finally:
            passwords.wipe()
        hand_back(card, station, persons)
        return changed


def _ended(case: Case, trouble: Exception) -> CaseEnded:
    code = failure_code(trouble)
    if not case.is_open(PasswordChangeStep.CHANGE):
        return case.abandon(code, actor_behind(trouble))
    if isinstance(trouble, PinLocked):
        # Nobody can find out any more, and it makes no difference: the next password is set at the counter.
        case.move(Event.GIVE_UP, code)
        return GivenUp(code)
    return Halted(code)


def file(
    case: Case, application: PasswordChangeApplication, card: InsertedCard, station: Station, resident: Resident
) -> FiledPasswordChange:
    """The card is put in, its number read, and asked which password is meant. Raises `Refusal` when it has none yet."""

    def read_card(application: PasswordChangeApplication) -> FiledPasswordChange:
        session = card.session()
        which = meant(case, session, application.which, station, resident)
        return FiledPasswordChange(case.record.pseudonym, session.number(), which)

    return case.run(
        CHANGE_APPLICATION,
        prepare=lambda: application,
        perform=read_card,
        inquire=lambda _: World.NOT_HAPPENED,
        card=lambda filed: station.card(filed.card_number).hex(),
    )


def change(
    case: Case,
    filed: FiledPasswordChange,
    card: InsertedCard,
    passwords: Passwords,
    station: Station,
    persons: Persons,
) -> PasswordChanged:
    """The old password is typed and verified, the new one chosen; then the card takes it, and is shown it.

    That some password would do is seen before he types anything.

    Asked after an interruption: the resident, who types the one that he chose, and the old one if it is not that.
    """
    resident, use = persons.resident, KeyUse(filed.which)

    def type_both() -> ChangeIntent:
        session = card.session()
        choosable(session, use, station)
        while True:
            passwords.old = resident.enter_old_password(tries_left(session, use), asked(session, use))
            try:
                session.verify_pin(passwords.old, use)
                break
            except PinRefused:
                wipe(passwords.old)  # he is asked again, and sees how many tries remain
        passwords.new = choose(session, use, station, resident)
        return ChangeIntent(filed.card_number)

    def replace(_: ChangeIntent) -> PasswordChanged:
        if not passwords.new:
            type_both()
        session = card.session()
        session.change_pin(passwords.old, passwords.new, use)
        prove(session, use, passwords.new)
        return PasswordChanged(filed.case)

    def find_out(_: ChangeIntent) -> PasswordChanged | World:
        session = card.session()
        while True:
            if holds(session, use, resident.enter_new_password):
                return PasswordChanged(filed.case)
            if holds(session, use, resident.enter_old_password):
                return World.NOT_HAPPENED

    return case.run(CHANGE, prepare=type_both, perform=replace, inquire=find_out)

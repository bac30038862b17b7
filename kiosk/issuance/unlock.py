"""A password that is locked or forgotten is replaced (初期化・ロック解除): the clerk gives leave, the resident types.

Start is resume. The keys that open the card for this lie with the clerk's station, and are given for a leave that its
clerk has signed for just this. Whether an interrupted reset happened the card tells by its count of tries, else its
owner, by typing the password that he chose.
"""

from dataclasses import dataclass, field

from hw.ports import ChannelPurpose, KeyUse
from kiosk.issuance.applicant import certified_items, closed_cases_on_card
from kiosk.issuance.effect import Case, Effect, Note, World
from kiosk.issuance.failure import TROUBLE, Halted, Refusal, actor_behind, failure_code, halting_code
from kiosk.issuance.filing import alone_with_the_case, open_or_resume
from kiosk.issuance.inserted_card import InsertedCard
from kiosk.issuance.leave import Leave, ask_for_leave, refuse_unless_covered, refuse_unless_fresh
from kiosk.issuance.password_card import choose, hand_back, holds, meant, prove
from kiosk.issuance.persons import IdentityQuestion, Persons
from kiosk.issuance.report import Report
from kiosk.issuance.station import Station
from kiosk.model.eligibility import CARD_OF_ANOTHER, NOT_IN_REGISTER
from kiosk.model.password_service import AuthorisedOwner, FiledUnlock, IdentifiedOwner, UnlockApplication, Unlocked
from kiosk.model.resident import Resident
from kiosk.model.secret import wipe
from kiosk.model.step import UnlockStep
from kiosk.model.transition import Procedure


@dataclass(frozen=True)
class ResetIntent:
    """The password of this card, which has so many tries left, is about to be replaced."""

    card_number: str
    attempts_before: int


@dataclass(repr=False)
class ChosenPassword:
    """The new password between the moment at which it is typed and the command that takes it."""

    new: bytearray = field(default_factory=bytearray)


UNLOCK_APPLICATION = Effect(UnlockStep.APPLICATION, UnlockApplication, FiledUnlock)
UNLOCK_IDENTITY = Note(UnlockStep.IDENTITY_CHECK, IdentifiedOwner)
UNLOCK_AUTHORISE = Note(UnlockStep.AUTHORISE, AuthorisedOwner)
RESET = Effect(UnlockStep.RESET, ResetIntent, Unlocked)


def unlock(application: UnlockApplication, station: Station, persons: Persons, report: Report) -> Unlocked:
    """Gives one card a new password, or goes on with the case of this number that was interrupted.

    Raises `Refusal` (a rule stands against it), `RolledBack` (nothing was changed) or `Halted`: whether it was changed
    is found out when the same card is put in again.
    """
    record = open_or_resume(application, Procedure.UNLOCK, station, application.resident_code)
    chosen = ChosenPassword()
    with alone_with_the_case(station), InsertedCard(station, persons) as card:
        case = Case(record, station.journal, report, lambda: card.exchanges)
        known = case.outcome_of(UNLOCK_APPLICATION)
        card.number = known.card_number if known else None
        try:
            filed = file(case, application, card, station, persons)
            identified = identify(case, filed, station, persons)
            authorised = authorise(case, identified, station, persons)
            card.authorisation = authorised.authorisation
            unlocked = reset(case, authorised, card, chosen, station, persons)
        except Refusal:
            hand_back(card, station, persons)
            raise
        except TROUBLE as trouble:
            hand_back(card, station, persons)
            if not case.is_open(UnlockStep.RESET):
                raise case.abandon(failure_code(trouble), actor_behind(trouble)) from trouble
            raise Halted(halting_code(trouble)) from trouble
        finally:
            wipe(chosen.new)
        hand_back(card, station, persons)
        return unlocked


def file(
    case: Case, application: UnlockApplication, card: InsertedCard, station: Station, persons: Persons
) -> FiledUnlock:
    """The card is put in once; its number is read, and how many tries the password has that the resident means.

    Raises `Refusal` when it has no password.
    """

    def read_card(application: UnlockApplication) -> FiledUnlock:
        session = card.session()
        which = meant(case, session, application.which, station, persons.resident)
        attempts, number = session.pin_status(KeyUse(which)).attempts_remaining, session.number()
        # Not held while people talk: a card that nobody works with is powered off.
        card.release()
        return FiledUnlock(case.record.pseudonym, application, number, attempts, which)

    return case.run(
        UNLOCK_APPLICATION,
        prepare=lambda: application,
        perform=read_card,
        inquire=lambda _: World.NOT_HAPPENED,
        card=lambda filed: station.card(filed.card_number).hex(),
    )


def identify(case: Case, filed: FiledUnlock, station: Station, persons: Persons) -> IdentifiedOwner:
    """The clerk compares form, register, document and face; the card must not be known as another's.

    Raises `Refusal`.
    """
    person = station.person(filed.application.resident_code).hex()

    def check() -> IdentifiedOwner:
        resident = station.register.find(filed.application.resident_code)
        if resident is None:
            raise case.refuse(NOT_IN_REGISTER)
        items_hash = certified_items(case, resident).hash()
        closed = closed_cases_on_card(case, filed.card_number, station)
        if any(other.person not in (None, person) for other in closed):
            raise case.refuse(CARD_OF_ANOTHER)
        evidence = persons.clerk.check_identity(_question(filed, resident))
        return IdentifiedOwner(filed, resident, items_hash, evidence.document, evidence.clerk, station.today())

    return case.note(UNLOCK_IDENTITY, check, person=lambda _: person)


def authorise(case: Case, identified: IdentifiedOwner, station: Station, persons: Persons) -> AuthorisedOwner:
    """The clerk's key signs for this case, this card and this one of its passwords."""
    question = _question(identified.filed, identified.resident)
    return case.note(
        UNLOCK_AUTHORISE,
        lambda: AuthorisedOwner(identified, ask_for_leave(_leave(identified), question, station, persons.clerk)),
    )


def reset(
    case: Case,
    authorised: AuthorisedOwner,
    card: InsertedCard,
    chosen: ChosenPassword,
    station: Station,
    persons: Persons,
) -> Unlocked:
    """The resident chooses a password himself; the card takes it, and is shown it.

    Asked after an interruption: a card that is still locked has not taken it; else its owner types what he chose, and
    chooses anew when the card does not know it.
    """
    filed = authorised.identified.filed
    use = KeyUse(filed.which)

    def choose_new() -> ResetIntent:
        _refuse_unless_covered(authorised, station)
        session = card.under_channel(ChannelPurpose.RESET)
        attempts = session.pin_status(use).attempts_remaining
        chosen.new = choose(session, use, station, persons.resident)
        return ResetIntent(filed.card_number, attempts)

    def replace(_: ResetIntent) -> Unlocked:
        if not chosen.new:
            choose_new()
        session = card.under_channel(ChannelPurpose.RESET)
        session.set_pin(chosen.new, use)
        prove(session, use, chosen.new)
        return Unlocked(filed.case)

    def find_out(_: ResetIntent) -> Unlocked | World:
        session = card.session()
        if session.pin_status(use).attempts_remaining and holds(session, use, persons.resident.enter_new_password):
            return Unlocked(filed.case)
        # He chooses once more; nothing is left open by a leave that has run out meanwhile.
        _refuse_unless_covered(authorised, station)
        return World.NOT_HAPPENED

    return case.run(RESET, prepare=choose_new, perform=replace, inquire=find_out)


def _leave(identified: IdentifiedOwner) -> Leave:
    filed = identified.filed
    code = filed.application.resident_code
    return Leave("reset_password", filed.case, filed.card_number, identified.items_hash, code, filed.which)


def _question(filed: FiledUnlock, resident: Resident) -> IdentityQuestion:
    number, items = filed.application.number, resident.items
    return IdentityQuestion(number, items, items, (), "reset_password", which=filed.which)


def _refuse_unless_covered(authorised: AuthorisedOwner, station: Station) -> None:
    terms = refuse_unless_covered(authorised.authorisation, _leave(authorised.identified), station)
    refuse_unless_fresh(terms, station)

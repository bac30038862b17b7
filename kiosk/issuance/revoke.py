"""A certificate is revoked (失効), by its owner's application or on information, from the form to the paper.

Start is resume. Until the authority is asked anybody can stop; from then on the way is forward. What cannot be done
with the card or on paper is recorded, and holds nothing up: the certificate is worth nothing any more.
"""

from contextlib import suppress

from hw.errors import DeviceError
from hw.ports import ChannelPurpose
from kiosk.authority.client import PendingCertificate
from kiosk.counter.clerk_key import ClerkKey, verify_countersignature
from kiosk.issuance.effect import Case, Effect, Intent, Note, Outcome, World, outcome_in
from kiosk.issuance.failure import (
    SECOND_CLERK_MISSING,
    TROUBLE,
    AuthorisationUnfit,
    CaseUnreadable,
    Halted,
    actor_behind,
    failure_code,
    halting_code,
)
from kiosk.issuance.filing import alone_with_the_case, open_or_resume
from kiosk.issuance.inserted_card import InsertedCard
from kiosk.issuance.leave import Leave, are_in_force, ask_for_leave, refuse_unless_covered
from kiosk.issuance.password_card import hand_back
from kiosk.issuance.persons import Abandoned, IdentityQuestion, Persons
from kiosk.issuance.receipt import cut_off, day_text
from kiosk.issuance.report import Report
from kiosk.issuance.roll_back import look_at_revocation, send_revocation
from kiosk.issuance.second_certificate import second_certificate_of
from kiosk.issuance.station import Station
from kiosk.issuance.steps import (
    APPLICATION,
    CERTIFY,
    ELIGIBILITY_AND_IDENTITY,
    SECOND_REVOCATION,
    Revoked,
    RevokeIntent,
)
from kiosk.journal.records import CaseRecord
from kiosk.model.authorisation import AuthorisationInvalid
from kiosk.model.certificate import CertificateState
from kiosk.model.eligibility import NO_CERTIFICATE, NOT_IN_REGISTER, differing_items
from kiosk.model.revocation import (
    REASON,
    AuthorisedRevocation,
    CardEmptied,
    FiledRevocation,
    IdentifiedRevocation,
    RevocationApplication,
    RevocationClosed,
    RevocationNotice,
)
from kiosk.model.step import RevocationStep
from kiosk.model.transition import Procedure, Stage

REVOCATION_APPLICATION = Effect(RevocationStep.APPLICATION, RevocationApplication, FiledRevocation)
REVOCATION_IDENTITY = Note(RevocationStep.IDENTITY_CHECK, IdentifiedRevocation)
REVOCATION_AUTHORISE = Note(RevocationStep.AUTHORISE, AuthorisedRevocation)
REVOCATION = Effect(RevocationStep.REVOKE, RevokeIntent, Revoked)
EMPTY_CARD = Effect(RevocationStep.EMPTY_CARD, CardEmptied, CardEmptied)
NOTICE = Effect(RevocationStep.NOTICE, RevocationNotice, RevocationNotice, signs_head=True)


def revoke(
    application: RevocationApplication,
    station: Station,
    persons: Persons,
    report: Report,
    second: ClerkKey | None = None,
) -> RevocationClosed:
    """Revokes one certificate, or goes on with the revocation of this number that was interrupted.

    `second` is another clerk's key, which signs too where the office acts on information. Raises `Refusal` (a rule
    stands against it), `RolledBack` (somebody stopped, nothing was done) or `Halted` (goes on at the next start). A
    revocation closed before is not done again.
    """
    record = open_or_resume(application, Procedure.REVOCATION, station, application.resident_code)
    with alone_with_the_case(station), InsertedCard(station, persons) as card:
        case = Case(record, station.journal, report, lambda: card.exchanges)
        try:
            filed = file(case, application, station)
            identified = identify(case, filed, station, persons)
            authorised = authorise(case, identified, station, persons, second)
            revoked = revoke_certificate(case, authorised, station)
            revoke_second(case, authorised, station)
            emptied = empty_card(case, card, authorised)
            notice = print_notice(case, authorised, emptied, station)
        except TROUBLE as trouble:
            if isinstance(trouble, Abandoned):
                raise case.abandon(failure_code(trouble), actor_behind(trouble)) from trouble
            raise Halted(halting_code(trouble)) from trouble
        hand_back(card, station, persons)
        return RevocationClosed(case.record.pseudonym, filed.serial, revoked.reason, emptied, notice)


def file(case: Case, application: RevocationApplication, station: Station) -> FiledRevocation:
    """The form, or the information, lies on the counter; the certificate is found that it is about.

    This station knows those that it issued itself, also where only the receipt is still missing, and of others those
    that are sealed to the same clerk's station.
    Raises `Refusal`.
    """

    def find(application: RevocationApplication) -> FiledRevocation:
        person = station.person(application.resident_code).hex()
        unread: CaseUnreadable | None = None
        for record in station.journal.certified_cases_of(person):
            try:
                issued = station.ended_cases.reopened(record, application.resident_code)
            except CaseUnreadable as unreadable:
                unread = unreadable  # it may be of a certificate that has ended long ago
                continue
            assert issued is not None, "it is the case of whoever has this code"
            certified = _recorded(issued, CERTIFY, station)
            if certified.not_after <= station.clock() or not _is_good(certified, station):
                continue
            filed = _recorded(issued, APPLICATION, station)
            eligible = _recorded(issued, ELIGIBILITY_AND_IDENTITY, station).eligible
            second = second_certificate_of(issued, station.journal)
            return FiledRevocation(
                case=case.record.pseudonym,
                application=application,
                serial=certified.serial,
                certificate=certified.certificate,
                items=eligible.resident.items,
                items_hash=eligible.items.hash(),
                card_number=filed.card_number,
                second_certificate=second.certificate if second else b"",
            )
        if unread is not None:
            raise unread
        raise case.refuse(NO_CERTIFICATE)

    return case.run(
        REVOCATION_APPLICATION,
        prepare=lambda: application,
        perform=find,
        inquire=lambda _: World.NOT_HAPPENED,
        card=lambda filed: station.card(filed.card_number).hex(),
    )


def identify(case: Case, filed: FiledRevocation, station: Station, persons: Persons) -> IdentifiedRevocation:
    """The clerk compares certificate, register, document and face; on information there is nobody to compare.

    Raises `Refusal`.
    """

    def check() -> IdentifiedRevocation:
        application = filed.application
        if application.cause.is_on_information:
            return IdentifiedRevocation(filed, None, station.clerk_key.name, station.today())
        if station.register.find(application.resident_code) is None:
            raise case.refuse(NOT_IN_REGISTER)
        evidence = persons.clerk.check_identity(_question(filed, station))
        return IdentifiedRevocation(filed, evidence.document, evidence.clerk, station.today())

    person = station.person(filed.application.resident_code).hex()
    return case.note(REVOCATION_IDENTITY, check, person=lambda _: person)


def authorise(
    case: Case, identified: IdentifiedRevocation, station: Station, persons: Persons, second: ClerkKey | None
) -> AuthorisedRevocation:
    """The clerk's key signs for this case, this card and these items; on information a second clerk's signs too."""
    filed = identified.filed

    def sign() -> AuthorisedRevocation:
        needs_two = filed.application.cause.is_on_information
        if needs_two and second is None:
            raise Halted(SECOND_CLERK_MISSING)
        authorisation = ask_for_leave(_leave(filed), _question(filed, station), station, persons.clerk)
        countersigned = second.testify(authorisation.payload) if needs_two and second is not None else None
        return AuthorisedRevocation(identified, authorisation, countersigned)

    return case.note(REVOCATION_AUTHORISE, sign)


def revoke_certificate(case: Case, authorised: AuthorisedRevocation, station: Station) -> Revoked:
    """The authority revokes it. Asked after an interruption: its status service."""
    filed = authorised.identified.filed

    def message() -> RevokeIntent:
        _refuse_unless_covered(authorised, station)
        reason = REASON[filed.application.cause]
        return RevokeIntent(filed.certificate, station.authority.revoke_message(filed.certificate, reason))

    return case.run(
        REVOCATION,
        prepare=message,
        perform=lambda intent: send_revocation(intent, station),
        inquire=lambda intent: look_at_revocation(intent, station),
    )


def revoke_second(case: Case, authorised: AuthorisedRevocation, station: Station) -> None:
    """The card's other certificate goes with the first, for the card is emptied wholly. Asked likewise."""
    filed = authorised.identified.filed
    # A case that has come further is of a time before this, or of a card with one certificate.
    if not filed.second_certificate or case.record.stage is not Stage.REVOCATION_EFFECTED:
        return

    def message() -> RevokeIntent:
        reason = REASON[filed.application.cause]
        return RevokeIntent(
            filed.second_certificate, station.authority.revoke_message(filed.second_certificate, reason)
        )

    case.run(
        SECOND_REVOCATION,
        prepare=message,
        perform=lambda intent: send_revocation(intent, station),
        inquire=lambda intent: look_at_revocation(intent, station),
    )


def empty_card(case: Case, card: InsertedCard, authorised: AuthorisedRevocation) -> CardEmptied:
    """The card's key is erased, if the card is there: what it signs would be rejected, and nobody is misled.

    Asked after an interruption: done again, since an empty card can be emptied.
    """
    filed = authorised.identified.filed

    def empty(_: CardEmptied) -> CardEmptied:
        if not filed.application.has_card:
            return CardEmptied(is_emptied=False)
        card.number, card.authorisation = filed.card_number, authorised.authorisation
        try:
            card.find()
            card.under_channel(ChannelPurpose.ERASE).erase()
        except (DeviceError, Abandoned) as trouble:
            return CardEmptied(False, failure_code(trouble))
        finally:
            card.release()
        return CardEmptied(is_emptied=True)

    return case.run(EMPTY_CARD, prepare=lambda: CardEmptied(False), perform=empty, inquire=lambda _: World.NOT_HAPPENED)


def print_notice(
    case: Case, authorised: AuthorisedRevocation, emptied: CardEmptied, station: Station
) -> RevocationNotice:
    """The paper for the owner. It is worth no money: after an interruption it is not printed by itself once more.

    A clerk who misses it fills one in (`kiosk paper revocation`).
    """
    identified = authorised.identified
    values = {
        "number": identified.filed.application.number,
        "date": day_text(station.clock(), station.receipt_form.calendar),
        "serial": identified.filed.serial,
        "clerk": identified.clerk,
    }
    marks = {identified.filed.application.cause.value} | ({"emptied"} if emptied.is_emptied else set())

    def put_on_paper(_: RevocationNotice) -> RevocationNotice:
        try:
            if station.journal.has_open_paper(case.record):
                cut_off(station.printer)
            outcome = station.printer.print(
                station.printer.render(station.roll_paper("revocation", values, marks), "----")
            )
        except DeviceError as trouble:
            return RevocationNotice(False, failure_code(trouble))
        return RevocationNotice(True if outcome.is_on_paper else None)

    def look(_: RevocationNotice) -> RevocationNotice:
        with suppress(DeviceError):
            cut_off(station.printer)
        return RevocationNotice(None)

    return case.run(
        NOTICE,
        prepare=lambda: RevocationNotice(None),
        perform=put_on_paper,
        inquire=look,
    )


def _leave(filed: FiledRevocation) -> Leave:
    return Leave("revoke", filed.case, filed.card_number, filed.items_hash, filed.application.resident_code)


def _question(filed: FiledRevocation, station: Station) -> IdentityQuestion:
    """What the certificate says beside the register; who is in it no longer stands as he was certified."""
    resident = station.register.find(filed.application.resident_code)
    registered = resident.items if resident else filed.items
    differences = differing_items(registered, filed.items)
    return IdentityQuestion(filed.application.number, registered, filed.items, differences, "revoke")


def _refuse_unless_covered(authorised: AuthorisedRevocation, station: Station) -> None:
    filed = authorised.identified.filed
    refuse_unless_covered(authorised.authorisation, _leave(filed), station)
    clerks = [authorised.authorisation.clerk_certificate]
    if filed.application.cause.is_on_information:
        leave, now = authorised.authorisation, station.clock()
        try:
            second = verify_countersignature(leave, authorised.second, station.generations, now)
        except AuthorisationInvalid as error:
            raise AuthorisationUnfit(str(error)) from error
        clerks.append(second.certificate)
    if not are_in_force(clerks, station):
        raise AuthorisationUnfit("the leave is signed with a certificate that was revoked")


def _is_good(certified: PendingCertificate, station: Station) -> bool:
    return station.authority.status(certified.certificate).state is CertificateState.GOOD


def _recorded(issued: CaseRecord, step: Effect[Intent, Outcome] | Note[Outcome], station: Station) -> Outcome:
    """What a step of an issuance yielded, which it has done."""
    outcome = outcome_in(station.journal.effect(issued, step.step), step)
    assert outcome is not None, "an issuance whose certificate may be valid has done every step so far"
    return outcome

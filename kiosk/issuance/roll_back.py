"""Takes an unfinished issuance back: fee repaid, certificate revoked and seen to be, card emptied, in this order.

Once the authority was asked to make a certificate valid it may do so late: then the revocation goes before the fee.
It runs under the journal like the issuance itself, so an interrupted one goes on at the next start.
"""

from contextlib import suppress
from dataclasses import dataclass

from hw.errors import DeviceError
from hw.ports import ChannelPurpose
from kiosk.authority.client import Message, PendingCertificate
from kiosk.authority.errors import AuthorityRejected, CertificateUnacceptable
from kiosk.counter.clerk_key import operator_of
from kiosk.issuance.cash_watch import CashWatch
from kiosk.issuance.effect import Case, Effect, World
from kiosk.issuance.failure import (
    CANNOT_TELL,
    TROUBLE,
    Halted,
    IssuanceUnclear,
    RevocationUnproven,
    RolledBack,
    StoreOutdated,
    Suspect,
    before_a_persons_eyes,
    failure_code,
    halting_code,
)
from kiosk.issuance.inserted_card import InsertedCard
from kiosk.issuance.persons import Abandoned, CannotTell, CardAction, Persons
from kiosk.issuance.put_off import end_taken_back
from kiosk.issuance.station import Station
from kiosk.issuance.steps import (
    CERTIFY,
    CONFIRM,
    FEE,
    REVOKE,
    SECOND_CERTIFY,
    SECOND_CONFIRM,
    SECOND_REVOKE,
    WRITE,
    Confirmed,
    Revoked,
    RevokeIntent,
)
from kiosk.model.certificate import CertificateState, RevocationReason
from kiosk.model.step import Actor, Undo
from kiosk.model.testimony import AuthorityFound
from kiosk.model.transition import Event, Stage


@dataclass(frozen=True)
class RefundIntent:
    """So much of this payer's money lies in the till and is about to be given back.

    `found_yen` of it was found there by counting: it was taken, and no fee is journaled for it.
    """

    amount_yen: int
    found_yen: int = 0


@dataclass(frozen=True)
class Refunded:
    """So much was given back."""

    amount_yen: int


@dataclass(frozen=True)
class Erased:
    """What became of the card: emptied, or gone with a revoked certificate in it."""

    is_emptied: bool


REFUND = Effect(
    Undo.REFUND,
    RefundIntent,
    Refunded,
    yen=lambda refunded: refunded.amount_yen,
    # Told before it is given back: the drawer may be counted in between.
    intended_yen=lambda intent: intent.found_yen,
)
ERASE = Effect(Undo.ERASE, Erased, Erased)


_SAYS_NOTHING_OF_BEFORE = (
    "transactionIdInUse",
    "badTime",
    "duplicateCertReq",
    # Who asked then may have another credential now.
    "badMessageCheck",
    "certRevoked",
    "notAuthorized",
    "signerNotTrusted",
)
"""Why an authority that keeps no answers refuses the bytes of a request a second time, whatever it did at first."""


def roll_back(
    case: Case,
    card: InsertedCard,
    station: Station,
    persons: Persons,
    code: str,
    actor: Actor = Actor.STATION,
    unacceptable: bytes | None = None,
    operator: str | None = None,
) -> RolledBack | Halted | Suspect:
    """Undoes whatever the case has done, and returns what to raise.

    `unacceptable` is what came instead of the certificate that was asked for (DER); an authority that keeps no answers
    would not give it again. `operator` is the clerk who stopped it, where the journal is to name him. `Halted` when it
    has to go on another time, `Suspect` when two clerks have to say what is to be given back, or to be revoked;
    `PutOff` where a clerk has said until which day.
    """
    card.release()
    begin_taking_back(case, code, actor, operator)
    try:
        if case.was_begun(CONFIRM.step) or case.was_begun(SECOND_CONFIRM.step):
            _revoke_both(case, station, unacceptable)
        _refund(case, station, persons)
        _revoke_both(case, station, unacceptable)
        _erase(case, card)
    except CannotTell:
        return suspected(case, station)
    except IssuanceUnclear as unclear:
        return case.suspect(failure_code(unclear), Actor.STATION)
    except TROUBLE as trouble:
        return Halted(halting_code(trouble))
    return_card(station, persons)
    return end_taken_back(case, code, station)


def begin_taking_back(case: Case, code: str, actor: Actor, operator: str | None = None) -> None:
    """From now on the case is taken back; it may be already."""
    if case.record.stage is not Stage.ROLLING_BACK:
        case.move(Event.ROLL_BACK, code, actor, operator)


def suspected(case: Case, station: Station) -> Suspect | Halted:
    """The case waits for two clerks, since the one at the counter cannot tell; who he is, his station has to say."""
    try:
        clerk = operator_of(station.clerk_key.certificate)
    except TROUBLE as trouble:
        return Halted(halting_code(trouble))
    return case.suspect(CANNOT_TELL, Actor.CLERK, clerk)


def return_card(station: Station, persons: Persons) -> None:
    """Asks the resident to take his card when it lies in the reader; waits for nothing."""
    for reader in station.readers:
        # Nothing is left to be stopped: who touches that key now has stopped what is over.
        with suppress(DeviceError, Abandoned):
            if reader.is_card_present():
                persons.resident.card(CardAction.TAKE)


def _refund(case: Case, station: Station, persons: Persons) -> None:
    fee = case.intent_of(FEE)
    if fee is None or not fee.fee_yen:
        return
    paid_yen, found_yen = fee.fee_yen, 0
    if case.outcome_of(FEE) is None and case.intent_of(REFUND) is None:
        paid_yen = found_yen = _count(case, fee.fee_yen, station, persons)
        # What was said to lie there before is taken back in the books by a refund of nothing.
        if not paid_yen and not case.was_begun(REFUND.step):
            station.cash.close_payment(case.record.pseudonym)
            return

    def give_back(amount_yen: int) -> None:
        station.cash.dispense(amount_yen)
        with before_a_persons_eyes():
            CashWatch(station.cash, persons.clerk).tell_of_drawer()
            persons.clerk.repay(amount_yen)

    def repay(intent: RefundIntent) -> Refunded:
        give_back(intent.amount_yen)
        return Refunded(intent.amount_yen)

    def repay_rest(intent: RefundIntent) -> Refunded:
        if rest_yen := _count(case, fee.fee_yen, station, persons):
            give_back(rest_yen)
        return Refunded(intent.amount_yen)

    case.run(
        REFUND,
        prepare=lambda: RefundIntent(paid_yen, found_yen),
        perform=repay,
        inquire=repay_rest,
    )
    station.cash.close_payment(case.record.pseudonym)


def _count(case: Case, fee_yen: int, station: Station, persons: Persons) -> int:
    """How much of this payer's money lies in the till."""

    def ask() -> str:
        # What two clerks said of the payment holds until money moves again: no one clerk says it otherwise.
        said = None if case.was_begun(REFUND.step) else case.testified(FEE.step, station.generations)
        known = station.cash.left_over(case.record.pseudonym)
        return said or str(persons.clerk.count_payment(fee_yen, known))

    return int(case.witness(REFUND.step, station.generations, ask))


def _revoke_both(case: Case, station: Station, unacceptable: bytes | None) -> None:
    # What nobody can tell of the one is settled before anything becomes of the other.
    first = _certificate_to_revoke(case, station, CERTIFY, CONFIRM, REVOKE, unacceptable)
    second = _certificate_to_revoke(case, station, SECOND_CERTIFY, SECOND_CONFIRM, SECOND_REVOKE, unacceptable)
    _revoke(case, station, REVOKE, first)
    _revoke(case, station, SECOND_REVOKE, second)


def _revoke(case: Case, station: Station, revoke: Effect[RevokeIntent, Revoked], certificate: bytes | None) -> None:
    """Of the card's one certificate or of its other, as the effect says."""
    if certificate is None:
        return

    def message() -> RevokeIntent:
        reason = RevocationReason.CESSATION_OF_OPERATION
        return RevokeIntent(certificate, station.authority.revoke_message(certificate, reason))

    case.run(
        revoke,
        prepare=message,
        perform=lambda intent: send_revocation(intent, station),
        inquire=lambda intent: look_at_revocation(intent, station),
    )


def send_revocation(intent: RevokeIntent, station: Station) -> Revoked:
    """Has a certificate revoked, and sees that it is. Raises `RevocationUnproven` and what the authority raises."""
    try:
        station.authority.revoke(intent.message.der)
    except AuthorityRejected as rejected:
        # Revoked already, by a lapsed deadline or by a message before an interruption; not everybody says it so.
        if rejected.fail_info != "certRevoked" and isinstance(look_at_revocation(intent, station), World):
            raise
    answer = look_at_revocation(intent, station)
    if isinstance(answer, World):
        raise RevocationUnproven("the authority acknowledged a revocation that its status service does not show")
    return answer


def look_at_revocation(intent: RevokeIntent, station: Station) -> Revoked | World:
    """Asks the authority's status service whether it has happened."""
    status = station.authority.status(intent.certificate)
    if status.state is not CertificateState.REVOKED:
        return World.NOT_HAPPENED
    return Revoked(status.reason.value if status.reason else RevocationReason.UNSPECIFIED.value)


def _certificate_to_revoke(
    case: Case,
    station: Station,
    certify: Effect[Message, PendingCertificate],
    confirm: Effect[Message, Confirmed],
    revoke: Effect[RevokeIntent, Revoked],
    unacceptable: bytes | None,
) -> bytes | None:
    """The certificate that the authority issued for this case; None when it issued none.

    Raises `StoreOutdated` when the authority has confirmed it for this case, of which the store knows nothing.
    """
    begun = case.last_intent_of(revoke)
    if begun is not None:
        return begun.certificate
    if case.outcome_of(certify) is None and case.intent_of(certify) is not None and unacceptable is not None:
        # Nothing is asked for after that, so of the two this is the one without an outcome.
        return unacceptable
    try:
        certificate = _issued_certificate(case, station, certify)
    except CertificateUnacceptable as other:
        # Nobody confirms it: where it is good, it was so from the beginning, at an authority that does not hold.
        return other.certificate
    if certificate is not None and not case.was_begun(confirm.step):
        status = station.authority.status(certificate)
        if status.state is CertificateState.GOOD:
            raise StoreOutdated("the authority has confirmed a certificate that this store has not confirmed")
    return certificate


def _issued_certificate(case: Case, station: Station, certify: Effect[Message, PendingCertificate]) -> bytes | None:
    """Asked for by the same bytes when no answer came.

    Raises `CertificateUnacceptable` when that is another one, `IssuanceUnclear` when nobody can tell.
    """
    pending = case.outcome_of(certify)
    if pending is not None:
        return pending.certificate
    message = case.intent_of(certify)
    if message is None:
        return None
    try:
        return station.authority.certify(message.der).certificate
    except AuthorityRejected as rejected:
        is_issued = _is_recorded(message, station)
        if is_issued:
            raise
        # One that keeps no record is believed where it would have refused the bytes at first as well.
        if is_issued is None and rejected.fail_info in _SAYS_NOTHING_OF_BEFORE:
            if case.testified(REVOKE.step, station.generations) != AuthorityFound.NONE_VALID:
                raise IssuanceUnclear(f"the authority refuses what it may have obeyed: {rejected}") from rejected
        return None


def _is_recorded(message: Message, station: Station) -> bool | None:
    """Whether the authority has issued upon these bytes, by its own record of this station; None where none is kept."""
    try:
        record = station.authority.station_record()
    except AuthorityRejected:
        return None
    return any(issued.transaction_id == message.transaction_id for issued in record)


def _erase(case: Case, card: InsertedCard) -> None:
    if case.intent_of(WRITE) is None:
        return

    def empty(_: Erased) -> Erased:
        # A card that is gone or fails keeps a revoked certificate, which is worth nothing; nobody has to wait for it.
        try:
            if not card.find():
                return Erased(is_emptied=False)
            card.under_channel(ChannelPurpose.ERASE).erase()
        except DeviceError:
            return Erased(is_emptied=False)
        finally:
            card.release()
        return Erased(is_emptied=True)

    case.run(ERASE, prepare=lambda: Erased(False), perform=empty, inquire=lambda _: World.NOT_HAPPENED)

"""The eight steps of one issuance, from the filed application to the closed case. Start is resume.

Before the fee any trouble takes everything back; from the fee on the way is forward. What each step makes durable,
and how the world is asked after an interruption, stands beside it.
"""

import datetime
import hashlib
from dataclasses import replace

from hw.errors import CardAbsent, LinkLost, OutcomeUnknown, ReaderBusy, ReaderMissing, TextDoesNotFit
from hw.ports import PrintJob
from kiosk.authority.client import Message, PendingCertificate
from kiosk.authority.errors import CertificateUnacceptable
from kiosk.issuance import second_certificate
from kiosk.issuance.applicant import certified_items, closed_cases_on_card
from kiosk.issuance.card_fitness import refuse_unfit
from kiosk.issuance.card_key import (
    attested_key,
    digest_info,
    key_hash,
    load_public_key,
    password_policy,
    prove_delivery,
    refuse_another_key,
)
from kiosk.issuance.card_keys import renew_card_keys
from kiosk.issuance.certification import certify_message, confirm_pending, refuse_unlike_policy
from kiosk.issuance.effect import Case, World
from kiosk.issuance.failure import (
    ON_HOLD,
    TROUBLE,
    UNNAMED,
    AuthorisationExpired,
    CaseUnreadable,
    CertificateLapsed,
    Halted,
    PaperUnseen,
    Refusal,
    StoreOutdated,
    Suspect,
    actor_behind,
    before_a_persons_eyes,
    failure_code,
    halting_code,
)
from kiosk.issuance.filing import alone_with_the_case, open_or_resume
from kiosk.issuance.inserted_card import InsertedCard, wait_in_slices
from kiosk.issuance.leave import (
    ask_for_leave_to_issue,
    exempted_fee_in_force,
    leave_to_issue,
    refuse_unless_issuing,
)
from kiosk.issuance.payment import collect
from kiosk.issuance.persons import (
    CannotTell,
    CardAction,
    DeliverySummary,
    IdentityQuestion,
    Persons,
)
from kiosk.issuance.receipt import ReceiptValues, compose_receipt, cut_off
from kiosk.issuance.report import Report
from kiosk.issuance.roll_back import return_card, roll_back, suspected
from kiosk.issuance.station import Station
from kiosk.issuance.steps import (
    APPLICATION,
    AUTHORISE,
    CERTIFY,
    CLOSED,
    CONFIRM,
    ELIGIBILITY_AND_IDENTITY,
    FEE,
    GENERATE_KEY,
    READ_BACK,
    RECEIPT,
    REQUEST,
    TAKE_CARD,
    WRITE,
    CardTaken,
    Confirmed,
    FeeIntent,
    KeyIntent,
    ReceiptIntent,
    WriteIntent,
    Written,
)
from kiosk.journal.head import HeadInvalid, parse_head
from kiosk.journal.records import CaseRecord, NumberedReceipt, Witness
from kiosk.model.application import (
    Application,
    AuthorisedApplicant,
    Closed,
    DeliveredCertificate,
    Delivery,
    EligibleApplication,
    FiledApplication,
    IdentifiedApplicant,
    KeyReady,
    PrintedReceipt,
    SettledFee,
)
from kiosk.model.certificate import CertificateState
from kiosk.model.eligibility import (
    CARD_OF_ANOTHER,
    CERTIFICATE_EXISTS,
    FORM_DIFFERS,
    differing_items,
    refusal_code,
)
from kiosk.model.secret import wipe
from kiosk.model.testimony import PaperSeen
from kiosk.model.transition import Procedure, Stage

_MOST_COPIES = 3
"""So many copies are printed in a row that neither the printer nor a person says came out."""

_LARGEST_NUMBER = 999_999
_LARGEST_FEE = SettledFee(fee_yen=99_999, tendered_yen=999_999, change_yen=999_999)
"""The widest numbers that a receipt has to hold."""


def issue(application: Application, station: Station, persons: Persons, report: Report) -> Closed:
    """Issues one certificate, or goes on with the issuance of this application that was interrupted.

    Raises `Refusal` (a rule stands against it, nothing was done), `RolledBack` (taken back, nobody has paid) or
    `Halted` (open, goes on at the next start) or `Suspect` (waits for two clerks, see `kiosk.issuance.settle`). An
    application closed before is not done again.
    """
    record = _open_or_resume(application, station)
    with alone_with_the_case(station), InsertedCard(station, persons) as card:
        case = Case(record, station.journal, report, lambda: card.exchanges)
        recall(case, card)
        if record.stage is Stage.ROLLING_BACK:
            raise roll_back(case, card, station, persons, record.code or UNNAMED)
        try:
            filed = file(case, application, card, station)
            identified = identify(case, filed, station, persons)
            if case.intent_of(FEE) is None:
                _refuse_if_of_another_day(identified, station)
            authorised = authorise(case, identified, station, persons)
            card.authorisation = authorised.authorisation
            key = generate_key(case, card, authorised, station, persons)
            request = make_request(case, card, authorised, key, station)
            second = second_certificate.make_key(case, card, authorised, station, persons)
            if filed.delivery is Delivery.WINDOW:
                card.hand_in()
            pending = certify(case, card, authorised, key, request, station)
            write(case, card, pending)
            delivered = read_back(case, card, pending)
            if second is not None:
                second_certificate.deliver(case, card, authorised, second, station)
            card.release()
            fee = take_fee(case, authorised, pending, station, persons)
        except Refusal:
            return_card(station, persons)
            raise
        except CannotTell:
            raise suspected(case, station) from None
        except CertificateUnacceptable as error:
            code, came = failure_code(error), error.certificate
            raise roll_back(case, card, station, persons, code, unacceptable=came) from error
        except TROUBLE as trouble:
            raise roll_back(case, card, station, persons, failure_code(trouble), actor_behind(trouble)) from trouble
        try:
            second_certificate.confirm(case, station)
            confirm(case, pending, station)
            take_card(case, card, station, persons)
            receipt = print_receipt(case, authorised, pending, fee, station, persons)
        except CannotTell:
            raise suspected(case, station) from None
        except CertificateLapsed as lapsed:
            raise roll_back(case, card, station, persons, failure_code(lapsed)) from lapsed
        except TROUBLE as trouble:
            raise Halted(halting_code(trouble)) from trouble
        return close(case, pending, delivered, receipt)


def _open_or_resume(application: Application, station: Station) -> CaseRecord:
    """The case of this application. Raises `Suspect` and `Halted` for one that waits for two clerks or its resident."""
    record = open_or_resume(application, Procedure.ISSUANCE, station, application.resident_code)
    if record.stage.is_suspect:
        raise Suspect(record.code or UNNAMED)
    if record.stage is Stage.ON_HOLD:
        raise Halted(ON_HOLD)
    return record


def recall(case: Case, card: InsertedCard) -> None:
    """What an interrupted run knew of the card: trouble may come before the steps that found it out are recalled."""
    filed, authorised = case.outcome_of(APPLICATION), case.outcome_of(AUTHORISE)
    card.number = filed.card_number if filed else None
    card.authorisation = authorised.authorisation if authorised else None


def file(case: Case, application: Application, card: InsertedCard, station: Station) -> FiledApplication:
    """Steps 1 and 2: the application lies on the counter; its card is inserted once and its number read."""

    def read_number(application: Application) -> FiledApplication:
        session = card.session()
        refuse_unfit(session, station.policy)
        # Not held while people talk: a card that nobody works with is powered off.
        number = session.number()
        card.release()
        return FiledApplication(case.record.pseudonym, application, number, station.delivery)

    return case.run(
        APPLICATION,
        prepare=lambda: application,
        perform=read_number,
        inquire=lambda _: World.NOT_HAPPENED,
        card=lambda f: station.card(f.card_number).hex(),
    )


def identify(case: Case, filed: FiledApplication, station: Station, persons: Persons) -> IdentifiedApplicant:
    """Step 3: the register and the policy decide who may apply; the clerk compares form, register, document and face.

    Raises `Refusal`.
    """

    def check() -> IdentifiedApplicant:
        eligible, question = _check_eligibility(case, filed, station)
        evidence = persons.clerk.check_identity(question)
        return IdentifiedApplicant(eligible, evidence.document, evidence.clerk, station.today(), evidence.beside)

    return case.note(ELIGIBILITY_AND_IDENTITY, check, person=lambda i: station.person(i.eligible.resident.code).hex())


def _check_eligibility(
    case: Case, filed: FiledApplication, station: Station
) -> tuple[EligibleApplication, IdentityQuestion]:
    application = filed.application
    resident = station.register.find(application.resident_code)
    if code := refusal_code(resident, station.policy.eligibility, station.today()):
        raise case.refuse(code)
    assert resident is not None, "refusal_code answers for an unknown resident"
    form_items = application.form_items or resident.items
    differences = differing_items(resident.items, form_items)
    if differences:
        raise case.refuse(FORM_DIFFERS)
    person = station.person(resident.code).hex()
    if any(_is_valid(record, station) for record in station.journal.closed_cases_of(person)):
        raise case.refuse(CERTIFICATE_EXISTS)
    closed = closed_cases_on_card(case, filed.card_number, station)
    if any(_is_valid(record, station) for record in closed):
        raise case.refuse(CARD_OF_ANOTHER)
    items = certified_items(case, resident)
    question = IdentityQuestion(application.number, resident.items, form_items, differences, certified_items=items)
    return EligibleApplication(filed, resident, items), question


def _is_valid(record: CaseRecord, station: Station) -> bool:
    """Whether its certificate is known to be valid.

    Of one that nobody asked here can read the authority knows: it refuses before a key is made.
    """
    try:
        return station.ended_cases.is_valid(record)
    except CaseUnreadable:
        return False


def authorise(case: Case, identified: IdentifiedApplicant, station: Station, persons: Persons) -> AuthorisedApplicant:
    """Step 3, its end: the clerk's key signs for this case, this card and exactly these certified items.

    Where he exempts the resident from the fee a second clerk and he sign for that.
    """

    def sign() -> AuthorisedApplicant:
        eligible = identified.eligible
        application = eligible.filed.application
        question = IdentityQuestion(
            application.number,
            eligible.resident.items,
            application.form_items or eligible.resident.items,
            (),
            certified_items=eligible.items,
            exemptions=station.policy.fee.grounds,
        )
        leave = leave_to_issue(case.record.pseudonym, eligible)
        authorisation, exemption = ask_for_leave_to_issue(leave, question, station, persons.clerk)
        return AuthorisedApplicant(identified, authorisation, exemption)

    return case.note(AUTHORISE, sign)


def generate_key(
    case: Case, card: InsertedCard, authorised: AuthorisedApplicant, station: Station, persons: Persons
) -> KeyReady:
    """Step 4: the resident chooses his password and makes the key pair inside his card.

    Asked after an interruption: a public key other than the one before means that it happened, and the card attests
    that it made it for this authorisation.
    """
    terms = authorised.authorisation.terms

    def look_at_card() -> KeyIntent:
        refuse_unless_issuing(case.record.pseudonym, authorised, station)
        exempted_fee_in_force(case.record.pseudonym, authorised, station)
        renew_card_keys(case, card)
        # The key that is there is gone as soon as another is made: who needs it must be known before.
        hash_before = key_hash(card.under_channel().public_key())
        seen = station.authority.check_prospect(authorised.authorisation, bytes.fromhex(hash_before))
        _refuse_if_seen_further(seen, station)
        return KeyIntent(terms.card_number, hash_before)

    def make(_: KeyIntent) -> KeyReady:
        session = card.under_channel()
        rules = password_policy(station.policy.passwords["signature"], session.pin_policy())
        password = persons.resident.choose_password(rules)
        try:
            session.set_pin(password)
            session.verify_pin(password)
        finally:
            wipe(password)
        card.note_verified()
        made = session.generate_key()
        refuse_another_key(made, shown := session.public_key())
        return attested_key(session, shown, terms.nonce, station.policy)

    def look_again(intent: KeyIntent) -> KeyReady | World:
        refuse_unless_issuing(case.record.pseudonym, authorised, station)
        session = card.under_channel()
        key = session.public_key()
        if key is None or key_hash(key) == intent.key_before:
            return World.NOT_HAPPENED
        return attested_key(session, key, terms.nonce, station.policy)

    return case.run(GENERATE_KEY, prepare=look_at_card, perform=make, inquire=look_again)


def make_request(
    case: Case, card: InsertedCard, authorised: AuthorisedApplicant, key: KeyReady, station: Station
) -> bytes:
    """Step 5: the certificate request, with the proof that the card holds the private key. Changes nothing."""

    def sign(tbs: bytes) -> bytes:
        return card.verified().sign(digest_info(tbs))

    def build() -> bytes:
        items = authorised.identified.eligible.items
        return station.authority.certification_request(load_public_key(key), items, "signature", sign)

    return case.note(REQUEST, build)


def certify(
    case: Case,
    card: InsertedCard,
    authorised: AuthorisedApplicant,
    key: KeyReady,
    request: bytes,
    station: Station,
) -> PendingCertificate:
    """Step 6: the authority issues a certificate that is valid for nobody yet.

    Asked after an interruption: the same bytes again, which the authority answers with its stored response. Raises
    `CertificateUnacceptable`.
    """

    def message() -> Message:
        if station.clock() >= authorised.authorisation.terms.expires_at:
            raise AuthorisationExpired("the clerk's leave has expired")
        # Nothing is asked for that would have no way into the card: a reader that is gone says so here.
        card.reader.is_card_present()
        return certify_message(request, authorised, key, station)

    def send(stored: Message) -> PendingCertificate:
        return station.authority.certify(stored.der)

    pending = case.run(CERTIFY, prepare=message, perform=send, inquire=send)
    if not case.was_begun(WRITE.step):
        refuse_unlike_policy(pending, "signature", authorised, station)
    return pending


def write(case: Case, card: InsertedCard, pending: PendingCertificate) -> Written:
    """Step 7: the certificate into the card. Asked after an interruption: what can be read there."""
    certificate_hash = hashlib.sha256(pending.certificate).hexdigest()

    def write_certificate(_: WriteIntent) -> Written:
        card.under_channel().write_certificate(pending.certificate)
        return Written(certificate_hash)

    def compare(_: WriteIntent) -> Written | World:
        is_there = card.verified().read_certificate() == pending.certificate
        return Written(certificate_hash) if is_there else World.NOT_HAPPENED

    return case.run(WRITE, prepare=lambda: WriteIntent(certificate_hash), perform=write_certificate, inquire=compare)


def read_back(case: Case, card: InsertedCard, pending: PendingCertificate) -> DeliveredCertificate:
    """Step 7, its end: certificate compared, and a labelled test text signed by the card and verified."""
    return case.note(READ_BACK, lambda: prove_delivery(card.verified(), pending.certificate))


def take_fee(
    case: Case,
    authorised: AuthorisedApplicant,
    pending: PendingCertificate,
    station: Station,
    persons: Persons,
) -> SettledFee:
    """Step 8: the resident agrees and pays; the till opens only for a certificate that can still become valid.

    Asked after an interruption: the clerk, who is told what a machine knows that it took and gave out, counts what of
    this payment lies in the till, or two clerks testify.
    """
    payment = case.record.pseudonym

    def refuse_if_too_late() -> None:
        _refuse_if_of_another_day(authorised.identified, station)
        _refuse_if_lapsing(pending, station)

    def pay(intent: FeeIntent) -> SettledFee:
        refuse_if_too_late()
        # That a receipt does not fit the paper must not be found out with the money in the till.
        _receipt_job(
            authorised,
            pending,
            replace(_LARGEST_FEE, exempted=intent.exempted),
            NumberedReceipt(_LARGEST_NUMBER, ""),
            station,
            station.clock(),
            is_copy=True,
        )
        eligible = authorised.identified.eligible
        registered, certified = eligible.resident.items.name, eligible.items.name
        persons.resident.consent(DeliverySummary(certified, pending.not_after, intent.fee_yen, registered))
        if not intent.fee_yen:
            return SettledFee(fee_yen=0, tendered_yen=0, change_yen=0, exempted=intent.exempted)
        return collect(intent.fee_yen, payment, station.cash, persons.clerk)

    def count(intent: FeeIntent) -> SettledFee | World:
        if not intent.fee_yen:
            return World.NOT_HAPPENED
        testified = case.testified(FEE.step, station.generations)
        known = station.cash.left_over(payment)
        counted_yen = int(testified or persons.clerk.count_payment(intent.fee_yen, known))
        if 0 < counted_yen < intent.fee_yen:
            # The till opens again for the rest, so the certificate must still be able to become valid.
            refuse_if_too_late()
        case.go_on(FEE.step)
        if not counted_yen:
            return World.NOT_HAPPENED
        return collect(intent.fee_yen, payment, station.cash, persons.clerk, found_yen=counted_yen)

    def due() -> FeeIntent:
        # From here on it is this sum that is asked for, counted and given back, whatever the fee is another day.
        exempted = exempted_fee_in_force(payment, authorised, station)
        return FeeIntent(0, exempted) if exempted else FeeIntent(station.policy.fee.issue_yen)

    fee = case.run(FEE, prepare=due, perform=pay, inquire=count)
    station.cash.close_payment(payment)
    return fee


def confirm(case: Case, pending: PendingCertificate, station: Station) -> Confirmed:
    """Step 8: the authority makes the certificate valid. Asked after an interruption: its status service.

    Raises `CertificateLapsed` when it is no longer pending, so that the fee is repaid.
    """
    return confirm_pending(case, CONFIRM, pending, station)


def take_card(case: Case, card: InsertedCard, station: Station, persons: Persons) -> CardTaken:
    """Step 8: the resident takes his card before he gets the receipt.

    An empty terminal says that he has it. Whoever takes it out at the window is the clerk, who then says so himself.
    """

    def has_it() -> bool:
        """Whether the terminal has seen the card go, which nobody but the resident takes out there."""
        try:
            holding = [reader for reader in station.readers if reader.is_card_present()]
            for reader in holding:
                if not wait_in_slices(
                    lambda: persons.resident.card(CardAction.TAKE),
                    reader.wait_for_removal,
                    station.waits.card_taken_s,
                ):
                    return False
        except (ReaderMissing, ReaderBusy, CardAbsent, LinkLost, OutcomeUnknown):
            return False  # a reader that is gone cannot tell; the clerk can
        return not card.is_handed_in and station.window not in holding

    def wait() -> CardTaken:
        if has_it():
            return CardTaken("reader")
        while not persons.clerk.is_card_returned():
            persons.resident.card(CardAction.TAKE)
        return CardTaken("clerk")

    return case.note(TAKE_CARD, wait)


def print_receipt(
    case: Case,
    authorised: AuthorisedApplicant,
    pending: PendingCertificate,
    fee: SettledFee,
    station: Station,
    persons: Persons,
) -> PrintedReceipt:
    """Step 8: one unmarked original of one number; whatever is printed after it is marked as a copy.

    Asked after an interruption: a person, for a printer's count of cuts does not say which paper it cut.
    """

    def job(receipt: NumberedReceipt, printed_on: datetime.datetime, *, is_copy: bool = False) -> PrintJob:
        return _receipt_job(authorised, pending, fee, receipt, station, printed_on, is_copy=is_copy)

    def number_it() -> ReceiptIntent:
        if station.journal.has_open_paper():
            cut_off(station.printer)
        receipt, now = station.journal.number_receipt(case.record), station.clock()
        try:
            original = job(receipt, now)
        except TextDoesNotFit:
            # A proof too long for this paper is left off: it stands in the journal, and a payer is not kept waiting.
            receipt = NumberedReceipt(receipt.number, "")
            original = job(receipt, now)
        return ReceiptIntent(receipt, now, hashlib.sha256(original.data).hexdigest())

    def print_original(intent: ReceiptIntent) -> PrintedReceipt:
        if not station.printer.print(job(intent.receipt, intent.printed_on)).is_on_paper:
            raise PaperUnseen("the printer does not say that the receipt came out")
        return PrintedReceipt(intent.receipt.number, copies=0)

    def is_whole(number: int) -> bool:
        with before_a_persons_eyes():
            seen = case.witness(RECEIPT.step, station.generations, lambda: persons.clerk.look_at_paper(number).value)
        return seen == PaperSeen.WHOLE

    def look(intent: ReceiptIntent) -> PrintedReceipt:
        for copies in range(_MOST_COPIES + 1):
            if is_whole(intent.receipt.number):
                return PrintedReceipt(intent.receipt.number, copies)
            if copies < _MOST_COPIES:
                cut_off(station.printer)
                if station.printer.print(job(intent.receipt, intent.printed_on, is_copy=True)).is_on_paper:
                    return PrintedReceipt(intent.receipt.number, copies + 1)
        # A printer whose every paper is missed is not helped by one more.
        raise CannotTell

    def attempt() -> PrintedReceipt:
        return case.run(RECEIPT, prepare=number_it, perform=print_original, inquire=look)

    try:
        return attempt()
    except PaperUnseen:
        # It is durable now that nobody knows: whatever fails while a person looks, the next print is a copy.
        return attempt()


def _receipt_job(
    authorised: AuthorisedApplicant,
    pending: PendingCertificate,
    fee: SettledFee,
    receipt: NumberedReceipt,
    station: Station,
    printed_on: datetime.datetime,
    *,
    is_copy: bool,
) -> PrintJob:
    values = ReceiptValues(
        number=receipt.number,
        printed_on=printed_on,
        fee=fee,
        serial=pending.serial,
        valid_until=pending.not_after,
        town=station.town,
        clerk=authorised.identified.clerk,
        is_copy=is_copy,
        proof=receipt.proof,
    )
    return station.printer.render(compose_receipt(station.receipt_form, values), f"{receipt.number % 10000:04d}")


def close(case: Case, pending: PendingCertificate, delivered: DeliveredCertificate, receipt: PrintedReceipt) -> Closed:
    """The end: nothing is open any more."""
    return case.note(
        CLOSED,
        lambda: Closed(case.record.pseudonym, pending.serial, delivered.certificate, receipt.number, pending.not_after),
    )


def _refuse_if_seen_further(head: str, station: Station) -> None:
    """A store that was put back to an earlier day is found out before a key, a number or a certificate is made anew.

    A journal that was begun afresh, under another key, cannot be told from the one before by a head of that.
    """
    try:
        verdict = station.journal.compare(parse_head(head))
    except HeadInvalid:
        return
    if verdict is not Witness.AGREES:
        raise StoreOutdated("the authority has seen entries of this station's journal that the store does not have")


def _refuse_if_of_another_day(identified: IdentifiedApplicant, station: Station) -> None:
    if identified.checked_on != station.today():
        raise AuthorisationExpired("the identity was checked on another day")


def _refuse_if_lapsing(pending: PendingCertificate, station: Station) -> None:
    state = station.authority.status(pending.certificate).state
    if state is CertificateState.GOOD:
        raise StoreOutdated("the authority has confirmed a certificate that this store has not paid for yet")
    margin = datetime.timedelta(minutes=station.policy.deadlines.fee_margin_min)
    too_late = pending.confirm_before is not None and station.clock() + margin > pending.confirm_before
    if state is not CertificateState.PENDING or too_late:
        raise CertificateLapsed("the certificate cannot be confirmed any more")

"""The clerk's station: answers what terminals ask of the clerk, of his key, of the register and of the card keys.

It believes a terminal nothing that it can look up itself. The clerk sees the register's items, whatever the terminal
says they are; his key signs only what he has approved, for the case that stands in the store, once; card keys are given
by `kiosk.counter.card_desk`. Of cases that have ended, which it alone can read, it tells a terminal whether a
certificate is valid; the key of one only for the resident whose case it is.
"""

import datetime
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import msgspec

from hw.errors import Refused
from hw.ports import MachineMoney, ManagementKeys, SessionKeys
from kiosk.authority.errors import AuthorityError
from kiosk.clock import Clock
from kiosk.counter import asking
from kiosk.counter.asking import (
    Asking,
    Denied,
    FormLooked,
    Gone,
    Keyless,
    KeysGiven,
    KeysWanted,
    Reply,
    Said,
    Unreadable,
    Unsure,
)
from kiosk.counter.card_desk import CardDesk
from kiosk.counter.clerk_key import ClerkKey, operator_of, signed_by_two
from kiosk.counter.line import Line, LineLost, Question, StationUnknown
from kiosk.counter.printed_forms import PrintedForms
from kiosk.counter.till import Till
from kiosk.counter.town_ids import TownIds
from kiosk.issuance.ended_cases import EndedCases, certified_in, eligible_in
from kiosk.issuance.failure import CaseUnreadable, IssuerKeysUnavailable
from kiosk.issuance.persons import Abandoned, CannotTell, Clerk, Exemption, IdentityEvidence, IdentityQuestion
from kiosk.issuance.settle import question_at
from kiosk.journal.errors import StoreLost
from kiosk.journal.escrow import EscrowUnopened
from kiosk.journal.journal import Journal
from kiosk.journal.records import CaseElsewhere, CaseRecord
from kiosk.model.application import EligibleApplication
from kiosk.model.authorisation import Authorisation, AuthorisationInvalid, AuthorisationTerms, Operation
from kiosk.model.certificate import Uncertifiable, certify_items
from kiosk.model.decision import CarriedOut, Choice, Decision, possible_decisions
from kiosk.model.eligibility import differing_items
from kiosk.model.form import Form
from kiosk.model.policy import ExemptionGround, PasswordKind
from kiosk.model.resident import Resident
from kiosk.model.step import Step, Undo
from kiosk.model.testimony import Finding, Testimony, TestimonyInvalid, TestimonyTerms
from kiosk.model.transition import Stage
from kiosk.register.register import Register

_IDENTIFIED: Mapping[Operation, Stage] = {
    "issue": Stage.IDENTIFIED,
    "revoke": Stage.REVOCATION_IDENTIFIED,
    "reset_password": Stage.UNLOCK_IDENTIFIED,
}
"""The stage of a case in which a clerk's key signs for it."""

_MONEY = frozenset(asked.kind for asked in (asking.FEE, asking.CHANGE, asking.REPAY, asking.COUNT, asking.TESTIFY))

_log = logging.getLogger(__name__)

EXEMPTED = "exempted"
"""The event of two clerks here who exempted from a terminal's fee."""

_SKEW = datetime.timedelta(minutes=5)
"""By so much the clocks of two stations may differ."""


@dataclass(frozen=True)
class Approval:
    """The clerk approved this case of this station, for this resident, this operation and this password, at this time.

    `exemption` is the ground on which no fee is due, and with whom he said so.
    """

    station: str
    case: str
    resident_code: str
    operation: Operation
    which: PasswordKind | None
    at: datetime.datetime
    exemption: Exemption | None


class Reception(Protocol):
    """The clerk, for residents at terminals who have no application yet. Every call blocks until he has answered."""

    def look_at_form(self, form: Form) -> FormLooked:
        """Compares a form that was typed with the register."""

    def send_form(self) -> Resident:
        """Takes a form in for the terminal."""

    def come(self) -> None:
        """Goes to the resident who called."""

    def end_deserted(self) -> None:
        """Looks at a terminal at which nobody seems to be, and ends what is under way there."""


class Witnesses(Protocol):
    """Two clerks at this station. The call blocks until they have looked; raises `Abandoned` when they do not now."""

    def look(self, question: Step | Undo, known: MachineMoney) -> Finding:
        """They look at the till for this payer's money, or at his receipt; `known` is what the machine there knows."""


class Decisions(Protocol):
    """The clerk, about cases of a terminal on which nobody works."""

    def decide(self, cases: Sequence[CaseElsewhere]) -> Choice:
        """What he chooses about one of them; blocks until he does, which may be never."""

    def carried_out(self, carried_out: CarriedOut) -> None:
        """What came of it, for him to read."""


@dataclass
class Desk:
    """Says what is answered to one question; `clerk` is whoever sits there, about the application of a number.

    `reception` takes in what residents bring before there is an application, `forms` are those that were printed here,
    `witnesses` are two clerks for the application of a number, of whom the second's key is `key_of` his name (raises
    `hw.errors.Refused`), `decisions` are his about what was left; without them such questions are denied. `exemptions`
    are the grounds on which no fee is due here, whatever a terminal offers.
    """

    line: Line
    journal: Journal
    register: Register
    ids: TownIds
    card_desk: CardDesk
    clerk: Callable[[Question, str], Clerk]
    clerk_key: ClerkKey
    authorisation_life: datetime.timedelta
    clock: Clock
    ended_cases: EndedCases
    reception: Callable[[Question], Reception] | None = None
    forms: PrintedForms | None = None
    witnesses: Callable[[Question, str], Witnesses] | None = None
    key_of: Callable[[str], ClerkKey] | None = None
    decisions: Callable[[Question], Decisions] | None = None
    exemptions: tuple[ExemptionGround, ...] = ()
    random_bytes: Callable[[int], bytes] = os.urandom
    _looked_up: dict[str, str] = field(default_factory=dict)
    """The resident that each station asked for last."""
    _approved: dict[str, Approval] = field(default_factory=dict)
    _exempted: dict[str, Approval] = field(default_factory=dict)
    """What was approved without a fee and then signed for each station, until the exemption is signed too."""

    def answer(self, question: Question, reply: Reply) -> bool:
        """Sends a reply; False when nobody waits for it any more. Money that moved is in this station's books first."""
        moved = self._note_money(question, reply)
        try:
            is_heard = self.line.answer(question, msgspec.json.encode(reply))
        except (LineLost, StationUnknown):
            is_heard = False  # whoever asked has a key no more
        if moved is not None and not is_heard:
            # The terminal has given the payment up: whoever was asked undoes what he did.
            Till(self.journal).move(question.asker, moved[0], -moved[1])
        return is_heard

    def _note_money(self, question: Question, reply: Reply) -> tuple[str, int] | None:
        """Notes what the clerk says of money; number and yen of a payment, which alone can be undone."""
        if question.kind not in _MONEY or not isinstance(reply, Said):
            return None
        till = Till(self.journal)
        # What two clerks or one count of a payer's money is all of it; coins lie in the terminal's machine.
        if question.kind == asking.COUNT.kind:
            counted = msgspec.json.decode(question.body, type=asking.CountWanted)
            counted_yen = msgspec.json.decode(reply.value, type=int)
            till.count(question.asker, counted.application_number, counted_yen - counted.known.coins_yen)
            return None
        if question.kind == asking.TESTIFY.kind:
            settled = msgspec.json.decode(question.body, type=asking.SuspectCase)
            terms = msgspec.json.decode(reply.value, type=Testimony).terms
            case = self.journal.identified_case(settled.case)
            if terms.question is not Step.RECEIPT and case is not None:
                till.count(question.asker, case.number, int(terms.answer) - settled.known.coins_yen)
            return None
        about = msgspec.json.decode(question.body, type=asking.Concerning)
        if question.kind != asking.FEE.kind:
            till.move(question.asker, about.application_number, -about.count)
            return None
        tendered_yen = msgspec.json.decode(reply.value, type=int)
        till.move(question.asker, about.application_number, tendered_yen)
        return about.application_number, tendered_yen

    def reply(self, question: Question) -> Reply:
        """The answer to one question, whatever line it came by; blocks for as long as a person takes.

        Raises `StoreLost`, and `CancelledError` when the person's question was taken back meanwhile.
        """
        known = self._answers().get(question.kind)
        if known is None:
            return Denied("not a question of this program: its kind is not known")
        asked, answer = known
        try:
            body = msgspec.json.decode(question.body, type=asked.asked)
        except msgspec.DecodeError as error:
            return Denied(f"not a question of this program: {type(error).__name__}")
        try:
            return Said(msgspec.Raw(msgspec.json.encode(answer(question, body))))
        except CannotTell:
            return Unsure()
        except Abandoned as gone:
            return Gone(gone.by, gone.reason)
        except (CaseUnreadable, EscrowUnopened) as unreadable:
            return Unreadable(str(unreadable))
        except (Refused, AuthorityError) as refused:
            return Denied(str(refused))
        except IssuerKeysUnavailable as unavailable:
            return Keyless(str(unavailable))
        except (StoreLost, CancelledError):
            raise  # without its store this station serves nobody; what was taken back is answered by nobody
        # Whatever one terminal asks, the others are served on. An error's text may hold what was asked: it is not told.
        except Exception as error:
            _log.error("a question of kind %s could not be answered: %s", question.kind, type(error).__name__)
            return Denied(f"the question could not be answered: {type(error).__name__}")

    def _answers(self) -> dict[str, tuple[Asking[Any, Any], Callable[[Question, Any], object]]]:
        def asked_of(act: Callable[[Clerk, int], object]) -> Callable[[Question, asking.Concerning], object]:
            return lambda question, about: act(self.clerk(question, about.application_number), about.count)

        table: tuple[tuple[Asking[Any, Any], Callable[[Question, Any], object]], ...] = (
            (asking.RESIDENT, self._find),
            (asking.PERSON, lambda _, code: self.ids.person(code)),
            (asking.CARD, lambda _, number: self.ids.card(number)),
            (asking.IDENTITY, self._check_identity),
            (asking.APPROVE, self._approve),
            (asking.AUTHORISE, self._authorise),
            (asking.EXEMPT, self._exempt),
            (asking.CERTIFICATE, lambda *_: self.clerk_key.certificate),
            (asking.KEYS, self._keys),
            (asking.FEE, asked_of(lambda clerk, due_yen: clerk.take_fee(due_yen))),
            (asking.CHANGE, asked_of(lambda clerk, yen: _done(clerk.give_change, yen))),
            (asking.REPAY, asked_of(lambda clerk, yen: _done(clerk.repay, yen))),
            (asking.CASH, self._mind_cash),
            (asking.COUNT, self._count),
            (asking.RETURNED, asked_of(lambda clerk, _: clerk.is_card_returned())),
            (asking.PAPER, asked_of(lambda clerk, number: clerk.look_at_paper(number))),
            (asking.PRINTED_FORM, self._find_by_form),
            (asking.TYPED_FORM, lambda question, form: self._received(question).look_at_form(form)),
            (asking.FREE, lambda question, _: asking.Found(self._received(question).send_form())),
            (asking.CALL, lambda question, _: _come(self._received(question))),
            (asking.DESERTED, lambda question, _: _end_deserted(self._received(question))),
            (asking.TESTIFY, self._testify),
            (asking.DECIDE, self._decide),
            (asking.CARRIED_OUT, self._carried_out),
            (asking.IS_VALID, self._is_valid),
            (asking.CASE_KEY, self._case_key),
            (asking.CERTIFIED, self._certified),
        )
        return {asked.kind: (asked, answer) for asked, answer in table}

    def _count(self, question: Question, wanted: asking.CountWanted) -> int:
        return self.clerk(question, wanted.application_number).count_payment(wanted.due_yen, wanted.known)

    def _mind_cash(self, question: Question, minded: asking.CashMinded) -> bool:
        self.clerk(question, minded.application_number).mind_cash(minded.trouble)
        return True

    def _find(self, question: Question, code: str) -> asking.Found:
        self._looked_up[question.asker] = code
        return asking.Found(self.register.find(code))

    def _find_by_form(self, _: Question, code: str) -> asking.Found:
        resident_code = None if self.forms is None else self.forms.resident_of(code)
        return asking.Found(None if resident_code is None else self.register.find(resident_code))

    def _received(self, question: Question) -> Reception:
        if self.reception is None:
            raise Refused("nobody takes forms in here")
        return self.reception(question)

    def _as_registered(self, code: str, question: IdentityQuestion) -> IdentityQuestion:
        """The question with the register's own items, whatever the terminal has in their place.

        Where a certificate is to be revoked its own items stand beside them; whoever has left the register since is
        shown as he was certified.
        """
        resident = self.register.find(code)
        if question.operation == "revoke" and (ended := self._certified_of(code)):
            if question.form_items not in [eligible.resident.items for eligible in ended]:
                raise Refused("no certificate of this resident says that")
            if resident is None:
                return replace(question, register_items=question.form_items, differences=(), certified_items=None)
        if resident is None:
            raise Refused("nobody of the register was asked for")
        differences = differing_items(resident.items, question.form_items)
        try:
            certified = certify_items(resident.items, resident.kana) if question.operation == "issue" else None
        except Uncertifiable as error:
            raise Refused(str(error)) from error
        return replace(question, register_items=resident.items, differences=differences, certified_items=certified)

    def _check_identity(self, asked: Question, question: IdentityQuestion) -> IdentityEvidence:
        clerk = self.clerk(asked, question.application_number)
        return clerk.check_identity(self._as_registered(self._looked_up.get(asked.asker, ""), question))

    def _approve(self, asked: Question, question: IdentityQuestion) -> Exemption | bool:
        station = asked.asker
        # Read once: the terminal may ask for somebody else while the clerk looks at this one.
        code = self._looked_up.get(station, "")
        if (question.operation == "reset_password") != (question.which is not None):
            raise Refused("it is not said which password is to be set anew")
        # What was approved before and not used is used no more, whatever becomes of this.
        self._approved.pop(station, None)
        self._exempted.pop(station, None)
        pseudonym = self._case_of(station, question)
        grounds = self._grounds(question)
        shown = replace(self._as_registered(code, question), exemptions=grounds)
        exemption = self.clerk(asked, question.application_number).approve(shown)
        if exemption is not None and exemption.ground not in [ground.code for ground in grounds]:
            raise Refused("the clerk has exempted on a ground that was not offered")
        self._approved[station] = Approval(
            station, pseudonym, code, question.operation, question.which, self.clock(), exemption
        )
        return exemption or True

    def _case_of(self, station: str, question: IdentityQuestion) -> str:
        """The case that waits for the clerk's leave, by its pseudonym; empty when there is none."""
        wanted = station, question.application_number, _IDENTIFIED[question.operation]
        cases = self.journal.cases_elsewhere()
        return next((c.pseudonym for c in cases if (c.station, c.number, c.stage) == wanted), "")

    def _grounds(self, question: IdentityQuestion) -> tuple[ExemptionGround, ...]:
        """Those of this station that the terminal's policy has too, where two clerks can sign."""
        if question.operation != "issue" or self.key_of is None:
            return ()
        known = {ground.code for ground in question.exemptions}
        return tuple(ground for ground in self.exemptions if ground.code in known)

    def _authorise(self, asked: Question, payload: bytes) -> Authorisation:
        approval = self._approved.pop(asked.asker, None)
        if approval is None:
            raise Refused("the clerk has approved nothing")
        try:
            terms = AuthorisationTerms.decode(payload)
        except AuthorisationInvalid as invalid:
            raise Refused(str(invalid)) from invalid
        self._refuse_unless_approved(terms, approval)
        if approval.exemption is not None:
            self._exempted[asked.asker] = approval
        return self.clerk_key.authorise(terms)

    def _exempt(self, asked: Question, pseudonym: str) -> Testimony:
        approval = self._exempted.pop(asked.asker, None)
        if approval is None or approval.case != pseudonym or not self._is_now(approval.at):
            raise Refused("no two clerks have approved this")
        assert approval.exemption is not None and self.key_of is not None, "an exemption was offered and granted"
        ground, nonce, now = approval.exemption.ground, self.random_bytes(16), self.clock()
        terms = TestimonyTerms(pseudonym, asked.asker, Step.AUTHORISE, ground, nonce, now)
        try:
            signed = signed_by_two(terms, self.clerk_key, self.key_of(approval.exemption.second))
        except TestimonyInvalid as invalid:
            raise Refused(str(invalid)) from invalid
        operators = " ".join(operator_of(by.certificate) for by in (signed.first, signed.second))
        # The terminal's entry is its own word; who signed here stands in this station's journal too.
        facts = {"event": EXEMPTED, "case": pseudonym, "terminal": asked.asker, "operators": operators}
        self.journal.note(facts, lambda _: None)
        return signed

    def _is_now(self, approved_at: datetime.datetime) -> bool:
        return datetime.timedelta(0) <= self.clock() - approved_at <= self.authorisation_life

    def _certified_of(self, code: str) -> list[EligibleApplication]:
        """What the certificates of a resident say, by those ended cases that are read here."""
        found = []
        for record in self.journal.closed_cases_of(self.ids.person(code).hex()):
            if not record.seal.elsewhere:
                with suppress(EscrowUnopened):
                    found.append(eligible_in(record, self.journal))
        return [eligible for eligible in found if eligible.resident.code == code]

    def _items_hashes(self, approval: Approval) -> list[bytes]:
        """For which certified items the clerk has given leave: the register's, or those of what is revoked."""
        resident = self.register.find(approval.resident_code)
        hashes = []
        if approval.operation == "revoke":
            hashes = [eligible.items.hash() for eligible in self._certified_of(approval.resident_code)]
        if resident is not None:
            try:
                hashes.append(certify_items(resident.items, resident.kana).hash())
            except Uncertifiable as error:
                if not hashes:  # else there is a certificate from before his name could be certified no more
                    raise Refused(str(error)) from error
        return hashes

    def _refuse_unless_approved(self, terms: AuthorisationTerms, approval: Approval) -> None:
        case = self.journal.identified_case(terms.case)
        approved = (approval.station, approval.case, _IDENTIFIED[approval.operation])
        if case is None or (case.station, terms.case, case.stage) != approved or terms.station != approval.station:
            raise Refused("the clerk has approved another case")
        if (terms.operation, terms.which) != (approval.operation, approval.which):
            raise Refused("the clerk has approved something else")
        if case.card != self.ids.card(terms.card_number).hex():
            raise Refused("the clerk has approved another card")
        is_his = terms.person == self.ids.person(approval.resident_code)
        if not is_his or terms.items_hash not in self._items_hashes(approval):
            raise Refused("the clerk has approved another resident")
        is_now = abs(terms.issued_at - self.clock()) <= _SKEW and self._is_now(approval.at)
        if not is_now or terms.expires_at - terms.issued_at > self.authorisation_life:
            raise Refused("the clerk has approved it for another time")

    def _testify(self, asked: Question, settled: asking.SuspectCase) -> Testimony:
        pseudonym = settled.case
        # What is asked is in the store: a terminal gets nothing signed but an answer to that.
        case = self.journal.identified_case(pseudonym)
        if case is None or case.station != asked.asker:
            raise Refused("the case is another station's")
        number, stage = case.number, case.stage
        question = question_at(stage)
        if question is None:
            raise Refused(f"application {number} is {stage}, and nobody has to settle anything")
        if self.witnesses is None or self.key_of is None:
            raise Refused("no two clerks settle here")
        finding = self.witnesses(asked, number).look(question, settled.known)
        nonce, now = self.random_bytes(16), self.clock()
        terms = TestimonyTerms(pseudonym, asked.asker, question, finding.answer, nonce, now)
        try:
            return signed_by_two(terms, self.clerk_key, self.key_of(finding.second))
        except TestimonyInvalid as invalid:
            raise Refused(str(invalid)) from invalid

    def _deciding(self, asked: Question) -> Decisions:
        if self.decisions is None:
            raise Refused("nobody decides here about what was left")
        return self.decisions(asked)

    def _decide(self, asked: Question, wanted: asking.Cases) -> Decision:
        deciding = self._deciding(asked)
        left = {
            case.pseudonym: replace(case, until=wanted.until.get(case.pseudonym))
            for case in self.journal.cases_elsewhere()
            if case.station == asked.asker and case.pseudonym in wanted.cases and possible_decisions(case.stage)
        }
        if not left:
            raise Refused("nothing can be decided about these cases")
        choice = deciding.decide(tuple(left.values()))
        case = left.get(choice.case)
        if case is None or choice.kind not in possible_decisions(case.stage):
            raise Refused("that cannot be decided about this case")
        operator = operator_of(self.clerk_key.certificate)
        return Decision(choice, case.number, case.stage, self.clerk_key.name, operator)

    def _carried_out(self, asked: Question, told: CarriedOut) -> bool:
        self._deciding(asked).carried_out(told)
        return True

    def _keys(self, asked: Question, wanted: KeysWanted) -> KeysGiven:
        try:
            if wanted.authorisation.terms.station != asked.asker:
                raise Refused("the leave is another station's")
        except AuthorisationInvalid as invalid:
            raise Refused(str(invalid)) from invalid
        match self.card_desk.keys(wanted.authorisation)(wanted.challenge):
            case SessionKeys() as session:
                return KeysGiven(session=session)
            case ManagementKeys() as management:
                return KeysGiven(management=management)

    def _ended(self, pseudonym: str) -> tuple[str, CaseRecord]:
        found = self.journal.escrowed_case(pseudonym)
        if found is None:
            raise Refused("no case that has ended is sealed to this station under that name")
        return found

    def _is_valid(self, _: Question, pseudonym: str) -> bool:
        record = self._ended(pseudonym)[1]
        if record.stage is not Stage.CLOSED:
            raise Refused("the case has no certificate")
        return self.ended_cases.is_valid(record)

    def _case_key(self, _: Question, wanted: asking.KeyWanted) -> asking.KeyOfCase:
        record = self._ended(wanted.case)[1]
        # Whose password was changed nobody knows: such a case says a card's number, and is found by its own alone.
        is_nobodys = record.stage is Stage.CHANGED and not wanted.resident_code
        is_his = is_nobodys or record.person == self.ids.person(wanted.resident_code).hex()
        return asking.KeyOfCase(record.seal.key if is_his else None)

    def _certified(self, asked: Question, wanted: asking.Cases) -> asking.CertifiedCases:
        told = {}
        for pseudonym in wanted.cases:
            whose, record = self._ended(pseudonym)
            if whose != asked.asker:
                raise Refused("the case is another station's")
            told[pseudonym] = tuple(certified_in(record, self.journal))
        return asking.CertifiedCases(told)


def _come(reception: Reception) -> bool:
    reception.come()
    return True


def _end_deserted(reception: Reception) -> bool:
    reception.end_deserted()
    return True


def _done(act: Callable[[int], None], yen: int) -> bool:
    act(yen)
    return True

"""The clerk's station: answers what terminals ask of the clerk, of his key, of the register and of the card keys.

It believes a terminal nothing that it can look up itself. The clerk sees the register's items, whatever the terminal
says they are; his key signs only what he has approved, for the case that stands in the store, once; card keys are given
by `kiosk.counter.card_desk`. Of cases that have ended, which it alone can read, it tells a terminal whether a
certificate is valid; the key of one only for the resident whose case it is.
"""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from hw.errors import Refused
from hw.ports import ManagementKeys, SessionKeys
from kiosk.authority.errors import AuthorityError
from kiosk.clock import Clock
from kiosk.counter import asking
from kiosk.counter.asking import Asking, Denied, Gone, Keyless, KeysGiven, KeysWanted, Reply, Said, Unsure
from kiosk.counter.card_desk import CardDesk
from kiosk.counter.clerk_key import ClerkKey
from kiosk.counter.line import Line, LineLost, Question, StationUnknown
from kiosk.counter.town_ids import TownIds
from kiosk.issuance.ended_cases import EndedCases, certified_in
from kiosk.issuance.failure import IssuerKeysUnavailable
from kiosk.issuance.persons import Abandoned, CannotTell, Clerk, IdentityEvidence, IdentityQuestion
from kiosk.journal.escrow import EscrowUnopened
from kiosk.journal.journal import CaseRecord, Journal
from kiosk.model.authorisation import Authorisation, AuthorisationInvalid, AuthorisationTerms, Operation
from kiosk.model.certificate import Uncertifiable, certify_items
from kiosk.model.eligibility import differing_items
from kiosk.model.transition import Stage
from kiosk.register.register import Register

_IDENTIFIED: Mapping[Operation, Stage] = {
    "issue": Stage.IDENTIFIED,
    "revoke": Stage.REVOCATION_IDENTIFIED,
    "reset_password": Stage.UNLOCK_IDENTIFIED,
}
"""The stage of a case in which a clerk's key signs for it."""

_WAIT_S = 0.5
_SKEW = datetime.timedelta(minutes=5)
"""By so much the clocks of two stations may differ."""


@dataclass(frozen=True)
class Approval:
    """The clerk approved this application of this station, for this resident and this operation."""

    station: str
    number: str
    resident_code: str
    operation: Operation


@dataclass
class Desk:
    """Answers one question after the other; `clerk` is whoever sits there, about an application of a station."""

    line: Line
    journal: Journal
    register: Register
    ids: TownIds
    card_desk: CardDesk
    clerk: Callable[[str, str], Clerk]
    clerk_key: ClerkKey
    authorisation_life: datetime.timedelta
    clock: Clock
    ended_cases: EndedCases
    _looked_up: dict[str, str] = field(default_factory=dict)
    """The resident that each station asked for last."""
    _approved: dict[str, Approval] = field(default_factory=dict)

    def serve(self, is_stopping: Callable[[], bool]) -> None:
        """Answers until it is told to stop, which it looks at twice a second."""
        with self.line.watching() as wait:
            while not is_stopping():
                if not self.serve_next():
                    wait(_WAIT_S)

    def serve_next(self) -> bool:
        """Answers the oldest question; False when there is none."""
        question = self.line.begin_next()
        if question is None:
            return False
        reply = self.reply(question)
        try:
            self.line.answer(question, msgspec.json.encode(reply))
        except (LineLost, StationUnknown):
            return True  # whoever asked has a key no more
        return True

    def reply(self, question: Question) -> Reply:
        """The answer to one question, whatever line it came by."""
        try:
            asked, answer = self._answers()[question.kind]
            body = msgspec.json.decode(question.body, type=asked.asked)
            return Said(msgspec.Raw(msgspec.json.encode(answer(question.asker, body))))
        except CannotTell:
            return Unsure()
        except Abandoned as gone:
            return Gone(gone.by, gone.reason)
        except (Refused, AuthorityError, EscrowUnopened) as refused:
            return Denied(str(refused))
        except IssuerKeysUnavailable as unavailable:
            return Keyless(str(unavailable))
        except (KeyError, msgspec.DecodeError) as error:
            return Denied(f"not a question of this program: {type(error).__name__}")

    def _answers(self) -> dict[str, tuple[Asking[Any, Any], Callable[[str, Any], object]]]:
        def asked_of(act: Callable[[Clerk, int], object]) -> Callable[[str, asking.Concerning], object]:
            return lambda station, about: act(self.clerk(station, about.application_number), about.count)

        table: tuple[tuple[Asking[Any, Any], Callable[[str, Any], object]], ...] = (
            (asking.RESIDENT, self._find),
            (asking.PERSON, lambda _, code: self.ids.person(code)),
            (asking.CARD, lambda _, number: self.ids.card(number)),
            (asking.IDENTITY, self._check_identity),
            (asking.APPROVE, self._approve),
            (asking.AUTHORISE, self._authorise),
            (asking.CERTIFICATE, lambda *_: self.clerk_key.certificate),
            (asking.KEYS, self._keys),
            (asking.FEE, asked_of(lambda clerk, due_yen: clerk.take_fee(due_yen))),
            (asking.CHANGE, asked_of(lambda clerk, yen: _done(clerk.give_change, yen))),
            (asking.REPAY, asked_of(lambda clerk, yen: _done(clerk.repay, yen))),
            (asking.COUNT, self._count),
            (asking.RETURNED, asked_of(lambda clerk, _: clerk.is_card_returned())),
            (asking.PAPER, asked_of(lambda clerk, number: clerk.look_at_paper(number))),
            (asking.IS_VALID, self._is_valid),
            (asking.CASE_KEY, self._case_key),
            (asking.CERTIFIED, self._certified),
        )
        return {asked.kind: (asked, answer) for asked, answer in table}

    def _count(self, station: str, wanted: asking.CountWanted) -> int:
        return self.clerk(station, wanted.application_number).count_payment(wanted.due_yen, wanted.known)

    def _find(self, station: str, code: str) -> asking.Found:
        self._looked_up[station] = code
        return asking.Found(self.register.find(code))

    def _as_registered(self, station: str, question: IdentityQuestion) -> IdentityQuestion:
        """The question with the register's own items, whatever the terminal has in their place."""
        resident = self.register.find(self._looked_up.get(station, ""))
        if resident is None:
            raise Refused("nobody of the register was asked for")
        differences = differing_items(resident.items, question.form_items)
        try:
            certified = certify_items(resident.items, resident.kana) if question.operation == "issue" else None
        except Uncertifiable as error:
            raise Refused(str(error)) from error
        return replace(question, register_items=resident.items, differences=differences, certified_items=certified)

    def _check_identity(self, station: str, question: IdentityQuestion) -> IdentityEvidence:
        clerk = self.clerk(station, question.application_number)
        return clerk.check_identity(self._as_registered(station, question))

    def _approve(self, station: str, question: IdentityQuestion) -> bool:
        code = self._looked_up.get(station, "")
        self.clerk(station, question.application_number).approve(self._as_registered(station, question))
        self._approved[station] = Approval(station, question.application_number, code, question.operation)
        return True

    def _authorise(self, station: str, payload: bytes) -> Authorisation:
        approval = self._approved.pop(station, None)
        if approval is None:
            raise Refused("the clerk has approved nothing")
        try:
            terms = AuthorisationTerms.decode(payload)
        except AuthorisationInvalid as invalid:
            raise Refused(str(invalid)) from invalid
        self._refuse_unless_approved(terms, approval)
        return self.clerk_key.authorise(terms)

    def _refuse_unless_approved(self, terms: AuthorisationTerms, approval: Approval) -> None:
        case = self.journal.identified_case(terms.case)
        identified = _IDENTIFIED[approval.operation]
        if case != (approval.station, approval.number, identified) or terms.station != approval.station:
            raise Refused("the clerk has approved another case")
        if terms.operation != approval.operation:
            raise Refused("the clerk has approved something else")
        resident = self.register.find(approval.resident_code)
        try:
            items_hash = certify_items(resident.items, resident.kana).hash() if resident else b""
        except Uncertifiable as error:
            raise Refused(str(error)) from error
        if (terms.items_hash, terms.person) != (items_hash, self.ids.person(approval.resident_code)):
            raise Refused("the clerk has approved another resident")
        is_now = abs(terms.issued_at - self.clock()) <= _SKEW
        if not is_now or terms.expires_at - terms.issued_at > self.authorisation_life:
            raise Refused("the clerk has approved it for another time")

    def _keys(self, station: str, wanted: KeysWanted) -> KeysGiven:
        try:
            if wanted.authorisation.terms.station != station:
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

    def _is_valid(self, _: str, pseudonym: str) -> bool:
        _, record = self._ended(pseudonym)
        if record.stage is not Stage.CLOSED:
            raise Refused("the case has no certificate")
        return self.ended_cases.is_valid(record)

    def _case_key(self, _: str, wanted: asking.KeyWanted) -> asking.KeyOfCase:
        _, record = self._ended(wanted.case)
        # Whose password was changed nobody knows: such a case says a card's number, and is found by its own alone.
        is_nobodys = record.stage is Stage.CHANGED and not wanted.resident_code
        is_his = is_nobodys or record.person == self.ids.person(wanted.resident_code).hex()
        return asking.KeyOfCase(record.seal.key if is_his else None)

    def _certified(self, station: str, wanted: asking.Cases) -> asking.CertifiedCases:
        told = {}
        for pseudonym in wanted.cases:
            whose, record = self._ended(pseudonym)
            if whose != station:
                raise Refused("the case is another station's")
            told[pseudonym] = tuple(certified_in(record, self.journal))
        return asking.CertifiedCases(told)


def _done(act: Callable[[int], None], yen: int) -> bool:
    act(yen)
    return True

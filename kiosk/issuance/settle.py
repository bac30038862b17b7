"""Two clerks settle what no device and no single clerk can tell (要確認), so that the case can go on.

They look at the till or at the paper, or ask the authority, and both sign what they found: here, or at a clerk's
station of their own. It is durable before anything is done upon it, and it is gone on upon once: by the issuance
itself, at the place at which it asked.
"""

import msgspec

from hw.errors import DeviceError
from hw.ports import MachineMoney
from kiosk.authority.errors import AuthorityError
from kiosk.counter.clerk_key import ClerkKey, operator_of, signed_by_two, verify_testimony
from kiosk.issuance.failure import Halted, failure_code
from kiosk.issuance.filing import refuse_if_broken
from kiosk.issuance.leave import are_in_force
from kiosk.issuance.station import Station
from kiosk.journal.records import CaseRecord
from kiosk.model.step import Step, Undo
from kiosk.model.testimony import Testimony, TestimonyInvalid, TestimonyTerms
from kiosk.model.transition import SUSPECT, Stage


class NotSuspect(Exception):
    """The case waits for nobody's word."""


def question_at(stage: Stage) -> Step | Undo | None:
    """What two clerks are asked about a case of this stage, None when nothing."""
    return next((question for question, suspect in SUSPECT.items() if suspect is stage), None)


def question_of(record: CaseRecord) -> Step | Undo:
    """What two clerks are asked about a case. Raises `NotSuspect`."""
    question = question_at(record.stage)
    if question is None:
        raise NotSuspect(f"application {record.number} is {record.stage}, and nobody has to settle anything")
    return question


def settle(record: CaseRecord, answer: str, station: Station, first: ClerkKey, second: ClerkKey) -> CaseRecord:
    """Records the two clerks' answer; `issue` with the same application then goes on.

    `answer` is one of `kiosk.model.testimony.ANSWERS`: yen of this payer that lie in the till, or what came out of the
    printer. Raises `NotSuspect`, `TestimonyInvalid` when the answer is none, both keys are one clerk's, or a clerk's
    certificate is revoked, `TransitionRefused` when the case was settled meanwhile, and `Halted` when the journal was
    changed or the authority cannot be asked about the clerks.
    """
    question, nonce = question_of(record), station.random_bytes(16)
    terms = TestimonyTerms(record.pseudonym, station.name, question, answer, nonce, station.clock())
    return accept(record, signed_by_two(terms, first, second), station)


def settle_elsewhere(record: CaseRecord, station: Station) -> CaseRecord:
    """Has two clerks settle a case at the clerk's station, and records what they signed there; waits for them.

    Raises as `settle`, and `hw.errors.LinkLost` and `hw.errors.Refused` of the clerk's station, `Abandoned` when they
    leave it for now.
    """
    question_of(record)
    if station.two_clerks is None:
        raise NotSuspect(f"application {record.number} is settled here: no clerk's station is configured")
    return accept(record, station.two_clerks.testify(record.pseudonym, known_money(record, station)), station)


def known_money(record: CaseRecord, station: Station) -> MachineMoney:
    """What the machine of this station knows of the case's money; one that cannot be asked has lost count."""
    try:
        return station.cash.left_over(record.pseudonym)
    except DeviceError:
        return MachineMoney(is_count_lost=True)


def accept(record: CaseRecord, testimony: Testimony, station: Station) -> CaseRecord:
    """Records what two clerks have signed about just this case and question. Raises as `settle`."""
    refuse_if_broken(station)
    question = question_of(record)
    terms = verify_testimony(testimony, station.generations, station.clock())
    if (terms.case, terms.station, terms.question) != (record.pseudonym, station.name, question):
        raise TestimonyInvalid("the testimony is about another case, or answers what was not asked")
    # What they saw is true of one moment: of an earlier doubt they may have said otherwise.
    if abs(station.clock() - terms.signed_at) > station.authorisation_life or station.journal.has_heard(terms.nonce):
        raise TestimonyInvalid("the testimony was given another time")
    clerks = testimony.first.certificate, testimony.second.certificate
    try:
        if not are_in_force(clerks, station):
            raise TestimonyInvalid("the testimony is signed with a certificate that was revoked")
    except AuthorityError as trouble:
        raise Halted(failure_code(trouble)) from trouble
    operators = operator_of(clerks[0]), operator_of(clerks[1])
    return station.journal.testify(record, question, msgspec.json.encode(testimony), operators, terms.nonce)

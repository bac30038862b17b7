"""Two clerks settle what no device and no single clerk can tell (要確認), so that the case can go on.

They look at the till or at the paper, and both sign what they found. It is durable before anything is done upon it, and
it is gone on upon once: by the issuance itself, at the place at which it asked.
"""

import datetime

import msgspec
from cryptography import x509

from kiosk.counter.clerk_key import ClerkKey, operator_of, verify_testimony
from kiosk.issuance.station import Station
from kiosk.journal.journal import CaseRecord
from kiosk.model.step import Step, Undo
from kiosk.model.testimony import Testimony, TestimonyTerms
from kiosk.model.transition import SUSPECT


class NotSuspect(Exception):
    """The case waits for nobody's word."""


def question_of(record: CaseRecord) -> Step | Undo:
    """What two clerks are asked about a case. Raises `NotSuspect`."""
    for question, stage in SUSPECT.items():
        if record.stage is stage:
            return question
    raise NotSuspect(f"application {record.number} is {record.stage}, and nobody has to settle anything")


def settle(record: CaseRecord, answer: str, station: Station, first: ClerkKey, second: ClerkKey) -> CaseRecord:
    """Records the two clerks' answer; `issue` with the same application then goes on.

    `answer` is one of `kiosk.model.testimony.ANSWERS`: yen of this payer that lie in the till, or what came out of the
    printer. Raises `NotSuspect`, `TestimonyInvalid` when the answer is none or both keys are one clerk's, and
    `TransitionRefused` when the case was settled meanwhile.
    """
    question = question_of(record)
    terms = TestimonyTerms(
        case=record.pseudonym,
        station=station.name,
        question=question,
        answer=answer,
        nonce=station.random_bytes(16),
        signed_at=station.clock().astimezone(datetime.UTC).replace(microsecond=0),
    )
    payload = terms.encode()
    testimony = Testimony(payload, first.testify(payload), second.testify(payload))
    verify_testimony(testimony, x509.load_der_x509_certificate(station.issuer), station.clock())
    operators = operator_of(first.certificate), operator_of(second.certificate)
    return station.journal.testify(record, question, msgspec.json.encode(testimony), operators)

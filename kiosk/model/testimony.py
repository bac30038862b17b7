"""What two clerks say together, under their signatures, where no device and no single clerk can tell what happened.

The payload is canonical JSON (sorted keys, no white space, UTF-8), so that both sign the very same bytes.
"""

import datetime
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from kiosk.model.policy import GROUND
from kiosk.model.step import Step, Undo


class PaperSeen(StrEnum):
    """A person's answer when no device can tell whether a paper came out."""

    WHOLE = "whole"
    PARTLY = "partly"
    NOTHING = "nothing"


class AuthorityFound(StrEnum):
    """What two clerks have from an authority that they asked by another way, about a case that is taken back."""

    NONE_VALID = "none_valid"
    """It has issued no certificate in this case, or has revoked what it issued."""


class TestimonyInvalid(ValueError):
    """The bytes are no testimony, or it does not answer what was asked."""


_YEN = r"0|[1-9][0-9]{0,5}"

ANSWERS: Mapping[Step | Undo, str] = {
    Step.AUTHORISE: GROUND.pattern,
    Step.FEE: _YEN,
    Step.RECEIPT: "|".join(PaperSeen),
    Undo.REFUND: _YEN,
    Undo.REVOKE: "|".join(AuthorityFound),
}
"""What can be answered, as a regular expression.

On which ground of the policy no fee is due, yen of this payer in the till, what came out, what is valid.
"""

_NAMED: Mapping[str, Step | Undo] = {question.value: question for question in ANSWERS}
_NONCE_LENGTH = 16


@dataclass(frozen=True)
class TestimonyTerms:
    """What both clerks sign: how the `question` of a case (its pseudonym) is answered; `nonce` is 16 random bytes.

    `signed_at` is signed in UTC and whole seconds.
    """

    case: str
    station: str
    question: Step | Undo
    answer: str
    nonce: bytes
    signed_at: datetime.datetime

    def encode(self) -> bytes:
        """The canonical payload. Raises `TestimonyInvalid` for an answer that the question does not have."""
        if self.question not in ANSWERS or not re.fullmatch(ANSWERS[self.question], self.answer):
            raise TestimonyInvalid(f"{self.answer!r} is no answer to {self.question}")
        document = {
            "version": 1,
            "case": self.case,
            "station": self.station,
            "question": self.question.value,
            "answer": self.answer,
            "nonce": self.nonce.hex(),
            "signed_at": self.signed_at.astimezone(datetime.UTC).isoformat(timespec="seconds"),
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def decode(cls, payload: bytes) -> "TestimonyTerms":
        """Reads a payload; anything but the canonical form raises `TestimonyInvalid`."""
        try:
            d = json.loads(payload)
            terms = cls(
                case=d["case"],
                station=d["station"],
                question=_NAMED[d["question"]],
                answer=d["answer"],
                nonce=bytes.fromhex(d["nonce"]),
                signed_at=datetime.datetime.fromisoformat(d["signed_at"]),
            )
            is_canonical = terms.encode() == payload
        except TestimonyInvalid:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise TestimonyInvalid(f"not a testimony: {error}") from error
        if not is_canonical or len(terms.nonce) != _NONCE_LENGTH:
            raise TestimonyInvalid("testimony is not in canonical form")
        return terms


@dataclass(frozen=True)
class Finding:
    """What two clerks at one screen found, one of `ANSWERS`, and the name of the one who signs second."""

    answer: str
    second: str


@dataclass(frozen=True)
class ClerkSignature:
    """One clerk's signature (ECDSA with SHA-256), and his certificate (DER)."""

    signature: bytes
    certificate: bytes


@dataclass(frozen=True)
class Testimony:
    """Signed terms: both clerks signed the same payload."""

    payload: bytes
    first: ClerkSignature
    second: ClerkSignature

    @property
    def terms(self) -> TestimonyTerms:
        """The decoded terms. Raises `TestimonyInvalid`."""
        return TestimonyTerms.decode(self.payload)

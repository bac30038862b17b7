"""Documents by which a clerk checks an identity (本人確認書類), and the routes that a policy allows."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

IdentityCheck = Literal["face", "expiry", "entries", "signature", "deadline"]
"""What a clerk looks at: the face, whether it has run out, whether what is written agrees with the form; of an answered
letter whether it is signed by the resident's own hand, and whether it came back in time."""


class IdentityDocument(StrEnum):
    """Documents that a route may ask for."""

    DRIVING_LICENCE = "driving_licence"
    PASSPORT = "passport"
    PHOTO_CARD = "photo_card"
    """The resident's own card with a photograph (写真付住民基本台帳カード); then no other document is needed."""
    ANSWERED_LETTER = "answered_letter"
    """The lower half of the letter of inquiry (照会書) that was sent to the registered address, filled in (回答書)."""
    HEALTH_INSURANCE = "health_insurance"
    PENSION_BOOK = "pension_book"
    EMPLOYEE_CARD = "employee_card"


@dataclass(frozen=True)
class IdentityRoute:
    """One way of the policy to check an identity: one of `documents`, with it one of `beside` where there are any."""

    name: Literal["photo", "letter", "two"]
    documents: tuple[IdentityDocument, ...]
    checks: tuple[IdentityCheck, ...]
    beside: tuple[IdentityDocument, ...] = ()


PHOTO_ONLY = (
    IdentityRoute(
        "photo",
        (IdentityDocument.DRIVING_LICENCE, IdentityDocument.PASSPORT, IdentityDocument.PHOTO_CARD),
        ("face", "expiry", "entries"),
    ),
)
"""Of profiles that name no route: a photo document of a public office, on the same day (route D1)."""

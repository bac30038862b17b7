"""The steps of one issuance in their order, and who acts in each."""

from enum import StrEnum


class Actor(StrEnum):
    """Who acts."""

    RESIDENT = "resident"
    CLERK = "clerk"
    STATION = "station"
    AUTHORITY = "authority"
    TWO_CLERKS = "two_clerks"
    """A clerk and a second clerk, each with his own key."""


class Step(StrEnum):
    """Every effect of an issuance, in order."""

    APPLICATION = "application"
    IDENTITY_CHECK = "identity_check"
    AUTHORISE = "authorise"
    GENERATE_KEY = "generate_key"
    REQUEST = "request"
    CERTIFY = "certify"
    WRITE = "write"
    READ_BACK = "read_back"
    FEE = "fee"
    CONFIRM = "confirm"
    TAKE_CARD = "take_card"
    RECEIPT = "receipt"
    CLOSED = "closed"


ACTOR = {
    Step.APPLICATION: Actor.RESIDENT,
    Step.IDENTITY_CHECK: Actor.CLERK,
    Step.AUTHORISE: Actor.CLERK,
    Step.GENERATE_KEY: Actor.RESIDENT,
    Step.REQUEST: Actor.STATION,
    Step.CERTIFY: Actor.AUTHORITY,
    Step.WRITE: Actor.STATION,
    Step.READ_BACK: Actor.STATION,
    Step.FEE: Actor.RESIDENT,
    Step.CONFIRM: Actor.AUTHORITY,
    Step.TAKE_CARD: Actor.RESIDENT,
    Step.RECEIPT: Actor.STATION,
    Step.CLOSED: Actor.STATION,
}
"""Who acts in each step; the one who is waited for."""

PROCEDURE = (
    ("visit", ()),
    ("application", (Step.APPLICATION,)),
    ("identity check", (Step.IDENTITY_CHECK, Step.AUTHORISE)),
    ("key generation", (Step.GENERATE_KEY,)),
    ("certificate request", (Step.REQUEST,)),
    ("certification", (Step.CERTIFY,)),
    ("delivery", (Step.WRITE, Step.READ_BACK)),
    ("fee", (Step.FEE, Step.CONFIRM, Step.TAKE_CARD, Step.RECEIPT, Step.CLOSED)),
)
"""The town's own eight steps and the effects that make them up."""


class Undo(StrEnum):
    """The effects that take an issuance back."""

    REVOKE = "revoke"
    ERASE = "erase"
    REFUND = "refund"


UNDO_ACTOR = {Undo.REVOKE: Actor.AUTHORITY, Undo.ERASE: Actor.STATION, Undo.REFUND: Actor.CLERK}
"""Who acts in each."""


class Supplement(StrEnum):
    """What some cards need besides the steps; the case stays in the stage in which it is done."""

    REPLACE_CARD_KEYS = "replace_card_keys"
    """The keys of the card's secure channel become the issuer's newest."""
    SECOND_KEY = "second_key"
    """The key pair for the card's second certificate, with a password of its own."""
    SECOND_REQUEST = "second_request"
    SECOND_CERTIFY = "second_certify"
    SECOND_WRITE = "second_write"
    SECOND_READ_BACK = "second_read_back"
    SECOND_CONFIRM = "second_confirm"
    SECOND_REVOKE = "second_revoke"


SUPPLEMENT_ACTOR = {
    Supplement.REPLACE_CARD_KEYS: Actor.STATION,
    Supplement.SECOND_KEY: Actor.RESIDENT,
    Supplement.SECOND_REQUEST: Actor.STATION,
    Supplement.SECOND_CERTIFY: Actor.AUTHORITY,
    Supplement.SECOND_WRITE: Actor.STATION,
    Supplement.SECOND_READ_BACK: Actor.STATION,
    Supplement.SECOND_CONFIRM: Actor.AUTHORITY,
    Supplement.SECOND_REVOKE: Actor.AUTHORITY,
}
"""Who acts in each."""

Act = Step | Undo | Supplement
"""Whatever is done once in a case, with what is durable before and after it."""


def actor_of(step: Act) -> Actor:
    """Who acts in a step, in what takes it back, or in a supplement."""
    match step:
        case Step():
            return ACTOR[step]
        case Undo():
            return UNDO_ACTOR[step]
        case Supplement():
            return SUPPLEMENT_ACTOR[step]

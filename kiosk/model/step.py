"""The steps of an issuance and of the counter's other procedures in their order, and who acts in each."""

from collections.abc import Mapping
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


def position_of(step: Step) -> int:
    """Where an effect stands in the town's procedure, from 0."""
    return next(index for index, (_, effects) in enumerate(PROCEDURE) if step in effects)


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
    """Taken back with the first."""
    SECOND_REVOCATION = "second_revocation"
    """Revoked with the first, once both were valid."""


SUPPLEMENT_ACTOR = {
    Supplement.REPLACE_CARD_KEYS: Actor.STATION,
    Supplement.SECOND_KEY: Actor.RESIDENT,
    Supplement.SECOND_REQUEST: Actor.STATION,
    Supplement.SECOND_CERTIFY: Actor.AUTHORITY,
    Supplement.SECOND_WRITE: Actor.STATION,
    Supplement.SECOND_READ_BACK: Actor.STATION,
    Supplement.SECOND_CONFIRM: Actor.AUTHORITY,
    Supplement.SECOND_REVOKE: Actor.AUTHORITY,
    Supplement.SECOND_REVOCATION: Actor.AUTHORITY,
}
"""Who acts in each."""


class RevocationStep(StrEnum):
    """Every effect of a revocation (失効), in order."""

    APPLICATION = "revocation_application"
    """The certificate is found that the application, or the clerk's information, is about."""
    IDENTITY_CHECK = "revocation_identity_check"
    AUTHORISE = "revocation_authorise"
    REVOKE = "revocation"
    EMPTY_CARD = "revocation_empty_card"
    """The card's key is erased, if the card is there."""
    NOTICE = "revocation_notice"
    """A paper that says so."""


class PasswordChangeStep(StrEnum):
    """Every effect of a change of password by the card's owner (パスワード変更), in order."""

    APPLICATION = "password_change_application"
    CHANGE = "password_change"


class UnlockStep(StrEnum):
    """Every effect of setting a new password for one that is locked or forgotten (初期化・ロック解除), in order."""

    APPLICATION = "unlock_application"
    IDENTITY_CHECK = "unlock_identity_check"
    AUTHORISE = "unlock_authorise"
    RESET = "password_reset"


class Pause(StrEnum):
    """What interrupts an application until a day on which the resident returns (保留)."""

    HOLD = "hold"
    RETURN_DAY = "return_day"
    """The day is kept, or that there is none, while what was begun has to be taken back first."""


Act = Step | Undo | RevocationStep | PasswordChangeStep | UnlockStep | Pause | Supplement
"""Whatever is done once in a case, with what is durable before and after it."""

_ACTOR: Mapping[Act, Actor] = {
    **{step: actor for step, actor in ACTOR.items()},
    **{undo: actor for undo, actor in UNDO_ACTOR.items()},
    RevocationStep.APPLICATION: Actor.CLERK,
    RevocationStep.IDENTITY_CHECK: Actor.CLERK,
    RevocationStep.AUTHORISE: Actor.CLERK,
    RevocationStep.REVOKE: Actor.AUTHORITY,
    RevocationStep.EMPTY_CARD: Actor.STATION,
    RevocationStep.NOTICE: Actor.STATION,
    PasswordChangeStep.APPLICATION: Actor.RESIDENT,
    PasswordChangeStep.CHANGE: Actor.RESIDENT,
    UnlockStep.APPLICATION: Actor.RESIDENT,
    UnlockStep.IDENTITY_CHECK: Actor.CLERK,
    UnlockStep.AUTHORISE: Actor.CLERK,
    UnlockStep.RESET: Actor.RESIDENT,
    Pause.HOLD: Actor.CLERK,
    Pause.RETURN_DAY: Actor.CLERK,
    **{supplement: actor for supplement, actor in SUPPLEMENT_ACTOR.items()},
}


ACTS: Mapping[str, Act] = {act.value: act for act in _ACTOR}
"""Every act by the name under which the journal tells of it."""


def actor_of(step: Act) -> Actor:
    """Who acts in a step or in what takes it back; the one who is waited for."""
    return _ACTOR[step]

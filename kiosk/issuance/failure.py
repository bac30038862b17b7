"""What can go wrong in a use case, and by which code of the failure book each is known.

The codes' words (cause, remedy, who acts) are in `kiosk/failures.toml`.
"""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager

from hw import errors as device
from kiosk.authority import errors as authority
from kiosk.issuance.persons import Abandoned, CannotTell
from kiosk.model.step import Actor


class CaseEnded(Exception):
    """A case came to an end that is not the good one; `code` is the failure book's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Refusal(CaseEnded):
    """A rule stands against the application; nothing was done to the world."""


class RolledBack(CaseEnded):
    """The case was taken back: no certificate is valid, nobody has paid."""


class PutOff(RolledBack):
    """It was taken back and is on hold with that, as a clerk had said before: until when, whether his slip came out.

    The latter is None when the printer does not tell or could not print.
    """

    def __init__(self, code: str, until: datetime.date, slip_came_out: bool | None) -> None:
        super().__init__(code)
        self.until = until
        self.slip_came_out = slip_came_out


class Suspect(CaseEnded):
    """The case waits for two clerks (要確認): nobody can tell what happened."""


class Halted(CaseEnded):
    """The case is open and goes on at the next start: something is missing that only time or a person can bring."""


class GivenUp(CaseEnded):
    """The case has ended, and what became of the card only its owner can find out."""


class NumberTaken(Exception):
    """An application of this number was filed before, and says something else."""

    def __init__(self, number: str) -> None:
        super().__init__(f"application {number} was filed before with another content")
        self.number = number


class LeftUnseen(Abandoned):
    """Somebody stopped when only a person could tell how far it had come: what he saw is not known."""


@contextmanager
def before_a_persons_eyes() -> Iterator[None]:
    """While a person handles money or looks at paper: whoever stops then leaves it unknown what happened."""
    try:
        yield
    except CannotTell:
        raise
    except Abandoned as stopped:
        raise LeftUnseen(stopped.by, stopped.reason) from stopped


@contextmanager
def money_in_hand() -> Iterator[None]:
    """Once a payer's money may lie in a cash box: it speaks of its last command, and never for all the money."""
    try:
        yield
    except device.DeviceError as failed:
        raise MoneyUnseen("the cash box failed while the fee was taken") from failed


class WrongCard(device.NotSent):
    """The card in the reader is not the one of this case."""


class CardNotInserted(device.NotSent):
    """Nobody put a card into the reader in time."""


class PasswordRulesIncompatible(device.NotSent):
    """No password satisfies both the policy and the card."""


class CardUnattested(device.Refused):
    """The card cannot prove that it makes its keys itself, and the policy demands it."""


class AuthorisationExpired(device.NotSent):
    """Too much time went by since the clerk approved; identity check and approval must be done again."""


class AuthorisationUnfit(device.NotSent):
    """The clerk's leave is not for this case, or not by a clerk of this authority."""


class StationDenied(Abandoned):
    """The clerk's station does not do for this case what was asked; `reason` says why. No person has stopped it."""

    def __init__(self, reason: str) -> None:
        super().__init__(Actor.STATION, reason)


class CaseUnreadable(device.LinkLost):
    """Nobody who is asked here can open an ended case: it is sealed to another station, or the key to it is lost."""


class IssuerKeysUnavailable(device.NotSent):
    """The token with the card issuer's masters cannot be used now, so that no card can be opened."""


class CertificateLapsed(authority.AuthorityError):
    """The pending certificate is no longer pending at the authority."""


class RevocationUnproven(authority.AuthorityError):
    """The authority said that it revoked, and its status service says otherwise."""


class DeliveryUnproven(device.Refused):
    """What was read back from the card is not what was written, or its key does not fit."""


class IssuanceUnclear(authority.AuthorityError):
    """The authority may have issued a certificate, does not answer for it any more, and keeps no record to look in."""


class PaperUnseen(device.OutcomeUnknown):
    """A paper went to the printer, which does not say whether it came out."""


class MoneyUnseen(device.OutcomeUnknown):
    """The cash box failed while a payer's money was taken; how much of it lies there a person counts."""


class PasswordUnproven(device.OutcomeUnknown):
    """The card took a new password, and does not know it now."""


class StoreOutdated(Exception):
    """The world is further than the store says, as after a restore: nothing may be taken back by itself."""


CARD_BLANK = "K-CARD-011"
"""The code of a card that has no password yet, so that none can be changed or unlocked."""

NOT_ON_CARD = "K-CARD-012"
"""The code of a card that has another password, and not the one that was named."""

SECOND_CLERK_MISSING = "K-CASE-008"
"""The code of what two clerks have to sign, and only one is there."""

INTERRUPTED = "K-CASE-010"
"""The code of an application that a clerk interrupts until another day, or ends."""

STOPPED = "K-CASE-002"
"""The code of a case that a person stopped."""

STOPPED_OPEN = "K-CASE-012"
"""The code of a case that a person stopped when its way was only forward, so that it waits to be gone on with."""

CANNOT_TELL = "K-CASE-007"
"""The code of a case in which nobody can tell what happened."""

UNNAMED = "K-CASE-003"
"""The code of a case whose record names none."""

DESTROYED = "K-CASE-004"
"""The code of a case whose records were destroyed when the time to keep them was over."""

MOVED_ELSEWHERE = "K-CASE-005"
"""The code of a case that another process has taken further meanwhile."""

ON_HOLD = "K-CASE-009"
"""The code of a case that is on hold until the resident returns."""

OUTDATED = "K-STORE-001"
"""The code of a case that the world has taken further than the store says: the store is of an earlier day."""

BROKEN = "K-STORE-002"
"""The code by which nothing is begun or gone on with, since the journal was found to be changed."""

TROUBLE = (device.DeviceError, authority.AuthorityError, Abandoned)
"""Whatever a step may raise; anything else is a defect of the program."""

ANOTHER_AUTHORITY = "K-CA-007"
"""The code that means: an authority answered, and not the one that this station's credential comes from."""

_CODES: tuple[tuple[type[Exception], str], ...] = (
    (WrongCard, "K-CARD-001"),
    (CardNotInserted, "K-CARD-002"),
    (device.CardAbsent, "K-CARD-002"),
    (device.CardRemoved, "K-CARD-003"),
    (device.CardMute, "K-CARD-004"),
    (device.CardAnswerInvalid, "K-CARD-005"),
    (device.CardUnsupported, "E05"),
    (CardUnattested, "E21"),
    (device.PinLocked, "E15"),
    (device.PinRefused, "K-CARD-006"),
    (device.CardRefused, "K-CARD-007"),
    (PasswordRulesIncompatible, "K-CARD-008"),
    (DeliveryUnproven, "K-CARD-009"),
    (PasswordUnproven, "K-CARD-010"),
    (IssuerKeysUnavailable, "K-ISSUER-001"),
    (device.ReaderMissing, "K-READER-001"),
    (device.ReaderBusy, "K-READER-002"),
    (device.PrinterBlocked, "K-PRINTER-001"),
    (device.TextDoesNotFit, "K-PRINTER-002"),
    (AuthorisationExpired, "K-CASE-001"),
    (CannotTell, CANNOT_TELL),
    (StationDenied, "K-CASE-011"),
    (Abandoned, STOPPED),
    (AuthorisationUnfit, "K-CASE-006"),
    (IssuanceUnclear, "K-CASE-013"),
    (authority.AuthorityUnreachable, "K-CA-001"),
    (authority.AuthorityNotRecognised, ANOTHER_AUTHORITY),
    (authority.AuthorityOutcomeUnknown, "K-CA-002"),
    (authority.CertificateUnacceptable, "K-CA-004"),
    (CertificateLapsed, "K-CA-005"),
    (authority.AuthorityRejected, "K-CA-003"),
    (RevocationUnproven, "K-CA-006"),
    (device.LinkLost, "K-DEVICE-001"),
    (device.OutcomeUnknown, "K-DEVICE-002"),
    (device.Refused, "K-DEVICE-003"),
    (device.DeviceError, "K-DEVICE-004"),
)


def actor_behind(error: Exception) -> Actor:
    """Who stopped the procedure: the person who gave up, else the station that met the trouble."""
    return error.by if isinstance(error, Abandoned) else Actor.STATION


_AUTHORITYS_RULES = ("E06", "E07", "E19", "E20", "E21")

AUTHORITY_UNREACHABLE = frozenset({"K-CA-001", "K-CA-002"})
"""Codes that mean: the authority did not answer."""


def failure_code(error: Exception) -> str:
    """The failure book's code; an authority that refuses names a rule's own code at the beginning of its text."""
    if isinstance(error, authority.AuthorityRejected) and (word := error.text.split(":")[0]) in _AUTHORITYS_RULES:
        return word
    return next(code for kind, code in _CODES if isinstance(error, kind))


def halting_code(error: Exception) -> str:
    """The failure book's code of a case that stays open: who stopped it is not told to begin anew."""
    code = failure_code(error)
    return STOPPED_OPEN if code == STOPPED else code

"""What is known about the physical world after a device failed; a caller decides with `match` and needs no string.

Four kinds of knowledge, and every error of `hw` is one of them:

* `NotSent`         nothing happened; doing it again is safe.
* `OutcomeUnknown`  it may or may not have happened; ask the device or a person, never just do it again.
* `Refused`         the device answered that it did not do it, and why.
* `LinkLost`        the device is gone; whether a command under way had its effect is unknown.
"""

from enum import StrEnum


class DeviceError(Exception):
    """A device did not do what it was asked; the subclass tells what is known about the world."""


class NotSent(DeviceError):
    """Nothing reached the device."""


class OutcomeUnknown(DeviceError):
    """The command left, no usable answer came."""


class Refused(DeviceError):
    """The device said no and did nothing."""


class LinkLost(DeviceError):
    """The device vanished: unplugged, switched off, removed."""


class AnotherDevice(NotSent):
    """Another device than before answers on this link; it is not worked with until a person has accepted it."""

    def __init__(self, found: str, known: str) -> None:
        super().__init__(f"{found} is not {known}")
        self.found = found
        self.known = known


class ReaderMissing(NotSent):
    """No reader of that name, or no card service (pcscd) behind it."""


class ReaderBusy(NotSent):
    """Another program holds the card; `holder` names it where that can be found out."""

    def __init__(self, message: str, holder: str = "") -> None:
        super().__init__(message)
        self.holder = holder


class CardAbsent(NotSent):
    """No card in the reader when a session was to begin."""


class CardRemoved(LinkLost):
    """The card left the reader during a session."""


class CardMute(OutcomeUnknown):
    """The card took a command and did not answer before the deadline."""


class CardAnswerInvalid(OutcomeUnknown):
    """The card's answer does not have the form its standard demands, or fails the secure channel's check."""


class DriverDefect(OutcomeUnknown):
    """The driver itself met with what it was not made for, in the middle of what it did; never the card's removal."""


class Unsupported(StrEnum):
    """Why a card cannot be worked with."""

    MUTE_AT_RESET = "mute_at_reset"
    """It does not answer to reset: damaged, or put in the wrong way round."""
    NO_APPLICATION = "no_application"
    """It has none of the card applications that this station drives: another kind of card."""
    NOT_PREPARED = "not_prepared"
    """It has the application, but was not made ready for being issued to here."""
    EMULATED = "emulated"
    """It is a telephone that plays a card."""
    OTHER_POLICY = "other_policy"
    """It was made for another policy than this station can follow."""


class CardUnsupported(Refused):
    """The card cannot be worked with at this station; `reason` tells one kind of wrong card from another."""

    def __init__(self, message: str, reason: Unsupported = Unsupported.NO_APPLICATION) -> None:
        super().__init__(message)
        self.reason = reason


class CardRefused(Refused):
    """The card answered a status word other than 9000 (ISO/IEC 7816-4, 5.6).

    `sw` is that status word, `operation` what was asked of the card.
    """

    def __init__(self, operation: str, sw: int, meaning: str = "") -> None:
        super().__init__(f"{operation}: card answered {sw:04X}{f' ({meaning})' if meaning else ''}")
        self.operation = operation
        self.sw = sw


class PinRefused(CardRefused):
    """The PIN was wrong; `attempts_remaining` as the card reports it."""

    def __init__(self, operation: str, sw: int, attempts_remaining: int) -> None:
        super().__init__(operation, sw, f"{attempts_remaining} attempts remaining")
        self.attempts_remaining = attempts_remaining


class PinLocked(CardRefused):
    """No attempts remain; only the issuer can set a new PIN."""

    def __init__(self, operation: str, sw: int) -> None:
        super().__init__(operation, sw, "PIN locked")


class PrinterBlocked(NotSent):
    """The printer cannot print now, and nothing was sent; `causes` are names such as `paper_end`, `cover_open`."""

    def __init__(self, causes: tuple[str, ...]) -> None:
        super().__init__("printer blocked: " + ", ".join(causes))
        self.causes = causes


class TextDoesNotFit(NotSent):
    """A line is wider than the paper, or holds a character that the printer can neither set nor draw."""

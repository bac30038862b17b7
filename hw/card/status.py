"""Status words of cards and the errors they mean (ISO/IEC 7816-4, 5.6)."""

from enum import IntEnum

from hw.errors import CardRefused, OutcomeUnknown, PinLocked, PinRefused


class Status(IntEnum):
    """Status words with one fixed meaning, which is their name."""

    END_OF_FILE_REACHED = 0x6282
    FILE_DEACTIVATED = 0x6283
    EXECUTION_ERROR = 0x6400
    MEMORY_FAILURE = 0x6581
    WRONG_LENGTH = 0x6700
    SECURE_MESSAGING_NOT_SUPPORTED = 0x6882
    COMMAND_INCOMPATIBLE_WITH_FILE = 0x6981
    SECURITY_STATUS_NOT_SATISFIED = 0x6982
    PIN_LOCKED = 0x6983
    PIN_NOT_USABLE = 0x6984
    CONDITIONS_OF_USE_NOT_SATISFIED = 0x6985
    NO_FILE_SELECTED = 0x6986
    SECURE_MESSAGING_INCORRECT = 0x6988
    WRONG_DATA = 0x6A80
    FUNCTION_NOT_SUPPORTED = 0x6A81
    FILE_NOT_FOUND = 0x6A82
    NOT_ENOUGH_MEMORY = 0x6A84
    WRONG_P1_P2 = 0x6A86
    REFERENCED_DATA_NOT_FOUND = 0x6A88
    OUTSIDE_THE_FILE = 0x6B00
    INSTRUCTION_NOT_SUPPORTED = 0x6D00
    CLASS_NOT_SUPPORTED = 0x6E00
    NO_PRECISE_DIAGNOSIS = 0x6F00
    OK = 0x9000


def is_more_data(sw: int) -> bool:
    """61xx: the command is done and more of its answer waits for GET RESPONSE."""
    return sw >> 8 == 0x61


def is_wrong_le(sw: int) -> bool:
    """6Cxx: the command was not done, xx is the Le to ask with."""
    return sw >> 8 == 0x6C


def is_warning(sw: int) -> bool:
    """62xx and 63xx: done, with something to say about it."""
    return sw >> 8 in (0x62, 0x63)


def attempts_in(sw: int) -> int | None:
    """The counter of 63Cx, or None for every other status word."""
    return sw & 0x0F if sw & 0xFFF0 == 0x63C0 else None


def error_of(operation: str, sw: int) -> CardRefused | OutcomeUnknown:
    """The error that `sw` means as the answer to `operation`.

    `PinLocked` when no attempt remains, `PinRefused` with the attempts that do; `OutcomeUnknown` where the card says
    that its memory may have changed (65xx) or does not say what it did (6F00); else `CardRefused`.
    """
    attempts = attempts_in(sw)
    if sw == Status.PIN_LOCKED or attempts == 0:
        return PinLocked(operation, sw)
    if attempts is not None:
        return PinRefused(operation, sw, attempts)
    meaning = Status(sw).name.lower().replace("_", " ") if sw in Status._value2member_map_ else ""
    if sw >> 8 == 0x65 or sw == Status.NO_PRECISE_DIAGNOSIS:
        return OutcomeUnknown(f"{operation}: card answered {sw:04X}{f' ({meaning})' if meaning else ''}")
    return CardRefused(operation, sw, meaning)

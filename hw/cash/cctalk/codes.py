"""What a coin acceptor's error codes mean, as data. Source: ccTalk Generic Specification, part 3, appendix 5.1."""

from enum import StrEnum


class Trouble(StrEnum):
    """What an error of an acceptor is to the counter."""

    INFORMATION = "information"
    """A coin came back, as it should."""
    JAM = "jam"
    """The mechanism needs a hand."""
    FRAUD = "fraud"
    """Somebody may be at the machine."""
    OPERATOR = "operator"
    """The return lever."""


_CODES: dict[Trouble, tuple[int, ...]] = {
    Trouble.INFORMATION: (1, 2, 3, 8, 9, 10, 11, 12, 27, 28, 33, 253, 255, *range(128, 160)),
    Trouble.JAM: (4, 5, 6, 7, 13, 14, 15, 21, 26, 29, 30, 31, 32, 35, 36, 39),
    Trouble.FRAUD: (16, 17, 18, 19, 20, 22, 23, 24, 25, 34, 37, 38, 40),
    Trouble.OPERATOR: (254,),
}
_TROUBLES = {code: trouble for trouble, codes in _CODES.items() for code in codes}

COIN_ON_STRING, SWALLOWED = 20, 36


def trouble_of(code: int) -> Trouble:
    """What an error code is to the counter; one that the specification does not have is taken for information."""
    return _TROUBLES.get(code, Trouble.INFORMATION)

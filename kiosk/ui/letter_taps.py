"""Letters of a password by a telephone's digits (ITU-T E.161): the same digit again is the next of its letters."""

_LETTERS = {"2": "ABC", "3": "DEF", "4": "GHI", "5": "JKL", "6": "MNO", "7": "PQRS", "8": "TUV", "9": "WXYZ"}


def ring(digit: str, characters: str) -> str:
    """What a digit types round and round, of what is allowed: capitals, small letters, then the digit itself."""
    letters = _LETTERS.get(digit, "")
    return "".join(c for c in (*letters, *letters.lower(), digit) if c in characters)


class LetterTaps:
    """Which character each tap makes. It knows how often the open digit was tapped, and forgets it with `end`.

    A tap never ends by itself: whoever is slow, or listens first, has as much time as he likes.
    """

    def __init__(self, characters: str) -> None:
        self._characters = characters
        self._digit = ""
        self._taps = 0

    def tap(self, digit: str) -> tuple[int | None, bool]:
        """The character's code, None where this digit has none; and whether it takes the place of the last one."""
        letters = ring(digit, self._characters)
        is_next = digit == self._digit and len(letters) > 1
        self._digit, self._taps = digit, self._taps + 1 if is_next else 0
        return (ord(letters[self._taps % len(letters)]) if letters else None), is_next

    def end(self) -> None:
        """The open character is as it is; the next tap makes another one."""
        self._digit, self._taps = "", 0

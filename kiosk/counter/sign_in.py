"""What signing in comes to: who somebody is, that he is nobody, or that nobody is heard just now."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Unheard:
    """After too many wrong ones nobody is heard for `left_s` more seconds, whatever he types."""

    left_s: int


class SignIn(Protocol):
    """Who a person is by what he typed, and whether he is heard at all."""

    def __call__(self, typed: bytearray) -> str | Unheard | None:
        """The clerk's name in the journal; None when it is nobody's. The caller wipes what was typed."""
        ...

"""The clerks who may sit at this counter, and how each shows that it is he: by his card, or by his number and PIN.

A card in the clerk's own reader proves its PIN itself; without one the PIN is compared with what the roster keeps of it
(scrypt, RFC 7914). After some wrong ones in a row nobody is heard for a while.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hw.errors import DeviceError
from hw.ports import CardReader

NUMBER_LENGTH = 2
"""Digits of a clerk's number, which he types before his PIN."""
PIN_LENGTHS = range(4, 9)
WRONG_IN_A_ROW = 5
DEAF_S = 60.0
"""So long nobody is heard after so many wrong ones."""

_COST, _BLOCK, _PARALLEL = 2**14, 8, 1
_LONGEST = NUMBER_LENGTH + PIN_LENGTHS.stop - 1


@dataclass(frozen=True, repr=False)
class RosteredClerk:
    """One clerk: his number, his name in the journal, what is kept of his PIN, the number of his card if he has one."""

    number: str
    name: str
    pin: str
    card: str = ""
    has_left: bool = False


@dataclass(frozen=True, repr=False)
class Roster:
    """All clerks of a counter. `is_demo`: everybody knows the PINs, so it is for training only."""

    clerk: tuple[RosteredClerk, ...]
    is_demo: bool = False


def kept_pin(pin: bytes | bytearray, random_bytes: Callable[[int], bytes]) -> str:
    """What the roster keeps of a PIN. Raises `ValueError` for anything but four to eight digits."""
    if len(pin) not in PIN_LENGTHS or not bytes(pin).isdigit():
        raise ValueError("a PIN has four to eight digits")
    salt = random_bytes(16)
    return f"{salt.hex()}${_digest(pin, salt).hex()}"


@dataclass(frozen=True)
class Deaf:
    """Nobody is heard now, right or wrong, for so long."""

    for_s: float


class SignIn(Protocol):
    """Who a person is by what he typed, and whether he is heard at all."""

    def __call__(self, typed: bytearray) -> str | Deaf | None:
        """The clerk's name in the journal; None when it is nobody's. The caller wipes what was typed."""
        ...


class CounterSignIn:
    """Signs clerks in at one counter. `reader` is the clerk's own, where there is one; `monotonic` in seconds."""

    def __init__(self, roster: Roster, reader: CardReader | None, monotonic: Callable[[], float]) -> None:
        self._clerks: Sequence[RosteredClerk] = [clerk for clerk in roster.clerk if not clerk.has_left]
        self._reader = reader
        self._monotonic = monotonic
        self._wrong = 0
        self._deaf_until_s = float("-inf")

    def __call__(self, typed: bytearray) -> str | Deaf | None:
        """With his card in the reader he types its PIN alone, without it his number first."""
        if (deaf_for_s := self._deaf_until_s - self._monotonic()) > 0:
            return Deaf(deaf_for_s)
        name = self._name(typed)
        self._wrong = 0 if name is not None else self._wrong + 1
        if self._wrong == WRONG_IN_A_ROW:
            self._wrong, self._deaf_until_s = 0, self._monotonic() + DEAF_S
        return name

    def _name(self, typed: bytearray) -> str | None:
        """By his card where one of a clerk lies in the reader, for a number would cost it a try; else by his number."""
        try:
            if self._reader is not None and self._reader.is_card_present():
                with self._reader.session() as card:
                    number = card.number()
                    clerk = next((c for c in self._clerks if c.card and c.card == number), None)
                    # A resident's card may lie there, whose password is nobody's business.
                    if clerk is not None:
                        card.verify_pin(typed)
                        return clerk.name
        except DeviceError:
            return None
        return self._by_number(typed)

    def _by_number(self, typed: bytearray) -> str | None:
        if len(typed) > _LONGEST or not bytes(typed[:NUMBER_LENGTH]).isdigit():
            return None
        number = bytes(typed[:NUMBER_LENGTH]).decode()
        clerk = next((c for c in self._clerks if c.number == number), None)
        # As much work for a number that nobody has, so that the time does not tell.
        salt, digest = map(bytes.fromhex, clerk.pin.split("$")) if clerk else (bytes(16), bytes(32))
        is_right = hmac.compare_digest(_digest(typed[NUMBER_LENGTH:], salt), digest)
        return clerk.name if clerk is not None and is_right else None


def _digest(pin: bytes | bytearray, salt: bytes) -> bytes:
    return hashlib.scrypt(pin, salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL, dklen=32)

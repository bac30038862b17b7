"""Who may sit at this counter, and how each shows that it is he: by his number and PIN, a clerk also by his card.

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
"""Digits of a person's number, which he types before his PIN."""
PIN_LENGTHS = range(4, 9)
WRONG_IN_A_ROW = 5
DEAF_S = 60.0
"""So long nobody is heard after so many wrong ones."""

_COST, _BLOCK, _PARALLEL = 2**14, 8, 1
_LONGEST = NUMBER_LENGTH + PIN_LENGTHS.stop - 1


@dataclass(frozen=True, repr=False)
class RosteredPerson:
    """His number, his name in the journal, what is kept of his PIN, the number of his card if he has one."""

    number: str
    name: str
    pin: str
    card: str = ""
    has_left: bool = False


@dataclass(frozen=True, repr=False)
class Roster:
    """All clerks of a counter, and the technicians who may look into a station of another's.

    `is_demo`: everybody knows the PINs, so it is for training only.
    """

    clerk: tuple[RosteredPerson, ...]
    technician: tuple[RosteredPerson, ...] = ()
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
        """The person's name in the journal; None when it is nobody's. The caller wipes what was typed."""
        ...


class CounterSignIn:
    """Signs in those of a counter's `persons` who have not left.

    `reader` is the one into which they put their cards, where there is one; `monotonic` in seconds.
    """

    def __init__(
        self, persons: Sequence[RosteredPerson], reader: CardReader | None, monotonic: Callable[[], float]
    ) -> None:
        self._persons = [person for person in persons if not person.has_left]
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
        """By his card where one of theirs lies in the reader, for a number would cost it a try; else by his number."""
        try:
            if self._reader is not None and self._reader.is_card_present():
                with self._reader.session() as card:
                    number = card.number()
                    person = next((p for p in self._persons if p.card and p.card == number), None)
                    # A resident's card may lie there, whose password is nobody's business.
                    if person is not None:
                        card.verify_pin(typed)
                        return person.name
        except DeviceError:
            return None
        return self._by_number(typed)

    def _by_number(self, typed: bytearray) -> str | None:
        if len(typed) > _LONGEST or not bytes(typed[:NUMBER_LENGTH]).isdigit():
            return None
        number = bytes(typed[:NUMBER_LENGTH]).decode()
        person = next((p for p in self._persons if p.number == number), None)
        # As much work for a number that nobody has, so that the time does not tell.
        salt, digest = map(bytes.fromhex, person.pin.split("$")) if person else (bytes(16), bytes(32))
        is_right = hmac.compare_digest(_digest(typed[NUMBER_LENGTH:], salt), digest)
        return person.name if person is not None and is_right else None


def _digest(pin: bytes | bytearray, salt: bytes) -> bytes:
    return hashlib.scrypt(pin, salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL, dklen=32)

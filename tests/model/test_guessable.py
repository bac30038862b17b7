"""What anybody would try first on a card that he has found, and what he would not."""

import datetime
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.model.guessable import birthdays, is_guessable

BORN = datetime.date(1952, 3, 5)
DAYS = birthdays(BORN, (1952, 27))


def guessable(password: str, days: frozenset[bytes] = DAYS) -> bool:
    return is_guessable(memoryview(bytearray(password.encode())), days)


@given(st.integers(33, 126), st.sampled_from([0, 1, -1]), st.integers(4, 16))
def test_every_series_is_guessed(first: int, step: int, length: int) -> None:
    codes = [first + step * place for place in range(length)]
    if all(33 <= code <= 126 for code in codes):
        assert guessable("".join(map(chr, codes)))


@pytest.mark.parametrize("password", ["7890", "2109", "890123", "1098765"])
def test_after_nine_comes_nought(password: str) -> None:
    assert guessable(password)


@pytest.mark.parametrize(
    "password",
    ["0305", "1952", "19520305", "520305", "03051952", "195235", "270305", "S270305", "s270305", "19520305a", "5235"],
)
def test_a_birthday_is_guessed_however_it_is_written(password: str) -> None:
    assert guessable(password)
    assert not guessable(password, birthdays(datetime.date(1968, 11, 24), (1968, 43))), "of somebody else it is none"


@pytest.mark.parametrize(
    "password", ["1235", "1224", "2580", "ABCE", "19520306", "ab270305", "0305ab", "9503", "A1b2C3"]
)
def test_anything_else_is_taken(password: str) -> None:
    assert not guessable(password)


def test_few_of_four_digits_are_refused() -> None:
    refused = [number for number in range(10_000) if guessable(f"{number:04}")]
    assert len(refused) < 50


@pytest.mark.parametrize("last", [b"0", b"5", b"a"])
def test_nothing_is_made_that_is_as_long_as_the_password(last: bytes) -> None:
    # No card takes so many characters, but a copy of so many stands out from everything else.
    length = 100_000
    typed = bytearray((b"0" * length)[:-1] + last)
    days = frozenset({b"0" * (length - 1) + b"1"})
    tracemalloc.start()
    try:
        is_guessable(memoryview(typed), days)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < length // 10

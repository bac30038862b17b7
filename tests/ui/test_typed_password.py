"""A password while it is typed: what it holds, and that it leaves nothing behind."""

from hypothesis import given
from hypothesis import strategies as st

from kiosk.ui.typed_password import TypedPassword

KEYS = st.lists(st.one_of(st.integers(33, 126), st.just(None)), max_size=40)
"""Codes typed, None for the erasing key."""


def typed(keys: list[int | None], maximum_length: int = 16) -> tuple[TypedPassword, bytes]:
    password, expected = TypedPassword(maximum_length), b""
    for code in keys:
        if code is None:
            password.erase_last()
            expected = expected[:-1]
        else:
            password.type(code)
            expected = (expected + bytes([code]))[:maximum_length]
    return password, expected


@given(KEYS)
def test_it_holds_what_was_typed_and_hands_it_over_once(keys: list[int | None]) -> None:
    password, expected = typed(keys)
    assert len(password) == len(expected)
    assert password.hand_over() == expected
    assert len(password) == 0 and password.hand_over() == b""


@given(KEYS, KEYS)
def test_two_are_equal_when_they_hold_the_same(one: list[int | None], other: list[int | None]) -> None:
    (first, first_text), (second, second_text) = typed(one), typed(other)
    assert first.equals(second) is (first_text == second_text)
    assert first.equals(first)


@given(KEYS)
def test_nothing_is_left_in_the_buffer(keys: list[int | None]) -> None:
    for forget in (TypedPassword.wipe, TypedPassword.hand_over):
        password, _ = typed(keys)
        buffer = password._buffer
        forget(password)
        assert buffer is password._buffer and not any(buffer)


@given(KEYS)
def test_its_repr_tells_nothing(keys: list[int | None]) -> None:
    assert repr(typed(keys)[0]) == "TypedPassword(...)"

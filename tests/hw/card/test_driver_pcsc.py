import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.card.pcsc import error_of_connecting, error_of_exchange
from hw.errors import (
    CardAbsent,
    CardMute,
    CardRemoved,
    CardUnsupported,
    DeviceError,
    LinkLost,
    NotSent,
    OutcomeUnknown,
    ReaderBusy,
    ReaderMissing,
    Refused,
)


@pytest.mark.parametrize(
    ("result", "error"),
    [
        (0x8010000C, CardAbsent),
        (0x80100069, CardAbsent),
        (0x8010000B, ReaderBusy),
        (0x80100066, CardUnsupported),
        (0x80100067, CardUnsupported),
        (0x80100009, ReaderMissing),
        (0x8010001D, ReaderMissing),
        (0x8010001E, ReaderMissing),
        (0x80100013, ReaderMissing),
        (0x8010002E, ReaderMissing),
    ],
)
def test_what_keeps_a_session_from_beginning(result: int, error: type[DeviceError]) -> None:
    assert type(error_of_connecting(result, "the reader")) is error


@pytest.mark.parametrize(
    ("result", "error"),
    [
        (0x00000000, CardRemoved),
        (0x80100069, CardRemoved),
        (0x80100016, CardRemoved),
        (0x80100068, CardRemoved),
        (0x8010001D, LinkLost),
        (0x8010001E, LinkLost),
        (0x80100017, LinkLost),
        (0x80100013, LinkLost),
        (0x8010000A, CardMute),
        (0x80100001, OutcomeUnknown),
    ],
)
def test_what_ends_an_exchange(result: int, error: type[DeviceError]) -> None:
    assert type(error_of_exchange(result)) is error


@given(st.integers(0x80100001, 0x801000FF))
def test_before_an_exchange_nothing_was_sent_and_after_it_nothing_is_certain(result: int) -> None:
    assert isinstance(error_of_connecting(result, "the reader"), NotSent | Refused)
    assert isinstance(error_of_exchange(result), LinkLost | OutcomeUnknown)

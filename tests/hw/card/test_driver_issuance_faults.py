"""Every place where an issuance can break: the error is a declared one, the card is never half issued, and it can be
issued again."""

import pytest

from hw.errors import CardRefused, CardRemoved, CardUnsupported, DeviceError, OutcomeUnknown
from hw.ports import PinStatus
from hw.sim.fault import Fault
from tests.hw.card.office import CERTIFICATE, Desk, issue, read_certificate

EXCHANGES = 21
WRITTEN_AT = 17
"""The exchange that writes the certificate's header, after which it can be read."""


def break_off(kind: str, at: int, value: str = "") -> tuple[Desk, DeviceError | None]:
    desk = Desk(faults={at: Fault(kind, at, value)})
    try:
        issue(desk.reader)
    except DeviceError as error:
        return desk, error
    return desk, None


def assert_whole(desk: Desk) -> bytes | None:
    """What a person finds on the card afterwards: nothing set, or a password by which all or nothing is read."""
    desk.insert()
    with desk.reader.session() as card:
        if card.pin_status() == PinStatus(is_set=False, attempts_remaining=0):
            return None
    found = read_certificate(desk.reader)
    assert found in (None, CERTIFICATE)
    return found


@pytest.mark.parametrize("at", range(1, EXCHANGES + 1))
@pytest.mark.parametrize("kind", ["pull", "pull-after"])
def test_a_card_pulled_anywhere_is_removed_and_holds_all_or_nothing(kind: str, at: int) -> None:
    desk, error = break_off(kind, at)
    assert isinstance(error, CardRemoved) if at < EXCHANGES else error is None
    assert not desk.slot.is_card_present()
    is_written = at > WRITTEN_AT or (at == WRITTEN_AT and kind == "pull-after")
    assert assert_whole(desk) == (CERTIFICATE if is_written else None)
    issue(desk.reader)
    assert read_certificate(desk.reader) == CERTIFICATE


@pytest.mark.parametrize("at", range(1, EXCHANGES + 1))
@pytest.mark.parametrize("sw", ["6F00", "6581", "6400", "6982", "9001"])
def test_a_wrong_status_anywhere_is_a_declared_error(sw: str, at: int) -> None:
    desk, error = break_off("sw", at, sw)
    if at == 1:
        assert isinstance(error, CardUnsupported)
    elif at == EXCHANGES:
        assert error is None
    else:
        assert isinstance(error, CardRefused | OutcomeUnknown)
    assert_whole(desk)
    issue(desk.reader)
    assert read_certificate(desk.reader) == CERTIFICATE


def test_a_mute_card_is_left_without_another_command() -> None:
    for at in range(2, EXCHANGES):
        desk, error = break_off("mute", at)
        assert isinstance(error, OutcomeUnknown)
        assert desk.card.exchanges == at
        assert_whole(desk)

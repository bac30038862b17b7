"""A clerk is known by his number and PIN, or by his card; a key, a resident's card and a guess open nothing."""

import os
from pathlib import Path

import pytest

from hw.ports import ChannelPurpose
from hw.strict_toml import ConfigInvalid
from kiosk.counter.roster import (
    DEAF_S,
    WRONG_IN_A_ROW,
    CounterSignIn,
    Deaf,
    RosteredPerson,
    kept_pin,
)
from kiosk.roster_file import load_roster
from tests.hw.card.office import CARD_NUMBER, ISSUER, Desk

PIN = b"2468"


class Watch:
    """A monotonic clock that a test turns."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def roster(card: str = "", *, has_left: bool = False) -> tuple[RosteredPerson, ...]:
    return (
        RosteredPerson("01", "yamada", kept_pin(PIN, os.urandom), card, has_left),
        RosteredPerson("02", "sato", kept_pin(b"13579", os.urandom)),
    )


def test_number_and_pin_name_a_clerk() -> None:
    sign_in = CounterSignIn(roster(), None, Watch())
    assert sign_in(bytearray(b"01" + PIN)) == "yamada"
    assert sign_in(bytearray(b"0213579")) == "sato"
    for typed in (b"", b"01", PIN, b"02" + PIN, b"03" + PIN, b"01" + PIN + b"0", b"\xff" * 10, b"0" * 40):
        assert CounterSignIn(roster(), None, Watch())(bytearray(typed)) is None


def test_whoever_has_left_opens_nothing_from_that_day() -> None:
    assert CounterSignIn(roster(has_left=True), None, Watch())(bytearray(b"01" + PIN)) is None


def test_after_some_wrong_ones_nobody_is_heard_for_a_while() -> None:
    watch = Watch()
    sign_in = CounterSignIn(roster(), None, watch)
    for _ in range(WRONG_IN_A_ROW):
        assert sign_in(bytearray(b"010000")) is None
    assert sign_in(bytearray(b"01" + PIN)) == Deaf(DEAF_S), "the right one is not called wrong"
    watch.now_s += DEAF_S / 4
    assert sign_in(bytearray(b"010000")) == Deaf(DEAF_S * 3 / 4)
    watch.now_s += DEAF_S
    assert sign_in(bytearray(b"01" + PIN)) == "yamada"


def test_the_cards_own_pin_opens_the_seat_and_a_residents_card_is_not_asked() -> None:
    desk = Desk()
    with desk.reader.session() as card:
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        card.set_pin(bytearray(b"424242"))
    sign_in = CounterSignIn(roster(CARD_NUMBER), desk.reader, Watch())
    assert sign_in(bytearray(b"424242")) == "yamada"
    assert sign_in(bytearray(b"424243")) is None
    residents = CounterSignIn(roster("JUKI000000000007"), desk.reader, Watch())
    before = attempts(desk)
    assert residents(bytearray(b"424242")) is None
    assert residents(bytearray(b"01" + PIN)) == "yamada"
    assert attempts(desk) == before


def attempts(desk: Desk) -> int:
    with desk.reader.session() as card:
        return card.pin_status().attempts_remaining


@pytest.mark.parametrize("pin", [b"123", b"123456789", b"12a4", b""])
def test_a_pin_has_four_to_eight_digits(pin: bytes) -> None:
    with pytest.raises(ValueError, match="four to eight digits"):
        kept_pin(pin, os.urandom)


@pytest.mark.parametrize(
    "line", ['number = "1"\nname = "a"\npin = "00$00"', 'number = "01"\nname = "a"\npin = "1234"', 'name = "a"']
)
def test_a_roster_that_nobody_could_use_is_refused_by_name(line: str, tmp_path: Path) -> None:
    path = tmp_path / "clerks.toml"
    path.write_text(f"[[clerk]]\n{line}\n")
    with pytest.raises(ConfigInvalid, match=r"clerks\.toml"):
        load_roster(path)


def test_the_shipped_roster_is_for_training_only() -> None:
    shipped = load_roster(Path(__file__).parent.parent.parent / "config" / "demo" / "clerks.toml")
    assert shipped.is_demo
    assert CounterSignIn(shipped.clerk, None, Watch())(bytearray(b"011234")) == "demo"
    assert CounterSignIn(shipped.technician, None, Watch())(bytearray(b"912468")) == "technician"


def test_a_clerk_and_a_technician_may_have_the_same_number_and_two_technicians_not(tmp_path: Path) -> None:
    path = tmp_path / "clerks.toml"
    entry = f'number = "01"\nname = "a"\npin = "{kept_pin(PIN, os.urandom)}"\n'
    path.write_text(f"[[clerk]]\n{entry}[[technician]]\n{entry}")
    assert len(load_roster(path).technician) == 1
    path.write_text(f"[[clerk]]\n{entry}" + 2 * f"[[technician]]\n{entry}")
    with pytest.raises(ConfigInvalid, match=r"technician\[1\]"):
        load_roster(path)

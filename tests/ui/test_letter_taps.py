"""Letters by a telephone's digits: what each tap makes, and the whole way by a keypad alone."""

import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from kiosk.ui.app import KioskApp
from kiosk.ui.letter_taps import LetterTaps, ring
from tests.ui.bots import RecordedVoice
from tests.ui.password_bytes import taps
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import ScriptedCounter
from tests.ui.walk import reach, until, walk_to

CAPITALS = string.ascii_uppercase + string.digits
BOTH = CAPITALS + string.ascii_lowercase


@pytest.mark.parametrize("characters", [CAPITALS, BOTH])
def test_every_allowed_character_has_one_place_on_one_digit(characters: str) -> None:
    assert sorted("".join(ring(digit, characters) for digit in string.digits)) == sorted(characters)


def test_the_ring_is_that_of_a_telephone() -> None:
    assert (ring("2", BOTH), ring("7", CAPITALS), ring("0", CAPITALS), ring("1", "23")) == ("ABCabc2", "PQRS7", "0", "")


def test_a_digit_goes_round_and_another_one_or_an_end_begins_the_next() -> None:
    letters = LetterTaps(CAPITALS)
    made = [letters.tap(digit) for digit in "22222"]
    assert made == [(ord("A"), False), *((ord(c), True) for c in "BC2A")]
    assert letters.tap("3") == (ord("D"), False)
    letters.end()
    assert letters.tap("3") == (ord("D"), False)
    assert [letters.tap("0"), letters.tap("0")] == [(ord("0"), False)] * 2, "there is nothing to go round"
    assert LetterTaps("23").tap("1") == (None, False)


@given(st.text(BOTH, min_size=1, max_size=16))
def test_any_password_can_be_tapped(password: str) -> None:
    letters, made = LetterTaps(BOTH), bytearray()
    for key in taps(password):
        if key == "+":
            letters.end()
            continue
        code, takes_place = letters.tap(key)
        assert code is not None
        made[len(made) - takes_place :] = bytes([code])
    assert made.decode() == password


def test_a_password_of_letters_is_chosen_and_compared_by_a_keypad_alone(play: Callable[..., KioskApp]) -> None:
    counter = ScriptedCounter()

    async def keypad(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "ChoosePassword")
        await pilot.press("*", "2", "2", "+", "2", "backspace", "2", "0", "0", "1", "enter")
        await until(pilot, lambda: "もう一度、同じパスワードを" in text_on(app), "the second time")
        await pilot.press("2", "2", "2", "2", "2", "2", "2", "2", "2", "+", "2", "0", "0", "1", "enter")
        await reach(pilot, "Agree")
        await pilot.press("enter")
        await until(pilot, lambda: bool(counter.script.password), "the password at the card")

    play(counter, keypad)
    assert counter.script.password == b"BA001"


def test_whoever_hears_hears_each_letter_and_whoever_has_silenced_the_voice_none(play: Callable[..., KioskApp]) -> None:
    voice = RecordedVoice()

    async def blind(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "ChoosePassword")
        await pilot.press("*")
        for key, heard in (("2", "大文字の A"), ("2", "大文字の B"), ("0", "数字の 0"), ("6", "大文字の M")):
            await pilot.press(key)
            await until(pilot, lambda heard=heard: voice.said[-1].startswith(heard), heard)
        app.screen.seat.is_spoken = False
        told = len(voice.said)
        await pilot.press("6", "3")
        await pilot.pause()
        assert len(voice.said) == told

    play(ScriptedCounter(), blind, voice=voice)

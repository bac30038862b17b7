"""The date of birth is typed without a trap: nothing that was typed goes by a key that was asked for."""

import datetime
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from kiosk.ui.app import KioskApp
from kiosk.ui.dates import eras
from kiosk.ui.resident.form import OtherEra, TypeBirthDate
from kiosk.ui.seat import Seat
from kiosk.ui.voice import sentences
from tests.ui.screen_host import ScreenHost, show, text_on
from tests.ui.scripted_counter import ScriptedCounter
from tests.ui.walk import reach, until

TODAY = datetime.date(2026, 7, 1)
SHOWA, WEST = (next(era for era in eras() if era.name == name) for name in ("showa", "west"))


def by_showa(seat: Seat) -> TypeBirthDate:
    return TypeBirthDate(seat, SHOWA, TODAY)


def test_the_key_that_the_screen_asks_for_asks_for_what_is_missing_and_takes_nothing(locale: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.press("enter")
        assert "年が まだ 入っていません" in host.text
        await pilot.press("3", "1", "enter", "enter")
        assert "月が まだ 入っていません" in host.text and "31年" in host.text
        await pilot.press("0", "5", "enter")
        assert "日が まだ 入っていません" in host.text and "31年　05月" in host.text
        await pilot.press("3", "enter")

    assert show(by_showa, locale, use) == [datetime.date(1956, 5, 3)]


def test_a_year_of_the_west_asks_for_the_month_as_well(locale: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.press(*"1956", "enter")
        assert "月が まだ 入っていません" in host.text
        await pilot.press("5", "enter", "3", "enter")

    assert show(lambda seat: TypeBirthDate(seat, WEST, TODAY), locale, use) == [datetime.date(1956, 5, 3)]


def test_erasing_what_is_empty_leads_back_to_the_era(locale: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.press("3", "1", "5", "backspace", "backspace", "backspace")
        assert "＿年" in host.text
        await pilot.press("backspace")

    assert show(by_showa, locale, use) == [OtherEra.OTHER_ERA]


def test_another_era_is_one_key_away_by_touch_keypad_and_ear(locale: Path) -> None:
    async def touch(pilot: Pilot[None], host: ScreenHost) -> None:
        assert "*を押すと、年号を選びなおす" in [
            said.text.rstrip("。") for said in sentences(host.screen, host.seat.words)
        ]
        await pilot.press("3", "1")
        await pilot.click("#other-era")

    async def keypad(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.press("3", "1", "*")

    assert show(by_showa, locale, touch) == show(by_showa, locale, keypad) == [OtherEra.OTHER_ERA]


def test_an_era_chosen_by_mistake_is_chosen_again(play: Callable[..., KioskApp]) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        for screen, keys in (
            ("Start", ("enter",)),
            ("Guide", ("enter",)),
            ("ChooseApplication", ("0",)),
        ):
            await reach(pilot, screen)
            await pilot.press(*keys)
        for reading in ("saitou", "kiyoshi"):
            await reach(pilot, "TypeKana")
            await pilot.press(*reading, "enter")
            await until(pilot, lambda: type(app.screen).__name__ != "TypeKana", "what comes after a reading")
            if type(app.screen).__name__ == "ChooseOne":
                await pilot.press("1")
        await reach(pilot, "ChooseEra")
        await pilot.press("4")
        await reach(pilot, "TypeBirthDate")
        await pilot.press("backspace")
        await reach(pilot, "ChooseEra")
        await pilot.press("2")
        await reach(pilot, "TypeBirthDate")
        assert "昭和" in text_on(app)

    play(ScriptedCounter(), resident)

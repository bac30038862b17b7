"""Every text of what the counter does besides issuing fits its place; the resident has keys and words for his part."""

from collections.abc import Callable
from itertools import product

import pytest
from textual.pilot import Pilot

from kiosk.ui.app import KioskApp
from kiosk.ui.voice import sentences
from kiosk.ui.widgets.keyboard import KeyCap
from tests.sweep import rows
from tests.ui.fit import Tour, flaws_on_tour
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import Script, ScriptedCounter, a_left_case
from tests.ui.service_tour import change, decisions, second_password, services, wish
from tests.ui.walk import LARGE, SMALL, USUAL, Shoot, reach


# Each screen alone stands in every language at every size elsewhere.
@pytest.mark.parametrize(("language", "size"), rows([("en", SMALL), ("ja", USUAL), ("ja", LARGE)], suite=[0]))
@pytest.mark.parametrize("tour", [services, decisions])
def test_every_text_fits(tour: Tour, language: str, size: tuple[int, int], play: Callable[..., KioskApp]) -> None:
    counter = ScriptedCounter()
    if tour is decisions:
        a_left_case(counter)
    flaws = flaws_on_tour(play, tour, counter, language, size)
    assert not flaws, "\n".join(flaws)


@pytest.mark.parametrize(("layout", "size"), rows([("2", SMALL), ("3", USUAL)], suite=[0]))
def test_the_residents_part_fits_in_easy_japanese_and_every_arrangement(
    layout: str, size: tuple[int, int], play: Callable[..., KioskApp]
) -> None:
    said: dict[str, str] = {}

    def hear(app: KioskApp, name: str) -> tuple[str, ...]:
        said[name] = " ".join(sentence.text for sentence in sentences(app.screen, app.screen.words))
        return ()

    async def tour(pilot: Pilot[None], visit: Shoot) -> None:
        await _arrange(pilot, layout)
        await change(pilot, visit)
        await _arrange(pilot, layout)
        await wish(pilot, visit)

    flaws = flaws_on_tour(play, tour, ScriptedCounter(), size=size, look=hear)
    assert not flaws, "\n".join(flaws)
    assert "パスワードを かえる" in said["services"] and "しょうめいしょを やめる" in said["services"]
    assert "今の パスワード" in said["old-password"]
    assert "なくした・しられた" in said["wish"]
    assert all(said.values())


@pytest.mark.parametrize(
    ("language", "size"), rows(product(["ja", "en", "ja@easy"], [SMALL, USUAL, LARGE]), suite=[0, 4, 8])
)
def test_the_second_password_is_asked_for_in_its_own_words_and_by_digits(
    language: str, size: tuple[int, int], play: Callable[..., KioskApp]
) -> None:
    seen: dict[str, str] = {}

    def look(app: KioskApp, name: str) -> tuple[str, ...]:
        seen[name] = text_on(app.screen)
        if name != "which-password":
            keys = {cap.render().plain.partition("\n")[0] for cap in app.screen.query(KeyCap)}
            assert {key for key in keys if len(key) == 1 and key.isascii()} == set("0123456789")
        return ()

    counter = ScriptedCounter(Script(has_two_passwords=True))
    flaws = flaws_on_tour(play, second_password, counter, language, size, look)
    assert not flaws, "\n".join(flaws)
    if language == "ja":
        assert "ロックされています" in seen["which-password"] and "あと5回まで" in seen["which-password"]
        assert "利用者証明用" in seen["old-pin"] and "利用者証明用" in seen["new-pin"]


async def _arrange(pilot: Pilot[None], layout: str) -> None:
    """Easy Japanese, usual colours, an arrangement."""
    await reach(pilot, "Start")
    await pilot.press("4")
    for answer in ("2", "1", layout):
        await reach(pilot, "Comfort")
        await pilot.press(answer)
        await pilot.pause()
    await reach(pilot, "Start")

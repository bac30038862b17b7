"""The resident's screens: language and look keep the place, passwords stay secret, no dead end."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from hw.ports import PinPolicy
from kiosk.model.step import Step
from kiosk.ui.app import KioskApp
from kiosk.ui.picture import CELL_HEIGHT, CELL_WIDTH, picture
from kiosk.ui.themes import THEMES
from kiosk.ui.widgets.keyboard import KeyCap
from kiosk.ui.widgets.paragraph import Paragraph
from tests.ui.scripted_counter import Script, ScriptedCounter
from tests.ui.walk import reach, until, walk_to

PASSWORD_ONLY = frozenset(Step) - {Step.GENERATE_KEY}

Play = Callable[[Pilot[None], KioskApp], Awaitable[None]]


def play(counter: ScriptedCounter, what: Play, locale: Path) -> None:
    async def session() -> None:
        app = KioskApp(counter, issue=counter.issue, locale=locale)
        async with app.run_test(size=(100, 30)) as pilot:
            await what(pilot, app)

    asyncio.run(session())


def text_on(app: KioskApp) -> str:
    return "\n".join(str(widget.render()) for widget in app.screen.query(Paragraph))


async def reach_password(pilot: Pilot[None]) -> None:
    await walk_to(pilot, "ConfirmItems")
    await pilot.press("enter")
    await reach(pilot, "ChoosePassword")


def test_changing_the_language_keeps_the_place_and_what_was_typed(locale: Path) -> None:
    counter = ScriptedCounter(Script(skip=PASSWORD_ONLY))

    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("e")
        await until(pilot, lambda: "Get a digital certificate" in text_on(app), "English")
        await pilot.press("E")
        await until(pilot, lambda: "電子証明書の発行" in text_on(app), "日本語")
        await walk_to(pilot, "ConfirmItems")
        await pilot.press("enter")
        await reach(pilot, "ChoosePassword")
        await pilot.press("e", "E", "0", "f2", "1", "enter")
        await until(pilot, lambda: "once more" in text_on(app), "the second typing in English")
        await pilot.press("e", "E", "0", "1", "enter")
        await reach(pilot, "Finish")
        assert "All done" in text_on(app)
        await pilot.press("enter")
        await reach(pilot, "Start")
        await until(pilot, lambda: "電子証明書の発行" in text_on(app), "the next resident's language")

    play(counter, resident, locale)
    assert counter.script.password == b"eE01"


def test_two_different_passwords_begin_anew(locale: Path) -> None:
    counter = ScriptedCounter(Script(skip=PASSWORD_ONLY))

    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await reach_password(pilot)
        await pilot.press("A", "B", "enter")
        assert "文字が 足りません" in text_on(app)
        await pilot.press("C", "?")
        assert "この文字は 使えません" in text_on(app)
        await pilot.press("D", "enter", *"ABCX", "enter")
        assert "カードには 何も起きていません" in text_on(app)
        await pilot.press(*"WXY", "backspace", "Z", "9", "enter", *"WXZ9", "enter")
        await reach(pilot, "Finish")

    play(counter, resident, locale)
    assert counter.script.password == b"WXZ9"


def test_typing_a_password_leaves_no_trace_on_any_screen(locale: Path) -> None:
    counter = ScriptedCounter(Script(skip=PASSWORD_ONLY))

    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await reach_password(pilot)
        focused = app.focused
        caps = list(app.screen.query(KeyCap))
        before = [(cap.styles.background, cap.styles.color, cap.styles.border) for cap in caps]
        for cap in caps[:4]:
            await pilot.click(cap)
        assert app.focused is focused
        assert [(cap.styles.background, cap.styles.color, cap.styles.border) for cap in caps] == before
        await pilot.press(*"Qx7")
        assert "● ● ● ● ● ● ●" in text_on(app)
        for screen in app.screen_stack:
            for node in screen.walk_children(with_self=True):
                held = [repr(node), *(str(value) for value in vars(node).values() if isinstance(value, str | bytes))]
                assert not [text for text in held if "Qx7" in text or "ABCDQ" in text]
        await pilot.press("f11")
        await reach(pilot, "Desk")
        assert "●" not in text_on(app), "the clerk does not see how long it is"

    play(counter, resident, locale)


def test_the_policy_says_what_can_be_typed(locale: Path) -> None:
    counter = ScriptedCounter(Script(skip=PASSWORD_ONLY, policy=PinPolicy(4, 4, "ABC123")))

    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await reach_password(pilot)
        await pilot.press(*"azC81b3", "enter", *"AC1B", "enter")
        await reach(pilot, "Finish")

    play(counter, resident, locale)
    assert counter.script.password == b"AC1B"


def test_the_cards_password_is_asked_for_with_the_tries_left(locale: Path) -> None:
    counter = ScriptedCounter(Script(skip=frozenset(Step) - {Step.READ_BACK}, ask_password_again=True))

    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "ConfirmItems")
        await pilot.press("enter")
        await reach(pilot, "EnterPassword")
        assert "あと4回" in text_on(app)
        await pilot.press(*"AB01", "enter")
        await reach(pilot, "Finish")

    play(counter, resident, locale)
    assert counter.script.password == b"AB01"


def test_a_tap_beside_the_keys_keeps_the_keyboard_working(locale: Path) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.click(offset=(2, 8))
        await pilot.press("enter")
        await reach(pilot, "Guide")
        await pilot.press("tab", "tab", "shift+tab", "right", "left")
        assert app.focused is not None

    play(ScriptedCounter(), resident, locale)


def test_forms_turn_both_ways_and_around(locale: Path) -> None:
    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "ChooseApplication")
        await pilot.press("pageup")
        await until(pilot, lambda: len(app.screen.query("#forms Key")) == 5, "the last five")
        await pilot.press("pagedown")
        await until(pilot, lambda: len(app.screen.query("#forms Key")) == 6, "the first six")
        await pilot.press("1")
        await reach(pilot, "ConfirmItems")
        await pilot.click("#no")
        await reach(pilot, "ChooseApplication")

    play(ScriptedCounter(), resident, locale)


def test_markup_and_control_characters_in_data_are_inert(locale: Path) -> None:
    paragraph = Paragraph("[red]a[/] \x1b[2J\u202e")
    assert str(paragraph.render()) == "[red]a[/] \ufffd[2J\ufffd"


def test_a_picture_shows_every_look_at_its_size(locale: Path, tmp_path: Path) -> None:
    from PIL import Image

    async def resident(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        for theme in THEMES:
            assert app.theme == theme.name
            path = tmp_path / f"{theme.name}.png"
            picture(app, path)
            with Image.open(path) as image:
                assert image.size == (100 * CELL_WIDTH, 30 * CELL_HEIGHT)
                colours = image.convert("RGB").getcolors(1 << 20)
                assert colours is not None and len(colours) > 10, "glyphs are drawn smoothly"
            await pilot.press("f3")
            await pilot.pause()

    play(ScriptedCounter(), resident, locale)

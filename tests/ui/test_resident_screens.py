"""The resident's screens, one at a time: what they show, what they take, what they answer."""

import datetime
from pathlib import Path

import pytest
from PIL import Image
from textual.pilot import Pilot

from hw.ports import PinPolicy
from kiosk.model.application import Application
from kiosk.ui.board import Board
from kiosk.ui.card_services import OwnCertificate
from kiosk.ui.case import OpenCase
from kiosk.ui.persons import ChangeDue, FeeDue
from kiosk.ui.picture import CELL_HEIGHT, CELL_WIDTH, picture
from kiosk.ui.resident.application import ChooseApplication, ConfirmItems
from kiosk.ui.resident.own import ShowCertificate
from kiosk.ui.resident.password import ChoosePassword, EnterPassword
from kiosk.ui.resident.start import Start
from kiosk.ui.resident.wait import FeeNotice
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import Stop
from kiosk.ui.themes import THEMES
from kiosk.ui.widgets.keyboard import KeyCap
from kiosk.ui.widgets.paragraph import Paragraph
from tests.ui.screen_host import ScreenHost, show
from tests.ui.scripted_counter import LETTERS, NAMES, resident
from tests.ui.walk import until

POLICY = PinPolicy(4, 16, LETTERS)
RESIDENTS = [resident(number) for number in range(len(NAMES))]


def choose_password(seat: Seat) -> ChoosePassword:
    return ChoosePassword(seat, 3, POLICY)


def test_two_different_passwords_begin_anew(locale: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.press("A", "B", "enter")
        assert "文字が 足りません" in host.text
        await pilot.press("C", "?")
        assert "この文字は 使えません" in host.text
        await pilot.press("E", "enter", *"ABCX", "enter")
        assert "1回目と 2回目が 違いました" in host.text
        await pilot.press(*"WXY", "backspace", "Z", "9", "enter", *"WXZ9", "enter")

    assert show(choose_password, locale, use) == [b"WXZ9"]


def test_what_anybody_would_try_first_is_not_taken(locale: Path) -> None:
    born = resident(0).items.birth_date

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        for typed in ("1234", f"{born:%m%d}", f"S{born.year - 1925}{born:%m%d}"):
            await pilot.press(*typed, "enter")
            assert "あてられやすい" in host.text and "もう一度、同じ" not in host.text
        await pilot.press(*"WXZ9", "enter", *"WXZ9", "enter")

    assert show(lambda seat: ChoosePassword(seat, 3, POLICY, birth_date=born), locale, use) == [b"WXZ9"]


def test_changing_the_language_keeps_what_was_typed(locale: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.press("e", "E", "0", "f2", "1", "enter")
        assert "once more" in host.text
        await pilot.press("e", "E", "0", "1", "enter")

    assert show(choose_password, locale, use) == [b"eE01"]


def test_typing_a_password_leaves_no_trace_on_the_screen(locale: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        focused = host.focused
        caps = list(host.screen.query(KeyCap))
        before = [(cap.styles.background, cap.styles.color, cap.styles.border) for cap in caps]
        for cap in caps[:4]:
            await pilot.click(cap)
        assert host.focused is focused
        assert [(cap.styles.background, cap.styles.color, cap.styles.border) for cap in caps] == before
        await pilot.press(*"Qx7")
        assert "● ● ● ● ● ● ●" in host.text
        for node in host.screen.walk_children(with_self=True):
            held = [repr(node), *(str(value) for value in vars(node).values() if isinstance(value, str | bytes))]
            assert not [text for text in held if "Qx7" in text or "ABCDQ" in text]

    assert show(choose_password, locale, use) == []


def test_the_policy_says_what_can_be_typed(locale: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.press(*"azC81b3", "enter", *"AC1B", "enter")

    policy = PinPolicy(4, 4, "ABC123")
    assert show(lambda seat: ChoosePassword(seat, 3, policy), locale, use) == [b"AC1B"]


def test_the_cards_password_is_asked_for_with_the_tries_left(locale: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        assert "あと4回" in host.text
        await pilot.press(*"AB01", "enter")

    assert show(lambda seat: EnterPassword(seat, 3, POLICY, 4), locale, use) == [b"AB01"]


def test_stopping_asks_back_keeps_what_was_typed_and_wipes_it_in_the_end(locale: Path) -> None:
    screens: list[ChoosePassword] = []

    def make(seat: Seat) -> ChoosePassword:
        screens.append(choose_password(seat))
        return screens[0]

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.press(*"AB01", "enter", "A", "escape", "escape", "B")
        screen = screens[0]
        assert len(screen._typed) == 2
        await pilot.press("escape", "left", "enter")
        await until(pilot, lambda: not screen.is_attached, "the end of the screen")
        assert screen._first is not None
        assert not any(screen._first._buffer) and not any(screen._typed._buffer)

    assert show(make, locale, use) == [Stop.STOP]


def test_forms_turn_both_ways_and_around(locale: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.press("pageup")
        await until(pilot, lambda: len(host.screen.query("#forms Key")) == 5, "the last five")
        await pilot.press("pagedown")
        await until(pilot, lambda: len(host.screen.query("#forms Key")) == 6, "the first six")
        await pilot.press("right", "enter")

    assert show(lambda seat: ChooseApplication(seat, RESIDENTS), locale, use) == [RESIDENTS[1]]


def test_a_tap_beside_the_keys_keeps_the_keyboard_working(locale: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.click(offset=(2, 8))
        await pilot.press("tab", "shift+tab", "enter")

    assert show(lambda seat: ConfirmItems(seat, RESIDENTS[0]), locale, use) == [True]


def test_markup_and_control_characters_in_data_are_inert() -> None:
    paragraph = Paragraph("[red]a[/] \x1b[2J\u202e")
    assert str(paragraph.render()) == "[red]a[/] \ufffd[2J\ufffd"


def test_a_picture_shows_every_look_at_its_size(locale: Path, tmp_path: Path) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        for theme in THEMES:
            assert host.theme == theme.name
            picture(host, tmp_path / "picture.png")
            with Image.open(tmp_path / "picture.png") as image:
                assert image.size == (100 * CELL_WIDTH, 30 * CELL_HEIGHT)
                colours = image.convert("RGB").getcolors(1 << 20)
                assert colours is not None and len(colours) > 10, "glyphs are drawn smoothly"
            await pilot.press("f3")
            await pilot.pause()

    show(lambda seat: Start(seat, 500), locale, use)


def test_coins_that_have_fallen_are_told_and_what_is_missing(locale: Path) -> None:
    case = OpenCase(Application("2026-0001", "1"), resident(0), Board().bell)

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        assert "いただきました" not in host.text
        for news, told in (
            (FeeDue(500), ""),
            (FeeDue(400), "100円 いただきました。あと 400円です。"),
            (None, "100円 いただきました。あと 400円です。"),
            (ChangeDue(0), "お支払いが すみました"),
        ):
            case.clerk_asked = news
            assert isinstance(host.screen, FeeNotice)
            host.screen.follow()
            assert told in host.text and ("いただきました" in host.text or "すみました" in host.text) is bool(told)

    assert show(lambda seat: FeeNotice(seat, case, 7, 500), locale, use) == []


def test_whose_certificate_it_is_is_covered_after_a_while(locale: Path) -> None:
    day = datetime.date(2029, 11, 22)
    own = OwnCertificate("幌延　花子", "北海道天塩郡幌延町", day, day, "0A1B", "good")

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        assert isinstance(host.screen, ShowCertificate) and "幌延　花子" in host.text
        await host.screen.cover()
        assert "花子" not in host.text and "天塩" not in host.text and "0A1B" in host.text
        await pilot.press("3")
        await until(pilot, lambda: "幌延　花子" in host.text, "the name")
        await pilot.press("enter")

    assert show(lambda seat: ShowCertificate(seat, own), locale, use) == [False]


@pytest.mark.parametrize(("attempts", "told"), [(2, "あと2回まで"), (1, "違うと、ロックされて")])
def test_before_the_last_try_it_is_said_what_comes_of_a_wrong_one(locale: Path, attempts: int, told: str) -> None:
    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        assert told in host.text
        await pilot.press(*"ABCD", "enter")

    assert show(lambda seat: EnterPassword(seat, 3, POLICY, attempts), locale, use) == [b"ABCD"]

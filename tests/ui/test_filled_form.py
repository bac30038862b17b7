"""A form of one's own: typed, handed in, taken or sent back by the clerk; the register is not told at the terminal."""

import re
from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from kiosk.model.resident import Resident
from kiosk.ui.app import KioskApp
from kiosk.ui.writings import Writings
from tests.ui.contact_sheet import fill_in, type_form
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import ScriptedCounter, resident
from tests.ui.walk import go, reach, unseen, until, walk_to


def test_a_typed_form_is_sent_back_put_right_and_taken(play: Callable[..., KioskApp]) -> None:
    seen: list[str] = []

    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        async def look(name: str) -> None:
            if name == "form-again":
                seen.append(text_on(app))

        await fill_in(pilot, look)

    board = play(ScriptedCounter(), people).board
    assert board.case is not None and board.case.resident == resident(1)
    assert "★ 昭和28年5月1日" in seen[0], "what to look at"
    assert "28年5月3日" not in seen[0], "what the register says stays at the window"


def test_whoever_sees_at_the_writings_that_he_typed_another_reading_goes_back_to_it(
    play: Callable[..., KioskApp],
) -> None:
    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "ChooseApplication")
        await go(pilot, ("0", "TypeKana"))
        await pilot.press(*"tarou", "enter")
        await until(pilot, lambda: "「たろう」は" in text_on(app), "the writings of another reading")
        await go(pilot, ("*", "TypeKana"))
        assert "たろう" in text_on(app), "what was typed is still there"
        await pilot.press(*["backspace"] * 3, *"saitou", "enter")
        await until(pilot, lambda: "「さいとう」は" in text_on(app), "the writings of the right one")

    play(ScriptedCounter(), people)


def test_a_stranger_is_spoken_to_and_nothing_begins(play: Callable[..., KioskApp]) -> None:
    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await walk_to(pilot, "ChooseApplication")
        await pilot.press("0")
        await type_form(pilot, unseen, day="3", family="11")
        await reach(pilot, "ConfirmForm")
        await go(pilot, ("enter", "AtReception"), ("f11", "CompareForm"))
        await until(pilot, lambda: "違うところ" in text_on(app) or "見つかりません" in text_on(app), "the verdict")
        await pilot.press("5")
        await pilot.pause()
        assert type(app.screen).__name__ == "CompareForm", "it cannot be taken"
        await go(pilot, ("3", "Desk"), ("f10", "Consult"))

    board = play(ScriptedCounter(), people).board
    assert board.case is None and board.submitted is None


class HeldCode:
    """`kiosk.ui.papers.CodeReader` before which one printed form is held, after a code that is no form's."""

    def __init__(self) -> None:
        self.codes = ["2026-0001-AAAAAAAA", "2026-0001-GOODCODE"]

    def read(self, is_wanted: Callable[[], bool]) -> str | None:
        return self.codes.pop(0) if self.codes else None

    def resident_of(self, code: str) -> Resident | None:
        return resident(2) if code.endswith("GOODCODE") else None


@pytest.mark.parametrize("is_demo", [True, False])
def test_a_printed_form_is_scanned(
    is_demo: bool, play: Callable[..., KioskApp], monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = ScriptedCounter()
    monkeypatch.setattr(counter, "code_reader", HeldCode)
    if not is_demo:
        monkeypatch.setattr(counter, "simulated_card", lambda: None)

    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await go(pilot, ("enter", "Guide"), ("enter", "ConfirmItems"))
        assert "斎藤　清" in text_on(app)
        await pilot.press("enter")
        await reach(pilot, "HandleCard")

    board = play(counter, people).board
    assert board.case is not None and board.case.resident == resident(2)


class Listener:
    """A voice that is listened to, by somebody who sees nothing."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def digit_of(self, what: str) -> str:
        """The digit that was spoken of for this."""
        found = re.findall(rf"(\d)(?:を押すと、)?{re.escape(what)}", self.said[-1])
        assert found, f"{what} was not spoken of: {self.said[-1]}"
        return str(found[-1])


def test_a_form_is_filled_in_by_what_is_spoken_alone(play: Callable[..., KioskApp]) -> None:
    listener = Listener()

    async def blind(pilot: Pilot[None], app: KioskApp) -> None:
        async def heard(text: str) -> None:
            await until(pilot, lambda: text in listener.said[-1], text)

        async def choose(what: str, after: str) -> None:
            await pilot.press(listener.digit_of(what))
            await heard(after)

        await heard("はじめる")
        await pilot.press("enter")
        await heard("はじめる前に")
        await pilot.press("enter")
        await heard("申請書を")
        await choose("ここで入力する", "みょうじ")
        for row, kana, so_far in (
            ("さ", "さ", "さ"),
            ("あ", "い", "さい"),
            ("た", "と", "さいと"),
            ("あ", "う", "さいとう"),
        ):
            await choose(row, "字を 選びます")
            await choose(kana, so_far)
        await pilot.press("enter")
        if Writings().is_there:
            await heard("「さいとう」は どう書きますか")
            await choose("斎藤", "（名）の")
        await heard("（名）の")
        await pilot.press(*"kiyoshi", "enter")
        if Writings().is_there:
            await heard("「きよし」は どう書きますか")
            await pilot.press(listener.digit_of("清"))
        await heard("年号を")
        await choose("昭和", "年を 入れて")
        await pilot.press(*"31")
        await heard("月を 入れて")
        await pilot.press("5", "enter", "3", "enter")
        await heard("性別を")
        await choose("女", "町名を")
        await choose("宮園町", "番地を")
        await pilot.press("3", "*", "1", "enter")
        await heard("これで よろしいですか")
        assert "さいとう　きよし" in listener.said[-1] and "昭和31年5月3日" in listener.said[-1]
        await pilot.press("enter")
        await heard("申請書を 確かめています")

    board = play(ScriptedCounter(), blind, voice=listener).board
    assert board.submitted is not None and board.submitted.form.address.endswith("宮園町３番地１")

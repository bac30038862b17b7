"""What a person who does not see is told: what is new on a screen first, and whatever stands in place of its keys."""

from collections.abc import Callable

from textual.pilot import Pilot

from kiosk.model.step import Step
from kiosk.ui.app import KioskApp
from tests.ui.bots import RecordedVoice
from tests.ui.conftest import PATIENCE
from tests.ui.scripted_counter import Script, ScriptedCounter
from tests.ui.test_frame import pass_time
from tests.ui.test_trouble import BEFORE_PASSWORD, apply
from tests.ui.walk import HandClock, go, leave, reach, until, walk_to


def test_whoever_chooses_a_password_hears_how_much_he_typed_and_what_is_wrong_with_it(
    play: Callable[..., KioskApp],
) -> None:
    voice = RecordedVoice()

    async def blind(pilot: Pilot[None], app: KioskApp) -> None:
        async def press_and_hear(keys: str, told: str) -> None:
            await pilot.press(*keys, "enter")
            await until(pilot, lambda: told in voice.said[-1], told)

        await walk_to(pilot, "ChoosePassword")
        await pilot.press("A")
        await until(pilot, lambda: voice.said[-1].startswith("あと3文字"), "how many are missing")
        await press_and_hear("", "文字が 足りません")
        await press_and_hear("AAA", "あてられやすい")
        await press_and_hear("AB01", "もう一度、同じパスワードを")
        await press_and_hear("AB02", "1回目と 2回目が 違いました")
        await press_and_hear("AB01", "もう一度、同じパスワードを")

    play(ScriptedCounter(), blind, voice=voice)


def test_what_is_typed_is_taken_aloud_and_never_told(play: Callable[..., KioskApp]) -> None:
    def said_of(password: str) -> list[str]:
        voice = RecordedVoice()

        async def blind(pilot: Pilot[None], app: KioskApp) -> None:
            await walk_to(pilot, "ChoosePassword")
            before = len(voice.said)
            for number, key in enumerate((*password, "é", "é", "backspace"), 1):
                await pilot.press(key)
                await until(pilot, lambda number=number: len(voice.said) == before + number, f"a word to key {number}")
                app.board.bell.ring()
                await pilot.pause()
                assert len(voice.said) == before + number, "what happens elsewhere repeats nothing"
            del voice.said[:before]
            # What follows has its own texts.
            heard.extend(voice.said)

        heard: list[str] = []
        play(ScriptedCounter(), blind, voice=voice)
        return heard

    assert said_of("QX07") == said_of("WZ18")


def test_questions_in_place_of_the_keys_are_spoken_and_so_is_the_way_back(play: Callable[..., KioskApp]) -> None:
    voice, clock = RecordedVoice(), HandClock()

    async def blind(pilot: Pilot[None], app: KioskApp) -> None:
        async def hear(text: str) -> None:
            await until(pilot, lambda: voice.said[-1].startswith(text), text)

        await walk_to(pilot, "ConfirmItems")
        await pilot.press("escape")
        await hear("ここで やめますか")
        assert "F8を押すと、" in voice.said[-1] and "Escを押すと、" in voice.said[-1]
        await pilot.press("escape")
        await hear("Escを押すと、やめる")
        assert "F8を押すと、" not in voice.said[-1]
        await pass_time(app, clock, PATIENCE.idle_s)
        await hear("まだ")
        said = len(voice.said)
        await pass_time(app, clock, 1)
        app.board.bell.ring()
        await pilot.pause()
        assert len(voice.said) == said, "the seconds are not counted down aloud"

    play(ScriptedCounter(), blind, voice=voice, patience=PATIENCE, now=clock)


def test_what_the_certificate_is_good_for_is_found_by_digits_and_spoken(play: Callable[..., KioskApp]) -> None:
    voice = RecordedVoice()

    async def blind(pilot: Pilot[None], app: KioskApp) -> None:
        async def hear(text: str) -> None:
            await until(pilot, lambda: text in voice.said[-1], text)

        await reach(pilot, "Start")
        await go(pilot, ("3", "Topic"))
        await pilot.press("enter")
        await go(pilot, ("enter", "Uses"))
        await hear("4を押すと、役場")
        await pilot.press("3")
        await hear("探しています：税")
        assert "所得税の確定申告" in voice.said[-1] and "登記" not in voice.said[-1].partition("を押すと")[0]
        await pilot.press(*"nenkin")
        await hear("探しています：nenkin")
        assert "年金" in voice.said[-1].partition("を押すと")[0]

    play(ScriptedCounter(), blind, voice=voice)


def test_who_needs_no_voice_silences_it_for_himself_alone(play: Callable[..., KioskApp]) -> None:
    voice = RecordedVoice()

    async def sighted(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("4")
        for answer in ("1", "1", "1"):
            await reach(pilot, "Comfort")
            await pilot.press(answer)
            await pilot.pause()
        await until(pilot, lambda: "読み上げない" in voice.said[-1], "the question")
        await pilot.press("2")
        await reach(pilot, "Start")
        assert voice.said[-1] == "読み上げを 止めました。"
        await walk_to(pilot, "ChooseApplication")
        assert voice.said[-1] == "読み上げを 止めました。", "nothing more is read to him"

    play(ScriptedCounter(), sighted, voice=voice)


def test_the_next_one_is_read_to_though_the_last_silenced_the_voice_and_walked_off(
    play: Callable[..., KioskApp],
) -> None:
    voice, clock = RecordedVoice(), HandClock()

    async def walks_off(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.press("4")
        for answer in ("1", "1", "1", "2"):
            await reach(pilot, "Comfort")
            await pilot.press(answer)
            await pilot.pause()
        await reach(pilot, "Start")
        before = len(voice.said)
        await pass_time(app, clock, 91)
        await until(pilot, lambda: len(voice.said) > before, "the first screen, read out again")

    play(ScriptedCounter(), walks_off, voice=voice, patience=PATIENCE, now=clock)


def test_whoever_does_not_see_hears_that_the_terminal_is_out_of_service(play: Callable[..., KioskApp]) -> None:
    voice = RecordedVoice()
    counter = ScriptedCounter(Script(skip=BEFORE_PASSWORD | {Step.GENERATE_KEY}, defect=ValueError("幌延　太郎")))

    async def blind(pilot: Pilot[None], app: KioskApp) -> None:
        await apply(pilot)
        await until(pilot, lambda: bool(app.fault) and type(app.screen).__name__ == "Outage", "the outage")
        assert voice.said[-1].startswith("ただいま ご利用いただけません") and "窓口の職員に" in voice.said[-1]
        await pilot.press("enter")
        await leave(app)

    play(counter, blind, voice=voice)


def test_whoever_does_not_see_hears_that_the_terminal_is_too_small(play: Callable[..., KioskApp]) -> None:
    voice = RecordedVoice()

    async def blind(pilot: Pilot[None], app: KioskApp) -> None:
        await reach(pilot, "Start")
        await pilot.resize_terminal(20, 10)
        await until(pilot, lambda: "この画面は 狭すぎます" in voice.said[-1], "the notice")

    play(ScriptedCounter(), blind, voice=voice)

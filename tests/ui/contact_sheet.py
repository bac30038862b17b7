"""Pictures of every screen in every language and look: `python -m tests.ui.contact_sheet OUTDIR [SCENE]`.

For the eye: nothing here decides whether a test passes.
"""

import argparse
import itertools
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from textual.pilot import Pilot

from hw.ports import PinPolicy, UnownedMoney
from kiosk.model.step import Step
from kiosk.ui.app import KioskApp
from kiosk.ui.devices import DeviceState
from kiosk.ui.idle import Patience
from kiosk.ui.picture import picture
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.technician.menu import LETTERS, View
from kiosk.ui.words import LANGUAGES
from tests.ui import walk as ways
from tests.ui.conftest import compile_catalogues
from tests.ui.rare_tour import (
    looked_at_by_two,
    one_attempt_left,
    other_duties,
    own_trouble,
    suspect_cases,
    suspect_script,
    unusual_case,
    unusual_script,
)
from tests.ui.screen_host import text_on
from tests.ui.scripted_counter import Script, ScriptedCoins, ScriptedCounter, a_left_case
from tests.ui.service_tour import decisions, second_password, services
from tests.ui.walk import (
    LARGE,
    SMALL,
    USUAL,
    Shoot,
    by_keyboard,
    choose_duty,
    find_resident,
    go,
    reach,
    take_up_duty,
    until,
    walk,
    walk_to,
)


@dataclass(frozen=True)
class Scene:
    """A script, a size, and what is pressed between the pictures; `screen` is waited for before each."""

    name: str
    play: Callable[[Pilot[None], Shoot], Awaitable[None]]
    script: Callable[[], Script] = Script
    size: tuple[int, int] = USUAL
    fails_to_open: str = ""
    languages: tuple[str, ...] = field(default=LANGUAGES)
    prepare: Callable[[ScriptedCounter], None] = lambda counter: None


async def _whole_way(pilot: Pilot[None], shoot: Shoot) -> None:
    await walk(pilot, by_keyboard, shoot)


async def _stop_question(pilot: Pilot[None], shoot: Shoot) -> None:
    await walk_to(pilot, "come-to-window")
    await pilot.press("escape")
    await shoot("stop-question")
    await pilot.press("left", "enter")
    await reach(pilot, "TroubleNotice")
    await shoot("stopped")
    await pilot.press("f11")
    await reach(pilot, "Desk")
    await shoot("desk-after-stop")
    await pilot.press("f12")
    await reach(pilot, "Bench")
    await pilot.press("escape")
    await shoot("leave-question")


async def _password(pilot: Pilot[None], shoot: Shoot) -> None:
    await walk_to(pilot, "ChoosePassword")
    await pilot.press("A", "b", "1")
    await shoot("password-too-short")
    await pilot.press("2", "enter", "A", "b", "1", "3", "enter")
    await shoot("password-differs")
    await pilot.press(*"1234", "enter")
    await shoot("password-guessable")


async def _password_of_other_kinds(pilot: Pilot[None], shoot: Shoot) -> None:
    await walk_to(pilot, "ChoosePassword")
    await shoot("password-digits")


async def _refused(pilot: Pilot[None], shoot: Shoot) -> None:
    await walk_to(pilot, "insert-card")
    await pilot.press("enter")
    await reach(pilot, "TroubleNotice")
    await shoot("refused")


async def _at_work(pilot: Pilot[None], shoot: Shoot) -> None:
    await walk_to(pilot, "password-again")
    await pilot.press(*"AB01", "enter")
    await reach(pilot, "KeyGeneration")
    await shoot("key-generation")


async def _work(pilot: Pilot[None], shoot: Shoot) -> None:
    await walk_to(pilot, "password-again")
    await pilot.press(*"AB01", "enter")
    await reach(pilot, "AtStationWork")
    await shoot("at-work")


async def _paper(pilot: Pilot[None], shoot: Shoot) -> None:
    await walk_to(pilot, "take-card")
    await pilot.press("enter", "f11")
    await reach(pilot, "LookAtPaper")
    await shoot("look-at-paper")


async def beside(pilot: Pilot[None], shoot: Shoot) -> None:
    """What a resident can do besides having a certificate issued."""
    await reach(pilot, "Start")
    await pilot.press("3")
    for name in ("what", "why", "uses", "cost", "home"):
        await reach(pilot, "Uses" if name == "uses" else "Topic")
        await shoot(f"learn-{name}")
        await pilot.press("pagedown")
    await reach(pilot, "Start")
    await pilot.press("1")
    await reach(pilot, "HandleCard")
    await shoot("look-card")
    await pilot.press("enter")
    await reach(pilot, "EnterPassword")
    await shoot("enter-password")
    await pilot.press(*"AB01", "enter")
    await reach(pilot, "ShowCertificate")
    await shoot("own-certificate")
    await pilot.press("enter")
    await reach(pilot, "HandleCard")
    await shoot("take-back")
    await go(pilot, ("enter", "Start"), ("2", "HandleCard"), ("enter", "EnterPassword"))
    await pilot.press(*"AB01", "enter")
    for number, name in enumerate(("honest", "tampered", "impersonated", "repudiated"), 1):
        await reach(pilot, "TryOut")
        await pilot.press(str(number))
        await pilot.pause()
        await reach(pilot, "TryOut")
        await shoot(f"try-{name}")
    await go(pilot, ("escape", "HandleCard"), ("enter", "Start"))
    await pilot.press("4")
    for question in ("language", "colours", "layout"):
        await reach(pilot, "Comfort")
        await shoot(f"comfort-{question}")
        await pilot.press("1")
        await pilot.pause()
    await reach(pilot, "Start")
    await pilot.press("enter")
    await reach(pilot, "Guide")
    await pilot.click("#consult")
    await reach(pilot, "Consult")
    await shoot("consult")


async def duties(pilot: Pilot[None], shoot: Shoot) -> None:
    """What a clerk does besides the case at the terminal; a case was left."""
    await reach(pilot, "Start")
    await pilot.press("f11")
    await reach(pilot, "LeftCases")
    await shoot("left-cases")
    await pilot.press("escape")
    await reach(pilot, "Desk")
    await shoot("desk-with-left")
    await pilot.press("enter")
    await reach(pilot, "Menu")
    await shoot("menu")
    await pilot.press("3")
    await reach(pilot, "Audit")
    await shoot("audit")
    await pilot.press("escape")
    await choose_duty(pilot, "4")
    await reach(pilot, "CountDrawer")
    await shoot("count-drawer")
    await pilot.press("right", "right", "right", "9", "f9")
    await reach(pilot, "DaySums")
    await shoot("day-differs")
    await pilot.press("escape")
    await reach(pilot, "CountDrawer")
    await pilot.press("escape", "f8")
    await choose_duty(pilot, "4")
    await reach(pilot, "CountDrawer")
    await pilot.press("right", "right", "right", "1", "0", "right", "1", "f9")
    await reach(pilot, "DaySums")
    await shoot("day-sums")
    await go(pilot, ("enter", "ConfirmClose"), ("enter", "DaySums"), ("enter", "ConfirmClose"))
    await shoot("confirm-close")
    await go(pilot, ("1", "Told"))
    await shoot("printed")
    await pilot.press("enter")
    await reach(pilot, "DayIsClosed")
    await shoot("day-closed")
    await go(pilot, ("enter", "Desk"), ("q", "QueueScreen"))
    for key in ("1", "3", "2", "enter", "a", "enter"):
        await until(pilot, lambda: type(pilot.app.screen).__name__ == "QueueScreen", "the queue")
        before = text_on(pilot.app)
        await pilot.press(key)
        await until(pilot, lambda before=before: _is_queue_changed(pilot, before), f"what {key} does")
    await shoot("queue")
    await pilot.press("escape")
    await choose_duty(pilot, "6")
    await reach(pilot, "EnterReceiptNumber")
    await pilot.press("1", "7")
    await shoot("receipt-number")
    await go(pilot, ("enter", "Told"))
    await shoot("no-receipt")
    await pilot.press("enter")
    await choose_duty(pilot, "f")
    await reach(pilot, "Choose")
    await shoot("papers")
    await pilot.press("1")
    await find_resident(pilot, "花")
    await reach(pilot, "Told")
    await pilot.press("enter")
    await choose_duty(pilot, "g")
    await reach(pilot, "Choose")
    await shoot("settings")
    await pilot.press("4")
    await pilot.press("escape")
    await choose_duty(pilot, "5")
    await reach(pilot, "Desk")
    await pilot.pause()
    await shoot("locked")
    await pilot.press("m", "c", "escape", "enter", "0", "1", "9")
    await shoot("locked-typed")
    await pilot.press("backspace", *"1234", "enter")
    await until(pilot, lambda: not pilot.app.screen.has_class("-locked"), "the seat")
    await go(pilot, ("m", "Menu"), ("1", "FindResident"))
    await pilot.press("花")
    await pilot.pause()
    await shoot("find-resident")
    await go(pilot, ("enter", "Desk"), ("f10", "ConfirmItems"))
    await shoot("offered")


def _is_queue_changed(pilot: Pilot[None], before: str) -> bool:
    return type(pilot.app.screen).__name__ == "QueueScreen" and text_on(pilot.app) != before


async def fill_in(pilot: Pilot[None], shoot: Shoot) -> None:
    """A form typed by digits alone, handed in, looked at by the clerk, sent back, put right, taken."""
    await reach(pilot, "Start")
    await go(pilot, ("enter", "Guide"), ("enter", "ChooseApplication"))
    await pilot.press("0")
    await type_form(pilot, shoot, day="1")
    await reach(pilot, "ConfirmForm")
    await shoot("form-check")
    await pilot.press("enter")
    await reach(pilot, "AtReception")
    await shoot("at-reception")
    await pilot.press("f11")
    await reach(pilot, "CompareForm")
    await shoot("compare-form")
    await go(pilot, ("4", "Desk"), ("f10", "ConfirmForm"))
    await shoot("form-again")
    await pilot.press("2")
    await reach(pilot, "ChooseOne")
    await shoot("form-change")
    await pilot.press("3")
    await _type_birth_date(pilot, shoot, "3")
    await reach(pilot, "ConfirmForm")
    await go(pilot, ("enter", "AtReception"), ("f11", "CompareForm"))
    await shoot("compare-again")
    await go(pilot, ("5", "Desk"), ("f10", "HandleCard"))


async def type_form(pilot: Pilot[None], shoot: Shoot, *, day: str, family: str = "65955564*") -> None:
    """Types the form of the second fictional resident by digits alone; the dictionary may be missing."""
    # A digit for the row, a digit for the place in it: by default the first is ほろのべ, the second always はなこ.
    for name, digits in (("family", family), ("given", "615125")):
        await reach(pilot, "TypeKana")
        await pilot.press(digits[0])
        await pilot.pause()
        await shoot(f"form-{name}")
        await pilot.press(*digits[1:])
        screen = pilot.app.screen
        await pilot.press("enter")
        await until(pilot, lambda screen=screen: _has_gone_on(pilot, screen), "what comes after the reading")
        if type(pilot.app.screen).__name__ == "ChooseOne":
            await reach(pilot, "ChooseOne")
            await shoot(f"form-{name}-written")
            await pilot.press("1")
            await pilot.pause()
    await _type_birth_date(pilot, shoot, day)
    await reach(pilot, "ChooseSex")
    await shoot("form-sex")
    await pilot.press("2")
    await reach(pilot, "ChooseOne")
    await shoot("form-area")
    await pilot.press("2")
    await reach(pilot, "TypeNumber")
    await pilot.press("2", "*", "1")
    await shoot("form-number")
    await pilot.press("enter")


def _has_gone_on(pilot: Pilot[None], before: object) -> bool:
    """To a choice of writings where there is a dictionary, else to the next question."""
    screen = pilot.app.screen
    return screen is not before and type(screen).__name__ in ("ChooseOne", "TypeKana", "ChooseEra")


async def _type_birth_date(pilot: Pilot[None], shoot: Shoot, day: str) -> None:
    await reach(pilot, "ChooseEra")
    await shoot("form-era")
    await pilot.press("2")
    await reach(pilot, "TypeBirthDate")
    await pilot.press("2", "8")
    await shoot("form-birth")
    await pilot.press("5", "enter", day, "enter")


async def rounds(pilot: Pilot[None], shoot: Shoot) -> None:
    """What a technician looks at."""
    await reach(pilot, "Start")
    await pilot.press("f12")
    await reach(pilot, "Bench")
    await shoot("bench")
    for letter, view in zip(LETTERS, View, strict=True):
        await pilot.press("m")
        await reach(pilot, "ViewMenu")
        if view is View.HEALTH:
            await shoot("technician-menu")
        await pilot.press(letter)
        await reach(pilot, "Hands" if view is View.HANDS else "Pages")
        if view is View.HEALTH:
            await go(pilot, ("f4", "Pages"), ("f6", "LookAtDevice"))
            await shoot("look-at-device")
            await go(pilot, ("n", "Pages"))
        await shoot(str(view))
        await pilot.press("escape")
        await reach(pilot, "Bench")


def comfortably(layout: str, language: str) -> Callable[[Pilot[None], Shoot], Awaitable[None]]:
    async def play(pilot: Pilot[None], shoot: Shoot) -> None:
        await reach(pilot, "Start")
        await pilot.press("4")
        for answer in (language, "1", layout):
            await reach(pilot, "Comfort")
            await pilot.press(answer)
            await pilot.pause()
        await reach(pilot, "Start")
        await walk(pilot, by_keyboard, shoot)

    return play


async def _presence(pilot: Pilot[None], shoot: Shoot) -> None:
    await walk_to(pilot, "ConfirmItems")
    assert isinstance(pilot.app.screen, SeatScreen)
    pilot.app.screen.mind_idleness(70, Patience())
    await shoot("presence")


async def _fee_trouble(pilot: Pilot[None], shoot: Shoot) -> None:
    """The clerk is told that no receipt will come before he takes the money for it."""
    await walk_to(pilot, "Agree")
    await go(pilot, ("enter", "FeeNotice"), ("f11", "MindFeeTrouble"))
    await shoot("fee-trouble")


def _without_paper(counter: ScriptedCounter) -> None:
    counter.troubles = (DeviceState("printer", "receipt_printer", "sim:", "blocked", "paper_end"),)


async def _outage(pilot: Pilot[None], shoot: Shoot) -> None:
    await shoot("outage")


async def _looks(pilot: Pilot[None], shoot: Shoot) -> None:
    await walk_to(pilot, "ConfirmItems")
    for look in ("contrast", "mono"):
        await pilot.press("f3")
        await shoot(f"items-{look}")
    await pilot.press("f3", "enter")
    await reach(pilot, "HandleCard")
    await go(pilot, ("enter", "Notice"), ("f11", "CheckIdentity"))
    await pilot.press("1")
    for look in ("contrast", "mono"):
        await pilot.press("f3")
        await shoot(f"identity-{look}")


def _held(step: Step) -> Callable[[], Script]:
    return lambda: Script(hold=frozenset({step}))


async def _machine(pilot: Pilot[None], shoot: Shoot) -> None:
    """What the coin machine holds of nobody is counted before the drawer."""
    await take_up_duty(pilot, "4")
    await reach(pilot, "CountDrawer")
    await shoot("count-machine")
    await pilot.press("f9")
    await reach(pilot, "DaySums")
    await shoot("machine-sums")
    await pilot.press("1")
    await reach(pilot, "Told")
    await shoot("machine-settled")


def _coins_of_nobody(counter: ScriptedCounter) -> None:
    counter.coins = ScriptedCoins(UnownedMoney(600, 0, 1, 2, 0, 17))


SCENES = (
    Scene("way", _whole_way),
    Scene("way-small", _whole_way, size=SMALL),
    Scene("way-large", _whole_way, size=LARGE, languages=("ja",)),
    Scene("stop", _stop_question),
    Scene("password", _password),
    Scene("beside", beside),
    Scene("beside-small", beside, size=SMALL),
    Scene("large", comfortably("2", "1"), languages=("ja",)),
    Scene("lower", comfortably("3", "1"), languages=("ja",)),
    Scene("easy", comfortably("1", "2"), languages=("ja",)),
    Scene("presence", _presence),
    Scene("rounds", rounds),
    Scene("form", fill_in),
    Scene("form-small", fill_in, size=SMALL),
    Scene("services", services),
    Scene("services-small", services, size=SMALL),
    Scene("second-password", second_password, lambda: Script(has_two_passwords=True)),
    Scene("decisions", decisions, prepare=a_left_case),
    Scene("duties", duties, prepare=a_left_case),
    Scene("duties-small", duties, size=SMALL, prepare=a_left_case),
    Scene("machine", _machine, prepare=_coins_of_nobody),
    Scene("machine-small", _machine, size=SMALL, prepare=_coins_of_nobody),
    Scene("digits", _password_of_other_kinds, lambda: Script(policy=PinPolicy(4, 4, "0123456789"))),
    Scene("refused", _refused, lambda: Script(refuse_with="E02")),
    Scene("key", _at_work, _held(Step.GENERATE_KEY)),
    Scene("work", _work, _held(Step.CERTIFY)),
    Scene("paper", _paper, lambda: Script(is_paper_unclear=True)),
    Scene("own-trouble", own_trouble, prepare=one_attempt_left),
    Scene("unusual", unusual_case, unusual_script),
    Scene("by-two", looked_at_by_two, suspect_script, prepare=suspect_cases),
    Scene("other-duties", other_duties),
    Scene("fee-trouble", _fee_trouble, prepare=_without_paper),
    Scene("fee-trouble-small", _fee_trouble, size=SMALL, prepare=_without_paper),
    Scene("outage", _outage, fails_to_open="hardware.toml: [card] link: no reader named ABC", languages=("ja",)),
    Scene("looks", _looks, languages=("ja",)),
)


def play(scene: Scene, language: str, papers: Path, locale: Path, keep: Callable[[KioskApp, str], None]) -> None:
    """Plays a scene; `keep` is given the app and the picture's name whenever one is to be taken."""
    papers.mkdir(parents=True, exist_ok=True)
    (papers / "0001.txt").write_text("                 RECEIPT\n\nNo. 000017               2026-11-22\n")
    counter = ScriptedCounter(scene.script(), papers=papers, fails_to_open=scene.fails_to_open)
    scene.prepare(counter)

    async def people(pilot: Pilot[None], app: KioskApp) -> None:
        async def shoot(name: str) -> None:
            await pilot.pause()
            await pilot.pause()
            keep(app, name)

        await scene.play(pilot, shoot)

    ways.play(locale, counter, people, language, size=scene.size)


def draw(scene: Scene, language: str, out: Path, locale: Path) -> None:
    """Draws a scene's pictures, numbered."""
    numbers = itertools.count(1)

    def keep(app: KioskApp, name: str) -> None:
        picture(app, out / f"{scene.name}-{language}-{next(numbers):02d}-{name}.png")

    play(scene, language, out / "papers", locale, keep)


def main(out: Path, only: str = "") -> None:
    """Draws the pictures of all scenes, or of the one named."""
    with tempfile.TemporaryDirectory() as folder:
        locale = compile_catalogues(Path(folder))
        for scene in SCENES:
            if only in ("", scene.name):
                for language in scene.languages:
                    draw(scene, language, out, locale)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.ui.contact_sheet", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUTDIR")
    parser.add_argument(
        "scene", nargs="?", default="", choices=("", *(scene.name for scene in SCENES)), metavar="SCENE"
    )
    main(*vars(parser.parse_args()).values())

"""How fast the screens are, on a pseudo-terminal, against a bare Textual program in the same run.

    python -m tests.bench screen [--pairs N] [--samples N] [--out FILE]

    start     from the start of the process to the first paint, over that of an app that says hello (pairs, median)
    digit     from a key of the password to its mark on the glass
    change    from a key to the next screen on the glass
    memory    of the kiosk's process after a whole issuance
    blocking  how late the screen's own loop was at most while the card made a key

The program is `kiosk demo` with everything behind it real but the devices.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hw.sim.card.key_maker import make_rsa_2048
from kiosk.issuance.persons import Persons
from kiosk.issuance.report import Phase, Report, StepReport
from kiosk.issuance.station import Station
from kiosk.model.application import Application, Closed
from kiosk.model.step import Actor, Step
from tests.ui.conftest import compile_catalogues
from tests.ui.glass import Glass, shown
from tests.ui.scripted_counter import Script, ScriptedCounter
from tests.ui.walk import PASSWORD, opened, reach, walk_to

MOST_OF_HELLO = 1.3
MOST_DIGIT_MS = 20.0
MOST_CHANGE_MS = 110.0
MOST_MB = 90.0
MOST_BLOCKED_MS = 50.0

FEWEST_PAIRS = 5
_TICK_S = 0.005
_TICKS = 300

_HELLO = """
from textual.app import App
from textual.widgets import Static

class Hello(App):
    def compose(self):
        yield Static("hello, world")

Hello().run()
"""

MOVES_TO_PASSWORD = (
    ("\r", "はじめる前に"),
    ("\r", "申請書を"),
    ("1", "お名前・ご住所"),
    ("\r", "カードを 入れてください"),
    ("\r", "窓口へ"),
    ("\x1b[23~", "台帳"),
    ("1", "お顔"),
    ("123", "済 記載"),
    ("\r", "許可しますか"),
    ("\r", "いまの手続"),
    ("\x1b[21~", "決めてください"),
)
"""What is typed from the first screen to the password, and what comes each time."""

_THERE_AND_BACK = (
    ("3", "電子証明書とは"),
    ("\x1b[6~", "三つの"),
    ("\x1b[5~", "電子証明書とは"),
    ("\x1b[5~", "はじめる"),
)
"""Into the explanations and out again."""

_TO_END = (
    ("AB01\r", "もう一度"),
    ("AB01\r", "よろしいですか"),
    ("\r", "手数料は"),
    ("\x1b[23~", "お受け取りください"),
    ("500\r", "おつりは"),
    ("\r", "いまの手続"),
    ("\x1b[21~", "お取りください"),
    ("\r", "手続が"),
    ("\r", "はじめる"),
)


def first_paint_s(*words: object, text: str) -> float:
    """Seconds from the start of the process to the first paint."""
    with shown(*words) as glass:
        return glass.await_text(text) - glass.begun_s


def type_through(glass: Glass, moves: Sequence[tuple[str, str]]) -> None:
    """Types one move after another, each once the screen of the one before has settled."""
    for typed, comes in moves:
        glass.settle()
        glass.forget()
        glass.type(typed)
        glass.await_text(comes)


def digits_ms(glass: Glass, samples: int) -> list[float]:
    """From a key of the password to its mark; every mark is taken back."""
    taken = []
    for _ in range(samples):
        glass.settle()
        glass.forget()
        typed_s = glass.type("A")
        taken.append((glass.await_text("●") - typed_s) * 1000)
        glass.settle()
        glass.type("\x7f")
    return taken


def changes_ms(glass: Glass, samples: int) -> list[float]:
    """From a key to the title of the next screen: into the explanations and back again."""
    taken = []
    for _ in range(samples):
        for typed, comes in (
            ("3", "電子証明書とは"),
            ("\x1b[6~", "三つの"),
            ("\x1b[5~", "電子証明書とは"),
            ("\x1b", "はじめる"),
        ):
            glass.settle()
            glass.forget()
            typed_s = glass.type(typed)
            taken.append((glass.await_text(comes) - typed_s) * 1000)
    return taken


def blocked_ms(locale: Path) -> float:
    """The latest that the event loop came to a tick while the screen of the key was up and a card made keys.

    The simulated card's own key generation, several in a row, because one is over before anything can be measured.
    """
    counter = ScriptedCounter(
        Script(skip=frozenset({Step.APPLICATION, Step.IDENTITY_CHECK, Step.AUTHORISE, Step.GENERATE_KEY}))
    )
    late_ms: list[float] = []
    is_enough = threading.Event()

    def issue(application: Application, station: Station, persons: Persons, report: Report) -> Closed:
        report(StepReport(Step.GENERATE_KEY, Actor.RESIDENT, Phase.BEGUN))
        persons.resident.choose_password(counter.script.policy)
        while not is_enough.is_set():
            make_rsa_2048()
        report(StepReport(Step.GENERATE_KEY, Actor.RESIDENT, Phase.DONE))
        return counter.issue(application, station, persons, report)

    async def run() -> None:
        async with opened(lambda: counter, locale, issue=issue) as pilot:
            await walk_to(pilot, "ConfirmItems")
            await pilot.press("enter")
            await reach(pilot, "ChoosePassword")
            await pilot.press(*PASSWORD, "enter", *PASSWORD, "enter")
            await reach(pilot, "KeyGeneration")
            loop = asyncio.get_running_loop()
            for _ in range(_TICKS):
                due_s = loop.time() + _TICK_S
                await asyncio.sleep(_TICK_S)
                late_ms.append((loop.time() - due_s) * 1000)
            is_enough.set()
            counter.script.let_go()

    asyncio.run(run())
    return max(late_ms)


def p95(values: Sequence[float]) -> float:
    """The value that 95 of a hundred do not exceed."""
    return sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)]


@dataclass(frozen=True)
class Measured:
    """Everything, raw; `starts_s` are pairs of hello and kiosk."""

    starts_s: list[tuple[float, float]]
    digits_ms: list[float]
    changes_ms: list[float]
    memory_mb: float
    blocked_ms: float


def measure(pairs: int, samples: int) -> Measured:
    """One run of everything."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        # The first pair compiles what has not been compiled, as an installation does, and is not counted.
        _, *starts = [
            (
                first_paint_s("-c", _HELLO, text="hello, world"),
                first_paint_s("-m", "kiosk", "demo", "--data", base / f"start-{number}", text="電子証明書のお手続き"),
            )
            for number in range(pairs + 1)
        ]
        with shown("-m", "kiosk", "demo", "--data", base / "walk") as glass:
            glass.await_text("はじめる")
            changes = changes_ms(glass, max(1, samples // 4))
            type_through(glass, MOVES_TO_PASSWORD)
            digits = digits_ms(glass, samples)
            type_through(glass, _TO_END)
            memory_mb = glass.resident_mb()
        return Measured(starts, digits, changes, memory_mb, blocked_ms(compile_catalogues(base / "locale")))


def judge(measured: Measured) -> list[tuple[str, float, float]]:
    """Name, found, at most; of every measure."""
    ratio = statistics.median(kiosk / hello for hello, kiosk in measured.starts_s)
    return [
        ("start over hello", ratio, MOST_OF_HELLO),
        ("digit to paint, p95 ms", p95(measured.digits_ms), MOST_DIGIT_MS),
        ("screen change, p95 ms", p95(measured.changes_ms), MOST_CHANGE_MS),
        ("memory, MB", measured.memory_mb, MOST_MB),
        ("blocked while a key is made, ms", measured.blocked_ms, MOST_BLOCKED_MS),
    ]


def main(words: Sequence[str]) -> int:
    """Measures and judges; 1 when a limit is not met."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench screen", description=__doc__)
    parser.add_argument("--pairs", type=int, default=FEWEST_PAIRS)
    parser.add_argument("--samples", type=int, default=40)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args(words)
    if args.pairs < FEWEST_PAIRS:
        parser.error(f"fewer than {FEWEST_PAIRS} pairs say nothing")
    measured = measure(args.pairs, args.samples)
    if args.out is not None:
        args.out.write_text(json.dumps(asdict(measured), indent=1))
    is_met = True
    for name, found, most in judge(measured):
        is_met &= found <= most
        print(f"{name}: {found:.2f} (at most {most:g}): {'ok' if found <= most else 'FAIL'}")
    return 0 if is_met else 1

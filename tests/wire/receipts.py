"""Every byte of a receipt's printing, in both directions, injured in every way: what is believed, and what lies there?

The receipt is printed by one driver; whatever that says, a clerk who was told UNKNOWN looks at the printer and has a
marked copy printed over a whole line. Wrong is: CONFIRMED without a whole sheet that was cut off, PRINTED without the
paper, two unmarked originals on the paper of both, an error other than the declared ones, or a copy that does not come
out.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hw.errors import DeviceError, PrinterBlocked
from hw.link.faulty import FaultyLink
from hw.link.injury import parse_injuries
from hw.link.link import Link
from hw.link.memory import MemoryLink
from hw.link.reopening import ReopeningLink
from hw.ports import Columns, Feed, Paper, PrintOutcome, QrCode, Rule, Text
from hw.printer.escpos import EscposPrinter
from hw.printer.models import MODELS, PrinterModel
from hw.sim.printer.virtual import VirtualPrinter
from tests.wire.clock import Clock
from tests.wire.coins import Counted, CountingLink

ORIGINAL, COPY, FEE = "手数料領収書", "領収書(写)", "電子証明書発行手数料"
INJURIES: dict[str, Callable[[int], str]] = {
    "drop": lambda n: f"drop@{n}",
    "garble-01": lambda n: f"garble@{n}=01",
    "garble-40": lambda n: f"garble@{n}=40",
    "garble-ff": lambda n: f"garble@{n}=ff",
    "duplicate": lambda n: f"duplicate@{n}",
    "delay-500ms": lambda n: f"delay@{n}=500",
    "delay-60s": lambda n: f"delay@{n}=60000",
    "close": lambda n: f"close@{n}",
    "stall": lambda n: f"stall@{n}",
}


def receipt(title: str, *, has_code: bool = True) -> Paper:
    """A receipt as short as it can be, with everything that a real one has."""
    lines = [
        Text(title, align="center", scale=2),
        Feed(),
        Columns("No. 000017", "2011-11-22"),
        Rule(),
        Columns(FEE, "¥500", bold=True),
        Text("出納員 山田", align="right"),
    ]
    return (*lines, QrCode("KJ1:000017ABCDEF")) if has_code else tuple(lines)


@dataclass(frozen=True)
class Finding:
    """What came of one injury: its kind, the verdict (upper case: wrong), and the plan."""

    kind: str
    verdict: str
    plan: str


class PrinterCounter:
    """A printer, and drivers at one end or another of a line to it."""

    def __init__(self, model: PrinterModel) -> None:
        self.clock = Clock()
        self.model = model
        self.printer = VirtualPrinter(dots=model.dots)

    @property
    def originals(self) -> int:
        """Receipts without a mark on all the paper, cut off or not: by their titles, and by what they say."""
        text = "".join(sheet.text for sheet in (*self.printer.sheets, self.printer.hanging))
        return max(text.count(ORIGINAL), text.count(FEE) - text.count(COPY))

    def driver(self, link: Link) -> EscposPrinter:
        return EscposPrinter(link, self.model, monotonic=self.clock.monotonic)


def bytes_of_a_receipt(model: PrinterModel, paper: Paper) -> Counted:
    """How many bytes pass when nothing goes wrong."""
    counter, counted = PrinterCounter(model), Counted()
    driver = counter.driver(CountingLink(MemoryLink(counter.printer), counted))
    assert driver.print(driver.render(paper, "0017")).is_on_paper
    return counted


def injured(kind: str, direction: str, at: int, model: PrinterModel, paper: Paper, whole: str) -> str:
    """The verdict on one receipt with one injury."""
    counter = PrinterCounter(model)
    injuries = parse_injuries(f"{direction}-{INJURIES[kind](at)}")

    def opened() -> Link:
        clock = counter.clock
        return FaultyLink(MemoryLink(counter.printer), injuries, monotonic=clock.monotonic, pause=clock.pause)

    driver = counter.driver(ReopeningLink(opened))
    try:
        outcome = driver.print(driver.render(paper, "0017"))
    except PrinterBlocked:
        outcome = PrintOutcome.NOT_STARTED
    except DeviceError as error:
        return f"UNDECLARED {type(error).__name__}"
    sheets = list(counter.printer.sheets)
    if outcome.is_on_paper:
        if outcome is PrintOutcome.CONFIRMED and len(sheets) != 1:
            return f"CONFIRMED WITH {len(sheets)} SHEETS"
        papers = sheets or [counter.printer.hanging]
        if papers[0].text.count("\n") < whole.count("\n") - 2:
            return f"{outcome.upper()} WITHOUT PAPER"
        if counter.originals > 1:
            return f"{counter.originals} ORIGINALS"
        # No check sum protects ESC/POS: on a bare serial line a changed character prints as another one.
        is_whole = papers[0].text.strip("\n") == whole.strip("\n")
        cut = "" if sheets else ", not cut off"
        return f"{outcome}, whole{cut}" if is_whole else f"{outcome}, a character differs{cut}"
    verdict = f"{outcome}, {len(sheets)} {'sheet' if len(sheets) == 1 else 'sheets'}"
    counter.clock.pause(120)
    second = counter.driver(MemoryLink(counter.printer))
    before = len(sheets)
    paper = receipt(COPY, has_code=False)
    try:
        copied = second.print(second.render(paper, "0018"))
    except PrinterBlocked as blocked:
        # A model whose buffers nobody can empty from here has to be switched off and on.
        return f"{verdict}; switch off and on" if not model.has_clear else f"NO COPY {blocked.causes}"
    new = list(counter.printer.sheets)[before:]
    if not copied.is_on_paper or not new or not new[-1].text.endswith(whole_sheet(model, paper)):
        return f"COPY {copied} {len(new)}"
    return verdict if counter.originals <= 1 else f"{counter.originals} ORIGINALS"


@functools.cache
def whole_sheet(model: PrinterModel, paper: Paper) -> str:
    """The text of the sheet when nothing goes wrong."""
    counter = PrinterCounter(model)
    driver = counter.driver(MemoryLink(counter.printer))
    driver.print(driver.render(paper, "0017"))
    return counter.printer.sheets[0].text.lstrip("\n")


def campaign(every: int, models: tuple[str, ...] = ("tm-t88-ja",), seed: int = 0) -> Iterator[Finding]:
    """Every `every`th byte of a receipt with a QR code, in both directions, in every way, for each of `models`."""
    paper = receipt(ORIGINAL)
    for name in models:
        model = MODELS[name]
        counted, whole = bytes_of_a_receipt(model, paper), whole_sheet(model, paper)
        for direction, total in (("to", counted.to), ("from", counted.back)):
            for kind in INJURIES:
                for at in range(1 + seed % every, total + 1, every):
                    plan = f"{name} {direction}-{INJURIES[kind](at)}"
                    yield Finding(kind, injured(kind, direction, at, model, paper, whole), plan)

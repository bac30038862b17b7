"""The technician's rounds: devices and exchanges, and from there whatever else he looks at or does."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

from rich.cells import cell_len

from hw.errors import DeviceError
from hw.health_words import Question, wanted_beside
from kiosk.journal.errors import StoreLost
from kiosk.ui.books import EndedCase, Statistics
from kiosk.ui.counter import Counter
from kiosk.ui.devices import StationDevices
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import Stop
from kiosk.ui.technician.bench import Bench, device_text
from kiosk.ui.technician.hands import Hands
from kiosk.ui.technician.menu import View, ViewMenu
from kiosk.ui.technician.pages import Action, Pages, plotted
from kiosk.ui.technician.persons import work
from kiosk.ui.technician.terms import in_words
from kiosk.ui.words import Words
from kiosk.ui.workbench import Check, SelfTest, Workbench

R = TypeVar("R")
Asks = Callable[[Question], bool | None]

_HEALTH = "technician.health.title"
_RECORDS_SHOWN = 60
_NAME_CELLS = 31
"""The longest name of a counter and what it means."""
_PLOTTED = 14
_IN_USE = "technician.not_during_a_case"

_LEVELS = (
    Action("internal", "technician.level.internal", "f4"),
    Action("external", "technician.level.external", "f5"),
    Action("interactive", "technician.level.interactive", "f6"),
)
_SUBJECTS = (
    Action("reader", "technician.conformity.reader", "f4"),
    Action("card", "technician.conformity.card", "f5"),
)
_AGAIN = (Action("again", "technician.again", "f4"),)
_PRINT = (Action("print", "technician.print", "f4"),)
_MAKE = (Action("make", "technician.bundle.make", "f4"),)


class Workshop(Protocol):
    """What the technician asks of the station's books."""

    async def statistics(self) -> Statistics:
        """What the journal says about the last days."""
        ...

    async def checks(self) -> Sequence[Check]:
        """The configuration and what is wrong with it."""
        ...


async def maintain(seat: Seat, workshop: Workshop, counter: Counter, leave: Callable[[], None]) -> None:
    """Shows devices and exchanges, and what is chosen from there; `leave` ends a demo."""
    while True:
        answer = await seat.ask(Bench(seat, counter))
        if isinstance(answer, Stop):
            leave()
            return
        view = await seat.ask(ViewMenu(seat, has_hands=bool(counter.hands())))
        if not isinstance(view, View):
            continue
        try:
            await Rounds(seat, workshop, counter).go_to(view)
        except StoreLost as lost:
            # At a station of another's his pages must not bring down what is under way there.
            told = seat.words("technician.failed", reason=lost)
            await seat.ask(Pages(seat, f"technician.view.{view}", [told]))


class Rounds:
    """Everything behind the menu."""

    def __init__(self, seat: Seat, workshop: Workshop, counter: Counter) -> None:
        self._seat = seat
        self._workshop = workshop
        self._counter = counter

    @property
    def _words(self) -> Words:
        return self._seat.words

    @property
    def _tools(self) -> Workbench:
        return self._counter.workbench()

    async def go_to(self, view: View) -> None:
        """Shows what belongs to that key, until the technician goes back."""
        match view:
            case View.HEALTH:
                await self._test()
            case View.LINES:
                await self._read("technician.lines.title", (), look=self._lines)
            case View.FAILURES:
                book = [_failure(code, self._words, self._counter) for code in self._counter.failure_codes()]
                await self._read("technician.failures.title", book)
            case View.LOG:
                await self._read("technician.log.title", (), look=self._counter.log_lines)
            case View.STATISTICS:
                statistics = await self._workshop.statistics()
                tests = await asyncio.to_thread(self._tools.self_tests, _RECORDS_SHOWN)
                await self._read("technician.statistics.title", _statistics(statistics, tests, self._words))
            case View.CHECK:
                await self._look_again("technician.check.title", self._workshop.checks)
            case View.SUPPLIES:
                await self._look_again("technician.supplies.title", self._supplies)
            case View.SURROUNDINGS:
                await self._look_again("technician.surroundings.title", self._surroundings)
            case View.CONSOLE:
                await self._look_again("technician.console.title", self._probe_card)
            case View.CONFORMITY:
                await self._conform()
            case View.HANDS:
                await self._seat.ask(Hands(self._seat, self._counter.hands()))
            case View.OPERATIONS:
                await self._read_operations()
            case View.BUNDLE:
                await self._bundle()
            case View.STATIONS:
                told = await asyncio.to_thread(self._stations)
                await self._read("technician.stations.title", told, look=self._stations)

    async def _read(
        self,
        title_id: str,
        blocks: Sequence[str],
        actions: Sequence[Action] = (),
        look: Callable[[], Sequence[str]] | None = None,
    ) -> str | Stop:
        return await self._seat.ask(Pages(self._seat, title_id, blocks, actions, look))

    def _lines(self) -> Sequence[str]:
        return self._tools.line_trace() or ("",)

    def _stations(self) -> Sequence[str]:
        return [_station(told, self._words) for told in self._counter.station_devices()] or ("",)

    async def _test(self) -> None:
        """Records of self-tests, the newest first, and another one at the level that is chosen."""
        while True:
            tests = await asyncio.to_thread(self._tools.self_tests, _RECORDS_SHOWN)
            blocks = [self_test_text(test, self._words) for test in reversed(tests)]
            level = await self._read(_HEALTH, blocks, _LEVELS)
            if isinstance(level, Stop):
                return
            # What prints, kicks or takes coins would come between a resident and his receipt.
            await self._use_alone(_HEALTH, partial(self._tools.self_test, level), is_alone=level != "internal")

    async def _use_alone(self, title_id: str, tool: Callable[[Asks], R], *, is_alone: bool = True) -> R | None:
        """`_use` of what takes the devices away from residents; None also when one of them needs them."""
        if not is_alone:
            return await self._use(title_id, tool)
        if self._seat.board.lend():
            return await self._use(title_id, tool, self._seat.board.end_loan)
        await self._read(title_id, [self._words(_IN_USE)])
        return None

    async def _look_again(self, title_id: str, look: Callable[[], Awaitable[Sequence[Check]]]) -> None:
        """Checks, and the same ones again as often as the technician wants."""
        while True:
            blocks = [_check(check, self._words) for check in await look()]
            if isinstance(await self._read(title_id, blocks, _AGAIN), Stop):
                return

    async def _use(
        self, title_id: str, tool: Callable[[Asks], R], when_done: Callable[[], None] = lambda: None
    ) -> R | None:
        """What a tool returns; None after it was told why it could not."""
        try:
            return await work(self._seat, tool, when_done)
        except (DeviceError, OSError) as error:
            await self._read(title_id, [self._words("technician.failed", reason=error)])
            return None

    async def _supplies(self) -> Sequence[Check]:
        return await work(self._seat, lambda ask: self._tools.supplies())

    async def _surroundings(self) -> Sequence[Check]:
        return await work(self._seat, lambda ask: self._tools.surroundings())

    async def _probe_card(self) -> Sequence[Check]:
        board = self._seat.board
        if board.lend():
            return await work(self._seat, lambda ask: self._tools.card_probes(), board.end_loan)
        return [Check("card", "note", self._words(_IN_USE))]

    async def _conform(self) -> None:
        blocks = [self._words("technician.conformity.text")]
        while not isinstance(subject := await self._read("technician.conformity.title", blocks, _SUBJECTS), Stop):
            if (report := await self._checked(subject)) is not None:
                blocks = [report]

    async def _checked(self, subject: str) -> str | None:
        return await self._use_alone("technician.conformity.title", lambda ask: self._tools.conformity(subject))

    async def _read_operations(self) -> None:
        title_id, language = "technician.operations.title", self._seat.language
        book = await asyncio.to_thread(self._tools.operations, language)
        blocks = [f"{block}\n" for block in book.split("\n\n")]
        while not isinstance(await self._read(title_id, blocks, _PRINT), Stop):
            where = await self._use(title_id, lambda ask: self._tools.print_operations(language[:2]))
            if where is not None:
                await self._read(title_id, [self._words("technician.done", path=where)])

    async def _bundle(self) -> None:
        title_id, blocks = "technician.bundle.title", [self._words("technician.bundle.text")]
        while not isinstance(await self._read(title_id, blocks, _MAKE), Stop):
            path = await self._use(title_id, lambda ask: self._tools.bundle())
            if path is not None:
                blocks = [self._words("technician.done", path=path)]


def _station(told: StationDevices, words: Words) -> str:
    title_id = "technician.stations.silent" if told.is_silent else "technician.stations.station"
    title = words(title_id, station=told.station, seconds=told.age_s, minutes=told.age_s // 60)
    return "\n".join((title, *(device_text(device, words) for device in told.devices), ""))


def _failure(code: str, words: Words, counter: Counter) -> str:
    text = counter.failure_text(code, words.language)
    who = words(f"technician.failures.who.{text.who}")
    return words("technician.failures.entry", code=code, who=who, what=text.what, remedy=text.remedy)


def _statistics(told: Statistics, tests: Sequence[SelfTest], words: Words) -> list[str]:
    ended = "\n".join(_ended(case, words) for case in reversed(told.ended))
    blocks = [words("technician.statistics.ended", lines=ended or f"  {words('technician.nothing')}")]
    days = " ".join(f"{day:%d}" for day, _ in told.issued)
    bars = "\n".join(plotted([count for _, count in told.issued]))
    total = sum(count for _, count in told.issued)
    blocks += [words("technician.statistics.issued", days=len(told.issued), count=total, bars=bars, axis=days)]
    codes = "\n".join(words("technician.statistics.code", code=code, count=count) for code, count in told.codes)
    blocks.append(words("technician.statistics.codes", lines=codes or words("technician.nothing")))
    stopped = [count for _, count in told.failed]
    bars = "\n".join(plotted(stopped))
    blocks.append(words("technician.statistics.failed", days=len(stopped), count=sum(stopped), bars=bars, axis=days))
    for act, seconds in told.took.items():
        newest = next((value for value in reversed(seconds) if value is not None), None)
        if newest is not None:
            bars = "\n".join(plotted([value or 0 for value in seconds]))
            name = words(f"act.{act}")
            blocks.append(words("technician.statistics.took", act=name, newest=f"{newest:.1f}", bars=bars, axis=days))
    for device, name in dict.fromkeys((test.device, name) for test in tests for name in test.statistics):
        counts = [test.statistics[name] for test in tests if test.device == device and name in test.statistics]
        bars = "\n".join(plotted(counts[-_PLOTTED:], height=2))
        counted = {"device": in_words(device, words), "name": in_words(name, words), "count": counts[-1]}
        blocks.append(words("technician.statistics.device", bars=bars, **counted))
    return blocks


def _ended(case: EndedCase, words: Words) -> str:
    told_of = {"at": f"{case.at:%m-%d %H:%M}", "stage": words(f"stage.{case.stage}"), "code": case.code}
    return words("technician.statistics.case", **told_of).rstrip()


def _check(check: Check, words: Words) -> str:
    outcome = words(f"technician.check.{check.outcome}")
    name = in_words(check.name, words)
    padded = name + " " * (_NAME_CELLS - cell_len(name))
    return words("technician.check.line", outcome=outcome, name=padded, detail=in_words(check.detail, words))


def self_test_text(test: SelfTest, words: Words) -> str:
    """What a self-test of one device came to, a measurement a line; what is wanted where its value does not say it."""
    level = words(f"technician.level.{test.level}")
    outcome = words(f"technician.outcome.{test.outcome}")
    device = in_words(test.device, words)
    lines = [words("technician.health.record", at=test.at, device=device, level=level, outcome=outcome)]
    for name, value, limits, found in test.measurements:
        told_of = {"name": in_words(name, words), "value": in_words(value, words)}
        outcome = words(f"technician.outcome.{found}")
        lines.append(words("technician.health.measured", outcome=outcome, **told_of))
        wanted = in_words(wanted_beside(value, limits), words)
        # Records of before call one thing by two names: True, and true as what is wanted.
        if wanted and wanted != told_of["value"]:
            lines[-1] += words("technician.health.wanted", limits=wanted)
    return "\n".join((*lines, ""))

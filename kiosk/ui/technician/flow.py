"""The technician's rounds: devices and exchanges, and from there whatever else he looks at."""

from collections.abc import Callable, Sequence
from typing import Protocol

from kiosk.ui.counter import Check, Counter, Statistics
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import Stop
from kiosk.ui.technician.bench import Bench
from kiosk.ui.technician.menu import Menu, View
from kiosk.ui.technician.pages import Pages, plotted
from kiosk.ui.words import Words

_TITLES = {
    View.FAILURES: "technician.failures.title",
    View.LOG: "technician.log.title",
    View.STATISTICS: "technician.statistics.title",
    View.CHECK: "technician.check.title",
}


class Workshop(Protocol):
    """What the technician asks of the station."""

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
        view = await seat.ask(Menu(seat))
        if isinstance(view, View) and view in _TITLES:
            await seat.ask(Pages(seat, _TITLES[view], await _blocks(view, seat.words, workshop, counter)))


async def _blocks(view: View, words: Words, workshop: Workshop, counter: Counter) -> Sequence[str]:
    match view:
        case View.FAILURES:
            return [_failure(code, words, counter) for code in counter.failure_codes()]
        case View.LOG:
            return tuple(reversed(counter.log_lines()))
        case View.STATISTICS:
            return _statistics(await workshop.statistics(), words)
        case _:
            return [_check(check, words) for check in await workshop.checks()]


def _failure(code: str, words: Words, counter: Counter) -> str:
    text = counter.failure_text(code, words.language)
    who = words(f"technician.failures.who.{text.who}")
    return words("technician.failures.entry", code=code, who=who, what=text.what, remedy=text.remedy)


def _statistics(told: Statistics, words: Words) -> list[str]:
    days = " ".join(f"{day:%d}" for day, _ in told.issued)
    bars = "\n".join(plotted([count for _, count in told.issued]))
    total = sum(count for _, count in told.issued)
    blocks = [words("technician.statistics.issued", days=len(told.issued), count=total, bars=bars, axis=days)]
    codes = "\n".join(words("technician.statistics.code", code=code, count=count) for code, count in told.codes)
    blocks.append(words("technician.statistics.codes", lines=codes or words("technician.nothing")))
    return blocks


def _check(check: Check, words: Words) -> str:
    outcome = words(f"technician.check.{check.outcome}")
    return words("technician.check.line", outcome=outcome, name=f"{check.name:<24}", detail=check.detail)

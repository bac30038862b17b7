"""What stands on the technician's screen while a tool works, and what it asks him meanwhile."""

import asyncio
import concurrent.futures
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

from textual import events, on
from textual.app import ComposeResult

from hw.health_words import Question
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.working import Working

R = TypeVar("R")

_ANSWERED_WITHIN_S = 120.0
"""How long a tool waits for somebody to look at a device; then nobody could tell."""


class LookAtDevice(SeatScreen[bool]):
    """Whether something is so at a device, as its person sees it."""

    def __init__(self, seat: Seat, question: Question) -> None:
        super().__init__(seat)
        self._question = question

    def page(self) -> ComposeResult:
        """The question."""
        yield Paragraph(self.words(f"technician.question.{self._question}"), classes="title")

    def keys(self) -> Iterable[Key]:
        """Yes and no."""
        yield Key(self.words("technician.no"), id="no", hint="N")
        yield Key(self.words("technician.yes"), id="yes", hint="Y", kind="main")

    @on(Key.Pressed, "#yes,#no")
    def answer(self, event: Key.Pressed) -> None:
        """Answers."""
        self.dismiss(event.key.id == "yes")

    def on_key(self, event: events.Key) -> None:
        """Y and N answer."""
        if event.key.lower() in ("y", "n"):
            self.dismiss(event.key.lower() == "y")


async def work(
    seat: Seat, tool: Callable[[Callable[[Question], bool | None]], R], when_done: Callable[[], None] = lambda: None
) -> R:
    """What `tool` returns, run off the event loop; it is given a function that asks the technician, and blocks.

    `when_done` is called as soon as it has ended, also while another seat is in front and its screens stand still.

    When the program ends meanwhile, nobody answers any more, and the tool hears that at once.
    """
    loop = asyncio.get_running_loop()
    asked = deque[tuple[Question, "concurrent.futures.Future[bool]"]]()
    answers = list["concurrent.futures.Future[bool]"]()
    has_left = threading.Event()

    def ask(question: Question) -> bool | None:
        answer: concurrent.futures.Future[bool] = concurrent.futures.Future()
        answers.append(answer)
        asked.append((question, answer))
        if has_left.is_set():
            return None
        loop.call_soon_threadsafe(seat.bell.ring)
        try:
            return answer.result(_ANSWERED_WITHIN_S)
        except (TimeoutError, concurrent.futures.CancelledError):
            return None

    working = asyncio.ensure_future(asyncio.to_thread(tool, ask))
    working.add_done_callback(lambda _: when_done())
    working.add_done_callback(lambda _: seat.bell.ring())
    try:
        while not working.done():
            await seat.show(Working(seat), lambda: not working.done() and not asked)
            while asked:
                question, answer = asked.popleft()
                said = await seat.show(LookAtDevice(seat, question), lambda: not working.done())
                if isinstance(said, bool):
                    answer.set_result(said)
    finally:
        has_left.set()
        for answer in answers:
            answer.cancel()
    return working.result()

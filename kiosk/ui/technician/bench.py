"""The technician's bench: every device with its state and cause, the papers printed, the card exchanges."""

import asyncio
import re
from collections.abc import Iterable
from pathlib import Path

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.geometry import Size
from textual.widget import Widget

from kiosk.ui.counter import Counter
from kiosk.ui.devices import DeviceState, Hand, trouble_text
from kiosk.ui.ending import Trouble
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import Words

_LOOKS_EVERY_S = 1.0
_TRACE_LINES = 40
_COIN = "500"
_RULED = "─"
_NUMBERED, _DATE = re.compile(r"[A-Za-z\d-]*\d[A-Za-z\d,:-]*"), re.compile(r"\d{4}-\d\d-\d\d")
_PAGING = ("pageup", "pagedown")
_LETTERS = {"c": "#coin", "k": "#recover", "x": "#accept"}


class Bench(SeatScreen[bool]):
    """Looks at the devices once a second, off the event loop. True: the technician wants the menu."""

    def __init__(self, seat: Seat, counter: Counter) -> None:
        super().__init__(seat, can_stop=seat.is_demo)
        self._counter = counter
        self._devices: tuple[DeviceState, ...] = ()
        self._paper = ""
        self._trace: tuple[str, ...] = ()
        self._trace_size = Size()

    def page(self) -> ComposeResult:
        """Devices and exchanges at the left, the newest paper at the right."""
        words = self.words
        with Horizontal(classes="desk"):
            with Vertical(classes="panel"):
                yield Paragraph(words("technician.devices"), classes="panel-title")
                with VerticalScroll(id="devices-scroll"):
                    yield Paragraph(id="devices")
                yield Paragraph(words("technician.trace"), classes="panel-title")
                with VerticalScroll(id="trace-scroll"):
                    yield Paragraph(id="trace")
            with Vertical(classes="panel -paper"):
                yield Paragraph(words("technician.paper"), classes="panel-title", id="paper-title")
                with VerticalScroll(id="paper-scroll"):
                    yield Paragraph(id="paper")

    def standing_keys(self) -> Iterable[Widget]:
        """The way out alone; language and look have their keyboard keys, and the room is needed."""
        return (key for key in super().standing_keys() if key.id == "stop")

    def keys(self) -> Iterable[Key]:
        """The demo's hand on the card, and the menu."""
        card = self._counter.simulated_card()
        if card is not None:
            for name, hint, is_shown in (("insert", "I", not card.is_inserted), ("remove", "R", card.is_inserted)):
                key = Key(self.words(f"technician.card.{name}"), id=name, hint=hint)
                key.display = is_shown
                yield key
        if self._coin_hand() is not None:
            yield Key(self.words("technician.coin"), id="coin", hint="C")
        recover = Key(self.words("device.recover"), id="recover", hint="K")
        recover.display = False
        yield recover
        accept = Key(self.words("technician.accept"), id="accept", hint="X")
        accept.display = False
        yield accept
        if self.seat.guard is not None:
            yield Key(self.words("visit.end"), id="end-visit", hint="F12")
        yield Key(self.words("technician.menu"), id="menu", hint="M", kind="main")

    def _coin_hand(self) -> Hand | None:
        return next((hand for hand in self._counter.hands() if _COIN in hand.orders), None)

    def on_mount(self) -> None:
        """Begins to look; the newest exchange is in sight until somebody looks back."""
        self.run_worker(self._look(), group="look")

    def on_resize(self, event: events.Resize) -> None:
        """The newest exchange is in sight at another size too."""
        self.call_after_refresh(self.follow)

    @on(Key.Pressed, "#menu")
    def open_menu(self) -> None:
        """Wants to look at something else."""
        self.dismiss(True)

    async def _look(self) -> None:
        while True:
            await self.seat.bell.until(lambda: self.seat.is_in_front)
            devices, self._trace, self._paper = await asyncio.to_thread(self._see)
            self._devices = tuple(sorted(devices, key=lambda device: device.state == "ready"))
            self.follow()
            await asyncio.sleep(_LOOKS_EVERY_S)

    def _see(self) -> tuple[tuple[DeviceState, ...], tuple[str, ...], str]:
        return self._counter.devices(), self._counter.trace_lines(), _newest_paper(self._counter.receipts())

    def follow(self) -> None:
        """Shows what was seen last."""
        words = self.words
        card = self._counter.simulated_card()
        if card is not None:
            for key in self.query("#insert").results(Key):
                key.display = not card.is_inserted
            for key in self.query("#remove").results(Key):
                key.display = card.is_inserted
        for key in self.query("#accept").results(Key):
            key.display = any(device.is_refused for device in self._devices)
        for key in self.query("#recover").results(Key):
            key.display = self._counter.is_printer_stuck
        devices = [_brief(device, words) for device in self._devices] or [words("technician.no_device")]
        self.write("devices", "\n".join((*self._last_trouble(), *devices)))
        for scroll in self.query("#trace-scroll").results(VerticalScroll):
            # Whoever looks back at what was exchanged is left there; a panel of another size shows the newest anew.
            is_looked_back = scroll.size == self._trace_size and scroll.scroll_target_y < scroll.max_scroll_y
            self._trace_size = scroll.size
            self.write("trace", "\n".join(self._trace[-_TRACE_LINES:]) or words("technician.no_trace"))
            if not is_looked_back:
                scroll.scroll_end(animate=False)
        self.write("paper", self._paper or words("technician.no_paper"))

    def _last_trouble(self) -> Iterable[str]:
        """What stopped the newest case, with its remedy, if it is the technician's: every device may be in order."""
        board = self.seat.board
        cases = [*board.ended, *([board.case] if board.case is not None else [])]
        trouble = cases[-1].ending if cases else None
        if isinstance(trouble, Trouble) and trouble.code:
            text = self._counter.failure_text(trouble.code, self.words.language)
            if text.who == "technician":
                yield self.words("technician.last_trouble", code=trouble.code, what=text.what, remedy=text.remedy)

    @on(Key.Pressed, "#insert,#remove")
    def move_card(self, event: Key.Pressed) -> None:
        """Moves the simulated card."""
        self._move_card(event.key.id == "insert")

    def on_key(self, event: events.Key) -> None:
        """I and R move the simulated card, C drops a coin, K frees the printer, X accepts another, M opens the menu.

        The paging keys look through the devices, where there are more than have room, else back at the exchanges.
        """
        letter = event.key.lower()
        if letter in _PAGING:
            self._turn(is_up=letter == "pageup")
            return
        if letter in ("i", "r"):
            self._move_card(letter == "i")
        elif letter in _LETTERS:
            for key in self.query(_LETTERS[letter]).results(Key):
                if key.display:
                    key.action_press()
        elif letter == "m":
            self.open_menu()

    def _turn(self, *, is_up: bool) -> None:
        if isinstance(self.focused, VerticalScroll):
            return  # which turns by itself
        for scroll in self.query("#devices-scroll, #trace-scroll").results(VerticalScroll):
            if scroll.max_scroll_y:
                (scroll.scroll_page_up if is_up else scroll.scroll_page_down)(animate=False)
                return

    @on(Key.Pressed, "#coin")
    def drop_coin(self) -> None:
        """Drops a coin into the simulated machine's slot."""
        hand = self._coin_hand()
        if hand is not None:
            hand.do(_COIN)

    @on(Key.Pressed, "#accept")
    def accept_device(self) -> None:
        """A device was exchanged on purpose."""
        shown = {device.name: device.found for device in self._devices if device.is_refused}
        self.run_worker(asyncio.to_thread(self._counter.workbench().accept_replacements, shown), group="accept")

    @on(Key.Pressed, "#recover")
    def recover_printer(self) -> None:
        """What kept the printer's cutter is removed."""
        self.run_worker(asyncio.to_thread(self._counter.recover_printer), group="recover")

    def _move_card(self, is_in: bool) -> None:
        card = self._counter.simulated_card()
        # A letter whose key is not shown moves nothing: a second card does not go into a reader.
        if card is not None and card.is_inserted is not is_in:
            (card.insert if is_in else card.remove)()
            self.follow()


def _brief(device: DeviceState, words: Words) -> str:
    """A line for a device in order: the room is for those that are not, and for the exchanges."""
    if device.state == "ready" and not device.detail:
        return device_text(device, words).partition("\n")[0]
    return device_text(device, words)


def device_text(device: DeviceState, words: Words) -> str:
    """A device with its state, and below it where it is and why it does not work."""
    state, kind = words(f"device.state.{device.state}"), words(f"device.kind.{device.kind}")
    line = words("technician.device", state=state, kind=kind, name=device.name, link=device.link)
    if not device.detail:
        return line
    return f"{line}\n  {trouble_text(device, words)}"


def _newest_paper(folder: Path | None) -> str:
    if folder is None:
        return ""
    papers = sorted(folder.glob("*.txt"))
    if not papers:
        return ""
    # Whether it came out whole is seen without its numbers, by which somebody's case could be found.
    text = _NUMBERED.sub(_masked, papers[-1].read_text())
    # Two columns wide on paper, where it is a character of JIS X 0208, and one cell on a screen.
    return text.replace(_RULED, 2 * _RULED)


def _masked(word: re.Match[str]) -> str:
    return word[0] if _DATE.fullmatch(word[0]) else "*" * len(word[0])

"""The kiosk on the glass: seats as modes, locked down, leaving cleanly, and never showing a traceback."""

import asyncio
import logging
import os
import signal
import time
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import App, ScreenStackError
from textual.binding import BindingType
from textual.screen import Screen
from textual.worker import Worker, WorkerFailed

from kiosk.exit_code import ExitCode
from kiosk.ui.board import Board
from kiosk.ui.bounce import KeyBounce
from kiosk.ui.idle import IdleGuard, Patience
from kiosk.ui.opening import Opening
from kiosk.ui.seat import Seat
from kiosk.ui.seat_name import SeatName
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.station_thread import StationThread
from kiosk.ui.strokes import Stroke, Strokes
from kiosk.ui.terminal_driver import KioskDriver
from kiosk.ui.themes import FRAME_SHEET, dress, dress_seats
from kiosk.ui.visit import Visit, note_try
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.seat_bar import SEAT_KEYS, SeatBar, SeatTab
from kiosk.ui.widgets.seat_lock import LOCK_KEYS
from kiosk.ui.words import LANGUAGES, LOCALE_FOLDER, Catalogues

if TYPE_CHECKING:
    from kiosk.counter.roster import Deaf, SignIn
    from kiosk.ui.case_thread import Issue
    from kiosk.ui.counter import Counter
    from kiosk.ui.devices import DeviceState
    from kiosk.ui.voice import Voice

_LEAVING_TAKES_AT_MOST_S = 45.0
"""The longest card step; the service manager waits as long."""

_ENDS_AFTER_S = 60.0
"""So long a station stays out of service before it ends, for the service manager to start it anew.

What it lacked at its start, a store or a reader, may have come meanwhile. Ten starts in five minutes would be given up
(systemd/kiosk.service).
"""

_TELLS_OF_DEVICES_EVERY_S = 5.0

_LOOKS_FOR_TROUBLES_EVERY_S = 2.0

_HANGING_UP_TAKES_AT_MOST_S = 5.0

_LOOKS_FOR_PERSONS_EVERY_S = 1.0

_CALM_AFTER_S = 0.1
"""A screen is on the glass by then, and its person has not yet read it."""

_SECOND_TAP_S = 0.2
_SAME_PLACE_CELLS = 2
"""Two taps closer than this in time and place are one that a trembling hand has made twice."""

_LOCKED_KEYS = frozenset({"enter", *SEAT_KEYS.values()})
"""What a locked seat still hears."""

_LEAVES_CRAMPED_DEMO = "ctrl+c"

_DRAWN_ON = 2
"""Textual draws on standard error."""

_log = logging.getLogger(__name__)


class KioskApp(App[None], inherit_bindings=False):
    """All seats of this terminal. In a demo the function keys change the seat and the technician can leave.

    Elsewhere a technician whom the station knows visits it by his function key, whatever is under way there.

    `make_counter` is called behind the first paint; `seat` is the one in front at first; `issue` the use case that the
    seats serve, by default the real one; `locale` the folder of the compiled catalogues; `now` a monotonic clock in
    seconds by which persons are waited for, `hand_clock` one by which keys bounce; `voice` speaks to the resident,
    where the terminal has one; `when_open` is called once everything that the program needs has been loaded,
    `when_calm` a moment after the last of some screens has come.
    """

    CSS_PATH = FRAME_SHEET
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    DEFAULT_MODE = SeatName.RESIDENT
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        make_counter: "Callable[[], Counter]",
        language: str = "ja",
        *,
        seat: str = SeatName.RESIDENT,
        is_demo: bool = True,
        issue: "Issue | None" = None,
        locale: Path = LOCALE_FOLDER,
        patience: Patience | None = None,
        now: Callable[[], float] = time.monotonic,
        hand_clock: Callable[[], float] = time.monotonic,
        voice: "Voice | None" = None,
        when_open: Callable[[], None] = lambda: None,
        when_calm: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(driver_class=KioskDriver)
        # Two more widgets a screen, which would be laid out and painted once more for nothing.
        self._disable_tooltips = self._disable_notifications = True
        dress(self)
        self.board = Board()
        self.fault: BaseException | None = None
        self.unconfigured: BaseException | None = None
        """Why there is no counter at all, once the program has ended for that."""
        self._make_counter = make_counter
        self._when_open = when_open
        self._when_calm = when_calm
        self._calming: asyncio.TimerHandle | None = None
        self._counter: Counter | None = None
        self._language = language
        self._front = SeatName(seat)
        self._is_demo = is_demo
        self._issue = issue
        self._catalogues = Catalogues(locale)
        self._seats = {
            name: Seat(
                name,
                self,
                self._catalogues,
                language,
                self.board,
                is_demo=is_demo,
                patience=patience,
                now=now,
                voice=voice if name is SeatName.RESIDENT else None,
            )
            for name in SeatName
        }
        self._thread = StationThread()
        self._books_thread = StationThread()
        self._patience = patience or Patience()
        self._idle = IdleGuard(now)
        own, visitors = self._seats[self._front], self._seats[SeatName.TECHNICIAN]
        self._visit = Visit(self, own, visitors, self._idle, self._patience, now)
        self._now = now
        self._tapped: tuple[tuple[float, float], float] = ((0, 0), -_SECOND_TAP_S)
        self._drops_release = False
        self._bounce = KeyBounce(hand_clock)
        self._struck_s = 0.0
        self.strokes = Strokes(self, self._hear_stroke, hand_clock)
        """What was typed and is not yet heard."""
        self._minded: Screen[Any] | None = None
        self._in_front: Screen[Any] | None = None
        self._is_leaving = False
        self._ring: Callable[[], None] | None = None
        self._attending: Worker[None] | None = None
        self._is_on_glass = False
        for name, screen in self._ground_screens().items():
            self.add_mode(name, screen)

    # --- opening ----------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Shows the front seat first and opens the station behind it."""
        self.mode_change_signal.subscribe(self, lambda _: self._come_to_front())
        self.screen_change_signal.subscribe(self, lambda _: self._follow_change())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.leave)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        # Textual would stop, and at a hang-up, which brings a SIGCONT, would begin to draw anew.
        for number in (signal.SIGTSTP, signal.SIGCONT):
            signal.signal(number, signal.SIG_IGN)
        if self._is_demo:
            for seat, key in SEAT_KEYS.items():
                self.bind(key, f"sit('{seat}')", show=False)
        self.switch_mode(self._front)
        self._is_on_glass = True
        self.set_interval(_LOOKS_FOR_PERSONS_EVERY_S, self.mind_idleness)
        self.call_after_refresh(lambda: self.run_worker(self._open(), group="opening"))

    def bell(self) -> None:
        """Rings once, by the loudspeaker where the station has one."""
        if self._ring is None:
            super().bell()
        else:
            self.run_worker(asyncio.to_thread(self._ring), group="bell")

    def _ground_screens(self) -> dict[str, Callable[[], SeatScreen[None]]]:
        """The lowest screen of each seat, which is seen until the station is open and between two screens."""
        return {
            SeatName.RESIDENT: lambda: Opening(self._seats[SeatName.RESIDENT]),
            SeatName.CLERK: lambda: Opening(self._seats[SeatName.CLERK]),
            SeatName.TECHNICIAN: lambda: Opening(self._seats[SeatName.TECHNICIAN]),
        }

    async def _open(self) -> None:
        from kiosk.ui.counter import Unconfigured

        # Loaded here, so that it is there whatever fails later; the first paint has none.
        import_module("kiosk.ui.outage")

        dress_seats(self)
        try:
            counter = await self._thread.call(self._make_counter)
            self._counter = counter
            station = await self._thread.call(counter.open)
        except Unconfigured as error:
            # Nothing is there that a screen could stand on: whoever started the program reads why.
            self.unconfigured = error.__cause__
            self.exit(return_code=ExitCode.CONFIG)
            return
        except Exception as error:
            # Whatever the reason, a public screen says that it is closed, and the technician reads why.
            self._fall_out(error, str(error))
            return
        for seat in self._seats.values():
            seat.town = station.town
        self.board.bell.ring()

        def start(work: Coroutine[None, None, None]) -> None:
            self.run_worker(work, group="case")

        from kiosk.ui.case_thread import issue_certificate
        from kiosk.ui.clerk.flow import attend, keep_left
        from kiosk.ui.clerk_elsewhere import have_cases_settled, reach_clerk
        from kiosk.ui.decisions_elsewhere import have_left_cases_decided
        from kiosk.ui.office import StationOffice
        from kiosk.ui.reception import StationReception
        from kiosk.ui.resident.flow import serve_residents
        from kiosk.ui.sound import Sounds
        from kiosk.ui.technician.flow import maintain
        from kiosk.ui.terminals import attend_terminals
        from kiosk.ui.tower import TowerSign, keep_tower

        issue = self._issue or issue_certificate
        board, is_demo = self.board, self._is_demo
        reception = StationReception(counter, station, self._thread, board, issue, start, is_demo=is_demo)
        resident, clerk, technician = (self._seats[name] for name in SeatName)
        resident.voice = resident.voice or counter.voice
        # A station that is no demo has the one seat for which it was started.
        served = set(SeatName) if self._is_demo else {self._front}
        far_clerk = counter.far_clerk()
        if SeatName.RESIDENT in served:
            self.run_worker(serve_residents(resident, reception, self._language), group="resident")
            if far_clerk is not None:
                self.run_worker(reach_clerk(self.board, far_clerk, lambda: self._is_leaving), group="clerk")
                settling = have_cases_settled(far_clerk, station, self._thread, lambda: self._is_leaving)
                self.run_worker(settling, group="clerk")
                deciding = have_left_cases_decided(
                    far_clerk, counter.procedures(), station, self._thread, board, lambda: self._is_leaving
                )
                self.run_worker(deciding, group="clerk")
        if served == {SeatName.CLERK} and far_clerk is None:
            attending = attend_terminals(counter, self.board, lambda: self._is_leaving)
            self._attending = self.run_worker(attending, group="terminals")
        office = StationOffice(counter, station, self._books_thread, reception, self.board)
        if counter.sign_in is not None:
            clerk.guard = self._guard_by(counter.sign_in)
            clerk.likings = counter.likings
            if not self._is_demo:
                clerk.lock()
        if SeatName.CLERK in served:
            self.run_worker(attend(clerk, office, counter, counter.clerk), group="clerk")
            self.run_worker(keep_left(office, board), group="clerk")
        visitor = None if self._is_demo or SeatName.TECHNICIAN in served else counter.technician_sign_in
        if visitor is not None:
            technician.guard = self._guard_by(visitor, note_try)
            self.bind(SEAT_KEYS[SeatName.TECHNICIAN], "visit", show=False)
        if visitor is not None or SeatName.TECHNICIAN in served:
            self.run_worker(maintain(technician, office, counter, self.leave), group="technician")
        loop = asyncio.get_running_loop()
        self._ring = counter.ring
        sounds = Sounds(counter.ring or (lambda: loop.call_soon_threadsafe(self.bell)))

        def show_and_sound(sign: TowerSign) -> bool:
            sounds.follow(sign)
            return not counter.has_tower or counter.show_sign(sign)

        self.run_worker(keep_tower(self.board, show_and_sound, self._now), group="tower")
        self.run_worker(self._tell_devices(counter), group="devices")
        self.run_worker(self._tell_clerk(counter), group="devices")
        self._when_open()

    def _guard_by(
        self, sign_in: "SignIn", told: Callable[[object], None] = lambda _: None
    ) -> "Callable[[bytearray], Awaitable[str | Deaf | None]]":
        """Has `told` what came of every try: a name, for how long nobody is heard, or None."""

        async def guard(typed: bytearray) -> "str | Deaf | None":
            proved = await self._books_thread.call(sign_in, typed)
            told(proved)
            return proved

        return guard

    async def _tell_devices(self, counter: "Counter") -> None:
        """The technician at any station sees the devices of all of them."""
        from kiosk.journal.errors import StoreLost

        while True:
            # The next word comes soon; whoever needs the store finds out himself.
            with suppress(StoreLost):
                await asyncio.to_thread(counter.tell_devices, is_card_left=self.board.is_card_left)
            await asyncio.sleep(_TELLS_OF_DEVICES_EVERY_S)

    async def _tell_clerk(self, counter: "Counter") -> None:
        """The clerk hears of a printer without paper before he takes a fee, and of a card that was forgotten."""
        from kiosk.journal.errors import StoreLost

        elsewhere: Mapping[str, tuple[DeviceState, ...]] = {}
        while True:
            if self.board.terminals is not None:
                # What was known last is still the best that is known.
                with suppress(StoreLost):
                    told = await asyncio.to_thread(counter.station_devices)
                    stations = [one for one in told if not one.is_silent]
                    elsewhere = {one.station: one.fee_troubles for one in stations}
                    self.board.tell_cards_left(tuple(one.station for one in stations if one.has_card_left))
            self.board.tell_fee_troubles(counter.fee_troubles(), elsewhere)
            await asyncio.sleep(_LOOKS_FOR_TROUBLES_EVERY_S)

    # --- changing the seat (demo) -----------------------------------------------------------------------------------

    @on(SeatTab.Chosen)
    def choose_seat(self, event: SeatTab.Chosen) -> None:
        """A tab of the demo was touched."""
        self.action_sit(event.seat)

    def action_sit(self, seat: str) -> None:
        """Brings a seat to the front."""
        if self._is_demo and self.fault is None:
            self.switch_mode(seat)

    # --- a technician's visit ---------------------------------------------------------------------------------------

    def action_visit(self) -> None:
        """A technician comes, and has to show that he is one, or goes again."""
        if self._visit.is_on:
            self._visit.end()
        elif self.fault is None:
            self._visit.begin()

    @on(Key.Pressed, "#end-visit")
    def end_visit(self) -> None:
        """He goes."""
        self._visit.end()

    def _come_to_front(self) -> None:
        self._idle.touch()
        self.board.bell.ring()

    def _follow_change(self) -> None:
        # A seat behind the one in front changes its screens too.
        if (screen := self._screen_in_front()) is not self._in_front:
            self._in_front = screen
            self._bounce.screen_came()
        if self._calming is not None:
            self._calming.cancel()
        self._calming = asyncio.get_running_loop().call_later(_CALM_AFTER_S, self._when_calm)

    # --- persons who leave ------------------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Strokes in their turn, everything else at once."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            await self.strokes.come(event)
        else:
            await self._hear(event)

    async def _hear_stroke(self, stroke: Stroke) -> None:
        self._struck_s = stroke.at_s
        await self._hear(stroke.event)

    async def _hear(self, event: events.Event) -> None:
        """Every touch shows that somebody is there; some touches do nothing else."""
        # What is still typed while the program ends finds no screen.
        if isinstance(event, events.InputEvent | events.Paste) and self._screen_in_front() is None:
            return
        if isinstance(event, events.Key | events.MouseDown | events.Paste) and not event.is_forwarded:
            screen = self._screen_in_front()
            if not isinstance(screen, SeatScreen):
                self._idle.touch()
            elif not self._changes_seat(event, screen):
                self._idle.touch()
                screen.touched()
            is_dropped = self._drops(event)
            if isinstance(event, events.MouseDown):
                self._drops_release = is_dropped
            if is_dropped:
                return
        # Textual would take the release for the second half of an earlier tap.
        if isinstance(event, events.MouseUp) and self._drops_release and not event.is_forwarded:
            return
        await super().on_event(event)

    def _drops(self, event: events.Event) -> bool:
        """Whether a touch only says that somebody is there, was not meant, or came to a seat that is locked."""
        screen = self._screen_in_front()
        is_second = isinstance(event, events.MouseDown) and self._is_second_tap(event, screen)
        is_second |= isinstance(event, events.Key) and self._bounce.drops(event.key, self._struck_s)
        if not isinstance(screen, SeatScreen):
            return is_second
        if screen.seat.is_cramped:
            # Nobody sees what a key would do. A demo that was started on such a terminal can be left all the same.
            if self._is_demo and isinstance(event, events.Key) and event.key == _LEAVES_CRAMPED_DEMO:
                self.leave()
            return True
        if screen.asks_presence and not self._changes_seat(event, screen):
            screen.welcome_back()
            return True
        is_locked = screen.seat.is_locked
        is_typed = isinstance(event, events.Key) and (event.is_printable or event.key == "backspace")
        if is_typed and screen.asks_stop and not is_locked:
            # What is asked stands over the keys; nobody sees what he would type behind it.
            return True
        if self._visit.is_at_cover and isinstance(event, events.Key) and event.key == "escape":
            self._visit.end()
            return True
        is_locked_out = is_locked and isinstance(event, events.Key) and event.key not in _LOCKED_KEYS
        if is_locked_out and not is_second and isinstance(event, events.Key) and event.key in LOCK_KEYS:
            screen.type_at_lock(event.key)
        return is_second or is_locked_out

    def _changes_seat(self, event: events.Event, screen: SeatScreen[Any]) -> bool:
        """Whether a touch, of a demo's keys or a visitor's, is none of the person at the seat in front."""
        if isinstance(event, events.Key):
            if self._is_demo:
                return event.key in SEAT_KEYS.values()
            return event.key == SEAT_KEYS[SeatName.TECHNICIAN] and self._visit.is_possible
        if not isinstance(event, events.MouseDown):
            return False
        return any(bar.region.contains(event.x, event.y) for bar in screen.query(SeatBar))

    def _is_second_tap(self, event: events.MouseDown, screen: Screen[Any] | None) -> bool:
        """Whether a trembling hand has tapped twice: at the same place in no time, or onto a screen just shown."""
        place, at_s = (event.x, event.y), self._now()
        before, self._tapped = self._tapped, (place, at_s)
        (x, y), before_s = before
        is_same = abs(place[0] - x) <= _SAME_PLACE_CELLS and abs(place[1] - y) <= _SAME_PLACE_CELLS
        is_onto_new = isinstance(screen, SeatScreen) and screen.is_just_shown
        return is_onto_new or (is_same and at_s - before_s < _SECOND_TAP_S)

    def mind_idleness(self) -> None:
        """Lets the screen in front know how long nobody has touched it; time begins anew with every screen."""
        screen = self._screen_in_front()
        if screen is not self._minded:
            self._minded = screen
            self._idle.touch()
        if isinstance(screen, SeatScreen):
            screen.mind_idleness(self._idle.idle_s, self._patience)
        self._visit.mind_idleness(next(reversed(self._screen_stacks.get(self._front, [])), None))

    def _screen_in_front(self) -> Screen[Any] | None:
        """The screen on the glass; None while the program begins and ends."""
        try:
            return self.screen if self._is_on_glass else None
        except ScreenStackError:
            return None

    # --- leaving ----------------------------------------------------------------------------------------------------

    def _hang_up(self) -> None:
        """The terminal is gone: what is still drawn goes nowhere, so that it cannot hold up the end."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), _DRAWN_ON)
        self.leave()

    def leave(self) -> None:
        """Ends the program after the card step under way; what is unfinished goes on at the next start."""
        if not self._is_leaving:
            self._is_leaving = True
            self.run_worker(self._leave(), group="leaving")

    def _close_lines(self) -> None:
        """Whatever is under way hears that no person answers from now on."""
        for under_way in (self.board.case, self.board.service):
            if under_way is not None:
                under_way.line.close()

    async def _leave(self) -> None:
        try:
            await self._hang_up_and_close()
        finally:
            self.exit(return_code=0 if self.fault is None else ExitCode.INTERNAL)

    async def _hang_up_and_close(self) -> None:
        self._close_lines()
        if self._attending is not None:
            # Terminals that still wait hear that the clerk is gone.
            await asyncio.wait({asyncio.ensure_future(self._attending.wait())}, timeout=_HANGING_UP_TAKES_AT_MOST_S)
        # In its turn on the station's thread, so that a counter that is being made is closed too.
        closing = asyncio.ensure_future(self._thread.call(self._close))
        # A paper that the clerk has printed meanwhile is not cut off.
        books = asyncio.ensure_future(self._books_thread.call(lambda: None))
        await asyncio.wait({closing, books}, timeout=_LEAVING_TAKES_AT_MOST_S)
        if closing.done() and (error := closing.exception()) is not None:
            # By its kind alone: a text may quote anything.
            _log.error("the counter did not close cleanly: %s", type(error).__name__)

    def _close(self) -> None:
        if self._counter is not None:
            self._counter.close()

    def on_unmount(self) -> None:
        """However the program ends, no case keeps its thread waiting for a person."""
        self._close_lines()
        if self._calming is not None:
            self._calming.cancel()
        self._thread.end()
        self._books_thread.end()

    async def action_quit(self) -> None:
        """Nobody at the glass ends the program by a key."""

    def action_help_quit(self) -> None:
        """Nor is told how one would."""

    def action_suspend_process(self) -> None:
        """Nor puts it into the background."""

    # --- defects ----------------------------------------------------------------------------------------------------

    def _handle_exception(self, error: Exception) -> None:
        """Textual's hook for unhandled exceptions: out of service instead of a traceback on a public screen."""
        if not self._is_on_glass:
            super()._handle_exception(error)
            return
        cause = error.error if isinstance(error, WorkerFailed) else error
        place = traceback.extract_tb(cause.__traceback__)[-1:]
        where = f"{Path(place[0].filename).name}:{place[0].lineno}" if place else ""
        # The text of an unforeseen exception may quote a person's data, so only its kind is shown.
        self._fall_out(cause, f"{type(cause).__name__} {where}")

    def _fall_out(self, error: BaseException, cause: str) -> None:
        is_first = self.fault is None
        if is_first:
            self.fault = error
            if not self._is_demo:
                self.set_timer(_ENDS_AFTER_S, self.leave)
            # Nobody can be asked any more, so that nothing goes on that waits for an answer, least of all for coins.
            self._close_lines()
        # Frames without the exception's own text, for the same reason.
        _log.error("out of service: %s\n%s", cause, "".join(traceback.format_tb(error.__traceback__)))
        if not is_first or self._screen_in_front() is None:
            return
        from kiosk.ui.outage import MODE as OUTAGE
        from kiosk.ui.outage import Outage

        resident = self._seats[SeatName.RESIDENT]
        reads = resident.words.language
        words = tuple(self._catalogues[reads if reads.startswith(name) else name] for name in LANGUAGES)
        self.add_mode(OUTAGE, lambda: Outage(words, cause, self.leave if self._is_demo else None))
        self.switch_mode(OUTAGE)
        if resident.voice is not None and resident.is_spoken:
            resident.voice.say(f"{resident.words('outage.title')} {resident.words('outage.text')}")

"""The frame that every screen of a seat has: banner, steps, page, keys; language, look and stopping everywhere."""

import math
from collections.abc import Callable, Iterable
from enum import Enum
from typing import ClassVar, Generic, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from kiosk.ui.answering_screen import AnsweringScreen
from kiosk.ui.idle import Patience
from kiosk.ui.seat import Seat
from kiosk.ui.seat_name import SeatName
from kiosk.ui.strokes import below, until_dealt_with
from kiosk.ui.themes import LEAST_COLUMNS, LEAST_ROWS
from kiosk.ui.widgets.banner import Banner
from kiosk.ui.widgets.call_key import CallKey
from kiosk.ui.widgets.key import Key, Press
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.widgets.seat_bar import SeatBar
from kiosk.ui.widgets.seat_lock import SeatLock

R = TypeVar("R")

DOUBLE_TAP_S = 0.3
"""A trembling hand taps twice; the second tap must not answer a question that nobody has read."""


class Stop(Enum):
    """The answer of a person who goes no further, whatever the question was."""

    STOP = "stop"
    """He was asked back and is sure."""
    BACK = "back"
    """He goes back, where nothing was begun."""
    LEFT = "left"
    """He has gone away."""


class SeatScreen(AnsweringScreen[R | Stop], Generic[R]):
    """A screen of one seat: a view of a value that returns a value.

    `position` is the procedure's present step for the step bar, None for no bar. A screen made with `can_stop` may be
    answered by a `Stop`; it asks back first.
    """

    AUTO_FOCUS = ".page Key.-main, .keys Key.-main"
    TAKES_TEXT: ClassVar[bool] = False
    """Whether letter keys are input here, so that they are no short cuts."""
    MINDS_IDLENESS: ClassVar[bool] = False
    """Whether a person who has left is noticed here. Never while a card step or another person is waited for, and
    never while a password is typed."""
    IS_FIRST: ClassVar[bool] = False
    """Whether a resident begins here, so that language and look have a key each; later they share one."""
    ASKS_BACK: ClassVar[bool] = True
    """Whether stopping is asked back; not where nothing was begun and one only goes back."""
    NAMED_KEYS: ClassVar[str] = ".answers Key"
    """The keys that a digit presses, when it stands on them."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "call_clerk", show=False),
        Binding("f2", "speak", show=False),
        Binding("e,E", "speak_by_letter", show=False),
        Binding("f3", "change_look", show=False),
        Binding("f8", "confirm_stop", show=False),
        Binding("escape", "ask_stop", show=False),
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]

    def __init__(self, seat: Seat, *, position: int | None = None, can_stop: bool = False) -> None:
        super().__init__(classes=f"seat-{seat.name} -arranged-{seat.layout} {seat.size_classes}")
        self.seat = seat
        self.words = seat.words
        self.position = position
        self._can_stop = can_stop
        self._shown_at_s = seat.now()
        self._has_been_shown = False
        self._said: set[str] = set()
        self._left_s = 0
        self.concerning = ""
        """Which terminal's matter this is, for the banner; empty for what is done at this one."""

    # --- what a screen is made of -----------------------------------------------------------------------------------

    def page(self) -> ComposeResult:
        """What the screen shows."""
        yield from ()

    def keys(self) -> Iterable[Key]:
        """The keys of the screen's own answers, at the right."""
        return ()

    def follow(self) -> None:
        """Brings what is shown up to date; called once mounted and at every ring of the bell."""

    def compose(self) -> ComposeResult:
        """The frame around `page` and `keys`; what is asked beside them comes when it is asked."""
        self.words = self.seat.words
        yield Banner(self.seat.office)
        if self.position is not None:
            from kiosk.ui.widgets.step_bar import StepBar  # the first paint has none

            yield StepBar(self.words, self.position)
        with Vertical(classes="page"):
            yield from self.page()
        with Horizontal(classes="keys"):
            yield from self.standing_keys()
            with Horizontal(classes="answers"):
                yield from self.keys()
        if self.asks_stop:
            yield self._stop_question()
        if self.asks_comfort:
            yield self._comfort_choice()
        if self.asks_presence:
            yield self._presence_question()
        if self.is_locked:
            yield self._lock()
        if self.seat.is_demo:
            yield SeatBar(self.words, self.seat.name)
        yield from self.size_notice()

    def size_notice(self) -> Iterable[Widget]:
        """What lies over a screen that has no room; below it everything stays as it is, and the focus where it was."""
        if self.seat.is_cramped:
            told = "frame.too_small.demo" if self.seat.is_demo else "frame.too_small"
            yield Paragraph(self.words(told, columns=LEAST_COLUMNS, rows=LEAST_ROWS), classes="too-small")

    async def _follow_size(self) -> None:
        covers = self.query(".too-small")
        if not self.seat.is_cramped:
            await covers.remove()
        elif not covers and self.query(".page"):
            await self.mount_all(self.size_notice())
            self.say_what_is_new()

    @property
    def is_asked_back(self) -> bool:
        """Whether whoever stops now is asked whether he is sure."""
        return self.ASKS_BACK

    @property
    def stop_question(self) -> str:
        """What a person is asked who wants to stop."""
        return self.words(f"stop.{self.seat.name}.question")

    def _stop_question(self) -> Widget:
        words = self.words
        return Horizontal(
            *self._call_keys(),
            Paragraph(self.stop_question),
            Key(words(f"stop.{self.seat.name}.yes"), id="stop-yes", hint="F8"),
            Key(words("stop.no"), id="stop-no", hint="Esc", kind="main"),
            classes="question -stop",
        )

    def _comfort_choice(self) -> Widget:
        return Horizontal(
            *self._call_keys(),
            Paragraph(self.words("resident.wish.comfort")),
            *self._comfort_keys(),
            Key(self.words("key.back"), id="comfort-back", hint="Esc"),
            classes="question -comfort",
        )

    def _presence_question(self) -> Widget:
        stay = Key(self.words("presence.stay"), id="stay", hint="Enter", kind="main")
        return Horizontal(
            Paragraph(self._presence_text, id="presence", classes="counting"), stay, classes="question -presence"
        )

    def _lock(self) -> Widget:
        return SeatLock(self.seat)

    def standing_keys(self) -> Iterable[Widget]:
        """The keys that every screen has, at the left; a resident's begin with the one that calls somebody."""
        yield from self._call_keys()
        if self._can_stop:
            label = self.words(f"stop.{self.seat.name}.key" if self.ASKS_BACK else "key.back")
            yield Key(label, id="stop", hint="Esc")
        if self.seat.name is SeatName.RESIDENT and not self.IS_FIRST:
            (_, language, language_hint), (_, look, look_hint) = self._comforts
            yield Key(f"{language}\n{look}", id="comfort", hint=f"{language_hint} {look_hint}", kind="quiet")
        else:
            yield from self._comfort_keys()

    def _call_keys(self) -> list[CallKey]:
        """The key that calls somebody, at a resident's seat; it stays where it is whatever stands beside it."""
        is_resident = self.seat.name is SeatName.RESIDENT
        return [CallKey(self.words, is_calling=self._is_calling)] if is_resident else []

    @property
    def _comforts(self) -> tuple[tuple[str, str, str], ...]:
        """Id, label and hint of the keys of language and look."""
        other = self.words(f"language.{self.seat.other_language}")
        return ("speak", other, "F2" if self.TAKES_TEXT else "E"), ("look", self.words("key.look"), "F3")

    def _comfort_keys(self) -> list[Key]:
        return [Key(label, id=key_id, hint=hint, kind="quiet") for key_id, label, hint in self._comforts]

    @property
    def _is_calling(self) -> bool:
        return self.seat.name is SeatName.RESIDENT and self.seat.board.is_caller_there

    def write(self, paragraph_id: str, text: str) -> None:
        """Changes what a paragraph says, where the screen has it."""
        for paragraph in self.query(f"#{paragraph_id}").results(Paragraph):
            paragraph.write(text)

    # --- following the counter --------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Follows the bell for as long as the screen lives."""
        # Everything inside is mounted by now, and nothing painted: the first paint shows all.
        self._update()
        self.run_worker(self._follow_bell(), group="bell")

    async def _follow_bell(self) -> None:
        while True:
            await self.seat.bell.next()
            self._update()

    def _update(self) -> None:
        for bar in self.query(SeatBar):
            bar.call(self.seat.called())
        self._follow_lock()
        for banner in self.query(Banner):
            told = self.words("banner.clerk_called" if self._is_calling else f"banner.{self.seat.name}")
            if self.seat.name is SeatName.CLERK and self.seat.person and not self.seat.is_locked:
                told = self.words("banner.clerk_named", name=self.seat.person)
            banner.write(self.seat.office, self.concerning or told)
        for key in self.query(CallKey):
            key.tell(self._is_calling)
        self.follow()
        self.say_what_is_new()

    @property
    def is_just_shown(self) -> bool:
        """Whether a tap now can only be the second half of one that was meant for the screen before."""
        return self.seat.now() - self._shown_at_s < DOUBLE_TAP_S

    def say_what_is_new(self, unseen: str = "") -> None:
        """Has the screen spoken to a person who does not see it, when there is anything that he has not heard.

        What is `unseen` stands nowhere and is said first.
        """
        voice = self.seat.voice
        if voice is None or not self.seat.is_spoken or not self.is_current:
            return
        from kiosk.ui.voice import news_first, sentences  # most terminals have no voice

        now = sentences(self, self.words)
        if text := f"{unseen} {news_first(now, self._said)}".strip():
            voice.say(text)
        self._said = {sentence.known_by for sentence in now}

    def say_again(self, text: str, unseen: str = "") -> None:
        """Has a text that stands on the screen already said as news: what it tells has happened once more."""
        self._said.discard(text)
        self.say_what_is_new(unseen)

    def _follow_lock(self) -> None:
        if self.seat.is_locked == self.is_locked:
            return
        self.set_class(self.seat.is_locked, "-locked")
        # Whoever comes back is asked anew.
        self.remove_class("-asks-stop", "-asks-comfort")
        if self.is_locked:
            self.call_next(self._put_over, ".lock", self._lock)
            return
        self._focus_first()
        if self.words is not self.seat.words:
            # Whoever has signed in may like another language than who was here before.
            self.call_next(self.compose_anew)

    async def _put_over(self, selector: str, make: Callable[[], Widget]) -> None:
        """Shows what is asked in place of the keys, or over everything, and gives its key the focus."""
        places = list(self.query(".page, .keys"))
        # Between two compositions there is no place for it; the next one has it.
        if places and not self.query(selector):
            await self.mount(make(), after=places[-1])
        # It may have been answered meanwhile.
        self._focus_first()

    def _say_once_shown(self) -> None:
        """Has said what a class has brought into view, which only the next refresh does."""
        if self.seat.voice is not None:
            self.call_after_refresh(self.say_what_is_new)

    @property
    def is_locked(self) -> bool:
        """Whether the screen is covered until its person is back; until then Enter and the cover's key alone work."""
        return self.has_class("-locked")

    def type_at_lock(self, key: str) -> None:
        """A key that was typed at the locked seat."""
        for lock in self.query(SeatLock):
            lock.type(key)

    async def on_screen_resume(self, event: events.ScreenResume) -> None:
        """A screen that comes back speaks the seat's present language, and is not yet touched on purpose."""
        # What comes for the first time has just been styled.
        event.refresh_styles = self._has_been_shown
        self._has_been_shown = True
        self._shown_at_s = self.seat.now()
        if self.is_mounted and self.words is not self.seat.words:
            await self.compose_anew()

    def on_resize(self, event: events.Resize) -> None:
        """A layout tells the screen the size it has just had; Textual would lay out and paint it all again."""
        # Not `size`: that is the terminal's, which has changed before the screen is laid out for it.
        if event.size == self.outer_size and self.has_class(*self.seat.size_classes.split()):
            event.prevent_default()
        if self.seat.is_cramped or self.query(".too-small"):
            self.call_next(self._follow_size)

    async def compose_anew(self) -> None:
        """Composes the screen again, in the seat's present language, with the focus where it was if that is left."""
        focused_id = self.focused.id if self.focused else None
        # A stroke that is on its way to a key would go with the key.
        await until_dealt_with(below(self, self.focused))
        await self.recompose()
        if focused_id:
            if places := self.query(f"#{focused_id}"):
                self.set_focus(places.last())
            else:
                self._focus_first()
        self._update()

    def set_focus(self, widget: Widget | None, scroll_visible: bool = True, from_app_focus: bool = False) -> None:
        """Gives the focus back when somebody taps beside the keys, so that the keyboard always has a place to start."""
        last = self.focused
        super().set_focus(widget, scroll_visible, from_app_focus)
        if widget is None:
            self.call_after_refresh(self._give_focus_back, last)

    def _give_focus_back(self, last: Widget | None) -> None:
        if self.focused is None:
            fallback = self.query(self.AUTO_FOCUS or "Key")
            for key in (last, *fallback):
                if key is not None and key.is_attached and key.focusable and key.region.area:
                    self.set_focus(key)
                    return

    @property
    def minds_idleness(self) -> bool:
        """Whether a person who has left is noticed here now."""
        return self.MINDS_IDLENESS

    # --- nobody there -----------------------------------------------------------------------------------------------

    def mind_idleness(self, idle_s: float, patience: Patience) -> None:
        """Asks a person who has not touched the terminal whether he is there, and in the end takes it that he left."""
        if self.seat.name is SeatName.CLERK and idle_s >= self.seat.patience.clerk_s and not self.seat.is_locked:
            self.seat.lock()
        if not self.minds_idleness:
            return
        left_s = patience.idle_s + patience.warning_s - idle_s
        if left_s <= 0:
            self.welcome_back()
            self.when_nobody_answers()
        elif left_s <= patience.warning_s:
            self._left_s = math.ceil(left_s)
            is_new = not self.asks_presence
            if is_new:
                self.add_class("-asks-presence")
                self.app.bell()
            self.call_next(self._ask_presence)
            if is_new:
                self.call_next(self._say_once_shown)

    def touched(self) -> None:
        """Somebody has touched the terminal."""

    async def _ask_presence(self) -> None:
        await self._put_over(".question.-presence", self._presence_question)
        for paragraph in self.query("#presence").results(Paragraph):
            paragraph.write(self._presence_text)

    @property
    def _presence_text(self) -> str:
        return self.words("presence.question", seconds=self._left_s)

    @property
    def asks_presence(self) -> bool:
        """Whether the question stands on the glass; then the next touch only answers it."""
        return self.has_class("-asks-presence")

    def welcome_back(self) -> None:
        """Takes the question back."""
        if self.asks_presence:
            self.remove_class("-asks-presence")
            self._focus_first()
            self._say_once_shown()

    def when_nobody_answers(self) -> None:
        """The person has left: what he began is stopped."""
        self.dismiss(Stop.LEFT)

    # --- keys that every screen has ---------------------------------------------------------------------------------

    @on(Key.Pressed, "#speak")
    async def action_speak(self) -> None:
        """Changes the language and stays where it is."""
        self.seat.speak(self.seat.other_language)
        self.remove_class("-asks-comfort")
        await self.compose_anew()

    async def action_speak_by_letter(self) -> None:
        """The letter that changes the language where no text is typed."""
        if not self.TAKES_TEXT:
            await self.action_speak()

    @on(Key.Pressed, "#look")
    def action_change_look(self) -> None:
        """Goes on to the next look."""
        self.seat.change_look()

    @on(events.Key)
    def press_by_digit(self, event: events.Key) -> None:
        """A digit presses the key that names it; a screen's own handler hears the key too."""
        if self.TAKES_TEXT or event.character is None or not event.character.isdigit():
            return
        for key in self.query(self.NAMED_KEYS).results(Key):
            if key.keyboard_key == event.character:
                key.press(Press.NAME)

    @property
    def asks_comfort(self) -> bool:
        """Whether language and look stand in place of the keys, to be chosen from."""
        return self.has_class("-asks-comfort")

    @on(Key.Pressed, "#comfort")
    async def offer_comfort(self) -> None:
        """Shows the keys of language and look in place of the others."""
        self.add_class("-asks-comfort")
        await self._put_over(".question.-comfort", self._comfort_choice)
        self._say_once_shown()

    @on(Key.Pressed, "#call")
    def action_call_clerk(self) -> None:
        """The resident wants somebody to come; called twice, it is still one call."""
        if self.seat.name is SeatName.RESIDENT:
            self.seat.board.call_clerk()

    @property
    def asks_stop(self) -> bool:
        """Whether a person who wants to stop is being asked whether he is sure."""
        return self.has_class("-asks-stop")

    @on(Key.Pressed, "#stop")
    async def action_ask_stop(self) -> None:
        """Asks back, or takes the question back."""
        if self.asks_stop or self.asks_comfort:
            self.keep_going()
            return
        if not self._can_stop or any(key.disabled for key in self.query("#stop")):
            return
        if not self.is_asked_back:
            self.stop()
        else:
            self.add_class("-asks-stop")
            await self._put_over(".question.-stop", self._stop_question)
            self._say_once_shown()

    @on(Key.Pressed, "#stop-no,#comfort-back")
    def keep_going(self) -> None:
        """Goes on where it was."""
        self.remove_class("-asks-stop", "-asks-comfort")
        self._focus_first()
        self._say_once_shown()

    def focus_on(self, selector: str) -> None:
        """Gives a key the focus, where it is there: between two compositions a key may come before its screen."""
        for key in self.query(selector).results(Key):
            self.set_focus(key)
            return

    def _focus_first(self) -> None:
        """Gives the focus to the key of what is asked in place of the keys, else to the first answer of the screen."""
        for is_asked, answer in (
            (self.is_locked, "#unlock"),
            (self.asks_presence, "#stay"),
            (self.asks_stop, "#stop-no"),
            (self.asks_comfort, "#comfort-back"),
        ):
            if is_asked:
                self.focus_on(answer)
                return
        for selector in (self.AUTO_FOCUS or "Key", "#stop, #speak, #comfort"):
            for key in self.query(selector):
                if key.focusable:
                    self.set_focus(key)
                    return

    @on(Key.Pressed, "#stop-yes")
    def confirm_stop(self) -> None:
        """The person is sure."""
        self.stop()

    def action_confirm_stop(self) -> None:
        """The key that stands on that answer, while it is asked for."""
        if self.asks_stop:
            self.stop()

    def stop(self) -> None:
        """Stops, or goes back."""
        self.dismiss(Stop.STOP if self.ASKS_BACK else Stop.BACK)

"""One seat: a person's place at this terminal, with its language and the screens shown to it one after another."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from textual.app import App

from kiosk.ui.answering_screen import AnsweringScreen
from kiosk.ui.bell import Bell
from kiosk.ui.board import Board
from kiosk.ui.idle import Patience
from kiosk.ui.seat_name import SeatName
from kiosk.ui.themes import LEAST_COLUMNS, LEAST_ROWS, THEMES, size_classes
from kiosk.ui.typed_password import TypedPassword
from kiosk.ui.words import LANGUAGES, Catalogues, Words

if TYPE_CHECKING:
    from kiosk.counter.roster import Deaf
    from kiosk.model.town import Town
    from kiosk.ui.liking import Liking, Likings
    from kiosk.ui.voice import Voice

R = TypeVar("R")

LONGEST_SIGN_IN = 10
"""A person's number and his PIN."""


class Seat:
    """A seat of this terminal. In a demo one terminal has all three, and one of them is in front."""

    def __init__(
        self,
        name: SeatName,
        app: App[None],
        catalogues: Catalogues,
        language: str,
        board: Board,
        *,
        is_demo: bool,
        patience: Patience | None = None,
        now: Callable[[], float] = time.monotonic,
        voice: "Voice | None" = None,
    ) -> None:
        self.name = name
        self.now = now
        self.voice = voice
        self.is_spoken = True
        """Whether the voice speaks, where there is one; whoever needs none may silence it."""
        self.patience = patience or Patience()
        self.board = board
        self.town: Town | None = None
        self.is_demo = is_demo
        self._app = app
        self._catalogues = catalogues
        self._language = self._first_language = language
        self._layout = "usual"
        self._is_locked = False
        self.guard: Callable[[bytearray], Awaitable[str | Deaf | None]] | None = None
        """Says who somebody is by what he typed at the locked seat; None where its key opens it."""
        self._hears_at_s = now()
        self.typed_at_lock = TypedPassword(LONGEST_SIGN_IN)
        """What was typed at the locked seat so far."""
        self.was_wrong = False
        """Whether what was typed at the locked seat last was nobody's."""
        self.person = ""
        """Whoever has signed in, as the journal names him."""
        self.likings: Likings | None = None
        """Where it is kept how those who sign in like the seat."""
        self._first_look = app.theme
        self._first_patience = self.patience
        self._keeping: asyncio.Future[None] | None = None
        self._arranged_for = ""
        self._leaving: asyncio.Task[None] | None = None
        self._going: AnsweringScreen[Any] | None = None

    @property
    def bell(self) -> Bell:
        """Rings whenever something at the counter or in front of it has changed."""
        return self.board.bell

    @property
    def words(self) -> Words:
        """The words in the seat's present language."""
        return self._catalogues[self._language]

    @property
    def language(self) -> str:
        """The code of the seat's present language."""
        return self._language

    @property
    def other_language(self) -> str:
        """The language that the language key changes to: English one key away from Japanese, and the way back."""
        return next(language for language in LANGUAGES if language[:2] != self._language[:2])

    def speak(self, language: str) -> None:
        """Changes the seat's language; screens follow by recomposing."""
        self._language = language
        self.bell.ring()

    @property
    def office(self) -> str:
        """The town's name as the banner shows it; empty until the station is open."""
        if self.town is None:
            return ""
        return self.words(
            "banner.office", municipality=self.town.municipality, municipality_romaji=self.town.municipality_romaji
        )

    def called(self) -> set[SeatName]:
        """The seats that are waited for."""
        board, case = self.board, self.board.case
        called = set()
        if board.offered is not None or (case is not None and case.waits_for_resident):
            called.add(SeatName.RESIDENT)
        if board.service is not None and board.service.waits_for_resident:
            called.add(SeatName.RESIDENT)
        is_left = bool(board.left) and not board.has_seen_left
        under_way = case or board.service
        is_left |= under_way is not None and under_way.has_halted
        is_left |= board.is_card_left or bool(board.cards_left_elsewhere)
        if is_left or board.is_somebody_calling or board.submitted is not None or board.asks_clerk:
            called.add(SeatName.CLERK)
        return called

    @property
    def size_classes(self) -> str:
        """The classes of the style sheet for the terminal's present size."""
        return size_classes(*self._app.size)

    @property
    def is_cramped(self) -> bool:
        """Whether the terminal has fewer cells than the screens need."""
        width, height = self._app.size
        return width < LEAST_COLUMNS or height < LEAST_ROWS

    @property
    def look(self) -> str:
        """The name of the terminal's present theme."""
        return self._app.theme

    def dress(self, theme: str) -> None:
        """Changes the theme, for the whole terminal."""
        self._app.theme = theme

    def change_look(self) -> None:
        """Goes on to the next theme."""
        names = [theme.name for theme in THEMES]
        self.dress(names[(names.index(self.look) + 1) % len(names)])

    @property
    def is_locked(self) -> bool:
        """Whether the seat shows nothing until its person is back."""
        return self._is_locked

    def lock(self) -> None:
        """The person has left the seat for a while."""
        self.typed_at_lock.wipe()
        self._is_locked, self.was_wrong = True, False
        self.bell.ring()

    @property
    def deaf_for_s(self) -> float:
        """How long the guard hears nobody, after too many wrong ones; 0 when it hears."""
        return max(0.0, self._hears_at_s - self.now())

    async def prove(self, typed: bytearray) -> str | None:
        """Which person of this seat has typed this, and wipes it; None when it is nobody's, or nobody is heard."""
        assert self.guard is not None, "asked where something has to be typed"
        try:
            proved = await self.guard(typed)
        finally:
            typed[:] = bytes(len(typed))
        if proved is None or isinstance(proved, str):
            return proved
        self._hears_at_s = self.now() + proved.for_s
        return None

    async def unlock_with(self, typed: bytearray) -> bool:
        """Opens the seat to whoever this was typed by, and wipes it; False when it is not his."""
        name = await self.prove(typed)
        if name is None:
            return False
        # Who only comes back finds what he left, also what he chose by a key and did not want kept.
        if self.likings is not None and name != self._arranged_for:
            liking = await self.likings.of(name)
            if liking is not None or name != self.person:
                self._be_as(liking)
        self.person = self._arranged_for = name
        self.unlock()
        return True

    def _be_as(self, liking: "Liking | None") -> None:
        """Makes the seat as somebody likes it; as it was at first for whoever has not said."""
        language, look, patience = self._first_language, self._first_look, self._first_patience
        if liking is not None:
            language, look = liking.language, liking.look
            patience = replace(patience, clerk_s=liking.locks_after_s)
        self.patience = patience
        if language != self._language:
            self.speak(language)
        if look != self.look:
            self.dress(look)

    def keep_liking(self) -> None:
        """Whoever has signed in finds the seat so again, tomorrow too; no screen waits for the disk."""
        if self.likings is not None and self.person:
            from kiosk.ui.liking import Liking

            liking = Liking(self._language, self.look, self.patience.clerk_s)
            self._keeping = asyncio.ensure_future(self._keep(self._keeping, self.person, liking))

    async def _keep(self, before: "asyncio.Future[None] | None", person: str, liking: "Liking") -> None:
        assert self.likings is not None, "asked before"
        if before is not None:
            await before
        await self.likings.keep(person, liking)

    def unlock(self) -> None:
        """The person is back."""
        self._is_locked = False
        self.bell.ring()

    def lock_after(self, seconds: float) -> None:
        """The clerk's wish how long his empty seat stays open."""
        self.patience = replace(self.patience, clerk_s=seconds)

    def hear(self, choice: str) -> None:
        """Has the voice speak from now on (`spoken`), or not (`silent`)."""
        self.is_spoken = choice == "spoken"
        if self.voice is not None and not self.is_spoken:
            self.voice.say(self.words("resident.comfort.voice.silenced"))

    @property
    def layout(self) -> str:
        """How this seat's screens are arranged: `usual`, `large` or `lower`."""
        return self._layout

    def arrange(self, layout: str) -> None:
        """Changes the arrangement of this seat's screens, from the next one on."""
        self._layout = layout

    def welcome(self, language: str) -> None:
        """Makes the seat ready for the next person: nothing is left of how the last one liked it, nor of his call."""
        self._first_language = language
        self.board.end_visit()
        self.is_spoken = True
        self.speak(language)
        if self._layout != "usual" or self.look != self._first_look:
            self.arrange("usual")
            self.dress(self._first_look)

    @property
    def is_fresh(self) -> bool:
        """Whether the seat is as it welcomes people: nobody has called, nor changed anything to his liking."""
        is_as_first = self._language == self._first_language and self.look == self._first_look
        is_as_first &= self._layout == "usual" and self.is_spoken
        return is_as_first and not self.board.is_caller_there

    @property
    def is_in_front(self) -> bool:
        """Whether this seat is the one on the glass."""
        return self._app.current_mode == self.name

    async def ask(self, screen: AnsweringScreen[R]) -> R:
        """Shows a screen and returns what its person answers. Only in a worker."""
        answer = await self.show(screen, lambda: True)
        assert answer is not None, "a screen that is not withdrawn ends with an answer"
        return answer

    async def show(self, screen: AnsweringScreen[R], while_: Callable[[], bool]) -> R | None:
        """Shows a screen until it is answered, or withdraws it (None) when `while_` no longer holds. Only in a worker.

        A seat that is not in front changes its screen when it comes to the front: nobody looks at it before, and
        Textual takes screens from the front mode's stack only. A screen that follows another at once takes its place,
        so that nothing is painted in between.
        """
        before, self._going = self._going, None
        if before is None:
            if self._leaving is not None:
                await self._leaving
            await self.bell.until(lambda: self.is_in_front)
        is_wanted = while_()
        if before is not None and not is_wanted:
            before.take_off()
        if not is_wanted:
            return None
        answered = screen.awaited()
        if before is None:
            self._app.push_screen(screen, mode=self.name)
        else:
            before.give_way(screen)
        withdrawn = asyncio.ensure_future(self.bell.until(lambda: not while_() and self.is_in_front))
        try:
            await asyncio.wait((answered, withdrawn), return_when=asyncio.FIRST_COMPLETED)
        finally:
            withdrawn.cancel()
        if self.is_in_front:
            self._going = screen
            asyncio.get_running_loop().call_soon(self._clear, screen)
        else:
            self._leaving = asyncio.create_task(self._take_off(screen))
        return answered.result() if answered.done() else None

    def _clear(self, screen: AnsweringScreen[Any]) -> None:
        """Takes a screen off for which no other has come in the same breath."""
        if self._going is screen:
            self._going = None
            if self.is_in_front:
                screen.take_off()
            else:
                self._leaving = asyncio.create_task(self._take_off(screen))

    async def _take_off(self, screen: AnsweringScreen[Any]) -> None:
        await self.bell.until(lambda: self.is_in_front)
        screen.take_off()

"""Every screen that the scenes of the contact sheet come past, to be shown again alone."""

import asyncio
import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, ClassVar

from textual.app import App

from kiosk.ui.app import KioskApp
from kiosk.ui.board import Board
from kiosk.ui.seat import Seat
from kiosk.ui.seat_name import SeatName
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.themes import FRAME_SHEET, SEATS_SHEET, dress
from kiosk.ui.words import Catalogues
from tests.ui.contact_sheet import SCENES, play

MET_IN: dict[str, tuple[str, ...]] = {
    "way": (
        *("Opening", "Start", "Bench", "Desk", "Guide", "BringForm", "ChooseApplication", "ConfirmItems"),
        *("AtStationWork", "HandleCard", "Finish"),
    ),
    "paper": (
        *("Notice", "CheckIdentity", "Approve", "ChoosePassword", "KeyGeneration", "Agree", "EnterAmount", "FeeNotice"),
        *("GiveMoney", "LookAtPaper"),
    ),
    "beside": ("Topic", "Uses", "EnterPassword", "ShowCertificate", "TryOut", "Comfort", "Consult"),
    "duties": (
        *("LeftCases", "Audit", "ConfirmClose", "DayIsClosed", "QueueScreen", "EnterReceiptNumber", "Choose"),
        "FindResident",
    ),
    "rounds": ("ViewMenu", "Pages", "Working", "Hands", "LookAtDevice"),
    "second-password": ("ChooseService", "ServiceWait", "ChoosePasswordMeant", "RecallPassword", "ServiceFinished"),
    "machine": ("Menu", "CountDrawer", "DaySums", "Told"),
    "refused": ("TroubleNotice",),
    "fee-trouble": ("MindFeeTrouble",),
    "form": (
        *("TypeKana", "TypeBirthDate", "TypeNumber", "ChooseEra", "ChooseSex", "ChooseOne", "ConfirmForm"),
        *("AtReception", "CompareForm"),
    ),
    "services": ("WishRevocation", "AskForClerk", "ServiceTrouble", "ChooseCause", "SecondClerk"),
    "decisions": ("ChooseLeft", "DecideCase", "ConfirmAbort", "ReturnDay", "Decided", "SettleAmount"),
    "own-trouble": ("LookAtDeserted", "CardNotice"),
    "unusual": ("ChooseGround", "MindCash", "LookForCard"),
    "by-two": ("SettlePaper", "SettleCertificate"),
    "other-duties": ("ChooseTerminal", "ConfirmCopy"),
}
"""Scene to the kinds of screens that are taken from it, though others come past them too: each kind is taken once."""


@dataclass(frozen=True)
class MetScreen:
    """A kind of screen and what one of its kind was made with, but for the seat."""

    kind: type[SeatScreen[Any]]
    seat: SeatName
    values: tuple[Any, ...]
    named: dict[str, Any]

    def make(self, seat: Seat) -> SeatScreen[Any]:
        """Another one of its kind."""
        return self.kind(seat, *self.values, **self.named)


def meet(scene_name: str, locale: Path) -> dict[str, MetScreen]:
    """Plays a scene and returns the last screen of each kind that is taken from it, by its name.

    Raises `LookupError` when it came past a kind that is taken from no scene, or not past one that is.
    """
    return {screen.kind.__name__: screen for screen in meet_each(scene_name, locale)}


def meet_each(scene_name: str, locale: Path) -> list[MetScreen]:
    """As `meet`, with every screen of these kinds that says something else than another; the last one comes last."""
    (scene,) = (scene for scene in SCENES if scene.name == scene_name)
    seen: list[MetScreen] = []
    with _watched(seen), tempfile.TemporaryDirectory() as folder:
        play(scene, "ja", Path(folder), locale, lambda app, name: None)
    met = {screen.kind.__name__ for screen in seen}
    if wrong := (met - set(itertools.chain(*MET_IN.values()))) | (set(MET_IN[scene_name]) - met):
        raise LookupError(f"{scene_name}: taken from no scene, or not met in it: {', '.join(sorted(wrong))}")
    differing = {f"{screen.kind} {screen.seat} {screen.values} {screen.named}": screen for screen in reversed(seen)}
    return [screen for screen in reversed(differing.values()) if screen.kind.__name__ in MET_IN[scene_name]]


def meet_all(locale: Path) -> dict[str, MetScreen]:
    """Every kind of screen, from all scenes."""
    return {name: screen for scene in MET_IN for name, screen in meet(scene, locale).items()}


@contextmanager
def _watched(seen: list[MetScreen]) -> Iterator[None]:
    def watch(cls: type[SeatScreen[Any]], seat: Seat, *values: Any, **named: Any) -> SeatScreen[Any]:
        seen.append(MetScreen(cls, seat.name, values, named))
        return object.__new__(cls)

    def make(cls: type[SeatScreen[Any]], *values: Any, **named: Any) -> SeatScreen[Any]:
        return object.__new__(cls)

    type.__setattr__(SeatScreen, "__new__", watch)
    try:
        yield
    finally:
        # A class that has once had a method of its own for this would hand all values to its base's.
        type.__setattr__(SeatScreen, "__new__", make)


class LoneScreen(App[None], inherit_bindings=False):
    """Shows screens alone: another of the same kind whenever it was answered and `renew` is called."""

    CSS_PATH: ClassVar[list[str | PurePath]] = [FRAME_SHEET, SEATS_SHEET]
    ENABLE_COMMAND_PALETTE = KioskApp.ENABLE_COMMAND_PALETTE
    ALLOW_SELECT = KioskApp.ALLOW_SELECT

    def __init__(self, locale: Path, layout: str = "usual") -> None:
        super().__init__()
        dress(self)
        self._catalogues = Catalogues(locale)
        self._layout = layout
        self.fault: BaseException | None = None
        self._met: MetScreen | None = None
        self.seat = Seat(SeatName.RESIDENT, self, self._catalogues, "ja", Board(), is_demo=False)
        """Of the screens shown now."""
        self._answered: asyncio.Future[Any] | None = None

    def turn_to(self, met: MetScreen) -> None:
        """From now on shows screens of this kind, at a seat where nobody has sat before."""
        self._met = met
        self.seat = Seat(met.seat, self, self._catalogues, "ja", Board(), is_demo=False)
        self.seat.arrange(self._layout)
        self._show()

    def renew(self) -> None:
        """Shows a new one when the last has been answered."""
        if self._answered is not None and self._answered.done() and isinstance(self.screen, SeatScreen):
            self._show()

    def _show(self) -> None:
        assert self._met is not None, "turned to a kind of screen before"
        screen, before = self._met.make(self.seat), self.screen
        self._answered = screen.awaited()
        if isinstance(before, SeatScreen):
            before.give_way(screen)
        else:
            self.push_screen(screen)

    def _handle_exception(self, error: Exception) -> None:
        self.fault = self.fault or error

"""What a resident sees while his password is changed or set anew, or his certificate revoked."""

from collections.abc import Iterable, Mapping

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from hw.ports import KeyUse, PinPolicy, PinStatus
from kiosk.model.revocation import RevocationCause
from kiosk.ui.counter import FailureText
from kiosk.ui.devices import SimulatedCard
from kiosk.ui.drawings import CARD_OUT, COUNTER, KEY, PAPER, WAIT
from kiosk.ui.ending import Outcome, Trouble
from kiosk.ui.persons import Recalled
from kiosk.ui.resident.password import EnterPassword
from kiosk.ui.resident.told import Offer, Told
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen
from kiosk.ui.service import ServiceKind, ServiceWork
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import Words


class ChooseService(Offer[ServiceKind]):
    """Another password, or his certificate revoked; what is done at the counter only is said below."""

    OFFERED = (ServiceKind.CHANGE, ServiceKind.REVOKE)

    def __init__(self, seat: Seat) -> None:
        super().__init__(
            seat,
            "service",
            self.OFFERED,
            instruction=lambda words: (words("resident.services.title"), words("resident.services.text")),
            label=lambda words, one: words(f"resident.services.{one}"),
        )


class WishRevocation(Offer[RevocationCause]):
    """What a revocation is, and why he wants it; his application is taken in at the counter."""

    CAUSES = (RevocationCause.WITHDRAWN, RevocationCause.COMPROMISED)

    def __init__(self, seat: Seat) -> None:
        super().__init__(
            seat,
            "cause",
            self.CAUSES,
            instruction=lambda words: (words("resident.revoke.title"), words("resident.revoke.text")),
            label=lambda words, one: words(f"resident.revoke.{one}"),
        )


class RecallPassword(EnterPassword):
    """The old password, or after an interruption the one that was chosen; how often it may still be wrong."""

    def __init__(
        self, seat: Seat, policy: PinPolicy, attempts: int, which: Recalled, use: KeyUse, *, was_wrong: bool = False
    ) -> None:
        super().__init__(seat, None, policy, attempts, use, was_wrong=was_wrong)
        self._which = which

    def instruction(self) -> tuple[str, str]:
        """Which password is meant."""
        return self.words(f"resident.recall.{self._which}{self._of}.title"), self.words(
            f"resident.recall.{self._which}{self._of}.text", attempts=self._attempts
        )


class ChoosePasswordMeant(Offer[KeyUse]):
    """Which of the card's two passwords he means, and how often each may still be wrong."""

    ASKS_BACK = True

    def __init__(self, seat: Seat, statuses: Mapping[KeyUse, PinStatus]) -> None:
        super().__init__(
            seat,
            "meant",
            tuple(statuses),
            instruction=lambda words: (words("resident.meant.title"), "\n".join(_states(statuses, words))),
            label=lambda words, use: words(f"resident.meant.{use}"),
        )


def _states(statuses: Mapping[KeyUse, PinStatus], words: Words) -> Iterable[str]:
    for number, (use, status) in enumerate(statuses.items(), 1):
        state = "left" if status.attempts_remaining else "locked"
        yield words(
            f"resident.meant.{use}.text",
            number=number,
            state=words(f"resident.meant.{state}", attempts=status.attempts_remaining),
        )


_WAITING = {ServiceWork.CLERK: COUNTER, ServiceWork.STATION: WAIT}


class ServiceWait(SeatScreen[None]):
    """The clerk is asked, or the station works; ends by itself."""

    def __init__(self, seat: Seat, work: ServiceWork, *, can_stop: bool) -> None:
        super().__init__(seat, can_stop=can_stop)
        self._work = work

    def page(self) -> ComposeResult:
        """A picture, title and text."""
        with Horizontal(classes="beside"):
            yield Paragraph(_WAITING[self._work], classes="picture")
            with Vertical(classes="told"):
                yield Paragraph(self.words(f"resident.service.{self._work}.title"), classes="title")
                yield Paragraph(self.words(f"resident.service.{self._work}.text"), classes="note")


class AskForClerk(SeatScreen[None]):
    """The clerk was called to take the application in; ends when he begins, or when the resident has sat down."""

    MINDS_IDLENESS = True
    ASKS_BACK = False

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat, can_stop=True)

    def page(self) -> ComposeResult:
        """A picture, title and text."""
        with Horizontal(classes="beside"):
            yield Paragraph(COUNTER, classes="picture")
            with Vertical(classes="told"):
                yield Paragraph(self.words("resident.revoke.called.title"), classes="title")
                yield Paragraph(self.words("resident.revoke.called.text"), classes="note")

    def when_nobody_answers(self) -> None:
        """He waits elsewhere; what he wants is still wanted."""
        self.dismiss(None)


_DONE = {ServiceKind.CHANGE: KEY, ServiceKind.UNLOCK: KEY, ServiceKind.REVOKE: PAPER}


class ServiceFinished(Told):
    """It is done."""

    def __init__(self, seat: Seat, kind: ServiceKind) -> None:
        super().__init__(seat)
        self._kind = kind

    def page(self) -> ComposeResult:
        """A picture, title and text."""
        with Horizontal(classes="beside"):
            yield Paragraph(_DONE[self._kind], classes="picture")
            with Vertical(classes="told"):
                yield Paragraph(self.words(f"resident.service.done.{self._kind}.title"), classes="title")
                yield Paragraph(self.words(f"resident.service.done.{self._kind}.text"), classes="note")


_NONE_THERE = frozenset({"K-CARD-011", "K-CARD-012", "E24"})
"""Codes by which there is no password, or no certificate, that could be used as before."""

_LOCKED = frozenset({"E15"})
"""Codes by which the password that is there opens nothing."""


class ServiceTrouble(Told):
    """It stopped: what happened, what it means for the password or the certificate, and who helps.

    True: he wants to find out at once, with the same card, how far it had come.
    """

    def __init__(
        self,
        seat: Seat,
        kind: ServiceKind,
        trouble: Trouble,
        texts: dict[str, FailureText],
        card: SimulatedCard | None,
    ) -> None:
        super().__init__(seat)
        self._kind = kind
        self._trouble = trouble
        self._texts = texts
        self._card = card

    @property
    def _can_find_out(self) -> bool:
        return self._trouble.outcome is Outcome.HALTED and self._kind is not ServiceKind.REVOKE

    def page(self) -> ComposeResult:
        """What happened and what it means."""
        words, text = self.words, self._texts[self.words.language]
        with Horizontal(classes="beside"):
            yield Paragraph(CARD_OUT if self._trouble.is_card_inside else COUNTER, classes="picture")
            with Vertical(classes="told"):
                yield Paragraph(words("resident.service.trouble.title"), classes="title")
                yield Paragraph(text.what)
                yield Paragraph("\n".join(self._what_now(text)), classes="note")
                yield Paragraph(words("resident.service.trouble.code", code=self._trouble.code), classes="aside")

    def _what_now(self, text: FailureText) -> Iterable[str]:
        """What is true of the password or the certificate, and who acts."""
        words, code = self.words, self._trouble.code
        if self._trouble.outcome is Outcome.HALTED:
            yield words(f"resident.service.trouble.{self._kind}.open")
            return
        if code not in _NONE_THERE and (code not in _LOCKED or self._kind is not ServiceKind.CHANGE):
            yield words(f"resident.service.trouble.{self._kind}.unchanged")
        else:
            yield words(f"resident.service.trouble.{'none' if code in _NONE_THERE else 'locked'}")
        if code in _NONE_THERE or self._kind is ServiceKind.CHANGE:
            yield words(f"resident.service.trouble.who.{text.who}")

    def keys(self) -> Iterable[Key]:
        """Find out, or leave."""
        if self._can_find_out:
            yield Key(self.words("resident.service.again"), id="again", hint="1")
        yield from super().keys()

    @on(Key.Pressed, "#again")
    def find_out(self) -> None:
        """Puts the card in again."""
        self.dismiss(True)

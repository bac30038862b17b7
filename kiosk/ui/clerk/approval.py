"""The clerk's leave for what he has checked: with the fee, or without it when a second clerk signs too."""

from collections.abc import Callable, Iterable, Sequence
from enum import Enum, auto
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Grid

from kiosk.issuance.persons import Exemption, IdentityQuestion
from kiosk.ui.clerk.second import SecondClerk
from kiosk.ui.seat import Seat
from kiosk.ui.seat_screen import SeatScreen, Stop
from kiosk.ui.widgets.key import Key
from kiosk.ui.widgets.paragraph import Paragraph


class Approved(Enum):
    """How leave is given."""

    AS_USUAL = auto()
    WITHOUT_FEE = auto()


class Approve(SeatScreen[Approved]):
    """Leave for what the question is about; after this the clerk's key signs."""

    NAMED_KEYS = "#exempt"

    def __init__(
        self, seat: Seat, position: int | None, question: IdentityQuestion, second_clerks: Sequence[str] = ()
    ) -> None:
        super().__init__(seat, position=position, can_stop=True)
        self._question = question
        self._second_clerks = second_clerks

    @property
    def _can_exempt(self) -> bool:
        """Whether the policy has a ground, and another clerk can sign."""
        return bool(self._question.exemptions) and any(name != self.seat.person for name in self._second_clerks)

    def page(self) -> ComposeResult:
        """For whom, and what follows."""
        yield Paragraph(self.words(f"clerk.approve.{self._question.operation}.title"), classes="title")
        yield Paragraph(
            self.words(
                f"clerk.approve.{self._question.operation}.text",
                number=self._question.application_number,
                name=self._question.register_items.name,
            ),
            classes="lead note",
        )
        if self._question.which is not None:
            password = self.words(f"clerk.password.{self._question.which}")
            yield Paragraph(self.words("clerk.approve.which", password=password), classes="note")
        certified = self._question.certified_items
        for text, substitutes in certified.substituted if certified is not None else ():
            yield Paragraph(self.words("clerk.identity.certified", text=text, substitutes=substitutes), classes="note")

    def keys(self) -> Iterable[Key]:
        """Leave; where the town's ordinance has grounds for it, without a fee."""
        if self._can_exempt:
            yield Key(self.words("clerk.approve.exempt"), id="exempt", hint="0")
        yield Key(self.words(f"clerk.approve.{self._question.operation}.yes"), id="approve", hint="Enter", kind="main")

    @on(Key.Pressed, "#approve")
    def approve(self) -> None:
        """Gives leave."""
        self.dismiss(Approved.AS_USUAL)

    @on(Key.Pressed, "#exempt")
    def exempt(self) -> None:
        """Gives leave without a fee: on which ground, and with whom, is asked next."""
        self.dismiss(Approved.WITHOUT_FEE)


class ChooseGround(SeatScreen[str]):
    """On which ground of the town's ordinance no fee is due. The answer is its code."""

    AUTO_FOCUS = "#ground-1"
    NAMED_KEYS = "#choices Key"
    ASKS_BACK = False

    def __init__(self, seat: Seat, position: int | None, question: IdentityQuestion) -> None:
        super().__init__(seat, position=position, can_stop=True)
        self._question = question

    def page(self) -> ComposeResult:
        """For whom, and the grounds."""
        question = self._question
        yield Paragraph(self.words("clerk.exempt.title"), classes="title")
        yield Paragraph(
            self.words("clerk.exempt.text", number=question.application_number, name=question.register_items.name),
            classes="lead",
        )
        with Grid(id="choices"):
            for number, ground in enumerate(question.exemptions, 1):
                yield Key(ground.name, id=f"ground-{number}", hint=str(number), value=ground.code)

    @on(Key.Pressed, "#choices Key")
    def choose(self, event: Key.Pressed) -> None:
        """This one."""
        if isinstance(event.key.value, str):
            self.dismiss(event.key.value)


async def ask_approval(
    seat: Seat,
    make: Callable[[], SeatScreen[Any]],
    question: IdentityQuestion,
    second_clerks: Sequence[str],
    is_waited_for: Callable[[], bool],
) -> Approved | Exemption | Stop | None:
    """Asks for leave; who exempts from the fee names ground and second clerk, and comes back if he goes no further.

    None when the case waits no more.
    """
    while True:
        asking = make()
        approved = await seat.show(asking, is_waited_for)
        if approved is not Approved.WITHOUT_FEE:
            return approved
        choosing = ChooseGround(seat, asking.position, question)
        choosing.concerning = asking.concerning
        code = await seat.show(choosing, is_waited_for)
        if isinstance(code, str):
            name = next(ground.name for ground in question.exemptions if ground.code == code)
            purpose = seat.words(
                "clerk.second.exempt",
                number=question.application_number,
                name=question.register_items.name,
                ground=name,
            )
            signing = SecondClerk(seat, second_clerks, purpose)
            signing.concerning = asking.concerning
            second = await seat.show(signing, is_waited_for)
            if isinstance(second, str):
                return Exemption(code, second)

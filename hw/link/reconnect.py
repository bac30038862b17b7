"""How a device comes and goes: one explicit state machine, without a thread and without a clock of its own.

    ABSENT -> OPENING -> IDENTIFYING -> READY -> LOST -> OPENING ...
                              `-> REFUSED (another device than before sits there)

Nothing that was interrupted is ever done again here: whoever did it learns `LinkLost` and decides.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from hw.errors import AnotherDevice, DeviceError, LinkLost, NotSent, OutcomeUnknown, PrinterBlocked, TextDoesNotFit

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 0.8
"""Between two attempts; never so long that a device is back for a second and nobody has noticed."""
_GROWTH = 2.0
_JITTER = 0.2
_GONE = frozenset(("link_lost", "no_answer", "another_device"))
"""Causes of `PrinterBlocked` for which nobody, or somebody else, is there."""


class Presence(StrEnum):
    """Where a device stands."""

    ABSENT = "absent"
    OPENING = "opening"
    IDENTIFYING = "identifying"
    READY = "ready"
    LOST = "lost"
    REFUSED = "refused"


@dataclass(frozen=True)
class Standing:
    """Where a device stands, since when (monotonic seconds), why, and who it says it is."""

    presence: Presence
    since_s: float
    cause: str = ""
    identity: str = ""


class Reconnection:
    """Brings one device back whenever it is due.

    `open_link` connects and raises `NotSent` when there is nothing; `identify` asks who is there, answers "" when the
    device cannot say now, and raises `AnotherDevice` for one that is to be refused until it is taken away or accepted.
    `random` gives 0 to 1; `on_change` hears each new standing once, a loss not again for every attempt;
    an absence at the start and a third device in the place of the second are new too.
    """

    def __init__(
        self,
        open_link: Callable[[], None],
        identify: Callable[[], str],
        *,
        monotonic: Callable[[], float],
        random: Callable[[], float],
        on_change: Callable[[Standing], None],
    ) -> None:
        self._open_link = open_link
        self._identify = identify
        self._monotonic = monotonic
        self._random = random
        self._on_change = on_change
        self._wait_s = FIRST_WAIT_S
        self.due_s = monotonic()
        """When the next attempt is due; of no meaning while READY."""
        self.standing = Standing(Presence.ABSENT, monotonic())

    @property
    def is_ready(self) -> bool:
        """Whether the device is there, and the right one."""
        return self.standing.presence is Presence.READY

    def attempt(self) -> None:
        """Tries to get the device ready, if that is due."""
        if self.is_ready or self._monotonic() < self.due_s:
            return
        before = self.standing
        self.standing = Standing(Presence.OPENING, before.since_s, before.cause)
        try:
            self._open_link()
            self.standing = Standing(Presence.IDENTIFYING, before.since_s, before.cause)
            identity = self._identify()
        except AnotherDevice as error:
            self._wait_longer()
            self.standing = before
            self._enter(Presence.REFUSED, str(error), error.found)
            return
        except DeviceError as error:
            self._wait_longer()
            reached = self.standing.presence
            self.standing = before
            # What was lost stays lost with its own cause, until it is back.
            if before.presence is not Presence.LOST:
                self._enter(Presence.ABSENT, f"{reached}: {error}")
            return
        self.standing = before
        self._wait_s = FIRST_WAIT_S
        self._enter(Presence.READY, identity=identity)

    def fail(self, error: DeviceError) -> None:
        """A use of the device failed: a lost link, or silence, means that it has gone."""
        if self.is_ready and _has_gone(error):
            self._wait_s = FIRST_WAIT_S
            self.due_s = self._monotonic() + self._wait_s
            self._enter(Presence.LOST, str(error))

    def _wait_longer(self) -> None:
        jitter = 1 + _JITTER * (2 * self._random() - 1)
        self.due_s = self._monotonic() + self._wait_s * jitter
        self._wait_s = min(LONGEST_WAIT_S, self._wait_s * _GROWTH)

    def _enter(self, presence: Presence, cause: str = "", identity: str = "") -> None:
        if (presence, cause) == (self.standing.presence, self.standing.cause):
            return
        before = self.standing
        is_same = presence is before.presence and identity == before.identity
        since_s = before.since_s if is_same else self._monotonic()
        self.standing = Standing(presence, since_s, cause, identity)
        if not is_same or not before.cause:
            self._on_change(self.standing)


def _has_gone(error: DeviceError) -> bool:
    match error:
        case TextDoesNotFit():
            return False
        case PrinterBlocked():
            return not _GONE.isdisjoint(error.causes)
        case LinkLost() | OutcomeUnknown() | NotSent():
            return True
    return False

"""A card reader: one slot, and the sessions with the cards put into it."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from hw.card.apdu import EXTENDED, Limits
from hw.card.application import open_application
from hw.card.connection import Slot, Trace, Traffic, agreed_limits, command_port
from hw.errors import CardMute, DeviceError, LinkLost
from hw.ports import CardSession


class Reader:
    """Implements `hw.ports.CardReader` over a slot.

    `limits` is what the reader passes on in one command: `EXTENDED`, or `SHORT` for one that knows no extended length.
    `random` makes the host's challenges, `clock` times exchanges for `trace`, in seconds.
    """

    def __init__(
        self,
        slot: Slot,
        *,
        limits: Limits = EXTENDED,
        trace: Trace | None = None,
        random: Callable[[int], bytes] = os.urandom,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.name = slot.name
        self._slot = slot
        self._limits = limits
        self._trace = trace
        self._random = random
        self._clock = clock

    def is_card_present(self) -> bool:
        """Whether a card lies in the reader now. Raises `ReaderMissing`."""
        return self._slot.is_card_present()

    def wait_for_card(self, timeout_s: float) -> bool:
        """Blocks until a card is inserted; False when the time is up. Raises `ReaderMissing` only after that time."""
        return self._slot.wait_for_card(timeout_s)

    def wait_for_removal(self, timeout_s: float) -> bool:
        """Blocks until the reader is empty; False when the time is up. Raises `ReaderMissing` only after that time."""
        return self._slot.wait_for_removal(timeout_s)

    @contextmanager
    def session(self) -> Iterator[CardSession]:
        """Takes the card exclusively, chooses its application, and at the end deselects it and powers the card off.

        What goes wrong at the end is traced but not raised: it must not hide why the session ended, and a card that
        left or lost its power has forgotten the password too.
        """
        connection = self._slot.connect()
        try:
            traffic = Traffic(connection, self._trace, self._clock)
            limits = agreed_limits(connection, self._limits)
            session = open_application(command_port(traffic, limits), traffic, self._random)
            is_answering = True
            try:
                yield session
            except (LinkLost, CardMute):
                is_answering = False
                raise
            finally:
                if is_answering:
                    with suppress(DeviceError):
                        session.deselect()
        finally:
            with suppress(DeviceError):
                connection.close()

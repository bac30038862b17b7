"""Which card application a card has: found by asking the card, never by its ATR or its reader's name."""

from collections.abc import Callable
from typing import Protocol

from hw.card import jpki, piv
from hw.card.connection import CommandPort, Traffic
from hw.errors import CardUnsupported
from hw.ports import CardSession


class ApplicationSession(CardSession, Protocol):
    """A card session as its reader sees it: it can also be ended."""

    def deselect(self) -> None:
        """Makes the card forget the verified password and the secure channel."""
        ...


OpenSession = Callable[[CommandPort, Traffic, Callable[[int], bytes]], ApplicationSession | None]
"""Selects one card application; None when the card does not have it."""

APPLICATIONS: tuple[OpenSession, ...] = (jpki.open_session, piv.open_session)
"""The card applications that this station drives, in the order in which a card is asked for them."""


def open_application(port: CommandPort, traffic: Traffic, random: Callable[[int], bytes]) -> ApplicationSession:
    """A session with the first application that the card has. Raises `CardUnsupported` when it has none of them."""
    for open_session in APPLICATIONS:
        session = open_session(port, traffic, random)
        if session is not None:
            return session
    raise CardUnsupported("the card has none of the card applications that this station drives")

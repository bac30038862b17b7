"""A card with one prepared key pair, and a terminal that has selected its application."""

from collections.abc import Callable

import pytest
from card_terminal import SELECT_AP, Terminal
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from hw.sim.card.card import VirtualCard
from hw.sim.card.key_maker import make_rsa_2048
from hw.sim.card.memory import MemoryStore
from hw.sim.card.personalization import new_card

NUMBER = "JUKI20110000TEST"


@pytest.fixture(scope="session")
def prepared_key() -> RSAPrivateKey:
    return make_rsa_2048()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(new_card(NUMBER))


@pytest.fixture
def card(store: MemoryStore, prepared_key: RSAPrivateKey) -> VirtualCard:
    card = VirtualCard(store, make_key=lambda: prepared_key)
    card.power_on()
    return card


@pytest.fixture
def terminal(card: VirtualCard) -> Terminal:
    terminal = Terminal(card.transmit)
    terminal.ok(SELECT_AP)
    return terminal


@pytest.fixture
def replug(card: VirtualCard) -> Callable[[], Terminal]:
    """Takes the card out and puts it in again; a new terminal with its application selected."""

    def replug() -> Terminal:
        card.remove()
        card.insert()
        card.power_on()
        terminal = Terminal(card.transmit)
        terminal.ok(SELECT_AP)
        return terminal

    return replug

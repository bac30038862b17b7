"""The station's devices as the screens see them, and the hands at simulated ones."""

from dataclasses import dataclass
from typing import Literal, Protocol

from hw.ports import UnownedMoney
from kiosk.ui.words import Words

TROUBLES = (
    *("cover_open", "paper_end", "paper_near_end", "cutter_error", "recoverable_error", "unrecoverable_error"),
    *("head_hot", "feed_button", "offline", "drawer_left_open", "acceptor_fault", "money_unassigned", "events_lost"),
    *("payout_unknown", "coin_alarm", "hopper_fault", "card_inserted", "card_left", "not_looked_after"),
)
"""Causes that have words; others are told as they are."""


@dataclass(frozen=True)
class DeviceState:
    """One device as the technician sees it: `detail` is the cause in words when it is not ready."""

    name: str
    kind: str
    link: str
    state: Literal["ready", "blocked", "missing"]
    detail: str = ""
    is_refused: bool = False
    """Whether another device than before sits there, and waits for somebody to accept it."""
    found: str = ""
    """Who that is."""


def trouble_text(device: DeviceState, words: Words) -> str:
    """Why a device does not work, or what is to be known of it; a cause that has no words as the driver tells it."""
    return ", ".join(words(f"trouble.{cause}") if cause in TROUBLES else cause for cause in device.detail.split(", "))


READER = "reader"
OF_THE_FEE = ("printer", "cash")
"""The names of those that a fee and its receipt need."""
CARD_LEFT = "card_left"
"""The detail of a reader in which a card was forgotten."""
_SILENT_AFTER_S = 60


@dataclass(frozen=True)
class StationDevices:
    """The devices of one station as it told the store last, and how many seconds ago that was."""

    station: str
    age_s: int
    devices: tuple[DeviceState, ...]

    @property
    def is_silent(self) -> bool:
        """Whether it is switched off, or cut off from the store, since it has told nothing for so long."""
        return self.age_s >= _SILENT_AFTER_S

    @property
    def fee_troubles(self) -> tuple[DeviceState, ...]:
        """What a fee and its receipt need there and what cannot be worked with."""
        return tuple(device for device in self.devices if device.name in OF_THE_FEE and device.state != "ready")

    @property
    def has_card_left(self) -> bool:
        """Whether a card was forgotten there."""
        return any((device.name, device.detail) == (READER, CARD_LEFT) for device in self.devices)


class CoinMachine(Protocol):
    """What a clerk settles of a coin machine; may be called from any thread, and waits for the machine."""

    def unowned(self) -> UnownedMoney:
        """What a person has to count. Raises `DeviceError`."""
        ...

    def settle(self, counted: UnownedMoney) -> int:
        """It was counted. Raises `DeviceError`, `Refused` among them when anything happened in it since."""
        ...


class SimulatedCard(Protocol):
    """The resident's card of a demo; both calls return at once and may come from any thread."""

    @property
    def is_inserted(self) -> bool:
        """Whether the card lies in the simulated reader."""
        ...

    def insert(self) -> None:
        """Puts the card into the reader."""
        ...

    def hand_in(self) -> None:
        """Takes the card out of the terminal's reader and puts it into the window's."""
        ...

    def remove(self) -> None:
        """Takes the card out, wherever it lies and whatever it is doing."""
        ...


class Hand(Protocol):
    """The hand at one simulated device; both calls return at once and may come from any thread."""

    @property
    def name(self) -> str:
        """The device's table in hardware.toml."""
        ...

    @property
    def orders(self) -> tuple[str, ...]:
        """What it can do."""
        ...

    def do(self, order: str) -> None:
        """Does one of `orders`."""
        ...

    def look(self) -> str:
        """What is to be seen of the device, in one line of English."""
        ...

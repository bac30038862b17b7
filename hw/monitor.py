"""Looks after the devices of a station, each from a thread of its own, and tells what happens within a second."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hw.cash.coin_box import CoinBox
from hw.cash.drawer import ClerkDrawer
from hw.cash.drawer_watch import DrawerWatch
from hw.devices import Devices
from hw.display import CustomerDisplay
from hw.errors import PrinterBlocked
from hw.lamp import SignalLamp
from hw.owner import EVERY_S, Care, DeviceReport, Owner
from hw.printer.shared import SharedPrinter

PAPER_NEAR_END, DRAWER_LEFT_OPEN = "paper_near_end", "drawer_left_open"
ACCEPTOR_FAULT, MONEY_UNASSIGNED, EVENTS_LOST = "acceptor_fault", "money_unassigned", "events_lost"
PAYOUT_UNKNOWN, COIN_ALARM, HOPPER_FAULT = "payout_unknown", "coin_alarm", "hopper_fault"

AnyOwner = Owner[SharedPrinter] | Owner[CoinBox] | Owner[CustomerDisplay] | Owner[SignalLamp]


@contextmanager
def monitoring(
    devices: Devices,
    on_report: Callable[[DeviceReport], None],
    *,
    monotonic: Callable[[], float],
    every_s: float = EVERY_S,
) -> Iterator[tuple[AnyOwner, ...]]:
    """The owners of the devices until the block ends; `on_report` hears every change, each from its own thread.

    A scanner is listened to only while somebody wants a code, and has no owner here.
    """
    watch = DrawerWatch(monotonic) if isinstance(devices.cash, ClerkDrawer) and devices.cash.has_sensor else None
    owners: list[AnyOwner] = [Owner("printer", devices.printer, printer_care(watch), on_report, every_s=every_s)]
    if isinstance(devices.cash, CoinBox):
        owners.append(Owner("cash", devices.cash, COINS, on_report, every_s=every_s))
    if devices.display is not None:
        owners.append(Owner("display", devices.display, DISPLAY, on_report, every_s=every_s))
    if devices.lamp is not None:
        owners.append(Owner("lamp", devices.lamp, LAMP, on_report, every_s=every_s))
    try:
        yield tuple(owners)
    finally:
        for owner in owners:
            owner.close()


def printer_care(watch: DrawerWatch | None) -> Care[SharedPrinter]:
    """How a printer is looked after, and the drawer on it by `watch`."""

    def identify(printer: SharedPrinter) -> str:
        try:
            return printer.identity()
        except PrinterBlocked:
            return ""  # it is there, and cannot say who it is before somebody has helped it

    last: tuple[str, ...] = ()

    def troubles(printer: SharedPrinter) -> tuple[str, ...]:
        nonlocal last
        if printer.is_one_way:
            return last  # nothing can be known of it
        status = printer.status_unless_busy()
        if status is None:
            return last  # it is printing
        near_end = (PAPER_NEAR_END,) if status.is_paper_near_end and not status.causes else ()
        left_open: tuple[str, ...] = ()
        if watch is not None:
            watch.see(status.is_drawer_open)
            left_open = (DRAWER_LEFT_OPEN,) if watch.is_left_open else ()
        last = (*status.causes, *near_end, *left_open)
        return last

    return Care(SharedPrinter.connect, identify, troubles)


def _coin_troubles(box: CoinBox) -> tuple[str, ...]:
    found = {
        ACCEPTOR_FAULT: bool(box.self_check()),
        COIN_ALARM: bool(box.alarms),
        HOPPER_FAULT: box.hopper_failure is not None,
        MONEY_UNASSIGNED: bool(box.state.unassigned_yen),
        PAYOUT_UNKNOWN: bool(box.state.coins_in_doubt),
        EVENTS_LOST: bool(box.state.lost_events or box.state.unread),
    }
    return tuple(name for name, is_so in found.items() if is_so)


def _lamp_identity(lamp: SignalLamp) -> str:
    lamp.signal()
    return ""  # a tower has no serial number to tell it by


def _lamp_troubles(lamp: SignalLamp) -> tuple[str, ...]:
    lamp.signal()
    return ()


def _display_troubles(display: CustomerDisplay) -> tuple[str, ...]:
    display.connect()
    return ()


COINS: Care[CoinBox] = Care(lambda box: None, lambda box: str(box.identify()), _coin_troubles)
DISPLAY: Care[CustomerDisplay] = Care(CustomerDisplay.connect, lambda display: "", _display_troubles)
LAMP: Care[SignalLamp] = Care(SignalLamp.connect, _lamp_identity, _lamp_troubles)

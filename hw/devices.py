"""From the tables of `hardware.toml` to the devices that are no card readers, by one explicit table."""

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hw.hardware import (
    BAUDRATES,
    SIMULATED,
    CashDevice,
    DisplayDevice,
    Hardware,
    LampDevice,
    PrinterDevice,
    ScannerDevice,
)
from hw.link.injury import Injuries, parse_injuries
from hw.link.link import Link
from hw.link.memory import Core
from hw.link.serial_port import SerialLine
from hw.link.traced import TracedLink
from hw.link.url import FORMS, link_to
from hw.ports import CashBox
from hw.printer.shared import SharedPrinter
from hw.sim.fault import FaultSpecInvalid
from hw.sim.panel import Handled, HandledCore
from hw.strict_toml import ConfigInvalid

if TYPE_CHECKING:
    from hw.display import CustomerDisplay
    from hw.lamp import SignalLamp
    from hw.printer.document import DocumentPrinter
    from hw.printer.models import PrinterModel
    from hw.scanner import CodeScanner
    from hw.sim.coin.virtual import VirtualCoinMachine

_ON_PRINTER = "printer"
_COINS_BAUDRATE = 9600
_LEDGER = "coins.jsonl"
_SIMULATED_DOCUMENTS = "documents"
_PRIVATE = ("scanner",)
"""Devices of whose exchanges no trace tells the content: a code may be anybody's."""
_OnALine = PrinterDevice | CashDevice | DisplayDevice | LampDevice | ScannerDevice


@dataclass(frozen=True)
class Devices:
    """What `open_devices` opened; what the station does not have is None."""

    printer: SharedPrinter
    cash: CashBox
    display: "CustomerDisplay | None"
    lamp: "SignalLamp | None"
    scanner: "CodeScanner | None"
    documents: "DocumentPrinter | None"
    simulated_coins: "VirtualCoinMachine | None"
    simulators: Mapping[str, Handled]
    """The simulated devices in memory, by the names of their tables."""


class _Lines:
    """Opens the lines of a station: `held` closes them, `trace` hears those that are to be traced, `spy` all."""

    def __init__(self, held: ExitStack, trace: Callable[[str], None] | None, spy: Callable[[str], None] | None) -> None:
        self.held = held
        self._spy = spy
        self.simulators: dict[str, Handled] = {}
        self._trace = trace

    def open(self, name: str, device: _OnALine, simulated: Callable[[], HandledCore], line: SerialLine | None) -> Link:
        if device.link == SIMULATED:
            # One for all openings: what is lost is the line, and never the device.
            core = simulated()
            self.simulators[name] = core
            link = _link(name, device.link, device.fault, lambda: core, line)
        else:
            link = _link(name, device.link, device.fault, simulated, line)
        self.held.callback(link.close)
        for hear in (self._trace if device.trace else None, self._spy):
            if hear is not None:
                link = TracedLink(link, name, hear, shows_content=name not in _PRIVATE)
        return link


def check_devices(hardware: Hardware) -> None:
    """Raises `ConfigInvalid` for a link, a model or a form that is none; touches no device and no file."""
    _model(hardware.printer)
    if not hardware.printer.link:
        raise ConfigInvalid("hardware", "printer.link", f"a station has a receipt printer: {FORMS}")
    _check_baudrates(hardware)
    _link("printer", hardware.printer.link, hardware.printer.fault, Core)
    _check_cash(hardware.cash)
    for name, link, fault in (
        ("display", hardware.display.link, hardware.display.fault),
        ("lamp", hardware.lamp.link, hardware.lamp.fault),
        ("scanner", hardware.scanner.link, hardware.scanner.fault),
    ):
        if link:
            _link(name, link, fault, Core)
    _scanner_values(hardware.scanner)
    _documents(hardware, Path())


def open_devices(
    hardware: Hardware,
    simulation: Path,
    held: ExitStack,
    *,
    trace: Callable[[str], None] | None = None,
    spy: Callable[[str], None] | None = None,
) -> Devices:
    """The devices; `held` closes them. Each is connected when it is first used; see `check_devices` for errors.

    `trace` hears what passes on the lines whose table says so, `spy` what passes on all of them; neither hears a paper
    or a code.
    """
    from hw.printer.escpos import EscposPrinter

    model = _model(hardware.printer)
    lines = _Lines(held, trace, spy)

    def printer_core() -> HandledCore:
        from hw.sim.printer.imaging import OwnProcess
        from hw.sim.printer.virtual import VirtualPrinter

        return VirtualPrinter(directory=simulation / "printer", dots=model.dots, imaging=OwnProcess())

    line = _serial_line(hardware.printer)
    link = lines.open("printer", hardware.printer, printer_core, line)
    is_high = hardware.cash.sensor != "low"
    printer = SharedPrinter(EscposPrinter(link, model, is_drawer_open_when_high=is_high))
    lines.held.callback(printer.close)
    cash, coins = _cash_box(hardware.cash, printer, simulation, lines)
    return Devices(
        printer=printer,
        cash=cash,
        display=_display(hardware.display, lines, simulation),
        lamp=_lamp(hardware.lamp, lines, simulation),
        scanner=_scanner(hardware.scanner, lines),
        documents=_documents(hardware, simulation),
        simulated_coins=coins,
        simulators=lines.simulators,
    )


def coin_ledger_path(simulation: Path) -> Path:
    """Where the coin machine's ledger lies: beside the simulated devices' state, but it is a record of real money."""
    return simulation.parent / "devices" / _LEDGER


def _cash_box(
    device: CashDevice, printer: SharedPrinter, simulation: Path, lines: _Lines
) -> tuple[CashBox, "VirtualCoinMachine | None"]:
    match device.kind:
        case "clerk_drawer":
            from hw.cash.drawer import ClerkDrawer

            return ClerkDrawer(printer, has_sensor=device.sensor != "none"), None
        case "cash_changer":
            from hw.sim.changer import SimulatedChanger

            changer = SimulatedChanger(simulation / "changer.json", patience_s=device.patience_s)
            lines.simulators["changer"] = changer
            return changer, None
        case "cctalk":
            return _coin_box(device, simulation, lines)


def _coin_box(device: CashDevice, simulation: Path, lines: _Lines) -> tuple[CashBox, "VirtualCoinMachine | None"]:
    from hw.cash.cctalk.acceptor import CoinAcceptor
    from hw.cash.cctalk.bus import Bus
    from hw.cash.cctalk.hopper import CoinHopper
    from hw.cash.coin_box import CoinBox
    from hw.cash.coin_ledger import CoinLedger, LedgerDamaged
    from hw.sim.coin.virtual import VirtualCoinMachine

    link = lines.open("cash", device, lambda: VirtualCoinMachine(directory=simulation), SerialLine(_COINS_BAUDRATE))
    machine = lines.simulators.get("cash")
    bus = Bus(link, device.checksum)
    path = coin_ledger_path(simulation)
    try:
        ledger = CoinLedger(path)
    except LedgerDamaged as error:
        raise ConfigInvalid(str(path), "", str(error)) from error
    box = CoinBox(
        CoinAcceptor(bus), ledger, hopper=CoinHopper(bus) if device.hopper else None, patience_s=device.patience_s
    )
    lines.held.callback(box.close)
    return box, machine if isinstance(machine, VirtualCoinMachine) else None


def _serial_line(device: PrinterDevice | DisplayDevice | ScannerDevice) -> SerialLine:
    return SerialLine(
        device.baudrate,
        has_rts_cts=device.flow_control in ("rts/cts", "dtr/dsr"),  # by the cable, see `hw.hardware.FlowControl`
        has_xon_xoff=device.flow_control == "xon/xoff",
    )


def _display(device: DisplayDevice, lines: _Lines, simulation: Path) -> "CustomerDisplay | None":
    if not device.link:
        return None
    from hw.display import CustomerDisplay

    def core() -> HandledCore:
        from hw.sim.display.virtual import VirtualDisplay

        return VirtualDisplay(directory=simulation / "display", is_cd5220=device.dialect == "cd5220")

    link = lines.open("display", device, core, _serial_line(device))
    return CustomerDisplay(link, device.dialect)


def _lamp(device: LampDevice, lines: _Lines, simulation: Path) -> "SignalLamp | None":
    if not device.link:
        return None
    from hw.lamp import SignalLamp

    def core() -> HandledCore:
        from hw.sim.lamp.virtual import VirtualLamp

        return VirtualLamp(directory=simulation / "lamp")

    return SignalLamp(lines.open("lamp", device, core, None), device.protocol)


def _scanner(device: ScannerDevice, lines: _Lines) -> "CodeScanner | None":
    if not device.link:
        return None
    from hw.scanner import CodeScanner

    def core() -> HandledCore:
        from hw.sim.scanner.virtual import VirtualScanner

        return VirtualScanner()

    link = lines.open("scanner", device, core, _serial_line(device))
    return CodeScanner(link, device.form, dialect=device.dialect, setup=_scanner_values(device))


def _documents(hardware: Hardware, simulation: Path) -> "DocumentPrinter | None":
    """The document printer; a simulated one is a folder beside the simulated devices' state."""
    if not hardware.documents.link:
        return None
    from hw.printer.document import DocumentFolder, document_printer

    if hardware.documents.link == SIMULATED:
        return DocumentFolder(simulation / _SIMULATED_DOCUMENTS)
    try:
        return document_printer(hardware.documents.link)
    except ValueError as error:
        raise ConfigInvalid("hardware", "documents.link", str(error)) from error


def _check_cash(device: CashDevice) -> None:
    match device.kind:
        case "clerk_drawer" if device.link != _ON_PRINTER:
            raise ConfigInvalid("hardware", "cash.link", f"a clerk's drawer hangs on {_ON_PRINTER!r}")
        case "cash_changer" if device.link != SIMULATED:
            raise ConfigInvalid("hardware", "cash.link", "only a simulated cash changer (sim:) can be driven")
        case "cctalk":
            _link("cash", device.link, device.fault, Core)


def _check_baudrates(hardware: Hardware) -> None:
    for name, device in (("printer", hardware.printer), ("display", hardware.display), ("scanner", hardware.scanner)):
        if device.baudrate not in BAUDRATES:
            known = ", ".join(map(str, BAUDRATES))
            raise ConfigInvalid("hardware", f"{name}.baudrate", f"{device.baudrate} is none of {known}")


def _scanner_values(device: ScannerDevice) -> tuple[bytes, ...]:
    try:
        re.compile(device.form)
    except re.error as error:
        raise ConfigInvalid("hardware", "scanner.form", f"{device.form!r}: {error}") from error
    try:
        return tuple(bytes.fromhex(command) for command in device.setup)
    except ValueError as error:
        raise ConfigInvalid("hardware", "scanner.setup", f"not hex: {error}") from error


def _model(device: PrinterDevice) -> "PrinterModel":
    from hw.printer.models import MODELS

    if device.model not in MODELS:
        raise ConfigInvalid("hardware", "printer.model", f"{device.model!r} is none of {', '.join(MODELS)}")
    return MODELS[device.model]


def _link(name: str, url: str, fault: str, simulated: Callable[[], Core], line: SerialLine | None = None) -> Link:
    """The link of table `name`; nothing is opened. Raises `ConfigInvalid`."""
    injuries: Injuries | None = None
    try:
        injuries = parse_injuries(fault) if fault else None
    except FaultSpecInvalid as error:
        raise ConfigInvalid("hardware", f"{name}.fault", str(error)) from error

    try:
        return link_to(url, simulated=simulated, line=line, injuries=injuries)
    except ValueError as error:
        raise ConfigInvalid("hardware", f"{name}.link", str(error)) from error

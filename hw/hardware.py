"""The tables of `hardware.toml`: which devices a station has, how they are reached, and what they are.

`fault` injures a device's line for a rehearsal (`hw.link.injury`), `trace` tells what passes on it (`hw.link.traced`).
"""

from dataclasses import dataclass
from typing import Literal

FlowControl = Literal["none", "xon/xoff", "rts/cts", "dtr/dsr"]
"""Who holds the other's bytes back on a serial line, as the device's switches say.

DTR/DSR, the setting that receipt printers come with, has no support in Linux: it takes a cable that leads the device's
DTR to the computer's CTS, and then is RTS/CTS here.
"""
BAUDRATES = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400)
"""What a serial line can be set to; the device's switches or manual say to which."""
SIMULATED = "sim:"
"""The link of a simulated device in memory."""


@dataclass(frozen=True)
class CardDevice:
    """A card reader: `sim:` or `pcsc:READER NAME`; empty where there is none.

    `profile` is the kind of a new simulated card. `length` is `short` for a reader that passes no extended command on.
    `unlisted` says what becomes of a reader that did not pass the compatibility check as `readers`, beside the shipped
    hardware.toml unless it is a path, lists it.
    """

    link: str = SIMULATED
    profile: Literal["juki-2011", "juki-2011-b", "myna-2016", "piv"] = "juki-2011"
    unlisted: Literal["refuse", "warn", "allow"] = "warn"
    readers: str = ""
    length: Literal["extended", "short"] = "extended"


@dataclass(frozen=True)
class PrinterDevice:
    """The receipt printer: `sim:`, `serial:///dev/...`, `tcp://HOST:PORT` or `file:///PATH`, and its model."""

    link: str = "sim:"
    model: str = "tm-t88-ja"
    baudrate: int = 9600
    flow_control: FlowControl = "none"
    fault: str = ""
    trace: bool = False


@dataclass(frozen=True)
class CashDevice:
    """Where the fee goes: a clerk's drawer on the printer, a ccTalk coin acceptor, or a (simulated) cash changer.

    `sensor` tells how the printer reports an open drawer, if at all. `checksum`, `hopper` (the coins change is given
    in) and `patience_s` (how long a payer is given before a clerk elsewhere is asked) are the coin acceptor's.
    """

    kind: Literal["clerk_drawer", "cctalk", "cash_changer"] = "clerk_drawer"
    link: str = "printer"
    fault: str = ""
    trace: bool = False
    sensor: Literal["none", "high", "low"] = "none"
    checksum: Literal["simple", "crc"] = "simple"
    hopper: bool = False
    patience_s: float = 20.0


@dataclass(frozen=True)
class DisplayDevice:
    """The customer display, the command set that it is switched to, its language; no link where there is none."""

    link: str = ""
    dialect: Literal["escpos", "cd5220"] = "escpos"
    language: Literal["ja", "en"] = "ja"
    baudrate: int = 9600
    flow_control: FlowControl = "none"
    fault: str = ""
    trace: bool = False


@dataclass(frozen=True)
class LampDevice:
    """The signal tower, and the protocol that it speaks; no link where there is none."""

    link: str = ""
    protocol: Literal["pns-nh", "pns-la6", "phn"] = "pns-nh"
    fault: str = ""
    trace: bool = False


@dataclass(frozen=True)
class ScannerDevice:
    """The code scanner; no link where there is none.

    `form` is the regular expression of the codes that are taken, `setup` what it is sent before it looks, in hex, from
    its manual: above all what switches its programming barcodes off.
    """

    link: str = ""
    form: str = r"[0-9]{4}-[0-9]{4}-[0-9A-Z]{8}"
    dialect: Literal["plain", "honeywell", "datalogic"] = "plain"
    setup: tuple[str, ...] = ()
    baudrate: int = 9600
    flow_control: FlowControl = "none"
    fault: str = ""
    trace: bool = False


@dataclass(frozen=True)
class DocumentsDevice:
    """Where papers on A4 go: `sim:`, `cups:QUEUE` or `folder:/PATH`; no link where there is nothing of the kind."""

    link: str = ""


@dataclass(frozen=True)
class Hardware:
    """The tables of `hardware.toml`."""

    card: CardDevice = CardDevice()
    window: CardDevice = CardDevice("")
    printer: PrinterDevice = PrinterDevice()
    cash: CashDevice = CashDevice()
    display: DisplayDevice = DisplayDevice()
    lamp: LampDevice = LampDevice()
    scanner: ScannerDevice = ScannerDevice()
    documents: DocumentsDevice = DocumentsDevice()


def rehearsal_keys(hardware: Hardware) -> tuple[str, ...]:
    """The keys, such as `printer.link`, that make this station one for training: simulated and injured devices."""
    found = []
    for name in Hardware.__dataclass_fields__:
        table = getattr(hardware, name)
        if table.link == SIMULATED:
            found.append(f"{name}.link")
        if getattr(table, "fault", ""):
            found.append(f"{name}.fault")
    return tuple(found)

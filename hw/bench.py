"""From `hardware.toml` to a station's devices, by one explicit table."""

import base64
import hashlib
import json
import logging
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hw.cash.coin_box import CoinBox
from hw.cash.shown import NewestFrame, ShownCashBox
from hw.devices import Devices, check_devices, open_devices
from hw.hardware import SIMULATED, CardDevice, Hardware
from hw.ports import CardReader, CashBox
from hw.printer.shared import SharedPrinter
from hw.strict_toml import ConfigInvalid, apply_settings, blaming_settings, convert

if TYPE_CHECKING:
    from hw.display import CustomerDisplay
    from hw.lamp import SignalLamp
    from hw.printer.document import DocumentPrinter
    from hw.scanner import CodeScanner
    from hw.sim.card.trap import CardTrap
    from hw.sim.coin.virtual import VirtualCoinMachine


class SimulatedReader:
    """The hand that puts simulated cards into the simulated reader and takes them out.

    Each card keeps its memory in a file of its own; which card lies in the reader survives the program, as it would
    with a real one. Readers of one directory share its cards; `name` tells them apart.
    """

    def __init__(
        self, directory: Path, name: str = "card", profile: str = "juki-2011", trap: "CardTrap | None" = None
    ) -> None:
        from hw.card.memory import MemorySlot
        from hw.sim.card.trap import CardTrap
        from hw.sim.kept_file import reading_kept

        self._profile = profile
        self._directory = directory
        self._note = directory / ("reader.json" if name == "card" else f"{name}.json")
        self.slot = MemorySlot(SIMULATED)
        self.trap = trap or CardTrap()
        self._last: str | None = None
        inserted: str | None = None
        if self._note.exists():
            with reading_kept(self._note, "reader"):
                noted = json.loads(self._note.read_bytes())
                self._last, inserted = noted.get("last"), noted.get("inserted")
        if inserted is not None:
            self.insert(str(inserted))

    @property
    def is_inserted(self) -> bool:
        """Whether a card lies in the reader."""
        return self.slot.is_card_present()

    def insert(self, name: str) -> None:
        """Puts in the card of that name, which may be any text; a new one when there is none yet.

        Raises `ConfigInvalid` when the card's file cannot be read, or a new one not be written.
        """
        from hw.sim.card.card import VirtualCard
        from hw.sim.card.memory import CardMemoryInvalid, FileStore
        from hw.sim.card.personalization import new_card, new_piv_card
        from hw.sim.card.profile import PIV, PROFILES

        path = self._directory / f"card-{_card_file(name)}.json"
        store = FileStore(path)
        try:
            if not store.exists():
                is_piv, number = self._profile == PIV, _new_number()
                store.write(new_piv_card(number) if is_piv else new_card(number, PROFILES[self._profile]))
            card = VirtualCard(store, trap=self.trap)
        except CardMemoryInvalid as error:
            raise ConfigInvalid(str(path), "", error.reason) from error
        self.slot.insert(card)
        self._write_note(name)

    def insert_last(self) -> None:
        """Puts the card in that was in the reader last; nothing when there was none."""
        if self._last is not None:
            self.insert(self._last)

    def remove(self) -> None:
        """Takes the card out."""
        self.slot.remove()
        self._write_note(None)

    def _write_note(self, inserted: str | None) -> None:
        if inserted is not None:
            self._last = inserted
        new = self._note.with_suffix(".new")
        new.write_text(json.dumps({"inserted": inserted, "last": self._last}))
        os.replace(new, self._note)


def _card_file(name: str) -> str:
    """What the card of that name is called among the files: up to 12 digits as they are, other text by its hash."""
    if name.isascii() and name.isdigit() and len(name) <= 12:
        return name
    # 10 bytes are 16 characters of base32.
    return base64.b32encode(hashlib.sha256(name.encode("utf-8")).digest()[:10]).decode("ascii")


def _new_number() -> str:
    """The card number of a new card, which its file keeps.

    Drawn, not derived: a card's name may be a resident's code, and its number is told to who looks at the exchanges.
    """
    return f"JUKI{secrets.randbelow(10**12):012d}"


@dataclass(frozen=True)
class Bench:
    """The devices of a station; what it does not have is None. Simulated readers and coin machines have hands.

    `cash` shows the payer on the display, where there is one, what happens to his money; `coin_box` is what it stands
    on where that is a coin acceptor.
    """

    reader: CardReader
    window: CardReader | None
    printer: SharedPrinter
    cash: CashBox
    display: "CustomerDisplay | None"
    lamp: "SignalLamp | None"
    scanner: "CodeScanner | None"
    documents: "DocumentPrinter | None"
    coin_box: CoinBox | None
    simulated_reader: SimulatedReader | None
    simulated_window: SimulatedReader | None
    simulated_coins: "VirtualCoinMachine | None"
    devices: Devices
    """The same devices bare, for those who look after them."""


def set_hardware(tables: dict[str, Any], settings: Sequence[tuple[str, str]], file: str) -> Hardware:
    """The devices that the tables of `file` name, with `settings` (`--set`) on top, checked.

    Raises `ConfigInvalid`, of the file or of the setting.
    """
    apply_settings(tables, settings, Hardware)
    with blaming_settings(settings, file):
        hardware = convert(tables, Hardware, file)
        check_hardware(hardware, file)
    return hardware


def check_hardware(hardware: Hardware, file: str = "hardware") -> None:
    """Raises `ConfigInvalid`, naming `file`, for a link or a model that is none; touches no device and no file."""
    try:
        _reader_name(hardware.card, "card")
        if hardware.window.link:
            _reader_name(hardware.window, "window")
        check_devices(hardware)
    except ConfigInvalid as error:
        raise ConfigInvalid(file, error.key, error.reason) from error


@contextmanager
def open_bench(
    hardware: Hardware,
    simulation: Path,
    *,
    trace: Callable[[str], None] | None = None,
    spy: Callable[[str], None] | None = None,
) -> Iterator[Bench]:
    """The station's devices; simulated ones keep their state under `simulation`.

    `trace` hears redacted card exchanges, and what passes on the lines that are to be traced; `spy` all lines.
    A device is opened when it is first used: one that is absent is trouble of that use, not of the whole station.
    Raises `ConfigInvalid` as `check_hardware` does.
    """
    check_hardware(hardware)
    with ExitStack() as held:
        reader, simulated_reader = open_reader(hardware.card, simulation, trace=trace)
        window, simulated_window = None, None
        if hardware.window.link:
            # One hand lets a card fail, whichever reader it lies in.
            trap = simulated_reader.trap if simulated_reader is not None else None
            window, simulated_window = open_reader(hardware.window, simulation, "window", trace=trace, trap=trap)
        devices = open_devices(hardware, simulation, held, trace=trace, spy=spy)
        cash = devices.cash
        if devices.display is not None:
            cash = ShownCashBox(cash, NewestFrame(devices.display), hardware.display.language)
        yield Bench(
            reader=reader,
            window=window,
            printer=devices.printer,
            cash=cash,
            display=devices.display,
            lamp=devices.lamp,
            scanner=devices.scanner,
            documents=devices.documents,
            coin_box=devices.cash if isinstance(devices.cash, CoinBox) else None,
            simulated_reader=simulated_reader,
            simulated_window=simulated_window,
            simulated_coins=devices.simulated_coins,
            devices=devices,
        )


def open_reader(
    device: CardDevice,
    simulation: Path,
    name: str = "card",
    *,
    trace: Callable[[str], None] | None = None,
    trap: "CardTrap | None" = None,
) -> tuple[CardReader, SimulatedReader | None]:
    """One card reader alone, and the hand at it when it is simulated; `name` is its table. See `open_bench`."""
    from hw.card.apdu import EXTENDED, SHORT
    from hw.card.reader import Reader
    from hw.card.trace import RedactingTrace

    pcsc_name = _reader_name(device, name)
    limits = SHORT if device.length == "short" else EXTENDED
    if pcsc_name is None:
        simulation.mkdir(parents=True, exist_ok=True)
        simulated = SimulatedReader(simulation, name, device.profile, trap)
        heard = None if trace is None else RedactingTrace(trace)
        return Reader(simulated.slot, limits=limits, trace=heard), simulated
    objection = _objection(device, pcsc_name)
    if objection:
        logging.getLogger(__name__).warning(objection)
    from hw.card.pcsc import PcscSlot
    from hw.card.process_reader import ProcessReader

    return ProcessReader(PcscSlot(pcsc_name), limits=limits, trace=trace), None


def _reader_name(device: CardDevice, table: str) -> str | None:
    """The PC/SC reader's name; None for the simulated reader."""
    if device.link == SIMULATED:
        return None
    scheme, _, name = device.link.partition(":")
    if scheme != "pcsc" or not name.strip():
        raise ConfigInvalid("hardware", f"{table}.link", f"{device.link!r} is neither sim: nor pcsc:READER NAME")
    return name


def _objection(device: CardDevice, reader_name: str) -> str:
    """What is to be said against a reader. Raises `ConfigInvalid` for one that must not be used."""
    from hw.card.reader_list import objection_to, read_reader_list

    shipped = Path(__file__).resolve().parent.parent / "config" / "readers.toml"
    readers = read_reader_list(Path(device.readers) if device.readers else shipped)
    return objection_to(reader_name, readers, device.unlisted)

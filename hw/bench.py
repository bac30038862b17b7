"""From `hardware.toml` to a station's open devices, by one explicit table."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hw.ports import CardReader, CashBox, ReceiptPrinter
from hw.printer.shared import SharedPrinter
from hw.strict_toml import ConfigInvalid


@dataclass(frozen=True)
class CardDevice:
    """The card reader: `sim:` or `pcsc:READER NAME`."""

    link: str = "sim:"


@dataclass(frozen=True)
class PrinterDevice:
    """The receipt printer: `sim:`, `serial:///dev/...`, `tcp://HOST:PORT` or `file:///PATH`, and its model."""

    link: str = "sim:"
    model: str = "tm-t88-ja"


@dataclass(frozen=True)
class CashDevice:
    """Where the fee goes; a clerk's drawer hangs on the printer."""

    kind: Literal["clerk_drawer"] = "clerk_drawer"
    link: str = "printer"


@dataclass(frozen=True)
class Hardware:
    """The tables of `hardware.toml`."""

    card: CardDevice = CardDevice()
    printer: PrinterDevice = PrinterDevice()
    cash: CashDevice = CashDevice()


class SimulatedReader:
    """The hand that puts simulated cards into the simulated reader and takes them out.

    Each card keeps its memory in a file of its own; which card lies in the reader survives the program, as it would
    with a real one.
    """

    def __init__(self, directory: Path) -> None:
        from hw.card.memory import MemorySlot

        self._directory = directory
        self._note = directory / "reader.json"
        self.slot = MemorySlot("sim:")
        noted = json.loads(self._note.read_text()) if self._note.exists() else {}
        self._last: str | None = noted.get("last")
        if noted.get("inserted"):
            self.insert(str(noted["inserted"]))

    @property
    def is_inserted(self) -> bool:
        """Whether a card lies in the reader."""
        return self.slot.is_card_present()

    def insert(self, name: str) -> None:
        """Puts in the card of that name (up to 12 digits), a new one when there is none yet."""
        from hw.sim.card.card import VirtualCard
        from hw.sim.card.memory import FileStore
        from hw.sim.card.personalization import new_card

        store = FileStore(self._directory / f"card-{name}.json")
        if not store.exists():
            store.write(new_card(f"JUKI{name:0>12}"))
        self.slot.insert(VirtualCard(store))
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
        self._last = inserted or self._last
        new = self._note.with_suffix(".new")
        new.write_text(json.dumps({"inserted": inserted, "last": self._last}))
        os.replace(new, self._note)


@dataclass(frozen=True)
class Bench:
    """The open devices of a station; `simulated_reader` is there when the reader is simulated."""

    reader: CardReader
    printer: SharedPrinter
    cash: CashBox
    simulated_reader: SimulatedReader | None


@contextmanager
def open_bench(hardware: Hardware, simulation: Path, *, trace: Callable[[str], None] | None = None) -> Iterator[Bench]:
    """Opens all devices; simulated ones keep their state under `simulation`. `trace` hears redacted card exchanges.

    Raises `ConfigInvalid` for a link or model that is none, and the errors of `hw.errors`.
    """
    from hw.card.reader import Reader
    from hw.card.trace import RedactingTrace
    from hw.cash.drawer import ClerkDrawer

    redacted = None if trace is None else RedactingTrace(trace)

    simulation.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        simulated_reader = None
        if hardware.card.link == "sim:":
            simulated_reader = SimulatedReader(simulation)
            reader = Reader(simulated_reader.slot, trace=redacted)
        elif hardware.card.link.startswith("pcsc:"):
            from hw.card.pcsc import PcscSlot

            reader = Reader(PcscSlot(hardware.card.link.removeprefix("pcsc:")), trace=redacted)
        else:
            raise ConfigInvalid("hardware", "card.link", f"{hardware.card.link!r} is neither sim: nor pcsc:READER NAME")
        printer = SharedPrinter(_open_printer(hardware.printer, simulation / "printer", held))
        yield Bench(reader, printer, ClerkDrawer(printer), simulated_reader)


def _open_printer(device: PrinterDevice, papers: Path, held: ExitStack) -> ReceiptPrinter:
    from hw.link.memory import Core
    from hw.link.open import open_link
    from hw.printer.escpos import EscposPrinter
    from hw.printer.models import MODELS

    if device.model not in MODELS:
        raise ConfigInvalid("hardware", "printer.model", f"{device.model!r} is none of {', '.join(MODELS)}")
    model = MODELS[device.model]

    def simulated() -> Core:
        from hw.sim.printer.virtual import VirtualPrinter

        return VirtualPrinter(directory=papers, dots=model.dots)

    try:
        link = open_link(device.link, simulated=simulated)
    except ValueError as error:
        raise ConfigInvalid("hardware", "printer.link", str(error)) from error
    held.callback(link.close)
    return EscposPrinter(link, model)

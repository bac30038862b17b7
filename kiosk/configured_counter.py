"""The counter that the screens stand on, put together from the configuration."""

import datetime
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Literal

from hw.bench import SimulatedReader
from hw.cash.coin_box import CoinBox
from hw.data_folder import hold_data
from hw.errors import DeviceError
from hw.lamp import DARK, IN_TROUBLE, IN_USE, NEEDS_CLERK, Light, Signal, SignalLamp
from hw.link.reconnect import Presence
from hw.monitor import DRAWER_LEFT_OPEN, MONEY_UNASSIGNED, PAPER_NEAR_END, AnyOwner, monitoring
from hw.owner import DeviceReport
from hw.ports import CardReader
from hw.sim.panel import Hand, hand_at
from hw.strict_toml import ConfigInvalid
from kiosk.assembly import Assembly, Endpoint, authority_endpoint, open_desk, open_station
from kiosk.books import open_books
from kiosk.card_services import StationCardServices
from kiosk.clock import JAPAN
from kiosk.config import Config, load_areas
from kiosk.config_check import check_config
from kiosk.counter.attendance import Attendance
from kiosk.counter.printed_forms import PrintedForms
from kiosk.counter.roster import CounterSignIn, SignIn
from kiosk.counter_records import CounterRecords, open_counter_records
from kiosk.failure_book import load_failure_book
from kiosk.far_clerk import FarForms, StationFarClerk
from kiosk.issuance.filing import filed
from kiosk.issuance.station import Station
from kiosk.line_trace import LineTrace
from kiosk.log_file import keeping_log, log_opened
from kiosk.maintenance.device_board import DeviceBoard, ToldDevice
from kiosk.model.application import Application
from kiosk.model.resident import Resident
from kiosk.model.town import Areas
from kiosk.papers.press import Press
from kiosk.procedures import StationProcedures
from kiosk.roster_file import load_roster
from kiosk.scanned_codes import FormsByCode, NearForms, ScannedCodes
from kiosk.ui.books import Books
from kiosk.ui.card_services import CardServices
from kiosk.ui.counter import FailureText
from kiosk.ui.devices import CARD_LEFT, READER, DeviceState, StationDevices
from kiosk.ui.far import ClerkAtStation
from kiosk.ui.liking import Likings
from kiosk.ui.papers import CodeReader
from kiosk.ui.tower import TowerSign
from kiosk.ui.voice import Voice
from kiosk.ui.workbench import Check
from kiosk.workbench import StationWorkbench

TRACE_LENGTH = 400
"""How many lines of card exchanges, of the devices' lines and of the log the technician can look back on."""

_WARNINGS = (PAPER_NEAR_END, DRAWER_LEFT_OPEN, MONEY_UNASSIGNED)
"""Troubles with which a device still works."""

_SIGNALS = {
    TowerSign.NOTHING: DARK,
    TowerSign.IN_USE: IN_USE,
    TowerSign.TAKE_CARD: Signal(green=Light.FLASHING),
    TowerSign.CARD_LEFT: Signal(amber=Light.FLASHING, green=Light.FLASHING, buzzer=1),
    TowerSign.NEEDS_CLERK: NEEDS_CLERK,
    TowerSign.DONE: Signal(amber=Light.ON, green=Light.ON),
    TowerSign.TROUBLE: IN_TROUBLE,
}
"""What the tower says: each differs from the others by which tiers are lit and which flash, not by colour alone."""
_TOWER_TAKES_S = 5.0

_log = logging.getLogger(__name__)

_RECOVERABLE = frozenset(("cutter_error", "recoverable_error"))
"""Troubles of a printer from which it goes on only when it is told to."""

_LOOKED_AFTER_BY_NONE = ("clerk_drawer", "cash_changer")

_EMPTY_CARD = "visitor"
"""The card of somebody who has not applied yet."""


class ResidentsCard:
    """The card of the resident who applied last, and the hand that moves it."""

    def __init__(self, reader: SimulatedReader, window: SimulatedReader | None) -> None:
        self._reader = reader
        self._window = window
        self.owner = ""

    @property
    def is_inserted(self) -> bool:
        """Whether a card lies in the simulated reader."""
        return self._reader.is_inserted

    def insert(self) -> None:
        """Puts the resident's card in; before anybody has applied, the card that was there last, else an empty one."""
        if self.owner:
            self._reader.insert(self.owner)
            return
        self._reader.insert_last()
        if not self._reader.is_inserted:
            self._reader.insert(_EMPTY_CARD)

    def hand_in(self) -> None:
        """Hands the resident's card in at the window."""
        self._reader.remove()
        if self._window is not None:
            self._window.insert(self.owner)

    def remove(self) -> None:
        """Takes the card out, wherever it lies."""
        self._reader.remove()
        if self._window is not None:
            self._window.remove()


class ConfiguredCounter:
    """Implements `kiosk.ui.counter.Counter` on the configuration; opens nothing before `open`."""

    clerk = "demo"

    def __init__(self, config: Config, config_path: Path, data: Path, settings: Sequence[tuple[str, str]] = ()) -> None:
        self._config = config
        self._config_path = config_path
        self._data = data
        self._settings = settings
        self._held = ExitStack()
        self._clerks = data / "authority" / "clerks"
        self._assembly: Assembly | None = None
        self._card: ResidentsCard | None = None
        self._forms: PrintedForms | None = None
        self._printed_numbers: dict[str, str] = {}
        """Of printed forms that were scanned here and come from the clerk's station, by resident."""
        self._device_board: DeviceBoard | None = None
        self._devices_elsewhere: DeviceBoard | None = None
        self._far_clerk: StationFarClerk | None = None
        self._endpoint: Endpoint | None = None
        self.sign_in: SignIn | None = None
        self.technician_sign_in: SignIn | None = None
        self.likings = Likings(data / "likings.json")
        self.holidays: Sequence[datetime.date] = config.counter.holidays
        self.hours = config.hours
        self.voice: Voice | None = None
        self.ring: Callable[[], None] | None = None
        self._trace: deque[str] = deque(maxlen=TRACE_LENGTH)
        self._lines = LineTrace(TRACE_LENGTH, lambda: datetime.datetime.now(JAPAN))
        self._log: deque[str] = deque(maxlen=TRACE_LENGTH)
        self._reports: dict[str, DeviceReport] = {}
        self._owners: dict[str, AnyOwner] = {}
        self._hands: tuple[Hand, ...] = ()
        self._book = load_failure_book()

    def open(self) -> Station:
        """Opens devices and authority, starting one of its own when none is configured."""
        self._held.enter_context(hold_data(self._data))
        self._held.enter_context(keeping_log(self._data, self._log))
        endpoint = self._held.enter_context(
            authority_endpoint(self._config, self._config_path, self._settings, self._data)
        )
        self._clerks = endpoint.credential.parent.parent / "clerks"
        self._endpoint = endpoint
        assembly = self._held.enter_context(
            open_station(self._config, self._data, endpoint, trace=self._trace.append, spy=self._lines.hear)
        )
        self._assembly = assembly
        devices = assembly.bench.devices
        owners = self._held.enter_context(monitoring(devices, self._note, monotonic=time.monotonic))
        self._owners = {owner.report.name: owner for owner in owners}
        self._hands = tuple(hand_at(name, core) for name, core in devices.simulators.items())
        self._make_sign_in(assembly)
        self.voice = self._make_voice()
        self.ring = self._make_bell()
        if assembly.bench.simulated_reader is not None:
            self._hands = (hand_at("card", assembly.bench.simulated_reader.trap), *self._hands)
            self._card = ResidentsCard(assembly.bench.simulated_reader, assembly.bench.simulated_window)
        log_opened()
        return assembly.station

    def _make_sign_in(self, assembly: Assembly) -> None:
        """How clerks and technicians sign in; not at all in training without a roster. Raises `ConfigInvalid`."""
        name = self._config.clerk.roster
        if not name:
            if not assembly.is_training:
                raise ConfigInvalid("clerk", "clerk.roster", "missing: only a training system is open to everybody")
            return
        path = self._config.home / name
        roster = load_roster(path)
        if roster.is_demo and not assembly.is_training:
            raise ConfigInvalid(str(path), "is_demo", "everybody knows these PINs")
        self.sign_in = CounterSignIn(roster.clerk, assembly.bench.window, time.monotonic)
        if roster.technician:
            self.technician_sign_in = CounterSignIn(roster.technician, None, time.monotonic)

    def _make_voice(self) -> Voice | None:
        if not self._config.voice.model:
            return None
        from kiosk.spoken_voice import SpokenVoice, alsa_player, open_jtalk

        model = str(self._config.home / self._config.voice.model)
        voice = SpokenVoice(open_jtalk(model), alsa_player(self._config.voice.device))
        self._held.callback(voice.close)
        return voice

    def _make_bell(self) -> Callable[[], None] | None:
        if not self._config.sound.device:
            return None
        from kiosk.spoken_voice import alsa_player
        from kiosk.tone import bell

        return bell(alsa_player(self._config.sound.device))

    def close(self) -> None:
        """Closes what `open` opened."""
        self._held.close()

    def file_application(self, resident: Resident) -> Application:
        """The resident's application that an interruption left, else a new one under the next number of the year."""
        assert self._assembly is not None, "the counter is open before anybody applies"
        station = self._assembly.station
        if self._card is not None:
            self._card.owner = resident.code
        for record in station.journal.unfinished_cases():
            left = filed(record, station.journal, Application)
            if left.resident_code == resident.code:
                return left
        forms = self._forms_for_cases()
        printed = self._printed_numbers.pop(resident.code, None) or forms.number_for(resident.code)
        return Application(printed or forms.next_number(), resident.code)

    def _forms_for_cases(self) -> PrintedForms:
        if self._forms is None:
            self._forms = self.records().forms
        return self._forms

    def devices(self) -> tuple[DeviceState, ...]:
        """Every device as it was found last, half a second ago at most; the reader is asked."""
        if self._assembly is None:
            return ()
        hardware = self._config.hardware
        bench = self._assembly.bench
        states = [_reader_state(READER, hardware.card.link, bench.reader)]
        if bench.window is not None:
            states.append(_reader_state("window", hardware.window.link, bench.window))
        states += self._of_the_fee()
        if hardware.display.link:
            states.append(self._state("display", "customer_display", hardware.display.link))
        if hardware.lamp.link:
            states.append(self._state("lamp", "signal_lamp", hardware.lamp.link))
        # Nobody looks after these: a scanner is listened to while a code is wanted, a queue of papers has its own care.
        for name, kind, link in (
            ("scanner", "code_scanner", hardware.scanner.link),
            ("documents", "document_printer", hardware.documents.link),
        ):
            if link:
                states.append(DeviceState(name, kind, link, "ready", "not_looked_after"))
        return tuple(states)

    def fee_troubles(self) -> tuple[DeviceState, ...]:
        """Of receipt printer and cash what was found last to be out of order."""
        if self._assembly is None:
            return ()
        return tuple(d for d in self._of_the_fee() if d.state != "ready" and d.name in self._reports)

    def _of_the_fee(self) -> tuple[DeviceState, DeviceState]:
        hardware = self._config.hardware
        return (
            self._state("printer", "receipt_printer", hardware.printer.link),
            self._state("cash", hardware.cash.kind, hardware.cash.link),
        )

    def tell_devices(self, *, is_card_left: bool) -> None:
        """Tells the store, by a connection that only this uses."""
        if self._device_board is None:
            self._device_board = self.records().devices
        devices = self.devices()
        if is_card_left:
            devices = tuple(replace(d, detail=CARD_LEFT) if d.name == READER else d for d in devices)
        told = [ToldDevice(d.name, d.kind, d.link, d.state, d.detail) for d in devices]
        self._device_board.tell(told)

    def station_devices(self) -> tuple[StationDevices, ...]:
        """What every station told last."""
        assert self._assembly is not None, "the counter is open"
        if self._devices_elsewhere is None:
            self._devices_elsewhere = self.records().devices
        told = self._devices_elsewhere.stations()
        now = self._assembly.station.clock()
        return tuple(
            StationDevices(
                one.station,
                max(0, int((now - one.told_at).total_seconds())),
                tuple(DeviceState(d.name, d.kind, d.link, _known(d.state), d.detail) for d in one.devices),
            )
            for one in told
        )

    def books(self) -> Books:
        """The books of this station, through a connection of their own."""
        assert self._assembly is not None, "the counter is open"
        return self._held.enter_context(open_books(self._config, self._data, self._assembly.station))

    def records(self) -> CounterRecords:
        """What the counter keeps beside its cases, through a connection of its own for the thread that asks."""
        assert self._assembly is not None, "the counter is open"
        return self._held.enter_context(open_counter_records(self._config, self._data, self._assembly.station))

    def coin_machine(self) -> CoinBox | None:
        """The station's coin machine."""
        assert self._assembly is not None, "the counter is open"
        cash = self._assembly.bench.devices.cash
        return cash if isinstance(cash, CoinBox) else None

    def areas(self) -> Areas:
        """The town's parts."""
        return load_areas(self._config.areas_file)

    def code_reader(self) -> CodeReader | None:
        """The terminal's scanner, where it has one."""
        assert self._assembly is not None, "the counter is open"
        scanner = self._assembly.bench.scanner
        if scanner is None:
            return None
        return ScannedCodes(scanner, self._printed_forms)

    def _printed_forms(self) -> FormsByCode:
        assert self._assembly is not None, "the counter is open"
        far = self.far_clerk()
        if far is not None:
            return FarForms(far.open_reception(), self._printed_numbers)
        return NearForms(self.records().forms, self._assembly.station.register.find)

    def far_clerk(self) -> StationFarClerk | None:
        """The clerk where `clerk.station` names a station of his own."""
        assert self._assembly is not None, "the counter is open"
        if self._far_clerk is None and self._assembly.clerk is not None:
            self._far_clerk = StationFarClerk(self._config, self._data, self._assembly, self._held)
        return self._far_clerk

    def attend_terminals(self, clerk: ClerkAtStation, is_stopping: Callable[[], bool]) -> None:
        """Answers terminals that have this station as `clerk.station`, over connections of its own."""
        assert self._assembly is not None, "the counter is open"
        assert self._endpoint is not None, "the counter is open"
        with open_desk(
            self._config, self._data, self._endpoint, clerk.clerk, clerk.reception, clerk.witnesses, clerk.decisions
        ) as desk:
            Attendance(desk, clerk.withdraw, clerk.follow, time.monotonic).serve(is_stopping)

    def card_services(self) -> CardServices:
        """What the resident may do with a certificate that he has."""
        assert self._assembly is not None, "the counter is open"
        return StationCardServices(self._assembly.station)

    def workbench(self) -> StationWorkbench:
        """The technician's tools."""
        assert self._assembly is not None, "the counter is open"
        return StationWorkbench(
            self._config,
            self._data,
            self._assembly,
            self.papers(),
            self._owners,
            self._lines.lines,
            self.checks,
        )

    def papers(self) -> Press:
        """What prints the papers besides the receipt."""
        assert self._assembly is not None, "the counter is open"
        bench = self._assembly.bench
        return Press(bench.printer, bench.documents, self._config.town, is_training=self._assembly.is_training)

    def simulated_card(self) -> ResidentsCard | None:
        """The demo's card, or None with a real reader."""
        return self._card

    def hands(self) -> tuple[Hand, ...]:
        """The hands at the simulated devices besides the card."""
        return self._hands

    @property
    def has_tower(self) -> bool:
        """Whether a signal tower stands here."""
        return "lamp" in self._owners

    def show_sign(self, sign: TowerSign) -> bool:
        """Shows it on the signal tower, in the thread that owns it; whether the tower took it."""

        def show(tower: object) -> None:
            assert isinstance(tower, SignalLamp), "the owner of that name owns the tower"
            tower.show(_SIGNALS[sign])

        try:
            self._owners["lamp"].call(show, _TOWER_TAKES_S)
        except (DeviceError, TimeoutError) as error:
            _log.debug("the signal tower does not show %s: %s", sign, error)
            return False
        return True

    @property
    def is_printer_stuck(self) -> bool:
        """Whether the receipt printer waits to be told to go on."""
        report = self._reports.get("printer")
        return report is not None and not _RECOVERABLE.isdisjoint(report.troubles)

    def recover_printer(self) -> None:
        """Lets it go on without what it still held: a case asks a person for that paper, and prints it as a copy."""
        assert self._assembly is not None, "the counter is open"
        try:
            self._assembly.bench.devices.printer.recover(clear=True)
        except DeviceError as error:
            _log.warning("the printer was not told to go on: %s", error)

    def receipts(self) -> Path | None:
        """Where the simulated printer's papers lie."""
        return self._data / "sim" / "printer" if self._config.hardware.printer.link == "sim:" else None

    def trace_lines(self) -> tuple[str, ...]:
        """The newest card exchanges."""
        return tuple(self._trace)

    def procedures(self) -> StationProcedures:
        """What is done besides issuing. A production authority's clerks have their keys in cards: none lies here."""
        assert self._assembly is not None, "the counter is open"
        clerks = self._clerks if self._assembly.is_training else self._data / "no-clerks"
        return StationProcedures(self._assembly.station, self.clerk, clerks)

    def failure_codes(self) -> tuple[str, ...]:
        """The failure book's codes."""
        return tuple(self._book)

    def log_lines(self) -> tuple[str, ...]:
        """The newest lines that the program logged, in this run and before."""
        return tuple(self._log)

    def checks(self) -> tuple[Check, ...]:
        """What is set, and whether it can be worked with."""
        assert self._assembly is not None, "the counter is open"
        return check_config(self._config, self._config_path, self._data, self._assembly)

    def failure_text(self, code: str, language: str) -> FailureText:
        """The failure book's words."""
        entry = self._book[code]
        text = entry.text(language)
        return FailureText(text.what, text.remedy, entry.who)

    def _state(self, name: str, kind: str, link: str) -> DeviceState:
        report = self._reports.get(name)
        if report is None:  # a drawer hangs on the printer, and is not looked after by itself
            return DeviceState(name, kind, link, "ready" if kind in _LOOKED_AFTER_BY_NONE else "missing")
        if report.standing.presence is not Presence.READY:
            standing = report.standing
            is_refused = standing.presence is Presence.REFUSED
            return DeviceState(name, kind, link, "missing", standing.cause, is_refused, standing.identity)
        is_blocked = any(trouble not in _WARNINGS for trouble in report.troubles)
        return DeviceState(name, kind, link, "blocked" if is_blocked else "ready", ", ".join(report.troubles))

    def _note(self, report: DeviceReport) -> None:
        before = self._reports.get(report.name)
        self._reports[report.name] = report
        # What was so at the start stands on the first screen; the log has what has changed since, and when.
        if before is not None and _told(before) != _told(report):
            is_usable = report.standing.presence is Presence.READY and not set(report.troubles) - set(_WARNINGS)
            _log.log(logging.INFO if is_usable else logging.WARNING, "device %s: %s", report.name, _told(report))


def _reader_state(name: str, link: str, reader: CardReader) -> DeviceState:
    try:
        detail = "card_inserted" if reader.is_card_present() else ""
    except DeviceError as error:
        return DeviceState(name, "card_reader", link, "missing", str(error))
    return DeviceState(name, "card_reader", link, "ready", detail)


def _known(state: str) -> Literal["ready", "blocked", "missing"]:
    """A state that another station's program told; what this one does not know is no good sign."""
    match state:
        case "ready" | "blocked" | "missing":
            return state
    return "blocked"


def _told(report: DeviceReport) -> str:
    return ", ".join(filter(None, (report.standing.presence, report.standing.cause, *report.troubles)))

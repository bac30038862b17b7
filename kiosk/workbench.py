"""The technician's tools at an open station: self-tests with records, traces, checks, reports, the support bundle."""

import contextlib
import json
import platform
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import msgspec

from hw.bench import Bench, SimulatedReader
from hw.cash.coin_box import CoinBox
from hw.errors import DeviceError
from hw.health import Checker, Health, check
from hw.health_words import HEALTH_DEVICES, Level, Question
from hw.monitor import AnyOwner
from kiosk.assembly import Assembly
from kiosk.clock import JAPAN
from kiosk.config import Config
from kiosk.maintenance.bundle import CONFORMITY_REPORTS, HEALTH_RECORDS, collect, write_bundle
from kiosk.papers.operations import chapters, reading
from kiosk.papers.press import Press
from kiosk.station_checks import card_probes, supplies, surroundings
from kiosk.ui.workbench import Check, SelfTest

_RECORDS_KEPT = 2000
_PULLED_AFTER_S = 0.2
_TEST_TAKES_S = 300.0
"""The longest self-test of one device: a person is asked, and coins are waited for."""


class StationWorkbench:
    """`kiosk.ui.workbench.Workbench` of one station.

    `owners` look after the devices, and self-tests of these run in their threads; `lines` and `checks` are what the
    running program knows.
    """

    def __init__(
        self,
        config: Config,
        data: Path,
        assembly: Assembly,
        press: Press,
        owners: Mapping[str, AnyOwner],
        lines: Callable[[], tuple[str, ...]],
        checks: Callable[[], Sequence[Check]],
    ) -> None:
        self._config = config
        self._data = data
        self._assembly = assembly
        self._press = press
        self._owners = owners
        self._lines = lines
        self._checks = checks

    @property
    def _bench(self) -> Bench:
        return self._assembly.bench

    def self_test(self, level: str, ask: Callable[[Question], bool | None]) -> tuple[SelfTest, ...]:
        """Checks every device of the station, the card reader too."""
        at = self._assembly.station.clock().astimezone(JAPAN).isoformat(timespec="seconds")
        found = [
            _record(at, health) for health in self._healths(Checker(ask, self._assembly.is_training), Level(level))
        ]
        found.insert(0, self._reader_test(at, level))
        self._keep(found)
        return tuple(found)

    def _healths(self, checker: Checker, level: Level) -> Iterator[Health]:
        for name in HEALTH_DEVICES:
            owner = self._owners.get(name)

            def run(device: object = None, name: str = name) -> list[Health]:
                return list(check(self._bench.devices, checker, level, name))

            if owner is None:
                yield from run()
                continue
            try:
                for health in owner.call(run, _TEST_TAKES_S):
                    health.statistics["ReconnectCount"] = owner.reconnects
                    yield health
            except (DeviceError, TimeoutError) as error:
                health = Health(name, level)
                health.measure("link", str(error), "ready", False)
                yield health

    def _reader_test(self, at: str, level: str) -> SelfTest:
        begun_s = time.perf_counter()
        try:
            is_there = self._bench.reader.is_card_present()
            took_ms = round((time.perf_counter() - begun_s) * 1000, 1)
            measured = (
                ("answer time ms", str(took_ms), "any", "passed"),
                ("card", "in the reader" if is_there else "none in the reader", "any", "passed"),
            )
            return SelfTest(at, "card", level, "passed", measured, {})
        except DeviceError as error:
            return SelfTest(at, "card", level, "failed", (("reader", str(error), "answers", "failed"),), {})

    def self_tests(self, newest: int) -> tuple[SelfTest, ...]:
        """The newest records."""
        path = self._data / HEALTH_RECORDS
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        tests = []
        for line in lines[-newest:]:
            with contextlib.suppress(msgspec.DecodeError):  # another version's, or a torn one
                tests.append(msgspec.json.decode(line, type=SelfTest))
        return tuple(tests)

    def _keep(self, found: Sequence[SelfTest]) -> None:
        path = self._data / HEALTH_RECORDS
        lines = deque(path.read_text("utf-8").splitlines() if path.exists() else (), maxlen=_RECORDS_KEPT)
        lines.extend(json.dumps(asdict(record), ensure_ascii=False) for record in found)
        draft = path.with_suffix(".new")
        draft.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        draft.replace(path)

    def line_trace(self) -> tuple[str, ...]:
        """What passed on the devices' lines lately."""
        return self._lines()

    def card_probes(self) -> tuple[Check, ...]:
        """What the card in the reader answers."""
        return tuple(card_probes(self._bench.reader))

    def conformity(self, subject: str) -> str:
        """The compatibility check with the card that lies in the reader; a simulated card has a hand."""
        # Imported here: a station that runs checks no compatibility until a technician asks for it.
        from hw.card.conformance import CARD_CHECKS, READER_CHECKS, Find, Specimen, find, run_checks
        from hw.card.conformance_process import find_in_process
        from hw.card.conformance_report import Report, keep, next_number

        checks = {"reader": READER_CHECKS, "card": CARD_CHECKS}
        link = self._config.hardware.card.link
        simulated = self._bench.simulated_reader
        make: Find
        if simulated is not None:
            specimen, make = Specimen(simulated.slot, time.perf_counter, _SimulatedHand(simulated)), find
        else:
            from hw.card.pcsc import PcscSlot

            specimen, make = Specimen(PcscSlot(link.partition(":")[2]), time.perf_counter, None), find_in_process
        directory = self._data / CONFORMITY_REPORTS
        report = Report(
            number=next_number(directory),
            subject=subject,
            name=self._bench.reader.name,
            maker="",
            model="",
            system=f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
            at=self._assembly.station.clock().astimezone(JAPAN).isoformat(timespec="seconds"),
            findings=tuple(run_checks(checks[subject], specimen, make)),
        )
        keep(report, directory)
        return report.as_page()

    def supplies(self) -> tuple[Check, ...]:
        """What runs out."""
        days = self._assembly.credential.days_left(self._assembly.station.clock())
        return tuple(supplies(self._bench.devices, self._data, days))

    def surroundings(self) -> tuple[Check, ...]:
        """Network, authority and clock."""
        return tuple(surroundings(self._assembly.station, self._assembly.authority_url))

    def operations(self, language: str) -> str:
        """The operations book as text, an empty line between two blocks."""
        return "\n\n".join(reading(language, self._operations_values()))

    def print_operations(self, language: str) -> str:
        """Prints it on A4."""
        rows = chapters(language)
        return self._press.print("operations", language, self._operations_values(), rows).where

    def _operations_values(self) -> dict[str, str]:
        station = self._assembly.station
        return {"station": station.name, "date": f"{station.clock().astimezone(JAPAN):%Y-%m-%d}"}

    def bundle(self) -> Path:
        """Writes a support bundle; its file."""
        at = self._assembly.station.clock().astimezone(JAPAN)
        told = {
            "checks.txt": [f"{c.outcome} {c.name} {c.detail}" for c in (*self._checks(), *self.supplies())],
            "surroundings.txt": [f"{c.outcome} {c.name} {c.detail}" for c in self.surroundings()],
            "lines.txt": self.line_trace(),
        }
        path = self._data / f"support-{at:%Y%m%d-%H%M%S}.tar.gz"
        write_bundle(path, collect(self._config, self._data, told), at)
        return path

    def accept_replacements(self, shown: Mapping[str, str]) -> None:
        """Devices were exchanged on purpose, and these were seen; a third one that came meanwhile stays refused."""
        devices = self._bench.devices
        if found := shown.get("printer"):
            devices.printer.accept_replacement(found)
        if (found := shown.get("cash")) and isinstance(devices.cash, CoinBox):
            devices.cash.accept_replacement(found)


class _SimulatedHand:
    """The hand at a simulated reader."""

    is_person = False

    def __init__(self, reader: SimulatedReader) -> None:
        self._reader = reader

    def remove(self) -> None:
        self._reader.remove()

    def insert(self) -> None:
        self._reader.insert_last()

    def remove_during(self, command: Callable[[], None]) -> None:
        pulling = threading.Timer(_PULLED_AFTER_S, self._reader.remove)
        pulling.start()
        try:
            command()
        finally:
            pulling.join()
            self._reader.insert_last()


def _record(at: str, health: Health) -> SelfTest:
    measured = tuple((m.name, m.told, m.limits, m.outcome.value) for m in health.measurements)
    return SelfTest(at, health.device, health.level.value, health.outcome.value, measured, health.statistics)

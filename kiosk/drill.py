"""`kiosk drill`: issuances without a screen, the persons played by a file; for rehearsal, integration, measurement."""

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hw.data_folder import DataInUse, hold_data
from hw.errors import DeviceError
from hw.sim.till import SimulatedTill
from hw.strict_toml import ConfigInvalid
from kiosk.application_file import ApplicationFile, check_passwords, load_application
from kiosk.assembly import (
    Assembly,
    authority_endpoint,
    configured_endpoint,
    open_desk,
    open_station,
)
from kiosk.authority.own_process import AuthorityNotStarted
from kiosk.config import Config
from kiosk.counter.attendance import Attendance
from kiosk.counter.line import Question
from kiosk.exit_code import ExitCode
from kiosk.issuance.failure import CaseEnded, NumberTaken
from kiosk.issuance.filing import filed
from kiosk.issuance.issue import issue
from kiosk.issuance.persons import Persons
from kiosk.issuance.second_certificate import second_certificate_of
from kiosk.model.application import Application
from kiosk.played_persons import PlayedClerk, PlayedWitnesses, play
from kiosk.told_lines import report_to, tell_ending, write, write_line

TROUBLE = (AuthorityNotStarted, DataInUse, DeviceError)
"""What can prevent a drill from beginning, besides `ConfigInvalid` and `UsageInvalid`."""

CARD_TAKEN_S = 0.5
"""How long a drill waits for a card to leave a real reader; nobody is there to take it."""


_LOOKS_EVERY_S = 0.1
"""How often a played clerk who takes his time looks whether his station ends."""


class UsageInvalid(Exception):
    """The command line asks for what cannot be."""


@dataclass(frozen=True)
class Drill:
    """What to play: the file, how often, and how to tell of it."""

    path: Path
    file: ApplicationFile
    count: int
    is_json: bool


def run_drill(
    config: Config,
    config_path: Path,
    settings: Sequence[tuple[str, str]],
    data: Path,
    path: Path,
    count: int,
    is_json: bool,
) -> ExitCode:
    """Plays the file and writes what happens to stdout. Raises `ConfigInvalid`, `UsageInvalid`, `DataInUse`."""
    drill = Drill(path, load_application(path), count, is_json)
    check_passwords(drill.file.persons.resident, config.policy, path)
    if count > 1 and config.hardware.card.link != "sim:":
        raise UsageInvalid(
            "--count needs a card for each resident, and a real reader holds one: card.link must be sim:"
        )
    config = replace(config, counter=replace(config.counter, card_taken_s=CARD_TAKEN_S))
    with hold_data(data), authority_endpoint(config, config_path, settings, data) as endpoint:
        with open_station(config, data, endpoint) as assembly:
            if not assembly.is_training:
                raise UsageInvalid("a drill needs a training authority, and this one is not")
            return _play_all(drill, assembly, data)


def run_attendance(
    config: Config,
    data: Path,
    path: Path,
    is_stopping: Callable[[], bool],
    out: TextIO = sys.stdout,
    *,
    monotonic: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> ExitCode:
    """Plays the file's clerk at a clerk's station, for terminals elsewhere; writes "ready" once it can be asked.

    Raises `ConfigInvalid` when no authority is configured, and `DataInUse`.
    """
    file = load_application(path)
    if not config.authority.url:
        raise ConfigInvalid(str(path), "authority.url", "missing: the clerk's station and its terminals share one")
    till = SimulatedTill(data / "sim" / "till.json")
    with hold_data(data):
        (data / "sim").mkdir(mode=0o700, exist_ok=True)

        def take_time() -> None:
            until_s = monotonic() + file.persons.clerk.takes_s
            while monotonic() < until_s:
                if is_stopping():
                    raise CancelledError
                pause(_LOOKS_EVERY_S)

        def clerk(_: Question, number: str) -> PlayedClerk:
            take_time()
            return PlayedClerk(file.persons.clerk, number, till)

        def witnesses(_: Question, number: str) -> PlayedWitnesses:
            take_time()
            return PlayedWitnesses(file.persons.clerk, number, till)

        with open_desk(config, data, configured_endpoint(config), clerk, witnesses=witnesses) as desk:
            write(out, "ready")
            Attendance(desk, _is_nobodys, lambda _: None, monotonic).serve(is_stopping)
    return ExitCode.OK


def _is_nobodys(_: Question) -> None:
    """A played clerk sees no question that was withdrawn."""


def _play_all(drill: Drill, assembly: Assembly, data: Path) -> ExitCode:
    station, file = assembly.station, drill.file
    if drill.count == 1:
        wanted = [file.application(station.register.find(file.resident))]
    elif assembly.clerk is not None:
        raise UsageInvalid("--count goes through the register, which lies at the clerk's station")
    else:
        residents = station.register.residents()
        if drill.count > len(residents):
            raise UsageInvalid(f"--count {drill.count}, and the register has {len(residents)} residents")
        wanted = [
            Application(f"{file.number}-{index}", resident.code)
            for index, resident in enumerate(residents[: drill.count], start=1)
        ]
    numbers = {application.number for application in wanted}
    for record in station.journal.unfinished_cases():
        if record.number not in numbers:
            _play(drill, filed(record, station.journal, Application), assembly, data, sys.stderr)
    return max((_play(drill, application, assembly, data, sys.stdout) for application in wanted), default=ExitCode.OK)


def _play(drill: Drill, application: Application, assembly: Assembly, data: Path, out: TextIO) -> ExitCode:
    """One application to its end; what an interrupted run left of it first."""
    tell = report_to(out, is_json=drill.is_json)
    try:
        closed = issue(application, assembly.station, _persons(drill, application, assembly, data), tell)
    except NumberTaken as taken:
        raise ConfigInvalid(str(drill.path), "number", str(taken)) from taken
    except CaseEnded as ended:
        return tell_ending(out, ended, is_json=drill.is_json)
    path = _save_certificate(closed.serial, closed.certificate, data / "certificates")
    line = {"step": "closed", "serial": closed.serial, "certificate": str(path), "receipt": closed.receipt_number}
    write_line(out, line | _second(application, assembly, data), is_json=drill.is_json)
    return ExitCode.OK


def _second(application: Application, assembly: Assembly, data: Path) -> dict[str, object]:
    """What the closing line says of a second certificate; nothing where there is none."""
    station = assembly.station
    record = station.journal.latest_case(application.number)
    if record is None or len(station.policy.certificates) == 1:
        return {}
    opened = station.ended_cases.reopened(record, application.resident_code)
    second = None if opened is None else second_certificate_of(opened, station.journal)
    if second is None:
        return {}
    path = _save_certificate(second.serial, second.certificate, data / "certificates")
    return {"authentication_serial": second.serial, "authentication_certificate": str(path)}


def _persons(drill: Drill, application: Application, assembly: Assembly, data: Path) -> Persons:
    table = drill.file.persons
    played = play(
        application.resident_code,
        table.resident.password,
        table.clerk,
        application.number,
        SimulatedTill(data / "sim" / "till.json"),
        assembly.bench.simulated_reader,
        assembly.bench.simulated_window,
        assembly.bench.simulated_coins,
        assembly.bench.coin_box,
        table.resident.authentication_password,
    )
    return played if assembly.clerk is None else replace(played, clerk=assembly.clerk(application.number))


def _save_certificate(serial: str, certificate: bytes, directory: Path) -> Path:
    directory.mkdir(mode=0o700, exist_ok=True)
    path = directory / f"{serial}.pem"
    path.write_bytes(x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM))
    return path

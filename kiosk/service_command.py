"""`kiosk revoke`, `change-pin`, `unlock`: what the counter does besides issuing, the persons played by a drill's file.

`kiosk hold`, `resume`, `abort`: an application is put off, taken up again, or ended. All of it for training.
"""

import datetime
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hw.data_folder import hold_data
from hw.errors import DeviceError
from hw.sim.till import SimulatedTill
from hw.strict_toml import ConfigInvalid
from kiosk.application_file import ApplicationFile, load_application
from kiosk.assembly import Assembly, authority_endpoint, open_station
from kiosk.config import Config
from kiosk.counter.clerk_key import ClerkKeyFile, load_clerk_key, operator_of
from kiosk.exit_code import ExitCode
from kiosk.issuance.abort import NotAbortable, abort
from kiosk.issuance.change_password import change_password
from kiosk.issuance.failure import CaseEnded, NumberTaken, RolledBack
from kiosk.issuance.hold import NotHeld, hold, resume
from kiosk.issuance.persons import Persons
from kiosk.issuance.report import Report
from kiosk.issuance.revoke import revoke
from kiosk.issuance.station import Station
from kiosk.issuance.unlock import unlock
from kiosk.model.password_service import PasswordChangeApplication, UnlockApplication
from kiosk.model.policy import PasswordKind
from kiosk.model.revocation import RevocationApplication, RevocationCause
from kiosk.played_persons import PlayedClerk, PlayedOwner, PlayedResident
from kiosk.told_lines import report_to, tell_ending, write_line

Done = Mapping[str, object]
"""The line that says how a procedure ended well."""


@dataclass(frozen=True)
class Place:
    """Where a command works: as for a drill."""

    config: Config
    config_path: Path
    settings: Sequence[tuple[str, str]]
    data: Path


_LONGEST_LINE_BYTES = 256
"""More than any password has; a file may be a device that never ends."""


class NotInTraining(Exception):
    """Persons are played, and clerks' keys read from files, for training authorities only."""


def run_revoke(
    place: Place,
    path: Path,
    cause: RevocationCause,
    number: str | None,
    second: Path | None,
    *,
    has_card: bool,
    is_json: bool,
) -> ExitCode:
    """Revokes the certificate of the file's resident. Raises `ConfigInvalid`, `NotInTraining` as all of these do."""
    file = load_application(path)
    application = RevocationApplication(number or f"{file.number}-revoke", file.resident, cause, has_card)

    def serve(assembly: Assembly, persons: Persons, report: Report) -> Done:
        key = None if second is None else _load(second)
        done = revoke(application, assembly.station, persons, report, key)
        return {
            "step": "revoked",
            "serial": done.serial,
            "reason": done.reason,
            "card_emptied": done.card.is_emptied,
            "notice_printed": done.notice.came_out,
        }

    return _serve(place, path, file, "", serve, is_json=is_json)


def run_change_pin(
    place: Place, path: Path, new_password: Path, number: str | None, which: PasswordKind | None, *, is_json: bool
) -> ExitCode:
    """Replaces a password of the card, the signature's where none is named, by the one in a file's first line."""
    file = load_application(path)
    application = PasswordChangeApplication(number or f"{file.number}-change-pin", which)

    def serve(assembly: Assembly, persons: Persons, report: Report) -> Done:
        change_password(application, assembly.station, persons, report)
        return {"step": "password_changed"}

    return _serve(place, path, file, _first_line(new_password), serve, which, is_json=is_json)


def run_unlock(
    place: Place, path: Path, new_password: Path, number: str | None, which: PasswordKind | None, *, is_json: bool
) -> ExitCode:
    """Gives the card the password in a file's first line, on the clerk's leave; which one, as for a change."""
    file = load_application(path)
    application = UnlockApplication(number or f"{file.number}-unlock", file.resident, which)

    def serve(assembly: Assembly, persons: Persons, report: Report) -> Done:
        unlock(application, assembly.station, persons, report)
        return {"step": "unlocked"}

    return _serve(place, path, file, _first_line(new_password), serve, which, is_json=is_json)


def run_hold(place: Place, number: str, until: datetime.date, *, is_json: bool) -> ExitCode:
    """Puts an application off until a day, and prints the slip."""

    def put_off(station: Station, persons: Persons) -> Done:
        slip = hold(number, until, station, persons, station.clerk_key.name, _operator(station))
        return {"step": "hold", "number": number, "until": until.isoformat(), "slip_printed": slip.came_out}

    return _by_clerk(place, number, put_off, is_json=is_json)


def run_resume(place: Place, number: str, *, is_json: bool) -> ExitCode:
    """Takes an application off hold; a drill with its file then issues."""

    def take_up(station: Station, _: Persons) -> Done:
        return {"step": "resumed", "number": resume(number, station, _operator(station)).number}

    return _by_clerk(place, number, take_up, is_json=is_json)


def run_abort(place: Place, number: str, *, is_json: bool) -> ExitCode:
    """Ends an open case of any procedure."""

    def end(station: Station, persons: Persons) -> Done:
        record = station.journal.latest_case(number)
        if record is None:
            raise NotAbortable(f"no application {number} was filed here")
        ended = abort(record, station, persons, _operator(station))
        if not isinstance(ended, RolledBack):
            raise ended
        return {"step": "rolled_back", "number": number, "code": ended.code}

    return _by_clerk(place, number, end, is_json=is_json)


def _serve(
    place: Place,
    path: Path,
    file: ApplicationFile,
    new_password: str,
    serve: Callable[[Assembly, Persons, Report], Done],
    which: PasswordKind | None = None,
    *,
    is_json: bool,
) -> ExitCode:
    with _opened(place) as assembly:
        bench = assembly.bench
        played, readers = file.persons.resident, (bench.simulated_reader, bench.simulated_window)
        old = played.authentication_password if which == "authentication" else played.password
        resident = PlayedOwner(file.resident, old, new_password, *readers)
        till = SimulatedTill(place.data / "sim" / "till.json")
        clerk = assembly.clerk(file.number) if assembly.clerk else PlayedClerk(file.persons.clerk, file.number, till)
        try:
            done = serve(assembly, Persons(resident, clerk), report_to(sys.stdout, is_json=is_json))
        except NumberTaken as taken:
            raise ConfigInvalid(str(path), "number", str(taken)) from taken
        except CaseEnded as ended:
            return tell_ending(sys.stdout, ended, is_json=is_json)
        write_line(sys.stdout, done, is_json=is_json)
    return ExitCode.OK


def _by_clerk(place: Place, number: str, act: Callable[[Station, Persons], Done], *, is_json: bool) -> ExitCode:
    """What a clerk does with an application when nobody else is there; the till is asked for its payer's money."""
    from kiosk.application_file import ClerkTable

    with _opened(place) as assembly:
        bench = assembly.bench
        till = SimulatedTill(place.data / "sim" / "till.json")
        resident = PlayedResident("", "", bench.simulated_reader, bench.simulated_window)
        clerk = assembly.clerk(number) if assembly.clerk else PlayedClerk(ClerkTable(), number, till)
        persons = Persons(resident, clerk)
        try:
            done = act(assembly.station, persons)
        except (NotHeld, NotAbortable) as error:
            print(f"kiosk: {error}", file=sys.stderr)
            return ExitCode.REFUSED
        except CaseEnded as ended:
            return tell_ending(sys.stdout, ended, is_json=is_json)
        write_line(sys.stdout, done, is_json=is_json)
    return ExitCode.OK


def _operator(station: Station) -> str | None:
    """What the journal knows the clerk by; None when his station cannot say it now."""
    with suppress(DeviceError):
        return operator_of(station.clerk_key.certificate)
    return None


@contextmanager
def _opened(place: Place) -> Iterator[Assembly]:
    with (
        hold_data(place.data),
        authority_endpoint(place.config, place.config_path, place.settings, place.data) as endpoint,
        open_station(place.config, place.data, endpoint) as assembly,
    ):
        if not assembly.is_training:
            raise NotInTraining("persons are played for a training authority only, and this is none")
        yield assembly


def _first_line(path: Path) -> str:
    """A password for a drill. Raises `ConfigInvalid`."""
    try:
        with path.open("rb") as file:
            password = file.readline(_LONGEST_LINE_BYTES).rstrip(b"\r\n").decode("latin-1")
    except OSError as error:
        raise ConfigInvalid(str(path), "", error.strerror or str(error)) from error
    if not password.isascii() or not password.isprintable() or not password:
        raise ConfigInvalid(str(path), "", "its first line is no password of ASCII characters")
    return password


def _load(path: Path) -> ClerkKeyFile:
    try:
        return load_clerk_key(path)
    except ValueError as error:
        raise ConfigInvalid(str(path), "", str(error)) from error

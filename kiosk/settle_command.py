"""`kiosk settle`: two clerks settle what nobody else can tell, with keys in files (in training) or at their station."""

import sys
from collections.abc import Sequence
from pathlib import Path

from hw.data_folder import hold_data
from hw.errors import LinkLost, Refused
from hw.strict_toml import ConfigInvalid
from kiosk.assembly import Assembly, authority_endpoint, open_station
from kiosk.config import Config
from kiosk.counter.clerk_key import ClerkKeyFile, load_clerk_key
from kiosk.data_directory import unused
from kiosk.drill import UsageInvalid
from kiosk.exit_code import ExitCode
from kiosk.issuance.failure import Halted
from kiosk.issuance.persons import Abandoned
from kiosk.issuance.settle import NotSuspect, question_at, question_of, settle, settle_elsewhere
from kiosk.journal.records import CaseRecord
from kiosk.model.testimony import ANSWERS, TestimonyInvalid


def run_settle(
    config: Config,
    config_path: Path,
    settings: Sequence[tuple[str, str]],
    data: Path,
    number: str | None,
    answer: str | None,
    clerk: Path | None,
    second: Path | None,
) -> ExitCode:
    """Records the answer of two clerks; without `number` writes what is asked, a line each.

    Where the clerk has a station of his own they are asked there, and wait for: answer and keys are theirs.

    1 when nothing is asked about that application, when the answer or the keys are not accepted, or the journal was
    changed; 2 when the clerks
    leave it for now or their station cannot be asked. Raises `ConfigInvalid`, `DataInUse`, `UsageInvalid` and
    what opening the station raises.
    """
    if not (data / "station.key").is_file():
        raise unused(data)
    with (
        hold_data(data),
        authority_endpoint(config, config_path, settings, data) as endpoint,
        open_station(config, data, endpoint) as assembly,
    ):
        if number is None:
            _tell_asked(assembly)
            return ExitCode.OK
        is_elsewhere = assembly.station.two_clerks is not None
        if (answer is None) is not is_elsewhere or (second is None) is not is_elsewhere:
            raise UsageInvalid(
                "answer and keys are given at the clerk's station, which asks two clerks: kiosk settle NUMBER"
                if is_elsewhere
                else "settle NUMBER takes an ANSWER and --second FILE"
            )
        if not is_elsewhere and not assembly.is_training:
            print("kiosk: clerks' keys in files are for training; settle at the clerk's seat", file=sys.stderr)
            return ExitCode.REFUSED
        record = assembly.station.journal.latest_case(number)
        try:
            if record is None:
                raise NotSuspect(f"no application {number} was filed here")
            settled = _settle(record, answer, assembly, clerk, second)
        except (NotSuspect, TestimonyInvalid, Refused) as error:
            print(f"kiosk: {error}", file=sys.stderr)
            return ExitCode.REFUSED
        except Abandoned as left:
            print(f"kiosk: the clerks leave it for now: {left}", file=sys.stderr)
            return ExitCode.UNDECIDED
        except Halted as halted:
            print(f"kiosk: application {number} stays as it is: {halted.code}", file=sys.stderr)
            return ExitCode.REFUSED
        except LinkLost as lost:
            print(f"kiosk: {lost}", file=sys.stderr)
            return ExitCode.UNDECIDED
        print(f"{settled.number}  {settled.stage}")
    return ExitCode.OK


def _settle(
    record: CaseRecord, answer: str | None, assembly: Assembly, clerk: Path | None, second: Path | None
) -> CaseRecord:
    station = assembly.station
    if answer is None or second is None:
        return settle_elsewhere(record, station)
    first = _load(clerk) if clerk else station.clerk_key
    return settle(record, answer, station, first, _load(second))


def _tell_asked(assembly: Assembly) -> None:
    """This station's cases, and of terminals elsewhere what they may tell: number and failure."""
    journal = assembly.station.journal
    for waiting in journal.suspect_cases():
        question = question_of(waiting)
        print(f"{waiting.number}  {question}  {ANSWERS[question]}")
    if assembly.station.two_clerks is None:
        for case in journal.cases_elsewhere():
            if (asked := question_at(case.stage)) is not None:
                print(f"{case.number}  {asked}  at terminal {case.station}  {case.code}")


def _load(path: Path) -> ClerkKeyFile:
    try:
        return load_clerk_key(path)
    except ValueError as error:
        raise ConfigInvalid(str(path), "", str(error)) from error

"""`kiosk settle`: two clerks, with keys in files, settle what nobody else can tell; for training."""

import sys
from collections.abc import Sequence
from pathlib import Path

from hw.strict_toml import ConfigInvalid
from kiosk.assembly import authority_endpoint, hold_data, open_station
from kiosk.config import Config
from kiosk.counter.clerk_key import ClerkKeyFile, load_clerk_key
from kiosk.exit_code import ExitCode
from kiosk.issuance.settle import NotSuspect, question_of, settle
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

    1 when nothing is asked about that application, or when the answer or the keys are not accepted. Raises
    `ConfigInvalid`, `DataInUse` and what opening the station raises.
    """
    with (
        hold_data(data),
        authority_endpoint(config, config_path, settings, data) as endpoint,
        open_station(config, data, endpoint) as assembly,
    ):
        station = assembly.station
        if number is None:
            for waiting in station.journal.suspect_cases():
                question = question_of(waiting)
                print(f"{waiting.number}  {question}  {ANSWERS[question]}")
            return ExitCode.OK
        if not assembly.is_training:
            print("kiosk: clerks' keys in files are for training; settle at the clerk's seat", file=sys.stderr)
            return ExitCode.REFUSED
        record = station.journal.latest_case(number)
        try:
            if record is None:
                raise NotSuspect(f"no application {number} was filed here")
            assert answer is not None and second is not None, "the command line asks for both with a number"
            first = _load(clerk) if clerk else station.clerk_key
            settled = settle(record, answer, station, first, _load(second))
        except (NotSuspect, TestimonyInvalid) as error:
            print(f"kiosk: {error}", file=sys.stderr)
            return ExitCode.REFUSED
        print(f"{settled.number}  {settled.stage}")
    return ExitCode.OK


def _load(path: Path) -> ClerkKeyFile:
    try:
        return load_clerk_key(path)
    except ValueError as error:
        raise ConfigInvalid(str(path), "", str(error)) from error

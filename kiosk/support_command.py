"""`kiosk check` and `kiosk bundle`: what a technician needs of a station that runs, or that does not start."""

import dataclasses
import datetime
import json
import os
from pathlib import Path

from kiosk.clock import JAPAN
from kiosk.config import Config
from kiosk.config_check import check_settings
from kiosk.exit_code import ExitCode
from kiosk.maintenance.bundle import collect, write_bundle
from kiosk.ui.workbench import Check


def run_check(config: Config, path: Path, data: Path, *, is_json: bool) -> ExitCode:
    """Prints every check, a line each; 1 when one fails. Opens no device and holds nothing."""
    checks = check_settings(config, path, data)
    for check in checks:
        print(json.dumps(dataclasses.asdict(check), ensure_ascii=False) if is_json else _line(check))
    return ExitCode.REFUSED if any(check.outcome == "fail" for check in checks) else ExitCode.OK


def run_bundle(config: Config, path: Path, data: Path, out: Path | None, at: datetime.datetime) -> ExitCode:
    """Writes the bundle, by default into the working directory, and prints its name.

    Raises `OSError`, also for a file that is there already.
    """
    told = {"checks.txt": [_line(check) for check in check_settings(config, path, data)]}
    target = out or Path(f"kiosk-support-{at.astimezone(JAPAN):%Y%m%d-%H%M%S}.tar.gz")
    try:
        write_bundle(target, collect(config, data, told), at.astimezone(JAPAN))
    except FileExistsError as error:
        raise FileExistsError(error.errno, os.strerror(error.errno or 0), str(target)) from error
    print(target)
    return ExitCode.OK


def _line(check: Check) -> str:
    return f"{check.outcome:5} {check.name:20} {check.detail}"

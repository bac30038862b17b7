"""`kiosk reconcile` and `kiosk journal purge`."""

import datetime
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hw.data_folder import hold_data
from hw.errors import LinkLost, Refused
from kiosk.assembly import authority_endpoint, open_station
from kiosk.authority.client import IssuedRecord
from kiosk.authority.errors import (
    AuthorityNotRecognised,
    AuthorityOutcomeUnknown,
    AuthorityRejected,
    AuthorityUnreachable,
)
from kiosk.config import Config
from kiosk.exit_code import ExitCode
from kiosk.issuance.station import Station
from kiosk.journal.errors import StoreUnusable
from kiosk.journal.retention import due_cases, purge
from kiosk.maintenance.reconcile import Gap, reconcile


def run_reconcile(
    config: Config,
    config_path: Path,
    settings: Sequence[tuple[str, str]],
    data: Path,
    stubs: Sequence[str],
    out: str,
) -> ExitCode:
    """Writes every gap, a line each (`out` is `text` or `json`); `stubs` are the texts of receipts' QR codes.

    0 without a gap, 1 with one, 2 when the authority keeps no record of its stations or the clerk's station does not
    tell of ended cases, 69 when the authority does not answer, 78 when another one does.
    Raises `StoreUnusable` where there is no store, and `DataInUse`.
    """
    with _opened(config, config_path, settings, data) as station:
        try:
            issued: list[IssuedRecord] | None = station.authority.station_record()
        except AuthorityRejected as rejected:
            print(f"kiosk: the authority tells nothing of what it issued: {rejected}", file=sys.stderr)
            issued = None
        except AuthorityNotRecognised as error:
            print(f"kiosk: {error}", file=sys.stderr)
            return ExitCode.CONFIG
        except (AuthorityUnreachable, AuthorityOutcomeUnknown) as error:
            print(f"kiosk: {error}", file=sys.stderr)
            return ExitCode.UNAVAILABLE
        try:
            gaps = reconcile(station.journal, issued, stubs, station.ended_cases.certified)
        except (LinkLost, Refused) as error:
            print(f"kiosk: ended cases are sealed to the clerk's station: {error}", file=sys.stderr)
            return ExitCode.UNDECIDED
        for gap in gaps:
            print(_line(gap, out))
        if out == "text":
            told = f"{station.journal.size()} entries, {len(issued or ())} certificates, {len(stubs)} receipts"
            print(f"{station.name}: {told}, {len(gaps)} gaps")
    if gaps:
        return ExitCode.REFUSED
    return ExitCode.UNDECIDED if issued is None else ExitCode.OK


def run_purge(
    config: Config, config_path: Path, settings: Sequence[tuple[str, str]], data: Path, *, is_destroying: bool
) -> ExitCode:
    """Names the cases whose time to keep their records is over, and with `is_destroying` makes these unreadable.

    The clock decides, so it has to agree with the time that the authority signs: 69 when it does not answer, 2 when its
    answer proves nothing. Raises `StoreUnusable` where there is no store, and `DataInUse`.
    """
    with _opened(config, config_path, settings, data) as station:
        try:
            own = station.authority.credential_certificate
            station.authority.status(own)
        except AuthorityUnreachable as error:
            print(f"kiosk: {error}", file=sys.stderr)
            return ExitCode.UNAVAILABLE
        except AuthorityOutcomeUnknown as error:
            print(f"kiosk: the clock cannot be trusted, the authority tells no such time: {error}", file=sys.stderr)
            return ExitCode.UNDECIDED
        years = station.policy.deadlines.records_years
        due = (purge if is_destroying else due_cases)(station.journal, _years_before(station.clock(), years))
        for case in due:
            print(f"{case.number}  {case.stage}")
        told = "were made unreadable" if is_destroying else "are due; --destroy makes their records unreadable"
        print(f"{station.name}: {len(due)} cases that ended more than {years} years ago {told}")
    return ExitCode.OK


def _years_before(time: datetime.datetime, years: int) -> datetime.datetime:
    try:
        return time.replace(year=time.year - years)
    except ValueError:  # the 29th of February
        return time.replace(year=time.year - years, day=28)


@contextmanager
def _opened(config: Config, config_path: Path, settings: Sequence[tuple[str, str]], data: Path) -> Iterator[Station]:
    store = data / "kiosk.db"
    if not config.store.url and not (store.is_file() and store.stat().st_size):
        raise StoreUnusable(f"{data}: no store there")
    with (
        hold_data(data),
        authority_endpoint(config, config_path, settings, data) as endpoint,
        open_station(config, data, endpoint) as assembly,
    ):
        yield assembly.station


def _line(gap: Gap, out: str) -> str:
    if out == "json":
        return json.dumps({"gap": gap.kind.value, "subject": gap.subject, "detail": gap.detail}, ensure_ascii=False)
    return f"{gap.kind}  {gap.subject}: {gap.detail}"

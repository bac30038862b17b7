"""`kiosk reconcile`."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from kiosk.assembly import authority_endpoint, hold_data, open_station
from kiosk.authority.client import IssuedRecord
from kiosk.authority.errors import AuthorityOutcomeUnknown, AuthorityRejected, AuthorityUnreachable
from kiosk.config import Config
from kiosk.exit_code import ExitCode
from kiosk.journal.errors import StoreUnusable
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

    0 without a gap, 1 with one, 2 when the authority keeps no record of its stations, 69 when it does not answer.
    Raises `StoreUnusable` where there is no store, and `DataInUse`.
    """
    store = data / "kiosk.db"
    if not config.store.url and not (store.is_file() and store.stat().st_size):
        raise StoreUnusable(f"{data}: no store there")
    with (
        hold_data(data),
        authority_endpoint(config, config_path, settings, data) as endpoint,
        open_station(config, data, endpoint) as assembly,
    ):
        station = assembly.station
        try:
            issued: list[IssuedRecord] | None = station.authority.station_record()
        except AuthorityRejected as rejected:
            print(f"kiosk: the authority tells nothing of what it issued: {rejected}", file=sys.stderr)
            issued = None
        except (AuthorityUnreachable, AuthorityOutcomeUnknown) as error:
            print(f"kiosk: {error}", file=sys.stderr)
            return ExitCode.UNAVAILABLE
        gaps = reconcile(station.journal, issued, stubs)
        for gap in gaps:
            print(_line(gap, out))
        if out == "text":
            told = f"{station.journal.size()} entries, {len(issued or ())} certificates, {len(stubs)} receipts"
            print(f"{station.name}: {told}, {len(gaps)} gaps")
    if gaps:
        return ExitCode.REFUSED
    return ExitCode.UNDECIDED if issued is None else ExitCode.OK


def _line(gap: Gap, out: str) -> str:
    if out == "json":
        return json.dumps({"gap": gap.kind.value, "subject": gap.subject, "detail": gap.detail}, ensure_ascii=False)
    return f"{gap.kind}  {gap.subject}: {gap.detail}"

"""`kiosk journal verify|show`."""

import sys
from pathlib import Path

from kiosk.clock import system_clock
from kiosk.config import Config
from kiosk.exit_code import ExitCode
from kiosk.journal.database import open_database
from kiosk.journal.journal import Journal
from kiosk.journal.seal import load_station_key
from kiosk.journal.verify import ChainBroken, verify_chain


def run_journal(config: Config, data: Path, action: str) -> ExitCode:
    """Verifies the chain of every station, or writes all entries to stdout, one JSON object a line."""
    if not config.store.url and not (data / "kiosk.db").exists():
        print(f"kiosk: {data} holds no journal", file=sys.stderr)
        return ExitCode.CONFIG
    database = open_database(config.store.url or f"sqlite:///{data / 'kiosk.db'}")
    journal = Journal(database, config.station.name, load_station_key(data / "station.key"), system_clock)
    try:
        if action == "show":
            for entry in journal.entries():
                print(entry.body)
            return ExitCode.OK
        counts = verify_chain(journal.entries())
    except ChainBroken as broken:
        print(f"chain broken: {broken}")
        return ExitCode.REFUSED
    finally:
        database.close()
    for station, count in counts.items():
        print(f"{station}: {count} entries, chain holds")
    return ExitCode.OK

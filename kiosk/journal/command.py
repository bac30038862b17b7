"""`kiosk journal verify|show`."""

import sys
from pathlib import Path

from kiosk.config import Config
from kiosk.exit_code import ExitCode
from kiosk.journal.database import open_database
from kiosk.journal.errors import StoreUnusable
from kiosk.journal.journal import read_entries
from kiosk.journal.verify import ChainBroken, verify_chain


def run_journal(config: Config, data: Path, action: str) -> ExitCode:
    """Verifies the chain of every station, or writes all entries to stdout, one JSON object a line.

    Needs no key and makes no file: whoever audits a copy of the store leaves it as it is.
    """
    try:
        database = open_database(config.store.url or f"sqlite:///{data / 'kiosk.db'}", must_exist=True)
    except StoreUnusable as error:
        print(f"kiosk: {error}", file=sys.stderr)
        return ExitCode.CONFIG
    try:
        if action == "show":
            for entry in read_entries(database):
                print(entry.body)
            return ExitCode.OK
        counts = verify_chain(read_entries(database))
    except ChainBroken as broken:
        print(f"chain broken: {broken}")
        return ExitCode.REFUSED
    finally:
        database.close()
    for station, count in counts.items():
        print(f"{station}: {count} entries, chain holds")
    return ExitCode.OK

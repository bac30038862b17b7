"""A station's process whose system calls are recorded: it opens the store that a power cut left, and writes one entry.

    python tests/crash/recorded_reopening.py FOLDER

The store lies in FOLDER/store; when the entry is durable, a byte is written to FOLDER/acknowledged.
"""

import datetime
import os
import sys
from pathlib import Path

from kiosk.journal.database import open_database
from kiosk.journal.head import HeadKey
from kiosk.journal.journal import Journal
from kiosk.journal.seal import StationKey

NOW = datetime.datetime(2026, 4, 2, tzinfo=datetime.UTC)


def main(folder: Path) -> None:
    """Opens, writes, acknowledges."""
    acknowledged = os.open(folder / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    database = open_database(f"sqlite:///{folder / 'store' / 'kiosk.db'}")
    journal = Journal(database, "demo", StationKey(bytes(32)), lambda: NOW, head_key=HeadKey(bytes(32)))
    journal.open_case("after the power cut", b"an application")
    os.write(acknowledged, b".")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""A station's process whose system calls are recorded: issuances, each commit acknowledged into a file.

    python tests/crash/recorded_issuance.py FOLDER COUNT PRAGMA...

FOLDER holds `ca`, an authority that has issued nothing. The store lies in FOLDER/store; after every commit a byte is
written to FOLDER/acknowledged, so that the order of calls shows what had been acknowledged when. The last line on
stdout names the SQLite library that this process works with.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from kiosk.config import SHIPPED, load_config
from kiosk.journal import connection
from kiosk.journal.database import Database, Transaction, open_database
from kiosk.register.register import load_register
from tests.counter_bench import World
from tests.stores import sqlite_store


class AcknowledgingDatabase:
    """A store that says of each commit that it was acknowledged."""

    def __init__(self, database: Database, descriptor: int) -> None:
        self._database = database
        self._descriptor = descriptor

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One transaction; then a byte."""
        with self._database.write() as transaction:
            yield transaction
        os.write(self._descriptor, b".")

    def read(self) -> AbstractContextManager[Transaction]:
        """A view."""
        return self._database.read()


def main(folder: Path, count: int, pragmas: tuple[str, ...]) -> None:
    """Opens a new store and issues `count` certificates."""
    connection.SQLITE_PRAGMAS = pragmas
    (folder / "store").mkdir()
    world = World(folder, folder / "ca", store=sqlite_store(folder / "store"))
    acknowledged = os.open(folder / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    database: Any = AcknowledgingDatabase(open_database(world.database_url), acknowledged)
    register = load_register(load_config(SHIPPED / "kiosk.toml", []).register_file)
    for number, resident in enumerate(register.residents()[:count], start=1):
        world.issue(str(number), resident.code, station=world.station(database))
    print(loaded_sqlite())


def loaded_sqlite() -> str:
    """The path of the SQLite library in this process."""
    return next(line.split()[-1] for line in Path("/proc/self/maps").open() if "libsqlite3" in line)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), tuple(sys.argv[3:]))

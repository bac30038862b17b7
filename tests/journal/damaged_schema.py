"""Changes an SQLite file's schema beside the product, as a damaged disk does."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def changing_schema(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that may change the schema's own table."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        yield connection


def lose_from_index(path: Path, index: str, change: Callable[[], object]) -> None:
    """Makes a change of which an index hears nothing."""
    with changing_schema(path) as connection:
        (row,) = connection.execute("SELECT * FROM sqlite_schema WHERE name = ?", (index,)).fetchall()
        connection.execute("DELETE FROM sqlite_schema WHERE name = ?", (index,))
    change()
    with changing_schema(path) as connection:
        connection.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", row)

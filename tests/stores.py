"""Empty stores of both kinds for tests, and what lies on their disks."""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.postgres import USER, Server, Template


@dataclass(frozen=True)
class Store:
    """One empty store: its URL, everything that it keeps on its disk, and how to get rid of it."""

    url: str
    stored: Callable[[], Iterable[bytes]]
    remove: Callable[[], None]


def sqlite_store(folder: Path) -> Store:
    """The store that a station has in a folder where nothing else is configured."""
    return Store(
        f"sqlite:///{folder / 'kiosk.db'}",
        lambda: (path.read_bytes() for path in folder.glob("kiosk.db*")),
        lambda: None,
    )


@contextmanager
def postgresql_stores(template: Template) -> Iterator[Callable[[], Store]]:
    """Makes databases on one server, which is fast and forgetful: nobody cuts its power."""
    with template.server(fsync="off", full_page_writes="off") as server:
        numbers = itertools.count(1)
        yield lambda: new_database(server, f"store_{os.getpid()}_{next(numbers)}")


def new_database(server: Server, name: str) -> Store:
    """An empty database on a running server, in the language of a town; removing it throws out whoever is connected."""
    language = "LOCALE_PROVIDER icu ICU_LOCALE 'ja'"
    server.run_sql(f"CREATE DATABASE {name} TEMPLATE template0 {language} OWNER {USER}")
    return Store(server.url(name), server.stored, lambda: drop_database(server, name))


def drop_database(server: Server, name: str) -> None:
    """Removes a database."""
    server.run_sql(f"DROP DATABASE {name} WITH (FORCE)")

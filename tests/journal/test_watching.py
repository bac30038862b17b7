"""A wait ends when another process has told of a change, else when its time is over; then its connection works on."""

import threading
import time
from collections.abc import Iterator

import pytest

from kiosk.journal.database import Database, open_database
from kiosk.journal.errors import NotWritten
from tests.stores import Store

LONG_S = 60.0
SHORT_S = 0.3


@pytest.fixture
def database(store: Store) -> Iterator[Database]:
    opened = open_database(store.url)
    yield opened
    opened.close()


def tell(store: Store, day: str) -> None:
    """Another process writes and tells of it."""
    other = open_database(store.url)
    with other.write() as transaction:
        transaction.run("INSERT INTO tickets VALUES (?, 1, 'issue', 'waiting', NULL, 0, 0)", day)
        transaction.tell()
    other.close()


def test_where_nobody_tells_of_anything_it_lasts_its_time_and_no_longer(database: Database) -> None:
    with database.watching() as wait:
        for _ in range(2):
            begun_s = time.monotonic()
            wait(SHORT_S)
            assert SHORT_S * 0.9 <= time.monotonic() - begun_s < LONG_S
        wait(0)


def test_it_ends_by_each_change_that_was_told(database: Database, store: Store) -> None:
    with database.watching() as wait:
        for day in ("2026-04-01", "2026-04-02"):
            tell(store, day)
            begun_s = time.monotonic()
            wait(LONG_S)
            assert time.monotonic() - begun_s < LONG_S / 2, f"what was told on {day} was not heard"
        begun_s = time.monotonic()
        wait(SHORT_S)
        assert time.monotonic() - begun_s >= SHORT_S * 0.9, "one change was heard twice"


def test_it_ends_while_it_waits(database: Database, store: Store) -> None:
    with database.watching() as wait:
        teller = threading.Timer(SHORT_S, tell, (store, "2026-04-01"))
        teller.start()
        begun_s = time.monotonic()
        wait(LONG_S)
        assert SHORT_S * 0.9 <= time.monotonic() - begun_s < LONG_S / 2
        teller.join()


def test_what_was_undone_is_told_to_nobody(database: Database, store: Store) -> None:
    other = open_database(store.url)
    with database.watching() as wait:
        with pytest.raises(ZeroDivisionError), other.write() as transaction:
            transaction.run("INSERT INTO tickets VALUES ('2026-04-01', 1, 'issue', 'waiting', NULL, 0, 0)")
            transaction.tell()
            raise ZeroDivisionError
        begun_s = time.monotonic()
        wait(SHORT_S)
        assert time.monotonic() - begun_s >= SHORT_S * 0.9
    other.close()


def test_its_connection_hears_nothing_afterwards(postgresql_store: Store) -> None:
    """Else the driver would keep whatever is told, for as long as the program runs."""
    database = open_database(postgresql_store.url)
    with database.watching() as wait:
        tell(postgresql_store, "2026-04-01")
        wait(LONG_S)
        tell(postgresql_store, "2026-04-02")
    tell(postgresql_store, "2026-04-03")
    with database.read() as transaction:
        assert transaction.run("SELECT pg_listening_channels()") == []
    with database.watching() as wait:
        begun_s = time.monotonic()
        wait(SHORT_S)
        assert time.monotonic() - begun_s >= SHORT_S * 0.9, "what was told before it began to listen was heard"
    database.close()


def test_its_connection_keeps_a_transaction_whole_afterwards(database: Database, store: Store) -> None:
    for _ in range(2):
        with database.watching() as wait:
            wait(0)
        with pytest.raises(ZeroDivisionError), database.write() as transaction:
            transaction.run("INSERT INTO tickets VALUES ('2026-04-01', 1, 'issue', 'waiting', NULL, 0, 0)")
            raise ZeroDivisionError
        with open_database(store.url).read() as transaction:
            assert transaction.run("SELECT COUNT(*) FROM tickets").scalar_one() == 0


def test_who_watches_a_server_that_is_lost_is_told(postgresql_store: Store) -> None:
    database = open_database(postgresql_store.url)
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    with pytest.raises(NotWritten, match="connection"), database.watching() as wait:
        with database.read() as transaction:
            ended = transaction.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
        assert ended == [(True,)]
        wait(30)
    database.close()

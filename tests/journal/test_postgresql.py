"""The journal on PostgreSQL: what is told when the server is lost, and that no lost commit surprises anybody later.

A commit is held still by naming a synchronous standby that does not exist: it is on the server's disk and waits.
"""

import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from kiosk.journal.connection import Connections, DriverFailed, place_of
from kiosk.journal.database import Database, Transaction, open_database
from kiosk.journal.errors import CommitUnknown, NotWritten, StoreLost
from tests.postgres import SUPERUSER, Server, Template, store_url
from tests.stores import Store

HOLD = "ALTER SYSTEM SET synchronous_standby_names = 'nobody'"
RELEASE = "ALTER SYSTEM SET synchronous_standby_names = ''"
RELOAD = "SELECT pg_reload_conf()"
A_CASE = "INSERT INTO cases (pseudonym, station, number, attempt, stage) VALUES (?, 's', 'n', ?, 'opened')"
A_COMMIT = "SELECT pg_logical_emit_message(true, 'test', '')"


@pytest.fixture
def server(postgresql: Template) -> Iterator[Server]:
    with postgresql.server() as started:
        yield started


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def write(database: Database, number: int) -> None:
    with database.write() as transaction:
        transaction.run("INSERT INTO receipts SELECT ?, pseudonym FROM cases", number)


def open_with_a_case(server: Server) -> Database:
    database = open_database(server.url())
    with database.write() as transaction:
        transaction.run(A_CASE, "p", 1)
    return database


def receipts(database: Database) -> list[int]:
    with database.read() as transaction:
        return [value for (value,) in transaction.run("SELECT number FROM receipts")]


IN_COMMIT = "wait_event = 'SyncRep'"
WAITS_FOR_LOCK = "wait_event_type = 'Lock'"


def await_activity(server: Server, condition: str, work: "Future[Any]") -> int:
    """The process id of the client that does this work, as soon as it is in this state."""
    while True:
        rows = server.run_sql(f"SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND {condition}")
        if rows:
            ((pid,),) = rows
            assert isinstance(pid, int)
            return pid
        assert not work.done()


def hold_commits(server: Server, thread: ThreadPoolExecutor) -> None:
    """From now on every commit waits; returns when the server has taken notice, which a commit of its own shows."""

    def commit_until_cancelled() -> None:
        notices: list[object] = []
        with psycopg.connect(host=str(server.folder), user=SUPERUSER, autocommit=True) as connection:
            connection.add_notice_handler(notices.append)
            while not notices:
                connection.execute(A_COMMIT)

    server.run_sql(HOLD, RELOAD)
    trying = thread.submit(commit_until_cancelled)
    server.run_sql(f"SELECT pg_cancel_backend({await_activity(server, IN_COMMIT, trying)})")
    trying.result()


def commit_that_hangs(server: Server, database: Database, thread: ThreadPoolExecutor) -> "tuple[Future[None], int]":
    hold_commits(server, thread)
    writing = thread.submit(write, database, 1)
    return writing, await_activity(server, IN_COMMIT, writing)


@pytest.mark.parametrize(
    ("name", "careless", "ours"),
    [
        ("synchronous_commit", "off", "on"),
        ("default_transaction_isolation", "serializable", "read committed"),
        ("client_encoding", "euc_jp", "UTF8"),
        ("lock_timeout", "0", "10s"),
    ],
)
def test_a_session_is_durable_whatever_the_server_is_set_to(
    postgresql_store: Store, name: str, careless: str, ours: str
) -> None:
    database = postgresql_store.url.split("/")[3].partition("?")[0]
    with open_database(postgresql_store.url).write() as transaction:
        transaction.run(f"ALTER DATABASE {database} SET {name} = '{careless}'")
    with open_database(postgresql_store.url).read() as transaction:
        assert transaction.run(f"SHOW {name}").scalar_one() == ours


def test_a_connection_finds_the_server_that_writes_and_notices_one_that_lost_its_power(
    postgresql_store: Store,
) -> None:
    ours = {
        "application_name": "kiosk",
        "client_encoding": "utf8",
        "target_session_attrs": "read-write",
        "connect_timeout": "10",
        "tcp_user_timeout": "10000",
        "keepalives_idle": "10",
        "keepalives_interval": "5",
        "keepalives_count": "3",
    }
    assert parameters(postgresql_store.url).items() >= ours.items()
    named = parameters(f"{postgresql_store.url}&connect_timeout=3")
    assert named.items() >= (ours | {"connect_timeout": "3"}).items()


def parameters(url: str) -> dict[str, str]:
    """What libpq was told, as far as it is not the default."""
    with Connections(place_of(url)).use() as connection:
        return dict(connection.driver.info.get_parameters())


def test_a_session_that_is_lost_while_something_is_read_is_told(postgresql_store: Store) -> None:
    database = open_database(postgresql_store.url)
    with pytest.raises(NotWritten, match="connection"), database.read() as lost, database.read() as sound:
        ended = lost.run("SELECT pg_backend_pid()").scalar_one()
        sound.run("SELECT pg_terminate_backend(?)", ended)
        lost.run("SELECT 1")
    database.close()


def test_the_journal_cannot_be_truncated(postgresql_store: Store) -> None:
    database = open_database(postgresql_store.url)
    with pytest.raises(DriverFailed, match="append-only"), database.write() as transaction:
        transaction.run("TRUNCATE journal")


def test_a_server_is_trusted_to_look_for_damage_itself(postgresql_store: Store) -> None:
    assert open_database(postgresql_store.url).damage() is None


def test_a_server_that_is_not_there_means_nothing_was_written(server: Server) -> None:
    server.stop()
    with pytest.raises(NotWritten, match="nothing was written"):
        open_database(server.url())


def test_a_restart_between_two_transactions_is_no_trouble(server: Server) -> None:
    database = open_with_a_case(server)
    server.crash()
    server.start()
    write(database, 1)
    server.crash()
    with pytest.raises(NotWritten):
        write(database, 2)
    server.start()
    assert receipts(database) == [1]


def test_of_several_servers_the_one_that_writes_is_found(postgresql: Template, server: Server) -> None:
    database = open_with_a_case(server)
    with postgresql.standby(server, "standby") as standby:
        with pytest.raises(NotWritten, match="read-only"):
            open_database(standby.url())
        write(open_database(store_url([standby, server])), 1)
    assert receipts(database) == [1]


def test_what_was_read_before_the_server_was_lost_stays_read(server: Server) -> None:
    database = open_with_a_case(server)
    with database.read() as transaction:
        number = transaction.run("SELECT number FROM cases").scalar_one()
        server.crash()
    assert number == "n"


def test_a_warning_that_has_nothing_to_do_with_the_commit_does_not_put_it_in_doubt(server: Server) -> None:
    database = open_with_a_case(server)
    with database.write() as transaction:
        transaction.run("DO $$ BEGIN RAISE WARNING 'mind the step'; END $$")
        transaction.run("INSERT INTO receipts VALUES (1, 'p')")
    assert receipts(database) == [1]


def test_a_server_lost_before_the_commit_has_written_nothing(server: Server) -> None:
    database = open_with_a_case(server)
    with pytest.raises(NotWritten), database.write() as transaction:
        transaction.run("INSERT INTO receipts VALUES (1, 'p')")
        server.crash()
        transaction.run(A_CASE, "q", 2)
    server.start()
    assert receipts(database) == []


def test_a_server_lost_during_a_commit_leaves_it_unknown_and_this_one_was_made(
    server: Server, thread: ThreadPoolExecutor
) -> None:
    database = open_with_a_case(server)
    writing, _ = commit_that_hangs(server, database, thread)
    server.crash()
    with pytest.raises(CommitUnknown, match="next start"):
        writing.result()
    server.settings["synchronous_standby_names"] = ""
    server.start()
    assert receipts(database) == [1]


def test_a_server_lost_during_a_commit_leaves_it_unknown_and_this_one_was_not_made(
    server: Server, thread: ThreadPoolExecutor
) -> None:
    database = open_with_a_case(server)
    standing_still: Future[int] = Future()

    def write_to_a_server_that_stands_still() -> None:
        with database.write() as transaction:
            transaction.run("INSERT INTO receipts VALUES (1, 'p')")
            pid = transaction.run("SELECT pg_backend_pid()").scalar_one()
            os.kill(pid, signal.SIGSTOP)
            standing_still.set_result(pid)

    writing = thread.submit(write_to_a_server_that_stands_still)
    standing_still.result()
    server.crash()
    with pytest.raises(CommitUnknown, match="connection"):
        writing.result()
    server.start()
    assert receipts(database) == []


def test_a_commit_that_its_standby_may_not_have_is_not_acknowledged(server: Server, thread: ThreadPoolExecutor) -> None:
    database = open_with_a_case(server)
    writing, pid = commit_that_hangs(server, database, thread)
    server.run_sql(f"SELECT pg_cancel_backend({pid})")
    with pytest.raises(CommitUnknown, match="canceling wait for synchronous replication"):
        writing.result()
    assert receipts(database) == [1]


@pytest.mark.parametrize("is_same_process", [True, False])
def test_a_commit_still_in_progress_is_waited_for_before_anything_is_read(
    server: Server, thread: ThreadPoolExecutor, is_same_process: bool
) -> None:
    database = open_with_a_case(server)
    lines: list[socket.socket] = []

    def write_on_a_line_that_breaks() -> None:
        with database.write() as transaction:
            transaction.run("INSERT INTO receipts VALUES (1, 'p')")
            lines.append(line_of(transaction))

    hold_commits(server, thread)
    writing = thread.submit(write_on_a_line_that_breaks)
    await_activity(server, IN_COMMIT, writing)
    lines[0].shutdown(socket.SHUT_RDWR)
    with pytest.raises(CommitUnknown):
        writing.result()
    reading = thread.submit(lambda: receipts(database if is_same_process else open_database(server.url())))
    await_activity(server, WAITS_FOR_LOCK, reading)
    server.run_sql(RELEASE, RELOAD)
    assert reading.result() == [1]


def line_of(transaction: Transaction) -> socket.socket:
    """The socket between this client and its server."""
    return socket.socket(fileno=os.dup(transaction._connection.driver.fileno()))


def test_a_station_that_is_frozen_loses_its_lock(server: Server) -> None:
    database = open_with_a_case(server)
    with pytest.raises(StoreLost), database.write() as transaction:
        assert transaction.run("SHOW idle_in_transaction_session_timeout").scalar_one() == "30s"
        transaction.run("SET LOCAL idle_in_transaction_session_timeout = '10ms'")
        transaction.run("INSERT INTO receipts VALUES (1, 'p')")
        write(open_database(server.url()), 2)
    assert receipts(database) == [2]

"""Where a store is, said by a URL, and connections to it: kept while they are sound, closed once they are in doubt."""

from contextlib import closing
from pathlib import Path

import pytest

from kiosk.journal.connection import Connections, Dialect, DriverFailed, place_of
from kiosk.journal.errors import StoreUnusable
from tests.stores import Store

NO_STORE = "a store is sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME, not"
NO_FILE = "no file is named, and what a store keeps has to last: sqlite:///FILE"
NO_URL = "the store's URL is none; such as sqlite:///FILE, postgresql+psycopg://HOST/NAME"
NO_OPTIONS = "SQLite takes no options after a question mark: sqlite:///FILE"
TWICE = "an option is named twice; several hosts are host=HOST1,HOST2"


@pytest.mark.parametrize(
    ("location", "shown", "file"),
    [
        (Path("a?b%41/k.db"), "a?b%41/k.db", "a?b%41/k.db"),
        ("sqlite:///k.db", "sqlite:///k.db", "k.db"),
        ("sqlite:////var/幌延 町/k.db", "sqlite:////var/幌延 町/k.db", "/var/幌延 町/k.db"),
        ("sqlite+pysqlite:////k@b:c.db", "sqlite+pysqlite:////k@b:c.db", "/k@b:c.db"),
        ("sqlite:///k.db?", "sqlite:///k.db", "k.db"),
    ],
)
def test_a_file_is_named_by_its_path_or_by_a_url(location: str | Path, shown: str, file: str) -> None:
    place = place_of(location)
    assert (place.dialect, place.shown, place.parameters) == (Dialect.SQLITE, shown, {})
    assert place.file == str(Path(file).absolute())


@pytest.mark.parametrize(
    ("url", "shown", "named"),
    [
        ("//kiosk@db/town", "//kiosk@db/town", {"user": "kiosk", "host": "db", "dbname": "town"}),
        (
            "//k%40x:p%2Fw%3A@10.0.0.1:5433/town",
            "//k%40x:***@10.0.0.1:5433/town",
            {"user": "k@x", "password": "p/w:", "host": "10.0.0.1", "port": "5433", "dbname": "town"},
        ),
        ("//[fd00::1]:5433/town", "//[fd00::1]:5433/town", {"host": "fd00::1", "port": "5433", "dbname": "town"}),
        ("//k:12/s?s@db/town", "//k:***@db/town", {"user": "k", "password": "12/s?s", "host": "db", "dbname": "town"}),
        ("//k:@/town?host=/run/a,/run/b", "//k:***@/town", {"user": "k", "dbname": "town", "host": "/run/a,/run/b"}),
        ("///town?password=a%26b&options=", "///town", {"dbname": "town", "password": "a&b", "options": ""}),
        ("//db?connect_timeout=3", "//db", {"host": "db", "connect_timeout": "3"}),
        ("//X/?", "//X/", {"host": "X"}),
    ],
)
def test_a_servers_database_is_named_by_a_url_as_libpq_takes_it(url: str, shown: str, named: dict[str, str]) -> None:
    place = place_of(f"postgresql+psycopg:{url}")
    assert (place.dialect, place.shown, place.file) == (Dialect.POSTGRESQL, f"postgresql+psycopg:{shown}", "")
    ours = place_of("postgresql+psycopg://").parameters
    assert ours["target_session_attrs"] == "read-write" and not {"user", "password", "host", "port", "dbname"} & set(
        ours
    )
    assert place.parameters == {**ours, **named}
    assert "p/w" not in repr(place) and "a&b" not in repr(place)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://k:hunter2@h/town?password=hunter2", f"mysql://k:***@h/town: {NO_STORE} mysql"),
        ("postgresql://u@/x", f"postgresql://u@/x: {NO_STORE} postgresql"),
        ("sqlite://", NO_FILE),
        ("sqlite:///", NO_FILE),
        ("sqlite://var/lib/k.db", NO_FILE),
        ("sqlite://k:hunter2@h/k.db", NO_FILE),
        ("sqlite:///:memory:", NO_FILE),
        ("sqlite:///file:k.db", NO_FILE),
        ("sqlite:///k.db?mode=hunter2", NO_OPTIONS),
        ("postgresql+psycopg://h/t?host=a&host=b", f"postgresql+psycopg://h/t: {TWICE}"),
        ("k.db", NO_URL),
        ("postgresql+psycopg://h:port/t?password=hunter2", NO_URL),
        ("postgresql+psycopg://h/t?hunter2", NO_URL),
        ("postgresql+psycopg://k:hunter2@s@h/t", NO_URL),
    ],
)
def test_what_names_no_store_is_told_without_its_password(url: str, why: str) -> None:
    with pytest.raises(StoreUnusable) as refused:
        place_of(url)
    assert str(refused.value) == why
    assert "hunter2" not in why


def test_an_error_tells_its_statement_and_no_value(store: Store) -> None:
    connections = Connections(place_of(store.url))
    mark = "?" if connections.dialect is Dialect.SQLITE else "%s"
    statement = f"INSERT INTO named VALUES ({mark})"
    with connections.use() as connection:
        connection.run("CREATE TABLE named (name TEXT PRIMARY KEY)")
        assert connection.run(statement, ("太郎",)) == ((), [])
        assert connection.run("SELECT name, 1 AS one FROM named") == (("name", "one"), [("太郎", 1)])
        with pytest.raises(DriverFailed) as failed:
            connection.run(statement, ("太郎",))
    assert failed.value.reason == str(failed.value.__cause__).partition("\n")[0]
    assert str(failed.value) == f"{failed.value.reason} [{statement}]"
    assert "太郎" not in str(failed.value) and not failed.value.is_operational
    # SQLITE_CONSTRAINT_PRIMARYKEY
    assert failed.value.code == (1555 if connections.dialect is Dialect.SQLITE else None)
    assert str(DriverFailed("why")) == "why" and not DriverFailed("why").is_operational


def test_a_database_that_cannot_be_had_is_to_blame_itself(tmp_path: Path) -> None:
    for location in (tmp_path / "none" / "k.db", f"postgresql+psycopg:///x?host={tmp_path}"):
        with pytest.raises(DriverFailed) as failed, Connections(place_of(location)).use():
            raise AssertionError("nothing is open")
        assert failed.value.is_operational
        assert "\n" not in str(failed.value) and "[" not in str(failed.value)


def test_connections_are_kept_for_the_next_and_each_has_its_own(store: Store) -> None:
    connections = Connections(place_of(store.url))
    with connections.use() as first, connections.use() as second:
        assert first is not second
    with connections.use() as again, connections.use() as another:
        assert {again, another} == {first, second}
    connections.close()
    with connections.use() as new:
        assert new not in (first, second)
    for closed in (first, second, new):
        with pytest.raises(DriverFailed):
            closed.run("SELECT 1")


def test_what_a_block_has_not_committed_is_undone_however_it_ends(store: Store) -> None:
    connections = Connections(place_of(store.url))
    with connections.use() as connection:
        connection.run("CREATE TABLE kept (number INTEGER)")
        connection.commit()
    begin = "BEGIN" if connections.dialect is Dialect.SQLITE else "SELECT 1"
    for end, is_kept in ((None, True), (ZeroDivisionError, True), (KeyboardInterrupt, False)):
        try:
            with connections.use() as connection:
                connection.run(begin)
                connection.run("INSERT INTO kept VALUES (1)")
                if end is not None:
                    raise end
        except (ZeroDivisionError, KeyboardInterrupt):
            pass
        with connections.use() as next_one:
            assert (next_one is connection) == is_kept
            assert next_one.value("SELECT COUNT(*) FROM kept") == 0
    connections.close()


def test_a_kept_connection_that_the_server_has_ended_is_not_used_again(postgresql_store: Store) -> None:
    connections = Connections(place_of(postgresql_store.url))
    with connections.use() as first, connections.use() as second:
        ended = first.value("SELECT pg_backend_pid()")
        assert second.value(f"SELECT pg_terminate_backend({ended})") is True
    with connections.use() as one, connections.use() as other:
        assert first not in (one, other)
        assert one.value("SHOW synchronous_commit") == other.value("SHOW synchronous_commit") == "on"
        assert not one.driver.autocommit and not other.driver.autocommit
    connections.close()


def test_who_listens_hears_what_is_told_and_is_told_of_a_server_that_is_lost(postgresql_store: Store) -> None:
    connections = Connections(place_of(postgresql_store.url))
    with connections.use() as says, closing(connections.take()) as hears:
        hears.listen("news")
        for _ in range(2):
            says.run("NOTIFY news")
            says.commit()
            hears.await_notification(30)
        hears.await_notification(0.01)
        assert says.value(f"SELECT pg_terminate_backend({hears.value('SELECT pg_backend_pid()')})") is True
        with pytest.raises(DriverFailed) as failed:
            hears.await_notification(30)
    assert failed.value.is_operational and "connection" in failed.value.reason
    connections.close()


def test_one_whose_server_is_lost_is_closed_and_the_others_stay(postgresql_store: Store) -> None:
    connections = Connections(place_of(postgresql_store.url))
    with connections.use() as lost, connections.use() as sound:
        sound.value(f"SELECT pg_terminate_backend({lost.value('SELECT pg_backend_pid()')})")
    with connections.use() as next_one:
        assert next_one is sound
    with connections.use() as lost, connections.use() as sound:
        sound.value(f"SELECT pg_terminate_backend({lost.value('SELECT pg_backend_pid()')})")
        with pytest.raises(DriverFailed, match="connection"):
            lost.rollback()
    connections.close()


def test_a_session_that_the_server_has_ended_is_to_blame_whatever_it_says(postgresql_store: Store) -> None:
    connections = Connections(place_of(postgresql_store.url))
    with connections.use() as sound, connections.use() as connection:
        ended = connection.value("SELECT pg_backend_pid()")
        connection.run("SET idle_in_transaction_session_timeout = '1ms'")
        while sound.value(f"SELECT COUNT(*) FROM pg_stat_activity WHERE pid = {ended}"):
            # What a transaction has seen of the sessions it sees to its end.
            sound.rollback()
        with pytest.raises(DriverFailed) as failed:
            connection.run("SELECT 1")
    assert failed.value.is_operational
    connections.close()


def test_as_many_are_kept_as_somebody_works_with_at_once(tmp_path: Path) -> None:
    connections = Connections(place_of(tmp_path / "k.db"))
    taken = [connections.take() for _ in range(50)]
    for connection in taken:
        connections.give_back(connection)
    kept = [connections.take() for _ in range(48)]
    assert set(kept) <= set(taken)
    assert connections.take() not in taken
    for connection in kept:
        connection.close()


def test_one_that_comes_back_late_is_closed(tmp_path: Path) -> None:
    connections = Connections(place_of(tmp_path / "k.db"))
    with connections.use() as late:
        connections.close()
        assert late.value("SELECT 1") == 1
    with pytest.raises(DriverFailed):
        late.run("SELECT 1")

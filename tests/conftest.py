"""The stores that tests run on: an SQLite file and a database on a PostgreSQL of this test session's own."""

from collections.abc import Callable, Iterator

import pytest

from tests.postgres import Template, template
from tests.stores import Store, postgresql_stores, sqlite_store


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Template]:
    """What PostgreSQL servers of this session's own are copied from."""
    with template() as made:
        yield made


@pytest.fixture(scope="session")
def new_postgresql_store(postgresql: Template) -> Iterator[Callable[[], Store]]:
    """Makes empty databases on one server, which starts when the first test needs it."""
    with postgresql_stores(postgresql) as make:
        yield make


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def new_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Store]]:
    """Makes empty stores; whatever uses it runs on every kind of store without a changed line."""
    if request.param == "postgresql":
        yield request.getfixturevalue("new_postgresql_store")
    else:
        yield lambda: sqlite_store(tmp_path_factory.mktemp("store"))


@pytest.fixture
def store(new_store: Callable[[], Store]) -> Iterator[Store]:
    """An empty store of every kind, gone after the test."""
    made = new_store()
    yield made
    made.remove()


@pytest.fixture
def postgresql_store(new_postgresql_store: Callable[[], Store]) -> Iterator[Store]:
    """An empty database, gone after the test."""
    made = new_postgresql_store()
    yield made
    made.remove()

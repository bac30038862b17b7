"""What tests share: stores of both kinds, a new authority, folders in memory, a calm collector."""

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.counter_bench import make_authority
from tests.memory_folder import memory_folder
from tests.postgres import Template, template
from tests.stores import Store, postgresql_stores, sqlite_store

_LOOKS_AFTER = (20_000, 10, 3)
"""New objects after which the youngest are looked through, and how often until the older ones are (`gc`)."""


def pytest_configure() -> None:
    """Folders of tests lie where `memory_folder` says, unless somebody has said otherwise by pytest's own variable.

    Each of some thousand stores waits for its disk at every commit; that took a third of the time of the whole suite.
    """
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory_folder()))


def pytest_collection_finish() -> None:
    """What is loaded once the tests are collected stays to the end and is not looked through again and again.

    That took a third of what a walk through the screens takes, which leaves a heap of widgets with each app.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_LOOKS_AFTER)


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


@pytest.fixture(scope="session")
def authoritys_server(postgresql: Template) -> Iterator[Callable[[], Store]]:
    """Makes empty databases on a server of their own: an authority's books name residents, a station's must not."""
    with postgresql_stores(postgresql) as make:
        yield make


@pytest.fixture
def authoritys_store(authoritys_server: Callable[[], Store]) -> Iterator[Store]:
    """An empty database for an authority's books, gone after the test."""
    made = authoritys_server()
    yield made
    made.remove()


@pytest.fixture(scope="session")
def fresh_authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of an authority that has issued nothing; worlds get copies."""
    return make_authority(tmp_path_factory.mktemp("authority") / "ca")

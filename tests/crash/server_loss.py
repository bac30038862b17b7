"""PostgreSQL lost in the middle of a commit: by SIGKILL, and by a failover to its synchronous standby.

    python -m tests.crash.server_loss [--kills N] [--failovers N] [--seed N]

A real issuance runs in memory over a real server, which dies at a seeded moment after one of the issuance's commits
was asked for. The server is started again, or its standby promoted; a new station's process goes on. Whatever had
been acknowledged must be in the journal, and the counter must come to rest as it does without an accident.
"""

import argparse
import itertools
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from kiosk.authority.client import CMP_PATH
from kiosk.journal.database import Database, Rows, Transaction, open_database
from kiosk.journal.errors import CommitUnknown, StoreLost
from tests.counter_bench import World, make_authority
from tests.issuance.rest import check_rest, new_world
from tests.postgres import Template, store_url, template
from tests.stores import Store, new_database

SLOW_COMMITS = {"commit_delay": "3000", "commit_siblings": "0"}
"""Settings by which a server waits 3 ms before it makes a commit durable, so that a death falls before or after."""

LATEST_S = 0.006
"""How long after a commit was asked for the server dies at the latest."""


class Fate(StrEnum):
    """What became of the commit during which the server died."""

    NOT_MADE = "unknown, and not made"
    MADE = "unknown, and made"
    ACKNOWLEDGED = "acknowledged"


class AcknowledgedEntryLost(Exception):
    """An entry of the journal that had been acknowledged is not there."""


@dataclass(frozen=True)
class Moment:
    """When the server dies: so long after the n-th commit of the issuance was asked for."""

    commit: int
    delay_s: float


@dataclass(frozen=True)
class BeforeAnswer:
    """When the authority has confirmed the certificate, and its answer has not reached the station."""

    commit: int = 0
    """None of the store's: nothing is being committed."""


class MortalDatabase:
    """A store that notes what it acknowledged, and whose server dies at one moment by `kill`."""

    def __init__(self, database: Database, moment: Moment | BeforeAnswer, kill: Callable[[], None]) -> None:
        self._database = database
        self._moment = moment
        self._killing = threading.Timer(moment.delay_s if isinstance(moment, Moment) else 0, kill)
        self.acknowledged: list[str] = []

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One transaction."""
        with self._database.write() as transaction:
            noting: Any = _NotingTransaction(transaction)
            yield noting
            if len(self.acknowledged) + 1 == self._moment.commit:
                self._killing.start()
        self.acknowledged.append(noting.body)

    def read(self) -> AbstractContextManager[Transaction]:
        """A view."""
        return self._database.read()

    def die_now(self) -> None:
        """Lets the server die, and returns when it is dead."""
        self._killing.start()
        self._killing.join()

    def await_death(self) -> None:
        """Returns when the server is dead."""
        self._killing.join()


class _NotingTransaction:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.body = ""

    def run(self, statement: str, *values: object) -> Rows:
        if statement.startswith("INSERT INTO journal"):
            self.body = str(values[2])
        return self._transaction.run(statement, *values)


def dying_before_answer(application: Any, die: Callable[[], None]) -> Any:
    """The authority's application; `die` is called when it has handled its second CMP request, the confirmation."""
    requests = itertools.count(1)

    async def handling(scope: Any, receive: Any, send: Any) -> None:
        is_confirmation = scope["path"] == CMP_PATH and next(requests) == 2

        async def sending(message: Any) -> None:
            if is_confirmation and message["type"] == "http.response.start":
                die()
            await send(message)

        await application(scope, receive, sending)

    return handling


def survive(
    world: World, moment: Moment | BeforeAnswer, kill: Callable[[], None], bring_back: Callable[[], None]
) -> Fate:
    """One issuance whose server dies at a moment and is brought back.

    Raises `AcknowledgedEntryLost`, and AssertionError when the counter does not come to rest.
    """
    database = MortalDatabase(open_database(world.database_url), moment, kill)
    if isinstance(moment, BeforeAnswer):
        world.application = dying_before_answer(world.application, database.die_now)
    station: Any = world.station(database)  # in place of a Database
    unknown = False
    try:
        world.issue(station=station)
    except StoreLost as lost:
        unknown = isinstance(lost, CommitUnknown) and len(database.acknowledged) + 1 == moment.commit
    database.await_death()
    bring_back()
    bodies = [entry.body for entry in world.station().journal.entries()]
    missing = set(database.acknowledged) - set(bodies)
    if missing:
        raise AcknowledgedEntryLost(f"{len(missing)} of {len(database.acknowledged)}: {sorted(missing)[0]}")
    world.hand.remove()
    check_rest(world, [world.issue()])
    if not unknown:
        return Fate.ACKNOWLEDGED
    return Fate.MADE if len(bodies) > len(database.acknowledged) else Fate.NOT_MADE


def commits_of(world: World) -> list[str]:
    """What each commit of an issuance records, such as `intended confirm`, in order."""
    world.issue()
    facts = [json.loads(entry.body) for entry in world.station().journal.entries()]
    return [f"{fact['event']} {fact.get('step', '')}".strip() for fact in facts]


class Bench:
    """Where servers die: their template, a fresh authority, and a folder for worlds."""

    def __init__(self, servers: Template, authority: Path, folder: Path) -> None:
        self._servers = servers
        self._authority = authority
        self._folder = folder
        self._worlds = itertools.count(1)
        self.commits = commits_of(self._world(None))

    def kills(self, moments: Sequence[tuple[Moment, bool]]) -> Counter[Fate]:
        """A server killed at each moment and started again; the flag: all its processes, or the postmaster alone."""
        fates: Counter[Fate] = Counter()
        with self._servers.server(**SLOW_COMMITS) as server:
            for number, (moment, is_whole) in enumerate(moments, start=1):
                store = new_database(server, f"kill_{number}")
                kill = partial(server.crash, is_whole=is_whole)
                fates[survive(self._world(store), moment, kill, server.start)] += 1
                store.remove()
        return fates

    def failover(self, moment: Moment | BeforeAnswer, *, is_synchronous: bool = True) -> Fate:
        """A server that dies for good at a moment; its standby takes over under the same URL."""
        with self._servers.server(**SLOW_COMMITS) as primary, self._servers.standby(primary, "standby") as standby:
            if is_synchronous:
                primary.stop()
                primary.settings["synchronous_standby_names"] = "standby"
                primary.start()
                while primary.run_sql("SELECT sync_state FROM pg_stat_replication") != [("sync",)]:
                    assert standby.children("postgres"), standby.log
            else:
                standby.stop()

            def take_over() -> None:
                if not is_synchronous:
                    standby.start()
                standby.promote()

            store = Store(store_url([primary, standby]), standby.stored, lambda: None)
            return survive(self._world(store), moment, primary.crash, take_over)

    def moments(self, number: int, seed: str, of: Callable[[str], bool] = lambda _: True) -> list[Moment]:
        """Seeded moments at the commits that `of` accepts by what they record, each commit in its turn."""
        chance = random.Random(seed)
        commits = [at for at, what in enumerate(self.commits, start=1) if of(what)]
        return [Moment(commits[n % len(commits)], chance.uniform(0, LATEST_S)) for n in range(number)]

    def _world(self, store: Store | None) -> World:
        return new_world(self._folder / f"world-{next(self._worlds)}", self._authority, store)


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """A bench in a folder of its own."""
    with template() as servers:
        yield Bench(servers, make_authority(folder / "authority"), folder)


def is_of_confirmation(what: str) -> bool:
    """Whether a commit belongs to the confirmation."""
    return what.endswith(" confirm")


def main(argv: Sequence[str] | None = None) -> int:
    """Loses servers and prints what became of the commits; ends with the first violation's traceback."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.server_loss", description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--failovers", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="kiosk-server-loss-") as folder, bench(Path(folder)) as made:
        print(f"commits     {len(made.commits)} in an issuance")
        for name, lose in (("kills", kill_often), ("failovers", fail_over_often)):
            begun, number = time.monotonic(), getattr(args, name)
            fates = lose(made, number, str(args.seed))
            print(f"{name:11} {number}, seed {args.seed}, {time.monotonic() - begun:.0f} s, violations 0")
            for fate in Fate:
                print(f"  {fates[fate]:5} {fate}")
            if not fates[Fate.MADE] + fates[Fate.NOT_MADE]:
                print("no server died in the middle of a commit: nothing is shown")
                return 1
    return 0


def kill_often(made: Bench, number: int, seed: str) -> Counter[Fate]:
    """Kills spread over all commits of an issuance, by turns of the whole server and of its postmaster alone."""
    chance = random.Random(seed)
    return made.kills([(moment, chance.random() < 0.7) for moment in made.moments(number, seed)])


def fail_over_often(made: Bench, number: int, seed: str) -> Counter[Fate]:
    """Failovers during the confirmation: by turns in a commit of it, and between the authority's and its answer."""
    in_commits = iter(made.moments(number, seed, is_of_confirmation))
    turns = itertools.cycle((lambda: next(in_commits), lambda: next(in_commits), BeforeAnswer))
    return Counter(made.failover(moment()) for moment in itertools.islice(turns, number))


if __name__ == "__main__":
    sys.exit(main())

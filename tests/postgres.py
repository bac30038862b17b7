"""A PostgreSQL of a test's own, from Debian's package: a temporary folder, a Unix socket, nobody else's business.

The server refuses root, so under root it runs as `postgres` (or `nobody`). It is this process's child and goes with it,
however that ends. A missing package raises `PostgresUnavailable`: tests fail, they never skip.
"""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.memory_folder import memory_folder

SUPERUSER = "postgres"
USER = "kiosk"
"""The role that the product connects as; it owns its database and nothing else."""

_STOP_TIMEOUT_S = 30.0
_READY = "database system is ready to accept"
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "8MB",
    "max_wal_senders": "4",
    "wal_level": "replica",
    "max_wal_size": "32MB",
    "min_wal_size": "2MB",
    "log_min_messages": "warning",
    "autovacuum": "off",
    # In the data folder: a server that is killed leaves nothing elsewhere.
    "dynamic_shared_memory_type": "mmap",
    "jit": "off",
}
_INITDB = ("--no-sync", "--wal-segsize=1")


class PostgresUnavailable(Exception):
    """PostgreSQL cannot be started here; says what is missing."""


class Server:
    """One server on one data folder; a context manager that starts it and leaves no process and no file behind."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.settings = _SETTINGS | settings
        self._log: deque[str] = deque(maxlen=200)
        self._process: subprocess.Popen[str] | None = None
        self._reader = threading.Thread()

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    @property
    def log(self) -> str:
        """The last lines that the server wrote."""
        return "\n".join(self._log)

    def url(self, database: str = USER) -> str:
        """The store's URL for a database of this server."""
        return store_url([self], database)

    def start(self) -> None:
        """Starts the server and waits until it answers. Raises `PostgresUnavailable`."""
        settings = [f"--{name}={value}" for name, value in self.settings.items()]
        program = [
            str(_binary("postgres")),
            "-D",
            str(self.data),
            f"--unix_socket_directories={self.folder}",
            *settings,
        ]
        self._process = subprocess.Popen(
            [*_as_its_user(dies_with_us=True), *program],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
            cwd="/",
        )
        self._log.clear()
        is_ready = threading.Event()
        self._reader = threading.Thread(target=self._read_log, args=(is_ready,), daemon=True)
        self._reader.start()
        is_ready.wait(_STOP_TIMEOUT_S)
        if _READY not in self.log:
            self.crash()
            raise PostgresUnavailable(f"PostgreSQL did not start:\n{self.log}")

    def stop(self) -> None:
        """Ends the server in order; clients are thrown out."""
        self._end(signal.SIGINT)

    def crash(self, *, is_whole: bool = True) -> None:
        """SIGKILL: the postmaster alone, whose children notice and go, or all processes of the server at once."""
        assert self._process is not None, "a server that was started"
        # One that has gone by itself and was waited for has no process id any more.
        if self._process.returncode is None:
            for pid in (self._process.pid, *(_children(self._process.pid) if is_whole else ())):
                with _gone_is_good():
                    os.kill(pid, signal.SIGKILL)
        self._await_end()

    def children(self, kind: str) -> list[int]:
        """Process ids of the server's processes of a kind, such as `walreceiver`."""
        assert self._process is not None, "a server that was started"
        return [pid for pid in _children(self._process.pid) if kind in _title(pid)]

    def remove(self) -> None:
        """Ends the server at once and removes its folder."""
        if self._process is not None and self._process.poll() is None:
            self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run_sql(self, *statements: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Runs statements as the superuser; the rows of the last one."""
        with psycopg.connect(
            host=str(self.folder), user=SUPERUSER, dbname=database, autocommit=True, connect_timeout=10
        ) as connection:
            for statement in statements[:-1]:
                connection.execute(statement.encode())
            cursor = connection.execute(statements[-1].encode())
            return cursor.fetchall() if cursor.description else []

    def promote(self) -> None:
        """Makes a standby a server of its own and waits until it writes."""
        ((is_done,),) = self.run_sql("SELECT pg_promote(true, 30)")
        assert is_done, self.log

    def stored(self) -> Iterator[bytes]:
        """Everything that the server has on its disk: tables, indexes, write-ahead log, settings."""
        for path in sorted(self.data.rglob("*")):
            if path.is_file():
                yield path.read_bytes()

    def _read_log(self, is_ready: threading.Event) -> None:
        assert self._process is not None and self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                self._log.append(line.rstrip())
                if _READY in line:
                    is_ready.set()
        # Every process of the server holds the other end: nothing more to read means that the last one has gone.
        is_ready.set()

    def _end(self, signum: signal.Signals) -> None:
        assert self._process is not None, "a server that was started"
        self._process.send_signal(signum)
        self._await_end()

    def _await_end(self) -> None:
        assert self._process is not None
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.crash()
        self._reader.join(_STOP_TIMEOUT_S)
        assert not self._reader.is_alive(), "a process of the server is left"


class Template:
    """A data folder made once, of which servers get copies. Holds the empty database `kiosk`."""

    def __init__(self, parent: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="kiosk-pg-", dir=parent))
        self._numbers = itertools.count(1)
        if os.geteuid() == 0:
            shutil.chown(self._folder, _user())
        model = Server(self._folder / "model", fsync="off")
        self._run("initdb", "-D", model.data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", *_INITDB)
        model.start()
        model.run_sql(f"CREATE ROLE {USER} LOGIN", f"CREATE DATABASE {USER} OWNER {USER}")
        model.stop()
        self._model = model.folder

    def server(self, **settings: str) -> Server:
        """A server on a fresh copy, to be started; durable unless `fsync="off"` is given."""
        folder = self._folder / f"server-{next(self._numbers)}"
        subprocess.run(["cp", "-a", self._model, folder], check=True)
        return Server(folder, **settings)

    def standby(self, primary: Server, name: str, **settings: str) -> Server:
        """A streaming standby of a running server, to be started."""
        folder = self._folder / f"{name}-{next(self._numbers)}"
        source = f"host={primary.folder} user={SUPERUSER} application_name={name}"
        server = Server(folder, **settings)
        self._run("pg_basebackup", "-D", server.data, "-R", "-X", "stream", "-c", "fast", "--no-sync", "-d", source)
        return server

    def remove(self) -> None:
        """Removes everything; servers have to be ended first."""
        shutil.rmtree(self._folder)

    def _run(self, program: str, *words: object) -> None:
        done = subprocess.run(
            [*_as_its_user(), _binary(program), *map(str, words)],
            capture_output=True,
            text=True,
            timeout=120,
            env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
            cwd="/",
        )
        if done.returncode:
            raise PostgresUnavailable(f"{program} failed:\n{done.stderr}")


@contextmanager
def template(parent: Path | None = None) -> Iterator[Template]:
    """A template, removed at the end. A server that is killed keeps what it wrote, in memory as on a disk."""
    made = Template(parent or memory_folder())
    try:
        yield made
    finally:
        made.remove()


def store_url(servers: Sequence[Server], database: str = USER) -> str:
    """The store's URL for one server, or for several of which the one that writes is meant."""
    hosts = ",".join(str(server.folder) for server in servers)
    return f"postgresql+psycopg://{USER}@/{database}?host={hosts}"


def _binary(name: str) -> Path:
    versions = sorted(Path("/usr/lib/postgresql").glob("*"), key=lambda path: [int(n) for n in path.name.split(".")])
    found = [path / "bin" / name for path in versions if (path / "bin" / name).exists()]
    if not found:
        raise PostgresUnavailable("not installed: postgresql (Debian package)")
    return found[-1]


def _user() -> str:
    known = {entry.pw_name for entry in pwd.getpwall()}
    return SUPERUSER if SUPERUSER in known else "nobody"


def _as_its_user(*, dies_with_us: bool = False) -> list[str]:
    words = ["setpriv"]
    if os.geteuid() == 0:
        group = str(pwd.getpwnam(_user()).pw_gid)
        words += [f"--reuid={_user()}", f"--regid={group}", "--clear-groups"]
    return [*words, *(["--pdeathsig=QUIT"] if dies_with_us else []), "--"]


def _children(pid: int) -> list[int]:
    with _gone_is_good():
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _title(pid: int) -> str:
    with _gone_is_good():
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


@contextmanager
def _gone_is_good() -> Iterator[None]:
    try:
        yield
    except (ProcessLookupError, FileNotFoundError):
        pass

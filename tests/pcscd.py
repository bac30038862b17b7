"""A pcscd of a test's own, with two virtual readers (vpcd), that no other program sees.

It runs in a mount namespace (which needs root) with a `/run/pcscd` of its own; clients find it through `env`.
libpcsclite reads that variable once per process, so it is meant for child processes: pass `env` to them. A test process
that has talked to one pcscd cannot talk to another one later; in-process use is therefore limited to one pcscd a
pytest-xdist worker, with `PCSCLITE_CSOCK_NAME` set before the first call into libpcsclite.

It must be started by a thread that outlives it, such as the main thread: the kernel kills it when that thread ends, so
that no aborted test run leaves one behind.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

_DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
_PROGRAMS = {"pcscd": "pcscd", "unshare": "util-linux", "setpriv": "util-linux"}
_START_TIMEOUT_S = 15.0
_STOP_TIMEOUT_S = 5.0
_READY = b"daemon ready"

# Below the ephemeral range of Linux, so that no outgoing connection sits on a port.
_PORTS = range(20001, 32000, 2)

_IN_NAMESPACE = (
    'mount -t tmpfs tmpfs /run && mkdir /run/pcscd && mount --bind "$1" /run/pcscd && '
    'exec pcscd --foreground --info --config "$2"'
)

_CONFIGURATION = """\
FRIENDLYNAME "{name}"
DEVICENAME /dev/null:{port:#x}
LIBPATH {driver}
CHANNELID {port:#x}
"""


class PcscdUnavailable(AssertionError):
    """No private pcscd can be had here; a test that needs one fails with the reason."""


class PrivatePcscd:
    """A running pcscd between `__enter__` and `__exit__`.

    `vpcd_ports` are the TCP ports of its two readers, on which a simulated card connects, `reader_names` their PC/SC
    names in the same order; `env` is the environment for its clients. `--info` keeps commands, and so PINs, out of
    `log`. There are two readers because vpcd has no more (its contexts are indexed by slot alone).
    """

    def __init__(self, name: str = "Kiosk Reader") -> None:
        self._name = name
        self.reader_names = (f"{name} 00 00", f"{name} 00 01")

    def __enter__(self) -> "PrivatePcscd":
        _check_installed()
        self._reservation, port = _reserve_ports()
        self.vpcd_ports = (port, port + 1)
        # Directly under the temporary directory: the path of a Unix socket has at most 107 bytes.
        self._directory = Path(tempfile.mkdtemp(prefix="pcscd-"))
        run = self._directory / "run"
        run.mkdir()
        configuration = self._directory / "reader.conf"
        configuration.write_text(_CONFIGURATION.format(name=self._name, port=port, driver=_DRIVER))
        self.env = {**os.environ, "PCSCLITE_CSOCK_NAME": str(run / "pcscd.comm")}
        command = ["unshare", "--mount", *_propagation(), "setpriv", "--pdeathsig", "KILL"]
        self._process = subprocess.Popen(
            [*command, "sh", "-c", _IN_NAMESPACE, "sh", str(run), str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._log = bytearray()
        self._has_spoken = threading.Event()
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()
        try:
            self._wait_until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def log(self) -> str:
        """What pcscd has printed so far."""
        return self._log.decode(errors="replace")

    def stop(self) -> None:
        """Ends it before its time, as an accident or an administrator would."""
        self._end_process()

    def _drain(self) -> None:
        """Reads until pcscd ends; a full pipe would stop it."""
        assert self._process.stdout is not None
        while chunk := os.read(self._process.stdout.fileno(), 4096):
            self._log += chunk
            if _READY in self._log:
                self._has_spoken.set()
        self._has_spoken.set()

    def _wait_until_ready(self) -> None:
        self._has_spoken.wait(_START_TIMEOUT_S)
        if _READY not in self._log:
            raise PcscdUnavailable(f"pcscd did not start:\n{self.log}")
        for port in self.vpcd_ports:
            if f"Waiting for virtual ICC on port {port}" not in self.log:
                raise PcscdUnavailable(f"vpcd does not listen on {port}:\n{self.log}")

    def _stop(self) -> None:
        self._end_process()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        shutil.rmtree(self._directory)
        self._reservation.close()

    def _end_process(self) -> None:
        # The process leads its own group, and its id stays taken until it is waited for: the signal hits nobody else.
        for signum in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                os.killpg(self._process.pid, signum)
            try:
                self._process.wait(_STOP_TIMEOUT_S)
                break
            except subprocess.TimeoutExpired:
                continue


def _propagation() -> list[str]:
    """In a chroot `/` is no mount point of its own, and unshare cannot make it private: mounts stay as they are."""
    points = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    return [] if "/" in points else ["--propagation", "unchanged"]


def _check_installed() -> None:
    missing = [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]
    if not _DRIVER.exists():
        missing.append("vsmartcard-vpcd")
    if missing:
        raise PcscdUnavailable(f"not installed: {', '.join(dict.fromkeys(missing))}")
    if os.geteuid() != 0:
        raise PcscdUnavailable("a private pcscd needs root: it runs in a mount namespace")


def _reserve_ports() -> tuple[socket.socket, int]:
    """The first of two free TCP ports, and what keeps other tests on this machine from taking them.

    vpcd itself must bind them, so they cannot be held open here; a Unix socket named after them stands in.
    """
    for port in _candidates():
        reservation = socket.socket(socket.AF_UNIX)
        try:
            reservation.bind(f"\0private-pcscd-{port}")
            for each in (port, port + 1):
                with socket.socket() as probe:
                    probe.bind(("", each))
        except OSError:
            reservation.close()
            continue
        return reservation, port
    raise PcscdUnavailable("no two neighbouring TCP ports are free")


def _candidates() -> Iterator[int]:
    start = secrets.randbelow(len(_PORTS))
    yield from _PORTS[start:]
    yield from _PORTS[:start]

"""Programs at a pcscd of the test's own: clients, each a process, and simulated cards in its virtual readers."""

import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from threading import Event, Thread
from typing import ParamSpec, TypeVar

from hw.card.pcsc import PcscConnection, PcscSlot
from hw.card.reader import Reader
from hw.errors import DeviceError, ReaderBusy
from hw.ports import CardReader
from hw.sim.card.card import VirtualCard
from hw.sim.card.vpcd import connect, serve

P = ParamSpec("P")
R = TypeVar("R")


class Client:
    """A process whose card service is the one behind `socket_path`; libpcsclite can only know one a process."""

    def __init__(self, socket_path: str) -> None:
        self._process = ProcessPoolExecutor(1, get_context("spawn"), _enter, (socket_path,))

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.shutdown()

    def start(self, job: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> "Future[R]":
        """Begins a job in the process; it must be a function that can be imported."""
        return self._process.submit(job, *args, **kwargs)

    def run(self, job: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """A job's result; what it raises is raised here."""
        return self.start(job, *args, **kwargs).result(timeout=30)


def _enter(socket_path: str) -> None:
    os.environ["PCSCLITE_CSOCK_NAME"] = socket_path


@contextmanager
def inserted(card: VirtualCard, vpcd_port: int) -> Iterator[Callable[[], None]]:
    """The card lies in the virtual reader, seen by pcscd, until it is left or the function yielded is called."""
    seen = Event()
    card.insert()
    connection = connect("127.0.0.1", vpcd_port)
    served = Thread(target=serve, args=(card, connection, seen.set))

    def remove() -> None:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # pulled by a fault already
        served.join(10)

    served.start()
    try:
        assert seen.wait(10), "pcscd never asked for the card's ATR"
        yield remove
    finally:
        remove()


# --- jobs of a client


def outcome(job: Callable[[CardReader], object], reader_name: str) -> str:
    """What became of a job at a real reader, as the error's name: errors do not travel between processes."""
    try:
        return str(job(Reader(PcscSlot(reader_name))))
    except DeviceError as error:
        return type(error).__name__


_held: dict[str, PcscConnection] = {}


def hold(reader_name: str) -> int:
    """Takes the card and keeps it until `release`; the process's id."""
    _held[reader_name] = PcscSlot(reader_name).connect()
    return os.getpid()


def select_held(reader_name: str) -> str:
    """SELECT on the card that is held: the status word or the error's name."""
    try:
        return _held[reader_name].transmit(bytes.fromhex("00A4040C0AD392F000260100000001")).hex()
    except DeviceError as error:
        return type(error).__name__


def release(reader_name: str) -> None:
    """Lets the card go."""
    _held.pop(reader_name).close()


def holder_of(reader_name: str) -> str:
    """Whom the error blames when the card cannot be had."""
    try:
        PcscSlot(reader_name).connect()
    except ReaderBusy as error:
        return error.holder
    raise AssertionError("the card was free")

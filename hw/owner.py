"""The one thread that talks to a device: it keeps the device connected, looks after it, and does what others ask."""

import queue
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from hw.errors import DeviceError, NotSent
from hw.link.reconnect import Presence, Reconnection, Standing

D = TypeVar("D")
T = TypeVar("T")

EVERY_S = 0.5
"""How often a device is looked at; what happens to it is known within a second."""


@dataclass(frozen=True)
class DeviceReport:
    """What is known of one device: where it stands, and the names of what keeps it from working."""

    name: str
    standing: Standing
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Care(Generic[D]):
    """How a kind of device is looked after: connected, asked who it is, and asked what troubles it."""

    open_link: Callable[[D], None]
    identify: Callable[[D], str]
    troubles: Callable[[D], tuple[str, ...]]


class Owner(Generic[D]):
    """Owns `device` until `close`; `on_report` hears every change, from the owner's thread.

    `call` runs a piece of work in that thread. While the device is away it raises `NotSent` at once; a link that is
    lost during the work is the work's own `LinkLost`, and the work is never done again.
    """

    def __init__(
        self,
        name: str,
        device: D,
        care: Care[D],
        on_report: Callable[[DeviceReport], None],
        *,
        every_s: float = EVERY_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._device = device
        self._care = care
        self._on_report = on_report
        self._every_s = every_s
        self._monotonic = monotonic
        self._work = queue.SimpleQueue[Callable[[], None]]()
        self._stop = threading.Event()
        self._look_s = 0.0
        self.reconnects = 0
        """How often the device came back after it was lost."""
        self._reconnection = Reconnection(
            lambda: care.open_link(device),
            lambda: care.identify(device),
            monotonic=monotonic,
            random=random.random,
            on_change=self._change,
        )
        self.report = DeviceReport(name, self._reconnection.standing)
        self._thread = threading.Thread(target=self._run, name=f"{name} owner", daemon=True)
        self._thread.start()

    def call(self, work: Callable[[D], T], timeout_s: float | None = None) -> T:
        """What `work` returns or raises, done by the owner; `TimeoutError` when that takes longer."""
        done: Future[T] = Future()

        def run() -> None:
            if not self._reconnection.is_ready:
                standing = self._reconnection.standing
                done.set_exception(NotSent(f"{self.report.name}: {standing.presence}: {standing.cause}"))
                return
            try:
                done.set_result(work(self._device))
            except DeviceError as error:
                self._reconnection.fail(error)
                done.set_exception(error)
            # Whatever the work raises is its caller's, in the caller's thread.
            except Exception as error:
                done.set_exception(error)

        self._work.put(run)
        return done.result(timeout_s)

    def close(self) -> None:
        """Ends the thread, after the work that it is doing."""
        self._stop.set()
        self._work.put(lambda: None)
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._reconnection.attempt()
            now_s = self._monotonic()
            if self._reconnection.is_ready and now_s >= self._look_s:
                self._look_s = now_s + self._every_s
                self._look()
            due_s = self._look_s if self._reconnection.is_ready else self._reconnection.due_s
            try:
                work = self._work.get(timeout=max(0.0, min(self._every_s, due_s - self._monotonic())) or 0.001)
            except queue.Empty:
                continue
            work()

    def _look(self) -> None:
        try:
            troubles = self._care.troubles(self._device)
        except DeviceError as error:
            self._reconnection.fail(error)
            return
        if troubles != self.report.troubles:
            self.report = replace(self.report, troubles=troubles)
            self._on_report(self.report)

    def _change(self, standing: Standing) -> None:
        self.reconnects += self.report.standing.presence is Presence.LOST and standing.presence is Presence.READY
        troubles = self.report.troubles if standing.presence is Presence.READY else ()
        self.report = replace(self.report, standing=standing, troubles=troubles)
        self._on_report(self.report)

"""Benches for the printer's driver: the same simulated printer in memory, behind a real pty, behind a real socket."""

import os
import queue
import threading
import time
from contextlib import ExitStack, contextmanager

from hw.errors import LinkLost
from hw.link.memory import MemoryLink
from hw.link.url import link_to
from hw.printer.escpos import EscposPrinter
from hw.printer.models import MODELS
from hw.sim.printer.virtual import VirtualPrinter
from hw.sim.shells import serve_pty, serve_tcp

MODEL = MODELS["tm-t88-ja"]


class Bench:
    """A simulated printer, and drivers joined to it one way or another; leave it by `close`."""

    def __init__(self, kind, dots=MODEL.dots):
        self.sim = VirtualPrinter(dots=dots)
        self._held = ExitStack()
        self._url = None if kind == "memory" else self._held.enter_context(serving(self.sim, kind))

    def link(self):
        link = MemoryLink(self.sim) if self._url is None else link_to(self._url)
        self._held.callback(link.close)
        return link

    def printer(self, model=MODEL, patience_s=2.0):
        return EscposPrinter(self.link(), model, patience_s=patience_s)

    def sheets(self, count):
        """The sheets that came out, once there are `count`; fails when there are more, or fewer for too long."""
        give_up = time.monotonic() + 10
        while len(self.sim.sheets) < count and time.monotonic() < give_up:
            self.sim.feed(b"")
        assert len(self.sim.sheets) == count
        return list(self.sim.sheets)

    def close(self):
        self._held.close()


@contextmanager
def serving(sim, kind, port=0):
    """The url at which `sim` is served by a thread of its own."""
    stop, end = os.pipe()
    announced = queue.Queue()
    if kind == "pty":
        thread = threading.Thread(target=serve_pty, args=(sim, announced.put, stop))
    else:
        thread = threading.Thread(target=serve_tcp, args=(sim, port, announced.put, stop))
    thread.start()
    try:
        line = announced.get(timeout=10)
        yield f"serial://{line}" if kind == "pty" else line.replace("tcp ", "tcp://127.0.0.1:")
    finally:
        os.write(end, b"\0")
        thread.join(10)
        os.close(stop)
        os.close(end)


class CuttingLink:
    """Passes `written` bytes to the device and `read` bytes back, then the cable is cut."""

    is_one_way = False

    def __init__(self, link, written=1 << 30, read=1 << 30):
        self._link = link
        self._written = written
        self._read = read

    def write(self, data, deadline_s):
        passing = data[: self._written]
        self._written -= len(passing)
        if passing:
            self._link.write(passing, deadline_s)
        if len(passing) < len(data):
            self._written = self._read = 0
            raise LinkLost("cut")

    def read(self, maximum, deadline_s):
        if not self._read or not self._written:
            self._written = self._read = 0
            raise LinkLost("cut")
        data = self._link.read(min(maximum, self._read), deadline_s)
        self._read -= len(data)
        return data

    def drain_input(self):
        self._link.drain_input()

    def close(self):
        self._link.close()

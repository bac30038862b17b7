"""The simulated coin machine: one wire, a coin acceptor and a hopper on it, and a slot for hands."""

import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hw.sim.coin.acceptor import Acceptor, AcceptorMemory
from hw.sim.coin.frame import Checksum, FrameReader, Request, reply
from hw.sim.coin.hopper import Hopper, HopperMemory
from hw.sim.coin.peripheral import DONE, LineCounts, Reply, answer_core
from hw.sim.fault import Fault
from hw.sim.kept_file import reading_kept

BROADCAST, ACCEPTOR, HOPPER = 0, 2, 3
ORDERS = ("YEN", "hold YEN", "error CODE", "reset", "fill COINS", "jam", "clear")
_JAMMED = 2  # fault on inductive coils, part 3, table 3
_MEMORY = "coin.json"


class VirtualCoinMachine:
    """A coin acceptor at address 2 and a 100-yen hopper at address 3 of one ccTalk bus.

    A pure core: `feed` takes what the host sends and returns what it hears: its own bytes again, as on a single wire
    (`echoes`), and the answers. `checksums` are those it understands; it answers with the one that it was asked with.
    `directory` keeps what the machine holds; `cycle_power` is what cuts its power, not the end of this program.
    """

    def __init__(
        self,
        *,
        directory: Path | None = None,
        echoes: bool = True,
        checksums: tuple[Checksum, ...] = (Checksum.SIMPLE, Checksum.CRC),
        faults: Mapping[int, Fault] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = None if directory is None else directory / _MEMORY
        self._saved = ""
        acceptor, hopper = self._load()
        self.acceptor = Acceptor(acceptor)
        self.hopper = Hopper(hopper)
        self._devices: dict[int, Acceptor | Hopper] = {ACCEPTOR: self.acceptor, HOPPER: self.hopper}
        self._lines = {ACCEPTOR: LineCounts(), HOPPER: LineCounts()}
        self._echoes = echoes
        self._faults = faults or {}
        self._received = 0
        self._reader = FrameReader(checksums)
        self._monotonic = monotonic
        self._held = deque[int]()
        self._lock = threading.RLock()
        self.on_taken: Callable[[int], None] = lambda yen: None
        """Hears of every coin that falls into the cash box, in yen."""
        self.on_paid: Callable[[int], None] = lambda yen: None
        """Hears of every coin that the hopper pays out, in yen."""
        self.is_silent = False
        """Whether it answers nothing."""

    def feed(self, chunk: bytes) -> bytes:
        """Receives `chunk` and returns what the host hears; no bytes upset it."""
        with self._lock:
            heard = bytearray()
            now_s = self._monotonic()
            before = self.hopper.memory.dispensed
            self.hopper.work(now_s)
            for _ in range(self.hopper.memory.dispensed - before):
                self.on_paid(self.hopper.coin_yen)
            for value in chunk:
                self._received += 1
                if self._received in self._faults:
                    self._fail(self._faults[self._received])
                if self._echoes:
                    heard.append(value)
                request = self._reader.feed(value, now_s)
                if request:
                    heard += self._serve(request, now_s)
            if chunk:
                self._save()
            return bytes(heard)

    def insert(self, yen: int) -> bool:
        """Puts a coin in; whether it was taken."""
        with self._lock:
            is_taken = self._drop(yen, self._monotonic())
            self._save()
            return is_taken

    def hold(self, *coins_yen: int) -> None:
        """Takes coins into the hand; at each poll the first of them that would be accepted goes in."""
        with self._lock:
            self._held.extend(coins_yen)

    def drop_held(self) -> tuple[int, ...]:
        """Puts what the hand still holds back into the pocket; what that was."""
        with self._lock:
            left = tuple(self._held)
            self._held.clear()
            return left

    def cycle_power(self) -> None:
        """Switches the machine off and on."""
        with self._lock:
            self.acceptor.reset()
            self.hopper.reset()
            self._save()

    def obey(self, order: str) -> None:
        """Does what hands do, one of `ORDERS`."""
        word, _, value = order.partition(" ")
        with self._lock:
            match word, value:
                case _ if word.isdecimal() and not value:
                    self.insert(int(word))
                case "hold", _ if value.isdecimal():
                    self.hold(int(value))
                case "error", _ if value.isdecimal() and int(value) < 256:
                    self.acceptor.report(int(value))
                case "reset", "":
                    self.cycle_power()
                case "fill", _ if value.isdecimal():
                    self.hopper.memory.stock += int(value)
                case "jam", "":
                    self.acceptor.fault_code = _JAMMED
                case "clear", "":
                    self.acceptor.fault_code = 0
                case _:
                    raise ValueError(f"{order!r} is none of: {', '.join(ORDERS)}")
            self._save()

    def look(self) -> str:
        """Which coins its gate lets in now, and what it took so far."""
        with self._lock:
            now_s = self._monotonic()
            yen = [yen for yen in (500, 100, 50, 10) if self.acceptor.would_take(yen, now_s)]
            gate = f"takes {', '.join(map(str, yen))} yen" if yen else "takes nothing"
            return f"{gate}, {self.hopper.memory.stock} coins in the hopper"

    def _drop(self, yen: int, now_s: float) -> bool:
        is_taken = self.acceptor.insert(yen, now_s)
        if is_taken:
            self.on_taken(yen)
        return is_taken

    def _serve(self, request: Request, now_s: float) -> bytes:
        if request.to == BROADCAST and request.header == 253:  # address poll: bare addresses, each in its own time
            return b"" if self.is_silent else bytes(sorted(self._devices))
        device = self._devices.get(request.to)
        if device is None or self.is_silent:
            return b""
        line = self._lines[ACCEPTOR if device is self.acceptor else HOPPER]
        line.ignored, line.bad_checksums = self._reader.ignored, self._reader.bad_checksums
        answer = self._answer(device, line, request, now_s)
        if isinstance(answer, bytes):
            return answer
        return b"" if answer is None else reply(request, request.to, answer.header, answer.data)

    def _answer(
        self, device: Acceptor | Hopper, line: LineCounts, request: Request, now_s: float
    ) -> Reply | bytes | None:
        match request.header:
            case 1:  # reset device
                device.reset()
                return DONE
            case 252:  # address clash: the bare address
                return bytes((request.to,))
            case 251 if len(request.data) == 1 and request.data[0] not in (BROADCAST, 1):  # address change
                # Answered from the address before; another device's address makes the bus useless, as in reality.
                del self._devices[request.to]
                self._devices[request.data[0]] = device
                return DONE
            case 229 if device is self.acceptor:
                fitting = next((yen for yen in self._held if self.acceptor.would_take(yen, now_s)), None)
                if fitting is not None:
                    self._held.remove(fitting)
                    self._drop(fitting, now_s)
        core = answer_core(request.header, request.data, device.identity, line)
        if request.header == 3:
            self._reader.ignored = self._reader.bad_checksums = 0
        return core or device.answer(request.header, request.data, now_s)

    def _fail(self, fault: Fault) -> None:
        match fault:
            case Fault(kind="coin", value=yen):
                self.insert(int(yen))
            case Fault(kind="error", value=code):
                self.acceptor.report(int(code))
            case Fault(kind="reset"):
                self.cycle_power()
            case Fault(kind="jam"):
                self.acceptor.fault_code = _JAMMED
            case Fault(kind="hopper-empty"):
                self.hopper.memory.stock = 0
            case Fault(kind="silent"):
                self.is_silent = True

    def _load(self) -> tuple[AcceptorMemory, HopperMemory]:
        if self._path is None or not self._path.exists():
            return AcceptorMemory(), HopperMemory()
        with reading_kept(self._path, "coin machine"):
            content: dict[str, Any] = json.loads(self._path.read_bytes())
            return AcceptorMemory(**content["acceptor"]), HopperMemory(**content["hopper"])

    def _save(self) -> None:
        if self._path is None:
            return
        content = json.dumps({"acceptor": self.acceptor.dump(), "hopper": self.hopper.dump()})
        if content == self._saved:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        draft.write_text(content)
        os.replace(draft, self._path)
        self._saved = content

"""Every byte of a coin exchange, both ways, injured in every way: is each coin credited once, or told as lost?"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hw.cash.cctalk.acceptor import CoinAcceptor
from hw.cash.cctalk.bus import Bus
from hw.cash.cctalk.frame import Checksum
from hw.cash.coin_box import CoinBox
from hw.cash.coin_ledger import CoinLedger
from hw.link.faulty import FaultyLink
from hw.link.injury import parse_injuries
from hw.link.link import Link
from hw.link.memory import MemoryLink
from hw.link.reopening import ReopeningLink
from hw.ports import DepositEnd
from hw.sim.coin.virtual import VirtualCoinMachine
from tests.wire.clock import Clock

DUE_YEN = 500
PAYMENT = "first"
COINS_YEN = (100, 100, 100, 100, 100)
PATIENCE_S = 4.0

INJURIES: dict[str, Callable[[int], str]] = {
    "drop": lambda n: f"drop@{n}",
    "garble-01": lambda n: f"garble@{n}=01",
    "garble-80": lambda n: f"garble@{n}=80",
    "garble-ff": lambda n: f"garble@{n}=ff",
    "duplicate": lambda n: f"duplicate@{n}",
    "inject-00": lambda n: f"inject@{n}=00",
    "inject-01": lambda n: f"inject@{n}=01",
    "delay-150ms": lambda n: f"delay@{n}=150",
    "delay-350ms": lambda n: f"delay@{n}=350",
    "close": lambda n: f"close@{n}",
    "stall": lambda n: f"stall@{n}",
}


class Killed(BaseException):
    """The host's process ends here."""


class MortalLink:
    """Ends the process before the `at`th call that passes bytes."""

    is_one_way = False

    def __init__(self, link: Link, at: int | None = None) -> None:
        self._link = link
        self._at = at
        self.calls = 0

    def _pass(self) -> None:
        self.calls += 1
        if self.calls == self._at:
            raise Killed

    def write(self, data: bytes, deadline_s: float) -> None:
        self._pass()
        self._link.write(data, deadline_s)
        self._pass()

    def read(self, maximum: int, deadline_s: float) -> bytes:
        self._pass()
        return self._link.read(maximum, deadline_s)

    def drain_input(self) -> None:
        self._link.drain_input()

    def close(self) -> None:
        self._link.close()


class PowerCuttingLink(MortalLink):
    """Cuts the machine's power before the `at`th call that passes bytes, when a coin of `last_yen` has just fallen."""

    def __init__(self, machine: VirtualCoinMachine, at: int, last_yen: int = 0) -> None:
        super().__init__(MemoryLink(machine))
        self._machine = machine
        self._cut_at = at
        self._last_yen = last_yen
        self.has_cut = False

    def _pass(self) -> None:
        super()._pass()
        if self.calls == self._cut_at:
            self.has_cut = True
            if self._last_yen:
                self._machine.insert(self._last_yen)
            self._machine.cycle_power()


@dataclass
class Counted:
    """Bytes that pass in each direction."""

    to: int = 0
    back: int = 0


class CountingLink:
    """Counts what passes."""

    is_one_way = False

    def __init__(self, link: Link, counted: Counted) -> None:
        self._link = link
        self._counted = counted

    def write(self, data: bytes, deadline_s: float) -> None:
        self._counted.to += len(data)
        self._link.write(data, deadline_s)

    def read(self, maximum: int, deadline_s: float) -> bytes:
        data = self._link.read(maximum, deadline_s)
        self._counted.back += len(data)
        return data

    def drain_input(self) -> None:
        self._link.drain_input()

    def close(self) -> None:
        self._link.close()


class AddingLedger(CoinLedger):
    """Adds up the coins of every deposit that was ended; the process ends before and after the `die_at`th note."""

    def __init__(self, path: Path | None) -> None:
        self.ended_yen = 0
        self.moments = 0
        self.die_at: int | None = None
        super().__init__(path)

    def note(self, **entry: object) -> None:
        self._pass()
        if entry["what"] == "end":
            self.ended_yen += self.state.coins_yen
        super().note(**entry)
        self._pass()

    def _pass(self) -> None:
        self.moments += 1
        if self.moments == self.die_at:
            raise Killed


class CoinCounter:
    """One counter with a coin machine: a payer with five coins, and whatever befalls the line."""

    def __init__(self, checksum: Checksum, ledger: Path | None = None, start: int = 0) -> None:
        self.clock = Clock()
        self.machine = VirtualCoinMachine(monotonic=self.clock.monotonic)
        self.machine.acceptor.memory.counter = start
        if start:
            self.machine.acceptor.memory.events = [[0, 1]] * 5
        self.checksum = checksum
        self.path = ledger
        self.ledger = AddingLedger(ledger)
        self.before_yen = 0

    def box(self, link: Link) -> CoinBox:
        bus = Bus(link, self.checksum, monotonic=self.clock.monotonic, pause=self.clock.pause)
        return CoinBox(
            CoinAcceptor(bus),
            self.ledger,
            patience_s=PATIENCE_S,
            polls_itself=False,
            monotonic=self.clock.monotonic,
            pause=self.clock.pause,
        )

    def restart(self) -> None:
        """The host's program ends and starts again, with what is in its file."""
        self.before_yen += self.ledger.ended_yen
        self.ledger = AddingLedger(self.path)

    def pay(self, box: CoinBox, coins_yen: tuple[int, ...] = COINS_YEN) -> int:
        """One payer, whose coins and, where they do not do, whose note a clerk takes; the yen handed back."""
        self.machine.hold(*coins_yen)
        box.begin(DUE_YEN, PAYMENT)
        deposit = box.await_payment()
        while deposit.received_yen < DUE_YEN:
            box.take_from_clerk(DUE_YEN - deposit.received_yen)
            deposit = box.await_payment()
        self.machine.drop_held()
        fixed = box.fix()
        assert fixed.received_yen >= DUE_YEN
        return box.end(DepositEnd.CHANGE)

    def look_again(self) -> None:
        """The line is whole again: the next deposit finds what nobody has been told of."""
        self.clock.pause(10)
        box = self.box(MemoryLink(self.machine))
        box.begin(DUE_YEN)
        box.fix()
        box.end(DepositEnd.REPAY)

    def told(self) -> str:
        """What a program that starts again tells the clerk of this payment, whose end nobody has written down."""
        in_machine = sum(self.machine.acceptor.memory.cash_box_yen)
        credited_yen = self.ledger.state.coins_yen + self.ledger.ended_yen
        self.restart()
        self.clock.pause(10)
        known = self.box(MemoryLink(self.machine)).left_over(PAYMENT)
        if known.coins_yen < credited_yen:
            return "A PAYER FORGOTTEN"
        if known.coins_yen + known.unassigned_yen > in_machine:
            return "INVENTED"
        is_all_told = known.coins_yen + known.unassigned_yen == in_machine
        return "exact" if is_all_told and not known.is_count_lost else "LOST IN SILENCE"

    def verdict(self) -> str:
        """How the books and the machine agree."""
        state = self.ledger.state
        in_machine = sum(self.machine.acceptor.memory.cash_box_yen)
        booked = self.before_yen + self.ledger.ended_yen + state.unassigned_yen
        if booked == in_machine and not state.lost_events:
            return "exact"
        if booked > in_machine:
            return "INVENTED"
        return "reported lost" if state.lost_events or state.resets else "LOST IN SILENCE"


@dataclass
class Tally:
    """What came of it, by injury and verdict."""

    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, kind: str, verdict: str, plan: str) -> None:
        self.found[kind, verdict] += 1
        if verdict.isupper():
            self.wrong.append(f"{plan}: {verdict}")

    @property
    def total(self) -> int:
        return sum(self.found.values())


def bytes_of_a_payment(checksum: Checksum) -> Counted:
    """How many bytes pass in a payment in which nothing goes wrong."""
    counter, counted = CoinCounter(checksum), Counted()
    counter.pay(counter.box(CountingLink(MemoryLink(counter.machine), counted)))
    return counted


def injured(kind: str, direction: str, at: int, checksum: Checksum, start: int = 0) -> str:
    """The verdict on one payment with one injury."""
    counter = CoinCounter(checksum, start=start)
    injuries = parse_injuries(f"{direction}-{INJURIES[kind](at)}")

    def opened() -> Link:
        return FaultyLink(
            MemoryLink(counter.machine), injuries, monotonic=counter.clock.monotonic, pause=counter.clock.pause
        )

    counter.pay(counter.box(ReopeningLink(opened)))
    counter.look_again()
    return counter.verdict()


def killed(at: int, ledger: Path, checksum: Checksum) -> str | None:
    """The verdict when the host is killed before its `at`th call and started again; None when it made fewer."""
    counter = CoinCounter(checksum, ledger)
    link = MortalLink(MemoryLink(counter.machine), at)
    was_killed = False
    try:
        counter.pay(counter.box(link))
    except Killed:
        was_killed = True
    counter.machine.drop_held()
    told = counter.told()
    counter.look_again()
    return (told if told.isupper() else counter.verdict()) if was_killed else None


def killed_at_note(at: int, ledger: Path) -> str | None:
    """The verdict when the host is killed before or after a note of its ledger; None when it wrote fewer."""
    counter = CoinCounter("simple", ledger)
    counter.ledger.die_at = at
    try:
        counter.pay(counter.box(MemoryLink(counter.machine)))
    except Killed:
        counter.machine.drop_held()
        return counter.told()
    return None


def unpowered(at: int, ledger: Path) -> str | None:
    """The verdict when the acceptor's power is cut before the host's `at`th call; None when it made fewer.

    Every second time nobody else pays in coins, so that its event counter is still 0 when the one coin is lost.
    """
    counter = CoinCounter("simple", ledger)
    cutting = PowerCuttingLink(counter.machine, (at + 1) // 2, last_yen=100)
    counter.pay(counter.box(cutting), COINS_YEN if at % 2 else ())
    counter.look_again()
    return counter.verdict() if cutting.has_cut else None


def campaign(
    every: int, scratch: Path, kinds: tuple[str, ...] = tuple(INJURIES), seed: int = 0
) -> Iterator[tuple[str, str, str]]:
    """(kind, verdict, plan) for every `every`th byte in both directions, both checksums; then every moment of death."""
    for checksum in ("simple", "crc"):
        counted = bytes_of_a_payment(checksum)
        for direction, total in (("to", counted.to), ("from", counted.back)):
            for kind in kinds:
                for at in range(1 + seed % every, total + 1, every):
                    plan = f"{checksum} {direction}-{INJURIES[kind](at)}"
                    yield kind, injured(kind, direction, at, checksum), plan
    ends: tuple[tuple[str, int, Callable[[int, Path], str | None]], ...] = (
        ("killed", every, lambda at, path: killed(at, path, "simple")),
        ("killed at a note", 1, killed_at_note),
        ("power cut", every, unpowered),
    )
    for kind, step, end in ends:
        path = scratch / "coins.jsonl"
        path.unlink(missing_ok=True)
        at = 1 + seed % step
        while (verdict := end(at, path)) is not None:
            yield kind, verdict, f"{kind}, moment {at}"
            path.unlink(missing_ok=True)
            at += step


def counter_steps() -> Iterator[tuple[str, str, str]]:
    """A payment after every value of the event counter."""
    for start in range(256):
        counter = CoinCounter("simple", start=start)
        counter.pay(counter.box(MemoryLink(counter.machine)))
        yield "counter", counter.verdict(), f"payment from counter {start}"

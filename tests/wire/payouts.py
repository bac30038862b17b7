"""Every byte of a hopper's payout, both ways, injured in every way: is each coin paid once and accounted for, or told?

A clerk has taken a note, and the change is five coins. The line is whole until then, and again after. Wrong is: more
coins or fewer than the books say (unless they say that nobody knows), a coin paid twice, or a next payer who gets
another sum than is his.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from hw.cash.cctalk.acceptor import CoinAcceptor
from hw.cash.cctalk.bus import Bus
from hw.cash.cctalk.frame import Checksum
from hw.cash.cctalk.hopper import CoinHopper
from hw.cash.coin_box import CoinBox
from hw.cash.coin_ledger import CoinLedger
from hw.errors import LinkLost, OutcomeUnknown
from hw.link.faulty import FaultyLink
from hw.link.injury import parse_injuries
from hw.link.link import Link
from hw.link.memory import MemoryLink
from hw.link.reopening import ReopeningLink
from hw.ports import DepositEnd
from hw.sim.coin.virtual import VirtualCoinMachine
from tests.wire.clock import Clock
from tests.wire.coins import INJURIES, Counted, CountingLink, Killed, MortalLink, PowerCuttingLink

CHANGE_YEN, COIN_YEN = 500, 100
STOCKS = (100, 2)
"""Coins in the hopper: enough, and fewer than are asked of it."""


class SwitchedLink:
    """Passes everything to `link`, which is exchanged by hand."""

    is_one_way = False

    def __init__(self, link: Link) -> None:
        self.link = link

    def write(self, data: bytes, deadline_s: float) -> None:
        self.link.write(data, deadline_s)

    def read(self, maximum: int, deadline_s: float) -> bytes:
        return self.link.read(maximum, deadline_s)

    def drain_input(self) -> None:
        self.link.drain_input()

    def close(self) -> None:
        self.link.close()


class PayoutCounter:
    """A counter whose change a hopper gives."""

    def __init__(self, checksum: Checksum, stock: int, ledger: Path | None = None) -> None:
        self.clock = Clock()
        self.machine = VirtualCoinMachine(monotonic=self.clock.monotonic)
        self.machine.hopper.memory.stock = stock
        self.checksum = checksum
        self.path = ledger
        self.ledger = CoinLedger(ledger)
        self.link = SwitchedLink(MemoryLink(self.machine))

    @property
    def paid_yen(self) -> int:
        """What lies in the tray."""
        self.machine.feed(b"")
        return COIN_YEN * self.machine.hopper.memory.dispensed

    def box(self) -> CoinBox:
        clock = {"monotonic": self.clock.monotonic, "pause": self.clock.pause}
        bus = Bus(self.link, self.checksum, **clock)
        hopper = CoinHopper(bus, **clock)
        return CoinBox(CoinAcceptor(bus), self.ledger, hopper=hopper, polls_itself=False, **clock)

    def fixed(self, payment: str, due_yen: int = 500) -> CoinBox:
        """A box with a deposit that is over but for its change."""
        box = self.box()
        box.begin(due_yen, payment)
        box.take_from_clerk(due_yen + CHANGE_YEN)
        box.fix()
        return box

    def verdict(self, box: CoinBox, back_yen: int | None) -> str:
        """What the books say against what lies in the tray; `back_yen` is what the clerk was told to hand back."""
        self.link.link = MemoryLink(self.machine)
        self.clock.pause(20)
        in_tray_yen = self.paid_yen
        if back_yen is not None:
            if back_yen + in_tray_yen != CHANGE_YEN:
                return "PAID TOO MUCH" if back_yen + in_tray_yen > CHANGE_YEN else "LOST IN SILENCE"
            verdict = "paid and unpaid exact"
        else:
            known = box.left_over("first")
            if not known.paid_yen <= in_tray_yen <= known.paid_yen + known.perhaps_paid_yen:
                return "TOLD WRONGLY"
            verdict = "told as unknown" if known.perhaps_paid_yen else "exact when it was asked again"
        if self.paid_yen != in_tray_yen:
            return "PAID BY ITSELF"
        self.machine.hopper.memory.stock = STOCKS[0]
        second = self.box() if back_yen is None else box
        second.begin(500, "second")
        second.take_from_clerk(500 + CHANGE_YEN)
        second.fix()
        back_yen = second.end(DepositEnd.CHANGE)
        is_right = back_yen + self.paid_yen - in_tray_yen == CHANGE_YEN
        return verdict if is_right else "THE NEXT PAYER IS WRONGED"


def bytes_of_a_payout(checksum: Checksum, stock: int) -> Counted:
    """How many bytes pass while change is paid and nothing goes wrong."""
    counter, counted = PayoutCounter(checksum, stock), Counted()
    box = counter.fixed("first")
    counter.link.link = CountingLink(counter.link.link, counted)
    assert box.end(DepositEnd.CHANGE) + counter.paid_yen == CHANGE_YEN
    return counted


def injured(kind: str, direction: str, at: int, checksum: Checksum, stock: int) -> str:
    """The verdict on one payout with one injury."""
    counter = PayoutCounter(checksum, stock)
    injuries = parse_injuries(f"{direction}-{INJURIES[kind](at)}")

    def opened() -> Link:
        clock = counter.clock
        return FaultyLink(MemoryLink(counter.machine), injuries, monotonic=clock.monotonic, pause=clock.pause)

    box = counter.fixed("first")
    counter.link.link = ReopeningLink(opened)
    return counter.verdict(box, _ended(box))


def killed(at: int, ledger: Path, stock: int) -> str | None:
    """The verdict when the host is killed before its `at`th call and started again; None when it made fewer."""
    counter = PayoutCounter("simple", stock, ledger)
    box = counter.fixed("first")
    counter.link.link = MortalLink(counter.link.link, at)
    try:
        box.end(DepositEnd.CHANGE)
    except Killed:
        counter.ledger = CoinLedger(ledger)
        return counter.verdict(counter.box(), None)
    return None


def unpowered(at: int, stock: int) -> str | None:
    """The verdict when the machine's power is cut before the host's `at`th call; None when it made fewer."""
    counter = PayoutCounter("simple", stock)
    box = counter.fixed("first")
    cutting = counter.link.link = PowerCuttingLink(counter.machine, at)
    back_yen = _ended(box)
    return counter.verdict(box, back_yen) if cutting.has_cut else None


def _ended(box: CoinBox) -> int | None:
    """The yen for the clerk to hand back; None when nobody can tell."""
    try:
        return box.end(DepositEnd.CHANGE)
    except (OutcomeUnknown, LinkLost):
        return None


def campaign(every: int, scratch: Path, seed: int = 0) -> Iterator[tuple[str, str, str]]:
    """(kind, verdict, plan) for every `every`th byte in both directions; then every moment of death and of no power."""
    cases: tuple[tuple[Checksum, int], ...] = (("simple", STOCKS[0]), ("crc", STOCKS[1]))
    first = 1 + seed % every
    for checksum, stock in cases:
        counted = bytes_of_a_payout(checksum, stock)
        for direction, total in (("to", counted.to), ("from", counted.back)):
            for kind in INJURIES:
                for at in range(first, total + 1, every):
                    plan = f"{checksum}, {stock} coins, {direction}-{INJURIES[kind](at)}"
                    yield kind, injured(kind, direction, at, checksum, stock), plan
    path = scratch / "payouts.jsonl"

    def die(at: int, stock: int) -> str | None:
        path.unlink(missing_ok=True)
        return killed(at, path, stock)

    ends: tuple[tuple[str, Callable[[int, int], str | None]], ...] = (("killed", die), ("power cut", unpowered))
    for kind, end in ends:
        for stock in STOCKS:
            at = first
            while (verdict := end(at, stock)) is not None:
                yield kind, verdict, f"{kind} before call {at}, {stock} coins"
                at += every

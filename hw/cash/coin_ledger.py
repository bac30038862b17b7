"""What a coin acceptor took, written down durably before anybody is shown it: one line of JSON a reading.

The acceptor's event counter stands in the same line as the coins that it led to, so that after any crash the next
reading takes up exactly where the last durable line ends: no coin is credited twice, none is skipped in silence.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hw.errors import NotSent


class LedgerDamaged(ValueError):
    """A line of the ledger, other than a last one that a power cut tore, is none."""


class LedgerUnwritten(NotSent):
    """The ledger's disk takes nothing: the entry does not count, and nothing that it announces was begun."""


@dataclass(frozen=True)
class PayoutBegun:
    """A payout of a hopper whose end is not known.

    The hopper's status before, how many coins of `coin_yen` it is told to pay, its serial number, and the payment.
    `is_left` once the deposit that it belongs to was left without an end.
    """

    event: int
    paid: int
    unpaid: int
    coins: int
    coin_yen: int
    serial: int
    payment: str
    is_left: bool = False

    @property
    def yen(self) -> int:
        """What it may have paid at most."""
        return self.coins * self.coin_yen


@dataclass(frozen=True)
class Traces:
    """What the machine did for one payment whose end the caller has not yet written down.

    `coins_yen` it took and still holds as unassigned money, `ended_yen` are the coins of deposits that were ended,
    `paid_yen` it gave out for certain, `perhaps_paid_yen` it was told to give out and nobody can say whether it did.
    """

    coins_yen: int = 0
    ended_yen: int = 0
    paid_yen: int = 0
    perhaps_paid_yen: int = 0


@dataclass(frozen=True)
class UnreadAcceptor:
    """An acceptor that was exchanged while it may have held a coin that nobody read: who, and its last known counter.

    Coins that it took after `counter` lie in the cash box, and no record tells how many.
    """

    serial: int
    counter: int


@dataclass
class CoinState:
    """What the ledger comes to.

    `counter` is the acceptor's at the last reading, `serial` which acceptor that was. `due_yen` is None while no
    deposit is open; `coins_yen` and `clerk_yen` are what the open one has received. `unassigned_yen` (未処理入金) is
    money that lies in the machine and belongs to no deposit that was ended; `lost_events` may have been coins too.
    `payment` names what the open deposit is for, `traces` are kept by that name until the caller needs them no more.
    `is_read` while nothing can have happened in the acceptor since the last reading: it was closed, and read after.
    `entries` is how many the ledger has.
    """

    entries: int = 0
    counter: int = 0
    serial: int | None = None
    due_yen: int | None = None
    payment: str = ""
    coins_yen: int = 0
    clerk_yen: int = 0
    unassigned_yen: int = 0
    lost_events: int = 0
    resets: int = 0
    accepted: int = 0
    rejected: int = 0
    payout: PayoutBegun | None = None
    paid_coins: int = 0
    coins_perhaps_paid: int = 0
    """Coins that a hopper was told to pay, and never told whether it did; a person has to count what it holds."""
    traces: dict[str, Traces] = field(default_factory=dict)
    unread: tuple[UnreadAcceptor, ...] = ()
    is_read: bool = True

    @property
    def coins_in_doubt(self) -> int:
        """Coins that a hopper was told to pay, of which nobody can say now whether they came out."""
        return self.coins_perhaps_paid + (self.payout.coins if self.payout is not None else 0)

    def traces_of(self, payment: str) -> Traces:
        """What is known of a payment, that of a payout under way included."""
        traces = self.traces.get(payment, Traces())
        if self.payout is None or self.payout.payment != payment:
            return traces
        return replace(traces, perhaps_paid_yen=traces.perhaps_paid_yen + self.payout.yen)


class CoinLedger:
    """The ledger in `path`; with None it lives in memory only.

    Opening it reads and changes nothing, so that anybody may look while its owner is at work; only one may `note`.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._torn_at: int | None = None
        self.state = CoinState()
        if path is not None and path.exists():
            self._replay(path)

    def note(self, **entry: Any) -> None:
        """Writes one entry durably, then heeds it. Raises `LedgerUnwritten`, and what was written of it is taken back.

        Taken back by the next entry at the latest: a line that was written and not heeded must not count after all.
        """
        if self._path is not None:
            try:
                self._write(self._path, json.dumps(entry).encode("ascii") + b"\n")
            except OSError as error:
                raise LedgerUnwritten(f"{self._path}: {error.strerror}") from error
        _apply(self.state, entry)

    def _write(self, path: Path, line: bytes) -> None:
        is_new = not path.exists()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if self._torn_at is not None:
                os.ftruncate(descriptor, self._torn_at)
            self._torn_at = os.fstat(descriptor).st_size
            try:
                while line:
                    line = line[os.write(descriptor, line) :]
                os.fdatasync(descriptor)
                if is_new:
                    _sync_directory(path.parent)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(descriptor, self._torn_at)
                raise
            self._torn_at = None
        finally:
            os.close(descriptor)

    def _replay(self, path: Path) -> None:
        content = path.read_bytes()
        whole, _, torn = content.rpartition(b"\n")
        if torn:  # a power cut in the middle of a line, which nobody has acted on
            self._torn_at = len(content) - len(torn)
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                entry = json.loads(line)
                _apply(self.state, entry)
            except (ValueError, TypeError, KeyError) as error:
                raise LedgerDamaged(f"{path}: line {number}: {error}") from error


def _apply(state: CoinState, entry: Mapping[str, Any]) -> None:
    """One entry: `acceptor`, `begin`, `interrupted`, `read`, `clerk`, `pay`, `paid`, `end`, `closed` or `settled`."""
    state.entries += 1
    match entry["what"]:
        case "acceptor":  # which one it is, and where its counter stood when it was first seen
            state.serial, state.counter = entry["serial"], entry["counter"]
            if entry["unread"] is not None:
                state.unread = (*state.unread, UnreadAcceptor(**entry["unread"]))
        case "begin":
            state.due_yen, state.coins_yen, state.clerk_yen = entry["due_yen"], 0, 0
            state.payment, state.is_read = entry["payment"], False
        case "interrupted":
            # What the deposit had received lies in the machine and is for a person to assign.
            state.unassigned_yen += state.coins_yen
            _trace(state, state.payment, coins_yen=state.coins_yen)
            state.due_yen, state.coins_yen, state.clerk_yen = None, 0, 0
            if state.payout is not None:
                state.payout = replace(state.payout, is_left=True)
        case "read":
            state.counter = entry["counter"]
            coins_yen = sum(entry["coins_yen"])
            state.accepted += len(entry["coins_yen"])
            state.rejected += entry["rejected"]
            state.lost_events += entry["lost"]
            state.resets += entry["resets"]
            if state.due_yen is None or entry["is_stray"]:
                state.unassigned_yen += coins_yen
            else:
                state.coins_yen += coins_yen
        case "clerk":
            state.clerk_yen += entry["yen"]
        case "pay":  # coins that a hopper is going to be told to pay
            known = ("event", "paid", "unpaid", "coins", "coin_yen", "serial")
            state.payout = PayoutBegun(**{key: entry[key] for key in known}, payment=state.payment)
        case "paid":  # what came of it
            if state.payout is not None:
                _trace(state, state.payout.payment, paid_yen=entry["coins"] * state.payout.coin_yen)
            state.payout = None
            state.paid_coins += entry["coins"]
        case "end":
            # It is the caller's to make the end durable: until then the payer's coins are still told by his name.
            _trace(state, state.payment, ended_yen=state.coins_yen)
            state.due_yen, state.coins_yen, state.clerk_yen = None, 0, 0
            state.is_read = entry["is_read"]
        case "closed":  # how a payment ended is written down elsewhere; a clerk has counted what was left of it here
            state.unassigned_yen -= state.traces.pop(entry["payment"], Traces()).coins_yen
            if state.payout is not None and state.payout.is_left and state.payout.payment == entry["payment"]:
                state.coins_perhaps_paid += state.payout.coins
                state.payout = None
        case "settled":  # a clerk has accounted for what belonged to nobody; what was paid for whom is still told
            state.unassigned_yen = state.lost_events = state.resets = state.coins_perhaps_paid = 0
            state.unread = ()
            if state.payout is not None and state.payout.is_left:
                _trace(state, state.payout.payment, perhaps_paid_yen=state.payout.yen)
                state.payout = None
            state.traces = {payment: replace(traces, coins_yen=0) for payment, traces in state.traces.items()}
        case other:
            raise ValueError(f"unknown entry {other!r}")


def _trace(state: CoinState, payment: str, **yen: int) -> None:
    """Adds to what is known of a payment that has a name; `yen` by the fields of `Traces`."""
    if payment and any(yen.values()):
        known = state.traces.get(payment, Traces())
        state.traces[payment] = replace(known, **{name: getattr(known, name) + more for name, more in yen.items()})


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

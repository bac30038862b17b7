"""What a coin acceptor took, written down durably before anybody is shown it: one line of JSON a reading.

The acceptor's event counter stands in the same line as the coins that it led to, so that after any crash the next
reading takes up exactly where the last durable line ends: no coin is credited twice, none is skipped in silence.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class LedgerDamaged(ValueError):
    """A line of the ledger, other than a last one that a power cut tore, is none."""


@dataclass(frozen=True)
class PayoutBegun:
    """A payout of a hopper whose end is not known: its status before, and how many coins it is told to pay."""

    event: int
    paid: int
    unpaid: int
    coins: int


@dataclass
class CoinState:
    """What the ledger comes to.

    `counter` is the acceptor's at the last reading, `serial` which acceptor that was. `due_yen` is None while no
    deposit is open; `coins_yen` and `clerk_yen` are what the open one has received. `unassigned_yen` (未処理入金) is
    money that lies in the machine and belongs to no deposit that was ended; `lost_events` may have been coins too.
    """

    counter: int = 0
    serial: int | None = None
    due_yen: int | None = None
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
    """Coins that a hopper was told to pay in deposits that were interrupted: nobody here knows whether it did."""


class CoinLedger:
    """The ledger in `path`; with None it lives in memory only."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.state = CoinState()
        if path is not None and path.exists():
            self._replay(path)

    def note(self, **entry: Any) -> None:
        """Writes one entry durably, then heeds it."""
        if self._path is not None:
            is_new = not self._path.exists()
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                line = json.dumps(entry).encode("ascii") + b"\n"
                while line:
                    line = line[os.write(descriptor, line) :]
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)
            if is_new:
                _sync_directory(self._path.parent)
        _apply(self.state, entry)

    def _replay(self, path: Path) -> None:
        content = path.read_bytes()
        whole, _, torn = content.rpartition(b"\n")
        if torn:  # a power cut in the middle of a line, which nobody has acted on
            os.truncate(path, len(content) - len(torn))
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                entry = json.loads(line)
                _apply(self.state, entry)
            except (ValueError, TypeError, KeyError) as error:
                raise LedgerDamaged(f"{path}: line {number}: {error}") from error


def _apply(state: CoinState, entry: Mapping[str, Any]) -> None:
    """One entry: `acceptor`, `begin`, `interrupted`, `read`, `clerk`, `pay`, `paid`, `end` or `settled`."""
    match entry["what"]:
        case "acceptor":  # which one it is, and where its counter stood when it was first seen
            state.serial, state.counter = entry["serial"], entry["counter"]
        case "begin":
            state.due_yen, state.coins_yen, state.clerk_yen = entry["due_yen"], 0, 0
        case "interrupted":
            # What the deposit had received lies in the machine and is for a person to assign.
            state.unassigned_yen += state.coins_yen
            state.due_yen, state.coins_yen, state.clerk_yen = None, 0, 0
            if state.payout is not None:
                state.coins_perhaps_paid += state.payout.coins
                state.payout = None
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
            state.payout = PayoutBegun(entry["event"], entry["paid"], entry["unpaid"], entry["coins"])
        case "paid":  # what came of it
            state.payout = None
            state.paid_coins += entry["coins"]
        case "end":
            state.due_yen, state.coins_yen, state.clerk_yen = None, 0, 0
        case "settled":  # a clerk has accounted for what belonged to nobody
            state.unassigned_yen = state.lost_events = state.resets = state.coins_perhaps_paid = 0
        case other:
            raise ValueError(f"unknown entry {other!r}")


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

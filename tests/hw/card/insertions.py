"""`python -m tests.hw.card.insertions [--count N] [--restart-every N]`: what the monitor notices of cards.

A card goes into a virtual reader and out again N times (100), pcscd ends and starts anew in between. Every event that
the monitor tells is compared with what was done; it ends with 1 at the first that is wrong.
"""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from hw.card.monitor import ReaderEvent, ReaderMonitor
from hw.card.pcsc import PcscSlot
from hw.sim.card.card import VirtualCard
from hw.sim.card.memory import MemoryStore
from hw.sim.card.personalization import new_card
from tests.hw.card.pcsc_bench import Client, inserted
from tests.pcscd import PrivatePcscd

READER = "Kiosk Reader 00 00"
_NOTICED_S = 60.0

_monitors: dict[str, ReaderMonitor] = {}


def next_event(timeout_s: float) -> str | None:
    """A job of the client: the next event of its one monitor."""
    monitor = _monitors.setdefault(READER, ReaderMonitor(PcscSlot(READER)))
    return monitor.next_event(timeout_s)


def insert_and_remove(count: int, restart_every: int) -> int:
    """Does it; the number of events that were told, every one of them right. Raises `AssertionError` else."""
    told = 0
    with tempfile.TemporaryDirectory() as directory, ExitStack() as held:
        # The client knows one socket for its whole life; behind the link the service changes.
        link = Path(directory) / "pcscd.comm"
        client = held.enter_context(Client(str(link)))

        def expect(event: ReaderEvent | None, timeout_s: float = _NOTICED_S) -> None:
            nonlocal told
            found = client.run(next_event, timeout_s)
            assert found == event, f"after {told} events: {found} instead of {event}"
            told += 1

        for first in range(0, count, restart_every):
            with PrivatePcscd() as pcscd:
                link.symlink_to(pcscd.env["PCSCLITE_CSOCK_NAME"])
                expect(ReaderEvent.READER_FOUND)
                for number in range(first, min(first + restart_every, count)):
                    card = VirtualCard(MemoryStore(new_card(f"INSERTION{number:07d}")))
                    with inserted(card, pcscd.vpcd_ports[0]):
                        expect(ReaderEvent.CARD_INSERTED)
                    expect(ReaderEvent.CARD_REMOVED)
                expect(None, 0)
                last = VirtualCard(MemoryStore(new_card("INSERTIONLASTONE")))
                with inserted(last, pcscd.vpcd_ports[0]):
                    expect(ReaderEvent.CARD_INSERTED)
                    link.unlink()
                    pcscd.stop()
                    expect(ReaderEvent.CARD_REMOVED)
            expect(ReaderEvent.READER_LOST)
    return told


def main(words: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.hw.card.insertions", description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--restart-every", type=int, default=10)
    args = parser.parse_args(words)
    try:
        told = insert_and_remove(args.count, args.restart_every)
    except AssertionError as error:
        print(error)
        return 1
    restarts = -(-args.count // args.restart_every)
    print(f"{args.count} insertions, pcscd started {restarts} times: {told} events, every one of them right")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

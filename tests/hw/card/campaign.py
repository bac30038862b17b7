"""`python -m tests.hw.card.campaign [--kind KIND ...] [--every N] [--seed N]`: every status word at every exchange.

An issuance is recorded once. Then it is run again for every exchange and every status word (all 65,536, or every Nth
from a random one on) from the snapshot before that exchange: up to there the recording answers, at it the status
word, and behind it the card itself, as it was at that moment. Likewise every fault of a simulated card, at every
exchange. What must hold, whatever the card says:

* the driver ends with success or with a declared error, and no other exception;
* it presents no password a second time, and sends nothing more than it would have otherwise and a few commands to end;
* the card is in a state that has a name: no password, no key; a password; a key without certificate; a key and its own
  whole certificate.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing import get_context
from random import Random

from cryptography.hazmat.primitives.asymmetric import rsa

from hw.card.key import CardKey
from hw.card.memory import MemorySlot
from hw.card.reader import Reader
from hw.errors import DeviceError, Refused
from hw.ports import CardReader, ChannelPurpose
from hw.sim.card.card import VirtualCard
from hw.sim.card.faults import KINDS
from hw.sim.card.memory import CardMemory, MemoryStore
from hw.sim.fault import Fault
from tests.hw.card.office import CERTIFICATE, ISSUER, blank, key_hash, password_for, prove

CARDS = ("juki-2011", "juki-2011-b", "myna-2016", "piv")
STATUS_WORDS = range(0x10000)
DONE = 0x9000
_VERIFY = 0x20
_MORE_COMMANDS = 300
"""What fetching an answer that does not end takes at most, with the commands that end a session."""

FAULT_VALUES = {"sw": "6F00", "delay": "0"}


class Mistake(AssertionError):
    """The driver or the card did what must not happen."""


@lru_cache(1)
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _random(size: int) -> bytes:
    """The same for every run: what is sent does not differ until something is answered differently."""
    return bytes(range(size))


def issue(reader: CardReader) -> None:
    """The card's part in an issuance; raises `Refused` for what a caller would not accept."""
    with reader.session() as card:
        card.pin_status()
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        card.set_pin(password_for(card))
        card.verify_pin(password_for(card))
        card.public_key()
        made = card.generate_key()
        if card.public_key() != made:
            raise Refused("the card shows another key than it has made")
        card.attest(bytes(16), key_hash(made))
        prove(CardKey(card, made), b"certificate request")
        card.write_certificate(CERTIFICATE)
        if card.read_certificate() != CERTIFICATE:
            raise Refused("the card does not hold what was written")
        prove(CardKey(card, made), b"test text")


@dataclass
class Recording:
    """An issuance to a new card of a kind: every command and its answer."""

    kind: str
    exchanges: list[tuple[bytes, bytes]] = field(default_factory=list)

    def new_card(self, faults: dict[int, Fault] | None = None) -> tuple[VirtualCard, MemoryStore]:
        """The card as it was before, and where its memory is."""
        store = MemoryStore(_blank(self.kind))
        card = VirtualCard(store, make_key=_key, random_bytes=_random, faults=faults, sleep=lambda _: None)
        return card, store


@lru_cache(len(CARDS))
def _blank(kind: str) -> CardMemory:
    return blank(kind)


@lru_cache(len(CARDS))
def record(kind: str) -> Recording:
    """Records an issuance."""
    recording = Recording(kind)
    card, _ = recording.new_card()

    class Recorder:
        def __getattr__(self, name: str) -> object:
            return getattr(card, name)

        def transmit(self, command: bytes) -> bytes:
            answer = card.transmit(command)
            recording.exchanges.append((command, answer))
            return answer

    issue(Reader(MemorySlot("recorder", Recorder()), random=_random))
    return recording


class Snapshot:
    """A card that answers as recorded, then one status word, then as the card in the recording would have.

    The card behind the recording is made only when it is asked something that the recording does not answer.
    """

    def __init__(self, recording: Recording, at: int, sw: int) -> None:
        self._recording = recording
        self._at = at
        self._sw = sw
        self._card: VirtualCard | None = None
        self.store: MemoryStore | None = None
        self.count = 0
        self.passwords = 0

    def insert(self) -> None:
        """Lies in the slot."""

    def remove(self) -> None:
        """Is out of the slot."""

    def power_on(self) -> bytes:
        """Answers to reset."""
        return b"\x3b\x00"

    def power_off(self) -> None:
        """Loses everything volatile."""

    def transmit(self, command: bytes) -> bytes:
        """One answer."""
        self.count += 1
        if command[1] == _VERIFY and len(command) > 5:
            self.passwords += 1
        if self.count < self._at:
            expected, answer = self._recording.exchanges[self.count - 1]
            if command != expected:
                raise Mistake(f"exchange {self.count} is another one than recorded")
            return answer
        if self.count == self._at:
            return self._sw.to_bytes(2, "big")
        if self.count > self._at + len(self._recording.exchanges) + _MORE_COMMANDS:
            raise Mistake("the driver does not end")
        if self._card is None:
            if command in (self._recording.exchanges[0][0], self._recording.exchanges[-1][0]):
                return b"\x90\x00"  # the session's end, which every card takes
            self._card, self.store = self._recording.new_card()
            self._card.power_on()
            for before, _ in self._recording.exchanges[: self._at - 1]:
                self._card.transmit(before)
        return self._card.transmit(command)


def run_status(kind: str, at: int, status_words: Iterable[int]) -> Counter[str]:
    """Issues from the snapshot before the exchange with each of the status words; how often which outcome came."""
    recording = record(kind)
    outcomes: Counter[str] = Counter()
    for sw in status_words:
        card = Snapshot(recording, at, sw)
        try:
            outcomes[_outcome(Reader(MemorySlot("snapshot", card), random=_random))] += 1
            if card.passwords > sum(1 for command, _ in recording.exchanges if command[1] == _VERIFY and command[5:]):
                raise Mistake("a password was presented again")
            if card.store is not None:
                name_of_state(card.store.read(), is_lying=sw == DONE)
        # An exception that is not declared is what is looked for.
        except Exception as error:
            raise Mistake(f"{kind}: {sw:04X} at exchange {at}: {type(error).__name__}: {error}") from error
    return outcomes


def run_faults(kind: str, faults: Iterable[str] = tuple(KINDS)) -> Counter[str]:
    """Issues with every fault at every exchange, takes the card out, and issues again."""
    outcomes: Counter[str] = Counter()
    recording = record(kind)
    for fault in faults:
        for at in range(1, len(recording.exchanges) + 1):
            card, store = recording.new_card({at: Fault(fault, at, FAULT_VALUES.get(fault, ""))})
            slot = MemorySlot("faulty", card)
            try:
                outcomes[f"{fault}: {_outcome(Reader(slot, random=_random))}"] += 1
                name_of_state(store.read())
                again = VirtualCard(store, make_key=_key, random_bytes=_random)
                slot.insert(again)
                issue(Reader(slot, random=_random))
                if name_of_state(store.read()) != "key and certificate":
                    raise Mistake("the card cannot be issued again")
            # As above.
            except Exception as error:
                raise Mistake(f"{kind}: {fault} at exchange {at}: {type(error).__name__}: {error}") from error
    return outcomes


def _outcome(reader: CardReader) -> str:
    """The name of the declared error in which an issuance ended, or `issued`."""
    try:
        issue(reader)
    except DeviceError as error:
        return type(error).__name__
    return "issued"


def name_of_state(memory: CardMemory, *, is_lying: bool = False) -> str:
    """The state of the card in the model's words; raises `Mistake` for one without a name and for a spent try.

    A card that says it has set a password and has not `is_lying`: then the password that is presented next is wrong.
    """
    if memory.piv is not None:
        tries = {memory.piv.pin.record.tries, memory.piv.puk.record.tries}
        is_set, has_key = not memory.piv.pin.is_default, 0x9C in memory.piv.keys
        held = memory.piv.objects.get(0x5FC10A)
        certificate = None if held is None or not held.startswith(b"\x70\x82") else held[4 : 4 + len(CERTIFICATE)]
        expected = {3}
    else:
        tries = {pin.tries for pin in memory.pins.values()}
        is_set, has_key = 0x1B in memory.pins, 0x1A in memory.keys
        content = b"" if 0x01 in memory.deactivated else memory.files.get(0x01, b"")
        certificate = content if content.startswith(b"\x30") else None
        expected = {5}
    if tries - expected and not is_lying:
        raise Mistake(f"tries are left: {sorted(tries)}")
    if certificate is not None and not has_key:
        raise Mistake("a certificate without a key")
    if certificate is not None and certificate[: len(CERTIFICATE)] != CERTIFICATE and memory.piv is None:
        raise Mistake("a certificate that was cut short can be read")
    if not has_key:
        return "password" if is_set else "blank"
    return "key without certificate" if certificate is None else "key and certificate"


def _work(kind: str, every: int, seed: int) -> Iterator[tuple[str, int, range]]:
    random = Random(seed)
    for at in range(1, len(record(kind).exchanges) + 1):
        yield kind, at, STATUS_WORDS[random.randrange(every) :: every]


def main(words: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.hw.card.campaign", description=__doc__)
    parser.add_argument("--kind", action="append", choices=CARDS)
    parser.add_argument("--every", type=int, default=1, help="every Nth status word, default all")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(words)
    begun_s = time.monotonic()
    status = 0
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        for kind in args.kind or CARDS:
            work = list(_work(kind, args.every, args.seed))
            try:
                outcomes = sum(pool.map(run_status, *zip(*work, strict=True)), Counter[str]())
                outcomes += run_faults(kind)
            except Mistake as error:
                print(f"MISTAKE {error}", flush=True)
                status = 1
                continue
            runs, seconds = sum(outcomes.values()), time.monotonic() - begun_s
            print(f"{kind}: {len(work)} exchanges, {runs} runs after {seconds:.0f} s; {dict(outcomes)}", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

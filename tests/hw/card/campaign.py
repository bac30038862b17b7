"""`python -m tests.hw.card.campaign`: every wrong answer at every exchange with a card.

An issuance, of every key that the card has, and a holder's use of his card are recorded once. Then they are run again
for every exchange and every status word (all 65,536, or with `--every` every Nth from a random one on) from the
snapshot before that exchange: up to there the recording answers, at it the status word, and behind it the card itself,
as it was at that moment. Likewise for the answer's data (`--every-data`): each byte changed, cut there, something
behind it, and values that nobody expects (`tests.hw.card.hostile_data`). Likewise every fault of a simulated card.
What must hold, whatever it says:

* the driver ends with success or with a declared error, and no other exception;
* it presents no password a second time, and sends nothing more than it would have otherwise and a few commands to end;
* the card is in a state that has a name: no password, no key; a password; a key without certificate; a key and its own
  whole certificate.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing import get_context
from random import Random

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa

from hw.card.key import CardKey
from hw.card.memory import MemorySlot
from hw.card.reader import Reader
from hw.errors import DeviceError, Refused
from hw.ports import CardReader, ChannelPurpose, KeyUse
from hw.sim.card.card import VirtualCard
from hw.sim.card.faults import KINDS
from hw.sim.card.memory import CardMemory, MemoryStore, PivMemory
from hw.sim.fault import Fault
from kiosk.config import SHIPPED, load_policy
from kiosk.issuance.card_key import attested_key, prove_delivery, refuse_another_key
from kiosk.model.policy import Policy
from tests.hw.card.hostile_certificates import certificate_with
from tests.hw.card.hostile_data import HOSTILE, altered
from tests.hw.card.office import ISSUER, blank, password_for, prove

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


@lru_cache(1)
def certificate() -> bytes:
    """As long as a real one, for the one key that cards make here."""
    return certificate_with(_key(), bytes(700))


@lru_cache(1)
def _policy() -> Policy:
    return load_policy(SHIPPED / "policy", "myna-2016")


def issue(reader: CardReader) -> None:
    """The card's part in an issuance, with the kiosk's own judgement of it; raises what that raises."""
    with reader.session() as card:
        card.pin_status()
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        for use in card.uses():
            if use is KeyUse.SIGNATURE or card.has_own_pin(use):
                card.set_pin(password_for(card, use), use)
                card.verify_pin(password_for(card, use), use)
            card.public_key(use)
            made = card.generate_key(use)
            refuse_another_key(made, shown := card.public_key(use))
            attested_key(card, shown, bytes(16), _policy())
            _sign(CardKey(card, made, use))
        for use in card.uses():
            card.write_certificate(certificate(), use)
            prove_delivery(card, certificate(), use)


def hold(reader: CardReader) -> None:
    """What a holder does with his card, outside any channel: looks at it and signs with it."""
    with reader.session() as card:
        card.number()
        for use in card.uses():
            card.has_pin_pad(use)
            if use is KeyUse.SIGNATURE or card.has_own_pin(use):
                card.pin_status(use)
                card.verify_pin(password_for(card, use), use)
            key = card.public_key(use)
            if key is None:
                raise Refused("the card shows no key")
            prove_delivery(card, certificate(), use)
            _sign(CardKey(card, key, use))


def _sign(key: CardKey) -> None:
    """Signs a request, whose signature the authority checks. Raises `Refused` as that does."""
    try:
        prove(key, b"certificate request")
    except InvalidSignature:
        raise Refused("the signature does not fit the key") from None


JOBS = {"issue": issue, "hold": hold}


@dataclass
class Recording:
    """A job with a card of a kind, a new one or one that was issued: every command and its answer."""

    kind: str
    job: str = "issue"
    exchanges: list[tuple[bytes, bytes]] = field(default_factory=list)

    def new_card(self, faults: dict[int, Fault] | None = None) -> tuple[VirtualCard, MemoryStore]:
        """The card as it was before, and where its memory is."""
        store = MemoryStore(_blank(self.kind) if self.job == "issue" else _issued(self.kind))
        card = VirtualCard(store, make_key=_key, random_bytes=_random, faults=faults, sleep=lambda _: None)
        return card, store


@lru_cache(len(CARDS))
def _blank(kind: str) -> CardMemory:
    return blank(kind)


@lru_cache(len(CARDS))
def _issued(kind: str) -> CardMemory:
    store = MemoryStore(_blank(kind))
    card = VirtualCard(store, make_key=_key, random_bytes=_random)
    issue(Reader(MemorySlot("counter", card), random=_random))
    return store.read()


@lru_cache(len(CARDS) * len(JOBS))
def record(kind: str, job: str = "issue") -> Recording:
    """Records a job."""
    recording = Recording(kind, job)
    card, _ = recording.new_card()

    class Recorder:
        def __getattr__(self, name: str) -> object:
            return getattr(card, name)

        def transmit(self, command: bytes) -> bytes:
            answer = card.transmit(command)
            recording.exchanges.append((command, answer))
            return answer

    JOBS[job](Reader(MemorySlot("recorder", Recorder()), random=_random))
    return recording


class Snapshot:
    """A card that answers as recorded, then something else, then as the card in the recording would have.

    The card behind the recording is made only when it is asked something that the recording does not answer. It has
    done the command whose answer is another one when that `is_done`.
    """

    def __init__(self, recording: Recording, at: int, answer: bytes, *, is_done: bool = False) -> None:
        self._recording = recording
        self._at = at
        self._answer = answer
        self._done = at if is_done else at - 1
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
            return self._answer
        if self.count > self._at + len(self._recording.exchanges) + _MORE_COMMANDS:
            raise Mistake("the driver does not end")
        if self._card is None:
            if command in (self._recording.exchanges[0][0], self._recording.exchanges[-1][0]):
                return b"\x90\x00"  # the session's end, which every card takes
            self._card, self.store = self._recording.new_card()
            self._card.power_on()
            for before, _ in self._recording.exchanges[: self._done]:
                self._card.transmit(before)
        return self._card.transmit(command)


def run_status(kind: str, at: int, status_words: Iterable[int]) -> Counter[str]:
    """Issues from the snapshot before the exchange with each of the status words; how often which outcome came."""
    outcomes: Counter[str] = Counter()
    for sw in status_words:
        card = Snapshot(record(kind), at, sw.to_bytes(2, "big"))
        outcomes[_run(card, record(kind), f"{sw:04X} at exchange {at}", is_lying=sw == DONE)] += 1
    return outcomes


def answers_in_place_of(kind: str, job: str, at: int) -> list[bytes]:
    """All that is put in the place of the answer's data at one exchange of a job."""
    return [*altered(record(kind, job).exchanges[at - 1][1]), *HOSTILE]


def run_data(kind: str, job: str, at: int, numbers: Iterable[int]) -> Counter[str]:
    """Does the job with those of the other answers at the exchange; how often which outcome came."""
    outcomes: Counter[str] = Counter()
    answers = answers_in_place_of(kind, job, at)
    for number in numbers:
        card = Snapshot(record(kind, job), at, answers[number], is_done=True)
        outcomes[_run(card, record(kind, job), f"answer {number} at exchange {at} of {job}")] += 1
    return outcomes


def _run(card: Snapshot, recording: Recording, what: str, *, is_lying: bool = False) -> str:
    verified = sum(1 for command, _ in recording.exchanges if command[1] == _VERIFY and command[5:])
    try:
        outcome = _outcome(Reader(MemorySlot("snapshot", card), random=_random), JOBS[recording.job])
        if card.passwords > verified:
            raise Mistake("a password was presented again")
        if card.store is not None:
            name_of_state(card.store.read(), is_lying=is_lying)
    # An exception that is not declared is what is looked for.
    except Exception as error:
        raise Mistake(f"{recording.kind}: {what}: {type(error).__name__}: {error}") from error
    return outcome


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
                if name_of_state(store.read()) != name_of_state(_issued(kind)):
                    raise Mistake("the card cannot be issued again")
            # An exception that is not declared, or a card that cannot be issued again: both are what is looked for.
            except Exception as error:
                raise Mistake(f"{kind}: {fault} at exchange {at}: {type(error).__name__}: {error}") from error
    return outcomes


def _outcome(reader: CardReader, job: Callable[[CardReader], None] = issue) -> str:
    """The name of the declared error in which a job ended, or `done`."""
    try:
        job(reader)
    except DeviceError as error:
        return type(error).__name__
    return "done"


def name_of_state(memory: CardMemory, *, is_lying: bool = False) -> str:
    """The state of the card in the model's words; raises `Mistake` for one without a name and for a spent try.

    A card that says it has set a password and has not `is_lying`: then the password that is presented next is wrong.
    """
    if memory.piv is not None:
        return _name_of_piv(memory.piv, is_lying=is_lying)
    states = []
    for key, pin, file, tries in _PLACES:
        if pin in memory.pins and memory.pins[pin].tries != tries and not is_lying:
            raise Mistake(f"tries are left: {memory.pins[pin].tries}")
        content = b"" if file in memory.deactivated else memory.files.get(file, b"")
        held = content[: len(certificate())] if content.startswith(b"\x30") else None
        if held is not None and held != certificate():
            raise Mistake("a certificate that was cut short can be read")
        states.append(_name(is_set=pin in memory.pins, has_key=key in memory.keys, has_certificate=held is not None))
    return "; ".join(states)


_PLACES = ((0x1A, 0x1B, 0x01, 5), (0x17, 0x18, 0x0A, 3))
"""Key, password, certificate file and tries, of the signature and of the other key."""


def _name_of_piv(memory: PivMemory, *, is_lying: bool) -> str:
    tries = {memory.pin.record.tries, memory.puk.record.tries}
    if tries != {3} and not is_lying:
        raise Mistake(f"tries are left: {sorted(tries)}")
    states = []
    for key, file in ((0x9C, 0x5FC10A), (0x9A, 0x5FC105)):
        has_certificate = memory.objects.get(file, b"").startswith(b"\x70\x82")
        states.append(
            _name(is_set=not memory.pin.is_default, has_key=key in memory.keys, has_certificate=has_certificate)
        )
    return "; ".join(states)


def _name(*, is_set: bool, has_key: bool, has_certificate: bool) -> str:
    if has_certificate and not has_key:
        raise Mistake("a certificate without a key")
    if not has_key:
        return "password" if is_set else "blank"
    return "key and certificate" if has_certificate else "key without certificate"


def _work(kind: str, every: int, seed: int) -> Iterator[tuple[str, int, range]]:
    random = Random(seed)
    for at in range(1, len(record(kind).exchanges) + 1):
        yield kind, at, STATUS_WORDS[random.randrange(every) :: every]


def _data_work(kind: str, every: int, seed: int) -> Iterator[tuple[str, str, int, range]]:
    random = Random(seed)
    for job in JOBS:
        for at in range(1, len(record(kind, job).exchanges) + 1):
            yield kind, job, at, range(len(answers_in_place_of(kind, job, at)))[random.randrange(every) :: every]


def main(words: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.hw.card.campaign", description=__doc__)
    parser.add_argument("--kind", action="append", choices=CARDS)
    parser.add_argument("--every", type=int, default=1, help="every Nth status word, default all")
    parser.add_argument("--every-data", type=int, default=1, help="every Nth other answer, default all")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(words)
    begun_s = time.monotonic()
    status = 0
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        for kind in args.kind or CARDS:
            work = list(_work(kind, args.every, args.seed))
            try:
                outcomes = sum(pool.map(run_status, *zip(*work, strict=True)), Counter[str]())
                data_work = list(_data_work(kind, args.every_data, args.seed))
                outcomes += sum(pool.map(run_data, *zip(*data_work, strict=True)), Counter[str]())
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

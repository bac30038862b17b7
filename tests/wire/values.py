"""All values of every status byte, all steps of the event counter, random bytes for every reader and device."""

import binascii
from collections.abc import Callable, Iterator
from functools import partial
from random import Random

from hw.cash.cctalk.acceptor import ADDRESS, CoinAcceptor
from hw.cash.cctalk.bus import Bus
from hw.cash.cctalk.codes import Trouble, trouble_of
from hw.cash.cctalk.events import BUFFERED, AcceptorReset, Coin, EventsLost, Rejection, read_buffer
from hw.cash.cctalk.frame import Checksum, decode, encode, length
from hw.cash.cctalk.hopper import ADDRESS as HOPPER_ADDRESS
from hw.cash.cctalk.hopper import CoinHopper
from hw.errors import DeviceError, OutcomeUnknown
from hw.link.memory import Core
from hw.ports import PrinterStatus
from hw.printer.escpos import EscposPrinter
from hw.printer.models import MODELS
from hw.printer.status import StatusDecoder
from hw.scanner import LineDecoder
from hw.sim.coin.virtual import VirtualCoinMachine
from hw.sim.display.virtual import VirtualDisplay
from hw.sim.lamp.virtual import VirtualLamp
from hw.sim.printer.virtual import VirtualPrinter
from hw.sim.scanner.virtual import VirtualScanner
from tests.wire.clock import Clock

_REAL_TIME = 0b10010011
"""Bits that are the same in every answer to DLE EOT, and their values 0xx1xx10."""
_REAL_TIME_VALUE = 0b00010010


class AnsweringLink:
    """Answers each write with the next of `answers`; a read waits by letting the clock go on."""

    is_one_way = False

    def __init__(self, answers: Iterator[bytes], clock: Clock) -> None:
        self._answers = answers
        self._clock = clock
        self._arrived = b""

    def write(self, data: bytes, deadline_s: float) -> None:
        self._arrived = next(self._answers, b"")

    def read(self, maximum: int, deadline_s: float) -> bytes:
        arrived, self._arrived = self._arrived, b""
        if not arrived:
            self._clock.now_s = max(self._clock.now_s, deadline_s)
        return arrived

    def drain_input(self) -> None:
        self._arrived = b""

    def close(self) -> None:
        pass


def status_bytes() -> int:
    """Every value as the answer to every DLE EOT n: a status or `OutcomeUnknown`, as its fixed bits say; the count."""
    count = 0
    for n in range(4):
        for value in range(256):
            clock = Clock()
            answers = [b"\x12"] * 4
            answers[n] = bytes((value,))
            printer = EscposPrinter(AnsweringLink(iter(answers), clock), MODELS["tm-t88-ja"], monotonic=clock.monotonic)
            is_answer = value & _REAL_TIME == _REAL_TIME_VALUE
            try:
                status: PrinterStatus | None = printer.status()
            except OutcomeUnknown:
                status = None
            assert (status is not None) == is_answer, (n, value)
            if status is not None:
                assert status.is_online or status.causes
            count += 1
    return count


def automatic_status_bytes() -> int:
    """Every value in every place of an automatic status, an answer behind it: that one is found; the count."""
    count = 0
    for place in range(4):
        for value in range(256):
            automatic = bytearray(b"\x10\x00\x00\x00")
            automatic[place] = value
            decoder = StatusDecoder()
            events = decoder.feed(bytes(automatic)) + decoder.flush() + decoder.feed(b"\x37\x220017\x00")
            assert any(getattr(event, "process_id", "") == "0017" for event in events), (place, value)
            count += 1
    return count


def counter_steps(every: int = 1) -> int:
    """Every counter after every other, with every number of events in the buffer: all are told or told as lost."""
    count = 0
    for last in range(0, 256, every):
        for counter in range(256):
            for held in range(BUFFERED + 1):
                pairs = [(1 + n, 1) for n in range(held)] + [(0, 0)] * (BUFFERED - held)
                data = bytes((counter, *(value for pair in pairs for value in pair)))
                reading = read_buffer(data, last)
                assert reading.counter == counter
                told = [event for event in reading.events if isinstance(event, Coin | Rejection)]
                lost = sum(event.count for event in reading.events if isinstance(event, EventsLost))
                if any(isinstance(event, AcceptorReset) for event in reading.events):
                    assert last
                    assert len(told) == counter <= BUFFERED
                else:
                    new = counter - last if counter >= last else counter - last + 255
                    assert len(told) + lost == new, (last, counter, held)
                count += 1
    return count


def codes() -> int:
    """Every error code is something to the counter; the count."""
    return sum(trouble_of(code) in Trouble for code in range(256))


def _cctalk(frame: bytes) -> None:
    length(frame)
    for checksum in ("simple", "crc"):
        answer = decode(frame, checksum)
        if answer is not None:
            assert len(answer.data) == frame[1]


def _decoders(random: Random) -> dict[str, Callable[[bytes], object]]:
    status, lines = StatusDecoder(), LineDecoder()
    clock = Clock()

    def line(data: bytes) -> None:
        clock.pause(random.choice((0.0, 0.0, 0.2)))
        lines.feed(data, clock.now_s)

    return {
        "printer's answers": status.feed,
        "ccTalk frames": _cctalk,
        "event buffers": lambda data: read_buffer((data * 2)[:11].ljust(11, b"\0"), data[0] if data else 0),
        "scanner's lines": line,
    }


def _devices(clock: Clock) -> dict[str, Core]:
    return {
        "printer": VirtualPrinter(),
        "coin machine": VirtualCoinMachine(monotonic=clock.monotonic),
        "display": VirtualDisplay(),
        "lamp": VirtualLamp(monotonic=clock.monotonic),
        "scanner": VirtualScanner(),
    }


def random_frames(count: int, seed: int) -> Iterator[tuple[str, int]]:
    """`count` random frames for each reader, some of them nearly right; only declared errors come out of it."""
    random = Random(seed)
    for name, read in _decoders(random).items():
        for n in range(count):
            frame = random.randbytes(random.randrange(1, 17))
            if n % 4 == 0:  # a right frame with one bit changed, or none
                whole = bytearray(encode(1, 0, frame[:11], "simple" if n % 8 else "crc"))
                whole[random.randrange(len(whole))] ^= random.choice((0, 0, 1 << random.randrange(8)))
                frame = bytes(whole)
            try:
                read(frame)
            except DeviceError:
                continue
        yield name, count


def random_answers(count: int, seed: int) -> Iterator[tuple[str, int]]:
    """`count` questions to a ccTalk device each, answered by whole frames with random contents, often of a right size.

    Only declared errors come out of it; how many questions got an answer that was taken, for each checksum.
    """
    random = Random(seed)
    checksums: tuple[Checksum, ...] = ("simple", "crc")
    for checksum in checksums:
        taken = 0
        for _ in range(count):
            clock = Clock()
            address = random.choice((ADDRESS, HOPPER_ADDRESS))
            answers = iter(partial(_answer, random, address, checksum), b"")
            bus = Bus(AnsweringLink(answers, clock), checksum, monotonic=clock.monotonic, pause=clock.pause)
            try:
                random.choice(_questions(bus, address, clock))()
            except DeviceError:
                continue
            taken += 1
        yield f"ccTalk answers, {checksum}", taken


def _answer(random: Random, address: int, checksum: Checksum) -> bytes:
    """A frame to the host, whole and right by its checksum, whatever it says."""
    sender = address if random.random() < 0.9 else random.randrange(256)
    header = random.choice((0, 0, 0, 0, 0, 0, 5, 6, random.randrange(256)))
    data = random.randbytes(random.choice((0, 0, 1, 2, 3, 4, 6, 8, 11, random.randrange(253))))
    if random.random() < 0.2:
        data = b"JP" + b"%03d" % random.randrange(1000) + b"A"
    if checksum == "simple":
        frame = bytes((1, len(data), sender, header)) + data
        return frame + bytes((-sum(frame) % 256,))
    crc = binascii.crc_hqx(bytes((1, len(data), header)) + data, 0)
    return bytes((1, len(data), crc & 0xFF, header)) + data + bytes((crc >> 8,))


def _questions(bus: Bus, address: int, clock: Clock) -> tuple[Callable[[], object], ...]:
    """What is asked of the device at `address`, and the bus itself."""
    asked = (lambda: bus.ask(address, 254, size=0), lambda: bus.tell_once(address, 167, b"\0\0\0\1"))
    if address == HOPPER_ADDRESS:
        hopper = CoinHopper(bus, monotonic=clock.monotonic, pause=clock.pause)
        return (*asked, hopper.identity, hopper.coin_yen, hopper.status, lambda: hopper.outcome_of(hopper.status(), 5))
    acceptor = CoinAcceptor(bus)
    opened = partial(acceptor.open_for, (1, 16))
    return (
        *(*asked, acceptor.poll, acceptor.identity, acceptor.self_check, acceptor.coins, opened, acceptor.takes),
        *(acceptor.close, lambda: acceptor.read(0), lambda: acceptor.read(255)),
    )


def random_commands(count: int, seed: int) -> Iterator[tuple[str, int]]:
    """`count` random pieces of a stream for each simulated device, rich in prefixes; none is upset by it."""
    random = Random(seed)
    clock = Clock()
    spice = b"\x10\x1b\x1c\x1d\x1f\x04\x05\x14()kLHVvwW*&Q@XAS\x02\x03\x00\xff\r\n\x16TM"
    for name, core in _devices(clock).items():
        for _ in range(count):
            piece = bytes(random.choice(spice) if random.random() < 0.5 else random.randrange(256) for _ in range(8))
            core.feed(piece)
            clock.pause(0.01)
        yield name, count

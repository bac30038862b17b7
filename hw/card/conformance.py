"""The compatibility check (適合性検証) of a reader or a card: checks in order, each with what it measured.

Nothing is changed on the card and no password is presented. A check says what it found as measurements with limits; it
fails by a limit, or by the error it met. What needs a hand at the reader is done only when there is one.
"""

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from hw.card import answer_to_reset, pin_entry
from hw.card.apdu import EXTENDED, SHORT, Command, Limits, Response
from hw.card.application import open_application
from hw.card.connection import Connection, Slot, Traffic, agreed_limits, command_port
from hw.card.piv_channel import NOT_OFFERED
from hw.card.status import Status, attempts_in, is_more_data
from hw.errors import CardAbsent, CardRemoved, DeviceError, ReaderBusy

_JPKI, _PIV = bytes.fromhex("D392F000260100000001"), bytes.fromhex("A000000308")
_FREE_OBJECTS = (bytes.fromhex("5FFF01"), bytes.fromhex("5FC102"))
"""Of a PIV card: the certificate of its attestation key, the longest, and the CHUID, which every one has."""

_REPETITIONS, _TIMED, _POWER_CYCLES = 200, 50, 5
_EXCHANGE_LIMIT_MS = 100.0
_NOTICED_LIMIT_MS = 2000.0
_HAND_TIMEOUT_S = 30.0
_STATUS_BYTES = 2


class CheckFailed(Exception):
    """What a check found wrong; the message says it."""


@dataclass(frozen=True)
class Figure:
    """One thing that was measured; a limit is None where there is none."""

    name: str
    value: float | str
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def is_within(self) -> bool:
        """Whether it keeps its limits."""
        if not isinstance(self.value, float):
            return True
        return (self.at_most is None or self.value <= self.at_most) and (
            self.at_least is None or self.value >= self.at_least
        )


@dataclass(frozen=True)
class Finding:
    """What came of one check: `PASS`, `FAIL`, or `SKIP` where it needs a hand or a card that is not there.

    `is_lost` says that there is nothing left to make the next check with.
    """

    check: str
    outcome: str
    figures: tuple[Figure, ...] = ()
    reason: str = ""
    is_lost: bool = False


class Hand(Protocol):
    """Whoever can take the card out of the reader and put it in.

    A person is asked and does it in his own time (`is_person`), so that how long it takes says nothing of the reader.
    """

    is_person: bool

    def remove(self) -> None:
        """Takes the card out."""
        ...

    def insert(self) -> None:
        """Puts it in."""
        ...

    def remove_during(self, command: Callable[[], None]) -> None:
        """Takes the card out while the command runs, which takes some seconds, and puts it in again afterwards."""
        ...


@dataclass(frozen=True)
class Specimen:
    """What is tested, and with what: `clock` in seconds."""

    slot: Slot
    clock: Callable[[], float]
    hand: Hand | None = None

    @contextmanager
    def port(self, limits: Limits = EXTENDED) -> Iterator["_Port"]:
        """The card, powered and held, and let go afterwards."""
        connection = self.slot.connect()
        try:
            yield _Port(connection, agreed_limits(connection, limits), self.clock)
        finally:
            connection.close()


class _Port:
    """A held card: single exchanges, or commands with all that belongs to them."""

    def __init__(self, connection: Connection, limits: Limits, clock: Callable[[], float]) -> None:
        self.connection = connection
        self.longest_answer = 0
        self.traffic = Traffic(connection, self._hear, clock)
        self.commands = command_port(self.traffic, limits)

    def _hear(self, command: bytes, answer: bytes | DeviceError, duration_s: float) -> None:
        if isinstance(answer, bytes):
            self.longest_answer = max(self.longest_answer, len(answer) - _STATUS_BYTES)

    @property
    def atr(self) -> bytes:
        return bytes(getattr(self.connection, "atr", b""))

    def exchange(self, command: Command) -> Response:
        return Response.decode(self.traffic.transmit(command.encode()))

    def select(self) -> Command:
        """Selects an application that is there; the command that did."""
        for command in (Command(0, 0xA4, 4, 0x0C, _JPKI), Command(0, 0xA4, 4, 0, _PIV, SHORT.answer)):
            # With all that belongs to it: over T=0 the answer to SELECT has to be fetched.
            if self.commands.send(command).sw == Status.OK:
                return command
        raise CheckFailed("the test card has neither the JPKI nor the PIV application")

    def is_application_selected(self) -> bool:
        """Whether the card answers what it answers only after a SELECT: a JPKI card its identity, a PIV card tries."""
        if self.exchange(Command(0, 0xCA, 1, 1, le=SHORT.answer)).sw == Status.OK:
            return True
        sw = self.exchange(Command(0, 0x20, 0, 0x80)).sw
        return sw in (Status.OK, Status.PIN_LOCKED) or attempts_in(sw) is not None

    def reading(self) -> Command:
        """The command, good for any number of times, that reads the longest object that is free on the test card."""
        if self.select().data == _JPKI:
            self.exchange(Command(0, 0xA4, 2, 0x0C, b"\x00\x02"))
            return Command(0, 0xB0, 0, 0, le=SHORT.answer)
        for tag in _FREE_OBJECTS:
            command = Command(0, 0xCB, 0x3F, 0xFF, b"\x5c\x03" + tag, le=SHORT.answer)
            if self.commands.send(command).sw == Status.OK:
                return command
        raise CheckFailed("the test card has no data object that is free to read")


Check = Callable[[Specimen], tuple[Figure, ...]]


# --- the reader


def card_is_seen(specimen: Specimen) -> tuple[Figure, ...]:
    """The reader tells that a card lies in it."""
    if not specimen.slot.is_card_present():
        raise CheckFailed("the reader shows no card")
    return ()


def answer_to_reset_is_well_formed(specimen: Specimen) -> tuple[Figure, ...]:
    """Structure, protocols and check byte of the answer to reset (ISO/IEC 7816-3, 8.2)."""
    with specimen.port() as port:
        raw = port.atr
    try:
        answer = answer_to_reset.parse(raw)
    except ValueError as error:
        raise CheckFailed(str(error)) from error
    protocols = ", ".join(f"T={protocol}" for protocol in answer.protocols)
    return Figure("answer_to_reset", raw.hex().upper()), Figure("protocols", protocols)


def short_answers_are_whole(specimen: Specimen) -> tuple[Figure, ...]:
    """256 bytes and a status word pass in one answer."""
    with specimen.port(SHORT) as port:
        response = port.commands.send(port.reading())
    if response.sw != Status.OK:
        raise CheckFailed(f"reading was answered {response.sw:04X}")
    return (Figure("answer", float(port.longest_answer), "bytes", at_least=200.0),)


def extended_length_passes(specimen: Specimen) -> tuple[Figure, ...]:
    """One extended command brings the same as short ones do piece by piece."""
    whole, longest = _read_both_ways(specimen)
    return Figure("object", float(whole), "bytes"), Figure("answer", float(longest), "bytes", at_least=257.0)


def lengths_agree(specimen: Specimen) -> tuple[Figure, ...]:
    """Whatever lengths the card takes, it gives the same; one that knows short ones only is only slower."""
    whole, longest = _read_both_ways(specimen)
    return Figure("object", float(whole), "bytes"), Figure("answer", float(longest), "bytes")


def _read_both_ways(specimen: Specimen) -> tuple[int, int]:
    """Bytes of the object, and of the longest answer in which it came when extended length was asked for."""
    with specimen.port(SHORT) as port:
        pieces, _ = _read_whole(port, SHORT)
    with specimen.port(EXTENDED) as port:
        whole, longest = _read_whole(port, EXTENDED)
    if whole != pieces:
        raise CheckFailed(f"{len(whole)} bytes came in extended length, {len(pieces)} in short, or other ones")
    return len(whole), longest


def _read_whole(port: _Port, limits: Limits) -> tuple[bytes, int]:
    """The object, and the bytes of the longest answer in which it came."""
    reading = port.reading()
    if reading.ins == 0xCB:
        response = port.commands.send(replace(reading, le=min(limits.answer, 4096)))
        if response.sw != Status.OK or not response.data:
            raise CheckFailed(f"reading was answered {response.sw:04X}")
        return response.data, port.longest_answer
    content, size = b"", 1024
    while len(content) < size:
        le = min(limits.answer, size - len(content))
        response = port.commands.send(Command(0, 0xB0, len(content) >> 8, len(content) & 0xFF, le=le))
        if response.sw != Status.OK or not response.data:
            raise CheckFailed(f"reading was answered {response.sw:04X}")
        content += response.data
    return content, port.longest_answer


def chained_answers_are_joined(specimen: Specimen) -> tuple[Figure, ...]:
    """What is left of an answer is announced by 61xx and fetched by GET RESPONSE, and is never lost."""
    with specimen.port(SHORT) as port:
        port.select()
        command = Command(0, 0xCA, 1, 1, le=8) if port.select().data == _JPKI else Command(0, 0xFD, 0, 0, le=1)
        whole = port.commands.send(replace(command, le=SHORT.answer)).data
        first = port.exchange(command)
        rest = b""
        if is_more_data(first.sw):
            rest = port.exchange(Command(0, 0xC0, 0, 0, le=first.sw & 0xFF or SHORT.answer)).data
    if first.data + rest != whole:
        raise CheckFailed("the pieces are not the whole")
    return (Figure("announced", f"{first.sw:04X}"),)


def exchanges_are_fast(specimen: Specimen) -> tuple[Figure, ...]:
    """How long a short exchange takes."""
    with specimen.port() as port:
        command = port.select()
        times_ms = []
        for _ in range(_TIMED):
            begun_s = specimen.clock()
            port.exchange(command)
            times_ms.append((specimen.clock() - begun_s) * 1000)
    worst = sorted(times_ms)[int(len(times_ms) * 0.95)]
    return (
        Figure("median", round(statistics.median(times_ms), 3), "ms", at_most=_EXCHANGE_LIMIT_MS),
        Figure("slow_twentieth", round(worst, 3), "ms", at_most=3 * _EXCHANGE_LIMIT_MS),
    )


def repeated_exchanges_agree(specimen: Specimen) -> tuple[Figure, ...]:
    """The same question has the same answer, hundreds of times and after others."""
    with specimen.port() as port:
        command = port.reading()
        expected = port.exchange(command)
        other = Command(0, 0xCA, 0x7F, 0x7F, le=SHORT.answer)
        for number in range(_REPETITIONS):
            port.exchange(other)
            if port.exchange(command) != expected:
                raise CheckFailed(f"another answer the {number + 1}th time")
    return (Figure("exchanges", float(2 * _REPETITIONS), at_least=float(2 * _REPETITIONS)),)


def power_is_taken_away(specimen: Specimen) -> tuple[Figure, ...]:
    """After a session the card has forgotten what was selected, and answers to reset as before."""
    answers = set()
    for _ in range(_POWER_CYCLES):
        with specimen.port() as port:
            answers.add(port.atr)
            if port.is_application_selected():
                raise CheckFailed("the card still has the application that an earlier session selected")
            port.select()
    if len(answers) != 1:
        raise CheckFailed("the answer to reset changes")
    return (Figure("sessions", float(_POWER_CYCLES)),)


def exclusive_means_exclusive(specimen: Specimen) -> tuple[Figure, ...]:
    """While one session holds the card, no other can be had."""
    with specimen.port():
        try:
            second = specimen.slot.connect()
        except ReaderBusy:
            return ()
        second.close()
    raise CheckFailed("a second session was given the card that is held")


def pin_entry_is_described(specimen: Specimen) -> tuple[Figure, ...]:
    """What the reader says of a pad of its own (PC/SC part 10): well-formed, whether or not there is one."""
    with specimen.port() as port:
        try:
            features = pin_entry.features_of(port.connection)
        except ValueError as error:
            raise CheckFailed(str(error)) from error
    return (Figure("features", ", ".join(sorted(feature.name.lower() for feature in features)) or "none"),)


def hot_plug_is_noticed(specimen: Specimen) -> tuple[Figure, ...]:
    """How long it takes until a removal and an insertion are told."""
    assert specimen.hand is not None
    limit_ms = None if specimen.hand.is_person else _NOTICED_LIMIT_MS
    begun_s = specimen.clock()
    specimen.hand.remove()
    if not specimen.slot.wait_for_removal(_HAND_TIMEOUT_S):
        raise CheckFailed("a removal was not noticed")
    removed_s = specimen.clock()
    specimen.hand.insert()
    if not specimen.slot.wait_for_card(_HAND_TIMEOUT_S):
        raise CheckFailed("an insertion was not noticed")
    return (
        Figure("removal", round((removed_s - begun_s) * 1000, 1), "ms", at_most=limit_ms),
        Figure("insertion", round((specimen.clock() - removed_s) * 1000, 1), "ms", at_most=limit_ms),
    )


def removal_during_a_command_ends_it(specimen: Specimen) -> tuple[Figure, ...]:
    """A command whose card is taken out ends as that, and neither as done nor never."""
    assert specimen.hand is not None

    def command() -> None:
        with specimen.port() as port:
            port.select()
            ends_s = specimen.clock() + _HAND_TIMEOUT_S
            while specimen.clock() < ends_s:
                port.exchange(port.reading())
        raise CheckFailed("the card was not taken out in time, or the reader did not tell")

    try:
        specimen.hand.remove_during(command)
    except CardRemoved:
        return ()
    except DeviceError as error:
        raise CheckFailed(f"it ended as {type(error).__name__}: {error}") from error
    raise CheckFailed("it ended as if nothing had happened")


READER_CHECKS: tuple[Check, ...] = (
    card_is_seen,
    answer_to_reset_is_well_formed,
    short_answers_are_whole,
    extended_length_passes,
    chained_answers_are_joined,
    exchanges_are_fast,
    repeated_exchanges_agree,
    power_is_taken_away,
    exclusive_means_exclusive,
    pin_entry_is_described,
    hot_plug_is_noticed,
    removal_during_a_command_ends_it,
)

_NEEDS_A_HAND = {hot_plug_is_noticed, removal_during_a_command_ends_it}


# --- the card


def application_is_known(specimen: Specimen) -> tuple[Figure, ...]:
    """The card has one of the card applications that this station drives, and says which card it is."""
    with specimen.port() as port:
        session = open_application(port.commands, port.traffic, lambda size: bytes(size))
        application, number = session.application, session.number()
        session.deselect()
    if len(number) != 16:
        raise CheckFailed("the card's number has not 16 characters")
    return Figure("application", application), Figure("exchanges", float(port.traffic.exchanges))


def attempts_are_told_and_not_spent(specimen: Specimen) -> tuple[Figure, ...]:
    """The question for attempts has an answer that counts, and asking costs none."""
    with specimen.port() as port:
        session = open_application(port.commands, port.traffic, lambda size: bytes(size))
        before = [session.pin_status(use).attempts_remaining for use in session.uses()]
        after = [session.pin_status(use).attempts_remaining for use in session.uses()]
        session.deselect()
    if before != after:
        raise CheckFailed("asking for attempts spent one")
    return (Figure("attempts", "/".join(map(str, before))),)


def wrong_commands_are_refused(specimen: Specimen) -> tuple[Figure, ...]:
    """A class, an instruction and a file that do not exist are refused by status words of their own kind."""
    with specimen.port() as port:
        port.select()
        answers = [
            port.exchange(command).sw
            for command in (
                Command(0x00, 0x02, 0, 0),
                Command(0xB0, 0xB0, 0, 0, le=1),
                Command(0x00, 0xA4, 4, 0x0C, bytes.fromhex("F0000000000001")),
            )
        ]
    if Status.OK in answers or any(attempts_in(sw) is not None for sw in answers):
        raise CheckFailed("the card takes what does not exist")
    return (Figure("answers", " ".join(f"{sw:04X}" for sw in answers)),)


def secure_channel_is_offered(specimen: Specimen) -> tuple[Figure, ...]:
    """INITIALIZE UPDATE of SCP03 offers a channel; two offers have two challenges. A PIV card need not offer one."""
    with specimen.port() as port:
        is_piv = port.select().data == _PIV
        offers = [port.commands.send(Command(0x80, 0x50, 0, 0, bytes(8), SHORT.answer)) for _ in range(2)]
    if is_piv and all(offer.sw in NOT_OFFERED for offer in offers):
        return (Figure("key_information", "none"),)
    if any(offer.sw != Status.OK or len(offer.data) not in (29, 32) for offer in offers):
        raise CheckFailed(f"INITIALIZE UPDATE was answered {offers[0].sw:04X}")
    if offers[0].data[13:21] == offers[1].data[13:21]:
        raise CheckFailed("the card's challenge is no random one")
    return (Figure("key_information", offers[0].data[10:13].hex().upper()),)


CARD_CHECKS: tuple[Check, ...] = (
    answer_to_reset_is_well_formed,
    application_is_known,
    attempts_are_told_and_not_spent,
    wrong_commands_are_refused,
    short_answers_are_whole,
    lengths_agree,
    chained_answers_are_joined,
    secure_channel_is_offered,
    exchanges_are_fast,
    repeated_exchanges_agree,
)


def find(check: Check, specimen: Specimen) -> Finding:
    """What comes of one check, in this process: one that never answers is waited for without end."""
    name = check.__name__
    try:
        figures = check(specimen)
    except CheckFailed as error:
        return Finding(name, "FAIL", reason=str(error))
    except DeviceError as error:
        return Finding(name, "FAIL", reason=f"{type(error).__name__}: {error}", is_lost=isinstance(error, CardAbsent))
    outside = [figure.name for figure in figures if not figure.is_within]
    reason = f"outside its limits: {', '.join(outside)}" if outside else ""
    return Finding(name, "FAIL" if outside else "PASS", figures, reason)


Find = Callable[[Check, Specimen], Finding]
"""How a check is made: `find`, or `hw.card.conformance_process.find_in_process` for a reader that may hang."""


def run_checks(checks: tuple[Check, ...], specimen: Specimen, make: Find = find) -> Iterator[Finding]:
    """Runs them in order; one that fails does not keep the next from being run.

    Without a card none can be, nor with a card or a reader that did not come back: each would be waited for in vain.
    """
    lost_by = ""
    for check in checks:
        name = check.__name__
        if lost_by:
            yield Finding(name, "SKIP", reason=f"nothing to test with since {lost_by}")
        elif check in _NEEDS_A_HAND and specimen.hand is None:
            yield Finding(name, "SKIP", reason="needs a hand at the reader")
        else:
            found = make(check, specimen)
            lost_by = name if found.is_lost else ""
            yield found

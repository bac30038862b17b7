"""The card as its reader sees it: inserted or not, powered or not, one answer to each command."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple, Protocol

from hw.errors import CardAbsent, CardMute, CardRemoved, NotSent
from hw.sim.card import faults as kinds
from hw.sim.card.apdu import EXTENDED_ANSWER_SIZE, SHORT_ANSWER_SIZE, Answer, Command, Refusal, Status, parse
from hw.sim.card.channel import SECURED_BIT, ChannelEnd
from hw.sim.card.chip import Chip, RandomBytes
from hw.sim.card.issuer_domain import IssuerDomain
from hw.sim.card.jpki import JpkiApplication
from hw.sim.card.key_maker import KeyMaker, MakeKey, make_rsa_2048
from hw.sim.card.limits import UNLIMITED, CardLimits
from hw.sim.card.memory import CardMemory, NonVolatile
from hw.sim.card.pace import Pace
from hw.sim.card.personalization import KEY_VERSIONS
from hw.sim.card.piv import PivApplication
from hw.sim.card.piv_chip import PivChip
from hw.sim.card.profile import PIV, PROFILES
from hw.sim.card.torn_write import PowerLost, TearableStore
from hw.sim.card.trap import CardTrap
from hw.sim.fault import Fault

ATR = bytes.fromhex("3BE000FF8131FE4514")
"""The answer to reset of the JPKI cards in the field: T=1, no historical bytes."""

_ATR_T0 = bytes.fromhex("3B021450")
_PIV_ATR = bytes.fromhex("3B898131FE45 8073C021C053504956 4C")
_PIV_SHORT_ATR = bytes.fromhex("3B898131FE45 8073C0218053504956 0C")
_PIV_T0_ATR = bytes.fromhex("3B09 8073C0218053504956")
"""Historical bytes in compact form: card capabilities (chaining, extended length), and the issuer's data "PIV"."""

_SELECT, _GET_RESPONSE = 0xA4, 0xC0
_BY_NAME = 0x04
_CHAINING_BIT, _CHANNEL_BITS, _ISO_MESSAGING_BIT = 0x10, 0x03, 0x08
_FURTHER_CLASSES = 0x60
"""Bits of CLA with which the one for chaining has another meaning."""

_LONGEST_CHAIN = 16384
_OVERSIZE = 300


class Application(Protocol):
    """A card application, selected by its name."""

    chains_commands: bool
    """Whether a command may come in pieces (ISO/IEC 7816-4, 5.3.3)."""

    def is_named(self, aid: bytes) -> bool:
        """Whether SELECT with this name means it."""
        ...

    def select(self, command: Command, *, is_again: bool) -> Answer:
        """Its answer to SELECT, `is_again` when it was selected already. Raises `Refusal`, and is not selected then."""
        ...

    def reset(self) -> None:
        """Forgets everything that is not the chip's: when another one is selected, and at loss of power."""
        ...

    def execute(self, command: Command) -> Answer:
        """Does what the command says. Raises `Refusal`."""
        ...


class Exchange(NamedTuple):
    """One command in the log: instruction (0 where it has none) and status word (0 where no answer left the card)."""

    ins: int
    sw: int


class VirtualCard:
    """One card; `nonvolatile` holds everything that makes it this card and not another.

    `log` lists every command it was given, since the object was made. `faults` are by the number of the command, from
    1 (see `hw.sim.card.faults`); `trap` lets one happen that a hand has set. `random_bytes` gives challenges and salts,
    `make_key` RSA-2048 key pairs. `limits` is what the card can do less than others, `pace` how long it takes, waited
    for by `sleep`. Raises what `nonvolatile` raises.
    """

    def __init__(
        self,
        nonvolatile: NonVolatile,
        *,
        make_key: MakeKey = make_rsa_2048,
        random_bytes: RandomBytes = os.urandom,
        faults: Mapping[int, Fault] | None = None,
        trap: CardTrap | None = None,
        limits: CardLimits = UNLIMITED,
        pace: Pace | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = TearableStore(nonvolatile)
        self._key_maker = KeyMaker(make_key)
        self._random_bytes = random_bytes
        self._faults = faults or {}
        self._trap = trap or CardTrap()
        self._limits = limits
        self._pace = pace
        self._sleep = sleep
        self._read_memory()
        self._selected = self._issuer_domain
        self._unsent: Answer | None = None
        self._chain: Command | None = None
        self._is_powered = False
        self._is_mute = False
        self._is_looping = False
        self.is_inserted = True
        self.log: list[Exchange] = []

    @property
    def exchanges(self) -> int:
        """Commands given so far."""
        return len(self.log)

    @property
    def atr(self) -> bytes:
        """The answer to reset."""
        if self.profile == PIV:
            if self._limits.is_t0:
                return _PIV_T0_ATR
            return _PIV_ATR if self._limits.takes_extended else _PIV_SHORT_ATR
        return _ATR_T0 if self._limits.is_t0 else ATR

    # --- reader slot

    def insert(self) -> None:
        """Puts the card into the reader, without power."""
        self.is_inserted = True

    def remove(self) -> None:
        """Takes the card out of the reader."""
        self.power_off()
        self.is_inserted = False

    def power_on(self) -> bytes:
        """Power, or a reset of a card that had it; returns the ATR. Raises `CardAbsent`."""
        if not self.is_inserted:
            raise CardAbsent("no card in the reader")
        self.power_off()
        self._is_powered = True
        return self.atr

    def power_off(self) -> None:
        """Takes away power, and with it everything but the non-volatile memory."""
        for application in self._applications:
            application.reset()
        self._selected = self._issuer_domain
        self._unsent = None
        self._chain = None
        self._is_powered = self._is_mute = self._is_looping = False

    # --- commands

    def transmit(self, command: bytes) -> bytes:
        """The answer to one command: data and two bytes of status word.

        Raises `CardRemoved` when the card is pulled or gone, `CardMute` when it does not answer, `NotSent` without
        power; and what `nonvolatile` raises.
        """
        if not self.is_inserted:
            raise CardRemoved("the card is not in the reader")
        if not self._is_powered:
            raise NotSent("the card has no power")
        ins = command[1] if len(command) > 1 else 0
        self.log.append(Exchange(ins, 0))
        answer = self._answer_or_fail(command, self._faults.get(self.exchanges) or self._trap.spring(ins))
        self.log[-1] = Exchange(ins, answer.sw)
        raw = answer.data + answer.sw.to_bytes(2, "big")
        if self._pace is not None:
            self._sleep(self._pace.duration_s(command, raw))
        return raw

    def _answer_or_fail(self, command: bytes, fault: Fault | None) -> Answer:
        kind = fault.kind if fault else None
        if kind == kinds.PULL:
            self.remove()
            raise CardRemoved("the card was pulled before the command")
        if self._is_mute or kind == kinds.MUTE:
            self._is_mute = True
            raise CardMute("the card does not answer")
        if fault and kind == kinds.DELAY:
            self._sleep(float(fault.value))
        if fault and kind == kinds.STATUS:
            return Answer(sw=int(fault.value, 16))
        self._is_looping |= kind == kinds.LOOP
        if self._is_looping and (kind == kinds.LOOP or (len(command) > 1 and command[1] == _GET_RESPONSE)):
            return Answer(b"\0", Status.MORE | 0xFF)
        answer = self._answer_with_trouble(command, kind)
        if kind == kinds.PULL_AFTER:
            self.remove()
            raise CardRemoved("the card was pulled before its answer")
        if kind == kinds.CORRUPT and answer.data:
            return replace(answer, data=bytes((answer.data[0] ^ 0x01,)) + answer.data[1:])
        return replace(answer, data=answer.data + bytes(_OVERSIZE)) if kind == kinds.OVERSIZE else answer

    def _answer_with_trouble(self, command: bytes, kind: str | None) -> Answer:
        """The answer, with what is wrong inside the card while it makes it."""
        self._store.is_torn = kind == kinds.TORN
        self._key_maker.is_weak, self._key_maker.lies = kind == kinds.WEAK_KEY, kind == kinds.WRONG_KEY
        try:
            return self._answer(command)
        except PowerLost:
            self._store.is_torn = False
            self._read_memory()
            self.remove()
            raise CardRemoved("the card was pulled while it wrote") from None

    def _read_memory(self) -> None:
        """Begins with what the non-volatile memory holds now."""
        memory = self._store.read()
        self.number, self.profile = memory.number, memory.profile
        application, self._issuer_domain = self._applications_of(memory)
        self._applications = (application, self._issuer_domain)

    def _applications_of(self, memory: CardMemory) -> tuple[Application, Application]:
        """The card's own, and the issuer domain, which is selected by default (GlobalPlatform 2.3.1, 6.3)."""
        end = ChannelEnd(memory.channel_keys, KEY_VERSIONS, memory.number[-10:].encode("ascii"), self._random_bytes)
        if memory.profile == PIV:
            piv_chip = PivChip(self._store, self._key_maker, self._random_bytes)
            return PivApplication(piv_chip, self._limits.lacks), IssuerDomain(end, piv_chip.replace_channel_keys)
        chip = Chip(self._store, self._key_maker, self._random_bytes)
        return JpkiApplication(chip, PROFILES[memory.profile]), IssuerDomain(end)

    def _answer(self, raw: bytes) -> Answer:
        unsent, self._unsent = self._unsent, None
        try:
            command = parse(raw)
            if command.extended and not self._limits.takes_extended:
                raise Refusal(Status.LENGTH_WRONG)
            _refuse_unknown_class(command.cla)
            # Of GlobalPlatform's class too: some hosts fetch an answer in the class in which they asked.
            if command.cla in (0x00, 0x80) and command.ins == _GET_RESPONSE:
                return self._get_response(command, unsent)
            whole = self._assembled(command)
            if whole is None:
                return Answer()
            answer = self._execute(whole)
            if self._limits.is_t0:
                return self._cut_as_t0(answer, command)
            return self._cut(answer, min(_answer_size(command), self._limits.max_answer))
        except Refusal as refusal:
            return Answer(sw=refusal.sw)

    def _assembled(self, command: Command) -> Command | None:
        """The command that `command` is, or is the last piece of; None while pieces are missing."""
        chain, self._chain = self._chain, None
        is_piece = command.cla & (_CHAINING_BIT | _FURTHER_CLASSES) == _CHAINING_BIT
        if chain is None and not is_piece:
            return command
        if not self._selected.chains_commands:
            raise Refusal(Status.CHAINING_NOT_SUPPORTED)
        whole = replace(command, cla=command.cla & ~_CHAINING_BIT)
        if chain is not None:
            if (chain.cla, chain.ins, chain.p1p2) != (whole.cla, whole.ins, whole.p1p2):
                raise Refusal(Status.CHAIN_BROKEN)
            data = chain.data + whole.data
            whole = replace(whole, data=data, extended=len(data) >= SHORT_ANSWER_SIZE)
        if len(whole.data) > _LONGEST_CHAIN:
            raise Refusal(Status.LENGTH_WRONG)
        if is_piece:
            self._chain = whole
            return None
        return whole

    def _execute(self, command: Command) -> Answer:
        if (command.cla, command.ins, command.p1) == (0x00, _SELECT, _BY_NAME):
            return self._select(command)
        return self._selected.execute(command)

    def _select(self, command: Command) -> Answer:
        """A name that is not known leaves everything as it was."""
        for application in self._applications:
            if application.is_named(command.data):
                answer = application.select(command, is_again=application is self._selected)
                if self._selected is not application:
                    self._selected.reset()
                self._selected = application
                return answer
        raise Refusal(Status.FILE_NOT_FOUND)

    def _get_response(self, command: Command, unsent: Answer | None) -> Answer:
        if command.p1p2:
            raise Refusal(Status.P1P2_WRONG)
        if command.data:
            raise Refusal(Status.LENGTH_WRONG)
        if unsent is None:
            raise Refusal(Status.CONDITIONS_NOT_SATISFIED)
        return self._cut(unsent, min(_answer_size(command), self._limits.max_answer))

    def _cut(self, answer: Answer, size: int) -> Answer:
        """The first `size` bytes, and 61xx when there are more (ISO/IEC 7816-4, 5.3.4); GET RESPONSE fetches them.

        The status word of the whole comes with the last piece.
        """
        if len(answer.data) <= size:
            return answer
        self._unsent = replace(answer, data=answer.data[size:])
        more = len(self._unsent.data)
        return Answer(answer.data[:size], Status.MORE | (more if more < SHORT_ANSWER_SIZE else 0))

    def _cut_as_t0(self, answer: Answer, command: Command) -> Answer:
        """T=0 cannot carry data both ways in one command, nor less data than was asked for."""
        if command.data:
            return self._cut(answer, 0)
        if command.le is not None and 0 < len(answer.data) < command.le:
            return Answer(sw=Status.LE_WRONG | len(answer.data))
        return self._cut(answer, min(_answer_size(command), self._limits.max_answer))


def _refuse_unknown_class(cla: int) -> None:
    """What CLA asks for that no application here has: another logical channel, secure messaging of ISO/IEC 7816-4.

    ISO/IEC 7816-4, 5.4.1; the same bits mean the same in GlobalPlatform's class (GlobalPlatform 2.3.1, 11.1.4).
    """
    if 0x40 <= cla < 0x80 or (not cla & _FURTHER_CLASSES and cla & _CHANNEL_BITS):
        raise Refusal(Status.CHANNEL_NOT_SUPPORTED)
    if not cla & _FURTHER_CLASSES and cla & _ISO_MESSAGING_BIT:
        raise Refusal(Status.SECURE_MESSAGING_NOT_SUPPORTED)


def _answer_size(command: Command) -> int:
    """How many bytes may answer `command`: its Le, but inside a channel Le counts the plain bytes, without MAC."""
    if command.le is not None and not command.cla & SECURED_BIT:
        return command.le
    return EXTENDED_ANSWER_SIZE if command.extended else SHORT_ANSWER_SIZE

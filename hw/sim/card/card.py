"""The card as its reader sees it: inserted or not, powered or not, one answer to each command."""

import os
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from hw.errors import CardAbsent, CardMute, CardRemoved, NotSent
from hw.sim.card import faults as kinds
from hw.sim.card.apdu import EXTENDED_ANSWER_SIZE, SHORT_ANSWER_SIZE, Answer, Command, Refusal, Status, parse
from hw.sim.card.channel import SECURED_BIT
from hw.sim.card.chip import Chip, MakeKey, RandomBytes, make_rsa_2048
from hw.sim.card.jpki import JpkiApplication
from hw.sim.card.memory import NonVolatile
from hw.sim.card.profile import PROFILES
from hw.sim.fault import Fault

ATR = bytes.fromhex("3BE000FF8131FE4514")
"""The answer to reset of the JPKI cards in the field: T=1, no historical bytes."""

_SELECT, _GET_RESPONSE = 0xA4, 0xC0
_BY_NAME = 0x04
_NO_ANSWER_DATA = 0x0C


class Application(Protocol):
    """A card application, selected by its name."""

    @property
    def aid(self) -> bytes:
        """The application's name."""
        ...

    def reset(self) -> None:
        """Forgets everything that is not the chip's: at selection and at loss of power."""
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
    1 (see `hw.sim.card.faults`). `random_bytes` gives challenges and salts, `make_key` key pairs. Raises what
    `nonvolatile` raises.
    """

    def __init__(
        self,
        nonvolatile: NonVolatile,
        *,
        make_key: MakeKey = make_rsa_2048,
        random_bytes: RandomBytes = os.urandom,
        faults: Mapping[int, Fault] | None = None,
    ) -> None:
        chip = Chip(nonvolatile, make_key, random_bytes)
        self.number = chip.memory.number
        self.profile = PROFILES[chip.memory.profile]
        self._applications: tuple[Application, ...] = (JpkiApplication(chip, self.profile),)
        self._faults = faults or {}
        self._selected: Application | None = None
        self._unsent = b""
        self._is_powered = False
        self._is_mute = False
        self.is_inserted = True
        self.log: list[Exchange] = []

    @property
    def exchanges(self) -> int:
        """Commands given so far."""
        return len(self.log)

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
        return ATR

    def power_off(self) -> None:
        """Takes away power, and with it everything but the non-volatile memory."""
        for application in self._applications:
            application.reset()
        self._selected = None
        self._unsent = b""
        self._is_powered = self._is_mute = False

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
        answer = self._answer_or_fail(command, self._faults.get(self.exchanges))
        self.log[-1] = Exchange(ins, answer.sw)
        return answer.data + answer.sw.to_bytes(2, "big")

    def _answer_or_fail(self, command: bytes, fault: Fault | None) -> Answer:
        kind = fault.kind if fault else None
        if kind == kinds.PULL:
            self.remove()
            raise CardRemoved("the card was pulled before the command")
        if self._is_mute or kind == kinds.MUTE:
            self._is_mute = True
            raise CardMute("the card does not answer")
        if fault and kind == kinds.STATUS:
            return Answer(sw=int(fault.value, 16))
        answer = self._answer(command)
        if kind == kinds.PULL_AFTER:
            self.remove()
            raise CardRemoved("the card was pulled before its answer")
        return answer

    def _answer(self, raw: bytes) -> Answer:
        unsent, self._unsent = self._unsent, b""
        try:
            command = parse(raw)
            if (command.cla, command.ins) == (0x00, _GET_RESPONSE):
                return self._get_response(command, unsent)
            return self._cut(self._execute(command), _answer_size(command))
        except Refusal as refusal:
            return Answer(sw=refusal.sw)

    def _execute(self, command: Command) -> Answer:
        if (command.cla, command.ins, command.p1) == (0x00, _SELECT, _BY_NAME):
            return self._select(command)
        if self._selected is not None:
            return self._selected.execute(command)
        # No application: the card itself knows SELECT by name and GET RESPONSE only.
        raise Refusal(Status.INS_UNKNOWN if command.cla == 0x00 else Status.CLA_UNKNOWN)

    def _select(self, command: Command) -> Answer:
        if command.p2 != _NO_ANSWER_DATA:
            raise Refusal(Status.P1P2_WRONG)
        for application in self._applications:
            if application.aid == command.data:
                application.reset()
                self._selected = application
                return Answer()
        raise Refusal(Status.FILE_NOT_FOUND)

    def _get_response(self, command: Command, unsent: bytes) -> Answer:
        if command.p1p2:
            raise Refusal(Status.P1P2_WRONG)
        if command.data or command.le is None:
            raise Refusal(Status.LENGTH_WRONG)
        if not unsent:
            raise Refusal(Status.CONDITIONS_NOT_SATISFIED)
        return self._cut(Answer(unsent), command.le)

    def _cut(self, answer: Answer, size: int) -> Answer:
        """The first `size` bytes, and 61xx when there are more (ISO/IEC 7816-4, 5.3.4); GET RESPONSE fetches them."""
        if len(answer.data) <= size:
            return answer
        self._unsent = answer.data[size:]
        more = len(self._unsent)
        return Answer(answer.data[:size], Status.MORE | (more if more < SHORT_ANSWER_SIZE else 0))


def _answer_size(command: Command) -> int:
    """How many bytes may answer `command`: its Le, but inside a channel Le counts the plain bytes, without MAC."""
    if command.le is not None and not command.cla & SECURED_BIT:
        return command.le
    return EXTENDED_ANSWER_SIZE if command.extended else SHORT_ANSWER_SIZE

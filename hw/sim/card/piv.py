"""The PIV application: the table of its commands, the check of their form, and the way through the secure channel.

NIST SP 800-73-4, with SCP03 (GlobalPlatform Amendment D) as cards in the shops offer it beside the standard.
"""

from collections.abc import Callable, Mapping

from hw.ports import ChannelPurpose
from hw.sim.card import piv_commands as commands
from hw.sim.card.apdu import Answer, Command, Refusal, Status
from hw.sim.card.channel import CHALLENGE_SIZE, CRYPTOGRAM_SIZE, MAC_SIZE, SECURED_BIT, ChannelEnd
from hw.sim.card.form import ANY_DATA, MAYBE_DATA, Form, form_of
from hw.sim.card.piv_chip import PivChip
from hw.sim.card.piv_commands import Session
from hw.sim.card.piv_objects import APPLICATION_IDENTIFIER, APPLICATION_PROPERTY_TEMPLATE

_SHORTEST_NAME = 5
"""The identifier may be cut on the right as long as the standard's owner can be told from it."""

_DIVERSIFICATION_SIZE = 10
_CLASS = 0x00

_BY_INSTRUCTION: Mapping[int, Form[Callable[[Session, Command], Answer]]] = {
    0xCB: Form(commands.get_data, 0x3F, 0xFF, ANY_DATA),
    0xDB: Form(commands.put_data, 0x3F, 0xFF, ANY_DATA),
    0x20: Form(commands.verify, data=MAYBE_DATA),
    0x24: Form(commands.change_reference, 0x00, data=ANY_DATA),
    0x2C: Form(commands.reset_retry_counter, 0x00, commands.PIN, ANY_DATA),
    0x87: Form(commands.general_authenticate, data=ANY_DATA),
    0x47: Form(commands.generate, 0x00, data=ANY_DATA),
    0xFD: Form(commands.get_version, 0x00, 0x00),
    0xF8: Form(commands.get_serial, 0x00, 0x00),
    0xF7: Form(commands.get_metadata, 0x00),
    0xF9: Form(commands.attest, p2=0x00),
    0xFE: Form(commands.import_key, data=ANY_DATA),
    0xF6: Form(commands.move_key),
    0xFF: Form(commands.set_management_key, data=ANY_DATA),
    0xFA: Form(commands.set_tries),
    0xFB: Form(commands.reset, 0x00, 0x00),
}
COMMANDS = {(_CLASS, ins): (form,) for ins, form in _BY_INSTRUCTION.items()}
"""Every command is of one class, and has one form."""

_INITIALIZE_UPDATE, _EXTERNAL_AUTHENTICATE = (0x80, 0x50), (0x84, 0x82)
_VERIFY, _GENERAL_AUTHENTICATE = 0x20, 0x87


class PivApplication:
    """One card's PIV application; what it remembers without power is the chip's."""

    chains_commands = True

    def __init__(self, chip: PivChip, lacks: frozenset[int] = frozenset()) -> None:
        card = chip.card
        diversification = card.number[-_DIVERSIFICATION_SIZE:].encode("ascii")
        self._session = Session(chip, ChannelEnd(card.channel_keys, {}, diversification, chip.random_bytes), lacks)

    def is_named(self, aid: bytes) -> bool:
        """Whether `aid` is the identifier, or the beginning of it."""
        return len(aid) >= _SHORTEST_NAME and APPLICATION_IDENTIFIER.startswith(aid)

    def select(self, command: Command, *, is_again: bool) -> Answer:
        """Answers its properties; selecting it again changes no security status (part 2, 3.1.1)."""
        if command.p2:
            raise Refusal(Status.P1P2_WRONG)
        self._session.is_pin_fresh = False
        if not is_again:
            self.reset()
        return Answer(APPLICATION_PROPERTY_TEMPLATE)

    def reset(self) -> None:
        """Forgets PIN, management key and channel: at loss of power and when another application is selected."""
        self._session.reset()

    def execute(self, command: Command) -> Answer:
        """Does what the command says. Raises `Refusal`."""
        if command.ins not in (_VERIFY, _GENERAL_AUTHENTICATE):
            self._session.is_pin_fresh = False
        if command.ins in self._session.lacks:
            raise Refusal(Status.INS_UNKNOWN)
        key = (command.cla, command.ins)
        if key == _INITIALIZE_UPDATE:
            if len(command.data) != CHALLENGE_SIZE:
                raise Refusal(Status.LENGTH_WRONG)
            # The issuer domain may have replaced them.
            self._session.end.keys = self._session.chip.card.channel_keys
            return self._session.end.initialize_update(command)
        if key == _EXTERNAL_AUTHENTICATE:
            if len(command.data) != CRYPTOGRAM_SIZE + MAC_SIZE:
                raise Refusal(Status.LENGTH_WRONG)
            return self._session.end.external_authenticate(command)
        if command.cla == SECURED_BIT:
            return self._session.end.execute_secured(command, self._execute_plain)
        return self._execute_plain(command, None)

    def _execute_plain(self, command: Command, right: ChannelPurpose | None) -> Answer:
        if command.cla != _CLASS:
            raise Refusal(Status.CLA_UNKNOWN)
        return form_of(COMMANDS, command).run(self._session, command)

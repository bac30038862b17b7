"""The JPKI application: the table of its commands, the check of their form, and the way through the secure channel."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hw.ports import ChannelPurpose
from hw.sim.card import jpki_commands as commands
from hw.sim.card.apdu import Answer, Command, Refusal, Status
from hw.sim.card.channel import CHALLENGE_SIZE, CRYPTOGRAM_SIZE, MAC_SIZE, SECURED_BIT
from hw.sim.card.chip import Chip
from hw.sim.card.jpki_commands import Session
from hw.sim.card.profile import Profile

_NO_ANSWER_DATA = 0x0C
_NO_DATA = range(1)
_ANY_DATA = range(1, 0xFFFF + 1)
_LONGEST_PIN = 16
_LONGEST_DIGEST_INFO = 256 - 11  # what PKCS#1 v1.5 leaves of an RSA-2048 block


@dataclass(frozen=True)
class Form:
    """How a command looks: P1 and P2 (None where they carry a value), lengths of data, whether it answers data.

    A command that answers data needs Le, but for INITIALIZE UPDATE, which some tools send without; on others Le is
    allowed and means nothing (ISO/IEC 7816-3, 12.1.2).
    """

    run: Callable[[Session, Command, ChannelPurpose | None], Answer]
    p1p2: int | None = None
    data: range = _NO_DATA
    answers: bool = False


def _exactly(size: int) -> range:
    return range(size, size + 1)


COMMANDS: Mapping[tuple[int, int], tuple[Form, ...]] = {
    (0x00, 0xA4): (
        Form(commands.select_file, 0x020C, _exactly(2)),
        Form(commands.select_application, 0x040C, range(1, 17)),
    ),
    (0x00, 0xB0): (Form(commands.read_binary, answers=True),),
    (0x00, 0xD6): (Form(commands.update_binary, data=_ANY_DATA),),
    (0x00, 0x04): (Form(commands.deactivate_file, 0x0000),),
    (0x00, 0x44): (Form(commands.activate_file, 0x0000),),
    (0x00, 0xCA): (Form(commands.get_identity, 0x0101, answers=True),),
    (0x00, 0x20): (Form(commands.verify, 0x0080, range(_LONGEST_PIN + 1)),),
    (0x00, 0x24): (Form(commands.change_pin, 0x0180, _ANY_DATA),),
    (0x00, 0x2C): (Form(commands.reset_retry_counter, 0x0280, _ANY_DATA),),
    (0x00, 0x47): (
        Form(commands.generate_key, 0x8000, range(3), answers=True),
        Form(commands.read_public_key, 0x8100, answers=True),
    ),
    (0x00, 0x88): (Form(commands.attest, 0x0033, _exactly(commands.ATTESTATION_DATA_SIZE), answers=True),),
    (0x80, 0x2A): (Form(commands.sign, 0x0080, range(1, _LONGEST_DIGEST_INFO + 1), answers=True),),
    (0x80, 0xE4): (Form(commands.erase, 0x0000),),
    (0x80, 0xD8): (Form(commands.put_key, data=commands.PUT_KEY_DATA, answers=True),),
    (0x80, 0x50): (Form(commands.initialize_update, data=_exactly(CHALLENGE_SIZE)),),
    (0x84, 0x82): (Form(commands.external_authenticate, data=_exactly(CRYPTOGRAM_SIZE + MAC_SIZE)),),
}
"""Every command by CLA and INS, outside the channel."""

_CLASSES = (0x00, 0x80, SECURED_BIT, 0x80 | SECURED_BIT)
_INSTRUCTIONS = {ins for _, ins in COMMANDS}


class JpkiApplication:
    """One card's JPKI application; what it remembers without power is the chip's."""

    chains_commands = False

    def __init__(self, chip: Chip, profile: Profile) -> None:
        self._session = Session(chip, profile)

    def is_named(self, aid: bytes) -> bool:
        """Whether `aid` is the application's name."""
        return aid == commands.AID

    def select(self, command: Command, *, is_again: bool) -> Answer:
        """Begins again, whether or not it was selected before."""
        if command.p2 != _NO_ANSWER_DATA:
            raise Refusal(Status.P1P2_WRONG)
        self.reset()
        return Answer()

    def reset(self) -> None:
        """Forgets the selected file, every verified password and the channel: at selection and at loss of power."""
        self._session.reset()

    def execute(self, command: Command) -> Answer:
        """Does what the command says. Raises `Refusal`."""
        if command.cla not in _CLASSES:
            raise Refusal(Status.CLA_UNKNOWN)
        if command.cla & SECURED_BIT and (command.cla, command.ins) not in COMMANDS:
            return self._session.end.execute_secured(command, self._execute_plain)
        return self._execute_plain(command, None)

    def _execute_plain(self, command: Command, right: ChannelPurpose | None) -> Answer:
        return _form(command).run(self._session, command, right)


def _form(command: Command) -> Form:
    """The table's row for `command`. Raises `Refusal` when there is none or the lengths do not fit it."""
    forms = COMMANDS.get((command.cla, command.ins))
    if forms is None:
        raise Refusal(Status.CLA_UNKNOWN if command.ins in _INSTRUCTIONS else Status.INS_UNKNOWN)
    for form in forms:
        if form.p1p2 in (None, command.p1p2):
            if len(command.data) not in form.data or (form.answers and command.le is None):
                raise Refusal(Status.LENGTH_WRONG)
            return form
    raise Refusal(Status.P1P2_WRONG)

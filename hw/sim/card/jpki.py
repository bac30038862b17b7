"""The JPKI application: the table of its commands, the check of their form, and the way through the secure channel."""

from collections.abc import Callable

from hw.ports import ChannelPurpose
from hw.sim.card import jpki_commands as commands
from hw.sim.card.apdu import Answer, Command, Refusal, Status
from hw.sim.card.channel import CHALLENGE_SIZE, CRYPTOGRAM_SIZE, MAC_SIZE, SECURED_BIT
from hw.sim.card.chip import Chip
from hw.sim.card.form import ANY_DATA, Commands, Form, form_of
from hw.sim.card.jpki_commands import Session
from hw.sim.card.profile import Profile

_NO_ANSWER_DATA = 0x0C
_LONGEST_PIN = 16
_LONGEST_DIGEST_INFO = 256 - 11  # what PKCS#1 v1.5 leaves of an RSA-2048 block

_Run = Callable[[Session, Command, ChannelPurpose | None], Answer]


def _exactly(size: int) -> range:
    return range(size, size + 1)


COMMANDS: Commands[_Run] = {
    (0x00, 0xA4): (
        Form(commands.select_file, 0x02, 0x0C, data=_exactly(2)),
        Form(commands.select_application, 0x04, 0x0C, data=range(1, 17)),
    ),
    (0x00, 0xB0): (Form(commands.read_binary, needs_le=True),),
    (0x00, 0xD6): (Form(commands.update_binary, data=ANY_DATA),),
    (0x00, 0x04): (Form(commands.deactivate_file, 0x00, 0x00),),
    (0x00, 0x44): (Form(commands.activate_file, 0x00, 0x00),),
    (0x00, 0xCA): (Form(commands.get_identity, 0x01, 0x01, needs_le=True),),
    (0x00, 0x20): (Form(commands.verify, 0x00, 0x80, data=range(_LONGEST_PIN + 1)),),
    (0x00, 0x24): (Form(commands.change_pin, 0x01, 0x80, data=ANY_DATA),),
    (0x00, 0x2C): (Form(commands.reset_retry_counter, 0x02, 0x80, data=ANY_DATA),),
    (0x00, 0x47): (
        Form(commands.generate_key, 0x80, 0x00, data=range(3), needs_le=True),
        Form(commands.read_public_key, 0x81, 0x00, needs_le=True),
    ),
    (0x00, 0x88): (Form(commands.attest, 0x00, 0x33, data=_exactly(commands.ATTESTATION_DATA_SIZE), needs_le=True),),
    (0x80, 0x2A): (Form(commands.sign, 0x00, 0x80, data=range(1, _LONGEST_DIGEST_INFO + 1), needs_le=True),),
    (0x80, 0xE4): (Form(commands.erase, 0x00, 0x00),),
    (0x80, 0xD8): (Form(commands.put_key, data=commands.PUT_KEY_DATA, needs_le=True),),
    (0x80, 0x50): (Form(commands.initialize_update, data=_exactly(CHALLENGE_SIZE)),),
    (0x84, 0x82): (Form(commands.external_authenticate, data=_exactly(CRYPTOGRAM_SIZE + MAC_SIZE)),),
}
"""INITIALIZE UPDATE answers without Le too: some tools send none."""

_CLASSES = (0x00, 0x80, SECURED_BIT, 0x80 | SECURED_BIT)


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
        return form_of(COMMANDS, command).run(self._session, command, right)

"""What a PIV card tells about its keys and its PIN (INS F7): beyond the standard, and not on every card."""

from hw.card import tlv
from hw.card.apdu import SHORT, Command
from hw.card.connection import CommandPort
from hw.card.status import Status, error_of
from hw.errors import CardAnswerInvalid

ALGORITHM, POLICIES, PUBLIC_KEY, IS_DEFAULT, TRIES = 0x01, 0x02, 0x04, 0x05, 0x06

UNKNOWN = {Status.INSTRUCTION_NOT_SUPPORTED, Status.WRONG_P1_P2, Status.FUNCTION_NOT_SUPPORTED}
"""What a card answers to a command that is beyond its standard."""

ABSENT = {Status.FILE_NOT_FOUND, Status.REFERENCED_DATA_NOT_FOUND}
"""What it answers when there is no such key."""


def metadata_command(reference: int, answer_bytes: int = SHORT.answer) -> Command:
    """GET METADATA of a key reference."""
    return Command(0x00, 0xF7, 0x00, reference, le=answer_bytes)


def read_metadata(port: CommandPort, reference: int, answer_bytes: int = SHORT.answer) -> dict[int, bytes]:
    """What the card tells about a reference, nothing when it does not have the command."""
    response = port.send(metadata_command(reference, answer_bytes))
    if response.sw in UNKNOWN or response.sw in ABSENT:
        return {}
    if response.sw != Status.OK:
        raise error_of("read metadata", response.sw)
    return tlv.read(response.data)


def is_default(metadata: dict[int, bytes]) -> bool:
    """Whether it is still the maker's. Raises `CardAnswerInvalid` when the card does not tell."""
    state = metadata.get(IS_DEFAULT, b"")
    if state not in (b"\x00", b"\x01"):
        raise CardAnswerInvalid("the card does not tell whether a key or a PUK is still its maker's")
    return state == b"\x01"

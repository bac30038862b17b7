"""A command that must succeed, for whichever card application."""

from hw.card.apdu import Command
from hw.card.connection import CommandPort
from hw.card.status import Status, error_of


def do(port: CommandPort, operation: str, command: Command) -> bytes:
    """The command's answer; raises what its status word means as the answer to `operation` when it is not 9000."""
    response = port.send(command)
    if response.sw != Status.OK:
        raise error_of(operation, response.sw)
    return response.data

"""A process for each inserted card: it alone holds the card, and it ends with it.

Program: `python -m hw.card.card_process FD LIFELINE`, started by `hw.card.process_reader`. It takes the card
exclusively, runs the very driver that runs in memory, and gives its answers over the connection FD. It answers three
troubles that no thread can: a mute card blocks it and it is killed; a verified password and session keys end with it;
the card's state is gone with the power that it takes away. It ends by itself when its parent does, and when the card
leaves the reader.
"""

import os
import resource
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from traceback import extract_tb

from hw.card.pcsc import PcscSlot, reader_names
from hw.card.reader import Reader
from hw.card.session_messages import Answered, Asked, Call, Denied, Failed, Keys, Open, Traced
from hw.card.trace import RedactingTrace
from hw.errors import DeviceError, DriverDefect
from hw.ports import CardSession, ChannelChallenge, ChannelPurpose, ManagementKeys, SessionKeys

_GRACE_S = 1.0
"""How long the driver may take to say itself that the card has left."""

_WATCH_S = 3600.0


def serve(connection: Connection) -> None:
    """Waits for `Open`, holds one session, and returns when it has ended."""
    # What is slow the first time is done while nobody waits for it.
    with suppress(DeviceError):
        reader_names()
    opening = connection.recv()
    if not isinstance(opening, Open):
        return
    slot = PcscSlot(opening.reader_name)
    trace = RedactingTrace(lambda line: connection.send(Traced(line))) if opening.is_traced else None
    try:
        # Before the session: a card may be mute from its first command on.
        if slot.is_card_present():
            Thread(target=_end_with_card, args=(slot,), daemon=True).start()
        with Reader(slot, limits=opening.limits, trace=trace).session() as session:
            connection.send(Answered(None, session.exchanges))
            while isinstance(call := connection.recv(), Call):
                connection.send(_answer(session, call, connection))
    except DeviceError as error:
        connection.send(Failed.of(error, 0))
        return
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise  # the parent has ended
    # What a card's answer makes of the driver is told as that: an end without a word means that the card was taken out.
    except Exception as error:
        connection.send(_defect(error, 0))
        return
    connection.send(Answered(None, session.exchanges))


def _answer(session: CardSession, call: Call, connection: Connection) -> Answered | Failed:
    secrets = [bytearray(connection.recv_bytes()) for _ in range(call.secrets)]
    left = iter(secrets)
    arguments = tuple(next(left) if argument is None else argument for argument in call.arguments)
    try:
        if call.method == "open_channel":
            purpose = arguments[0]
            assert isinstance(purpose, ChannelPurpose)
            session.open_channel(purpose, lambda challenge: _ask(challenge, connection))
            return Answered(None, session.exchanges)
        method = getattr(session, call.method)
        return Answered(method(*arguments) if callable(method) else method, session.exchanges)
    except DeviceError as error:
        return Failed.of(error, session.exchanges)
    # The process must outlive whatever a card's answer makes of the driver: its end means that the card was taken out.
    except Exception as error:
        return _defect(error, session.exchanges)
    finally:
        for secret in secrets:
            secret[:] = bytes(len(secret))


def _defect(error: Exception, exchanges: int) -> Failed:
    """An exception that is not declared, by its name and place alone: its text may hold what the card has said."""
    frames = extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return Failed.of(DriverDefect(f"the driver met {type(error).__name__}{place}"), exchanges)


def _ask(challenge: ChannelChallenge, connection: Connection) -> SessionKeys | ManagementKeys:
    connection.send(Asked(challenge))
    answer = connection.recv()
    if isinstance(answer, Keys):
        return answer.keys
    assert isinstance(answer, Denied)
    raise answer.failure.error()


def _end_with_card(slot: PcscSlot) -> None:
    """Ends the process when the card has left; the driver, if it is not blocked, has said so before."""
    try:
        while not slot.wait_for_removal(_WATCH_S):
            pass
    except DeviceError:
        pass  # the reader or the service has left, and the card with it
    # A driver that noticed the removal itself says so first; a blocked one is ended by this.
    time.sleep(_GRACE_S)
    os._exit(os.EX_OK)


def _end_with_parent(lifeline: int) -> None:
    """Ends the process when the other end of the pipe was closed, by its parent or by its parent's end."""
    os.read(lifeline, 1)
    os._exit(os.EX_OK)


def main(words: list[str]) -> int:
    """The program; `words` are the file descriptors of the connection and of the lifeline."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    connection, lifeline = Connection(int(words[0])), int(words[1])
    Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()
    try:
        serve(connection)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # the parent has ended
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The jobs of the card benchmark, each done by a process of its own: `python -m tests.bench.card_jobs JOB READER KIND`.

Likewise what a process that is already running is measured by: the cost of one exchange, and of the process hop.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

from hw.card.connection import Traffic
from hw.card.pcsc import PcscSlot
from hw.card.process_reader import ProcessReader, _Session
from hw.card.reader import Reader
from hw.card.session_messages import Call, Close, Open
from hw.ports import CardReader, ChannelPurpose, KeyUse
from tests.hw.card.office import ISSUER, issue, password_for


def identify(reader: CardReader) -> None:
    """Which card it is."""
    with reader.session() as card:
        card.number()


def read_free(reader: CardReader) -> None:
    """A certificate that anybody may read."""
    with reader.session() as card:
        assert card.read_certificate(KeyUse.AUTHENTICATION)


def read_protected(reader: CardReader) -> None:
    """The signature certificate, by its owner's password, whose attempts were shown before."""
    with reader.session() as card:
        card.pin_status()
        card.verify_pin(_password(card.exchanges))
        assert card.read_certificate()


def sign(reader: CardReader) -> None:
    """One signature."""
    with reader.session() as card:
        card.pin_status()
        card.verify_pin(_password(card.exchanges))
        card.sign(bytes(51))


def generate(reader: CardReader) -> None:
    """A new key pair under a secure channel, with a new password."""
    with reader.session() as card:
        card.pin_status()
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        card.set_pin(password_for(card))
        card.verify_pin(password_for(card))
        card.generate_key()


def whole_issuance(reader: CardReader) -> None:
    """The card's number read at the application; then everything else in one session."""
    identify(reader)
    issue(reader)


JOBS: dict[str, Callable[[CardReader], None]] = {
    "identify": identify,
    "read_free": read_free,
    "read_protected": read_protected,
    "sign": sign,
    "generate": generate,
    "issue": whole_issuance,
}


def _password(_: int) -> bytearray:
    return bytearray(b"KIOSK123")


def exchange_us(reader_name: str, count: int, select: str, command: str) -> list[float]:
    """Microseconds of each of `count` exchanges, at the place where the driver sends them."""
    connection = PcscSlot(reader_name).connect()
    try:
        traffic = Traffic(connection, None, time.perf_counter)
        traffic.transmit(bytes.fromhex(select))
        raw, times = bytes.fromhex(command), []
        for _ in range(count):
            begun_s = time.perf_counter()
            answer = traffic.transmit(raw)
            times.append((time.perf_counter() - begun_s) * 1e6)
            assert answer[-2] == 0x90
        return times
    finally:
        connection.close()


def hops(reader_name: str, count: int) -> tuple[int, list[float]]:
    """How often an issuance goes over to the card process and back, and what that takes in microseconds, each time.

    The latter is measured by a call for which neither card nor driver has anything to do.
    """
    reader = ProcessReader(PcscSlot(reader_name))
    crossings = 0
    request = _Session.request

    def counted(session: _Session, message: Open | Call | Close, *words: Any, **named: Any) -> Any:
        nonlocal crossings
        crossings += 1 + (isinstance(message, Call) and message.method == "open_channel")
        return request(session, message, *words, **named)

    _Session.request = counted
    try:
        issue(reader)
    finally:
        _Session.request = request
    times = []
    with reader.session() as card:
        card.pin_policy()
        for _ in range(count):
            begun_s = time.perf_counter()
            card.pin_policy()
            times.append((time.perf_counter() - begun_s) * 1e6)
    reader.close()
    return crossings, times


if __name__ == "__main__":
    JOBS[sys.argv[1]](Reader(PcscSlot(sys.argv[2])))

"""Puts a card into a virtual reader: the client of vpcd's protocol, which pcscd's libifdvpcd listens to.

Both directions: length (2 bytes, big-endian), payload. A payload of one byte is a control code, of which only the
question for the ATR has an answer.
"""

import socket
from collections.abc import Callable

from hw.errors import CardMute, CardRemoved, NotSent
from hw.sim.card.card import VirtualCard

_POWER_OFF, _POWER_ON, _RESET, _ASK_ATR = b"\x00", b"\x01", b"\x02", b"\x04"


def connect(host: str, port: int, timeout_s: float = 10.0) -> socket.socket:
    """A connection to vpcd. Raises `OSError` when nobody listens there."""
    connection = socket.create_connection((host, port), timeout_s)
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def serve(card: VirtualCard, connection: socket.socket, on_ready: Callable[[], None]) -> None:
    """Answers for `card` until it is pulled or the connection ends; to vpcd, closing it is removal of the card.

    `on_ready` is called once, when the first ATR was asked for: pcscd has then seen the card. It notices a removal
    within 400 ms; to its clients, a card put in before that is still the one that was there.
    """
    is_ready = False
    # pcscd does not power on a card that was exchanged between two of its looks, and its client would wait for ever.
    card.power_on()
    try:
        while payload := _receive(connection):
            if payload == _ASK_ATR:
                _send(connection, card.atr)
                if not is_ready:
                    is_ready = True
                    on_ready()
            elif payload in (_POWER_ON, _RESET):
                card.power_on()
            elif payload == _POWER_OFF:
                card.power_off()
            else:
                _answer(card, connection, payload)
    except (CardRemoved, ConnectionError):
        return
    finally:
        connection.close()
        card.remove()


def _answer(card: VirtualCard, connection: socket.socket, command: bytes) -> None:
    try:
        answer = card.transmit(command)
    except (CardMute, NotSent):
        return  # a card that hangs or has no power answers nothing at all
    _send(connection, answer)


def _send(connection: socket.socket, payload: bytes) -> None:
    connection.sendall(len(payload).to_bytes(2, "big") + payload)


def _receive(connection: socket.socket) -> bytes:
    """The next payload, empty when vpcd has closed the connection."""
    size = int.from_bytes(_receive_exactly(connection, 2), "big")
    return _receive_exactly(connection, size) if size else b""


def _receive_exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        # vpcd sends length and payload apart; without this the kernel delays its acknowledgement between them by 40 ms.
        # Linux forgets the option after every receive.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        chunk = connection.recv(size - len(data))
        if not chunk:
            return b""
        data += chunk
    return data

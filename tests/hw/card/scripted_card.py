"""A connection that plays a written conversation: what the driver must send, and what the card answers, in hex."""


class ScriptedCard:
    """Expects exactly these commands in this order; blanks in the hex are for the reader."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        self._pairs = list(pairs)

    def transmit(self, command: bytes) -> bytes:
        assert self._pairs, f"unexpected {command.hex().upper()}"
        expected, answer = self._pairs.pop(0)
        assert command.hex().upper() == bytes.fromhex(expected).hex().upper()
        return bytes.fromhex(answer)

    def close(self) -> None:
        """The conversation is over; nothing of it may be left."""
        assert not self._pairs, f"never sent: {self._pairs}"

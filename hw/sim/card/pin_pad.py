"""A reader with a pad of its own, simulated: a person types digits at it, and it makes the command itself.

PC/SC part 10, 2.2 (features) and 2.5.2 (PIN_VERIFY), read here independently of the driver. vpcd passes no control
codes on, so there is such a reader in memory only.
"""

from collections.abc import Callable

_VERIFY_DIRECT_CODE = 0x42330006
_TIMED_OUT, _CANCELLED, _WRONG_LENGTH = b"\x64\x00", b"\x64\x01", b"\x64\x03"


class PinPad:
    """What the reader does with its control codes; `transmit` is its way to the card.

    `type_digits` is the person: what he types until the enter key, "" when he lets the time pass, None when he cancels.
    `structures` keeps what the computer has sent.
    """

    def __init__(self, transmit: Callable[[bytes], bytes], type_digits: Callable[[], str | None]) -> None:
        self._transmit = transmit
        self._type_digits = type_digits
        self.structures: list[bytes] = []

    def features(self) -> bytes:
        """VERIFY_PIN_DIRECT, and one feature that nobody knows."""
        return bytes((0x06, 4)) + _VERIFY_DIRECT_CODE.to_bytes(4, "big") + bytes((0x7E, 4)) + bytes(4)

    def control(self, code: int, data: bytes) -> bytes:
        """Has the PIN typed and gives it to the card; the card's status word, or the reader's own."""
        if code != _VERIFY_DIRECT_CODE:
            raise ValueError(f"control code {code:08X} is not this reader's")
        self.structures.append(data)
        format_string, block = data[2], data[3]
        most, least = data[5], data[6]
        size = int.from_bytes(data[15:19], "little")
        template = data[19:]
        if len(template) != size or format_string != 0x82 or data[7] != 0x02:
            raise ValueError("not a structure that this reader takes")
        typed = self._type_digits()
        if typed is None:
            return _CANCELLED
        if not typed:
            return _TIMED_OUT
        if not (least <= len(typed) <= most and typed.isdigit()):
            return _WRONG_LENGTH
        digits = typed.encode("ascii")
        if block:
            command = template[:5] + digits + template[5 + len(digits) :]
        else:
            command = template[:4] + bytes((len(digits),)) + digits
        return self._transmit(command)

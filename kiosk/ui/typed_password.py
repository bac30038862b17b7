"""A password while it is typed: in one buffer that never moves and is wiped."""

from collections.abc import Callable


class TypedPassword:
    """Up to `maximum_length` ASCII characters. Never a `str`, no `repr`, no copy but the one handed over."""

    def __init__(self, maximum_length: int) -> None:
        # At full size from the start: a growing bytearray leaves its old place unwiped.
        self._buffer = bytearray(maximum_length)
        self._length = 0

    def __repr__(self) -> str:
        return "TypedPassword(...)"

    def __len__(self) -> int:
        return self._length

    @property
    def is_full(self) -> bool:
        """Whether nothing more goes in."""
        return self._length == len(self._buffer)

    def type(self, code: int) -> None:
        """Appends one character by its code; a full buffer stays as it is."""
        if not self.is_full:
            self._buffer[self._length] = code
            self._length += 1

    def erase_last(self) -> None:
        """Takes the last character back."""
        if self._length:
            self._length -= 1
            self._buffer[self._length] = 0

    def replace_last(self, code: int) -> None:
        """Puts one character in the place of the last, where there is one."""
        if self._length:
            self._buffer[self._length - 1] = code

    def wipe(self) -> None:
        """Forgets everything."""
        self._buffer[:] = bytes(len(self._buffer))
        self._length = 0

    def equals(self, other: "TypedPassword") -> bool:
        """Whether both hold the same characters."""
        # With it comes OpenSSL, which the first paint must not wait for.
        import hmac

        with memoryview(self._buffer)[: self._length] as mine, memoryview(other._buffer)[: other._length] as theirs:
            return hmac.compare_digest(mine, theirs)

    def is_such(self, judge: Callable[[memoryview], bool]) -> bool:
        """What a judge, who keeps nothing of it, says of the characters."""
        with memoryview(self._buffer)[: self._length] as mine:
            return judge(mine)

    def hand_over(self) -> bytearray:
        """The password for whoever uses and wipes it; what is here is wiped."""
        with memoryview(self._buffer)[: self._length] as mine:
            password = bytearray(mine)
        self.wipe()
        return password

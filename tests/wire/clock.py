"""A clock that only goes on when somebody waits, so that every deadline is met at once and exactly."""

from hw.link.link import Link


class Clock:
    """`monotonic` and `pause` for everything that takes a clock."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s

    def pause(self, seconds: float) -> None:
        self.now_s += max(0.0, seconds)


class SilentFrom:
    """A line to a device that falls silent after so many writes, and stays open."""

    is_one_way = False

    def __init__(self, clock: Clock, link: Link, writes: int) -> None:
        self.clock = clock
        self.link = link
        self.writes = writes

    def write(self, data: bytes, deadline_s: float) -> None:
        self.writes -= bool(data)
        if self.writes >= 0:
            self.link.write(data, deadline_s)

    def read(self, maximum: int, deadline_s: float) -> bytes:
        if self.writes >= 0 and (data := self.link.read(maximum, deadline_s)):
            return data
        self.clock.pause(deadline_s - self.clock.now_s)
        return b""

    def drain_input(self) -> None:
        self.link.drain_input()

    def close(self) -> None:
        self.link.close()

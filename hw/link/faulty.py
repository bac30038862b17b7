"""A link on which things go wrong on purpose, around any other link."""

import time
from collections import deque
from collections.abc import Callable

from hw.errors import LinkLost, NotSent, OutcomeUnknown
from hw.link.injury import Injuries, Mark, Passing, Pause
from hw.link.link import Link


class FaultyLink:
    """Does to what passes through `link` what `injuries` say; `pause` sleeps so many seconds."""

    def __init__(
        self,
        link: Link,
        injuries: Injuries,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.is_one_way = link.is_one_way
        self._link = link
        self._injuries = injuries
        self._monotonic = monotonic
        self._pause = pause
        self._coming = deque[Passing]()
        self._is_cut = False

    def write(self, data: bytes, deadline_s: float) -> None:
        """Sends what is left of `data`; see `Link.write`."""
        self._require_whole()
        if self._injuries.to.is_stalled:
            self._wait_until(deadline_s)
            raise NotSent("the line takes no data")
        sent = 0
        for passing in self._injuries.to.pass_on(data):
            match passing:
                case bytes():
                    self._link.write(passing, deadline_s)
                    sent += len(passing)
                    if self._injuries.to.echoes:
                        self._coming.append(passing)
                case Pause(seconds):
                    self._pause(seconds)
                case Mark.CUT:
                    self._cut()
                case Mark.STALL:
                    self._wait_until(deadline_s)
                    raise OutcomeUnknown(f"the line stalled after {sent} of {len(data)} bytes")
                case Mark.SPLIT:
                    pass  # each piece is a write of its own already

    def read(self, maximum: int, deadline_s: float) -> bytes:
        """What is left of what has arrived; see `Link.read`."""
        while True:
            self._require_whole()
            while self._coming:
                passing = self._coming.popleft()
                match passing:
                    case bytes():
                        if len(passing) > maximum:
                            self._coming.appendleft(passing[maximum:])
                        return passing[:maximum]
                    case Pause(seconds):
                        left_s = deadline_s - self._monotonic()
                        if seconds > left_s:
                            self._coming.appendleft(Pause(seconds - max(0.0, left_s)))
                            self._wait_until(deadline_s)
                            return b""
                        self._pause(seconds)
                    case Mark.CUT:
                        self._cut()
                    case Mark.SPLIT | Mark.STALL:
                        pass
            if self._injuries.back.is_stalled:
                self._wait_until(deadline_s)
                return b""
            chunk = self._link.read(maximum, deadline_s)
            if not chunk:
                return b""
            self._coming.extend(self._injuries.back.pass_on(chunk))

    def drain_input(self) -> None:
        """Throws away what has arrived; see `Link.drain_input`."""
        self._require_whole()
        self._coming.clear()
        self._link.drain_input()

    def close(self) -> None:
        """Closes the link."""
        self._link.close()

    def _cut(self) -> None:
        self._is_cut = True
        self._coming.clear()
        self._link.close()
        raise LinkLost("the line was cut")

    def _require_whole(self) -> None:
        if self._is_cut:
            raise LinkLost("the line was cut")

    def _wait_until(self, deadline_s: float) -> None:
        self._pause(max(0.0, deadline_s - self._monotonic()))

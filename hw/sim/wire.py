"""The line between a simulated device and its host, with whatever goes wrong on it."""

from hw.link.injury import Injuries, Mark, Passing
from hw.link.memory import Core


class Wire:
    """Carries bytes to `core` and its answers back, through `injuries`."""

    def __init__(self, core: Core, injuries: Injuries) -> None:
        self._core = core
        self._injuries = injuries

    def feed(self, chunk: bytes) -> list[Passing]:
        """What the host hears for `chunk`, in order; b"" asks what the device says of its own accord."""
        if not chunk:
            return self._injuries.back.pass_on(self._core.feed(b""))
        heard: list[Passing] = []
        for passing in self._injuries.to.pass_on(chunk):
            if isinstance(passing, bytes):
                answer = self._core.feed(passing)
                heard += self._injuries.back.pass_on((passing if self._injuries.to.echoes else b"") + answer)
            elif passing is not Mark.STALL:
                heard.append(passing)
        return heard

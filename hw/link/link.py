"""The protocol of every link: bytes in, bytes out, each wait with a deadline, and no knowledge of what they mean."""

from typing import Protocol


class Link(Protocol):
    """A way to one device, owned by one thread.

    Deadlines are points in time on the clock `time.monotonic`, in seconds, so that one deadline can be handed down
    through several calls. A wrapper that traces or injures what passes is itself a Link around a Link.
    """

    @property
    def is_one_way(self) -> bool:
        """Whether no device can ever answer here; reading then only ever times out."""
        ...

    def write(self, data: bytes, deadline_s: float) -> None:
        """Hands all of `data` over.

        Raises `NotSent` when the deadline passed before the first byte went, `OutcomeUnknown` when it passed later,
        `LinkLost` when the device is gone.
        """
        ...

    def read(self, maximum: int, deadline_s: float) -> bytes:
        """What has arrived, at least one byte and at most `maximum`; b"" only when the deadline has passed.

        A deadline in the past takes what is there without waiting. Raises `LinkLost`.
        """
        ...

    def drain_input(self) -> None:
        """Throws away what has arrived and was not read. Raises `LinkLost`."""
        ...

    def close(self) -> None:
        """Gives the device free for others; never raises, and may be called twice."""
        ...

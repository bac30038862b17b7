"""A link that waits for its device: absent at start, unplugged, switched off and on, dropped while idle."""

from collections.abc import Callable

from hw.errors import LinkLost
from hw.link.link import Link


class ReopeningLink:
    """Opens a link at the first write, and anew at the first one after it was lost; an empty write only opens.

    The loss itself is always reported, and nothing is ever sent twice: whoever had something under way decides what it
    means. `opened` makes the link and raises `NotSent` when it cannot, which `write` passes on. `is_one_way` says
    beforehand what the links will be (`Link.is_one_way`).
    """

    def __init__(self, opened: Callable[[], Link], *, is_one_way: bool = False) -> None:
        self.is_one_way = is_one_way
        self._opened = opened
        self._link: Link | None = None
        self._is_closed = False

    def write(self, data: bytes, deadline_s: float) -> None:
        """Hands all of `data` over, to a new link where there is none; see `Link.write`."""
        if self._is_closed:
            raise LinkLost("closed")
        if self._link is None:
            self._link = self._opened()
        try:
            self._link.write(data, deadline_s)
        except LinkLost:
            self._lose()
            raise

    def read(self, maximum: int, deadline_s: float) -> bytes:
        """What has arrived; see `Link.read`. Never opens: an answer can only come over the link of its question."""
        try:
            return self._held().read(maximum, deadline_s)
        except LinkLost:
            self._lose()
            raise

    def drain_input(self) -> None:
        """Throws away what has arrived; see `Link.drain_input`."""
        try:
            self._held().drain_input()
        except LinkLost:
            self._lose()
            raise

    def close(self) -> None:
        """Closes for good."""
        self._is_closed = True
        self._lose()

    def _held(self) -> Link:
        if self._link is None:
            raise LinkLost("closed" if self._is_closed else "not open: the next write opens it")
        return self._link

    def _lose(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

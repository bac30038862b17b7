"""A link that outlives a hang-up: cable pulled and put back, printer switched off and on, idle connection dropped."""

from collections.abc import Callable

from hw.errors import LinkLost
from hw.link.link import Link


class ReopeningLink:
    """Opens a link at once, and anew at the first write after it was lost.

    The loss itself is always reported, and nothing is ever sent twice: whoever had something under way decides what it
    means. `opened` makes the link and raises `NotSent` when it cannot, here and from `write`.
    """

    is_one_way = False

    def __init__(self, opened: Callable[[], Link]) -> None:
        self._opened = opened
        self._link: Link | None = opened()
        self._is_closed = False

    def write(self, data: bytes, deadline_s: float) -> None:
        """Hands all of `data` over, to a new link where the old one was lost; see `Link.write`."""
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
            raise LinkLost("closed" if self._is_closed else "lost, and not opened again yet")
        return self._link

    def _lose(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

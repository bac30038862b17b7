"""A link that tells what passes, for the technician: direction, hex, and never what a paper or a code says."""

from collections.abc import Callable

from hw.link.link import Link

SHORT = 24
"""Bytes up to which an exchange is shown; a longer one is a paper or a picture, of which only the length is told."""
_BYTES = " bytes"


class TracedLink:
    """Tells `hear` a line for everything that passes `link`, such as `printer > 10 04 01`.

    `shows_content` is off where even short exchanges may name a person, as with a code scanner.
    """

    def __init__(self, link: Link, name: str, hear: Callable[[str], None], *, shows_content: bool = True) -> None:
        self.is_one_way = link.is_one_way
        self._link = link
        self._name = name
        self._hear = hear
        self._shows_content = shows_content

    def write(self, data: bytes, deadline_s: float) -> None:
        """Sends and tells; see `Link.write`."""
        if data:
            self._tell(">", data)
        self._link.write(data, deadline_s)

    def read(self, maximum: int, deadline_s: float) -> bytes:
        """Receives and tells; see `Link.read`."""
        data = self._link.read(maximum, deadline_s)
        if data:
            self._tell("<", data)
        return data

    def drain_input(self) -> None:
        """Throws away what has arrived; see `Link.drain_input`."""
        self._link.drain_input()

    def close(self) -> None:
        """Closes the link."""
        self._link.close()

    def _tell(self, arrow: str, data: bytes) -> None:
        shown = data.hex(" ") if self._shows_content and len(data) <= SHORT else f"{len(data)}{_BYTES}"
        self._hear(f"{self._name} {arrow} {shown}")


def is_content_told(shown: str) -> bool:
    """Whether that is what passed, and not only how long it was."""
    return not shown.endswith(_BYTES)

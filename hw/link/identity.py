"""Who sits on a line: the device that was met first, until a person accepts another one in its place.

What a device does is only worth believing when it is the same as before: its counters are compared, its papers and
coins are looked for. The memory lasts as long as the program; whoever exchanges a device may also start it anew.
"""

from hw.errors import AnotherDevice


class KnownIdentity:
    """Remembers one device by what it says of itself, with a serial number where it has one."""

    def __init__(self) -> None:
        self.text = ""
        """Who it is; "" before anybody was met, and for a device that never says."""
        self._refused = ""

    def check(self, found: str) -> None:
        """Remembers the first that is met. Raises `AnotherDevice` for another; "" means that it cannot say now."""
        if self.text and found and found != self.text:
            self._refused = found
            raise AnotherDevice(found, self.text)
        self.text = found or self.text

    def accept(self, seen: str | None = None) -> None:
        """A person has exchanged the device on purpose: the one that was refused is the right one from now on.

        `seen` is the one that the person was shown; another one that has come since stays refused.
        """
        if self._refused and seen in (None, self._refused):
            self.text, self._refused = self._refused, ""

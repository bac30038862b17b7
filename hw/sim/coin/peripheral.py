"""What every ccTalk peripheral answers: the core commands, identity, address and the statistics of its line.

Source: ccTalk Generic Specification, part 2, core and core plus commands, multi-drop commands.
"""

from dataclasses import dataclass

ACK, NAK, BUSY = 0, 5, 6
"""Headers of replies: done, or with data; not done; not now."""


@dataclass(frozen=True)
class Reply:
    """An answer: `header` is 0 for ACK and for data."""

    data: bytes = b""
    header: int = ACK


DONE = Reply()
REFUSED = Reply(header=NAK)


@dataclass(frozen=True)
class Identity:
    """What a peripheral says of itself; `serial` is 24 bits."""

    category: bytes
    product: bytes
    serial: int
    manufacturer: bytes = b"SIM"
    software: bytes = b"SIM-1.0"
    build: bytes = b"JP1"


class LineCounts:
    """Timeouts, ignored bytes and bad checksums on the line, which header 2 reads and header 3 clears."""

    def __init__(self) -> None:
        self.timeouts = 0
        self.ignored = 0
        self.bad_checksums = 0

    def clear(self) -> None:
        """Sets all to 0."""
        self.timeouts = self.ignored = self.bad_checksums = 0


def answer_core(header: int, data: bytes, identity: Identity, line: LineCounts) -> Reply | None:
    """Answer to a command that every peripheral knows; None when `header` is not one of them."""
    match header:
        case 254:  # simple poll
            return DONE
        case 246:  # request manufacturer id
            return Reply(identity.manufacturer)
        case 245:  # request equipment category id
            return Reply(identity.category)
        case 244:  # request product code
            return Reply(identity.product)
        case 242:  # request serial number, least significant byte first
            return Reply(identity.serial.to_bytes(3, "little"))
        case 241:  # request software revision
            return Reply(identity.software)
        case 197:  # calculate ROM checksum
            return Reply(b"\x12\x34\x56\x78")
        case 196 | 195:  # request creation date, last modification date: day, month, years since the base year
            return Reply((1 | 4 << 5 | 11 << 9).to_bytes(2, "little"))
        case 192:  # request build code
            return Reply(identity.build)
        case 170:  # request base year
            return Reply(b"2000")
        case 169:  # request address mode: kept in RAM, changed by the multi-drop commands
            return Reply(bytes((0x02,)))
        case 4:  # request comms revision: level, major and minor revision of the specification
            return Reply(bytes((1, 4, 6)))
        case 3:  # clear comms status variables
            line.clear()
            return DONE
        case 2:  # request comms status variables
            return Reply(bytes(min(255, n) for n in (line.timeouts, line.ignored, line.bad_checksums)))
    return None

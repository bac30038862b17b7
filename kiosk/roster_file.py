"""The file that names a counter's clerks."""

from pathlib import Path

from hw.strict_toml import ConfigInvalid, convert, read_tables
from kiosk.counter.roster import NUMBER_LENGTH, Roster


def load_roster(path: Path) -> Roster:
    """Reads a roster. Raises `ConfigInvalid`."""
    roster = convert(read_tables(path), Roster, str(path))
    seen: set[str] = set()
    for index, clerk in enumerate(roster.clerk):
        is_number = len(clerk.number) == NUMBER_LENGTH and clerk.number.isascii() and clerk.number.isdigit()
        if not is_number or clerk.number in seen:
            raise ConfigInvalid(str(path), f"clerk[{index}].number", "two digits that no other clerk has")
        try:
            salt, digest = map(bytes.fromhex, clerk.pin.split("$"))
        except ValueError:
            salt, digest = b"", b""
        if len(salt) != 16 or len(digest) != 32:
            raise ConfigInvalid(str(path), f"clerk[{index}].pin", "not what `kiosk clerk-pin` prints")
        seen.add(clerk.number)
    return roster

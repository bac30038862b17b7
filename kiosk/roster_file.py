"""The file that names a counter's clerks and technicians."""

from collections.abc import Sequence
from pathlib import Path

from hw.strict_toml import ConfigInvalid, convert, read_tables
from kiosk.counter.roster import NUMBER_LENGTH, Roster, RosteredPerson


def load_roster(path: Path) -> Roster:
    """Reads a roster. Raises `ConfigInvalid`."""
    roster = convert(read_tables(path), Roster, str(path))
    _require_usable("clerk", roster.clerk, path)
    _require_usable("technician", roster.technician, path)
    return roster


def _require_usable(kind: str, persons: Sequence[RosteredPerson], path: Path) -> None:
    seen: set[str] = set()
    for index, person in enumerate(persons):
        is_number = len(person.number) == NUMBER_LENGTH and person.number.isascii() and person.number.isdigit()
        if not is_number or person.number in seen:
            raise ConfigInvalid(str(path), f"{kind}[{index}].number", f"two digits that no other {kind} has")
        try:
            salt, digest = map(bytes.fromhex, person.pin.split("$"))
        except ValueError:
            salt, digest = b"", b""
        if len(salt) != 16 or len(digest) != 32:
            raise ConfigInvalid(str(path), f"{kind}[{index}].pin", "not what `kiosk clerk-pin` prints")
        seen.add(person.number)
        if kind == "technician" and person.card:
            raise ConfigInvalid(str(path), f"{kind}[{index}].card", "a technician signs in by number and PIN alone")

"""Opens the card issuer's keys where the configuration has them: masters in a token, or in a file for training.

The file has the town's person key in either case, and masters only where no token does.
"""

import errno
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hw.ports import ChannelPurpose
from hw.strict_toml import ConfigInvalid, convert, read_tables
from kiosk.authority.token_key import MacKeys, TokenUnusable, read_uri
from kiosk.config import SHIPPED, IssuerPlace
from kiosk.counter.card_issuer import LATER_GENERATIONS, CardIssuer, in_memory
from kiosk.counter.token_masters import find_masters, open_issuer

_LONGEST_PIN_BYTES = 255
_SECTION = "issuer"


@dataclass(frozen=True, repr=False)
class _Masters:
    issue: str
    reset: str
    erase: str


@dataclass(frozen=True, repr=False)
class _TownKeys:
    person_key: str


@dataclass(frozen=True, repr=False)
class _IssuerFile:
    town: _TownKeys | None = None
    masters: _Masters | None = None
    later_masters: tuple[_Masters, ...] = ()


def load_issuer(place: IssuerPlace, *, is_training: bool) -> tuple[CardIssuer, bytes]:
    """The card issuer, and the town's person key. Raises `ConfigInvalid`.

    Masters that were put into the token are told on standard error, or refused, as `issuer.imported` says. In
    production masters lie in a token, and are not those of the demo.
    """
    path = place.keys_file
    file = convert(read_tables(path), _IssuerFile, str(path))
    if file.town is None:
        raise ConfigInvalid(str(path), "town.person_key", "missing")
    person_key = _key(path, "town.person_key", file.town.person_key)
    if not place.token:
        if not is_training:
            raise ConfigInvalid(
                _SECTION, "issuer.token", "missing: masters of production lie in a token, a file is for training"
            )
        masters, *later = _masters_in(path, file)
        return CardIssuer(in_memory(masters), tuple(in_memory(each) for each in later)), person_key
    if file.masters is not None or file.later_masters:
        raise ConfigInvalid(
            str(path), "masters", "the masters are in a token (issuer.token): take them out of the file"
        )
    issuer, imported = open_token_issuer(place)
    if imported:
        text = f"{', '.join(imported)}: made elsewhere and put into the token"
        if place.imported == "refuse":
            raise ConfigInvalid(_SECTION, "issuer.imported", text)
        if place.imported == "warn":
            print(f"kiosk: {text}", file=sys.stderr)
    if not is_training and _is_the_demos(issuer):
        raise ConfigInvalid(_SECTION, "issuer.token", "its masters are those of the demo, which everybody knows")
    return issuer, person_key


def open_token_issuer(place: IssuerPlace) -> tuple[CardIssuer, tuple[str, ...]]:
    """The issuer whose masters are in the configured token, and which of them were put in. Raises `ConfigInvalid`."""
    keys = token_keys(place)
    try:
        issuer = open_issuer(keys)
        return issuer, tuple(each.master.label for each in find_masters(keys) if not each.traits.is_native)
    except TokenUnusable as error:
        raise ConfigInvalid(_SECTION, "issuer.token", str(error)) from error


def token_keys(place: IssuerPlace) -> MacKeys:
    """The keys of the configured token, which is not opened yet. Raises `ConfigInvalid`."""
    try:
        uri = read_uri(place.token)
    except ValueError as error:
        raise ConfigInvalid(_SECTION, "issuer.token", str(error)) from error
    if not Path(uri.module).exists():
        raise ConfigInvalid(
            _SECTION, "issuer.token", f"{uri.module}: no such file, where the token's library should be"
        )
    if not place.pin_file.is_file():
        raise ConfigInvalid(_SECTION, "issuer.pin_file", f"{place.pin_file}: no file with the token's PIN")
    return MacKeys(uri, lambda: read_pin(place.pin_file))


def read_pin(path: Path) -> bytearray:
    """The first line of a file, with no copy of it left anywhere else. Raises `OSError`, also for an empty one."""
    line = bytearray(_LONGEST_PIN_BYTES)
    with path.open("rb", buffering=0) as file:
        length = file.readinto(line) or 0
    end = line.find(b"\n")
    pin = line[: length if end < 0 else end]
    line[:] = bytes(len(line))
    if not pin:
        raise OSError(errno.ENODATA, "no PIN in its first line", str(path))
    return pin


def load_masters(path: Path) -> list[Mapping[ChannelPurpose, bytes]]:
    """The masters in a file, generation by generation. Raises `ConfigInvalid`."""
    return _masters_in(path, convert(read_tables(path), _IssuerFile, str(path)))


def _masters_in(path: Path, file: _IssuerFile) -> list[Mapping[ChannelPurpose, bytes]]:
    if file.masters is None:
        raise ConfigInvalid(str(path), "masters", "missing")
    if len(file.later_masters) > LATER_GENERATIONS:
        raise ConfigInvalid(
            str(path), "later_masters", f"a card counts {LATER_GENERATIONS} generations after the first"
        )
    first = _master_keys(path, "masters", file.masters)
    return [first, *(_master_keys(path, "later_masters", each) for each in file.later_masters)]


def _is_the_demos(issuer: CardIssuer) -> bool:
    demo = in_memory(load_masters(SHIPPED / "demo" / "issuer.toml")[0])
    held = [master for masters in (issuer.masters, *issuer.later_masters) for master in masters.values()]
    known = {master.derive("demo", "", 16) for master in demo.values()}
    return any(master.derive("demo", "", 16) in known for master in held)


def _master_keys(path: Path, table: str, masters: _Masters) -> dict[ChannelPurpose, bytes]:
    return {purpose: _key(path, f"{table}.{purpose}", getattr(masters, purpose)) for purpose in ChannelPurpose}


def _key(path: Path, name: str, text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 16:
        raise ConfigInvalid(str(path), name, "not 16 bytes in hex")
    return key

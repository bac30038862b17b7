"""What is set at a station, line by line, and whether it can be worked with: for the technician, without any secret.

`check_settings` opens no station and holds nothing, so that it can be asked of one that runs or that does not start.
"""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from hw.errors import DeviceError
from hw.hardware import Hardware, rehearsal_keys
from hw.health_words import CARD_READERS, DEVICES
from hw.strict_toml import ConfigInvalid
from kiosk.assembly import Assembly
from kiosk.clock import JAPAN
from kiosk.config import SHIPPED, Config
from kiosk.issuer_keys import open_token_issuer
from kiosk.maintenance.bundle import without_secrets
from kiosk.register.register import load_register
from kiosk.roster_file import load_roster
from kiosk.ui.workbench import Check

_KEY_FILES = ("station.key", "head.key", "line.key")
_PROCESSES = Path("/proc")
_SOCKET = Path("/run/pcscd/pcscd.comm")
"""Where the card service is asked (pcscd(8))."""
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check_settings(config: Config, path: Path, data: Path) -> tuple[Check, ...]:
    """What can be said of the configuration, the files that it names, and the computer, without opening the station."""
    hardware = config.hardware
    return (
        Check("config", "pass", str(path)),
        Check("policy.profile", "pass", config.policy.name),
        Check("town", "pass", f"{config.town.municipality} ({config.town.code})"),
        _register(config),
        *_roster(config),
        *_issuer_keys(config),
        Check("counter.delivery", "pass", f"written at the {config.counter.delivery}"),
        Check("hours", "pass", "at any time" if config.hours is None else str(config.hours)),
        *_links(hardware),
        Check("printer.model", "pass", hardware.printer.model),
        Check("cash.kind", "pass", hardware.cash.kind),
        _rehearsal(hardware),
        Check("store.url", "pass", without_secrets(config.store.url) or str(config.store.location(data))),
        Check("authority.url", "pass", without_secrets(config.authority.url) or "its own, of the demo"),
        *(_private(name, data / name) for name in _KEY_FILES if (data / name).exists()),
        _card_service(hardware),
    )


def check_config(config: Config, path: Path, data: Path, assembly: Assembly) -> tuple[Check, ...]:
    """The configuration of an open station."""
    station = assembly.station
    return (
        *check_settings(config, path, data),
        Check("training", "note", "yes, every paper is void" if assembly.is_training else "no"),
        _reader(config.hardware.card.link, assembly),
        Check("clock", "note", f"{station.clock().astimezone(JAPAN):%Y-%m-%d %H:%M:%S}"),
    )


def _register(config: Config) -> Check:
    try:
        return Check("register", "pass", f"{len(load_register(config.register_file).residents())} residents")
    except ConfigInvalid as error:
        return Check("register", "fail", _place(error))


def _place(error: ConfigInvalid) -> str:
    """Which file, where in it, and why; of a register no value."""
    return ": ".join(part for part in (error.file, error.key, error.reason) if part)


def _roster(config: Config) -> Iterator[Check]:
    if not config.clerk.roster:
        return
    try:
        roster = load_roster(config.home / config.clerk.roster)
    except ConfigInvalid as error:
        yield Check("clerk.roster", "fail", _place(error))
    else:
        of_demo = ", those of the demo" if roster.is_demo else ""
        yield Check(
            "clerk.roster", "pass", f"clerks: {len(roster.clerk)}, technicians: {len(roster.technician)}{of_demo}"
        )


def _issuer_keys(config: Config) -> Iterator[Check]:
    """The file of the issuer's keys; of a token, whether its PIN is taken and its masters are as they must be."""
    place = config.issuer
    path = place.keys_file
    if path.is_relative_to(SHIPPED):
        yield Check("issuer.keys", "note", "the demo's, which everybody knows")
    elif path.exists():
        yield _private("issuer.keys", path)
    elif config.clerk.station:
        yield Check("issuer.keys", "note", "not at this station")
    elif not place.token:
        yield Check("issuer.keys", "fail", f"{path}: no such file, and neither issuer.token nor clerk.station is set")
    if not place.token:
        return
    if place.pin_file.is_file():
        yield _private("issuer.pin_file", place.pin_file)
    try:
        issuer, imported = open_token_issuer(place)
    except ConfigInvalid as error:
        yield Check(error.key, "fail", error.reason)
        return
    generations = 1 + len(issuer.later_masters)
    yield Check("issuer.token", "pass", f"{generations} generation{'s' if generations > 1 else ''} of masters")
    if imported:
        outcome: Literal["fail", "note"] = "fail" if place.imported == "refuse" else "note"
        yield Check("issuer.imported", outcome, f"put in, made elsewhere: {', '.join(imported)}")


def _links(hardware: Hardware) -> Iterator[Check]:
    """Every device's link; one to a file of this computer that is not there cannot be opened."""
    for name in DEVICES:
        link = getattr(hardware, name).link
        if not link:
            continue
        scheme, _, rest = link.partition("://")
        is_missing = scheme == "serial" and not Path(rest).exists()
        yield Check(f"{name}.link", "fail" if is_missing else "pass", f"{link}: no such device" if is_missing else link)


def _rehearsal(hardware: Hardware) -> Check:
    """Which devices are simulated or injured: all right in training, refused with a production authority."""
    keys = rehearsal_keys(hardware)
    return Check("rehearsal", "note" if keys else "pass", ", ".join(keys) or "none")


def _card_service(hardware: Hardware) -> Check:
    """A card service that logs what passes would log passwords too (pcscd -a, --apdu).

    It may be started by whoever knocks first (systemd's `pcscd.socket`); a reader that is no simulation needs at least
    the place to knock.
    """
    for path in _PROCESSES.glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended meanwhile
        if words[0].endswith(b"pcscd"):
            logs = any(word in (b"-a", b"--apdu") for word in words)
            return Check(
                "pcscd", "fail" if logs else "pass", "logs what passes" if logs else "logs nothing that passes"
            )
    is_needed = any(getattr(hardware, name).link.startswith("pcsc:") for name in CARD_READERS)
    if is_needed and not _SOCKET.exists():
        return Check("pcscd", "fail", f"no card service at {_SOCKET}, which Debian's package pcscd brings")
    return Check("pcscd", "note", "not running, and started when it is needed" if is_needed else "not running")


def _reader(link: str, assembly: Assembly) -> Check:
    try:
        assembly.bench.reader.is_card_present()
    except DeviceError as error:
        return Check("card.reader", "fail", f"{link}: {error}")
    return Check("card.reader", "pass", "answers")


def _private(name: str, path: Path) -> Check:
    """A key file that others may read is as good as lost."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _OTHERS:
        return Check(name, "fail", f"{path}: mode {mode:04o}, others can read it: chmod 600")
    return Check(name, "pass", f"mode {mode:04o}")

"""What is set at a station, line by line, and whether it can be worked with: for the technician, without any secret."""

import stat
from pathlib import Path

from hw.errors import DeviceError
from kiosk.assembly import Assembly
from kiosk.clock import JAPAN
from kiosk.config import Config
from kiosk.maintenance.bundle import without_secrets
from kiosk.ui.counter import Check

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check_config(config: Config, path: Path, data: Path, assembly: Assembly) -> tuple[Check, ...]:
    """The configuration of an open station."""
    hardware, station = config.hardware, assembly.station
    return (
        Check("config", "pass", str(path)),
        Check("training", "note", "yes, every paper is void" if assembly.is_training else "no"),
        Check("policy.profile", "pass", config.policy.name),
        Check("town", "pass", f"{config.town.municipality} ({config.town.code})"),
        Check("register", "pass", f"{len(station.register.residents())} residents"),
        Check("counter.delivery", "pass", station.delivery.value),
        _reader(hardware.card.link, assembly),
        Check("printer.link", "pass", f"{hardware.printer.link} ({hardware.printer.model})"),
        Check("cash", "pass", f"{hardware.cash.kind} on {hardware.cash.link}"),
        Check("store.url", "pass", without_secrets(config.store.url) or f"sqlite:///{data / 'kiosk.db'}"),
        Check("authority.url", "pass", without_secrets(config.authority.url) or "its own, of the demo"),
        *(_private(data / name) for name in ("station.key", "head.key")),
        Check("clock", "note", f"{station.clock().astimezone(JAPAN):%Y-%m-%d %H:%M:%S}"),
    )


def _reader(link: str, assembly: Assembly) -> Check:
    try:
        assembly.bench.reader.is_card_present()
    except DeviceError as error:
        return Check("card.link", "fail", f"{link}: {error}")
    return Check("card.link", "pass", link)


def _private(path: Path) -> Check:
    """A key file that others may read is as good as lost."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return Check(path.name, "fail" if mode & _OTHERS else "pass", f"mode {mode:04o}")

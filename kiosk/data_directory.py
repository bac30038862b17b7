"""Where everything that a station keeps lies."""

import os
from pathlib import Path

from hw.strict_toml import ConfigInvalid


def locate_data(given: Path | None, *, state_directory: str | None, home: Path) -> Path:
    """The data directory: the one given, systemd's `$STATE_DIRECTORY`, or one of the user's own."""
    if given is not None:
        return given
    if state_directory:
        return Path(state_directory.split(":")[0])
    return Path(os.environ.get("XDG_STATE_HOME") or home / ".local/state") / "jpki-kiosk"


def last_used(base: Path) -> Path | None:
    """The one of the user's directories where a station worked last: a station, the demo or a drill; None for none."""
    keys = [key for key in (base / of / "station.key" for of in ("", "demo", "drill")) if key.exists()]
    return max((key.parent for key in keys), key=_worked_at, default=None)


def unused(data: Path) -> ConfigInvalid:
    """To be raised where a station should have worked, and none has."""
    return ConfigInvalid(str(data), "", "no station has worked here yet; --data names another folder")


def _worked_at(data: Path) -> float:
    """When something was last kept there, by the files that every work changes."""
    return max(path.stat().st_mtime for path in data.iterdir() if path.is_file())

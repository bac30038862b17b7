"""Where everything that a station keeps lies."""

import os
from pathlib import Path


def locate_data(given: Path | None, *, state_directory: str | None, home: Path) -> Path:
    """The data directory: the one given, systemd's `$STATE_DIRECTORY`, or one of the user's own."""
    if given is not None:
        return given
    if state_directory:
        return Path(state_directory.split(":")[0])
    return Path(os.environ.get("XDG_STATE_HOME") or home / ".local/state") / "jpki-kiosk"

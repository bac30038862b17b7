"""`kiosk demo` and `kiosk run`: the screens on a counter put together from the configuration."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hw.hardware import Hardware
from hw.strict_toml import ConfigInvalid
from kiosk.config import AuthorityTable, Config
from kiosk.exit_code import ExitCode

if TYPE_CHECKING:
    from kiosk.configured_counter import ConfiguredCounter


def run_demo(config: Config, config_path: Path, data: Path, settings: Sequence[tuple[str, str]]) -> ExitCode:
    """All three seats in this terminal, until the demo is left.

    Devices are simulated and the authority is the demo's own, whatever an installed configuration says; only what
    stands on the command line itself (`settings`) is heeded.
    """
    named = {dotted.partition(".")[0] for dotted, _ in settings}
    hardware = Hardware(**{table: getattr(config.hardware, table) for table in named & set(vars(config.hardware))})
    authority = config.authority if "authority" in named else AuthorityTable()
    return _show(replace(config, hardware=hardware, authority=authority), config_path, data, settings)


def run_seat(config: Config, config_path: Path, data: Path, seat: str) -> ExitCode:
    """One seat of a station. Raises `ConfigInvalid` when no authority is configured."""
    if not config.authority.url:
        raise ConfigInvalid(
            str(config_path), "authority.url", "missing: only a demo or a drill starts its own authority"
        )
    return _show(config, config_path, data, (), seat)


def _show(
    config: Config, config_path: Path, data: Path, settings: Sequence[tuple[str, str]], seat: str | None = None
) -> ExitCode:
    # The screens are drawn on standard error and typed at on standard input; without a terminal they would only hang.
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        print("kiosk: needs a terminal on standard input and standard error", file=sys.stderr)
        return ExitCode.USAGE
    from kiosk.ui.app import KioskApp
    from kiosk.ui.seat_name import SeatName

    def make_counter() -> "ConfiguredCounter":
        # Store, network and devices are loaded behind the first paint.
        from kiosk.configured_counter import ConfiguredCounter

        return ConfiguredCounter(config, config_path, data, settings)

    voice = None
    if config.voice.model:
        from kiosk.spoken_voice import SpokenVoice, alsa_player, open_jtalk

        model = str(config.home / config.voice.model)
        voice = SpokenVoice(open_jtalk(model), alsa_player(config.voice.device))
    is_demo = seat is None
    app = KioskApp(make_counter, is_demo=is_demo, seat=seat or SeatName.RESIDENT, voice=voice)
    try:
        app.run()
    finally:
        if voice is not None:
            voice.close()
    return ExitCode.OK if app.return_code in (None, 0) else ExitCode.INTERNAL

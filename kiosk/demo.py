"""`kiosk demo` and `kiosk run`: the screens on a counter put together from the configuration."""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.exit_code import ExitCode

if TYPE_CHECKING:
    from kiosk.config import Config
    from kiosk.configured_counter import ConfiguredCounter

Settings = Sequence[tuple[str, str]]


def run_demo(config_path: Path | None, data: Path, settings: Settings) -> ExitCode:
    """All three seats in this terminal, until the demo is left.

    Devices are simulated and the authority is the demo's own, whatever an installed configuration says; only what
    stands on the command line itself (`settings`) is heeded. Raises `ConfigInvalid`.
    """

    def read(path: Path) -> "Config":
        from dataclasses import replace

        from hw.hardware import (
            SIMULATED,
            DisplayDevice,
            DocumentsDevice,
            Hardware,
            LampDevice,
            ScannerDevice,
        )
        from kiosk.config import AuthorityTable, load_config

        config = load_config(path, settings)
        named = {dotted.partition(".")[0] for dotted, _ in settings}
        # Everything that a station can have, so that it can be seen.
        everything = Hardware(
            display=DisplayDevice(SIMULATED),
            lamp=LampDevice(SIMULATED),
            scanner=ScannerDevice(SIMULATED),
            documents=DocumentsDevice(SIMULATED),
        )
        tables = {table: getattr(config.hardware, table) for table in named & set(vars(config.hardware))}
        hardware = replace(everything, **tables)
        authority = config.authority if "authority" in named else AuthorityTable()
        return replace(config, hardware=hardware, authority=authority)

    return _show(read, config_path, data, settings)


def run_seat(config_path: Path | None, data: Path, settings: Settings, seat: str) -> ExitCode:
    """One seat of a station. Raises `ConfigInvalid`, also when no authority is configured."""

    def read(path: Path) -> "Config":
        from hw.strict_toml import ConfigInvalid
        from kiosk.config import load_config

        config = load_config(path, settings)
        if not config.authority.url:
            raise ConfigInvalid(str(path), "authority.url", "missing: only a demo or a drill starts its own authority")
        return config

    return _show(read, config_path, data, (), seat)


def _show(
    read: "Callable[[Path], Config]", config_path: Path | None, data: Path, settings: Settings, seat: str | None = None
) -> ExitCode:
    def configuration() -> "tuple[Config, Path]":
        from kiosk.config import locate_config

        path = locate_config(config_path)
        return read(path), path

    # The screens are drawn on standard error and typed at on standard input; without a terminal they would only hang.
    is_drawable = os.environ.get("TERM") != "dumb"
    if not (sys.stdin.isatty() and sys.stderr.isatty() and is_drawable):
        configuration()
        lacking = (
            "a terminal on standard input and standard error" if is_drawable else "another terminal than TERM=dumb"
        )
        print(f"kiosk: needs {lacking}", file=sys.stderr)
        return ExitCode.USAGE
    # A shell that has exported its size (readline does) would win over the terminal's own, which alone changes.
    for stale in ("COLUMNS", "LINES"):
        os.environ.pop(stale, None)
    from kiosk.ui import collector

    collector.share_one_pool()
    collector.hold()
    from kiosk.ui.app import KioskApp
    from kiosk.ui.seat_name import SeatName

    held = ExitStack()

    def make_counter() -> "ConfiguredCounter":
        """Behind the first paint: configuration, store, network and devices."""
        from hw.strict_toml import ConfigInvalid

        try:
            config, path = configuration()
        except ConfigInvalid as error:
            from kiosk.ui.counter import Unconfigured

            raise Unconfigured from error
        from kiosk.configured_counter import ConfiguredCounter
        from kiosk.system_log import system_log

        if seat is not None:
            held.enter_context(system_log())
        return ConfiguredCounter(config, path, data, settings)

    app = KioskApp(
        make_counter,
        seat=seat or SeatName.RESIDENT,
        is_demo=seat is None,
        when_open=collector.let_go,
        when_calm=collector.look,
    )
    with held:
        app.run()
    if app.unconfigured is not None:
        raise app.unconfigured
    return ExitCode.OK if app.return_code in (None, 0) else ExitCode.INTERNAL

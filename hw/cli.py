"""The `hw` command: the devices of this station, and simulated ones."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hw.bench import Hardware
from hw.command_line import UsageParser, add_common_options, settings_of
from hw.errors import DeviceError
from hw.strict_toml import ConfigInvalid, apply_settings, convert, read_tables


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    args = _parser().parse_args(argv)
    verb: Callable[[argparse.Namespace], int] = args.verb
    try:
        return verb(args)
    except ConfigInvalid as error:
        print(f"hw: {error}", file=sys.stderr)
        return os.EX_CONFIG


def _parser() -> argparse.ArgumentParser:
    from hw.sim.card import command as card
    from hw.sim.printer import command as printer

    parser = UsageParser(prog="hw", description="The devices of a kiosk station.")
    common = add_common_options(parser)
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=UsageParser)
    listed = verbs.add_parser("list", parents=[common], help="card readers and the station's devices")
    listed.set_defaults(verb=_list)
    sim = verbs.add_parser("sim", parents=[common], help="a simulated device")
    devices = sim.add_subparsers(title="devices", metavar="DEVICE", required=True, parser_class=UsageParser)
    for command in (card, printer):
        command.add_parser(devices).set_defaults(verb=command.run)
    return parser


def _list(args: argparse.Namespace) -> int:
    """Names the readers that the card service shows, and every device of hardware.toml."""
    hardware = _load_hardware(args)
    for name, device in (("card", hardware.card), ("printer", hardware.printer), ("cash", hardware.cash)):
        print(f"{name:8} {device.link}")
    from hw.card.pcsc import reader_names

    try:
        for reader in reader_names():
            print(f"reader   pcsc:{reader}")
    except DeviceError as error:
        print(f"hw: no card readers: {error}", file=sys.stderr)
    return os.EX_OK


def _load_hardware(args: argparse.Namespace) -> Hardware:
    shipped = Path(__file__).resolve().parent.parent / "config"
    installed = Path("/etc/kiosk/kiosk.toml")
    path = args.config or (installed if installed.exists() else shipped / "kiosk.toml")
    station = read_tables(path).get("station", {})
    hardware = path.parent / str(station.get("hardware", "hardware.toml"))
    tables = read_tables(hardware)
    apply_settings(tables, settings_of(args), Hardware)
    return convert(tables, Hardware, str(hardware))

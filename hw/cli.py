"""The `hw` command: the devices of this station, and simulated ones."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hw.bench import Hardware, check_hardware
from hw.card.reader_list import read_reader_list
from hw.command_line import UsageParser, common_options, keep_private, run_verb, settings_of
from hw.errors import DeviceError, ReaderMissing
from hw.strict_toml import ConfigInvalid, apply_settings, convert, read_tables


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    keep_private()
    args = _parser().parse_args(argv)
    verb: Callable[[argparse.Namespace], int] = args.verb
    return run_verb("hw", lambda: verb(args), _code_of)


def _code_of(error: Exception) -> int | None:
    if isinstance(error, ConfigInvalid):
        return os.EX_CONFIG
    return os.EX_UNAVAILABLE if isinstance(error, ReaderMissing) else None


def _parser() -> argparse.ArgumentParser:
    from hw.card import conformance_command
    from hw.sim.card import command as card
    from hw.sim.printer import command as printer

    parser = UsageParser(prog="hw", description="The devices of a kiosk station.", parents=[common_options(0)])
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listed = verbs.add_parser("list", parents=[common_options(1)], help="card readers and the station's devices")
    listed.set_defaults(verb=_list)
    sim = verbs.add_parser("sim", parents=[common_options(1)], help="a simulated device")
    devices = sim.add_subparsers(title="devices", metavar="DEVICE", required=True)
    for command in (card, printer):
        command.add_parser(devices, parents=[common_options(2)]).set_defaults(verb=command.run)
    conform = verbs.add_parser("conform", parents=[common_options(1)], help="compatibility check, with a report")
    subjects = conform.add_subparsers(title="subjects", metavar="SUBJECT", required=True)
    for subject in conformance_command.add_parsers(subjects, parents=[common_options(2)]):
        subject.set_defaults(verb=lambda args: conformance_command.run(args, _readers_file(args.config)))
    return parser


def _list(args: argparse.Namespace) -> int:
    """Names the readers that the card service shows, what is known of them, and every device of hardware.toml."""
    hardware = _load_hardware(args)
    for name, device in (("card", hardware.card), ("printer", hardware.printer), ("cash", hardware.cash)):
        print(f"{name:8} {device.link}")
    from hw.card.pcsc import reader_names

    readers = read_reader_list(_readers_file(args.config))
    try:
        for reader in reader_names():
            print(f"reader   pcsc:{reader}  [{readers.standing_of(reader)}]")
    except DeviceError as error:
        print(f"hw: no card readers: {error}", file=sys.stderr)
    return os.EX_OK


def _load_hardware(args: argparse.Namespace) -> Hardware:
    """The devices that `kiosk.toml` points to, with those `--set` on top that concern them."""
    settings = settings_of(args)
    path = dict(settings).get("station.hardware") or _hardware_file(args.config)
    tables = read_tables(Path(path))
    concerned = [(key, value) for key, value in settings if key.partition(".")[0] in Hardware.__dataclass_fields__]
    apply_settings(tables, concerned, Hardware)
    hardware = convert(tables, Hardware, str(path))
    check_hardware(hardware)
    return hardware


def _readers_file(config: Path | None) -> Path:
    """The list of readers, beside hardware.toml."""
    return _hardware_file(config).parent / "readers.toml"


def _hardware_file(config: Path | None) -> Path:
    shipped = Path(__file__).resolve().parent.parent / "config"
    installed = Path("/etc/kiosk/kiosk.toml")
    path = config or (installed if installed.exists() else shipped / "kiosk.toml")
    station = read_tables(path).get("station", {})
    name = station.get("hardware", "hardware.toml") if isinstance(station, Mapping) else None
    if not isinstance(name, str):
        raise ConfigInvalid(str(path), "station.hardware", "not the name of a file")
    return path.parent / name

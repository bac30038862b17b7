"""The `hw` command: which options it takes where, and how its calls end."""

import argparse
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hw.cli import main
from hw.command_line import UsageParser, common_options, run_verb, settings_of
from tests.e2e.commands import ROOT, run


def hw(*words: object) -> "subprocess.CompletedProcess[str]":
    return run(*words, module="hw")


@pytest.mark.parametrize(
    "words",
    [
        ["list", "--set", "authority.url=x"],
        ["--set", "authority.url=x", "list", "--set", "card.link=pcsc:Reader"],
    ],
)
def test_the_list_hears_what_concerns_devices_and_leaves_the_rest_alone(words: list[str]) -> None:
    done = hw(*words)
    assert done.returncode == 0, done.stderr
    assert ("card     pcsc:Reader" in done.stdout) == ("card.link=pcsc:Reader" in words)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("printr.link=sim:", "--set printr.link: unknown key, did you mean 'printer'?"),
        ("nope.x=1", "--set nope.x: unknown key"),
        ("authority.ulr=x", "--set authority.ulr: unknown key, did you mean 'url'?"),
        ("counter.float_yen=abc", "--set counter.float_yen: 'abc' is not a number"),
        ("counter.holidays=soon", "--set counter.holidays[0]: "),
        ("printer.baudrate=fast", "--set printer.baudrate: 'fast' is not a number"),
        ("printer.baudrate=0", "--set printer.baudrate: "),
        ("printer.link=foo://x", "--set printer.link: 'foo://x' is not a link"),
        ("printer.link=", "--set printer.link: a station has a receipt printer"),
        ("scanner.setup=zz", "--set scanner.setup: not hex"),
    ],
)
def test_a_setting_that_no_program_knows_or_takes_is_refused_as_one(
    setting: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", "--set", setting]) == 78
    said = capsys.readouterr()
    assert said.out == ""
    assert told in said.err


def test_a_list_is_set_by_its_items(capsys: pytest.CaptureFixture[str]) -> None:
    holidays = "counter.holidays=2026-01-01,2026-01-02"
    assert main(["list", "--set", holidays, "--set", "scanner.setup=16540d, 0d", "--set", "card.link=sim:"]) == 0
    assert "card" in capsys.readouterr().out


def test_the_list_reads_the_hardware_file_that_is_set(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('[printer]\nlink = "tcp://printer:9100"\n')
    done = hw("list", "--set", f"station.hardware={tmp_path / 'other.toml'}")
    assert "printer  tcp://printer:9100" in done.stdout


@pytest.mark.parametrize(
    "setting", ["card.link=foo", "printer.link=carrier-pigeon:", "printer.model=abacus", "card.lnk=sim:", "cash.kind=x"]
)
def test_hardware_that_is_none_is_a_configuration_error(setting: str) -> None:
    done = hw("list", "--set", setting)
    assert (done.returncode, done.stdout) == (78, "")
    assert setting.partition("=")[0] in done.stderr


def test_a_configuration_without_tables_is_refused_by_name(tmp_path: Path) -> None:
    for text in ("station = 3\n", "[station]\nhardware = 3\n"):
        (tmp_path / "kiosk.toml").write_text(text)
        done = hw("list", "--config", tmp_path / "kiosk.toml")
        assert done.returncode == 78
        assert "station.hardware" in done.stderr


@pytest.mark.parametrize("device", ["card", "printer"])
def test_a_simulated_device_takes_the_common_options_after_its_name(device: str, tmp_path: Path) -> None:
    common = ["--config", ROOT / "config" / "kiosk.toml", "--data", tmp_path, "--set", "card.link=sim:"]
    where = ["--vpcd", "127.0.0.1:1"] if device == "card" else ["--tcp", "1", "--out", "/dev/null/out"]
    done = hw("sim", device, *common, *where)
    assert done.returncode == (69 if device == "card" else 78), done.stderr
    assert "unrecognized" not in done.stderr
    assert "Traceback" not in done.stderr


def parser() -> UsageParser:
    program = UsageParser(parents=[common_options(0)])
    verb = program.add_subparsers().add_parser("verb", parents=[common_options(1)])
    verb.add_subparsers().add_parser("inner", parents=[common_options(2)])
    return program


def test_settings_of_all_levels_are_kept_in_their_order() -> None:
    words = "--set t.a=1 --set t.b=2 verb --set t.a=3 inner --set t.c=4 --set t.a=5".split()
    told = settings_of(parser().parse_args(words))
    assert told == [("t.a", "1"), ("t.b", "2"), ("t.a", "3"), ("t.c", "4"), ("t.a", "5")]
    assert settings_of(parser().parse_args(["verb", "inner"])) == []


@pytest.mark.parametrize(
    ("words", "data"),
    [("--data a verb inner", "a"), ("--data a verb --data b inner", "b"), ("verb inner --data c", "c"), ("verb", None)],
)
def test_of_data_the_last_one_holds(words: str, data: str | None) -> None:
    found: argparse.Namespace = parser().parse_args(words.split())
    assert found.data == (Path(data) if data else None)


def fail_with_personal_data() -> int:
    try:
        raise KeyError("幌延太郎")
    except KeyError as error:
        raise RuntimeError("of 幌延太郎") from error


def test_a_defect_tells_where_it_arose_and_names_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_verb("kiosk", fail_with_personal_data, lambda error: None) == 70
    told = capsys.readouterr()
    assert told.out == ""
    assert "fail_with_personal_data" in told.err
    assert "builtins.RuntimeError" in told.err
    assert "builtins.KeyError" in told.err
    lines = [line for line in told.err.splitlines() if "幌延太郎" in line]
    assert all(line.strip().startswith("raise ") for line in lines), "only source text may stand there"


def test_an_error_that_somebody_can_mend_is_told_in_its_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_verb("kiosk", fail_with_personal_data, lambda error: 78) == 78
    assert capsys.readouterr().err == "kiosk: of 幌延太郎\n"


def test_a_reader_that_leaves_is_quiet_and_no_success() -> None:
    head, tail = os.pipe()
    os.close(head)
    with io.FileIO(tail, "w") as nobody:
        words = [sys.executable, "-m", "hw", "list", "--set", "card.link=pcsc:x"]
        done = subprocess.run(words, stdout=nobody, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 70
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


PROBE = """
import os, resource, sys
from {program}.cli import main
os.umask(0)
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
try:
    main(["--help"])
except SystemExit:
    print("found", resource.getrlimit(resource.RLIMIT_CORE), oct(os.umask(0)))
"""


@pytest.mark.parametrize("program", ["hw", "kiosk"])
def test_no_command_leaves_core_files_or_files_for_others(program: str) -> None:
    words = [sys.executable, "-c", PROBE.format(program=program)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert "found (0, 0) 0o77" in done.stdout, done.stderr

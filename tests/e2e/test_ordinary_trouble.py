"""Ordinary trouble with files, terminals and authorities: told in one line that names them, and no defect."""

import io
import os
import shutil
import sys
from pathlib import Path

import pytest

import hw.cli
from hw.strict_toml import ConfigInvalid
from kiosk.application_file import HELP
from kiosk.authority.errors import AuthorityNotRecognised
from kiosk.cli import main
from kiosk.issuance.failure import Halted, RolledBack, failure_code
from kiosk.model.identity import IdentityDocument
from kiosk.signature_command import read_password
from kiosk.told_lines import tell_ending
from tests.e2e.commands import APPLICATION, run

Capture = pytest.CaptureFixture[str]


def test_a_certificate_that_is_not_there_is_no_wrong_certificate(tmp_path: Path, capsys: Capture) -> None:
    assert main(["verify", str(APPLICATION), str(APPLICATION), "--trust", str(tmp_path / "none.pem")]) == 78
    assert capsys.readouterr().err == f"kiosk: {tmp_path}/none.pem: No such file or directory\n"
    assert main(["verify", str(APPLICATION), "--credential", str(tmp_path / "none.pem")]) == 78
    assert capsys.readouterr().err == f"kiosk: {tmp_path}/none.pem: No such file or directory\n"


def test_receipts_that_cannot_be_read_are_told_in_words(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "receipts").write_bytes(b"\xff\xfe\0")
    assert main(["reconcile", "--receipts", str(tmp_path / "receipts"), "--data", str(tmp_path)]) == 78
    assert capsys.readouterr().err == f"kiosk: {tmp_path}/receipts: no text in UTF-8, of a receipt's code a line\n"
    assert main(["reconcile", "--receipts", str(tmp_path / "none"), "--data", str(tmp_path)]) == 78
    assert capsys.readouterr().err == f"kiosk: {tmp_path}/none: No such file or directory\n"


def test_a_password_file_without_end_is_refused() -> None:
    with pytest.raises(ConfigInvalid, match="/dev/zero: no password: more than 255 bytes"):
        read_password(Path("/dev/zero"), "")


@pytest.mark.parametrize(
    ("file", "told"), [("/dev/zero", "its first line is no password"), ("/none", "No such file or directory\n")]
)
def test_a_new_password_that_cannot_be_one_is_refused(file: str, told: str, tmp_path: Path, capsys: Capture) -> None:
    assert main(["change-pin", str(APPLICATION), "--new-password", file, "--data", str(tmp_path / "data")]) == 78
    error = capsys.readouterr().err
    assert error.startswith(f"kiosk: {file}: {told}")
    assert error.count(file) == 1


def test_signing_makes_no_data_directory(tmp_path: Path, capsys: Capture) -> None:
    assert main(["sign", str(APPLICATION), "-o", str(tmp_path / "s"), "--data", str(tmp_path / "mistyped")]) == 1
    assert "mistyped does not exist" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_device_that_the_station_does_not_have_has_not_passed(capsys: Capture) -> None:
    for device in ("scanner", "window"):
        assert hw.cli.main(["health", device, "--set", f"{device}.link="]) == 78
        assert f"{device}.link: this station has no such device" in capsys.readouterr().err


def test_no_screen_is_drawn_on_a_dumb_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    assert main(["demo", "--data", str(tmp_path)]) == 64
    assert "TERM=dumb" in capsys.readouterr().err


def test_the_help_lists_every_document_that_is_taken() -> None:
    assert all(f'"{document}"' in HELP for document in IdentityDocument)


def test_a_case_that_another_authority_answered_ends_as_a_wrong_configuration() -> None:
    for ended in (RolledBack, Halted):
        out = io.StringIO()
        code = failure_code(AuthorityNotRecognised("signed by somebody else"))
        assert tell_ending(out, ended(code), is_json=False) == 78
        assert "authority.credential" in out.getvalue()


def test_an_authority_whose_starter_has_gone_is_quiet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert main(["ca", "init", "--data", str(tmp_path / "ca")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'ca'}\n"
    head, tail = os.pipe()
    os.close(head)
    with open(tail, "w") as nobody:
        monkeypatch.setattr(sys, "stdout", nobody)
        assert main(["ca", "serve", "--data", str(tmp_path / "ca"), "--listen", "127.0.0.1:0"]) == 70
    assert capsys.readouterr().err == ""


def test_what_looks_at_past_work_finds_where_the_user_worked_last(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "XDG_STATE_HOME": ""}
    for words in (["journal", "verify"], ["reconcile"], ["settle"], ["hold", "1", "--until", "2030-01-01"]):
        done = run(*words, env=env)
        assert (done.returncode, "no station has worked here yet" in done.stderr) == (78, True), done.stderr
    assert list(tmp_path.iterdir()) == [], "looking makes nothing"
    assert run("drill", APPLICATION, env=env).returncode == 0
    drill = tmp_path / ".local/state/jpki-kiosk/drill"
    for words in (["journal", "verify"], ["reconcile"], ["settle"], ["check"]):
        done = run(*words, env=env)
        assert (done.returncode, done.stderr.splitlines()[:1]) == (0, [f"kiosk: of {drill}"]), done.stderr
    older = tmp_path / ".local/state/jpki-kiosk/demo"
    shutil.copytree(drill, older)
    for path in older.iterdir():
        os.utime(path, (0, 0))
    assert f"kiosk: of {drill}\n" in run("journal", "verify", env=env).stderr
    for path in older.iterdir():
        os.utime(path, (2**32, 2**32))
    assert f"kiosk: of {older}\n" in run("journal", "verify", env=env).stderr


def test_nothing_is_settled_where_nobody_worked(tmp_path: Path) -> None:
    done = run("settle", "--data", tmp_path / "nowhere")
    assert (done.returncode, "no station has worked here yet" in done.stderr) == (78, True)
    assert not (tmp_path / "nowhere").exists()


def test_a_credential_that_is_not_configured_is_named(tmp_path: Path) -> None:
    for words, key in (([], "credential"), (["--credential", tmp_path / "station.pem"], "url")):
        done = run("ca", "renew", *words)
        assert (done.returncode, done.stderr) == (78, f"kiosk ca: authority.{key}: missing; --{key} gives it as well\n")

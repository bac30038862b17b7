"""What `kiosk` says to wrong calls, wrong configurations and unusable places, and that none of it is a defect."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hw.command_line import run_verb
from hw.data_folder import hold_data
from hw.strict_toml import ConfigInvalid
from kiosk.application_file import load_application
from kiosk.cli import main
from kiosk.config import load_config
from kiosk.journal.database import open_database
from kiosk.signature_command import configured_ocsp
from kiosk.told_lines import write_line
from tests.e2e.commands import APPLICATION, PASSWORD, ROOT, application_file, run

SHIPPED = ROOT / "config" / "kiosk.toml"


@pytest.mark.parametrize("count", ["0", "-1", "many", "１"])
def test_a_count_that_is_none_is_named(count: str) -> None:
    done = run("drill", APPLICATION, "--count", count)
    assert done.returncode == 64
    assert "not a positive number" in done.stderr


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("authority.timeout_s", "0"),
        ("authority.timeout_s", "-1"),
        ("authority.timeout_s", "inf"),
        ("authority.timeout_s", "nan"),
        ("counter.card_inserted_s", "0"),
        ("counter.card_taken_s", "inf"),
        ("authority.url", "ftp://host"),
        ("authority.url", "127.0.0.1:80"),
        ("authority.url", "http://"),
        ("authority.url", "http://host:port"),
        ("authority.url", "http://[::1"),
        ("card.link", "usb:"),
        ("printer.link", "carrier-pigeon:"),
        ("printer.model", "abacus"),
        ("store.url", "sqlite://"),
        ("store.url", "sqlite:///"),
        ("store.url", "sqlite:///:memory:"),
        ("store.url", "sqlite+pysqlite:///%3Amemory%3A"),
        ("store.url", "sqlite:///file:x?mode=memory&uri=true"),
        ("counter.float_yen", "-5"),
        ("counter.float_yen", "9" * 26),
        ("printer.baudrate", "0"),
        ("display.baudrate", "9601"),
        ("town.code", "99999"),
        ("town.code", "1487"),
        ("town.telephone", "at the town office"),
    ],
)
def test_a_value_that_no_station_can_work_with_is_refused_by_its_key(key: str, value: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        load_config(SHIPPED, [(key, value)])
    assert refused.value.key == key
    assert refused.value.file == "--set", "no file is to be mended"
    assert value in refused.value.reason or key.endswith(("_s", "_yen"))


@pytest.mark.parametrize("number", ["2011-0001", "A", "0_a.B-9", "a" * 40])
def test_a_number_that_can_be_read_aloud_is_taken(number: str, tmp_path: Path) -> None:
    assert load_application(application_file(tmp_path / "a.toml", number=number)).number == number


@pytest.mark.parametrize(
    "number",
    ["", "../../x", "-1", ".", "a b", "a\n", "2011/1", "第１号", "２０１１", "2026-²", "a" * 41, "2026-" + "9" * 5000],
)
def test_a_number_that_no_form_has_is_refused(number: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = application_file(tmp_path / "a.toml", number=number)
    assert main(["drill", str(file), "--data", str(tmp_path / "data")]) == 78
    assert f"{file}: number: not 1 to 40 of A-Z" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="64"):
        main(["revoke", str(APPLICATION), f"--number={number}"])


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:8829", "https://ca.example/cmp/p/kiosk", "http://[::1]:80"])
def test_an_authority_by_http_or_none_at_all_is_taken(url: str) -> None:
    assert load_config(SHIPPED, [("authority.url", url)]).authority.url == url


def test_a_setting_below_what_is_no_table_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text("authority = 3\n" + SHIPPED.read_text().replace("[authority]", "[other]"))
    with pytest.raises(ConfigInvalid, match="no table"):
        load_config(file, [("authority.url", "http://host")])


def test_a_printer_that_is_none_stops_a_drill_before_an_authority_is_started(tmp_path: Path) -> None:
    done = run("drill", APPLICATION, "--data", tmp_path / "data", "--set", "printer.link=tcp://nowhere")
    assert done.returncode == 78
    assert not (tmp_path / "data").exists()


def test_settings_before_between_and_after_the_verbs_all_count(tmp_path: Path) -> None:
    bad = ["--set", "authority.timeout_s=0"]
    good = ["--set", "authority.timeout_s=5"]
    unheard = ["--set", "town.nmae=x"]
    status = ["status", "01", "--data", tmp_path]
    assert "authority.timeout_s" in run(*bad, "ca", *status).stderr
    assert "authority.timeout_s" not in run(*bad, "ca", *good, *status).stderr
    for words in ([*unheard, "ca", *good, *status, *good], ["ca", *unheard, *status, *good]):
        assert "town.nmae" in run(*words).stderr


@pytest.mark.parametrize("words", [["drill", APPLICATION], ["demo"], ["run", "--seat", "clerk"], ["ca", "init"]])
def test_a_data_directory_that_cannot_be_made_is_named(words: list[object], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(*words, "--data", tmp_path / "file" / "below")
    assert done.returncode == 78, done.stderr
    assert str(tmp_path / "file") in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_directory_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("drill", APPLICATION, "--data", tmp_path / "file")
    assert done.returncode == 78
    assert f"{tmp_path / 'file'}: File exists" in done.stderr


def test_a_store_that_is_none_is_a_configuration_error(tmp_path: Path) -> None:
    for words in (["--data", tmp_path], ["--set", "store.url=nonsense"], ["--set", "store.url=sqlite:////dev/null/x"]):
        done = run("journal", "verify", *words)
        assert (done.returncode, done.stdout) == (78, "")
        assert "Traceback" not in done.stderr


def test_the_store_lies_in_the_data_directory_whatever_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "od%41x").mkdir()
    open_database(tmp_path / "od%41x" / "kiosk.db").close()
    assert main(["journal", "verify", "--data", str(tmp_path / "odAx")]) == 78
    assert main(["journal", "verify", "--data", str(tmp_path / "od%41x")]) == 1
    assert "it holds no journal" in capsys.readouterr().out


def test_a_damaged_file_of_a_simulated_device_stops_a_drill_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "sim").mkdir()
    damaged = tmp_path / "sim" / "card-10000000100.json"
    damaged.write_text("x")
    done = run("drill", APPLICATION, "--data", tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (78, 1), done.stderr
    assert f"{damaged}: not a card's memory" in done.stderr
    damaged.unlink()
    (tmp_path / "sim" / "till.json").write_text("{")
    done = run("drill", APPLICATION, "--data", tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (78, 1), done.stderr
    assert f"{tmp_path}/sim/till.json: damaged" in done.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "No such file or directory"), (b"\xff\n", "its first line is no password of ASCII characters")],
)
def test_a_file_of_a_new_password_that_cannot_be_read_is_named_once(
    content: bytes | None, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new"
    if content is not None:
        path.write_bytes(content)
    words = ["change-pin", str(APPLICATION), "--new-password", str(path), "--data", str(tmp_path / "data")]
    assert main(words) == 78
    assert capsys.readouterr().err == f"kiosk: {path}: {told}\n"


def test_signing_leaves_a_data_directory_alone_that_is_at_work(tmp_path: Path) -> None:
    (tmp_path / "form").write_text("x")
    with hold_data(tmp_path / "data"):
        done = run("sign", tmp_path / "form", "--pin-file", tmp_path / "form", "--data", tmp_path / "data")
    assert done.returncode == 70
    assert "in use by another kiosk" in done.stderr
    assert not (tmp_path / "data" / "sim").exists()


def test_signing_asks_for_no_printer_and_with_a_real_reader_for_no_data_directory(tmp_path: Path) -> None:
    (tmp_path / "form").write_text("x")
    words = ["sign", tmp_path / "form", "--pin-file", tmp_path / "form", "--data", tmp_path / "data"]
    real = run(*words, "--set", "card.link=pcsc:No Such Reader", "--set", "printer.link=serial:///dev/nope")
    assert real.returncode == 78
    assert "card.link: " in real.stderr
    assert "No Such Reader" in real.stderr or "no card service" in real.stderr
    assert not (tmp_path / "data").exists()
    simulated = run(*words, "--set", "printer.link=serial:///dev/nope")
    assert "no card in the reader" in simulated.stderr


@pytest.mark.parametrize(
    ("url", "ocsp"),
    [
        ("", ""),
        ("http://127.0.0.1:8829", "http://127.0.0.1:8829/ocsp"),
        ("http://127.0.0.1:8829/", "http://127.0.0.1:8829/ocsp"),
        ("https://ca.example/cmp/p/kiosk", "https://ca.example/ocsp"),
    ],
)
def test_the_status_service_is_where_the_stations_client_finds_it(url: str, ocsp: str) -> None:
    assert configured_ocsp(url) == ocsp


def test_an_issuance_without_printer_ends_with_its_code_and_is_finished_when_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "pin").write_text(PASSWORD)
    drill = ["drill", APPLICATION, "--data", tmp_path / "data"]
    broken = run(*drill, "--set", "printer.link=serial:///dev/nope")
    assert broken.returncode == 2, broken.stderr
    assert "K-DEVICE-004" in broken.stdout or "K-PRINTER-001" in broken.stdout
    done = run(*drill)
    assert done.returncode == 0, done.stderr
    nowhere = run("sign", APPLICATION, "-o", "/nonexistent/x", "--pin-file", tmp_path / "pin", *drill[2:])
    assert nowhere.returncode == 78
    assert "/nonexistent/x" in nowhere.stderr

    gone, tail = os.pipe()
    os.close(gone)
    words = [sys.executable, "-m", "kiosk", "journal", "show", *map(str, drill[2:])]
    unread = subprocess.run(words, stdout=tail, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(tail)
    assert (unread.returncode, unread.stderr) == (70, "")


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory in which the demo's application was issued; who changes it takes a copy."""
    data = tmp_path_factory.mktemp("issued") / "data"
    assert run("drill", APPLICATION, "--data", data).returncode == 0
    return data


@pytest.fixture
def used(issued: Path, tmp_path: Path) -> Path:
    """A copy of its own of a directory in which the demo's application was issued."""
    return Path(shutil.copytree(issued, tmp_path / "used"))


def test_keys_are_not_made_anew_beside_a_journal_that_was_written_with_others(used: Path) -> None:
    for name in ("station.key", "head.key"):
        kept = (used / name).read_bytes()
        (used / name).unlink()
        for words in (["drill", APPLICATION], ["reconcile"]):
            refused = run(*words, "--data", used)
            assert (refused.returncode, refused.stdout) == (78, "")
            assert f"{name}: missing" in refused.stderr
        assert not (used / name).exists()
        (used / name).write_bytes(b"damaged")
        assert run("journal", "verify", "--data", used).returncode == 78
        (used / name).write_bytes(kept)
    assert run("reconcile", "--data", used).returncode == 0


def test_looking_makes_nothing(tmp_path: Path) -> None:
    for words in (["reconcile"], ["journal", "verify"]):
        assert run(*words, "--data", tmp_path / "mistyped").returncode == 78
        assert not (tmp_path / "mistyped").exists()
    (tmp_path / "kiosk.db").touch()
    for words in (["reconcile"], ["journal", "verify"], ["journal", "show"]):
        assert run(*words, "--data", tmp_path).returncode == 78
    assert [path.name for path in tmp_path.iterdir()] == ["kiosk.db"]
    assert (tmp_path / "kiosk.db").stat().st_size == 0


def test_two_processes_on_one_directory_are_told_alike(used: Path) -> None:
    with hold_data(used):
        for words in (["drill", APPLICATION], ["reconcile"]):
            done = run(*words, "--data", used)
            assert (done.returncode, "in use by another kiosk" in done.stderr) == (70, True)
            assert "defect" not in done.stderr


def test_records_are_made_unreadable_when_their_time_is_over_and_no_earlier(used: Path, tmp_path: Path) -> None:
    data = ("--data", used)
    kept = run("journal", "purge", "--destroy", *data)
    assert (kept.returncode, kept.stdout) == (
        0,
        "demo: 0 cases that ended more than 13 years ago were made unreadable\n",
    )
    policies = Path(shutil.copytree(SHIPPED.parent / "policy", tmp_path / "policy"))
    juki = policies / "juki-2011.toml"
    juki.write_text(juki.read_text().replace("records_years = 13", "records_years = 0"))
    over = (*data, "--set", f"policy.directory={policies}")
    named = run("journal", "purge", *over)
    assert (named.returncode, named.stdout.splitlines()[0].split()) == (0, ["2011-0001", "closed"])
    assert "due" in named.stdout
    assert run("drill", APPLICATION, *over).returncode == 0
    destroyed = run("journal", "purge", "--destroy", *over)
    assert (destroyed.returncode, "1 cases" in destroyed.stdout) == (0, True)
    assert run("journal", "verify", *data).returncode == 0
    again = run("drill", APPLICATION, "--json", *data)
    assert (again.returncode, "K-CASE-004" in again.stdout) == (1, True)
    assert run("journal", "verify", "--destroy", *data).returncode == 64
    assert run("journal", "purge", *over, "--set", "authority.url=http://127.0.0.1:1").returncode == 78


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("counter.delivery=post", "counter.delivery: Invalid enum value 'post', not one of 'terminal', 'window'"),
        ("policy.profile=juki-1999", "policy.profile: no 'juki-1999' in"),
        ("station.hardware=/nowhere.toml", "station.hardware: /nowhere.toml: no such file"),
    ],
)
def test_a_wrong_choice_is_told_with_its_key_and_what_there_is_to_choose(setting: str, told: str) -> None:
    done = run("check", "--set", setting)
    assert done.returncode == 78
    assert f"--set {told}" in done.stderr


def test_a_password_that_no_card_takes_is_told_before_anything_is_done(tmp_path: Path) -> None:
    application = tmp_path / "application.toml"
    application.write_text(APPLICATION.read_text().replace(PASSWORD, "ab"))
    done = run("drill", application, "--data", tmp_path / "data")
    assert done.returncode == 78
    assert f"{application}: persons.resident.password: not 4 to 16 of" in done.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("error", [PermissionError, NotADirectoryError, IsADirectoryError])
def test_a_file_that_this_user_may_not_touch_is_named(error: type[OSError], capsys: pytest.CaptureFixture[str]) -> None:
    def verb() -> int:
        raise error(13, "Permission denied", "/var/lib/kiosk/kiosk.db")

    assert run_verb("kiosk", verb, lambda error: None) == os.EX_CONFIG
    assert capsys.readouterr().err == "kiosk: /var/lib/kiosk/kiosk.db: Permission denied\n"


def test_a_full_disk_is_no_defect(capsys: pytest.CaptureFixture[str]) -> None:
    def verb() -> int:
        with open("/dev/full", "w") as full:
            full.write("x")
        return 0

    assert run_verb("kiosk", verb, lambda error: None) == os.EX_CONFIG
    assert capsys.readouterr().err == "kiosk: a file could not be written: No space left on device\n"


def test_a_case_whose_lines_nobody_takes_goes_on_and_is_no_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = []

    def verb() -> int:
        for step in ("application", "fee", "closed"):
            write_line(sys.stdout, {"step": step}, is_json=True)
            steps.append(step)
        return 0

    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert run_verb("kiosk", verb, lambda error: None) == 70
    assert steps == ["application", "fee", "closed"]
    assert capsys.readouterr().err == "kiosk: stdout: No space left on device\n"


def test_a_pin_for_the_roster_is_typed_at_a_terminal_only() -> None:
    done = run("clerk-pin")
    assert done.returncode == 64
    assert "needs a terminal" in done.stderr


def test_the_check_names_what_is_missing_and_how_to_mend_it(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    shutil.copytree(SHIPPED.parent, folder)
    (folder / "demo" / "issuer.toml").chmod(0o644)
    changes = ("--set", f"clerk.roster={tmp_path}/nobody.toml", "--set", f"register.file={tmp_path}/none.toml")
    told = run("check", "--config", folder / "kiosk.toml", *changes).stdout
    assert "issuer.toml: mode 0644, others can read it: chmod 600" in told
    assert f"{tmp_path}/nobody.toml: No such file" in told
    assert f"{tmp_path}/none.toml: No such file" in told
    absent = run("check", "--set", f"issuer.keys={tmp_path}/none.toml")
    assert absent.returncode == 1
    assert "issuer.keys" in absent.stdout and "no such file" in absent.stdout

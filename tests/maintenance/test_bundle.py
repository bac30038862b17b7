"""The support bundle and `kiosk check`: what a technician gets, without planted names, keys and passwords."""

import json
import logging
import os
import stat
import tarfile
from collections import deque
from pathlib import Path

import pytest

from kiosk.config import SHIPPED, load_config, locate_config
from kiosk.config_check import _card_service
from kiosk.log_file import LOG_NAME, OLDER_LOG_NAME, keeping_log
from kiosk.maintenance.bundle import HEALTH_RECORDS, settings_told, without_secrets
from tests.e2e.commands import APPLICATION, run

NAME, ADDRESS, PASSWORD = "幌延　太郎", "下沼", "Horonobe2011"
"""What the demo's application is about; the password is the resident's."""


def unpacked(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        return {
            member.name.partition("/")[2]: archive.extractfile(member).read().decode("utf-8")
            for member in archive.getmembers()
        }


def test_a_bundle_of_a_station_that_has_issued_names_nobody(tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "bundle.tar.gz"
    done = run("drill", APPLICATION, "--json", "--data", data)
    assert done.returncode == 0, done.stderr
    serial = json.loads(done.stdout.splitlines()[-1])["serial"]
    (data / HEALTH_RECORDS).write_text('{"device": "printer", "outcome": "failed"}\n')
    secrets = [
        "--set",
        "authority.url=https://operator:Geheim1@ca.example/",
        "--set",
        "authority.credential=geheim2.pem",
    ]
    done = run("bundle", "-o", out, "--data", data, *secrets)
    assert (done.returncode, done.stdout) == (0, f"{out}\n"), done.stderr
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    texts = unpacked(out)
    assert {"versions.txt", "settings.txt", "files.txt", "journal.txt", HEALTH_RECORDS, "checks.txt"} == set(texts)
    assert "chain holds" in texts["journal.txt"]
    assert "done key_generation" in texts["journal.txt"] or "done generate_key" in texts["journal.txt"]
    assert "authority.url = https://ca.example/" in texts["settings.txt"]
    assert "authority.credential = set" in texts["settings.txt"]
    whole = "\n".join(texts.values())
    numbers = [path.stem.removeprefix("card-") for path in (data / "sim").glob("card-*.json")]
    assert numbers
    for marker in (NAME, NAME.replace("　", ""), ADDRESS, PASSWORD, serial, "Geheim1", "geheim2", *numbers):
        assert marker not in whole, marker
    for key in (*data.glob("*.key"), *data.rglob("*.pem")):
        for line in key.read_text("latin-1").splitlines():
            assert len(line) < 20 or line not in whole, key
    again = run("bundle", "-o", out, "--data", data)
    assert again.returncode == 78 and "exists" in again.stderr  # never replaces anything


def test_a_bundle_holds_the_log_of_a_station_that_does_not_run_any_more(tmp_path: Path) -> None:
    with keeping_log(tmp_path, deque(maxlen=400)):
        logging.getLogger("kiosk.ui.case_thread").warning("issue stopped: K-CARD-003, rolled_back")
    (tmp_path / LOG_NAME).rename(tmp_path / OLDER_LOG_NAME)
    # As a power cut may leave it.
    (tmp_path / LOG_NAME).write_bytes(b"11-22 10:00:00 INFO    hw.owner: device printer: ready\0\xff")
    done = run("bundle", "--data", tmp_path, "-o", tmp_path / "b.tar.gz")
    assert done.returncode == 0, done.stderr
    texts = unpacked(tmp_path / "b.tar.gz")
    assert "K-CARD-003" in texts[OLDER_LOG_NAME] and "device printer: ready" in texts[LOG_NAME]


@pytest.mark.parametrize("folder", ["none", os.fsdecode(b"no text \xff\xfe")])
def test_a_station_that_never_ran_can_be_bundled_too(tmp_path: Path, folder: str) -> None:
    done = run("bundle", "--data", tmp_path / folder, "-o", tmp_path / "b.tar.gz")
    assert done.returncode == 0, done.stderr
    texts = unpacked(tmp_path / "b.tar.gz")
    assert "hardware.card.link = sim:" in texts["settings.txt"]
    assert texts["files.txt"] == ""


def test_settings_hide_what_is_secret() -> None:
    told = settings_told(load_config(locate_config(None), [("store.url", "postgresql+psycopg://u:s3cret@db/kiosk")]))
    assert "store.url = postgresql+psycopg://db/kiosk" in told
    assert not [line for line in told if "s3cret" in line]
    assert without_secrets("tcp://printer:9100") == "tcp://printer:9100"
    assert without_secrets("sqlite:////var/lib/kiosk.db") == "sqlite:////var/lib/kiosk.db"


def test_the_check_passes_what_can_be_worked_with_and_fails_the_rest(tmp_path: Path) -> None:
    done = run("check", "--json", "--data", tmp_path)
    assert done.returncode == 0, done.stdout
    checks = {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert checks["register"]["outcome"] == "pass"
    assert "card.link" in checks["rehearsal"]["detail"]
    key = tmp_path / "head.key"
    key.write_text("")
    key.chmod(0o644)
    done = run("check", "--data", tmp_path, "--set", "printer.link=serial:///dev/kiosk/no-such-printer")
    assert done.returncode == 1
    assert [line.split()[:2] for line in done.stdout.splitlines() if line.startswith("fail")] == [
        ["fail", "printer.link"],
        ["fail", "head.key"],
    ]


def test_a_card_service_that_logs_passwords_is_found(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("kiosk.config_check._PROCESSES", tmp_path)
    hardware = load_config(SHIPPED / "kiosk.toml", []).hardware
    assert _card_service(hardware).outcome == "note"
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cmdline").write_bytes(b"/usr/sbin/pcscd\0--foreground\0")
    assert _card_service(hardware).outcome == "pass"
    (tmp_path / "7" / "cmdline").write_bytes(b"/usr/sbin/pcscd\0--foreground\0--apdu\0")
    assert _card_service(hardware).outcome == "fail"


def test_a_reader_without_any_card_service_is_found(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("kiosk.config_check._PROCESSES", tmp_path)
    monkeypatch.setattr("kiosk.config_check._SOCKET", tmp_path / "pcscd.comm")
    hardware = load_config(SHIPPED / "kiosk.toml", [("card.link", "pcsc:Reader")]).hardware
    missing = _card_service(hardware)
    assert (missing.outcome, str(tmp_path / "pcscd.comm") in missing.detail) == ("fail", True)
    (tmp_path / "pcscd.comm").touch()
    assert _card_service(hardware).outcome == "note"

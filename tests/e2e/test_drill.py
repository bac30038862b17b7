"""`kiosk drill` as a town, its auditors and a power cut see it: real processes, OpenSSL as the judge."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.config import SHIPPED
from kiosk.failure_book import load_failure_book
from kiosk.model.step import Step
from kiosk.register.register import load_register
from tests.e2e.commands import (
    APPLICATION,
    PASSWORD,
    application_file,
    at,
    authority,
    lines,
    processes_with,
    run,
    started,
)
from tests.pcscd import PrivatePcscd
from tests.sweep import sweep

RESIDENTS = load_register(SHIPPED / "demo" / "residents.toml").residents()


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    directory = tmp_path_factory.mktemp("drill") / "ca"
    with authority(directory) as url:
        yield url, directory


def openssl(*words: object) -> str:
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def ocsp(url: str, ca_pem: Path, certificate: str) -> str:
    return openssl("ocsp", "-issuer", ca_pem, "-sha256", "-cert", certificate, "-url", f"{url}/ocsp", "-CAfile", ca_pem)


def test_the_demo_application_is_issued_and_openssl_agrees(tmp_path: Path) -> None:
    done = run("drill", APPLICATION, "--json", "--data", tmp_path)
    assert done.returncode == 0, done.stderr
    told = lines(done.stdout)
    assert [line["step"] for line in told] == [step.value for step in Step]
    assert all(set(line) == {"step", "actor", "ms", "apdus"} for line in told[:-1])
    assert set(told[-1]) == {"step", "serial", "certificate", "receipt"}
    closed, ca_pem = told[-1], tmp_path / "authority" / "ca.pem"
    assert "OK" in openssl("verify", "-x509_strict", "-CAfile", ca_pem, closed["certificate"])
    assert closed["serial"] == openssl("x509", "-in", closed["certificate"], "-noout", "-serial").strip()[7:]

    served = ("ca", "serve", "--data", tmp_path, "--listen", "127.0.0.1:0")
    with started(*served) as (_, ready):
        url = ready.split()[1]
        good = ocsp(url, ca_pem, closed["certificate"])
        assert "Response verify OK" in good
        assert ": good" in good
        revoked = run("ca", "revoke", closed["serial"], "--reason", "keyCompromise", "--data", tmp_path)
        assert revoked.returncode == 0, revoked.stderr
        answer = ocsp(url, ca_pem, closed["certificate"])
        assert ": revoked" in answer
        assert "Reason: keyCompromise" in answer

    again = run("drill", APPLICATION, "--json", "--data", tmp_path)
    assert lines(again.stdout)[-1] == closed
    verified = run("journal", "verify", "--data", tmp_path)
    assert verified.returncode == 0
    assert "chain holds" in verified.stdout
    secrets = [path for path in tmp_path.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
    assert secrets == []


def test_card_and_printer_in_processes_of_their_own_change_nothing(tmp_path: Path, ca: tuple[str, Path]) -> None:
    url, directory = ca
    with (
        PrivatePcscd() as pcscd,
        started("sim", "card", "--vpcd", f"127.0.0.1:{pcscd.vpcd_ports[0]}", module="hw") as (_, ready),
        started("sim", "printer", "--pty", "--out", tmp_path / "papers", module="hw") as (_, pty),
    ):
        assert ready == "ready"
        reader = ["--set", f"card.link=pcsc:{pcscd.reader_names[0]}"]
        file = application_file(tmp_path / "a.toml", resident=RESIDENTS[50].code)
        printer = ["--set", f"printer.link=serial://{pty}"]
        drill = ["drill", file, "--json", "--data", tmp_path / "data", *at(url, directory), *reader, *printer]
        done = run(*drill, env=pcscd.env)
        assert done.returncode == 0, done.stderr
        assert lines(done.stdout)[-1]["step"] == "closed"
        many = run(*drill, "--count", 2, env=pcscd.env)
        assert many.returncode == 64
        paper = (tmp_path / "papers" / "0001.txt").read_text()
        assert "手数料領収書" in paper
        assert "¥500" in paper

        (tmp_path / "pin").write_text(PASSWORD)
        (tmp_path / "form.txt").write_bytes(b"an e-application\n")
        signed = run("sign", tmp_path / "form.txt", "--pin-file", tmp_path / "pin", *reader, env=pcscd.env)
        assert signed.returncode == 0, signed.stderr
        check_circle(tmp_path / "form.txt", lines(done.stdout)[-1]["serial"], RESIDENTS[50].items.name, ca)


def check_circle(form: Path, serial: str, name: str, ca: tuple[str, Path]) -> None:
    """The agency's side: accepted; then one changed byte, another name, no authority, a revoked certificate."""
    url, directory = ca
    signature, trust = form.with_name(form.name + ".p7s"), directory / "ca.pem"
    cms = ["cms", "-verify", "-binary", "-inform", "DER", "-in", signature, "-content", form, "-CAfile", trust]
    assert "CMS Verification successful" in openssl(*cms, "-purpose", "any", "-out", os.devnull)
    check = ["verify", form, "--trust", trust, "--json", "--set", f"authority.url={url}"]
    assert verdict(run(*check, "--name", name)) == (0, "accepted")
    assert verdict(run(*check, "--name", "別人　太郎")) == (1, "rejected")
    assert verdict(run(*check[:-1], "authority.url=http://127.0.0.1:9")) == (2, "undecided")
    changed = form.with_name("changed.txt")
    changed.write_bytes(form.read_bytes()[:-1] + b"!")
    assert verdict(run("verify", changed, signature, *check[2:])) == (1, "rejected")
    assert run("ca", "revoke", serial, "--reason", "superseded", "--data", directory).returncode == 0
    assert verdict(run(*check)) == (1, "rejected")


def verdict(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    return done.returncode, json.loads(done.stdout)["verdict"]


# Each call of a drill is where one is killed in `tests.crash.killed`.
@pytest.mark.parametrize("position", sweep(range(len(Step)), suite=[1, 4, 7, 9]))
def test_a_drill_killed_between_any_two_steps_is_finished_or_rolled_back(
    tmp_path: Path, ca: tuple[str, Path], position: int
) -> None:
    url, directory = ca
    file = application_file(tmp_path / "a.toml", resident=RESIDENTS[position].code, number=f"killed-{position}")
    drill = ["drill", file, "--json", "--data", tmp_path / "data", *at(url, directory)]
    process = subprocess.Popen([sys.executable, "-m", "kiosk", *map(str, drill)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(position):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()

    done = run(*drill)
    assert done.returncode == 0, done.stderr
    told = lines(done.stdout)
    assert [line["step"] for line in told] == [step.value for step in Step]
    assert sum(bool(line.get("resumed")) for line in told) >= max(position - 1, 0)
    status = run("ca", "status", told[-1]["serial"], "--data", directory)
    assert status.stdout.strip() == "good"
    assert json.loads((tmp_path / "data" / "sim" / "till.json").read_text()) == {f"killed-{position}": 500}
    papers = [path.read_text() for path in (tmp_path / "data" / "sim" / "printer").glob("*.txt")]
    assert sum("手数料領収書" in paper for paper in papers) <= 1
    assert any("No. 000001" in paper for paper in papers)
    assert run("journal", "verify", "--data", tmp_path / "data").returncode == 0


def test_a_drill_killed_with_its_own_authority_leaves_no_process_and_is_resumed(tmp_path: Path) -> None:
    drill = [sys.executable, "-m", "kiosk", "drill", str(APPLICATION), "--json", "--data", str(tmp_path)]
    process = subprocess.Popen(drill, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(6):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    done = run(*drill[3:])
    assert done.returncode == 0, done.stderr
    assert lines(done.stdout)[-1]["step"] == "closed"
    assert processes_with(tmp_path / "authority") == []


def test_each_of_several_residents_has_a_card_of_his_own(tmp_path: Path) -> None:
    done = run("drill", APPLICATION, "--json", "--data", tmp_path, "--count", 3)
    assert done.returncode == 0, done.stderr
    closed = [line for line in lines(done.stdout) if line["step"] == "closed"]
    assert [line["receipt"] for line in closed] == [1, 2, 3]
    assert len({line["serial"] for line in closed}) == 3
    assert len(list((tmp_path / "sim").glob("card-*.json"))) == 3


@pytest.mark.parametrize(
    ("found", "instead", "key", "reason"),
    [
        ('number = "2011-0001"', "", "number", "missing"),
        ("number =", "numer =", "numer", "did you mean 'number'"),
        ('password = "Horonobe2011"', "", "persons.resident.password", "missing"),
        ("tendered_yen = 1000", 'tendered_yen = "a lot"', "persons.clerk.tendered_yen", "Expected `int`"),
        ("[persons.resident]", '[form]\nname = "吉\\u200e野"\n[persons.resident]', "form.name", "U+200E"),
        ("[persons.resident]", "[persons.resident", "", "not TOML"),
    ],
)
def test_a_bad_application_is_refused_by_file_key_and_reason(
    tmp_path: Path, found: str, instead: str, key: str, reason: str
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(APPLICATION.read_text().replace(found, instead, 1))
    done = run("drill", file, "--data", tmp_path / "data")
    assert done.returncode == 78
    assert str(file) in done.stderr
    assert key in done.stderr
    assert reason in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_missing_file_is_a_configuration_error(tmp_path: Path) -> None:
    done = run("drill", tmp_path / "none.toml", "--data", tmp_path / "data")
    assert (done.returncode, done.stdout) == (78, "")
    assert "none.toml: No such file" in done.stderr


def ending(stdout: str) -> tuple[str, str]:
    """The last line's step and code; what stands there for people is the failure book's."""
    last = lines(stdout)[-1]
    entry = load_failure_book()[last["code"]]
    assert (last["what"], last["remedy"], last["who"]) == (entry.en.what, entry.en.remedy, entry.who)
    return last["step"], last["code"]


def test_a_resident_of_another_town_is_refused_and_his_card_stays_empty(tmp_path: Path, ca: tuple[str, Path]) -> None:
    file = application_file(tmp_path / "a.toml", resident="99999999999")
    done = run("drill", file, "--json", "--data", tmp_path / "data", *at(*ca))
    assert done.returncode == 1
    assert ending(done.stdout) == ("refused", "E01")
    (card,) = (tmp_path / "data" / "sim").glob("card-*.json")
    memory = json.loads(card.read_text())
    assert (memory["files"], memory["pins"], memory["keys"]) == ({}, {}, {})


def test_an_unreachable_authority_rolls_back_with_its_own_exit_code(tmp_path: Path, ca: tuple[str, Path]) -> None:
    file = application_file(tmp_path / "a.toml", resident=RESIDENTS[60].code)
    done = run("drill", file, "--json", "--data", tmp_path, *at("http://127.0.0.1:9", ca[1]))
    assert done.returncode == 69
    assert ending(done.stdout) == ("rolled_back", "K-CA-001")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["drill"], 64),
        (["drill", APPLICATION, "--count", "0"], 64),
        (["drill", APPLICATION, "--set", "nonsense"], 64),
        (["drill", APPLICATION, "--set", "card.lnk=sim:"], 78),
        (["drill", APPLICATION, "--set", "card.link=usb:"], 78),
        (["drill", APPLICATION, "--set", "printer.link=carrier-pigeon:"], 78),
        (["--config", "/nonexistent.toml", "drill", APPLICATION], 78),
        (["fly"], 64),
    ],
)
def test_a_wrong_call_ends_with_its_exit_code(tmp_path: Path, words: list[object], code: int) -> None:
    done = run("--data", tmp_path, *words)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_the_help_of_the_drill_documents_every_key() -> None:
    told = run("drill", "--help").stdout
    for key in (
        "number",
        "resident",
        "name",
        "address",
        "birth_date",
        "sex",
        "password",
        "identity_document",
        "tendered_yen",
    ):
        assert f"  {key}" in told or f", {key}" in told


def test_a_reader_that_goes_away_does_not_stop_the_issuance(tmp_path: Path, ca: tuple[str, Path]) -> None:
    file = application_file(tmp_path / "a.toml", resident=RESIDENTS[61].code)
    words = [sys.executable, "-m", "kiosk", "drill", file, "--json", "--data", tmp_path / "data", *at(*ca)]
    process = subprocess.Popen([str(w) for w in words], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 70
    again = run(*words[3:])
    assert lines(again.stdout)[-1]["step"] == "closed"
    assert len(again.stdout.splitlines()) == len(Step)
    assert all(line["resumed"] for line in lines(again.stdout)[:-1])


def test_a_number_used_before_for_another_resident_is_refused(tmp_path: Path, ca: tuple[str, Path]) -> None:
    drill = ["--data", tmp_path / "data", *at(*ca)]
    first = application_file(tmp_path / "a.toml", resident=RESIDENTS[62].code)
    assert run("drill", first, *drill).returncode == 0
    second = application_file(tmp_path / "b.toml", resident=RESIDENTS[63].code)
    done = run("drill", second, *drill)
    assert done.returncode == 78
    assert "number" in done.stderr


@pytest.mark.parametrize("code", ["nobody", "a/b", "9999999999999", "住民"])
def test_whatever_is_written_for_a_resident_who_is_not_there_is_refused(
    tmp_path: Path, ca: tuple[str, Path], code: str
) -> None:
    file = application_file(tmp_path / "a.toml", resident=code)
    done = run("drill", file, "--json", "--data", tmp_path / "data", *at(*ca))
    assert done.returncode == 1, done.stderr
    assert ending(done.stdout) == ("refused", "E01")


def test_what_the_clerk_cannot_tell_is_settled_by_two_and_the_drill_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(APPLICATION.read_text().replace("[persons.clerk]", "[persons.clerk]\ncannot_tell = true", 1))
    # A printer that only takes bytes confirms nothing, so that somebody has to look.
    devices = ("--data", tmp_path, "--set", f"printer.link=file:{tmp_path / 'paper.bin'}")
    (tmp_path / "paper.bin").touch()
    first = run("drill", file, "--json", *devices)
    assert first.returncode == 2, first.stderr
    assert (lines(first.stdout)[-1]["step"], lines(first.stdout)[-1]["code"]) == ("suspect", "K-CASE-007")
    asked = run("settle", *devices)
    assert asked.stdout.split() == ["2011-0001", "receipt", "whole|partly|nothing"]
    clerks = tmp_path / "authority" / "clerks"
    alone = run("settle", "2011-0001", "whole", "--second", clerks / "demo.pem", *devices)
    assert (alone.returncode, alone.stdout) == (1, "") and "one clerk twice" in alone.stderr
    wrong = run("settle", "2011-0001", "500", "--second", clerks / "second.pem", *devices)
    assert (wrong.returncode, wrong.stdout) == (1, "") and "no answer" in wrong.stderr
    assert run("settle", "2011-0001", *devices).returncode == 64
    settled = run("settle", "2011-0001", "whole", "--second", clerks / "second.pem", *devices)
    assert (settled.returncode, settled.stdout.split()) == (0, ["2011-0001", "returned"])
    assert run("settle", "2011-0001", "whole", "--second", clerks / "second.pem", *devices).returncode == 1
    again = run("drill", file, "--json", *devices)
    assert again.returncode == 0, again.stderr
    assert lines(again.stdout)[-1]["step"] == "closed"
    assert run("journal", "verify", "--data", tmp_path).returncode == 0

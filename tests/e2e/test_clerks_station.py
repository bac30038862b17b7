"""A terminal that has nothing of the clerk's issues with a clerk's station in a process of its own, over one store."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.commands import APPLICATION, authority, lines, run
from tests.stores import Store
from tests.sweep import sweep


@pytest.fixture
def ca(tmp_path: Path) -> object:
    with authority(tmp_path / "ca") as url:
        yield url, tmp_path / "ca"


def settings(url: str, credential: Path, store: Store) -> list[object]:
    pairs = {"authority.url": url, "authority.credential": credential, "store.url": store.url}
    return [word for key, value in pairs.items() for word in ("--set", f"{key}={value}")]


@pytest.mark.parametrize("new_store", sweep(["sqlite", "postgresql"], suite=[0]), indirect=True)
def test_a_terminal_without_register_and_keys_issues_with_a_clerk_elsewhere(
    tmp_path: Path, ca: tuple[str, Path], store: Store
) -> None:
    url, directory = ca
    assert run("ca", "station", "window", "--data", directory).returncode == 0
    bare = Path(shutil.copytree(APPLICATION.parents[1], tmp_path / "config"))
    (bare / "demo" / "residents.toml").unlink()
    (bare / "demo" / "issuer.toml").unlink()
    terminal = [
        "drill",
        APPLICATION,
        "--json",
        "--config",
        bare / "kiosk.toml",
        "--data",
        tmp_path / "terminal",
        "--set",
        "clerk.station=window",
        *settings(url, directory / "stations" / "demo.pem", store),
    ]
    alone = run(*terminal, "--set", "clerk.patience_s=0.2")
    assert (alone.returncode, alone.stdout) == (70, "")
    window = settings(url, directory / "stations" / "window.pem", store)
    attend = ["drill", APPLICATION, "--attend", "--data", tmp_path / "window", *window]
    attending = subprocess.Popen(
        [sys.executable, "-m", "kiosk", *map(str, attend)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert attending.stdin is not None and attending.stdout is not None
    assert attending.stdout.readline() == "ready\n"
    done = run(*terminal)
    assert done.returncode == 0, done.stderr
    assert lines(done.stdout)[-1]["step"] == "closed"
    again = run(*terminal)
    assert (again.returncode, lines(again.stdout)[-1]) == (0, lines(done.stdout)[-1]), again.stderr
    at_terminal = ["--data", tmp_path / "terminal", *settings(url, directory / "stations" / "demo.pem", store)]
    reconciled = run("reconcile", *at_terminal, "--set", "clerk.station=window")
    assert reconciled.returncode == 0, reconciled
    attending.stdin.close()
    assert attending.wait(60) == 0
    attending.stdout.close()
    assert json.loads((tmp_path / "window" / "sim" / "till.json").read_text()) == {"2011-0001": 500}
    assert not (tmp_path / "terminal" / "sim" / "till.json").exists()
    # Of the two only the window can read the case now, and each says so.
    words = {
        "terminal": "can be read at station window alone",
        "window": "records that are sealed to it are those that were journaled",
    }
    for folder, word in words.items():
        verified = run("journal", "verify", "--data", tmp_path / folder, "--set", f"store.url={store.url}")
        assert verified.returncode == 0 and word in verified.stdout, verified
    patience = ["--set", "clerk.station=window", "--set", "clerk.patience_s=0.2"]
    assert run("reconcile", *at_terminal, *patience).returncode == 2
    assert run(*terminal, *patience[2:]).returncode == 70
    (tmp_path / "window" / "line.key").unlink()
    lost = run(*attend)
    assert lost.returncode == 78 and "line.key" in lost.stderr, lost


@pytest.mark.parametrize("new_store", sweep(["sqlite", "postgresql"], suite=[1]), indirect=True)
def test_two_clerks_settle_a_terminals_case_at_their_own_station(
    tmp_path: Path, ca: tuple[str, Path], store: Store
) -> None:
    """With the installed commands, from the clerk who cannot tell to the end of the case."""
    url, directory = ca
    assert run("ca", "station", "window", "--data", directory).returncode == 0
    file = tmp_path / "application.toml"
    file.write_text(APPLICATION.read_text().replace("[persons.clerk]", "[persons.clerk]\ncannot_tell = true", 1))
    shutil.copytree(APPLICATION.parent, tmp_path / "demo")
    at_window = ["--data", tmp_path / "window", *settings(url, directory / "stations" / "window.pem", store)]
    at_terminal = [
        *("--data", tmp_path / "terminal", "--set", "clerk.station=window"),
        *settings(url, directory / "stations" / "demo.pem", store),
    ]
    # A printer that only takes bytes confirms nothing, so that somebody has to look.
    blind = ["--set", f"printer.link=file:{tmp_path / 'paper.bin'}"]
    (tmp_path / "paper.bin").touch()

    def attending() -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "kiosk", "drill", str(file), "--attend", *map(str, at_window)]
        window = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert window.stdout is not None and window.stdout.readline() == "ready\n"
        return window

    def end(window: subprocess.Popen[str]) -> None:
        window.communicate(timeout=60)
        assert window.returncode == 0

    window = attending()
    first = run("drill", file, "--json", *at_terminal, *blind)
    assert (first.returncode, lines(first.stdout)[-1]["code"]) == (2, "K-CASE-007"), first.stderr
    end(window)
    told = run("settle", *at_window)
    assert told.stdout.split() == ["2011-0001", "receipt", "at", "terminal", "demo", "K-CASE-007"], told
    alone = run("settle", "2011-0001", *at_terminal, "--set", "clerk.patience_s=0.2")
    assert alone.returncode == 2 and "clerk's station" in alone.stderr, alone
    here = run("settle", "2011-0001", "whole", "--second", directory / "clerks" / "second.pem", *at_terminal)
    assert here.returncode == 64 and "at the clerk's station" in here.stderr, here
    window = attending()
    settled = run("settle", "2011-0001", *at_terminal)
    assert (settled.returncode, settled.stdout.split()) == (0, ["2011-0001", "returned"]), settled
    again = run("drill", file, "--json", *at_terminal)
    end(window)
    assert (again.returncode, lines(again.stdout)[-1]["step"]) == (0, "closed"), again
    for folder in ("terminal", "window"):
        words = ("--data", tmp_path / folder, "--set", f"store.url={store.url}")
        assert run("journal", "verify", *words).returncode == 0


def test_a_station_that_names_itself_is_its_own_clerks(tmp_path: Path, ca: tuple[str, Path], store: Store) -> None:
    url, directory = ca
    alone = [*settings(url, directory / "stations" / "demo.pem", store), "--data", tmp_path / "alone"]
    words = ["drill", APPLICATION, "--json", *alone, "--set", "clerk.station=demo"]
    done, again = run(*words), run(*words)
    assert done.returncode == 0, done.stderr
    assert lines(again.stdout)[-1] == lines(done.stdout)[-1]

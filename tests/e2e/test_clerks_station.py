"""A terminal that has nothing of the clerk's issues with a clerk's station in a process of its own, over one store."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.commands import APPLICATION, authority, lines, run
from tests.stores import Store


@pytest.fixture
def ca(tmp_path: Path) -> object:
    with authority(tmp_path / "ca") as url:
        yield url, tmp_path / "ca"


def settings(url: str, credential: Path, store: Store) -> list[object]:
    pairs = {"authority.url": url, "authority.credential": credential, "store.url": store.url}
    return [word for key, value in pairs.items() for word in ("--set", f"{key}={value}")]


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
    attending.stdin.close()
    assert attending.wait(60) == 0
    attending.stdout.close()
    assert json.loads((tmp_path / "window" / "sim" / "till.json").read_text()) == {"2011-0001": 500}
    assert not (tmp_path / "terminal" / "sim" / "till.json").exists()

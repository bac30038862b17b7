"""`kiosk journal`: what is shown and exported, and that a stranger can verify the export with his own tools."""

import hashlib
import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from kiosk.cli import main
from kiosk.journal.database import open_database
from tests.journal.filled_journal import Filled, fill, filled, open_journal
from tests.journal.test_merkle import mth


@pytest.fixture
def whole(tmp_path: Path) -> Filled:
    whole = filled(tmp_path / "kiosk.db", 60)
    fill(open_journal(whole.path, "other"), 20)
    return whole


def run(whole: Filled, *words: str) -> int:
    return main(["journal", *words, "--data", str(whole.path.parent)])


def test_show_prints_every_entry(whole: Filled, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(whole, "show") == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[: len(whole.entries)] == [entry.body for entry in whole.entries]
    assert json.loads(shown[-1])["station"] == "other"


def test_a_store_of_an_older_program_is_left_as_it_is(whole: Filled, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(whole.path)) as connection:
        connection.execute("DELETE FROM schema_version WHERE version = (SELECT MAX(version) FROM schema_version)")
        connection.commit()
    before = whole.path.read_bytes()
    for action in ("verify", "show", "export"):
        assert run(whole, action) != 0
        assert "has to be looked at with the program that wrote it" in capsys.readouterr().err
    assert whole.path.read_bytes() == before


def test_an_export_is_verified_by_a_stranger_from_its_description(
    whole: Filled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(whole, "export") == 0
    leaves: dict[str, list[bytes]] = {}
    last: dict[str, bytes] = {}
    keys: dict[str, bytes] = {}
    heads = 0
    for line in map(json.loads, capsys.readouterr().out.splitlines()):
        if "entry" in line:
            body = json.loads(line["entry"])
            station = body["station"]
            data = last.get(station, bytes(32)) + line["entry"].encode()
            leaves.setdefault(station, []).append(data)
            last[station] = hashlib.sha256(b"\x00" + data).digest()
            assert last[station].hex() == line["hash"]
            assert body["seq"] == len(leaves[station])
            if "head_key" in body:
                keys[station] = bytes.fromhex(body["head_key"])
        else:
            head = json.loads(line["head"])
            assert mth(leaves[head["station"]][: head["size"]]).hex() == head["root"]
            assert is_signed(tmp_path, keys[head["station"]], line["head"].encode(), bytes.fromhex(line["signature"]))
            heads += 1
    assert len(leaves["demo"]) == len(whole.entries)
    assert heads > len(whole.heads)


def is_signed(directory: Path, key: bytes, payload: bytes, signature: bytes) -> bool:
    (directory / "key").write_bytes(bytes.fromhex("302a300506032b6570032100") + key)
    (directory / "payload").write_bytes(payload)
    (directory / "signature").write_bytes(signature)
    check = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in payload -sigfile signature"
    return subprocess.run(check.split(), cwd=directory, capture_output=True).returncode == 0


def test_verify_answers_by_its_exit_code(whole: Filled, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(whole, "verify") == 0
    assert run(whole, "verify", "--head", whole.receipt.text) == 0
    assert "the head of" in capsys.readouterr().out
    assert run(whole, "verify", "--head", whole.receipt.text[:-9]) == 1
    assert main(["journal", "verify", "--data", str(tmp_path / "elsewhere")]) == 78
    assert run(whole, "show", "--head", whole.receipt.text) == 64


def test_a_store_without_a_journal_is_not_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_database(f"sqlite:///{tmp_path / 'kiosk.db'}").close()
    assert main(["journal", "verify", "--data", str(tmp_path)]) == 1
    assert "it holds no journal" in capsys.readouterr().out

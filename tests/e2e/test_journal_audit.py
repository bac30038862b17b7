"""The journal as auditors and attackers meet it: the paper in the hand, the store on the disk, the commands."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.commands import APPLICATION, lines, run


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("journal")
    done = run("drill", APPLICATION, "--json", "--data", data)
    assert done.returncode == 0, done.stderr
    return data


def proof(data: Path) -> str:
    """The text that a phone reads from the receipt."""
    (paper,) = (data / "sim" / "printer").glob("*.txt")
    (line,) = (line.strip() for line in paper.read_text().splitlines() if "[QR " in line)
    return line[4:-1]


def change(data: Path, *statements: str) -> None:
    """Writes into the store past its protection."""
    with closing(sqlite3.connect(data / "kiosk.db")) as connection, connection:
        for verb in ("update", "delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS journal_no_{verb}")
        for statement in statements:
            connection.execute(statement)


def test_the_paper_proves_itself_against_the_journal(issued: Path) -> None:
    done = run("journal", "verify", "--head", proof(issued), "--data", issued)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "demo: the head of" in done.stdout
    assert run("journal", "verify", "--head", proof(issued).replace("KJ1:", "KJ1:00"), "--data", issued).returncode == 1


def test_a_station_whose_journal_was_cut_or_changed_does_not_issue(issued: Path) -> None:
    original = (issued / "kiosk.db").read_bytes()
    try:
        for statement in (
            "UPDATE journal SET body = replace(body, '2', '3') WHERE seq = (SELECT MAX(seq) FROM journal)",
            "DELETE FROM journal WHERE seq > (SELECT MAX(size) - 1 FROM heads)",
        ):
            (issued / "kiosk.db").write_bytes(original)
            change(issued, statement)
            assert run("journal", "verify", "--data", issued).returncode == 1
            again = run("drill", APPLICATION, "--json", "--data", issued)
            assert (again.returncode, again.stdout) == (1, "")
            assert "chain broken: station demo, entry" in again.stderr
            assert "Traceback" not in again.stderr
    finally:
        (issued / "kiosk.db").write_bytes(original)


def test_a_restored_copy_from_before_is_unmasked_by_the_receipt(issued: Path, tmp_path: Path) -> None:
    before = tmp_path / "before"
    before.mkdir()
    assert run("journal", "verify", "--data", before).returncode == 78
    text = proof(issued)
    change(
        issued,
        "DELETE FROM journal WHERE seq > 1",
        "DELETE FROM heads WHERE size > 1",
        "DELETE FROM effects",
        "DELETE FROM receipts",
        "DELETE FROM cases",
    )
    assert run("journal", "verify", "--data", issued).returncode == 0
    done = run("journal", "verify", "--head", text, "--data", issued)
    assert done.returncode == 1
    assert "the journal ends at entry 1" in done.stdout


def test_the_head_key_is_the_owners_alone(issued: Path) -> None:
    assert (issued / "head.key").stat().st_mode & 0o777 == 0o600
    assert lines(run("journal", "export", "--data", issued).stdout)[0].keys() == {"entry", "hash"}

"""An authority is made whole or not at all, wherever the power is cut, and nothing else is touched."""

import hashlib
import shutil
from pathlib import Path

import pytest
from authority_desk import POLICIES, START, TOWN

from kiosk.authority.embedded import directory as authority_directory
from kiosk.authority.embedded.directory import init, open_authority
from kiosk.authority.embedded.terms import DirectoryInvalid, read_terms

POLICY = POLICIES / "juki-2011.toml"
NAMES = authority_directory._MADE


def make(directory: Path) -> None:
    init(directory, POLICY, TOWN, lambda: START)


def interrupted(juki: Path, directory: Path, moved: int) -> Path:
    """What a kill leaves: a whole work folder out of which so many files were moved; returns the folder."""
    work = directory / ".init-killed"
    shutil.copytree(juki, work, ignore=shutil.ignore_patterns("*-journal"))
    for name in NAMES[:moved]:
        (work / name).rename(directory / name)
    return work


def test_what_init_makes_is_all_there_is(tmp_path: Path) -> None:
    make(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(NAMES)


@pytest.mark.parametrize("moved", [0, 1, 4, len(NAMES) - 1])
def test_an_init_killed_between_two_files_is_begun_anew(juki: Path, tmp_path: Path, moved: int) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    interrupted(juki, tmp_path, moved)
    make(tmp_path)
    open_authority(tmp_path, lambda: START).store.close()
    assert (tmp_path / "ca.pem").read_bytes() != (juki / "ca.pem").read_bytes()
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not list(tmp_path.glob(".init-*"))


def test_an_init_killed_before_it_was_ready_leaves_others_alone(juki: Path, tmp_path: Path) -> None:
    (interrupted(juki, tmp_path, 0) / "authority.toml").unlink()
    (tmp_path / "ca.key").write_text("another authority's key")
    with pytest.raises(DirectoryInvalid, match=r"holds ca\.key already"):
        make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["ca.key"]
    assert (tmp_path / "ca.key").read_text() == "another authority's key"


def test_a_file_that_somebody_has_put_there_stays_and_is_named(juki: Path, tmp_path: Path) -> None:
    interrupted(juki, tmp_path, len(NAMES) - 1)
    (tmp_path / "stations" / "ours.pem").write_text("mine")
    with pytest.raises(DirectoryInvalid, match="holds stations already"):
        make(tmp_path)
    assert (tmp_path / "stations" / "ours.pem").read_text() == "mine"


def test_a_whole_authority_outlives_a_work_folder_that_was_left(juki: Path, tmp_path: Path) -> None:
    interrupted(juki, tmp_path, len(NAMES))
    before = hashlib.sha256((tmp_path / "ca.key").read_bytes()).digest()
    with pytest.raises(DirectoryInvalid, match="overwritten"):
        make(tmp_path)
    assert hashlib.sha256((tmp_path / "ca.key").read_bytes()).digest() == before


def test_a_move_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def fail_at_policy(path: Path, target: Path) -> Path:
        if path.name == "policy.toml":
            raise OSError("disk full")
        return rename(path, target)

    with monkeypatch.context() as patch, pytest.raises(OSError, match="disk full"):
        patch.setattr(Path, "rename", fail_at_policy)
        make(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_terms_are_read_without_keys(juki: Path, tmp_path: Path) -> None:
    for name in ("authority.toml", "policy.toml"):
        shutil.copy(juki / name, tmp_path / name)
    terms = read_terms(tmp_path)
    assert (terms.town, terms.policy.name) == (TOWN, "juki-2011")

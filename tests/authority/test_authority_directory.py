"""An authority is made whole or not at all, wherever the power is cut, and nothing else is touched."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from authority_desk import POLICIES, START, TOWN

from kiosk.authority.embedded import directory as authority_directory
from kiosk.authority.embedded.directory import check_writable, init, open_authority, read_passphrase, read_secret
from kiosk.authority.embedded.terms import DirectoryInvalid, read_terms

POLICY = POLICIES / "juki-2011.toml"
NAMES = tuple(name for name in authority_directory._MADE if not name.startswith("ceremony."))
"""Of an authority for training."""


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


def test_what_is_damaged_is_named_by_its_own_file_and_key(juki: Path, tmp_path: Path) -> None:
    directory = tmp_path / "authority"
    shutil.copytree(juki, directory)
    (directory / "store.db").write_text("damaged")
    with pytest.raises(DirectoryInvalid, match=rf"^{directory}/store\.db: "):
        open_authority(directory, lambda: START)
    (directory / "authority.toml").write_text("")
    with pytest.raises(DirectoryInvalid, match=rf"^{directory}/authority\.toml: town: missing$"):
        read_terms(directory)


def test_books_that_cannot_be_written_to_are_not_served(juki: Path) -> None:
    with tempfile.TemporaryDirectory() as reachable:  # by every user, as pytest's own folders are not
        directory = Path(reachable) / "authority"
        shutil.copytree(juki, directory)
        check_writable(directory)
        (directory / "store.db").chmod(0o444)
        for path in (Path(reachable), directory, directory / "authority.toml"):
            path.chmod(0o777)
        before = os.geteuid()
        os.seteuid(before or 65534)  # to the administrator no file is read-only
        try:
            with pytest.raises(DirectoryInvalid, match=r"store\.db: cannot be written to"):
                check_writable(directory)
        finally:
            os.seteuid(before)


def test_a_secret_without_a_place_or_without_an_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DirectoryInvalid, match="nowhere/secret: No such file or directory"):
        read_secret(tmp_path / "nowhere" / "secret")
    for read in (read_secret, read_passphrase):
        with pytest.raises(DirectoryInvalid, match="/dev/zero: its first line has more than"):
            read(Path("/dev/zero"))
    assert read_secret(tmp_path / "new") == read_secret(tmp_path / "new")

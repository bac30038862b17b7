"""No power cut takes an acknowledged entry, in a reduced set; and the harness sees it where one does.

The long run is a command: `python -m tests.crash.power_cut --images 100000`.
"""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from tests.crash.disk import EVERYTHING, NOTHING, RandomLuck, replay
from tests.crash.power_cut import Recording, Verdict, explore, hot_images, record_issuances, record_reopening
from tests.crash.recording import Acknowledged, Created, RecordingFailed, Synced, Truncated, Unlinked, Written, parse


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return record_issuances(tmp_path_factory.mktemp("product"), "product")


def test_no_power_cut_during_an_issuance_takes_an_acknowledged_entry(recording: Recording) -> None:
    findings = explore(recording, images=600, seed=1, parts=4)
    assert findings.examples == []
    assert findings.verdicts == {Verdict.SOUND: 600}


def test_no_power_cut_during_the_recovery_from_a_power_cut_takes_an_entry_that_was_read(
    recording: Recording, tmp_path: Path
) -> None:
    (image,) = hot_images(recording, 1, seed=2)
    reopening = record_reopening(tmp_path, image)
    # What a commit wrote too early is taken back first.
    assert next(one for one in reopening.operations if isinstance(one, Written)).name == "kiosk.db"
    findings = explore(reopening, images=150, seed=1)
    assert findings.examples == []
    assert findings.images > 50


def test_the_judge_works_with_the_library_that_was_recorded(recording: Recording) -> None:
    assert sqlite3.sqlite_version
    libraries = {line.split()[-1] for line in Path("/proc/self/maps").open() if "libsqlite3" in line}
    assert libraries == {recording.library}


@pytest.mark.parametrize("unsynced", ["kiosk.db", "kiosk.db-journal", ""])
def test_a_sync_that_is_left_out_is_found_out(recording: Recording, unsynced: str) -> None:
    careless = tuple(operation for operation in recording.operations if operation != Synced(unsynced))
    findings = explore(replace(recording, operations=careless), images=600, seed=1, parts=7)
    assert findings.verdicts[Verdict.LOST] + findings.verdicts[Verdict.CORRUPT] > 0


def test_a_store_that_is_not_durable_is_found_out(tmp_path: Path) -> None:
    findings = explore(record_issuances(tmp_path, "off"), images=600, seed=1, parts=7)
    assert findings.verdicts[Verdict.LOST] > 0
    assert findings.verdicts[Verdict.CORRUPT] > 0


FOLDER = Path("/x")


def traced(*calls: str) -> list[object]:
    lines = [f"1 {call}\n" for call in calls]
    return list(parse(lines, FOLDER, Path("/y")))


def hexed(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


def test_every_operation_on_the_folder_is_read_from_the_trace() -> None:
    file, folder, other = f"3<{hexed('/x/a')}>", f"4<{hexed('/x')}>", f"5<{hexed('/z/a')}>"
    assert traced(
        f'openat(AT_FDCWD<{hexed("/")}>, "{hexed("/x/a")}", O_RDWR|O_CREAT, 0644) = {file}',
        f'openat(AT_FDCWD<{hexed("/")}>, "{hexed("/x/a")}", O_RDWR|O_CREAT, 0644) = {file}',
        f'openat(AT_FDCWD<{hexed("/")}>, "{hexed("/x/b")}", O_RDWR) = -1 ENOENT (No such file or directory)',
        f'pwrite64({file}, "{hexed("two")}", 3, 4096) = 3',
        f'pwrite64({other}, "{hexed("two")}", 3, 4096) = 3',
        f"ftruncate({file}, 7) = 0",
        f"fdatasync({file}) = 0",
        f"fsync({folder}) = 0",
        f'write(6<{hexed("/y")}>, "{hexed(".")}", 1) = 1',
        f'unlink("{hexed("/x/a")}") = 0',
        "+++ exited with 0 +++",
    ) == [
        Created("a"),
        Written("a", 4096, b"two"),
        Truncated("a", 7),
        Synced("a"),
        Synced(""),
        Acknowledged(),
        Unlinked("a"),
    ]


def test_a_call_told_in_two_pieces_counts_when_it_returned() -> None:
    file = f"3<{hexed('/x/a')}>"
    lines = [
        f"1 fsync({file} <unfinished ...>\n",
        f"2 ftruncate({file}, 7) = 0\n",
        "1 <... fsync resumed>) = 0\n",
    ]
    assert list(parse(lines, FOLDER, Path("/y"))) == [Truncated("a", 7), Synced("a")]


@pytest.mark.parametrize(
    "call", ['rename("/x/a", "/x/b") = 0', 'pwritev(3</x/a>, [{iov_base="a", iov_len=1}], 1, 0) = 1', "msync(/x/a"]
)
def test_an_operation_that_is_not_understood_is_not_passed_over(call: str) -> None:
    quoted = call.replace("/x/a", hexed("/x/a")).replace("/x/b", hexed("/x/b"))
    with pytest.raises(RecordingFailed, match="not understood"):
        traced(quoted)


def test_a_disk_keeps_what_was_synced_and_any_part_of_the_rest() -> None:
    old, new = b"o" * 2048, b"n" * 2048
    *_, disk = replay([Created("a"), Written("a", 0, old), Synced("a"), Synced(""), Written("a", 0, new), Created("b")])
    assert disk.image(EVERYTHING) == {"a": new, "b": b""}
    assert disk.image(NOTHING) == {"a": old}
    images = [disk.image(RandomLuck(str(seed))) for seed in range(200)]
    sectors = {tuple(image["a"][at : at + 512] for at in range(0, 2048, 512)) for image in images}
    assert len(sectors) == 2**4
    assert {"b" in image for image in images} == {True, False}
    disk.apply(Synced("a"))
    assert {disk.image(RandomLuck(str(seed)))["a"] for seed in range(50)} == {new}


def test_a_removed_file_may_come_back_until_its_folder_is_synced() -> None:
    *_, disk = replay([Created("a"), Written("a", 0, b"x"), Synced("a"), Synced(""), Unlinked("a")])
    assert {"a" in disk.image(RandomLuck(str(seed))) for seed in range(50)} == {True, False}
    disk.apply(Synced(""))
    assert disk.is_settled
    assert disk.image(NOTHING) == {}

"""What a station logged is there after a restart, in a file that stays small and stops nothing."""

import logging
import tarfile
from collections import deque
from pathlib import Path

import pytest

from hw.strict_toml import ConfigInvalid
from kiosk.config import load_config, locate_config
from kiosk.configured_counter import ConfiguredCounter
from kiosk.log_file import LOG_NAME, OLDER_LOG_NAME, keeping_log, log_opened

NIGHT = logging.getLogger("kiosk.ui.case_thread")


def told(newest: deque[str]) -> list[str]:
    """What was logged, without its time and its module."""
    return [line.partition(": ")[2] for line in newest]


def run(data: Path, *lines: str) -> deque[str]:
    """One run of the program that logs these, and what it shows at its end."""
    newest: deque[str] = deque(maxlen=400)
    with keeping_log(data, newest):
        log_opened()
        for line in lines:
            NIGHT.warning("%s", line)
    return newest


def test_the_log_of_the_night_is_there_after_a_restart(tmp_path: Path) -> None:
    run(
        tmp_path,
        "issue stopped: K-CARD-003, rolled_back",
        "out of service: KeyError case.py:7\n  File one\n  File two\n",
    )
    before = run(tmp_path)
    assert told(before) == [
        "the station is opened",
        "issue stopped: K-CARD-003, rolled_back",
        "out of service: KeyError case.py:7\n  File one\n  File two\n",
        "the station is closed",
        "the station is opened",
        "the station is closed",
    ]


def test_a_run_that_was_cut_off_is_told_by_the_next(tmp_path: Path) -> None:
    # As a power cut leaves it: the line that says that the station is closed is missing.
    run(tmp_path, "device printer: lost")
    path = tmp_path / LOG_NAME
    path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8")
    assert told(run(tmp_path))[2].startswith("the run before was not closed")
    assert not [line for line in told(run(tmp_path))[5:] if "not closed" in line]


def test_a_run_that_could_not_close_everything_says_so_and_was_not_cut_off(tmp_path: Path) -> None:
    newest: deque[str] = deque(maxlen=400)
    with pytest.raises(LookupError), keeping_log(tmp_path, newest):
        log_opened()
        raise LookupError("幌延　太郎")
    assert told(newest) == ["the station is opened", "the station is closed, but not cleanly: LookupError"]
    assert told(run(tmp_path))[2:] == ["the station is opened", "the station is closed"]


def test_a_counter_whose_device_fails_at_its_closing_is_closed_all_the_same(tmp_path: Path) -> None:
    path = locate_config(None)
    counter = ConfiguredCounter(load_config(path, []), path, tmp_path)

    def close_voice() -> None:
        raise OSError("the loudspeaker was pulled out")

    counter.open()
    counter._held.callback(close_voice)
    with pytest.raises(OSError, match="pulled out"):
        counter.close()
    assert counter.log_lines()[-1].endswith("the station is closed, but not cleanly: OSError")
    after = ConfiguredCounter(load_config(path, []), path, tmp_path)
    after.open()
    after.close()
    assert not [line for line in after.log_lines() if "was not closed" in line]


def test_a_station_that_cannot_be_opened_is_not_said_to_be_open(tmp_path: Path) -> None:
    path = locate_config(None)
    settings = [("clerk.roster", "nowhere.toml")]
    counter = ConfiguredCounter(load_config(path, settings), path, tmp_path, settings)
    with pytest.raises(ConfigInvalid):
        counter.open()
    counter.close()
    assert "the station is opened" not in told(deque(counter.log_lines()))
    assert "the station is closed" in told(deque(counter.log_lines()))


@pytest.mark.parametrize("has_run", [False, True])
def test_an_empty_log_is_no_run_that_was_cut_off(has_run: bool, tmp_path: Path) -> None:
    path = tmp_path / LOG_NAME
    if has_run:
        run(tmp_path)
        # As it is once it was full, until the next line comes.
        path.rename(path.with_name(OLDER_LOG_NAME))
    path.touch()
    assert told(run(tmp_path)) == ["the station is opened", "the station is closed"] * (1 + has_run)


def test_what_is_well_again_is_told_too(tmp_path: Path) -> None:
    newest: deque[str] = deque(maxlen=400)
    with keeping_log(tmp_path, newest):
        log_opened()
        logging.getLogger("hw.owner").info("device printer: ready")
        logging.getLogger("hw.owner").debug("of no use")
    logging.getLogger("hw.owner").info("after the end")
    assert told(newest) == ["the station is opened", "device printer: ready", "the station is closed"]


def test_the_log_stays_small_and_is_its_owners(tmp_path: Path) -> None:
    long = "x" * 1000
    for _ in range(3):
        run(tmp_path, *[long] * 400)
    files = sorted(tmp_path.iterdir())
    assert [path.name for path in files] == [LOG_NAME, OLDER_LOG_NAME]
    assert sum(path.stat().st_size for path in files) <= 2 * 256 * 1024
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert len(run(tmp_path)) == 400


@pytest.mark.parametrize("is_readable", [True, False])
def test_a_log_that_cannot_be_written_stops_nothing(
    is_readable: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if is_readable:
        (tmp_path / LOG_NAME).mkdir()
    else:
        (tmp_path / LOG_NAME).write_bytes(b"\xff\xfe\0 no log at all")
    assert told(run(tmp_path, "device printer: lost"))[-2] == "device printer: lost"
    assert capsys.readouterr().err == "", "the screens are drawn there"


def test_the_technician_of_a_station_that_was_started_anew_reads_what_was_before(tmp_path: Path) -> None:
    path = locate_config(None)
    for is_first in (True, False):
        counter = ConfiguredCounter(load_config(path, []), path, tmp_path)
        counter.open()
        try:
            if is_first:
                NIGHT.warning("issue stopped: K-CARD-003, rolled_back")
            assert any("K-CARD-003" in line for line in counter.log_lines())
            if not is_first:
                with tarfile.open(counter.workbench().bundle()) as bundle:
                    (log,) = (member for member in bundle.getmembers() if member.name.endswith(LOG_NAME))
                    assert b"K-CARD-003" in bundle.extractfile(log).read(), "who looks from far away reads it too"
        finally:
            counter.close()

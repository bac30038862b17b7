"""The benchmark of an issuance, reduced, asserting no time; the long run is `python -m tests.bench issuance`."""

import json
import sqlite3
from pathlib import Path

import pytest

from tests.bench import issuance
from tests.bench.issuance import MOST_COMMITS, Measured, judge, measure, report
from tests.bench.stopwatch import Stopwatch


def test_an_issuance_takes_few_commits_and_is_told_apart_from_devices_and_authority(tmp_path: Path) -> None:
    measured = measure(tmp_path, (100, 300), pairs=1)
    for size, (one,) in measured.items():
        assert 13 < one.commits <= MOST_COMMITS
        assert set(one.besides_ms) == {"authority", "card", "persons", "printer"}
        assert min(one.besides_ms.values()) > 0
        assert one.software_ms + sum(one.besides_ms.values()) == pytest.approx(one.wall_ms)
        assert rows(tmp_path / f"{size}" / "raw.db") == rows(tmp_path / f"{size}" / "kiosk.db")


def rows(path: Path) -> list[list[tuple[object, ...]]]:
    with sqlite3.connect(path) as connection:
        return [
            connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in ("journal", "heads", "cases", "effects", "receipts")
        ]


@pytest.mark.parametrize(
    ("commits", "software_ms", "is_met"), [(32, 32.0, True), (33, 32.0, False), (32, 32.1, False), (22, 5.0, True)]
)
def test_the_limit_is_in_proportion_to_the_raw_commits(commits: int, software_ms: float, is_met: bool) -> None:
    assert judge([one(commits, software_ms)]).is_met is is_met


def one(commits: int, software_ms: float) -> Measured:
    return Measured(commits, wall_ms=software_ms, software_ms=software_ms, raw_ms=10.0, besides_ms={"authority": 0.0})


def test_medians_count_and_any_limit_that_is_not_met_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    few = [one(22, 20.0), one(22, 20.0), one(22, 1000.0)]
    assert report({1: few, 2: few}, core=0) == 0
    assert report({1: few, 2: [one(22, 30.0)] * 3}, core=0) == 1
    assert "growth from 1 to 2 entries: 1.500 (at most 1.15): FAIL" in capsys.readouterr().out


def test_fewer_pairs_than_five_are_refused() -> None:
    with pytest.raises(SystemExit):
        issuance.main(["--pairs", "4"])


def test_time_inside_something_else_counts_once_and_for_the_outermost() -> None:
    watch = Stopwatch()

    class Card:
        name = "card"

        def work(self) -> str:
            return str(watch.around("printer", json).dumps(1))

    card = watch.around("card", Card())
    assert (card.name, card.work()) == ("card", "1")
    assert set(watch.spent_s) == {"card"}

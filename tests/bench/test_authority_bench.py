"""The benchmark of the authority, reduced, asserting no time; the long run is `python -m tests.bench authority`."""

from pathlib import Path

import pytest

from tests.bench import authority
from tests.bench.authority import LEAST, Bench, Measured, crl_seconds, growth, measure, report


@pytest.mark.thorough
def test_everything_is_measured_in_the_real_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authority, "CRL_ENTRIES", 50)
    bench = Bench(tmp_path / "bench", core=0, seconds=0.05)
    found = measure(bench, pairs=1)
    assert set(found) == set(LEAST)
    assert all(one.rate > 0 and one.openssl > 0 and one.bound for (one,) in found.values())
    assert crl_seconds(bench) > 0


def test_a_larger_store_is_stocked_with_real_rows(tmp_path: Path) -> None:
    sizes = growth(Bench(tmp_path / "bench", core=0, seconds=0.05), [20, 60])
    assert list(sizes) == [20, 60] and all(spent["issue"] > 0 and spent["ocsp"] > 0 for spent in sizes.values())


def test_medians_are_judged_and_any_limit_that_is_not_met_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    good = {name: [Measured(least * 100, 100.0, "x")] * 3 for name, least in LEAST.items()}
    flat = {1: {"issue": 1.0}, 2: {"issue": 1.0}}
    assert report(good, flat, 1.0) == 0
    assert report(good | {"ocsp": [Measured(1.0, 100.0)] * 2 + [Measured(1e6, 100.0)]}, flat, 1.0) == 1
    assert report(good, {1: {"issue": 1.0}, 2: {"issue": 2.0}}, 1.0) == 1
    assert report(good, flat, 3.0) == 1
    assert "growth 2.00 (at most 1.5): FAIL" in capsys.readouterr().out


def test_fewer_pairs_than_five_are_refused() -> None:
    with pytest.raises(SystemExit):
        authority.main(["--pairs", "4"])

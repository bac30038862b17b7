"""The mutation campaign, reduced; the long run is `python -m tests.authority.mutations`."""

import random
from pathlib import Path

import pytest
from mutations import main, mutate, read_progress, run

SEED, CASES = 2026, 3000


def test_no_mutated_message_is_believed_or_brings_anybody_into_trouble(tmp_path: Path) -> None:
    verdicts, failures = run(range(CASES), SEED, tmp_path)
    assert failures == []
    kinds = {"ir", "certConf", "rr", "genm", "answer", "OCSP answer", "certificate"}
    kinds |= {f"signed {kind}" for kind in ("ir", "p10cr", "kur", "rr", "genm", "nested", "cert_conf")}
    assert all(verdicts[f"{kind}: refused"] > CASES / 40 for kind in kinds), "each is tried, and most are refused"


def test_a_mutation_is_another_sequence_of_bytes_nearly_always() -> None:
    good = bytes.fromhex("3012300c06082a8648ce3d0403020500030200ff")
    changed = [mutate(good, random.Random(number)) for number in range(500)]
    assert sum(der != good for der in changed) > 450 and len(set(changed)) > 300


def test_a_campaign_that_was_stopped_goes_on_where_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = tmp_path / "notes"
    assert main(["--count", "20", "--progress", str(notes)]) == 0
    (done,) = read_progress(notes)
    notes.write_text(notes.read_text() + '{"first": 99')
    assert main(["--count", "20", "--progress", str(notes)]) == 0
    assert read_progress(notes) == [done] and (done.first, done.count, done.failures) == (0, 20, ())
    assert "20 cases, 0 failures; 0 of them now" in capsys.readouterr().out

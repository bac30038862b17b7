"""The mutation campaign, reduced; the long run is `python -m tests.authority.mutations`."""

import random
from pathlib import Path

from mutations import mutate, run

SEED, CASES = 2026, 3000


def test_no_mutated_message_is_believed_or_brings_anybody_into_trouble(tmp_path: Path) -> None:
    verdicts, failures = run(range(CASES), SEED, tmp_path)
    assert failures == []
    kinds = {"ir", "certConf", "rr", "genm", "answer", "OCSP answer", "certificate"}
    assert all(verdicts[f"{kind}: refused"] > CASES / 20 for kind in kinds), "each is tried, and most are refused"


def test_a_mutation_is_another_sequence_of_bytes_nearly_always() -> None:
    good = bytes.fromhex("3012300c06082a8648ce3d0403020500030200ff")
    changed = [mutate(good, random.Random(number)) for number in range(500)]
    assert sum(der != good for der in changed) > 450 and len(set(changed)) > 300

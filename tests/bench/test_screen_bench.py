"""The benchmark of the screens: what it counts, and that a limit that is not met is a failure."""

import dataclasses

import pytest

from tests.bench import screen
from tests.bench.screen import Measured, digits_ms, judge, p95
from tests.ui.glass import shown

FINE = Measured([(1.0, 1.2)] * 5, [5.0] * 40, [90.0] * 40, 80.0, 10.0)


@pytest.mark.parametrize(
    "change",
    [
        {"starts_s": [(1.0, 1.4)] * 3 + [(1.0, 1.0)] * 2},
        {"digits_ms": [5.0] * 37 + [21.0] * 3},
        {"changes_ms": [111.0] * 40},
        {"memory_mb": 90.1},
        {"blocked_ms": 50.1},
    ],
)
def test_every_limit_counts(change: dict[str, object]) -> None:
    assert all(found <= most for _, found, most in judge(FINE))
    worse = dataclasses.replace(FINE, **change)
    assert sum(found > most for _, found, most in judge(worse)) == 1


def test_p95_leaves_out_one_of_twenty() -> None:
    assert p95([*range(1, 20), 1000]) == 19
    assert p95([7]) == 7


def test_fewer_pairs_than_five_are_refused() -> None:
    with pytest.raises(SystemExit):
        screen.main(["--pairs", "4"])


def test_a_key_is_timed_from_when_it_is_typed_to_its_mark() -> None:
    program = (
        "import os, tty\n"
        "tty.setraw(0)\n"
        "os.write(1, b'ready')\n"
        "while True:\n"
        "    os.write(1, '●'.encode() if os.read(0, 1) == b'A' else b'.')\n"
    )
    with shown("-c", program) as glass:
        glass.await_text("ready")
        taken = digits_ms(glass, 2)
    assert len(taken) == 2 and min(taken) > 0

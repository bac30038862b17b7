"""A reduced run of the monkeys; the campaigns are `python -m tests.ui.monkey`."""

from pathlib import Path

from tests.ui.monkey import run_bytes, run_keys


def test_random_keys_and_taps_leave_every_seat_running(locale: Path) -> None:
    seen = run_keys(600, 1, locale)
    assert len(seen) > 5, f"the monkey got about: {seen}"


def test_random_bytes_on_a_terminal_leave_the_demo_running() -> None:
    run_bytes(10, 2)

"""A reduced run of the monkeys; the campaigns are `python -m tests.ui.monkey`."""

from collections import Counter
from pathlib import Path

from tests.ui.monkey import Campaign, Progress, run_keys, run_strings


def test_random_keys_and_taps_leave_every_seat_running(locale: Path) -> None:
    seen = run_keys(400, 1, locale)
    assert len(seen) > 5, f"the monkey got about: {seen}"


def test_random_bytes_on_a_terminal_leave_the_demo_running() -> None:
    run_strings(10, 2)


def test_a_campaign_that_was_stopped_goes_on_with_what_it_lacks_most(tmp_path: Path) -> None:
    file = tmp_path / "progress.json"
    progress = Progress.begun(7)
    progress.at_seats += Counter(Desk=590)
    progress.alone += Counter(Desk=10, Menu=40)
    progress.strings = 90
    progress.next_seed["keys"] += 1
    progress.keep(file)
    again = Progress.read(file)
    assert again == progress and again.next_seed["keys"] == 8
    for keys, each, strings, kind in (
        (640, 100, 100, "alone"),
        (1280, 41, 100, "keys"),
        (640, 40, 100, "strings"),
        (640, 40, 0, None),
    ):
        assert Campaign(again, tmp_path, each).wanted(keys, strings) == kind
    assert again.least == 40, "what the desk had at its seat counts, the menu had none there"

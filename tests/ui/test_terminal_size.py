"""The screens fill the terminal they are on, whatever size somebody's shell has left in the environment."""

from pathlib import Path

from tests.ui.glass import shown


def test_a_size_left_in_the_environment_is_not_believed(tmp_path: Path) -> None:
    # As every process has it whose parent loaded GNU readline without a terminal.
    with shown("-m", "kiosk", "demo", "--data", tmp_path, env={"COLUMNS": "80", "LINES": "24"}) as glass:
        glass.await_text("はじめる")

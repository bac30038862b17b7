"""The types hold: mypy as `pyproject.toml` sets it up, beside the other tests instead of before them."""

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parent.parent


def test_the_types_hold() -> None:
    checked = subprocess.run([sys.executable, "-m", "mypy"], cwd=_ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr

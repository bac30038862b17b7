"""What an installed kiosk consists of: every data file that the code reads goes into the wheel."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# The list that setuptools itself copies from, without writing anything into the checkout.
LISTING = """
import json
from setuptools.dist import Distribution
wheel = Distribution({"script_name": "setup.py"})
wheel.parse_config_files()
build = wheel.get_command_obj("build_py")
build.ensure_finalized()
modules = [path for _, _, path in build.find_all_modules()]
data = [f"{folder}/{name}" for _, folder, _, names in build.get_data_files_without_manifest() for name in names]
print(json.dumps(modules + data))
"""


@pytest.fixture(scope="module")
def packed() -> set[str]:
    listed = subprocess.run([sys.executable, "-c", LISTING], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert listed.returncode == 0, listed.stderr
    return {Path(path).as_posix() for path in json.loads(listed.stdout.splitlines()[-1])}


def test_every_module_is_packed(packed: set[str]) -> None:
    assert {path.relative_to(ROOT).as_posix() for p in ("hw", "kiosk") for path in (ROOT / p).rglob("*.py")} <= packed


def test_every_file_of_data_is_packed(packed: set[str]) -> None:
    sources = {".py", ".pyc", ".po"}
    data = {
        path.relative_to(ROOT).as_posix()
        for package in ("hw", "kiosk")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix not in sources
    }
    assert {"kiosk/failures.toml", "kiosk/papers/receipt.ja.toml", "kiosk/ui/frame.tcss", "kiosk/py.typed"} <= data
    assert data <= packed

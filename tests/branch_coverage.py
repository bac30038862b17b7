"""`python -m tests.branch_coverage`: every branch of model, issuance and journal is taken by a test, without exclusion.

What is measured stands under `tool.coverage` in pyproject.toml. One process, as other processes are not measured.
"""

import argparse
import os
import sys
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).parents[1]
TESTS = ("tests/model", "tests/issuance", "tests/journal", "tests/maintenance", "tests/counter")


def main() -> int:
    """Runs the tests; not 0 when one fails, or when a branch is not taken."""
    parser = argparse.ArgumentParser(prog="python -m tests.branch_coverage", description=__doc__)
    parser.add_argument("tests", nargs="*", default=TESTS, help="other tests than %(default)s")
    chosen = parser.parse_args().tests
    os.chdir(ROOT)
    measured = coverage.Coverage(data_file=None, config_file=str(ROOT / "pyproject.toml"))
    with measured.collect():
        failed = pytest.main(["-q", "-p", "no:cacheprovider", *chosen])
    percent = measured.report(precision=2)
    return int(failed) or int(percent < measured.get_option("report:fail_under"))


if __name__ == "__main__":
    sys.exit(main())

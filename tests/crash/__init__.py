"""Crashes of disk, process and server tried out; a command (`python -m tests.crash...`) finds the tests' modules."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

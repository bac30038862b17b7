"""`python -m tests.mutation`: every mutant of model, issuance and journal is caught by a test, or argued.

Needs the dependency group `mutation`. Without FILE all modules of the three packages are judged. What was caught once
is remembered in `.mutation.json` as long as its module and the tests that judge it stay the same; `--fresh` forgets.
What no test catches must stand in `tests/mutation/survivors.toml` with the reason why nothing can or need.
"""

import argparse
import hashlib
import json
import os
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tests.mutation.judge import Verdict, run
from tests.mutation.mutants import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "kiosk/model": ("tests/model",),
    "kiosk/journal": ("tests/journal",),
    "kiosk/issuance": ("tests/issuance", "tests/model"),
}
"""Each package and the tests that judge it."""
GOAL = 0.95


def argued() -> dict[tuple[str, str, str, str], str]:
    """The reason for each survivor that is known, by the mutant's name."""
    with (Path(__file__).parent / "survivors.toml").open("rb") as file:
        listed = tomllib.load(file).get("survivor", [])
    return {(one["file"], one["function"], one["was"], one["becomes"]): one["reason"] for one in listed}


class Tally:
    """Judges all mutants of the files and counts; remembers what was caught."""

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._caught: set[str] = set(json.loads(memory.read_text())) if memory.exists() else set()
        self.counts: Counter[str] = Counter()
        self.survivors: list[Mutant] = []
        self.begun = time.monotonic()

    def work(self, files: list[str], tests: Sequence[str], judge: Callable[[Mutant], Verdict]) -> None:
        """Judges the mutants of these files by these tests, one after the other."""
        judged_by = _hash_of(tests)
        source = (ROOT / files[0]).read_text()
        if (verdict := judge(Mutant(files[0], "", 0, "", "", source, range(0)))) is not Verdict.SURVIVED:
            raise SystemExit(f"a module that is not changed at all is {verdict.name.lower()}")
        for file in files:
            before = self.counts.copy()
            for mutant in mutants_of(ROOT, file):
                self.counts["mutants"] += 1
                key = _key(mutant, judged_by)
                if key in self._caught:
                    self.counts["caught"] += 1
                elif (verdict := judge(mutant)) is Verdict.SURVIVED:
                    self.survivors.append(mutant)
                    _say(f"{mutant.file}:{mutant.line} {mutant.function}\n  - {mutant.was}\n  + {mutant.becomes}")
                elif verdict is Verdict.BROKEN:
                    raise SystemExit(f"cannot be judged: {mutant.file}:{mutant.line} {mutant.becomes}")
                else:
                    self.counts["caught"] += 1
                    self.counts["hung"] += verdict is Verdict.HUNG
                    # One that was too slow, or killed, is judged anew another time.
                    if verdict is Verdict.CAUGHT:
                        self._caught.add(key)
            self._memory.write_text(json.dumps(sorted(self._caught)))
            done = self.counts - before
            _say(f"{file}: {done['mutants']} mutants, {done['caught']} caught, {time.monotonic() - self.begun:.0f} s")


def _key(mutant: Mutant, judged_by: bytes) -> str:
    return hashlib.sha256(repr((mutant.name, mutant.line, judged_by)).encode()).hexdigest()[:20]


def _hash_of(tests: Sequence[str]) -> bytes:
    """Of the product and of the tests as they are written now, with what lies beside them."""
    digest = hashlib.sha256()
    for place in ("hw", "kiosk", *tests, "tests/counter_bench.py", "tests/conftest.py"):
        for path in sorted([*Path(place).rglob("*.py")] or [Path(place.partition("::")[0])]):
            digest.update(path.read_bytes())
    return digest.digest()


def _say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def main() -> int:
    """Not 0 when a survivor is not argued, an argument has no survivor, or too few are caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("files", nargs="*", metavar="FILE", help="such as kiosk/journal/merkle.py")
    parser.add_argument("--fresh", action="store_true", help="judge what was caught before as well")
    parser.add_argument("--tests-s", type=float, default=30.0, help="seconds of tests for a mutant (%(default)s)")
    parser.add_argument("--tests", nargs="+", help="judge by these tests and not by those of the package")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    files = arguments.files or [str(path) for package in PACKAGES for path in sorted(Path(package).glob("*.py"))]
    memory = ROOT / ".mutation.json"
    if arguments.fresh:
        memory.unlink(missing_ok=True)
    tally = Tally(memory)
    for package, tests in PACKAGES.items():
        chosen = [file for file in files if file.startswith(f"{package}/")]
        judges = arguments.tests or tests
        if chosen and (failed := run(ROOT, arguments.tests_s, judges, partial(tally.work, chosen, judges))):
            return failed
    reasons = argued()
    unargued = [mutant for mutant in tally.survivors if mutant.name not in reasons]
    names = {mutant.name for mutant in tally.survivors}
    stale = [name for name in reasons if name[0] in files and name not in names]
    total, caught = tally.counts["mutants"], tally.counts["caught"]
    _say(f"{total} mutants, {caught} caught ({caught / total:.1%}, {tally.counts['hung']} of them by hanging)")
    _say(
        f"{len(tally.survivors)} survived, {len(unargued)} of them not argued, {len(stale)} arguments without survivor"
    )
    for mutant in unargued:
        _say(f"not argued: {mutant.file}:{mutant.line} {mutant.function}\n  - {mutant.was}\n  + {mutant.becomes}")
    for name in stale:
        _say(f"argued, and does not survive: {name}")
    return int(bool(unargued or stale) or caught < GOAL * total)


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.mutation`: every mutant of model, issuance and journal is caught by a test, or argued.

Needs the dependency group `mutation`. Without FILE all modules of the three packages are judged. Every mutant is judged
each time; which test caught it is remembered in `.mutation.json`, and that one is tried first. `--part 1/2` judges one
half of the mutants, for two processes beside each other. What no test catches must stand in
`tests/mutation/survivors.toml` with the reason why nothing can or need.
"""

import argparse
import hashlib
import json
import os
import sys
import time
import tomllib
from collections import Counter
from contextlib import suppress
from functools import partial
from itertools import cycle
from pathlib import Path

from tests.mutation.judge import Judging, Verdict, run
from tests.mutation.mutants import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "kiosk/model": ("tests/model",),
    "kiosk/journal": ("tests/journal",),
    "kiosk/issuance": ("tests/issuance", "tests/model"),
}
"""Each package and the tests that judge it."""
GOAL = 0.95
_KEPT_EVERY = 100


def argued() -> dict[tuple[str, str, str, str], str]:
    """The reason for each survivor that is known, by the mutant's name."""
    with (Path(__file__).parent / "survivors.toml").open("rb") as file:
        listed = tomllib.load(file).get("survivor", [])
    return {(one["file"], one["function"], one["was"], one["becomes"]): one["reason"] for one in listed}


class Tally:
    """Judges the mutants of the files and counts; remembers which test caught each, to try that one first.

    `part` of `parts` is what this process judges: every mutant but those whose turn is another process's.
    """

    def __init__(self, memory: Path, part: int = 0, parts: int = 1) -> None:
        self._memory = memory
        self._caught_by = _read(memory)
        self._is_turn = cycle([number == part for number in range(parts)])
        self.counts: Counter[str] = Counter()
        self.survivors: list[Mutant] = []
        self.begun = time.monotonic()

    def work(self, files: list[str], judge: Judging) -> None:
        """Judges the mutants of these files, one after the other."""
        source = (ROOT / files[0]).read_text()
        unchanged = judge(Mutant(files[0], "", 0, "", "", source, range(0)), "")
        if unchanged.verdict is not Verdict.SURVIVED:
            raise SystemExit(f"a module that is not changed at all is {unchanged.verdict.name.lower()}")
        for file in files:
            before = self.counts.copy()
            for mutant in mutants_of(ROOT, file):
                if next(self._is_turn):
                    self._judge(mutant, judge)
            self._keep()
            done = self.counts - before
            _say(f"{file}: {done['mutants']} mutants, {done['caught']} caught, {time.monotonic() - self.begun:.0f} s")

    def _judge(self, mutant: Mutant, judge: Judging) -> None:
        self.counts["mutants"] += 1
        key = _key(mutant)
        judged = judge(mutant, self._caught_by.get(key, ""))
        match judged.verdict:
            case Verdict.SURVIVED:
                self.survivors.append(mutant)
                _say(f"{mutant.file}:{mutant.line} {mutant.function}\n  - {mutant.was}\n  + {mutant.becomes}")
            case Verdict.BROKEN:
                raise SystemExit(f"cannot be judged: {mutant.file}:{mutant.line} {mutant.becomes}")
            case verdict:
                self.counts["caught"] += 1
                self.counts["hung"] += verdict is Verdict.HUNG
                self._caught_by[key] = judged.caught_by
        if self.counts["mutants"] % _KEPT_EVERY == 0:
            self._keep()

    def _keep(self) -> None:
        # Another process may have kept its own meanwhile.
        self._caught_by = _read(self._memory) | self._caught_by
        draft = self._memory.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(self._caught_by, indent=0, sort_keys=True))
        draft.replace(self._memory)


def _read(memory: Path) -> dict[str, str]:
    """Node ids by the mutants that they caught; a file of another form says nothing."""
    with suppress(FileNotFoundError):
        kept = json.loads(memory.read_text())
        return kept if isinstance(kept, dict) else {}
    return {}


def _key(mutant: Mutant) -> str:
    """What names a mutant wherever its function moves to in its file."""
    place = mutant.line - mutant.lines.start if mutant.lines else mutant.line
    return hashlib.sha256(repr((mutant.name, place)).encode()).hexdigest()[:20]


def _part(text: str) -> tuple[int, int]:
    number, of = map(int, text.split("/"))
    if not 1 <= number <= of:
        raise ValueError
    return number - 1, of


def _say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def main() -> int:
    """Not 0 when a survivor is not argued, an argument has no survivor, or too few are caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("files", nargs="*", metavar="FILE", help="such as kiosk/journal/merkle.py")
    parser.add_argument("--part", type=_part, default=(0, 1), metavar="I/N", help="every Nth mutant, from the Ith on")
    parser.add_argument("--tests-s", type=float, default=30.0, help="seconds of tests for a mutant (%(default)s)")
    parser.add_argument("--tests", nargs="+", help="judge by these tests and not by those of the package")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    files = arguments.files or [str(path) for package in PACKAGES for path in sorted(Path(package).glob("*.py"))]
    if missing := [file for file in files if not (ROOT / file).is_file()]:
        parser.error(f"no such file: {' '.join(missing)}")
    tally = Tally(ROOT / ".mutation.json", *arguments.part)
    for package, tests in PACKAGES.items():
        chosen = [file for file in files if file.startswith(f"{package}/")]
        judges = arguments.tests or tests
        if chosen and (failed := run(ROOT, arguments.tests_s, judges, partial(tally.work, chosen))):
            return failed
    reasons = argued()
    unargued = [mutant for mutant in tally.survivors if mutant.name not in reasons]
    names = {mutant.name for mutant in tally.survivors}
    is_whole = arguments.part[1] == 1
    stale = [name for name in reasons if is_whole and name[0] in files and name not in names]
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

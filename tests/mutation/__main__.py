"""`python -m tests.mutation`: every mutant of model, issuance and journal is caught by a test, or argued.

Needs the dependency group `mutation`. Without FILE all modules of the three packages are judged. Every mutant is judged
each time; which test caught it is remembered in `.mutation.json`, and that one is tried first. `--left` judges only
those that no test is known to catch and that are not argued yet. What no test catches must stand in
`tests/mutation/survivors.toml` with the reason why nothing can or need; what stands there without one is not settled,
and `--unsettled` judges those alone.
"""

import argparse
import hashlib
import json
import os
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path

from tests.mutation.judge import Judgement, Judging, Verdict, run
from tests.mutation.mutants import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = (
    (("tests/model",), "kiosk/model"),
    (("tests/journal", "tests/counter/test_records.py"), "kiosk/journal"),
    (("tests/issuance", "tests/counter", "tests/model"), "kiosk/issuance"),
)
"""The tests of each round, and the package whose mutants they judge; the last judges what the others leave, too."""
GOAL = 0.95
_KEPT_EVERY = 100


Name = tuple[str, str, str, str]
"""What a mutant is known by: file, function, what was there and what it becomes."""


def known() -> dict[Name, str]:
    """The reason for each survivor that is known, by the mutant's name; empty while there is none."""
    with (Path(__file__).parent / "survivors.toml").open("rb") as file:
        listed = tomllib.load(file).get("survivor", [])
    return {(one["file"], one["function"], one["was"], one["becomes"]): one.get("reason", "") for one in listed}


class Tally:
    """Judges mutants and counts; remembers which test caught each, to try that one first.

    `only` these, where there is such a list.
    """

    def __init__(
        self, memory: Path, reasons: Collection[Name], only: Collection[Name] | None, *, is_left: bool
    ) -> None:
        self._memory = memory
        self._caught_by = _read(memory)
        self._reasons = reasons
        self._only = only
        self._is_left = is_left
        self.counts: Counter[str] = Counter()
        self.survivors: list[Mutant] = []
        self.settled: list[Mutant] = []
        """Those that are argued, where only the rest is judged."""
        self._begun = time.monotonic()

    def work(self, files: list[str], rest: list[Mutant], judge: Judging) -> None:
        """Judges the mutants of these files, and once more those of an earlier round."""
        file = files[0] if files else rest[0].file
        unchanged = Mutant(file, "", 0, "", "", (ROOT / file).read_text(), range(0))
        for _, judged in judge([(unchanged, "")]):
            if judged.verdict is not Verdict.SURVIVED:
                raise SystemExit(f"a module that is not changed at all is {judged.verdict.name.lower()}")
        for mutant, judged in judge(chain(self._fresh(files), ((mutant, "") for mutant in rest))):
            self._note(mutant, judged)
        self._keep()

    def _fresh(self, files: list[str]) -> Iterator[tuple[Mutant, str]]:
        for file in files:
            for mutant in mutants_of(ROOT, file):
                if self._only is not None and mutant.name not in self._only:
                    continue
                caught_by = self._caught_by.get(_key(mutant), "")
                self.counts["mutants"] += 1
                if self._is_left and caught_by:
                    self.counts["caught"] += 1
                    self.counts["known"] += 1
                elif self._is_left and mutant.name in self._reasons:
                    self.settled.append(mutant)
                else:
                    yield mutant, caught_by
            _say(f"{file}: {self.counts['mutants']} mutants, {time.monotonic() - self._begun:.0f} s")

    def _note(self, mutant: Mutant, judged: Judgement) -> None:
        match judged.verdict:
            case Verdict.SURVIVED | Verdict.BROKEN:
                self.survivors.append(mutant)
                _say(f"{mutant.file}:{mutant.line} {mutant.function}\n  - {mutant.was}\n  + {mutant.becomes}")
            case verdict:
                self.counts["caught"] += 1
                self.counts["hung"] += verdict is Verdict.HUNG
                self._caught_by[_key(mutant)] = judged.caught_by
                if self.counts["caught"] % _KEPT_EVERY == 0:
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


def _say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def main() -> int:
    """Not 0 when a survivor is not argued, an argument has no survivor, or too few are caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("files", nargs="*", metavar="FILE", help="such as kiosk/journal/merkle.py")
    parser.add_argument(
        "--left", action="store_true", help="only those that no test is known to catch, and that are not argued"
    )
    parser.add_argument("--unsettled", action="store_true", help="only those that are listed without a reason")
    parser.add_argument("--at-once", type=int, default=2, help="so many beside each other (%(default)s)")
    parser.add_argument("--tests-s", type=float, default=30.0, help="seconds of tests for a mutant (%(default)s)")
    parser.add_argument("--tests", nargs="+", help="judge by these tests and not by those of the package")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    files = arguments.files or [str(path) for _, package in ROUNDS for path in sorted(Path(package).glob("*.py"))]
    if missing := [file for file in files if not (ROOT / file).is_file()]:
        parser.error(f"no such file: {' '.join(missing)}")
    listed = known()
    reasons = {name: reason for name, reason in listed.items() if reason}
    only = listed.keys() - reasons.keys() if arguments.unsettled else None
    tally = Tally(ROOT / ".mutation.json", reasons, only, is_left=arguments.left)
    for number, (tests, package) in enumerate(ROUNDS, 1):
        chosen = [file for file in files if file.startswith(f"{package}/")]
        rest, judges = [], arguments.tests or tests
        if number == len(ROUNDS) and not arguments.tests:
            rest, tally.survivors = tally.survivors, []
        if (chosen or rest) and (
            failed := run(ROOT, arguments.tests_s, arguments.at_once, judges, partial(tally.work, chosen, rest))
        ):
            return failed
    survivors = [*tally.survivors, *tally.settled]
    unargued = [mutant for mutant in survivors if mutant.name not in reasons]
    names = {mutant.name for mutant in survivors}
    stale = [name for name in (listed if only is None else only) if name[0] in files and name not in names]
    total, caught = max(tally.counts["mutants"], 1), tally.counts["caught"]
    ways = f"{tally.counts['hung']} of them by hanging, {tally.counts['known']} of them in an earlier run"
    _say(f"{total} mutants, {caught} caught ({caught / total:.1%}, {ways})")
    _say(f"{len(survivors)} survived, {len(unargued)} of them not argued, {len(stale)} arguments without survivor")
    for mutant in unargued:
        _say(f"not argued: {mutant.file}:{mutant.line} {mutant.function}\n  - {mutant.was}\n  + {mutant.becomes}")
    for name in stale:
        _say(f"listed, and does not survive: {name}")
    return int(bool(unargued or stale) or (only is None and caught < GOAL * total))


if __name__ == "__main__":
    sys.exit(main())

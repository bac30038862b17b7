"""Judges mutants by the tests that reach them, each in a fork of one process in which everything is ready.

The process is a pytest run: it runs every test once, notes how long each takes and which lines it reaches, and keeps
what the tests share for the session. A fork then exchanges the code of the changed function and runs the tests of its
lines until one fails: first the one that caught it another time, then those that caught others of its function, then
those that reach the most of it, then the quickest. A change outside functions takes effect when modules are imported,
so there a fork imports the product and the tests anew.
"""

import contextlib
import gc
import importlib.util
import os
import resource
import select
import shutil
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import _lru_cache_wrapper
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType

import coverage
import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, settings

from tests.memory_folder import memory_folder
from tests.mutation.mutants import Mutant

_MEMORY_BYTES = 4 << 30
_SLOWNESS, _SLOWNESS_ALONE = 8, 24
"""A test that takes so many times its time hangs: beside others, and by itself when it seemed to."""
_LEAST_S = 4.0
_NEAREST = 12
_WIDEST = 4


class Verdict(IntEnum):
    """What the tests say of a mutant; the exit status of the fork that ran them."""

    SURVIVED = 0
    CAUGHT = 1
    HUNG = 2
    """A test did not end, or the process did; judged by itself, with more time, it was the same."""
    BROKEN = 3
    """It could not be judged, and counts as not caught."""


@dataclass(frozen=True)
class Judgement:
    """What is said of a mutant, and the node id of the test that caught it, empty where none did."""

    verdict: Verdict
    caught_by: str = ""


Judging = Callable[[Iterable[tuple[Mutant, str]]], Iterator[tuple[Mutant, Judgement]]]
"""Judges mutants, each with the node id of the test to try first, empty for none; yields them as they are done."""


@dataclass(frozen=True)
class _Fork:
    """A fork that judges a mutant: what reads when it has ended, what it says, its folder."""

    mutant: Mutant
    pid: int
    ended: int
    told: int
    folder: Path


class Judge:
    """The pytest plugin; `work` gets the means of judging once every test has passed.

    So long as `tests_s` the tests of one mutant may take all in all, at their ordinary speed. So many mutants as
    `at_once` are judged beside each other.
    """

    def __init__(self, root: Path, tests_s: float, at_once: int, work: Callable[[Judging], None]) -> None:
        self._root = root
        self._tests_s = tests_s
        self._at_once = at_once
        self._work = work
        self._seconds: dict[str, float] = {}
        self._items: dict[str, pytest.Item] = {}
        # From before the product is imported: what runs then belongs to no test.
        self._reached = coverage.Coverage(data_file=None, config_file=False, source=[str(root / "kiosk")])
        self._reached.start()
        self._reach: Counter[str] = Counter()
        """By test how many lines of the product it reaches."""
        self._functions: dict[str, list[FunctionType]] = defaultdict(list)
        self._catchers: dict[tuple[str, str], list[str]] = defaultdict(list)
        """By file and function the tests that caught a mutant, the last one first."""
        self._caches: list[_lru_cache_wrapper[object]] = []
        self._begun = 0
        self._slowness = _SLOWNESS
        self._session: pytest.Session

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Runs all tests once, then the work, in place of pytest's own loop."""
        self._session = session
        self._items = {item.nodeid: item for item in session.items}
        for item in session.items:
            self._reached.switch_context(item.nodeid)
            begun = time.monotonic()
            if failure := self._failure(item, session):
                raise pytest.UsageError(f"{item.nodeid} fails without any change\n{failure}")
            self._seconds[item.nodeid] = time.monotonic() - begun
        self._reached.stop()
        reached = self._reached.get_data()
        for file in reached.measured_files():
            for tests in reached.contexts_by_lineno(file).values():
                self._reach.update(tests)
        os.write(1, f"{len(session.items)} tests, once {sum(self._seconds.values()):.0f} s\n".encode())
        # Only what is not frozen is told of; what stood at the collection was.
        gc.unfreeze()
        for thing in gc.get_objects():
            if isinstance(thing, _lru_cache_wrapper) and str(thing.__module__).startswith("kiosk."):
                self._caches.append(thing)
            if type(thing) is FunctionType:
                self._functions[thing.__code__.co_filename].append(thing)
        gc.freeze()
        self._work(self.judge)
        return True

    def judge(self, mutants: Iterable[tuple[Mutant, str]]) -> Iterator[tuple[Mutant, Judgement]]:
        """Runs the tests that reach a mutant in a fork each."""
        hung: list[Mutant] = []
        self._slowness = _SLOWNESS
        for mutant, judged in self._judge(mutants, self._at_once):
            if judged.verdict is Verdict.HUNG:
                # What else went on beside it may have been to blame.
                hung.append(mutant)
            else:
                yield mutant, judged
        self._slowness = _SLOWNESS_ALONE
        yield from self._judge(((mutant, "") for mutant in hung), 1)

    def _judge(self, mutants: Iterable[tuple[Mutant, str]], at_once: int) -> Iterator[tuple[Mutant, Judgement]]:
        running: dict[int, _Fork] = {}
        for mutant, first in mutants:
            tests, is_reached = self._tests_of(mutant)
            if not tests:
                yield mutant, Judgement(Verdict.SURVIVED)
                continue
            if len(running) == at_once:
                yield self._await_one(running)
            fork = self._begin(mutant, first, tests, is_reached=is_reached)
            running[fork.ended] = fork
        while running:
            yield self._await_one(running)

    def _begin(self, mutant: Mutant, first: str, tests: list[str], *, is_reached: bool) -> _Fork:
        likely = list(dict.fromkeys([first, *self._catchers[mutant.file, mutant.function]]))
        tests.sort(key=lambda test: likely.index(test) if test in likely else len(likely))
        living = self._functions[str(self._root / mutant.file)]
        functions = exchanged(mutant, self._root, living) if is_reached else None
        self._begun += 1
        folder = Path(os.fspath(memory_folder())) / f"kiosk-mutant-{os.getpid()}-{self._begun}"
        told, tell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        pid = os.fork()
        if not pid:
            with contextlib.suppress(BaseException):
                self._enter_fork(folder)
                caught_by = (
                    self._fails_anew(mutant, tests, folder)
                    if functions is None
                    else self._fails_exchanged(functions, tests)
                )
                os.write(tell, caught_by.encode())
                os._exit(Verdict.CAUGHT if caught_by else Verdict.SURVIVED)
            os._exit(Verdict.BROKEN)
        os.close(tell)
        return _Fork(mutant, pid, os.pidfd_open(pid), told, folder)

    def _await_one(self, running: dict[int, _Fork]) -> tuple[Mutant, Judgement]:
        ended, _, _ = select.select(running, (), ())
        fork = running.pop(ended[0])
        _, status = os.waitpid(fork.pid, 0)
        os.close(fork.ended)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(fork.pid, signal.SIGKILL)
        shutil.rmtree(fork.folder, ignore_errors=True)
        with open(fork.told, "rb") as pipe:
            caught_by = (pipe.read() or b"").decode()
        if not os.WIFEXITED(status):
            return fork.mutant, Judgement(Verdict.HUNG)
        if caught_by:
            catchers = self._catchers[fork.mutant.file, fork.mutant.function]
            catchers[:] = list(dict.fromkeys([caught_by, *catchers]))
        return fork.mutant, Judgement(Verdict(os.waitstatus_to_exitcode(status)), caught_by)

    def _enter_fork(self, folder: Path) -> None:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        folder.mkdir(parents=True)
        factory = self._session.config._tmp_path_factory  # a folder of the fork's own
        factory._basetemp = folder

    def _fails_exchanged(self, functions: Iterable[tuple[FunctionType, CodeType]], tests: Sequence[str]) -> str:
        """Which test fails, empty for none."""
        for function, code in functions:
            function.__code__ = code
        for remembered in self._caches:
            remembered.cache_clear()
        return next((test for test in tests if self._fails_in_time(test)), "")

    def _fails_in_time(self, test: str) -> bool:
        with self._alarm(self._seconds[test]):
            return self._failure(self._items[test], self._session) is not None

    def _fails_anew(self, mutant: Mutant, tests: Sequence[str], folder: Path) -> str:
        """Which test fails, empty for none; the first one also stands for a module that cannot be imported."""
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None) or ""
            is_ours = file.startswith((f"{self._root}/kiosk/", f"{self._root}/tests/"))
            if is_ours and not name.startswith("tests.mutation"):
                del sys.modules[name]
        for name in [name for name in sys.modules if name.split(".")[0] == "kiosk"]:
            del sys.modules[name]
        sys.meta_path.insert(0, _Importer(mutant, self._root))
        options = ["-q", "-x", "-p", "no:cacheprovider", "--capture=sys", f"--basetemp={folder / 'anew'}"]
        with self._alarm(sum(self._seconds[test] for test in tests) + 5):
            failing = _Failing()
            failed = pytest.main([*options, *tests], plugins=[failing]) != 0
        return (failing.test or tests[0]) if failed else ""

    @contextlib.contextmanager
    def _alarm(self, ordinary_s: float) -> Iterator[None]:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, max(_LEAST_S, self._slowness * ordinary_s))
        yield
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _tests_of(self, mutant: Mutant) -> tuple[list[str], bool]:
        """The tests to run, in their order, and whether they reach the change; else it takes effect at import.

        They are those of the line, else of the function, none for a function that no test reaches; for what is run at
        import those of the module and after them all others.
        """
        lines = self._reached.get_data().contexts_by_lineno(str(self._root / mutant.file))
        telling = Counter(test for line in mutant.lines or lines for test in lines.get(line, ()) if test)
        for reached in ([mutant.line], mutant.lines):
            if tests := {test for line in reached for test in lines.get(line, ()) if test}:
                return self._in_time(tests, telling), True
        if mutant.lines and not any(line in lines for line in mutant.lines[1:]):
            return [], True
        return [*self._in_time(telling, telling), *self._in_time(self._seconds.keys() - telling.keys(), telling)], False

    def _in_time(self, tests: Iterable[str], telling: Counter[str]) -> list[str]:
        """Those that are about the function alone, those that reach the most of it, then the quickest of each file.

        As many as there is time for.
        """
        quickest = sorted(tests, key=self._seconds.__getitem__)
        nearest = sorted(quickest, key=lambda test: telling[test] / (self._reach[test] or 1), reverse=True)[:_NEAREST]
        widest = sorted(quickest, key=telling.__getitem__, reverse=True)[:_WIDEST]
        # Tests of one file look at the same things: the next one of another file sees what they do not.
        before: Counter[str] = Counter()
        turns = {}
        for test in quickest:
            file = test.partition("::")[0]
            turns[test] = before[file]
            before[file] += 1
        chosen, total_s = [], 0.0
        for test in dict.fromkeys([*nearest, *widest, *sorted(quickest, key=turns.__getitem__)]):
            total_s += self._seconds[test]
            if chosen and total_s > self._tests_s:
                break
            chosen.append(test)
        return chosen

    @staticmethod
    def _failure(item: pytest.Item, session: pytest.Session) -> str | None:
        """What a test says when it fails."""
        item._initrequest()  # as every plugin does that runs a test once more
        # The session is the next item: what belongs to it alone is kept, everything else is torn down.
        reports = runtestprotocol(item, log=False, nextitem=session)
        return next((report.longreprtext for report in reports if report.failed), None)


class _Failing:
    """A pytest plugin that notes which test fails."""

    def __init__(self) -> None:
        self.test = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notes it."""
        if report.failed:
            self.test = report.nodeid


class _Importer(MetaPathFinder):
    """Imports one module as changed."""

    def __init__(self, mutant: Mutant, root: Path) -> None:
        self._mutant = mutant
        self._path = root / mutant.file

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        if fullname != _module_name(self._mutant.file):
            return None
        source = self._mutant.source

        class Loader(SourceFileLoader):
            def get_code(self, fullname: str) -> CodeType:
                return compile(source, self.path, "exec", dont_inherit=True)

        return importlib.util.spec_from_file_location(fullname, self._path, loader=Loader(fullname, str(self._path)))


def exchanged(
    mutant: Mutant, root: Path, functions: Sequence[FunctionType]
) -> list[tuple[FunctionType, CodeType]] | None:
    """The living functions whose code changes, with their new code; None when more than functions' code changes."""
    path = str(root / mutant.file)
    before = compile((root / mutant.file).read_text(), path, "exec", dont_inherit=True)
    after = compile(mutant.source, path, "exec", dont_inherit=True)
    changes: list[tuple[CodeType, CodeType]] = []
    if not _compare(before, after, changes):
        return None
    living: list[tuple[FunctionType, CodeType]] = []
    for old, new in changes:
        found = [function for function in functions if function.__code__ == old]
        if not found:
            return None
        living += [(function, new) for function in found]
    return living or None


def _compare(before: CodeType, after: CodeType, changes: list[tuple[CodeType, CodeType]]) -> bool:
    """Collects the outermost functions that differ; whether nothing else differs."""

    def shell(code: CodeType) -> tuple[object, ...]:
        constants = tuple(repr(constant) for constant in code.co_consts if not isinstance(constant, CodeType))
        return code.co_code, constants, code.co_names, code.co_varnames, code.co_qualname

    inner = [[c for c in code.co_consts if isinstance(c, CodeType)] for code in (before, after)]
    if shell(before) != shell(after) or len(inner[0]) != len(inner[1]):
        return False
    for old, new in zip(*inner, strict=True):
        is_function = bool(old.co_flags & 0x0001)  # CO_OPTIMIZED: a function's body, unlike a class's
        if is_function and old.co_qualname == new.co_qualname and "<locals>" not in old.co_qualname:
            if old != new:
                if len(old.co_freevars) != len(new.co_freevars):
                    return False
                changes.append((old, new))
        elif not _compare(old, new, changes):
            return False
    return True


def _module_name(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")


def run(root: Path, tests_s: float, at_once: int, tests: Sequence[str], work: Callable[[Judging], None]) -> int:
    """Runs the tests once, and the work; pytest's exit code."""
    settings.register_profile(
        "mutation", deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    settings.load_profile("mutation")
    basetemp = memory_folder() / f"kiosk-mutation-{os.getpid()}"
    options = ["-q", "-p", "no:cacheprovider", "--capture=sys", f"--basetemp={basetemp}"]
    try:
        return int(pytest.main([*options, *tests], plugins=[Judge(root, tests_s, at_once, work)]))
    finally:
        shutil.rmtree(basetemp, ignore_errors=True)

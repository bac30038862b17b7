"""What a program does to the files of one folder, call by call, as the kernel sees it (strace)."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

CALLS = "/^(open|openat|openat2|creat|rename.*|unlink.*|link.*|symlink.*|fsync|fdatasync|sync.*|msync)$|write|truncate"
CALLS += "|allocate|sendfile|splice|copy_file_range"


class RecordingFailed(Exception):
    """The program failed, or did something to a file that is not understood."""


@dataclass(frozen=True)
class Created:
    """A file was made."""

    name: str


@dataclass(frozen=True)
class Written:
    """Bytes were written into a file."""

    name: str
    offset: int
    data: bytes


@dataclass(frozen=True)
class Truncated:
    """A file was cut or extended to a size."""

    name: str
    size: int


@dataclass(frozen=True)
class Synced:
    """What was written into a file is on the disk; an empty name means the folder's own entries."""

    name: str


@dataclass(frozen=True)
class Unlinked:
    """A file was removed."""

    name: str


@dataclass(frozen=True)
class Acknowledged:
    """The program was told that one more commit is durable."""


Operation = Created | Written | Truncated | Synced | Unlinked | Acknowledged


def record(program: Sequence[str], folder: Path, acknowledgements: Path, trace: Path) -> tuple[list[Operation], str]:
    """Runs a Python program of the tests and returns what it did to the files of `folder`, and what it printed.

    Each write to the file `acknowledgements` is one `Acknowledged`. Raises `RecordingFailed`.
    """
    there = {path.name for path in folder.iterdir()} if folder.exists() else set()
    strace = ["strace", "-f", "--seccomp-bpf", "-y", "-xx", "-s", "10000000", "-e", f"trace={CALLS}", "-o", str(trace)]
    try:
        done = subprocess.run(
            [*strace, sys.executable, *program],
            capture_output=True,
            text=True,
            timeout=600,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    except FileNotFoundError as error:
        raise RecordingFailed("not installed: strace (Debian package)") from error
    if done.returncode:
        raise RecordingFailed(done.stderr)
    with trace.open(encoding="ascii") as lines:
        return list(parse(lines, folder, acknowledgements, there)), done.stdout


_LINE = re.compile(r"\d+ +(?P<call>\w+)\((?P<words>.*)\) += (?P<result>-?\d+)(?:<(?P<opened>[^>]*)>)?.*\n")
_UNFINISHED = " <unfinished ...>\n"
_RESUMED = re.compile(r"\d+ +<\.\.\. \w+ resumed>")
_DESCRIPTOR = re.compile(r"\d+<(?P<path>[^>]*)>")


def parse(lines: Iterable[str], folder: Path, acknowledgements: Path, there: Iterable[str] = ()) -> Iterator[Operation]:
    """The operations in a trace, `there` being the files that were in the folder before.

    Raises `RecordingFailed` for a call on the folder that is not known here.
    """
    known = set(there)
    for line in _whole(lines):
        match = _LINE.fullmatch(line)
        if match is None:
            if _plain(line).find(str(folder)) >= 0:
                raise RecordingFailed(f"not understood: {line[:200]}")
            continue
        words, result = match["words"].split(", "), int(match["result"])
        if result < 0:
            continue
        yield from _operation(match["call"], words, _plain(match["opened"] or ""), folder, acknowledgements, known)


def _whole(lines: Iterable[str]) -> Iterator[str]:
    """Each call on one line, in the order in which calls returned: with threads, one is told in two pieces."""
    begun: dict[str, str] = {}
    for line in lines:
        thread = line.partition(" ")[0]
        if line.endswith(_UNFINISHED):
            begun[thread] = line.removesuffix(_UNFINISHED)
        elif resumed := _RESUMED.match(line):
            yield begun.pop(thread) + line[resumed.end() :]
        else:
            yield line


def _operation(
    call: str, words: list[str], opened: str, folder: Path, acknowledgements: Path, known: set[str]
) -> Iterator[Operation]:
    descriptor = _DESCRIPTOR.fullmatch(words[0])
    path = Path(opened) if opened else Path(_plain(descriptor["path"])) if descriptor else Path(_path(words))
    if path == acknowledgements and call == "write":
        yield Acknowledged()
    if path != folder and path.parent != folder:
        return
    name = "" if path == folder else path.name
    match call:
        case "openat" | "open":
            if any("O_TRUNC" in word for word in words):
                raise RecordingFailed(f"{name} was truncated when it was opened")
            if name and name not in known and any("O_CREAT" in word for word in words):
                known.add(name)
                yield Created(name)
        case "pwrite64":
            data = _bytes(words[1])
            assert len(data) == int(words[2])
            yield Written(name, int(words[3]), data)
        case "ftruncate":
            yield Truncated(name, int(words[1]))
        case "fsync" | "fdatasync":
            yield Synced(name)
        case "unlink":
            known.discard(name)
            yield Unlinked(name)
        case _:
            raise RecordingFailed(f"not understood: {call} of {name or 'the folder'}")


def _bytes(word: str) -> bytes:
    return bytes.fromhex(word.strip('"').replace("\\x", ""))


def _path(words: Sequence[str]) -> str:
    named = [word for word in words if word.startswith('"')]
    return _bytes(named[0]).decode() if named else ""


def _plain(text: str) -> str:
    return re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), text)

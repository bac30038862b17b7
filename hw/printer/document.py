"""Where papers on A4 go: to a document printer through CUPS, or into a folder."""

import os
import re
import subprocess
from pathlib import Path
from typing import Protocol

from hw.errors import NotSent, OutcomeUnknown, Refused

FORMS = "sim:, cups:QUEUE or folder:/PATH"
_TIMEOUT_S = 30.0
_QUEUE = re.compile(r"[A-Za-z0-9._-]{1,127}")
_REQUEST = re.compile(r"request id is (\S+)")


class DocumentPrinter(Protocol):
    """Takes whole documents; what becomes of the paper only a person sees."""

    def print(self, name: str, document: bytes) -> str:
        """Hands over a PDF; what to look for it under. Raises `NotSent`, `Refused`."""
        ...


class DocumentFolder:
    """Writes documents into a folder, each under a name of its own, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def print(self, name: str, document: bytes) -> str:
        """Writes it; its path."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            number = 1
            while True:
                path = self._folder / f"{name}-{number:04d}.pdf"
                try:
                    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                    break
                except FileExistsError:
                    number += 1
            with os.fdopen(descriptor, "wb") as file:
                file.write(document)
        except OSError as error:
            raise NotSent(f"cannot write {name}: {error}") from error
        return str(path)


class CupsPrinter:
    """Hands documents to the CUPS queue `queue` by lp(1); `program` is that, for a test."""

    def __init__(self, queue: str, program: str = "lp") -> None:
        self._queue = queue
        self._program = program

    def print(self, name: str, document: bytes) -> str:
        """Hands it over on lp's standard input, so that it lies in no file; CUPS's request id."""
        words = [self._program, "-d", self._queue, "-t", name, "-o", "media=A4", "-"]
        try:
            done = subprocess.run(words, input=document, capture_output=True, timeout=_TIMEOUT_S, check=False)
        except FileNotFoundError as error:
            raise NotSent("CUPS is not installed: there is no lp") from error
        except subprocess.TimeoutExpired as error:
            raise OutcomeUnknown(f"lp takes longer than {_TIMEOUT_S:.0f} s; it may have queued the paper") from error
        if done.returncode:
            raise Refused(f"lp: {done.stderr.decode('utf-8', 'replace').strip()}")
        found = _REQUEST.search(done.stdout.decode("utf-8", "replace"))
        return found[1] if found else self._queue


def document_printer(link: str) -> DocumentPrinter:
    """The printer that `link` names. Raises `ValueError` for what is no such link."""
    scheme, _, rest = link.partition(":")
    if scheme == "cups" and _QUEUE.fullmatch(rest):
        return CupsPrinter(rest)
    if scheme == "folder" and rest.startswith("/"):
        return DocumentFolder(Path(rest))
    raise ValueError(f"{link!r} is not a document printer; expected {FORMS}")

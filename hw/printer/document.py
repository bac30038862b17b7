"""Where papers on A4 go: to a document printer through CUPS, or into a folder."""

import os
import re
import subprocess
from pathlib import Path
from typing import Protocol

from hw.errors import NotSent, OutcomeUnknown, Refused

FORMS = "sim:, cups:QUEUE or folder:/PATH"
_QUEUE = re.compile(r"[A-Za-z0-9._-]{1,127}")
_ACCEPTING = re.compile(r"^\S+ accepting requests")
_REQUEST = re.compile(r"request id is (\S+)")


class DocumentPrinter(Protocol):
    """Takes whole documents; what becomes of the paper only a person sees."""

    def print(self, name: str, document: bytes) -> str:
        """Hands over a PDF; what to look for it under. Raises `NotSent`, `Refused`, and `OutcomeUnknown`."""
        ...

    def check(self) -> str:
        """Where documents would go, once it is known that they would be taken. Raises `NotSent`, `Refused`."""
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

    def check(self) -> str:
        """The folder, which is made and can be written into."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise NotSent(f"cannot make {self._folder}: {error}") from error
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise NotSent(f"cannot write into {self._folder}")
        return str(self._folder)


class CupsPrinter:
    """Hands documents to the CUPS queue `queue` by lp(1).

    `program` and `status_program` are CUPS's, `timeout_s` is how long either may take; others for a test.
    """

    def __init__(
        self, queue: str, program: str = "lp", status_program: str = "lpstat", *, timeout_s: float = 30.0
    ) -> None:
        self._queue = queue
        self._program = program
        self._status_program = status_program
        self._timeout_s = timeout_s

    def print(self, name: str, document: bytes) -> str:
        """Hands it over on lp's standard input, so that it lies in no file; CUPS's request id."""
        words = [self._program, "-d", self._queue, "-t", name, "-o", "media=A4", "-"]
        try:
            done = self._run(words, document)
        except subprocess.TimeoutExpired as error:
            raise OutcomeUnknown(
                f"lp takes longer than {self._timeout_s:.0f} s; it may have queued the paper"
            ) from error
        if done.returncode:
            raise Refused(f"lp: {done.stderr.decode('utf-8', 'replace').strip()}")
        found = _REQUEST.search(done.stdout.decode("utf-8", "replace"))
        return found[1] if found else self._queue

    def check(self) -> str:
        """What lpstat(1) says of the queue, which takes papers. Raises `Refused` where it does not, `NotSent`."""
        try:
            done = self._run([self._status_program, "-a", self._queue])
        except subprocess.TimeoutExpired as error:
            raise NotSent(f"lpstat takes longer than {self._timeout_s:.0f} s") from error
        told = (done.stdout or done.stderr).decode("utf-8", "replace").strip()
        if done.returncode or _ACCEPTING.search(told) is None:
            raise Refused(f"lpstat: {told}")
        return told

    def _run(self, words: list[str], document: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        """Runs one of CUPS's programs, whose words are English. Raises `NotSent`, `subprocess.TimeoutExpired`."""
        environment = os.environ | {"LC_ALL": "C"}
        try:
            return subprocess.run(
                words, input=document, capture_output=True, timeout=self._timeout_s, check=False, env=environment
            )
        except FileNotFoundError as error:
            raise NotSent(f"CUPS is not installed: there is no {words[0]}") from error


def document_printer(link: str) -> DocumentPrinter:
    """The printer that `link` names. Raises `ValueError` for what is no such link."""
    scheme, _, rest = link.partition(":")
    if scheme == "cups" and _QUEUE.fullmatch(rest):
        return CupsPrinter(rest)
    if scheme == "folder" and rest.startswith("/"):
        return DocumentFolder(Path(rest))
    raise ValueError(f"{link!r} is not a document printer; expected {FORMS}")

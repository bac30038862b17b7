"""`kiosk ca serve` in a process of its own, and openssl beside it."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KIOSK = [sys.executable, "-m", "kiosk", "ca"]


def ca(*words: str) -> None:
    """Runs `kiosk ca ...`, which must succeed."""
    subprocess.run([*KIOSK, *words], cwd=ROOT, check=True, capture_output=True, timeout=60)


def openssl(work: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs openssl in a folder."""
    return subprocess.run(["openssl", *words], cwd=work, capture_output=True, text=True, timeout=60)


@dataclass
class Served:
    """A running authority."""

    directory: Path
    url: str

    @property
    def trust(self) -> str:
        return str(self.directory / "ca.pem")

    def cmp(self, work: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """`openssl cmp` against this authority."""
        return openssl(work, "cmp", "-config", "", "-server", f"{self.url}/.well-known/cmp", *words)

    def ocsp(self, work: Path, certificate: str) -> str:
        """What `openssl ocsp` says of a certificate."""
        words = ("-issuer", self.trust, "-sha256", "-cert", certificate, "-url", f"{self.url}/ocsp")
        done = openssl(work, "ocsp", *words, "-CAfile", self.trust)
        assert done.returncode == 0 and "Response verify OK" in done.stderr, done.stderr
        return done.stdout


@contextlib.contextmanager
def serving(directory: Path, *options: str) -> Iterator[Served]:
    """Serves until the block has ended."""
    process = subprocess.Popen(
        [*KIOSK, "serve", "--data", str(directory), "--listen", "127.0.0.1:0", "--exit-with-parent", *options],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout
    try:
        word, _, url = process.stdout.readline().strip().partition(" ")
        assert word == "ready"
        yield Served(directory, url)
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(60)

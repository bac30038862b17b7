"""config/bootstrap.sh: built once and left alone, mended when broken, and enough by itself on a bare Debian 12.

The quick tests run the real script in a very small checkout without a network. The one marked `fresh` builds a bare
Debian tree and does there what a newcomer does; it needs root, debootstrap and the package mirrors, and takes minutes:
`sh config/bootstrap.sh test -m fresh -n 0`, which also says how long each step took.
"""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect  # has no types of its own
import pytest

ROOT = Path(__file__).resolve().parent.parent
SECOND_START_LIMIT_S = 2.0

BACKEND = '''
"""Builds the wheel of an editable install: a path and two commands, nothing else."""
import pathlib, zipfile

FILES = {
    "tiny.pth": str(pathlib.Path.cwd()),
    "tiny-1.dist-info/METADATA": "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1\\n",
    "tiny-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: tiny\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    "tiny-1.dist-info/entry_points.txt": "[console_scripts]\\nkiosk = kiosk.cli:main\\n",
}

def build_editable(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(pathlib.Path(folder, "tiny-1-py3-none-any.whl"), "w") as wheel:
        for name, text in FILES.items():
            wheel.writestr(name, text)
        record = "tiny-1.dist-info/RECORD"
        wheel.writestr(record, "".join(f"{name},,\\n" for name in [*FILES, record]))
    return "tiny-1-py3-none-any.whl"
'''


class Checkout:
    """A checkout with the real bootstrap.sh, one locked package that lies on this machine, and a kiosk that echoes.

    The system's package tools are stand-ins: no test installs anything on the machine.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        self.tools = folder / "tools"
        self.tools.mkdir()
        self.calls = folder / "calls"
        self.calls.touch()
        self.tool("apt-get", f'echo apt-get "$@" >>"{self.calls}"; exit 9')
        self.tool("sudo", 'exec "$@"')
        (wheel,) = Path("/usr/share/python-wheels").glob("setuptools-*.whl")
        files = {
            "config/requirements.lock": f"setuptools=={wheel.name.split('-')[1]} \\\n"
            f"    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n",
            "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
            "backend.py": BACKEND,
            "kiosk/cli.py": "import sys\n\n\ndef main():\n    print(*sys.argv[1:])\n",
            "hw/__init__.py": "",
        }
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        shutil.copy(ROOT / "config" / "bootstrap.sh", self.folder / "config")

    def tool(self, name: str, script: str) -> None:
        (self.tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.tools / name).chmod(0o755)

    def launch(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts bootstrap.sh from elsewhere, with no package index to ask."""
        env = {
            **os.environ,
            "PATH": f"{self.tools}:{os.environ['PATH']}",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": "/usr/share/python-wheels",
            "PIP_CONFIG_FILE": os.devnull,
        }
        command = ["sh", str(self.folder / "config" / "bootstrap.sh"), *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, env=env, cwd="/", stdout=pipe, stderr=pipe, encoding="utf-8", start_new_session=True
        )

    def start(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs bootstrap.sh to its end."""
        with self.launch(*arguments) as process:
            out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def break_off(self, *arguments: str, at: str) -> None:
        """Runs bootstrap.sh until it says `at`, then kills all of it."""
        with self.launch(*arguments) as process:
            assert process.stderr is not None
            assert at in iter(process.stderr.readline, "")
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_a_start_mends_what_is_half_made_and_the_next_builds_nothing(checkout: Checkout) -> None:
    checkout.break_off("demo", at="bootstrap: installing locked Python packages (a minute or two)\n")

    mended = checkout.start("demo", "--set", "town=two words")
    assert (mended.returncode, mended.stdout) == (0, "demo --set town=two words\n"), mended.stderr
    assert all(line.startswith("bootstrap: ") for line in mended.stderr.splitlines())

    before = time.monotonic()
    second = checkout.start("demo")
    took_s = time.monotonic() - before
    assert (second.returncode, second.stdout, second.stderr) == (0, "demo\n", "")
    assert took_s < SECOND_START_LIMIT_S

    with (checkout.folder / "config" / "requirements.lock").open("a") as lock:
        lock.write("# another lock file needs another environment\n")
    checkout.break_off("demo", at="bootstrap: making the Python environment .venv\n")


def test_missing_system_packages_are_installed_and_a_failure_says_what_to_do(checkout: Checkout) -> None:
    checkout.tool("dpkg-query", "printf 'installed:gcc config-files:swig '; exit 1")
    start = checkout.start("demo")
    assert checkout.calls.read_text().split()[-1] == "update"
    assert start.returncode == 9
    last = start.stderr.splitlines()[-1]
    assert last.startswith("bootstrap: failed (9): installing system packages: python3-venv ")
    assert " swig " in last
    assert " gcc " not in last
    assert "Check the network" in last


def test_an_unknown_goal_is_a_usage_error(checkout: Checkout) -> None:
    for arguments in ((), ("deploy",)):
        start = checkout.start(*arguments)
        assert start.returncode == 64
        assert "bootstrap.sh demo" in start.stderr


class BareDebian:
    """A minimal Debian 12 with the tracked files in /src and this machine's way to the package mirrors.

    Every command runs in namespaces of its own, so that no mount and no process outlives it.
    """

    def __init__(self, tree: Path) -> None:
        self.tree = tree

    def make(self) -> None:
        folder = Path("/etc/apt/sources.list.d")
        sources = [*folder.glob("*.sources"), *folder.glob("*.list"), *folder.parent.glob("sources.list")]
        known = "\n".join(path.read_text() for path in sources)
        mirror = re.search(r"^(?:URIs: *|deb (?:\[[^]]*\] )?)(\S+)", known, flags=re.MULTILINE)
        assert mirror, "apt knows no mirror"
        packages = "systemd,systemd-sysv,dbus,ca-certificates,iproute2"
        subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", self.tree, mirror[1]],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (self.tree / "etc/apt/sources.list").unlink(missing_ok=True)
        settings = [*sources, *Path("/etc/apt/apt.conf.d").glob("99*"), Path("/etc/ssl/certs/ca-certificates.crt")]
        settings += [Path("/etc/pip.conf"), Path("/etc/resolv.conf"), Path("/etc/hosts")]
        for path in settings:
            if path.exists():
                target = self.tree / path.relative_to("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
        tracked = subprocess.run(
            ["git", "-C", ROOT, "ls-files", "-z"], check=True, capture_output=True, encoding="utf-8"
        ).stdout
        for name in filter(None, tracked.split("\0")):
            target = self.tree / "src" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)

    def copy(self, tree: Path) -> "BareDebian":
        subprocess.run(["cp", "-a", "--reflink=auto", self.tree, tree], check=True)
        return BareDebian(tree)

    def command(self, *words: str, network: bool = True) -> list[str]:
        """The command line that runs `words` in the tree's /src."""
        # The tree becomes a mount point: a test in it can only then have a mount namespace of its own.
        enter = (
            'mount --bind "$0" "$0"; mount -t proc proc "$0/proc"; '
            'for d in dev sys; do mount --rbind "/$d" "$0/$d"; done; ip link set lo up; '
            'exec chroot "$0" /bin/sh -c \'cd /src; exec "$@"\' sh "$@"'
        )
        isolated = ["unshare", "--mount", "--pid", "--fork", "--kill-child", *([] if network else ["--net"])]
        return [*isolated, "sh", "-euc", enter, str(self.tree), *words]

    def run(self, *words: str, network: bool = True) -> subprocess.CompletedProcess[str]:
        command = self.command(*words, network=network)
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        )


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[BareDebian]:
    bare = BareDebian(tmp_path / "tree")
    bare.make()
    yield bare
    # Some 3 GB in all, which pytest would keep.
    for tree in tmp_path.iterdir():
        shutil.rmtree(tree)


Stopwatch = Callable[[str], float]


@pytest.fixture
def stopwatch(capfd: pytest.CaptureFixture[str]) -> Stopwatch:
    """Prints what took how long since the last call, past pytest's capture, and returns it in seconds."""
    last = time.monotonic()

    def lap(what: str) -> float:
        nonlocal last
        took_s, last = time.monotonic() - last, time.monotonic()
        with capfd.disabled():
            print(f"\n{what}: {took_s:.1f} s", flush=True)
        return took_s

    return lap


def see_the_first_screen(command: list[str], timeout_s: float) -> None:
    """Starts the app on a terminal of 100 by 30 and waits until it has drawn Japanese text on its full screen."""
    env = {**os.environ, "TERM": "xterm-256color"}
    app = pexpect.spawn(command[0], command[1:], env=env, dimensions=(30, 100), encoding="utf-8", timeout=timeout_s)
    app.expect_exact("\x1b[?1049h")
    app.expect("[\u3041-\u30ff\u4e00-\u9fff]{4}")
    app.close(force=True)


@pytest.mark.fresh
def test_each_command_of_the_readme_is_enough_on_a_bare_debian(
    stopwatch: Stopwatch, bare: BareDebian, tmp_path: Path
) -> None:
    other = bare.copy(tmp_path / "other")
    stopwatch("two bare trees")

    demo = ("sh", "config/bootstrap.sh", "demo")
    see_the_first_screen(bare.command(*demo), timeout_s=900)
    stopwatch("first start of the demo, to its first screen")
    see_the_first_screen(bare.command(*demo, network=False), timeout_s=30)
    stopwatch("second start of the demo without a network, to its first screen")
    assert bare.run(*demo, "--help", network=False).returncode == 0
    with_bootstrap_s = stopwatch("bootstrap.sh demo --help")
    bare.run(".venv/bin/kiosk", "demo", "--help", network=False)
    assert with_bootstrap_s - stopwatch("kiosk demo --help") < SECOND_START_LIMIT_S

    suite = other.run("sh", "config/bootstrap.sh", "test")
    stopwatch("first start of the test suite")
    assert suite.returncode == 0, suite.stdout[-20_000:]
    assert re.fullmatch(r"\d+ passed.* in .*", suite.stdout.splitlines()[-1])

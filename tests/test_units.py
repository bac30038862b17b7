"""The appliance: units that systemd accepts and finds well confined, names that agree, and the session's launcher."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SYSTEMD = ROOT / "systemd"
INSTALLED = "/usr/lib/kiosk/"
EXPOSURE_LIMIT = 20
"""Tenths, as `systemd-analyze security --threshold` counts."""

SERVICES = sorted(path.name for path in SYSTEMD.glob("*.service"))


def run(*command: str | Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a systemd tool; with `path`, units are found there before the system's own."""
    env = {**os.environ, **({"SYSTEMD_UNIT_PATH": f"{path}:"} if path else {})}
    return subprocess.run(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=60
    )


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units as installed, but with the programs that they start below a folder of this test."""
    programs = tmp_path / "lib"
    (programs / "venv" / "bin").mkdir(parents=True)
    (programs / "venv" / "bin" / "kiosk").symlink_to("/bin/true")
    for script in ("kiosk-session", "kiosk-outage"):
        shutil.copy(SYSTEMD / script, programs)
    folder = tmp_path / "units"
    shutil.copytree(SYSTEMD / "pcscd.socket.d", folder / "pcscd.socket.d")
    for name in SERVICES:
        (folder / name).write_text((SYSTEMD / name).read_text().replace(INSTALLED, f"{programs}/"))
    return folder


def test_there_are_units() -> None:
    assert SERVICES == ["kiosk-authority.service", "kiosk-outage.service", "kiosk.service"]


@pytest.mark.parametrize("name", SERVICES)
def test_systemd_accepts_the_unit_without_a_word(name: str, units: Path) -> None:
    result = run("systemd-analyze", "verify", units / name, path=units)
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_the_unit_is_well_confined(name: str, units: Path) -> None:
    result = run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_LIMIT}", units / name)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("before", "after"), [("Restart=", "Resart="), ("kiosk-session", "kiosk-sesion")])
def test_a_slip_in_a_unit_is_found(before: str, after: str, units: Path) -> None:
    unit = units / "kiosk.service"
    unit.write_text(unit.read_text().replace(before, after))
    assert run("systemd-analyze", "verify", unit, path=units).stdout


def test_a_loose_unit_is_found(units: Path) -> None:
    unit = units / "kiosk.service"
    unit.write_text("[Service]\nUser=kiosk\nExecStart=/bin/true\n")
    loose = run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_LIMIT}", unit)
    assert loose.returncode != 0


def test_the_drop_ins_are_accepted(units: Path) -> None:
    extra = units / "kiosk.service.d"
    extra.mkdir()
    shutil.copy(SYSTEMD / "kiosk-logind.conf", extra)
    for unit in (units / "kiosk.service", "pcscd.socket"):
        result = run("systemd-analyze", "verify", unit, path=units)
        assert (result.returncode, result.stdout) == (0, "")


def settings(name: str, key: str) -> list[str]:
    """Every value of a key in a unit, in order."""
    return re.findall(rf"^{key}=(.*)$", (SYSTEMD / name).read_text(), flags=re.MULTILINE)


def declared_users() -> set[str]:
    return set(re.findall(r"^u (\S+)", (SYSTEMD / "kiosk.sysusers").read_text(), flags=re.MULTILINE))


def test_every_user_and_group_is_declared() -> None:
    users = {user for name in SERVICES for user in settings(name, "User")}
    groups = {*settings("pcscd.socket.d/kiosk.conf", "SocketGroup")}
    groups |= {rule["GROUP="] for rule in udev_rules() if "GROUP=" in rule}
    assert users | groups == declared_users()


def test_systemd_accepts_the_users() -> None:
    result = run("systemd-sysusers", "--dry-run", SYSTEMD / "kiosk.sysusers")
    assert result.returncode == 0, result.stdout


def test_the_folders_are_plain_root_only_ones() -> None:
    lines = [line for line in (SYSTEMD / "kiosk.tmpfiles").read_text().splitlines() if not line.startswith("#")]
    assert lines
    for line in lines:
        assert re.fullmatch(r"d /etc/kiosk(/\w+)? 0[0-7]{3} root root", line)


UDEV_TERM = re.compile(r'(?P<key>[A-Z_]+(?:\{[\w.]+\})?)(?P<operator>==|!=|\+=|:=|=)"(?P<value>[^"]*)"')
UDEV_MATCHES = re.compile(r"(SUBSYSTEM|KERNEL|ATTRS\{\w+\})==")
UDEV_ASSIGNMENTS = re.compile(r"(SYMLINK\+|GROUP|MODE|ENV\{ID_MM_DEVICE_IGNORE\})=")


def udev_rules() -> Iterator[dict[str, str]]:
    """Each rule as its terms, key and operator to value; a line that is no rule fails."""
    for line in (SYSTEMD / "70-kiosk.rules").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        terms = [UDEV_TERM.fullmatch(term.strip()) for term in line.split(",")]
        assert all(terms), line
        yield {term["key"] + term["operator"]: term["value"] for term in terms if term}


def test_udev_rules_match_first_and_then_assign() -> None:
    for rule in udev_rules():
        kinds = ["match" if UDEV_MATCHES.fullmatch(key) else "assign" for key in rule]
        assert kinds == sorted(kinds, reverse=True)
        assert all(UDEV_MATCHES.fullmatch(key) or UDEV_ASSIGNMENTS.fullmatch(key) for key in rule), rule
        assert {"SUBSYSTEM==", "SYMLINK+=", "GROUP=", "MODE="} <= rule.keys()
        assert rule["MODE="] == "0660"


def test_udev_names_every_device_of_a_station() -> None:
    names = {rule["SYMLINK+="] for rule in udev_rules()}
    assert names == {f"kiosk/{device}" for device in ("receipt", "coin", "display", "lamp", "scanner")}


def test_a_latin_font_gives_the_cell_its_width() -> None:
    foot = (ROOT / "config" / "terminal" / "foot.ini").read_text()
    xterm = (ROOT / "config" / "terminal" / "Xresources").read_text()
    assert re.search(r"^font=DejaVu Sans Mono:.*,BIZ UDGothic:", foot, flags=re.MULTILINE)
    assert re.search(r"^XTerm\*faceName: DejaVu Sans Mono$", xterm, flags=re.MULTILINE)
    assert re.search(r"^XTerm\*faceNameDoublesize: BIZ UDGothic$", xterm, flags=re.MULTILINE)


CLIENT_OF = {
    "cage": 'test "$1 $2" = "-d --"; client=$3',
    "weston": 'client=$(sed -n "s/^path=//p" "${1#--config=}")',
    "xinit": "client=$1",
    "xterm": 'test "$1 $2" = "-fullscreen -e"; client=$3',
    "foot": 'test "$2" = --fullscreen; client=$3',
    "Xwayland": "exit 1",
}
"""How each display server and terminal is told its client."""

REAL_PROGRAMS = ("sh", "cat", "grep", "dirname", "readlink", "rm", "timeout", "tail", "env", "sed")


class Session:
    """The launcher on a machine whose every program is a stand-in that notes its name and starts its client.

    Stand-ins end with 0 whatever their client says, as display servers and xterm do.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "bin"
        self.notes = folder / "notes"
        self.kiosk = folder / "lib" / "venv" / "bin" / "kiosk"
        for made in (self.programs, self.kiosk.parent, folder / "run"):
            made.mkdir(parents=True)
        shutil.copy(SYSTEMD / "kiosk-session", folder / "lib")
        for name in REAL_PROGRAMS:
            found = shutil.which(name)
            assert found, name
            (self.programs / name).symlink_to(found)

    def install(self, *names: str, touch: bool = False, show: str = '"$client" || true') -> None:
        for name in names:
            mark = "# wl_touch_interface" if touch and name == "foot" else ""
            script = f'#!/bin/sh\n{mark}\nset -eu\necho {name} >>"{self.notes}"\n{CLIENT_OF[name]}\n{show}\n'
            self.write(self.programs / name, script)

    def write(self, program: Path, script: str) -> None:
        program.write_text(script)
        program.chmod(0o755)

    def start(self, kiosk: str) -> subprocess.Popen[str]:
        self.write(self.kiosk, f'#!/bin/sh\necho kiosk "$@" >>"{self.notes}"\n{kiosk}\n')
        env = {
            "PATH": str(self.programs),
            "RUNTIME_DIRECTORY": str(self.folder / "run"),
            "STATE_DIRECTORY": "/var/lib/kiosk",
        }
        launcher = self.folder / "lib" / "kiosk-session"
        self.launched = subprocess.Popen(
            [launcher, "clerk"], env=env, stderr=subprocess.PIPE, encoding="utf-8", start_new_session=True
        )
        return self.launched


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    session = Session(tmp_path)
    yield session
    with suppress(ProcessLookupError):
        os.killpg(session.launched.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("installed", "touch", "expected"),
    [
        (["cage", "weston", "xinit", "xterm", "Xwayland", "foot"], True, ["cage", "foot"]),
        (["cage", "weston", "xinit", "xterm", "Xwayland", "foot"], False, ["cage", "xterm"]),
        (["cage", "foot"], False, ["cage", "foot"]),
        (["weston", "xterm", "Xwayland"], False, ["weston", "xterm"]),
        (["weston", "foot"], True, ["weston", "foot"]),
        (["cage", "weston", "xinit", "xterm"], False, ["xinit", "xterm"]),
    ],
)
def test_the_best_display_and_terminal_installed_show_the_kiosk(
    session: Session, installed: list[str], touch: bool, expected: list[str]
) -> None:
    session.install(*installed, touch=touch)
    launched = session.start("exit 78")
    launched.communicate(timeout=30)
    assert launched.returncode == 78, "the kiosk's own exit status"
    arguments = "run --seat clerk --config /etc/kiosk/kiosk.toml --data /var/lib/kiosk"
    assert session.notes.read_text().splitlines() == [*expected, f"kiosk {arguments}"]


def test_without_a_display_the_launcher_says_what_to_install(session: Session) -> None:
    session.install("foot")
    launched = session.start("exit 0")
    _, message = launched.communicate(timeout=30)
    assert launched.returncode == 78
    assert "install cage" in message


def test_a_stop_is_told_to_the_kiosk_and_waits_for_it(session: Session) -> None:
    session.install("cage", "foot")
    fifo = session.folder / "fifo"
    os.mkfifo(fifo)
    busy = (
        f'trap "echo finished >>{session.notes}; exit 0" TERM; echo ready >{fifo}; while :; do read line <{fifo}; done'
    )
    launched = session.start(busy)
    assert fifo.read_text() == "ready\n"
    launched.terminate()
    launched.communicate(timeout=30)
    assert launched.returncode == 0
    assert session.notes.read_text().splitlines()[-1] == "finished"


def test_a_display_that_dies_leaves_the_kiosk_its_time(session: Session) -> None:
    shown, go_on = session.folder / "shown", session.folder / "go on"
    os.mkfifo(shown)
    os.mkfifo(go_on)
    session.install("cage", show=f'"$client" & read line <"{shown}"')
    session.install("foot")
    launched = session.start(f'echo ready >"{shown}"; read line <"{go_on}"; echo finished >>"{session.notes}"')
    with pytest.raises(subprocess.TimeoutExpired):
        launched.wait(timeout=0.5)
    go_on.write_text("\n")
    launched.communicate(timeout=30)
    assert session.notes.read_text().splitlines()[-1] == "finished"


def test_the_kiosk_may_sound() -> None:
    """Voice and tones go to ALSA's devices, which belong to the group audio."""
    assert "char-alsa rw" in settings("kiosk.service", "DeviceAllow")
    assert "m kiosk audio" in (SYSTEMD / "kiosk.sysusers").read_text().splitlines()

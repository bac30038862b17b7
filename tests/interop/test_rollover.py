"""A town goes through a rollover of its authority's key: before, in between, and once its station is renewed."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from served_authority import ROOT, Served, ca, serving

from kiosk.authority.credential import load_credential

RESIDENTS = ("10000000100", "10000000197", "10000000294", "10000000391")


@dataclass
class Town:
    """One authority, and a drill for each resident."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "authority"

    def credential(self, station: str) -> Path:
        return self.authority / "stations" / f"{station}.pem"

    def application(self, which: int) -> Path:
        """One resident's."""
        path = self.folder / f"{which}.toml"
        path.write_text(
            f'number = "2011-{which:04}"\nresident = "{RESIDENTS[which]}"\n[persons.resident]\n'
            'password = "Horonobe2011"\n[persons.clerk]\ntendered_yen = 1000\n'
        )
        return path

    def words(self, served: Served, station: str, *settings: str) -> list[str]:
        known = (f"authority.url={served.url}", f"authority.credential={self.credential(station)}", *settings)
        return [word for setting in known for word in ("--set", setting)]

    def drill(self, served: Served, which: int, station: str, *settings: str) -> str:
        """The serial number of what a resident got at a station."""
        done = self.kiosk("drill", self.application(which), "--json", *self.words(served, station, *settings), at=which)
        last = json.loads(done.stdout.splitlines()[-1])
        assert last["step"] == "closed", done.stdout + done.stderr
        return str(last["serial"])

    def kiosk(self, *words: object, at: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "kiosk", *map(str, words), "--data", str(self.folder / f"data-{at}")]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)

    @contextlib.contextmanager
    def attending(self, served: Served, station: str, *settings: str) -> Iterator[None]:
        """A clerk's station, played."""
        words = ["drill", str(self.application(0)), "--attend", *self.words(served, station, *settings)]
        process = subprocess.Popen(
            [sys.executable, "-m", "kiosk", *words, "--data", str(self.folder / "attending")],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin and process.stdout
        try:
            assert "ready" in process.stdout.readline()
            yield
        finally:
            process.stdin.close()
            process.stdout.close()
            process.wait(60)


def test_a_town_goes_on_before_and_after_its_station_is_renewed(tmp_path: Path) -> None:
    """A second terminal that was added after the rollover is served by the clerk's station of before, renewed."""
    town = Town(tmp_path)
    ca("init", "--data", str(town.authority))
    with serving(town.authority) as served:
        serials = [town.drill(served, 0, "demo")]
    ca("rollover", "--data", str(town.authority))
    ca("station", "later", "--data", str(town.authority))
    with serving(town.authority) as served:
        serials.append(town.drill(served, 1, "demo"))
        demo = town.credential("demo")
        before = load_credential(demo)
        ca("renew", "--credential", str(demo), "--url", served.url)
        assert load_credential(demo).issuer != before.issuer
        serials.append(town.drill(served, 2, "demo"))
        shared = f"store.url=sqlite:///{tmp_path}/shared.db"
        with town.attending(served, "demo", shared):
            serials.append(town.drill(served, 3, "later", shared, "clerk.station=demo"))
        for which in (0, 1):
            # Of the generation before and of the present one, by the station that has both.
            revoked = town.kiosk("revoke", town.application(which), *town.words(served, "demo"), at=which)
            assert revoked.returncode == 0, revoked.stdout + revoked.stderr
    for which, serial in enumerate(serials):
        status = subprocess.run(
            [sys.executable, "-m", "kiosk", "ca", "status", serial, "--data", str(town.authority)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert status.stdout.startswith("revoked" if which < 2 else "good")

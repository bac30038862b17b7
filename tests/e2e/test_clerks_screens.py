"""A resident's terminal and a clerk's station, each a process with its own screen, over one store."""

import json
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.commands import authority, run
from tests.e2e.tmux_terminal import Terminal
from tests.stores import Store

PASSWORD = "AB01"


@dataclass
class Town:
    """Both stations, the authority between them."""

    folder: Path
    url: str
    store: Store

    def start(self, seat: str, credential: str, *settings: str) -> Terminal:
        """One station at its screen."""
        (self.folder / seat).mkdir(exist_ok=True)
        shared = (
            f"authority.url={self.url}",
            f"authority.credential={self.folder / 'ca' / 'stations' / credential}.pem",
            f"store.url={self.store.url}",
            *settings,
        )
        words = [word for setting in shared for word in ("--set", setting)]
        return Terminal(self.folder / seat, "run", "--seat", seat, "--data", self.folder / seat / "data", *words)

    def terminal(self) -> Terminal:
        """What stands in public."""
        return self.start("resident", "demo", "clerk.station=window")


@pytest.fixture
def town(tmp_path: Path, postgresql_store: Store) -> Iterator[Town]:
    with authority(tmp_path / "ca") as url:
        assert run("ca", "station", "window", "--data", tmp_path / "ca").returncode == 0
        yield Town(tmp_path, url, postgresql_store)


@pytest.fixture
def window(town: Town) -> Iterator[Terminal]:
    clerk = town.start("clerk", "window")
    sign_in(clerk)
    yield clerk
    clerk.close()


@pytest.fixture
def terminal(town: Town, window: Terminal) -> Iterator[Terminal]:
    resident = town.terminal()
    yield resident
    resident.close()


def sign_in(window: Terminal) -> None:
    """Number and PIN; once more when the first keys came before the seat could hear them."""
    window.wait_for("ロックしています")
    window.press(*"011234", "Enter")
    window.wait_for_one_of("端末のようす", "違います")
    if "違います" in window.screen():
        window.press(*"011234", "Enter")
        window.wait_for("端末のようす")


def send_form(window: Terminal) -> None:
    """The clerk takes the first resident's application in and sends it to the terminal."""
    window.wait_for("端末 demo　空いています")
    window.press("m")
    window.wait_for("申請の受付")
    window.press("1")
    window.wait_for("生年月日")
    window.press(*"19310503")
    window.wait_for("幌延　太郎")
    window.press("Enter")
    window.wait_for("端末 demo へ 送りました")
    window.press("Enter")


def go_to_the_fee(terminal: Terminal, window: Terminal) -> None:
    """Up to the question about the money."""
    terminal.wait_for("これで正しいですか")
    terminal.press("Enter")
    terminal.wait_for("カードを 入れてください")
    terminal.press("Enter")
    window.wait_for("端末 demo　申請書")
    window.wait_for("運転免許証")
    window.press("1")
    window.wait_for("記載の一致")
    for check, key in (("済 お顔", "1"), ("済 有効期限", "2"), ("済 記載の一致", "3")):
        window.press(key)
        window.wait_for(check)
    window.press("Enter")
    window.wait_for("許可しますか")
    window.press("Enter")
    terminal.wait_for("パスワードを")
    terminal.press(*PASSWORD, "Enter")
    terminal.wait_for("もう一度")
    terminal.press(*PASSWORD, "Enter")
    terminal.wait_for("この内容で よろしいですか")
    terminal.press("Enter")
    window.wait_for("手数料を お受け取りください")


def test_a_certificate_is_issued_between_two_screens(town: Town, terminal: Terminal, window: Terminal) -> None:
    send_form(window)
    go_to_the_fee(terminal, window)
    window.press(*"1000", "Enter")
    window.wait_for("おつり 500円")
    window.press("Enter")
    terminal.wait_for("カードを お取りください")
    window.wait_for("有効になった")
    terminal.press("Enter")
    terminal.wait_for("手続が 終わりました")
    terminal.press("Enter")
    window.wait_for("済（端末 demo）")
    window.wait_for("端末 demo　空いています")
    paper = (town.folder / "resident" / "data" / "sim" / "printer" / "0001.txt").read_text()
    serial = re.search(r"\b(?:[0-9A-F]{2}){13,16}\b", paper)
    assert serial is not None, paper
    assert run("ca", "status", serial[0], "--data", town.folder / "ca").stdout.strip() == "good"
    # The drawer stands at the window, and its day is closed there.
    window.press("m")
    window.wait_for("締め処理")
    window.press("4")
    window.wait_for("数え終わりました")
    window.press("F9")
    window.wait_for("1件　500円")
    assert [entry["yen"] for entry in events(town) if entry["event"] == "till"] == [1000, -500]


def test_two_clerks_settle_at_their_screen_what_nobody_can_tell_at_a_terminal(
    town: Town, window: Terminal, terminal: Terminal
) -> None:
    """The terminal loses its power while the clerk holds the money, and does not forget it when it is back."""
    send_form(window)
    go_to_the_fee(terminal, window)
    os.kill(terminal.pid(), signal.SIGKILL)
    terminal.exit_code()
    terminal.close()
    again = town.terminal()
    try:
        window.wait_for("取りやめに なりました")
        window.press("Enter")
        window.wait_for("端末 demo　申請書")
        send_form(window)
        again.wait_for("これで正しいですか")
        again.press("Enter")
        window.wait_for("引き出しに いくらありますか")
        window.press("?")
        window.wait_for("要確認(入金) K-CASE-007")
        window.wait_for("終わっていない手続が 1件")
        window.press("m")
        window.wait_for("申請の受付")
        window.press("2")
        window.wait_for("終わっていない手続　1件")
        window.press("d")
        window.wait_for("どの手続を処理しますか")
        window.press("Enter")
        window.wait_for("二人で処理")
        window.press("4")
        window.wait_for("この金額です")
        window.press(*"0", "Enter")
        window.wait_for("自分の職員番号")
        window.press(*"025678", "Enter")
        window.wait_for("確認結果を記録しました")
        window.press("Enter")
        window.wait_for("端末のようす")
        window.wait_for("交付した。手数料は 2人で 確かめた")
        witnessed = [entry for entry in events(town) if entry["event"] == "witnessed"]
        assert [(entry["step"], entry["by"]) for entry in witnessed] == [("fee", "two_clerks")]
    finally:
        again.close()


def events(town: Town) -> list[dict[str, object]]:
    shown = run("journal", "show", "--data", town.folder / "clerk" / "data", "--set", f"store.url={town.store.url}")
    return [json.loads(line) for line in shown.stdout.splitlines()]

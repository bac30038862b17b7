"""`kiosk demo` in a real terminal (tmux), walked by the three persons with the keyboard and with the mouse."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.commands import await_ends, processes_with, run
from tests.e2e.tmux_terminal import PATIENCE_S, Terminal

PASSWORD = "AB01"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path, "demo", "--data", tmp_path / "data")
    yield terminal
    terminal.close()


def check_issued(data: Path) -> None:
    """One resident was issued a certificate, has paid and has his receipt."""
    shown = run("journal", "show", "--data", data).stdout.splitlines()
    events = [json.loads(line) for line in shown]
    assert [e["step"] for e in events if e["event"] == "done"][-1] == "closed"
    paper = (data / "sim" / "printer" / "0001.txt").read_text()
    assert "手数料領収書" in paper
    serial = re.search(r"\b(?:[0-9A-F]{2}){13,16}\b", paper)
    assert serial
    assert run("ca", "status", serial[0], "--data", data).stdout.strip() == "good"


def go_to_window(demo: Terminal) -> None:
    """A resident chooses the first form, and puts his card in."""
    for key, awaited in (
        ("Enter", "次へ"),
        ("Enter", "申請書を お選びください"),
        ("1", "お名前・ご住所"),
        ("Enter", "カードを 入れてください"),
        ("Enter", "窓口へ お越しください"),
    ):
        demo.press(key)
        demo.wait_for(awaited)


def test_the_eight_steps_are_walked_by_keyboard(demo: Terminal, tmp_path: Path) -> None:
    demo.wait_for("はじめる")
    demo.press("C-q", "C-p", "C-c", "C-z", "F1", "C-\\")
    assert demo.is_running
    go_to_window(demo)
    demo.press("F11")
    demo.wait_for("本人確認　申請書")
    demo.press("1")
    demo.wait_for("□ お顔")
    demo.press("1", "2", "3")
    demo.wait_for("済 記載の一致")
    demo.press("Enter")
    demo.wait_for("許可する")
    demo.press("Enter")
    demo.wait_for("いまの手続")
    demo.press("F10")
    demo.wait_for("パスワードを 決めてください")
    demo.press(*PASSWORD)
    demo.wait_for("いま4文字")
    demo.press("Enter")
    demo.wait_for("もう一度")
    demo.press(*PASSWORD)
    demo.wait_for("いま4文字")
    demo.press("Enter")
    demo.wait_for("よろしいですか")
    demo.press("Enter")
    demo.wait_for("手数料は 500円です")
    demo.press("F11")
    demo.wait_for("手数料を お受け取りください")
    demo.press(*"1000", "Enter")
    demo.wait_for("お渡しください")
    demo.press("Enter", "F10")
    demo.wait_for("カードを お取りください")
    demo.press("Enter")
    demo.wait_for("手続が 終わりました")
    assert PASSWORD not in demo.screen()
    check_issued(tmp_path / "data")
    demo.press("Enter")
    demo.wait_for("はじめる")


@pytest.mark.thorough
def test_the_eight_steps_are_walked_by_mouse_in_english(demo: Terminal, tmp_path: Path) -> None:
    demo.click("English", until="Get a digital certificate")
    demo.click("Start", until="Before you start")
    demo.click("Next", until="Choose an application form")
    demo.click("幌延　太郎", until="Is everything on your form right?")
    demo.click("Yes, it is right", until="Please insert your card")
    demo.click("Insert", until="Please come to the counter")
    demo.click("F11", until="本人確認　申請書")
    demo.click("運転免許証", until="□ お顔")
    for check in ("お顔", "有効期限", "記載の一致"):
        demo.click(f"□ {check}", until=f"済 {check}")
    demo.click("本人と確認しました", until="許可する")
    demo.click("許可する", until="いまの手続")
    demo.click("F10", until="Choose a password")
    for title, after in (("Choose a password", "once more"), ("once more", "Is this what you want?")):
        demo.wait_for(title)
        for key, shown in (("A ", "3 more"), ("B ", "2 more")):
            demo.click(f" {key}", until=shown)
        demo.click("0-9", until=" 7 ")
        for key, shown in ((" 0 ", "1 more"), (" 1 ", "4 so far")):
            demo.click(key, until=shown)
        demo.click("Done", until=after)
    demo.click("Yes", until="The fee is 500 yen")
    demo.click("F11", until="手数料を お受け取りください")
    demo.click("1,000円", until="Enter")
    demo.click("受け取りました", until="お渡しください")
    demo.click("確認しました", until="いまの手続")
    demo.click("F10", until="Please take your card")
    demo.click("Take", until="All done")
    check_issued(tmp_path / "data")


def test_a_case_left_by_a_killed_demo_is_what_the_clerk_sees_first(demo: Terminal, tmp_path: Path) -> None:
    demo.wait_for("はじめる")
    go_to_window(demo)
    os.kill(demo.pid(), 9)
    demo.close()
    await_ends(processes_with(tmp_path / "data"), PATIENCE_S)
    (tmp_path / "again").mkdir()
    again = Terminal(tmp_path / "again", "demo", "--data", tmp_path / "data")
    try:
        again.wait_for("F11 職員：お待ちです")
        again.press("F11")
        again.wait_for("終わっていない手続　1件")
        again.press("Enter")
        again.wait_for("本人確認　申請書")
        again.press("Escape", "Left", "Enter")
        again.wait_for("いまの手続")
    finally:
        again.close()


def test_a_terminal_that_hangs_up_takes_the_demo_along(demo: Terminal, tmp_path: Path) -> None:
    demo.wait_for("はじめる")
    demo.press("Enter")
    demo.wait_for("次へ")
    at_work = processes_with(tmp_path / "data")
    assert at_work
    demo.close()
    await_ends(at_work, PATIENCE_S)


def test_bytes_that_are_no_text_do_not_end_it(demo: Terminal) -> None:
    demo.wait_for("はじめる")
    demo._run(
        "send-keys", "-H", *(f"{byte:02x}" for byte in b"\xff\xfe\xc3\x28\x1b[<99999999999999999999;1;1M\x1b[201~")
    )
    demo.press("F11")
    demo.wait_for("いまの手続")
    assert demo.is_running


def test_sigterm_leaves_cleanly_and_takes_the_authority_along(demo: Terminal, tmp_path: Path) -> None:
    demo.wait_for("はじめる")
    demo.press("F12")
    demo.wait_for("機器")
    os.kill(demo.pid(), 15)
    assert demo.exit_code() == 0
    assert processes_with(tmp_path / "data" / "authority") == []


def test_nothing_of_a_resident_is_left_on_the_terminal_nor_in_its_scrollback(demo: Terminal) -> None:
    personal = ("下沼", "昭和28年")
    demo.wait_for("はじめる")
    demo.press("Enter")
    demo.wait_for("はじめる前に")
    demo.press("Enter")
    demo.wait_for("申請書を")
    demo.press("2")
    for text in personal:
        demo.wait_for(text)
    demo.press("Escape")
    demo.wait_for("続ける")
    demo.press("Left", "Enter")
    demo.wait_for("かかる時間")
    assert not [text for text in personal if text in demo.everything()]
    demo.press("F12")
    demo.wait_for("[F12")
    demo.press("Escape")
    demo.wait_for("続ける")
    demo.press("Left", "Enter")
    assert demo.exit_code() == 0
    assert not [text for text in (*personal, "証明書") if text in demo.everything()]


def test_what_is_wrong_with_the_configuration_is_read_once_the_screen_has_been_left(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "demo", "--data", tmp_path / "data", "--set", "card.unlisted=perhaps")
    try:
        assert terminal.exit_code() == 78
        # tmux's own note of the end may push the sentence off what is shown.
        left = terminal.everything()
        assert "card.unlisted" in left and "証明書" not in left
    finally:
        terminal.close()


@pytest.mark.parametrize("words", [("demo",), ("run", "--seat", "clerk", "--set", "authority.url=http://127.0.0.1:9")])
def test_without_a_terminal_it_says_so_and_ends(words: tuple[str, ...], tmp_path: Path) -> None:
    ended = run(*words, "--data", tmp_path / "data")
    assert ended.returncode == 64
    assert "terminal" in ended.stderr
    assert not list((tmp_path / "data").iterdir())


def test_enter_after_tab_starts_once_the_focus_is_back(demo: Terminal) -> None:
    demo.wait_for("はじめる")
    demo.press("Tab")
    demo.press("BTab")
    demo.press("Enter")
    demo.wait_for("はじめる前に")

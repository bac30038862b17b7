"""Readings: every kana can be typed by keypad and by Latin letters, and a dictionary proposes how to write them."""

from pathlib import Path

import pytest

from kiosk.ui.kana import ROWS, finished, katakana, spelled, varied
from kiosk.ui.writings import Writings

EVERY = [chr(c) for c in range(ord("ぁ"), ord("ゔ") + 1) if chr(c) not in "ゐゑ"]


def test_every_kana_is_reached_by_row_place_and_mark() -> None:
    reached: set[str] = set()
    for start in "".join(ROWS):
        kana = start
        while kana not in reached:
            reached.add(kana)
            kana = varied(kana)
    assert reached == set(EVERY)


@pytest.mark.parametrize(
    ("letters", "kana"),
    [
        ("horonobe", "ほろのべ"),
        ("tarou", "たろう"),
        ("kiyoshi", "きよし"),
        ("junnko", "じゅんこ"),
        ("junko", "じゅんこ"),
        ("hattori", "はっとり"),
        ("Shinnosuke", "しんのすけ"),
        ("tyuubee", "ちゅうべえ"),
        ("ko-ki", "こーき"),
        ("ken", "けん"),
        ("q1x", ""),
    ],
)
def test_latin_letters_spell_a_reading(letters: str, kana: str) -> None:
    found, rest = spelled(letters)
    assert found + finished(rest) == kana
    assert katakana("ほろー　X") == "ホロー　X"


@pytest.fixture
def dictionary(tmp_path: Path) -> Path:
    path = tmp_path / "dictionary"
    text = ';; okuri-ari entries.\nほろk /滅/\n;; okuri-nasi entries.\nきよし /清/淳;名/(concat "a")/kiyoshi/清志/\n'
    path.write_bytes(text.encode("euc_jp"))
    return path


def test_a_dictionary_proposes_writings_and_kana_come_last(dictionary: Path) -> None:
    assert Writings(dictionary).of("きよし") == ("清", "淳", "清志", "きよし", "キヨシ")
    assert Writings(dictionary).of("ほろk") == ("ほろk", "ホロk"), "only whole words"


def test_without_a_dictionary_there_are_the_kana(tmp_path: Path) -> None:
    nowhere = Writings(tmp_path / "none")
    assert not nowhere.is_there
    assert nowhere.of("きよし") == ("きよし", "キヨシ")


def test_debians_dictionary_knows_the_demos_names() -> None:
    installed = Writings()
    for reading, name in (("ほろのべ", "幌延"), ("さいとう", "斎藤"), ("きよし", "清"), ("たろう", "太郎")):
        assert name in installed.of(reading)[:5]

"""Readings: every kana can be typed by keypad and by Latin letters, and a dictionary proposes how to write them."""

from pathlib import Path

import pytest

from kiosk.ui.kana import ROWS, finished, katakana, spelled, varied
from kiosk.ui.writings import NamePart, Writings

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


def dictionary(path: Path, *entries: str) -> Path:
    text = "\n".join((";; okuri-ari entries.", "ほろk /滅/", ";; okuri-nasi entries.", *entries, ""))
    path.write_bytes(text.encode("euc_jp"))
    return path


def test_a_dictionary_proposes_writings_and_kana_come_last(tmp_path: Path) -> None:
    words = Writings([dictionary(tmp_path / "words", 'きよし /清/淳;名/(concat "a")/kiyoshi/清志/')])
    assert words.of("きよし", NamePart.GIVEN) == ("清", "淳", "清志", "きよし", "キヨシ")
    assert words.of("ほろk", NamePart.GIVEN) == ("ほろk", "ホロk"), "only whole words"


def test_a_family_name_is_proposed_for_no_given_name_and_what_is_no_name_only_where_no_name_is_known(
    tmp_path: Path,
) -> None:
    names = dictionary(tmp_path / "names", "きち /吉;人名/木地;姓/喜知;名,「喜」異体字/")
    words = dictionary(tmp_path / "words", "きち /基地/吉/", "ほろのべ /幌延/")
    both = Writings([names, words])
    assert both.of("きち", NamePart.FAMILY) == ("吉", "木地", "きち", "キチ")
    assert both.of("きち", NamePart.GIVEN) == ("吉", "喜知", "きち", "キチ")
    assert both.of("ほろのべ", NamePart.FAMILY)[0] == "幌延"
    assert Writings([tmp_path / "none", words]).of("きち", NamePart.GIVEN)[0] == "基地"


def test_without_a_dictionary_there_are_the_kana(tmp_path: Path) -> None:
    nowhere = Writings([tmp_path / "none"])
    assert not nowhere.is_there
    assert nowhere.of("きよし", NamePart.GIVEN) == ("きよし", "キヨシ")


def test_debians_dictionaries_know_the_demos_names() -> None:
    installed = Writings()
    for part, reading, name in (
        (NamePart.FAMILY, "ほろのべ", "幌延"),
        (NamePart.FAMILY, "さいとう", "斎藤"),
        (NamePart.GIVEN, "きよし", "清"),
        (NamePart.GIVEN, "たろう", "太郎"),
    ):
        assert name in installed.of(reading, part)[:5]

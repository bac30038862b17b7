"""Every code point has its standing, and what cannot be certified gets a substitute and a flag."""

import sys
import unicodedata
from collections import Counter
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.model.characters import GETA, CertifiedText, Standing, certified_text, impossible, is_certifiable, standing
from tests.model import substitute_table
from tests.sweep import sweep

_MICROSOFT = "－～∥￠￡￢"
_OTHERWISE_MAPPED = _MICROSOFT + "\u2014"


_WHOLE = (range(sys.maxunicode + 1),)
_ASSIGNED = (
    range(0x10000),
    range(0x10000, 0x40000, 5),
    range(0xE0000, 0xE0200),
    range(0x40000, sys.maxunicode + 1, 251),
)
"""The plane that names are written with, a fifth of the next ones, selectors of variants, a few of the rest."""


@pytest.mark.parametrize("code_points", sweep([_ASSIGNED, _WHOLE], suite=[0]))
def test_every_code_point_has_a_standing_and_none_raises(code_points: tuple[range, ...]) -> None:
    counted: Counter[Standing] = Counter()
    for character in map(chr, chain(*code_points)):
        found = standing(character)
        counted[found] += 1
        certified = certified_text(character)
        assert len(certified.text) == len(certified.flags) > 0
        assert all(map(is_certifiable, certified.text))
        match found:
            case Standing.CERTIFIABLE:
                assert certified.text == character
                assert certified.flags == "0"
            case Standing.SUBSTITUTED:
                assert GETA not in certified.text
            case _:
                assert (certified.text, certified.flags) == (GETA, "1")
        assert set(certified.flags) == {"1"} or certified.text == character
    assert set(counted) == set(Standing)


def test_certifiable_are_the_characters_of_the_three_standards() -> None:
    certifiable = [chr(code) for code in range(sys.maxunicode + 1) if is_certifiable(chr(code))]
    mapped = [c for c in certifiable if c not in _OTHERWISE_MAPPED]
    assert all(character.encode("euc_jp").decode("euc_jp") == character for character in mapped)
    # Printable ASCII, half-width katakana, JIS X 0208, and JIS X 0212 but for its tilde, which is read as ASCII's.
    assert len(mapped) == 95 + 63 + 6879 + 6067 - 1
    assert {unicodedata.category(character)[0] for character in certifiable} == {"L", "N", "P", "S", "Z"}
    assert not any(unicodedata.category(character) in ("Zl", "Zp") for character in certifiable)


@pytest.mark.parametrize("character", _MICROSOFT)
def test_a_character_of_the_standard_counts_at_the_code_point_that_windows_gives_it(character: str) -> None:
    assert character.encode("cp932")[0] == 0x81
    assert is_certifiable(character)


@pytest.mark.parametrize(
    ("text", "reading", "certified", "flags"),
    [
        ("幌延　太郎", "ほろのべ　たろう", "幌延　太郎", "00000"),
        ("𠮷野　まもる", "よしの　まもる", "吉野　まもる", "100000"),
        ("髙﨑　德子", "たかさき　とくこ", "高崎　徳子", "11010"),
        ("葛\U000e0100城　守", "かつらぎ　まもる", "葛城　守", "1000"),
        ("\ufa19山", "", "神山", "10"),  # a compatibility ideograph is another glyph
        ("か\u3099く", "", "がく", "00"),  # a letter and its mark are one character
        ("Nguyễn", "", "Nguyen", "000010"),
        ("\ue000田　太郎", "おだ　たろう", "おだ　太郎", "11000"),
        ("\ue000田　太郎", "おだ", "〓田　太郎", "10000"),  # a reading in other parts says nothing of this one
        ("\ue000田　太郎", "", "〓田　太郎", "10000"),
        ("幌延町㈱１－２", "", "幌延町(株)１－２", "000111000"),
        ("김", "きむ", "きむ", "11"),
        ("\u3099か", "", "〓か", "10"),
        ("ガ\U000e0100", "", "ガ", "1"),  # what carries a mark of its own is carried, whatever is attached to it
        ("\u2fad木", "", "青木", "10"),  # a radical's letter, which has a substitute itself
        ("½", "", "〓", "1"),  # a part of it has none
        ("", "", "", ""),
    ],
)
def test_a_substitute_stands_where_one_is_known_else_the_reading_else_a_geta_mark(
    text: str, reading: str, certified: str, flags: str
) -> None:
    found = certified_text(text, reading)
    assert (found.text, found.flags) == (certified, flags)


def test_a_text_that_is_no_name_has_no_reading() -> None:
    assert certified_text("\ue000番地") == CertifiedText("〓番地", "100")


@pytest.mark.parametrize(
    ("found", "characters"),
    [
        (Standing.ATTACHED, "\u0300\u0903\u20dd\U000e0100"),  # a mark of each kind
        (Standing.IMPOSSIBLE, "\0\u200e\ud800\u2028\u2029\ufdd0\ufdef\ufffe\U0010ffff"),
        (Standing.SUBSTITUTED, "𠮷㈱"),
        (Standing.WITHOUT_SUBSTITUTE, "\ue000김\ufdf0½"),
        (Standing.CERTIFIABLE, "幌ガa\u3000"),
    ],
)
def test_each_kind_of_code_point_has_its_standing(found: Standing, characters: str) -> None:
    assert {character: standing(character) for character in characters} == dict.fromkeys(characters, found)


@given(st.text())
def test_what_is_impossible_is_named_in_order(text: str) -> None:
    assert impossible(text) == tuple(dict.fromkeys(c for c in text if standing(c) is Standing.IMPOSSIBLE))
    assert impossible("幌\ud800延\u200e\ud800\uffff") == ("\ud800", "\u200e", "\uffff")


@given(st.text(), st.text())
def test_whatever_stands_in_a_register_is_certified_with_a_flag_a_character(text: str, reading: str) -> None:
    certified = certified_text(text, reading)
    assert len(certified.flags) == len(certified.text)
    assert all(map(is_certifiable, certified.text))
    assert certified_text(certified.text).text == certified.text


def test_the_table_below_its_mark_is_what_unihan_says() -> None:
    """Against Debian's `unicode-data`, which `config/bootstrap.sh test` installs."""
    kept, mark, drawn = substitute_table.TABLE.read_text("utf-8").partition(substitute_table.MARK)
    assert mark and "𠮷吉" in kept
    assert drawn.split() == " ".join(substitute_table.drawn()).split()

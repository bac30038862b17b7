"""Two texts of one item beside one another: what is the same, what is only written otherwise, what differs."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.model.comparison import Agreement, Comparison, Run, compare, folded

_SAME, _OTHERWISE, _DIFFERENT = Agreement.SAME, Agreement.WRITTEN_OTHERWISE, Agreement.DIFFERENT
_LETTERS = st.text("いろはイロハABab12１２-－ 　髙高X", max_size=8)


@given(_LETTERS, _LETTERS)
def test_runs_give_back_their_texts_and_neighbours_differ(form: str, register: str) -> None:
    compared = compare(form, register)
    for runs, text in ((compared.form, form), (compared.register, register)):
        assert "".join(run.text for run in runs) == text
        assert all(run.text for run in runs)
        assert all(a.agreement is not b.agreement for a, b in itertools.pairwise(runs))


@given(_LETTERS)
def test_a_text_agrees_with_itself(text: str) -> None:
    assert compare(text, text).agreement is _SAME


@given(_LETTERS, _LETTERS)
def test_what_folds_alike_is_never_different_and_what_does_not_always_is(form: str, register: str) -> None:
    assert (compare(form, register).agreement is _DIFFERENT) == (folded(form) != folded(register))


@pytest.mark.parametrize("hyphen", "‐‑‒–—―−－ｰ")
def test_every_kind_of_hyphen_is_a_hyphen(hyphen: str) -> None:
    assert compare(f"1{hyphen}2", "1-2") == Comparison(
        (Run("1", _SAME), Run(hyphen, _OTHERWISE), Run("2", _SAME)),
        (Run("1", _SAME), Run("-", _OTHERWISE), Run("2", _SAME)),
    )


@pytest.mark.parametrize("other", ["X", "x", "_", "~", "ー", "一"])
def test_what_only_resembles_a_hyphen_or_a_space_is_neither(other: str) -> None:
    assert compare(other, "-").agreement is _DIFFERENT
    assert compare(f"a{other}b", "ab").agreement is _DIFFERENT
    assert compare("ab", f"a{other}b").register == (Run("a", _SAME), Run(other, _DIFFERENT), Run("b", _SAME))


@pytest.mark.parametrize("space", [" ", "\u3000", "  ", "\u3000 "])
def test_a_space_more_is_written_otherwise_on_its_own_side(space: str) -> None:
    compared = compare(f"幌延{space}太郎", "幌延太郎")
    assert compared.form == (Run("幌延", _SAME), Run(space, _OTHERWISE), Run("太郎", _SAME))
    assert compared.register == (Run("幌延太郎", _SAME),)
    assert compare("幌延太郎", f"幌延{space}太郎").register == compared.form


def test_a_space_that_both_have_is_the_same_and_one_of_another_width_is_not() -> None:
    assert compare("a b", "a b").agreement is _SAME
    assert compare("a b", "a\u3000b").agreement is _OTHERWISE
    assert compare("", "").agreement is _SAME


@pytest.mark.parametrize(
    ("katakana", "hiragana"), [("ァ", "ぁ"), ("ア", "あ"), ("ン", "ん"), ("ヴ", "ゔ"), ("ヶ", "ゖ")]
)
def test_the_two_kana_are_one(katakana: str, hiragana: str) -> None:
    assert folded(katakana) == hiragana == folded(hiragana)
    assert compare(katakana, hiragana).agreement is _OTHERWISE


@pytest.mark.parametrize("character", ["\u30a0", "\u30f7", "ー", "ぁ", "ゖ", "漢", "A", "-", "1"])
def test_what_is_no_katakana_folds_to_itself(character: str) -> None:
    assert folded(character) == character


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("１", "1"),
        ("Ａ", "A"),
        ("ｱ", "あ"),
        ("㈱", "(株)"),
        (" 　", ""),
        ("－", "-"),
        ("ｰ", "-"),
        ("ガ", "が"),
        ("\u00b4", "\u0301"),
    ],
)
def test_width_is_folded_and_spaces_say_nothing(text: str, becomes: str) -> None:
    assert folded(text) == becomes


def test_a_character_that_folds_to_several_is_marked_as_the_one_it_is() -> None:
    compared = compare("㈱", "(株)")
    assert compared.form == (Run("㈱", _OTHERWISE),)
    assert compared.register == (Run("(株)", _OTHERWISE),)


def test_the_worst_run_of_either_side_is_the_agreement() -> None:
    assert Comparison((), ()).agreement is _SAME
    assert Comparison((Run("a", _OTHERWISE),), (Run("b", _DIFFERENT),)).agreement is _DIFFERENT
    assert Comparison((Run("a", _DIFFERENT),), (Run("b", _SAME),)).agreement is _DIFFERENT
    assert Comparison((Run("a", _SAME),), (Run("b", _OTHERWISE),)).agreement is _OTHERWISE


def test_a_long_text_is_compared_to_its_end() -> None:
    text = "幌" * 300
    compared = compare(f"一{text}一", f"二{text}二")
    assert compared.form == (Run("一", _DIFFERENT), Run(text, _SAME), Run("一", _DIFFERENT))
    assert compared.register == (Run("二", _DIFFERENT), Run(text, _SAME), Run("二", _DIFFERENT))


def test_the_words_of_the_screens_are_found_by_these_names_the_worse_the_later() -> None:
    assert list(Agreement) == ["same", "written_otherwise", "different"]


@pytest.mark.parametrize(
    ("form", "register", "agreement", "marked"),
    [
        ("下沼84番地27", "下沼８４番地２７", Agreement.WRITTEN_OTHERWISE, ["84", "27"]),
        ("下沼８４番地２１", "下沼８４番地２７", Agreement.DIFFERENT, ["１"]),
        ("斉藤　清", "斎藤　清", Agreement.DIFFERENT, ["斉"]),
        ("斎藤清", "斎藤　清", Agreement.WRITTEN_OTHERWISE, []),
        ("サイトウ　キヨシ", "さいとう　きよし", Agreement.WRITTEN_OTHERWISE, ["サイトウ", "キヨシ"]),
        ("元町1-2", "元町１－２", Agreement.WRITTEN_OTHERWISE, ["1-2"]),
    ],
)
def test_what_is_written_otherwise_is_not_what_is_different(
    form: str, register: str, agreement: Agreement, marked: list[str]
) -> None:
    compared = compare(form, register)
    assert compared.agreement is agreement
    assert [run.text for run in compared.form if run.agreement is agreement] == marked

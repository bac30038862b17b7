"""Where Japanese text of any length may be broken into lines: between phrases, and never within a number or a word.

Sentences of the screens' own carry their line breaks with them; this is for what comes from elsewhere (failures, names,
addresses, what devices say). Without a dictionary phrases are told by how they are written: a particle or an ending in
hiragana is followed by a word in another script. Line breaking rules (kinsoku): JIS X 4051, 6.1.
"""

import re
import unicodedata

from rich.cells import cell_len, get_character_cell_size

_NEVER_FIRST = frozenset("、。，．・：；！？」』）〕】》〉ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ々％円.,:;!?)]}%")
_NEVER_LAST = frozenset("「『（〔【《〈([{")
_ENDS_A_PHRASE = frozenset("、。，．：；！？」』）〕】》〉 　／…はがをにでともへやのてたばからいすうくねよ")
"""Of hiragana only those that end a particle or a word: others stand within one, as in 取り消し."""
_BEGINS_A_PHRASE = re.compile(r"[\u3400-\u9fff々ァ-ヶＡ-Ｚａ-ｚ０-９A-Za-z0-9お]")
_IN_ONE_WORD = ("digit", "latin", "katakana")
_TOGETHER = ("丁目", "番地", "う一")
"""Two characters that look like two words, and are of one: the last in もう一度."""
_LEAST_FILLED = 0.35
"""A line that is shorter for the sake of a phrase would leave a hole."""
_COUNTED = frozenset("番号丁年月日時分秒人件枚円歳")
"""What follows a number belongs to it."""


def broken(text: str, width: int) -> list[int]:
    """The places in `text` (one line, its own line breaks apart) where a new line begins, for lines of so many cells.

    A single word that is wider is broken where the line ends.
    """
    places: list[int] = []
    begin = 0
    while (end := _as_much_as_fits(text, begin, width)) < len(text):
        begin = _best_place(text, begin, end)
        places.append(begin)
    return places


def _as_much_as_fits(text: str, begin: int, width: int) -> int:
    """How far a line goes that begins there; white space at its end takes no room."""
    cells = 0
    for place in range(begin, len(text)):
        cells += get_character_cell_size(text[place])
        if cells > width and not text[place].isspace():
            # A line has one character at least.
            return max(place, begin + 1)
    return len(text)


def _best_place(text: str, begin: int, end: int) -> int:
    """The last place between phrases, else between words, else that is allowed, unless the line became too short."""
    least = cell_len(text[begin:end]) * _LEAST_FILLED
    places = [place for place in range(end, begin, -1) if _may_break(text, place)]
    filled = [place for place in places if cell_len(text[begin:place]) >= least]
    for is_good in (_is_between_phrases, _is_between_words):
        for place in filled:
            if is_good(text, place):
                return place
    return next(iter(places), end)


def _may_break(text: str, place: int) -> bool:
    before, after = text[place - 1], text[place]
    if after in _NEVER_FIRST or before in _NEVER_LAST or after.isspace() or before + after in _TOGETHER:
        return False
    kind = _kind(before)
    return not (kind == _kind(after) and kind in _IN_ONE_WORD) and not (_is_digit(before) and after in _COUNTED)


def _is_between_phrases(text: str, place: int) -> bool:
    before, after = text[place - 1], text[place]
    if after in _NEVER_LAST:
        return True
    return before in _ENDS_A_PHRASE and (before.isspace() or _BEGINS_A_PHRASE.match(after) is not None)


def _is_between_words(text: str, place: int) -> bool:
    return not all("ぁ" <= character <= "ん" for character in text[place - 1 : place + 1])


def _kind(character: str) -> str:
    if character.isascii() and not character.isspace():
        return "latin"
    if _is_digit(character) or character in "－−ー．，":
        return "digit"
    return "katakana" if "ァ" <= character <= "ヶ" else "other"


def _is_digit(character: str) -> bool:
    return unicodedata.normalize("NFKC", character).isdigit()

"""Hiragana as a telephone's keys order them, their marks and small forms, and how Latin letters spell them.

A kana is typed by its row and its place in the row, each a digit, as on the keypads that people know: 2 then 1 is か.
"""

ROWS = (
    "あいうえお",
    "かきくけこ",
    "さしすせそ",
    "たちつてと",
    "なにぬねの",
    "はひふへほ",
    "まみむめも",
    "やゆよ",
    "らりるれろ",
    "わをん",
)
"""By the keypad's digits 1 to 9 and 0."""

LONG_VOWEL = "ー"

_VARIANTS = (
    "かが", "きぎ", "くぐ", "けげ", "こご", "さざ", "しじ", "すず", "せぜ", "そぞ", "ただ", "ちぢ", "つっづ", "てで",
    "とど", "はばぱ", "ひびぴ", "ふぶぷ", "へべぺ", "ほぼぽ", "やゃ", "ゆゅ", "よょ", "あぁ", "いぃ", "うぅゔ", "えぇ",
    "おぉ", "わゎ",
)  # fmt: skip
"""What the key for marks and small forms turns each kana into, round and round."""

_VOWELS = "aiueo"
_CONSONANTS = {
    "": "あいうえお", "k": "かきくけこ", "s": "さしすせそ", "t": "たちつてと", "n": "なにぬねの", "h": "はひふへほ",
    "m": "まみむめも", "r": "らりるれろ", "g": "がぎぐげご", "z": "ざじずぜぞ", "d": "だぢづでど", "b": "ばびぶべぼ",
    "p": "ぱぴぷぺぽ",
}  # fmt: skip
_OTHERS = {
    "ya": "や", "yu": "ゆ", "yo": "よ", "wa": "わ", "wo": "を", "shi": "し", "chi": "ち", "tsu": "つ", "fu": "ふ",
    "ji": "じ", "ja": "じゃ", "ju": "じゅ", "jo": "じょ", "sha": "しゃ", "shu": "しゅ", "sho": "しょ", "cha": "ちゃ",
    "chu": "ちゅ", "cho": "ちょ", "-": LONG_VOWEL,
}  # fmt: skip
_WITH_I = {
    "k": "き", "s": "し", "t": "ち", "n": "に", "h": "ひ", "m": "み", "r": "り", "g": "ぎ", "z": "じ", "b": "び",
    "p": "ぴ",
}  # fmt: skip

_SPELLINGS = (
    {consonant + vowel: row[i] for consonant, row in _CONSONANTS.items() for i, vowel in enumerate(_VOWELS)}
    | {f"{c}y{v}": kana + small for c, kana in _WITH_I.items() for v, small in zip("auo", "ゃゅょ", strict=True)}
    | _OTHERS
)


def varied(kana: str) -> str:
    """The next variant of a kana: は, ば, ぱ, は; a kana without any stays as it is."""
    for variants in _VARIANTS:
        if kana in variants:
            return variants[(variants.index(kana) + 1) % len(variants)]
    return kana


def spelled(letters: str) -> tuple[str, str]:
    """The kana that Latin letters spell (Hepburn or Kunrei), and the letters that are not a kana yet."""
    kana, rest = "", letters.lower()
    while rest:
        for size in (3, 2, 1):
            if rest[:size] in _SPELLINGS and len(rest) >= size:
                kana, rest = kana + _SPELLINGS[rest[:size]], rest[size:]
                break
        else:
            if rest == "nn":
                break
            if len(rest) > 1 and rest[0] == "n" and rest[1] not in (*_VOWELS, "y"):
                # Two n before a vowel are ん and the vowel's n; before anything else they are one ん.
                is_one = rest[1] == "n" and rest[2] not in (*_VOWELS, "y")
                kana, rest = kana + "ん", rest[2 if is_one else 1 :]
            elif len(rest) > 1 and rest[0] == rest[1]:
                kana, rest = kana + "っ", rest[1:]
            elif any(spelling.startswith(rest) for spelling in _SPELLINGS):
                break
            else:
                rest = rest[1:]
    return kana, rest


def finished(letters: str) -> str:
    """What letters that are not a kana yet become when nothing follows: an n is ん, the rest nothing."""
    return "ん" if letters in ("n", "nn") else ""


def katakana(text: str) -> str:
    """The same reading in katakana."""
    return "".join(chr(ord(c) + 0x60) if "ぁ" <= c <= "ゖ" else c for c in text)

"""Which characters a certificate can carry: JIS X 0201, 0208 (levels 1 and 2) and 0212 (補助漢字).

Python's `euc_jp` codec covers exactly these sets and the control characters: what it takes there and back unchanged is
allowed. (It also writes a yen sign as a reverse solidus and an overline as a tilde, which come back as something else.)
"""

import unicodedata


def is_certifiable(character: str) -> bool:
    """Whether a certificate can carry this one character; control characters never."""
    if unicodedata.category(character) == "Cc":
        return False
    try:
        return character.encode("euc_jp").decode("euc_jp") == character
    except UnicodeEncodeError:
        return False


def uncertifiable(text: str) -> tuple[str, ...]:
    """The characters of `text` that a certificate cannot carry, each once, in order of appearance."""
    return tuple(dict.fromkeys(c for c in text if not is_certifiable(c)))

"""Which characters a certificate can carry: JIS X 0201, 0208 (levels 1 and 2) and 0212 (補助漢字).

Python's `euc_jp` codec covers exactly these sets: what it encodes strictly is allowed.
"""


def is_certifiable(character: str) -> bool:
    """Whether a certificate can carry this one character; control characters never."""
    if not character.isprintable():
        return False
    try:
        character.encode("euc_jp")
    except UnicodeEncodeError:
        return False
    return True


def uncertifiable(text: str) -> tuple[str, ...]:
    """The characters of `text` that a certificate cannot carry, each once, in order of appearance."""
    return tuple(dict.fromkeys(c for c in text if not is_certifiable(c)))

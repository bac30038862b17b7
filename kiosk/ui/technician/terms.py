"""What drivers, simulators and checks say in English, in the technician's language."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from kiosk.ui.devices import TROUBLES
from kiosk.ui.words import Words

_TERMS = Path(__file__).with_name("terms.toml")
_JOINT = ", "


def in_words(text: str, words: Words) -> str:
    """The text in the language of `words`; whatever of it has no term, an id or an address, stays as it is.

    A list is told part by part.
    """
    if text in TROUBLES:
        return words(f"trouble.{text}")
    language = words.language.partition("@")[0]
    if (whole := _term(text, words, language)) is not None:
        return whole
    parts = text.split(_JOINT)
    if len(parts) == 1:
        return text
    found = [in_words(part, words) for part in parts]
    return text if found == parts else words("list.joint").join(found)


def _term(text: str, words: Words, language: str) -> str | None:
    exact, patterns = _table(language)
    if text in exact:
        return exact[text]
    for pattern, template in patterns:
        if match := pattern.fullmatch(text):
            return template.format(*(in_words(part, words) for part in match.groups()))
    return None


@cache
def _table(language: str) -> tuple[Mapping[str, str], tuple[tuple[re.Pattern[str], str], ...]]:
    """The terms of one language: those that stand for themselves, and those with a place for something else."""
    terms: dict[str, str] = tomllib.loads(_TERMS.read_text("utf-8")).get(language, {})
    patterns = (
        (re.compile("([^,]+?)".join(map(re.escape, english.split("{}")))), term)
        for english, term in terms.items()
        if "{}" in english
    )
    return {english: term for english, term in terms.items() if "{}" not in english}, tuple(patterns)

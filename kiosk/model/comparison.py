"""Two texts of one item beside one another, character by character: the form's and the register's.

What differs only in how it is written (full-width or half-width digits, kinds of hyphens, spaces) is told apart from
what differs in what it says: the one is put right by the clerk, the other by the resident.
"""

import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

_HYPHENS = "‐‑‒–—―−－ｰ"
_SPACES = " \u3000"


class Agreement(StrEnum):
    """How a run of characters stands to the other text; the worse, the later."""

    SAME = "same"
    WRITTEN_OTHERWISE = "written_otherwise"
    DIFFERENT = "different"


@dataclass(frozen=True, repr=False)
class Run:
    """Characters that stand together in one text, and how they agree with the other."""

    text: str
    agreement: Agreement


@dataclass(frozen=True, repr=False)
class Comparison:
    """Both texts in runs; joined, each gives back its text."""

    form: tuple[Run, ...]
    register: tuple[Run, ...]

    @property
    def agreement(self) -> Agreement:
        """The worst of all runs."""
        found = {run.agreement for run in (*self.form, *self.register)}
        return next((a for a in reversed(Agreement) if a in found), Agreement.SAME)


def compare(form: str, register: str) -> Comparison:
    """Compares two texts, by what they say and by how it is written."""
    folded_form, folded_register = _fold(form), _fold(register)
    matcher = SequenceMatcher(None, [c for c, _ in folded_form], [c for c, _ in folded_register], autojunk=False)
    form_marks = [Agreement.DIFFERENT] * len(form)
    register_marks = [Agreement.DIFFERENT] * len(register)
    for a, b, size in matcher.get_matching_blocks():
        for offset in range(size):
            i, j = folded_form[a + offset][1], folded_register[b + offset][1]
            is_same = form[i] == register[j]
            form_marks[i] = register_marks[j] = Agreement.SAME if is_same else Agreement.WRITTEN_OTHERWISE
    for text, other, marks in ((form, register, form_marks), (register, form, register_marks)):
        for i, character in enumerate(text):
            # A space of any kind says nothing that could be wrong.
            if not _fold(character):
                marks[i] = Agreement.SAME if character in other else Agreement.WRITTEN_OTHERWISE
    return Comparison(_runs(form, form_marks), _runs(register, register_marks))


def folded(text: str) -> str:
    """A text as two that say the same are both folded: for looking something up, not for showing."""
    return "".join(c for c, _ in _fold(text))


def _fold(text: str) -> list[tuple[str, int]]:
    """Its characters with the place each came from; spaces have none, hiragana and katakana are one."""
    characters = []
    for place, character in enumerate(text):
        for c in unicodedata.normalize("NFKC", "-" if character in _HYPHENS else character):
            if c in _SPACES:
                continue
            is_katakana = "ァ" <= c <= "ヶ"
            characters.append((chr(ord(c) - 0x60) if is_katakana else c, place))
    return characters


def _runs(text: str, marks: list[Agreement]) -> tuple[Run, ...]:
    runs: list[Run] = []
    for character, mark in zip(text, marks, strict=True):
        if runs and runs[-1].agreement is mark:
            runs[-1] = Run(runs[-1].text + character, mark)
        else:
            runs.append(Run(character, mark))
    return tuple(runs)

"""The words on the screens: from a stable id to a sentence in the seat's language.

Ids name seat, screen and place (`resident.start.title`). Line breaks are part of a translation, because Japanese has
to be broken between phrases.
"""

import gettext
from pathlib import Path

LANGUAGES = ("ja", "en")
"""Language codes (ISO 639-1); the first is the town's own."""

LOCALE_FOLDER = Path(__file__).parent.parent / "locale"


class Words:
    """One language's sentences."""

    def __init__(self, language: str, catalogue: gettext.NullTranslations) -> None:
        self.language = language
        self._catalogue = catalogue

    def __call__(self, word_id: str, **values: object) -> str:
        """The sentence, its `{fields}` filled in."""
        return self._catalogue.gettext(word_id).format(**values)


def load_words(language: str, folder: Path = LOCALE_FOLDER) -> Words:
    """Reads a compiled catalogue. Raises `FileNotFoundError` when it has not been compiled."""
    with (folder / language / "LC_MESSAGES" / "kiosk.mo").open("rb") as file:
        return Words(language, gettext.GNUTranslations(file))

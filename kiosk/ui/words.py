"""The words on the screens: from a stable id to a sentence in the seat's language.

Ids name seat, screen and place (`resident.start.title`). Line breaks are part of a translation, because Japanese has
to be broken between phrases.
"""

import gettext
from pathlib import Path

LANGUAGES = ("ja", "en")
"""Language codes (ISO 639-1) of every seat; the first is the town's own."""

EASY_JAPANESE = "ja@easy"
"""やさしい日本語, named as gettext names a variant: short sentences of plain words."""

RESIDENT_LANGUAGES = ("ja", EASY_JAPANESE, "en")
"""What a resident may choose."""

LOCALE_FOLDER = Path(__file__).parent.parent / "locale"


class Words:
    """One language's sentences."""

    def __init__(self, language: str, catalogue: gettext.NullTranslations) -> None:
        self.language = language
        self._catalogue = catalogue

    @property
    def is_japanese(self) -> bool:
        """Whether a text that exists in Japanese and English only is to be shown in Japanese."""
        return self.language.startswith("ja")

    def __call__(self, word_id: str, **values: object) -> str:
        """The sentence, its `{fields}` filled in."""
        return self._catalogue.gettext(word_id).format(**values)


def load_words(language: str, folder: Path = LOCALE_FOLDER) -> Words:
    """Reads a compiled catalogue; what a variant lacks is taken from its language.

    Raises `FileNotFoundError` when it has not been compiled.
    """
    catalogue = _load(language, folder)
    if "@" in language:
        catalogue.add_fallback(_load(language.partition("@")[0], folder))
    return Words(language, catalogue)


class Catalogues:
    """Every language's words, each read when it is first spoken."""

    def __init__(self, folder: Path = LOCALE_FOLDER) -> None:
        self._folder = folder
        self._read: dict[str, Words] = {}

    def __getitem__(self, language: str) -> Words:
        """The words of a language."""
        if language not in self._read:
            self._read[language] = load_words(language, self._folder)
        return self._read[language]


def _load(language: str, folder: Path) -> gettext.GNUTranslations:
    with (folder / language / "LC_MESSAGES" / "kiosk.mo").open("rb") as file:
        return gettext.GNUTranslations(file)

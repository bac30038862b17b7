"""Catalogues compiled anew for every test session, so that no stale file decides."""

from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from kiosk.ui.words import LOCALE_FOLDER, RESIDENT_LANGUAGES


def compile_catalogues(target: Path) -> Path:
    """Compiles every catalogue into `target`."""
    for language in RESIDENT_LANGUAGES:
        place = Path(language, "LC_MESSAGES")
        (target / place).mkdir(parents=True)
        with (LOCALE_FOLDER / place / "kiosk.po").open("rb") as source:
            catalogue = read_po(source, abort_invalid=True)
        with (target / place / "kiosk.mo").open("wb") as compiled:
            write_mo(compiled, catalogue)
    return target


@pytest.fixture(scope="session")
def locale(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the compiled catalogues."""
    return compile_catalogues(tmp_path_factory.mktemp("locale"))

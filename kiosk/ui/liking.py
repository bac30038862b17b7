"""How each clerk likes his seat, kept in a file from one day to the next."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kiosk.ui.themes import THEMES
from kiosk.ui.words import LANGUAGES

_LOCKS_AFTER_S_AT_MOST = 3600.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Liking:
    """The language and the look of a seat by their names, and how long it may stay empty before it locks."""

    language: str
    look: str
    locks_after_s: float

    @property
    def is_known(self) -> bool:
        """Whether this program has such a language and look, and the seat will lock in the end."""
        is_shown = self.language in LANGUAGES and self.look in {theme.name for theme in THEMES}
        return is_shown and 0 < self.locks_after_s <= _LOCKS_AFTER_S_AT_MOST


class Likings:
    """The likings of those who sign in at a station, by their names in the journal.

    A file that cannot be read is set aside under the name of FILE.damaged, and one that cannot be written is logged:
    no desk stays closed for it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def of(self, person: str) -> Liking | None:
        """How somebody likes his seat; None when he has not said."""
        liking = (await asyncio.to_thread(self._read)).get(person)
        return liking if liking is not None and liking.is_known else None

    async def keep(self, person: str, liking: Liking) -> None:
        """From now on he likes it so."""
        await asyncio.to_thread(self._keep, person, liking)

    def _keep(self, person: str, liking: Liking) -> None:
        draft = self._path.with_name(f"{self._path.name}.new")
        try:
            draft.write_bytes(msgspec.json.encode({**self._read(), person: liking}))
            os.replace(draft, self._path)
        except OSError as error:
            _log.warning("%s: settings of a seat could not be kept: %s", self._path, error.strerror)

    def _read(self) -> Mapping[str, Liking]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Liking])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            _log.warning("%s: settings of seats cannot be read and are set aside: %s", self._path, error)
            with contextlib.suppress(OSError):
                os.replace(self._path, self._path.with_name(f"{self._path.name}.damaged"))
            return {}

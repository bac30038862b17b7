"""Reads the codes of printed forms at a station's scanner."""

from collections.abc import Callable
from typing import Protocol

from hw.errors import DeviceError
from hw.scanner import CodeScanner, Scanned
from kiosk.counter.printed_forms import PrintedForms
from kiosk.model.resident import Resident

_SLICE_S = 0.3
"""How long nobody asks whether a code is still wanted."""


class FormsByCode(Protocol):
    """Who knows printed forms."""

    def resident_of(self, code: str) -> Resident | None:
        """Whose form has this code; None for an unknown one, an old one, or one that was handed in before."""
        ...


class ScannedCodes:
    """`kiosk.ui.papers.CodeReader`; `open_forms` is called on the thread that asks first."""

    def __init__(self, scanner: CodeScanner, open_forms: Callable[[], FormsByCode]) -> None:
        self._scanner = scanner
        self._open_forms = open_forms
        self._forms: FormsByCode | None = None

    def read(self, is_wanted: Callable[[], bool]) -> str | None:
        """Has the scanner look until a code comes; a scanner that is away is waited for."""
        is_looking = False
        while is_wanted():
            try:
                if not is_looking:
                    self._scanner.look()
                    is_looking = True
                for event in self._scanner.read(_SLICE_S):
                    return event.text if isinstance(event, Scanned) else ""
            except DeviceError:
                is_looking = False
        self._rest()
        return None

    def _rest(self) -> None:
        try:
            self._scanner.rest()
        except DeviceError:
            pass  # one that is away looks at nothing

    def resident_of(self, code: str) -> Resident | None:
        """The resident."""
        if self._forms is None:
            self._forms = self._open_forms()
        return self._forms.resident_of(code)


class NearForms:
    """Forms that this station has printed, whose register lies here."""

    def __init__(self, forms: PrintedForms, find: Callable[[str], Resident | None]) -> None:
        self._forms = forms
        self._find = find

    def resident_of(self, code: str) -> Resident | None:
        """The resident, when he is still in the register."""
        found = self._forms.resident_of(code)
        return None if found is None else self._find(found)

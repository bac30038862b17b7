"""Reads the codes of printed forms at a station's scanner."""

from collections.abc import Callable

from hw.errors import DeviceError
from hw.scanner import CodeScanner, Scanned
from kiosk.counter.printed_forms import PrintedForms
from kiosk.model.resident import Resident
from kiosk.register.register import ResidentLookup

_SLICE_S = 0.3
"""How long nobody asks whether a code is still wanted."""


class ScannedCodes:
    """`kiosk.ui.counter.CodeReader`; `open_forms` is called on the thread that asks first."""

    def __init__(self, scanner: CodeScanner, register: ResidentLookup, open_forms: Callable[[], PrintedForms]) -> None:
        self._scanner = scanner
        self._register = register
        self._open_forms = open_forms
        self._forms: PrintedForms | None = None

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
        """The resident, when he is still in the register."""
        if self._forms is None:
            self._forms = self._open_forms()
        found = self._forms.resident_of(code)
        return None if found is None else self._register.find(found)

"""The counter's papers as the screens know them: those it prints, and the printed forms whose code it reads."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from kiosk.model.resident import Resident

if TYPE_CHECKING:
    from kiosk.papers.press import Printed


class Papers(Protocol):
    """Prints the counter's papers by name (`kiosk.papers.catalogue`); on any thread, and slow: a printer is waited for.

    `values` and `rows` fill a paper's layout, what is not given is left to a pen; training voids every paper by itself.
    """

    def can_print(self, name: str) -> bool:
        """Whether this station has a printer for that paper."""
        ...

    def print(
        self,
        name: str,
        language: str,
        values: Mapping[str, str],
        rows: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
        marks: Collection[str] = (),
    ) -> "Printed":
        """Prints it once; what became of it. Raises `PrinterBlocked`, other `NotSent`, `Refused`, `PaperUnusable`."""
        ...

    def preview(
        self,
        name: str,
        language: str,
        values: Mapping[str, str],
        rows: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
        marks: Collection[str] = (),
    ) -> str:
        """The paper as text, as it would be printed."""
        ...


class CodeReader(Protocol):
    """Reads the codes of printed forms; called on one thread of its own."""

    def read(self, is_wanted: Callable[[], bool]) -> str | None:
        """The next code that could be a form's, empty for any other; None when it is not wanted any more."""
        ...

    def resident_of(self, code: str) -> Resident | None:
        """Whose printed form has this code; None when none has it, or it was handed in before."""
        ...

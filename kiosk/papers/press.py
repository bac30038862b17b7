"""Prints a station's papers, on the roll or on A4: what a screen and `kiosk paper` ask for by the paper's name."""

from collections.abc import Collection
from dataclasses import dataclass

from hw.errors import NotSent
from hw.ports import Paper, PrintOutcome, ReceiptPrinter
from hw.printer.document import DocumentPrinter
from kiosk.model.town import Town
from kiosk.papers.catalogue import ROLL, Rows, Values, a4_paper, blank, roll_paper, town_words
from kiosk.papers.pdf import pdf
from kiosk.papers.picture import text
from kiosk.papers.sheet import Page

TRAINING = "training"
"""The mark under which every paper of a training station is void."""
_JOB_IDS, _PREVIEW = 1000, "P000"


class PaperUnusable(Exception):
    """What was asked for cannot be printed as this paper: a value that it does not have, or a form that it has not."""


@dataclass(frozen=True)
class Printed:
    """What became of a paper: on the roll what the printer says, on A4 where it was handed over, which is no proof.

    `where` is the CUPS request or the file of a paper on A4. A roll paper that is not CONFIRMED is to be looked for by
    a person, and never printed again by software.
    """

    name: str
    outcome: PrintOutcome
    where: str = ""


class Press:
    """Prints by name with the town's own words filled in; what no value was given for is left to a pen.

    `marks` of the calls are conditions of a layout's lines, to which training adds its own. `documents` is None where
    nothing prints on A4.
    """

    def __init__(
        self, printer: ReceiptPrinter, documents: DocumentPrinter | None, town: Town, *, is_training: bool
    ) -> None:
        self._printer = printer
        self._documents = documents
        self._town = town
        self._is_training = is_training
        self._printed = 0

    def can_print(self, name: str) -> bool:
        """Whether this station has a printer for that paper."""
        return name in ROLL or self._documents is not None

    def print(
        self, name: str, language: str, values: Values, rows: Rows | None = None, marks: Collection[str] = ()
    ) -> Printed:
        """Prints it once.

        Raises `PaperUnusable` and `TextDoesNotFit`; `NotSent` (`PrinterBlocked`) and `Refused` when nothing came out,
        `OutcomeUnknown` for a page that may lie in the queue.
        """
        if name in ROLL:
            self._printed += 1
            job_id = f"P{self._printed % _JOB_IDS:03d}"
            job = self._printer.render(self.on_roll(name, language, values, rows, marks), job_id)
            return Printed(name, self._printer.print(job))
        if self._documents is None:
            raise NotSent("nothing prints on A4 here: documents.link")
        pages = self.on_a4(name, language, values, rows, marks)
        return Printed(name, PrintOutcome.SENT, self._documents.print(name, pdf(pages, name)))

    def preview(
        self, name: str, language: str, values: Values, rows: Rows | None = None, marks: Collection[str] = ()
    ) -> str:
        """The paper as text, as it would be printed."""
        if name in ROLL:
            return self._printer.render(self.on_roll(name, language, values, rows, marks), _PREVIEW).preview
        return text(self.on_a4(name, language, values, rows, marks))

    def on_roll(
        self, name: str, language: str, values: Values, rows: Rows | None = None, marks: Collection[str] = ()
    ) -> Paper:
        """One of the papers on the roll, as lines for the printer."""
        filled, tables = self._filled(name, language, values, rows)
        return roll_paper(name, language, filled, tables, self._marks(marks))

    def on_a4(
        self, name: str, language: str, values: Values, rows: Rows | None = None, marks: Collection[str] = ()
    ) -> tuple[Page, ...]:
        """One of the papers on A4, laid out."""
        filled, tables = self._filled(name, language, values, rows)
        return a4_paper(name, language, filled, tables, self._marks(marks))

    def _filled(self, name: str, language: str, values: Values, rows: Rows | None) -> tuple[Values, Rows]:
        filled, tables = blank(name, language)
        if unknown := sorted(set(values) - set(filled)):
            raise PaperUnusable(f"{name} has no value {unknown[0]!r}; it has {', '.join(sorted(filled))}")
        if strange := sorted(set(rows or {}) - set(tables)):
            raise PaperUnusable(f"{name} has no rows {strange[0]!r}; it has {', '.join(sorted(tables)) or 'none'}")
        own = {key: word for key, word in town_words(self._town, language).items() if key in filled}
        return {**filled, **own, **values}, {**tables, **(rows or {})}

    def _marks(self, marks: Collection[str]) -> frozenset[str]:
        return frozenset(marks) | ({TRAINING} if self._is_training else frozenset())

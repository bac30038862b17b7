"""Suspect cases of terminals elsewhere, among those that the clerks decide about: which wait, and what is asked."""

from collections.abc import Iterator

from hw.ports import MachineMoney
from kiosk.model.transition import SUSPECT, procedure_of
from kiosk.ui.books import LeftCase
from kiosk.ui.terminals import Settlement, TerminalQuestion, Terminals


def suspect_at_terminals(terminals: Terminals) -> Iterator[LeftCase]:
    """The cases that terminals ask two clerks about; of their residents nothing is known here."""
    codes = {(case.station, case.number): case.code for case in terminals.cases}
    for asked in terminals.suspect:
        assert isinstance(asked.asked, Settlement), "so they were chosen"
        stage = SUSPECT[asked.asked.question]
        code = codes.get((asked.station, asked.number), "")
        procedure = procedure_of(stage).value
        yield LeftCase(asked.number, None, stage.value, code, True, procedure, asked.station)


def question_about(terminals: Terminals | None, case: LeftCase) -> TerminalQuestion | None:
    """What the terminal asks about its case; None when it does not any more, and for a case of this station."""
    if terminals is None or not case.station:
        return None
    return next((q for q in terminals.suspect if (q.station, q.number) == (case.station, case.number)), None)


def known_at(asked: TerminalQuestion) -> MachineMoney:
    """What the terminal's machine knows of the money."""
    assert isinstance(asked.asked, Settlement), "so it was chosen"
    return asked.asked.known


def settled_by(asked: TerminalQuestion) -> str:
    """What two clerks look for: `fee`, `receipt`, `refund` or `revoke`."""
    assert isinstance(asked.asked, Settlement), "so it was chosen"
    return asked.asked.question.value

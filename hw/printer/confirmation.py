"""The two ways in which a printer tells that everything before a mark was done, and so that a paper came out."""

from collections.abc import Callable
from dataclasses import dataclass

from hw.printer.commands import STATUS_IN_ORDER, report_process
from hw.printer.status import Event, InOrderStatus, ProcessReport


@dataclass(frozen=True)
class Confirmation:
    """`mark(mark_id)` are the bytes that ask for it, `is_answer(event, mark_id)` recognizes the answer.

    `names_job` tells whether the answer carries the id, so that a late one cannot be taken for another's.
    """

    mark: Callable[[str], bytes]
    is_answer: Callable[[Event, str], bool]
    names_job: bool


PROCESS_ID = Confirmation(
    mark=report_process,
    is_answer=lambda event, mark_id: event == ProcessReport(mark_id),
    names_job=True,
)
"""GS ( H, function 48: names the job, and comes when the printing is completed."""

IN_ORDER_STATUS = Confirmation(
    mark=lambda mark_id: STATUS_IN_ORDER,
    is_answer=lambda event, mark_id: isinstance(event, InOrderStatus),
    names_job=False,
)
"""GS r 1: names nothing, but is not executed while the printer is offline, so it proves that all before it was."""

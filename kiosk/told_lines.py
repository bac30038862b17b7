"""What commands that play a case's persons write: a line a step, and one that says how it ended."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TextIO

from hw.standard_output import OutputLost
from kiosk.exit_code import ExitCode
from kiosk.failure_book import load_failure_book
from kiosk.issuance.failure import (
    ANOTHER_AUTHORITY,
    AUTHORITY_UNREACHABLE,
    CaseEnded,
    GivenUp,
    Halted,
    Refusal,
    RolledBack,
    Suspect,
)
from kiosk.issuance.report import Phase, Report, StepReport
from kiosk.model.step import Step

_AUTHORITYS = {
    **dict.fromkeys(AUTHORITY_UNREACHABLE, ExitCode.UNAVAILABLE),
    ANOTHER_AUTHORITY: ExitCode.CONFIG,
}
"""How a command ends that the authority kept from its end."""


def tell_ending(out: TextIO, ended: CaseEnded, *, is_json: bool) -> ExitCode:
    """Writes how a case ended that did not end well, in the failure book's words."""
    step, code = _ending(ended)
    entry = load_failure_book()[ended.code]
    text = {"what": entry.en.what, "remedy": entry.en.remedy, "who": entry.who}
    write_line(out, {"step": step, "code": ended.code, **text}, is_json=is_json)
    return code


def report_to(out: TextIO, *, is_json: bool) -> Report:
    """Writes every step that is done but the last, which says more than its name."""
    return _json_report(out) if is_json else _plain_report(out)


def _ending(ended: CaseEnded) -> tuple[str, ExitCode]:
    trouble = _AUTHORITYS.get(ended.code)
    match ended:
        case Refusal():
            return "refused", ExitCode.REFUSED
        case RolledBack():
            return "rolled_back", trouble or ExitCode.REFUSED
        case Suspect():
            return "suspect", ExitCode.UNDECIDED
        case GivenUp():
            return "given_up", ExitCode.UNDECIDED
        case Halted():
            return "suspect", trouble or ExitCode.UNDECIDED
        case _:
            raise AssertionError(f"unforeseen end {ended!r}")


def _json_report(out: TextIO) -> Report:
    def tell(report: StepReport) -> None:
        if report.phase is Phase.DONE and report.step is not Step.CLOSED:
            line = {
                "step": report.step.value,
                "actor": report.actor.value,
                "ms": round(report.elapsed_ms, 1),
                "apdus": report.exchanges,
            }
            write_line(out, line | ({"resumed": True} if report.was_resumed else {}), is_json=True)

    return tell


def _plain_report(out: TextIO) -> Report:
    def tell(report: StepReport) -> None:
        if report.phase is Phase.DONE and report.step is not Step.CLOSED:
            resumed = "  (resumed)" if report.was_resumed else ""
            write(
                out,
                f"{report.step.value:15} {report.actor.value:10} {report.elapsed_ms:8.1f} ms"
                f" {report.exchanges:3} commands{resumed}",
            )

    return tell


def write_line(out: TextIO, document: Mapping[str, object], *, is_json: bool) -> None:
    """Writes one line: a JSON object, or its keys and values."""
    write(
        out, json.dumps(document, ensure_ascii=False) if is_json else "  ".join(f"{k} {v}" for k, v in document.items())
    )


def write(out: TextIO, text: str) -> None:
    """Writes one line; a reader who has gone, or a full disk, holds no case up: it is brought to its end."""
    with suppress(OutputLost, OSError):
        print(text, file=out, flush=True)

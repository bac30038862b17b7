"""Compares a station's journal with what others know of it: the authority's record, and heads from receipts.

A store that was put back to an earlier day is whole in itself; only a witness from outside can tell what is missing.
Nothing is corrected here: every gap is named, and a clerk settles it with entries of today.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kiosk.authority.client import IssuedRecord
from kiosk.issuance.ended_cases import Certified, certified_in
from kiosk.journal.head import HeadInvalid, parse_head
from kiosk.journal.journal import Journal
from kiosk.journal.records import CaseRecord, Witness
from kiosk.model.transition import AFTER, Stage


class GapKind(StrEnum):
    """What was found."""

    ENTRIES_LOST = "entries_lost"
    """A witness has seen more entries than the store has."""
    JOURNAL_DIFFERS = "journal_differs"
    """A witness has seen other entries than the store has."""
    HEAD_INVALID = "head_invalid"
    """A witness's text is no head of this station's journal."""
    CERTIFICATE_NOT_JOURNALED = "certificate_not_journaled"
    """The authority issued a certificate of which the store knows nothing."""
    CERTIFICATE_NOT_KNOWN = "certificate_not_known"
    """The store has a certificate of which the authority knows nothing."""
    CERTIFICATE_STANDS_OTHERWISE = "certificate_stands_otherwise"
    """Store and authority disagree about how a certificate stands."""


@dataclass(frozen=True)
class Gap:
    """One disagreement. `subject` is a station or a certificate's serial number; `detail` says what is known."""

    kind: GapKind
    subject: str
    detail: str


_CONFIRMED = [*AFTER.values()][[*AFTER.values()].index(Stage.CONFIRMED) :]

ADMISSIBLE: dict[Stage, tuple[str, ...]] = {
    # Whoever was given a certificate may have had it revoked or held since.
    **dict.fromkeys(_CONFIRMED, ("good", "held", "revoked")),
    # The confirmation may have been heard and its answer lost.
    Stage.SETTLED: ("pending", "good", "revoked"),
    Stage.ROLLED_BACK: ("revoked",),
    Stage.ROLLING_BACK: ("pending", "held", "revoked"),
    Stage.REFUND_SUSPECT: ("pending", "held", "revoked"),
    Stage.CERTIFICATE_SUSPECT: ("pending", "held", "revoked"),
    Stage.RECEIPT_SUSPECT: ("good", "held", "revoked"),
}
"""How the authority may see the certificate of a case in each stage; in any other it is pending, or lapsed."""

_BEFORE_CONFIRMATION = ("pending", "revoked")


CertifiedOf = Callable[[Sequence[CaseRecord]], Mapping[str, Sequence[Certified]]]
"""What each case, by its pseudonym, asked the authority for."""


def reconcile(
    journal: Journal,
    issued: Sequence[IssuedRecord] | None,
    stubs: Iterable[str],
    certified_of: CertifiedOf | None = None,
) -> list[Gap]:
    """Every gap between the journal of this station, the authority's record of it, and the heads on receipts.

    `issued` is None where the authority keeps no such record; then receipts are the only witnesses. `certified_of` asks
    the clerk's station where that alone can read ended cases, and raises what it raises.
    """
    witnesses = [("the authority", record.journal_head) for record in issued or () if record.journal_head]
    witnesses += [("a receipt", stub) for stub in stubs]
    certificates = [] if issued is None else _compare_certificates(journal, issued, certified_of)
    return [*_compare_heads(journal, witnesses), *certificates]


def _compare_heads(journal: Journal, witnesses: Iterable[tuple[str, str]]) -> list[Gap]:
    gaps = []
    lost: tuple[int, str] | None = None
    for name, text in witnesses:
        try:
            proven = parse_head(text)
            verdict = journal.compare(proven)
        except HeadInvalid as invalid:
            gaps.append(Gap(GapKind.HEAD_INVALID, journal.station, f"{name} shows {text[:24]}...: {invalid}"))
            continue
        size = proven.signed.head.size
        if verdict is Witness.SAW_MORE:
            lost = max(lost or (0, ""), (size, name))
        elif verdict is Witness.SAW_OTHERS:
            gaps.append(Gap(GapKind.JOURNAL_DIFFERS, journal.station, f"{name} has seen another entry {size}"))
    if lost:
        there, (size, name) = journal.size(), lost
        detail = f"{name} has seen {size} entries, the store has {there}: {there + 1} to {size} are missing"
        gaps.append(Gap(GapKind.ENTRIES_LOST, journal.station, detail))
    return gaps


def _compare_certificates(
    journal: Journal, issued: Sequence[IssuedRecord], certified_of: CertifiedOf | None
) -> list[Gap]:
    unclaimed = {record.transaction_id: record for record in issued}
    gaps = []
    cases = [case for case in journal.cases() if not case.seal.is_destroyed]
    found = certified_of(cases) if certified_of else {case.pseudonym: certified_in(case, journal) for case in cases}
    for case in cases:
        for certified in found[case.pseudonym]:
            # An answer that was lost is asked for again when the case goes on; until then the request stands for it.
            record = unclaimed.pop(certified.transaction_id, None)
            if record is None:
                if certified.serial is not None:
                    detail = f"of application {case.number}, which is {case.stage}"
                    gaps.append(Gap(GapKind.CERTIFICATE_NOT_KNOWN, certified.serial, detail))
            elif record.state not in ADMISSIBLE.get(case.stage, _BEFORE_CONFIRMATION) and not (
                # It becomes valid before the first one does, and is taken back with it.
                certified.is_second and case.stage is Stage.ROLLING_BACK
            ):
                detail = f"application {case.number} is {case.stage}, the authority says {record.state}"
                gaps.append(Gap(GapKind.CERTIFICATE_STANDS_OTHERWISE, record.serial, detail))
    # A case whose records were destroyed cannot be told any more by its certificate.
    forgotten = journal.purged_until()
    for record in unclaimed.values():
        if forgotten is None or record.issued_at > forgotten:
            detail = f"issued at {record.issued_at.isoformat()}, {record.state}"
            gaps.append(Gap(GapKind.CERTIFICATE_NOT_JOURNALED, record.serial, detail))
    return gaps

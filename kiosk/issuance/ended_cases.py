"""What is still asked about cases that have ended, wherever their records can be read.

Without a clerk's station a station reads its own. With one, an ended case is sealed to that alone, and the terminal
asks it: whether a certificate is valid, what the authority was asked for, and for a case's key for its resident.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from kiosk.authority.client import AuthorityClient
from kiosk.clock import Clock
from kiosk.issuance.effect import intent_in, outcome_in
from kiosk.issuance.failure import CaseUnreadable
from kiosk.issuance.steps import CERTIFY, ELIGIBILITY_AND_IDENTITY, SECOND_CERTIFY
from kiosk.journal.journal import Journal
from kiosk.journal.records import CaseRecord
from kiosk.model.application import Closed, EligibleApplication
from kiosk.model.certificate import CertificateState
from kiosk.model.step import Step


@dataclass(frozen=True)
class Certified:
    """What a case asked the authority for: the transaction, and the serial number that came back, None when none did.

    Neither is personal data: the authority tells both to the station that asked.
    """

    transaction_id: bytes
    serial: str | None
    is_second: bool


class Archive(Protocol):
    """The clerk's station, asked about ended cases by their pseudonyms. Each raises `hw.errors` when it cannot be.

    `CaseUnreadable` when it has no key to the case any more.
    """

    @property
    def station(self) -> str:
        """Its name."""

    def is_valid(self, pseudonym: str) -> bool:
        """Whether the certificate of a closed case is valid by the authority's word."""

    def key(self, pseudonym: str, resident_code: str) -> bytes | None:
        """The key of a resident's own case; None when it is another resident's."""

    def certified(self, pseudonyms: Sequence[str]) -> Mapping[str, Sequence[Certified]]:
        """What each case asked the authority for."""


@dataclass(frozen=True)
class EndedCases:
    """Ended cases as they are asked about at one station; `archive` is the clerk's, where that is another.

    Everything raises `CaseUnreadable` of a case that is sealed to neither.
    """

    journal: Journal
    authority: AuthorityClient
    clock: Clock
    archive: Archive | None = None

    def is_valid(self, record: CaseRecord) -> bool:
        """Whether the certificate of a closed case is valid by the authority's word."""
        if record.seal.elsewhere:
            return self._archive_of(record.seal.elsewhere).is_valid(record.pseudonym)
        stored = self.journal.effect(record, Step.CLOSED)
        assert stored is not None and stored.outcome is not None, "a closed case has its closing record"
        closed = msgspec.json.decode(stored.outcome, type=Closed)
        if closed.valid_until <= self.clock():
            return False
        return self.authority.status(closed.certificate).state is CertificateState.GOOD

    def reopened(self, record: CaseRecord, resident_code: str) -> CaseRecord | None:
        """The case in a form that can be read here, for its own resident; None when it is another's."""
        if not record.seal.elsewhere:
            return record
        key = self._archive_of(record.seal.elsewhere).key(record.pseudonym, resident_code)
        return None if key is None else self.journal.reopened(record, key)

    def certified(self, records: Sequence[CaseRecord]) -> dict[str, list[Certified]]:
        """What each case asked the authority for, by its pseudonym; of destroyed ones nobody knows."""
        found: dict[str, list[Certified]] = {}
        elsewhere: dict[str, list[str]] = {}
        for record in records:
            if record.seal.elsewhere:
                elsewhere.setdefault(record.seal.elsewhere, []).append(record.pseudonym)
            elif not record.seal.is_destroyed:
                found[record.pseudonym] = [*certified_in(record, self.journal)]
        for station, pseudonyms in elsewhere.items():
            for first in range(0, len(pseudonyms), _PAGE):
                told = self._archive_of(station).certified(pseudonyms[first : first + _PAGE])
                found |= {pseudonym: [*certified] for pseudonym, certified in told.items()}
        return found

    def _archive_of(self, station: str) -> Archive:
        """Who can read what is sealed to that station. Raises `CaseUnreadable`."""
        if self.archive is None or self.archive.station != station:
            found = "no" if self.archive is None else "another"
            raise CaseUnreadable(f"the case is sealed to station {station}, and {found} clerk.station is set here")
        return self.archive


_PAGE = 250


def eligible_in(record: CaseRecord, journal: Journal) -> EligibleApplication:
    """What a closed case has certified: the items as they stood in the register then, and as the certificate has them.

    Raises as reading a record does.
    """
    identified = outcome_in(journal.effect(record, ELIGIBILITY_AND_IDENTITY.step), ELIGIBILITY_AND_IDENTITY)
    assert identified is not None, "a closed issuance has done every step"
    return identified.eligible


def certified_in(record: CaseRecord, journal: Journal) -> list[Certified]:
    """What a case asked the authority for by its own records. A request that did not go out stands for none."""
    found = []
    for certify in (CERTIFY, SECOND_CERTIFY):
        stored = journal.effect(record, certify.step)
        message, pending = intent_in(stored, certify), outcome_in(stored, certify)
        if message is not None:
            serial = None if pending is None else pending.serial
            found.append(Certified(message.transaction_id, serial, certify is SECOND_CERTIFY))
    return found

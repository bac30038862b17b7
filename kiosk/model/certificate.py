"""A resident's certificate: the personal data it carries, and the states it passes through at the authority."""

import datetime
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kiosk.model.characters import certified_text, impossible
from kiosk.model.resident import FourItems

_ERAS = (
    (datetime.date(2019, 5, 1), "5"),
    (datetime.date(1989, 1, 8), "4"),
    (datetime.date(1926, 12, 25), "3"),
    (datetime.date(1912, 7, 30), "2"),
    (datetime.date(1868, 10, 23), "1"),
)


@dataclass(frozen=True)
class CertifiedItems:
    """The six otherName values of a signature certificate (arc 1.2.392.200149.8.5.5), as text.

    A flag string has one digit a character: `1` where a substitute character (代替文字) stands for one that
    certificates cannot carry, else `0`. `birth` is EYYYYMMDD with the era's digit and the Gregorian year.
    """

    name: str
    name_flags: str
    sex: str
    birth: str
    address: str
    address_flags: str

    def __repr__(self) -> str:
        return "CertifiedItems(...)"

    @property
    def substituted(self) -> tuple[tuple[str, str], ...]:
        """Name and address as certified, where a substitute stands in them, each with its substitutes."""
        texts = ((self.name, self.name_flags), (self.address, self.address_flags))
        return tuple(
            (text, "".join(c for c, flag in zip(text, flags, strict=True) if flag == "1"))
            for text, flags in texts
            if "1" in flags
        )

    def hash(self) -> bytes:
        """SHA-256 that binds an authorisation to exactly these values."""
        values = (self.name, self.name_flags, self.sex, self.birth, self.address, self.address_flags)
        return hashlib.sha256("\x1f".join(values).encode()).digest()


class Uncertifiable(ValueError):
    """`item` of the four items holds `characters` that are no part of a written text, and so have no substitute."""

    def __init__(self, item: str, characters: tuple[str, ...]) -> None:
        super().__init__(f"{item} holds codes that are no part of a written text: {' '.join(map(repr, characters))}")
        self.item = item
        self.characters = characters


def certify_items(items: FourItems, kana: str) -> CertifiedItems:
    """The six values for a resident's four items; `kana` is how his name is read, for where no substitute is known.

    Raises `Uncertifiable`.
    """
    for item, text in (("name", items.name), ("address", items.address)):
        if bad := impossible(text):
            raise Uncertifiable(item, bad)
    name, address = certified_text(items.name, kana), certified_text(items.address)
    return CertifiedItems(
        name=name.text,
        name_flags=name.flags,
        sex=items.sex.digit,
        birth=_era_digit(items.birth_date) + f"{items.birth_date:%Y%m%d}",
        address=address.text,
        address_flags=address.flags,
    )


def _era_digit(day: datetime.date) -> str:
    return next((digit for start, digit in _ERAS if day >= start), "0")


class CertificateState(StrEnum):
    """What the authority's status service answers for a certificate."""

    GOOD = "good"
    PENDING = "pending"
    """Issued, not confirmed: on hold, not valid for anybody."""
    REVOKED = "revoked"
    UNKNOWN = "unknown"


class BookedState(StrEnum):
    """How a certificate stands in the books of the authority that issued it."""

    PENDING = "pending"
    GOOD = "good"
    HELD = "held"
    """It was good, and is not valid for the time being. Whoever asks is told what he is told of a pending one."""
    REVOKED = "revoked"


FORMER: Mapping[BookedState, tuple[BookedState, ...]] = {
    BookedState.PENDING: (),
    BookedState.GOOD: (BookedState.PENDING, BookedState.HELD),
    BookedState.HELD: (BookedState.GOOD,),
    BookedState.REVOKED: (BookedState.PENDING, BookedState.GOOD, BookedState.HELD),
}
"""From which states a certificate comes to another; from `REVOKED` to none, for good (RFC 5280, 5.3.1)."""


class RevocationReason(StrEnum):
    """CRLReason of RFC 5280, 5.3.1, by its standard name."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keyCompromise"
    CA_COMPROMISE = "cACompromise"
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessationOfOperation"
    CERTIFICATE_HOLD = "certificateHold"
    PRIVILEGE_WITHDRAWN = "privilegeWithdrawn"


@dataclass(frozen=True)
class CertificateStatus:
    """The authority's answer about one certificate; `reason` and `revoked_at` only when revoked or pending.

    `produced_at` is the authority's time as it answered, to the second, where it is known.
    """

    state: CertificateState
    reason: RevocationReason | None = None
    revoked_at: datetime.datetime | None = None
    produced_at: datetime.datetime | None = field(default=None, compare=False)


def serial_text(serial: int) -> str:
    """A serial number as openssl prints it: upper-case hex, whole octets."""
    text = f"{serial:X}"
    return text if len(text) % 2 == 0 else "0" + text

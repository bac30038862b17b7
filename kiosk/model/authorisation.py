"""The clerk's signed leave for one operation on one card: the two-person rule as a value.

The payload is canonical JSON (sorted keys, no white space, UTF-8), so that terminal, clerk's station and authority
check the very same bytes.
"""

import datetime
import json
from dataclasses import dataclass
from typing import Literal, get_args

from kiosk.model.policy import PasswordKind

Operation = Literal["issue", "revoke", "reset_password"]
"""What a leave is for: a certificate, its revocation, or a new password for one that is locked or forgotten."""


@dataclass(frozen=True)
class Uptime:
    """A moment in a computer's own time, which setting its clock does not change.

    `boot` (16 bytes) is another after every boot; `elapsed_s` are whole seconds since then.
    """

    boot: bytes
    elapsed_s: int


class AuthorisationInvalid(ValueError):
    """The bytes are not an authorisation, or it does not cover what is asked."""


@dataclass(frozen=True)
class AuthorisationTerms:
    """What the clerk signs.

    `case` is the case's pseudonym, `items_hash` the hash of the certified items, `person` the town's keyed id of the
    resident (HMAC-SHA256 over the resident's code: equal for equal persons, meaningless to others), `nonce` 16 random
    bytes that the card's attestation repeats. Times are UTC, whole seconds; `uptime` is that of the station which may
    use it, so that neither a clock that is set back nor another boot makes it last longer. `which` is the password that
    may be set anew, None where there is none, and in leaves that were signed before they named it.
    """

    operation: Operation
    case: str
    station: str
    card_number: str
    items_hash: bytes
    person: bytes
    nonce: bytes
    issued_at: datetime.datetime
    expires_at: datetime.datetime
    uptime: Uptime
    which: PasswordKind | None = None

    def is_fresh(self, now: datetime.datetime, uptime: Uptime) -> bool:
        """Whether a key may still be made on it, at this time by the clock and by the station's own time."""
        age_s = uptime.elapsed_s - self.uptime.elapsed_s
        life_s = (self.expires_at - self.issued_at).total_seconds()
        return self.issued_at <= now < self.expires_at and uptime.boot == self.uptime.boot and 0 <= age_s < life_s

    def encode(self) -> bytes:
        """The canonical payload."""
        document = {
            # What names no password is the same bytes as ever.
            "version": 2 if self.which is None else 3,
            "operation": self.operation,
            "case": self.case,
            "station": self.station,
            "card_number": self.card_number,
            "items_hash": self.items_hash.hex(),
            "person": self.person.hex(),
            "nonce": self.nonce.hex(),
            "issued_at": _time_text(self.issued_at),
            "expires_at": _time_text(self.expires_at),
            "boot": self.uptime.boot.hex(),
            "uptime_s": self.uptime.elapsed_s,
        }
        if self.which is not None:
            document["which"] = self.which
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def decode(cls, payload: bytes) -> "AuthorisationTerms":
        """Reads a payload; anything but the canonical form raises `AuthorisationInvalid`."""
        try:
            d = json.loads(payload)
            if d["operation"] not in get_args(Operation):
                raise AuthorisationInvalid(f"unknown operation {d['operation']!r}")
            terms = cls(
                operation=d["operation"],
                case=d["case"],
                station=d["station"],
                card_number=d["card_number"],
                items_hash=bytes.fromhex(d["items_hash"]),
                person=bytes.fromhex(d["person"]),
                nonce=bytes.fromhex(d["nonce"]),
                issued_at=datetime.datetime.fromisoformat(d["issued_at"]),
                expires_at=datetime.datetime.fromisoformat(d["expires_at"]),
                uptime=Uptime(bytes.fromhex(d["boot"]), d["uptime_s"]),
                which=d.get("which"),
            )
            if terms.which is not None and (
                terms.operation != "reset_password" or terms.which not in get_args(PasswordKind)
            ):
                raise AuthorisationInvalid(f"{terms.operation} of password {terms.which!r}")
            lengths = (len(terms.nonce), len(terms.items_hash), len(terms.person), len(terms.uptime.boot))
            if lengths != (16, 32, 32, 16):
                raise AuthorisationInvalid("nonce, items_hash, person or boot has a wrong length")
            if type(terms.uptime.elapsed_s) is not int:
                raise AuthorisationInvalid("uptime_s is a whole number")
            if not all(isinstance(text, str) for text in (terms.case, terms.station, terms.card_number)):
                raise AuthorisationInvalid("case, station and card_number are texts")
            if not terms.card_number.isascii():
                raise AuthorisationInvalid("card_number is ASCII")
            is_canonical = terms.encode() == payload
        except AuthorisationInvalid:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise AuthorisationInvalid(f"not an authorisation: {error}") from error
        if not is_canonical:
            raise AuthorisationInvalid("authorisation is not in canonical form")
        return terms


@dataclass(frozen=True)
class Authorisation:
    """Signed terms: `signature` by the clerk's key over `payload`, and the clerk's certificate (DER)."""

    payload: bytes
    signature: bytes
    clerk_certificate: bytes

    @property
    def terms(self) -> AuthorisationTerms:
        """The decoded terms. Raises `AuthorisationInvalid`."""
        return AuthorisationTerms.decode(self.payload)


def _time_text(time: datetime.datetime) -> str:
    return time.astimezone(datetime.UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "+00:00"

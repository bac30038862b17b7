"""Which columns of the store `kiosk journal verify` vouches for, and why a change of any other harms nobody.

Every column is in one of the two tables; a new one is put there when it is made.
"""

from collections.abc import Mapping
from types import MappingProxyType

VOUCHED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cases": (
            *("pseudonym", "station", "number", "attempt", "person", "card", "stage", "code", "seal"),
            *("escrow", "escrowed_to"),
        ),
        "effects": ("pseudonym", "step", "state", "intent", "outcome", "testimony"),
        "journal": ("station", "seq", "body", "hash", "node"),
        "heads": ("station", "size", "at", "root", "signature"),
        "receipts": ("number", "pseudonym", "proof"),
        "cash_counts": ("station", "place", "kind", "day", "count", "signatures"),
    }
)
"""Of each table the columns whose every change is found.

Sealed records, and the number, person and card that their commitments cover, where a key to them lies beside the store
(`station.key` for what is worked on, `line.key` of the clerk's station for what has ended); of a case whose keys were
destroyed nobody can read them any more. `attempt` since entries tell it.
"""

_LINE = "sealed and authenticated for its two stations; who changes it can have a clerk asked in vain or not at all"
_FORM = "says whose form is to be filled in; the clerk checks the identity of whoever stands there all the same"
_TICKET = "the order of one day's queue, which everybody in the hall sees on the board"
_STATION = "the authority's certificate vouches for all four together, whenever anybody is to speak to that station"
_DEVICE = "how a station's devices were; it tells anew within seconds, and nothing is decided by it"

UNVOUCHED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "schema_version": {"version": "another one than the tables' own keeps the store from being opened at all"},
        "stations": dict.fromkeys(("name", "public_key", "certificate", "signature"), _STATION),
        "questions": dict.fromkeys(
            ("id", "place", "asker", "asked", "kind", "state", "question", "answer"),
            _LINE,
        ),
        "printed_forms": dict.fromkeys(("code", "station", "number", "printed_at", "seal", "resident"), _FORM),
        "tickets": dict.fromkeys(
            ("day", "number", "purpose", "state", "counter", "given_at", "changed_at"),
            _TICKET,
        ),
        "station_devices": dict.fromkeys(("station", "told_at", "devices"), _DEVICE),
    }
)
"""Of each other column why it needs no entry."""

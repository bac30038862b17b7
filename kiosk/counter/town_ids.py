"""By which ids a town knows its residents and their cards: equal for equal ones, meaningless without the town's key."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Protocol


class TownIds(Protocol):
    """Computes ids, or asks the station that has the key."""

    def person(self, resident_code: str) -> bytes:
        """The id of a resident (32 bytes)."""
        ...

    def card(self, card_number: str) -> bytes:
        """The id of a card (32 bytes)."""
        ...


@dataclass(frozen=True, repr=False)
class KeyedIds:
    """HMAC-SHA256 under the town's key, over a resident's code, or over a card's number behind a label of its own."""

    key: bytes

    def person(self, resident_code: str) -> bytes:
        """The id of a resident."""
        return hmac.new(self.key, resident_code.encode(), hashlib.sha256).digest()

    def card(self, card_number: str) -> bytes:
        """The id of a card."""
        return hmac.new(self.key, b"card " + card_number.encode(), hashlib.sha256).digest()

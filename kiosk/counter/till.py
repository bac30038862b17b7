"""What the clerk's drawer took in and gave out for terminals that stand elsewhere.

A terminal's own journal says what its residents paid; the drawer is counted at the clerk's station, whose journal has
to say by itself what must lie in it. An entry is durable before the terminal hears of the money.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from kiosk.journal.journal import Journal

EVENT = "till"


@dataclass(frozen=True)
class Till:
    """The drawer's entries in the journal of the station where it stands."""

    journal: Journal

    def move(self, terminal: str, number: str, yen: int) -> None:
        """So many yen came in for an application, or went out when negative."""
        if yen:
            facts: dict[str, str | int] = {"event": EVENT, "terminal": terminal, "application": number, "yen": yen}
            self.journal.note(facts, lambda _: None)

    def count(self, terminal: str, number: str, yen: int) -> None:
        """The clerk has counted how much of that payer's money lies there."""
        self.move(terminal, number, yen - self.balances()[terminal, number])

    def balances(self, after: int = 0) -> Counter[tuple[str, str]]:
        """Yen by terminal and application, of everything behind the journal's entry `after`."""
        balances: Counter[tuple[str, str]] = Counter()
        for payer, yen in self._moves(after):
            balances[payer] += yen
        return balances

    def _moves(self, after: int) -> Iterator[tuple[tuple[str, str], int]]:
        for entry in self.journal.entries():
            if entry.seq <= after or f'"{EVENT}"' not in entry.body:
                continue
            facts = json.loads(entry.body)
            if facts["event"] == EVENT and facts["station"] == self.journal.station:
                yield (facts["terminal"], facts["application"]), facts["yen"]

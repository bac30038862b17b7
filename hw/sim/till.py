"""The money in a simulated till, payer by payer, in a file that survives the program as coins in a drawer do."""

import json
import os
import threading
from pathlib import Path

from hw.sim.kept_file import reading_kept


class SimulatedTill:
    """What each payer's money in the till comes to, in yen; of any thread.

    Raises `ConfigInvalid` when the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._content()  # a damaged one is told before anybody pays

    def put(self, payer: str, amount_yen: int) -> None:
        """Money of this payer goes in; a negative amount comes out."""
        with self._lock:
            content = self._content()
            content[payer] = content.get(payer, 0) + amount_yen
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new = self._path.with_suffix(".new")
            new.write_text(json.dumps(content, ensure_ascii=False))
            os.replace(new, self._path)

    def count(self, payer: str) -> int:
        """How much of this payer's money lies in the till."""
        return self._content().get(payer, 0)

    def total_yen(self) -> int:
        """All the money in the till."""
        return sum(self._content().values())

    def _content(self) -> dict[str, int]:
        if not self._path.exists():
            return {}
        with reading_kept(self._path, "till"):
            content: dict[str, int] = dict(json.loads(self._path.read_bytes()))
            sum(content.values())
        return content

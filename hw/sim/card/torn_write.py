"""A write to a card's memory that loss of power tears."""

from dataclasses import dataclass

from msgspec.structs import replace

from hw.sim.card.memory import CardMemory, NonVolatile


class PowerLost(Exception):
    """The card lost its power in the middle of a command."""


@dataclass
class TearableStore:
    """A card's memory in which a write can be torn: while `is_torn`, files keep the first half of what is written."""

    kept: NonVolatile
    is_torn: bool = False

    def read(self) -> CardMemory:
        """The memory as last written."""
        return self.kept.read()

    def write(self, memory: CardMemory) -> None:
        """Replaces the memory. Raises `PowerLost`, and then only files are changed, and by half."""
        if not self.is_torn:
            self.kept.write(memory)
            return
        before = self.kept.read()
        torn = replace(before, files=_torn(before.files, memory.files))
        if before.piv is not None and memory.piv is not None:
            torn = replace(torn, piv=replace(before.piv, objects=_torn(before.piv.objects, memory.piv.objects)))
        self.kept.write(torn)
        raise PowerLost


def _torn(before: dict[int, bytes], after: dict[int, bytes]) -> dict[int, bytes]:
    files = dict(before)
    for name, content in after.items():
        old = before.get(name, b"").ljust(len(content), b"\0")
        changed = [at for at, (was, is_now) in enumerate(zip(old, content, strict=False)) if was != is_now]
        if changed:
            half = changed[0] + (changed[-1] + 1 - changed[0]) // 2
            files[name] = content[:half] + old[half:]
    return files

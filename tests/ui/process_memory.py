"""What a program and the processes it started hold in their memory."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

_MAPPED = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)")


def family(pid: int) -> Iterator[int]:
    """The process and everything that it and its children started and that still runs."""
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from family(int(child))


def copies(pid: int, secrets: Sequence[bytes]) -> int:
    """How often one of `secrets` stands in the readable memory of a process."""
    count = 0
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            mapped = _MAPPED.match(line)
            # What the kernel lends ([vvar], [vsyscall]) cannot be read.
            if mapped is None or "r" not in mapped[3] or mapped[4].startswith("[v"):
                continue
            begin, end = int(mapped[1], 16), int(mapped[2], 16)
            try:
                memory.seek(begin)
                held = memory.read(end - begin)
            except OSError:
                continue
            count += sum(held.count(secret) for secret in secrets)
    return count

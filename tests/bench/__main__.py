"""`python -m tests.bench NAME ...`: what the product costs, measured on this machine; `--help` after a name says how.

Each benchmark prints what it found and whether its limit is met; limits are ratios within one run, so that they hold
on any machine. It ends with 1 when one is not.
"""

import sys
from collections.abc import Callable, Sequence

from tests.bench import authority, card, devices, issuance, screen

BENCHMARKS: dict[str, Callable[[Sequence[str]], int]] = {
    "authority": authority.main,
    "card": card.main,
    "devices": devices.main,
    "issuance": issuance.main,
    "screen": screen.main,
}


def main(words: Sequence[str]) -> int:
    """Runs one benchmark."""
    if not words or words[0] not in BENCHMARKS:
        print(f"usage: python -m tests.bench {{{','.join(BENCHMARKS)}}} ...", file=sys.stderr)
        return 64
    return BENCHMARKS[words[0]](words[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

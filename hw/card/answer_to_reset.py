"""The answer to reset of a card, read (ISO/IEC 7816-3, 8.2)."""

from dataclasses import dataclass
from functools import reduce
from operator import xor


@dataclass(frozen=True)
class AnswerToReset:
    """The protocols that the card offers, in its order, and its historical bytes."""

    protocols: tuple[int, ...]
    historical: bytes


def parse(raw: bytes) -> AnswerToReset:
    """Reads an answer to reset. Raises ValueError with the reason for what is none."""
    if len(raw) < 2 or raw[0] not in (0x3B, 0x3F):
        raise ValueError("an answer to reset begins with 3B or 3F and a format byte")
    historical_size, indicator, position = raw[1] & 0x0F, raw[1] >> 4, 2
    protocols: list[int] = []
    while indicator:
        present = [bool(indicator & bit) for bit in (1, 2, 4, 8)]
        position += sum(present)
        if position > len(raw):
            raise ValueError("the answer to reset ends within its interface bytes")
        if not present[3]:
            break
        protocols.append(raw[position - 1] & 0x0F)
        indicator = raw[position - 1] >> 4
    end = position + historical_size
    has_check = any(protocol != 0 for protocol in protocols)
    if len(raw) != end + has_check:
        raise ValueError("the answer to reset is not as long as it says")
    if has_check and reduce(xor, raw[1:]):
        raise ValueError("the check byte of the answer to reset is wrong")
    offered = tuple(dict.fromkeys(protocol for protocol in protocols if protocol != 15))
    return AnswerToReset(offered or (0,), raw[position:end])

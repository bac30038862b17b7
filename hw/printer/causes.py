"""What the four bytes of DLE EOT 1 to 4, and those of GS a, say about the printer, as data.

Source: ESC/POS reference, DLE EOT and GS a.
"""

from collections.abc import Mapping

from hw.ports import PrinterStatus

_OFFLINE = (1, 0x08)
_DRAWER_PIN_HIGH = (1, 0x04)
_PAPER_NEAR_END = (4, 0x0C)

_CAUSES = (
    # n of DLE EOT n, bits that mean it, cause
    (2, 0x04, "cover_open"),
    (4, 0x60, "paper_end"),
    (2, 0x20, "paper_end"),
    (3, 0x08, "cutter_error"),
    (3, 0x04, "recoverable_error"),
    (3, 0x20, "unrecoverable_error"),
    (3, 0x40, "head_hot"),
    (2, 0x08, "feed_button"),
)

FAULTS = frozenset(("cutter_error", "recoverable_error", "unrecoverable_error"))
"""Causes that are errors of the mechanism, and nothing that runs out, is opened or cools down."""


def describe(answers: Mapping[int, int], *, is_drawer_open_when_high: bool) -> PrinterStatus:
    """The printer's status from `answers`, the byte that answered DLE EOT n for n = 1 to 4.

    Whether pin 3 of the drawer connector is high when the drawer is open depends on the drawer.
    """
    causes = dict.fromkeys(cause for n, bits, cause in _CAUSES if answers[n] & bits)
    is_online = not _has(answers, _OFFLINE)
    if not is_online and not causes:
        causes["offline"] = None
    return PrinterStatus(
        is_online=is_online,
        causes=tuple(causes),
        is_paper_near_end=_has(answers, _PAPER_NEAR_END),
        is_drawer_open=_has(answers, _DRAWER_PIN_HIGH) == is_drawer_open_when_high,
    )


def describe_automatic(status: bytes, *, is_drawer_open_when_high: bool) -> PrinterStatus:
    """The printer's status from the four bytes that GS a makes it tell by itself.

    Byte 2 is that of DLE EOT 3; the others have the same facts at other places, and nothing tells who stopped for
    paper, which both paper-end sensors say anyway.
    """
    printer, error, paper, _ = status
    answers = {
        1: printer & 0x0C,  # drawer pin and offline
        2: (0x04 if printer & 0x20 else 0) | (0x08 if printer & 0x40 else 0),  # cover, feed button
        3: error,
        4: (0x0C if paper & 0x03 else 0) | (0x60 if paper & 0x0C else 0),  # near end, end
    }
    return describe(answers, is_drawer_open_when_high=is_drawer_open_when_high)


def _has(answers: Mapping[int, int], bit: tuple[int, int]) -> bool:
    n, mask = bit
    return bool(answers[n] & mask)

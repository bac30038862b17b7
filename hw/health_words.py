"""The words of a health check, for those who name them without loading the drivers."""

from enum import StrEnum

HEALTH_DEVICES = ("printer", "cash", "display", "lamp", "scanner")
"""Devices that are no card readers, as the tables of `hardware.toml` are called."""
CARD_READERS = ("card", "window")
DEVICES = (*CARD_READERS, *HEALTH_DEVICES, "documents")


class Level(StrEnum):
    """How far a check goes."""

    INTERNAL = "internal"
    EXTERNAL = "external"
    INTERACTIVE = "interactive"


class Outcome(StrEnum):
    """What a measurement comes to."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"

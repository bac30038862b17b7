"""The words of a health check, for those who name them without loading the drivers."""

from enum import StrEnum

HEALTH_DEVICES = ("printer", "cash", "display", "lamp", "scanner", "documents")
"""Devices that are no card readers, as the tables of `hardware.toml` are called."""
CARD_READERS = ("card", "window")
DEVICES = (*CARD_READERS, *HEALTH_DEVICES)


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


class Question(StrEnum):
    """What only a person before the device can tell."""

    KANJI_PRINTED = "kanji"
    DRAWER_OPENED = "drawer"
    COIN_READY = "coin"
    COIN_BACK = "coin_back"
    PATTERN_SEEN = "pattern"
    LIGHTS_SEEN = "lights"
    CODE_READY = "code"
    CARD_READY = "card"


QUESTIONS = {
    Question.KANJI_PRINTED: "Did a page with legible kanji come out, cut off?",
    Question.DRAWER_OPENED: "Did the drawer open, and is it closed again?",
    Question.COIN_READY: "Ready to put in a coin of 500 yen? It has to be taken out of the cash box.",
    Question.COIN_BACK: "Has the coin been taken out of the cash box and handed back?",
    Question.PATTERN_SEEN: "Does the display show two rows of 0 to 9, and katakana with a price?",
    Question.LIGHTS_SEEN: "Are red, amber and green lit?",
    Question.CODE_READY: "Ready to hold an application's code before the scanner?",
    Question.CARD_READY: "Ready to take the card out and to put it in again, as soon as you have answered?",
}
"""The questions as `hw health` asks them."""


def wanted_beside(value: str, limits: str) -> str:
    """What is said of the limits beside a value: nothing where anything passes, or where it is just what is wanted."""
    is_just_that = limits == value or limits.startswith(f"{value} ")
    return "" if limits == "any" or is_just_that else limits

"""The operations book: a clerk's day, cases that do not go on, devices that stop, and what a technician does."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

_STEPS = Path(__file__).with_name("operations_steps.toml")


def chapters(language: str) -> Mapping[str, Sequence[Mapping[str, str]]]:
    """The steps of each chapter as rows of its paper; English for a language that the book does not have."""
    book: dict[str, dict[str, list[dict[str, str]]]] = tomllib.loads(_STEPS.read_text("utf-8"))
    return book["ja" if language.startswith("ja") else "en"]

"""The operations book's steps: what a screen shows when a device stops, and what a clerk then does."""

import tomllib
from pathlib import Path

_STEPS = Path(__file__).with_name("operations_steps.toml")


def steps(language: str) -> list[dict[str, str]]:
    """The steps as rows of the paper `operations`; English for a language that the book does not have."""
    book: dict[str, list[dict[str, str]]] = tomllib.loads(_STEPS.read_text("utf-8"))
    return book["ja" if language.startswith("ja") else "en"]

"""The operations book: a clerk's day, cases that do not go on, devices that stop, and what a technician does."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from kiosk.papers.sheet import load_sheet

_STEPS = Path(__file__).with_name("operations_steps.toml")


def chapters(language: str) -> Mapping[str, Sequence[Mapping[str, str]]]:
    """The steps of each chapter as rows of its paper; English for a language that the book does not have."""
    book: dict[str, dict[str, list[dict[str, str]]]] = tomllib.loads(_STEPS.read_text("utf-8"))
    return book["ja" if language.startswith("ja") else "en"]


def reading(language: str, values: Mapping[str, str]) -> Sequence[str]:
    """The book for a screen, where no column of a sheet of paper fits: what its paper says, block by block.

    A step is a block: what one sees in its first line, and below it, set in, what one then does.
    """
    spoken = "ja" if language.startswith("ja") else "en"
    steps = chapters(language)
    told: list[str] = []
    for block in load_sheet(Path(__file__).with_name(f"operations.{spoken}.toml")).block:
        if block.each:
            told.append("【" + " / ".join(block.head) + "】")
            told += [f"{step['shown']}\n  {step['action']}" for step in steps[block.each]]
        elif block.text and not block.when:
            told.append(block.text.format_map(values))
    return told

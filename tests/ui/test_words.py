"""Every id that a screen uses has words in both languages, and every word is used."""

import ast
import re
import string
from itertools import product
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

import kiosk.ui
from kiosk.issuance.persons import CardAction, PaperSeen
from kiosk.model.identity import IdentityDocument
from kiosk.model.resident import Sex
from kiosk.model.step import PROCEDURE
from kiosk.ui.ending import Money, Outcome
from kiosk.ui.resident.wait import AtStationWork, Waiting
from kiosk.ui.seat_name import SeatName
from kiosk.ui.widgets.step_bar import step_word_id
from kiosk.ui.words import LANGUAGES, LOCALE_FOLDER, load_words

STEP_IDS = [step_word_id(name) for name, _ in PROCEDURE]
POSITIONS = ("done", "now", "later")
VALUES = {
    "banner.{}": [SeatName],
    "clerk.outcome.{}": [Outcome],
    "clerk.paper.{}": [PaperSeen],
    "clerk.waits_for.{}": [("clerk", "resident", "station", "stopping", "leaving")],
    "clerk.{}.confirm": [("fee", "count")],
    "clerk.{}.text": [("fee", "count", "change", "no_change", "repay")],
    "clerk.{}.title": [("fee", "count", "change", "no_change", "repay")],
    "date.era.{}": [("reiwa", "heisei", "showa", "taisho", "meiji")],
    "demo.card.{}": [CardAction],
    "demo.seat.{}": [SeatName],
    "demo.tab.{}": [("front", "called", "idle")],
    "device.kind.{}": [
        ("card_reader", "receipt_printer", "clerk_drawer", "cctalk", "cash_changer", "customer_display", "signal_lamp")
    ],
    "device.state.{}": [("ready", "blocked", "missing")],
    "document.{}": [IdentityDocument],
    "item.{}": [("name", "address", "birth_date", "sex")],
    "language.{}": [LANGUAGES],
    "resident.card.{}.text": [CardAction],
    "resident.card.{}.title": [CardAction],
    "resident.guide.{}": [("bring", "do", "cost", "stop")],
    "resident.guide.{}_value": [("bring", "do", "cost", "stop")],
    "resident.password.choose.{}": [("letters", "digits")],
    "resident.password.length.{}": [("exact", "range")],
    "resident.trouble.card.{}": [("inside", "outside", "unknown")],
    "resident.trouble.money.{}": [Money],
    "resident.trouble.who.{}": [("resident", "clerk", "technician")],
    "resident.trouble.{}.title": [Outcome],
    "resident.work.{}.{}": [AtStationWork.STEPS, ("title", "text")],
    "resident.{}.text": [set(Waiting) - {Waiting.KEY, Waiting.WORK}],
    "resident.{}.title": [set(Waiting) - {Waiting.KEY, Waiting.WORK}],
    "sex.{}": [Sex],
    "step.mark.{}": [POSITIONS],
    "step.state.{}": [POSITIONS],
    "stop.{}.key": [SeatName],
    "stop.{}.question": [SeatName],
    "stop.{}.yes": [SeatName],
    "{}.long": [STEP_IDS],
}
"""What goes into the braces of an id that a screen puts together."""


def catalogue(language: str) -> dict[str, str]:
    with (LOCALE_FOLDER / language / "LC_MESSAGES" / "kiosk.po").open("rb") as file:
        read: Catalog = read_po(file, abort_invalid=True)
    return {str(message.id): str(message.string) for message in read if message.id}


def used_ids() -> set[str]:
    """Every id in the source: first argument of a call of something named `words`, and the literals that are ids."""
    ids: set[str] = set()
    known = set(catalogue("ja"))
    for path in Path(kiosk.ui.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in known:
                ids.add(node.value)
            if isinstance(node, ast.Call) and _is_words(node.func) and node.args:
                ids |= _ids_of(node.args[0], path)
    return ids


def _is_words(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("words", "_words")


def _ids_of(argument: ast.expr, path: Path) -> set[str]:
    match argument:
        case ast.Constant(value=str() as text):
            return {text}
        case ast.JoinedStr(values=parts):
            pattern = "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in parts)
            assert pattern in VALUES, f"{path.name}: say in this test what goes into {pattern!r}"
            return {pattern.format(*values) for values in product(*VALUES[pattern])}
        case ast.IfExp(body=one, orelse=other):
            return _ids_of(one, path) | _ids_of(other, path)
        case ast.Call(func=ast.Name(id="step_word_id")):
            return set(STEP_IDS)
        case _:
            return set()  # a variable: its literals are found as constants


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_used_id_has_words(language: str) -> None:
    assert not used_ids() - set(catalogue(language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_is_used_and_says_something(language: str) -> None:
    words = catalogue(language)
    assert not set(words) - used_ids()
    assert not [word_id for word_id, text in words.items() if not text.strip()]


def test_the_languages_fill_in_the_same_values() -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    japanese, english = catalogue("ja"), catalogue("en")
    # A day is written without the era in English, and a town by its name in Latin letters.
    free = {"date.with_era", "date.gregorian", "banner.office"}
    assert not [i for i in japanese.keys() - free if fields(japanese[i]) != fields(english[i])]


def test_english_is_in_latin_letters() -> None:
    japanese_letters = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
    assert [i for i, text in catalogue("en").items() if japanese_letters.search(text)] == ["language.ja"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_never_leave_a_line_to_a_particle(language: str) -> None:
    """A line that begins with a closing mark or a lone particle was broken within a phrase."""
    bad = re.compile(r"(^|\n)\s*([、。」）]|[をはがにのでと](\s|$))")
    assert not [i for i, text in catalogue(language).items() if bad.search(text)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_filled_in_value_is_never_a_template(language: str, locale: Path) -> None:
    words = load_words(language, locale)
    assert "{due}" in words("clerk.identity.title", number="{due}")

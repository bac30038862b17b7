"""Every id that a screen uses has words in both languages, and every word is used."""

import ast
import re
import string
from itertools import product
from pathlib import Path
from typing import get_args

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

import kiosk.ui
from hw.health_words import Level, Question
from hw.health_words import Outcome as HealthOutcome
from hw.ports import CashTrouble, KeyUse
from hw.sim.panel import _ORDERS
from kiosk.counter.cash_count import CountKind
from kiosk.counter.desk import EXEMPTED
from kiosk.counter.queue import Purpose
from kiosk.counter.reprint import CERTIFICATE_COPIED, COPIED, CopyReason
from kiosk.counter.till import EVENT as TILL
from kiosk.failure_book import load_failure_book
from kiosk.issuance.persons import CardAction
from kiosk.journal.journal import ESCROWED, NOT_ADMITTED, PURGED
from kiosk.journal.records import EffectState
from kiosk.model.authorisation import Operation
from kiosk.model.certificate import CertificateState
from kiosk.model.comparison import Agreement
from kiosk.model.identity import IdentityCheck, IdentityDocument
from kiosk.model.policy import PasswordKind
from kiosk.model.resident import Sex
from kiosk.model.revocation import RevocationCause
from kiosk.model.step import ACTS, PROCEDURE
from kiosk.model.testimony import PaperSeen
from kiosk.model.transition import Stage
from kiosk.papers.operations import chapters
from kiosk.ui.books import EVENTS
from kiosk.ui.clerk.day_close import REASONS
from kiosk.ui.clerk.flow import AGENTS_PAPERS, PAPERS, RENEWAL, SETTINGS
from kiosk.ui.clerk.menu import Duty
from kiosk.ui.clerk.receive import PURPOSES as FIND_PURPOSES
from kiosk.ui.clerk.service import Decision
from kiosk.ui.devices import TROUBLES
from kiosk.ui.ending import Money, Outcome
from kiosk.ui.persons import Recalled, Unsure
from kiosk.ui.resident.comfort import LAYOUTS, VOICES
from kiosk.ui.resident.learn import TOPICS
from kiosk.ui.resident.own import Attempt
from kiosk.ui.resident.password import LOOK_ALIKES
from kiosk.ui.resident.service import ChooseService, WishRevocation
from kiosk.ui.resident.wait import AtStationWork, Waiting
from kiosk.ui.seat_name import SeatName
from kiosk.ui.service import ServiceKind, ServiceWork
from kiosk.ui.technician.menu import View
from kiosk.ui.themes import THEMES
from kiosk.ui.uses import load_uses
from kiosk.ui.widgets.step_bar import step_word_id
from kiosk.ui.words import EASY_JAPANESE, LANGUAGES, LOCALE_FOLDER, RESIDENT_LANGUAGES, load_words

STEP_IDS = [step_word_id(name) for name, _ in PROCEDURE]
POSITIONS = ("done", "now", "later")
PASSWORDS = ("", ".authentication")
"""Words for the signature's password, and for the other one of a card that has two."""
CASH_TROUBLES = ("acceptor_fault", "coin_alarm", "hopper_fault", "money_unassigned", "payout_unknown", "events_lost")
QUESTIONS = ("language", "colours", "layout", "voice")
DANGERS = ("impersonation", "tampering", "repudiation")
COSTS = ("fee", "card", "validity", "loss")
CARD_NOTICES = ("take_unprinted", "look", "take_back", "empty", "no_card", "locked", "trouble")
ORDER_NAMES = {
    order.partition(" 2011")[0].replace(" ", "_").replace(":", "_").lower()
    for orders in _ORDERS.values()
    for order in orders
    if not order.isdecimal()
}
TOLD = (
    "printed",
    "sent",
    "not_printed",
    "unclear",
    "no_receipt",
    "count_changed",
    "copied",
    "protected",
    "no_terminal",
    "form_sent",
    "broken_off",
    "machine_settled",
    "machine_changed",
    "machine_of_cases",
)
CHOICES = {"copy": tuple(CopyReason), "papers": PAPERS, "settings": SETTINGS, "renew": RENEWAL, "agent": AGENTS_PAPERS}
"""What the clerk chooses from, by purpose."""
VALUES = {
    "clerk.cash.{}.title": [CashTrouble],
    "clerk.cash.{}.text": [CashTrouble],
    "banner.{}": [SeatName],
    "character.{}": [{name for group in LOOK_ALIKES for name in group.values()}],
    "language.{}": [RESIDENT_LANGUAGES],
    "colours.{}": [[theme.name for theme in THEMES]],
    "layout.{}": [LAYOUTS],
    "resident.comfort.{}.title": [QUESTIONS],
    "resident.comfort.voice.{}": [VOICES],
    "resident.comfort.{}.text": [QUESTIONS],
    "resident.learn.{}.title": [TOPICS],
    "resident.learn.{}.text": [("what", "home")],
    "resident.learn.why.{}": [DANGERS],
    "resident.learn.why.{}_text": [DANGERS],
    "resident.learn.cost.{}": [COSTS],
    "resident.learn.cost.{}_value": [COSTS],
    "resident.own.state.{}": [(*CertificateState, "unreachable")],
    "resident.try.{}": [(*Attempt, "accepted", "rejected")],
    "resident.try.{}.title": [Attempt],
    "resident.try.{}.text": [Attempt],
    "resident.try.mark.{}": [("accepted", "rejected", "undecided")],
    "resident.try.check.{}": [("path", "signature", "usage", "status", "name")],
    "resident.wish.{}": [("show", "try", "learn", "services", "comfort")],
    "resident.services.{}": [ChooseService.OFFERED],
    "resident.revoke.{}": [WishRevocation.CAUSES],
    "resident.recall.{}{}.title": [(Recalled.OLD, Recalled.NEW), PASSWORDS],
    "resident.recall.{}{}.text": [(Recalled.OLD, Recalled.NEW), PASSWORDS],
    "resident.password.wrong{}": [PASSWORDS],
    "resident.password.enter{}.title": [PASSWORDS],
    "resident.password.enter{}.text": [PASSWORDS],
    "resident.password.choose{}.title": [PASSWORDS],
    "resident.meant.{}": [(*KeyUse, "left", "locked")],
    "resident.meant.{}.text": [KeyUse],
    "resident.service.{}.title": [ServiceWork],
    "resident.service.{}.text": [ServiceWork],
    "resident.service.done.{}.title": [ServiceKind],
    "resident.service.done.{}.text": [ServiceKind],
    "resident.service.trouble.{}": [("none", "locked")],
    "resident.service.trouble.{}.open": [ServiceKind],
    "resident.service.trouble.{}.unchanged": [ServiceKind],
    "resident.service.trouble.who.{}": [("resident", "clerk", "technician")],
    "clerk.identity.{}.title": [get_args(Operation)],
    "clerk.approve.{}.title": [get_args(Operation)],
    "clerk.approve.{}.text": [get_args(Operation)],
    "clerk.approve.{}.yes": [get_args(Operation)],
    "clerk.password.{}": [get_args(PasswordKind)],
    "clerk.revoke.{}": [RevocationCause],
    "clerk.revoke.card.{}": [("there", "away")],
    "clerk.decide.{}": [Decision],
    "technician.card.{}": [("insert", "remove")],
    "technician.check.{}": [("pass", "fail", "note")],
    "technician.failures.who.{}": [("resident", "clerk", "technician")],
    "technician.view.{}": [View],
    "technician.level.{}": [Level],
    "technician.outcome.{}": [HealthOutcome],
    "technician.question.{}": [Question],
    "hand.{}": [set(_ORDERS)],
    "order.{}": [ORDER_NAMES],
    "trouble.{}": [TROUBLES],
    "use.{}": [{use.kind for use in load_uses()}],
    "clerk.day.difference.{}": [("none", "more", "less")],
    "clerk.duty.{}": [Duty],
    "clerk.day.reason.{}": [REASONS],
    "clerk.{}.sign": [CountKind],
    "clerk.receive.then.{}": [FIND_PURPOSES],
    "clerk.desk.service.{}": [ServiceKind],
    "clerk.done.{}": [{"issue", *ServiceKind}],
    "clerk.queue.do.{}": [("serve", "absent", "return")],
    "clerk.queue.give.{}": [Purpose],
    "clerk.queue.purpose.{}": [Purpose],
    "clerk.told.{}.title": [TOLD],
    "clerk.told.{}.text": [TOLD],
    "clerk.{}.{}": [()],
    "clerk.identity.agreement.{}": [Agreement],
    "clerk.identity.check.{}": [("open", "done", "substitutes", *get_args(IdentityCheck))],
    "clerk.outcome.{}": [Outcome],
    "stage.{}": [Stage],
    "act.{}": [ACTS],
    "act.state.{}": [EffectState],
    "event.{}": [EVENTS],
    "clerk.paper.{}": [(*PaperSeen, *Unsure)],
    "clerk.waits_for.{}": [("clerk", "resident", "station", "stopping", "leaving", "check")],
    "clerk.fee_trouble.who.{}": [("clerk", "technician")],
    "clerk.fee_trouble.{}": [("no_receipt", "no_cash")],
    "clerk.{}.confirm": [("fee", "count")],
    "clerk.{}.text": [("fee", "count", "change", "no_change", "repay")],
    "clerk.{}.title": [
        ("fee", "count", "change", "no_change", "repay", "copy", "papers", "settings", "renew", "agent", *CountKind)
    ],
    "date.weekday.{}": [[str(day) for day in range(7)]],
    "date.era.{}": [("reiwa", "heisei", "showa", "taisho", "meiji")],
    "demo.card.{}": [CardAction],
    "demo.seat.{}": [SeatName],
    "demo.tab.{}": [("front", "called", "idle")],
    "device.kind.{}": [
        (
            *("card_reader", "receipt_printer", "clerk_drawer", "cctalk", "cash_changer", "customer_display"),
            *("signal_lamp", "code_scanner", "document_printer"),
        )
    ],
    "device.state.{}": [("ready", "blocked", "missing")],
    "document.{}": [IdentityDocument],
    "item.{}": [("kana", "name", "address", "birth_date", "sex")],
    "resident.form.{}.title": [("family", "given", "writing", "area", "item")],
    "resident.form.{}.text": [("writing", "area", "item")],
    "resident.form.{}.unlisted": [("writing", "area", "item")],
    "resident.form.{}.retype": [("writing",)],
    "resident.form.birth.{}": [("year", "month", "day", "none", "missing_year", "missing_month", "missing_day")],
    "resident.card.{}.text": [(*CardAction, *CARD_NOTICES)],
    "resident.card.{}.title": [(*CardAction, *CARD_NOTICES)],
    "resident.guide.{}": [("bring", "do", "cost", "stop")],
    "resident.guide.{}_value": [("bring", "do", "cost", "stop")],
    "resident.password.choose.{}": [("letters", "digits")],
    "resident.password.length.{}": [("exact", "range")],
    "resident.password.heard.{}": [("capital", "small", "digit")],
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
    for purpose, choices in CHOICES.items():
        ids |= {f"clerk.{purpose}.{choice}" for choice in choices}
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

    japanese, english, easy = catalogue("ja"), catalogue("en"), catalogue(EASY_JAPANESE)
    # A day is written without the era in English and with the month's name, and a town by its name in Latin letters.
    free = {"date.with_era", "date.gregorian", "banner.office", "resident.closed.day"}
    assert not [i for i in japanese.keys() - free if fields(japanese[i]) != fields(english[i])]
    assert not [i for i in easy if fields(japanese[i]) != fields(easy[i])]


def test_english_is_in_latin_letters() -> None:
    japanese_letters = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
    # Its own name, the short notices for those who read neither language, and what the town's own keys say.
    notices = {
        *("resident.start.others", "resident.closed.others", "resident.trouble.others"),
        *("resident.card.take.others", "outage.others"),
    }
    names = {"language.ja", "resident.form.vary", "resident.form.number.text"} | notices
    assert {i for i, text in catalogue("en").items() if japanese_letters.search(text)} == names


def test_what_the_journal_tells_besides_stages_and_steps_is_known_by_name() -> None:
    named = (PURGED, ESCROWED, NOT_ADMITTED, EXEMPTED, COPIED, CERTIFICATE_COPIED, TILL, *CountKind)
    assert set(EVENTS) == {"begun", "numbered", *named}


SAME_IN_EASY = {
    "resident.closed.others",
    "resident.start.others",
    "resident.trouble.others",
    "resident.card.take.others",
    "resident.try.check",
    "resident.try.mark.accepted",
    "resident.try.mark.rejected",
    "resident.try.mark.undecided",
    "outage.others",
    "outage.cause",
}
"""Neither word nor sentence."""


def test_everything_that_a_resident_reads_exists_in_easy_japanese() -> None:
    parts = (
        *("resident.", "stop.resident.", "stop.no", "presence.", "opening.", "item.", "key.", "layout.", "colours."),
        *("outage.", "frame."),
    )
    read_by_residents = {i for i in catalogue("ja") if i.startswith(parts)}
    easy = catalogue(EASY_JAPANESE)
    assert read_by_residents - set(easy) == SAME_IN_EASY
    assert not set(easy) - set(catalogue("ja"))


def test_easy_japanese_keeps_to_few_and_easy_characters() -> None:
    """Chinese characters of the first school years, those of the town's own forms apart."""
    allowed = set(
        "町人出入口大小中上下日年月一二三四五六七八九十百千円名字紙写真黒白私本何手足目耳力男女子先生学校金水木火土山川田見聞言話読書行来帰食飲買売半分今時間度外自長黄色"
    )
    failures = {code: entry.easy for code, entry in load_failure_book().items()}
    texts = catalogue(EASY_JAPANESE) | failures | {use.ja: use.easy for use in load_uses()}
    hard = {i: set(re.findall("[\u4e00-\u9fff]", t)) - allowed for i, t in texts.items()}
    assert not {i: found for i, found in hard.items() if found}


@pytest.mark.parametrize("language", RESIDENT_LANGUAGES)
def test_words_never_leave_a_line_to_a_particle(language: str) -> None:
    """A line that begins with a closing mark or a lone particle was broken within a phrase."""
    bad = re.compile(r"(^|\n)\s*([、。」）]|[をはがにのでと](\s|$))")
    assert not [i for i, text in catalogue(language).items() if bad.search(text)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_filled_in_value_is_never_a_template(language: str, locale: Path) -> None:
    words = load_words(language, locale)
    assert "{due}" in words("clerk.identity.issue.title", number="{due}")


@pytest.mark.parametrize(
    ("language", "quotes", "unquoted", "joint"),
    [("ja", "「(.*?)」", "業務メニュー(?!「).*", ""), ("en", "“(.*?)”", '(?<!the )[Mm]enu, (?!“).*|".*?"', " ")],
)
def test_the_operations_book_names_what_the_screens_show(language: str, quotes: str, unquoted: str, joint: str) -> None:
    words = catalogue(language)
    # A key's label may be broken over two lines.
    shown = "\n".join(part for text in words.values() for part in (text, text.replace("\n", joint))).casefold()
    steps = chapters(language)
    told = {step["shown"].casefold() for step in steps["device"]}
    for cause in CASH_TROUBLES:
        assert words[f"trouble.{cause}"].casefold() in told
    for step in (step for chapter in steps.values() for step in chapter):
        for quoted in re.findall(quotes, step["shown"] + step["action"]):
            assert quoted.casefold() in shown
        # Nothing else would be compared with the screens.
        assert not re.findall(unquoted, step["action"])

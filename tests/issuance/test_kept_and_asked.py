"""What one issuance asks of its persons, in which words, and what it keeps of every step."""

import base64
import datetime
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509

from kiosk.issuance.failure import RolledBack
from kiosk.issuance.issue import issue
from kiosk.issuance.persons import Abandoned, DeliverySummary, IdentityQuestion, Persons
from kiosk.model.application import Application, Closed, Delivery
from kiosk.model.resident import Resident
from kiosk.model.step import Actor, Step, Undo
from kiosk.model.transition import Stage
from tests.counter_bench import RESIDENT, START, World
from tests.issuance.rest import card_key, cut, issued, new_world, step_of_commit

CARD_NUMBER = f"JUKI{RESIDENT:0>12}"


class Asked:
    """A person, and what he is asked."""

    def __init__(self, person: object, questions: list[tuple[str, tuple[Any, ...]]]) -> None:
        self._person = person
        self._questions = questions

    def __getattr__(self, name: str) -> Callable[..., Any]:
        answer = getattr(self._person, name)

        def ask(*values: Any) -> Any:
            self._questions.append((name, values))
            return answer(*values)

        return ask


@dataclass(frozen=True)
class Issued:
    """One issuance on a form that was left as it was printed, or filled in to the same; and what was asked in it."""

    world: World
    application: Application
    resident: Resident
    closed: Closed
    asked: list[tuple[str, tuple[Any, ...]]]

    def values(self, name: str) -> list[tuple[Any, ...]]:
        """What a person was asked under this name."""
        return [values for asked, values in self.asked if asked == name]


@pytest.fixture(params=[(delivery, has_form) for delivery in Delivery for has_form in (False, True)])
def once(request: pytest.FixtureRequest, tmp_path: Path, fresh_authority: Path) -> Issued:
    delivery, has_form = request.param
    world = new_world(tmp_path, fresh_authority, delivery=delivery)
    world.now = START + datetime.timedelta(microseconds=7)
    station = world.station()
    resident = station.register.find(RESIDENT)
    assert resident is not None
    application = Application("1", RESIDENT, resident.items if has_form else None)
    asked: list[tuple[str, tuple[Any, ...]]] = []
    played = world.persons("1")
    persons = Persons(Asked(played.resident, asked), Asked(played.clerk, asked))
    return Issued(world, application, resident, issue(application, station, persons, lambda _: None), asked)


def test_everybody_is_asked_about_this_case(once: Issued) -> None:
    items, name = once.resident.items, once.resident.items.name
    # Whoever decides has the same before him, at first and at last.
    ((first,), (last,)) = once.values("check_identity") + once.values("approve")
    certified = first.certified_items
    assert certified.name == name
    assert first == last == IdentityQuestion("1", items, items, (), certified_items=certified)
    certificate = x509.load_der_x509_certificate(once.closed.certificate)
    assert once.values("consent") == [(DeliverySummary(name, certificate.not_valid_after_utc, 500, name),)]
    assert once.values("give_change") == [(500,)]


def test_each_step_keeps_what_the_next_ones_rest_on(once: Issued) -> None:
    station, delivery = once.world.station(), once.world.delivery
    journal = station.journal
    record = journal.latest_case("1")
    assert record is not None
    known = journal.identified_case(record.pseudonym)
    assert known is not None and known.card == station.card(CARD_NUMBER).hex()
    assert record.person == station.person(RESIDENT).hex()
    kept = {step: journal.effect(record, step) for step in Step}
    intent = {step: json.loads(one.intent) for step, one in kept.items() if one and one.intent}
    outcome: dict[Step, Any] = {step: json.loads(one.outcome) for step, one in kept.items() if one and one.outcome}
    filed = outcome[Step.APPLICATION]
    assert filed["application"] == intent[Step.APPLICATION] == json.loads(msgspec.json.encode(once.application))
    assert (filed["case"], filed["card_number"]) == (record.pseudonym, CARD_NUMBER)
    assert filed["delivery"] == delivery.value
    identified = outcome[Step.IDENTITY_CHECK]
    assert identified["eligible"]["filed"] == filed
    assert identified["eligible"]["resident"]["code"] == RESIDENT
    terms = json.loads(base64.b64decode(outcome[Step.AUTHORISE]["authorisation"]["payload"]))
    assert terms["case"] == record.pseudonym and terms["issued_at"] == START.isoformat()
    assert outcome[Step.AUTHORISE]["identified"] == identified
    assert intent[Step.GENERATE_KEY] == {"card_number": CARD_NUMBER, "key_before": ""}
    written = {"certificate_hash": hashlib.sha256(once.closed.certificate).hexdigest()}
    assert (intent[Step.WRITE], outcome[Step.WRITE]) == (written, written)
    assert outcome[Step.FEE] == {"fee_yen": 500, "tendered_yen": 1000, "change_yen": 500, "exempted": None}
    assert outcome[Step.CONFIRM] == {"serial": once.closed.serial}
    seen_by = {Delivery.TERMINAL: "reader", Delivery.WINDOW: "clerk"}
    assert outcome[Step.TAKE_CARD] == {"seen_by": seen_by[delivery]}
    assert outcome[Step.RECEIPT] == {"number": once.closed.receipt_number, "copies": 0}


def kept_of(world: World, undo: Undo) -> tuple[object, object]:
    """Intent and outcome of what was taken back."""
    journal = world.station().journal
    record = journal.latest_case("1")
    assert record is not None and record.stage is Stage.ROLLED_BACK
    effect = journal.effect(record, undo)
    assert effect is not None and effect.intent is not None and effect.outcome is not None
    return json.loads(effect.intent), json.loads(effect.outcome)


class Leaving:
    """A resident who leaves when he is to agree, with his card or without it."""

    def __init__(self, world: World, *, takes_card: bool) -> None:
        self._resident = world.persons("1").resident
        self._hand = world.hand
        self._takes_card = takes_card

    def __getattr__(self, name: str) -> Any:
        return getattr(self._resident, name)

    def consent(self, _: DeliverySummary) -> None:
        if self._takes_card:
            self._hand.remove()
        raise Abandoned(Actor.RESIDENT, "left")


@pytest.mark.parametrize("takes_card", [False, True])
def test_what_is_taken_back_is_kept_with_what_became_of_the_card(
    tmp_path: Path, fresh_authority: Path, takes_card: bool
) -> None:
    world = new_world(tmp_path, fresh_authority)
    resident: Any = Leaving(world, takes_card=takes_card)
    with pytest.raises(RolledBack):
        world.issue(persons=Persons(resident, world.persons("1").clerk))
    ((_, certificate),) = issued(world)
    intent, outcome = kept_of(world, Undo.REVOKE)
    assert isinstance(intent, dict) and base64.b64decode(intent["certificate"]) == certificate
    assert outcome == {"reason": "cessationOfOperation"}
    assert kept_of(world, Undo.ERASE) == ({"is_emptied": False}, {"is_emptied": not takes_card})
    assert (card_key(world.hand.memories[RESIDENT].read()) is None) is not takes_card


def test_a_payment_for_what_cannot_become_valid_any_more_is_given_back_whole(
    tmp_path: Path, fresh_authority: Path
) -> None:
    world = new_world(tmp_path, fresh_authority)
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, "confirm", "intended"), is_before=False)
    world.now += datetime.timedelta(days=30)
    asked: list[tuple[str, tuple[Any, ...]]] = []
    persons = world.persons("1")
    with pytest.raises(RolledBack):
        world.issue(persons=Persons(persons.resident, Asked(persons.clerk, asked)))
    assert [values for name, values in asked if name == "repay"] == [(500,)]
    assert kept_of(world, Undo.REFUND) == ({"amount_yen": 500, "found_yen": 0}, {"amount_yen": 500})

"""One issuance on the real drivers, store and authority: the good way, every refusal, every trouble."""

import datetime
import json
import re
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from hw.errors import CardRemoved
from hw.sim.card.faults import parse_card_faults
from kiosk.application_file import ClerkTable
from kiosk.issuance.failure import Halted, NumberTaken, Refusal, RolledBack
from kiosk.issuance.issue import issue
from kiosk.issuance.persons import (
    Abandoned,
    CardAction,
    DeliverySummary,
    IdentityEvidence,
    IdentityQuestion,
    Persons,
)
from kiosk.issuance.report import Phase, StepReport
from kiosk.journal.chain import read_entries, read_heads
from kiosk.journal.database import open_database
from kiosk.model.application import Application, Delivery
from kiosk.model.authorisation import Authorisation, AuthorisationTerms
from kiosk.model.certificate import CertificateState, RevocationReason
from kiosk.model.resident import FourItems, Sex
from kiosk.model.step import Actor, Step
from kiosk.played_persons import PlayedClerk, PlayedResident
from kiosk.register.register import Register
from tests.counter_bench import (
    OTHER_RESIDENT,
    PASSWORD,
    RESIDENT,
    World,
)
from tests.issuance.rest import (
    Leaves,
    check_rest,
    cut,
    issued,
    new_world,
    step_of_commit,
    unreachable,
)
from tests.sweep import EVERY_NTH

SUBSTITUTED_RESIDENT = "10000010091"


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path) -> World:
    return new_world(tmp_path, fresh_authority)


SIGNED = [("done", "fee"), ("numbered", None)]


def test_the_good_way_ends_with_a_valid_certificate_in_the_card_and_a_paid_receipt(world: World) -> None:
    steps: list[StepReport] = []
    closed = world.issue(report=steps.append)
    assert [s.step for s in steps if s.phase is Phase.DONE] == list(Step)
    assert closed.receipt_number == 1
    check_rest(world, [closed])
    assert sum(s.exchanges for s in steps) <= 24 + 2  # the number is read in a session of its own: 2 and the closing 1


def test_heads_are_signed_where_money_and_paper_rest_on_them(world: World) -> None:
    """With a commit each, so not with every step."""
    world.issue()
    database = open_database(world.database_url)
    entries = {entry.seq: json.loads(entry.body) for entry in read_entries(database)}
    signed = [entries[head.head.size] for head in read_heads(database)]
    assert [(entry["event"], entry.get("step")) for entry in signed] == SIGNED
    told = [(entry["step"], entry["yen"]) for entry in entries.values() if "yen" in entry]
    assert told == [("fee", 500)]


def test_the_same_number_again_is_not_done_again(world: World) -> None:
    first = world.issue()
    assert world.issue() == first
    check_rest(world, [first])


def test_every_resident_has_a_certificate_and_a_receipt_of_his_own(world: World) -> None:
    both = [world.issue("1"), world.issue("2", OTHER_RESIDENT)]
    assert [c.receipt_number for c in both] == [1, 2]
    check_rest(world, both)


@pytest.mark.parametrize(
    ("resident", "code"),
    [
        ("99999999999", "E01"),
        ("10000009800", "E02"),
        ("10000009897", "E03"),
        ("10000009994", "E04"),
    ],
)
def test_a_refusal_names_its_rule_and_leaves_the_card_untouched(world: World, resident: str, code: str) -> None:
    with pytest.raises(Refusal, match=code):
        world.issue(resident=resident)
    memory = world.hand.cards[resident]
    assert {exchange.ins for exchange in memory.log} <= {0xA4, 0xCA}
    check_rest(world, [])


@dataclass(frozen=True)
class LookingClerk(PlayedClerk):
    """Keeps what he is shown; `is_accepted` is what the resident says to his substitutes."""

    questions: list[IdentityQuestion] = field(default_factory=list)
    is_accepted: bool = True

    def check_identity(self, question: IdentityQuestion) -> IdentityEvidence:
        self.questions.append(question)
        if not self.is_accepted:
            raise Abandoned(Actor.CLERK, "stopped")
        return super().check_identity(question)

    def approve(self, question: IdentityQuestion) -> None:
        self.questions.append(question)


class LookingResident(PlayedResident):
    """Keeps what he agrees to."""

    summaries: list[DeliverySummary]

    def consent(self, summary: DeliverySummary) -> None:
        self.summaries.append(summary)


def looking(world: World, code: str, *, is_accepted: bool = True) -> tuple[Persons, LookingClerk, LookingResident]:
    hands: Any = (world.hand, world.window_hand)
    clerk = LookingClerk(ClerkTable(tendered_yen=1000), "1", world.till, is_accepted=is_accepted)
    resident = LookingResident(code, PASSWORD, *hands)
    resident.summaries = []
    return Persons(resident, clerk), clerk, resident


def openssl_asn1(der: bytes, *words: str) -> str:
    command = ("openssl", "asn1parse", "-inform", "DER", *words)
    return subprocess.run(command, input=der, capture_output=True, timeout=60, check=True).stdout.decode()


def test_what_is_no_character_in_a_registered_name_is_refused(world: World) -> None:
    station = world.station()
    resident = station.register.find(RESIDENT)
    assert resident is not None
    spoilt = replace(resident, items=replace(resident.items, address="幌延町\x1b"))
    with pytest.raises(Refusal, match="E14"):
        world.issue(station=replace(station, register=Register((spoilt,))))
    check_rest(world, [])


def test_a_name_that_no_certificate_can_carry_is_certified_with_substitutes_that_others_can_read(world: World) -> None:
    """`openssl asn1parse` reads the substitute and its flag; clerk and resident saw both writings before."""
    persons, clerk, resident = looking(world, SUBSTITUTED_RESIDENT)
    closed = world.issue(resident=SUBSTITUTED_RESIDENT, persons=persons)
    check_rest(world, [closed])
    lines = openssl_asn1(closed.certificate).splitlines()
    (at,) = [n for n, line in enumerate(lines) if "X509v3 Subject Alternative Name" in line]
    offset = lines[at + 1].partition(":")[0].strip()
    carried = re.findall(r"UTF8STRING +:(.*)", openssl_asn1(closed.certificate, "-strparse", offset))
    assert carried[0] == "吉野　まもる" and carried[4] == "100000"
    assert [q.register_items.name for q in clerk.questions] == ["𠮷野　まもる"] * 2
    assert [q.certified_items.name for q in clerk.questions if q.certified_items] == ["吉野　まもる"] * 2
    assert [(s.name, s.registered_name) for s in resident.summaries] == [("吉野　まもる", "𠮷野　まもる")]


def test_whoever_does_not_accept_his_substitute_keeps_his_card_as_it_was(world: World) -> None:
    persons, _, _ = looking(world, SUBSTITUTED_RESIDENT, is_accepted=False)
    with pytest.raises((Halted, RolledBack)):
        world.issue(resident=SUBSTITUTED_RESIDENT, persons=persons)
    memory = world.hand.cards[SUBSTITUTED_RESIDENT]
    assert {exchange.ins for exchange in memory.log} <= {0xA4, 0xCA}
    assert issued(world) == []


def test_a_form_that_differs_from_the_register_is_refused(world: World) -> None:
    form = FourItems("幌延　太朗", "北海道", datetime.date(1931, 5, 3), Sex.MALE)
    with pytest.raises(Refusal, match="E09"):
        issue(Application("1", RESIDENT, form), world.station(), world.persons("1"), lambda _: None)


def test_a_resident_with_a_valid_certificate_is_refused_before_his_key_is_touched(world: World) -> None:
    first = world.issue("1")
    with pytest.raises(Refusal, match="E07"):
        world.issue("2")
    check_rest(world, [first])


def test_after_revocation_the_resident_can_have_another(world: World) -> None:
    first = world.issue("1")
    station = world.station()
    station.authority.revoke(station.authority.revoke_message(first.certificate, RevocationReason.KEY_COMPROMISE).der)
    second = world.issue("2")
    assert second.serial != first.serial
    states = {s: station.authority.status(c).state for s, c in issued(world)}
    assert states == {first.serial: CertificateState.REVOKED, second.serial: CertificateState.GOOD}


def test_a_certificate_is_delivered_at_the_window_into_the_card_that_was_handed_in(
    tmp_path: Path, fresh_authority: Path
) -> None:
    world = new_world(tmp_path, fresh_authority, delivery=Delivery.WINDOW)
    moves: list[CardAction] = []

    class Watched:
        """A resident whose moves of the card are noted."""

        def __getattr__(self, name: str) -> Any:
            return getattr(self._resident, name)

        def __init__(self) -> None:
            self._resident = world.persons("1").resident

        def card(self, action: CardAction) -> None:
            moves.append(action)
            self._resident.card(action)

    handed_back: list[bool] = []

    class Returning(type(world.persons("1").clerk)):  # the played clerk, and one answer noted
        def is_card_returned(self) -> bool:
            handed_back.append(world.window_slot.is_card_present())
            return len(handed_back) > 1

    plain = world.persons("1")
    clerk = Returning(plain.clerk.table, plain.clerk.payer, plain.clerk.till)
    closed = world.issue(persons=replace(plain, resident=Watched(), clerk=clerk))
    assert list(dict.fromkeys(moves)) == [CardAction.INSERT, CardAction.HAND_IN, CardAction.TAKE]
    # Taken out at the window, the card is in the clerk's hand: only he says when the resident has it.
    assert handed_back == [False, False]
    check_rest(world, [closed])


def test_at_the_window_only_the_card_of_the_case_is_written(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path, fresh_authority, delivery=Delivery.WINDOW)

    def mistake(report: StepReport) -> None:
        if report.step is Step.CERTIFY and report.phase is Phase.BEGUN:
            world.window_hand.insert(OTHER_RESIDENT)

    with pytest.raises(RolledBack, match="K-CARD-001"):
        world.issue("1", report=mistake)
    assert {exchange.ins for exchange in world.hand.cards[OTHER_RESIDENT].log} <= {0xA4, 0xCA}
    world.window_hand.remove()
    world.hand.remove()
    check_rest(world, [world.issue("2")])


def test_a_window_without_a_reader_is_told_before_anything_is_certified(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path, fresh_authority, delivery=Delivery.WINDOW)
    with pytest.raises(RolledBack, match="K-READER-001"):
        world.issue("1", station=replace(world.station(), window=None))
    assert issued(world) == []
    world.delivery = Delivery.TERMINAL
    check_rest(world, [world.issue("2")])


@EVERY_NTH
def test_trouble_at_every_card_command_is_rolled_back_and_the_next_try_succeeds(
    tmp_path: Path, fresh_authority: Path, nth: int
) -> None:
    world = new_world(tmp_path / "count", fresh_authority)
    world.issue()
    commands = world.hand.cards[RESIDENT].exchanges
    for number in range(1, commands + 1, nth):
        world = new_world(tmp_path / str(number), fresh_authority)
        world.hand.insert(RESIDENT)
        world.hand.cards[RESIDENT]._faults = parse_card_faults(f"pull@{number}")
        try:
            closed = world.issue("1")
        except RolledBack as rolled_back:
            assert rolled_back.code == "K-CARD-003"
            closed = world.issue("2")
        check_rest(world, [closed])


class PullsCard(Leaves):
    """A resident who takes his card out while he is asked, which the terminal notices before the next command."""

    def __init__(self, world: World, at: str) -> None:
        super().__init__(world, at)
        self._hand = world.hand

    def _leave(self, *_: object) -> None:
        self._hand.remove()
        raise CardRemoved("the card left")


def test_a_card_that_goes_while_a_password_is_chosen_leaves_nothing_behind(world: World) -> None:
    with pytest.raises(RolledBack, match="K-CARD-003"):
        world.issue(persons=replace(world.persons("1"), resident=PullsCard(world, "choose_password")))
    check_rest(world, [])
    check_rest(world, [world.issue("1")])


@pytest.mark.parametrize("at", ["check_identity", "approve", "choose_password", "consent", "take_fee"])
def test_whoever_stops_before_paying_leaves_nothing_behind(world: World, at: str) -> None:
    leaving = Leaves(world, at)
    with pytest.raises(RolledBack, match="K-CASE-002"):
        world.issue(persons=replace(world.persons("1"), resident=leaving, clerk=leaving))
    check_rest(world, [])
    check_rest(world, [world.issue("1")])


def test_a_leave_for_something_else_makes_no_key(world: World) -> None:
    station = world.station()

    class Careless:
        """A clerk's key that signs other terms than it was shown."""

        name = station.clerk_key.name

        def __init__(self, **changes: Any) -> None:
            self._changes = changes

        def authorise(self, terms: AuthorisationTerms) -> Authorisation:
            return station.clerk_key.authorise(replace(terms, **self._changes))

    others = {"case": "another", "station": "other", "card_number": "JUKI000000000009", "items_hash": bytes(32)}
    for name, value in others.items():
        with pytest.raises(RolledBack, match="K-CASE-006"):
            world.issue(station=replace(world.station(), clerk_key=Careless(**{name: value})))
    check_rest(world, [world.issue()])


class StopsOnce:
    """A clerk who acts at one question and is stopped before he can answer it, once."""

    def __init__(self, world: World, at: str) -> None:
        self._clerk = world.persons("1").clerk
        self._at = at

    def __getattr__(self, name: str) -> object:
        if name != self._at:
            return getattr(self._clerk, name)
        self._at = ""
        return lambda *words: self._act(name, *words)

    def _act(self, name: str, *words: int) -> None:
        getattr(self._clerk, name)(*words)
        raise Abandoned(Actor.CLERK, "stopped")


@pytest.mark.parametrize("at", ["take_fee", "give_change"])
def test_whoever_stops_while_money_changes_hands_has_it_counted_and_gets_it_back(world: World, at: str) -> None:
    with pytest.raises(RolledBack, match="K-CASE-002"):
        world.issue(persons=replace(world.persons("1"), clerk=StopsOnce(world, at)))
    check_rest(world, [])
    check_rest(world, [world.issue("1")])


def test_a_refund_that_was_given_and_not_attested_is_not_given_again(world: World) -> None:
    def wait_after_payment(_: StepReport) -> None:
        if world.till.total_yen() == 500:
            world.now += datetime.timedelta(hours=25)

    persons = replace(world.persons("1"), clerk=StopsOnce(world, "repay"))
    with pytest.raises(Halted, match="K-CASE-012"):
        world.issue(persons=persons, report=wait_after_payment)
    assert world.till.total_yen() == 0
    with pytest.raises(RolledBack, match="K-CA-005"):
        world.issue()
    check_rest(world, [])


def test_a_printer_without_paper_halts_the_case_and_its_return_finishes_it(world: World) -> None:
    world.printer_core.set_paper("end")
    with pytest.raises(Halted, match="K-PRINTER-001"):
        world.issue()
    assert world.till.total_yen() == 500
    world.printer_core.set_paper("ok")
    check_rest(world, [world.issue()])


def test_an_unreachable_authority_before_the_request_is_rolled_back(world: World) -> None:
    station = world.station()
    offline = replace(station, authority=unreachable(station))
    with pytest.raises(RolledBack, match="K-CA-001"):
        world.issue(station=offline)
    check_rest(world, [world.issue()])


def test_a_certificate_that_lapsed_before_its_confirmation_is_refunded(tmp_path: Path, fresh_authority: Path) -> None:
    whole = new_world(tmp_path / "whole", fresh_authority)
    whole.issue()
    entries = [json.loads(entry.body) for entry in whole.station().journal.entries()]
    confirm_intended = next(n for n, entry in enumerate(entries, 1) if entry.get("step") == "confirm")
    for is_before in (True, False):
        world = new_world(tmp_path / str(is_before), fresh_authority)
        cut(world, confirm_intended, is_before=is_before)
        assert world.till.total_yen() == 500
        world.now += datetime.timedelta(hours=25)
        with pytest.raises(RolledBack, match="K-CA-005"):
            world.issue()
        check_rest(world, [])


def test_a_finished_card_left_in_the_reader_is_not_taken_for_the_next_applicants(world: World) -> None:
    first = world.issue("1")
    world.hand.insert(RESIDENT)
    with pytest.raises(Refusal, match="E06"):
        world.issue("2", OTHER_RESIDENT)
    check_rest(world, [first, world.issue("3", OTHER_RESIDENT)])


def test_the_till_opens_only_while_the_authority_answers(tmp_path: Path, fresh_authority: Path) -> None:
    commit = step_of_commit(tmp_path / "whole", fresh_authority, "fee", "intended")
    world = new_world(tmp_path / "w", fresh_authority)
    cut(world, commit, is_before=False)
    station = world.station()
    with pytest.raises(Halted, match="K-CA-001"):
        world.issue(station=replace(station, authority=unreachable(station)))
    assert world.till.total_yen() == 0
    with pytest.raises(RolledBack):
        world.issue()
    check_rest(world, [world.issue()])


def test_a_receipt_that_does_not_fit_is_found_out_before_the_till_opens(world: World) -> None:
    persons = world.persons("1")
    clerk = replace(persons.clerk, table=ClerkTable(name="名" * 30, tendered_yen=1000))
    with pytest.raises(RolledBack, match="K-PRINTER-002"):
        world.issue(persons=replace(persons, clerk=clerk))
    check_rest(world, [])


def test_a_number_that_was_used_for_another_application_is_refused(world: World) -> None:
    first = world.issue("1")
    with pytest.raises(NumberTaken, match="application 1 was filed before") as taken:
        world.issue("1", OTHER_RESIDENT)
    assert taken.value.number == "1"
    check_rest(world, [first])

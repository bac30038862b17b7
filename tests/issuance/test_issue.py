"""One issuance on the real drivers, store and authority: the good way, every refusal, every interruption."""

import contextlib
import datetime
import json
import re
import shutil
import sqlite3
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key

from hw.ports import MachineMoney
from hw.sim.card.faults import parse_card_faults
from hw.sim.card.memory import CardMemory
from kiosk.application_file import ClerkTable
from kiosk.authority.client import AuthorityClient
from kiosk.issuance.effect import outcome_in
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
from kiosk.issuance.station import Station
from kiosk.issuance.steps import TAKE_CARD, CardTaken
from kiosk.journal.database import open_database
from kiosk.journal.head import HeadKey
from kiosk.journal.journal import Journal
from kiosk.journal.seal import StationKey
from kiosk.journal.verify import verify_chain
from kiosk.model.application import Application, Closed, Delivery
from kiosk.model.authorisation import Authorisation, AuthorisationTerms
from kiosk.model.certificate import CertificateState, RevocationReason, serial_text
from kiosk.model.resident import FourItems, Sex
from kiosk.model.step import Actor, Step
from kiosk.model.transition import Stage
from kiosk.played_persons import PlayedClerk, PlayedResident
from kiosk.register.register import Register
from tests.counter_bench import (
    OTHER_RESIDENT,
    PASSWORD,
    RESIDENT,
    CuttingDatabase,
    PowerCut,
    World,
)
from tests.stores import Store

SUBSTITUTED_RESIDENT = "10000010091"


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path) -> World:
    return new_world(tmp_path, fresh_authority)


def new_world(
    directory: Path, authority: Path, store: Store | None = None, delivery: Delivery = Delivery.TERMINAL
) -> World:
    directory.mkdir(exist_ok=True)
    return World(directory, Path(shutil.copytree(authority, directory / "ca")), store=store, delivery=delivery)


def test_the_good_way_ends_with_a_valid_certificate_in_the_card_and_a_paid_receipt(world: World) -> None:
    steps: list[StepReport] = []
    closed = world.issue(report=steps.append)
    assert [s.step for s in steps if s.phase is Phase.DONE] == list(Step)
    assert closed.receipt_number == 1
    check_rest(world, [closed])
    assert sum(s.exchanges for s in steps) <= 24 + 2  # the number is read in a session of its own: 2 and the closing 1


def check_rest(world: World, closed: list[Closed]) -> None:
    """The invariants of a counter at rest."""
    station = world.station()
    valid = {c.serial for c in closed}
    for serial, certificate in issued(world):
        state = station.authority.status(certificate, station.issuer).state
        assert state is (CertificateState.GOOD if serial in valid else CertificateState.REVOKED)
    memories = [store.read() for store in world.hand.memories.values()]
    held = [(memory.files.get(0x0001), card_key(memory)) for memory in memories]
    for one in closed:
        key = x509.load_der_x509_certificate(one.certificate).public_key()
        assert (one.certificate, key) in held
    assert world.till.total_yen() == 500 * len(closed)
    originals = [s.text for s in world.printer_core.sheets if "手数料領収書" in s.text]
    assert len(originals) <= len(closed)
    papers = [s.text for s in world.printer_core.sheets]
    for one in closed:
        assert sum(f"No. {one.receipt_number:06d}" in text for text in papers) >= 1
        assert sum(f"No. {one.receipt_number:06d}" in text for text in originals) <= 1
    assert station.journal.unfinished_cases() == []
    verify_chain(station.journal.entries())
    assert not world.slot.is_card_present() and not world.window_slot.is_card_present()
    for raw in world.stored():
        assert PASSWORD.encode() not in raw
        assert "太郎".encode() not in raw


def card_key(memory: CardMemory) -> object:
    """The public key of the card's key pair, None when it has none."""
    key = memory.keys.get(0x001A)
    return load_der_private_key(key, None).public_key() if key else None


def issued(world: World) -> list[tuple[str, bytes]]:
    """Serial and certificate of every resident's certificate in the authority's books."""
    with sqlite3.connect(world.authority_directory / "store.db") as connection:
        rows = connection.execute("SELECT der FROM certificate").fetchall()
    found = []
    for (der,) in rows:
        certificate = x509.load_der_x509_certificate(der)
        names = [e for e in certificate.extensions if e.oid == x509.ExtensionOID.SUBJECT_ALTERNATIVE_NAME]
        if names:
            found.append((serial_text(certificate.serial_number), der))
    return found


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
    states = {s: station.authority.status(c, station.issuer).state for s, c in issued(world)}
    assert states == {first.serial: CertificateState.REVOKED, second.serial: CertificateState.GOOD}


def cut(world: World, commit: int, *, is_before: bool) -> None:
    """An issuance whose process dies just before that commit, or just after it."""
    database = CuttingDatabase(open_database(world.database_url), commit, is_before=is_before)
    with pytest.raises(PowerCut):
        world.issue(station=world.station(database))


def commits_of_an_issuance(directory: Path, authority: Path, delivery: Delivery = Delivery.TERMINAL) -> int:
    world = new_world(directory, authority, delivery=delivery)
    counting = CuttingDatabase(open_database(world.database_url), 0, is_before=True)
    world.issue(station=world.station(counting))
    return counting.commits


@pytest.mark.parametrize("delivery", Delivery)
def test_a_power_cut_at_every_commit_is_resumed_to_a_clean_end(
    tmp_path: Path, fresh_authority: Path, delivery: Delivery
) -> None:
    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority, delivery)
    assert commits <= 32
    for cut_at in range(1, commits + 1):
        for is_before in (True, False):
            world = new_world(tmp_path / f"{cut_at}-{is_before}", fresh_authority, delivery=delivery)
            cut(world, cut_at, is_before=is_before)
            closed = world.issue()
            check_rest(world, [closed])


@pytest.mark.parametrize("delivery", Delivery)
def test_a_power_cut_at_every_commit_is_taken_back_or_finished_on_another_day(
    tmp_path: Path, fresh_authority: Path, delivery: Delivery
) -> None:
    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority, delivery)
    for cut_at in range(1, commits + 1):
        world = new_world(tmp_path / str(cut_at), fresh_authority, delivery=delivery)
        cut(world, cut_at, is_before=False)
        world.now += datetime.timedelta(hours=25)
        closed = []
        try:
            closed.append(world.issue())
        except RolledBack as rolled_back:
            assert rolled_back.code in ("K-CASE-001", "K-CA-005")
        check_rest(world, closed)


def test_a_store_of_an_earlier_day_takes_nothing_back_that_the_world_has_finished(
    tmp_path: Path, fresh_authority: Path
) -> None:
    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority)
    for cut_at in range(1, commits + 1):
        world = new_world(tmp_path / str(cut_at), fresh_authority)
        cut(world, cut_at, is_before=False)
        shutil.copy(world.directory / "kiosk.db", world.directory / "yesterday.db")
        closed = world.issue()
        shutil.copy(world.directory / "yesterday.db", world.directory / "kiosk.db")
        before = world.hand.memories[RESIDENT].read().files
        with contextlib.suppress(Halted, RolledBack, Refusal):
            world.issue()
        station = world.station()
        if any(entry.get("step") == "certify" for entry in bodies(world)):
            assert station.authority.status(closed.certificate, station.issuer).state is CertificateState.GOOD
            assert world.hand.memories[RESIDENT].read().files == before
        assert world.till.total_yen() == 500


def test_a_store_of_an_earlier_day_is_found_out_before_a_key_is_made(world: World) -> None:
    """Else the next receipt would get a number that another one has already."""
    world.issue("1")
    stored = world.directory / "kiosk.db"
    shutil.copy(stored, world.directory / "yesterday.db")
    world.station().authority.revoke(revocation_of(issued(world)[0][1], world))
    world.issue("2")
    shutil.copy(world.directory / "yesterday.db", stored)
    with pytest.raises(Halted, match="K-STORE-001"):
        world.issue("3", OTHER_RESIDENT)
    assert world.hand.memories[OTHER_RESIDENT].read().keys == {}
    assert sum("No. 0000" in sheet.text for sheet in world.printer_core.sheets) == 2


def test_a_journal_begun_afresh_is_not_taken_for_one_of_an_earlier_day(world: World) -> None:
    first = world.issue("1")
    (world.directory / "kiosk.db").unlink()
    station = world.station()
    key = HeadKey(bytes(31) + b"1")
    database = open_database(world.database_url)
    other = Journal(database, "demo", StationKey(bytes(32)), station.clock, head_key=key)
    closed = world.issue("2", OTHER_RESIDENT, station=replace(station, journal=other))
    assert closed.receipt_number == first.receipt_number == 1


def revocation_of(certificate: bytes, world: World) -> bytes:
    return world.station().authority.revoke_message(certificate, RevocationReason.SUPERSEDED).der


def bodies(world: World) -> list[dict[str, Any]]:
    return [json.loads(entry.body) for entry in world.station().journal.entries()]


@pytest.mark.parametrize("clock_days", [-400, 365 * 6])
def test_a_paid_case_is_finished_whatever_the_clock_says_of_the_clerks_certificate(
    tmp_path: Path, fresh_authority: Path, clock_days: int
) -> None:
    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority)
    for cut_at in range(commits - 4, commits + 1):
        world = new_world(tmp_path / str(cut_at), fresh_authority)
        cut(world, cut_at, is_before=False)
        world.now += datetime.timedelta(days=clock_days)
        assert world.issue().receipt_number == 1
        assert not any(entry["event"] == "not_admitted" for entry in bodies(world))


def test_the_fee_of_the_day_on_which_it_was_asked_for_is_the_one_that_counts(
    tmp_path: Path, fresh_authority: Path
) -> None:
    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority)
    for cut_at in range(1, commits + 1):
        for hours in (0, 25):
            world = new_world(tmp_path / f"{cut_at}-{hours}", fresh_authority)
            cut(world, cut_at, is_before=True)
            asked = any((entry.get("step"), entry["event"]) == ("fee", "intended") for entry in bodies(world))
            world.now += datetime.timedelta(hours=hours)
            station = world.station()
            dearer = replace(station.policy, fee=replace(station.policy.fee, issue_yen=700))
            try:
                world.issue(station=replace(station, policy=dearer))
            except RolledBack:
                assert world.till.total_yen() == 0
            else:
                assert world.till.total_yen() == (500 if asked else 700)


def test_a_card_that_lies_at_the_window_after_the_confirmation_is_not_taken_for_returned(
    tmp_path: Path, fresh_authority: Path
) -> None:
    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority)
    for cut_at in range(commits - 4, commits + 1):
        world = new_world(tmp_path / str(cut_at), fresh_authority)
        cut(world, cut_at, is_before=False)
        if world.slot.is_card_present():
            world.hand.remove()
            world.window_hand.insert(RESIDENT)
            check_rest(world, [world.issue()])
            record = next(iter(world.station().journal.cases()))
            taken = outcome_in(world.station().journal.effect(record, Step.TAKE_CARD), TAKE_CARD)
            assert taken == CardTaken("clerk")


def test_a_second_power_cut_during_the_resumption_is_survived_too(tmp_path: Path, fresh_authority: Path) -> None:
    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority)
    for cut_at in range(2, commits + 1, 3):
        world = new_world(tmp_path / str(cut_at), fresh_authority)
        for again_at in (cut_at, 2, 1):
            cutting = CuttingDatabase(open_database(world.database_url), again_at, is_before=True)
            try:
                world.issue(station=world.station(cutting))
            except PowerCut:
                world.now += datetime.timedelta(seconds=1)
        check_rest(world, [world.issue()])


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


def test_a_case_keeps_its_delivery_when_the_office_changes_it_meanwhile(tmp_path: Path, fresh_authority: Path) -> None:
    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority, Delivery.WINDOW)
    for cut_at in range(2, commits, 2):
        world = new_world(tmp_path / str(cut_at), fresh_authority, delivery=Delivery.WINDOW)
        cut(world, cut_at, is_before=False)
        world.delivery = Delivery.TERMINAL
        check_rest(world, [world.issue()])


def test_a_card_that_lies_in_the_other_reader_at_the_resumption_is_found_or_asked_for(
    tmp_path: Path, fresh_authority: Path
) -> None:
    for delivery in Delivery:
        commits = commits_of_an_issuance(tmp_path / f"count-{delivery}", fresh_authority, delivery)
        for cut_at in range(3, commits + 1, 2):
            world = new_world(tmp_path / f"{delivery}-{cut_at}", fresh_authority, delivery=delivery)
            cut(world, cut_at, is_before=True)
            is_in_terminal = world.slot.is_card_present()
            for hand in (world.hand, world.window_hand):
                hand.remove()
            (world.window_hand if is_in_terminal else world.hand).insert(RESIDENT)
            closed = world.issue()
            for hand in (world.hand, world.window_hand):
                hand.remove()
            check_rest(world, [closed])


def test_another_card_at_the_resumption_is_refused_and_nothing_stays_valid(
    tmp_path: Path, fresh_authority: Path
) -> None:
    commits = commits_of_an_issuance(tmp_path / "count", fresh_authority)
    for cut_at in range(4, commits + 1, 2):
        world = new_world(tmp_path / str(cut_at), fresh_authority)
        cut(world, cut_at, is_before=True)
        world.hand.insert(OTHER_RESIDENT)
        closed = []
        try:
            # Once the certificate is proven to be in its card, the case needs no card any more.
            closed.append(world.issue())
        except RolledBack as rolled_back:
            assert rolled_back.code == "K-CARD-001"
        world.hand.remove()
        check_rest(world, closed)


def test_a_resumption_after_the_clerks_leave_expired_needs_a_new_one(world: World) -> None:
    cut(world, 5, is_before=False)
    world.now += datetime.timedelta(hours=1)
    with pytest.raises(RolledBack, match="K-CASE-001"):
        world.issue()
    check_rest(world, [world.issue()])


def test_trouble_at_every_card_command_is_rolled_back_and_the_next_try_succeeds(
    tmp_path: Path, fresh_authority: Path
) -> None:
    world = new_world(tmp_path / "count", fresh_authority)
    world.issue()
    commands = world.hand.cards[RESIDENT].exchanges
    for number in range(1, commands + 1):
        world = new_world(tmp_path / str(number), fresh_authority)
        world.hand.insert(RESIDENT)
        world.hand.cards[RESIDENT]._faults = parse_card_faults(f"pull@{number}")
        try:
            closed = world.issue("1")
        except RolledBack as rolled_back:
            assert rolled_back.code == "K-CARD-003"
            closed = world.issue("2")
        check_rest(world, [closed])


class Leaves:
    """A resident who walks away at one question."""

    def __init__(self, world: World, at: str) -> None:
        self._persons = world.persons("1")
        self._at = at

    def __getattr__(self, name: str) -> object:
        if name == self._at:
            return self._leave
        return getattr(self._persons.resident, name, None) or getattr(self._persons.clerk, name)

    def _leave(self, *_: object) -> None:
        raise Abandoned(Actor.RESIDENT, "left")


@pytest.mark.parametrize("at", ["check_identity", "approve", "choose_password", "consent", "take_fee"])
def test_whoever_stops_before_paying_leaves_nothing_behind(world: World, at: str) -> None:
    leaving = Leaves(world, at)
    with pytest.raises(RolledBack, match="K-CASE-002"):
        world.issue(persons=replace(world.persons("1"), resident=leaving, clerk=leaving))
    check_rest(world, [])
    check_rest(world, [world.issue("1")])


def test_no_key_is_made_on_a_leave_from_before_the_computer_was_started_anew(
    tmp_path: Path, fresh_authority: Path
) -> None:
    whole = new_world(tmp_path / "whole", fresh_authority)
    whole.issue()
    entries = [json.loads(entry.body) for entry in whole.station().journal.entries()]
    authorised = next(n for n, entry in enumerate(entries, 1) if entry.get("step") == "authorise")
    key_ready = next(n for n, e in enumerate(entries, 1) if (e.get("step"), e["event"]) == ("generate_key", "done"))
    for cut_at in (authorised, key_ready - 1):
        world = new_world(tmp_path / str(cut_at), fresh_authority)
        cut(world, cut_at, is_before=False)
        world.boot = b"another boot id "
        with pytest.raises(RolledBack, match="K-CASE-001"):
            world.issue()
        check_rest(world, [world.issue()])
    world = new_world(tmp_path / "made", fresh_authority)
    with pytest.raises(PowerCut):
        world.issue(
            station=world.station(CuttingDatabase(open_database(world.database_url), key_ready, is_before=False))
        )
    world.boot = b"another boot id "
    check_rest(world, [world.issue()])


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
    with pytest.raises(Halted, match="K-CASE-002"):
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


def unreachable(station: Station) -> AuthorityClient:
    return AuthorityClient(
        "http://127.0.0.1:1", station.authority._credential, station.authority._trust, clock=station.clock
    )


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


def test_the_card_of_a_halted_case_is_not_taken_for_the_next_applicants(world: World) -> None:
    world.printer_core.set_paper("end")
    with pytest.raises(Halted):
        world.issue("1")
    world.hand.insert(RESIDENT)
    with pytest.raises(Refusal, match="E18"):
        world.issue("2", OTHER_RESIDENT)
    world.printer_core.set_paper("ok")
    check_rest(world, [world.issue("1"), world.issue("3", OTHER_RESIDENT)])


def test_a_resumed_roll_back_touches_no_other_card(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "w", fresh_authority)
    finished = world.issue("1", OTHER_RESIDENT)
    world.hand.insert(RESIDENT)
    leaving = Leaves(world, "consent")
    entries = len(list(world.station().journal.entries()))
    for cut_at in range(1, 60):
        database = CuttingDatabase(open_database(world.database_url), cut_at, is_before=True)
        try:
            world.issue("2", station=world.station(database), persons=replace(world.persons("2"), resident=leaving))
        except PowerCut:
            last = world.station().journal.latest_case("2")
            if last is not None and last.stage is Stage.ROLLING_BACK:
                break
    assert len(list(world.station().journal.entries())) > entries
    world.hand.insert(OTHER_RESIDENT)
    with pytest.raises(RolledBack):
        world.issue("2")
    world.hand.remove()
    check_rest(world, [finished])


def step_of_commit(directory: Path, authority: Path, step: str, event: str) -> int:
    """The number of the commit that records this event of a step in an undisturbed issuance."""
    whole = new_world(directory, authority)
    whole.issue()
    bodies = [json.loads(entry.body) for entry in whole.station().journal.entries()]
    return next(n for n, body in enumerate(bodies, 1) if (body.get("step"), body["event"]) == (step, event))


def test_a_printer_that_cannot_be_asked_does_not_make_a_second_original(tmp_path: Path, fresh_authority: Path) -> None:
    commit = step_of_commit(tmp_path / "whole", fresh_authority, "receipt", "done")
    world = new_world(tmp_path / "w", fresh_authority)
    cut(world, commit, is_before=True)
    world.printer_core.set_paper("end")
    with pytest.raises(Halted):
        world.issue()
    world.printer_core.set_paper("ok")
    check_rest(world, [world.issue()])


def test_an_authority_that_cannot_be_asked_leaves_nothing_pending_in_the_end(
    tmp_path: Path, fresh_authority: Path
) -> None:
    commit = step_of_commit(tmp_path / "whole", fresh_authority, "certify", "done")
    world = new_world(tmp_path / "w", fresh_authority)
    cut(world, commit, is_before=True)
    station = world.station()
    with pytest.raises(Halted, match="K-CA-001"):
        world.issue(station=replace(station, authority=unreachable(station)))
    with pytest.raises(RolledBack):
        world.issue()
    check_rest(world, [world.issue()])


def test_who_stops_while_his_payment_is_counted_gets_it_back(tmp_path: Path, fresh_authority: Path) -> None:
    commit = step_of_commit(tmp_path / "whole", fresh_authority, "fee", "done")
    world = new_world(tmp_path / "w", fresh_authority)
    cut(world, commit, is_before=True)

    class Stops(Leaves):
        has_stopped = False

        def _leave(self, *given: object) -> object:
            if self.has_stopped:
                return self._persons.clerk.count_payment(500, MachineMoney())
            self.has_stopped = True
            return super()._leave(*given)

    with pytest.raises(RolledBack, match="K-CASE-002"):
        world.issue(persons=replace(world.persons("1"), clerk=Stops(world, "count_payment")))
    check_rest(world, [])


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


def test_a_case_of_another_day_begins_again_with_the_identity_check(tmp_path: Path, fresh_authority: Path) -> None:
    commit = step_of_commit(tmp_path / "whole", fresh_authority, "write", "intended")
    world = new_world(tmp_path / "w", fresh_authority)
    cut(world, commit, is_before=True)
    world.now += datetime.timedelta(hours=20)
    with pytest.raises(RolledBack, match="K-CASE-001"):
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
    with pytest.raises(NumberTaken):
        world.issue("1", OTHER_RESIDENT)
    check_rest(world, [first])


def test_a_paid_case_goes_on_though_another_open_case_has_read_its_card(world: World) -> None:
    world.printer_core.set_paper("end")
    with pytest.raises(Halted):
        world.issue("1")
    world.printer_core.set_paper("ok")
    world.hand.insert(RESIDENT)
    database = CuttingDatabase(open_database(world.database_url), 2, is_before=False)
    with pytest.raises(PowerCut):
        world.issue("2", OTHER_RESIDENT, station=world.station(database))
    first = world.issue("1")
    world.hand.remove()
    with pytest.raises(Refusal, match="E06"):
        world.issue("2", OTHER_RESIDENT)
    check_rest(world, [first])

"""What nobody can tell waits for two clerks, and goes on upon their word: once, and only upon that of two."""

import datetime
import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from hw.errors import LinkLost
from hw.ports import MachineMoney, PrintJob, PrintOutcome
from kiosk.application_file import ClerkTable
from kiosk.authority.embedded.directory import DEMO_NAME, SECOND_CLERK
from kiosk.authority.errors import AuthorityUnreachable
from kiosk.counter.clerk_key import ClerkKeyFile, load_clerk_key, operator_of, signed_by_two, verify_testimony
from kiosk.issuance.abort import abort
from kiosk.issuance.failure import Halted, RolledBack, Suspect
from kiosk.issuance.hold import hold
from kiosk.issuance.persons import CLERK_ALONE, Abandoned, OpenDeposit, Persons
from kiosk.issuance.settle import (
    NotSuspect,
    accept,
    known_money,
    question_of,
    settle,
    settle_elsewhere,
)
from kiosk.journal.database import open_database
from kiosk.journal.records import CaseRecord, EffectState
from kiosk.model.step import Actor, Step, Undo
from kiosk.model.testimony import PaperSeen, Testimony, TestimonyInvalid, TestimonyTerms
from kiosk.model.transition import Stage, TransitionRefused
from kiosk.played_persons import PlayedClerk
from tests.counter_bench import START, CuttingDatabase, PowerCut, World
from tests.issuance.otherwise import But, raising, revoke_clerk, with_authority
from tests.issuance.rest import bodies, check_rest, commits_of_an_issuance, cut, new_world, step_of_commit
from tests.sweep import rows


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path) -> World:
    return new_world(tmp_path / "w", fresh_authority)


def unsure(world: World) -> Persons:
    """The persons at the counter, of whom the clerk can tell nothing of what was before."""
    clerk = PlayedClerk(ClerkTable(tendered_yen=1000, cannot_tell=True), "1", world.till)
    return replace(world.persons("1"), clerk=clerk)


def clerk_key(world: World, name: str) -> ClerkKeyFile:
    return load_clerk_key(world.authority_directory / "clerks" / f"{name}.pem")


def suspect(world: World) -> CaseRecord:
    (case,) = world.station().journal.suspect_cases()
    return case


def two_clerks_say(world: World, answer: str) -> CaseRecord:
    return settle(suspect(world), answer, world.station(), clerk_key(world, DEMO_NAME), clerk_key(world, SECOND_CLERK))


def truth(world: World) -> str:
    """What two clerks find when they look."""
    if question_of(suspect(world)) is Step.RECEIPT:
        papers = [sheet.text for sheet in world.printer_core.sheets]
        return (PaperSeen.WHOLE if any("No. 000001" in text for text in papers) else PaperSeen.NOTHING).value
    return str(world.till.count("1"))


def interrupted(tmp_path: Path, authority: Path, step: str, event: str, *, is_before: bool) -> World:
    """A world in which the process died at that commit of an issuance."""
    world = new_world(tmp_path / "w", authority)
    cut(world, step_of_commit(tmp_path / "whole", authority, step, event), is_before=is_before)
    return world


def with_an_unclear_payment(tmp_path: Path, authority: Path) -> World:
    """A world in which a fee was taken, its record cut off, and the clerk cannot tell."""
    world = interrupted(tmp_path, authority, "fee", "done", is_before=True)
    with pytest.raises(Suspect):
        world.issue(persons=unsure(world))
    return world


def test_a_payment_that_nobody_can_tell_of_waits_for_two_clerks_and_is_gone_on_with_upon_their_word(
    tmp_path: Path, fresh_authority: Path
) -> None:
    world = interrupted(tmp_path, fresh_authority, "fee", "done", is_before=True)
    with pytest.raises(Suspect, match="K-CASE-007"):
        world.issue(persons=unsure(world))
    assert (suspect(world).stage, suspect(world).code) == (Stage.FEE_SUSPECT, "K-CASE-007")
    first = clerk_key(world, DEMO_NAME)
    assert [body["operator"] for body in bodies(world) if "operator" in body] == [operator_of(first.certificate)]
    before = bodies(world)
    with pytest.raises(Suspect, match="K-CASE-007"):
        world.issue()
    assert bodies(world) == before
    settled = two_clerks_say(world, "500")
    assert (settled.stage, settled.code) == (Stage.DELIVERED, None)
    said = [body for body in bodies(world) if body["event"] == "witnessed"]
    second = clerk_key(world, SECOND_CLERK)
    assert [body["by"] for body in said] == ["two_clerks"]
    assert said[0]["operators"].split() == [operator_of(first.certificate), operator_of(second.certificate)]
    check_rest(world, [world.issue(persons=unsure(world))])


class Forgetful(PlayedClerk):
    """Has not seen any money, whatever lies there."""

    def count_payment(self, due_yen: int, known: MachineMoney) -> int:
        return 0


@pytest.mark.parametrize("decide", ["abort", "hold"])
def test_what_two_clerks_said_of_a_payment_holds_when_it_is_taken_back_whatever_one_says(
    tmp_path: Path, fresh_authority: Path, decide: str
) -> None:
    world = with_an_unclear_payment(tmp_path, fresh_authority)
    record, station = two_clerks_say(world, "500"), world.station()
    persons = replace(world.persons("1"), clerk=Forgetful(ClerkTable(), "1", world.till))
    if decide == "abort":
        assert isinstance(abort(record, station, persons), RolledBack)
    else:
        hold("1", START.date() + datetime.timedelta(days=1), station, persons, "demo")
    assert world.till.count("1") == 0
    refunds = [body for body in bodies(world) if body.get("step") == "refund" and body["event"] == "done"]
    assert [body["yen"] for body in refunds] == [500]
    audit = world.station().audit
    audit.run()
    assert (audit.broken, audit.is_complete) == (None, True)


def test_what_two_clerks_said_of_a_part_is_given_back_when_it_is_too_late_to_pay_the_rest(
    tmp_path: Path, fresh_authority: Path
) -> None:
    world = with_an_unclear_payment(tmp_path, fresh_authority)
    # He had some of his money back meanwhile.
    world.till.put("1", -200)
    two_clerks_say(world, "300")
    world.now += datetime.timedelta(days=1)
    persons = replace(world.persons("1"), clerk=Forgetful(ClerkTable(), "1", world.till))
    with pytest.raises(RolledBack):
        world.issue(persons=persons)
    assert world.till.count("1") == 0


def test_without_a_clerks_station_nobody_is_asked_elsewhere(tmp_path: Path, fresh_authority: Path) -> None:
    world = with_an_unclear_payment(tmp_path, fresh_authority)
    with pytest.raises(NotSuspect, match="settled here"):
        settle_elsewhere(suspect(world), world.station())


def test_a_machine_is_asked_for_the_money_of_just_this_case(tmp_path: Path, fresh_authority: Path) -> None:
    world = with_an_unclear_payment(tmp_path, fresh_authority)
    asked: list[str] = []
    station = world.station()

    def left_over(payment: str) -> MachineMoney:
        asked.append(payment)
        return MachineMoney(coins_yen=300)

    cash = But(station.cash, left_over=left_over)
    assert known_money(suspect(world), replace(station, cash=cash)) == MachineMoney(coins_yen=300)
    assert asked == [suspect(world).pseudonym]


def test_a_machine_that_cannot_be_asked_keeps_two_clerks_from_nothing(world: World) -> None:
    station = world.station()

    def gone(_: str) -> MachineMoney:
        raise LinkLost("coin machine")

    lost = replace(station, cash=But(station.cash, left_over=gone))
    record = station.journal.open_case("1", b"application")
    assert known_money(record, lost) == MachineMoney(is_count_lost=True)
    assert known_money(record, station) == MachineMoney()


@pytest.mark.parametrize(("answer", "copies"), [("whole", 0), ("partly", 1), ("nothing", 1)])
def test_a_receipt_that_nobody_can_tell_of_is_printed_again_only_as_a_copy(
    tmp_path: Path, fresh_authority: Path, answer: str, copies: int
) -> None:
    world = interrupted(tmp_path, fresh_authority, "receipt", "done", is_before=True)
    with pytest.raises(Suspect):
        world.issue(persons=unsure(world))
    two_clerks_say(world, answer)
    closed = world.issue(persons=unsure(world))
    printed = [sheet.text for sheet in world.printer_core.sheets if "No. 000001" in sheet.text]
    assert sum("領収書(写)" in text for text in printed) == copies
    assert len(printed) == copies + 1
    check_rest(world, [closed])


def test_a_printer_that_does_not_tell_and_a_clerk_who_leaves_do_not_make_a_second_original(world: World) -> None:
    station = world.station()

    class Silent:
        """Prints, and does not tell."""

        def __getattr__(self, name: str) -> object:
            return getattr(station.printer, name)

        def print(self, job: PrintJob) -> PrintOutcome:
            station.printer.print(job)
            return PrintOutcome.UNKNOWN

    class Leaves(PlayedClerk):
        """Goes when he should look."""

        def look_at_paper(self, receipt_number: int) -> PaperSeen:
            raise Abandoned(Actor.CLERK, "left")

    persons = replace(world.persons("1"), clerk=Leaves(ClerkTable(), "1", world.till))
    with pytest.raises(Halted, match="K-CASE-012"):
        world.issue(station=replace(station, printer=Silent()), persons=persons)
    check_rest(world, [world.issue()])


def come_to_an_end(world: World) -> tuple[bool, set[Step | Undo]]:
    """Starts and settles again and again; whether it was taken back, and what two clerks were asked meanwhile."""
    asked = set[Step | Undo]()
    for _ in range(4):
        try:
            world.issue(persons=unsure(world))
        except RolledBack:
            return True, asked
        except Suspect:
            asked.add(question_of(suspect(world)))
            two_clerks_say(world, truth(world))
        else:
            return False, asked
    raise AssertionError("it comes to no end")


def test_a_refund_that_nobody_can_tell_of_is_given_back_once(tmp_path: Path, fresh_authority: Path) -> None:
    lapsed = step_of_commit(tmp_path / "whole", fresh_authority, "confirm", "intended")
    asked, cut_at, is_reached = set[Step | Undo](), 0, True
    while is_reached:
        cut_at += 1
        world = new_world(tmp_path / str(cut_at), fresh_authority)
        cut(world, lapsed, is_before=False)
        world.now += datetime.timedelta(hours=25)
        database = CuttingDatabase(open_database(world.database_url), cut_at, is_before=True)
        try:
            world.issue(station=world.station(database), persons=unsure(world))
        except PowerCut:
            is_taken_back, now_asked = come_to_an_end(world)
            assert is_taken_back
            asked |= now_asked
        except RolledBack:
            is_reached = False
        check_rest(world, [])
    assert asked == {Undo.REFUND}


def test_who_stops_while_he_pays_gets_back_what_two_clerks_find(world: World) -> None:
    class Stops(PlayedClerk):
        """Takes coins, and then the resident leaves."""

        def take_fee(self, due_yen: int, deposit: OpenDeposit = CLERK_ALONE) -> int:
            self.till.put(self.payer, 300)
            raise Abandoned(Actor.RESIDENT, "left")

    clerk = Stops(ClerkTable(cannot_tell=True), "1", world.till)
    with pytest.raises(Suspect):
        world.issue(persons=replace(world.persons("1"), clerk=clerk))
    assert suspect(world).stage is Stage.REFUND_SUSPECT
    two_clerks_say(world, "300")
    with pytest.raises(RolledBack):
        world.issue(persons=replace(world.persons("1"), clerk=clerk))
    check_rest(world, [])


@pytest.mark.parametrize(("is_before", "hours"), rows(itertools.product((True, False), (0, 25)), suite=[1, 2]))
def test_with_a_clerk_who_can_tell_nothing_every_interruption_ends_well_when_two_say_what_is_so(
    tmp_path: Path, fresh_authority: Path, is_before: bool, hours: int
) -> None:
    questions = set[Step | Undo]()
    for cut_at in range(1, commits_of_an_issuance(tmp_path / "count", fresh_authority) + 1):
        world = new_world(tmp_path / str(cut_at), fresh_authority)
        cut(world, cut_at, is_before=is_before)
        world.now += datetime.timedelta(hours=hours)
        _, asked = come_to_an_end(world)
        questions |= asked
        check_rest(world, [world.issue(persons=unsure(world))])
    assert questions == {Step.FEE, Step.RECEIPT}


def test_their_word_is_gone_on_upon_once(tmp_path: Path, fresh_authority: Path) -> None:
    world = with_an_unclear_payment(tmp_path, fresh_authority)
    two_clerks_say(world, "500")
    database = CuttingDatabase(open_database(world.database_url), 2, is_before=True)
    with pytest.raises(PowerCut):
        world.issue(station=world.station(database), persons=unsure(world))
    with pytest.raises(Suspect):
        world.issue(persons=unsure(world))
    journal = world.station().journal
    known = journal.effect(suspect(world), Step.FEE)
    assert known is not None and known.state is EffectState.UNKNOWN and known.testimony is not None
    two_clerks_say(world, "500")
    check_rest(world, [world.issue(persons=unsure(world))])


def said_of_the_payment(world: World) -> Testimony:
    """What two clerks have said of the payment last, out of the station's own records."""
    journal = world.station().journal
    case = journal.latest_case("1")
    assert case is not None
    known = journal.effect(case, Step.FEE)
    assert known is not None and known.testimony is not None
    return msgspec.json.decode(known.testimony, type=Testimony)


def test_their_word_of_another_time_is_not_taken_for_this(tmp_path: Path, fresh_authority: Path) -> None:
    """Whoever has taken over the terminal could say it for them once more."""
    world = with_an_unclear_payment(tmp_path, fresh_authority)
    two_clerks_say(world, "500")
    said = said_of_the_payment(world)
    database = CuttingDatabase(open_database(world.database_url), 2, is_before=True)
    with pytest.raises(PowerCut):
        world.issue(station=world.station(database), persons=unsure(world))
    with pytest.raises(Suspect):
        world.issue(persons=unsure(world))
    with pytest.raises(TestimonyInvalid, match="another time"):
        accept(suspect(world), said, world.station())
    assert suspect(world).stage is Stage.FEE_SUSPECT


@pytest.mark.parametrize("sign", [-1, 1])
def test_their_word_is_of_this_moment(tmp_path: Path, fresh_authority: Path, sign: int) -> None:
    world = with_an_unclear_payment(tmp_path, fresh_authority)
    world.now += datetime.timedelta(hours=1)
    terms = TestimonyTerms(suspect(world).pseudonym, "demo", Step.FEE, "500", bytes(16), world.now)
    said = signed_by_two(terms, clerk_key(world, DEMO_NAME), clerk_key(world, SECOND_CLERK))
    world.now += sign * datetime.timedelta(minutes=15, seconds=1)
    with pytest.raises(TestimonyInvalid, match="another time"):
        accept(suspect(world), said, world.station())
    world.now -= sign * datetime.timedelta(seconds=1)
    accept(suspect(world), said, world.station())


@pytest.mark.parametrize("whose", [DEMO_NAME, SECOND_CLERK])
def test_the_word_of_a_clerk_whose_certificate_was_revoked_is_not_taken(
    tmp_path: Path, fresh_authority: Path, whose: str
) -> None:
    world = with_an_unclear_payment(tmp_path, fresh_authority)
    revoke_clerk(world, clerk_key(world, whose))
    before = bodies(world)
    with pytest.raises(TestimonyInvalid, match="revoked"):
        two_clerks_say(world, "500")
    assert (bodies(world), suspect(world).stage) == (before, Stage.FEE_SUSPECT)


def test_while_the_authority_cannot_be_asked_about_the_clerks_their_word_waits(
    tmp_path: Path, fresh_authority: Path
) -> None:
    world = with_an_unclear_payment(tmp_path, fresh_authority)
    away = with_authority(world, lambda _: {"status": raising(AuthorityUnreachable("away"))})
    before = bodies(world)
    with pytest.raises(Halted, match="K-CA-001"):
        settle(suspect(world), "500", away, clerk_key(world, DEMO_NAME), clerk_key(world, SECOND_CLERK))
    assert bodies(world) == before
    assert two_clerks_say(world, "500").stage is Stage.DELIVERED


def test_what_one_clerk_signs_twice_is_no_testimony(tmp_path: Path, fresh_authority: Path) -> None:
    world = with_an_unclear_payment(tmp_path, fresh_authority)
    case, station = suspect(world), world.station()
    first, second = clerk_key(world, DEMO_NAME), clerk_key(world, SECOND_CLERK)
    with pytest.raises(TestimonyInvalid, match="one clerk twice"):
        settle(case, "500", station, first, first)
    stranger = replace(second, key=first.key)
    with pytest.raises(TestimonyInvalid, match="not signed by a clerk"):
        settle(case, "500", station, first, stranger)
    with pytest.raises(TestimonyInvalid, match="cannot be used"):
        settle(case, "500", station, first, replace(second, certificate=b"none"))
    for answer in ("", "-1", "0500", "whole", "500 ", "1000000"):
        with pytest.raises(TestimonyInvalid, match="no answer"):
            settle(case, answer, station, first, second)
    long_after = replace(station, clock=lambda: START + datetime.timedelta(days=36500))
    with pytest.raises(TestimonyInvalid, match="not in force"):
        settle(case, "500", long_after, first, second)
    assert replace(suspect(world), seal=case.seal) == case


def test_a_case_is_settled_once_and_only_while_it_is_suspect(tmp_path: Path, fresh_authority: Path) -> None:
    world = with_an_unclear_payment(tmp_path, fresh_authority)
    case, station = suspect(world), world.station()
    keys = clerk_key(world, DEMO_NAME), clerk_key(world, SECOND_CLERK)
    settled = settle(case, "500", station, *keys)
    with pytest.raises(NotSuspect):
        settle(settled, "500", station, *keys)
    with pytest.raises(TransitionRefused):
        settle(case, "500", station, *keys)


def test_two_clerks_say_nothing_about_what_was_not_asked(tmp_path: Path, fresh_authority: Path) -> None:
    world = with_an_unclear_payment(tmp_path, fresh_authority)
    with pytest.raises(TransitionRefused):
        world.station().journal.testify(suspect(world), Step.RECEIPT, b"", ("", ""), bytes(16))
    assert question_of(suspect(world)) is Step.FEE


def forged(change: Callable[[Testimony], Testimony], testimony: Testimony, world: World) -> None:
    issuers = world.station().generations
    verify_testimony(testimony, issuers, world.now)
    with pytest.raises(TestimonyInvalid):
        verify_testimony(change(testimony), issuers, world.now)


def test_a_testimony_that_was_changed_is_none(tmp_path: Path, fresh_authority: Path) -> None:
    world = with_an_unclear_payment(tmp_path, fresh_authority)
    case = two_clerks_say(world, "500")
    known = world.station().journal.effect(case, Step.FEE)
    assert known is not None and known.testimony is not None
    testimony = msgspec.json.decode(known.testimony, type=Testimony)
    assert testimony.terms.answer == "500"
    forged(lambda t: replace(t, payload=t.payload.replace(b'"500"', b'"400"')), testimony, world)
    forged(lambda t: replace(t, second=t.first), testimony, world)
    forged(lambda t: replace(t, first=replace(t.first, signature=t.second.signature)), testimony, world)


@pytest.mark.parametrize("forgery", ["another case", "another question", "a station's key"])
def test_a_record_that_two_clerks_did_not_sign_about_this_says_nothing(
    tmp_path: Path, fresh_authority: Path, forgery: str
) -> None:
    """Whoever holds the station's key could put one into the store."""
    world = with_an_unclear_payment(tmp_path, fresh_authority)
    second = clerk_key(world, SECOND_CLERK)
    if forgery == "a station's key":
        second = load_clerk_key(world.authority_directory / "stations" / f"{DEMO_NAME}.pem")
    terms = TestimonyTerms(
        case="another" if forgery == "another case" else suspect(world).pseudonym,
        station="demo",
        question=Undo.REFUND if forgery == "another question" else Step.FEE,
        answer="0",
        nonce=bytes(16),
        signed_at=START,
    )
    payload = terms.encode()
    testimony = Testimony(payload, clerk_key(world, DEMO_NAME).testify(payload), second.testify(payload))
    world.station().journal.testify(suspect(world), Step.FEE, msgspec.json.encode(testimony), ("a", "b"), bytes(16))
    closed = world.issue()
    assert world.till.total_yen() == 500, "the clerk was asked, and the money was not taken twice"
    check_rest(world, [closed])

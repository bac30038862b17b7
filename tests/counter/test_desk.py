"""The clerk's station answers a terminal that has nothing of the clerk's, and is not talked into anything by it."""

import dataclasses
import datetime
import json
import threading
import time
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hw.errors import LinkLost, Refused
from hw.ports import CashTrouble, ChannelChallenge, ChannelPurpose, MachineMoney, SessionKeys
from kiosk.application_file import ClerkTable
from kiosk.authority.token_key import TokenUnusable
from kiosk.counter import asking
from kiosk.counter.attendance import Attendance
from kiosk.counter.card_issuer import CardIssuer
from kiosk.counter.clerk_key import load_clerk_key
from kiosk.counter.line import Question
from kiosk.counter.remote_clerk import (
    RemoteClerk,
    RemoteClerkKey,
    RemoteRegister,
    RemoteTwoClerks,
    remote_card_keys,
)
from kiosk.counter.town_ids import KeyedIds
from kiosk.issuance.abort import abort
from kiosk.issuance.failure import IssuerKeysUnavailable, RolledBack, StationDenied, Suspect, failure_code
from kiosk.issuance.issue import issue
from kiosk.issuance.persons import (
    CLERK_ALONE,
    Abandoned,
    CannotTell,
    Exemption,
    IdentityEvidence,
    IdentityQuestion,
    OpenDeposit,
    PaperSeen,
)
from kiosk.journal.database import open_database
from kiosk.journal.journal import Journal
from kiosk.journal.seal import StationKey
from kiosk.model.application import Application, Delivery
from kiosk.model.authorisation import AuthorisationTerms, Operation
from kiosk.model.certificate import certify_items
from kiosk.model.policy import ExemptionGround
from kiosk.model.step import Actor
from kiosk.model.transition import Stage
from kiosk.played_persons import PlayedClerk
from tests.counter.two_stations import WINDOW, TwoStations, issue_at_terminal, two_stations
from tests.counter_bench import HEAD_KEY, OTHER_RESIDENT, RESIDENT, World
from tests.issuance.rest import bodies, check_rest, cut, new_world, step_of_commit
from tests.stores import Store


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path, store: Store) -> World:
    return new_world(tmp_path, fresh_authority, store)


@pytest.fixture
def town(world: World) -> TwoStations:
    return two_stations(world)


@pytest.mark.parametrize("delivery", Delivery)
def test_a_certificate_is_issued_across_two_stations(town: TwoStations, delivery: Delivery) -> None:
    town.world.delivery = delivery
    with town.attended(town.desk()):
        closed = issue_at_terminal(town, town.remote())
    check_rest(town.world, [closed])


class Watching(PlayedClerk):
    """A clerk who remembers what he was shown."""

    shown: list[IdentityQuestion]

    def check_identity(self, question: IdentityQuestion) -> IdentityEvidence:
        self.shown.append(question)
        return super().check_identity(question)

    def approve(self, question: IdentityQuestion) -> None:
        self.shown.append(question)


def watching(town: TwoStations) -> Watching:
    clerk = Watching(ClerkTable(tendered_yen=1000), "1", town.world.till)
    object.__setattr__(clerk, "shown", [])
    return clerk


def test_the_clerk_sees_the_registers_items_whatever_the_terminal_says(town: TwoStations) -> None:
    town.clerk = clerk = watching(town)
    true = town.world.station().register.find(RESIDENT)
    assert true is not None
    false = replace(true.items, name="偽　次郎")
    with town.attended(town.desk()):
        remote = town.remote()
        RemoteRegister(remote).find(RESIDENT)
        RemoteClerk(remote, "1").check_identity(IdentityQuestion("1", false, false, ()))
    (shown,) = clerk.shown
    assert (shown.register_items, shown.form_items, shown.differences) == (true.items, false, ("name",))


def test_the_substitutes_that_the_clerk_sees_are_of_his_own_register(town: TwoStations) -> None:
    town.clerk = clerk = watching(town)
    true = town.world.station().register.find("10000010091")
    assert true is not None
    certified = certify_items(true.items, true.kana)
    false = replace(certified, name="偽野　まもる")
    with town.attended(town.desk()):
        remote = town.remote()
        RemoteRegister(remote).find(true.code)
        for told in (false, None):
            question = IdentityQuestion("1", true.items, true.items, (), certified_items=told)
            RemoteClerk(remote, "1").check_identity(question)
    assert [shown.certified_items for shown in clerk.shown] == [certified, certified]
    assert certified.substituted == (("吉野　まもる", "吉"),)


def terms(town: TwoStations, **changes: Any) -> AuthorisationTerms:
    """What a terminal wants signed for its case, once its identity check is done."""
    world = town.world
    resident = world.station().register.find(RESIDENT)
    assert resident is not None
    case = world.station().journal.latest_case("1")
    assert case is not None
    made = AuthorisationTerms(
        operation="issue",
        case=case.pseudonym,
        station="demo",
        card_number=f"JUKI{RESIDENT:0>12}",
        items_hash=certify_items(resident.items, resident.kana).hash(),
        person=world.station().person(RESIDENT),
        nonce=bytes(16),
        issued_at=world.now,
        expires_at=world.now + datetime.timedelta(minutes=15),
        uptime=world.station().uptime(),
    )
    return dataclasses.replace(made, **changes)


def identified(town: TwoStations) -> IdentityQuestion:
    """A case that waits for the clerk's leave."""

    class Leaves(PlayedClerk):
        """Leaves before he approves."""

        def approve(self, question: IdentityQuestion) -> None:
            raise KeyboardInterrupt

    world = town.world
    clerk = Leaves(ClerkTable(), "1", world.till)
    with pytest.raises(KeyboardInterrupt):
        world.issue("1", persons=replace(world.persons("1"), clerk=clerk))
    resident = world.station().register.find(RESIDENT)
    assert resident is not None
    return IdentityQuestion("1", resident.items, resident.items, ())


def test_what_the_clerk_approved_is_signed_once(town: TwoStations) -> None:
    question = identified(town)
    with town.attended(town.desk()):
        remote = town.remote()
        RemoteRegister(remote).find(RESIDENT)
        RemoteClerk(remote, "1").approve(question)
        key = RemoteClerkKey(remote)
        wanted = terms(town)
        assert key.authorise(wanted).terms == wanted
        with pytest.raises(Refused, match="approved nothing"):
            key.authorise(wanted)


GROUNDS = (ExemptionGround("disaster", "災害による減免"),)


class Exempting(PlayedClerk):
    """A clerk who exempts from the fee with another."""

    def approve(self, question: IdentityQuestion) -> Exemption | None:
        assert question.exemptions == GROUNDS, "those of his own station, whatever the terminal offers"
        return Exemption("disaster", "second")


def test_two_at_the_clerks_station_exempt_from_the_fee_of_a_terminal(town: TwoStations) -> None:
    town.clerk = Exempting(ClerkTable(), "1", town.world.till)
    with town.attended(dataclasses.replace(town.desk(), exemptions=GROUNDS)):
        remote = town.remote()
        policy = town.world.station().policy
        exempting = replace(policy, fee=replace(policy.fee, exemptions=GROUNDS))
        station = town.terminal(remote, policy=exempting)
        issue(Application("1", RESIDENT), station, town.persons(remote), lambda _: None)
    assert town.world.till.total_yen() == 0
    (fee,) = [body for body in bodies(town.world) if "exempted" in body]
    assert fee["exempted"] is True and len(set(fee["operators"].split())) == 2


def test_two_clerks_sign_once_for_the_case_that_they_approved(town: TwoStations) -> None:
    question = replace(identified(town), exemptions=GROUNDS)
    town.clerk = Exempting(ClerkTable(), "1", town.world.till)
    desk = dataclasses.replace(town.desk(), exemptions=GROUNDS)
    with town.attended(desk):
        remote = town.remote()
        RemoteRegister(remote).find(RESIDENT)
        two, key, case = RemoteTwoClerks(remote), RemoteClerkKey(remote), terms(town).case

        def approve() -> None:
            assert RemoteClerk(remote, "1").approve(question) == Exemption("disaster", "second")

        approve()
        with pytest.raises(Refused, match="no two clerks"):
            two.exempt(case)  # the clerk's leave was not asked for
        key.authorise(terms(town))
        with pytest.raises(Refused, match="no two clerks"):
            two.exempt("f" * 32)
        for _ in range(2):
            with pytest.raises(Refused, match="no two clerks"):
                two.exempt(case)
        approve()
        key.authorise(terms(town))
        signed = two.exempt(case)
        assert (signed.terms.case, signed.terms.station, signed.terms.answer) == (case, "demo", "disaster")
        with pytest.raises(Refused, match="no two clerks"):
            two.exempt(case)
    noted = [json.loads(entry.body) for entry in desk.journal.entries() if '"exempted"' in entry.body]
    assert [(note["case"], note["terminal"]) for note in noted] == [(case, "demo")]
    assert len(set(noted[0]["operators"].split())) == 2 and "disaster" not in json.dumps(noted)


def test_an_exemption_that_was_not_used_is_gone_with_the_next_question(town: TwoStations) -> None:
    question = replace(identified(town), exemptions=GROUNDS)
    exempting, due = (kind(ClerkTable(), "1", town.world.till) for kind in (Exempting, PlayedClerk))
    with town.attended(dataclasses.replace(town.desk(), exemptions=GROUNDS)):
        remote = town.remote()
        RemoteRegister(remote).find(RESIDENT)
        town.clerk = exempting
        RemoteClerk(remote, "1").approve(question)
        RemoteClerkKey(remote).authorise(terms(town))
        town.clerk = due
        assert RemoteClerk(remote, "1").approve(question) is None
        with pytest.raises(Refused, match="no two clerks"):
            RemoteTwoClerks(remote).exempt(terms(town).case)


def test_an_approval_is_of_one_case_and_of_its_time(town: TwoStations) -> None:
    """A terminal that is told to begin anew under the same number has nothing signed on what was approved before."""
    question, world = identified(town), town.world
    with town.attended(town.desk()):
        remote = town.remote()
        RemoteRegister(remote).find(RESIDENT)
        RemoteClerk(remote, "1").approve(question)
        world.now += datetime.timedelta(minutes=16)
        with pytest.raises(Refused, match="another time"):
            RemoteClerkKey(remote).authorise(terms(town))
        RemoteClerk(remote, "1").approve(question)
        (record,) = world.station().journal.unfinished_cases()
        abort(record, world.station(), world.persons("1"))
        identified(town)
        with pytest.raises(Refused, match="another case"):
            RemoteClerkKey(remote).authorise(terms(town))


@pytest.mark.parametrize(
    ("operation", "offered"), [("issue", (ExemptionGround("friendship", "知り合い"),)), ("reset_password", GROUNDS)]
)
def test_no_ground_is_shown_that_the_terminal_lacks_or_for_anything_else(
    town: TwoStations, operation: Operation, offered: tuple[ExemptionGround, ...]
) -> None:
    town.clerk = clerk = watching(town)
    which = "signature" if operation == "reset_password" else None
    question = replace(identified(town), operation=operation, which=which, exemptions=offered)
    with town.attended(dataclasses.replace(town.desk(), exemptions=GROUNDS)):
        remote = town.remote()
        RemoteRegister(remote).find(RESIDENT)
        RemoteClerk(remote, "1").approve(question)
    assert [shown.exemptions for shown in clerk.shown] == [()]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"case": "f" * 32}, "another case"),
        ({"operation": "revoke"}, "something else"),
        ({"station": "window"}, "another case"),
        ({"items_hash": bytes(32)}, "another resident"),
        ({"person": bytes(32)}, "another resident"),
        ({"issued_at": datetime.timedelta(minutes=-6), "expires_at": datetime.timedelta(minutes=1)}, "another time"),
        ({"issued_at": datetime.timedelta(minutes=6), "expires_at": datetime.timedelta(minutes=7)}, "another time"),
        ({"expires_at": datetime.timedelta(minutes=16)}, "another time"),
    ],
)
def test_nothing_else_is_signed(town: TwoStations, changes: dict[str, Any], reason: str) -> None:
    question = identified(town)
    at = {k: town.world.now + v if isinstance(v, datetime.timedelta) else v for k, v in changes.items()}
    with town.attended(town.desk()):
        remote = town.remote()
        with pytest.raises(Refused, match="approved nothing"):
            RemoteClerkKey(remote).authorise(terms(town))
        RemoteRegister(remote).find(RESIDENT)
        RemoteClerk(remote, "1").approve(question)
        with pytest.raises(Refused, match=reason):
            RemoteClerkKey(remote).authorise(terms(town, **at))


def test_the_leave_is_for_the_resident_who_was_looked_up_when_the_clerk_approved(town: TwoStations) -> None:
    question = identified(town)
    with town.attended(town.desk()):
        remote = town.remote()
        RemoteRegister(remote).find(OTHER_RESIDENT)
        RemoteClerk(remote, "1").approve(question)
        RemoteRegister(remote).find(RESIDENT)
        with pytest.raises(Refused, match="another resident"):
            RemoteClerkKey(remote).authorise(terms(town))


def test_no_keys_are_given_for_another_stations_leave_or_for_none(town: TwoStations) -> None:
    challenge = ChannelChallenge("JUKI", ChannelPurpose.ISSUE, 0x30, bytes(8), bytes(8), bytes(8))
    clerk_key = town.world.station().clerk_key
    identified(town)
    with town.attended(town.desk()):
        keys = remote_card_keys(town.remote())
        with pytest.raises(Refused, match="another station's"):
            keys(clerk_key.authorise(terms(town, station="window")))(challenge)
        with pytest.raises(Refused, match="another card"):
            keys(clerk_key.authorise(terms(town)))(challenge)


def test_a_clerks_station_whose_token_is_lost_says_so(town: TwoStations) -> None:
    class Lost(CardIssuer):
        """Has its masters in a token that was pulled."""

        def session_keys(self, challenge: ChannelChallenge) -> SessionKeys:
            raise TokenUnusable("token issuer: DeviceRemoved")

    challenge = ChannelChallenge("JUKI", ChannelPurpose.ISSUE, 0x30, bytes(8), bytes(8), bytes(8))
    identified(town)
    desk = town.desk()
    leave = terms(town, card_number="JUKI")
    desk.card_desk = replace(desk.card_desk, issuer=Lost({}), stage_of=lambda _: Stage.AUTHORISED)
    with (
        town.attended(desk),
        pytest.raises(IssuerKeysUnavailable, match="clerk's station: token issuer: DeviceRemoved"),
    ):
        remote_card_keys(town.remote())(town.world.station().clerk_key.authorise(leave))(challenge)


def test_what_persons_answer_comes_back_as_they_gave_it(town: TwoStations) -> None:
    class Own(PlayedClerk):
        """Says what nobody else says."""

        def take_fee(self, due_yen: int, deposit: OpenDeposit = CLERK_ALONE) -> int:
            raise Abandoned(Actor.RESIDENT, "too_little_money")

        def look_at_paper(self, receipt_number: int) -> PaperSeen:
            return PaperSeen.PARTLY

        def mind_cash(self, trouble: CashTrouble) -> None:
            minded.append(trouble)

    minded: list[CashTrouble] = []
    town.clerk = Own(ClerkTable(cannot_tell=True), "1", town.world.till)
    with town.attended(town.desk()):
        clerk = RemoteClerk(town.remote(), "1")
        with pytest.raises(Abandoned, match="stopped by resident: too_little_money"):
            clerk.take_fee(500)
        with pytest.raises(CannotTell):
            clerk.count_payment(500, MachineMoney())
        assert clerk.look_at_paper(1) is PaperSeen.PARTLY
        assert clerk.is_card_returned() is True
        clerk.give_change(0)
        clerk.repay(0)
        for trouble in CashTrouble:
            clerk.mind_cash(trouble)
    assert minded == list(CashTrouble)


def test_a_window_that_is_closed_takes_the_case_back(town: TwoStations) -> None:
    town.line("window")
    remote = town.remote(patience_s=0.1)
    with pytest.raises(LinkLost):
        RemoteRegister(remote).find(RESIDENT)
    with pytest.raises(Abandoned, match="station_lost"):
        RemoteClerk(remote, "1").take_fee(500)
    with pytest.raises(RolledBack, match="K-DEVICE-001"):
        issue_at_terminal(town, remote)


def test_what_is_no_question_is_denied(town: TwoStations) -> None:
    with town.attended(town.desk()):
        remote = town.remote()
        with pytest.raises(Refused, match="not a question"):
            remote.ask(asking.Asking("open the safe", str, bool), "")
        with pytest.raises(Refused, match="not a question"):
            remote.ask(asking.Asking("fee", str, int), "all of it")


def test_a_register_is_not_looked_through_from_a_terminal(town: TwoStations) -> None:
    with pytest.raises(Refused, match="clerk's station"):
        RemoteRegister(town.remote()).residents()


def test_a_window_that_dies_while_money_changes_hands_leaves_it_to_a_count(town: TwoStations) -> None:
    """The clerk has the money in his hand when his station ends; the next one asks him how much there is."""
    taken = threading.Event()

    class Dying(PlayedClerk):
        """Takes the money, and his station ends before it can say so."""

        def take_fee(self, due_yen: int, deposit: OpenDeposit = CLERK_ALONE) -> int:
            super().take_fee(due_yen)
            taken.set()
            raise CancelledError

    def dies() -> bool:
        if taken.is_set():
            raise SystemExit
        return False

    town.clerk = Dying(ClerkTable(tendered_yen=1000), "1", town.world.till)
    dying = Attendance(town.desk(), lambda _: None, lambda _: None, time.monotonic)

    def serve() -> None:
        with suppress(SystemExit):
            dying.serve(dies)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()

    ended: list[BaseException] = []

    def at_terminal() -> None:
        try:
            issue_at_terminal(town, town.remote())
        except BaseException as error:
            ended.append(error)

    terminal = threading.Thread(target=at_terminal, daemon=True)
    terminal.start()
    assert taken.wait(60)
    thread.join()
    town.clerk = PlayedClerk(ClerkTable(tendered_yen=1000), "1", town.world.till)
    with town.attended(town.desk()):
        terminal.join()
    assert isinstance(ended[0], RolledBack)
    check_rest(town.world, [])


def test_an_interrupted_case_goes_on_at_a_terminal_whose_clerk_is_elsewhere(
    tmp_path: Path, fresh_authority: Path
) -> None:
    for step, clerk_table in (("fee", ClerkTable(cannot_tell=True)), ("receipt", ClerkTable(tendered_yen=1000))):
        world = new_world(tmp_path / step, fresh_authority)
        town = two_stations(world, PlayedClerk(clerk_table, "1", world.till))
        cut(world, step_of_commit(tmp_path / f"whole-{step}", fresh_authority, step, "done"), is_before=True)
        with town.attended(town.desk()):
            if clerk_table.cannot_tell:
                with pytest.raises(Suspect):
                    issue_at_terminal(town, town.remote())
            else:
                check_rest(world, [issue_at_terminal(town, town.remote())])


def test_a_clerk_signs_nothing_that_a_terminal_has_written(town: TwoStations) -> None:
    with pytest.raises(Refused, match="their own station"):
        RemoteClerkKey(town.remote()).testify(b"")


def test_who_is_asked_about_money_is_told_whose_it_is(town: TwoStations) -> None:
    """One clerk serves several terminals."""
    asked: list[tuple[str, str]] = []

    def clerk(question: Question, number: str) -> PlayedClerk:
        asked.append((question.asker, number))
        return PlayedClerk(ClerkTable(tendered_yen=1000), number, town.world.till)

    desk = replace(town.desk(), clerk=clerk)
    with town.attended(desk):
        RemoteClerk(town.remote(), "7").take_fee(500)
        RemoteClerk(town.remote(), "8").count_payment(500, MachineMoney(paid_yen=500))
    assert asked == [("demo", "7"), ("demo", "8")]


def test_the_clerk_who_is_there_now_is_named(town: TwoStations) -> None:
    key = RemoteClerkKey(town.remote())
    with town.attended(town.desk()):
        assert key.name == "demo"
    second = load_clerk_key(town.world.authority_directory / "clerks" / "second.pem")
    with town.attended(replace(town.desk(), clerk_key=second)):
        assert (key.name, key.certificate) == (second.name, second.certificate)


def test_a_leave_is_signed_for_the_card_of_its_case_alone(town: TwoStations) -> None:
    question = identified(town)
    with town.attended(town.desk()):
        remote = town.remote()
        key = RemoteClerkKey(remote)
        for number, reason in (("JUKI000000000000", "another card"), ("JUKI幌延", "card_number is ASCII")):
            RemoteRegister(remote).find(RESIDENT)
            RemoteClerk(remote, "1").approve(question)
            with pytest.raises(Refused, match=reason):
                key.authorise(terms(town, card_number=number))


def test_a_question_that_nobody_foresaw_ends_no_station(town: TwoStations, caplog: pytest.LogCaptureFixture) -> None:
    class Spoilt(KeyedIds):
        """Fails over what it is asked."""

        def card(self, card_number: str) -> bytes:
            return card_number.encode("ascii")

    with town.attended(replace(town.desk(), ids=Spoilt(bytes(16)))):
        remote = town.remote()
        with pytest.raises(Refused, match="could not be answered: UnicodeEncodeError"):
            remote.ask(asking.CARD, "幌延")
        assert RemoteRegister(remote).find(RESIDENT) is not None, "it serves on"
    assert "could not be answered" in caplog.text and "幌延" not in caplog.text


def test_what_was_taken_back_from_the_clerk_is_answered_by_nobody(town: TwoStations) -> None:
    class Withdrawn(PlayedClerk):
        """His screen was taken away."""

        def take_fee(self, due_yen: int) -> int:
            raise CancelledError

    town.clerk = Withdrawn(ClerkTable(), "1", town.world.till)
    fee = msgspec.json.encode(asking.Concerning("1", 500))
    with pytest.raises(CancelledError):
        town.desk().reply(Question("", "demo", asking.FEE.kind, fee))


def test_what_fails_while_money_changes_hands_stays_unknown(town: TwoStations) -> None:
    """The clerk's station cannot say how far it had come: nothing passes for not taken."""

    class Failing(PlayedClerk):
        """Has taken the money when his station's program fails."""

        def take_fee(self, due_yen: int) -> int:
            super().take_fee(due_yen)
            raise ZeroDivisionError

    town.clerk = Failing(ClerkTable(tendered_yen=1000), "1", town.world.till)
    with town.attended(town.desk()), pytest.raises(RolledBack):
        issue_at_terminal(town, town.remote())
    check_rest(town.world, [])


def test_who_looked_nobody_up_gets_nothing_approved_and_no_clerk_is_blamed(town: TwoStations) -> None:
    question = identified(town)
    with town.attended(town.desk()), pytest.raises(StationDenied, match="nobody of the register") as denied:
        RemoteClerk(town.remote(), "1").approve(question)
    assert (failure_code(denied.value), denied.value.by) == ("K-CASE-011", Actor.STATION)


def test_a_case_that_could_not_be_sealed_to_the_clerks_station_is_told_by_the_journal(
    town: TwoStations, caplog: pytest.LogCaptureFixture
) -> None:
    remote, world = town.remote(), town.world
    journal = Journal(
        open_database(world.database_url),
        "demo",
        StationKey(bytes(32)),
        lambda: world.now,
        head_key=HEAD_KEY,
        escrow_to=lambda: remote.line.escrow_to(WINDOW),
        clerks_station=WINDOW,
    )
    journal.open_case("1", b"{}")
    assert "opened unsealed: nobody vouches for station window" in caplog.text
    town.line(WINDOW)
    journal.open_case("2", b"{}")
    told = [(body.get("unsealed"), body.get("escrow")) for body in bodies(world) if body["event"] == "opened"]
    assert told == [(WINDOW, None), (None, WINDOW)]

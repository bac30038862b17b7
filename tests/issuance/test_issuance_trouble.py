"""What a person or a device does otherwise in one issuance, one thing at a time, and how the case ends then."""

import datetime
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hw.errors import CardRemoved, ReaderMissing
from hw.ports import CardSession, PinPolicy
from kiosk.authority.errors import AuthorityOutcomeUnknown, AuthorityRejected, CertificateUnacceptable
from kiosk.issuance.card_key import PROOF_TEXT, password_policy
from kiosk.issuance.failure import (
    AuthorisationUnfit,
    Halted,
    PasswordRulesIncompatible,
    Refusal,
    RolledBack,
    Suspect,
    failure_code,
)
from kiosk.issuance.persons import Abandoned, CannotTell, CardAction
from kiosk.issuance.report import Phase, StepReport
from kiosk.model.application import Closed, Delivery
from kiosk.model.certificate import CertificateState
from kiosk.model.policy import PasswordRules
from kiosk.model.step import Actor, Step
from kiosk.model.transition import Stage
from tests.counter_bench import PASSWORD, RESIDENT, World
from tests.issuance.otherwise import (
    But,
    always,
    raising,
    with_authority,
    with_card,
    with_clerk,
    with_resident,
)
from tests.issuance.rest import check_rest, cut, issued, new_world, step_of_commit


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path) -> World:
    return new_world(tmp_path / "world", fresh_authority)


# The card.


def test_who_puts_no_card_in_is_not_waited_for_without_end(world: World) -> None:
    asked: list[CardAction] = []
    with pytest.raises(RolledBack, match="K-CARD-002"):
        world.issue(persons=with_resident(world, card=asked.append))
    assert asked == [CardAction.INSERT]
    check_rest(world, [world.issue()])


def test_who_is_asked_for_the_card_of_his_case_is_told_that_it_must_be_the_same(
    world: World, tmp_path: Path, fresh_authority: Path
) -> None:
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, "generate_key", "intended"), is_before=True)
    world.hand.remove()
    asked: list[CardAction] = []
    persons = world.persons("1")

    def card(action: CardAction) -> None:
        asked.append(action)
        persons.resident.card(action)

    closed = world.issue(persons=replace(persons, resident=But(persons.resident, card=card)))
    assert asked == [CardAction.INSERT_SAME, CardAction.TAKE]
    check_rest(world, [closed])


def test_a_wrong_password_is_asked_again_and_the_attempts_that_remain_are_shown(
    world: World, tmp_path: Path, fresh_authority: Path
) -> None:
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, "request", "done"), is_before=True)
    attempts: list[int] = []
    given: list[bytearray] = []

    def enter_password(status: Any) -> bytearray:
        attempts.append(status.attempts_remaining)
        given.append(bytearray(PASSWORD.encode() if len(attempts) == 3 else b"Wrong000"))
        return given[-1]

    closed = world.issue(persons=with_resident(world, enter_password=enter_password))
    assert attempts == [attempts[0], attempts[0] - 1, attempts[0] - 2]
    assert [set(password) for password in given] == [{0}] * 3
    check_rest(world, [closed])


def test_a_card_that_makes_no_key_is_not_believed(world: World) -> None:
    chosen: list[bytearray] = []

    def choose_password(_: PinPolicy) -> bytearray:
        chosen.append(bytearray(PASSWORD.encode()))
        return chosen[-1]

    with pytest.raises(RolledBack, match="K-CARD-009"):
        world.issue(
            station=with_card(world, lambda _: {"generate_key": always(None)}),
            persons=with_resident(world, choose_password=choose_password),
        )
    assert set(chosen[0]) == {0}
    assert issued(world) == []
    check_rest(world, [world.issue()])


def test_a_certificate_that_does_not_come_back_from_the_card_is_revoked(world: World) -> None:
    with pytest.raises(RolledBack, match="K-CARD-009"):
        world.issue(station=with_card(world, lambda _: {"read_certificate": always(b"another")}))
    assert len(issued(world)) == 1
    check_rest(world, [])


def test_a_key_that_does_not_fit_its_certificate_is_found_before_anybody_pays(world: World) -> None:
    def signs_wrongly(card: CardSession) -> dict[str, object]:
        digest = hashlib.sha256(PROOF_TEXT).digest()
        return {"sign": lambda data, *use: bytes(256) if data.endswith(digest) else card.sign(data, *use)}

    with pytest.raises(RolledBack, match="K-CARD-009"):
        world.issue(station=with_card(world, signs_wrongly))
    check_rest(world, [])


def test_what_both_policy_and_card_accept_is_their_intersection() -> None:
    policy = PasswordRules(minimum_length=6, maximum_length=16, characters="ABC123", attempts=5)
    assert password_policy(policy, PinPolicy(4, 8, "3XBA")) == PinPolicy(6, 8, "AB3")
    assert password_policy(policy, PinPolicy(8, 20, "C")) == PinPolicy(8, 16, "C")
    assert password_policy(policy, PinPolicy(4, 6, "A")) == PinPolicy(6, 6, "A")
    for card in (PinPolicy(4, 5, "ABC123"), PinPolicy(4, 8, "xyz")):
        with pytest.raises(PasswordRulesIncompatible):
            password_policy(policy, card)


def test_a_card_on_which_no_password_is_possible_is_told(world: World) -> None:
    station = world.station()
    rules = replace(station.policy.passwords["signature"], minimum_length=300, maximum_length=300)
    policy = replace(station.policy, passwords={"signature": rules})
    with pytest.raises(RolledBack, match="K-CARD-008"):
        world.issue(station=replace(station, policy=policy))
    check_rest(world, [world.issue()])


# Taking the card.


def test_a_resident_who_leaves_his_card_gets_it_from_the_clerk(world: World) -> None:
    persons = world.persons("1")
    answers = iter([False, True])
    asked: list[CardAction] = []

    def card(action: CardAction) -> None:
        asked.append(action)
        if action is CardAction.INSERT:
            persons.resident.card(action)

    def is_card_returned() -> bool:
        if is_back := next(answers):
            world.hand.remove()
        return is_back

    reports: list[StepReport] = []
    closed = world.issue(
        persons=replace(
            persons,
            resident=But(persons.resident, card=card),
            clerk=But(persons.clerk, is_card_returned=is_card_returned),
        ),
        report=reports.append,
    )
    assert asked.count(CardAction.TAKE) == 2
    check_rest(world, [closed])


def test_a_reader_that_is_gone_cannot_tell_who_has_the_card_and_the_clerk_can(world: World) -> None:
    station = world.station()
    is_gone = False

    def report(step: StepReport) -> None:
        nonlocal is_gone
        is_gone = step.step is Step.TAKE_CARD and step.phase is Phase.BEGUN

    def is_card_present() -> bool:
        if is_gone:
            raise ReaderMissing("unplugged")
        return station.reader.is_card_present()

    reader: Any = But(station.reader, is_card_present=is_card_present)
    closed = world.issue(station=replace(station, reader=reader), report=report)
    world.hand.remove()
    check_rest(world, [closed])


def test_a_window_that_is_gone_is_told_before_anything_is_certified(world: World) -> None:
    with pytest.raises(RolledBack, match="K-READER-001"):
        world.issue(station=replace(world.station(), delivery=Delivery.WINDOW, window=None))
    assert issued(world) == []
    check_rest(world, [world.issue()])


# The authority.


def test_a_confirmation_that_was_made_before_it_is_refused_counts(world: World) -> None:
    def confirms_and_refuses(authority: Any) -> dict[str, object]:
        def confirm(der: bytes) -> None:
            authority.confirm(der)
            raise AuthorityRejected("certConfirmed", "confirmed before")

        return {"confirm": confirm}

    check_rest(world, [world.issue(station=with_authority(world, confirms_and_refuses))])


def test_a_certificate_that_is_not_the_one_asked_for_is_revoked(world: World) -> None:
    def another(authority: Any) -> dict[str, object]:
        def certify(der: bytes) -> object:
            raise CertificateUnacceptable(authority.certify(der).certificate, "another name")

        return {"certify": certify}

    with pytest.raises(RolledBack, match="K-CA-004"):
        world.issue(station=with_authority(world, another))
    assert len(issued(world)) == 1
    check_rest(world, [])


def test_what_the_authority_never_issued_need_not_be_revoked(world: World) -> None:
    answers = iter([AuthorityOutcomeUnknown("no answer"), AuthorityRejected("badRequest", "no")])

    def certify(_: bytes) -> object:
        raise next(answers)

    with pytest.raises(RolledBack, match="K-CA-002"):
        world.issue(station=with_authority(world, lambda _: {"certify": certify}))
    check_rest(world, [world.issue()])


@pytest.mark.parametrize(
    ("revoke", "code"),
    [(always(None), "K-CA-006"), (raising(AuthorityRejected("badRequest", "no")), "K-CA-003")],
)
def test_a_revocation_that_does_not_show_keeps_the_case_open(
    world: World, revoke: Callable[..., object], code: str
) -> None:
    leaves = with_resident(world, consent=raising(Abandoned(Actor.RESIDENT, "left")))
    with pytest.raises(Halted, match=code):
        world.issue(station=with_authority(world, lambda _: {"revoke": revoke}), persons=leaves)
    assert [case.stage for case in world.station().journal.unfinished_cases()] == [Stage.ROLLING_BACK]
    with pytest.raises(RolledBack, match="K-CASE-002"):
        world.issue()
    check_rest(world, [])


def test_a_request_that_is_made_after_the_clerks_leave_expired_is_not_sent(
    world: World, tmp_path: Path, fresh_authority: Path
) -> None:
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, "certify", "intended"), is_before=True)
    world.now += datetime.timedelta(minutes=15)
    with pytest.raises(RolledBack, match="K-CASE-001"):
        world.issue()
    assert issued(world) == []
    check_rest(world, [world.issue()])


def test_a_leave_that_no_clerk_signed_makes_no_key(world: World) -> None:
    station = world.station()
    forged: Any = But(
        station.clerk_key,
        authorise=lambda terms: replace(station.clerk_key.authorise(terms), signature=bytes(64)),
    )
    with pytest.raises(RolledBack) as ended:
        world.issue(station=replace(station, clerk_key=forged))
    assert ended.value.code == failure_code(AuthorisationUnfit("forged"))
    assert 0x46 not in {exchange.ins for exchange in world.hand.cards[RESIDENT].log}
    check_rest(world, [world.issue()])


# More than one process, and other days.


def test_who_goes_on_with_a_case_that_another_process_has_finished_is_stopped(world: World) -> None:
    clerk = world.persons("1").clerk
    closed: list[Closed] = []

    def check_identity(question: Any) -> object:
        closed.append(world.issue())
        return clerk.check_identity(question)

    with pytest.raises(Halted, match="K-CASE-005"):
        world.issue(persons=with_clerk(world, check_identity=check_identity))
    check_rest(world, closed)


def test_only_an_expired_certificate_does_not_stand_against_a_new_one(world: World) -> None:
    first = world.issue("1")
    leaves = with_clerk(world, check_identity=raising(Abandoned(Actor.CLERK, "left")))
    last_moment: Any = always(first.valid_until - datetime.timedelta(seconds=1))
    with pytest.raises(Refusal, match="E07"):
        world.issue("2", station=replace(world.station(), clock=last_moment), persons=leaves)
    expired: Any = always(first.valid_until)
    with pytest.raises(RolledBack, match="K-CASE-002"):
        world.issue("3", station=replace(world.station(), clock=expired), persons=leaves)


def test_a_store_of_an_earlier_day_does_not_revoke_what_the_authority_has_confirmed(
    tmp_path: Path, fresh_authority: Path
) -> None:
    commit = step_of_commit(tmp_path / "whole", fresh_authority, "fee", "intended")
    world = new_world(tmp_path / "world", fresh_authority)
    cut(world, commit, is_before=True)
    store = world.directory / "kiosk.db"
    yesterday = store.read_bytes()
    closed = world.issue()
    store.write_bytes(yesterday)
    leaves = with_resident(world, consent=raising(Abandoned(Actor.RESIDENT, "left")))
    with pytest.raises(Halted, match="K-STORE-001"):
        world.issue(persons=leaves)
    station = world.station()
    assert station.authority.status(closed.certificate).state is CertificateState.GOOD


# Who comes next.


# What is taken back although something else fails meanwhile.


def test_a_card_that_cannot_be_emptied_keeps_nobody_waiting(world: World) -> None:
    refuses = {"confirm": raising(AuthorityRejected("badRequest", "no"))}
    station = with_card(world, lambda _: {"erase": raising(CardRemoved("pulled"))})
    with pytest.raises(RolledBack, match="K-CA-005"):
        world.issue(station=replace(station, authority=But(station.authority, **refuses)))
    check_rest(world, [])


def test_who_cannot_be_named_leaves_the_case_where_it_was(tmp_path: Path, fresh_authority: Path) -> None:
    """The clerk's certificate is asked of his station, which can be gone; nobody is suspected of anything then."""
    commit = step_of_commit(tmp_path / "whole", fresh_authority, "receipt", "done")
    world = new_world(tmp_path / "world", fresh_authority)
    cut(world, commit, is_before=True)

    class KeyOfAStationThatIsGone:
        @property
        def certificate(self) -> bytes:
            raise Abandoned(Actor.CLERK, "gone")

    key: Any = KeyOfAStationThatIsGone()
    unsure = with_clerk(world, look_at_paper=raising(CannotTell()))
    with pytest.raises(Halted, match="K-CASE-012"):
        world.issue(station=replace(world.station(), clerk_key=key), persons=unsure)
    case = world.station().journal.latest_case("1")
    assert case is not None and case.stage is Stage.RETURNED
    check_rest(world, [world.issue()])


# What the authority did upon a request whose answer was lost.


@pytest.mark.parametrize(
    "fail_info", ["transactionIdInUse", "badTime", "duplicateCertReq", "signerNotTrusted", "badRequest", ""]
)
def test_who_is_refused_a_second_time_does_not_take_the_first_for_undone(world: World, fail_info: str) -> None:
    """An authority that keeps no answers, as another maker's may be: it has issued, and will not say so again."""

    def forgets(authority: Any) -> dict[str, object]:
        def certify(der: bytes) -> object:
            if issued(world):
                raise AuthorityRejected(fail_info, "used before")
            authority.certify(der)
            raise AuthorityOutcomeUnknown("no answer")

        return {"certify": certify}

    with pytest.raises(Halted, match="K-CA-003"):
        world.issue(station=with_authority(world, forgets))
    with pytest.raises(Halted, match="K-CA-003"):
        world.issue(station=with_authority(world, forgets))
    with pytest.raises(RolledBack, match="K-CA-002"):
        world.issue()
    check_rest(world, [])


@pytest.mark.parametrize(
    ("fail_info", "is_believed"),
    [
        ("transactionIdInUse", False),
        ("badTime", False),
        ("duplicateCertReq", False),
        ("badMessageCheck", False),
        ("certRevoked", False),
        ("notAuthorized", False),
        ("signerNotTrusted", False),
        ("badPOP", True),
    ],
)
def test_an_authority_without_a_record_is_believed_only_what_it_would_have_said_at_first(
    world: World, fail_info: str, is_believed: bool
) -> None:
    """Another maker's: whether its first answer was lost, or the request, nobody can look up."""
    answers: list[Exception] = [AuthorityOutcomeUnknown("no answer")]
    no_record = raising(AuthorityRejected("badRequest", "no such information"))

    def certify(_: bytes) -> object:
        raise answers.pop() if answers else AuthorityRejected(fail_info, "no")

    station = with_authority(world, lambda _: {"certify": certify, "station_record": no_record})
    with pytest.raises(RolledBack if is_believed else Suspect):
        world.issue(station=station)


def test_what_the_authority_says_that_it_did_not_issue_need_not_be_revoked(world: World) -> None:
    answers = iter([AuthorityOutcomeUnknown("no answer"), AuthorityRejected("badTime", "too late")])

    def certify(_: bytes) -> object:
        raise next(answers)

    with pytest.raises(RolledBack, match="K-CA-002"):
        world.issue(station=with_authority(world, lambda _: {"certify": certify}))
    check_rest(world, [world.issue()])


@pytest.mark.parametrize("reason", ["a rule", "a fault"])
def test_who_stops_what_is_over_stops_nothing(world: World, reason: str) -> None:
    """His finger was on the key while the case was taken back, or refused."""
    if reason == "a rule":
        world.issue("0")
        world.hand.insert(RESIDENT)
    persons = world.persons("1")

    def card(action: CardAction) -> None:
        if action is CardAction.TAKE:
            raise Abandoned(Actor.RESIDENT, "stopped")
        persons.resident.card(action)

    leaves = raising(Abandoned(Actor.RESIDENT, "left"))
    stopping = replace(persons, resident=But(persons.resident, card=card, consent=leaves))
    with pytest.raises(Refusal if reason == "a rule" else RolledBack):
        world.issue(persons=stopping)
    assert world.station().journal.unfinished_cases() == []

"""Changing a password and having one set anew: who may, what the card counts, what nobody tries by himself."""

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hw.errors import Refused
from hw.ports import ChannelChallenge, ChannelPurpose, PinPolicy, PinStatus
from hw.sim.card.faults import parse_card_faults
from kiosk.counter.clerk_key import ClerkKeyFile
from kiosk.issuance import change_password as change_module
from kiosk.issuance.change_password import Passwords, change_password
from kiosk.issuance.failure import GivenUp, Halted, Refusal, RolledBack
from kiosk.issuance.persons import Abandoned, AskedPassword, IdentityQuestion
from kiosk.issuance.unlock import unlock
from kiosk.model.authorisation import AuthorisationTerms
from kiosk.model.password_service import PasswordChangeApplication, PasswordChanged, UnlockApplication, Unlocked
from kiosk.model.step import Actor, PasswordChangeStep, UnlockStep
from kiosk.model.transition import Stage
from kiosk.played_persons import PlayedClerk
from kiosk.register.register import Register
from tests.counter_bench import OTHER_RESIDENT, PASSWORD, RESIDENT, World
from tests.issuance.served_counter import (
    NEW_PASSWORD,
    SERVICES,
    TRIES,
    Issued,
    Owner,
    Steps,
    check_books,
    has_password,
    persons,
    spend_tries,
    tries,
)

CHANGE, UNLOCK = SERVICES["change"], SERVICES["unlock"]


@pytest.fixture
def world(tmp_path: Path, issued: Issued) -> World:
    return issued.world(tmp_path / "world")


def change(world: World, owner: Owner | None = None) -> PasswordChanged:
    done = CHANGE(world, world.station(), persons(world, "1", owner))
    assert isinstance(done, PasswordChanged)
    return done


def reset(world: World, owner: Owner | None = None, **changes: Any) -> Unlocked:
    done = UNLOCK(world, world.station(**changes), persons(world, "1", owner))
    assert isinstance(done, Unlocked)
    return done


def stage(world: World, number: str) -> Stage:
    case = world.station().journal.latest_case(number)
    assert case is not None
    return case.stage


def new_world(issued: Issued, directory: Path, ins: int, serve: str, kind: str, which: int = -1) -> World:
    counted = issued.world(directory / "counted")
    card = counted.hand.cards[RESIDENT]
    SERVICES[serve](counted, counted.station(), persons(counted, "1"))
    number = [n for n, exchange in enumerate(card.log, 1) if exchange.ins == ins][which]
    world = issued.world(directory / "world")
    world.hand.cards[RESIDENT]._faults = parse_card_faults(f"{kind}@{number}")
    return world


# --- the owner changes it


def test_who_knows_the_old_password_gets_the_new_one(world: World) -> None:
    steps = Steps()
    change_password(PasswordChangeApplication("P-1"), world.station(), persons(world, "1"), steps)
    assert [report.step for report in steps.heard if not report.elapsed_ms] == list(PasswordChangeStep)
    assert not has_password(world, PASSWORD) and has_password(world, NEW_PASSWORD)
    assert stage(world, "P-1") is Stage.CHANGED
    assert not world.slot.is_card_present()
    check_books(world)


class Forgetful(Owner):
    """Types something wrong so many times first."""

    def __init__(self, world: World, wrong: int) -> None:
        super().__init__(world)
        self.wrong = wrong

    def enter_old_password(self, status: PinStatus, asked: AskedPassword) -> bytearray:
        typed = super().enter_old_password(status, asked)
        if self.wrong:
            self.wrong -= 1
            return bytearray(b"Wrong1234")
        return typed


def test_who_types_it_wrong_sees_how_often_he_may_still_and_is_asked_again(world: World) -> None:
    owner = Forgetful(world, 3)
    change(world, owner)
    assert owner.seen == [5, 4, 3, 2]
    assert has_password(world, NEW_PASSWORD) and tries(world) == TRIES


def test_who_types_it_wrong_too_often_is_shown_to_the_counter_and_has_changed_nothing(world: World) -> None:
    owner = Forgetful(world, 9)
    with pytest.raises(RolledBack, match="E15"):
        change(world, owner)
    assert owner.seen == [5, 4, 3, 2, 1]
    assert tries(world) == 0
    with pytest.raises(RolledBack, match="E15"):
        change(world, asked := Owner(world))
    assert asked.seen == []
    assert stage(world, "P-1") is Stage.CHANGE_ABANDONED


def test_no_password_is_chosen_before_the_old_one_was_right_nor_left_behind(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Passwords] = []
    monkeypatch.setattr(change_module, "Passwords", lambda: made.append(Passwords()) or made[-1])
    change(world)
    (kept,) = made
    assert not any(kept.old) and not any(kept.new)


@pytest.mark.parametrize("serve", [CHANGE, UNLOCK])
def test_a_card_without_a_password_is_refused(world: World, serve: Any) -> None:
    owner = Owner(world)
    owner._code = OTHER_RESIDENT
    with pytest.raises(Refusal, match="K-CARD-011"):
        serve(world, world.station(), persons(world, "1", owner))
    assert not world.slot.is_card_present()
    check_books(world)


class Stopping(Owner):
    """Stops when he is to choose."""

    def choose_password(self, policy: PinPolicy) -> bytearray:
        raise Abandoned(Actor.RESIDENT, "stopped")


@pytest.mark.parametrize("name", ["change", "unlock"])
def test_who_stops_before_the_card_was_told_has_changed_nothing(world: World, name: str) -> None:
    with pytest.raises(RolledBack, match="K-CASE-002"):
        SERVICES[name](world, world.station(), persons(world, "1", Stopping(world)))
    assert has_password(world, PASSWORD)
    SERVICES[name](world, world.station(), persons(world, "1"))
    assert has_password(world, NEW_PASSWORD)
    check_books(world)


_CHANGE_REFERENCE_DATA, _RESET_RETRY_COUNTER = 0x24, 0x2C


@pytest.mark.parametrize(("kind", "asked"), [("pull", [5, 4, 5]), ("pull-after", [5])])
def test_whether_an_interrupted_change_happened_is_asked_of_the_owner(
    tmp_path: Path, issued: Issued, kind: str, asked: list[int]
) -> None:
    world = new_world(issued, tmp_path, _CHANGE_REFERENCE_DATA, "change", kind)
    with pytest.raises(Halted, match="K-CARD-003"):
        change(world)
    assert stage(world, "P-1") is Stage.CHANGE_FILED
    change(world, owner := Owner(world))
    assert owner.seen == asked
    assert has_password(world, NEW_PASSWORD) and tries(world) == TRIES
    check_books(world)


def test_who_finds_out_by_locking_his_card_has_left_nothing_open(tmp_path: Path, issued: Issued) -> None:
    world = new_world(issued, tmp_path, _CHANGE_REFERENCE_DATA, "change", "pull")
    with pytest.raises(Halted):
        change(world)
    with pytest.raises(GivenUp, match="E15"):
        change(world, Owner(world, old="Wrong1234", new="Wrong5678"))
    assert tries(world) == 0
    assert stage(world, "P-1") is Stage.CHANGE_UNKNOWN
    check_books(world)


def test_another_card_does_not_tell_what_became_of_this_one(tmp_path: Path, issued: Issued) -> None:
    world = new_world(issued, tmp_path, _CHANGE_REFERENCE_DATA, "change", "pull-after")
    with pytest.raises(Halted):
        change(world)
    world.hand.insert(OTHER_RESIDENT)
    with pytest.raises(Halted, match="K-CARD-001"):
        change(world)
    assert stage(world, "P-1") is Stage.CHANGE_FILED


# --- the counter sets it anew


def test_a_locked_card_has_the_password_that_its_owner_chose(world: World) -> None:
    spend_tries(world, TRIES)
    steps = Steps()
    unlock(UnlockApplication("U-1", RESIDENT), world.station(), persons(world, "1"), steps)
    assert [report.step for report in steps.heard if not report.elapsed_ms] == list(UnlockStep)
    assert has_password(world, NEW_PASSWORD) and tries(world) == TRIES
    assert world.hand.memories[RESIDENT].read().keys
    check_books(world)


def test_the_certificate_and_its_key_stay(world: World, issued: Issued) -> None:
    before = world.hand.memories[RESIDENT].read()
    reset(world)
    after = world.hand.memories[RESIDENT].read()
    assert (after.files, after.keys) == (before.files, before.keys)


@pytest.mark.parametrize(("kind", "spent", "asked"), [("pull", 5, []), ("pull", 0, [5]), ("pull-after", 5, [5])])
def test_whether_an_interrupted_reset_happened_the_card_tells_or_its_owner(
    tmp_path: Path, issued: Issued, kind: str, spent: int, asked: list[int]
) -> None:
    world = new_world(issued, tmp_path, _RESET_RETRY_COUNTER, "unlock", kind)
    faults = world.hand.cards[RESIDENT]._faults
    world.hand.cards[RESIDENT]._faults = {}
    spend_tries(world, spent)
    world.hand.cards[RESIDENT]._faults = {n + len(world.hand.cards[RESIDENT].log): fault for n, fault in faults.items()}
    with pytest.raises(Halted, match="K-CARD-003"):
        reset(world)
    world.hand.cards[RESIDENT]._faults = {}
    reset(world, owner := Owner(world))
    assert owner.seen == asked
    assert has_password(world, NEW_PASSWORD) and tries(world) == TRIES
    check_books(world)


def test_a_leave_that_ran_out_meanwhile_sets_no_password(tmp_path: Path, issued: Issued) -> None:
    world = new_world(issued, tmp_path, _RESET_RETRY_COUNTER, "unlock", "pull")
    with pytest.raises(Halted):
        reset(world)
    world.hand.cards[RESIDENT]._faults = {}
    world.now += datetime.timedelta(minutes=16)
    with pytest.raises(Halted, match="K-CASE-001"):
        reset(world)
    assert has_password(world, PASSWORD)
    assert stage(world, "U-1") is Stage.UNLOCK_AUTHORISED


def test_who_is_not_in_the_register_gets_nothing(world: World) -> None:
    with pytest.raises(Refusal, match="E01"):
        unlock(UnlockApplication("U-1", "99999999999"), world.station(), persons(world, "1"), lambda _: None)


def test_whose_name_holds_what_is_no_character_is_told_so(world: World) -> None:
    station = world.station()
    resident = station.register.find(RESIDENT)
    assert resident is not None
    spoilt = replace(resident, items=replace(resident.items, name="幌\u200e延"))
    with pytest.raises(Refusal, match="E14"):
        unlock(
            UnlockApplication("U-1", RESIDENT),
            replace(station, register=Register((spoilt,))),
            persons(world, "1"),
            lambda _: None,
        )


def test_anothers_card_is_not_opened(world: World) -> None:
    with pytest.raises(Refusal, match="E06"):
        unlock(UnlockApplication("U-1", OTHER_RESIDENT), world.station(), persons(world, "1"), lambda _: None)
    assert has_password(world, PASSWORD)


def test_a_card_of_an_open_case_is_not_opened(tmp_path: Path, issued: Issued) -> None:
    world = new_world(issued, tmp_path, _CHANGE_REFERENCE_DATA, "change", "pull")
    with pytest.raises(Halted):
        change(world)
    with pytest.raises(Refusal, match="E18"):
        reset(world)


class Leaving(PlayedClerk):
    """A clerk who gives no leave."""

    def approve(self, question: IdentityQuestion) -> None:
        assert question.operation == "reset_password"
        raise Abandoned(Actor.CLERK, "stopped")


def test_without_the_clerks_leave_nothing_is_opened(world: World) -> None:
    who = persons(world, "1")
    assert isinstance(who.clerk, PlayedClerk)
    leaving = Leaving(who.clerk.table, who.clerk.payer, who.clerk.till)
    with pytest.raises(RolledBack, match="K-CASE-002"):
        UNLOCK(world, world.station(), replace(who, clerk=leaving))
    assert _RESET_RETRY_COUNTER not in {exchange.ins for exchange in world.hand.cards[RESIDENT].log}


@pytest.mark.parametrize(
    "changes",
    [
        {"operation": "issue", "which": None},
        {"operation": "revoke", "which": None},
        {"which": "authentication"},
        {"which": None},
        {"case": "c" * 32},
        {"card_number": "1" * 16},
    ],
)
def test_a_leave_for_something_else_opens_no_card(world: World, changes: dict[str, Any]) -> None:
    class OtherKey(ClerkKeyFile):
        def authorise(self, terms: AuthorisationTerms) -> Any:
            return super().authorise(replace(terms, **changes))

    key = world.station().clerk_key
    assert isinstance(key, ClerkKeyFile)
    with pytest.raises(RolledBack, match="K-CASE-006"):
        reset(world, clerk_key=OtherKey(key.name, key.key, key.certificate))
    assert has_password(world, PASSWORD)


def test_the_keys_for_resetting_are_given_for_nothing_but_that(world: World) -> None:
    """The desk itself refuses what a terminal that was taken over could ask for on this leave."""
    station = world.station()
    refused: list[str] = []

    def keys(authorisation: Any) -> Any:
        answer = station.card_keys(authorisation)

        def for_another_purpose(challenge: ChannelChallenge) -> Any:
            for purpose in (ChannelPurpose.ISSUE, ChannelPurpose.ERASE):
                with pytest.raises(Refused) as caught:
                    answer(replace(challenge, purpose=purpose))
                refused.append(str(caught.value))
            return answer(challenge)

        return for_another_purpose

    reset(world, card_keys=keys)
    assert len(refused) == 2 and all("does not" in reason for reason in refused)

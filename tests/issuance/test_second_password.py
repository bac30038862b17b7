"""The other password of a card that has two is changed and unlocked as the first is; neither touches the other."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hw.card.reader import Reader
from hw.errors import PinLocked, PinRefused
from hw.ports import KeyUse, PinPolicy, PinStatus
from hw.sim.card.faults import parse_card_faults
from kiosk.issuance.change_password import change_password
from kiosk.issuance.effect import outcome_in
from kiosk.issuance.failure import Halted, Refusal, RolledBack
from kiosk.issuance.persons import AskedPassword, IdentityEvidence, IdentityQuestion, Persons
from kiosk.issuance.unlock import UNLOCK_AUTHORISE, unlock
from kiosk.model.password_service import PasswordChangeApplication, UnlockApplication
from kiosk.model.policy import PasswordKind
from kiosk.model.step import PasswordChangeStep, UnlockStep
from kiosk.model.transition import Stage
from kiosk.played_persons import PlayedClerk, PlayedResident
from tests.counter_bench import RESIDENT
from tests.issuance.myna_counter import PASSWORD, PIN, PIV_PIN, MynaWorld, make_myna_authority, new_myna_world, piv_card

NEW = {KeyUse.SIGNATURE: "TESHIO1974", KeyUse.AUTHENTICATION: "9731"}
OLD = {KeyUse.SIGNATURE: PASSWORD, KeyUse.AUTHENTICATION: PIN}
TRIES = {KeyUse.SIGNATURE: 5, KeyUse.AUTHENTICATION: 3}
BOTH = pytest.mark.parametrize("use", KeyUse)


@dataclass
class Wish:
    """The resident's: which password he means, and what he has seen of both."""

    use: KeyUse = KeyUse.AUTHENTICATION
    shown: list[Mapping[KeyUse, PinStatus]] = field(default_factory=list)
    asked: list[AskedPassword] = field(default_factory=list)
    policies: list[PinPolicy] = field(default_factory=list)


class Owner(PlayedResident):
    """The card's owner."""

    def __init__(self, world: MynaWorld, wish: Wish) -> None:
        reader: Any = world.hand
        window: Any = world.window_hand
        super().__init__(RESIDENT, PASSWORD, reader, window)
        self.wish = wish

    def which_password(self, statuses: Mapping[KeyUse, PinStatus]) -> KeyUse:
        self.wish.shown.append(statuses)
        return self.wish.use

    def choose_password(self, policy: PinPolicy) -> bytearray:
        return self._chosen(KeyUse.SIGNATURE, policy)

    def choose_authentication_password(self, policy: PinPolicy) -> bytearray:
        return self._chosen(KeyUse.AUTHENTICATION, policy)

    def enter_old_password(self, status: PinStatus, asked: AskedPassword) -> bytearray:
        self.wish.asked.append(asked)
        return bytearray(OLD[asked.use].encode())

    def enter_new_password(self, status: PinStatus, asked: AskedPassword) -> bytearray:
        self.wish.asked.append(asked)
        return bytearray(NEW[asked.use].encode())

    def _chosen(self, use: KeyUse, policy: PinPolicy) -> bytearray:
        self.wish.policies.append(policy)
        return bytearray(NEW[use].encode())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority to copy."""
    return make_myna_authority(tmp_path_factory.mktemp("myna") / "ca")


@pytest.fixture
def world(tmp_path: Path, authority: Path) -> MynaWorld:
    """A resident has both of his certificates."""
    world = new_myna_world(tmp_path / "world", authority)
    world.issue()
    return world


def change(world: MynaWorld, wish: Wish, named: PasswordKind | None = None) -> None:
    who = Persons(Owner(world, wish), world.persons("1").clerk)
    change_password(PasswordChangeApplication("P-1", named), world.station(), who, lambda _: None)


def reset(world: MynaWorld, wish: Wish, named: PasswordKind | None = None) -> None:
    who = Persons(Owner(world, wish), world.persons("1").clerk)
    unlock(UnlockApplication("U-1", RESIDENT, named), world.station(), who, lambda _: None)


Serve = Callable[[MynaWorld, Wish, PasswordKind | None], None]
SERVED = pytest.mark.parametrize("serve", [change, reset])


def has(world: MynaWorld, use: KeyUse, password: str) -> bool:
    """Whether the card has it, as whoever holds the card can find out."""
    world.slot.insert(world.hand.cards[RESIDENT])
    try:
        with Reader(world.slot).session() as card:
            card.verify_pin(bytearray(password.encode()), use)
    except (PinRefused, PinLocked):
        return False
    finally:
        world.slot.remove()
    return True


@SERVED
@BOTH
def test_the_password_that_the_resident_means_is_replaced_and_the_other_stays(
    world: MynaWorld, serve: Serve, use: KeyUse
) -> None:
    other = next(each for each in KeyUse if each is not use)
    serve(world, wish := Wish(use), None)
    assert has(world, use, NEW[use]) and has(world, other, OLD[other])
    (shown,) = wish.shown
    assert {each: status.attempts_remaining for each, status in shown.items()} == TRIES
    assert {asked.use for asked in wish.asked} <= {use}


@SERVED
@BOTH
def test_a_password_that_was_named_is_not_asked_for_again(world: MynaWorld, serve: Serve, use: KeyUse) -> None:
    serve(world, wish := Wish(), "authentication" if use is KeyUse.AUTHENTICATION else "signature")
    assert wish.shown == [] and has(world, use, NEW[use])


@BOTH
def test_the_clerk_is_shown_which_password_he_gives_leave_for_and_signs_for_that(world: MynaWorld, use: KeyUse) -> None:
    shown: list[PasswordKind | None] = []

    class Watching(PlayedClerk):
        """Remembers which password stood on his screen."""

        def check_identity(self, question: IdentityQuestion) -> IdentityEvidence:
            shown.append(question.which)
            return super().check_identity(question)

        def approve(self, question: IdentityQuestion) -> None:
            shown.append(question.which)

    played = world.persons("1").clerk
    assert isinstance(played, PlayedClerk)
    who = Persons(Owner(world, Wish(use)), Watching(played.table, played.payer, played.till))
    unlock(UnlockApplication("U-1", RESIDENT), world.station(), who, lambda _: None)
    journal = world.station().journal
    record = journal.latest_case("U-1")
    assert record is not None
    authorised = outcome_in(journal.effect(record, UnlockStep.AUTHORISE), UNLOCK_AUTHORISE)
    assert authorised is not None and shown == [use.value] * 2
    assert authorised.authorisation.terms.which == use.value


def test_it_has_the_form_that_the_card_and_the_policy_give_it(world: MynaWorld) -> None:
    change(world, wish := Wish())
    (policy,), (asked,) = wish.policies, wish.asked
    assert policy == asked.policy == PinPolicy(4, 4, "0123456789")


def test_one_that_is_locked_is_shown_so_and_unlocked_and_the_other_keeps_its_tries(world: MynaWorld) -> None:
    for _ in range(TRIES[KeyUse.AUTHENTICATION]):
        assert not has(world, KeyUse.AUTHENTICATION, "0000")
    assert not has(world, KeyUse.SIGNATURE, "WRONG1")
    with pytest.raises(RolledBack, match="E15"):
        change(world, Wish())
    reset(world, wish := Wish())
    (shown,) = wish.shown
    assert [status.attempts_remaining for status in shown.values()] == [4, 0]
    assert has(world, KeyUse.AUTHENTICATION, NEW[KeyUse.AUTHENTICATION])
    world.slot.insert(world.hand.cards[RESIDENT])
    with Reader(world.slot).session() as card:
        assert [card.pin_status(use).attempts_remaining for use in KeyUse] == [4, 3]


@pytest.mark.parametrize("kind", ["pull", "pull-after"])
@pytest.mark.parametrize(("serve", "ins"), [(change, 0x24), (reset, 0x2C)])
def test_what_was_interrupted_goes_on_with_the_same_password(
    tmp_path: Path, authority: Path, world: MynaWorld, serve: Serve, ins: int, kind: str
) -> None:
    counted = new_myna_world(tmp_path / "counted", authority)
    counted.issue()
    serve(counted, Wish(), None)
    at = [n for n, exchange in enumerate(counted.hand.cards[RESIDENT].log, 1) if exchange.ins == ins][-1]
    world.hand.cards[RESIDENT]._faults = parse_card_faults(f"{kind}@{at}")
    with pytest.raises(Halted, match="K-CARD-003"):
        serve(world, Wish(), None)
    world.hand.cards[RESIDENT]._faults = {}
    serve(world, wish := Wish(KeyUse.SIGNATURE), None)
    assert wish.shown == [] and wish.asked[0].use is KeyUse.AUTHENTICATION
    assert has(world, KeyUse.AUTHENTICATION, NEW[KeyUse.AUTHENTICATION]) and has(world, KeyUse.SIGNATURE, PASSWORD)


@SERVED
def test_a_card_whose_keys_share_a_pin_has_one_password_and_nobody_is_asked(
    tmp_path: Path, authority: Path, monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    world = new_myna_world(tmp_path / "world", authority, password=PIV_PIN)
    world.hand.make = piv_card
    world.issue()
    with pytest.raises(Refusal, match="K-CARD-012"):
        serve(world, wish := Wish(), "authentication")
    monkeypatch.setitem(OLD, KeyUse.SIGNATURE, PIV_PIN)
    monkeypatch.setitem(NEW, KeyUse.SIGNATURE, "9731973")
    serve(world, wish, None)
    assert wish.shown == [] and has(world, KeyUse.SIGNATURE, "9731973")


def test_the_journal_says_which_without_saying_what(world: MynaWorld) -> None:
    change(world, Wish())
    journal = world.station().journal
    record = journal.latest_case("P-1")
    assert record is not None and record.stage is Stage.CHANGED
    effect = journal.effect(record, PasswordChangeStep.APPLICATION)
    assert effect is not None and json.loads(effect.outcome or b"{}")["which"] == "authentication"
    for raw in world.stored():
        for secret in (PASSWORD, NEW[KeyUse.SIGNATURE]):
            assert secret.encode() not in raw

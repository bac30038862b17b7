"""A card with two keys leaves the counter with two certificates, or with none that is worth anything."""

import datetime
import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from hw.ports import KeyUse, PinPolicy, PinStatus
from kiosk.authority.errors import AuthorityRejected
from kiosk.issuance.failure import CaseEnded, Refusal, RolledBack
from kiosk.issuance.persons import Abandoned
from kiosk.issuance.report import Phase, StepReport
from kiosk.issuance.revoke import revoke
from kiosk.issuance.second_certificate import second_certificate_of
from kiosk.journal.database import open_database
from kiosk.journal.verify import verify_chain
from kiosk.maintenance.reconcile import reconcile
from kiosk.model.application import Delivery
from kiosk.model.certificate import RevocationReason
from kiosk.model.revocation import RevocationApplication, RevocationCause
from kiosk.model.step import Actor, RevocationStep, Step, Supplement
from tests.counter_bench import RESIDENT, CuttingDatabase, PowerCut
from tests.issuance.myna_counter import (
    PIV_PIN,
    MynaHand,
    MynaWorld,
    check_both,
    make_myna_authority,
    new_myna_world,
    piv_card,
    states,
)
from tests.issuance.otherwise import But

SECOND = [step for step in Supplement if step is not Supplement.REPLACE_CARD_KEYS]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority of the policy, to copy."""
    return make_myna_authority(tmp_path_factory.mktemp("myna") / "ca")


@pytest.fixture
def world(tmp_path: Path, authority: Path) -> MynaWorld:
    return new_myna_world(tmp_path / "world", authority)


def bodies(world: MynaWorld) -> list[dict[str, str]]:
    return [json.loads(entry.body) for entry in world.station().journal.entries()]


@pytest.mark.parametrize("delivery", Delivery)
def test_both_certificates_are_valid_and_in_the_card_with_their_keys(
    tmp_path: Path, authority: Path, delivery: Delivery
) -> None:
    world = new_myna_world(tmp_path / "world", authority, delivery=delivery)
    steps: list[StepReport] = []
    closed = world.issue(report=steps.append)
    check_both(world, closed)
    assert [s.step for s in steps if s.phase is Phase.DONE] == list(Step), "what is told is the procedure's own steps"
    assert states(world) == ["authentication good", "signature good"]
    assert world.issue() == closed
    station = world.station()
    assert reconcile(station.journal, station.authority.station_record(), []) == []


def test_the_second_certificate_names_nobody_and_ends_with_the_first(world: MynaWorld) -> None:
    closed = world.issue()
    record = world.station().journal.latest_case("1")
    assert record is not None
    second = second_certificate_of(record, world.station().journal)
    assert second is not None
    certificate = x509.load_der_x509_certificate(second.certificate)
    assert "太郎".encode() not in second.certificate
    assert certificate.not_valid_after_utc == closed.valid_until


def test_a_power_cut_at_every_commit_of_the_second_certificate_is_resumed_to_a_clean_end(
    tmp_path: Path, authority: Path
) -> None:
    whole = new_myna_world(tmp_path / "whole", authority)
    whole.issue()
    commits = {number: body["event"] for number, body in enumerate(bodies(whole), 1) if body.get("step") in set(SECOND)}
    assert len(commits) == 2 * 4 + 2, "four effects with intent and outcome, two notes"
    for commit, event in commits.items():
        world = new_myna_world(tmp_path / str(commit), authority)
        # Intended and not done; done and not recorded. Before the one and after the other nothing is open.
        database = CuttingDatabase(open_database(world.database_url), commit, is_before=event == "done")
        with pytest.raises(PowerCut):
            world.issue(station=world.station(database))
        check_both(world, world.issue())
        assert states(world) == ["authentication good", "signature good"]
        verify_chain(world.station().journal.entries())


class Authority(But):
    """The authority, which rejects what is asked of it the n-th time."""

    def __init__(self, inner: object, what: str, at: int) -> None:
        self.asked = 0

        def ask(der: bytes) -> object:
            self.asked += 1
            if self.asked == at:
                raise AuthorityRejected("systemFailure", "not today")
            return getattr(inner, what)(der)

        super().__init__(inner, **{what: ask})


@pytest.mark.parametrize("what", ["certify", "confirm"])
@pytest.mark.parametrize("at", [1, 2])
def test_whichever_certificate_the_authority_refuses_both_are_taken_back_and_the_fee_is_returned(
    world: MynaWorld, what: str, at: int
) -> None:
    """The second one becomes valid first, so that it is the second confirmation that is the first certificate's."""
    station = world.station()
    with pytest.raises(RolledBack):
        world.issue(station=replace(station, authority=Authority(station.authority, what, at)))
    expected = (
        ["signature revoked"] if (what, at) == ("certify", 2) else ["authentication revoked", "signature revoked"]
    )
    assert states(world) == ([] if (what, at) == ("certify", 1) else expected)
    assert world.till.total_yen() == 0
    (store,) = world.hand.memories.values()
    assert not store.read().files.get(0x0001, b"").strip(b"\0")
    assert not store.read().files.get(0x000A, b"").strip(b"\0")
    check_both(world, world.issue())


def test_who_chooses_no_second_password_has_no_certificate_at_all(world: MynaWorld) -> None:
    def leave(_: object) -> bytearray:
        raise Abandoned(Actor.RESIDENT, "left")

    persons = world.persons("1")
    resident = But(persons.resident, choose_authentication_password=leave)
    with pytest.raises(RolledBack, match="K-CASE-002"):
        world.issue(persons=replace(persons, resident=resident))
    assert states(world) == []
    check_both(world, world.issue())


@pytest.mark.parametrize("event", ["done", "intended"])
def test_no_second_key_is_made_once_the_clerks_leave_has_run_out(tmp_path: Path, authority: Path, event: str) -> None:
    """The card's other key, which somebody may still need, would be gone for nothing."""
    world = new_myna_world(tmp_path / "world", authority)
    whole = new_myna_world(tmp_path / "whole", authority)
    whole.issue()
    step = Step.REQUEST if event == "done" else Supplement.SECOND_KEY
    commit = 1 + [(body.get("step"), body["event"]) for body in bodies(whole)].index((step, event))
    with pytest.raises(PowerCut):
        world.issue(station=world.station(CuttingDatabase(open_database(world.database_url), commit, is_before=False)))
    world.now += datetime.timedelta(hours=1)

    def choose(_: object) -> bytearray:
        raise AssertionError("nobody is asked for a password of a key that is not made")

    persons = world.persons("1")
    resident = But(persons.resident, choose_authentication_password=choose)
    with pytest.raises(RolledBack, match="K-CASE-001"):
        world.issue(persons=replace(persons, resident=resident))
    assert states(world) == []


def test_the_second_password_is_asked_again_after_an_interruption_and_its_tries_are_shown(
    tmp_path: Path, authority: Path
) -> None:
    world = new_myna_world(tmp_path / "world", authority)
    whole = new_myna_world(tmp_path / "whole", authority)
    whole.issue()
    commit = 1 + [body.get("step") for body in bodies(whole)].index(Supplement.SECOND_WRITE)
    with pytest.raises(PowerCut):
        world.issue(station=world.station(CuttingDatabase(open_database(world.database_url), commit, is_before=True)))
    tries, given = [], []

    def enter(status: PinStatus, policy: PinPolicy) -> bytearray:
        assert policy == PinPolicy(4, 4, "0123456789")
        tries.append(status.attempts_remaining)
        given.append(bytearray(b"4242" if len(tries) == 2 else b"0000"))
        return given[-1]

    persons = world.persons("1")
    resident = But(persons.resident, enter_authentication_password=enter)
    check_both(world, world.issue(persons=replace(persons, resident=resident)))
    assert tries == [3, 2]
    assert [set(password) for password in given] == [{0}] * 2


def test_a_resident_whose_second_certificate_is_valid_gets_no_other_and_keeps_his_key(world: MynaWorld) -> None:
    closed = world.issue()
    station = world.station()
    station.authority.revoke(station.authority.revoke_message(closed.certificate, RevocationReason.SUPERSEDED).der)
    (store,) = world.hand.memories.values()
    before = store.read().keys
    with pytest.raises(CaseEnded, match="E07"):
        world.issue("2")
    assert store.read().keys == before


@pytest.mark.parametrize("event", ["intended", "done"])
def test_both_are_revoked_with_the_card_that_holds_them_whatever_comes_between(world: MynaWorld, event: str) -> None:
    world.issue()
    world.hand.insert(next(iter(world.hand.memories)))
    application = RevocationApplication("R-1", RESIDENT, RevocationCause.WITHDRAWN, has_card=True)

    def cut(commit: int) -> None:
        database = CuttingDatabase(open_database(world.database_url), commit, is_before=event == "done")
        with pytest.raises(PowerCut):
            revoke(application, world.station(database), world.persons("R-1"), lambda _: None)

    # Of a revocation: opened, four steps of which the last two have an intent too, then the second certificate's.
    cut({"intended": 7, "done": 8}[event])
    assert bodies(world)[-1].get("step") in (RevocationStep.REVOKE, Supplement.SECOND_REVOCATION)
    revoke(application, world.station(), world.persons("R-1"), lambda _: None)
    assert states(world) == ["authentication revoked", "signature revoked"]
    assert {body["event"] for body in bodies(world) if body.get("step") == Supplement.SECOND_REVOCATION} >= {"done"}
    station = world.station()
    assert reconcile(station.journal, station.authority.station_record(), []) == []


def test_a_piv_card_has_both_under_its_one_pin(tmp_path: Path, authority: Path) -> None:
    world = new_myna_world(tmp_path / "world", authority, password=PIV_PIN)
    for hand in (world.hand, world.window_hand):
        assert isinstance(hand, MynaHand)
        hand.make = piv_card
    world.issue()
    assert states(world) == ["authentication good", "signature good"]
    world.hand.insert(next(iter(world.hand.memories)))
    with world.station().reader.session() as card:
        card.verify_pin(bytearray(PIV_PIN.encode()))
        for use in KeyUse:
            certificate = card.read_certificate(use)
            assert certificate is not None
            key = x509.load_der_x509_certificate(certificate).public_key().public_numbers()
            assert card.public_key(use).modulus == key.n


def test_a_card_of_one_key_has_one_certificate_under_any_policy(world: MynaWorld) -> None:
    juki = replace(world.station().policy, card_applications=("juki-2011",))
    with pytest.raises(RolledBack, match="E05"):
        world.issue(station=world.station(policy=juki))
    assert states(world) == []
    with pytest.raises(Refusal, match="E01"):
        world.issue("2", "99999999999")

"""An authority of another maker lost its first answer, refuses the bytes, and keeps no record: two clerks ask it."""

from pathlib import Path
from typing import Any

import pytest

from kiosk.authority.embedded.directory import DEMO_NAME, SECOND_CLERK
from kiosk.authority.errors import AuthorityOutcomeUnknown, AuthorityRejected, AuthorityUnreachable
from kiosk.counter.clerk_key import load_clerk_key
from kiosk.issuance.failure import Halted, RolledBack, Suspect
from kiosk.issuance.settle import question_of, settle
from kiosk.issuance.station import Station
from kiosk.issuance.steps import REVOKE
from kiosk.journal.records import CaseRecord
from kiosk.model.certificate import RevocationReason
from kiosk.model.step import Undo
from kiosk.model.testimony import AuthorityFound, TestimonyInvalid
from kiosk.model.transition import Stage
from tests.counter_bench import World
from tests.issuance.myna_counter import MynaWorld, make_myna_authority, new_myna_world, states
from tests.issuance.otherwise import raising, with_authority
from tests.issuance.rest import bodies, check_rest, issued, new_world

NO_RECORD = raising(AuthorityRejected("badRequest", "no such information"))
USED = AuthorityRejected("transactionIdInUse", "used before")


def forgetful(world: World, *, obeys: bool, at: int = 1) -> Station:
    """Its authority answers one request for a certificate, the n-th, with silence, and never again otherwise."""
    asked: list[bytes] = []

    def change(authority: Any) -> dict[str, object]:
        def certify(der: bytes) -> object:
            if der in asked:
                raise USED
            asked.append(der)
            if len(asked) < at:
                return authority.certify(der)
            if obeys:
                authority.certify(der)
            raise AuthorityOutcomeUnknown("no answer")

        return {"certify": certify, "station_record": NO_RECORD}

    return with_authority(world, change)


def suspect(world: World) -> CaseRecord:
    (case,) = world.station().journal.suspect_cases()
    return case


def two_clerks_say(world: World, answer: str = AuthorityFound.NONE_VALID) -> CaseRecord:
    keys = [load_clerk_key(world.authority_directory / "clerks" / f"{name}.pem") for name in (DEMO_NAME, SECOND_CLERK)]
    return settle(suspect(world), answer, world.station(), *keys)


def revoke_at_the_authority(world: World) -> None:
    """What its own people do, when they are asked to."""
    with world.authority.store.write(world.now) as books:
        for serial in [row.serial for row in books._run("SELECT serial FROM certificate WHERE state = 'pending'")]:
            books.revoke(serial, RevocationReason.SUPERSEDED, "by hand")


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path) -> World:
    return new_world(tmp_path / "world", fresh_authority)


@pytest.mark.parametrize("obeys", [True, False])
def test_two_clerks_ask_the_authority_and_the_case_ends(world: World, obeys: bool) -> None:
    station = forgetful(world, obeys=obeys)
    for _ in range(2):
        with pytest.raises(Suspect, match="K-CASE-013"):
            world.issue(station=station)
    assert (suspect(world).stage, suspect(world).code) == (Stage.CERTIFICATE_SUSPECT, "K-CASE-013")
    assert question_of(suspect(world)) is Undo.REVOKE
    told = [body for body in bodies(world) if body["event"] == Stage.CERTIFICATE_SUSPECT]
    assert [(body["by"], body.get("operator")) for body in told] == [("station", None)]
    if obeys:
        revoke_at_the_authority(world)
    assert two_clerks_say(world).stage is Stage.ROLLING_BACK
    with pytest.raises(RolledBack):
        world.issue(station=station)
    check_rest(world, [])
    check_rest(world, [world.issue()])


def test_what_the_authority_answers_after_all_is_revoked_though_two_clerks_knew_nothing_of_it(world: World) -> None:
    with pytest.raises(Suspect):
        world.issue(station=forgetful(world, obeys=True))
    two_clerks_say(world)
    with pytest.raises(RolledBack):
        world.issue()
    assert len(issued(world)) == 1
    check_rest(world, [])
    record = world.station().journal.latest_case("1")
    assert record is not None
    effect = world.station().journal.effect(record, REVOKE.step)
    assert effect is not None and effect.outcome is not None


def test_only_the_one_answer_upon_which_it_can_end_is_taken(world: World) -> None:
    with pytest.raises(Suspect):
        world.issue(station=forgetful(world, obeys=True))
    for answer in ("500", "whole", "", "valid"):
        with pytest.raises(TestimonyInvalid):
            two_clerks_say(world, answer)
    assert suspect(world).stage is Stage.CERTIFICATE_SUSPECT


def test_while_the_authority_is_away_nobody_is_asked(world: World) -> None:
    """It may answer yet, when it is back."""

    def away(authority: Any) -> dict[str, object]:
        first: list[Exception] = [AuthorityOutcomeUnknown("no answer")]

        def certify(der: bytes) -> object:
            raise first.pop() if first else AuthorityUnreachable("away")

        return {"certify": certify, "station_record": NO_RECORD}

    with pytest.raises(Halted, match="K-CA-001"):
        world.issue(station=with_authority(world, away))
    with pytest.raises(RolledBack):
        world.issue()
    check_rest(world, [])


@pytest.mark.parametrize("obeys", [True, False])
def test_the_first_certificate_stands_until_it_is_known_what_became_of_the_second(tmp_path: Path, obeys: bool) -> None:
    world: MynaWorld = new_myna_world(tmp_path / "world", make_myna_authority(tmp_path / "ca"))
    station = forgetful(world, obeys=obeys, at=2)
    with pytest.raises(Suspect, match="K-CASE-013"):
        world.issue(station=station)
    assert states(world) == ["authentication pending", "signature pending"][0 if obeys else 1 :]
    if obeys:
        revoke_at_the_authority(world)
    two_clerks_say(world)
    with pytest.raises(RolledBack):
        world.issue(station=station)
    assert states(world) == ["authentication revoked", "signature revoked"][0 if obeys else 1 :]

"""A revocation: who may, who signs, what the authority is told, what becomes of card and paper."""

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kiosk.authority.client import AuthorityClient
from kiosk.authority.embedded.directory import SECOND_CLERK
from kiosk.authority.errors import AuthorityUnreachable
from kiosk.counter.clerk_key import ClerkKeyFile, load_clerk_key, verify_countersignature
from kiosk.issuance.failure import Halted, NumberTaken, Refusal, RolledBack
from kiosk.issuance.filing import filed
from kiosk.issuance.persons import Abandoned, IdentityEvidence, IdentityQuestion, Persons
from kiosk.issuance.report import Phase
from kiosk.issuance.revoke import REVOCATION_AUTHORISE, revoke
from kiosk.issuance.station import Station
from kiosk.model.authorisation import AuthorisationInvalid, AuthorisationTerms
from kiosk.model.certificate import CertificateState
from kiosk.model.revocation import (
    REASON,
    CardEmptied,
    RevocationApplication,
    RevocationCause,
    RevocationClosed,
    RevocationNotice,
)
from kiosk.model.step import Actor, RevocationStep
from kiosk.model.transition import Procedure, Stage
from kiosk.played_persons import PlayedClerk
from kiosk.procedures import StationProcedures
from kiosk.register.register import Register
from tests.counter_bench import OTHER_RESIDENT, RESIDENT, World
from tests.issuance.otherwise import revoke_clerk
from tests.issuance.rest import cut, new_world, step_of_commit
from tests.issuance.rest import issued as issuances
from tests.issuance.served_counter import Issued, Steps, check_books, persons

WITHDRAWN = RevocationApplication("R-1", RESIDENT, RevocationCause.WITHDRAWN)
MOVED = replace(WITHDRAWN, cause=RevocationCause.MOVED)


@pytest.fixture
def world(tmp_path: Path, issued: Issued) -> World:
    return issued.world(tmp_path / "world")


def do(
    world: World,
    application: RevocationApplication = WITHDRAWN,
    *,
    station: Station | None = None,
    who: Persons | None = None,
    second: ClerkKeyFile | None = None,
) -> RevocationClosed:
    chosen = station or world.station()
    return revoke(application, chosen, who or persons(world, "R-1"), lambda _: None, second)


def state_of(world: World, issued: Issued) -> CertificateState:
    station = world.station()
    return station.authority.status(issued.closed.certificate).state


def second_clerk(world: World) -> ClerkKeyFile:
    return load_clerk_key(world.authority_directory / "clerks" / "second.pem")


def unfinished(world: World) -> list[Stage]:
    return [case.stage for case in world.station().journal.unfinished_cases(Procedure.REVOCATION)]


@pytest.mark.parametrize("cause", RevocationCause)
def test_the_authority_is_told_the_cause_and_the_paper_says_it(
    world: World, issued: Issued, cause: RevocationCause
) -> None:
    done = do(world, replace(WITHDRAWN, cause=cause), second=second_clerk(world))
    assert (done.serial, done.reason) == (issued.closed.serial, REASON[cause].value)
    station = world.station()
    status = station.authority.status(issued.closed.certificate)
    assert (status.state, status.reason) == (CertificateState.REVOKED, REASON[cause])
    words = {"withdrawn": "失効の申請", "compromised": "届出", "moved": "異動等", "erroneous": "記録の誤り"}
    text = world.printer_core.sheets[-1].text
    assert words[cause.value] in text and issued.closed.serial in text and "R-1" in text
    assert not any(word in text for other, word in words.items() if other != cause.value)
    assert done.notice == RevocationNotice(came_out=True)
    check_books(world)


@pytest.mark.parametrize("at", ["receipt", "half a receipt", "confirm"])
def test_a_certificate_is_revoked_though_its_own_case_is_not_at_its_end(
    tmp_path: Path, fresh_authority: Path, at: str
) -> None:
    """The printer is out of order when he reports his card stolen; his receipt comes later."""
    world = new_world(tmp_path / "w", fresh_authority)
    if at == "receipt":
        world.printer_core.set_paper("end")
        with pytest.raises(Halted, match="K-PRINTER-001"):
            world.issue()
        world.printer_core.set_paper("ok")
    else:
        step = "receipt" if at == "half a receipt" else "confirm"
        cut(world, step_of_commit(tmp_path / "whole", fresh_authority, step, "done"), is_before=True)
        world.hand.remove()
    (record,) = world.station().journal.unfinished_cases()
    done = do(world)
    station = world.station()
    assert [station.authority.status(der).state for _, der in issuances(world)] == [CertificateState.REVOKED]
    if at != "confirm":
        closed = world.issue()
        assert (closed.serial, closed.receipt_number, world.till.total_yen()) == (done.serial, 1, 500)
    else:
        # Nobody has told him that it was valid.
        with pytest.raises(RolledBack):
            world.issue()
        assert world.till.total_yen() == 0
    assert record.number == "1" and world.station().journal.unfinished_cases() == []


def test_every_step_is_reported_in_its_order_with_who_acts(world: World) -> None:
    steps = Steps()
    revoke(replace(WITHDRAWN, has_card=True), world.station(), persons(world, "R-1"), steps)
    assert [report.step for report in steps.heard if report.phase is Phase.DONE] == list(RevocationStep)
    (reported,) = [r for r in steps.heard if r.step is RevocationStep.REVOKE and r.phase is Phase.DONE]
    assert (reported.actor, reported.was_resumed) == (Actor.AUTHORITY, False)


def test_who_has_no_valid_certificate_of_this_station_is_told_so(world: World) -> None:
    with pytest.raises(Refusal, match="E24"):
        do(world, replace(WITHDRAWN, resident_code=OTHER_RESIDENT))
    do(world)
    with pytest.raises(Refusal, match="E24"):
        do(world, replace(WITHDRAWN, number="R-2"))


def test_a_certificate_that_has_ended_by_itself_is_not_revoked(world: World) -> None:
    world.now += datetime.timedelta(days=3 * 366)
    with pytest.raises(Refusal, match="E24"):
        do(world)


def without_the_resident(station: Station) -> Register:
    everybody = station.register.residents()
    return Register(tuple(resident for resident in everybody if resident.code != RESIDENT))


def test_who_is_not_in_the_register_cannot_apply_and_the_office_can_act_on_that(world: World, issued: Issued) -> None:
    station = world.station()
    gone = replace(station, register=without_the_resident(station))
    with pytest.raises(Refusal, match="E01"):
        do(world, station=gone)
    assert state_of(world, issued) is CertificateState.GOOD
    do(world, MOVED, station=gone, second=second_clerk(world))
    assert state_of(world, issued) is CertificateState.REVOKED


class Looking(PlayedClerk):
    """A clerk whose questions are remembered."""

    def check_identity(self, question: IdentityQuestion) -> IdentityEvidence:
        self.__dict__.setdefault("asked", []).append(("identity", question))
        return super().check_identity(question)

    def approve(self, question: IdentityQuestion) -> None:
        self.__dict__.setdefault("asked", []).append(("approve", question))


def looking(world: World) -> tuple[Persons, Looking]:
    who = persons(world, "R-1")
    assert isinstance(who.clerk, PlayedClerk)
    clerk = Looking(who.clerk.table, who.clerk.payer, who.clerk.till)
    return replace(who, clerk=clerk), clerk


def test_the_clerk_sees_the_certificate_beside_the_register_and_for_what_he_gives_leave(world: World) -> None:
    station = world.station()
    renamed = [
        replace(one, items=replace(one.items, name="幌延　次郎")) if one.code == RESIDENT else one
        for one in station.register.residents()
    ]
    who, clerk = looking(world)
    do(world, station=replace(station, register=Register(tuple(renamed))), who=who)
    (identity, question), (approve, again) = clerk.__dict__["asked"]
    assert (identity, approve, again) == ("identity", "approve", question)
    assert (question.operation, question.differences, question.application_number) == ("revoke", ("name",), "R-1")
    assert (question.register_items.name, question.form_items.name) == ("幌延　次郎", "幌延　太郎")


def test_on_information_nobody_is_identified_and_a_second_clerk_signs(world: World, issued: Issued) -> None:
    who, clerk = looking(world)
    with pytest.raises(Halted, match="K-CASE-008"):
        do(world, MOVED, who=who)
    assert unfinished(world) == [Stage.REVOCATION_IDENTIFIED]
    assert clerk.__dict__.get("asked") is None
    do(world, MOVED, who=who, second=second_clerk(world))
    assert [name for name, _ in clerk.__dict__["asked"]] == ["approve"]
    (case,) = [case for case in world.station().journal.cases() if case.number == "R-1"]
    record = world.station().journal.effect(case, RevocationStep.AUTHORISE)
    assert record is not None and record.outcome is not None
    authorised = msgspec.json.decode(record.outcome, type=REVOCATION_AUTHORISE.outcome)
    issuers = world.station().generations
    verify_countersignature(authorised.authorisation, authorised.second, issuers, world.now)
    assert authorised.authorisation.terms.operation == "revoke"


def test_one_clerk_alone_does_not_revoke_on_information_by_signing_twice(world: World, issued: Issued) -> None:
    with pytest.raises(Halted, match="K-CASE-006"):
        do(world, MOVED, second=load_clerk_key(world.authority_directory / "clerks" / "demo.pem"))
    assert state_of(world, issued) is CertificateState.GOOD
    assert unfinished(world) == [Stage.REVOCATION_AUTHORISED]


@pytest.mark.parametrize("whose", ["demo", SECOND_CLERK])
def test_the_leave_of_a_clerk_whose_certificate_was_revoked_revokes_nothing(
    world: World, issued: Issued, whose: str
) -> None:
    revoke_clerk(world, load_clerk_key(world.authority_directory / "clerks" / f"{whose}.pem"))
    with pytest.raises(Halted, match="K-CASE-006"):
        do(world, MOVED, second=second_clerk(world))
    assert state_of(world, issued) is CertificateState.GOOD


def test_a_leave_that_only_one_clerk_signed_is_none_for_two(world: World) -> None:
    station = world.station()
    terms = AuthorisationTerms(
        "revoke", "c" * 32, "demo", "1", bytes(32), bytes(32), bytes(16), world.now, world.now, station.uptime()
    )
    issuers = station.generations
    with pytest.raises(AuthorisationInvalid, match="needs two"):
        verify_countersignature(station.clerk_key.authorise(terms), None, issuers, world.now)


@pytest.mark.parametrize(
    "changes", [{"operation": "issue"}, {"case": "c" * 32}, {"items_hash": bytes(32)}, {"card_number": "1"}]
)
def test_a_leave_for_something_else_revokes_nothing(world: World, issued: Issued, changes: dict[str, Any]) -> None:
    station = world.station()

    class OtherKey(ClerkKeyFile):
        def authorise(self, terms: AuthorisationTerms) -> Any:
            return super().authorise(replace(terms, **changes))

    key = station.clerk_key
    assert isinstance(key, ClerkKeyFile)
    with pytest.raises(Halted, match="K-CASE-006"):
        do(world, station=replace(station, clerk_key=OtherKey(key.name, key.key, key.certificate)))
    assert state_of(world, issued) is CertificateState.GOOD


def test_a_clerk_who_stops_before_the_authority_was_asked_has_done_nothing(world: World, issued: Issued) -> None:
    class Stopping(PlayedClerk):
        def approve(self, question: IdentityQuestion) -> None:
            raise Abandoned(Actor.CLERK, "stopped")

    who = persons(world, "R-1")
    assert isinstance(who.clerk, PlayedClerk)
    stopping = Stopping(who.clerk.table, who.clerk.payer, who.clerk.till)
    with pytest.raises(RolledBack, match="K-CASE-002"):
        do(world, who=replace(who, clerk=stopping))
    assert (state_of(world, issued), unfinished(world)) == (CertificateState.GOOD, [])
    do(world)
    assert state_of(world, issued) is CertificateState.REVOKED


def with_authority_away(world: World) -> Station:
    class Away(AuthorityClient):
        def revoke(self, der: bytes) -> None:
            raise AuthorityUnreachable("away")

    station = world.station()
    station.authority.__class__ = Away
    return station


@pytest.mark.parametrize("cause", RevocationCause)
def test_what_goes_on_at_the_terminal_is_known_to_be_about_somebody_who_is_here_or_not(
    world: World, tmp_path: Path, cause: RevocationCause
) -> None:
    with pytest.raises(Halted, match="K-CA-001"):
        do(world, replace(WITHDRAWN, cause=cause), station=with_authority_away(world), second=second_clerk(world))
    procedures = StationProcedures(world.station(), "demo", tmp_path)
    kind, has_resident, _ = procedures.left("R-1")
    assert (kind, has_resident) == ("revoke", cause in (RevocationCause.WITHDRAWN, RevocationCause.COMPROMISED))


def test_an_authority_that_is_away_is_asked_again_at_the_next_start(world: World, issued: Issued) -> None:
    with pytest.raises(Halted, match="K-CA-001"):
        do(world, station=with_authority_away(world))
    assert unfinished(world) == [Stage.REVOCATION_AUTHORISED]
    do(world)
    assert state_of(world, issued) is CertificateState.REVOKED
    check_books(world)


@pytest.mark.parametrize(
    ("lies", "emptied"), [(RESIDENT, CardEmptied(True)), (OTHER_RESIDENT, CardEmptied(False, "K-CARD-001"))]
)
def test_only_the_certificates_own_card_is_emptied(world: World, lies: str, emptied: CardEmptied) -> None:
    world.issue("2", OTHER_RESIDENT)
    held = world.hand.memories[OTHER_RESIDENT].read()
    world.hand.insert(lies)
    done = do(world, replace(WITHDRAWN, has_card=True))
    assert done.card == emptied
    assert world.hand.memories[OTHER_RESIDENT].read().files == held.files
    assert ("消しました" in world.printer_core.sheets[-1].text) == emptied.is_emptied


def test_a_card_that_lies_at_the_window_is_emptied_there(world: World) -> None:
    world.window_hand.insert(RESIDENT)
    assert do(world, replace(WITHDRAWN, has_card=True)).card == CardEmptied(True)
    assert not world.window_slot.is_card_present()


def test_without_paper_it_is_revoked_all_the_same(world: World, issued: Issued) -> None:
    world.printer_core.set_paper("end")
    done = do(world)
    assert done.notice == RevocationNotice(False, "K-PRINTER-001")
    assert state_of(world, issued) is CertificateState.REVOKED


def test_the_same_number_for_something_else_is_taken(world: World) -> None:
    do(world)
    with pytest.raises(NumberTaken):
        do(world, replace(WITHDRAWN, has_card=True))
    (case,) = [case for case in world.station().journal.cases() if case.number == "R-1"]
    assert filed(case, world.station().journal, RevocationApplication) == WITHDRAWN

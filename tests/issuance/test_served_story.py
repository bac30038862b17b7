"""A revocation, a change of password and an unlocking, whole: what is told, recorded and asked in each."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hw.errors import LinkLost
from hw.ports import KeyUse, PrintOutcome
from hw.sim.card.card import VirtualCard
from kiosk.counter.clerk_key import load_clerk_key, operator_of
from kiosk.issuance.change_password import CHANGE, CHANGE_APPLICATION, ChangeIntent
from kiosk.issuance.effect import Effect, Note, intent_in, outcome_in
from kiosk.issuance.ended_cases import EndedCases
from kiosk.issuance.failure import CaseUnreadable, GivenUp, Halted, RolledBack
from kiosk.issuance.persons import Abandoned, CardAction, Persons
from kiosk.issuance.revoke import (
    EMPTY_CARD,
    NOTICE,
    REVOCATION,
    REVOCATION_APPLICATION,
    REVOCATION_AUTHORISE,
    REVOCATION_IDENTITY,
    revoke,
)
from kiosk.issuance.station import Station
from kiosk.issuance.steps import Revoked
from kiosk.issuance.unlock import (
    RESET,
    UNLOCK_APPLICATION,
    UNLOCK_AUTHORISE,
    UNLOCK_IDENTITY,
    ResetIntent,
)
from kiosk.journal.database import open_database
from kiosk.journal.records import CaseRecord
from kiosk.model.application import Closed
from kiosk.model.identity import IdentityDocument
from kiosk.model.password_service import (
    FiledPasswordChange,
    FiledUnlock,
    PasswordChangeApplication,
    PasswordChanged,
    UnlockApplication,
    Unlocked,
)
from kiosk.model.revocation import (
    CardEmptied,
    RevocationApplication,
    RevocationCause,
    RevocationClosed,
    RevocationNotice,
)
from kiosk.model.step import Actor
from tests.counter_bench import OTHER_RESIDENT, RESIDENT, CuttingDatabase, PowerCut, World, prepared_keys
from tests.issuance.otherwise import But, Noting, always, raising
from tests.issuance.served_counter import (
    NEW_PASSWORD,
    SERVICES,
    Issued,
    check_books,
    has_password,
    persons,
    tries,
)
from tests.issuance.test_told_story import lines, told

CARD = f"JUKI{RESIDENT:0>12}"
ISSUANCE = 21
"""So many entries of the issuance stand before those of the service."""

REVOKED = """revocation_opened attempt_number=1 beside=number
    done revocation_application beside=card
    done revocation_identity_check beside=person
    done revocation_authorise
    intended revocation
    done revocation
    intended revocation_empty_card
    done revocation_empty_card
    intended revocation_notice
    done revocation_notice"""
CHANGED = """password_change_opened attempt_number=1 beside=number
    done password_change_application beside=card
    intended password_change
    done password_change"""
UNLOCKED = """unlock_opened attempt_number=1 beside=number
    done unlock_application beside=card
    done unlock_identity_check beside=person
    done unlock_authorise
    intended password_reset
    done password_reset"""
STORIES = {"revoke": REVOKED, "change": CHANGED, "unlock": UNLOCKED}
NUMBERS = {"revoke": "R-1", "change": "P-1", "unlock": "U-1"}


@pytest.fixture
def world(tmp_path: Path, issued: Issued) -> World:
    return issued.world(tmp_path / "world")


def case_of(world: World, service: str) -> CaseRecord:
    case = world.station().journal.latest_case(NUMBERS[service])
    assert case is not None
    return case


def of(world: World, service: str) -> Callable[[Effect[Any, Any] | Note[Any]], Any]:
    """What a step of the service's case has yielded."""
    journal = world.station().journal
    case = case_of(world, service)
    return lambda effect: outcome_in(journal.effect(case, effect.step), effect)


def intended(world: World, service: str, effect: Effect[Any, Any]) -> Any:
    journal = world.station().journal
    return intent_in(journal.effect(case_of(world, service), effect.step), effect)


def serve(world: World, service: str, station: Station | None = None, who: Persons | None = None) -> object:
    return SERVICES[service](world, station or world.station(), who or persons(world, NUMBERS[service]))


@pytest.mark.parametrize("service", SERVICES)
def test_its_story(world: World, service: str) -> None:
    serve(world, service)
    assert told(world)[ISSUANCE:] == lines(STORIES[service])
    check_books(world)


def test_the_records_of_a_revocation(world: World, issued: Issued) -> None:
    closed = serve(world, "revoke")
    recorded, case, station = of(world, "revoke"), case_of(world, "revoke"), world.station()
    application = RevocationApplication("R-1", RESIDENT, RevocationCause.WITHDRAWN, has_card=True)
    filed, identified = recorded(REVOCATION_APPLICATION), recorded(REVOCATION_IDENTITY)
    resident = station.register.find(RESIDENT)
    assert resident is not None
    assert (filed.case, filed.application, filed.card_number) == (case.pseudonym, application, CARD)
    assert (filed.serial, filed.certificate) == (issued.closed.serial, issued.closed.certificate)
    assert (filed.items, filed.second_certificate) == (resident.items, b"")
    assert (identified.filed, identified.clerk, identified.checked_on) == (filed, "demo", station.today())
    assert identified.document is IdentityDocument.DRIVING_LICENCE
    authorised = recorded(REVOCATION_AUTHORISE)
    terms = authorised.authorisation.terms
    assert (authorised.identified, authorised.second) == (identified, None)
    assert (terms.operation, terms.case, terms.card_number, terms.which) == ("revoke", case.pseudonym, CARD, None)
    assert (terms.items_hash, terms.person) == (filed.items_hash, station.person(RESIDENT))
    assert intended(world, "revoke", REVOCATION).certificate == issued.closed.certificate
    assert recorded(REVOCATION) == Revoked("cessationOfOperation")
    assert recorded(EMPTY_CARD) == CardEmptied(is_emptied=True)
    assert recorded(NOTICE) == RevocationNotice(came_out=True)
    assert case.person == station.person(RESIDENT).hex()
    card, notice = CardEmptied(is_emptied=True), RevocationNotice(came_out=True)
    assert closed == RevocationClosed(case.pseudonym, filed.serial, "cessationOfOperation", card, notice)
    text = world.printer_core.sheets[-1].text
    assert "カードの中の鍵は消しました。" in text and "消していません" not in text


def test_a_head_is_signed_with_the_notice(world: World) -> None:
    serve(world, "revoke")
    with open_database(world.database_url).read() as transaction:
        assert transaction.run("SELECT MAX(size) FROM heads").scalar_one() == len(told(world))


def test_the_records_of_a_change(world: World) -> None:
    changed = serve(world, "change")
    recorded, case = of(world, "change"), case_of(world, "change")
    assert intended(world, "change", CHANGE_APPLICATION) == PasswordChangeApplication("P-1")
    assert recorded(CHANGE_APPLICATION) == FiledPasswordChange(case.pseudonym, CARD, "signature")
    assert intended(world, "change", CHANGE) == ChangeIntent(CARD)
    assert recorded(CHANGE) == changed == PasswordChanged(case.pseudonym)


def test_the_records_of_an_unlocking(world: World) -> None:
    unlocked = serve(world, "unlock")
    recorded, case, station = of(world, "unlock"), case_of(world, "unlock"), world.station()
    resident = station.register.find(RESIDENT)
    application = UnlockApplication("U-1", RESIDENT)
    filed = FiledUnlock(case.pseudonym, application, CARD, 5, "signature")
    identified, authorised = recorded(UNLOCK_IDENTITY), recorded(UNLOCK_AUTHORISE)
    assert intended(world, "unlock", UNLOCK_APPLICATION) == application
    assert recorded(UNLOCK_APPLICATION) == identified.filed == filed
    assert (identified.resident, identified.clerk, identified.checked_on) == (resident, "demo", station.today())
    assert identified.document is IdentityDocument.DRIVING_LICENCE
    terms = authorised.authorisation.terms
    assert authorised.identified == identified
    assert (terms.operation, terms.which, terms.case) == ("reset_password", "signature", case.pseudonym)
    assert (terms.card_number, terms.items_hash, terms.person) == (
        CARD,
        identified.items_hash,
        station.person(RESIDENT),
    )
    assert (intended(world, "unlock", RESET), recorded(RESET)) == (ResetIntent(CARD, 5), Unlocked(case.pseudonym))
    assert unlocked == Unlocked(case.pseudonym) and case.person == station.person(RESIDENT).hex()


ASKED = {
    "revoke": ["check_identity", "approve", "card", "card"],
    "change": ["card", "enter_old_password", "choose_password", "card"],
    "unlock": ["card", "check_identity", "approve", "choose_password", "card"],
}


@pytest.mark.parametrize("service", SERVICES)
def test_what_persons_are_asked(world: World, service: str) -> None:
    notes: list[tuple[Any, ...]] = []
    who = persons(world, NUMBERS[service])
    resident: Any = Noting(who.resident, notes)
    clerk: Any = Noting(who.clerk, notes)
    if service == "revoke":
        world.hand.insert(RESIDENT)
    serve(world, service, who=Persons(resident, clerk))
    expected = ASKED[service] if service != "revoke" else ASKED[service][:-1]
    assert [name for name, *_ in notes] == expected
    assert notes[-1] == ("card", CardAction.TAKE)
    register = world.station().register.find(RESIDENT)
    assert register is not None
    operations = {"revoke": ("revoke", None), "unlock": ("reset_password", "signature")}
    for name, *words in notes:
        if name == "choose_password":
            assert (words[0].minimum_length, words[0].maximum_length) == (4, 16)
        if name == "enter_old_password":
            assert words[0].attempts_remaining == 5
            assert (words[1].use, words[1].policy.maximum_length) == (KeyUse.SIGNATURE, 16)
        if name in ("check_identity", "approve"):
            (question,) = words
            assert (question.application_number, question.differences) == (NUMBERS[service], ())
            assert question.register_items == question.form_items == register.items
            assert (question.operation, question.which) == operations[service]


@pytest.mark.parametrize(
    ("service", "commit"), [(service, n) for service, text in STORIES.items() for n in range(2, len(lines(text)) + 1)]
)
def test_a_service_whose_process_dies_before_a_commit(world: World, service: str, commit: int) -> None:
    """Done once; of a revocation the status service tells afterwards, of a password its owner."""
    database = CuttingDatabase(open_database(world.database_url), commit, is_before=True)
    with pytest.raises(PowerCut):
        serve(world, service, station=world.station(database))
    serve(world, service)
    story = lines(STORIES[service])
    lost = story[commit - 1]
    is_found = lost in ("done revocation", "done password_change", "done password_reset", "done revocation_notice")
    assert told(world)[ISSUANCE:] == [f"{line} auto=True" if is_found and line == lost else line for line in story]
    if service == "revoke":
        assert of(world, "revoke")(EMPTY_CARD).is_emptied
        assert of(world, "revoke")(NOTICE) == RevocationNotice(None if lost == "done revocation_notice" else True)
    else:
        assert has_password(world, NEW_PASSWORD) and tries(world) == 5
        outcome = CHANGE if service == "change" else RESET
        assert of(world, service)(outcome).case == case_of(world, service).pseudonym
    check_books(world)


def test_a_change_of_which_nobody_can_find_out_any_more_tells_why(world: World) -> None:
    """Its owner types neither what he chose nor what he had, until the card is locked."""
    database = CuttingDatabase(open_database(world.database_url), 4, is_before=True)
    with pytest.raises(PowerCut):
        serve(world, "change", station=world.station(database))
    who = persons(world, "P-1")

    def wrong(*_: object) -> bytearray:
        return bytearray(b"Wrong1234")

    forgetful: Any = But(who.resident, enter_new_password=wrong, enter_old_password=wrong)
    with pytest.raises(GivenUp, match="E15"):
        serve(world, "change", who=Persons(forgetful, who.clerk))
    assert told(world)[-1] == "password_change_unknown by=station code=E15"


@pytest.mark.parametrize("service", SERVICES)
def test_who_leaves_before_anything_is_done_leaves_nothing(world: World, service: str) -> None:
    """The clerk at the leave, the resident at his new password."""
    left = Abandoned(Actor.RESIDENT if service == "change" else Actor.CLERK, "left")
    who = persons(world, NUMBERS[service])
    resident: Any = But(who.resident, choose_password=raising(left))
    clerk: Any = But(who.clerk, approve=raising(left))
    with pytest.raises(RolledBack, match="K-CASE-00"):
        serve(world, service, who=Persons(resident, clerk))
    *_, failed, ended = told(world)
    code = ended.rpartition("=")[2]
    actor = "resident" if service == "change" else "clerk"
    assert failed.endswith(f"code={code}") and f"by={actor}" in ended
    assert not has_password(world, NEW_PASSWORD) and not world.slot.is_card_present()


def test_on_information_two_clerks_sign_and_no_document_is_seen(world: World) -> None:
    moved = RevocationApplication("R-1", RESIDENT, RevocationCause.MOVED)
    station, who = world.station(), persons(world, "R-1")
    with pytest.raises(Halted):
        revoke(moved, station, who, lambda _: None)
    second = load_clerk_key(world.authority_directory / "clerks" / "second.pem")
    closed = revoke(moved, station, who, lambda _: None, second)
    recorded = of(world, "revoke")
    identified, authorised = recorded(REVOCATION_IDENTITY), recorded(REVOCATION_AUTHORISE)
    assert (identified.document, identified.clerk) == (None, "demo")
    assert operator_of(authorised.second.certificate) == operator_of(second.certificate)
    assert recorded(EMPTY_CARD) == closed.card == CardEmptied(is_emptied=False)
    assert (recorded(REVOCATION), closed.reason) == (Revoked("affiliationChanged"), "affiliationChanged")
    assert "異動等" in world.printer_core.sheets[-1].text


def test_a_second_clerk_who_is_not_needed_signs_nothing(world: World) -> None:
    application = RevocationApplication("R-1", RESIDENT, RevocationCause.WITHDRAWN)
    second = load_clerk_key(world.authority_directory / "clerks" / "second.pem")
    revoke(application, world.station(), persons(world, "R-1"), lambda _: None, second)
    assert of(world, "revoke")(REVOCATION_AUTHORISE).second is None


def issued_again(world: World) -> Closed:
    """His card makes another key, and he has another certificate."""
    world.hand.cards[RESIDENT] = VirtualCard(world.hand.memories[RESIDENT], make_key=lambda: prepared_keys()[1])
    world.hand.insert(RESIDENT)
    return world.issue("2")


def test_of_several_certificates_the_one_that_is_valid_is_found(world: World) -> None:
    serve(world, "revoke")
    newer = issued_again(world)
    application = RevocationApplication("R-2", RESIDENT, RevocationCause.WITHDRAWN)
    closed = revoke(application, world.station(), persons(world, "R-2"), lambda _: None)
    assert closed.serial == newer.serial


def test_a_case_that_cannot_be_read_keeps_nobody_from_the_one_that_can(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its records lie with a station that does not answer."""
    serve(world, "revoke")
    newer = issued_again(world)
    reopened = EndedCases.reopened

    def without_the_first(self: EndedCases, record: CaseRecord, code: str) -> CaseRecord | None:
        if record.number in unread:
            raise CaseUnreadable("gone")
        return reopened(self, record, code)

    monkeypatch.setattr(EndedCases, "reopened", without_the_first)
    unread = ["1", "2"]
    application = RevocationApplication("R-2", RESIDENT, RevocationCause.WITHDRAWN)
    with pytest.raises(Halted, match="K-DEVICE-001"):
        revoke(application, world.station(), persons(world, "R-2"), lambda _: None)
    unread = ["1"]
    closed = revoke(application, world.station(), persons(world, "R-2"), lambda _: None)
    assert closed.serial == newer.serial


def test_a_printer_that_fails_after_an_interruption_holds_nothing_up(world: World) -> None:
    """The notice may hang there, and is cut off if that can be."""
    database = CuttingDatabase(open_database(world.database_url), 10, is_before=True)
    with pytest.raises(PowerCut):
        serve(world, "revoke", station=world.station(database))
    station = world.station()
    failing: Any = But(station.printer, cut=raising(LinkLost("gone")), print=raising(LinkLost("gone")))
    serve(world, "revoke", station=replace(station, printer=failing))
    assert of(world, "revoke")(NOTICE) == RevocationNotice(None)


@pytest.mark.parametrize(("outcome", "came_out"), [(PrintOutcome.SENT, None), (PrintOutcome.CONFIRMED, True)])
def test_a_notice_that_no_printer_vouches_for(world: World, outcome: PrintOutcome, *, came_out: bool | None) -> None:
    station = world.station()
    asked: list[tuple[Any, ...]] = []
    silent: Any = Noting(But(station.printer, print=always(outcome)), asked)
    serve(world, "revoke", station=replace(station, printer=silent))
    assert of(world, "revoke")(NOTICE) == RevocationNotice(came_out)
    assert [name for name, *_ in asked] == ["render", "print"], "nothing hangs there that would have to be cut off"


@pytest.mark.parametrize("service", ["change", "unlock"])
def test_another_card_is_not_taken_for_the_one_of_the_case(world: World, service: str) -> None:
    world.issue("2", OTHER_RESIDENT)
    world.hand.remove()
    database = CuttingDatabase(open_database(world.database_url), 3, is_before=True)
    with pytest.raises(PowerCut):
        serve(world, service, station=world.station(database))
    world.hand.remove()
    who = persons(world, NUMBERS[service])
    other: Any = But(who.resident, card=lambda action: world.hand.insert(OTHER_RESIDENT))
    with pytest.raises(RolledBack, match="K-CARD-001"):
        serve(world, service, who=Persons(other, who.clerk))
    log = world.hand.cards[OTHER_RESIDENT].log
    change_reference_data, reset_retry_counter = 0x24, 0x2C
    before = sum(exchange.ins in (change_reference_data, reset_retry_counter) for exchange in log)
    assert before <= 1, "only its own issuance has set its password"
    world.hand.remove()

"""What each step of an issuance records, and that the same is told and recorded however the issuance is interrupted."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hw.errors import LinkLost
from hw.sim.card.personalization import new_card
from kiosk.issuance.effect import Effect, Note, intent_in, outcome_in
from kiosk.issuance.persons import IdentityEvidence
from kiosk.issuance.second_certificate import second_certificate_of
from kiosk.issuance.steps import (
    APPLICATION,
    AUTHORISE,
    CERTIFY,
    CLOSED,
    CONFIRM,
    ELIGIBILITY_AND_IDENTITY,
    FEE,
    GENERATE_KEY,
    READ_BACK,
    RECEIPT,
    REQUEST,
    SECOND_CERTIFY,
    SECOND_CONFIRM,
    SECOND_KEY,
    SECOND_READ_BACK,
    SECOND_REQUEST,
    SECOND_WRITE,
    TAKE_CARD,
    WRITE,
    CardTaken,
    Confirmed,
    FeeIntent,
    KeyIntent,
    WriteIntent,
    Written,
)
from kiosk.journal.database import open_database
from kiosk.model.application import Application, Closed, Delivery, PrintedReceipt, SettledFee
from kiosk.model.identity import IdentityDocument
from kiosk.model.policy import FeeRules
from kiosk.model.step import Step
from kiosk.model.transition import Stage
from tests.counter_bench import RESIDENT, CuttingDatabase, PowerCut, World, prepared_keys
from tests.issuance.myna_counter import MynaHand, MynaWorld, make_myna_authority, new_myna_world, states
from tests.issuance.otherwise import But, Noting, raising, with_clerk
from tests.issuance.rest import check_rest, cut, new_world, revocation_of, step_of_commit
from tests.issuance.test_told_story import told
from tests.journal.walked_case import walk
from tests.sweep import sweep

WHOLE = 21
"""So many entries does an issuance make, each with its commit."""
UNSEEN = (6, 9, 11, 14, 16, 20)
"""Those that say of an effect that it has happened."""
FOUND = {"generate_key", "certify", "write", "confirm"}
"""Steps of which the world itself says afterwards that they have happened."""


def recorded(world: World, effect: Effect[Any, Any] | Note[Any]) -> Any:
    journal = world.station().journal
    case = journal.latest_case("1")
    assert case is not None
    return outcome_in(journal.effect(case, effect.step), effect)


def intended(world: World, effect: Effect[Any, Any]) -> Any:
    journal = world.station().journal
    case = journal.latest_case("1")
    assert case is not None
    return intent_in(journal.effect(case, effect.step), effect)


def check_records(
    world: World,
    closed: Closed,
    *,
    delivery: Delivery = Delivery.TERMINAL,
    tendered_yen: int = 1000,
    copies: int = 0,
) -> None:
    """Every step's record, against the card, the authority and the paper that it is of."""
    station = world.station()
    case = station.journal.latest_case("1")
    assert case is not None and closed.case == case.pseudonym
    resident = station.register.find(RESIDENT)
    assert resident is not None
    number, person = f"JUKI{RESIDENT:0>12}", station.person(RESIDENT).hex()
    filed, identified = recorded(world, APPLICATION), recorded(world, ELIGIBILITY_AND_IDENTITY)
    assert (filed.case, filed.card_number, filed.delivery) == (case.pseudonym, number, delivery)
    assert intended(world, APPLICATION) == filed.application == Application("1", RESIDENT)
    assert (identified.eligible.filed, identified.eligible.resident) == (filed, resident)
    assert (identified.document, identified.clerk, identified.document_beside) == (
        IdentityDocument.DRIVING_LICENCE,
        "demo",
        None,
    )
    assert identified.checked_on == station.today()
    terms = recorded(world, AUTHORISE).authorisation.terms
    assert (terms.operation, terms.case, terms.station, terms.card_number) == ("issue", case.pseudonym, "demo", number)
    assert (terms.items_hash, terms.person.hex()) == (identified.eligible.items.hash(), person)
    assert terms.expires_at - terms.issued_at == station.authorisation_life
    assert intended(world, GENERATE_KEY) == KeyIntent(number, "")
    key = prepared_keys()[int(RESIDENT) % 4].public_key()
    made = recorded(world, GENERATE_KEY)
    assert made.public_key == key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert made.attestation_nonce == terms.nonce
    pending = recorded(world, CERTIFY)
    assert b"KJ1:" in intended(world, CERTIFY).der, "the authority is a witness of the journal"
    written = hashlib.sha256(pending.certificate).hexdigest()
    assert (intended(world, WRITE), recorded(world, WRITE)) == (WriteIntent(written), Written(written))
    assert recorded(world, READ_BACK).certificate == pending.certificate == closed.certificate
    settled = SettledFee(500, tendered_yen, tendered_yen - 500)
    assert (intended(world, FEE), recorded(world, FEE)) == (FeeIntent(500), settled)
    assert recorded(world, CONFIRM) == Confirmed(pending.serial)
    assert recorded(world, TAKE_CARD) == CardTaken("reader" if delivery is Delivery.TERMINAL else "clerk")
    receipt = intended(world, RECEIPT)
    assert (receipt.receipt.number, receipt.printed_on) == (1, world.now)
    assert recorded(world, RECEIPT) == PrintedReceipt(1, copies)
    assert recorded(world, CLOSED) == closed
    assert (closed.serial, closed.receipt_number, closed.valid_until) == (pending.serial, 1, pending.not_after)
    (found,) = station.journal.closed_cases_of(person)
    assert found.pseudonym == case.pseudonym
    card = station.card(number).hex()
    assert [one.pseudonym for one in station.journal.other_cases_with(card, station.journal.open_case("9", b"{}"))] == [
        case.pseudonym
    ]


@pytest.mark.parametrize("delivery", list(Delivery))
def test_an_issuance(tmp_path: Path, fresh_authority: Path, delivery: Delivery) -> None:
    world = new_world(tmp_path / "world", fresh_authority, delivery=delivery)
    check_records(world, world.issue(), delivery=delivery)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, fresh_authority: Path) -> list[str]:
    world = new_world(tmp_path_factory.mktemp("undisturbed") / "world", fresh_authority)
    world.issue()
    story = told(world)
    assert len(story) == WHOLE
    return story


@pytest.mark.parametrize("commit", sweep(range(2, WHOLE + 1), suite={commit - 2 for commit in UNSEEN}))
def test_an_issuance_whose_process_dies_before_a_commit(
    tmp_path: Path, fresh_authority: Path, undisturbed: list[str], commit: int
) -> None:
    """What had been done and not been recorded is done once; where the world says so, it is found."""
    world = new_world(tmp_path / "world", fresh_authority)
    cut(world, commit, is_before=True)
    lost = undisturbed[commit - 1]
    if undisturbed.index(lost) <= undisturbed.index("done take_card"):
        world.hand.insert(RESIDENT)
    closed = world.issue()
    is_found = lost.startswith("done") and lost.split()[1] in FOUND
    found = [f"{line} auto=True" if is_found and line == lost else line for line in undisturbed]
    assert told(world) == found
    check_rest(world, [closed])
    # Of money that is found by counting nobody knows any more how it was paid.
    tendered_yen = 500 if lost.startswith("done fee") else 1000
    # The clerk says of a paper that nobody has vouched for that he does not see it.
    copies = int(lost == "done receipt")
    check_records(world, closed, tendered_yen=tendered_yen, copies=copies)


@pytest.mark.parametrize("step", [step for step in Step if step in {*FOUND, "fee", "receipt"}])
def test_an_issuance_whose_process_dies_before_it_does_what_it_intended(
    tmp_path: Path, fresh_authority: Path, undisturbed: list[str], step: Step
) -> None:
    world = new_world(tmp_path / "world", fresh_authority)
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, step, "intended"), is_before=False)
    if step is not Step.RECEIPT:
        world.hand.insert(RESIDENT)
    closed = world.issue()
    # The same bytes are sent again: whether the first were heard makes no difference.
    assert told(world) == [
        line + " auto=True" if line == "done certify" == f"done {step}" else line for line in undisturbed
    ]
    check_rest(world, [closed])
    check_records(world, closed, copies=int(step is Step.RECEIPT))


def test_a_head_is_signed_when_money_was_taken_and_for_the_receipt(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "world", fresh_authority)
    world.issue()
    story = told(world)
    with open_database(world.database_url).read() as transaction:
        signed = [row.size for row in transaction.run("SELECT size FROM heads ORDER BY size")]
    assert signed == [story.index("done fee yen=500") + 1, story.index("numbered receipt=1") + 1]


def test_every_record_of_an_issuance_of_two_certificates_can_be_read(tmp_path: Path) -> None:
    """Also those that only an interruption makes it read."""
    world = new_myna_world(tmp_path / "world", make_myna_authority(tmp_path / "ca"))
    closed = world.issue()
    two_keys: tuple[Effect[Any, Any], ...] = (GENERATE_KEY, SECOND_KEY)
    two_messages: tuple[Effect[Any, Any], ...] = (CERTIFY, CONFIRM, SECOND_CERTIFY, SECOND_CONFIRM)
    assert [intended(world, effect).card_number for effect in two_keys] == [
        recorded(world, APPLICATION).card_number
    ] * 2
    assert len({recorded(world, effect).public_key for effect in two_keys}) == 2
    assert len({intended(world, effect).der for effect in two_messages}) == 4
    second = recorded(world, SECOND_CERTIFY)
    written = hashlib.sha256(second.certificate).hexdigest()
    assert (intended(world, SECOND_WRITE), recorded(world, SECOND_WRITE)) == (WriteIntent(written), Written(written))
    assert recorded(world, SECOND_READ_BACK).certificate == second.certificate != closed.certificate
    assert recorded(world, SECOND_CONFIRM) == Confirmed(second.serial)
    for request, made in ((REQUEST, GENERATE_KEY), (SECOND_REQUEST, SECOND_KEY)):
        # Without its first byte: a certificate template tags it otherwise (RFC 4211, 5).
        assert recorded(world, made).public_key[1:] in recorded(world, request)


@pytest.mark.parametrize(("event", "is_before"), [("intended", False), ("done", True)])
def test_a_key_that_was_in_the_card_before_is_not_taken_for_the_one_that_is_to_be_made(
    tmp_path: Path, fresh_authority: Path, event: str, *, is_before: bool
) -> None:
    """His certificate was revoked, and he comes for another with the same card."""
    world = new_world(tmp_path / "world", fresh_authority)
    old = world.issue("0").certificate
    station = world.station()
    station.authority.revoke(revocation_of(old, world))
    place = step_of_commit(tmp_path / "whole", fresh_authority, "generate_key", event)
    cut(world, place, is_before=is_before)
    held = intended(world, GENERATE_KEY).key_before
    public = x509.load_der_x509_certificate(old).public_key()
    assert held == hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    world.hand.insert(RESIDENT)
    closed = world.issue()
    assert x509.load_der_x509_certificate(closed.certificate).public_key() != public
    assert [one.pseudonym for one in station.journal.closed_cases_of(station.person(RESIDENT).hex())][-1] == closed.case


def test_what_was_seen_beside_his_document_is_recorded(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "world", fresh_authority)
    seen = IdentityEvidence(IdentityDocument.PASSPORT, "sato", IdentityDocument.HEALTH_INSURANCE)
    world.issue(persons=with_clerk(world, check_identity=lambda _: seen))
    identified = recorded(world, ELIGIBILITY_AND_IDENTITY)
    assert (identified.document, identified.clerk) == (seen.document, "sato")
    assert identified.document_beside is seen.beside


def test_where_nothing_is_to_be_paid_nothing_is_recorded_as_paid(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "world", fresh_authority)
    station = world.station()
    free = replace(station, policy=replace(station.policy, fee=FeeRules(0)))
    world.issue(station=free)
    assert (intended(world, FEE), recorded(world, FEE)) == (FeeIntent(0), SettledFee(0, 0, 0))
    assert "done fee yen=0" in told(world) and world.till.total_yen() == 0


def test_of_a_card_that_the_clerk_had_he_says_who_has_it(tmp_path: Path, fresh_authority: Path) -> None:
    """An empty reader at the window says nothing of it."""
    world = new_world(tmp_path / "world", fresh_authority, delivery=Delivery.WINDOW)
    cut(world, 17, is_before=True)
    assert not world.window_slot.is_card_present() and not world.slot.is_card_present()
    world.issue()
    assert recorded(world, TAKE_CARD) == CardTaken("clerk")


def test_of_a_card_in_a_reader_that_is_gone_the_clerk_says_who_has_it(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "world", fresh_authority)
    cut(world, 17, is_before=True)
    station = world.station()
    gone = But(station.reader, is_card_present=raising(LinkLost("gone")))
    world.issue(station=replace(station, reader=gone))
    assert recorded(world, TAKE_CARD) == CardTaken("clerk")


def test_the_receipt_says_what_was_recorded(tmp_path: Path, fresh_authority: Path) -> None:
    world = new_world(tmp_path / "world", fresh_authority)
    closed = world.issue()
    text = world.printer_core.sheets[-1].text
    assert closed.serial in text and "demo" in text and "No. 000001" in text and "領収書(写)" not in text
    proof = intended(world, RECEIPT).receipt.proof
    assert proof.startswith("KJ1:") and f"[QR {proof}]" in text


def test_the_ten_thousandth_receipt_is_one_like_all_others(tmp_path: Path, fresh_authority: Path) -> None:
    """The printer counts its papers by four digits."""
    world = new_world(tmp_path / "world", fresh_authority)
    journal = world.station().journal
    before = walk(journal, journal.open_case("0", b"{}"), Stage.FILED, b"{}")
    with open_database(world.database_url).write() as transaction:
        transaction.run("INSERT INTO receipts VALUES (9999, ?, NULL)", before.pseudonym)
    seen: list[str] = []
    station = world.station()
    rendering: Any = But(
        station.printer, render=lambda paper, job: seen.append(job) or station.printer.render(paper, job)
    )
    closed = world.issue(station=replace(station, printer=rendering))
    assert closed.receipt_number == 10_000 and seen[-1] == "0000"


# A card of two keys.


@pytest.fixture
def myna(tmp_path: Path) -> MynaWorld:
    return new_myna_world(tmp_path / "world", make_myna_authority(tmp_path / "ca"))


def test_each_of_its_passwords_is_chosen_once(myna: MynaWorld) -> None:
    notes: list[tuple[Any, ...]] = []
    persons = myna.persons("1")
    resident: Any = Noting(persons.resident, notes)
    myna.issue(persons=replace(persons, resident=resident))
    names = [name for name, *_ in notes]
    assert names == ["card", "choose_password", "choose_authentication_password", "consent", "card"]
    rules = notes[2][1]
    assert (rules.minimum_length, rules.maximum_length) == (4, 4)


def test_a_policy_of_one_certificate_makes_no_second_key(myna: MynaWorld) -> None:
    policy = myna.station().policy
    one = replace(policy, certificates=tuple(rules for rules in policy.certificates if rules.kind == "signature"))
    myna.issue(station=myna.station(policy=one))
    assert states(myna) == ["signature good"] and not any("second" in line for line in told(myna))


def test_a_card_of_one_key_has_no_second_certificate(myna: MynaWorld) -> None:
    assert isinstance(myna.hand, MynaHand)
    myna.hand.make = lambda code: new_card(f"JUKI{code:0>12}")
    myna.password = "Horonobe2011"
    both = replace(myna.station().policy, card_applications=("juki-2011", "myna-2016"))
    myna.issue(station=myna.station(policy=both))
    assert states(myna) == ["signature good"] and not any("second" in line for line in told(myna))


def test_its_second_key_of_before_is_not_taken_for_the_one_that_is_to_be_made(myna: MynaWorld) -> None:
    myna.issue("0")
    station = myna.station()
    before = station.journal.latest_case("0")
    assert before is not None
    old = second_certificate_of(before, station.journal)
    first = outcome_in(station.journal.effect(before, CERTIFY.step), CERTIFY)
    assert old is not None and first is not None
    for certificate in (first.certificate, old.certificate):
        station.authority.revoke(revocation_of(certificate, myna))
    database = CuttingDatabase(open_database(myna.database_url), 8, is_before=False)
    with pytest.raises(PowerCut):
        myna.issue(station=myna.station(database))
    assert told(myna)[-1] == "intended second_key"
    public = x509.load_der_x509_certificate(old.certificate).public_key()
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert intended(myna, SECOND_KEY).key_before == hashlib.sha256(spki).hexdigest()
    myna.hand.insert(RESIDENT)
    myna.issue()
    newer = recorded(myna, SECOND_CERTIFY).certificate
    assert x509.load_der_x509_certificate(newer).public_key() != public


@pytest.fixture(scope="module")
def undisturbed_of_two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """An authority to copy, and what is told of an issuance of two certificates."""
    folder = tmp_path_factory.mktemp("undisturbed")
    world = new_myna_world(folder / "world", make_myna_authority(folder / "ca"))
    world.issue()
    return folder / "ca", told(world)


@pytest.mark.parametrize("step", ["second_key", "second_certify", "second_write", "second_confirm"])
@pytest.mark.parametrize("has_happened", [True, False])
def test_an_issuance_of_two_whose_process_dies_beside_a_step_of_the_second(
    tmp_path: Path, undisturbed_of_two: tuple[Path, list[str]], step: str, *, has_happened: bool
) -> None:
    authority, story = undisturbed_of_two
    world = new_myna_world(tmp_path / "world", authority)
    line = f"done {step}" if has_happened else f"intended {step}"
    database = CuttingDatabase(open_database(world.database_url), story.index(line) + 1, is_before=has_happened)
    with pytest.raises(PowerCut):
        world.issue(station=world.station(database))
    world.hand.insert(RESIDENT)
    world.issue()
    # Of a request that was sent once more the authority's answer says nothing of when it did it.
    is_found = has_happened or step == "second_certify"
    assert told(world) == [f"{one} auto=True" if is_found and one == f"done {step}" else one for one in story]
    second = recorded(world, SECOND_CERTIFY)
    assert recorded(world, SECOND_WRITE) == Written(hashlib.sha256(second.certificate).hexdigest())
    assert recorded(world, SECOND_CONFIRM) == Confirmed(second.serial)
    assert states(world) == ["authentication good", "signature good"]

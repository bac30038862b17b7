"""What a case that is taken back leaves: certificates that are revoked, an empty card, and the record of both."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hw.errors import LinkLost
from kiosk.authority.errors import AuthorityRejected, CertificateUnacceptable
from kiosk.issuance.failure import Halted, RolledBack
from kiosk.issuance.persons import Abandoned, Persons
from kiosk.issuance.roll_back import ERASE, REFUND, RefundIntent
from kiosk.issuance.steps import REVOKE, SECOND_REVOKE
from kiosk.journal.database import open_database
from kiosk.model.certificate import CertificateState, CertificateStatus
from kiosk.model.step import Actor
from tests.counter_bench import OTHER_RESIDENT, RESIDENT, CuttingDatabase, PowerCut, World
from tests.issuance.myna_counter import MynaWorld, make_myna_authority, new_myna_world, states
from tests.issuance.otherwise import raising, with_authority, with_card, with_resident
from tests.issuance.rest import bodies, check_rest, new_world
from tests.issuance.test_recorded_story import recorded


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path) -> World:
    return new_world(tmp_path / "world", fresh_authority)


@pytest.fixture
def myna(tmp_path: Path) -> MynaWorld:
    return new_myna_world(tmp_path / "world", make_myna_authority(tmp_path / "ca"))


def left(world: World) -> Persons:
    """Persons of whom the resident goes before he pays."""
    persons: Persons = with_resident(world, consent=raising(Abandoned(Actor.RESIDENT, "left")))
    return persons


def is_empty(world: World) -> bool:
    (store,) = world.hand.memories.values()
    memory = store.read()
    return not memory.keys.get(0x001A) and not memory.files.get(0x0001)


def test_its_record_says_why_the_certificate_was_revoked_and_that_the_card_is_empty(world: World) -> None:
    with pytest.raises(RolledBack):
        world.issue(persons=left(world))
    assert recorded(world, REVOKE).reason == "cessationOfOperation"
    assert recorded(world, ERASE).is_emptied is True and is_empty(world)


def test_a_status_service_that_gives_no_reason_is_believed(world: World) -> None:
    def gives_none(authority: Any) -> dict[str, object]:
        def status(*about: bytes) -> CertificateStatus:
            known: CertificateStatus = authority.status(*about)
            return replace(known, reason=None)

        return {"status": status}

    with pytest.raises(RolledBack):
        world.issue(station=with_authority(world, gives_none), persons=left(world))
    assert recorded(world, REVOKE).reason == "unspecified"


def test_a_card_that_is_gone_or_broken_is_not_said_to_be_empty(world: World) -> None:
    def breaks(_: object) -> dict[str, object]:
        return {"erase": raising(LinkLost("gone"))}

    with pytest.raises(RolledBack):
        world.issue(station=with_card(world, breaks), persons=left(world))
    assert recorded(world, ERASE).is_emptied is False and not is_empty(world)


def test_who_takes_his_card_away_has_a_revoked_certificate_in_it(world: World) -> None:
    def takes_it(_: object) -> None:
        world.hand.remove()
        raise Abandoned(Actor.RESIDENT, "left")

    with pytest.raises(RolledBack):
        world.issue(persons=with_resident(world, consent=takes_it))
    assert recorded(world, ERASE).is_emptied is False and not is_empty(world)
    check_rest(world, [])


def test_an_interrupted_emptying_is_done_again(world: World) -> None:
    refuses = {"confirm": raising(AuthorityRejected("badRequest", "no"))}
    database = CuttingDatabase(open_database(world.database_url), 22, is_before=False)
    with pytest.raises(PowerCut):
        world.issue(station=replace(with_authority(world, lambda _: refuses), journal=world.station(database).journal))
    assert (bodies(world)[-1]["event"], bodies(world)[-1]["step"]) == ("intended", "erase") and not is_empty(world)
    world.hand.insert(RESIDENT)
    with pytest.raises(RolledBack):
        world.issue()
    assert recorded(world, ERASE).is_emptied is True and is_empty(world)


def test_whoever_elses_card_lies_there_by_now_is_not_touched(world: World) -> None:
    refuses = {"confirm": raising(AuthorityRejected("badRequest", "no"))}
    database = CuttingDatabase(open_database(world.database_url), 22, is_before=False)
    with pytest.raises(PowerCut):
        world.issue(station=replace(with_authority(world, lambda _: refuses), journal=world.station(database).journal))
    world.hand.insert(OTHER_RESIDENT)
    with pytest.raises(RolledBack):
        world.issue()
    assert recorded(world, ERASE).is_emptied is False
    initialize_update = 0x50
    assert initialize_update not in {exchange.ins for exchange in world.hand.cards[OTHER_RESIDENT].log}


def test_an_authority_that_was_answered_is_not_asked_for_the_certificate_again(world: World) -> None:
    def once(authority: Any) -> dict[str, object]:
        asked: list[bytes] = []

        def certify(der: bytes) -> object:
            assert not asked, "its answer is in the journal"
            asked.append(der)
            return authority.certify(der)

        return {"certify": certify}

    with pytest.raises(RolledBack):
        world.issue(station=with_authority(world, once), persons=left(world))
    check_rest(world, [])


@pytest.mark.parametrize(("fail_info", "code"), [("certRevoked", "K-CA-006"), ("badCertId", "K-CA-003")])
def test_a_revocation_that_is_said_to_have_happened_has_to_show(world: World, fail_info: str, code: str) -> None:
    refuses = {"revoke": raising(AuthorityRejected(fail_info, "no"))}
    with pytest.raises(Halted, match=code):
        world.issue(station=with_authority(world, lambda _: refuses), persons=left(world))


def test_money_of_an_older_program_is_read(world: World) -> None:
    """Its intent to give back did not say yet how much of it was found by counting."""
    assert msgspec.json.decode(b'{"amount_yen":500}', type=REFUND.intent) == RefundIntent(500, found_yen=0)


# Two certificates.


def test_both_certificates_of_a_card_are_revoked(myna: MynaWorld) -> None:
    with pytest.raises(RolledBack):
        myna.issue(persons=left(myna))
    assert states(myna) == ["authentication revoked", "signature revoked"]
    assert (recorded(myna, REVOKE).reason, recorded(myna, SECOND_REVOKE).reason) == ("cessationOfOperation",) * 2
    assert is_empty(myna)


def test_a_second_that_is_valid_already_goes_with_the_first(myna: MynaWorld) -> None:
    """It is confirmed before the first, whose confirmation the authority refuses."""

    def refuses_the_first(authority: Any) -> dict[str, object]:
        confirmed: list[bytes] = []

        def confirm(der: bytes) -> None:
            if confirmed:
                raise AuthorityRejected("badRequest", "no")
            confirmed.append(der)
            authority.confirm(der)

        return {"confirm": confirm}

    with pytest.raises(RolledBack, match="K-CA-005"):
        myna.issue(station=with_authority(myna, refuses_the_first))
    assert states(myna) == ["authentication revoked", "signature revoked"]
    assert myna.till.total_yen() == 0


def test_a_second_of_something_else_is_revoked_without_asking_for_it_again(myna: MynaWorld) -> None:
    def another(authority: Any) -> dict[str, object]:
        asked: list[bytes] = []

        def certify(der: bytes) -> object:
            assert der not in asked, "such an authority would not say it again"
            asked.append(der)
            pending = authority.certify(der)
            if len(asked) == 2:
                raise CertificateUnacceptable(pending.certificate, "another name")
            return pending

        return {"certify": certify}

    with pytest.raises(RolledBack, match="K-CA-004"):
        myna.issue(station=with_authority(myna, another))
    assert states(myna) == ["authentication revoked", "signature revoked"]


@pytest.mark.parametrize("which", [0, 1])
def test_what_the_authority_has_confirmed_and_this_store_has_not_is_not_revoked(myna: MynaWorld, which: int) -> None:
    """The store is of an earlier day, and a resident may be using that certificate."""

    def is_ahead(authority: Any) -> dict[str, object]:
        issued: list[bytes] = []

        def certify(der: bytes) -> object:
            pending = authority.certify(der)
            issued.append(pending.certificate)
            return pending

        def status(certificate: bytes) -> CertificateStatus:
            known: CertificateStatus = authority.status(certificate)
            return replace(known, state=CertificateState.GOOD) if certificate == issued[which] else known

        return {"certify": certify, "status": status}

    with pytest.raises(Halted, match="K-STORE"):
        myna.issue(station=with_authority(myna, is_ahead), persons=left(myna))
    assert f"{('signature', 'authentication')[which]} revoked" not in states(myna)

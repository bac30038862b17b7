"""What each step kept is read again as what it was, and each case can be found by its person and its card."""

from pathlib import Path
from typing import Any

import pytest

from kiosk.issuance import change_password, revoke, roll_back, steps, unlock
from kiosk.issuance.effect import Case, Effect, Note
from kiosk.issuance.failure import RolledBack
from kiosk.issuance.persons import Abandoned
from kiosk.journal.records import CaseRecord
from kiosk.model.step import Actor
from tests.counter_bench import RESIDENT, World
from tests.issuance.myna_counter import make_myna_authority, new_myna_world
from tests.issuance.otherwise import raising, with_clerk
from tests.issuance.served_counter import SERVICES, Issued, persons, serve_revocation, spend_tries
from tests.issuance.test_card_keys import NEXT

ISSUANCE: dict[str, tuple[str, str]] = {
    "APPLICATION": ("Application", "FiledApplication"),
    "ELIGIBILITY_AND_IDENTITY": ("", "IdentifiedApplicant"),
    "AUTHORISE": ("", "AuthorisedApplicant"),
    "GENERATE_KEY": ("KeyIntent", "KeyReady"),
    "REQUEST": ("", "bytes"),
    "CERTIFY": ("Message", "PendingCertificate"),
    "WRITE": ("WriteIntent", "Written"),
    "READ_BACK": ("", "DeliveredCertificate"),
    "FEE": ("FeeIntent", "SettledFee"),
    "CONFIRM": ("Message", "Confirmed"),
    "TAKE_CARD": ("", "CardTaken"),
    "RECEIPT": ("ReceiptIntent", "PrintedReceipt"),
    "CLOSED": ("", "Closed"),
    "REPLACE_CARD_KEYS": ("CardKeysIntent", "CardKeysReplaced"),
    "SECOND_KEY": ("KeyIntent", "KeyReady"),
    "SECOND_REQUEST": ("", "bytes"),
    "SECOND_CERTIFY": ("Message", "PendingCertificate"),
    "SECOND_WRITE": ("WriteIntent", "Written"),
    "SECOND_READ_BACK": ("", "DeliveredCertificate"),
    "SECOND_CONFIRM": ("Message", "Confirmed"),
}
SERVED: dict[str, tuple[Any, dict[str, tuple[str, str]]]] = {
    "change": (
        change_password,
        {
            "CHANGE_APPLICATION": ("PasswordChangeApplication", "FiledPasswordChange"),
            "CHANGE": ("ChangeIntent", "PasswordChanged"),
        },
    ),
    "unlock": (
        unlock,
        {
            "UNLOCK_APPLICATION": ("UnlockApplication", "FiledUnlock"),
            "UNLOCK_IDENTITY": ("", "IdentifiedOwner"),
            "UNLOCK_AUTHORISE": ("", "AuthorisedOwner"),
            "RESET": ("ResetIntent", "Unlocked"),
        },
    ),
    "revoke": (
        revoke,
        {
            "REVOCATION_APPLICATION": ("RevocationApplication", "FiledRevocation"),
            "REVOCATION_IDENTITY": ("", "IdentifiedRevocation"),
            "REVOCATION_AUTHORISE": ("", "AuthorisedRevocation"),
            "REVOCATION": ("RevokeIntent", "Revoked"),
            "EMPTY_CARD": ("CardEmptied", "CardEmptied"),
            "NOTICE": ("RevocationNotice", "RevocationNotice"),
        },
    ),
}


def kept(
    world: World, record: CaseRecord, module: Any, names: dict[str, tuple[str, str]]
) -> dict[str, tuple[str, str]]:
    """What intent and outcome of each step are read as."""
    case = Case(record, world.station().journal, lambda _: None, lambda: 0)
    found = {}
    for name in names:
        step: Effect[Any, Any] | Note[Any] = getattr(module, name)
        intent = type(case.last_intent_of(step)).__name__ if isinstance(step, Effect) else ""
        found[name] = (intent, type(case.outcome_of(step)).__name__)
    return found


def case_of(world: World, number: str) -> CaseRecord:
    record = world.station().journal.latest_case(number)
    assert record is not None
    return record


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_myna_authority(tmp_path_factory.mktemp("myna") / "ca")


def test_every_step_of_an_issuance(tmp_path: Path, authority: Path) -> None:
    world = new_myna_world(tmp_path / "world", authority, issuer=NEXT)
    world.issue()
    assert kept(world, case_of(world, "1"), steps, ISSUANCE) == ISSUANCE


def test_every_step_that_takes_two_certificates_back(tmp_path: Path, authority: Path) -> None:
    world = new_myna_world(tmp_path / "world", authority)
    with pytest.raises(RolledBack):
        world.issue(persons=with_clerk(world, take_fee=raising(Abandoned(Actor.CLERK, "stopped"))))
    record = case_of(world, "1")
    names = {"REVOKE": ("RevokeIntent", "Revoked"), "SECOND_REVOKE": ("RevokeIntent", "Revoked")}
    assert kept(world, record, steps, names) == names
    erased = {"ERASE": ("Erased", "Erased")}
    assert kept(world, record, roll_back, erased) == erased


def test_the_revocation_of_a_second_certificate(tmp_path: Path, authority: Path) -> None:
    world = new_myna_world(tmp_path / "world", authority)
    world.issue()
    world.hand.insert(RESIDENT)
    serve_revocation(world, world.station(), world.persons("R-1"))
    names = {"SECOND_REVOCATION": ("RevokeIntent", "Revoked")}
    assert kept(world, case_of(world, "R-1"), steps, names) == names


@pytest.mark.parametrize(("service", "number"), [("change", "P-1"), ("unlock", "U-1"), ("revoke", "R-1")])
def test_every_step_of_a_service(tmp_path: Path, issued: Issued, service: str, number: str) -> None:
    world = issued.world(tmp_path / "world")
    if service == "unlock":
        spend_tries(world, 5)
    if service == "revoke":
        world.hand.insert(RESIDENT)
    SERVICES[service](world, world.station(), persons(world, number))
    module, names = SERVED[service]
    record = case_of(world, number)
    assert kept(world, record, module, names) == names
    station = world.station()
    known = station.journal.identified_case(record.pseudonym)
    assert known is not None and known.card == station.card(f"JUKI{RESIDENT:0>12}").hex()
    # Whoever knows his password shows it, and need not say who he is.
    assert record.person == (None if service == "change" else station.person(RESIDENT).hex())

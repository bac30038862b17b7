"""Codes of the failure book: they stand in journals, on papers and in what people tell on the telephone, for years."""

import pytest

from hw import errors as device
from kiosk.authority import errors as authority
from kiosk.failure_book import load_failure_book
from kiosk.issuance import failure
from kiosk.issuance.failure import actor_behind, failure_code, halting_code
from kiosk.issuance.persons import Abandoned, CannotTell
from kiosk.model.step import Actor

BY_ERROR: tuple[tuple[type[Exception], str], ...] = (
    (failure.WrongCard, "K-CARD-001"),
    (failure.CardNotInserted, "K-CARD-002"),
    (device.CardAbsent, "K-CARD-002"),
    (device.CardRemoved, "K-CARD-003"),
    (device.CardMute, "K-CARD-004"),
    (device.CardAnswerInvalid, "K-CARD-005"),
    (device.PinRefused, "K-CARD-006"),
    (device.CardRefused, "K-CARD-007"),
    (failure.PasswordRulesIncompatible, "K-CARD-008"),
    (failure.DeliveryUnproven, "K-CARD-009"),
    (failure.PasswordUnproven, "K-CARD-010"),
    (device.CardUnsupported, "E05"),
    (device.PinLocked, "E15"),
    (failure.CardUnattested, "E21"),
    (failure.IssuerKeysUnavailable, "K-ISSUER-001"),
    (device.ReaderMissing, "K-READER-001"),
    (device.ReaderBusy, "K-READER-002"),
    (device.PrinterBlocked, "K-PRINTER-001"),
    (device.TextDoesNotFit, "K-PRINTER-002"),
    (failure.AuthorisationExpired, "K-CASE-001"),
    (Abandoned, "K-CASE-002"),
    (failure.AuthorisationUnfit, "K-CASE-006"),
    (CannotTell, "K-CASE-007"),
    (failure.StationDenied, "K-CASE-011"),
    (failure.LeftUnseen, "K-CASE-002"),
    (authority.AuthorityUnreachable, "K-CA-001"),
    (authority.AuthorityOutcomeUnknown, "K-CA-002"),
    (authority.AuthorityRejected, "K-CA-003"),
    (authority.CertificateUnacceptable, "K-CA-004"),
    (failure.CertificateLapsed, "K-CA-005"),
    (failure.RevocationUnproven, "K-CA-006"),
    (authority.AuthorityNotRecognised, "K-CA-007"),
    (device.LinkLost, "K-DEVICE-001"),
    (failure.CaseUnreadable, "K-DEVICE-001"),
    (device.OutcomeUnknown, "K-DEVICE-002"),
    (failure.PaperUnseen, "K-DEVICE-002"),
    (failure.MoneyUnseen, "K-DEVICE-002"),
    (device.Refused, "K-DEVICE-003"),
    (device.DeviceError, "K-DEVICE-004"),
    (device.NotSent, "K-DEVICE-004"),
)

BY_NAME = {
    "CARD_BLANK": "K-CARD-011",
    "NOT_ON_CARD": "K-CARD-012",
    "STOPPED": "K-CASE-002",
    "UNNAMED": "K-CASE-003",
    "DESTROYED": "K-CASE-004",
    "MOVED_ELSEWHERE": "K-CASE-005",
    "CANNOT_TELL": "K-CASE-007",
    "SECOND_CLERK_MISSING": "K-CASE-008",
    "ON_HOLD": "K-CASE-009",
    "INTERRUPTED": "K-CASE-010",
    "STOPPED_OPEN": "K-CASE-012",
    "OUTDATED": "K-STORE-001",
    "BROKEN": "K-STORE-002",
    "ANOTHER_AUTHORITY": "K-CA-007",
}


def raised(kind: type[Exception], text: str = "") -> Exception:
    error = kind.__new__(kind)
    error.__dict__["text"] = text
    return error


@pytest.mark.parametrize(("kind", "code"), BY_ERROR, ids=lambda one: getattr(one, "__name__", one))
def test_what_goes_wrong_has_its_code_for_ever(kind: type[Exception], code: str) -> None:
    assert failure_code(raised(kind)) == code
    assert halting_code(raised(kind)) == ("K-CASE-012" if code == "K-CASE-002" else code)
    assert code in load_failure_book()


def test_the_codes_that_are_no_errors_stay_as_they_are() -> None:
    assert {name: getattr(failure, name) for name in BY_NAME} == BY_NAME
    assert set(BY_NAME.values()) <= set(load_failure_book())
    assert failure.AUTHORITY_UNREACHABLE == {"K-CA-001", "K-CA-002"}


@pytest.mark.parametrize("code", ["E06", "E07", "E19", "E20", "E21"])
def test_an_authority_that_refuses_by_a_rule_names_it(code: str) -> None:
    assert failure_code(raised(authority.AuthorityRejected, f"{code}: says the authority")) == code
    assert failure_code(raised(authority.AuthorityRejected, f"says {code}: the authority")) == "K-CA-003"
    assert failure_code(raised(authority.AuthorityUnreachable, f"{code}: says the authority")) == "K-CA-001"


def test_who_stopped_a_case_is_the_person_who_gave_up_or_the_station() -> None:
    assert [actor_behind(Abandoned(by, "")) for by in Actor] == list(Actor)
    assert actor_behind(device.CardRemoved("")) is Actor.STATION


def test_whatever_has_a_code_of_its_own_is_trouble_that_a_step_may_raise() -> None:
    assert all(issubclass(kind, failure.TROUBLE) for kind, _ in BY_ERROR)


def test_how_a_case_ended_names_its_code_and_a_number_that_is_taken_itself() -> None:
    for kind in (failure.Refusal, failure.RolledBack, failure.Suspect, failure.Halted, failure.GivenUp):
        assert (kind("E01").code, str(kind("E01"))) == ("E01", "E01")
    taken = failure.NumberTaken("2011-0001")
    assert (taken.number, "2011-0001" in str(taken)) == ("2011-0001", True)


def test_what_a_clerks_station_does_not_do_is_stopped_by_no_person() -> None:
    denied = failure.StationDenied("not_today")
    assert (denied.by, denied.reason) == (Actor.STATION, "not_today")

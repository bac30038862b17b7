"""An authority of another maker: what it grants may not be what was asked, and what it says may come late."""

import datetime
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kiosk.authority.client import PendingCertificate
from kiosk.authority.errors import AuthorityOutcomeUnknown, AuthorityRejected, CertificateUnacceptable
from kiosk.authority.profile import validity_end
from kiosk.issuance.certification import refuse_unlike_policy
from kiosk.issuance.effect import outcome_in
from kiosk.issuance.failure import Halted, RolledBack
from kiosk.issuance.station import Station
from kiosk.issuance.steps import AUTHORISE, CERTIFY
from kiosk.model.application import AuthorisedApplicant
from kiosk.model.certificate import CertificateState, CertificateStatus
from kiosk.model.policy import CertificateRules
from tests.counter_bench import RESIDENT, World
from tests.issuance.myna_counter import MynaWorld, check_both, make_myna_authority, new_myna_world, states
from tests.issuance.otherwise import with_authority, with_clerk
from tests.issuance.rest import check_rest, issued, new_world

_DAY = datetime.timedelta(days=1)


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path) -> World:
    return new_world(tmp_path / "world", fresh_authority)


# What was granted is not what the policy says.

UNLIKE: dict[str, dict[str, Any]] = {
    "key usage": {"key_usage": ("digitalSignature",)},
    "policy": {"test_policy_oid": "1.2.3.4"},
    "too short": {"validity_years": 4},
    "too long": {"validity_years": 2},
}
"""What this station's profile says otherwise than the authority's."""


@pytest.mark.parametrize("unlike", UNLIKE)
def test_a_certificate_unlike_the_policy_is_given_up_before_anybody_pays(world: World, unlike: str) -> None:
    station = with_authority(world, asked_once)
    (rules,) = station.policy.certificates
    policy = replace(station.policy, certificates=(replace(rules, **UNLIKE[unlike]),))
    with pytest.raises(RolledBack, match="K-CA-004"):
        world.issue(station=replace(station, policy=policy))
    assert len(issued(world)) == 1, "it was issued"
    assert not any('"write"' in entry.body for entry in world.station().journal.entries()), "no card has seen it"
    check_rest(world, [])


def asked_once(authority: Any) -> dict[str, Any]:
    """An authority that keeps no answers: it can only be asked for a certificate once."""
    asked: list[bytes] = []

    def certify(der: bytes) -> object:
        if der in asked:
            raise AuthorityRejected("transactionIdInUse", "used before")
        asked.append(der)
        return authority.certify(der)

    return {"certify": certify}


def revoking(authority: Any, at_first: str) -> Callable[[bytes], None]:
    """A revocation that is obeyed at once, or only when it is sent again."""
    unanswered: list[Exception] = {"obeyed": [], "delayed": [LATE], "refused": [USED]}[at_first]

    def revoke(der: bytes) -> None:
        if unanswered:
            raise unanswered.pop()
        authority.revoke(der)

    return revoke


@pytest.mark.parametrize("at_first", ["obeyed", "delayed", "refused"])
def test_a_certificate_of_something_else_is_given_up_without_asking_for_it_again(world: World, at_first: str) -> None:
    """It is known for good once its revocation is intended, whatever is answered to that at first."""

    def another(authority: Any) -> dict[str, object]:
        certify = asked_once(authority)["certify"]

        def certify_another(der: bytes) -> object:
            raise CertificateUnacceptable(certify(der).certificate, "another name")

        return {"certify": certify_another, "revoke": revoking(authority, at_first)}

    station = with_authority(world, another)
    if at_first != "obeyed":
        with pytest.raises(Halted, match=r"K-CA-00[23]"):
            world.issue(station=station)
    with pytest.raises(RolledBack, match="K-CA-004"):
        world.issue(station=station)
    check_rest(world, [])


def test_a_certificate_of_something_else_that_comes_only_when_asked_again_is_given_up_too(world: World) -> None:
    def another(authority: Any) -> dict[str, object]:
        answers: list[Exception] = [LATE]

        def certify(der: bytes) -> object:
            if answers:
                raise answers.pop()
            raise CertificateUnacceptable(authority.certify(der).certificate, "another name")

        return {"certify": certify}

    with pytest.raises(RolledBack, match="K-CA-002"):
        world.issue(station=with_authority(world, another))
    assert len(issued(world)) == 1
    check_rest(world, [])


@pytest.mark.parametrize("asked", ["once", "again"])
@pytest.mark.parametrize("at_first", ["obeyed", "delayed", "refused"])
def test_a_certificate_of_something_else_that_is_good_at_once_is_revoked(
    world: World, asked: str, at_first: str
) -> None:
    """So it comes from an authority that has no pending state, before it is asked to hold what it issued."""
    lost: list[Exception] = [LATE] if asked == "again" else []

    def good_at_once(authority: Any) -> dict[str, object]:
        def certify(der: bytes) -> object:
            if lost:
                raise lost.pop()
            pending = authority.certify(der)
            authority.confirm(authority.confirm_message(pending).der)
            raise CertificateUnacceptable(pending.certificate, "another name")

        return {"certify": certify, "revoke": revoking(authority, at_first)}

    station = with_authority(world, good_at_once)
    if at_first != "obeyed":
        with pytest.raises(Halted, match=r"K-CA-00[23]"):
            world.issue(station=station)
    with pytest.raises(RolledBack, match=r"K-CA-00[24]"):
        world.issue(station=station)
    assert len(issued(world)) == 1
    check_rest(world, [])


@pytest.mark.parametrize("which", ["years", "usage"])
def test_a_second_certificate_unlike_the_policy_takes_the_first_with_it(tmp_path: Path, which: str) -> None:
    world = new_myna_world(tmp_path / "world", make_myna_authority(tmp_path / "ca"))
    station = world.station()

    def changed(rules: CertificateRules) -> CertificateRules:
        return replace(rules, key_usage=("nonRepudiation",)) if rules.kind == "authentication" else rules

    policy = replace(station.policy, certificates=tuple(map(changed, station.policy.certificates)))
    if which == "usage":
        with pytest.raises(RolledBack, match="K-CA-004"):
            world.issue(station=replace(station, policy=policy))
        assert states(world) == ["authentication revoked", "signature revoked"]
    else:
        # The second ends with the first, whatever its own years are.
        longer = [
            replace(r, validity_years=9) if r.kind == "authentication" else r for r in station.policy.certificates
        ]
        world.issue(station=replace(station, policy=replace(station.policy, certificates=tuple(longer))))
        assert states(world) == ["authentication good", "signature good"]


@pytest.mark.parametrize("days", [-1, 0, 1])
@pytest.mark.parametrize("second", [-1, 0])
def test_what_our_authority_grants_around_a_birthday_is_what_the_policy_says(
    tmp_path: Path, myna_authority: Path, days: int, second: int
) -> None:
    world = new_myna_world(tmp_path / "world", myna_authority)
    world.now = birthday(world) + days * _DAY + datetime.timedelta(seconds=second)
    check_both(world, world.issue())


@pytest.fixture(scope="module")
def myna_authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority of the policy, to copy."""
    return make_myna_authority(tmp_path_factory.mktemp("myna") / "ca")


def birthday(world: MynaWorld) -> datetime.datetime:
    """The first moment, in Japan, of the resident's next birthday."""
    resident = world.station().register.find(RESIDENT)
    assert resident is not None
    born = resident.items.birth_date
    today = world.now.astimezone(datetime.timezone(datetime.timedelta(hours=9)))
    this_year = today.replace(month=born.month, day=born.day, hour=0, minute=0, second=0, microsecond=0)
    return (this_year if this_year > world.now else this_year.replace(year=this_year.year + 1)).astimezone(datetime.UTC)


def test_years_may_be_counted_in_days_and_to_the_hour(world: World) -> None:
    """Another maker's three years are 1095 days from the second of issue; a day is no year, and backdating no issue."""
    station, authorised, pending = certified(world)
    for start, length, is_fit in (
        (_DAY * 0, _DAY * 1095, True),
        (_DAY * 0, _DAY * 1096, True),
        (-_DAY, _DAY * 1096, True),
        (_DAY * 0, datetime.timedelta(minutes=1), False),
        (_DAY * 0, _DAY * 1090, False),
        (_DAY * 0, _DAY * 1101, False),
        (-_DAY * 400, _DAY * 1095, False),
    ):
        not_before = pending.not_before + start
        other = replace(pending, not_before=not_before, not_after=not_before + length)
        if is_fit:
            refuse_unlike_policy(other, "signature", authorised, station)
        else:
            with pytest.raises(CertificateUnacceptable, match="valid from"):
                refuse_unlike_policy(other, "signature", authorised, station)


_SECOND = datetime.timedelta(seconds=1)


@pytest.mark.parametrize("ends_on_birthday", [False, True])
def test_what_is_taken_ends_within_three_days_of_what_the_policy_says(world: World, ends_on_birthday: bool) -> None:
    station, authorised, pending = certified(world)
    (rules,) = station.policy.certificates
    rules = replace(rules, ends_on_birthday=ends_on_birthday)
    station = replace(station, policy=replace(station.policy, certificates=(rules,)))
    birth = authorised.identified.eligible.items.birth
    first_day = authorised.authorisation.terms.issued_at - 3 * _DAY
    early, late = (validity_end(rules, birth, first_day + day) for day in (-_DAY, _DAY))
    for not_before, not_after, is_fit in (
        (first_day, early - 3 * _DAY, True),
        (first_day, early - 3 * _DAY - _SECOND, False),
        (first_day, late + 3 * _DAY, True),
        (first_day, late + 3 * _DAY + _SECOND, False),
        (first_day - _SECOND, late, False),
    ):
        other = replace(pending, not_before=not_before, not_after=not_after)
        beside = replace(pending, not_after=not_after)
        if is_fit:
            refuse_unlike_policy(other, "signature", authorised, station)
            continue
        with pytest.raises(CertificateUnacceptable, match="valid from") as refused:
            refuse_unlike_policy(other, "signature", authorised, station)
        assert refused.value.certificate == pending.certificate
        if not_before == first_day:
            # A second certificate may end with the first.
            refuse_unlike_policy(other, "signature", authorised, station, beside)


@pytest.mark.parametrize("unlike", ["key usage", "policy"])
def test_what_is_refused_is_named_so_that_it_can_be_revoked(world: World, unlike: str) -> None:
    station, authorised, pending = certified(world)
    (rules,) = station.policy.certificates
    policy = replace(station.policy, certificates=(replace(rules, **UNLIKE[unlike]),))
    with pytest.raises(CertificateUnacceptable) as refused:
        refuse_unlike_policy(pending, "signature", authorised, replace(station, policy=policy))
    assert refused.value.certificate == pending.certificate
    assert unlike.split()[-1] in str(refused.value)


def certified(world: World) -> tuple[Station, AuthorisedApplicant, PendingCertificate]:
    """What was authorised and what the authority gave for it, in an issuance that was gone through."""
    world.issue()
    station = world.station()
    record = station.journal.latest_case("1")
    authorised, pending = (recorded(world, record, step) for step in (AUTHORISE, CERTIFY))
    return station, authorised, pending


def recorded(world: World, record: Any, step: Any) -> Any:
    """What a step of a case yielded."""
    return outcome_in(world.station().journal.effect(record, step.step), step)


# What was said late.


def state(world: World) -> CertificateState:
    station = world.station()
    ((_, certificate),) = issued(world)
    return station.authority.status(certificate).state


def refusing_to_confirm(*answers: Exception) -> Callable[[Any], dict[str, object]]:
    left = list(answers)

    def confirm(_: bytes) -> None:
        raise left.pop(0)

    return lambda _: {"confirm": confirm}


LATE = AuthorityOutcomeUnknown("the authority has not decided yet")
USED = AuthorityRejected("transactionIdInUse", "used before")


def test_a_fee_goes_back_only_when_what_may_be_confirmed_late_is_revoked(world: World) -> None:
    """The confirmation waits for a decision there; asked again the authority refuses, and it is still pending."""
    seen: list[CertificateState] = []
    clerk = world.persons("1").clerk

    def repay(amount_yen: int) -> None:
        seen.append(state(world))
        clerk.repay(amount_yen)

    station = with_authority(world, refusing_to_confirm(LATE, USED))
    with pytest.raises(Halted, match="K-CA-002"):
        world.issue(station=station)
    assert world.till.total_yen() == 500 and state(world) is CertificateState.PENDING
    with pytest.raises(RolledBack, match="K-CA-005"):
        world.issue(station=station, persons=with_clerk(world, repay=repay))
    assert seen == [CertificateState.REVOKED]
    check_rest(world, [])


def test_a_fee_is_kept_while_the_authority_does_not_answer_to_the_revocation(world: World) -> None:
    def delays(authority: Any) -> dict[str, object]:
        def revoke(_: bytes) -> None:
            raise LATE

        return refusing_to_confirm(USED)(authority) | {"revoke": revoke}

    with pytest.raises(Halted, match="K-CA-002"):
        world.issue(station=with_authority(world, delays))
    assert world.till.total_yen() == 500
    with pytest.raises(RolledBack, match="K-CA-005"):
        world.issue()
    check_rest(world, [])


def test_what_becomes_valid_after_its_confirmation_was_refused_is_revoked_before_the_fee_goes_back(
    world: World,
) -> None:
    def confirms_late(authority: Any) -> dict[str, object]:
        refused: list[bytes] = []

        def confirm(der: bytes) -> None:
            refused.append(der)
            raise USED

        def status(*about: bytes) -> CertificateStatus:
            known: CertificateStatus = authority.status(*about)
            if refused:
                authority.confirm(refused.pop())
            return known

        return {"confirm": confirm, "status": status}

    with pytest.raises(RolledBack, match="K-CA-005"):
        world.issue(station=with_authority(world, confirms_late))
    check_rest(world, [])


def test_a_status_service_that_does_not_know_the_certificate_decides_nothing(world: World) -> None:
    """Its answer comes after the fee: before, the till would not have opened."""

    def is_behind(authority: Any) -> dict[str, object]:
        asked: list[bytes] = []

        def status(*about: bytes) -> CertificateStatus:
            return CertificateStatus(CertificateState.UNKNOWN) if asked else authority.status(*about)

        def confirm(der: bytes) -> None:
            asked.append(der)
            raise LATE

        return {"confirm": confirm, "status": status}

    station = with_authority(world, is_behind)
    for _ in range(2):
        with pytest.raises(Halted, match="K-CA-002"):
            world.issue(station=station)
        assert world.till.total_yen() == 500 and state(world) is CertificateState.PENDING
    check_rest(world, [world.issue()])


def test_a_revocation_that_happened_is_not_waited_for_in_other_words(world: World) -> None:
    """RFC 9810 has certRevoked for it, and not every maker says so."""

    def obeys_and_refuses(authority: Any) -> dict[str, object]:
        def revoke(der: bytes) -> None:
            authority.revoke(der)
            raise AuthorityRejected("badCertId", "no such certificate in force")

        return refusing_to_confirm(USED)(authority) | {"revoke": revoke}

    with pytest.raises(RolledBack, match="K-CA-005"):
        world.issue(station=with_authority(world, obeys_and_refuses))
    check_rest(world, [])

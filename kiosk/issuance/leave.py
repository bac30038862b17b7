"""The clerk's leave: asked for and signed, and looked at again before it is used."""

from collections.abc import Iterable
from dataclasses import dataclass

from kiosk.counter.clerk_key import operator_of, signed_by_two, verify_authorisation, verify_testimony
from kiosk.issuance.failure import AuthorisationExpired, AuthorisationUnfit
from kiosk.issuance.persons import Clerk, Exemption, IdentityQuestion
from kiosk.issuance.station import Station
from kiosk.model.application import AuthorisedApplicant, EligibleApplication, ExemptedFee
from kiosk.model.authorisation import Authorisation, AuthorisationInvalid, AuthorisationTerms, Operation
from kiosk.model.certificate import CertificateState
from kiosk.model.policy import PasswordKind
from kiosk.model.step import Step
from kiosk.model.testimony import Testimony, TestimonyInvalid, TestimonyTerms


@dataclass(frozen=True, repr=False)
class Leave:
    """What a clerk's leave has to be for: this operation, in this case, on this card, about these items.

    `which` is the password, where one is set anew.
    """

    operation: Operation
    case: str
    card_number: str
    items_hash: bytes
    resident_code: str
    which: PasswordKind | None = None


def leave_to_issue(pseudonym: str, eligible: EligibleApplication) -> Leave:
    """The leave that an issuance needs."""
    return Leave("issue", pseudonym, eligible.filed.card_number, eligible.items.hash(), eligible.resident.code)


def ask_for_leave(leave: Leave, question: IdentityQuestion, station: Station, clerk: Clerk) -> Authorisation:
    """The clerk approves, and his key signs."""
    clerk.approve(question)
    return _sign(leave, station)


def ask_for_leave_to_issue(
    leave: Leave, question: IdentityQuestion, station: Station, clerk: Clerk
) -> tuple[Authorisation, Testimony | None]:
    """The same; where he exempts from the fee, the ground under his signature and a second clerk's beside it.

    It is no part of the leave: the leave goes to the authority, which the ground does not concern.
    """
    exemption = clerk.approve(question)
    authorisation = _sign(leave, station)
    return authorisation, None if exemption is None else _exempt(leave.case, exemption, station)


def _exempt(pseudonym: str, exemption: Exemption, station: Station) -> Testimony:
    if station.two_clerks is not None:
        return station.two_clerks.exempt(pseudonym)
    nonce, now = station.random_bytes(16), station.clock()
    terms = TestimonyTerms(pseudonym, station.name, Step.AUTHORISE, exemption.ground, nonce, now)
    try:
        return signed_by_two(terms, station.clerk_key, station.second_key(exemption.second))
    except TestimonyInvalid as error:
        raise AuthorisationUnfit(str(error)) from error


def _sign(leave: Leave, station: Station) -> Authorisation:
    now = station.clock().replace(microsecond=0)
    return station.clerk_key.authorise(
        AuthorisationTerms(
            operation=leave.operation,
            case=leave.case,
            station=station.name,
            card_number=leave.card_number,
            items_hash=leave.items_hash,
            person=station.person(leave.resident_code),
            nonce=station.random_bytes(16),
            issued_at=now,
            expires_at=now + station.authorisation_life,
            uptime=station.uptime(),
            which=leave.which,
        )
    )


def refuse_unless_covered(authorisation: Authorisation, leave: Leave, station: Station) -> AuthorisationTerms:
    """The terminal sees for itself that the leave is a clerk's and is for just this. Raises `AuthorisationUnfit`."""
    try:
        terms = verify_authorisation(authorisation, station.generations, station.clock())
    except AuthorisationInvalid as error:
        raise AuthorisationUnfit(str(error)) from error
    covered = (terms.operation, terms.which, terms.case, terms.station, terms.card_number, terms.items_hash)
    wanted = (leave.operation, leave.which, leave.case, station.name, leave.card_number, leave.items_hash)
    if covered != wanted:
        raise AuthorisationUnfit("the clerk's leave is for something else")
    return terms


def refuse_unless_issuing(pseudonym: str, authorised: AuthorisedApplicant, station: Station) -> None:
    """The same of an issuance; nor has its leave run out. Raises `AuthorisationUnfit`, `AuthorisationExpired`."""
    leave = leave_to_issue(pseudonym, authorised.identified.eligible)
    refuse_unless_fresh(refuse_unless_covered(authorised.authorisation, leave, station), station)
    exempted_fee(pseudonym, authorised, station)


def exempted_fee(pseudonym: str, authorised: AuthorisedApplicant, station: Station) -> ExemptedFee | None:
    """On which ground two clerks have exempted the resident from the fee; None where it is due.

    Raises `AuthorisationUnfit` when the policy has no such ground, or not two clerks have signed for just this case.
    """
    testimony = authorised.exemption
    if testimony is None:
        return None
    signed_at = authorised.authorisation.terms.issued_at
    try:
        terms = verify_testimony(testimony, station.generations, signed_at)
    except TestimonyInvalid as error:
        raise AuthorisationUnfit(str(error)) from error
    if (terms.case, terms.station, terms.question) != (pseudonym, station.name, Step.AUTHORISE):
        raise AuthorisationUnfit("the exemption is for something else")
    if station.policy.fee.ground(terms.answer) is None:
        raise AuthorisationUnfit(f"the policy exempts nobody on the ground {terms.answer!r}")
    first, second = testimony.first.certificate, testimony.second.certificate
    return ExemptedFee(terms.answer, (operator_of(first), operator_of(second)))


def exempted_fee_in_force(pseudonym: str, authorised: AuthorisedApplicant, station: Station) -> ExemptedFee | None:
    """The same, of clerks whom the authority has not revoked: no request carries their word there.

    Raises `AuthorisationUnfit` and `AuthorityError`.
    """
    testimony = authorised.exemption
    if testimony and not are_in_force([testimony.first.certificate, testimony.second.certificate], station):
        raise AuthorisationUnfit("the exemption is signed with a certificate that was revoked")
    return exempted_fee(pseudonym, authorised, station)


def refuse_unless_fresh(terms: AuthorisationTerms, station: Station) -> None:
    """Raises `AuthorisationExpired`."""
    if not terms.is_fresh(station.clock(), station.uptime()):
        raise AuthorisationExpired("the clerk's leave has expired, or this computer was started anew since")


def are_in_force(clerks: Iterable[bytes], station: Station) -> bool:
    """Whether the authority says of each of these clerks' certificates (DER) that it is good.

    For words of clerks that no request carries to the authority, which would look itself. Raises `AuthorityError`.
    """
    states = (station.authority.status(clerk).state for clerk in clerks)
    return all(state is CertificateState.GOOD for state in states)

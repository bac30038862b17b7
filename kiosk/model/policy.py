"""A policy profile: everything that law and ordinance decide, as data, because the law has changed and will again."""

import re
from dataclasses import dataclass
from typing import Literal

from kiosk.model.identity import PHOTO_ONLY, IdentityRoute

PasswordKind = Literal["signature", "authentication"]
"""Which of a card's passwords: named after the certificate whose key it guards."""


@dataclass(frozen=True)
class CertificateRules:
    """One kind of certificate. `policy_oid` is asserted in production, `test_policy_oid` in training."""

    kind: Literal["signature", "authentication"]
    policy_oid: str
    test_policy_oid: str
    key_bits: int
    validity_years: int
    """Years of validity; with `ends_on_birthday` the certificate ends on the holder's so-many-eth birthday."""
    ends_on_birthday: bool
    carries_personal_data: bool
    key_usage: tuple[Literal["digitalSignature", "nonRepudiation"], ...]


@dataclass(frozen=True)
class PasswordRules:
    """What the policy demands of a password; the card's own policy is intersected with it."""

    minimum_length: int
    maximum_length: int
    characters: str
    attempts: int


GROUND = re.compile("[a-z][a-z0-9_-]{0,19}")
"""How a ground for an exemption is written in what two clerks sign."""
MOST_GROUNDS = 8
"""As many as a clerk chooses from on one screen."""
LONGEST_GROUND_NAME = 8
"""Full-width characters that fit on one of its keys."""


@dataclass(frozen=True)
class ExemptionGround:
    """A ground (免除事由) on which no fee is due by ordinance: its code in the books, and as clerks read it."""

    code: str
    name: str


@dataclass(frozen=True)
class FeeRules:
    """Fees in yen, and on which grounds two clerks may exempt from them; none where no ordinance has any."""

    issue_yen: int
    exemptions: tuple[ExemptionGround, ...] = ()

    @property
    def grounds(self) -> tuple[ExemptionGround, ...]:
        """The grounds on which there is something to be exempted from."""
        return self.exemptions if self.issue_yen else ()

    def ground(self, code: str) -> ExemptionGround | None:
        """The ground of this code."""
        return next((one for one in self.exemptions if one.code == code), None)


@dataclass(frozen=True)
class Deadlines:
    """How long things may take. `pending_h`: an unconfirmed certificate is revoked after so many hours.

    `records_years`: so long after the end of a case its records are kept. It has a default because profiles that lie
    in an authority's directory may be older than the key.
    """

    pending_h: int
    fee_margin_min: int
    authorisation_min: int
    records_years: int = 13


@dataclass(frozen=True)
class Eligibility:
    """Who may apply at the kiosk; others follow another procedure at the counter."""

    minimum_age_years: int
    accepts_foreign_nationals: bool
    accepts_adult_wards: bool


@dataclass(frozen=True)
class Policy:
    """One policy profile, read from `config/policy/NAME.toml`.

    `identity` has a default because profiles that lie in an authority's directory may be older than the key.
    """

    name: str
    card_applications: tuple[str, ...]
    issuer: Literal["governor", "mayor"]
    """Whose act the certificate is: decides the issuer's alternative name and the receipt's wording."""
    eligibility: Eligibility
    fee: FeeRules
    deadlines: Deadlines
    certificates: tuple[CertificateRules, ...]
    passwords: dict[PasswordKind, PasswordRules]
    unattested_cards: Literal["refused", "accepted"] = "refused"
    """What becomes of a PIV card that cannot prove that it made its key itself: only the station's word is left then.

    It has a default because profiles that lie in an authority's directory may be older than the key.
    """
    identity: tuple[IdentityRoute, ...] = PHOTO_ONLY
    relying_parties: Literal["anybody", "registered"] = "anybody"
    """Whom the authority tells the status of certificates. It has a default for the same reason."""

    @property
    def signature_policies(self) -> frozenset[str]:
        """What certificates for residents' signatures assert (dotted), in production and in training.

        Which of both it is, the trusted authority decides.
        """
        rules = [rules for rules in self.certificates if rules.kind == "signature"]
        return frozenset(oid for one in rules for oid in (one.policy_oid, one.test_policy_oid))

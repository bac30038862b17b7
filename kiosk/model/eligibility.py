"""Who may get a certificate at the kiosk: the refusals that the register alone decides, as a table."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from kiosk.model.policy import Eligibility
from kiosk.model.resident import FourItems, Resident

NOT_IN_REGISTER = "E01"
FORM_DIFFERS = "E09"
CARD_OF_ANOTHER = "E06"
CERTIFICATE_EXISTS = "E07"
CHARACTER_UNCERTIFIABLE = "E14"
CARD_IN_USE = "E18"
NO_CERTIFICATE = "E24"


@dataclass(frozen=True)
class Refusal:
    """One rule: `applies` tells whether it stands against this resident on this day."""

    code: str
    applies: Callable[[Resident, Eligibility, datetime.date], bool]


REFUSALS = (
    Refusal("E02", lambda r, rules, day: not r.is_japanese_national and not rules.accepts_foreign_nationals),
    Refusal("E03", lambda r, rules, day: r.age_on(day) < rules.minimum_age_years),
    Refusal("E04", lambda r, rules, day: r.is_adult_ward and not rules.accepts_adult_wards),
)
"""In the order in which the counter asks; the first that applies is the one named."""


def refusal_code(resident: Resident | None, rules: Eligibility, day: datetime.date) -> str | None:
    """The code of the rule that stands against an application, or None."""
    if resident is None:
        return NOT_IN_REGISTER
    return next((refusal.code for refusal in REFUSALS if refusal.applies(resident, rules, day)), None)


def differing_items(register: FourItems, form: FourItems) -> tuple[str, ...]:
    """Names of the items in which a form differs from the register."""
    return tuple(
        item for item in ("name", "address", "birth_date", "sex") if getattr(register, item) != getattr(form, item)
    )

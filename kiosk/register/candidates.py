"""Whose form it may be: the residents of the register that agree best with what somebody has written."""

from collections.abc import Sequence

from kiosk.model.comparison import folded
from kiosk.model.form import Form
from kiosk.model.resident import Resident

SHOWN = 6
"""More would be a list to search in, for which there is the search."""

_LEAST = 3
"""A birth date with a family name, or a whole name: by less nobody is known."""


def candidates(residents: Sequence[Resident], form: Form) -> tuple[Resident, ...]:
    """The residents that a form may be from, the likeliest first; none when nobody comes near."""
    scored = [(_score(resident, form), resident) for resident in residents]
    near = sorted((s for s in scored if s[0] >= _LEAST), key=lambda s: -s[0])
    best = near[0][0] if near else 0
    # Whoever agrees in two more points leaves the others behind: a household shares address and family name.
    return tuple(resident for score, resident in near if score > best - 2)[:SHOWN]


def _score(resident: Resident, form: Form) -> int:
    items = resident.items
    family = form.kana.partition("\u3000")[0]
    return (
        2 * (items.birth_date == form.birth_date)
        + 2 * (folded(resident.kana) == folded(form.kana))
        + (folded(resident.kana.partition("\u3000")[0]) == folded(family))
        + (bool(form.name) and folded(items.name) == folded(form.name))
        + (folded(items.address) == folded(form.address))
        + (items.sex is form.sex)
    )

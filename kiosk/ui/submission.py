"""A form that was typed at the terminal and lies with the clerk until he has looked at it."""

from dataclasses import dataclass

from kiosk.model.form import Form
from kiosk.model.resident import Resident


@dataclass(frozen=True, repr=False)
class Accepted:
    """It is this resident's, and it says what the register says."""

    resident: Resident


@dataclass(frozen=True)
class Returned:
    """These items are to be looked at once more; what the register says about them is not told."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Referred:
    """The clerk would rather speak to the resident at the window."""


@dataclass(eq=False)
class Submission:
    """One form and, once there is one, the clerk's answer."""

    form: Form
    answer: Accepted | Returned | Referred | None = None

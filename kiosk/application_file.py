"""The file of a drill: one application, and the persons who act in it."""

import datetime
from dataclasses import dataclass
from pathlib import Path

from hw.strict_toml import ConfigInvalid, convert, read_tables
from kiosk.model.application import APPLICATION_NUMBER, LONGEST_NUMBER, Application
from kiosk.model.characters import impossible
from kiosk.model.identity import IdentityDocument
from kiosk.model.policy import Policy
from kiosk.model.resident import FourItems, Resident, Sex

LARGEST_TENDERED_YEN = 100_000
"""More than anybody hands over for a fee; what is above is a slip of the pen."""

NUMBER_FORM = f"1 to {LONGEST_NUMBER} of A-Z, a-z, 0-9, '-', '_' and '.', of which the first is a letter or a digit"
_FOUR_DIGITS = "1234"
LONGEST_CLERK_NAME = 12
"""Full-width characters that fit on a receipt beside 出納員."""

HELP = """\
APPLICATION.toml has these keys:
  number                            the application's number, 1 to 40 letters, digits, "-", "_", "."; the same number is
                                    never issued twice
  resident                          the resident's code in the register
  [form]                            optional: what the form says where it differs from the register, all of
    name, address                   text, as on the form; no control characters
    birth_date                      a date, such as 1931-05-03
    sex                             "male", "female" or "other"
  [persons.resident]
    password                        the password he chooses, and types whenever he is asked; in capitals where a card
                                    knows no small letters
    authentication_password         the one for the second certificate of a card that has two      (default "1234")
  [persons.clerk]                   optional
    name                            his name in the journal and on the receipt      (default "demo")
    identity_document               "driving_licence", "passport", "photo_card", "answered_letter",
                                    "health_insurance", "pension_book" or "employee_card"
                                                                                    (default "driving_licence")
    tendered_yen                    what the resident hands over                    (default 500)
    cannot_tell                     true: asked after an interruption what became of money or paper, he does not know,
                                    so that two clerks have to settle it               (default false)
    second                          who settles it with him at a clerk's station, or exempts from the fee with him
                                                                                    (default "second")
    exemption                       the ground of the policy on which no fee is due       (default: none)
    takes_s                         seconds that he takes for each answer at a clerk's station      (default 0)
"""


@dataclass(frozen=True)
class FormTable:
    """What the form says; a key left out is as in the register."""

    name: str | None = None
    address: str | None = None
    birth_date: datetime.date | None = None
    sex: Sex | None = None

    def __repr__(self) -> str:
        return "FormTable(...)"

    def fill(self, register: FourItems) -> FourItems:
        """The four items of the form over those of the register."""
        return FourItems(
            name=self.name or register.name,
            address=self.address or register.address,
            birth_date=self.birth_date or register.birth_date,
            sex=self.sex or register.sex,
        )


@dataclass(frozen=True)
class ResidentTable:
    """The resident as a person who acts."""

    password: str
    authentication_password: str = _FOUR_DIGITS

    def __repr__(self) -> str:
        return "ResidentTable(...)"


@dataclass(frozen=True)
class ClerkTable:
    """The clerk as a person who acts."""

    name: str = "demo"
    identity_document: IdentityDocument = IdentityDocument.DRIVING_LICENCE
    tendered_yen: int = 500
    cannot_tell: bool = False
    second: str = "second"
    exemption: str = ""
    takes_s: float = 0.0


@dataclass(frozen=True)
class PersonsTable:
    """The persons."""

    resident: ResidentTable
    clerk: ClerkTable = ClerkTable()


@dataclass(frozen=True)
class ApplicationFile:
    """One application and its persons."""

    number: str
    resident: str
    persons: PersonsTable
    form: FormTable | None = None

    def application(self, resident: Resident | None) -> Application:
        """The application as filed, its form completed from the register when the resident is in it."""
        form_items = self.form.fill(resident.items) if self.form and resident else None
        return Application(self.number, self.resident, form_items)


def check_passwords(table: ResidentTable, policy: Policy, path: Path) -> None:
    """Raises `ConfigInvalid` for a password that no card takes under the policy."""
    chosen = {"signature": "password", "authentication": "authentication_password"}
    for kind, rules in policy.passwords.items():
        text: str = getattr(table, chosen[kind])
        is_long_enough = rules.minimum_length <= len(text) <= rules.maximum_length
        if not is_long_enough or set(text.upper()) - set(rules.characters.upper()):
            reason = f"not {rules.minimum_length} to {rules.maximum_length} of {rules.characters}"
            raise ConfigInvalid(str(path), f"persons.resident.{chosen[kind]}", reason)


def load_application(path: Path) -> ApplicationFile:
    """Reads the file. Raises `ConfigInvalid` that names file, key and reason."""
    file = convert(read_tables(path), ApplicationFile, str(path))
    if not APPLICATION_NUMBER.fullmatch(file.number):
        raise ConfigInvalid(str(path), "number", f"not {NUMBER_FORM}")
    if not file.resident or not file.resident.isprintable() or file.resident != file.resident.strip():
        raise ConfigInvalid(str(path), "resident", "empty, or holds blanks at its ends or unprintable characters")
    for key in ("password", "authentication_password"):
        if not getattr(file.persons.resident, key).isascii():
            raise ConfigInvalid(str(path), f"persons.resident.{key}", "a card takes ASCII characters only")
    if not 0 <= file.persons.clerk.tendered_yen <= LARGEST_TENDERED_YEN:
        raise ConfigInvalid(str(path), "persons.clerk.tendered_yen", f"not between 0 and {LARGEST_TENDERED_YEN}")
    if not file.persons.clerk.name.isprintable() or not 0 < len(file.persons.clerk.name) <= LONGEST_CLERK_NAME:
        raise ConfigInvalid(
            str(path),
            "persons.clerk.name",
            f"not 1 to {LONGEST_CLERK_NAME} printable characters",
        )
    if file.form:
        for key in ("name", "address"):
            if bad := impossible(getattr(file.form, key) or ""):
                characters = " ".join(f"{c!r} (U+{ord(c):04X})" for c in bad)
                raise ConfigInvalid(str(path), f"form.{key}", f"no part of a written text: {characters}")
    return file

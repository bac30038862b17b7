"""A resident as the town's register (住民基本台帳) knows him, and the four data items (基本4情報)."""

import datetime
from dataclasses import dataclass
from enum import StrEnum


class Sex(StrEnum):
    """As the register records it; the digit is the one certificates carry."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"

    @property
    def digit(self) -> str:
        """The value of otherName .3 in a certificate."""
        return {Sex.MALE: "1", Sex.FEMALE: "2", Sex.OTHER: "3"}[self]


@dataclass(frozen=True)
class FourItems:
    """基本4情報: name, address, date of birth, sex; what is compared, certified and matched."""

    name: str
    address: str
    birth_date: datetime.date
    sex: Sex

    def __repr__(self) -> str:
        return "FourItems(...)"  # personal data stays out of logs and tracebacks


@dataclass(frozen=True)
class Resident:
    """One line of the register. `code` is the resident's code (住民票コード), 11 digits."""

    code: str
    items: FourItems
    kana: str
    is_japanese_national: bool = True
    is_adult_ward: bool = False
    is_protected: bool = False

    def __repr__(self) -> str:
        return "Resident(...)"

    def age_on(self, day: datetime.date) -> int:
        """Completed years of age; someone born on 29 February completes a year on 1 March of common years."""
        born = self.items.birth_date
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))

"""Looks residents up in the town's register."""

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hw.strict_toml import ConfigInvalid, convert, read_tables
from kiosk.model.resident import FourItems, Resident, Sex


class ResidentLookup(Protocol):
    """The register as far as a use case needs it."""

    def find(self, code: str) -> Resident | None:
        """The resident of that code, or None when he is not of this town."""
        ...

    def residents(self) -> tuple[Resident, ...]:
        """All residents, where they may be seen; raises `hw.errors.Refused` where they may not."""
        ...


class Register:
    """The residents by their codes."""

    def __init__(self, residents: tuple[Resident, ...]) -> None:
        self._by_code = {resident.code: resident for resident in residents}

    def find(self, code: str) -> Resident | None:
        """The resident of that code, or None when he is not of this town."""
        return self._by_code.get(code)

    def residents(self) -> tuple[Resident, ...]:
        """All residents in the register's order."""
        return tuple(self._by_code.values())


@dataclass(frozen=True, repr=False)
class _Line:
    code: str
    name: str
    kana: str
    address: str
    birth_date: datetime.date
    sex: Sex
    is_japanese_national: bool = True
    is_adult_ward: bool = False
    is_protected: bool = False


@dataclass(frozen=True)
class _File:
    resident: tuple[_Line, ...]


def load_register(path: Path) -> Register:
    """Reads a register kept as TOML. Raises `ConfigInvalid`."""
    lines = convert(read_tables(path), _File, str(path)).resident
    seen: set[str] = set()
    for index, line in enumerate(lines):
        if line.code in seen:
            raise ConfigInvalid(str(path), f"resident[{index}].code", f"{line.code} stands in the register twice")
        seen.add(line.code)
    return Register(
        tuple(
            Resident(
                code=line.code,
                items=FourItems(line.name, line.address, line.birth_date, line.sex),
                kana=line.kana,
                is_japanese_national=line.is_japanese_national,
                is_adult_ward=line.is_adult_ward,
                is_protected=line.is_protected,
            )
            for line in lines
        )
    )

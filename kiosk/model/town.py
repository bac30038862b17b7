"""The town whose office this is, as certificates and papers name it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Town:
    """One municipality. `code` is its five-digit code (全国地方公共団体コード without the check digit).

    `*_romaji` are what a certificate's subject and CRL distribution point carry. `telephone` is the office's number as
    its papers name it, `department` the part of it that answers; without them they leave it to a pen.
    """

    code: str
    prefecture: str
    prefecture_romaji: str
    municipality: str
    municipality_romaji: str
    telephone: str = ""
    department: str = ""
    department_romaji: str = ""


@dataclass(frozen=True)
class Area:
    """A part of the town as addresses name it, and its reading, by which lists are ordered."""

    name: str
    kana: str


@dataclass(frozen=True)
class Areas:
    """The town's parts; `prefix` is what stands before each in an address: prefecture, district, municipality."""

    prefix: str
    area: tuple[Area, ...]

"""The names of the seats."""

from enum import StrEnum


class SeatName(StrEnum):
    """The seats; each is a Textual mode of the same name."""

    RESIDENT = "resident"
    CLERK = "clerk"
    TECHNICIAN = "technician"

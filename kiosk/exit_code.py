"""Exit codes of all commands (the numbers of BSD sysexits.h where it has one)."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's end means."""

    OK = 0
    REFUSED = 1
    """Refused, rejected, revoked, chain broken."""
    UNDECIDED = 2
    """Not decidable, or a case that needs a person."""
    USAGE = 64
    UNAVAILABLE = 69
    """The authority cannot be reached."""
    INTERNAL = 70
    CONFIG = 78
    """A file cannot be used: of the configuration, of an application, or one that is to be written."""

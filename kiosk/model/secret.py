"""Passwords in memory: bytes that can be overwritten where they lie."""


def wipe(secret: bytearray) -> None:
    """Overwrites a password where it lies."""
    secret[:] = bytes(len(secret))

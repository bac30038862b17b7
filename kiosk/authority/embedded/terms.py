"""For which town and under which policy an authority was made: the two files of its directory that hold no key."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from kiosk.model.policy import Policy
from kiosk.model.town import Town

DEFAULT_POLICY = "juki-2011"
"""Name of the profile under which an authority is made when no other is named."""

MARK = "authority.toml"
"""The file that makes a directory an authority's."""

T = TypeVar("T")


class DirectoryInvalid(ValueError):
    """A directory that is no authority, or cannot become one; the message names it."""


@dataclass(frozen=True)
class AuthorityFile:
    """`authority.toml`. An empty `url` means: where it listens; an empty `store`: `store.db` beside it.

    `ceremony`: it was made at one, and the protocol of it lies there too.
    """

    town: Town
    url: str = ""
    store: str = ""
    ceremony: bool = False


@dataclass(frozen=True)
class Terms:
    """For which town and under which policy an authority was made."""

    town: Town
    policy: Policy


def read_terms(directory: Path) -> Terms:
    """Reads the terms of the authority in `directory`, without its keys. Raises `DirectoryInvalid`."""
    return Terms(read_authority_file(directory / MARK).town, read_policy(directory / "policy.toml"))


def read_authority_file(path: Path) -> AuthorityFile:
    """Reads an `authority.toml`. Raises `DirectoryInvalid`, which names the file."""
    return _read_toml(path, AuthorityFile)


def read_policy(path: Path) -> Policy:
    """Reads a policy profile. Raises `DirectoryInvalid`, which names the file."""
    return _read_toml(path, Policy)


def _read_toml(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), kind)
    except msgspec.ValidationError as error:
        raise DirectoryInvalid(f"{path}: {_in_words(error)}") from error
    except OSError as error:
        raise DirectoryInvalid(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise DirectoryInvalid(f"{path}: {error}") from error


def _in_words(error: msgspec.ValidationError) -> str:
    """What msgspec says of its objects, in the words of a file's keys."""
    reason, _, where = str(error).partition(" - at `$")
    table = where.rstrip("`").lstrip(".")
    if reason.startswith("Object missing required field"):
        key = reason.split("`")[1]
        return f"{table}.{key}: missing" if table else f"{key}: missing"
    return f"{table}: {reason}" if table else reason

"""Reads a TOML file into dataclasses, strictly: every error names file, key and reason."""

import dataclasses
import difflib
import enum
import tomllib
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


SET = "--set"
"""The `ConfigInvalid.file` of a value that stands on the command line."""


class ConfigInvalid(ValueError):
    """A file that cannot be used: `file`, dotted `key` (empty for the whole file) and `reason`."""

    def __init__(self, file: str, key: str, reason: str) -> None:
        # Whoever could not read the file may have named it already.
        reason = reason.removeprefix(f"{file}: ")
        place = f"{file} {key}" if file == SET else ": ".join(filter(None, (file, key)))
        super().__init__(f"{place}: {reason}")
        self.file = file
        self.key = key
        self.reason = reason


def read_tables(path: Path) -> dict[str, Any]:
    """The file's raw tables. Raises `ConfigInvalid` when it cannot be read or is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigInvalid(str(path), "", error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise ConfigInvalid(str(path), "", f"not UTF-8 at byte {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigInvalid(str(path), "", f"not TOML: {error}") from error


def convert(tables: Mapping[str, Any], kind: type[T], file: str) -> T:
    """The tables as a `kind` (a dataclass, nested freely). Raises `ConfigInvalid`."""
    import msgspec

    _refuse_unknown_keys(tables, kind, file, "")
    try:
        return msgspec.convert(tables, kind)
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at `$")
        key = where.rstrip("`").lstrip(".")
        if reason.startswith("Object missing required field"):
            name = reason.split("`")[1]
            raise ConfigInvalid(file, f"{key}.{name}" if key else name, "missing") from error
        raise ConfigInvalid(file, key, reason + _choices(kind, key)) from error


def apply_settings(tables: dict[str, Any], settings: Iterable[tuple[str, str]], kind: type[Any]) -> None:
    """Puts `table.key` = bare text into `tables`, converted to the key's type in `kind`. Raises `ConfigInvalid`.

    A list is its items with commas between them, or as TOML writes it.
    """
    for dotted, text in settings:
        *path, name = dotted.split(".")
        table, inner = tables, kind
        for part in path:
            inner = _field_type(inner, part, dotted)
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise ConfigInvalid(SET, dotted, f"{part!r} is no table in the file")
        table[name] = _from_text(text, _field_type(inner, name, dotted), dotted)


@contextmanager
def blaming_settings(settings: Iterable[tuple[str, str]], file: str) -> Iterator[None]:
    """Whatever is refused in `file` though a setting has put it there, is told of that `--set` instead."""
    try:
        yield
    except ConfigInvalid as error:
        if error.file == file and error.key.partition("[")[0] in dict(settings):
            raise ConfigInvalid(SET, error.key, error.reason) from error
        raise


def _choices(kind: Any, key: str) -> str:
    """The values that an enumeration or a list of words at `key` has, to be told after the wrong one; "" elsewhere."""
    for part in key.split("."):
        fields = [m for m in _members(kind) if dataclasses.is_dataclass(m) and part in typing.get_type_hints(m)]
        if not fields:
            return ""
        kind = typing.get_type_hints(fields[0])[part]
    values = [value for member in _members(kind) for value in _values(member)]
    return f", not one of {', '.join(map(repr, values))}" if values else ""


def _values(kind: Any) -> list[str]:
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return [str(member.value) for member in kind]
    return [value for value in typing.get_args(kind) if isinstance(value, str)]


def _from_text(text: str, kind: Any, dotted: str) -> Any:
    wanted = _members(kind)
    for member in wanted:
        if typing.get_origin(member) in (list, tuple):
            return _list_from_text(text, typing.get_args(member)[0], dotted)
    if bool in wanted:
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        raise ConfigInvalid(SET, dotted, f"{text!r} is neither true nor false")
    for number in (int, float):
        if number in wanted:
            try:
                return number(text)
            except ValueError:
                raise ConfigInvalid(SET, dotted, f"{text!r} is not a number") from None
    return text


def _list_from_text(text: str, item: Any, dotted: str) -> list[Any]:
    if not text.lstrip().startswith("["):
        return [_from_text(part.strip(), item, dotted) for part in text.split(",")] if text.strip() else []
    try:
        tables = tomllib.loads(f"list = {text}")
    except tomllib.TOMLDecodeError as error:
        raise ConfigInvalid(SET, dotted, f"{text!r} is no list: {error}") from error
    if len(tables) > 1:
        raise ConfigInvalid(SET, dotted, f"{text!r} is more than a list")
    return list(tables["list"])


def _field_type(kind: Any, name: str, dotted: str) -> Any:
    for member in _members(kind):
        if dataclasses.is_dataclass(member) and name in (hints := typing.get_type_hints(member)):
            return hints[name]
    raise ConfigInvalid(SET, dotted, _unknown(name, _field_names(kind)))


def _members(kind: Any) -> tuple[Any, ...]:
    return typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)


def _field_names(kind: Any) -> list[str]:
    return [f.name for member in _members(kind) if dataclasses.is_dataclass(member) for f in dataclasses.fields(member)]


def _refuse_unknown_keys(value: Any, kind: Any, file: str, where: str) -> None:
    for member in _members(kind):
        if dataclasses.is_dataclass(member) and isinstance(value, Mapping):
            hints = typing.get_type_hints(member)
            for key, inner in value.items():
                dotted = f"{where}.{key}" if where else str(key)
                if key not in hints:
                    raise ConfigInvalid(file, dotted, _unknown(key, hints))
                _refuse_unknown_keys(inner, hints[key], file, dotted)
        elif typing.get_origin(member) in (list, tuple) and isinstance(value, list):
            for index, item in enumerate(value):
                _refuse_unknown_keys(item, typing.get_args(member)[0], file, f"{where}[{index}]")
        elif typing.get_origin(member) is dict and isinstance(value, Mapping):
            for key, item in value.items():
                _refuse_unknown_keys(item, typing.get_args(member)[1], file, f"{where}.{key}")


def _unknown(key: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(key, list(known), n=1)
    return "unknown key" + (f", did you mean {near[0]!r}?" if near else "")

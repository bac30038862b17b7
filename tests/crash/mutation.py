"""A deliberate design error, put into the running product and taken out again.

A rewrite changes the source of a function and gives the function itself the new code, so that whoever has imported it
has the error too.
"""

import importlib
import inspect
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any


@dataclass(frozen=True)
class Rewrite:
    """In the function at `where` (module:qualified name) the text `old`, which occurs once, reads `new`.

    Several of one function are made one after the other.
    """

    where: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutation:
    """One design error in words and in code; `catcher` is the rule that is expected to find it, though any may.

    `argued` says of one that nothing finds why it does no harm.
    """

    name: str
    catcher: str
    rewrites: tuple[Rewrite, ...]
    argued: str = ""


class MutationStale(ValueError):
    """A mutation's text is not in the code any more, or is there more than once."""


@contextmanager
def applied(mutation: Mutation) -> Iterator[None]:
    """The product with this error in it. Raises `MutationStale`."""
    with ExitStack() as undo:
        for where in dict.fromkeys(rewrite.where for rewrite in mutation.rewrites):
            function = _function(where)
            code = _rewritten([rewrite for rewrite in mutation.rewrites if rewrite.where == where], function)
            undo.callback(setattr, function, "__code__", function.__code__)
            function.__code__ = code
        yield


def _function(where: str) -> FunctionType:
    module, _, path = where.partition(":")
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        found = inspect.getattr_static(found, name)
    found = inspect.unwrap(found)
    assert isinstance(found, FunctionType), f"{where} is no function"
    return found


def _rewritten(rewrites: Sequence[Rewrite], function: FunctionType) -> CodeType:
    source = textwrap.dedent(inspect.getsource(function))
    for rewrite in rewrites:
        if source.count(rewrite.old) != 1:
            raise MutationStale(f"{rewrite.where}: {rewrite.old!r} occurs {source.count(rewrite.old)} times")
        source = source.replace(rewrite.old, rewrite.new)
    made: dict[str, Any] = {}
    exec(compile(source, f"<mutation of {function.__qualname__}>", "exec"), dict(function.__globals__), made)
    code: CodeType = inspect.unwrap(made[function.__name__]).__code__
    return code

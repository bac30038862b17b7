"""Mutants of a module: every change that mutmut's operators make to it, one at a time.

mutmut's own run passes over what stands outside functions and what is decorated, which here are the tables, the
transactions and the properties. So only its operators are taken, and every expression and statement is visited.

Not changed, beyond what mutmut leaves alone (annotations, docstrings, decorators, `len`, `isinstance`):
- the text of a raised exception and of an `assert`, which are for people;
- the letter case of SQL and of the name of a codec, which mean the same in another case;
- `strict` of `zip`, which raises upon a mistake in the program as an `assert` does;
- a `bool` that begins as `False` to `None`, which is as false;
- what only a type checker reads (`TypeVar`, `Literal`).
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper, ParentNodeProvider
from mutmut.mutation.mutators import mutation_operators

_SQL = ("SELECT ", "INSERT ", "UPDATE ", "CREATE ", "ALTER ", "LOCK ", "SET ", "BEGIN ", "PRAGMA ")
_ASKS_A_TYPE = m.Call(func=m.Name("len") | m.Name("isinstance") | m.Name("TypeVar")) | m.Subscript(
    value=m.Name("Literal")
)
_SQL_PIECE = re.compile(
    r"TEXT|BLOB|INTEGER|BYTEA|BIGINT|UPDATE|DELETE|\w+ ?= ?(ON|EXTRA|TRUNCATE|\d+|on|'[\w ]+')| OR |body LIKE \?"
)
"""Types, verbs, conditions and settings that are put into statements."""
_CODECS = ("utf-8", "ascii", "euc_jp", "cp932")
_IS_FALSE = m.AnnAssign(annotation=m.Annotation(m.Name("bool")), value=m.Name("False"))
_IS_STRICT = m.Arg(keyword=m.Name("strict"))


@dataclass(frozen=True)
class Mutant:
    """One changed module: what stood at `line` in which function (empty outside), and what stands there instead.

    `lines` are those of the function, none for a line outside of functions.
    """

    file: str
    function: str
    line: int
    was: str
    becomes: str
    source: str
    lines: range

    @property
    def name(self) -> tuple[str, str, str, str]:
        """What a mutant is known by, wherever its line moves to."""
        return self.file, self.function, self.was, self.becomes


def mutants_of(root: Path, file: str) -> Iterator[Mutant]:
    """All mutants of a module, in the order of its lines."""
    source = (root / file).read_text()
    wrapper = MetadataWrapper(cst.parse_module(source))
    module = wrapper.module
    functions = _functions(source)
    begin = sum(len(module.code_for_node(line)) for line in module.header)
    parents = wrapper.resolve(ParentNodeProvider)
    for statement in module.body:
        text = module.code_for_node(statement)
        assert source[begin : begin + len(text)] == text, "statements follow each other"
        changes = _Changes(parents)
        statement.visit(changes)
        seen = {text}
        for node, instead in changes.found:
            changed = module.code_for_node(statement.deep_replace(node, instead))
            mutated = source[:begin] + changed + source[begin + len(text) :]
            if changed in seen or not _compiles(mutated):
                continue
            seen.add(changed)
            offset, was, becomes = _difference(text.splitlines(), changed.splitlines())
            line = source.count("\n", 0, begin) + 1 + offset
            function, lines = functions.get(line, ("", range(0)))
            yield Mutant(file, function, line, was, becomes, mutated, lines)
        begin += len(text)


class _Changes(cst.CSTVisitor):
    """Collects what each node of a statement may be replaced by."""

    def __init__(self, parents: object) -> None:
        super().__init__()
        self.found: list[tuple[cst.CSTNode, cst.CSTNode]] = []
        self._parents = parents

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Annotation | cst.Decorator) or m.matches(node, _ASKS_A_TYPE):
            return False
        if isinstance(node, cst.Param) and not isinstance(
            node.default, cst.Name | cst.BaseNumber | cst.BaseString | None
        ):
            return False
        if m.matches(node, _IS_STRICT):
            return False
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                self.found += [(node, instead) for instead in operator(node) if not self._says_the_same(node, instead)]
        return True

    def _says_the_same(self, node: cst.CSTNode, instead: cst.CSTNode) -> bool:
        if m.matches(node, _IS_FALSE):
            return m.matches(instead, m.AnnAssign(value=m.Name("None")))
        if isinstance(node, cst.SimpleString) and isinstance(instead, cst.SimpleString):
            was, becomes = node.evaluated_value, instead.evaluated_value
            is_recased = isinstance(was, str) and was.lower() == str(becomes).lower()
            whole = str(self._whole(node).evaluated_value)
            if is_recased and (was in _CODECS or whole.startswith(_SQL) or _SQL_PIECE.fullmatch(whole)):
                return True
        if isinstance(node, cst.BaseString):
            return self._is_told(node)
        if isinstance(node, cst.Call) and isinstance(instead, cst.Call):
            kept = {id(argument.value) for argument in instead.args}
            gone = [argument for argument in node.args if id(argument.value) not in kept]
            if len(gone) == 1:
                is_text = isinstance(gone[0].value, cst.BaseString) and self._is_told(node)
                return is_text or m.matches(gone[0], _IS_STRICT)
        return False

    def _whole(self, node: cst.SimpleString) -> cst.SimpleString | cst.ConcatenatedString:
        """The text of which a literal is a piece."""
        whole: cst.SimpleString | cst.ConcatenatedString = node
        while isinstance(parent := self._parents.get(whole), cst.ConcatenatedString):
            whole = parent
        return whole

    def _is_told(self, node: cst.CSTNode) -> bool:
        """Whether a node belongs to what is raised or asserted."""
        while node is not None:
            parent = self._parents.get(node)  # a mapping by node
            if isinstance(parent, cst.Raise) or (isinstance(parent, cst.Assert) and parent.msg is node):
                return True
            if isinstance(parent, cst.BaseStatement):
                return False
            node = parent
        return False


def _difference(before: list[str], after: list[str]) -> tuple[int, str, str]:
    """The offset of the first line that differs, and the lines that differ on both sides."""
    first = next(n for n in range(len(before) + 1) if before[n : n + 1] != after[n : n + 1])
    rest = min(len(before), len(after)) - first
    last = next((n for n in range(rest) if before[-1 - n] != after[-1 - n]), rest)
    sides = (before[first : len(before) - last], after[first : len(after) - last])
    was, becomes = (" ".join(line.strip() for line in side) for side in sides)
    return first, was, becomes


def _functions(source: str) -> dict[int, tuple[str, range]]:
    """By line the qualified name of the innermost function or class, and the lines of the innermost function."""
    names: dict[int, tuple[str, range]] = {}

    def name(node: ast.AST, outer: str, lines: range) -> None:
        for child in ast.iter_child_nodes(node):
            inner, within = outer, lines
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                span = range(child.lineno, (child.end_lineno or 0) + 1)
                inner = f"{outer}.{child.name}".lstrip(".")
                within = span if isinstance(child, ast.FunctionDef) else lines
                names.update(dict.fromkeys(span, (inner, within)))
            name(child, inner, within)

    name(ast.parse(source), "", range(0))
    return names


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True

"""The direction of imports, read from the source: who may know whom, and which library stands behind which module.

A rule is a function from the tree (path to source text) to what breaks it. Every rule is also shown to fail.
"""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent

Tree = Mapping[str, str]
"""Source text by path from the top of the checkout, such as `hw/card/pcsc.py`."""

FREE_OF_SCREENS_AND_DRIVERS = (
    "kiosk.issuance",
    "kiosk.journal",
    "kiosk.authority",
    "kiosk.counter",
    "kiosk.maintenance",
    "kiosk.eapply",
)
DEVICE_CONTRACTS = ("hw.ports", "hw.errors", "hw.rsa_check", "hw.data_folder")
SEATS = ("kiosk.ui.resident", "kiosk.ui.clerk", "kiosk.ui.technician")

BEHIND_ONE_MODULE = {
    "smartcard": ("hw/card/pcsc.py",),
    "serial": ("hw/link/",),
    "escpos": ("hw/printer/",),
    "psycopg": ("kiosk/journal/connection.py",),
    "starlette": ("kiosk/authority/", "kiosk/eapply/"),
    "uvicorn": ("kiosk/authority/", "kiosk/eapply/"),
    "cryptography.hazmat.asn1": ("kiosk/authority/asn1.py",),
    "asn1crypto": ("kiosk/eapply/cms.py",),
    "pkcs11": ("kiosk/authority/token_key.py",),
    "signxml": ("kiosk/eapply/xml.py",),
    "lxml": ("kiosk/eapply/xml.py",),
}
"""Library to the places that may import it, a module or a folder; in each folder one module may."""

IMPORTED_WHEN_FIRST_USED = ("smartcard", "serial", "escpos", "pkcs11")
EMPTY_NAMES = {"utils", "helpers", "common", "base", "manager"}


class Import(NamedTuple):
    """One imported name in full, `hw.ports.CardSession`; `lazy` when loading the importing module does not load it."""

    name: str
    lazy: bool


@cache
def imports(path: str, source: str) -> tuple[Import, ...]:
    """Every import of a module, relative ones resolved, `import_module` with a literal name included.

    Cached, since one rule after another asks for the same modules.
    """
    package = PurePosixPath(path).parent.parts

    def walk(node: ast.AST, lazy: bool) -> Iterator[Import]:
        match node:
            case ast.Import(names=names):
                yield from (Import(alias.name, lazy) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                origin = [*package[: len(package) - level + 1]] if level else []
                origin += [module] if module else []
                yield from (Import(".".join([*origin, alias.name]), lazy) for alias in names)
            case ast.Call(
                func=ast.Attribute(attr=called) | ast.Name(id=called), args=[ast.Constant(value=str(name)), *_]
            ):
                if called in ("import_module", "__import__"):
                    yield Import(name, lazy)
        deferred = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or (
            isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        )
        for child in ast.iter_child_nodes(node):
            yield from walk(child, lazy or deferred)

    return tuple(walk(ast.parse(source), lazy=False))


def within(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of the packages or lies in one."""
    return any(name == package or name.startswith(package + ".") for package in packages)


def module_name(path: str) -> str:
    """The dotted name under which a path is imported."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def breaches(tree: Tree, wrong: Callable[[str, Import], bool]) -> list[str]:
    """The imports for which `wrong(importing module, import)` holds, one line each."""
    return [
        f"{path} imports {found.name}"
        for path, source in tree.items()
        for found in imports(path, source)
        if wrong(module_name(path), found)
    ]


def hw_knows_nothing_of_the_kiosk(tree: Tree) -> list[str]:
    return breaches(tree, lambda module, found: within(module, "hw") and within(found.name, "kiosk"))


def the_domain_needs_the_standard_library_only(tree: Tree) -> list[str]:
    def wrong(module: str, found: Import) -> bool:
        top = found.name.partition(".")[0]
        return (
            within(module, "kiosk.model")
            and top not in sys.stdlib_module_names
            and not within(found.name, "kiosk.model")
        )

    return breaches(tree, wrong)


def use_cases_see_devices_through_contracts(tree: Tree) -> list[str]:
    def wrong(module: str, found: Import) -> bool:
        return (
            within(module, *FREE_OF_SCREENS_AND_DRIVERS)
            and within(found.name, "hw")
            and not within(found.name, *DEVICE_CONTRACTS)
        )

    return breaches(tree, wrong)


def screens_are_drawn_under_ui_only(tree: Tree) -> list[str]:
    return breaches(tree, lambda module, found: within(found.name, "textual") and not within(module, "kiosk.ui"))


def seats_do_not_know_each_other(tree: Tree) -> list[str]:
    def wrong(module: str, found: Import) -> bool:
        return any(within(module, seat) and within(found.name, *(set(SEATS) - {seat})) for seat in SEATS)

    return breaches(tree, wrong)


def a_library_stands_behind_one_module(tree: Tree) -> list[str]:
    found = []
    for library, places in BEHIND_ONE_MODULE.items():
        users = [path for path, source in tree.items() if any(within(i.name, library) for i in imports(path, source))]
        for place in places:
            here = [path for path in users if path.startswith(place)]
            users = [path for path in users if path not in here]
            if len(here) > 1:
                found.append(f"{library} is imported by {' and '.join(here)}: one of them, please")
        found += [f"{path} imports {library}, which belongs to {' or '.join(places)}" for path in users]
    return found


def device_libraries_load_when_first_used(tree: Tree) -> list[str]:
    return breaches(tree, lambda _, found: within(found.name, *IMPORTED_WHEN_FIRST_USED) and not found.lazy)


def names_say_what_a_thing_is(tree: Tree) -> list[str]:
    return [path for path in tree if EMPTY_NAMES & set(path.removesuffix(".py").split("/"))]


def modules_say_what_they_are_for(tree: Tree) -> list[str]:
    return [f"{path} has no docstring" for path in tree if not ast.get_docstring(ast.parse(tree[path]))]


Rule = Callable[[Tree], list[str]]

RULES: tuple[Rule, ...] = (
    hw_knows_nothing_of_the_kiosk,
    the_domain_needs_the_standard_library_only,
    use_cases_see_devices_through_contracts,
    screens_are_drawn_under_ui_only,
    seats_do_not_know_each_other,
    a_library_stands_behind_one_module,
    device_libraries_load_when_first_used,
    names_say_what_a_thing_is,
    modules_say_what_they_are_for,
)

BREACHES: tuple[tuple[Rule, Tree], ...] = (
    (hw_knows_nothing_of_the_kiosk, {"hw/bench.py": "from kiosk.config import Config"}),
    (hw_knows_nothing_of_the_kiosk, {"hw/card/jpki.py": "def f():\n    import kiosk"}),
    (the_domain_needs_the_standard_library_only, {"kiosk/model/pin.py": "import msgspec"}),
    (the_domain_needs_the_standard_library_only, {"kiosk/model/pin.py": "from hw.errors import Refused"}),
    (the_domain_needs_the_standard_library_only, {"kiosk/model/pin.py": "from .. import clock"}),
    (use_cases_see_devices_through_contracts, {"kiosk/issuance/issue.py": "from hw import bench"}),
    (use_cases_see_devices_through_contracts, {"kiosk/issuance/issue.py": "import hw"}),
    (use_cases_see_devices_through_contracts, {"kiosk/counter/queue.py": "from hw import *"}),
    (use_cases_see_devices_through_contracts, {"kiosk/journal/chain.py": "import hw.ports_of_call"}),
    (screens_are_drawn_under_ui_only, {"kiosk/cli.py": "def f():\n    from textual.app import App"}),
    (screens_are_drawn_under_ui_only, {"kiosk/counter/queue.py": "importlib.import_module('textual')"}),
    (seats_do_not_know_each_other, {"kiosk/ui/clerk/flow.py": "from kiosk.ui.resident import flow"}),
    (seats_do_not_know_each_other, {"kiosk/ui/clerk/flow.py": "from ..technician.devices import Devices"}),
    (seats_do_not_know_each_other, {"kiosk/ui/clerk/__init__.py": "from .. import resident"}),
    (a_library_stands_behind_one_module, {"hw/card/reader.py": "from smartcard import System"}),
    (a_library_stands_behind_one_module, {"hw/link/tty.py": "import serial", "hw/link/tcp.py": "import serial"}),
    (a_library_stands_behind_one_module, {"kiosk/journal/search.py": "import psycopg"}),
    (a_library_stands_behind_one_module, {"kiosk/authority/crl.py": "from cryptography.hazmat import asn1"}),
    (a_library_stands_behind_one_module, {"kiosk/eapply/verify.py": "def f():\n    from asn1crypto import cms"}),
    (device_libraries_load_when_first_used, {"hw/link/tty.py": "import serial.tools"}),
    (device_libraries_load_when_first_used, {"hw/link/tty.py": "class Port:\n    from serial import Serial"}),
    (names_say_what_a_thing_is, {"kiosk/ui/utils.py": ""}),
    (names_say_what_a_thing_is, {"tests/helpers/card.py": ""}),
    (modules_say_what_they_are_for, {"hw/lamp.py": "import os"}),
)

ALLOWED: tuple[tuple[Rule, Tree], ...] = (
    (hw_knows_nothing_of_the_kiosk, {"kiosk/cli.py": "import hw.bench", "hw/lamp.py": "import kiosky"}),
    (the_domain_needs_the_standard_library_only, {"kiosk/model/fee.py": "import enum\nfrom . import policy"}),
    (use_cases_see_devices_through_contracts, {"kiosk/issuance/issue.py": "from hw import errors, ports"}),
    (use_cases_see_devices_through_contracts, {"kiosk/ui/app.py": "from hw.bench import open_bench"}),
    (screens_are_drawn_under_ui_only, {"kiosk/ui/idle.py": "from textual.app import App"}),
    (seats_do_not_know_each_other, {"kiosk/ui/clerk/flow.py": "from kiosk.ui.clerk import queue"}),
    (a_library_stands_behind_one_module, {"hw/link/tty.py": "import serial", "hw/lamp.py": "import serialise"}),
    (
        a_library_stands_behind_one_module,
        {"kiosk/authority/embedded/signer.py": "from cryptography.hazmat.primitives import hashes"},
    ),
    (device_libraries_load_when_first_used, {"hw/link/tty.py": "def opened():\n    import serial"}),
    (device_libraries_load_when_first_used, {"hw/link/tty.py": "if TYPE_CHECKING:\n    import serial"}),
    (names_say_what_a_thing_is, {"kiosk/journal/database.py": "", "kiosk/service_manager.py": ""}),
    (modules_say_what_they_are_for, {"hw/lamp.py": '"""The lamp."""'}),
)


def read(*folders: str) -> Tree:
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


@pytest.fixture(scope="module")
def product() -> Tree:
    return read("hw", "kiosk")


@pytest.mark.parametrize("rule", RULES)
def test_the_product_keeps_the_rule(rule: Rule, product: Tree) -> None:
    assert product
    assert rule(product) == []


def test_the_tests_have_names_that_say_what_they_are() -> None:
    assert names_say_what_a_thing_is(read("tests")) == []


@pytest.mark.parametrize(("rule", "breach"), BREACHES)
def test_a_breach_is_found(rule: Rule, breach: Tree) -> None:
    assert rule(breach) != []


@pytest.mark.parametrize(("rule", "sound"), ALLOWED)
def test_what_is_allowed_is_left_alone(rule: Rule, sound: Tree) -> None:
    assert rule(sound) == []


def test_every_rule_is_shown_to_fail() -> None:
    assert {rule for rule, _ in BREACHES} == set(RULES)


def test_the_command_line_starts_without_screens_drivers_and_servers() -> None:
    heavy = {"textual", "psycopg", "http", "smartcard", "serial", "escpos", "uvicorn"}
    listing = "import sys, kiosk.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    fresh = subprocess.run([sys.executable, "-c", listing], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert fresh.returncode == 0, fresh.stderr
    loaded = set(fresh.stdout.split())
    assert not heavy & loaded

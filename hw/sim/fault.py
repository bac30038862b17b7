"""The grammar in which every simulator is told what shall go wrong, and when."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_ITEM = re.compile(r"(?P<kind>[a-z-]+)@(?P<at>[1-9][0-9]{0,8})(?:=(?P<value>.*))?", re.DOTALL)


class FaultSpecInvalid(ValueError):
    """A fault specification that this device does not understand; the message names the item and the reason."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong: `kind` at the `at`th of whatever the device counts, from 1, with its `value`."""

    kind: str
    at: int
    value: str = ""


def parse_faults(spec: str, kinds: Mapping[str, str]) -> dict[int, Fault]:
    """The faults of `KIND@N[=VALUE]`, comma separated, by their N; an empty text is no fault.

    `kinds` maps the kinds a device knows to the regular expression of their value, empty for those that take none.
    Raises `FaultSpecInvalid`.
    """
    faults: dict[int, Fault] = {}
    for item in spec.split(",") if spec else ():
        match = _ITEM.fullmatch(item.strip())
        if match is None:
            raise FaultSpecInvalid(f"{item!r}: not KIND@N or KIND@N=VALUE with N from 1")
        fault = Fault(match["kind"], int(match["at"]), match["value"] or "")
        if fault.kind not in kinds:
            raise FaultSpecInvalid(f"{item!r}: unknown fault; known: {', '.join(sorted(kinds))}")
        if re.fullmatch(kinds[fault.kind], fault.value) is None:
            expected = f"a value like {kinds[fault.kind]}" if kinds[fault.kind] else "no value"
            raise FaultSpecInvalid(f"{item!r}: {fault.kind} takes {expected}")
        if fault.at in faults:
            raise FaultSpecInvalid(f"{item!r}: there is already a fault at {fault.at}")
        faults[fault.at] = fault
    return faults

"""The report of a compatibility check: numbered, as JSON for programs and as a page for people."""

import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from hw.card.conformance import Finding

_WIDTH = 78
_WORDS = Path(__file__).with_name("conformance_words.toml")


@dataclass(frozen=True)
class Report:
    """What was tested (`reader` or `card`), with what, when (ISO 8601), and what came of every check."""

    number: int
    subject: str
    name: str
    maker: str
    model: str
    system: str
    at: str
    findings: tuple[Finding, ...]

    def as_json(self) -> str:
        """One JSON object."""
        return json.dumps({**asdict(self), "result": self.result}, ensure_ascii=False)

    def as_page(self) -> str:
        """A page of text in the two languages of the kiosk."""
        words = tomllib.loads(_WORDS.read_text(encoding="utf-8"))
        title = words["title"][self.subject]
        lines = ["=" * _WIDTH, f"{title}  No. {self.number:04d}", "=" * _WIDTH]
        for key in ("name", "maker", "model", "system", "at"):
            lines.append(f"{words['label'][key]}: {getattr(self, key)}")
        lines.append("-" * _WIDTH)
        for finding in self.findings:
            lines.append(f"[{finding.outcome}] {words['check'].get(finding.check, finding.check)}")
            for figure in finding.figures:
                limits = "".join(
                    f" ({sign} {limit:g})"
                    for sign, limit in (("<=", figure.at_most), (">=", figure.at_least))
                    if limit is not None
                )
                value = f"{figure.value:g}" if isinstance(figure.value, float) else figure.value
                lines.append(f"         {figure.name} = {value} {figure.unit}".rstrip() + limits)
            if finding.reason:
                lines.append(f"         {finding.reason}")
        lines += ["-" * _WIDTH, f"{words['label']['result']}: {self.result}", ""]
        return "\n".join(lines)

    @property
    def result(self) -> str:
        """`PASS`, `FAIL`, or `INCOMPLETE`: what was left out is not known, and a reader is listed by no such report."""
        outcomes = {finding.outcome for finding in self.findings}
        return "FAIL" if "FAIL" in outcomes else "PASS" if outcomes == {"PASS"} else "INCOMPLETE"


def next_number(directory: Path) -> int:
    """The number of the next report that is kept in a directory, from 1."""
    numbers = (re.fullmatch(r"(\d{4,})\.json", path.name) for path in directory.glob("*.json"))
    return max((int(found[1]) for found in numbers if found), default=0) + 1


def keep(report: Report, directory: Path) -> Iterable[Path]:
    """Writes both forms, and names them."""
    directory.mkdir(parents=True, exist_ok=True)
    kept = (directory / f"{report.number:04d}.json", directory / f"{report.number:04d}.txt")
    kept[0].write_text(report.as_json() + "\n", encoding="utf-8")
    kept[1].write_text(report.as_page(), encoding="utf-8")
    return kept

"""`kiosk paper`: a paper of the counter without a screen, also when everything else is down."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from hw.devices import open_devices
from hw.ports import PrintOutcome
from hw.printer.drawing import FONTS
from hw.printer.layout import render
from hw.printer.models import MODELS
from hw.strict_toml import ConfigInvalid
from kiosk.authority.credential import load_credential
from kiosk.authority.errors import CredentialInvalid
from kiosk.authority.training import is_training
from kiosk.config import Config
from kiosk.exit_code import ExitCode
from kiosk.papers.catalogue import ROLL, a4_paper, blank, roll_paper
from kiosk.papers.pdf import pdf
from kiosk.papers.picture import picture, text

TRAINING = "training"
_JOB = "FORM"


class PaperUnusable(Exception):
    """What was asked for cannot be: a value that the paper does not have, or a file of another kind."""


def run_paper(
    config: Config,
    data: Path,
    name: str,
    language: str,
    given: Mapping[str, str],
    marks: frozenset[str],
    out: Path | None,
) -> ExitCode:
    """Prints the paper, or writes it to `out`. Raises `PaperUnusable`, `ConfigInvalid`, `hw.errors`."""
    values, rows = blank(name, language)
    town = {"prefecture": config.town.prefecture, "municipality": config.town.municipality}
    values |= {key: word for key, word in town.items() if key in values}
    if unknown := sorted(set(given) - set(values)):
        raise PaperUnusable(f"{name} has no value {unknown[0]!r}; it has {', '.join(sorted(values))}")
    values |= given
    marks |= {TRAINING} if _in_training(config) else frozenset()
    if name in ROLL:
        return _roll(config, data, name, language, values, rows, marks, out)
    pages = a4_paper(name, language, values, rows, marks)
    match out.suffix if out is not None else None:
        case None:
            with ExitStack() as held:
                documents = open_devices(config.hardware, data / "sim", held).documents
                if documents is None:
                    raise ConfigInvalid("hardware", "documents.link", "missing: nothing prints on A4; or use -o")
                print(documents.print(name, pdf(pages, name)))
        case ".pdf" if out is not None:
            out.write_bytes(pdf(pages, name))
        case ".png" if out is not None and len(pages) == 1:
            picture(pages[0]).save(out)
        case ".txt" if out is not None:
            out.write_text(text(pages), "utf-8")
        case other:
            raise PaperUnusable(f"a paper on A4 of {len(pages)} pages is no {other} file")
    return ExitCode.OK


def _roll(
    config: Config,
    data: Path,
    name: str,
    language: str,
    values: Mapping[str, str],
    rows: Mapping[str, list[dict[str, str]]],
    marks: frozenset[str],
    out: Path | None,
) -> ExitCode:
    paper = roll_paper(name, language, values, rows, marks)
    if out is not None:
        if out.suffix != ".txt":
            raise PaperUnusable(f"a paper on the roll is no {out.suffix} file, but .txt")
        out.write_text(render(paper, _JOB, MODELS[config.hardware.printer.model], FONTS).preview, "utf-8")
        return ExitCode.OK
    with ExitStack() as held:
        printer = open_devices(config.hardware, data / "sim", held).printer
        outcome = printer.print(printer.render(paper, _JOB))
    print(outcome.value)
    return ExitCode.OK if outcome is PrintOutcome.CONFIRMED else ExitCode.UNDECIDED


def _in_training(config: Config) -> bool:
    """Whether papers are void: always, unless the station's authority is a production one."""
    if not config.authority.credential:
        return True
    path = config.home / config.authority.credential
    try:
        chain = load_credential(path).chain
    except CredentialInvalid as error:
        raise ConfigInvalid(str(path), "", str(error)) from error
    return not chain or is_training(chain[0], config.policy)

"""`kiosk paper`: a paper of the counter without a screen, also when everything else is down."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from hw.devices import open_devices
from hw.strict_toml import ConfigInvalid
from kiosk.authority.credential import load_credential
from kiosk.authority.errors import CredentialInvalid
from kiosk.authority.training import is_training
from kiosk.config import Config
from kiosk.exit_code import ExitCode
from kiosk.papers.catalogue import ROLL
from kiosk.papers.pdf import pdf
from kiosk.papers.picture import picture
from kiosk.papers.press import PaperUnusable, Press


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
    with ExitStack() as held:
        devices = open_devices(config.hardware, data / "sim", held)
        press = Press(devices.printer, devices.documents, config.town, is_training=_in_training(config))
        if out is not None:
            _write(press, name, language, given, marks, out)
            return ExitCode.OK
        if not press.can_print(name):
            raise ConfigInvalid("hardware", "documents.link", "missing: nothing prints on A4; or use -o")
        printed = press.print(name, language, given, marks=marks)
    print(printed.where or printed.outcome.value)
    is_done = bool(printed.where) or printed.outcome.is_on_paper
    return ExitCode.OK if is_done else ExitCode.UNDECIDED


def _write(press: Press, name: str, language: str, given: Mapping[str, str], marks: frozenset[str], out: Path) -> None:
    if out.suffix == ".txt":
        out.write_text(press.preview(name, language, given, marks=marks), "utf-8")
        return
    if name in ROLL:
        raise PaperUnusable(f"a paper on the roll is no {out.suffix} file, but .txt")
    pages = press.on_a4(name, language, given, marks=marks)
    match out.suffix:
        case ".pdf":
            out.write_bytes(pdf(pages, name))
        case ".png" if len(pages) == 1:
            picture(pages[0]).save(out)
        case other:
            raise PaperUnusable(f"a paper on A4 of {len(pages)} pages is no {other} file")


def _in_training(config: Config) -> bool:
    """Whether papers are void: always, unless the station's authority is a production one."""
    if not config.authority.credential:
        return True
    path = config.home / config.authority.credential
    try:
        issuer = load_credential(path).issuer
    except CredentialInvalid as error:
        raise ConfigInvalid(str(path), "", error.reason) from error
    return issuer is None or is_training(issuer, config.policy)

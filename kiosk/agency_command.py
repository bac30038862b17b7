"""`kiosk agency serve`: an agency that signed applications can be sent to."""

import argparse
import sys
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from hw.data_folder import hold_data
from hw.strict_toml import ConfigInvalid
from kiosk.authority.credential import Credential, load_credential
from kiosk.authority.embedded.http_server import configuration, listen, run, url_of
from kiosk.authority.embedded.listen_address import host_and_port
from kiosk.authority.errors import CredentialInvalid
from kiosk.clock import system_clock
from kiosk.config import Config
from kiosk.eapply.agency import Agency, make_credential, write_durably
from kiosk.eapply.agency_server import application
from kiosk.eapply.verify import Judge
from kiosk.exit_code import ExitCode

DEFAULT_LISTEN = "127.0.0.1:8830"
_KEY = "agency.key"


def add_arguments(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    """The verbs of `kiosk agency`; `common` holds the options that every command takes."""
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="agency_verb")
    summary = "Takes signed applications over HTTP, judges them, keeps them, and acknowledges each by a signature."
    serve = verbs.add_parser("serve", help=summary, description=summary, parents=[common])
    serve.add_argument("--listen", metavar="HOST:PORT", type=host_and_port, default=host_and_port(DEFAULT_LISTEN))
    serve.add_argument("--trust", type=Path, metavar="CA.pem", help="default: the issuer of the station's credential")
    serve.add_argument(
        "--credential", type=Path, metavar="FILE", help="a registered relying party's: the status is asked for by it"
    )
    serve.add_argument("--exit-with-parent", action="store_true", help="end when standard input does")


def run_serve(
    config: Config, folder: Path, listen_at: tuple[str, int], judge: Judge, *, is_ended_by_input: bool
) -> ExitCode:
    """Serves until SIGTERM or SIGINT; `folder` keeps the agency's key and what it receives.

    Prints "ready URL" on stdout. Raises `ConfigInvalid`, `DataInUse`.
    """
    host, port = listen_at
    with hold_data(folder):
        own = _own_credential(folder / _KEY, f"{config.town.municipality} 署名検証者（訓練）")
        if not isinstance(own.key, ec.EllipticCurvePrivateKey):
            raise ConfigInvalid(str(folder / _KEY), "", "the key is not one of an elliptic curve")
        agency = Agency(folder, own.key, own.certificate, judge, system_clock)
        try:
            listening = listen(host, port)
        except OSError as error:
            print(f"kiosk agency: cannot listen on {host}:{port}: {error}", file=sys.stderr)
            return ExitCode.CONFIG
        with listening:
            url = url_of("http", host, listening.getsockname()[1])
            run(
                configuration(application(agency, own.certificate)),
                listening,
                partial(print, f"ready {url}", flush=True),
                sys.stdin.fileno() if is_ended_by_input else None,
            )
    return ExitCode.OK


def _own_credential(path: Path, name: str) -> Credential:
    if not path.exists():
        write_durably(path, make_credential(name, system_clock()).encode())
    try:
        return load_credential(path)
    except CredentialInvalid as error:
        raise ConfigInvalid(str(path), "", error.reason) from error

"""`kiosk card-keys`: makes the card issuer's masters in their token, puts them in, and shows what is there."""

import sys
from collections.abc import Callable
from pathlib import Path

from hw.strict_toml import ConfigInvalid
from kiosk.authority.token_key import TokenUnusable
from kiosk.config import Config
from kiosk.counter.card_issuer import KEY_VERSION, VERSIONS_A_GENERATION
from kiosk.counter.token_masters import find_masters, make_generation, put_in
from kiosk.exit_code import ExitCode
from kiosk.issuer_keys import load_masters, open_token_issuer, token_keys


def run_make(config: Config) -> int:
    """Makes the next generation, or what an interrupted run left out of it; prints the labels."""
    return _changed(lambda: make_generation(token_keys(config.issuer)), config)


def run_import(config: Config, path: Path) -> int:
    """Puts the masters of an issuer's file in, as far as they are not there; prints the labels."""
    masters = load_masters(path)
    return _changed(lambda: put_in(token_keys(config.issuer), masters), config)


def run_show(config: Config) -> int:
    """Prints a line a master: label, key version on cards, check value, origin. 1 when the station refuses them."""
    _refuse_without_token(config)
    try:
        for each in find_masters(token_keys(config.issuer)):
            version = KEY_VERSION[each.purpose] + VERSIONS_A_GENERATION * (each.generation - 1)
            origin = "made in the token" if each.traits.is_native else "put in"
            confined = "" if each.traits.is_confined else ", can be taken out"
            print(f"{each.master.label} {version:02X} {each.master.check_value().hex().upper()} {origin}{confined}")
        open_token_issuer(config.issuer)
    except (TokenUnusable, ConfigInvalid) as error:
        print(f"kiosk card-keys: {error}", file=sys.stderr)
        return ExitCode.REFUSED
    return ExitCode.OK


def _changed(change: Callable[[], tuple[str, ...]], config: Config) -> int:
    _refuse_without_token(config)
    try:
        for label in change():
            print(label)
    except TokenUnusable as error:
        print(f"kiosk card-keys: {error}", file=sys.stderr)
        return ExitCode.REFUSED
    return ExitCode.OK


def _refuse_without_token(config: Config) -> None:
    if not config.issuer.token:
        raise ConfigInvalid("issuer", "issuer.token", "missing: pkcs11:token=LABEL;object=LABEL?module-path=FILE")

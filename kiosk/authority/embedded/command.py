"""`kiosk ca`: makes a training authority, serves it, and keeps its books by hand."""

import argparse
import datetime
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.authority.embedded.listen_address import host_and_port
from kiosk.authority.embedded.terms import DEFAULT_POLICY, DirectoryInvalid
from kiosk.clock import system_clock
from kiosk.exit_code import ExitCode
from kiosk.model.certificate import RevocationReason, serial_text
from kiosk.model.town import Town

if TYPE_CHECKING:
    from kiosk.authority.embedded.authority import Authority

_KEY_PLACE = (
    "make the key in a PKCS #11 token: pkcs11:token=LABEL;object=LABEL?module-path=FILE; its PIN is the passphrase"
)
DEFAULT_LISTEN = "127.0.0.1:8829"


def add_arguments(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    """The verbs of `kiosk ca`; `common` holds the options that every command takes."""
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="ca_verb")

    def add(name: str, summary: str) -> argparse.ArgumentParser:
        verb: argparse.ArgumentParser = verbs.add_parser(name, help=summary, description=summary, parents=[common])
        verb.add_argument(
            "--passphrase",
            metavar="FILE",
            type=Path,
            action="append",
            default=[],
            help="the authority's keys are encrypted by its first line; twice where two persons open them",
        )
        return verb

    init = add("init", "Makes a training authority in the data directory, and prints where that is.")
    init.add_argument("--policy", metavar="NAME", default=DEFAULT_POLICY, help=f"default {DEFAULT_POLICY}")
    init.add_argument(
        "--store", metavar="URL", default="", help="keep the books there (postgresql+psycopg://...), not in a file"
    )
    init.add_argument("--token", metavar="URI", default="", help=_KEY_PLACE)
    ceremony = add("ceremony", "Makes a production authority, by two persons; prints the protocol for them to sign.")
    ceremony.add_argument("--policy", metavar="NAME", default=DEFAULT_POLICY, help=f"default {DEFAULT_POLICY}")
    ceremony.add_argument("--person", metavar="NAME", action="append", default=[], help="one of the two; given twice")
    ceremony.add_argument("--store", metavar="URL", default="", help="keep the books there, not in a file")
    ceremony.add_argument("--token", metavar="URI", default="", help=_KEY_PLACE)
    serve = add("serve", "Serves CMP, OCSP and CRLs over HTTP.")
    serve.add_argument("--listen", metavar="HOST:PORT", type=host_and_port, default=host_and_port(DEFAULT_LISTEN))
    serve.add_argument(
        "--workers", type=_positive, default=1, help="processes that answer (default 1); one that is lost is replaced"
    )
    serve.add_argument("--tls", action="store_true", help="HTTPS, for those who show a certificate of this authority")
    serve.add_argument("--status-only", action="store_true", help="OCSP and CRLs alone, for relying parties")
    serve.add_argument("--exit-with-parent", action="store_true", help="end when standard input does")
    station = add("station", "Makes a station's key and certificate.")
    station.add_argument("name", metavar="NAME")
    party = add("relying-party", "Registers a relying party: makes the key and certificate by which it asks.")
    party.add_argument("name", metavar="NAME")
    add("relying-parties", "Lists them: name, state, serial number, and how many answers and CRLs each was given.")
    client = add("client", "Makes a client known that protects its messages by a shared secret (training).")
    client.add_argument("reference", metavar="REF", help="the name by which it refers to the secret")
    client.add_argument(
        "--secret", metavar="FILE", type=Path, required=True, help="its first line; made with a new secret if missing"
    )
    revoke = add("revoke", "Revokes a certificate.")
    revoke.add_argument("serial", metavar="SERIAL", type=_serial, help="in hex")
    revoke.add_argument(
        "--reason",
        metavar="NAME",
        type=_reason,
        default=RevocationReason.UNSPECIFIED,
        help=f"by RFC 5280: {', '.join(RevocationReason)}",
    )
    renew = add("renew", "Renews a station's own credential at its authority; started again, it goes on.")
    renew.add_argument("--credential", metavar="FILE", type=Path, help="default: authority.credential of kiosk.toml")
    renew.add_argument("--url", help="default: authority.url of kiosk.toml")
    add("rollover", "Makes the next generation of the authority's key, with links from one to the other.")
    journal = add("journal", "Verifies or shows what the authority did.")
    journal.add_argument("action", choices=("verify", "show"))
    status = add("status", "Prints good, pending, revoked REASON DATE, or unknown.")
    status.add_argument("serial", metavar="SERIAL", type=_serial, help="in hex")


def run(args: argparse.Namespace, town: Town, policies: Path, url: str = "", credential: str = "") -> int:
    """Runs one verb on the authority in `args.data`, or in its `authority` directory; returns the exit code.

    `url` and `credential` are the configured ones, for a station that renews its own.
    """
    if args.ca_verb == "renew":
        given = {"credential": args.credential or credential, "url": args.url or url}
        for name in (name for name, value in given.items() if not value):
            print(f"kiosk ca: authority.{name}: missing; --{name} gives it as well", file=sys.stderr)
            return ExitCode.CONFIG
        return _renew(given["url"], Path(given["credential"]))
    from kiosk.authority.embedded import directory
    from kiosk.authority.embedded.generation import finish_rollover, roll_over
    from kiosk.authority.embedded.store import StoreTooNew
    from kiosk.authority.token_key import TokenUnusable

    try:
        if args.ca_verb == "ceremony":
            return _hold_ceremony(args, policies / f"{args.policy}.toml", town)
        secret = directory.read_passphrases(args.passphrase)
        if args.ca_verb == "init":
            directory.init(
                args.data,
                policies / f"{args.policy}.toml",
                town,
                system_clock,
                store_url=args.store,
                passphrase=secret,
                token=args.token,
            )
            print(args.data)
            return ExitCode.OK
        place = directory.locate(args.data)
        if args.ca_verb == "serve":
            directory.check_writable(place)
            return _serve(args, place, secret)
        authority = directory.open_authority(place, system_clock, passphrase=secret)
        if args.ca_verb == "rollover":
            if finish_rollover(place, authority):
                number = authority.generation
                print("an interrupted rollover was finished, and no other one made")
            else:
                number = roll_over(place, authority, secret).number
            print(f"generation {number}; start its servers anew, then renew each station: kiosk ca renew")
            return ExitCode.OK
        if args.ca_verb == "station":
            print(directory.add_station(place, authority, args.name))
            return ExitCode.OK
        if args.ca_verb == "relying-party":
            print(directory.add_relying_party(place, authority, args.name))
            return ExitCode.OK
        if args.ca_verb == "relying-parties":
            return _relying_parties(authority)
        if args.ca_verb == "client":
            directory.add_client(authority, args.reference, directory.read_secret(args.secret))
            return ExitCode.OK
        if args.ca_verb == "journal":
            return _journal(args.action, authority)
        return _revoke(args, authority) if args.ca_verb == "revoke" else _status(args, authority)
    except (DirectoryInvalid, StoreTooNew, TokenUnusable) as error:
        print(f"kiosk ca: {error}", file=sys.stderr)
        return ExitCode.CONFIG


def _serve(args: argparse.Namespace, place: Path, passphrase: bytes | None) -> int:
    from kiosk.authority.embedded.server import PlainRefused, serve
    from kiosk.authority.embedded.worker_processes import WorkersLost

    host, port = args.listen
    try:
        serve(
            place,
            host,
            port,
            lambda url: print(f"ready {url}", flush=True),
            clock=system_clock,
            workers=args.workers,
            passphrase=passphrase,
            has_tls=args.tls,
            is_status_only=args.status_only,
            stop_at_eof_of=sys.stdin.fileno() if args.exit_with_parent else None,
            tell=lambda text: print(f"kiosk ca: {text}", file=sys.stderr, flush=True),
        )
    except PlainRefused as error:
        print(f"kiosk ca: {error}", file=sys.stderr)
        return ExitCode.CONFIG
    except WorkersLost as error:
        print(f"kiosk ca: {error}", file=sys.stderr)
        return ExitCode.INTERNAL
    except OSError as error:
        print(f"kiosk ca: cannot listen on {host}:{port}: {error}", file=sys.stderr)
        return ExitCode.CONFIG
    return ExitCode.OK


def _hold_ceremony(args: argparse.Namespace, policy: Path, town: Town) -> int:
    from kiosk.authority.embedded.ceremony import hold_ceremony

    print(hold_ceremony(args.data, policy, town, system_clock, args.person, args.passphrase, args.store, args.token))
    return ExitCode.OK


def _renew(url: str, credential: Path) -> int:
    from kiosk.authority.client import AuthorityClient
    from kiosk.authority.credential import Credential
    from kiosk.authority.credential_renewal import renew_credential
    from kiosk.authority.errors import (
        AuthorityError,
        AuthorityNotRecognised,
        AuthorityOutcomeUnknown,
        AuthorityUnreachable,
        CredentialInvalid,
        UrlRefused,
    )

    def client(own: Credential) -> AuthorityClient:
        return AuthorityClient(url, own, own.chain, clock=system_clock)

    try:
        renewed = renew_credential(credential, client)
    except (CredentialInvalid, UrlRefused, AuthorityNotRecognised) as error:
        print(f"kiosk ca: {error}", file=sys.stderr)
        return ExitCode.CONFIG
    except (AuthorityUnreachable, AuthorityOutcomeUnknown) as error:
        print(f"kiosk ca: {error}; start it again to go on", file=sys.stderr)
        return ExitCode.UNAVAILABLE
    except AuthorityError as error:
        print(f"kiosk ca: {error}", file=sys.stderr)
        return ExitCode.REFUSED
    print(f"{credential}: {renewed.name}, until {renewed.certificate.not_valid_after_utc:%Y-%m-%d}")
    return ExitCode.OK


def _revoke(args: argparse.Namespace, authority: "Authority") -> int:
    from kiosk.authority.embedded.refusal import Refusal
    from kiosk.authority.embedded.revocation import revoke_by_hand

    try:
        with authority.store.write(authority.now()) as books:
            done = revoke_by_hand(args.serial, args.reason, books)
    except Refusal as refusal:
        print(f"kiosk ca: {args.serial}: {refusal.text}", file=sys.stderr)
        return ExitCode.REFUSED
    for serial in done.revoked:
        print(f"{serial}: revoked too, being the same owner's by renewal")
    for serial in done.live:
        print(f"kiosk ca: {serial}: still stands, being the same owner's by renewal", file=sys.stderr)
    return ExitCode.OK


def _journal(action: str, authority: "Authority") -> int:
    from kiosk.journal.chain import read_entries, read_heads
    from kiosk.journal.entry import ChainBroken
    from kiosk.journal.verify import verify_journal

    database = authority.store.journal()
    try:
        if action == "show":
            for entry in read_entries(database):
                print(entry.body)
            return ExitCode.OK
        # The heads first: what is written meanwhile is covered by none of them.
        heads = read_heads(database)
        for of in verify_journal(read_entries(database), heads):
            print(f"{of.station}: {of.entries} entries, {of.heads} signed heads, chain holds")
    except ChainBroken as broken:
        print(broken)
        return ExitCode.REFUSED
    return ExitCode.OK


def _relying_parties(authority: "Authority") -> int:
    with authority.store.read(authority.now()) as books:
        for party in books.relying_parties():
            record = books.certificate(party.serial)
            assert record is not None, "who is registered has his certificate in the books"
            counts = f"ocsp={party.told.get('ocsp', 0)} crl={party.told.get('crl', 0)}"
            print(f"{party.name} {record.state} {party.serial} {counts}")
    return ExitCode.OK


def _status(args: argparse.Namespace, authority: "Authority") -> int:
    with authority.store.read(authority.now()) as books:
        record = books.certificate(args.serial)
    if record is None:
        print("unknown")
    elif record.revoked_at is None:
        print(record.state)
    else:
        date = datetime.datetime.fromtimestamp(record.revoked_at, datetime.UTC)
        print(f"revoked {record.reason} {date:%Y-%m-%dT%H:%M:%SZ}")
    return ExitCode.OK


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return int(text)


def _serial(text: str) -> str:
    try:
        return serial_text(int(text.replace(":", ""), 16))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a serial number in hex") from None


def _reason(text: str) -> RevocationReason:
    try:
        return RevocationReason(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(RevocationReason)}") from None

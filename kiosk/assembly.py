"""Puts a station together from its configuration: store, devices, authority, keys, into one value."""

import datetime
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from cryptography import x509

from hw.bench import Bench, open_bench
from hw.errors import Refused
from hw.hardware import rehearsal_keys
from hw.ports import ChannelKeys
from hw.strict_toml import ConfigInvalid
from kiosk.authority.client import AuthorityClient
from kiosk.authority.credential import WARNED_DAYS, CredentialFile, StationCredential, load_credential
from kiosk.authority.errors import AuthorityError, CredentialInvalid
from kiosk.authority.holding import HoldingClient
from kiosk.authority.own_process import own_authority
from kiosk.authority.probing import AuthorityCannotHold, Pending, find_pending
from kiosk.authority.training import is_training
from kiosk.clock import Clock, system_clock, system_uptime
from kiosk.config import Config, load_receipt_form
from kiosk.counter.card_desk import CardDesk
from kiosk.counter.clerk_key import ClerkKey, ClerkKeyFile, load_clerk_key
from kiosk.counter.desk import Decisions, Desk, Reception, Witnesses
from kiosk.counter.line import Line, Question, load_escrow_key, load_line_key
from kiosk.counter.printed_forms import PrintedForms
from kiosk.counter.remote_clerk import (
    RemoteArchive,
    RemoteClerk,
    RemoteClerkKey,
    RemoteDesk,
    RemoteIds,
    RemoteRegister,
    RemoteTwoClerks,
    remote_card_keys,
)
from kiosk.counter.town_ids import KeyedIds, TownIds
from kiosk.issuance.ended_cases import Archive, EndedCases
from kiosk.issuance.persons import Clerk
from kiosk.issuance.station import RollPaper, Station, TwoClerks, Waits
from kiosk.issuer_keys import load_issuer
from kiosk.journal.audit import auditing
from kiosk.journal.chain import is_begun
from kiosk.journal.database import Database, open_database
from kiosk.journal.escrow import is_sealed_to
from kiosk.journal.head import load_head_key
from kiosk.journal.journal import Journal
from kiosk.journal.key_file import KeyDamaged
from kiosk.journal.records import CaseRecord
from kiosk.journal.retention import hand_over
from kiosk.journal.seal import load_station_key
from kiosk.model.authorisation import Authorisation, Uptime
from kiosk.model.town import Town
from kiosk.papers.catalogue import roll_paper, town_words
from kiosk.register.register import ResidentLookup, load_register

_COUNTED = datetime.timedelta(days=7)
"""So long a case that ended before its key could be left to the clerk's station stays here: an older program did not
journal what was paid, and the day's money has to be counted."""

_Key = TypeVar("_Key")
_Client = TypeVar("_Client", bound=AuthorityClient)


@dataclass(frozen=True)
class Endpoint:
    """Where the authority is, and the credential (PEM file) by which it knows this station."""

    url: str
    credential: Path


@dataclass(frozen=True)
class Assembly:
    """A station ready for work, and the bench its devices stand on.

    `authority_url` and `credential` are how it reaches the authority; `clerk` where he is asked at another station,
    about the application of a number.
    """

    station: Station
    bench: Bench
    is_training: bool
    authority_url: str
    credential: StationCredential
    clerk: Callable[[str], RemoteClerk] | None = None


@dataclass(frozen=True)
class _ClerksPart:
    """What lies with the clerk, here or asked for at his station."""

    register: ResidentLookup
    card_keys: Callable[[Authorisation], ChannelKeys]
    clerk_key: ClerkKey
    second_key: Callable[[str], ClerkKey]
    ids: TownIds
    clerk: Callable[[str], RemoteClerk] | None
    archive: Archive | None
    two_clerks: TwoClerks | None


@contextmanager
def open_station(
    config: Config,
    data: Path,
    endpoint: Endpoint,
    *,
    clock: Clock = system_clock,
    uptime: Callable[[], Uptime] = system_uptime,
    random_bytes: Callable[[int], bytes] = os.urandom,
    trace: Callable[[str], None] | None = None,
    spy: Callable[[str], None] | None = None,
) -> Iterator[Assembly]:
    """Opens everything, and checks the journal from its last signed head on before anything is issued.

    The caller holds the data folder (`hold_data`).

    Raises `ConfigInvalid` for what is configured wrongly, `hw.errors` for missing devices, `ChainBroken`.
    """
    credential, issuer = _load_credential(endpoint.credential)
    name = _station_name(config, credential)
    if (days := credential.days_left(clock())) < WARNED_DAYS:
        print(f"kiosk: this station's credential ends in {days} days; `kiosk ca renew` renews it", file=sys.stderr)
    database = open_database(config.store.location(data))
    try:
        keys = (data / "station.key", data / "head.key")
        if is_begun(database, name):
            _refuse_without(keys)
        # A station that names itself is its own clerk's, as one that names none.
        clerks_station = "" if config.clerk.station == name else config.clerk.station
        line = _line(database, credential, endpoint, data, clock, random_bytes) if clerks_station else None
        journal = Journal(
            database,
            name,
            _load_key(load_station_key, keys[0], random_bytes),
            clock,
            random_bytes,
            head_key=_load_key(load_head_key, keys[1], random_bytes),
            escrow_to=lambda: line.escrow_to(clerks_station) if line else None,
            # Residents of its terminals come to this station's own counter too.
            escrow_key=_load_key(lambda path, _: load_escrow_key(path, name), data / "line.key", random_bytes),
            clerks_station=clerks_station,
        )
        journal.start()
        with open_bench(config.hardware, data / "sim", trace=trace, spy=spy) as bench, auditing(database) as audit:
            if bench.coin_box is not None:
                bench.coin_box.recover()  # whoever opens a station holds its data
            in_training = is_training(issuer, config.policy)
            if not in_training and (keys_of_rehearsal := rehearsal_keys(config.hardware)):
                raise ConfigInvalid(
                    "hardware", keys_of_rehearsal[0], "simulated and injured devices are for training authorities only"
                )
            if line is not None:
                line.open()
                hand_over(journal, clock() - _COUNTED, _tell_damaged)
                clerks = _clerks_part_elsewhere(config, line)
            else:
                clerks = _clerks_part_here(config, endpoint, credential, journal, clock, in_training=in_training)
            station = Station(
                name=name,
                town=config.town,
                policy=config.policy,
                waits=Waits(config.counter.card_inserted_s, config.counter.card_taken_s),
                journal=journal,
                audit=audit,
                register=clerks.register,
                reader=bench.reader,
                window=bench.window,
                delivery=config.counter.delivery,
                printer=bench.printer,
                cash=bench.cash,
                authority=_authority_client(config, endpoint, credential, data, clock, random_bytes),
                generations=credential.generations,
                card_keys=clerks.card_keys,
                clerk_key=clerks.clerk_key,
                second_key=clerks.second_key,
                ids=clerks.ids,
                receipt_form=load_receipt_form(config.receipt.language, is_training=in_training),
                roll_paper=_roll_paper(config.town, config.receipt.language, in_training),
                clock=clock,
                uptime=uptime,
                random_bytes=random_bytes,
                archive=clerks.archive,
                two_clerks=clerks.two_clerks,
            )
            yield Assembly(station, bench, in_training, endpoint.url, credential, clerks.clerk)
    finally:
        database.close()


@contextmanager
def open_desk(
    config: Config,
    data: Path,
    endpoint: Endpoint,
    clerk: Callable[[Question, str], Clerk],
    reception: Callable[[Question], Reception] | None = None,
    witnesses: Callable[[Question, str], Witnesses] | None = None,
    decisions: Callable[[Question], Decisions] | None = None,
    *,
    clock: Clock = system_clock,
) -> Iterator[Desk]:
    """The clerk's station: what it answers to terminals that ask over the store. Raises as `open_station`."""
    credential, issuer = _load_credential(endpoint.credential)
    name = _station_name(config, credential)
    database = open_database(config.store.location(data))
    try:
        keys = (data / "station.key", data / "head.key")
        if is_begun(database, name):
            _refuse_without(keys)
        station_key = _load_key(load_station_key, keys[0], os.urandom)
        head_key = _load_key(load_head_key, keys[1], os.urandom)
        if is_sealed_to(database, name):
            _refuse_without((data / "line.key",))
        line = _line(database, credential, endpoint, data, clock, os.urandom)
        journal = Journal(database, name, station_key, clock, head_key=head_key, escrow_key=line.escrow_key)
        journal.start()
        in_training = is_training(issuer, config.policy)
        card_issuer, person_key = load_issuer(config.issuer, is_training=in_training)
        line.open()
        authority = _authority_client(config, endpoint, credential, data, clock, os.urandom)
        yield Desk(
            line=line,
            journal=journal,
            register=load_register(config.register_file),
            ids=KeyedIds(person_key),
            card_desk=CardDesk(card_issuer, credential.generations, journal.stage_of, clock),
            clerk=clerk,
            clerk_key=_load_clerk_key(config, endpoint.credential),
            authorisation_life=datetime.timedelta(minutes=config.policy.deadlines.authorisation_min),
            clock=clock,
            ended_cases=EndedCases(journal, authority, clock),
            reception=reception,
            forms=PrintedForms(database, name, station_key, clock, os.urandom),
            witnesses=witnesses,
            decisions=decisions,
            key_of=partial(_key_of_second, _clerks(endpoint)) if in_training else None,
            exemptions=config.policy.fee.grounds,
        )
    finally:
        database.close()


def _authority_client(
    config: Config,
    endpoint: Endpoint,
    credential: StationCredential,
    data: Path,
    clock: Clock,
    random_bytes: Callable[[int], bytes],
) -> AuthorityClient:
    """The client for what becomes of a certificate at this authority until it is confirmed. Raises `ConfigInvalid`."""

    def client(kind: type[_Client]) -> _Client:
        return kind(
            endpoint.url,
            credential,
            credential.chain,
            clock=clock,
            random_bytes=random_bytes,
            timeout_s=config.authority.timeout_s,
        )

    match config.authority.pending:
        case "held":
            return client(AuthorityClient)
        case "none":
            return client(HoldingClient)
    holding = client(HoldingClient)
    try:
        found = find_pending(holding, data / "authority-pending.json")
    except AuthorityCannotHold as error:
        raise ConfigInvalid("authority", "authority.url", f"the certificates could not be held: {error}") from error
    except AuthorityError:
        # Not to be asked now. Until it is, each certificate is looked after as if the authority did not hold it.
        return holding
    if found is Pending.HELD:
        return client(AuthorityClient)
    print(
        "kiosk: this authority holds no certificate until it is confirmed: each is valid for one round trip before"
        " the station has it held",
        file=sys.stderr,
    )
    return holding


@contextmanager
def way_to_clerk(config: Config, data: Path, credential: StationCredential, clock: Clock) -> Iterator[RemoteDesk]:
    """Another way to the clerk's station beside the one that the open station uses, for another thread."""
    database = open_database(config.store.location(data), must_exist=True)
    try:
        key = _load_key(load_line_key, data / "line.key", os.urandom)
        line = Line(database, credential, key, clock, os.urandom)
        yield RemoteDesk(line, config.clerk.station, config.clerk.patience_s, time.monotonic)
    finally:
        database.close()


def _line(
    database: Database,
    credential: StationCredential,
    endpoint: Endpoint,
    data: Path,
    clock: Clock,
    random_bytes: Callable[[int], bytes],
) -> Line:
    """This station's end of the line to others, before it is opened."""
    key = _load_key(load_line_key, data / "line.key", random_bytes)
    renewed = CredentialFile(endpoint.credential).renewed
    return Line(database, credential, key, clock, random_bytes, renewed)


def _clerks_part_elsewhere(config: Config, line: Line) -> _ClerksPart:
    desk = RemoteDesk(line, config.clerk.station, config.clerk.patience_s, time.monotonic)
    return _ClerksPart(
        RemoteRegister(desk),
        remote_card_keys(desk),
        RemoteClerkKey(desk),
        _no_second_key,
        RemoteIds(desk),
        partial(RemoteClerk, desk),
        RemoteArchive(desk),
        RemoteTwoClerks(desk),
    )


def _clerks_part_here(
    config: Config,
    endpoint: Endpoint,
    credential: StationCredential,
    journal: Journal,
    clock: Clock,
    *,
    in_training: bool,
) -> _ClerksPart:
    card_issuer, person_key = load_issuer(config.issuer, is_training=in_training)
    return _ClerksPart(
        load_register(config.register_file),
        CardDesk(card_issuer, credential.generations, journal.stage_of, clock).keys,
        _load_clerk_key(config, endpoint.credential),
        partial(_key_of_second, _clerks(endpoint)) if in_training else _no_second_key,
        KeyedIds(person_key),
        None,
        None,
        None,
    )


@contextmanager
def authority_endpoint(
    config: Config, config_path: Path, settings: Sequence[tuple[str, str]], data: Path
) -> Iterator[Endpoint]:
    """The configured authority, else a training authority of the program's own, which lives as long as this block.

    Raises `ConfigInvalid` and `AuthorityNotStarted`.
    """
    if config.authority.url:
        yield configured_endpoint(config)
        return
    directory = data / "authority"
    with own_authority(directory, config_path, settings, config.policy.name) as url:
        yield Endpoint(url, directory / "stations" / "demo.pem")


def configured_endpoint(config: Config) -> Endpoint:
    """The authority that the configuration names. Raises `ConfigInvalid` when its credential is missing."""
    if not config.authority.credential:
        raise ConfigInvalid(
            "authority", "authority.credential", "missing: authority.url needs this station's credential"
        )
    return Endpoint(config.authority.url, config.home / config.authority.credential)


def _roll_paper(town: Town, language: str, in_training: bool) -> RollPaper:
    """Lays out papers in the counter's language; those of a training authority are void."""
    own, voided = town_words(town, language), {"training"} if in_training else set()
    return lambda name, values, marks: roll_paper(name, language, {**own, **values}, marks={*marks, *voided})


def _station_name(config: Config, credential: StationCredential) -> str:
    """The name by which the authority knows this station; it refuses requests under any other."""
    known = credential.name
    if config.station.name not in ("", known):
        raise ConfigInvalid("station", "station.name", f"{config.station.name!r}, but the credential is {known!r}'s")
    return known


def _load_credential(path: Path) -> tuple[StationCredential, x509.Certificate]:
    """This station's credential, and who issued it."""
    try:
        credential = load_credential(path)
    except CredentialInvalid as error:
        raise ConfigInvalid(str(path), "", error.reason) from error
    if credential.issuer is None:
        raise ConfigInvalid(str(path), "", "the issuer's certificate is missing after the station's own")
    return credential, credential.issuer


def _load_key(
    load: Callable[[Path, Callable[[int], bytes]], _Key], path: Path, random_bytes: Callable[[int], bytes]
) -> _Key:
    try:
        return load(path, random_bytes)
    except KeyDamaged as error:
        raise ConfigInvalid(str(path), "", str(error)) from error


def _tell_damaged(case: CaseRecord) -> None:
    print(
        f"kiosk: the key to the ended case {case.pseudonym} is damaged: its records can be read nowhere, and it is not"
        " left to the clerk's station",
        file=sys.stderr,
    )


def _refuse_without(keys: Sequence[Path]) -> None:
    """A fresh key beside records that were made with another would make them look as if somebody had changed them."""
    for path in keys:
        if not path.exists():
            raise ConfigInvalid(str(path), "", "missing, and the journal was written with it: restore it")


def _load_clerk_key(config: Config, credential: Path) -> ClerkKeyFile:
    path = config.home / config.clerk.key if config.clerk.key else credential.parent.parent / "clerks" / "demo.pem"
    try:
        return load_clerk_key(path)
    except ValueError as error:
        raise ConfigInvalid(str(path), "clerk.key", str(error)) from error


def _clerks(endpoint: Endpoint) -> Path:
    """Where keys of clerks lie in files."""
    return endpoint.credential.parent.parent / "clerks"


def _no_second_key(name: str) -> ClerkKey:
    """Two clerks sign at a station of their own, or in production nowhere yet. Raises `hw.errors.Refused`."""
    raise Refused(f"the key of clerk {name} does not lie at this station")


def _key_of_second(clerks: Path, name: str) -> ClerkKeyFile:
    """The key of another clerk than this station's, in a file as in training. Raises `hw.errors.Refused`."""
    try:
        return load_clerk_key(clerks / f"{name}.pem")
    except ValueError as error:
        raise Refused(f"no key of a clerk {name} lies here") from error

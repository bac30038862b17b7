"""`kiosk journal verify|show|export`.

`export` writes what anybody needs to verify the journal with tools of his own, one JSON object a line, each station's
entries in their order and every signed head after the newest entry that it covers:

    {"entry": BODY, "hash": HEX}
    {"head": PAYLOAD, "signature": HEX}

BODY and PAYLOAD are JSON documents as strings, because their very bytes (UTF-8) are hashed and signed.

1. `hash` is SHA-256(00 | hash of the station's entry before, 32 zero bytes for the first | BODY). BODY names its
   `station` and its place `seq`, counted from 1 without gap.
2. The entries' hashes are the leaf hashes of the Merkle tree of RFC 9162, section 2.1, one tree a station.
3. PAYLOAD names `station`, `size` and `root`: the tree over that station's first `size` entries has this root.
4. `signature` is Ed25519 (RFC 8032) over PAYLOAD, by the key whose 32 bytes are `head_key` of the station's one entry
   that has it, the first. `302a300506032b6570032100` before them makes it a key for OpenSSL.

The form of the text on a receipt stands in `kiosk.journal.head`.
"""

import sys
from collections import defaultdict
from pathlib import Path

from kiosk.config import Config
from kiosk.counter.line import load_escrow_key
from kiosk.exit_code import ExitCode
from kiosk.journal.agreement import (
    Told,
    check_escrowed_records,
    check_records,
    check_state,
    count_records_elsewhere,
    read_state,
)
from kiosk.journal.chain import read_entries, read_heads, read_proofs
from kiosk.journal.database import UNREADABLE, Database, open_database
from kiosk.journal.entry import ChainBroken, canonical
from kiosk.journal.errors import StoreDamaged, StoreUnusable
from kiosk.journal.escrow import EscrowKey
from kiosk.journal.head import HeadInvalid, ProvenHead, SignedHead, load_head_key, parse_head
from kiosk.journal.seal import load_station_key
from kiosk.journal.verify import verify_journal


def run_journal(config: Config, data: Path, action: str, head: str | None = None) -> ExitCode:
    """Verifies the whole journal (with `head`, against that text too), shows it, or exports it to stdout.

    Makes no file: whoever audits a copy of the store leaves it as it is.
    """
    try:
        presented = [] if head is None else [parse_head(head)]
        database = open_database(config.store.url or f"sqlite:///{data / 'kiosk.db'}", must_exist=True)
        try:
            match action:
                case "verify":
                    _verify(database, presented, data)
                case "show":
                    _show(database)
                case _:
                    _export(database)
        finally:
            database.close()
    except ChainBroken as broken:
        print(broken)
        return ExitCode.REFUSED
    except HeadInvalid as invalid:
        print(f"head rejected: {invalid}")
        return ExitCode.REFUSED
    except (StoreDamaged, *UNREADABLE) as error:
        print(f"not verified: the store cannot be read: {error}")
        return ExitCode.REFUSED
    except StoreUnusable as error:
        print(f"kiosk: {error}", file=sys.stderr)
        return ExitCode.CONFIG
    return ExitCode.OK


def _verify(database: Database, presented: list[ProvenHead], data: Path) -> None:
    """Checks everything; sealed records only where a key for them lies beside the store.

    Which are the keys of the station that works on them (`station.key`, `head.key`), and of the station that has copies
    of their keys (`line.key`).
    """
    if damage := database.damage():
        raise StoreDamaged(damage)
    state = read_state(database)
    heads, printed = read_heads(database), read_proofs(database)
    told = Told(state.ends)
    verified = verify_journal(told.listen(read_entries(database)), heads, [*printed, *presented])
    check_state(told, state)
    head_key, station_key = data / "head.key", data / "station.key"
    own = load_head_key(head_key).public if head_key.exists() and station_key.exists() else None
    if not verified:
        raise StoreDamaged("it holds no journal")
    if own is None:
        print("the sealed records are not compared, for station.key and head.key do not lie beside the store")
    for of in verified:
        print(f"{of.station}: {of.entries} entries, {of.heads} signed heads, chain holds")
        if own is not None and of.key == own:
            count = check_records(database, told, of.station, load_station_key(station_key))
            print(f"{of.station}: {count} sealed records are those that were journaled")
        for station, count in count_records_elsewhere(database, of.station):
            print(f"{of.station}: {count} sealed records of ended cases can be read at station {station} alone")
    if (escrow := _escrow_key(database, data / "line.key")) is not None:
        count = check_escrowed_records(database, told, escrow)
        print(f"{escrow.station}: {count} records that are sealed to it are those that were journaled")
    for proven in presented:
        head = proven.signed.head
        print(f"{head.station}: the head of {head.size} entries signed at {head.at.isoformat()} holds")


def _escrow_key(database: Database, line_key: Path) -> EscrowKey | None:
    """The key that lies beside the store, by the name under which its station has told it to others."""
    key = load_escrow_key(line_key, "")
    if key is None:
        return None
    public = key.private_key.public_key().public_bytes_raw()
    with database.read() as transaction:
        names = transaction.run(
            "SELECT name FROM stations WHERE public_key = ?"
            " AND EXISTS (SELECT 1 FROM cases WHERE escrowed_to = stations.name)",
            public,
        )
    return next((EscrowKey(row.name, key.private_key) for row in names), None)


def _show(database: Database) -> None:
    for entry in read_entries(database):
        print(entry.body)


def _export(database: Database) -> None:
    due: dict[tuple[str, int], list[SignedHead]] = defaultdict(list)
    for signed in read_heads(database):
        due[signed.head.station, signed.head.size].append(signed)
    for entry in read_entries(database):
        print(canonical({"entry": entry.body, "hash": entry.hash.hex()}))
        for signed in due[entry.station, entry.seq]:
            print(canonical({"head": signed.head.encode().decode(), "signature": signed.signature.hex()}))

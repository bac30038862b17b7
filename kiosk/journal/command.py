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

`verify` says of each station what vouches for its journal from outside the store: the key in `head.key` beside it, or a
text with `--head`. Without either it only says that everything in the store agrees with everything else in it, for
whoever can write the store can write all of it anew, under a key of his own. Whoever has `head.key` as well is found by
a text alone. Which columns of the store it vouches for stands in `kiosk.journal.vouched`.
"""

import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from kiosk.config import Config
from kiosk.counter.cash_count import check_counts
from kiosk.counter.line import load_escrow_key
from kiosk.exit_code import ExitCode
from kiosk.journal.agreement import (
    Told,
    check_escrowed_records,
    check_records,
    check_state,
    count_records_elsewhere,
    opens_any,
    read_state,
    stations_sealed_to,
)
from kiosk.journal.chain import read_entries, read_heads, read_proofs
from kiosk.journal.database import UNREADABLE, Database, open_database
from kiosk.journal.entry import ChainBroken, canonical
from kiosk.journal.errors import StoreDamaged, StoreUnusable
from kiosk.journal.escrow import EscrowKey
from kiosk.journal.head import HeadInvalid, ProvenHead, SignedHead, load_head_key, parse_head
from kiosk.journal.seal import load_station_key
from kiosk.journal.verify import Verified, verify_journal


class KeyUnknown(Exception):
    """A key lies beside the store that is of nobody in it: another's store, or one that was written anew."""


def run_journal(config: Config, data: Path, action: str, head: str | None = None) -> ExitCode:
    """Verifies the whole journal (with `head`, against that text too), shows it, or exports it to stdout.

    Makes no file: whoever audits a copy of the store leaves it as it is.
    """
    try:
        presented = [] if head is None else [parse_head(head)]
        database = open_database(config.store.location(data), must_exist=True, must_stay=True)
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
    except KeyUnknown as unknown:
        print(f"not verified: {unknown}")
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
    counts = check_counts(database, told)
    if not verified:
        raise StoreDamaged("it holds no journal")
    own = _own_station(verified, data / "head.key")
    station_key = data / "station.key"
    has_keys = own is not None and station_key.exists()
    if not has_keys:
        print("the sealed records are not compared, for station.key and head.key do not lie beside the store")
    for of in verified:
        print(f"{of.station}: {of.entries} entries, {of.heads} signed heads, chain holds")
        print(f"{of.station}: {_vouched_by(of, own, presented)}")
        if has_keys and of.station == own:
            count = check_records(database, told, of.station, load_station_key(station_key))
            print(f"{of.station}: {count} sealed records are those that were journaled")
        for station, count in count_records_elsewhere(database, of.station):
            print(f"{of.station}: {count} sealed records of ended cases can be read at station {station} alone")
        if counted := counts.get(of.station):
            print(f"{of.station}: {counted} counts of the drawer are those that were journaled and signed")
    for escrow in _escrow_keys(database, data / "line.key", own):
        count = check_escrowed_records(database, told, escrow)
        print(f"{escrow.station}: {count} records that are sealed to it are those that were journaled")
    for proven in presented:
        head = proven.signed.head
        print(f"{head.station}: the head of {head.size} entries signed at {head.at.isoformat()} holds")


def _own_station(verified: Sequence[Verified], head_key: Path) -> str | None:
    """Whose key lies beside the store; None where none does. Raises `KeyUnknown`."""
    if not head_key.exists():
        return None
    public = load_head_key(head_key).public
    named = [of.station for of in verified if of.key == public]
    if not named:
        raise KeyUnknown("head.key lies beside the store, and no station's journal in it names that key")
    return named[0]


def _vouched_by(of: Verified, own: str | None, presented: Sequence[ProvenHead]) -> str:
    sizes = [proven.signed.head.size for proven in presented if proven.signed.head.station == of.station]
    if sizes:
        return f"a text from outside vouches for the first {max(sizes)} entries"
    if of.station == own:
        return "head.key beside the store vouches for the journal; who has that key too is found by a receipt alone"
    return "nothing from outside the store vouches for the journal: who writes all of it anew is found by a receipt"


def _escrow_keys(database: Database, line_key: Path, own: str | None) -> list[EscrowKey]:
    """The key that lies beside the store, by each name under which cases are sealed to it: to the station `own` surely.

    Raises `KeyUnknown` when cases are sealed to stations, and it is not known to be another station's.
    """
    key = load_escrow_key(line_key, "")
    names = stations_sealed_to(database)
    if key is None or not names:
        return []
    named = [EscrowKey(name, key.private_key) for name in names]
    opening = [escrow for escrow in named if escrow.station == own or opens_any(database, escrow)]
    if not opening and own is None:
        raise KeyUnknown(f"line.key lies beside the store, and opens nothing that is sealed to {', '.join(names)}")
    return opening


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

"""A case that has ended is read by the clerk's station, and by nobody who has all that the terminal has."""

import datetime
import itertools
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from kiosk.cli import main
from kiosk.journal.agreement import (
    check_escrowed_records,
    check_records,
    check_state,
    count_records_elsewhere,
    read_state,
)
from kiosk.journal.database import open_database
from kiosk.journal.entry import ChainBroken
from kiosk.journal.escrow import EscrowKey, EscrowTo, EscrowUnopened, is_sealed_to
from kiosk.journal.head import HeadKey
from kiosk.journal.journal import ESCROWED, Journal
from kiosk.journal.records import CaseRecord
from kiosk.journal.retention import hand_over, purge
from kiosk.journal.seal import SealDestroyed, SealedElsewhere, StationKey
from kiosk.model.step import Step
from kiosk.model.transition import ENDED, FIRST_STEP, OPENING, Stage, TransitionRefused, procedure_of
from tests.journal.filled_journal import START, told_until
from tests.journal.walked_case import open_for, walk
from tests.stores import Store

PRIVATE = X25519PrivateKey.from_private_bytes(b"\x07" * 32)
WINDOW = EscrowKey("window", PRIVATE)
TO_WINDOW = EscrowTo("window", PRIVATE.public_key().public_bytes_raw())
THIEF = X25519PrivateKey.from_private_bytes(b"\x08" * 32)
TERMINAL_KEY = b"\x01" * 32
SECRET = "幌延　太郎".encode()
LATER = START + datetime.timedelta(days=5000)


def terminal(
    store: Store,
    escrow_to: Callable[[], EscrowTo | None] = lambda: TO_WINDOW,
    name: str = "demo",
    start: datetime.datetime = START,
) -> Journal:
    minutes = itertools.count()
    return Journal(
        open_database(store.url),
        name,
        StationKey(TERMINAL_KEY),
        lambda: start + datetime.timedelta(minutes=next(minutes)),
        head_key=HeadKey(bytes(32)),
        escrow_to=escrow_to,
    )


def window(store: Store, key: EscrowKey = WINDOW) -> Journal:
    return Journal(
        open_database(store.url),
        key.station,
        StationKey(b"\x02" * 32),
        lambda: START,
        head_key=HeadKey(b"\x02" * 32),
        escrow_key=key,
    )


def told_of_none(case: CaseRecord) -> None:
    raise AssertionError(f"the key of {case.pseudonym} is whole")


def closed_case(journal: Journal, number: str = "1", stage: Stage = Stage.CLOSED) -> CaseRecord:
    case = open_for(journal, number, stage, SECRET)
    if stage is Stage.CLOSED:
        case = journal.complete(case, Step.APPLICATION, SECRET, card="cd")
        case = journal.complete(case, Step.IDENTITY_CHECK, SECRET, person="ab")
    return walk(journal, case, stage, SECRET)


def check(store: Store) -> tuple[int, int]:
    """Holds the state against the journal; how many records the terminal compared, and how many the window."""
    database = open_database(store.url)
    state = read_state(database)
    told = told_until(database, state.ends)
    check_state(told, state)
    own = check_records(database, told, "demo", StationKey(TERMINAL_KEY))
    return own, check_escrowed_records(database, told, WINDOW)


def column(store: Store, name: str) -> list[Any]:
    with open_database(store.url).read() as transaction:
        return [value for (value,) in transaction.run(f"SELECT {name} FROM cases ORDER BY number")]


def change(store: Store, statement: str) -> None:
    with open_database(store.url).write() as transaction:
        transaction.run(statement)


@pytest.mark.parametrize("stage", ENDED)
def test_an_ended_case_is_read_by_the_clerks_station_and_no_more_by_the_one_that_worked_on_it(
    store: Store, stage: Stage
) -> None:
    journal = terminal(store)
    first = FIRST_STEP[OPENING[procedure_of(stage)]]
    case = open_for(journal, "1", stage, SECRET)
    assert case.seal.elsewhere is None and window(store).escrowed_case(case.pseudonym) is None
    assert None not in column(store, "seal"), "until it ends both have the key"
    ended = walk(journal, case, stage, SECRET)
    assert column(store, "seal") == [None]
    found = terminal(store).latest_case("1")
    assert found is not None
    for sealed in (ended, found):
        assert (sealed.seal.elsewhere, sealed.seal.is_destroyed, sealed.stage) == ("window", False, stage)
        with pytest.raises(SealedElsewhere, match="sealed to station window"):
            journal.effect(sealed, first)
    read = window(store).escrowed_case(case.pseudonym)
    assert read is not None
    station, record = read
    effect = window(store).effect(record, first)
    assert station == "demo" and effect is not None and effect.intent == SECRET
    again = journal.reopened(found, record.seal.key)
    effect = journal.effect(again, first)
    assert effect is not None and effect.intent == SECRET
    assert check(store)[0] == 0


def opens(wrapping: bytes, raw: bytes) -> bool:
    """Whether there is a key in these bytes that was wrapped by another."""
    for start in range(len(raw) - 39):
        # A wrapped key is random; most places of a store are not.
        if raw[start : start + 40].count(0) < 8:
            try:
                aes_key_unwrap(wrapping, raw[start : start + 40])
            except InvalidUnwrap:
                continue
            return True
    return False


def stored(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob("kiosk.db*")))


def test_whoever_has_the_terminals_disk_and_keys_opens_nothing_of_a_case_that_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.db"
    store = Store(f"sqlite:///{path}", lambda: [stored(path)], lambda: None)
    journal = terminal(store)
    case = walk(journal, journal.open_case("1", SECRET), Stage.RECEIPTED, SECRET)
    assert opens(TERMINAL_KEY, stored(path)), "as long as it works on the case"
    walk(journal, case, Stage.CLOSED, SECRET)
    raw = stored(path)
    assert not opens(TERMINAL_KEY, raw) and SECRET not in raw
    # Nor do keys that he may take for others: each on every sealed value as it is.
    with closing(sqlite3.connect(path)) as connection:
        (escrow,) = connection.execute("SELECT escrow FROM cases").fetchone()
        effects = connection.execute("SELECT intent, outcome FROM effects").fetchall()
        columns = connection.execute("SELECT * FROM cases").fetchone()
    assert not any(opens(TERMINAL_KEY, value) for value in columns if isinstance(value, bytes))
    with pytest.raises(EscrowUnopened):
        EscrowKey("window", THIEF).open(escrow, case.pseudonym)
    records = [value for row in effects for value in row if value is not None]
    assert len(records) == 1 + len(Step)
    public = TO_WINDOW.public_key
    for key in (TERMINAL_KEY, THIEF.exchange(X25519PublicKey.from_public_bytes(public)), escrow[:32], public):
        for record in records:
            with pytest.raises(InvalidTag):
                AESGCM(key).decrypt(record[:12], record[12:], b"application outcome")


def by_the_standard(private: X25519PrivateKey, sealed: bytes, info: bytes) -> bytes:
    """RFC 9180, sections 4.1, 5.1 and 6.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, base mode."""

    def extract(suite: bytes, salt: bytes, label: bytes, key: bytes) -> bytes:
        mac = hmac.HMAC(salt or bytes(32), hashes.SHA256())
        mac.update(b"HPKE-v1" + suite + label + key)
        return mac.finalize()

    def expand(suite: bytes, secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
        mac = hmac.HMAC(secret, hashes.SHA256())
        mac.update(length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context + b"\x01")
        return mac.finalize()[:length]

    kem, whole = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"
    encapsulated, ciphertext = sealed[:32], sealed[32:]
    shared = private.exchange(X25519PublicKey.from_public_bytes(encapsulated))
    context = encapsulated + private.public_key().public_bytes_raw()
    secret = expand(kem, extract(kem, b"", b"eae_prk", shared), b"shared_secret", context, 32)
    schedule = b"\x00" + extract(whole, b"", b"psk_id_hash", b"") + extract(whole, b"", b"info_hash", info)
    derived = extract(whole, secret, b"secret", b"")
    key = expand(whole, derived, b"key", schedule, 32)
    return AESGCM(key).decrypt(expand(whole, derived, b"base_nonce", schedule, 12), ciphertext, b"")


def test_a_copy_is_what_the_standard_says() -> None:
    copy = TO_WINDOW.copy(b"k" * 32, "cafe")
    assert by_the_standard(PRIVATE, copy, b"kiosk case key\x00cafe") == b"k" * 32
    assert WINDOW.open(copy, "cafe") == b"k" * 32
    assert TO_WINDOW.copy(b"k" * 32, "cafe") != copy, "nobody sees that two are of one key"


@pytest.mark.parametrize(
    ("key", "pseudonym", "spoil"),
    [
        (EscrowKey("window", THIEF), "cafe", lambda copy: copy),
        (WINDOW, "beef", lambda copy: copy),
        (WINDOW, "cafe", lambda copy: copy[:-1] + bytes([copy[-1] ^ 1])),
        (WINDOW, "cafe", lambda copy: copy[:31]),
        (WINDOW, "cafe", lambda copy: b""),
    ],
)
def test_a_copy_for_another_or_a_spoilt_one_does_not_open(
    key: EscrowKey, pseudonym: str, spoil: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(EscrowUnopened, match=f"case {pseudonym} does not open for window"):
        key.open(spoil(TO_WINDOW.copy(b"k" * 32, "cafe")), pseudonym)


def test_without_a_clerks_station_everything_stays_readable_to_the_station_itself(store: Store) -> None:
    journal = terminal(store, lambda: None)
    case = closed_case(journal)
    effect = journal.effect(case, Step.FEE)
    assert effect is not None and effect.outcome == SECRET
    assert (column(store, "escrow"), column(store, "escrowed_to")) == ([None], [None])
    assert hand_over(journal, LATER, told_of_none) == [] and check(store) == (len(Step), 0)
    assert not any('"escrow' in entry.body for entry in journal.entries())


def test_a_station_that_is_sealed_to_itself_reads_its_ended_cases_by_the_copy(store: Store) -> None:
    itself = Journal(
        open_database(store.url),
        "demo",
        StationKey(TERMINAL_KEY),
        lambda: START,
        head_key=HeadKey(bytes(32)),
        escrow_to=lambda: EscrowTo("demo", TO_WINDOW.public_key),
        escrow_key=EscrowKey("demo", PRIVATE),
    )
    case = closed_case(itself)
    effect = itself.effect(case, Step.FEE)
    assert effect is not None and effect.outcome == SECRET and case.seal.elsewhere is None
    assert column(store, "seal") == [None]


def facts_of(journal: Journal, case: CaseRecord) -> list[dict[str, Any]]:
    found = [json.loads(entry.body) for entry in journal.entries()]
    return [facts for facts in found if facts.get("case") == case.pseudonym]


def test_the_journal_tells_to_whom_a_case_is_sealed_at_its_beginning(store: Store) -> None:
    journal = terminal(store)
    case = closed_case(journal)
    told = facts_of(journal, case)
    assert [facts.get("escrow") for facts in told] == ["window"] + [None] * (len(told) - 1)
    assert check(store) == (0, len(Step))


@pytest.mark.parametrize("stage", [Stage.CLOSED, Stage.ROLLED_BACK])
def test_a_key_that_was_told_while_the_case_was_worked_on_counts_when_it_ends(store: Store, stage: Stage) -> None:
    known: list[EscrowTo] = []
    asked = []

    def look() -> EscrowTo | None:
        asked.append(1)
        return known[0] if known else None

    journal = terminal(store, look)
    case = journal.open_case("1", SECRET)
    case = journal.complete(case, Step.APPLICATION, SECRET)
    known.append(TO_WINDOW)
    case = walk(journal, case, stage, SECRET)
    assert case.seal.elsewhere == "window"
    told = facts_of(journal, case)
    assert [facts.get("escrow") for facts in told] == [None] * (len(told) - 1) + ["window"]
    own, copies = check(store)
    assert own == 0 and copies == sum(facts.get("step") is not None for facts in told)
    # Once it is known nobody looks again, but for every new case.
    looked = len(asked)
    walk(journal, journal.open_case("2", SECRET), Stage.CLOSED, SECRET)
    assert len(asked) == looked + 1


def test_a_case_that_ended_without_its_key_being_left_is_handed_over_later(store: Store) -> None:
    unknown = terminal(store, lambda: None)
    first = closed_case(unknown, "1")
    closed_case(terminal(store, lambda: None, "other"), "1")
    still_open = walk(unknown, unknown.open_case("2", SECRET), Stage.FILED, SECRET)
    late = closed_case(terminal(store, lambda: None, start=LATER), "3")
    journal = terminal(store, start=LATER)
    assert {case.pseudonym for case in journal.ended_cases_here()} == {first.pseudonym, late.pseudonym}
    (handed,) = hand_over(journal, LATER, told_of_none)
    assert (handed.pseudonym, handed.seal.elsewhere, handed.stage) == (first.pseudonym, "window", Stage.CLOSED)
    assert facts_of(journal, first)[-1]["event"] == ESCROWED == "escrowed"
    assert facts_of(journal, first)[-1]["escrow"] == "window"
    assert [case.number for case in journal.cases() if case.seal.elsewhere] == ["1"]
    with pytest.raises(TransitionRefused):
        journal.hand_over(still_open)
    entries = journal.size()
    assert hand_over(journal, LATER, told_of_none) == [] and journal.size() == entries, "once"
    journal.hand_over(handed)
    assert journal.size() == entries and check(store)[1] == len(Step)
    purge(journal, LATER)
    until = journal.purged_until()
    assert until is not None and until < LATER, "it ended long before it was handed over"


def test_nothing_is_handed_over_as_long_as_nobody_vouches_for_a_key(store: Store) -> None:
    journal = terminal(store, lambda: None)
    case = closed_case(journal)
    entries = journal.size()
    assert hand_over(journal, LATER, told_of_none) == [] and journal.size() == entries
    assert journal.hand_over(case).seal.elsewhere is None
    assert len(journal.ended_cases_here()) == 1


def test_a_case_whose_key_is_damaged_is_told_and_left_and_stops_no_start(store: Store) -> None:
    unknown = terminal(store, lambda: None)
    damaged, whole = closed_case(unknown, "1"), closed_case(unknown, "2")
    with open_database(store.url).write() as transaction:
        transaction.run("UPDATE cases SET seal = ? WHERE pseudonym = ?", bytes(40), damaged.pseudonym)
    told: list[str] = []
    journal = terminal(store, start=LATER)
    (handed,) = hand_over(journal, LATER, lambda case: told.append(case.pseudonym))
    assert (handed.pseudonym, told) == (whole.pseudonym, [damaged.pseudonym])
    (left,) = journal.ended_cases_here()
    assert left.pseudonym == damaged.pseudonym


def test_a_purge_destroys_the_copy_too(store: Store) -> None:
    journal = terminal(store)
    case = closed_case(journal)
    assert is_sealed_to(open_database(store.url), "window") and not is_sealed_to(open_database(store.url), "demo")
    assert [one.pseudonym for one in purge(journal, LATER)] == [case.pseudonym]
    assert [column(store, name) for name in ("seal", "escrow", "escrowed_to")] == [[None]] * 3
    found = journal.latest_case("1")
    assert found is not None and found.seal.is_destroyed and found.seal.elsewhere is None
    with pytest.raises(SealDestroyed):
        journal.effect(found, Step.FEE)
    assert window(store).escrowed_case(case.pseudonym) is None
    assert not is_sealed_to(open_database(store.url), "window")
    assert check(store) == (0, 0)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cases SET seal = escrow",
        "UPDATE cases SET escrow = NULL",
        "UPDATE cases SET escrowed_to = NULL",
        "UPDATE cases SET escrowed_to = 'other'",
        "UPDATE cases SET escrow = NULL, escrowed_to = NULL",
    ],
)
def test_a_key_that_lies_elsewhere_than_the_journal_tells_is_found(store: Store, statement: str) -> None:
    closed_case(terminal(store))
    assert check(store) == (0, len(Step))
    change(store, statement)
    with pytest.raises(ChainBroken, match="stands otherwise than the journal tells"):
        check(store)


def test_an_open_case_that_lost_its_key_or_got_a_copy_is_found(store: Store) -> None:
    terminal(store, lambda: None).open_case("1", SECRET)
    change(store, "UPDATE cases SET escrow = seal, escrowed_to = 'window'")
    with pytest.raises(ChainBroken, match="stands otherwise"):
        check(store)
    change(store, "UPDATE cases SET seal = NULL, escrow = NULL, escrowed_to = NULL")
    with pytest.raises(ChainBroken, match="stands otherwise"):
        check(store)


def test_what_the_terminal_cannot_compare_any_more_the_clerks_station_does(store: Store) -> None:
    journal = terminal(store)
    closed_case(journal, "1")
    closed_case(journal, "2")
    walk(journal, journal.open_case("3", SECRET), Stage.FILED, SECRET)
    closed_case(terminal(store, name="other"), "4")
    database = open_database(store.url)
    assert check(store) == (1, 3 * len(Step) + 1), "an open case both"
    assert count_records_elsewhere(database, "demo") == [("window", 2 * len(Step))]
    assert count_records_elsewhere(database, "other") == [("window", len(Step))]
    assert count_records_elsewhere(database, "window") == []
    change(store, "UPDATE effects SET outcome = intent WHERE step = 'application' AND state = 'done'")
    state = read_state(database)
    told = told_until(database, state.ends)
    with pytest.raises(ChainBroken, match=r"the record application outcome of case .* was changed"):
        check_escrowed_records(database, told, WINDOW)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cases SET escrow = (SELECT escrow FROM cases WHERE number = '2') WHERE number = '1'",
        "UPDATE cases SET escrow = effects.outcome FROM effects"
        " WHERE effects.pseudonym = cases.pseudonym AND number = '1' AND step = 'fee'",
        "UPDATE cases SET person = 'cd' WHERE number = '1'",
    ],
)
def test_a_copy_that_does_not_open_its_case_is_found_at_the_clerks_station(store: Store, statement: str) -> None:
    journal = terminal(store)
    closed_case(journal, "1")
    closed_case(journal, "2")
    change(store, statement)
    with pytest.raises(ChainBroken, match=r"station demo, .* was changed"):
        check(store)


def test_cases_of_a_neighbour_are_known_where_both_are_sealed_to_one_station(store: Store) -> None:
    case = closed_case(terminal(store))
    beside = terminal(store, name="beside")
    apart = terminal(store, lambda: EscrowTo("elsewhere", TO_WINDOW.public_key), "apart")
    alone = terminal(store, lambda: None, "alone")
    for journal, known in ((beside, [case.pseudonym]), (apart, []), (alone, [])):
        assert [one.pseudonym for one in journal.closed_cases_of("ab")] == known
        mine = journal.open_case("2", SECRET)
        assert [one.pseudonym for one in journal.other_cases_with("cd", mine)] == known
    assert [one.pseudonym for one in terminal(store).closed_cases_of("ab")] == [case.pseudonym]


def test_a_receipt_is_found_where_its_case_can_be_read(store: Store) -> None:
    journal = terminal(store)
    case = journal.open_case("1", SECRET)
    case = walk(journal, case, Stage.RETURNED, SECRET)
    number = journal.number_receipt(case).number
    walk(journal, case, Stage.CLOSED, SECRET)
    assert terminal(store, name="other").numbered(number) is None
    for reader, elsewhere in ((terminal(store), "window"), (window(store), None)):
        found = reader.numbered(number)
        assert found is not None and found[0].seal.elsewhere == elsewhere


def test_the_clerks_station_looks_at_nothing_that_is_not_sealed_to_it(store: Store) -> None:
    case = closed_case(terminal(store))
    assert window(store, EscrowKey("other", PRIVATE)).escrowed_case(case.pseudonym) is None
    assert terminal(store).escrowed_case(case.pseudonym) is None
    assert window(store).escrowed_case("none") is None
    found = window(store, EscrowKey("window", THIEF)).escrowed_case(case.pseudonym)
    assert found is not None
    with pytest.raises(EscrowUnopened):
        assert found[1].seal.key


def test_what_was_paid_is_told_in_the_entry(store: Store) -> None:
    journal = terminal(store)
    case = walk(journal, journal.open_case("1", SECRET), Stage.DELIVERED, SECRET)
    journal.complete(case, Step.FEE, SECRET, yen=0)
    told = facts_of(journal, case)
    assert [facts.get("yen") for facts in told] == [None] * (len(told) - 1) + [0]


def verify(folder: Path, capsys: pytest.CaptureFixture[str], store: Store, *words: str) -> tuple[int, list[str]]:
    code = main(["journal", "verify", "--data", str(folder), "--set", f"store.url={store.url}", *words])
    return code, capsys.readouterr().out.splitlines()


def test_verify_says_at_either_station_what_it_compared(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = terminal(store)
    journal.start()
    closed_case(journal)
    walk(journal, journal.open_case("2", SECRET), Stage.FILED, SECRET)
    beside, at_window, nowhere = tmp_path / "terminal", tmp_path / "window", tmp_path / "nowhere"
    for folder in (beside, at_window, nowhere):
        folder.mkdir()
    (beside / "station.key").write_bytes(TERMINAL_KEY)
    (beside / "head.key").write_bytes(bytes(32))
    (beside / "line.key").write_bytes(b"\x09" * 32)
    (at_window / "line.key").write_bytes(b"\x07" * 32)
    alone = f"demo: {len(Step)} sealed records of ended cases can be read at station window alone"
    copies = f"window: {len(Step) + 1} records that are sealed to it are those that were journaled"
    nothing = "the sealed records are not compared, for station.key and head.key do not lie beside the store"
    code, lines = verify(beside, capsys, store)
    assert code == 0 and "demo: 1 sealed records are those that were journaled" in lines and alone in lines
    assert not any(line.startswith("window") for line in lines)
    code, lines = verify(at_window, capsys, store)
    assert code == 0 and copies in lines and nothing in lines and alone in lines
    code, lines = verify(nowhere, capsys, store)
    assert code == 0 and copies not in lines and {nothing, alone} <= set(lines)
    change(store, "UPDATE effects SET intent = NULL WHERE step = 'application'")
    change(store, "UPDATE cases SET person = 'x' WHERE number = '1'")
    assert verify(beside, capsys, store)[0] == 1, "of the open case"
    code, lines = verify(at_window, capsys, store)
    assert code == 1 and "was changed" in lines[-1]


@pytest.mark.parametrize("told", [b"\x00" * 32, None])
def test_what_a_station_told_of_its_key_does_not_decide_what_is_compared(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], told: bytes | None
) -> None:
    closed_case(terminal(store))
    (tmp_path / "line.key").write_bytes(b"\x07" * 32)
    if told is not None:
        with open_database(store.url).write() as transaction:
            transaction.run("INSERT INTO stations VALUES (?, ?, ?, ?)", "window", told, b"", b"")
    assert verify(tmp_path, capsys, store)[0] == 0
    change(store, "UPDATE effects SET outcome = intent WHERE step = 'application'")
    code, lines = verify(tmp_path, capsys, store)
    assert code == 1 and "record application outcome" in lines[-1]


def test_a_key_that_opens_nothing_of_what_is_sealed_says_so(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    closed_case(terminal(store))
    (tmp_path / "line.key").write_bytes(b"\x09" * 32)
    nothing = "not verified: line.key lies beside the store, and opens nothing that is sealed to window"
    code, lines = verify(tmp_path, capsys, store)
    assert (code, lines[-1]) == (1, nothing)
    (tmp_path / "line.key").write_bytes(b"\x07" * 32)
    change(store, "UPDATE cases SET escrow = ''")
    code, lines = verify(tmp_path, capsys, store)
    assert (code, lines[-1]) == (1, nothing)


def test_a_station_whose_key_lies_beside_the_store_opens_all_that_is_sealed_to_it(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    closed_case(terminal(store))
    window(store).start()
    (tmp_path / "head.key").write_bytes(b"\x02" * 32)
    (tmp_path / "line.key").write_bytes(b"\x07" * 32)
    assert verify(tmp_path, capsys, store)[0] == 0
    (tmp_path / "line.key").write_bytes(b"\x09" * 32)
    code, lines = verify(tmp_path, capsys, store)
    assert code == 1 and "was changed" in lines[-1]


def test_a_store_that_was_written_anew_under_another_key_is_found_by_the_key_beside_it(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = terminal(store)
    closed_case(journal)
    nothing = (
        "demo: nothing from outside the store vouches for the journal: who writes all of it anew is found by a receipt"
    )
    assert nothing in verify(tmp_path, capsys, store)[1]
    (tmp_path / "head.key").write_bytes(bytes(32))
    code, lines = verify(tmp_path, capsys, store)
    assert code == 0 and nothing not in lines and any("head.key beside the store vouches" in line for line in lines)
    # The forger's store is a sound one, under a key of his own: for whoever has the true key, it is nobody's.
    (tmp_path / "head.key").write_bytes(b"\x03" * 32)
    code, lines = verify(tmp_path, capsys, store)
    assert code == 1
    assert lines[-1] == "not verified: head.key lies beside the store, and no station's journal in it names that key"
    (tmp_path / "head.key").unlink()
    code, lines = verify(tmp_path, capsys, store, "--head", journal.head().text)
    assert code == 0 and f"demo: a text from outside vouches for the first {journal.size()} entries" in lines


@pytest.mark.parametrize("end", [Stage.CLOSED, Stage.ROLLED_BACK])
def test_a_case_that_was_begun_before_the_clerks_station_was_known_is_sealed_to_it_as_it_ends(
    store: Store, end: Stage
) -> None:
    known: list[EscrowTo | None] = [None]
    journal = terminal(store, lambda: known[0])
    case = journal.open_case("1", SECRET)
    known[0] = TO_WINDOW
    case = walk(journal, case, end, SECRET)
    assert case.seal.elsewhere == "window"
    assert window(store).escrowed_case(case.pseudonym) is not None

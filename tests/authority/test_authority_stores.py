"""The same books on SQLite and PostgreSQL: what is decided at once is decided once, whoever asks beside whom."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from authority_desk import POLICIES, START, TOWN, URL, Desk, load, make_desk
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from rebuilt_message import rebuild, set_field, verdict

from kiosk.authority.embedded.database import Database, StoreTooNew, StoreUnusable, Transactions, open_database
from kiosk.authority.embedded.directory import init, open_authority
from kiosk.authority.embedded.refusal import Refusal
from kiosk.authority.embedded.requester import open_request
from kiosk.authority.embedded.responder import Responder
from kiosk.authority.embedded.revocation import RevokedByHand, revoke_by_hand
from kiosk.authority.embedded.schema import MIGRATIONS
from kiosk.authority.embedded.status import StatusService
from kiosk.authority.embedded.store import Books, StateChanged, open_store
from kiosk.authority.embedded.terms import DirectoryInvalid
from kiosk.authority.message import BodyKind
from kiosk.model.certificate import FORMER, BookedState, RevocationReason
from tests.stores import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path, keys: list[rsa.RSAPrivateKey]) -> Iterator[Desk]:
    """A desk whose authority keeps its books in either kind of store."""
    url = ""
    if request.param == "postgresql":
        made: Store = request.getfixturevalue("authoritys_store")
        url = made.url
    directory = tmp_path / "authority"
    init(directory, POLICIES / "juki-2011.toml", TOWN, lambda: START, store_url=url)
    desk = Desk(directory, keys[0], opened=None)
    yield desk
    desk.authority.store.close()


def worker(desk: Desk) -> Responder:
    """Another process of the same authority, but for its address space."""
    return Responder(open_authority(desk.directory, desk.clock, listening_url=URL))


def test_a_certificate_lives_and_dies(desk: Desk, keys: list[rsa.RSAPrivateKey]) -> None:
    message = desk.message()
    pending = desk.client.certify(message.der)
    assert desk.state(pending) == ("pending", "certificateHold")
    assert worker(desk).respond(message.der) == desk.responder.respond(message.der), "the stored answer, by any worker"
    desk.client.confirm(desk.client.confirm_message(pending).der)
    assert desk.state(pending) == ("good", None)
    again = desk.message(key=keys[1])
    assert verdict(worker(desk).respond(again.der)) == (BodyKind.IP, "duplicateCertReq")
    desk.client.revoke(desk.client.revoke_message(pending.certificate, RevocationReason.KEY_COMPROMISE).der)
    assert desk.state(pending) == ("revoked", "keyCompromise")
    for name in ("full", TOWN.code):
        crl = x509.load_der_x509_crl(StatusService(desk.authority).crl(name) or b"")
        assert crl.get_revoked_certificate_by_serial_number(load(pending).serial_number) is not None
    assert [record.state for record in desk.client.station_record()] == ["revoked"]


WAYS: dict[BookedState, list[Callable[[Books, str], None]]] = {
    BookedState.PENDING: [],
    BookedState.GOOD: [lambda books, serial: books.confirm(serial), lambda books, serial: books.release(serial, "-")],
    BookedState.HELD: [lambda books, serial: books.revoke(serial, RevocationReason.CERTIFICATE_HOLD, "-")],
    BookedState.REVOKED: [lambda books, serial: books.revoke(serial, RevocationReason.SUPERSEDED, "-")],
}
"""Whatever brings a certificate to a state."""


@pytest.mark.parametrize("state", BookedState)
def test_a_certificate_comes_from_state_to_state_as_the_model_says(desk: Desk, state: BookedState) -> None:
    """Every change is tried from every state, in books that are left as they were."""
    path: dict[BookedState, list[BookedState]] = {
        BookedState.PENDING: [],
        BookedState.GOOD: [BookedState.GOOD],
        BookedState.HELD: [BookedState.GOOD, BookedState.HELD],
        BookedState.REVOKED: [BookedState.REVOKED],
    }
    serial = desk.certify().serial
    for then in path[state]:
        with desk.authority.store.write(desk.clock.now) as books:
            WAYS[then][0](books, serial)
    for then in BookedState:
        done = []
        for change in WAYS[then]:
            with (
                suppress(StateChanged, _Undone),
                desk.authority.store.write(desk.clock.now) as books,
            ):
                change(books, serial)
                done.append(books.certificate(serial))
                raise _Undone
        assert [record and record.state for record in done] == ([then] if state in FORMER[then] else [])


class _Undone(Exception):
    """Ends a transaction that is not to be."""


def test_a_pending_certificate_lapses(desk: Desk) -> None:
    pending = desk.certify()
    desk.clock.advance(hours=25)
    assert desk.state(pending) == ("revoked", "cessationOfOperation")


def at_once(*work: Callable[[], bytes]) -> list[bytes]:
    """Answers of works that begin at the same moment."""
    gate = threading.Barrier(len(work))

    def one(task: Callable[[], bytes]) -> bytes:
        gate.wait(30)
        return task()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(one, work))


WORKERS = 4


def test_of_two_requests_for_one_person_one_is_granted(desk: Desk, keys: list[rsa.RSAPrivateKey]) -> None:
    workers = [worker(desk) for _ in range(WORKERS)]
    messages = [desk.message(key=keys[number % 2]).der for number in range(WORKERS)]
    answers = at_once(*(lambda w=w, m=m: w.respond(m) for w, m in zip(workers, messages, strict=True)))
    refused = sorted(verdict(answer)[1] for answer in answers)
    assert refused[0] == "" and "" not in refused[1:]
    assert len(desk.client.station_record()) == 1


def test_the_same_bytes_at_once_are_one_request(desk: Desk) -> None:
    workers, message = [worker(desk) for _ in range(WORKERS)], desk.message().der
    answers = at_once(*(lambda w=w: w.respond(message) for w in workers))
    assert len(set(answers)) == 1 and verdict(answers[0]) == (BodyKind.IP, "")


def test_one_transaction_id_is_taken_once(desk: Desk, keys: list[rsa.RSAPrivateKey]) -> None:
    messages = [
        rebuild(
            desk.message(key=keys[n], terms=desk.terms(person=bytes([n]) * 32)).der,
            desk.station,
            header=set_field(transaction_id=b"T" * 16),
        )
        for n in range(2)
    ]
    workers = [worker(desk) for _ in messages]
    answers = at_once(*(lambda w=w, m=m: w.respond(m) for w, m in zip(workers, messages, strict=True)))
    assert sorted(verdict(answer)[1] for answer in answers) == ["", "transactionIdInUse"]


def test_a_confirmation_and_a_revocation_at_once_end_revoked(desk: Desk) -> None:
    pending = desk.certify()
    confirm = desk.client.confirm_message(pending).der
    revoke = desk.client.revoke_message(pending.certificate, RevocationReason.SUPERSEDED).der
    first, second = worker(desk), worker(desk)
    at_once(lambda: first.respond(confirm), lambda: second.respond(revoke))
    assert desk.state(pending)[0] == "revoked"


def test_what_is_in_another_state_by_then_is_not_changed(desk: Desk) -> None:
    """Whoever has read the books before a revocation undoes it by nothing."""
    pending, store = desk.certify(), desk.authority.store
    hold, gone = RevocationReason.CERTIFICATE_HOLD, RevocationReason.SUPERSEDED
    too_early: tuple[Callable[[Books], None], ...] = (
        lambda books: books.revoke(pending.serial, hold, "a hold of what is pending"),
        lambda books: books.release(pending.serial, "a release of what is not held"),
    )
    too_late: tuple[Callable[[Books], None], ...] = (
        *too_early,
        lambda books: books.confirm(pending.serial),
        lambda books: books.revoke(pending.serial, gone, "once more"),
    )
    for changes, state in ((too_early, "pending"), (too_late, "revoked")):
        if state == "revoked":
            with store.write(desk.clock.now) as books:
                books.revoke(pending.serial, gone, "meanwhile")
        for change in changes:
            with pytest.raises(StateChanged), store.write(desk.clock.now) as books:
                change(books)
        assert desk.state(pending)[0] == state


def test_revoking_by_hand_follows_the_rules_of_a_message(desk: Desk) -> None:
    pending = desk.certify()

    def by_hand(reason: RevocationReason) -> RevokedByHand:
        with desk.authority.store.write(desk.clock.now) as books:
            return revoke_by_hand(pending.serial, reason, books)

    with pytest.raises(Refusal, match="on hold already"):
        by_hand(RevocationReason.CERTIFICATE_HOLD)
    desk.client.confirm(desk.client.confirm_message(pending).der)
    assert by_hand(RevocationReason.CERTIFICATE_HOLD) == RevokedByHand((), ())
    with pytest.raises(Refusal, match="certificateHold"):
        by_hand(RevocationReason.CERTIFICATE_HOLD)
    assert by_hand(RevocationReason.SUPERSEDED) == RevokedByHand((), ())
    with pytest.raises(Refusal, match="superseded"):
        by_hand(RevocationReason.KEY_COMPROMISE)


def test_a_confirmation_and_a_revocation_by_hand_at_once_end_revoked(desk: Desk) -> None:
    pending = desk.certify()
    confirm = desk.client.confirm_message(pending).der
    first = worker(desk)
    other = open_authority(desk.directory, desk.clock, listening_url=URL)

    def by_hand() -> bytes:
        with other.store.write(desk.clock.now) as books:
            revoke_by_hand(pending.serial, RevocationReason.SUPERSEDED, books)
        return b""

    at_once(lambda: first.respond(confirm), by_hand)
    assert desk.state(pending)[0] == "revoked"


def test_crls_made_at_once_have_numbers_of_their_own(desk: Desk) -> None:
    services = [StatusService(open_authority(desk.directory, desk.clock, listening_url=URL)) for _ in range(WORKERS)]
    desk.certify()
    crls = at_once(*(lambda s=s: s.crl("full") or b"" for s in services))
    numbers = {der: number(der) for der in crls}
    assert len(set(numbers.values())) == len(numbers)


def number(der: bytes) -> int:
    return x509.load_der_x509_crl(der).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


# --- one commit for several (SQLite)


def references(database: Database) -> list[bytes]:
    with database.read() as transaction:
        return [row.reference for row in transaction.run("SELECT reference FROM client ORDER BY reference")]


def enter(transactions: Transactions, reference: bytes) -> None:
    with transactions.write() as transaction:
        transaction.run("INSERT INTO client VALUES (?, ?)", reference, b"x")


def test_what_is_written_together_is_one_commit(tmp_path: Path) -> None:
    database = open_database(tmp_path / "books.db")
    before = commits_of(tmp_path / "books.db")
    with database.together() as together:
        for number in range(8):
            enter(together, bytes([number]))
        with together.read() as transaction:
            assert transaction.run("SELECT COUNT(*) FROM client").scalar_one() == 8
        assert references(database) == [], "nobody else sees what may still be undone"
    assert len(references(database)) == 8 and commits_of(tmp_path / "books.db") == before + 1
    database.close()


def test_one_that_raises_takes_nobody_along(tmp_path: Path) -> None:
    database = open_database(tmp_path / "books.db")
    with database.together() as together:
        enter(together, b"before")
        with pytest.raises(KeyError), together.write() as transaction:
            transaction.run("INSERT INTO client VALUES (?, ?)", b"bad", b"x")
            raise KeyError("mine")
        enter(together, b"later")
    assert references(database) == [b"before", b"later"]
    database.close()


def commits_of(store: Path) -> int:
    """SQLite's own count in the file's header."""
    return int.from_bytes(store.read_bytes()[24:28], "big")


def test_of_what_cannot_be_committed_nothing_is_answered(
    juki: Path, tmp_path: Path, keys: list[rsa.RSAPrivateKey]
) -> None:
    desk = make_desk(juki, tmp_path / "full", keys[0])
    requests = [open_request(desk.message(key=keys[n], terms=desk.terms(person=bytes([n]) * 32)).der) for n in range(2)]
    # The disk is full once the first answer is kept: SQLite then undoes the whole transaction by itself.
    with sqlite3.connect(desk.directory / "store.db") as books:
        books.execute(
            "CREATE TRIGGER full AFTER INSERT ON answer BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END"
        )
    answers = desk.responder.respond_all(requests)
    assert [verdict(answer)[1] for answer in answers] == ["systemFailure"] * 2
    with sqlite3.connect(desk.directory / "store.db") as books:
        books.execute("DROP TRIGGER full")
    assert desk.client.station_record() == []
    assert [verdict(answer)[1] for answer in desk.responder.respond_all(requests)] == ["", ""]


def test_threads_write_one_after_the_other(tmp_path: Path) -> None:
    database = open_database(tmp_path / "books.db")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: enter(database, bytes([number])), range(8)))
    assert len(references(database)) == 8
    database.close()


def test_what_is_no_store_is_said(tmp_path: Path, juki: Path) -> None:
    for url, why in (
        ("mysql://x/y", "not mysql"),
        ("postgresql+psycopg://nobody:hunter2@127.0.0.1:1/x", "refused"),
        ("sqlite:///", "no file"),
        ("sqlite:////tmp/\0", "null"),
        (":::", "none"),
    ):
        with pytest.raises(StoreUnusable, match=why) as said:
            open_store(url)
        assert "hunter2" not in str(said.value)
        with pytest.raises(DirectoryInvalid, match="store"):
            init(tmp_path / "x", POLICIES / "juki-2011.toml", TOWN, lambda: START, store_url=url)
    assert not list((tmp_path / "x").glob(".init-*"))


def test_a_newer_programs_books_are_left_alone(tmp_path: Path) -> None:
    store = open_store(tmp_path / "books.db")
    with store.write(START) as books:
        books._run("PRAGMA user_version = 99")
    store.close()
    with pytest.raises(StoreTooNew):
        open_store(tmp_path / "books.db")


def test_books_of_an_earlier_schema_are_carried_over(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    with sqlite3.connect(path) as old:
        for statements in MIGRATIONS[:3]:
            for statement in statements:
                old.execute(statement.format(text="TEXT", bytes="BLOB", integer="INTEGER"))
        old.execute("UPDATE revision SET number = 7")
        row = ("0A", "signature", b"d", b"k", "good", 1, 2_000_000_000, None, None, None, None, None, "")
        old.execute(f"INSERT INTO certificate VALUES ({', '.join('?' * 13)})", row)
        for id_, requester in ((b"by a station", "0A"), (b"by a secret", "client:00")):
            old.execute("INSERT INTO transactions VALUES (?, ?, NULL, NULL, ?)", (id_, requester, b"n"))
        old.execute("PRAGMA user_version = 3")
    store = open_store(path)
    with store.read(START) as books:
        record = books.certificate("0A")
        assert record is not None and record.state == "good" and record.invalid_since is None
        begun = [books.transaction(id_) for id_ in (b"by a station", b"by a secret")]
        assert [transaction and transaction.signer for transaction in begun] == ["0A", None]
        assert books.revision() == 7
    store.close()

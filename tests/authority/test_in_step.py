"""Requests answered side by side: what one after another would have been told, whatever they want of each other."""

import hashlib
import json
import random
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from authority_desk import URL, Desk, load, make_desk
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from rebuilt_message import rebuild, set_field, verdict

from kiosk.authority import asn1, oids
from kiosk.authority.client import AuthorityClient, PendingCertificate
from kiosk.authority.credential import Credential
from kiosk.authority.embedded.authority import Authority
from kiosk.authority.embedded.database import Database, open_database
from kiosk.authority.embedded.in_step import Stages, do, do_in_step
from kiosk.authority.embedded.requester import open_request
from kiosk.authority.embedded.schema import TABLES
from kiosk.authority.embedded.shared_commit import OutOfStep
from kiosk.authority.embedded.store import Store, open_store
from kiosk.authority.message import BodyKind, parse_message
from kiosk.journal.chain import read_entries, read_heads
from kiosk.journal.connection import Connection, DriverFailed
from kiosk.journal.head import load_head_key
from kiosk.journal.verify import verify_journal
from kiosk.model.certificate import RevocationReason, serial_text

ROUNDS = 4
LARGEST_ROUND = 4
PERSONS = 2

Built = Callable[["Teller"], bytes]


@pytest.fixture(scope="module")
def many_keys(keys: list[rsa.RSAPrivateKey]) -> list[rsa.RSAPrivateKey]:
    """Enough of them that few are refused because they were certified before."""
    return [*keys, *(rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(6))]


class Teller:
    """A desk with its journal, and what was sent to its authority and answered so far, by the number of the request."""

    def __init__(self, desk: Desk, keys: list[rsa.RSAPrivateKey], holders: list[ec.EllipticCurvePrivateKey]) -> None:
        self.desk, self.keys, self.holders = desk, keys, holders
        self.store = desk.directory / "store.db"
        desk.serve(replace(desk.authority, store=open_store(self.store, load_head_key(desk.directory / "head.key"))))
        self.sent: list[bytes] = []
        self.answers: list[bytes] = []

    def tell_together(self, built: list[Built]) -> None:
        new = self._build(built)
        self.answers += self.desk.responder.respond_all([open_request(der) for der in new])

    def tell_in_some_order(self, built: list[Built], as_told: "Teller") -> None:
        """One after another, in the first order in which all are told what the other was, with the same effects."""
        new, before = self._build(built), list(self.answers)
        self.desk.authority.store.close()
        shutil.copy(self.store, self.store.with_suffix(".before"))
        for order in permutations(range(len(new))):
            told = {number: self.desk.responder.respond(new[number]) for number in order}
            self.answers = [*before, *(told[number] for number in range(len(new)))]
            if self.outcome() == as_told.outcome():
                return
            self.desk.authority.store.close()
            shutil.copy(self.store.with_suffix(".before"), self.store)
        pytest.fail(f"no order in which they are told {as_told.verdicts()[len(before) :]}")

    def _build(self, built: list[Built]) -> list[bytes]:
        for build in built:
            self.sent.append(build(self))
        return self.sent[-len(built) :]

    def outcome(self) -> tuple[list[tuple[BodyKind, str]], list[tuple[str, str | None]], Counter[str], int, list[bool]]:
        """What everybody was told, what became of the certificates, and what stands in the books."""
        journal = self.desk.authority.store.journal()
        entries = list(read_entries(journal))
        verify_journal(entries, read_heads(journal))
        with self.desk.authority.store.read(self.desk.clock.now) as books:
            revision = books.revision()
            kept = [books.answer(hashlib.sha256(der).digest()) is not None for der in self.sent]
        events = Counter(json.loads(entry.body)["event"] for entry in entries)
        states = [self.desk.state(self.pending(number)) for number in self.granted()]
        return self.verdicts(), states, events, revision, kept

    def granted(self) -> list[int]:
        """The numbers of the requests that were granted a certificate."""
        return [n for n, (kind, why) in enumerate(self.verdicts()) if kind in (BodyKind.IP, BodyKind.CP) and not why]

    def pending(self, number: int) -> PendingCertificate:
        """What was granted to a request."""
        answer = parse_message(self.answers[number])
        pair = asn1.decode(asn1.CertRepMessage, answer.body).response[0].certified_key_pair
        assert pair and answer.header.transaction_id and answer.header.sender_nonce, "granted"
        der = asn1.encode(pair.certificate)
        certificate = x509.load_der_x509_certificate(der)
        return PendingCertificate(
            transaction_id=answer.header.transaction_id,
            nonce=answer.header.sender_nonce,
            serial=serial_text(certificate.serial_number),
            certificate=der,
            chain=(),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            confirm_before=None,
        )

    def verdicts(self) -> list[tuple[BodyKind, str]]:
        return [verdict(answer) for answer in self.answers]


def resident(person: int, key: int) -> Built:
    return lambda teller: teller.desk.message(teller.desk.terms(person=bytes([person]) * 32), teller.keys[key]).der


def on_one_leave(nonce: int, key: int) -> Built:
    """On an authorisation that may have been used before."""

    def build(teller: Teller) -> bytes:
        terms = teller.desk.terms(person=bytes([nonce]) * 32, nonce=bytes([nonce]) * 16)
        return teller.desk.message(terms, teller.keys[key]).der

    return build


def plain(holder: int) -> Built:
    return lambda teller: teller.desk.client._message(BodyKind.P10CR, csr_of(teller.holders[holder])).der


def csr_of(holder: ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "holder")])
    return x509.CertificateSigningRequestBuilder(name).sign(holder, hashes.SHA256()).public_bytes(Encoding.DER)


def again(number: int) -> Built:
    return lambda teller: teller.sent[number]


def under_the_id_of(number: int, other: Built) -> Built:
    def build(teller: Teller) -> bytes:
        taken = parse_message(teller.sent[number]).header.transaction_id
        return rebuild(other(teller), teller.desk.station, header=set_field(transaction_id=taken))

    return build


def confirmed(number: int) -> Built:
    return lambda teller: teller.desk.client.confirm_message(teller.pending(number)).der


def declined(number: int) -> Built:
    return lambda teller: teller.desk.client.reject_message(teller.pending(number), "not mine").der


def revoked(number: int) -> Built:
    return lambda teller: (
        teller.desk.client.revoke_message(teller.pending(number).certificate, RevocationReason.KEY_COMPROMISE).der
    )


def by_the_holder(number: int) -> Built:
    """The holder of a plain certificate puts his own away."""

    return lambda teller: (
        client_of(teller, number).revoke_message(teller.pending(number).certificate, RevocationReason.SUPERSEDED).der
    )


def asked_by_the_holder(number: int, key: int) -> Built:
    """The holder of a plain certificate asks for another one."""
    return lambda teller: client_of(teller, number)._message(BodyKind.P10CR, csr_of(teller.holders[key])).der


def client_of(teller: Teller, number: int) -> AuthorityClient:
    """Speaks by the key of what was granted to a request."""
    certificate = load(teller.pending(number))
    (holder,) = [one for one in teller.holders if one.public_key() == certificate.public_key()]
    trust = (teller.desk.issuer,)
    return AuthorityClient(URL, Credential(holder, certificate, trust), trust, clock=teller.desk.clock)


def for_others(*inner: Built) -> Built:
    """What a station sends under its own protection for others."""
    return lambda teller: (
        teller.desk.client._message(BodyKind.NESTED, asn1.sequence_of([build(teller) for build in inner])).der
    )


def question(teller: Teller) -> bytes:
    asked = asn1.sequence_of([asn1.sequence_of([asn1.encode(oids.CA_CERTS)])])
    return teller.desk.client._message(BodyKind.GENM, asked).der


def rubbish(_: Teller) -> bytes:
    return b"rubbish"


def draw(rng: random.Random, sent: int, readable: list[int], granted: list[int], plain_ones: list[int]) -> Built:
    """One request; `sent` were before it, and may be repeated, `granted` may be followed up."""
    asked = [
        resident(rng.randrange(PERSONS), rng.randrange(8)),
        plain(rng.randrange(3)),
        on_one_leave(9, rng.randrange(8)),
        for_others(plain(rng.randrange(3)), resident(rng.randrange(PERSONS), rng.randrange(8))),
    ]
    choices = [*asked, *asked, question, rubbish]
    if sent:
        choices.append(again(rng.randrange(sent)))
    if readable:
        choices.append(under_the_id_of(rng.choice(readable), rng.choice(asked[:3])))
    if granted:
        follow_ups = (confirmed, confirmed, declined, revoked)
        choices += [rng.choice(follow_ups)(rng.choice(granted)) for _ in range(6)]
    if plain_ones:
        choices.append(by_the_holder(rng.choice(plain_ones)))
        choices.append(asked_by_the_holder(rng.choice(plain_ones), rng.randrange(3)))
    return rng.choice(choices)


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """How many batches went in step to their end, and how many did not."""
    counts = {"in step": 0, "out of step": 0}
    in_step = Store.in_step

    @contextmanager
    def counting(store: Store) -> Iterator[Store]:
        try:
            with in_step(store) as several:
                yield several
            counts["in step"] += 1
        except OutOfStep:
            counts["out of step"] += 1
            raise

    with monkeypatch.context() as patch:
        patch.setattr(Store, "in_step", counting)
        yield counts


def test_what_is_answered_together_is_what_one_after_another_is_told_in_some_order(
    juki: Path,
    opened: Authority,
    tmp_path: Path,
    many_keys: list[rsa.RSAPrivateKey],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    total: Counter[str] = Counter()
    for seed in range(12):
        rng = random.Random(seed)
        holders = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
        together, alone = (
            Teller(make_desk(juki, tmp_path / f"{name}{seed}", many_keys[0], opened), many_keys, holders)
            for name in ("together", "alone")
        )
        with counted(monkeypatch) as counts:
            for _ in range(ROUNDS):
                verdicts, granted = together.verdicts(), together.granted()
                readable = [n for n, (_, why) in enumerate(verdicts) if why != "badDataFormat"]
                plain_ones = [n for n in granted if verdicts[n][0] == BodyKind.CP]
                before = len(together.sent)
                built = [
                    draw(rng, before + n, readable, granted, plain_ones) for n in range(rng.randint(2, LARGEST_ROUND))
                ]
                together.tell_together(built)
                alone.tell_in_some_order(built, together)
        total.update(counts)
    assert min(total.values()) >= 5, f"both happen: {total}"


BESIDE: tuple[tuple[list[Built], list[Built], int], ...] = (
    ([resident(0, 0)], [confirmed(0), revoked(0)], 1),
    ([resident(0, 0)], [confirmed(0), resident(0, 1)], 1),
    ([], [resident(0, 0), resident(1, 0)], 1),
    ([], [resident(0, 0), resident(0, 1)], 1),
    ([], [on_one_leave(9, 0), on_one_leave(9, 1)], 1),
    ([plain(0)], [plain(1), under_the_id_of(1, plain(2))], 1),
    ([plain(0)], [confirmed(0), confirmed(0)], 1),
    ([plain(0), plain(1)], [confirmed(0), plain(2), revoked(1)], 0),
    ([], [question, plain(0), for_others(plain(1), plain(2)), rubbish], 0),
)
"""What went before, what is told together, and how often it cannot go in step."""


@pytest.mark.parametrize(("before", "beside", "fails"), BESIDE)
def test_who_decides_about_the_same_does_not_go_in_step(
    before: list[Built],
    beside: list[Built],
    fails: int,
    desk: Desk,
    many_keys: list[rsa.RSAPrivateKey],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    teller = Teller(desk, many_keys, [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)])
    for build in before:
        teller.tell_together([build])
    with counted(monkeypatch) as counts:
        teller.tell_together(beside)
    assert counts == {"in step": 1 - fails, "out of step": fails}


def test_who_is_revoked_is_granted_nothing_beside_it(
    desk: Desk, many_keys: list[rsa.RSAPrivateKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    teller = Teller(desk, many_keys, [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)])
    teller.tell_together([plain(0)])
    teller.tell_together([confirmed(0)])
    with counted(monkeypatch) as counts:
        teller.tell_together([revoked(0), asked_by_the_holder(0, 1)])
    assert counts == {"in step": 0, "out of step": 1}
    assert [why for _, why in teller.verdicts()[2:]] == ["", "signerNotTrusted"]


@pytest.mark.parametrize("nth", range(8))
@pytest.mark.parametrize("kind", [MemoryError, DriverFailed])
def test_whatever_fails_in_step_is_done_one_after_another(
    kind: type[Exception], nth: int, desk: Desk, many_keys: list[rsa.RSAPrivateKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every statement for rows, and at every nth of the others."""
    teller = Teller(desk, many_keys, [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)])
    for build in (plain(0), plain(1), confirmed(0)):
        teller.tell_together([build])
    left = [nth]

    def failing(run: Callable[..., Any]) -> Callable[..., Any]:
        def once(connection: Connection, statement: str, *values: object) -> Any:
            if not re.match("BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE", statement):
                left[0] -= 1
                if left[0] == -1:
                    if kind is DriverFailed:
                        connection.driver.rollback()
                    raise kind("no more")
            return run(connection, statement, *values)

        return once

    with counted(monkeypatch) as counts, monkeypatch.context() as patch:
        patch.setattr(Connection, "run_each", failing(Connection.run_each))
        if nth < 3:
            patch.setattr(Connection, "run", failing(Connection.run))
        teller.tell_together([revoked(0), confirmed(1), plain(2)])
    is_reached = left[0] < 0
    assert counts == {"in step": 1 - is_reached, "out of step": int(is_reached)}
    assert [why for _, why in teller.verdicts()[3:]] == ["", "", ""]
    _, states, events, revision, kept = teller.outcome()
    assert states == [("revoked", "keyCompromise"), ("good", None), ("pending", "certificateHold")]
    assert all(kept) and revision == events["issued"] + events["confirmed"] + events["revoked"]


def test_of_several_the_one_that_cannot_be_stored_is_refused_alone(
    desk: Desk, keys: list[rsa.RSAPrivateKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    holders = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    teller = Teller(desk, keys, holders)
    bad = open_request(plain(1)(teller))
    hit = teller.sent = [plain(0)(teller), bad.der, plain(2)(teller)]
    with sqlite3.connect(desk.directory / "store.db") as books:
        # After it has written other rows already.
        books.execute(
            "CREATE TRIGGER spoilt BEFORE INSERT ON answer WHEN NEW.request_hash = "
            f"x'{bad.hash.hex()}' BEGIN SELECT RAISE(ABORT, 'spoilt'); END"
        )
    with counted(monkeypatch) as counts:
        answers = desk.responder.respond_all([open_request(der) for der in hit])
    assert [verdict(answer)[1] for answer in answers] == ["", "systemFailure", ""]
    assert counts == {"in step": 0, "out of step": 1}
    assert len(desk.client.station_record()) == 2, "nothing is left of the one between them"


def test_a_table_refers_to_none_that_is_made_later(tmp_path: Path) -> None:
    database = open_database(tmp_path / "books.db")
    with database.read() as transaction:
        for place, table in enumerate(TABLES):
            named = {row.table for row in transaction.run(f"PRAGMA foreign_key_list({table})")}
            assert named <= set(TABLES[:place]), table
        tables = {row.name for row in transaction.run("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert tables == set(TABLES)
    database.close()


def test_two_that_decide_about_the_same_do_not_go_in_step(tmp_path: Path) -> None:
    database = open_database(tmp_path / "books.db")
    with (
        pytest.raises(OutOfStep),
        database.in_step() as together,
        together.write() as one,
        together.write() as other,
    ):
        database.lock(one, b"person", b"1")
        database.lock(one, b"person", b"1")
        database.lock(other, b"person", b"2")
        one.run("INSERT INTO client VALUES (?, ?)", b"one", b"x")
        database.lock(other, b"person", b"1")
    with database.read() as transaction:
        assert not transaction.run("SELECT * FROM client"), "none has been done"
    database.close()


def test_what_has_ended_lets_go_of_what_it_locked(tmp_path: Path) -> None:
    database = open_database(tmp_path / "books.db")
    with database.in_step() as together:
        for name in (b"one", b"other"):
            with together.write() as transaction:
                database.lock(transaction, b"person", b"1")
                transaction.run("INSERT INTO client VALUES (?, ?)", name, b"x")
    with database.read() as transaction:
        assert len(transaction.run("SELECT * FROM client")) == 2
    database.close()


@pytest.mark.parametrize("written_by", ["run", "add", ""])
def test_one_that_raises_takes_the_others_along_once_it_has_written(tmp_path: Path, written_by: str) -> None:
    database = open_database(tmp_path / "books.db")
    with pytest.raises(OutOfStep) if written_by else nullcontext(), database.in_step() as together:
        with together.write() as one:
            one.run("INSERT INTO client VALUES (?, ?)", b"one", b"x")
        with suppress(KeyError), together.write() as other:
            if written_by:
                getattr(other, written_by)("INSERT INTO client VALUES (?, ?)", b"other", b"x")
            raise KeyError
    assert references(database) == ([] if written_by else [b"one"])
    database.close()


def test_what_is_put_off_is_seen_by_all(tmp_path: Path) -> None:
    database = open_database(tmp_path / "books.db")
    with database.in_step() as together:
        with together.write() as one, together.write() as other:
            one.add("INSERT INTO client VALUES (?, ?)", b"one", b"x")
            assert other.run("SELECT COUNT(*) FROM client").scalar_one() == 1
            one.add("INSERT INTO client VALUES (?, ?)", b"two", b"x")
            with together.read() as reading:
                assert reading.run("SELECT COUNT(*) FROM client").scalar_one() == 2
            one.add("INSERT INTO client VALUES (?, ?)", b"three", b"x")
    assert references(database) == [b"one", b"three", b"two"]
    database.close()


def test_whoever_relies_on_something_keeps_away_who_decides_about_it(tmp_path: Path) -> None:
    database = open_database(tmp_path / "books.db")
    name = b"certificate", b"1"
    with database.in_step() as together:
        with together.write() as one, together.write() as other:
            database.share(one, *name)
            database.share(other, *name)
        with together.write() as one:
            database.share(one, *name)
            database.lock(one, *name)
    for first, then in ((database.share, database.lock), (database.lock, database.share)):
        with (
            pytest.raises(OutOfStep),
            database.in_step() as together,
            together.write() as one,
            together.write() as other,
        ):
            first(one, *name)
            then(other, *name)
    database.close()


def references(database: Database) -> list[bytes]:
    with database.read() as transaction:
        return [row.reference for row in transaction.run("SELECT reference FROM client ORDER BY reference")]


def test_all_pass_a_stage_before_any_enters_the_next() -> None:
    seen: list[str] = []

    def walk(name: str, stages: int) -> Stages[str]:
        for stage in range(stages):
            seen.append(f"{name}{stage}")
            yield
        return name

    assert do_in_step([walk("a", 1), walk("b", 3), walk("c", 2)]) == ["a", "b", "c"]
    assert seen == ["a0", "b0", "c0", "b1", "c1", "b2"]
    assert do(walk("d", 2)) == "d"
    assert do_in_step([]) == []


def test_what_one_raises_ends_all() -> None:
    ended: list[str] = []

    def wait() -> Stages[None]:
        try:
            yield
            yield
        finally:
            ended.append("wait")

    def fail() -> Stages[None]:
        yield
        raise KeyError

    waiting = wait()
    with pytest.raises(KeyError):
        do_in_step([waiting, fail()])
    assert ended == ["wait"]

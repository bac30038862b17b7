"""Requests answered side by side: what one after another would have been told, whatever they want of each other."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import pytest
from authority_desk import Desk, make_desk
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from rebuilt_message import rebuild, set_field, verdict

from kiosk.authority import asn1
from kiosk.authority.client import PendingCertificate
from kiosk.authority.embedded.authority import Authority
from kiosk.authority.embedded.database import open_database
from kiosk.authority.embedded.in_step import Stages, do, do_in_step
from kiosk.authority.embedded.requester import open_request
from kiosk.authority.embedded.schema import TABLES
from kiosk.authority.embedded.shared_commit import OutOfStep
from kiosk.authority.embedded.store import Store
from kiosk.authority.message import BodyKind, parse_message
from kiosk.model.certificate import RevocationReason, serial_text

ROUNDS = 4
LARGEST_ROUND = 6
PERSONS = 2

Built = Callable[["Teller"], bytes]


class Teller:
    """A desk, and what was sent to its authority and answered so far, by the number of the request."""

    def __init__(self, desk: Desk, keys: list[rsa.RSAPrivateKey], holders: list[ec.EllipticCurvePrivateKey]) -> None:
        self.desk, self.keys, self.holders = desk, keys, holders
        self.sent: list[bytes] = []
        self.answers: list[bytes] = []

    def tell(self, built: list[Built], *, are_together: bool) -> None:
        first = len(self.sent)
        for build in built:
            self.sent.append(build(self))
        new = [open_request(der) for der in self.sent[first:]]
        respond = self.desk.responder.respond_all
        self.answers += respond(new) if are_together else [respond([request])[0] for request in new]

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

    def states(self, granted: list[int]) -> list[tuple[str, str | None]]:
        return [self.desk.state(self.pending(number)) for number in granted]


def resident(person: int, key: int) -> Built:
    return lambda teller: teller.desk.message(teller.desk.terms(person=bytes([person]) * 32), teller.keys[key]).der


def on_one_leave(nonce: int, key: int) -> Built:
    """On an authorisation that may have been used before."""

    def build(teller: Teller) -> bytes:
        terms = teller.desk.terms(person=bytes([nonce]) * 32, nonce=bytes([nonce]) * 16)
        return teller.desk.message(terms, teller.keys[key]).der

    return build


def plain(holder: int) -> Built:
    def build(teller: Teller) -> bytes:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "holder")])
        csr = x509.CertificateSigningRequestBuilder(name).sign(teller.holders[holder], hashes.SHA256())
        return teller.desk.client._message(BodyKind.P10CR, csr.public_bytes(Encoding.DER)).der

    return build


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


def rubbish(_: Teller) -> bytes:
    return b"rubbish"


def draw(rng: random.Random, sent: int, readable: list[int], granted: list[int]) -> Built:
    """One request; `sent` were before it, and may be repeated, `granted` may be followed up."""
    asked = [resident(rng.randrange(PERSONS), rng.randrange(2)), plain(rng.randrange(3)), on_one_leave(9, 1)]
    choices = [*asked, *asked, rubbish]
    if sent:
        choices.append(again(rng.randrange(sent)))
    if readable:
        choices.append(under_the_id_of(rng.choice(readable), rng.choice(asked)))
    if granted:
        follow_ups = (confirmed, confirmed, declined, revoked)
        choices += [rng.choice(follow_ups)(rng.choice(granted)) for _ in range(6)]
    return rng.choice(choices)


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """How many batches went in step to their end, and how many did not."""
    counts = {"in step": 0, "out of step": 0}
    together = Store.together

    @contextmanager
    def counting(store: Store, *, are_in_step: bool = False) -> Iterator[Store]:
        if not are_in_step:
            with together(store) as several:
                yield several
            return
        try:
            with together(store, are_in_step=True) as several:
                yield several
            counts["in step"] += 1
        except OutOfStep:
            counts["out of step"] += 1
            raise

    monkeypatch.setattr(Store, "together", counting)
    yield counts
    monkeypatch.undo()


def test_what_is_answered_together_is_what_one_after_another_is_told(
    juki: Path, opened: Authority, tmp_path: Path, keys: list[rsa.RSAPrivateKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    total = {"in step": 0, "out of step": 0}
    for seed in range(12):
        rng = random.Random(seed)
        holders = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
        together, alone = (
            Teller(make_desk(juki, tmp_path / f"{name}{seed}", keys[0], opened), keys, holders)
            for name in ("together", "alone")
        )
        with counted(monkeypatch) as counts:
            for _ in range(ROUNDS):
                verdicts = together.verdicts()
                readable = [n for n, (_, why) in enumerate(verdicts) if why != "badDataFormat"]
                granted = [
                    n for n, (kind, why) in enumerate(verdicts) if kind in (BodyKind.IP, BodyKind.CP) and not why
                ]
                before = len(together.sent)
                built = [draw(rng, before + n, readable, granted) for n in range(rng.randint(2, LARGEST_ROUND))]
                together.tell(built, are_together=True)
                alone.tell(built, are_together=False)
                assert together.verdicts() == alone.verdicts(), f"seed {seed}, {before} before"
            granted = [
                n for n, (kind, why) in enumerate(together.verdicts()) if kind in (BodyKind.IP, BodyKind.CP) and not why
            ]
            assert together.states(granted) == alone.states(granted), f"seed {seed}"
        for name, number in counts.items():
            total[name] += number
    assert min(total.values()) >= 5, f"both happen: {total}"


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


def test_what_is_begun_and_what_is_confirmed_go_in_step(
    desk: Desk, keys: list[rsa.RSAPrivateKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    teller = Teller(desk, keys, [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)])
    teller.tell([plain(0), plain(1)], are_together=False)
    with counted(monkeypatch) as counts:
        teller.tell([confirmed(0), plain(2), revoked(1)], are_together=True)
    assert [why for _, why in teller.verdicts()] == ["", "", "", "", ""]
    assert counts == {"in step": 1, "out of step": 0}


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
        database.together(are_in_step=True) as together,
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
    with database.together(are_in_step=True) as together:
        for name in (b"one", b"other"):
            with together.write() as transaction:
                database.lock(transaction, b"person", b"1")
                transaction.run("INSERT INTO client VALUES (?, ?)", name, b"x")
    with database.read() as transaction:
        assert len(transaction.run("SELECT * FROM client")) == 2
    database.close()


@pytest.mark.parametrize("has_written", [True, False])
def test_one_that_raises_takes_the_others_along_once_it_has_written(tmp_path: Path, *, has_written: bool) -> None:
    database = open_database(tmp_path / "books.db")
    with (
        pytest.raises(OutOfStep) if has_written else nullcontext(),
        database.together(are_in_step=True) as together,
    ):
        with together.write() as one:
            one.run("INSERT INTO client VALUES (?, ?)", b"one", b"x")
        with suppress(KeyError), together.write() as other:
            if has_written:
                other.run("INSERT INTO client VALUES (?, ?)", b"other", b"x")
            raise KeyError
    with database.read() as transaction:
        assert [row.reference for row in transaction.run("SELECT * FROM client")] == ([] if has_written else [b"one"])
    database.close()


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

    with pytest.raises(KeyError):
        do_in_step([wait(), fail()])
    assert ended == ["wait"]

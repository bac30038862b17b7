"""What the authority did stands in a chain of entries, in the transaction that did it, and holds against changes."""

import asyncio
import datetime
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from authority_desk import Desk, make_desk
from cryptography.hazmat.primitives.asymmetric import rsa

from kiosk.authority.embedded.requester import open_request
from kiosk.authority.embedded.server import Upkeep
from kiosk.authority.embedded.status import StatusService
from kiosk.journal.chain import read_entries, read_heads
from kiosk.journal.verify import verify_journal
from kiosk.model.certificate import RevocationReason


@pytest.fixture
def desk(juki: Path, tmp_path: Path, keys: list[rsa.RSAPrivateKey]) -> Desk:
    """A desk whose authority was opened over its own directory, with the key that lies there."""
    return make_desk(juki, tmp_path / "authority", keys[0])


def events(desk: Desk) -> list[dict[str, object]]:
    return [json.loads(entry.body) for entry in read_entries(desk.authority.store.journal())]


def ca(desk: Desk, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kiosk", "ca", *words, "--data", str(desk.directory)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_the_life_of_a_certificate_is_journaled(desk: Desk) -> None:
    before = len(events(desk))
    pending = desk.confirmed()
    desk.client.revoke(desk.client.revoke_message(pending.certificate, RevocationReason.KEY_COMPROMISE).der)
    told = [(e["event"], e.get("serial")) for e in events(desk)[before:]]
    assert told == [(word, pending.serial) for word in ("issued", "confirmed", "revoked")]
    assert "住民" not in json.dumps(events(desk), ensure_ascii=False), "nobody is named"


@pytest.mark.parametrize("is_asked_for_a_list", [True, False])
def test_a_certificate_that_was_not_confirmed_in_time_is_journaled_once(desk: Desk, is_asked_for_a_list: bool) -> None:
    late = desk.certify()
    with desk.authority.store.read(desk.clock.now + datetime.timedelta(days=2)) as books:
        looked_at = books.certificate(late.serial)
    assert looked_at is not None
    desk.clock.advance(days=2)
    before, status, upkeep = len(events(desk)), StatusService(desk.authority), Upkeep(desk.authority, None)
    for _ in range(2):
        if is_asked_for_a_list:
            assert status.crl("full") and status.crl("13221")
        else:
            asyncio.run(upkeep())
    told = [(e["event"], e.get("serial"), e.get("since")) for e in events(desk)[before:] if e["event"] != "crl"]
    assert told == [("revoked", late.serial, looked_at.confirm_before)]
    with desk.authority.store.read(desk.clock.now) as books:
        assert books.certificate(late.serial) == looked_at, "seen before as it is entered"


def test_what_is_answered_together_is_one_chain(desk: Desk, keys: list[rsa.RSAPrivateKey]) -> None:
    messages = [desk.message(key=keys[n], terms=desk.terms(person=bytes([n]) * 32)).der for n in range(2)]
    refused = desk.message(terms=desk.terms(station="another")).der
    desk.responder.respond_all([open_request(der) for der in (messages[0], refused, b"garbage", messages[1])])
    StatusService(desk.authority).crl("full")
    database = desk.authority.store.journal()
    (verified,) = verify_journal(read_entries(database), read_heads(database))
    assert verified.entries == len(events(desk)) and verified.heads == 1
    assert [e["event"] for e in events(desk)][-3:] == ["issued", "issued", "crl"]


def test_an_entry_that_was_undone_leaves_no_gap(desk: Desk) -> None:
    with desk.authority.store.together() as store:
        with store.write(desk.clock.now) as books:
            books.note("first")
        with pytest.raises(KeyError), store.write(desk.clock.now) as books:
            books.note("undone")
            raise KeyError("mine")
        with store.write(desk.clock.now) as books:
            books.note("second")
    assert [e["event"] for e in events(desk)][-2:] == ["first", "second"]
    verify_journal(read_entries(desk.authority.store.journal()), [])


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE journal SET body = replace(body, 'issued', 'granted') WHERE seq = 2",
        "DELETE FROM journal WHERE seq = 2",
        "DELETE FROM journal WHERE seq = (SELECT MAX(seq) FROM journal)",
        "UPDATE heads SET signature = zeroblob(64)",
    ],
)
def test_a_change_is_found(desk: Desk, change: str) -> None:
    desk.certify()
    StatusService(desk.authority).crl("full")
    desk.authority.store.close()
    good = ca(desk, "journal", "verify")
    assert (good.returncode, good.stderr) == (0, "") and "1 signed heads, chain holds" in good.stdout
    with sqlite3.connect(desk.directory / "store.db") as books:
        books.execute(change)
    bad = ca(desk, "journal", "verify")
    assert bad.returncode == 1 and bad.stdout.startswith("chain broken")

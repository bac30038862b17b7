"""The books keep what was answered: once for the same bytes, whoever asks at the same time, and undone as a whole."""

import sqlite3
import threading
from pathlib import Path

import pytest
from authority_desk import PERSON, START, Desk
from cryptography.hazmat.primitives.asymmetric import rsa
from rebuilt_message import verdict

from kiosk.authority.embedded.responder import Responder
from kiosk.authority.embedded.schema import MIGRATIONS
from kiosk.authority.embedded.store import StoreTooNew, open_store


def together(responder: Responder, requests: list[bytes]) -> list[bytes]:
    """All requests at once, each in a thread of its own."""
    answers: dict[int, bytes] = {}
    gate = threading.Barrier(len(requests))

    def ask(index: int) -> None:
        gate.wait()
        answers[index] = responder.respond(requests[index])

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[index] for index in range(len(requests))]


def test_the_same_bytes_at_the_same_time_are_one_request(desk: Desk) -> None:
    answers = together(desk.responder, [desk.message().der] * 6)
    assert len(set(answers)) == 1
    assert issued(desk) == 1


def test_two_requests_for_one_person_at_the_same_time_give_one_certificate(
    desk: Desk, keys: list[rsa.RSAPrivateKey]
) -> None:
    answers = together(desk.responder, [desk.message(key=key).der for key in keys])
    assert sorted(verdict(answer)[1] for answer in answers) == ["", "duplicateCertReq"]
    assert issued(desk) == 1


def issued(desk: Desk) -> int:
    with sqlite3.connect(desk.directory / "store.db") as books:
        return int(books.execute("SELECT COUNT(*) FROM certificate WHERE profile = 'signature'").fetchone()[0])


def test_a_store_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    open_store(path).close()
    with sqlite3.connect(path) as books:
        books.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StoreTooNew, match=r"store\.db"):
        open_store(path)


def test_what_raises_in_a_transaction_is_undone(desk: Desk) -> None:
    pending = desk.certify()
    with pytest.raises(ZeroDivisionError), desk.authority.store.write(START) as books:
        books.confirm(pending.serial)
        raise ZeroDivisionError
    assert desk.state(pending) == ("pending", "certificateHold")


def test_a_failure_of_the_books_is_answered_in_cmp_and_issues_nothing(desk: Desk) -> None:
    with sqlite3.connect(desk.directory / "store.db") as books:
        books.execute("DROP TABLE authorisation")
    message = desk.message()
    assert verdict(desk.responder.respond(message.der))[1] == "systemFailure"
    assert issued(desk) == 0


def test_the_books_are_durable(desk: Desk) -> None:
    with desk.authority.store.read(START) as books:
        for pragma, value in (("journal_mode", "truncate"), ("synchronous", 3), ("foreign_keys", 1)):
            assert books._run(f"PRAGMA {pragma}").scalar_one() == value
        assert books.live_certificate(PERSON, "signature") is None

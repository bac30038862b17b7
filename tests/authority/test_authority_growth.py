"""What the authority does takes no more steps of the store when there are many more certificates in it."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from kiosk.authority.embedded.status import FULL, StatusService
from kiosk.authority.verification import ocsp_request
from tests.bench.authority import Bench, stock

FEW, MANY = 100, 2_000
CALLED_EVERY = 10
"""Steps of SQLite's machine between two calls (https://sqlite.org/c3ref/progress_handler.html)."""


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], int]:
    """Counts the steps that a piece of work takes on all connections that are opened from now on."""
    count = 0
    connect = sqlite3.connect

    def counted() -> int:
        nonlocal count
        count += CALLED_EVERY
        return 0

    def connected(*words: object, **named: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*words, **named)
        connection.set_progress_handler(counted, CALLED_EVERY)
        return connection

    def steps_of(work: Callable[[], object]) -> int:
        before = count
        work()
        return count - before

    monkeypatch.setattr(sqlite3, "connect", connected)
    return steps_of


def test_nothing_goes_through_all_certificates(tmp_path: Path, steps: Callable[[Callable[[], object]], int]) -> None:
    bench = Bench(tmp_path / "bench", core=0, seconds=0.05)
    status = StatusService(bench.authority)
    certificate: x509.Certificate = bench.issued()
    plain = ocsp.OCSPRequestBuilder().add_certificate(certificate, bench.issuer, hashes.SHA256()).build()

    def measured() -> dict[str, int]:
        return {
            "issuing and confirming": steps(bench.issued),
            "a list": steps(lambda: status.crl(FULL)),
            "a list that is fresh": steps(lambda: status.crl(FULL)),
            "an answer": steps(lambda: status.ocsp(ocsp_request(certificate, bench.issuer, bytes(16)))),
            "an answer to keep": steps(lambda: status.ocsp(plain.public_bytes(serialization.Encoding.DER))),
        }

    stock(bench, FEW)
    of_few = measured()
    stock(bench, MANY)
    of_many = measured()
    assert all(of_few.values())
    grown = {what: (of_few[what], of_many[what]) for what in of_few if of_many[what] > of_few[what] + FEW}
    assert not grown

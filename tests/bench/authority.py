"""What the authority does in a second, against what openssl does on the same core in the same run.

    python -m tests.bench authority [--pairs N] [--core N] [--seconds S] [--large N] [--folder DIR] [--out FILE]

Every figure is a ratio to the signatures a second of `openssl speed rsa2048`, run on the same core right before each
measurement; medians of the pairs count. openssl counts the processor's time that it had, and so does this for whatever
waits for nothing, in this process or in the server's; transactions wait for the disk, and count by the clock. The
authority is a training one with an RSA-2048 key. Over HTTP it is the real `kiosk ca serve` on the measured core, asked
from another one, if there is one. A transaction is a p10cr, its cp, a certConf and its pkiConf, each protected, each
durable before it is answered. Keys and requests were prepared before; a client that is alone counts only while it waits
for an answer, not while it makes its confirmation.

Beside each ratio stands what bounds it: how long a transaction took, what of it the server computed and for what (its
signatures alone and a request's HTTP alone are measured in the same pair), into how many commits they went (by the
change counter in the store's header), and what one commit of a row takes on this disk.
"""

import argparse
import asyncio
import datetime
import json
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from kiosk.authority import asn1
from kiosk.authority.client import AuthorityClient
from kiosk.authority.credential import load_credential
from kiosk.authority.embedded.authority import Authority
from kiosk.authority.embedded.directory import init, open_authority
from kiosk.authority.embedded.responder import Responder
from kiosk.authority.embedded.status import FULL, StatusService
from kiosk.authority.message import BodyKind, parse_message
from kiosk.authority.signature import sign, verify
from kiosk.authority.verification import ocsp_request
from kiosk.config import SHIPPED
from kiosk.journal.connection import SQLITE_PRAGMAS
from kiosk.model.certificate import CertifiedItems, serial_text
from kiosk.model.town import Town

LEAST = {
    "certificates": 0.6,
    "ocsp": 0.7,
    "ocsp over http": 0.4,
    "ocsp kept": 1.0,
    "transactions of 16": 0.15,
    "transactions alone": 0.05,
}
"""The least that each must be of openssl's signatures."""

MOST_GROWTH = 1.5
"""From a thousand certificates to the largest store; what grew with them would grow a thousandfold."""

MOST_CRL_S = 2.0
CRL_ENTRIES = 100_000
CLIENTS = 16
FEWEST_PAIRS = 5

TOWN = Town("13221", "東京都", "Tokyo", "清瀬市", "Kiyose-shi")
ITEMS = CertifiedItems("住民　太郎", "00000", "1", "319720229", "東京都清瀬市中里五丁目八百四十二番地", "0" * 18)
CMP, OCSP = "application/pkixcmp", "application/ocsp-request"


@dataclass(frozen=True)
class Measured:
    """One figure: rates a second of the thing and of openssl's signatures right before, and what bounds it."""

    rate: float
    openssl: float
    bound: str = ""

    @property
    def ratio(self) -> float:
        """The one by the other."""
        return self.rate / self.openssl


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Bench:
    """An authority in a folder, with a station that knows it."""

    def __init__(self, folder: Path, core: int, seconds: float) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.core, self.seconds = folder, core, seconds
        self.directory = folder / "authority"
        init(self.directory, SHIPPED / "policy" / "juki-2011.toml", TOWN, now)
        self.authority: Authority = open_authority(self.directory, now, listening_url="http://127.0.0.1:8829")
        self.station = load_credential(self.directory / "stations" / "demo.pem")
        self.issuer = self.station.chain[0]
        self.client = AuthorityClient("http://127.0.0.1:1", self.station, (self.issuer,), clock=now)
        self.card_key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()

    def openssl(self) -> float:
        """Signatures a second."""
        words = ["taskset", "-c", str(self.core), "openssl", "speed", "-seconds", "1", "rsa2048"]
        said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        found = re.search(r"rsa 2048 bits +\S+ +\S+ +([0-9.]+)", said)
        assert found, said
        return float(found[1])

    def rate(self, work: Callable[[], object]) -> float:
        """How often a second of the processor's time, in this process on the measured core."""
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {self.core})
        try:
            work()
            count, begun = 0, time.process_time()
            while time.process_time() - begun < self.seconds:
                work()
                count += 1
            return count / (time.process_time() - begun)
        finally:
            os.sched_setaffinity(0, before)

    def signatures_s(self) -> float:
        """The processor's time of all signatures that a transaction makes and checks, and of nothing else.

        Made: the certificate's and those of both answers. Checked: the request's, the proof of possession, the
        confirmation's.
        """
        own, speaker, station = self.authority.credential.key, self.authority.speaker.key, self.station.key
        holder = ec.generate_private_key(ec.SECP256R1())
        station_key, holder_key, data = station.public_key(), holder.public_key(), bytes(700)
        by_station, by_holder = sign(station, data), sign(holder, data)

        def work() -> None:
            verify(station_key, by_station, data)
            verify(holder_key, by_holder, data)
            sign(own, data)
            sign(speaker, data)
            verify(station_key, by_station, data)
            sign(speaker, data)

        return 1 / self.rate(work)

    def request(self) -> bytes:
        """A p10cr of a key of its own."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench")])
        csr = x509.CertificateSigningRequestBuilder(name).sign(key, hashes.SHA256())
        return self.client._message(BodyKind.P10CR, csr.public_bytes(Encoding.DER)).der

    def confirmation(self, answer: bytes) -> bytes:
        """The certConf that accepts what came."""
        message = parse_message(answer)
        pair = asn1.decode(asn1.CertRepMessage, message.body).response[0].certified_key_pair
        assert pair is not None, "granted"
        digest = hashes.Hash(hashes.SHA256())
        digest.update(asn1.encode(pair.certificate))
        status = asn1.CertStatus(cert_hash=digest.finalize(), cert_req_id=-1)
        header = message.header
        body = asn1.sequence_of([asn1.encode(status)])
        return self.client._message(BodyKind.CERT_CONF, body, header.transaction_id, header.sender_nonce).der

    def issued(self) -> x509.Certificate:
        """A confirmed certificate."""
        responder = Responder(self.authority)
        answer = responder.respond(self.request())
        responder.respond(self.confirmation(answer))
        pair = asn1.decode(asn1.CertRepMessage, parse_message(answer).body).response[0].certified_key_pair
        assert pair is not None, "granted"
        return x509.load_der_x509_certificate(asn1.encode(pair.certificate))

    @contextmanager
    def served(self) -> Iterator[tuple[int, int]]:
        """The real program on the measured core; yields its port and its process."""
        process = subprocess.Popen(
            [
                "taskset",
                "-c",
                str(self.core),
                sys.executable,
                "-m",
                "kiosk",
                "ca",
                "serve",
                "--data",
                str(self.directory),
                "--listen",
                "127.0.0.1:0",
                "--exit-with-parent",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        )
        assert process.stdin and process.stdout, "both are pipes"
        try:
            yield int(process.stdout.readline().rpartition(":")[2]), process.pid
        finally:
            process.stdin.close()
            process.wait(60)


_CLOCK_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
"""The processor's time is told in steps of this."""


def processor_s(process: int) -> float:
    """The processor's time that a process had so far."""
    words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


async def _post(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, content_type: str, body: bytes
) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", answer.lower())
    assert answer.startswith(b"HTTP/1.1 200") and length, answer
    return await reader.readexactly(int(length[1]))


async def _ask(port: int, server: int, body: bytes, seconds: float) -> float:
    """OCSP requests over several connections, a second of the server's processor."""
    end, count = time.perf_counter() + seconds, 0

    async def one() -> None:
        nonlocal count
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < end:
            await _post(reader, writer, "/ocsp", OCSP, body)
            count += 1
        writer.close()

    begun = processor_s(server)
    await asyncio.gather(*(one() for _ in range(CLIENTS)))
    return count / max(processor_s(server) - begun, _CLOCK_TICK_S)


async def _transact(bench: Bench, port: int, requests: Sequence[bytes], clients: int) -> float:
    """Whole transactions a second; of a client that is alone, of the time in which it waits."""
    waiting = list(requests)
    waited_s = 0.0

    async def exchange(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes) -> bytes:
        nonlocal waited_s
        begun = time.perf_counter()
        answer = await _post(*connection, "/pkix/", CMP, request)
        waited_s += time.perf_counter() - begun
        return answer

    async def one() -> None:
        connection = await asyncio.open_connection("127.0.0.1", port)
        while waiting:
            answer = await exchange(connection, waiting.pop())
            done = await exchange(connection, bench.confirmation(answer))
            assert parse_message(done).kind == BodyKind.PKICONF
        connection[1].close()

    begun = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(clients)))
    return len(requests) / (waited_s if clients == 1 else time.perf_counter() - begun)


def commits_of(store: Path) -> int:
    """How often an SQLite file was changed (https://sqlite.org/fileformat2.html#file_change_counter)."""
    with store.open("rb") as file:
        return int.from_bytes(file.read(28)[24:], "big")


@contextmanager
def elsewhere(core: int) -> Iterator[None]:
    """Keeps this process off the measured core, where there is another."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before - {core} or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def commit_rate(folder: Path, seconds: float) -> float:
    """Commits a second of one row by SQLite alone, as durable as the authority's."""
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    for pragma in SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE IF NOT EXISTS answer (response BLOB)")
    count, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO answer VALUES (?)", (bytes(3000),))
        connection.execute("COMMIT")
        count += 1
    connection.close()
    return count / (time.perf_counter() - begun)


def measure(bench: Bench, pairs: int) -> dict[str, list[Measured]]:
    """Every ratio, so many times, interleaved with openssl's."""
    found: dict[str, list[Measured]] = {name: [] for name in LEAST}
    certificate = bench.issued()
    live = ocsp_request(certificate, bench.issuer, bytes(16))
    plain = ocsp.OCSPRequestBuilder().add_certificate(certificate, bench.issuer, hashes.SHA256()).build()
    kept = plain.public_bytes(Encoding.DER)
    rules = bench.authority.policy.certificates[0]
    status = StatusService(bench.authority)

    def build() -> bytes:
        start, serial = bench.authority.now(), bench.authority.new_serial()
        end = start + datetime.timedelta(days=1000)
        return bench.authority.profiles.resident(
            rules, bench.card_key, ITEMS, "0123456789ABCDEF0123" + TOWN.code, serial, start, end
        ).public_bytes(Encoding.DER)

    store = bench.directory / "store.db"
    with bench.served() as (port, server):
        asyncio.run(_ask(port, server, kept, 0.5))
        for _ in range(pairs):
            speed = bench.openssl()
            sharing = f"1 RSA signature is {1 / speed * 1e6:.0f} us of each"
            found["certificates"].append(Measured(bench.rate(build), speed, f"{sharing}; the rest is building"))
            speed = bench.openssl()
            found["ocsp"].append(Measured(bench.rate(lambda: status.ocsp(live)), speed, "Python: parsing and building"))
            speed = bench.openssl()
            found["ocsp over http"].append(
                Measured(asyncio.run(_ask(port, server, live, bench.seconds)), speed, "Python: answer, then HTTP")
            )
            speed = bench.openssl()
            found["ocsp kept"].append(
                Measured(asyncio.run(_ask(port, server, kept, bench.seconds)), speed, "HTTP alone")
            )
            signatures_s, http_s = bench.signatures_s(), 2 / found["ocsp kept"][-1].rate
            for name, clients in (("transactions of 16", CLIENTS), ("transactions alone", 1)):
                requests = [bench.request() for _ in range(int(100 * bench.seconds) * (3 if clients > 1 else 1))]
                speed, commits = bench.openssl(), commit_rate(bench.folder, bench.seconds / 4)
                before, changes = processor_s(server), commits_of(store)
                with elsewhere(bench.core):
                    rate = asyncio.run(_transact(bench, port, requests, clients))
                busy_s = max(processor_s(server) - before, _CLOCK_TICK_S) / len(requests)
                shared = (commits_of(store) - changes) / len(requests)
                waits = 1 / rate - busy_s > busy_s
                rest_s = busy_s - signatures_s - http_s
                bound = (
                    f"{'the disk' if waits else 'the processor'}: {1 / rate * 1e3:.1f} ms each, of which the server"
                    f" computes {busy_s * 1e3:.1f} ms ({1 / busy_s / speed:.3f} of openssl, were nothing else):"
                    f" signatures made and checked {signatures_s * 1e3:.2f} ms, HTTP {http_s * 1e3:.2f} ms, the rest"
                    f" {rest_s * 1e3:.2f} ms (the books, messages, taking turns);"
                    f" {shared:.2f} commits each, and one of a single row takes {1 / commits * 1e3:.1f} ms here"
                )
                found[name].append(Measured(rate, speed, bound))
    return found


def stock(bench: Bench, total: int, revoked: int = 0) -> None:
    """Fills the books up to so many certificates, of the size of real ones."""
    der = os.urandom(1258)
    connection = sqlite3.connect(bench.directory / "store.db", isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("BEGIN")
    have = connection.execute("SELECT COUNT(*) FROM certificate").fetchone()[0]
    moment = int(now().timestamp())

    def rows() -> Iterator[tuple[object, ...]]:
        for number in range(have, total):
            gone = number - have < revoked
            yield (
                serial_text(int.from_bytes(os.urandom(16), "big") >> 1), "signature", der, os.urandom(32),
                "revoked" if gone else "good", moment, moment + 10**8, moment, moment,
                "superseded" if gone else None, moment if gone else None, os.urandom(32), "",
            )  # fmt: skip

    columns = (
        "serial, profile, der, key_hash, state, issued_at, not_after, confirm_before, confirmed_at, reason, revoked_at,"
        " person, note"
    )
    marks = ", ".join("?" * 13)
    connection.executemany(f"INSERT INTO certificate ({columns}) VALUES ({marks})", rows())
    connection.execute("COMMIT")
    connection.close()
    # Else the first commit that is measured writes these gigabytes to the disk, and is charged with them.
    with (bench.directory / "store.db").open("rb") as store:
        os.fsync(store.fileno())


def growth(bench: Bench, sizes: Sequence[int]) -> dict[int, dict[str, float]]:
    """Milliseconds of an OCSP answer and of an issuance without the disk's own waiting, at each size of the books."""
    found: dict[int, dict[str, float]] = {}
    status, responder = StatusService(bench.authority), Responder(bench.authority)
    certificate = bench.issued()
    live = ocsp_request(certificate, bench.issuer, bytes(16))
    for size in sizes:
        stock(bench, size)
        requests = iter([bench.request() for _ in range(200)])
        begun = time.process_time()
        for request in requests:
            responder.respond(request)
        issuing = (time.process_time() - begun) / 200
        begun = time.process_time()
        for _ in range(1000):
            status.ocsp(live)
        found[size] = {"issue": issuing * 1e3, "ocsp": time.process_time() - begun}
    return found


def crl_seconds(bench: Bench) -> float:
    """How long a CRL of so many entries takes, from the books to its bytes."""
    have = len(x509.load_der_x509_crl(StatusService(bench.authority).crl(FULL) or b""))
    with sqlite3.connect(bench.directory / "store.db") as books:
        (total,) = books.execute("SELECT COUNT(*) FROM certificate").fetchone()
    stock(bench, total + CRL_ENTRIES - have, revoked=CRL_ENTRIES - have)
    bench.issued()
    begun = time.process_time()
    der = StatusService(bench.authority).crl(FULL)
    spent = time.process_time() - begun
    assert der is not None and len(x509.load_der_x509_crl(der)) >= CRL_ENTRIES
    return spent


def report(found: dict[str, list[Measured]], sizes: dict[int, dict[str, float]], crl_s: float) -> int:
    """Prints every figure with its limit; 1 when one is not met."""
    failed = False
    for name, measured in found.items():
        ratio = statistics.median(one.ratio for one in measured)
        middle = sorted(measured, key=lambda one: one.ratio)[len(measured) // 2]
        is_met = ratio >= LEAST[name]
        failed |= not is_met
        verdict = "ok" if is_met else "FAIL"
        print(
            f"{name}: {ratio:.3f} of {middle.openssl:.0f}/s = {middle.rate:.0f}/s (at least {LEAST[name]}): {verdict}"
        )
        print(f"    bound by: {middle.bound}")
    if sizes:
        first, last = min(sizes), max(sizes)
        for what in sizes[first]:
            grown = sizes[last][what] / sizes[first][what]
            is_met = grown <= MOST_GROWTH
            failed |= not is_met
            times = ", ".join(f"{size}: {spent[what]:.2f} ms" for size, spent in sizes.items())
            print(f"{what} at {times}; growth {grown:.2f} (at most {MOST_GROWTH}): {'ok' if is_met else 'FAIL'}")
    is_met = crl_s <= MOST_CRL_S
    print(f"CRL of {CRL_ENTRIES} entries: {crl_s:.2f} s (at most {MOST_CRL_S}): {'ok' if is_met else 'FAIL'}")
    return int(failed or not is_met)


def main(words: Sequence[str]) -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench authority", description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=FEWEST_PAIRS)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--large", type=int, default=1_000_000, help="certificates in the largest store")
    parser.add_argument("--folder", type=Path, help="where the books lie; default a temporary folder")
    parser.add_argument("--out", type=Path, help="raw figures as JSON")
    args = parser.parse_args(words)
    if args.pairs < FEWEST_PAIRS:
        parser.error(f"at least {FEWEST_PAIRS} pairs")
    with tempfile.TemporaryDirectory(prefix="authority-bench-", dir=args.folder) as folder:
        bench = Bench(Path(folder), args.core, args.seconds)
        found = measure(bench, args.pairs)
        steps = [size for size in (1_000, 10_000, 100_000, 1_000_000) if size < args.large] + [args.large]
        sizes = growth(Bench(Path(folder) / "growing", args.core, args.seconds), steps)
        crl_s = crl_seconds(bench)
    if args.out:
        raw = {name: [asdict(one) for one in measured] for name, measured in found.items()}
        args.out.write_text(json.dumps({"ratios": raw, "growth": sizes, "crl_s": crl_s}, indent=1))
    version = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"core {args.core}, {args.pairs} pairs, beside {version}")
    return report(found, sizes, crl_s)

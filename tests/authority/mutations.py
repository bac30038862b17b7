"""Mutated messages, certificates, OCSP requests and answers: what is believed, what is raised, how long it takes.

    python -m tests.authority.mutations [--count N] [--first N] [--seed N] [--jobs N] [--progress FILE]

Each case is a good message with some bytes, tags, lengths or whole elements changed. The authority must answer in CMP
or OCSP within a second of the processor's time, never by systemFailure, and never do what the changed bytes ask for: a
message whose protected part is another than the signed one must be refused. Bodies are also changed and signed again,
as by a station that has gone mad: then whatever it is told is no systemFailure. The client, the path check, the OCSP
check and the agency's check of a signed document must say no, by one of their own exceptions. Signed documents are a
hundredth of all, because that check takes thirty times as long as the others.

With `--progress` every ten thousand cases are noted in that file, and not run again by the same command; the bytes of a
case that failed stand there. `--first NUMBER --count 1` runs it alone.
"""

import argparse
import datetime
import hashlib
import json
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

sys.path.insert(0, str(Path(__file__).resolve().parent))

from authority_desk import ITEMS, URL, Clock, Desk, load, make_authority, make_desk
from rebuilt_message import nothing, rebuild, set_field

from kiosk.authority import asn1, oids
from kiosk.authority.answer import check_answer, read_issuance
from kiosk.authority.embedded.directory import open_authority
from kiosk.authority.embedded.requester import open_request
from kiosk.authority.embedded.status import StatusService
from kiosk.authority.errors import AuthorityError
from kiosk.authority.items import ItemsInvalid
from kiosk.authority.message import BodyKind, MessageInvalid, Received, parse_message, read_status
from kiosk.authority.verification import (
    PathInvalid,
    StatusUndecidable,
    certified_items,
    load_certificate,
    ocsp_request,
    ocsp_status,
    validate_path,
)
from kiosk.eapply.sign import sign_cms
from kiosk.eapply.verify import Outcome, verify
from kiosk.model.certificate import CertificateState, CertificateStatus, RevocationReason

SLOWEST_S = 1.0
NONCE = bytes(16)
CHUNK = 10_000
DOCUMENT = "町道民税申告書\n".encode()
SIGNED_DOCUMENT = "signed document"


@dataclass(frozen=True)
class Failure:
    """A case that went wrong: its number, what was mutated, what happened."""

    number: int
    subject: str
    what: str
    changed: str


def mutate(der: bytes, rng: random.Random) -> bytes:
    """The bytes with one to three changes of a kind that parsers stumble over."""
    changed = bytearray(der)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        place = rng.randrange(len(changed))
        match rng.randrange(8):
            case 0:
                changed[place] ^= 1 << rng.randrange(8)
            case 1:
                changed[place] = rng.choice((0, 0x7F, 0x80, 0xFF, 0x30, 0xA0, 0x05, rng.randrange(256)))
            case 2:
                del changed[place : place + rng.randrange(1, 9)]
            case 3:
                changed[place:place] = rng.randbytes(rng.randrange(1, 9))
            case 4:
                start = rng.randrange(len(changed))
                changed[place:place] = changed[start : start + rng.randrange(1, 65)]
            case 5:
                del changed[place:]
            case 6:
                changed += rng.randbytes(rng.randrange(1, 9))
            case _:
                changed = _with_element_changed(changed, rng)
        if not changed:
            return b""
    return bytes(changed)


def _with_element_changed(der: bytearray, rng: random.Random) -> bytearray:
    """One element of the tree doubled, dropped, swapped with the next, emptied, or tagged otherwise; lengths fit."""
    try:
        return bytearray(_rewritten(bytes(der), rng))
    except (ValueError, IndexError):
        return der


def _rewritten(der: bytes, rng: random.Random) -> bytes:
    parts = asn1.elements(b"\x30" + der[1:]) if der[0] & 0x20 else []
    encoded = [asn1.encode(part) for part in parts]
    if encoded and rng.random() < 0.8:
        chosen = rng.randrange(len(encoded))
        encoded[chosen] = _rewritten(encoded[chosen], rng)
        return der[:1] + asn1.sequence_of(encoded)[1:]
    if not encoded:
        return rng.choice((der[:1] + b"\x00", bytes([rng.randrange(256)]) + der[1:], der + der))
    chosen = rng.randrange(len(encoded))
    match rng.randrange(4):
        case 0:
            encoded.insert(chosen, encoded[chosen])
        case 1:
            del encoded[chosen]
        case 2:
            encoded[chosen], encoded[chosen - 1] = encoded[chosen - 1], encoded[chosen]
        case _:
            encoded[chosen] = b"\x05\x00"
    return der[:1] + asn1.sequence_of(encoded)[1:]


class Campaign:
    """One authority, good examples of everything it reads and says, and a judge for each."""

    def __init__(self, folder: Path) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        template = make_authority(folder / "template")
        self.desk: Desk = make_desk(
            template, folder / "desk", key, open_authority(template, Clock(), listening_url=URL)
        )
        desk = self.desk
        self.pending = desk.certify()
        self.request = desk.message()
        self.status = StatusService(desk.authority)
        self.certificate = load(self.pending)
        self.answer = desk.responder.respond(self.request.der)
        question = ocsp_request(self.certificate, desk.issuer, NONCE)
        revoke = desk.client.revoke_message(self.pending.certificate, RevocationReason.SUPERSEDED)
        genm = desk.client._message(BodyKind.GENM, asn1.sequence_of([]))
        holder = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody")])
        self._csr = x509.CertificateSigningRequestBuilder(name).sign(holder, hashes.SHA256()).public_bytes(Encoding.DER)
        self.bodies = {kind.name.lower(): (der, parse_message(der).body) for kind, der in self._messages().items()}
        self.subjects: dict[str, tuple[bytes, Callable[[bytes, bytes], str]]] = {
            "ir": (desk.message(terms=desk.terms(person=bytes(32))).der, self.judge_request),
            "certConf": (desk.client.confirm_message(self.pending).der, self.judge_request),
            "rr": (revoke.der, self.judge_request),
            "genm": (genm.der, self.judge_request),
            "answer": (self.answer, self.judge_answer),
            "OCSP request": (question, self.judge_question),
            "OCSP answer": (self.status.ocsp(question).der, self.judge_status),
            "certificate": (self.pending.certificate, self.judge_certificate),
            **{f"signed {name}": (body, self._judge_signed(der)) for name, (der, body) in self.bodies.items()},
            SIGNED_DOCUMENT: (sign_cms(DOCUMENT, self.certificate, key, is_detached=False), self.judge_document),
        }
        self._usual = [name for name in self.subjects if name != SIGNED_DOCUMENT]

    def run(self, number: int, seed: int) -> tuple[str, Failure | None]:
        """One case; its verdict in a word."""
        rng = random.Random(f"{seed}/{number}")
        name = rng.choice(self._usual) if rng.random() >= 0.01 else SIGNED_DOCUMENT
        good, judge = self.subjects[name]
        changed = mutate(good, rng)
        if changed == good:
            return "unchanged", None
        begun = time.process_time()
        try:
            verdict = judge(good, changed)
        # An exception that is not declared is what is looked for.
        except Exception as error:
            return "raised", Failure(number, name, f"{type(error).__name__}: {error}", changed.hex())
        if (spent_s := time.process_time() - begun) > SLOWEST_S:
            return "slow", Failure(number, name, f"{spent_s:.1f} s", changed.hex())
        if verdict.startswith("!"):
            return "wrong", Failure(number, name, verdict[1:], changed.hex())
        return f"{name}: {verdict}", None

    def judge_request(self, good: bytes, changed: bytes) -> str:
        """The authority's answer to a changed request."""
        answer = self._told(changed)
        said = _refusal(answer.kind, answer.body)
        if said == "systemFailure":
            return "!systemFailure"
        if said:
            return "refused"
        # What is not protected may be changed: certificates that go along, and what is equal when it is read.
        before, after = parse_message(good), parse_message(changed)
        if (before.protected, before.protection) != (after.protected, after.protection):
            return "!other content was accepted"
        return "accepted, the protected part being the same"

    def _messages(self) -> dict[BodyKind, bytes]:
        """A good message of each kind that the authority takes."""
        desk = self.desk
        ir = desk.message(terms=desk.terms(person=bytes(32))).der
        question = desk.client._message(
            BodyKind.GENM, asn1.sequence_of([asn1.sequence_of([asn1.encode(oids.CA_CERTS)])])
        )
        return {
            BodyKind.IR: ir,
            BodyKind.P10CR: desk.client._message(BodyKind.P10CR, self._csr).der,
            BodyKind.KUR: rebuild(ir, desk.station, kind=BodyKind.KUR),
            BodyKind.RR: desk.client.revoke_message(self.pending.certificate, RevocationReason.SUPERSEDED).der,
            BodyKind.GENM: question.der,
            BodyKind.NESTED: desk.client._message(BodyKind.NESTED, asn1.sequence_of([question.der])).der,
            BodyKind.CERT_CONF: desk.client.confirm_message(self.pending).der,
        }

    def _judge_signed(self, message: bytes) -> Callable[[bytes, bytes], str]:
        """The authority's answer to a message whose body was changed before it was signed."""

        def judge(good: bytes, changed: bytes) -> str:
            desk = self.desk
            is_first = parse_message(message).kind != BodyKind.CERT_CONF
            header = set_field(transaction_id=hashlib.sha256(changed).digest()[:16]) if is_first else nothing
            answer = self._told(rebuild(message, desk.station, header=header, body=lambda _: changed))
            said = _refusal(answer.kind, answer.body)
            return "!systemFailure" if said == "systemFailure" else "refused" if said else "answered"

        return judge

    def _told(self, request: bytes) -> Received:
        """The authority's answer: to half of the requests beside another's, who asks anew or what he asked before."""
        chance = zlib.crc32(request)
        if chance & 1:
            return parse_message(self.desk.responder.respond(request))
        is_new = not chance & 0x1E
        beside = self.desk.client._message(BodyKind.P10CR, self._csr).der if is_new else self.request.der
        answer, other = self.desk.responder.respond_all([open_request(request), open_request(beside)])
        told = parse_message(other)
        if _refusal(told.kind, told.body) if is_new else other != self.answer:
            raise AssertionError("another was not told what he asked for")
        return parse_message(answer)

    def judge_answer(self, good: bytes, changed: bytes) -> str:
        """What the client believes of a changed answer."""
        desk = self.desk
        try:
            answer = check_answer(changed, parse_message(self.request.der), (desk.issuer,), desk.clock.now)
            read_issuance(answer)
        except (MessageInvalid, AuthorityError):
            return "refused"
        return "believed, being the same" if answer.protected == parse_message(good).protected else "!believed"

    def judge_question(self, good: bytes, changed: bytes) -> str:
        """The status service's answer to changed bytes."""
        answer = ocsp.load_der_ocsp_response(self.status.ocsp(changed).der)
        return answer.response_status.name

    def judge_status(self, good: bytes, changed: bytes) -> str:
        """What a relying party believes of a changed OCSP answer."""
        desk = self.desk
        try:
            found = ocsp_status(changed, self.certificate, desk.issuer, NONCE, desk.clock.now)
        except StatusUndecidable:
            return "refused"
        same = ocsp.load_der_ocsp_response(good).tbs_response_bytes
        is_same = ocsp.load_der_ocsp_response(changed).tbs_response_bytes == same
        return f"believed: {found.state}" if is_same else "!believed"

    def judge_certificate(self, good: bytes, changed: bytes) -> str:
        """Whether a changed certificate stands."""
        desk = self.desk
        try:
            certificate = load_certificate(changed)
            moment = desk.clock.now + datetime.timedelta(hours=1)
            validate_path(certificate, (desk.issuer,), moment, policies=("1.2.392.200149.8.5.1.0.20",))
            items = certified_items(certificate)
        except (ValueError, PathInvalid, ItemsInvalid):
            return "refused"
        is_same = certificate.tbs_certificate_bytes == x509.load_der_x509_certificate(good).tbs_certificate_bytes
        return "stands" if is_same and items == ITEMS else "!stands"

    def judge_document(self, good: bytes, changed: bytes) -> str:
        """The agency's verdict on a changed signature around its document."""
        desk = self.desk
        moment = desk.clock.now + datetime.timedelta(hours=1)
        good_status = CertificateStatus(CertificateState.GOOD)
        verdict = verify(
            None, changed, (desk.issuer,), desk.authority.policy.signature_policies, moment, lambda *_: good_status
        )
        if verdict.outcome is not Outcome.ACCEPTED:
            return "rejected"
        return "accepted, being the same" if _signed_parts(changed) == _signed_parts(good) else "!accepted"


def _refusal(kind: int, body: bytes) -> str:
    """The failInfo of an answer, empty when it says yes."""
    match kind:
        case BodyKind.ERROR:
            return read_status(asn1.decode(asn1.ErrorMsgContent, body).status)[0]
        case BodyKind.IP | BodyKind.CP | BodyKind.KUP:
            return read_status(asn1.decode(asn1.CertRepMessage, body).response[0].status)[0]
        case BodyKind.RP:
            return read_status(asn1.decode(asn1.RevRepContent, body).status[0])[0]
        case _:
            return ""


def _signed_parts(document: bytes) -> tuple[object, ...]:
    """Document, signer and signed attributes of a CMS signature, by an independent library."""
    signed = cms.ContentInfo.load(document)["content"]
    (signer,) = signed["signer_infos"]
    certificates = [choice.chosen.dump() for choice in signed["certificates"]]
    return (signed["encap_content_info"]["content"].native, certificates, signer["signed_attrs"].native)


def run(numbers: Sequence[int], seed: int, folder: Path) -> tuple[Counter[str], list[Failure]]:
    """These cases; verdicts counted, failures listed."""
    return _run(Campaign(folder), numbers, seed)


def _run(campaign: Campaign, numbers: Sequence[int], seed: int) -> tuple[Counter[str], list[Failure]]:
    verdicts: Counter[str] = Counter()
    failures = []
    for number in numbers:
        verdict, failure = campaign.run(number, seed)
        verdicts[verdict] += 1
        if failure is not None:
            failures.append(failure)
    return verdicts, failures


@dataclass(frozen=True)
class Done:
    """What came of a chunk of cases, the first of which has the number `first`."""

    first: int
    count: int
    seed: int
    verdicts: dict[str, int]
    failures: tuple[Failure, ...]

    def encode(self) -> str:
        return json.dumps(asdict(self))


def read_progress(path: Path | None) -> list[Done]:
    """The chunks that were noted; a line that was cut short is none."""
    done = []
    for line in path.read_text().splitlines() if path is not None and path.exists() else []:
        try:
            noted = json.loads(line)
        except ValueError:
            continue
        done.append(Done(**noted | {"failures": tuple(Failure(**failure) for failure in noted["failures"])}))
    return done


_campaign: list[Campaign] = []
"""The one of this process, made once."""


def _prepare(folder: str) -> None:
    _campaign.append(Campaign(Path(tempfile.mkdtemp(dir=folder))))


def _do(words: tuple[range, int]) -> Done:
    numbers, seed = words
    verdicts, failures = _run(_campaign[0], numbers, seed)
    return Done(numbers[0], len(numbers), seed, dict(verdicts), tuple(failures))


def run_chunks(chunks: Sequence[range], seed: int, jobs: int) -> Iterator[Done]:
    """Chunks as they are done; each process has an authority of its own, in memory where that can be had."""
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="mutations-", dir=memory if memory.is_dir() else None)
    try:
        with multiprocessing.Pool(jobs, _prepare, (folder,)) as pool:
            yield from pool.imap_unordered(_do, [(chunk, seed) for chunk in chunks])
    finally:
        shutil.rmtree(folder)


def main(words: Sequence[str]) -> int:
    """Runs a campaign."""
    parser = argparse.ArgumentParser(prog="python -m tests.authority.mutations", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, metavar="NUMBER")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--progress", type=Path, metavar="FILE")
    args = parser.parse_args(words)
    end = args.first + args.count
    before = [d for d in read_progress(args.progress) if d.seed == args.seed and args.first <= d.first < end]
    chunks = [range(first, min(first + CHUNK, end)) for first in range(args.first, end, CHUNK)]
    left = [chunk for chunk in chunks if (chunk.start, len(chunk)) not in {(d.first, d.count) for d in before}]
    begun, done = time.perf_counter(), list(before)
    for one in run_chunks(left, args.seed, args.jobs):
        done.append(one)
        if args.progress is not None:
            with args.progress.open("a") as notes:
                notes.write(one.encode() + "\n")
    spent_s = time.perf_counter() - begun
    verdicts = sum((Counter(one.verdicts) for one in done), Counter[str]())
    failures = [failure for one in done for failure in one.failures]
    for verdict, count in sorted(verdicts.items()):
        print(f"{count:9} {verdict}")
    for failure in failures[:20]:
        print(f"case {failure.number} of seed {args.seed}: {failure.subject}: {failure.what}")
    now = sum(map(len, left))
    print(
        f"{sum(verdicts.values())} cases, {len(failures)} failures; {now} of them now,"
        f" {now / max(spent_s, 1e-9):.0f} a second"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

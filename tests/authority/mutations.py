"""Mutated messages, certificates, OCSP requests and answers: what is believed, what is raised, how long it takes.

    python -m tests.authority.mutations [--count N] [--seed N] [--jobs N]

Each case is a good message with some bytes, tags, lengths or whole elements changed. The authority must answer in CMP
or OCSP within a second, never by systemFailure, and never do what the changed bytes ask for: a message whose protected
part is another than the signed one must be refused. The client, the path check and the OCSP check must say no, by one
of their own exceptions. A failing case prints its number and seed; `--only NUMBER` runs it alone.
"""

import argparse
import datetime
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import ocsp

sys.path.insert(0, str(Path(__file__).resolve().parent))

from authority_desk import ITEMS, URL, Clock, Desk, load, make_authority, make_desk

from kiosk.authority import asn1
from kiosk.authority.answer import check_answer, read_issuance
from kiosk.authority.embedded.directory import open_authority
from kiosk.authority.embedded.status import StatusService
from kiosk.authority.errors import AuthorityError
from kiosk.authority.items import ItemsInvalid
from kiosk.authority.message import BodyKind, MessageInvalid, parse_message, read_status
from kiosk.authority.verification import (
    PathInvalid,
    StatusUndecidable,
    certified_items,
    load_certificate,
    ocsp_request,
    ocsp_status,
    validate_path,
)
from kiosk.model.certificate import RevocationReason

SLOWEST_S = 1.0
NONCE = bytes(16)


@dataclass(frozen=True)
class Failure:
    """A case that went wrong: its number, what was mutated, what happened."""

    number: int
    subject: str
    what: str


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
        self.subjects: dict[str, tuple[bytes, Callable[[bytes, bytes], str]]] = {
            "ir": (desk.message(terms=desk.terms(person=bytes(32))).der, self.judge_request),
            "certConf": (desk.client.confirm_message(self.pending).der, self.judge_request),
            "rr": (revoke.der, self.judge_request),
            "genm": (genm.der, self.judge_request),
            "answer": (self.answer, self.judge_answer),
            "OCSP request": (question, self.judge_question),
            "OCSP answer": (self.status.ocsp(question).der, self.judge_status),
            "certificate": (self.pending.certificate, self.judge_certificate),
        }

    def run(self, number: int, seed: int) -> tuple[str, Failure | None]:
        """One case; its verdict in a word."""
        rng = random.Random(f"{seed}/{number}")
        name = rng.choice(list(self.subjects))
        good, judge = self.subjects[name]
        changed = mutate(good, rng)
        if changed == good:
            return "unchanged", None
        begun = time.perf_counter()
        try:
            verdict = judge(good, changed)
        except Exception as error:
            return "raised", Failure(number, name, f"{type(error).__name__}: {error}")
        if time.perf_counter() - begun > SLOWEST_S:
            return "slow", Failure(number, name, f"{time.perf_counter() - begun:.1f} s")
        if verdict.startswith("!"):
            return "wrong", Failure(number, name, verdict[1:])
        return f"{name}: {verdict}", None

    def judge_request(self, good: bytes, changed: bytes) -> str:
        """The authority's answer to a changed request."""
        answer = parse_message(self.desk.responder.respond(changed))
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


def run(numbers: Sequence[int], seed: int, folder: Path) -> tuple[Counter[str], list[Failure]]:
    """These cases; verdicts counted, failures listed."""
    campaign = Campaign(folder)
    verdicts: Counter[str] = Counter()
    failures = []
    for number in numbers:
        verdict, failure = campaign.run(number, seed)
        verdicts[verdict] += 1
        if failure is not None:
            failures.append(failure)
    return verdicts, failures


def _job(words: tuple[range, int]) -> tuple[Counter[str], list[Failure]]:
    folder = Path(tempfile.mkdtemp(prefix="mutations-"))
    try:
        return run(*words, folder)
    finally:
        shutil.rmtree(folder)


def main(words: Sequence[str]) -> int:
    """Runs a campaign."""
    parser = argparse.ArgumentParser(prog="python -m tests.authority.mutations", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", type=int, metavar="NUMBER")
    args = parser.parse_args(words)
    numbers = range(args.count) if args.only is None else range(args.only, args.only + 1)
    begun = time.perf_counter()
    with multiprocessing.Pool(args.jobs) as pool:
        parts = pool.map(_job, [(numbers[job :: args.jobs], args.seed) for job in range(args.jobs)])
    verdicts = sum((part[0] for part in parts), Counter[str]())
    failures = [failure for part in parts for failure in part[1]]
    for verdict, count in sorted(verdicts.items()):
        print(f"{count:9} {verdict}")
    for failure in failures[:20]:
        print(f"case {failure.number} of seed {args.seed}: {failure.subject}: {failure.what}")
    print(f"{len(numbers)} cases, {len(failures)} failures, {time.perf_counter() - begun:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

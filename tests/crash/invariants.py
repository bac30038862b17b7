"""The invariants of DESIGN section 4, each a function that yields what contradicts it.

`AT_EVERY_INSTANT` hold after every crash, before anything was repaired; `WHEN_MONEY_GOES_IN` at that act; `AT_REST`
when the station has ended.
"""

import datetime
import functools
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from kiosk.books import StationBooks
from kiosk.clock import JAPAN
from kiosk.journal import head as journal_head
from kiosk.journal.database import open_database
from kiosk.journal.head import HeadInvalid, SignedHead, parse_head
from kiosk.journal.journal import Journal
from kiosk.journal.seal import StationKey
from kiosk.model.transition import AFTER_ACT, FIRST_STEP, Stage
from kiosk.register.register import Register
from kiosk.ui.books import DayTakings
from tests.counter_bench import HEAD_KEY, OTHER_RESIDENT, RESIDENT
from tests.crash.office import START
from tests.crash.remains import Case, Certificate, Head, Remains, certified_key, paper_kind
from tests.crash.world import (
    NEW_PASSWORD,
    NEW_SECOND_PASSWORD,
    PASSWORDS,
    SECOND_PASSWORD,
    STATION,
    STATION_KEY,
)
from tests.journal.filled_journal import in_memory

Invariant = Callable[[Remains], Iterator[str]]
Act = Callable[[Remains, str], Iterator[str]]
"""An invariant of the moment at which a payer's money goes in; it takes the number of his application."""

FEE_YEN = 500
MARGIN_S = 30 * 60
_ALL_TRIES, _FEWEST_TRIES = 5, 2
_STAGE_AFTER = {step.value: stage.value for step, stage in AFTER_ACT.items()}
_OPENED = {stage.value: step.value for stage, step in FIRST_STEP.items()}
_STAGE_ASKED_IN = {"fee": "delivered", "receipt": "returned", "refund": "rolling_back"}
_STAGES = frozenset(stage.value for stage in Stage)
_IN_CLEAR = ("太郎", "たろう", "幌延町", "Horonobe", RESIDENT, OTHER_RESIDENT, "JUKI0")
_PASSWORDS = [word.encode() for word in (*PASSWORDS.values(), NEW_PASSWORD)]
_SHORT_PASSWORDS = [f'"{word}"'.encode() for word in (SECOND_PASSWORD, NEW_SECOND_PASSWORD)]
_NUMBER = re.compile(r"No\. (\d{6})")
_PROOF = re.compile(r"\[QR (KJ1:[^\]]*)\]")


# --- at every instant


def a_valid_certificate_is_in_a_card_that_holds_its_key(remains: Remains) -> Iterator[str]:
    """A valid certificate is in a card that holds its private key."""
    for certificate in _good(remains):
        holders = [c for c in remains.cards.values() if c.certificate == certificate.der]
        if not holders:
            yield f"{certificate.serial} is valid and in no card"
        elif not any(card.key == certified_key(certificate.der) for card in holders):
            yield f"{certificate.serial} is valid and its card has another key"


def a_valid_second_certificate_is_in_the_card_that_holds_its_key_and_paid_for(remains: Remains) -> Iterator[str]:
    """The same of the other certificate of a card with two keys, whose fee is one."""
    paid = {
        case.outcome("second_certify")["serial"]
        for case in remains.store.cases
        if case.outcome("second_certify") and case.outcome("fee") and not case.outcome("refund")
    }
    for certificate in remains.books.seconds:
        if certificate.state != "good":
            continue
        holders = [c for c in remains.cards.values() if c.second_certificate == certificate.der]
        if not any(card.second_key == certified_key(certificate.der) for card in holders):
            yield f"{certificate.serial} is valid and in no card that has its key"
        if certificate.serial not in paid:
            yield f"{certificate.serial} is valid and nobody has paid"


def a_resident_has_at_most_one_valid_certificate(remains: Remains) -> Iterator[str]:
    """At most one valid signature certificate a resident."""
    for person, count in Counter(c.person for c in _good(remains)).items():
        if count > 1:
            yield f"{count} valid certificates of {person.hex()[:8]}"


def a_new_valid_certificate_has_a_journaled_fee(remains: Remains) -> Iterator[str]:
    """No new valid certificate without a journaled fee or exemption."""
    paid = {
        case.outcome("certify")["serial"]
        for case in remains.store.cases
        if case.outcome("certify") and _is_settled(case.outcome("fee")) and not case.outcome("refund")
    }
    for certificate in _good(remains):
        if certificate.serial not in paid:
            yield f"{certificate.serial} is valid and nobody has paid"


def _is_settled(fee: dict[str, Any] | None) -> bool:
    """Whether all of the fee was taken, or two clerks have exempted from it."""
    if fee is None:
        return False
    exempted = fee["exempted"]
    return fee["fee_yen"] == FEE_YEN or (exempted is not None and len(set(exempted["operators"])) == 2)


def a_receipt_has_at_most_one_unmarked_original(remains: Remains) -> Iterator[str]:
    """At most one unmarked original receipt a number."""
    for number, count in Counter(_originals(remains)).items():
        if count > 1:
            yield f"{count} originals of receipt {number}"


def an_original_is_of_a_settled_fee(remains: Remains) -> Iterator[str]:
    """At most one unmarked original receipt a number, and none before its fee was taken."""
    settled = {case.receipt for case in remains.store.cases if case.outcome("fee") and not case.outcome("refund")}
    for number in _originals(remains):
        if number not in settled:
            yield f"receipt {number} came out and its fee is not settled"


def what_was_acknowledged_is_in_the_journal(remains: Remains) -> Iterator[str]:
    """The journal is append-only, and what was acknowledged survives."""
    held = {entry.seq: entry.hash for entry in remains.store.entries}
    for seq, digest in remains.image.acknowledged:
        if held.get(seq) != digest:
            yield f"entry {seq} was acknowledged and is {'another' if seq in held else 'not'} there"


def the_chain_of_the_journal_holds(remains: Remains) -> Iterator[str]:
    """The journal is a hash chain a station."""
    previous = bytes(32)
    for place, entry in enumerate(remains.store.entries, start=1):
        if entry.seq != place or entry.facts["seq"] != place:
            yield f"entry {entry.seq} stands in place {place}"
        previous = hashlib.sha256(b"\x00" + previous + entry.body.encode()).digest()
        if previous != entry.hash:
            yield f"entry {entry.seq} is not chained to the one before"
            return


def every_change_is_in_the_journal(remains: Remains) -> Iterator[str]:
    """One transaction = state + journal entry: the journal alone tells how every step of every case stands."""
    told: dict[tuple[str, str], str] = {}
    stages: dict[str, str] = {}
    for entry in remains.store.entries:
        body = entry.facts
        event, step, case_told = body["event"], body.get("step"), body.get("case")
        if event in _OPENED:
            stages[case_told] = event
            step, event = _OPENED[event], "intended"
        if step is not None:
            told[case_told, step] = event
            if event == "done" and step in _STAGE_AFTER:
                stages[case_told] = _STAGE_AFTER[step]
            if event == "witnessed":
                stages[case_told] = _STAGE_ASKED_IN[step]
        elif event in _STAGES:
            stages[case_told] = event
    for case in remains.store.cases:
        if stages.pop(case.pseudonym, None) != case.stage:
            yield f"case {case.number} is {case.stage}, and the journal tells otherwise"
        for step, effect in case.effects.items():
            if told.pop((case.pseudonym, step), None) != effect.state:
                yield f"{step} of case {case.number} is {effect.state}, and the journal tells otherwise"
    yield from (f"the journal tells of {step}, and the store knows nothing of it" for _, step in told)
    yield from (f"the journal tells of case {pseudonym}, and the store does not know it" for pseudonym in stages)


def nothing_is_tried_that_the_table_refuses(remains: Remains) -> Iterator[str]:
    """The station never asks for a transition that the procedure does not have."""
    for entry in remains.store.entries:
        body = entry.facts
        if body["event"] == "not_admitted":
            yield f"entry {entry.seq}: {body['attempt']} by {body['by']}"


def who_cannot_tell_and_who_settles_it_are_named(remains: Remains) -> Iterator[str]:
    """Suspect with a named operator; settled by two of them; and their word is gone on upon once."""
    words: Counter[tuple[str, str]] = Counter()
    for entry in remains.store.entries:
        body = entry.facts
        if body["event"].endswith("_suspect") and not body.get("operator"):
            yield f"entry {entry.seq}: nobody's name stands at what is suspect"
        if body["event"] == "witnessed":
            if len(set(body["operators"].split())) != len(("first", "second")):
                yield f"entry {entry.seq}: settled by {body['operators']!r}"
            words[body["case"], body["step"]] = 1
        if body["event"] == "unknown" and body.get("by") == "two_clerks":
            words[body["case"], body["step"]] -= 1
            if words[body["case"], body["step"]] < 0:
                yield f"entry {entry.seq}: the two clerks' word was gone on upon before"


def a_signed_head_is_over_the_entries_that_are_there(remains: Remains) -> Iterator[str]:
    """Every signed head, in the store and on paper, is the root over the first entries, by the key that they name."""
    hashes = [entry.hash for entry in remains.store.entries]
    for head in remains.store.heads:
        if not 1 <= head.size <= len(hashes) or _root(hashes[: head.size]) != head.root:
            yield f"the head over {head.size} entries is not over those that are there"
        if not _is_signed(head):
            yield f"the head over {head.size} entries is not signed by the station"
    if hashes and "head_key" not in remains.store.entries[0].facts:
        yield "the first entry names no key"


@functools.cache
def _is_signed(head: Head) -> bool:
    at = datetime.datetime.fromtimestamp(head.at, datetime.UTC)
    signed = SignedHead(journal_head.Head(head.station, head.size, head.root, at), head.signature)
    try:
        signed.verify(HEAD_KEY.public)
    except HeadInvalid:
        return False
    return True


def a_receipt_proves_its_own_entry(remains: Remains) -> Iterator[str]:
    """The code on every receipt leads to the entry that gave it its number, under a head signed by the station."""
    entries = remains.store.entries
    for text in remains.papers:
        if paper_kind(text) == "other":
            continue
        for proof in _PROOF.findall(text):
            proven = parse_head(proof)
            head = proven.signed.head
            try:
                proven.signed.verify(HEAD_KEY.public)
            except HeadInvalid:
                yield "the head on a receipt is not signed by the station"
            if not 1 <= head.size <= len(entries) or _root([entry.hash for entry in entries[: head.size]]) != head.root:
                yield f"the head on a receipt, over {head.size} entries, is not over those that are there"
                continue
            body = entries[head.size - 1].facts
            if body["event"] != "numbered" or {body["receipt"]} != {int(n) for n in _NUMBER.findall(text)}:
                yield f"the code on a receipt leads to entry {head.size}, which is about something else"


def no_password_is_in_any_file(remains: Remains) -> Iterator[str]:
    """No PIN in any durable byte of the kiosk."""
    for name, content in _files(remains):
        yield from (f"a password is in the {name}" for word in _PASSWORDS if _holds(content, word))
    # Of four digits: only where a text is just that, since among so many bytes they stand by chance.
    if any(_holds(record, word) for record in remains.store.records for word in _SHORT_PASSWORDS):
        yield "a password is in a record"


def no_private_key_is_in_any_file(remains: Remains) -> Iterator[str]:
    """No private key in any durable byte of the kiosk."""
    held = [der for card in remains.cards.values() for der in (card.key_der, card.second_key_der)]
    primes = [private_prime(der) for der in held if der]
    for name, content in _files(remains):
        if any(_holds(content, prime) for prime in primes):
            yield f"a private key is in the {name}"


def no_personal_data_is_in_clear_in_the_store(remains: Remains) -> Iterator[str]:
    """Entries carry a random pseudonym a case and salted commitments, no personal data."""
    for name, content in (("store", remains.image.store), ("store's journal", remains.image.store_journal)):
        yield from (f"{word!r} is in the {name}" for word in _IN_CLEAR if _holds(content, word.encode()))


def nobody_loses_his_password(remains: Remains) -> Iterator[str]:
    """Software never guesses: a crash costs a case's card the one try under way at most, and no other card any."""
    used = {
        outcome["card_number"]
        for case in remains.store.cases
        # A case that closed has verified the password last, and its card has every try again.
        if (outcome := case.outcome("application")) and (case.stage != "closed" or remains.past.is_mistyped)
    }
    for card in remains.cards.values():
        if card.tries is not None and card.tries < (_FEWEST_TRIES if card.number in used else _ALL_TRIES):
            yield f"card {card.number} has {card.tries} tries left"


def what_has_ended_only_the_clerks_station_reads(remains: Remains) -> Iterator[str]:
    """A case's personal data is sealed to the clerk's station and, until it has ended, to the one terminal."""
    for case in remains.store.cases:
        if case.has_key_here == case.has_ended:
            yield f"case {case.number} is {case.stage}, and its key is {'' if case.has_key_here else 'not '}here"


def a_day_to_return_outlives_the_case_that_was_taken_back(remains: Remains) -> Iterator[str]:
    """Until when an application is put off is known after its case has ended, if the day is still to come."""
    ended = {e.facts["case"]: e.facts["at"] for e in remains.store.entries if e.facts.get("event") == "rolled_back"}
    put_off = {case.number for case in remains.store.cases if case.outcome("hold")}
    for case in remains.store.cases:
        kept = case.outcome("return_day")
        if case.stage != "rolled_back" or not kept or not kept["held"] or case.number in put_off:
            continue
        until = kept["held"]["until"]
        if datetime.datetime.fromisoformat(ended[case.pseudonym]).astimezone(JAPAN).date().isoformat() < until:
            yield f"application {case.number} was to be put off until {until}, of which nothing knows"


AT_EVERY_INSTANT: tuple[Invariant, ...] = (
    a_valid_certificate_is_in_a_card_that_holds_its_key,
    a_valid_second_certificate_is_in_the_card_that_holds_its_key_and_paid_for,
    a_resident_has_at_most_one_valid_certificate,
    a_new_valid_certificate_has_a_journaled_fee,
    a_receipt_has_at_most_one_unmarked_original,
    an_original_is_of_a_settled_fee,
    what_was_acknowledged_is_in_the_journal,
    the_chain_of_the_journal_holds,
    every_change_is_in_the_journal,
    nothing_is_tried_that_the_table_refuses,
    who_cannot_tell_and_who_settles_it_are_named,
    a_signed_head_is_over_the_entries_that_are_there,
    a_receipt_proves_its_own_entry,
    no_password_is_in_any_file,
    no_private_key_is_in_any_file,
    no_personal_data_is_in_clear_in_the_store,
    what_has_ended_only_the_clerks_station_reads,
    a_day_to_return_outlives_the_case_that_was_taken_back,
    nobody_loses_his_password,
)


# --- when money goes in


def the_till_opens_only_for_what_can_become_valid(remains: Remains, number: str) -> Iterator[str]:
    """The till opens only when the pending certificate has at least 30 minutes left."""
    pending = _latest(remains, number).outcome("certify")
    certificate = next((c for c in remains.books.certificates if pending and c.serial == pending["serial"]), None)
    if certificate is None or certificate.state != "pending":
        yield f"money goes in for a certificate that is {certificate.state if certificate else 'not there'}"
    elif (certificate.confirm_before - remains.image.now).total_seconds() < MARGIN_S:
        yield f"money goes in, and {certificate.serial} lapses at {certificate.confirm_before}"


def the_identity_was_checked_today(remains: Remains, number: str) -> Iterator[str]:
    """A resumed case on another day needs identity check and authorisation again."""
    day = _latest(remains, number).outcome("identity_check")["checked_on"]
    today = remains.image.now.astimezone(JAPAN).date().isoformat()
    if day != today:
        yield f"the identity was checked on {day}, and money goes in on {today}"


def money_goes_in_only_after_delivery(remains: Remains, number: str) -> Iterator[str]:
    """The order of effects: read_back (written, compared, proven) comes before the fee."""
    if not _latest(remains, number).outcome("read_back"):
        yield "money goes in before the certificate is proven to be in the card"


WHEN_MONEY_GOES_IN: tuple[Act, ...] = (
    the_till_opens_only_for_what_can_become_valid,
    the_identity_was_checked_today,
    money_goes_in_only_after_delivery,
)


# --- at rest


def nothing_is_pending_at_the_authority(remains: Remains) -> Iterator[str]:
    """At rest nothing is pending at the authority."""
    yield from (f"{c.serial} is {c.state}" for c in remains.books.certificates if c.state in ("pending", "held"))


def every_application_has_ended(remains: Remains) -> Iterator[str]:
    """At rest every application ended, on hold with a date, or suspect with a named operator."""
    for case in remains.store.cases:
        if not (case.has_ended or (case.stage == "on_hold" and case.outcome("hold"))):
            yield f"case {case.number} is {case.stage}"


def the_till_equals_the_journal(remains: Remains) -> Iterator[str]:
    """At rest the cash box equals the journal."""
    due: dict[str, int] = defaultdict(int)
    for case in remains.store.cases:
        fee, refund = case.outcome("fee"), case.outcome("refund")
        if fee:
            if fee["tendered_yen"] - fee["change_yen"] != fee["fee_yen"]:
                yield f"case {case.number}: tendered, change and fee do not add up: {fee}"
            due[case.number] += fee["fee_yen"]
        intent = case.effects["refund"].intent if refund else None
        if refund and intent is None:
            yield f"case {case.number}: a refund that nobody intended"
        elif refund:
            due[case.number] += intent["found_yen"] - refund["amount_yen"]
    for payer in due.keys() | remains.image.till.keys():
        if remains.image.till.get(payer, 0) != due[payer]:
            yield f"payer {payer} has {remains.image.till.get(payer, 0)} yen in the till, {due[payer]} in the journal"
    takings = _takings(remains.image.store)
    if sum(remains.image.till.values()) != takings.fees_yen - takings.refunds_yen:
        yield f"the day's books tell of {takings.fees_yen} yen taken and {takings.refunds_yen} given back"


@functools.lru_cache(64)
def _takings(store: bytes) -> DayTakings:
    """What the product counts of everything that the journal tells, from its entries alone."""
    with in_memory() as folder:
        (folder / "kiosk.db").write_bytes(store)
        database = open_database(f"sqlite:///{folder / 'kiosk.db'}")
        try:
            journal = Journal(database, STATION, StationKey(STATION_KEY), lambda: START, head_key=HEAD_KEY)
            return StationBooks(journal, Register(())).takings(START.date(), 0)
        finally:
            database.close()


def a_refund_says_what_was_given_back(remains: Remains) -> Iterator[str]:
    """At rest the cash box equals the journal, the refunds too."""
    journaled: dict[str, list[int]] = defaultdict(list)
    for case in remains.store.cases:
        if (refund := case.outcome("refund")) and refund["amount_yen"]:
            journaled[case.number].append(refund["amount_yen"])
    # Change leaves the fee in the till; whoever gets back what is his leaves nothing.
    given_back: dict[str, list[int]] = defaultdict(list)
    left: Counter[str] = Counter()
    for payer, yen in remains.image.till_moves:
        left[payer] += yen
        if not left[payer]:
            given_back[payer].append(-yen)
    for number, refunds in journaled.items():
        # Who gives up while he pays gets his coins back at once, which is no refund of a case's.
        moves = iter(given_back[number])
        if not all(refund in moves for refund in refunds):
            yield f"application {number}: {given_back[number]} yen were given back, {refunds} are journaled"


def charged_means_valid_or_refunded(remains: Remains) -> Iterator[str]:
    """Charged means valid certificate or refund."""
    good = {certificate.serial for certificate in _good(remains)}
    for case in remains.store.cases:
        pending, closed = case.outcome("certify"), case.stage == "closed"
        is_good = bool(pending) and pending["serial"] in good | remains.past.revoked
        if closed and not is_good:
            yield f"case {case.number} is closed and its certificate is not valid"
        if not closed and is_good:
            yield f"case {case.number} is {case.stage} and its certificate is valid"
    for number in {case.number for case in remains.store.cases}:
        closed = sum(case.number == number and case.stage == "closed" for case in remains.store.cases)
        if remains.image.till.get(number, 0) != FEE_YEN * closed:
            yield f"application {number}: {closed} closed, {remains.image.till.get(number, 0)} yen in the till"


def receipt_numbers_have_no_gap(remains: Remains) -> Iterator[str]:
    """Receipt numbers without gaps, one for every closed case and for no other."""
    numbers = list(remains.store.receipts)
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"receipt numbers are {numbers}"
    for case in remains.store.cases:
        if (case.receipt is not None) != (case.stage == "closed"):
            yield f"case {case.number} is {case.stage} and has receipt {case.receipt}"


def every_payer_has_his_receipt(remains: Remains) -> Iterator[str]:
    """Every fee taken has a receipt on paper, as an original or as a copy; without its code it is but a part of one."""
    printed = {int(n) for text in remains.papers if _PROOF.search(text) for n in _NUMBER.findall(text)}
    for case in remains.store.cases:
        if case.stage == "closed" and case.receipt not in printed:
            yield f"receipt {case.receipt} never came out"


def a_closed_case_names_what_is_in_the_card(remains: Remains) -> Iterator[str]:
    """Delivery: the certificate of a closed case is the one that lies in the card it was filed for."""
    for case in remains.store.cases:
        if case.stage != "closed" or case.outcome("closed")["serial"] in remains.past.revoked:
            continue
        number = case.outcome("application")["card_number"]
        holder = next((card for card in remains.cards.values() if card.number == number), None)
        names = holder and holder.certificate and _serial_in(remains, holder.certificate)
        if names != case.outcome("closed")["serial"]:
            yield f"case {case.number} closed with another certificate than its card holds"


AT_REST: tuple[Invariant, ...] = (
    nothing_is_pending_at_the_authority,
    every_application_has_ended,
    the_till_equals_the_journal,
    a_refund_says_what_was_given_back,
    charged_means_valid_or_refunded,
    receipt_numbers_have_no_gap,
    every_payer_has_his_receipt,
    a_closed_case_names_what_is_in_the_card,
)


def broken(invariants: tuple[Invariant, ...], remains: Remains) -> list[str]:
    """What contradicts them: the invariant's name and the contradiction."""
    return [f"{invariant.__name__}: {text}" for invariant in invariants for text in invariant(remains)]


def broken_by_payment(remains: Remains, number: str) -> list[str]:
    """What contradicts `WHEN_MONEY_GOES_IN`."""
    return [f"{act.__name__}: {text}" for act in WHEN_MONEY_GOES_IN for text in act(remains, number)]


def _latest(remains: Remains, number: str) -> Case:
    return [case for case in remains.store.cases if case.number == number][-1]


def _good(remains: Remains) -> list[Certificate]:
    return [certificate for certificate in remains.books.certificates if certificate.state == "good"]


def _originals(remains: Remains) -> list[int]:
    return [int(n) for text in remains.papers if paper_kind(text) == "original" for n in _NUMBER.findall(text)]


def _serial_in(remains: Remains, der: bytes) -> str | None:
    return next((c.serial for c in remains.books.certificates if c.der == der), None)


def _files(remains: Remains) -> Iterator[tuple[str, bytes]]:
    image = remains.image
    yield "store", image.store
    yield "store's journal", image.store_journal
    yield "authority's books", image.books
    yield "authority's books' journal", image.books_journal
    yield from (("records", record) for record in remains.store.records)


@functools.lru_cache(4096)
def _holds(content: bytes, word: bytes) -> bool:
    """Whether a file holds a word; most files of an image are those of the image before."""
    return word in content


@functools.lru_cache(256)
def private_prime(der: bytes) -> bytes:
    """One of the two primes of an RSA key (PKCS #8, DER), by which it is known wherever it lies."""
    key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, RSAPrivateKey)
    return key.private_numbers().p.to_bytes(128, "big")


@functools.lru_cache(4096)
def _subtree(hashes: tuple[bytes, ...]) -> bytes:
    """Merkle tree hash of leaves that are hashed already (RFC 9162, 2.1.1)."""
    if len(hashes) == 1:
        return hashes[0]
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + _subtree(hashes[:half]) + _subtree(hashes[half:])).digest()


def _root(hashes: list[bytes]) -> bytes:
    return _subtree(tuple(hashes))

"""What the counter keeps beside its cases survives the program: the queue, printed forms, counts of the drawer."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from kiosk.counter.cash_count import CashCount, CountKind, DayClosed, ReasonMissing, check_counts, drawer_day
from kiosk.counter.printed_forms import VALID_DAYS
from kiosk.counter.queue import LAST, Purpose, Queue, QueueFull, TicketState
from kiosk.journal.agreement import read_state
from kiosk.journal.database import open_database
from kiosk.journal.entry import ChainBroken
from kiosk.journal.head import HeadKey, parse_head
from kiosk.journal.journal import Journal
from kiosk.journal.verify import verify_chain
from tests.counter.counter_store import CounterStore, TurnedClock, new_clerk
from tests.crash.mutation import Mutation, Rewrite, applied
from tests.journal.filled_journal import told_until
from tests.stores import Store


@pytest.fixture
def counter(store: Store) -> Iterator[CounterStore]:
    made = CounterStore(store, TurnedClock(), HeadKey(bytes(32)))
    yield made
    made.close()


def states(queue: Queue) -> dict[int, TicketState]:
    return {ticket.number: ticket.state for ticket in queue.tickets()}


def test_numbers_are_called_in_order_and_survive_a_restart(counter: CounterStore) -> None:
    queue = counter.queue()
    assert [queue.give(Purpose.ISSUE).number for _ in range(3)] == [1, 2, 3]
    assert queue.call_next() == 1
    again = counter.queue()
    assert states(again) == {1: TicketState.CALLED, 2: TicketState.WAITING, 3: TicketState.WAITING}
    assert again.call_next() == 2, "and the first was served"
    again.end(TicketState.ABSENT)
    assert again.call_next() == 3
    assert again.call(2), "one who comes after all is called by his number"
    assert states(again) == {1: TicketState.SERVED, 2: TicketState.CALLED, 3: TicketState.SERVED}
    assert not again.call(4)


def test_two_counters_never_call_the_same_number(counter: CounterStore) -> None:
    window, other = counter.queue(), counter.queue("other")
    window.give(Purpose.ISSUE)
    window.give(Purpose.CONSULT)
    assert (window.call_next(), other.call_next(), window.call_next()) == (1, 2, None)
    assert not window.call(2), "somebody else is serving it"
    other.end(TicketState.WAITING)
    assert window.call_next() == 2


def test_numbers_begin_anew_every_day_and_end(counter: CounterStore) -> None:
    queue = counter.queue()
    queue.give(Purpose.ISSUE)
    counter.clock.pass_time(days=1)
    assert queue.tickets() == () and queue.call_next() is None
    for _ in range(LAST):
        queue.give(Purpose.CERTIFICATE)
    with pytest.raises(QueueFull):
        queue.give(Purpose.ISSUE)


def test_a_printed_form_is_found_by_its_code_alone_and_for_a_while(counter: CounterStore) -> None:
    forms = counter.forms()
    code, other = forms.issue("10000000100"), forms.issue("10000000197")
    number, _, secret = code.rpartition("-")
    assert (number, len(secret)) == ("2026-0001", 8)
    again = counter.forms()
    assert again.resident_of(code) == "10000000100"
    assert again.resident_of(f"{number}-{'A' * 8}") is None
    assert again.number_for("10000000100") == number and again.number_for("10000000294") is None
    assert other.startswith("2026-0002") and again.next_number() == "2026-0003"
    counter.clock.pass_time(days=VALID_DAYS + 1)
    assert again.resident_of(code) is None


def test_the_store_does_not_say_whose_form_it_is(counter: CounterStore) -> None:
    code = counter.forms().issue("10000000100")
    kept = b"".join(counter.store.stored())
    assert b"2026-0001" in kept
    assert code.encode() not in kept and b"10000000100" not in kept


def count(counter: CounterStore, pieces: dict[str, int], float_yen: int) -> CashCount:
    return CashCount(
        CountKind.DAY_CLOSE,
        "window",
        drawer_day(counter.clock()),
        counter.clock().isoformat(),
        float_yen,
        receipts=2,
        taken_yen=1000,
        refunds=1,
        repaid_yen=500,
        pieces=pieces,
        kept_yen=10_000,
        reason="",
        until_seq=7,
    )


def test_a_day_is_closed_once_and_the_next_begins_with_what_stayed(counter: CounterStore) -> None:
    counts = counter.counts()
    assert counts.float_yen == 10_000 and counts.last() is None
    today = count(counter, {"1000": 10, "500": 1}, counts.float_yen)
    assert (today.due_yen, today.counted_yen, today.difference_yen, today.paid_in_yen) == (10_500, 10_500, 0, 500)
    kept = counts.keep(today, [new_clerk("yamada")])
    again = counter.counts()
    assert again.is_closed() and again.float_yen == 10_000
    last = again.last()
    assert last is not None and (last.count, last.operators) == (today, kept.operators)
    with pytest.raises(DayClosed):
        again.keep(today, [new_clerk("yamada")])
    counter.clock.pass_time(days=1)
    assert not again.is_closed()


def test_a_difference_has_a_reason(counter: CounterStore) -> None:
    short = count(counter, {"1000": 10}, 10_000)
    assert short.difference_yen == -500
    with pytest.raises(ReasonMissing):
        counter.counts().keep(short, [new_clerk("yamada")])
    counter.counts().keep(replace(short, reason="found under the desk"), [new_clerk("yamada")])


def test_a_count_stands_in_the_journal_under_a_signed_head(counter: CounterStore) -> None:
    signed = [new_clerk("yamada"), new_clerk("sato")]
    handed = replace(count(counter, {"1000": 10, "500": 1}, 10_000), kind=CountKind.HANDOVER)
    kept = counter.counts().keep(handed, signed)
    journal = counter.journal()
    (entry,) = verified = list(journal.entries())
    verify_chain(iter(verified))
    assert '"counted_yen":10500' in entry.body and " ".join(kept.operators) in entry.body
    assert parse_head(kept.head).signed.head.size == 1
    assert len(set(kept.operators)) == 2


def two_counts(counter: CounterStore) -> CashCount:
    """A handover and the close of the same day, the later of which is returned."""
    first = replace(count(counter, {"1000": 10, "500": 1}, 10_000), kind=CountKind.HANDOVER)
    counter.counts().keep(first, [new_clerk("yamada"), new_clerk("sato")])
    last = replace(first, kind=CountKind.DAY_CLOSE, kept_yen=10_000)
    counter.counts().keep(last, [new_clerk("sato")])
    return last


def write(counter: CounterStore, statement: str, *values: object) -> None:
    with open_database(counter.store.url).write() as transaction:
        transaction.run(statement, *values)


def told_of(counter: CounterStore) -> dict[str, int]:
    database = open_database(counter.store.url)
    told = told_until(database, read_state(database).ends)
    return check_counts(database, told)


def of_another(payload: bytes) -> bytes:
    """Signatures of somebody who counted nothing."""
    signed = new_clerk("ito").testify(payload)
    return json.dumps([[signed.signature.hex(), signed.certificate.hex()]]).encode()


def signatures(counter: CounterStore, place: int) -> bytes:
    with open_database(counter.store.url).read() as transaction:
        return bytes(transaction.run("SELECT signatures FROM cash_counts WHERE place = ?", place).scalar_one())


def spoilt(signed: bytes) -> bytes:
    """The same certificates, and another signature."""
    ((signature, certificate),) = json.loads(signed)
    another = new_clerk("ito").testify(b"something").signature.hex()
    assert another != signature
    return json.dumps([[another, certificate]]).encode()


@pytest.mark.parametrize(
    "change",
    [
        "less was kept",
        "another signer",
        "another signature",
        "a signature in other letters",
        "a signature that is none",
        "another kind",
        "another day",
        "the last is gone",
        "one more",
    ],
)
def test_a_count_that_is_not_the_one_that_was_journaled_is_not_gone_on_from(counter: CounterStore, change: str) -> None:
    last = two_counts(counter)
    payload = last.encode()
    assert told_of(counter) == {"window": 2}
    signed = signatures(counter, 2)
    last_only = " WHERE place = 2"
    set_signatures = f"UPDATE cash_counts SET signatures = ?{last_only}"
    match change:
        case "less was kept":
            less = replace(last, kept_yen=3_000).encode()
            write(counter, f"UPDATE cash_counts SET count = ?{last_only}", less)
        case "another signer":
            write(counter, set_signatures, of_another(payload))
        case "another signature":
            write(counter, set_signatures, spoilt(signed))
        case "a signature in other letters":
            write(counter, set_signatures, signed.upper())
        case "a signature that is none":
            write(counter, set_signatures, b"[[")
        case "another kind":
            write(counter, f"UPDATE cash_counts SET kind = 'handover'{last_only}")
        case "another day":
            write(counter, f"UPDATE cash_counts SET day = '2026-11-25'{last_only}")
        case "the last is gone":
            write(counter, f"DELETE FROM cash_counts{last_only}")
        case _:
            columns = "station, 3, kind, day, count, signatures"
            write(counter, f"INSERT INTO cash_counts SELECT {columns} FROM cash_counts{last_only}")
    counts = counter.counts()
    if change != "one more":
        with pytest.raises(ChainBroken, match="another count of the drawer than the one that is kept"):
            counts.last()
        with pytest.raises(ChainBroken):
            _ = counts.float_yen
    with pytest.raises(ChainBroken, match="count of the drawer"):
        told_of(counter)


def test_an_earlier_count_that_was_changed_is_found_by_who_verifies(counter: CounterStore) -> None:
    two_counts(counter)
    write(counter, "UPDATE cash_counts SET day = '2026-11-25' WHERE place = 1")
    with pytest.raises(ChainBroken, match="entry 1: tells of another count"):
        told_of(counter)


def test_all_counts_gone_and_one_that_nobody_journaled_are_found(counter: CounterStore) -> None:
    last = two_counts(counter)
    write(counter, "DELETE FROM cash_counts")
    with pytest.raises(ChainBroken, match="another count"):
        counter.counts().last()
    with pytest.raises(ChainBroken, match="entry 1: tells of another count"):
        told_of(counter)
    forged = ("elsewhere", 1, "day_close", last.day, replace(last, station="elsewhere").encode(), of_another(b""))
    write(counter, "INSERT INTO cash_counts VALUES (?, ?, ?, ?, ?, ?)", *forged)
    with pytest.raises(ChainBroken, match=r"station elsewhere.* a count of the drawer that the journal does not tell"):
        told_of(counter)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("DELETE FROM heads", "was written with a signed head, which is missing"),
        ("UPDATE heads SET at = at + 1", "not signed by"),
        ("UPDATE heads SET root = signature", "not those that were signed"),
    ],
)
def test_the_entry_of_the_last_count_is_held_against_the_head_that_was_signed_over_it(
    counter: CounterStore, statement: str, reason: str
) -> None:
    two_counts(counter)
    write(counter, statement)
    with pytest.raises(ChainBroken, match=reason):
        counter.counts().last()


def test_a_drawer_that_is_counted_while_somebody_verifies_disturbs_nothing(counter: CounterStore) -> None:
    two_counts(counter)
    database = open_database(counter.store.url)
    told = told_until(database, read_state(database).ends)
    counter.clock.pass_time(days=1)
    counter.journal().open_case("1", b"application")
    counter.counts().keep(replace(count(counter, {"1000": 10}, 10_000), repaid_yen=1000), [new_clerk("sato")])
    Journal(database, "wing", counter.key, counter.clock, head_key=counter.head_key).start()
    assert check_counts(database, told) == {"window": 3}


def test_a_count_that_were_read_unverified_would_be_gone_on_from(counter: CounterStore) -> None:
    """The seeded error that the tests above are to find."""
    unverified = Mutation(
        "a count is read unverified",
        "test_a_count_that_is_not_the_one_that_was_journaled_is_not_gone_on_from",
        (
            Rewrite(
                "kiosk.counter.cash_count:_told_count",
                "if not isinstance(row.count, bytes)",
                """facts = json.loads(bytes(row.count))
    return KeptCount(CashCount(**facts | {"kind": CountKind(facts["kind"])}), ())
    if not isinstance(row.count, bytes)""",
            ),
        ),
    )
    less = replace(two_counts(counter), kept_yen=3_000).encode()
    write(counter, "UPDATE cash_counts SET count = ? WHERE place = 2", less)
    with applied(unverified):
        assert counter.counts().float_yen == 3_000
        assert told_of(counter) == {"window": 2}
    with pytest.raises(ChainBroken):
        counter.counts().last()

"""A reduced run of the campaign: a few status words, data and lies, at every exchange of an issuance and of a use."""

import pytest

from tests.hw.card.campaign import CARDS, JOBS, answers_in_place_of, record, run_data, run_faults, run_status

EVERY = 20011
"""Prime, so that the words differ in every digit."""

DATA_EVERY = 307
"""Likewise."""

TELLING = bytes.fromhex(
    "6100 61FF 6282 6283 63C0 63CF 6581 6700 6982 6983 6A82 6A86 6A88 6B00 6C00 6C10 6D00 6E00 6F00 9000 9001 0000 FFFF"
)


@pytest.mark.parametrize("kind", CARDS)
def test_no_status_word_at_any_exchange_does_harm(kind: str) -> None:
    exchanges = len(record(kind).exchanges)
    # Where many exchanges are much alike, neighbours share the telling ones.
    share = 2 if exchanges > 30 else 1
    for at in range(1, exchanges + 1):
        telling = [int.from_bytes(TELLING[start : start + 2], "big") for start in range(0, len(TELLING), 2)]
        words = {*telling[at % share :: share], *range(at, 0x10000, EVERY)}
        assert sum(run_status(kind, at, words).values()) == len(words)


@pytest.mark.parametrize("kind", ["juki-2011", "piv"])
@pytest.mark.parametrize("fault", ["mute", "corrupt", "loop", "oversize", "wrong-key", "weak-key"])
def test_no_lie_of_a_card_at_any_exchange_does_harm(kind: str, fault: str) -> None:
    outcomes = run_faults(kind, [fault])
    assert sum(outcomes.values()) == len(record(kind).exchanges)
    assert any(outcome != f"{fault}: done" for outcome in outcomes)


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("kind", CARDS)
def test_no_data_in_place_of_an_answer_does_harm(kind: str, job: str) -> None:
    for at in range(1, len(record(kind, job).exchanges) + 1):
        numbers = range(at % DATA_EVERY, len(answers_in_place_of(kind, job, at)), DATA_EVERY)
        assert sum(run_data(kind, job, at, numbers).values()) == len(numbers)

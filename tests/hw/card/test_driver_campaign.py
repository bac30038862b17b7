"""A reduced run of the campaign: a few status words and the lies of a card, at every exchange of an issuance."""

import pytest

from tests.hw.card.campaign import CARDS, record, run_faults, run_status

EVERY = 20011
"""Prime, so that the words differ in every digit."""

TELLING = bytes.fromhex(
    "6100 61FF 6282 6283 63C0 63CF 6581 6700 6982 6983 6A82 6A86 6A88 6B00 6C00 6C10 6D00 6E00 6F00 9000 9001 0000 FFFF"
)


@pytest.mark.parametrize("kind", CARDS)
def test_no_status_word_at_any_exchange_does_harm(kind: str) -> None:
    for at in range(1, len(record(kind).exchanges) + 1):
        telling = (int.from_bytes(TELLING[start : start + 2], "big") for start in range(0, len(TELLING), 2))
        words = {*telling, *range(at, 0x10000, EVERY)}
        assert sum(run_status(kind, at, words).values()) == len(words)


@pytest.mark.parametrize("kind", ["juki-2011", "piv"])
@pytest.mark.parametrize("fault", ["mute", "corrupt", "loop", "oversize", "wrong-key", "weak-key"])
def test_no_lie_of_a_card_at_any_exchange_does_harm(kind: str, fault: str) -> None:
    outcomes = run_faults(kind, [fault])
    assert sum(outcomes.values()) == len(record(kind).exchanges)
    assert any(outcome != f"{fault}: issued" for outcome in outcomes)

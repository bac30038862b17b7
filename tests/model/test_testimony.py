"""A testimony says exactly what two clerks signed, in one canonical form, and answers what was asked."""

import datetime
import json
from dataclasses import replace
from typing import Any

import pytest

from kiosk.model.step import Step, Undo
from kiosk.model.testimony import ANSWERS, ClerkSignature, PaperSeen, Testimony, TestimonyInvalid, TestimonyTerms
from kiosk.model.transition import WITNESSED
from tests.time_zone import standing_in

TERMS = TestimonyTerms(
    case="0123456789abcdef0123456789abcdef",
    station="窓口１",
    question=Step.FEE,
    answer="500",
    nonce=bytes(range(16)),
    signed_at=datetime.datetime(2026, 4, 1, 1, 2, 3, tzinfo=datetime.UTC),
)
PAYLOAD = (
    '{"answer":"500","case":"0123456789abcdef0123456789abcdef","nonce":"000102030405060708090a0b0c0d0e0f",'
    '"question":"fee","signed_at":"2026-04-01T01:02:03+00:00","station":"窓口１","version":1}'
)


def changed(**facts: Any) -> bytes:
    document = {**json.loads(PAYLOAD), **facts}
    known = {key: value for key, value in document.items() if value is not None}
    return json.dumps(known, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_it_is_written_in_one_form_and_read_from_it_alone() -> None:
    assert TERMS.encode() == PAYLOAD.encode()
    assert TestimonyTerms.decode(PAYLOAD.encode()) == TERMS
    local = datetime.timezone(datetime.timedelta(hours=9))
    assert replace(TERMS, signed_at=TERMS.signed_at.astimezone(local)).encode() == PAYLOAD.encode()
    signature = ClerkSignature(b"", b"")
    assert Testimony(PAYLOAD.encode(), signature, signature).terms == TERMS


def test_it_is_written_alike_wherever_the_office_is() -> None:
    with standing_in("Asia/Tokyo"):
        assert TERMS.encode() == PAYLOAD.encode()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"no JSON",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        PAYLOAD.replace(",", ", ").encode(),
        PAYLOAD.replace("窓", "\\u7a93").encode(),
        changed(more=1),
        changed(version=2),
        changed(signed_at="2026-04-01T10:02:03+09:00"),
        changed(signed_at="2026-04-01T01:02:03.5+00:00"),
        changed(nonce=bytes(range(16)).hex().upper()),
        *(changed(**{key: None}) for key in json.loads(PAYLOAD)),
    ],
)
def test_what_is_not_in_that_form_is_none(payload: bytes) -> None:
    with pytest.raises(TestimonyInvalid, match=r"^(not a testimony: |testimony is not in canonical form)"):
        TestimonyTerms.decode(payload)


def test_an_answer_that_the_question_does_not_have_is_none() -> None:
    with pytest.raises(TestimonyInvalid, match="'whole' is no answer to fee"):
        TestimonyTerms.decode(changed(answer="whole"))


@pytest.mark.parametrize("length", [0, 15, 17])
def test_a_nonce_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(TestimonyInvalid, match="not in canonical form"):
        TestimonyTerms.decode(changed(nonce=bytes(length).hex()))


@pytest.mark.parametrize(
    "facts", [{"question": "certify"}, {"question": "none"}, {"question": 1}, {"answer": 500}, {"answer": "0500"}]
)
def test_what_nobody_asks_of_a_person_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(TestimonyInvalid):
        TestimonyTerms.decode(changed(**facts))
    with pytest.raises(TestimonyInvalid, match="'500' is no answer to certify"):
        replace(TERMS, question=Step.CERTIFY).encode()


@pytest.mark.parametrize("question", [Step.FEE, Undo.REFUND])
def test_yen_are_whole_and_written_in_one_way(question: Step | Undo) -> None:
    for answer in ("0", "1", "500", "999999"):
        terms = replace(TERMS, question=question, answer=answer)
        assert TestimonyTerms.decode(terms.encode()) == terms
    for answer in ("", "00", "01", "-1", "+1", "1.5", "1000000", "５００", " 500", "500\n", "whole"):
        with pytest.raises(TestimonyInvalid, match="is no answer to"):
            replace(TERMS, question=question, answer=answer).encode()


def test_paper_is_whole_or_partly_there_or_not() -> None:
    for answer in PaperSeen:
        terms = replace(TERMS, question=Step.RECEIPT, answer=answer.value)
        assert TestimonyTerms.decode(terms.encode()) == terms
    for answer in ("", "0", "500", "wholepartly", "Whole"):
        with pytest.raises(TestimonyInvalid, match="is no answer to receipt"):
            replace(TERMS, question=Step.RECEIPT, answer=answer).encode()


def test_whatever_a_person_is_asked_has_its_answers() -> None:
    assert tuple(ANSWERS) == (Step.AUTHORISE, *WITNESSED)

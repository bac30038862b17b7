"""The bridge between a case's thread and the seats: answered once, abandoned once, cancelled at the end."""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import pytest

from hw.ports import MachineMoney, PinPolicy
from kiosk.issuance.persons import Abandoned, CannotTell, CardAction, OpenDeposit, Persons
from kiosk.model.step import Actor
from kiosk.ui.persons import Asked, CardRequest, CaseLine, ClerkAnswered, ClerkAsked, FeeDue, PasswordChoice

POLICY = PinPolicy(4, 16, "0123456789")


class Case:
    """A line, what it says, and a thread for the case."""

    def __init__(self) -> None:
        self.line = CaseLine()
        self.news: SimpleQueue[Any] = SimpleQueue()
        self.persons: Persons = self.line.persons(self.news.put)
        self.thread = ThreadPoolExecutor(1)

    def asks(self, question: Callable[..., Any], *args: Any) -> tuple[Asked[Any], Any]:
        """Starts a question in the case's thread; returns it as the seat sees it, and the future of its call."""
        call = self.thread.submit(question, *args)
        return self.news.get(timeout=5), call


@pytest.fixture
def case() -> Case:
    return Case()


def test_a_password_crosses_by_reference(case: Case) -> None:
    question, call = case.asks(case.persons.resident.choose_password, POLICY)
    assert isinstance(question, PasswordChoice) and question.policy is POLICY
    password = bytearray(b"1234")
    assert question.answer(password)
    assert call.result(5) is password


def test_a_question_is_answered_once(case: Case) -> None:
    question, call = case.asks(case.persons.clerk.take_fee, 500)
    assert isinstance(question, FeeDue) and question.is_open
    assert question.answer(500) and not question.answer(1000)
    assert call.result(5) == 500


def test_the_fee_is_asked_for_no_longer_than_it_is_due(case: Case) -> None:
    is_due = threading.Event()
    is_due.set()
    question, call = case.asks(case.persons.clerk.take_fee, 500, OpenDeposit(is_due.is_set))
    is_due.clear()
    assert call.result(5) == 0
    news = case.news.get(timeout=5)
    assert isinstance(news, ClerkAnswered) and news.question is question
    assert not question.answer(500), "what the machine has nobody attests once more"


def test_a_clerk_who_cannot_tell_says_so_to_the_case(case: Case) -> None:
    question, call = case.asks(case.persons.clerk.count_payment, 500, MachineMoney())
    assert isinstance(question, ClerkAsked) and question.cannot_tell()
    with pytest.raises(CannotTell):
        call.result(5)
    assert not question.cannot_tell() and not question.answer(500)


def test_abandoning_ends_the_open_question_and_nothing_later(case: Case) -> None:
    question, call = case.asks(case.persons.resident.choose_password, POLICY)
    case.line.abandon(Actor.RESIDENT, "stopped")
    with pytest.raises(Abandoned) as stopped:
        call.result(5)
    assert stopped.value.by == "resident"
    assert not question.answer(bytearray(b"1234")), "whoever typed it still owns it"
    later, call = case.asks(case.persons.clerk.count_payment, 500, MachineMoney())
    later.answer(0)
    assert call.result(5) == 0


def test_abandoning_between_questions_ends_the_next_call_only(case: Case) -> None:
    case.line.abandon(Actor.CLERK, "stopped")
    with pytest.raises(Abandoned):
        case.persons.resident.card(CardAction.INSERT)
    case.persons.resident.card(CardAction.INSERT)
    assert case.news.get(timeout=5) == CardRequest(CardAction.INSERT)


def test_abandoning_after_the_answer_ends_the_next_question(case: Case) -> None:
    question, call = case.asks(case.persons.clerk.take_fee, 500)
    question.answer(500)
    assert call.result(5) == 500
    case.line.abandon(Actor.CLERK, "stopped")
    with pytest.raises(Abandoned):
        case.persons.clerk.give_change(0)


def test_the_end_of_the_program_cancels_open_and_later_calls(case: Case) -> None:
    _, call = case.asks(case.persons.clerk.is_card_returned)
    case.line.close()
    with pytest.raises(CancelledError):
        call.result(5)
    with pytest.raises(CancelledError):
        case.persons.clerk.look_at_paper(1)
    with pytest.raises(CancelledError):
        case.persons.resident.card(CardAction.TAKE)


def test_nobody_is_asked_to_give_nothing_back(case: Case) -> None:
    case.persons.clerk.repay(0)
    assert case.news.empty()

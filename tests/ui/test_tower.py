"""What the signal tower says, and that it says it again when it was away."""

import asyncio

import pytest

from hw.ports import PinPolicy
from kiosk.issuance.persons import CardAction
from kiosk.model.application import Application
from kiosk.model.step import Step
from kiosk.ui.board import Board
from kiosk.ui.case import AtWork, OpenCase
from kiosk.ui.ending import Finished, Outcome, Trouble
from kiosk.ui.persons import CardRequest, CaseLine, FeeDue, PasswordChoice
from kiosk.ui.service import OpenService, ServiceDone, ServiceKind
from kiosk.ui.terminals import Call, TerminalQuestion, Terminals
from kiosk.ui.tower import CARD_LEFT_AFTER_S, TowerSign, keep_tower, sign_for
from tests.ui.scripted_counter import resident


def board_with_case():
    board = Board()
    case = OpenCase(Application("2026-0001", "1"), resident(0), board.bell)
    board.open(case)
    return board, case


def test_signs_of_a_case():
    assert sign_for(Board(), 0) is TowerSign.NOTHING
    board, case = board_with_case()
    assert sign_for(board, 0) is TowerSign.IN_USE
    case.take(FeeDue(500))
    assert sign_for(board, 0) is TowerSign.NEEDS_CLERK
    case.answer(case.clerk_asked, 500)
    case.take(PasswordChoice(PinPolicy(4, 16, "A")))
    assert sign_for(board, 0) is TowerSign.IN_USE
    case.take(CardRequest(CardAction.TAKE))
    assert sign_for(board, 0) is TowerSign.TAKE_CARD
    assert sign_for(board, CARD_LEFT_AFTER_S) is TowerSign.CARD_LEFT
    board.call_clerk()
    assert sign_for(board, 0) is TowerSign.NEEDS_CLERK
    assert sign_for(board, CARD_LEFT_AFTER_S) is TowerSign.CARD_LEFT
    board.answer_call()
    case.ending = object.__new__(Finished)
    assert sign_for(board, CARD_LEFT_AFTER_S) is TowerSign.DONE
    case.ending = Trouble(Outcome.HALTED, "K-CA-001", None)
    assert sign_for(board, 0) is TowerSign.TROUBLE
    board.leave()
    assert sign_for(board, 0) is TowerSign.NOTHING


@pytest.mark.parametrize("kind", ServiceKind)
def test_every_other_procedure_is_seen_from_afar_as_an_issuance_is(kind):
    board = Board()
    service = OpenService(kind, "P-1", lambda *_: None, board.bell, has_resident=True)
    board.serve(service)
    assert sign_for(board, 0) is TowerSign.IN_USE
    service.take(CardRequest(CardAction.TAKE))
    assert (sign_for(board, 0), sign_for(board, CARD_LEFT_AFTER_S)) == (TowerSign.TAKE_CARD, TowerSign.CARD_LEFT)
    service.take(ServiceDone(None))
    assert sign_for(board, CARD_LEFT_AFTER_S) is TowerSign.DONE
    service.take(Trouble(Outcome.HALTED, "K-CA-001", None))
    assert sign_for(board, 0) is TowerSign.TROUBLE and service.has_halted
    board.serve(None)
    assert sign_for(board, 0) is TowerSign.NOTHING


def test_a_call_from_a_terminal_elsewhere_is_shown_too():
    board = Board()
    board.terminals = Terminals(board.bell)
    board.terminals.ask(TerminalQuestion("q", "lobby", "", Call(), CaseLine()))
    assert sign_for(board, 0) is TowerSign.NEEDS_CLERK
    board.terminals.withdraw("q")
    assert sign_for(board, 0) is TowerSign.NOTHING


@pytest.mark.parametrize("is_there", [True, False])
def test_a_tower_that_does_not_take_it_is_told_again(is_there):
    board, case = board_with_case()
    told = []

    async def run():
        def show(sign):
            told.append(sign)
            return is_there

        keeping = asyncio.create_task(keep_tower(board, show, lambda: 0.0))
        for news in (FeeDue(500), None, None):
            while not told or (news is None and not is_there and len(told) < 3):
                board.bell.ring()
                await asyncio.sleep(0)
            if news is not None:
                case.take(news)
            while TowerSign.NEEDS_CLERK not in told:
                await asyncio.sleep(0)
        keeping.cancel()

    asyncio.run(asyncio.wait_for(run(), 30))
    assert told[0] is TowerSign.IN_USE
    assert set(told[1:]) == {TowerSign.NEEDS_CLERK}
    assert (len(told) == 2) is is_there


def test_what_changes_while_the_tower_is_told_is_told_at_once(monkeypatch):
    monkeypatch.setattr("kiosk.ui.tower._REPEATS_EVERY_S", 1e6)
    board, case = board_with_case()
    told = []

    async def run():
        loop, is_told = asyncio.get_running_loop(), asyncio.Event()

        def show(sign):
            told.append(sign)
            if sign is TowerSign.IN_USE:
                asyncio.run_coroutine_threadsafe(change(), loop).result()
            else:
                loop.call_soon_threadsafe(is_told.set)
            return True

        async def change():
            case.take(FeeDue(500))

        keeping = asyncio.create_task(keep_tower(board, show, lambda: 0.0))
        await is_told.wait()
        keeping.cancel()

    asyncio.run(asyncio.wait_for(run(), 30))
    assert told == [TowerSign.IN_USE, TowerSign.NEEDS_CLERK]


def test_a_forgotten_card_is_told_at_the_desk_until_it_is_taken(monkeypatch):
    monkeypatch.setattr("kiosk.ui.tower._REPEATS_EVERY_S", 0.001)
    board, case = board_with_case()
    now_s = 0.0

    async def run():
        nonlocal now_s

        async def until(is_left):
            while board.is_card_left is not is_left:
                await asyncio.sleep(0)

        keeping = asyncio.create_task(keep_tower(board, lambda sign: True, lambda: now_s))
        case.take(CardRequest(CardAction.TAKE))
        await asyncio.sleep(0.01)
        assert not board.is_card_left
        now_s = CARD_LEFT_AFTER_S
        await until(True)
        case.take(FeeDue(500))
        case.resident_sees = AtWork(Step.RECEIPT)
        await until(False)
        keeping.cancel()

    asyncio.run(asyncio.wait_for(run(), 30))

"""The signal tower beside the terminal: it tells from afar that somebody is needed, or that a card was left."""

import asyncio
from collections.abc import Callable
from enum import StrEnum

from kiosk.issuance.persons import CardAction
from kiosk.ui.board import Board
from kiosk.ui.ending import Trouble
from kiosk.ui.persons import CardRequest

_REPEATS_EVERY_S = 5.0
"""A tower that was away shows what it should again after this long."""
CARD_LEFT_AFTER_S = 15.0
"""How long a card may lie in the reader after its owner was asked to take it."""


class TowerSign(StrEnum):
    """What the tower says."""

    NOTHING = "nothing"
    IN_USE = "in_use"
    TAKE_CARD = "take_card"
    CARD_LEFT = "card_left"
    NEEDS_CLERK = "needs_clerk"
    DONE = "done"
    TROUBLE = "trouble"


def sign_for(board: Board, card_waits_s: float) -> TowerSign:
    """What the counter's state asks for; what needs a person most comes first."""
    under_way = board.case or board.service
    is_card_waited_for = _is_card_waited_for(board)
    if under_way is not None and isinstance(under_way.ending, Trouble):
        return TowerSign.TROUBLE
    if is_card_waited_for and card_waits_s >= CARD_LEFT_AFTER_S:
        return TowerSign.CARD_LEFT
    if board.is_somebody_calling or board.submitted is not None or board.asks_clerk:
        return TowerSign.NEEDS_CLERK
    if is_card_waited_for:
        return TowerSign.TAKE_CARD
    if under_way is None:
        return TowerSign.NOTHING
    return TowerSign.IN_USE if under_way.ending is None else TowerSign.DONE


def _is_card_waited_for(board: Board) -> bool:
    for under_way in (board.case, board.service):
        if under_way is not None and under_way.ending is None:
            return under_way.resident_sees == CardRequest(CardAction.TAKE) or board.is_card_asked_back
    return board.is_card_asked_back


async def keep_tower(board: Board, show: Callable[[TowerSign], bool], now: Callable[[], float]) -> None:
    """Shows what the counter's state asks for, for ever, and tells the desk of a card that was left.

    `show` may block, and says whether the tower took it.
    """
    shown: TowerSign | None = None
    asked_at_s = shown_at_s = now()
    while True:
        if not _is_card_waited_for(board):
            asked_at_s = now()
        board.leave_card(_is_card_waited_for(board) and now() - asked_at_s >= CARD_LEFT_AFTER_S)
        sign = sign_for(board, now() - asked_at_s)
        if sign is not shown or (sign is not TowerSign.NOTHING and now() - shown_at_s >= _REPEATS_EVERY_S):
            shown = sign if await asyncio.to_thread(show, sign) else None
            shown_at_s = now()
            if sign_for(board, now() - asked_at_s) is not sign:
                continue  # what changed meanwhile has rung already
        try:
            await asyncio.wait_for(board.bell.next(), _REPEATS_EVERY_S)
        except TimeoutError:
            continue

"""A cash box of each kind."""

import pytest

from hw.ports import CashBox
from tests.hw.cash.coins import BOXES


@pytest.fixture(params=BOXES)
def box(request) -> CashBox:
    return BOXES[request.param]()

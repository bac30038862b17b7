import pytest
from card_desk import Desk


@pytest.fixture
def desk() -> Desk:
    """A new card in its reader."""
    return Desk()

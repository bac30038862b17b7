import pytest

from tests.hw.card.office import Desk


@pytest.fixture
def desk() -> Desk:
    """A new card in its reader."""
    return Desk()

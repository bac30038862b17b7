"""The card of a case is checked to be the case's before anybody gets it, whatever goes wrong at the check."""

from pathlib import Path

import pytest

from hw.errors import DeviceError
from hw.sim.card.card import VirtualCard
from hw.sim.fault import Fault
from kiosk.issuance.failure import WrongCard
from kiosk.issuance.inserted_card import InsertedCard
from tests.counter_bench import World
from tests.issuance.rest import new_world


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path) -> World:
    return new_world(tmp_path / "world", fresh_authority)


@pytest.mark.parametrize("fault", ["sw", "corrupt"])
def test_a_card_whose_number_could_not_be_read_is_not_taken_for_the_cases(world: World, fault: str) -> None:
    with InsertedCard(world.station(), world.persons("1")) as card:
        world.hand.insert("1")
        card.session()
        number = card.number
        card.release()
        world.hand.insert("2")
        other = VirtualCard(
            world.hand.memories["2"], make_key=lambda: pytest.fail("no key"), faults={2: Fault(fault, 2, "6F00")}
        )
        world.slot.insert(other)
        with pytest.raises(DeviceError):
            card.session()
        with pytest.raises(WrongCard):
            card.session()
        assert card.number == number
        assert card.exchanges >= 4

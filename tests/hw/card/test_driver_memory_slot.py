from concurrent.futures import ThreadPoolExecutor

import pytest

from hw.card.memory import MemorySlot
from hw.errors import CardRemoved
from hw.sim.card.card import VirtualCard
from tests.hw.card.office import Desk


def test_waiting_ends_when_a_card_comes_and_when_it_goes(desk: Desk) -> None:
    slot = MemorySlot("another")
    with ThreadPoolExecutor() as threads:
        coming = threads.submit(slot.wait_for_card, 10)
        slot.insert(VirtualCard(desk.memory))
        assert coming.result()
        going = threads.submit(slot.wait_for_removal, 10)
        slot.remove()
        assert going.result()


def test_waiting_ends_with_its_time() -> None:
    slot = MemorySlot("empty")
    assert not slot.wait_for_card(0.01)
    assert slot.wait_for_removal(0)


def test_a_card_taken_out_during_a_command_does_not_answer_it(desk: Desk) -> None:
    class Slow(VirtualCard):
        def transmit(self, command: bytes) -> bytes:
            answer = super().transmit(command)
            desk.slot.remove()
            return answer

    desk.slot.insert(Slow(desk.memory))
    connection = desk.slot.connect()
    with pytest.raises(CardRemoved):
        connection.transmit(bytes.fromhex("00A4040C0AD392F000260100000001"))
    assert not desk.slot.is_card_present()

"""What a hand lets befall the card in the simulated reader: at the command it waits for, once, whichever card it is."""

from pathlib import Path

import pytest

from hw.bench import SimulatedReader
from hw.card.memory import MemoryConnection
from hw.errors import CardMute, CardRemoved
from hw.sim.card.faults import parse_card_faults
from hw.sim.card.trap import ORDERS, CardTrap

_SELECT = bytes.fromhex("00A4040C0AD392F000260100000001")
_GENERATE = bytes.fromhex("00478000000000")


def test_a_trap_springs_once_at_a_command_of_its_kind() -> None:
    trap = CardTrap()
    assert trap.look() == "in order"
    trap.obey("pull write")
    assert trap.look() == "set: pull write"
    assert trap.spring(0xA4) is None and trap.spring(0x47) is None
    fault = trap.spring(0xD6)
    assert fault is not None and fault.kind == "pull"
    assert trap.look() == "sprung: pull write"
    assert trap.spring(0xD6) is None


def test_a_hand_takes_back_what_it_has_set() -> None:
    trap = CardTrap()
    trap.obey("mute")
    trap.obey("nothing")
    assert trap.spring(0xA4) is None and trap.look() == "in order"
    with pytest.raises(ValueError, match="bite"):
        trap.obey("bite")


def test_what_was_set_before_a_card_came_befalls_it(tmp_path: Path) -> None:
    reader = SimulatedReader(tmp_path)
    reader.trap.obey("mute")
    reader.insert("1")
    connection = reader.slot.connect()
    with pytest.raises(CardMute):
        connection.transmit(_SELECT)
    connection.close()
    connection = reader.slot.connect()
    assert connection.transmit(_SELECT)[-2:] == b"\x90\0"
    reader.trap.obey("pull key")
    assert connection.transmit(_SELECT)[-2:] == b"\x90\0"
    with pytest.raises(CardRemoved):
        connection.transmit(_GENERATE)
    assert not reader.is_inserted


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_is_a_fault_that_the_card_knows(order: str, tmp_path: Path) -> None:
    reader = SimulatedReader(tmp_path)
    reader.insert("1")
    kind, value = ORDERS[order].kind, ORDERS[order].value
    assert parse_card_faults(f"{kind}@1" + (f"={value}" if value else ""))[1].kind == kind
    reader.trap.obey(order)
    connection: MemoryConnection = reader.slot.connect()
    for command in (_SELECT, _GENERATE, bytes.fromhex("00D600000100")):
        try:
            connection.transmit(command)
        except (CardMute, CardRemoved):
            break
    assert reader.trap.look() == f"sprung: {order}"

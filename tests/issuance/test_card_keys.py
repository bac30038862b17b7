"""A card gets the issuer's newest keys when it is next issued to, and never has any that the issuer does not know."""

import json
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest

from hw.errors import Refused
from hw.ports import ChannelPurpose
from hw.sim.card.card import VirtualCard
from hw.sim.card.faults import parse_card_faults
from kiosk.counter.card_issuer import CardIssuer, in_memory
from kiosk.issuance.failure import Halted, RolledBack
from kiosk.journal.database import open_database
from kiosk.journal.verify import verify_chain
from kiosk.model.step import Supplement
from tests.counter_bench import RESIDENT, CuttingDatabase, PowerCut, prepared_keys
from tests.issuance.myna_counter import FIRST_MASTERS, MynaWorld, check_both, make_myna_authority, new_myna_world

FIRST = CardIssuer(in_memory(FIRST_MASTERS))
NEXT = replace(
    FIRST, later_masters=(in_memory({purpose: bytes([at]) * 16 for at, purpose in enumerate(ChannelPurpose, 1)}),)
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority to copy."""
    return make_myna_authority(tmp_path_factory.mktemp("myna") / "ca")


def versions(world: MynaWorld) -> list[int]:
    (store,) = world.hand.memories.values()
    return sorted(store.read().channel_keys)


def replaced(world: MynaWorld) -> list[str]:
    """What the journal says of the replacement."""
    said = [json.loads(entry.body) for entry in world.station().journal.entries()]
    return [body["event"] for body in said if body.get("step") == Supplement.REPLACE_CARD_KEYS]


def test_a_card_with_the_newest_keys_keeps_them_and_nothing_is_written(tmp_path: Path, authority: Path) -> None:
    world = new_myna_world(tmp_path / "world", authority)
    check_both(world, world.issue())
    assert versions(world) == [0x30, 0x31, 0x32]
    assert replaced(world) == []


def test_a_card_with_older_keys_gets_the_newest_before_its_key_is_made(tmp_path: Path, authority: Path) -> None:
    world = new_myna_world(tmp_path / "world", authority, issuer=NEXT)
    check_both(world, world.issue())
    assert versions(world) == [0x34, 0x35, 0x36]
    assert replaced(world) == ["intended", "done"]
    world.hand.insert(RESIDENT)
    with world.station().reader.session() as card, pytest.raises(Refused, match="key version 36"):
        card.open_channel(ChannelPurpose.ERASE, FIRST.session_keys)


@pytest.mark.parametrize("is_before", [True, False])
@pytest.mark.parametrize("at", [0, 1])
def test_a_power_cut_beside_the_replacement_is_resumed(
    tmp_path: Path, authority: Path, at: int, is_before: bool
) -> None:
    whole = new_myna_world(tmp_path / "whole", authority, issuer=NEXT)
    whole.issue()
    said = [json.loads(entry.body).get("step") for entry in whole.station().journal.entries()]
    commit = 1 + said.index(Supplement.REPLACE_CARD_KEYS) + at
    world = new_myna_world(tmp_path / "world", authority, issuer=NEXT)
    database = CuttingDatabase(open_database(world.database_url), commit, is_before=is_before)
    with pytest.raises(PowerCut):
        world.issue(station=world.station(database))
    check_both(world, world.issue())
    assert versions(world) == [0x34, 0x35, 0x36]
    assert replaced(world) == ["intended", "done"]
    verify_chain(world.station().journal.entries())


NUMBER_READ, CHANNEL_OPENED = 3, 4
"""Exchanges of the first insertion, and of the second before the first PUT KEY."""


@pytest.mark.parametrize("sets_replaced", range(4))
def test_a_card_pulled_between_two_replacements_gets_the_rest_at_its_next_visit(
    tmp_path: Path, authority: Path, sets_replaced: int
) -> None:
    world = new_myna_world(tmp_path / "world", authority, issuer=NEXT)
    put_in(world, f"pull-after@{NUMBER_READ + CHANNEL_OPENED + sets_replaced}")
    with pytest.raises((RolledBack, Halted)):
        world.issue()
    assert sum(version >= 0x34 for version in versions(world)) == sets_replaced
    assert len(versions(world)) == 3
    put_in(world, "")
    check_both(world, world.issue())
    assert versions(world) == [0x34, 0x35, 0x36]


def put_in(world: MynaWorld, faults: str) -> None:
    """The card lies in the reader, with what it keeps without power and these faults."""
    world.hand.insert(RESIDENT)
    keys = cycle(prepared_keys())
    card = VirtualCard(
        world.hand.memories[RESIDENT], make_key=lambda: next(keys), faults=parse_card_faults(faults) if faults else None
    )
    world.hand.cards[RESIDENT] = card
    world.slot.insert(card)

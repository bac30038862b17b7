"""A PIV card that knows NIST's standard and nothing beyond goes through the whole counter."""

from dataclasses import replace
from itertools import cycle
from pathlib import Path

from hw.sim.card.card import VirtualCard
from hw.sim.card.limits import STANDARD
from hw.sim.card.memory import MemoryStore
from hw.sim.card.personalization import new_standard_piv_card
from kiosk.authority.embedded.directory import init
from kiosk.config import SHIPPED, load_config
from tests.counter_bench import RESIDENT, START, prepared_keys
from tests.issuance.myna_counter import PIV_PIN, new_myna_world, states

POLICY = "myna-2016.toml"


def test_both_certificates_by_one_typing_of_the_pin_that_each_signature_wants(tmp_path: Path) -> None:
    """It attests nothing, so that the policy must accept that, at the authority and at the counter."""
    refusing, accepting = (f'unattested_cards = "{word}"' for word in ("refused", "accepted"))
    shipped = (SHIPPED / "policy" / POLICY).read_text()
    assert refusing in shipped
    (tmp_path / POLICY).write_text(shipped.replace(refusing, accepting))
    init(tmp_path / "authority", tmp_path / POLICY, load_config(SHIPPED / "kiosk.toml", []).town, lambda: START)
    world = new_myna_world(tmp_path / "world", tmp_path / "authority", password=PIV_PIN)
    store, keys = MemoryStore(new_standard_piv_card("PIV0000012345678")), cycle(prepared_keys())
    world.hand.memories[RESIDENT] = store
    world.hand.cards[RESIDENT] = VirtualCard(store, make_key=lambda: next(keys), limits=STANDARD)
    station = world.station(policy=replace(world.station().policy, unattested_cards="accepted"))
    world.issue(station=station)
    assert states(world) == ["authentication good", "signature good"]
    memory = store.read().piv
    assert memory is not None
    assert {0x5FC102, 0x5FC107, 0x5FC105, 0x5FC10A} <= memory.objects.keys()
    assert (memory.pin.record.tries, memory.puk.record.tries) == (3, 3)

"""Which cards nothing is issued into, and which key is not taken for the one that a card has made."""

from dataclasses import replace
from pathlib import Path

import pytest

from hw.errors import CardUnsupported, Unsupported
from hw.ports import RsaPublicKey
from kiosk.issuance.card_fitness import refuse_unfit
from kiosk.issuance.card_key import refuse_another_key
from kiosk.issuance.failure import CardUnattested, DeliveryUnproven
from tests.counter_bench import RESIDENT, World
from tests.issuance.otherwise import But
from tests.issuance.rest import new_world


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path) -> World:
    return new_world(tmp_path, fresh_authority)


def test_a_card_of_a_kind_that_the_policy_does_not_name_is_refused(world: World) -> None:
    station = world.station()
    world.hand.insert(RESIDENT)
    with station.reader.session() as session:
        refuse_unfit(session, station.policy)
        with pytest.raises(CardUnsupported) as refused:
            refuse_unfit(session, replace(station.policy, card_applications=("another",)))
    assert refused.value.reason is Unsupported.OTHER_POLICY


def test_a_card_that_cannot_prove_its_keys_is_refused_where_the_policy_demands_it(world: World) -> None:
    station = world.station()
    world.hand.insert(RESIDENT)
    with station.reader.session() as session:
        mute = But(session, attests=lambda: False)
        refuse_unfit(mute, replace(station.policy, unattested_cards="accepted"))
        with pytest.raises(CardUnattested):
            refuse_unfit(mute, replace(station.policy, unattested_cards="refused"))


@pytest.mark.parametrize("shown", [None, RsaPublicKey(3, 65537)])
def test_another_key_than_the_one_made_is_not_certified(shown: RsaPublicKey | None) -> None:
    refuse_another_key(RsaPublicKey(5, 65537), RsaPublicKey(5, 65537))
    with pytest.raises(DeliveryUnproven):
        refuse_another_key(RsaPublicKey(5, 65537), shown)

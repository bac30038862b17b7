"""A PIV card that offers SCP03 gets the issuer's keys for it, and then nothing secret passes in clear."""

from collections.abc import Mapping
from dataclasses import replace

import msgspec
import pytest

from hw.card.apdu import EXTENDED, SHORT, Limits
from hw.card.memory import MemorySlot
from hw.card.reader import Reader
from hw.errors import CardAnswerInvalid, CardRemoved, DeviceError, Refused
from hw.ports import FACTORY_KEY_VERSION, ChannelPurpose
from hw.sim.card.card import VirtualCard
from hw.sim.card.memory import MemoryStore
from hw.sim.fault import Fault
from kiosk.counter.card_issuer import CardIssuer, in_memory
from tests.hw.card.office import DEMO_MASTERS, ISSUER, Desk, blank, issue, read_certificate, rsa_key
from tests.hw.card.test_driver_fakes import Between

FIRST = CardIssuer(
    in_memory(
        {
            ChannelPurpose.ISSUE: DEMO_MASTERS.issue,
            ChannelPurpose.RESET: DEMO_MASTERS.reset,
            ChannelPurpose.ERASE: DEMO_MASTERS.erase,
        }
    )
)
NEXT = replace(
    FIRST, later_masters=(in_memory({purpose: bytes([at]) * 16 for at, purpose in enumerate(ChannelPurpose, 1)}),)
)
NUMBER = "PIV0000012345678"
INITIALIZE_UPDATE_AT, PUT_KEY_AT = 7, 12
"""The exchanges of the first opening of a channel with a card from the shop."""


def listened(limits: Limits = EXTENDED, faults: Mapping[int, Fault] | None = None) -> tuple[Desk, list[bytes]]:
    """A card in a reader, and every command as it passes on the way to it."""
    desk, heard = Desk(kind="piv", limits=limits, faults=faults or {}), list[bytes]()
    desk.reader = Reader(desk.slot, limits=limits, trace=lambda command, *_: heard.append(command))
    return desk, heard


def versions(desk: Desk) -> list[int]:
    return sorted(desk.memory.read().channel_keys)


@pytest.mark.parametrize("limits", [EXTENDED, SHORT])
def test_neither_pin_nor_puk_nor_management_key_passes_in_clear(limits: Limits) -> None:
    desk, heard = listened(limits)
    issue(desk.reader)
    assert versions(desk) == [0x01]
    keys = FIRST.management_keys(NUMBER, is_secured=True)
    for secret in (b"424242", keys.puk, keys.management_key):
        assert not any(secret in command for command in heard)
    assert read_certificate(desk.reader) is not None


@pytest.mark.parametrize("sw", ["6D00", "6E00", "6A81", "6A86", "6A88"])
def test_a_card_without_such_a_channel_is_issued_to_all_the_same(sw: str) -> None:
    desk, heard = listened(faults={INITIALIZE_UPDATE_AT: Fault("sw", INITIALIZE_UPDATE_AT, sw)})
    issue(desk.reader)
    assert any(b"424242" in command for command in heard), "in clear, as its standard has it"


@pytest.mark.parametrize("purpose", ChannelPurpose)
@pytest.mark.parametrize("sw", ["6D00", "6E00", "6A81", "6A86", "6A88"])
def test_a_card_with_a_channel_that_is_kept_from_offering_it_gives_nothing_away(
    sw: str, purpose: ChannelPurpose
) -> None:
    """Whoever sits between answers in its place that it has none."""
    desk, _ = listened()
    issue(desk.reader)
    before = desk.memory.read()
    heard: list[bytes] = []

    def without_channel(command: bytes, true: bytes) -> bytes:
        heard.append(command)
        return bytes.fromhex(sw) if command[:2] == b"\x80\x50" else true

    desk.insert()
    reader = Reader(MemorySlot("a bent reader", Between(desk.card, without_channel)))
    with reader.session() as card, pytest.raises(Refused):
        card.open_channel(purpose, ISSUER)
    known = [FIRST.management_keys(NUMBER, is_secured=is_secured) for is_secured in (True, False)]
    assert not any(secret in b"".join(heard) for keys in known for secret in (keys.management_key, keys.puk))
    after = desk.memory.read()
    assert (after.piv, after.channel_keys) == (before.piv, before.channel_keys)


def test_a_card_that_was_taken_over_in_clear_is_managed_again_when_it_offers_the_channel_later() -> None:
    desk, _ = listened(faults={INITIALIZE_UPDATE_AT: Fault("sw", INITIALIZE_UPDATE_AT, "6D00")})
    issue(desk.reader)
    desk.insert()
    issue(desk.reader)
    assert versions(desk) == [FACTORY_KEY_VERSION]


def test_a_card_that_refuses_the_channel_otherwise_is_not_spoken_to_in_clear() -> None:
    desk, heard = listened(faults={INITIALIZE_UPDATE_AT: Fault("sw", INITIALIZE_UPDATE_AT, "6985")})
    with pytest.raises(DeviceError):
        issue(desk.reader)
    assert not any(b"424242" in command for command in heard)


def test_the_next_generation_takes_the_place_of_the_one_before() -> None:
    desk, _ = listened()
    issue(desk.reader)
    with desk.reader.session() as card:
        card.open_channel(ChannelPurpose.ISSUE, NEXT.session_keys)
    assert versions(desk) == [0x02]
    with desk.reader.session() as card:
        card.open_channel(ChannelPurpose.RESET, NEXT.session_keys)
    with desk.reader.session() as card, pytest.raises(Refused, match="key version 02"):
        card.open_channel(ChannelPurpose.ISSUE, FIRST.session_keys)


def test_a_card_whose_keys_are_somebody_elses_is_refused_and_nothing_in_it_is_changed() -> None:
    memory = blank("piv")
    strangers = replace(FIRST, masters=in_memory(dict.fromkeys(ChannelPurpose, bytes(16))))
    store = MemoryStore(memory)
    reader = Reader(MemorySlot("memory", VirtualCard(store, make_key=rsa_key)))
    with reader.session() as card:
        card.open_channel(ChannelPurpose.ISSUE, strangers.session_keys)
    before = store.read()
    with reader.session() as card, pytest.raises(Refused, match="cryptogram"):
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
    assert store.read() == before


@pytest.mark.parametrize("changed", [{"management_key": bytes(32), "management_algorithm": 0x0C}, {"puk": None}])
def test_a_card_that_somebody_else_manages_keeps_its_keys_for_the_channel(changed: dict[str, object]) -> None:
    memory = blank("piv")
    assert memory.piv is not None
    if "puk" in changed:
        changed = {"puk": msgspec.structs.replace(memory.piv.puk, is_default=False)}
    store = MemoryStore(msgspec.structs.replace(memory, piv=msgspec.structs.replace(memory.piv, **changed)))
    reader = Reader(MemorySlot("memory", VirtualCard(store, make_key=rsa_key)))
    with reader.session() as card, pytest.raises(Refused):
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
    assert sorted(store.read().channel_keys) == [FACTORY_KEY_VERSION]


def test_a_card_whose_number_reads_otherwise_the_second_time_keeps_its_makers_keys() -> None:
    """Under keys made of a misread number nobody would find it again."""
    desk, _ = listened(faults={INITIALIZE_UPDATE_AT + 1: Fault("corrupt", INITIALIZE_UPDATE_AT + 1)})
    with pytest.raises(CardAnswerInvalid, match="two numbers"):
        issue(desk.reader)
    assert versions(desk) == [FACTORY_KEY_VERSION]


@pytest.mark.parametrize("fault", ["pull", "pull-after", "torn"])
def test_a_card_pulled_at_the_replacement_has_one_key_set_that_the_issuer_knows(fault: str) -> None:
    desk, _ = listened(faults={PUT_KEY_AT: Fault(fault, PUT_KEY_AT)})
    with pytest.raises(CardRemoved):
        issue(desk.reader)
    assert len(versions(desk)) == 1
    desk.insert()
    issue(desk.reader)
    assert versions(desk) == [0x01]

"""The issuer's keys on a card are replaced by the next generation's, and never are there none that the issuer knows."""

from dataclasses import replace

import pytest

from hw.card.memory import MemorySlot
from hw.card.reader import Reader
from hw.errors import CardRefused, CardRemoved, Refused
from hw.ports import CardReader, ChannelPurpose
from hw.sim.card.card import VirtualCard
from hw.sim.fault import Fault
from kiosk.counter.card_issuer import CardIssuer, in_memory
from tests.hw.card.office import DEMO_MASTERS, Desk, issue

OLD = CardIssuer(
    in_memory(
        {
            ChannelPurpose.ISSUE: DEMO_MASTERS.issue,
            ChannelPurpose.RESET: DEMO_MASTERS.reset,
            ChannelPurpose.ERASE: DEMO_MASTERS.erase,
        }
    )
)
NEW = replace(
    OLD, later_masters=(in_memory({purpose: bytes([at]) * 16 for at, purpose in enumerate(ChannelPurpose, 1)}),)
)
JPKI = ["juki-2011", "juki-2011-b", "myna-2016"]


def rotate(reader: CardReader, issuer: CardIssuer = NEW) -> int:
    with reader.session() as card:
        replacements = issuer.replacements(card.number(), card.key_versions())
        if replacements:
            card.open_channel(ChannelPurpose.ISSUE, issuer.session_keys)
        for replacement in replacements:
            card.replace_channel_keys(replacement)
        return len(replacements)


def opens(reader: CardReader, issuer: CardIssuer) -> list[bool]:
    """For which purposes the issuer opens a channel."""
    opened = []
    for purpose in ChannelPurpose:
        try:
            with reader.session() as card:
                card.open_channel(purpose, issuer.session_keys)
            opened.append(True)
        except Refused:
            opened.append(False)
    return opened


@pytest.mark.parametrize("kind", JPKI)
def test_a_rotated_card_knows_the_new_keys_and_no_longer_the_old(kind: str) -> None:
    desk = Desk(kind=kind)
    issue(desk.reader)
    assert rotate(desk.reader) == 3
    desk.insert()
    with desk.reader.session() as card:
        assert list(card.key_versions().values()) == [0x34, 0x35, 0x36]
    assert opens(desk.reader, NEW) == [True] * 3
    assert opens(desk.reader, OLD) == [False] * 3
    assert rotate(desk.reader) == 0


@pytest.mark.parametrize("fault", ["pull", "pull-after"])
@pytest.mark.parametrize("at", range(1, 9))
def test_a_card_pulled_meanwhile_opens_for_every_purpose_and_is_rotated_again(fault: str, at: int) -> None:
    desk = Desk(faults={at: Fault(fault, at)})
    with pytest.raises(CardRemoved):
        rotate(desk.reader)
        raise CardRemoved("at the end of the session")
    desk.insert()
    assert opens(desk.reader, NEW) == [True] * 3
    rotate(desk.reader)
    assert opens(desk.reader, NEW) == [True] * 3
    assert opens(desk.reader, OLD) == [False] * 3


def test_only_the_issue_channel_replaces_keys_and_only_sound_ones() -> None:
    desk = Desk()
    replacement = NEW.replacements(
        desk.memory.read().number, dict(zip(ChannelPurpose, (0x30, 0x31, 0x32), strict=True))
    )[0]
    with desk.reader.session() as card:
        card.number()
        with pytest.raises(CardRefused):
            card.replace_channel_keys(replacement)
        card.open_channel(ChannelPurpose.RESET, OLD.session_keys)
        with pytest.raises(CardRefused):
            card.replace_channel_keys(replacement)
    data = replacement.data
    for wrong in (
        replace(replacement, old_version=0x33),
        replace(replacement, data=b"\x34" + data[1:]),
        replace(replacement, data=b"\x32" + data[1:]),
        replace(replacement, data=data[:10] + bytes((data[10] ^ 1,)) + data[11:]),
        replace(replacement, data=data[:-1] + bytes((data[-1] ^ 1,))),
    ):
        with desk.reader.session() as card:
            card.open_channel(ChannelPurpose.ISSUE, OLD.session_keys)
            with pytest.raises(CardRefused):
                card.replace_channel_keys(wrong)
    assert opens(desk.reader, OLD) == [True] * 3


def test_the_issuer_knows_every_generation_and_no_other() -> None:
    desk = Desk()
    with desk.reader.session() as card:
        card.open_channel(ChannelPurpose.ISSUE, NEW.session_keys)
    rotate(desk.reader)
    with pytest.raises(Refused, match="key version 34"):
        rotate(desk.reader, OLD)


def test_the_new_keys_cross_the_terminal_encrypted() -> None:
    desk = Desk()
    number = desk.memory.read().number
    versions = dict(zip(ChannelPurpose, (0x30, 0x31, 0x32), strict=True))
    carried = b"".join(replacement.data for replacement in NEW.replacements(number, versions))
    rotate(desk.reader)
    for keys in desk.memory.read().channel_keys.values():
        assert keys.enc not in carried
        assert keys.mac not in carried
    assert isinstance(Reader(MemorySlot("again", VirtualCard(desk.memory))), Reader)

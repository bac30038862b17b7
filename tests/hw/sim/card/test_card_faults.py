"""The grammar of faults, and what each fault does to a card."""

import pytest
from card_terminal import CERTIFICATE, SELECT_AP, SIGN_PIN, Terminal, make_key, update, verify

from hw.errors import CardAbsent, CardMute, CardRemoved, NotSent
from hw.sim.card.card import VirtualCard
from hw.sim.card.faults import parse_card_faults
from hw.sim.fault import Fault, FaultSpecInvalid

PIN = b"KIOSK123"
SELECT = bytes.fromhex(SELECT_AP)
IDENTITY = bytes.fromhex("00CA010100")


def faulty(store, spec, **options):
    card = VirtualCard(store, faults=parse_card_faults(spec), **options)
    card.power_on()
    return card


def test_specification_reads_as_faults_by_number():
    assert parse_card_faults("") == {}
    assert parse_card_faults("pull@7, sw@3=6F00") == {7: Fault("pull", 7), 3: Fault("sw", 3, "6F00")}


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("pull", "KIND@N"),
        ("pull@0", "KIND@N"),
        ("pull@", "KIND@N"),
        ("pull@1,", "KIND@N"),
        ("explode@1", "known: corrupt, delay, loop, mute, oversize, pull, pull-after, sw, torn, weak-key, wrong-key"),
        ("pull@1=9000", "pull takes no value"),
        ("sw@1", "sw takes a value"),
        ("sw@1=90", "sw takes a value"),
        ("pull@4,mute@4", "already a fault at 4"),
    ],
)
def test_wrong_specification_says_which_item_and_why(spec, reason):
    with pytest.raises(FaultSpecInvalid, match=reason):
        parse_card_faults(spec)


def test_pulled_card_is_gone_until_it_is_inserted(store):
    card = faulty(store, "pull@2")
    card.transmit(SELECT)
    for _ in range(2):
        with pytest.raises(CardRemoved):
            card.transmit(IDENTITY)
    assert not card.is_inserted
    with pytest.raises(CardAbsent):
        card.power_on()
    card.insert()
    with pytest.raises(NotSent):
        card.transmit(SELECT)
    card.power_on()
    assert card.transmit(SELECT).hex() == "9000"
    assert card.log == [(0xA4, 0x9000), (0xCA, 0), (0xA4, 0x9000)]


@pytest.mark.parametrize(("fault", "tries"), [("pull", 5), ("pull-after", 4), ("mute", 5), ("sw", 5)])
def test_only_pull_after_lets_the_command_happen(store, prepared_key, fault, tries):
    good = faulty(store, "", make_key=lambda: prepared_key)
    terminal = Terminal(good.transmit)
    terminal.ok(SELECT_AP)
    make_key(terminal, PIN)
    card = faulty(store, f"{fault}@3" + ("=6F00" if fault == "sw" else ""))
    terminal = Terminal(card.transmit)
    terminal.ok(SELECT_AP)
    terminal.ok(SIGN_PIN)
    if fault == "sw":
        assert terminal.send(verify(b"WRONG")) == (b"", 0x6F00)
    else:
        with pytest.raises(CardMute if fault == "mute" else CardRemoved):
            terminal.send(verify(b"WRONG"))
    assert store.read().pins[0x1B].tries == tries


def test_mute_card_stays_mute_until_it_loses_power(store):
    card = faulty(store, "mute@1")
    for _ in range(2):
        with pytest.raises(CardMute):
            card.transmit(SELECT)
    card.power_on()
    assert card.transmit(SELECT).hex() == "9000"


@pytest.mark.parametrize("fault", ["pull", "pull-after"])
def test_card_pulled_anywhere_in_a_certificate_write_reads_as_none_or_whole(store, prepared_key, fault):
    certificate = b"\x30\x82\x03\xfc" + bytes(range(1, 256)) * 4
    pieces = [update(0, bytes(4)), update(4, certificate[4:500]), update(500, certificate[500:]),
              update(0, certificate[:4])]  # fmt: skip
    first = Terminal(faulty(store, "", make_key=lambda: prepared_key).transmit)
    first.ok(SELECT_AP)
    make_key(first, PIN)
    first.secure_ok(CERTIFICATE)
    for piece in pieces:
        first.secure_ok(piece)
    # SELECT, identity, two of the channel, SELECT file: the writes are commands 6 to 9.
    for number in range(6, 10):
        card = faulty(store, f"{fault}@{number}")
        terminal = Terminal(card.transmit)
        terminal.ok(SELECT_AP)
        terminal.open_channel("issue")
        terminal.secure_ok(CERTIFICATE)
        with pytest.raises(CardRemoved):
            for piece in pieces:
                terminal.secure_ok(piece)
        assert card.exchanges == number
        card.insert()
        card.power_on()
        terminal = Terminal(card.transmit)
        terminal.ok(SELECT_AP)
        terminal.ok(SIGN_PIN)
        terminal.ok(verify(PIN))
        terminal.ok(CERTIFICATE)
        header = terminal.ok("00B0000004")
        nothing_yet, all_done = (fault, number) == ("pull", 6), (fault, number) == ("pull-after", 9)
        assert header == (certificate[:4] if nothing_yet or all_done else bytes(4))
        if nothing_yet or all_done:
            assert terminal.ok("00B000000003FF")[:1020] == certificate[:1020]

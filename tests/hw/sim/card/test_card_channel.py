"""The secure channel: the vectors byte for byte, and everything that must end it."""

import pytest
from card_terminal import (
    ATTEST_MASTER,
    MASTERS,
    SELECT_AP,
    SIGN_KEY,
    SIGN_PIN,
    Terminal,
    card_keys,
    encipher,
    set_pin,
)
from msgspec.structs import replace

from hw.ports import ChannelPurpose
from hw.sim.card.apdu import Answer, parse
from hw.sim.card.card import VirtualCard
from hw.sim.card.channel import SecureChannel
from hw.sim.card.memory import MemoryStore, StaticKeys
from hw.sim.card.personalization import new_card

VECTOR_KEYS = StaticKeys(*(bytes(range(start, start + 16)) for start in (0x40, 0x50, 0x60)))
HOST, CARD = bytes.fromhex("1011121314151617"), bytes.fromhex("2021222324252627")
INITIALIZE = bytes.fromhex("80503000 08 1011121314151617 00")
AUTHENTICATE = bytes.fromhex("8482330010 f3ee194d2ddb8c41 ba5747ec7eb7a9be")
SET_PIN = bytes.fromhex("0424018018 c21c294e6a1c2361a4b03a0796bb6821 7c9245a5df430d10")
GENERATE = bytes.fromhex("0447800018 ff69ec581a189d5f99fd346efa94fb03 b96af7f8847cf2d3 00")


def test_channel_answers_the_vectors_of_the_specification():
    channel = SecureChannel(ChannelPurpose.ISSUE, VECTOR_KEYS, HOST, CARD)
    assert channel.card_cryptogram.hex() == "47a627942aea41ed"
    assert channel.authenticate(parse(AUTHENTICATE))

    plain = channel.unwrap(parse(SET_PIN))
    assert (plain.cla, plain.ins, plain.p1p2, plain.data) == (0x00, 0x24, 0x0180, b"KIOSK123")
    assert channel.wrap(Answer()).data.hex() == "7b6021324e72620b"

    plain = channel.unwrap(parse(GENERATE))
    assert (plain.cla, plain.ins, plain.p1p2, plain.data, plain.le) == (0x00, 0x47, 0x8000, b"\xac\x00", 256)
    answer = channel.wrap(Answer(bytes.fromhex("7f4903810155")))
    assert answer.data.hex() == "1d3e13823430334b5ea2b0db472c9ecc" + "22336de995ed278a"


def test_card_answers_the_vectors_on_the_wire(prepared_key):
    memory = replace(new_card("JUKI20110000TEST"), channel_keys={0x30: VECTOR_KEYS})
    card = VirtualCard(MemoryStore(memory), make_key=lambda: prepared_key, random_bytes=lambda n: (CARD * 2)[:n])
    card.power_on()
    card.transmit(bytes.fromhex(SELECT_AP))
    card.transmit(bytes.fromhex(SIGN_PIN))
    assert card.transmit(INITIALIZE)[10:].hex() == "300360" + CARD.hex() + "47a627942aea41ed" + "9000"
    assert card.transmit(AUTHENTICATE).hex() == "9000"
    assert card.transmit(SET_PIN).hex() == "7b6021324e72620b" + "9000"
    card.transmit(bytes.fromhex("0020008008") + b"KIOSK123")
    card.transmit(bytes.fromhex(SIGN_KEY))
    assert card.transmit(GENERATE)[-2:].hex() == "6118"
    assert memory.keys == {}


def test_keys_of_a_card_are_derived_from_masters_and_number():
    memory = new_card("JUKI20110000TEST")
    for purpose, (version, master) in MASTERS.items():
        keys = memory.channel_keys[version]
        assert [keys.enc, keys.mac, keys.dek] == card_keys(master, purpose, "JUKI20110000TEST", 3)
    assert [memory.attestation_key] == card_keys(ATTEST_MASTER, "attest", "JUKI20110000TEST", 1)
    assert memory.attestation_key.hex() not in repr(memory)


@pytest.mark.parametrize("purpose", MASTERS)
def test_channel_opens_for_each_purpose(terminal, purpose):
    terminal.open_channel(purpose)
    assert terminal.secure_ok("00CA010100") == terminal.ok("00CA010100")


def test_key_version_zero_means_issue(terminal):
    answer, sw = terminal.send("80500000 08 1011121314151617 00")
    assert (answer[10], sw) == (0x30, 0x9000)


def test_unknown_key_version_is_refused(terminal):
    assert terminal.send("80503300 08 1011121314151617 00") == (b"", 0x6A88)


def test_wrong_host_cryptogram_opens_nothing(terminal, card, store):
    store.write(replace(store.read(), channel_keys={0x30: VECTOR_KEYS}))
    strange = VirtualCard(store, random_bytes=lambda n: CARD[:n])
    strange.power_on()
    strange.transmit(bytes.fromhex(SELECT_AP))
    strange.transmit(INITIALIZE)
    channel = SecureChannel(ChannelPurpose.ISSUE, VECTOR_KEYS, HOST, CARD)
    wrong = Terminal(strange.transmit)
    wrong.mac = channel._mac
    assert wrong.send(wrong._with_mac(b"\x84\x82\x33\x00", bytes(8), b"", is_extended=False)) == (b"", 0x6300)
    assert strange.transmit(AUTHENTICATE).hex() == "6985"


def test_external_authenticate_needs_an_offer(terminal):
    assert terminal.send(AUTHENTICATE) == (b"", 0x6985)


def test_unknown_security_levels_are_refused(terminal):
    for level in (0x02, 0x10, 0x30, 0x32, 0x73):
        assert terminal.send(bytes((0x84, 0x82, level, 0, 16)) + bytes(16)) == (b"", 0x6A86)


@pytest.mark.parametrize("level", [0x01, 0x03, 0x11, 0x13])
def test_a_weaker_level_opens_as_the_standard_says_and_carries_no_right(terminal, level):
    terminal.open_channel("issue", level=level)
    encrypted = level & 0x02
    command = bytes.fromhex("00A4020C02001B")
    header, data = command[:4], command[5:]
    terminal.counter += 1
    sealed = encipher(terminal.enc, terminal.counter.to_bytes(16, "big"), data) if encrypted else data
    answer = terminal.ok(terminal._with_mac(b"\x04" + header[1:], sealed, b"", is_extended=False))
    assert len(answer) == (8 if level & 0x10 else 0)
    terminal.counter += 1
    pin = encipher(terminal.enc, terminal.counter.to_bytes(16, "big"), b"KIOSK123") if encrypted else b"KIOSK123"
    assert terminal.send(terminal._with_mac(b"\x04\x24\x01\x80", pin, b"", is_extended=False)) == (b"", 0x6982)


@pytest.mark.parametrize("position", [1, 5, 10, 21, 23, 30])
def test_one_changed_bit_ends_the_channel(terminal, position):
    terminal.ok(SIGN_PIN)
    terminal.open_channel("issue")
    good = bytearray(terminal.secured(set_pin(b"KIOSK123")))
    good[min(position, len(good) - 1)] ^= 0x01 if position != 1 else 0x08
    assert terminal.send(bytes(good)) == (b"", 0x6982)
    assert terminal.secure(set_pin(b"KIOSK123")) == (b"", 0x6982)
    assert terminal.send("00CA010100")[0][-4:] == bytes.fromhex("00C20100"), "no password was set"


def test_replayed_command_ends_the_channel(terminal):
    terminal.open_channel("issue")
    command = terminal.secured(bytes.fromhex("00CA010100"))
    terminal.ok(command)
    assert terminal.send(command) == (b"", 0x6982)
    assert terminal.secure("00CA010100") == (b"", 0x6982)


def test_secured_command_without_a_channel_is_refused(terminal):
    assert terminal.send("04CA010108" + "00" * 8 + "00") == (b"", 0x6982)


def test_refusal_inside_the_channel_has_no_mac_and_leaves_it_open(terminal):
    terminal.open_channel("issue")
    assert terminal.secure("00A4020C020999") == (b"", 0x6A82)
    terminal.secure_ok(SIGN_PIN)


def test_warning_inside_the_channel_carries_a_mac(terminal):
    terminal.open_channel("issue")
    terminal.secure_ok(SIGN_PIN)
    terminal.secure_ok(set_pin(b"KIOSK123"))
    assert terminal.secure("00200080" + "04" + b"nope".hex()) == (b"", 0x63C4)


def test_free_commands_pass_outside_an_open_channel_and_do_not_disturb_it(terminal):
    terminal.open_channel("issue")
    terminal.ok(SIGN_PIN)
    assert terminal.send(set_pin(b"KIOSK123")) == (b"", 0x6982)
    terminal.secure_ok(set_pin(b"KIOSK123"))


@pytest.mark.parametrize("ending", [SELECT_AP, "80503000 08 1011121314151617 00"])
def test_channel_ends_with_selection_and_with_the_next_offer(terminal, ending):
    terminal.open_channel("issue")
    terminal.ok(ending)
    assert terminal.secure("00CA010100") == (b"", 0x6982)


def test_selection_inside_the_channel_answers_inside_and_ends_it(terminal):
    terminal.open_channel("issue")
    terminal.secure_ok(SELECT_AP)
    assert terminal.secure("00CA010100") == (b"", 0x6982)


def test_channel_ends_with_loss_of_power(terminal, card):
    terminal.open_channel("issue")
    card.power_on()
    terminal.ok(SELECT_AP)
    assert terminal.secure("00CA010100") == (b"", 0x6982)


def test_long_protected_answer_comes_in_two_parts_or_extended_in_one(terminal, card):
    terminal.open_channel("issue")
    terminal.secure_ok("00A4020C020002")
    before = card.exchanges
    assert terminal.secure_ok("00B0000000") == bytes(256)
    assert card.exchanges - before == 2
    assert terminal.secure_ok("00B00000000000") == bytes(4096)
    assert card.exchanges - before == 3

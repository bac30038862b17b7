import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_card import ScriptedCard

from hw.card.apdu import EXTENDED, SHORT, Command, Response
from hw.card.connection import CommandPort, Traffic, command_port
from hw.card.secure_channel import SecureChannel, initialize_update
from hw.errors import CardAnswerInvalid, CardRefused, CardRemoved, NotSent
from hw.ports import ChannelPurpose, SessionKeys
from hw.sim.card import apdu as card_apdu
from hw.sim.card import channel as card_channel
from hw.sim.card.memory import StaticKeys

HOST, CARD = bytes.fromhex("1011121314151617"), bytes.fromhex("2021222324252627")
KEYS = SessionKeys(
    enc=bytes.fromhex("11e6cf957b1fc17254d9043f67ba2750"),
    mac=bytes.fromhex("c4886bc3ccf7ae65a571ef87826d8f69"),
    rmac=bytes.fromhex("0731a3ca1f4a1053e58c4e99a1406333"),
)
GREETING = "4b494f534b2d30303031 300360 2021222324252627 47a627942aea41ed"
AUTHENTICATE = ("8482330010 f3ee194d2ddb8c41 ba5747ec7eb7a9be", "9000")
SECURED_PIN = "0424018018 c21c294e6a1c2361a4b03a0796bb6821 7c9245a5df430d10"
SECURED_GENERATE = "0447800018 ff69ec581a189d5f99fd346efa94fb03 b96af7f8847cf2d3 00"
GENERATED = "1d3e13823430334b5ea2b0db472c9ecc 22336de995ed278a 9000"

SET_PIN = Command(0x00, 0x24, 0x01, 0x80, bytes.fromhex("4b494f534b313233"))
GENERATE = Command(0x00, 0x47, 0x80, 0x00, b"\xac\x00", le=256)


def plain(*pairs: tuple[str, str]) -> CommandPort:
    return command_port(Traffic(ScriptedCard(*pairs), None, lambda: 0.0), SHORT)


def channel(*pairs: tuple[str, str]) -> SecureChannel:
    return SecureChannel.open(plain(AUTHENTICATE, *pairs), KEYS, HOST + CARD)


def generating(answer: bytes) -> SecureChannel:
    opened = channel((SECURED_PIN, "7b6021324e72620b 9000"), (SECURED_GENERATE, answer.hex()))
    assert opened.send(SET_PIN) == Response(b"", 0x9000)
    return opened


def test_the_card_is_greeted_as_the_vectors_say() -> None:
    greeting = initialize_update(plain((f"80503000 08 {HOST.hex()} 00", GREETING + "9000")), 0x30, HOST)
    assert (greeting.card_challenge, greeting.card_cryptogram.hex()) == (CARD, "47a627942aea41ed")


def test_commands_and_answers_are_those_of_the_vectors() -> None:
    opened = generating(bytes.fromhex(GENERATED))
    assert opened.send(GENERATE) == Response(bytes.fromhex("7f4903810155"), 0x9000)


def test_an_answer_in_pieces_is_joined_before_it_is_opened() -> None:
    first, second = GENERATED.replace(" ", "")[:20], GENERATED.replace(" ", "")[20:]
    opened = channel((SECURED_PIN, "7b6021324e72620b 9000"), (SECURED_GENERATE, first + "610E"), ("00C000000E", second))
    opened.send(SET_PIN)
    assert opened.send(GENERATE).data == bytes.fromhex("7f4903810155")


@given(st.integers(0, 25), st.integers(1, 255))
def test_an_answer_changed_in_any_byte_ends_the_channel(position: int, flip: int) -> None:
    answer = bytearray.fromhex(GENERATED)
    answer[position % 24] ^= flip
    opened = generating(bytes(answer))
    with pytest.raises(CardAnswerInvalid):
        opened.send(GENERATE)
    with pytest.raises(NotSent):
        opened.send(SET_PIN)


@pytest.mark.parametrize("answer", ["9000", "00 9000", GENERATED.replace("9000", "6282"), "22336de995ed278a 9000"])
def test_an_answer_that_lacks_its_mac_or_its_data_is_not_the_cards(answer: str) -> None:
    with pytest.raises(CardAnswerInvalid):
        generating(bytes.fromhex(answer)).send(GENERATE)


@pytest.mark.parametrize("answer", ["6982", "63C4", "AABBCC 6982"])
def test_a_refusal_needs_no_mac_brings_no_data_and_leaves_the_channel_open(answer: str) -> None:
    opened = channel((SECURED_PIN, answer), (SECURED_GENERATE, GENERATED))
    assert opened.send(SET_PIN) == Response(b"", int(answer[-4:], 16))
    assert opened.send(GENERATE).sw == 0x9000


def test_the_channel_ends_with_the_link() -> None:
    class Removed:
        limits = SHORT

        def send(self, command: Command) -> Response:
            if command.ins == 0x82:
                return Response(b"", 0x9000)
            raise CardRemoved("gone")

    opened = SecureChannel.open(Removed(), KEYS, HOST + CARD)
    with pytest.raises(CardRemoved):
        opened.send(SET_PIN)
    with pytest.raises(NotSent):
        opened.send(SET_PIN)


@pytest.mark.parametrize(
    "greeting",
    [
        GREETING.replace("300360", "310360"),
        GREETING.replace("300360", "300260"),
        GREETING.replace("300360", "300300"),
        GREETING.replace("300360", "300370"),
        GREETING + "000001",
        GREETING[:40],
        "",
    ],
)
def test_a_card_that_offers_another_channel_is_not_trusted(greeting: str) -> None:
    with pytest.raises(CardAnswerInvalid):
        initialize_update(plain((f"8050300008 {HOST.hex()} 00", greeting + "9000")), 0x30, HOST)


def test_a_sequence_counter_belongs_to_pseudo_random_challenges() -> None:
    answer = GREETING.replace("300360", "300370") + "000001 9000"
    assert initialize_update(plain((f"8050300008 {HOST.hex()} 00", answer)), 0x30, HOST).card_challenge == CARD


def test_a_host_that_the_card_does_not_believe_has_no_channel() -> None:
    with pytest.raises(CardRefused):
        SecureChannel.open(plain((AUTHENTICATE[0], "6300")), KEYS, HOST + CARD)


class CardSide:
    """The simulated card's end of the channel as a port: keeps the plain commands and answers what it is told to."""

    limits = EXTENDED

    def __init__(self, answer: bytes) -> None:
        keys = StaticKeys(*(bytes(range(start, start + 16)) for start in (0x40, 0x50, 0x60)))
        self._channel = card_channel.SecureChannel(ChannelPurpose.ISSUE, keys, HOST, CARD)
        self._answer = answer
        self.plain: list[bytes] = []

    def send(self, command: Command) -> Response:
        received = card_apdu.parse(command.encode())
        if received.ins == 0x82:
            assert self._channel.authenticate(received)
            return Response(b"", 0x9000)
        self.plain.append(self._channel.unwrap(received).data)
        answer = self._channel.wrap(card_apdu.Answer(self._answer, 0x9000))
        return Response(answer.data, answer.sw)


@given(st.lists(st.binary(max_size=600), max_size=4), st.binary(max_size=600), st.none() | st.integers(1, 65536))
def test_commands_of_any_length_arrive_and_so_do_answers(commands: list[bytes], answer: bytes, le: int | None) -> None:
    card = CardSide(answer)
    opened = SecureChannel.open(card, KEYS, HOST + CARD)
    for data in commands:
        assert opened.send(Command(0x00, 0xD6, 0x00, 0x00, data, le)) == Response(answer, 0x9000)
    assert card.plain == commands


def test_the_longest_command_of_a_short_reader_fits_and_no_longer_one() -> None:
    sent: list[bytes] = []

    class Connection(ScriptedCard):
        def transmit(self, command: bytes) -> bytes:
            sent.append(command)
            return b"\x69\x82" if len(sent) > 1 else b"\x90\x00"

    opened = SecureChannel.open(command_port(Traffic(Connection(), None, lambda: 0.0), SHORT), KEYS, HOST + CARD)
    opened.send(Command(0x00, 0xD6, 0x00, 0x00, bytes(opened.limits.data)))
    assert len(sent[-1]) == 5 + 248
    with pytest.raises(NotSent):
        opened.send(Command(0x00, 0xD6, 0x00, 0x00, bytes(opened.limits.data + 1)))


def test_the_longest_answer_of_a_short_reader_comes_in_one_piece() -> None:
    opened = channel()
    assert opened.limits.answer // 16 * 16 + 16 + 8 <= SHORT.answer < (opened.limits.answer + 1) // 16 * 16 + 16 + 8

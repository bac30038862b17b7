from collections.abc import Callable

import pytest
from scripted_card import ScriptedCard

from hw.card.apdu import EXTENDED, SHORT, Command, Limits, Response
from hw.card.connection import CommandChaining, CommandPort, Traffic, command_port
from hw.errors import CardAnswerInvalid, CardRemoved, DeviceError, NotSent

READ = Command(0x00, 0xB0, 0x00, 0x00, le=4096)


class Answering:
    """A connection that gives every command the answer of a function."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self.transmit = answer

    def close(self) -> None:
        pass


def port(script: ScriptedCard | Answering, limits: Limits = EXTENDED) -> CommandPort:
    return command_port(Traffic(script, None, lambda: 0.0), limits)


def test_a_long_answer_is_one_exchange_with_extended_length() -> None:
    script = ScriptedCard(("00B00000001000", "AA" * 1000 + "9000"))
    assert port(script).send(READ) == Response(b"\xaa" * 1000, 0x9000)
    script.close()


def test_a_short_reader_is_asked_for_256_bytes_and_the_rest_is_fetched() -> None:
    script = ScriptedCard(
        ("00B0000000", "AA" * 256 + "6100"),
        ("00C0000000", "BB" * 256 + "610E"),
        ("00C000000E", "CC" * 14 + "9000"),
    )
    assert port(script, SHORT).send(READ) == Response(b"\xaa" * 256 + b"\xbb" * 256 + b"\xcc" * 14, 0x9000)
    script.close()


def test_a_wrong_le_is_corrected_once() -> None:
    script = ScriptedCard(("00B00000001000", "6C03"), ("00B0000003", "AABBCC9000"))
    assert port(script).send(READ) == Response(b"\xaa\xbb\xcc", 0x9000)
    script.close()


def test_a_card_that_is_never_content_with_le_is_not_asked_again() -> None:
    script = ScriptedCard(("00B00000001000", "6C03"), ("00B0000003", "6C02"))
    assert port(script).send(READ).sw == 0x6C02
    script.close()


@pytest.mark.parametrize("command", [Command(0x00, 0x20, 0x00, 0x80, b"1234"), Command(0x04, 0xB0, 0x00, 0x00, le=9)])
def test_neither_a_password_nor_a_secured_command_is_sent_twice(command: Command) -> None:
    script = ScriptedCard((command.encode().hex(), "6C03"))
    assert port(script).send(command).sw == 0x6C03
    script.close()


@pytest.mark.parametrize("answer", ["6101", "AA" * 256 + "6100"])
def test_an_answer_without_end_is_invalid(answer: str) -> None:
    traffic = Traffic(Answering(lambda _: bytes.fromhex(answer)), None, lambda: 0.0)
    with pytest.raises(CardAnswerInvalid):
        command_port(traffic, EXTENDED).send(READ)
    assert traffic.exchanges <= 258


@pytest.mark.parametrize("answer", ["", "90", "1234", "AA5000"])
def test_an_answer_without_status_word_is_invalid(answer: str) -> None:
    with pytest.raises(CardAnswerInvalid):
        port(Answering(lambda _: bytes.fromhex(answer))).send(READ)


def test_more_data_than_the_reader_passes_on_is_not_sent() -> None:
    with pytest.raises(NotSent):
        port(ScriptedCard(), SHORT).send(Command(0x00, 0xD6, 0x00, 0x00, bytes(256)))


def test_every_exchange_is_counted_timed_and_traced_also_the_one_that_failed() -> None:
    heard: list[tuple[bytes, bytes | DeviceError, float]] = []
    ticks = iter([1.0, 1.5, 10.0, 10.25])
    removed = CardRemoved("gone")

    def answer(command: bytes) -> bytes:
        if command == b"\x02":
            raise removed
        return b"\x90\x00"

    traffic = Traffic(Answering(answer), lambda *exchange: heard.append(exchange), lambda: next(ticks))
    traffic.transmit(b"\x01")
    with pytest.raises(CardRemoved):
        traffic.transmit(b"\x02")
    assert heard == [(b"\x01", b"\x90\x00", 0.5), (b"\x02", removed, 0.25)]
    assert traffic.exchanges == 2


def test_a_card_that_refuses_the_extended_form_has_the_command_again_in_pieces() -> None:
    """Nothing of it was done; a card that knows short lengths only may say so at the first long command."""
    script = ScriptedCard(
        ("0087079C00012C" + "AB" * 300 + "0100", "6700"),
        ("1087079CFF" + "AB" * 255, "9000"),
        ("0087079C2D" + "AB" * 45 + "00", "AA9000"),
    )
    chaining = CommandChaining(port(script))
    assert chaining.send(Command(0x00, 0x87, 0x07, 0x9C, b"\xab" * 300, le=256)) == Response(b"\xaa", 0x9000)
    script.close()


def test_a_command_whose_pieces_are_refused_too_is_not_begun_a_third_time() -> None:
    script = ScriptedCard(("0087079C00012C" + "AB" * 300 + "0100", "6700"), ("1087079CFF" + "AB" * 255, "6700"))
    assert CommandChaining(port(script)).send(Command(0x00, 0x87, 0x07, 0x9C, b"\xab" * 300, le=256)).sw == 0x6700
    script.close()

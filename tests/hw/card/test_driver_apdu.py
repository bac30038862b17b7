import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.card.apdu import Command, Response
from hw.errors import CardAnswerInvalid


@pytest.mark.parametrize(
    ("command", "encoded"),
    [
        (Command(0x00, 0x20, 0x00, 0x80), "00200080"),
        (Command(0x00, 0xB0, 0x00, 0x00, le=256), "00B0000000"),
        (Command(0x00, 0xB0, 0x01, 0x00, le=1), "00B0010001"),
        (Command(0x00, 0xA4, 0x02, 0x0C, b"\x00\x1b"), "00A4020C02001B"),
        (Command(0x80, 0x2A, 0x00, 0x80, b"\xab", le=256), "802A008001AB00"),
        (Command(0x00, 0xB0, 0x00, 0x00, le=4096), "00B00000001000"),
        (Command(0x00, 0xB0, 0x00, 0x00, le=65536), "00B00000000000"),
        (Command(0x00, 0xD6, 0x00, 0x04, bytes(256)), "00D60004000100" + "00" * 256),
        (Command(0x00, 0x47, 0x80, 0x00, b"\xac\x00", le=512), "00478000000002AC000200"),
    ],
)
def test_a_command_is_encoded_in_the_shortest_form_that_holds_it(command: Command, encoded: str) -> None:
    assert command.encode().hex().upper() == encoded


@given(st.binary(max_size=700), st.none() | st.integers(1, 65536))
def test_lengths_can_be_read_back_from_the_bytes(data: bytes, le: int | None) -> None:
    body = Command(0x00, 0xD6, 0x00, 0x00, data, le).encode()[4:]
    is_extended = len(data) > 255 or (le or 0) > 256
    if is_extended:
        assert body[0] == 0
        body = body[1:]
    width = 2 if is_extended else 1
    if data:
        assert int.from_bytes(body[:width], "big") == len(data)
        assert body[width : width + len(data)] == data
        body = body[width + len(data) :]
    assert (None if not body else int.from_bytes(body, "big") or 256**width) == le


@pytest.mark.parametrize(
    "fields",
    [
        {"cla": 0x100},
        {"cla": 0xFF},
        {"ins": 0x6A},
        {"ins": 0x9A},
        {"p1": -1},
        {"le": 0},
        {"le": 65537},
        {"data": bytes(65536)},
    ],
)
def test_what_the_standard_does_not_know_is_no_command(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Command(**{"cla": 0, "ins": 0xB0, "p1": 0, "p2": 0, **fields})  # wrong on purpose


def test_neither_password_nor_certificate_shows_in_a_repr() -> None:
    assert "KIOSK123" not in repr(Command(0x00, 0x20, 0x00, 0x80, b"KIOSK123"))
    assert "SUZUKI" not in repr(Response(b"SUZUKI", 0x9000))


@given(st.binary(max_size=300))
def test_any_bytes_are_an_answer_or_declared_invalid(answer: bytes) -> None:
    try:
        response = Response.decode(answer)
    except CardAnswerInvalid:
        assert len(answer) < 2 or answer[-2] >> 4 not in (6, 9)
    else:
        assert response.data + response.sw.to_bytes(2, "big") == answer

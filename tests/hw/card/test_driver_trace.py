import pytest

from hw.card.trace import RedactingTrace
from hw.errors import CardRemoved, DeviceError

PIN, CERTIFICATE = b"KIOSK123", b"SUZUKI HANAKO"


def trace(*exchanges: tuple[bytes, bytes | DeviceError]) -> list[str]:
    lines: list[str] = []
    tracer = RedactingTrace(lines.append)
    for command, answer in exchanges:
        tracer(command, answer, 0.00123)
    return lines


def select(file: str) -> tuple[bytes, bytes]:
    return bytes.fromhex("00A4020C02" + file), b"\x90\x00"


def test_an_exchange_is_two_lines() -> None:
    assert trace(select("001B")) == ["> 00A4020C02 001B", "< 9000 1.2 ms"]


@pytest.mark.parametrize("header", ["00200080", "00240180", "002C0280", "04200080"])
def test_a_password_and_its_length_are_masked(header: str) -> None:
    lines = trace((bytes.fromhex(header) + bytes((len(PIN),)) + PIN, b"\x63\xc4"))
    assert lines == [f"> {header} [password]", "< 63C4 1.2 ms"]


def test_the_question_for_attempts_is_shown() -> None:
    assert trace((bytes.fromhex("00200080"), b"\x63\xc5"))[0] == "> 00200080"


def test_a_certificate_is_masked_both_ways_and_in_every_piece() -> None:
    read = (bytes.fromhex("00B0000000"), CERTIFICATE + b"\x61\x0d")
    rest = (bytes.fromhex("00C000000D"), CERTIFICATE + b"\x90\x00")
    write = (bytes.fromhex("00D600000D") + CERTIFICATE, b"\x90\x00")
    lines = trace(select("0001"), read, rest, write)
    assert CERTIFICATE.hex().upper() not in "".join(lines)
    assert lines[3] == "< [13 bytes] 610D 1.2 ms"
    assert lines[6] == "> 00D600000D [13 bytes]"


def test_a_file_of_no_person_is_shown() -> None:
    assert trace(select("0006"), (bytes.fromhex("00B0000004"), b"JPKI\x90\x00"))[3] == "< 4A504B49 9000 1.2 ms"


@pytest.mark.parametrize(
    "before",
    [
        [],
        [select("0006"), select("0001")],
        [select("0006"), (bytes.fromhex("00A4020C020001"), b"\x6a\x82")],
        [select("0006"), (bytes.fromhex("00A4020C020001"), CardRemoved("gone"))],
        [select("0006"), (bytes.fromhex("04A4020C10") + bytes(16), b"\x90\x00")],
    ],
)
def test_a_file_that_is_not_known_to_be_harmless_is_masked(before: list[tuple[bytes, bytes | DeviceError]]) -> None:
    assert trace(*before, (bytes.fromhex("00B0000004"), b"ABCD\x90\x00"))[-1] == "< [4 bytes] 9000 1.2 ms"


def test_a_short_identifier_tells_the_file() -> None:
    read = bytes.fromhex("00B0860004")
    assert trace((read, b"JPKI\x90\x00"))[1] == "< 4A504B49 9000 1.2 ms"
    assert trace(select("0006"), (bytes.fromhex("00B0810004"), b"ABCD\x90\x00"))[3] == "< [4 bytes] 9000 1.2 ms"


def test_a_short_identifier_that_the_card_does_not_know_says_nothing_of_the_file_that_is_selected() -> None:
    refused = (bytes.fromhex("00B0860004"), b"\x6a\x86")
    lines = trace(select("0001"), refused, (bytes.fromhex("00B0000004"), b"ABCD\x90\x00"))
    assert lines[-1] == "< [4 bytes] 9000 1.2 ms"


@pytest.mark.parametrize("header", ["00FFFFFF", "00FE079A", "00DB3FFF", "0087039B", "10DB3FFF", "00CB3FFF"])
def test_keys_and_data_objects_of_a_piv_card_are_masked_both_ways(header: str) -> None:
    lines = trace((bytes.fromhex(header) + b"\x08" + PIN, CERTIFICATE + b"\x90\x00"))
    assert lines == [f"> {header}08 [8 bytes]", "< [13 bytes] 9000 1.2 ms"]


def test_nothing_under_a_secure_channel_is_shown() -> None:
    lines = trace((bytes.fromhex("0447800008") + bytes(8), bytes(24) + b"\x61\x04"), (b"\0\xc0\0\0\x04", b"ABCD\x90\0"))
    assert lines == ["> 0447800008 [8 bytes]", "< [24 bytes] 6104 1.2 ms", "> 00C00000 04", "< [4 bytes] 9000 1.2 ms"]


def test_an_error_is_named_in_place_of_the_answer() -> None:
    assert trace((bytes.fromhex("00A4020C020001"), CardRemoved("gone")))[1] == "< CardRemoved 1.2 ms"

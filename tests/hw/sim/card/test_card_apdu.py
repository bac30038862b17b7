"""Commands of every form: the strict parser, and bytes that are no command."""

import pytest
from card_terminal import SELECT_AP, SIGN_KEY, SIGN_PIN, make_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hw.sim.card.apdu import Command, Refusal, parse
from hw.sim.card.jpki import COMMANDS

HEADER = bytes.fromhex("00B01234")
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize(
    ("body", "data", "le", "extended"),
    [
        ("", b"", None, False),
        ("00", b"", 256, False),
        ("10", b"", 16, False),
        ("02AABB", b"\xaa\xbb", None, False),
        ("02AABB00", b"\xaa\xbb", 256, False),
        ("02AABB05", b"\xaa\xbb", 5, False),
        ("000000", b"", 65536, True),
        ("000102", b"", 258, True),
        ("000002AABB", b"\xaa\xbb", None, True),
        ("000002AABB0000", b"\xaa\xbb", 65536, True),
        ("000002AABB0100", b"\xaa\xbb", 256, True),
    ],
)
def test_every_case_of_command(body, data, le, extended):
    assert parse(HEADER + bytes.fromhex(body)) == Command(0x00, 0xB0, 0x12, 0x34, data, le, extended)


@pytest.mark.parametrize(
    "raw", ["", "00", "00B000", "00B012340000", "00B0123402AA", "00B0123402AABB0000", "00B01234000000AA",
            "00B01234000002AA", "00B01234000002AABB00", "00B01234000002AABB000000"],
)  # fmt: skip
def test_wrong_lengths_are_refused(raw):
    with pytest.raises(Refusal, match="6700"):
        parse(bytes.fromhex(raw))


@given(data=st.binary(max_size=300), le=st.none() | st.integers(1, 256), extended=st.booleans())
@quick
def test_what_was_encoded_is_parsed(data, le, extended):
    extended = extended or len(data) > 255
    size = 2 if extended else 1
    body = len(data).to_bytes(size, "big") + data if data else b""
    end = b"" if le is None else (le % 256 if not extended else le).to_bytes(size, "big")
    marker = b"\0" if extended and (body or end) else b""
    command = parse(HEADER + marker + body + end)
    assert (command.data, command.le) == (data, le)


def test_data_stays_out_of_the_representation():
    assert "SECRET" not in repr(parse(bytes.fromhex("0020008006") + b"SECRET"))


@given(raw=st.binary(max_size=40))
@quick
def test_any_bytes_get_an_answer(card, raw):
    assert len(card.transmit(raw)) >= 2


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from([*COMMANDS, (0x00, 0xC0), (0x04, 0xB0), (0x84, 0x2A)]),
            st.sampled_from([0x0000, 0x020C, 0x040C, 0x0080, 0x0180, 0x0280, 0x0101, 0x0033, 0x8000, 0x8100, 0x3300]),
            st.binary(max_size=20) | st.sampled_from([bytes.fromhex(fid) for fid in ("0001", "001A", "001B", "0018")]),
            st.sampled_from([b"", b"\x00", b"\x08"]),
        ),
        max_size=6,
    )
)
@quick
def test_any_sequence_of_commands_gets_answers_and_gives_no_right(card, store, steps):
    card.transmit(bytes.fromhex(SELECT_AP))
    before = store.read()
    for (cla, ins), p1p2, data, le in steps:
        body = bytes((len(data),)) + data if data else b""
        answer = card.transmit(bytes((cla, ins)) + p1p2.to_bytes(2, "big") + body + le)
        assert len(answer) >= 2
        assert answer[-2] in (0x61, 0x63, 0x67, 0x68, 0x69, 0x6A, 0x6B, 0x6D, 0x6E, 0x90)
    assert store.read() == before, "nobody proved a right"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("00FF0000", 0x6D00),
        ("01B0000000", 0x6881),
        ("40B0000000", 0x6881),
        ("8150300008" + "00" * 8 + "00", 0x6881),
        ("0CB0000000", 0x6882),
        ("08B0000000", 0x6882),
        ("10B0000000", 0x6884),
        ("FFB0000000", 0x6E00),
        ("002A0080010000", 0x6E00),
        ("80B0000000", 0x6E00),
        ("00200081", 0x6A86),
        ("00240080041234", 0x6700),
        ("002400800431323334", 0x6A86),
        ("00478200", 0x6A86),
        ("00CA000000", 0x6A86),
        ("00CA0101", 0x6700),
        ("00B00000", 0x6700),
        ("00A4020C020999", 0x6A82),
        ("00A4020C03000100", 0x6700),
        ("00A4040C02AABB", 0x6A82),
        ("00A404000AD392F000260100000001", 0x6A86),
        ("00B0000000", 0x6986),
        ("00200080", 0x6986),
        ("0047810000", 0x6986),
        ("802A0080010000", 0x6986),
        ("00D600000100", 0x6986),
        ("00C0000000", 0x6985),
        ("8050000007" + "00" * 7 + "00", 0x6700),
        ("00880033020000" + "00", 0x6700),
    ],
)
def test_form_errors_have_their_own_status(terminal, command, sw):
    assert terminal.send(command) == (b"", sw)


def test_file_of_another_kind_is_refused(terminal):
    terminal.ok("00A4020C020006")
    assert terminal.send("00200080") == (b"", 0x6981)
    assert terminal.send("0047810000") == (b"", 0x6981)
    terminal.ok(SIGN_PIN)
    assert terminal.send("00B0000000") == (b"", 0x6981)


@pytest.mark.parametrize("select", ["", "00A4040000", "00A4040005A000000151", "00A4040008A000000151000000"])
def test_the_issuer_domain_is_selected_by_default_and_by_the_beginning_of_its_name(card, select):
    if select:
        assert card.transmit(bytes.fromhex(select))[-2:].hex() == "9000"
    assert card.transmit(bytes.fromhex("80CA006600"))[:1].hex() == "66"
    answer = card.transmit(bytes.fromhex("8050000008" + "00" * 8))
    assert (len(answer), answer[-2:].hex()) == (31, "9000")
    assert card.transmit(bytes.fromhex("00B0000000")).hex() == "6d00"
    assert card.transmit(bytes.fromhex("10CA006600")).hex() == "6884"


def test_the_beginning_of_the_issuer_domains_name_has_its_owner_in_it(card):
    assert card.transmit(bytes.fromhex("00A4040004A0000001")).hex() == "6a82"


def test_initialize_update_is_taken_without_le(card):
    card.transmit(bytes.fromhex("00A4040C0AD392F000260100000001"))
    assert card.transmit(bytes.fromhex("8050300008" + "00" * 8))[-2:].hex() == "9000"


def test_long_answer_waits_for_get_response_and_is_forgotten_by_any_other_command(terminal, card):
    make_key(terminal, b"KIOSK123")
    whole = terminal.ok("00478100000000")
    assert len(whole) == 270
    first = card.transmit(bytes.fromhex("0047810000"))
    assert (first[:-2], first[-2:].hex()) == (whole[:256], "610e")
    assert card.transmit(bytes.fromhex("00C0000004")) == whole[256:260] + bytes.fromhex("610a")
    assert card.transmit(bytes.fromhex("00C0000000")) == whole[260:] + bytes.fromhex("9000")
    assert card.transmit(bytes.fromhex("00C0000000")).hex() == "6985"
    card.transmit(bytes.fromhex("0047810000"))
    terminal.ok(SIGN_KEY)
    assert card.transmit(bytes.fromhex("00C000000E")).hex() == "6985"


def test_log_holds_instruction_and_status_of_every_command(card):
    for command in ("", "00B0000000", SELECT_AP):
        card.transmit(bytes.fromhex(command))
    assert card.log == [(0x00, 0x6700), (0xB0, 0x6D00), (0xA4, 0x9000)]
    assert card.exchanges == 3

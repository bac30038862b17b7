"""What printers send, as their manuals show it, read from one stream however it is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.printer.status import (
    AutomaticStatus,
    Block,
    BuffersCleared,
    FlowControl,
    InOrderStatus,
    OfflineReport,
    ProcessReport,
    RealTimeStatus,
    StatusDecoder,
    Unknown,
)

FROM_THE_MANUAL = [
    ("12", [RealTimeStatus(0x12)]),  # DLE EOT, all well
    ("1e", [RealTimeStatus(0x1E)]),  # DLE EOT 4, paper near end
    ("7e", [RealTimeStatus(0x7E)]),  # DLE EOT 4, paper end
    ("18 00 0f 00", [AutomaticStatus(bytes.fromhex("18000f00"))]),  # GS a, out of paper
    ("10 00 00 00", [AutomaticStatus(bytes.fromhex("10000000"))]),
    ("00", [InOrderStatus(0)]),  # GS r 1, paper present
    ("0f", [InOrderStatus(0x0F)]),
    ("5f 54 4d 2d 54 38 38 56 00", [Block(b"TM-T88V")]),  # GS I 67
    ("5f 31 32 33 00", [Block(b"123")]),  # GS g 2
    ("5f 00", [Block(b"")]),
    ("37 22 30 30 31 37 00", [ProcessReport("0017")]),  # GS ( H, function 48
    ("37 22 20 20 20 20 00", [ProcessReport("    ")]),
    ("37 23 41 40 00", [OfflineReport(b"\x41\x40")]),  # GS ( H, function 49
    ("37 25 00", [BuffersCleared()]),  # DLE DC4 8
    ("13 11", [FlowControl(False), FlowControl(True)]),
    ("18 00 12 37 25 00", [Unknown(0x18), InOrderStatus(0), RealTimeStatus(0x12), BuffersCleared()]),
    ("37 22 30 12", [Unknown(0x37), InOrderStatus(0x22), Unknown(0x30), RealTimeStatus(0x12)]),
    ("ff 80 12", [Unknown(0xFF), Unknown(0x80), RealTimeStatus(0x12)]),
]

streams = st.lists(
    st.sampled_from([bytes.fromhex(sent) for sent, _ in FROM_THE_MANUAL]) | st.binary(max_size=4), max_size=12
).map(b"".join)


@pytest.mark.parametrize(("sent", "events"), FROM_THE_MANUAL)
def test_each_kind_is_known_by_its_bits(sent, events):
    assert StatusDecoder().feed(bytes.fromhex(sent)) == events


@given(streams, st.lists(st.integers(0, 60)))
def test_any_cutting_of_the_stream_gives_the_same_events(stream, cuts):
    whole, parts = StatusDecoder(), StatusDecoder()
    expected = whole.feed(stream) + whole.flush()
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    events = [event for start, end in pairwise(edges) for event in parts.feed(stream[start:end])]
    assert events + parts.flush() == expected


@given(st.binary(max_size=400))
def test_everything_decodes_to_something(stream):
    decoder = StatusDecoder()
    events = decoder.feed(stream) + decoder.flush()
    assert (events == []) == (stream == b"")


def test_a_torn_answer_ends_where_the_printer_fell_silent():
    decoder = StatusDecoder()
    assert decoder.feed(b"\x37\x22") == []
    assert decoder.flush() == [Unknown(0x37), Unknown(0x22)]
    assert decoder.feed(b"\x12") == [RealTimeStatus(0x12)]


def test_a_block_without_end_does_not_swallow_the_rest():
    events = StatusDecoder().feed(b"\x5f" + b"A" * 300 + b"\x12")
    assert events[0] == Unknown(0x5F)
    assert events[-1] == RealTimeStatus(0x12)

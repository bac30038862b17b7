import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.card import tlv
from hw.errors import CardAnswerInvalid

TAGS = st.sampled_from([0x50, 0x5A, 0x81, 0x82, 0xC1, 0x7F49, 0x5F20])


@given(st.dictionaries(TAGS, st.binary(max_size=700)))
def test_what_is_written_is_read(objects: dict[int, bytes]) -> None:
    assert tlv.read(b"".join(tlv.write(tag, value) for tag, value in objects.items())) == objects


@given(st.binary(max_size=64))
def test_any_bytes_are_objects_or_declared_invalid(data: bytes) -> None:
    try:
        objects = tlv.read(data)
    except CardAnswerInvalid:
        return
    assert sum(len(value) for value in objects.values()) <= len(data)


@given(st.dictionaries(TAGS, st.binary(max_size=300), min_size=1), st.integers(1, 300))
def test_an_object_cut_short_is_invalid(objects: dict[int, bytes], cut: int) -> None:
    data = b"".join(tlv.write(tag, value) for tag, value in objects.items())
    last = tlv.write(*list(objects.items())[-1])
    with pytest.raises(CardAnswerInvalid):
        tlv.read(data[: -min(cut, len(last) - 1)])


@pytest.mark.parametrize(
    "data", ["5080", "508500000000", "50830000", "5001AA5001BB", "1F8101", "5F", "508201", "50", "500241"]
)
def test_what_a_card_may_not_answer(data: str) -> None:
    with pytest.raises(CardAnswerInvalid):
        tlv.read(bytes.fromhex(data))


@pytest.mark.parametrize(("length", "field"), [(0, "00"), (127, "7F"), (128, "8180"), (255, "81FF"), (256, "820100")])
def test_lengths_are_written_in_their_shortest_form(length: int, field: str) -> None:
    assert tlv.write(0x53, bytes(length)) == b"\x53" + bytes.fromhex(field) + bytes(length)


@pytest.mark.parametrize(("tag", "size"), [(0x1F, 0), (0x5001, 0), (0x5F80, 0), (0x7F4901, 0), (0x53, 65536)])
def test_what_cannot_be_written(tag: int, size: int) -> None:
    with pytest.raises((ValueError, OverflowError)):
        tlv.write(tag, bytes(size))

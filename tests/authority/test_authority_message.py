"""Protection covers every byte as it was sent, and nothing that is not a message is taken for one."""

from dataclasses import replace

import pytest
from authority_desk import Desk
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.authority.embedded.issuing import read_request
from kiosk.authority.embedded.refusal import Refusal
from kiosk.authority.message import (
    BodyKind,
    MessageInvalid,
    parse_message,
    verify_protection,
)


def test_no_changed_byte_is_believed_to_be_the_stations_message(desk: Desk) -> None:
    der = desk.message().der
    original = parse_message(der)

    @given(st.integers(0, len(der) - 1), st.integers(1, 255))
    @settings(max_examples=300)
    def change(place: int, mask: int) -> None:
        changed = bytearray(der)
        changed[place] ^= mask
        try:
            message = parse_message(bytes(changed))
            signer = verify_protection(message)
        except MessageInvalid:
            return
        # The certificates that come along are not protected: whose they are, the authority's books tell.
        assert signer.public_key() == desk.station.certificate.public_key()
        assert message.protected == original.protected

    change()


@given(st.binary(max_size=200))
def test_bytes_are_a_message_or_an_error(data: bytes) -> None:
    try:
        parse_message(data)
    except MessageInvalid as invalid:
        assert invalid.fail_info == "badDataFormat"
        assert "{" not in invalid.text and "_" not in invalid.text, "words, not the parser's own names"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"\x30\x05\x02", "the certification request (PKCS #10) cannot be read: it ends too early"),
        (b"\x30\x80\x00\x00", "the certification request (PKCS #10) cannot be read: it is not in DER"),
        (b"\x02\x01\x05", "the certification request (PKCS #10) cannot be read: it holds something else than it may"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_in_words(desk: Desk, body: bytes, text: str) -> None:
    message = parse_message(desk.message().der)
    with pytest.raises(Refusal) as refused:
        read_request(replace(message, kind=BodyKind.P10CR, body=body))
    assert (refused.value.fail_info, refused.value.text) == ("badDataFormat", text)


def test_a_message_says_who_signed_it(desk: Desk) -> None:
    assert verify_protection(parse_message(desk.message().der)) == desk.station.certificate


@pytest.mark.parametrize("cut", [1, 10, 100])
def test_a_cut_message_is_none(desk: Desk, cut: int) -> None:
    with pytest.raises(MessageInvalid):
        parse_message(desk.message().der[:-cut])

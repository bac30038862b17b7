"""Heads: signed as plain JSON, small enough for a QR code, and never read as something else than was written."""

import datetime
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.journal import base45
from kiosk.journal.entry import canonical
from kiosk.journal.head import Head, HeadInvalid, HeadKey, ProvenHead, load_head_key, parse_head
from kiosk.journal.merkle import root_from_inclusion
from tests.time_zone import standing_in

KEY = HeadKey(bytes(range(32)))
AT = datetime.datetime(2026, 4, 1, 1, 2, 3, tzinfo=datetime.UTC)


def proven(size: int, station: str = "demo", at: datetime.datetime = AT) -> ProvenHead:
    leaf = bytes([size & 0xFF]) * 32
    path = tuple(bytes([n]) * 32 for n in range((size - 1).bit_count()))
    root = root_from_inclusion(leaf, size - 1, size, path)
    return ProvenHead(KEY.sign(Head(station, size, root, at)), leaf, path)


@pytest.mark.parametrize(
    ("plain", "text"),
    [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0")],
)
def test_the_examples_of_rfc_9285(plain: bytes, text: str) -> None:
    assert base45.encode(plain) == text
    assert base45.decode(text) == plain


@given(st.binary(max_size=40))
def test_base45_gives_back_what_it_got(plain: bytes) -> None:
    assert base45.decode(base45.encode(plain)) == plain


@pytest.mark.parametrize("text", ["A", "ABCD", "GGX", "::", ":::", "ab8", "あ00"])
def test_what_no_bytes_encode_to_is_not_base45(text: str) -> None:
    with pytest.raises(ValueError, match="not base45"):
        base45.decode(text)


def test_a_document_is_written_in_one_way_alone() -> None:
    assert canonical({"seq": 1, "at": "幌延", "is": True}) == '{"at":"幌延","is":true,"seq":1}'
    assert canonical({"is": True, "at": "幌延", "seq": 1}) == canonical({"at": "幌延", "seq": 1, "is": True})


def test_what_is_signed_is_canonical_json() -> None:
    head = Head("demo", 24, bytes(32), AT)
    at = '{"at":"2026-04-01T01:02:03+00:00","head":"journal",'
    assert head.encode().decode() == at + '"root":"' + "00" * 32 + '","size":24,"station":"demo"}'
    KEY.sign(head).verify(KEY.public)


def test_openssl_agrees_with_the_signature(tmp_path: Path) -> None:
    signed = KEY.sign(Head("demo", 24, bytes(32), AT))
    (tmp_path / "key").write_bytes(bytes.fromhex("302a300506032b6570032100") + KEY.public)
    (tmp_path / "head").write_bytes(signed.head.encode())
    (tmp_path / "signature").write_bytes(signed.signature)
    check = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in head -sigfile signature"
    done = subprocess.run(check.split(), cwd=tmp_path, capture_output=True, text=True)
    assert "Signature Verified Successfully" in done.stdout


@given(
    size=st.integers(1, 2**32 - 1),
    station=st.text(st.characters(codec="utf-8"), max_size=60),
    seconds=st.integers(0, 2**32 - 1),
)
def test_a_head_survives_its_text(size: int, station: str, seconds: int) -> None:
    whole = proven(size, station, datetime.datetime.fromtimestamp(seconds, datetime.UTC))
    assert parse_head(whole.text) == whole
    assert set(whole.text) <= set(base45.ALPHABET)


def test_the_largest_journal_at_the_last_second_has_a_text() -> None:
    whole = proven(2**32 - 1, at=datetime.datetime.fromtimestamp(2**32 - 1, datetime.UTC))
    assert parse_head(whole.text) == whole


def test_a_head_is_signed_and_read_in_utc_wherever_the_office_is() -> None:
    elsewhere = AT.astimezone(datetime.timezone(datetime.timedelta(hours=9)))
    with standing_in("Asia/Tokyo"):
        signed, read = Head("demo", 1, bytes(32), elsewhere).encode(), parse_head(proven(1, at=elsewhere).text)
    assert signed == Head("demo", 1, bytes(32), AT).encode()
    assert read == proven(1)
    assert read.signed.head.at.tzinfo is datetime.UTC


def test_the_text_is_small() -> None:
    assert len(proven(1).text) == 168
    # 48 characters for each hash of the path, and of those as many as `size - 1` has bits set.
    assert len(proven(1_000_001).text) == 168 + 48 * (1_000_000).bit_count()


@given(bit=st.integers(0, 109 * 8 - 1))
def test_any_flipped_bit_of_a_head_is_found(bit: int) -> None:
    data = bytearray(base45.decode(proven(1).text.removeprefix("KJ1:")))
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(HeadInvalid):
        parse_head("KJ1:" + base45.encode(bytes(data))).signed.verify(KEY.public)


@pytest.mark.parametrize(
    "text", ["", "KJ1:", "KJ2:BB8", "KJ1:BB8", "HC1:BB8", "KJ1:ab8", proven(24).text[:-3], proven(24).text + "000"]
)
def test_what_is_no_head_is_rejected(text: str) -> None:
    with pytest.raises(HeadInvalid):
        parse_head(text)


def test_an_empty_journal_and_a_name_that_is_no_text_are_rejected() -> None:
    whole = proven(1)
    data = base45.decode(whole.text.removeprefix("KJ1:"))
    for wrong in (bytes(4) + data[4:], data.replace(b"demo", b"\xff" * 4)):
        with pytest.raises(HeadInvalid):
            parse_head("KJ1:" + base45.encode(wrong))


def test_another_stations_key_does_not_verify() -> None:
    with pytest.raises(HeadInvalid, match="not signed"):
        proven(3).signed.verify(HeadKey(bytes(32)).public)
    with pytest.raises(HeadInvalid, match="not signed"):
        proven(3).signed.verify(b"no key")


def test_a_head_key_is_made_once_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "head.key"
    assert load_head_key(path).public == load_head_key(path).public
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["head.key"]
    path.write_bytes(b"short")
    with pytest.raises(ValueError, match=r"head\.key"):
        load_head_key(path)


def test_a_key_that_another_process_made_meanwhile_is_the_one(tmp_path: Path) -> None:
    path = tmp_path / "head.key"

    def made_meanwhile(length: int) -> bytes:
        path.write_bytes(bytes(length))
        return b"\x01" * length

    assert load_head_key(path, made_meanwhile).public == HeadKey(bytes(32)).public

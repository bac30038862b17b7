"""The JPKI application: passwords, keys, certificates, and who may touch them."""

import hashlib

import pytest
from card_terminal import (
    ATTEST_MASTER,
    CA_CERTIFICATE,
    CERTIFICATE,
    SELECT_AP,
    SIGN_KEY,
    SIGN_PIN,
    card_keys,
    cmac,
    make_key,
    read,
    set_pin,
    sign,
    update,
    verify,
    write_certificate,
)
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hw.sim.card.card import ATR

PIN = b"KIOSK123"
TRIES = "00200080"
DIGEST_INFO = bytes.fromhex("3031300D060960864801650304020105000420") + hashlib.sha256(b"text").digest()
CERTIFICATE_DER = b"\x30\x82\x03\xfc" + bytes(range(1, 256)) * 4


@pytest.fixture
def issued(terminal):
    make_key(terminal, PIN)
    write_certificate(terminal, CERTIFICATE, CERTIFICATE_DER)
    terminal.ok(SELECT_AP)
    return terminal


def identity(terminal):
    return terminal.ok("00CA010100").hex()


def test_answer_to_reset(card):
    assert card.power_on() == ATR == bytes.fromhex("3BE000FF8131FE4514")


def test_identity_of_a_new_and_of_an_issued_card(terminal):
    begin = "5a10" + b"JUKI20110000TEST".hex() + "5009" + b"juki-2011".hex()
    assert identity(terminal) == begin + "c10100" + "c20100"
    make_key(terminal, PIN)
    assert identity(terminal) == begin + "c10101" + "c20101"


def test_token_information_is_padded_with_spaces(terminal):
    terminal.ok("00A4020C020006")
    assert terminal.ok("00B0000020") == b"JPKIAPICCTOKEN" + b" " * 18


def test_files_read_to_their_end_and_not_past_it(terminal):
    terminal.ok(CA_CERTIFICATE)
    assert terminal.ok("00B0000000") == bytes(256)
    assert terminal.ok("00B0000000" + "0000") == bytes(4096)
    assert terminal.ok("00B00FFF00") == bytes(1)
    assert terminal.send("00B0100000") == (b"", 0x6B00)


def test_a_short_file_identifier_selects_and_reads(terminal):
    assert terminal.ok("00B0860020") == b"JPKIAPICCTOKEN" + b" " * 18
    assert terminal.ok("00B0860420") == b"APICCTOKEN" + b" " * 18
    assert terminal.ok("00B0000004") == b"JPKI"
    assert terminal.send("00B0880000") == (b"", 0x6A82)
    assert terminal.send("00B0800000") == (b"", 0x6A86)
    assert terminal.send("00B0C60000") == (b"", 0x6A86)


# --- passwords


def test_unset_password_shows_no_tries_and_verifies_nothing(terminal):
    terminal.ok(SIGN_PIN)
    assert terminal.send(TRIES) == (b"", 0x63C0)
    assert terminal.send(verify(PIN)) == (b"", 0x6984)


def test_password_of_a_later_card_generation_shows_its_tries_and_cannot_be_set(terminal):
    terminal.ok("00A4020C020018")
    assert terminal.send(TRIES) == (b"", 0x63C3)
    assert terminal.send(verify(b"1234")) == (b"", 0x6984)
    terminal.open_channel("issue")
    assert terminal.secure(set_pin(b"1234")) == (b"", 0x6985)


def test_tries_count_down_to_locked_and_come_back_with_the_right_password(issued):
    issued.ok(SIGN_PIN)
    assert issued.send(TRIES) == (b"", 0x63C5)
    for left in (4, 3, 2, 1):
        assert issued.send(verify(b"WRONG")) == (b"", 0x63C0 | left)
        assert issued.send(TRIES) == (b"", 0x63C0 | left)
    issued.ok(verify(PIN))
    assert issued.send(TRIES) == (b"", 0x63C5), "never 9000, also after success"
    for left in (4, 3, 2, 1, 0):
        assert issued.send(verify(b"WRONG")) == (b"", 0x63C0 | left)
    assert issued.send(TRIES) == (b"", 0x63C0)
    assert issued.send(verify(PIN)) == (b"", 0x6983)


def test_wrong_password_takes_the_right_of_an_earlier_one(issued):
    issued.ok(SIGN_PIN)
    issued.ok(verify(PIN))
    issued.send(verify(b"WRONG"))
    issued.ok(CERTIFICATE)
    assert issued.send("00B0000004") == (b"", 0x6982)


def test_try_is_spent_before_the_comparison(issued, card, store, monkeypatch):
    class Pulled(Exception):
        pass

    tries = []

    def write(memory):
        tries.append(memory.pins[0x1B].tries)
        raise Pulled

    monkeypatch.setattr(store, "write", write)
    issued.ok(SIGN_PIN)
    with pytest.raises(Pulled):
        issued.send(verify(PIN))
    assert tries == [4]


@pytest.mark.parametrize("end", ["select", "reset", "power off", "removal"])
def test_verified_password_ends_with_selection_power_and_removal(issued, card, replug, end):
    issued.ok(SIGN_PIN)
    issued.ok(verify(PIN))
    issued.ok(CERTIFICATE)
    issued.ok("00B0000004")
    if end == "select":
        issued.ok(SELECT_AP)
    elif end == "removal":
        issued = replug()
    else:
        if end == "power off":
            card.power_off()
        card.power_on()
        issued.ok(SELECT_AP)
    issued.ok(CERTIFICATE)
    assert issued.send("00B0000004") == (b"", 0x6982)


@pytest.mark.parametrize("pin", [b"abc", b"x" * 17, b"with spa", b"\xef\xbc\xa1\xef\xbc\xa2", b"x" * 255])
def test_password_outside_the_rules_is_not_set(terminal, pin):
    terminal.open_channel("issue")
    terminal.secure_ok(SIGN_PIN)
    extended = b"\x00\x24\x01\x80\x00" + len(pin).to_bytes(2, "big") + pin
    assert terminal.secure(extended) == (b"", 0x6A80)
    assert terminal.send(TRIES) == (b"", 0x63C0)


@pytest.mark.parametrize("pin", [b"abcd", b"ABCDabcd01234567"])
def test_shortest_and_longest_password_are_set(terminal, pin):
    terminal.open_channel("issue")
    terminal.secure_ok(SIGN_PIN)
    terminal.secure_ok(set_pin(pin))
    terminal.ok(verify(pin))


def test_holder_changes_the_password_after_presenting_the_old_one(issued):
    issued.ok(SIGN_PIN)
    assert issued.send(set_pin(b"NEW123")) == (b"", 0x6982)
    issued.ok(verify(PIN))
    issued.ok(set_pin(b"NEW123"))
    assert issued.send(verify(PIN)) == (b"", 0x63C4)
    issued.ok(verify(b"NEW123"))


def test_new_password_has_to_be_presented_before_it_gives_rights(issued):
    issued.ok(SIGN_PIN)
    issued.ok(verify(PIN))
    issued.ok(set_pin(b"NEW123"))
    issued.ok(SIGN_KEY)
    assert issued.send(sign(DIGEST_INFO)) == (b"", 0x6982)


@pytest.mark.parametrize("command", ["0024018006" + b"NEW123".hex(), "002C028006" + b"NEW123".hex()])
def test_reset_channel_unlocks(issued, command):
    issued.ok(SIGN_PIN)
    for _ in range(5):
        issued.send(verify(b"WRONG"))
    issued.open_channel("reset")
    issued.secure_ok(command)
    assert issued.send(TRIES) == (b"", 0x63C5)
    issued.ok(verify(b"NEW123"))


# --- keys


def test_generated_key_signs_and_its_public_key_is_read_again(terminal, prepared_key):
    modulus, exponent = make_key(terminal, PIN)
    assert exponent == 65537
    assert prepared_key.public_key().public_numbers().n == modulus
    assert terminal.ok("0047810000")[9:265] == modulus.to_bytes(256, "big")
    terminal.ok(SIGN_PIN)
    terminal.ok(verify(PIN))
    terminal.ok(SIGN_KEY)
    signature = terminal.ok(sign(DIGEST_INFO))
    prepared_key.public_key().verify(signature, b"text", PKCS1v15(), SHA256())


def test_default_key_is_rsa_2048_made_anew(store):
    from card_terminal import Terminal

    from hw.sim.card.card import VirtualCard

    card = VirtualCard(store)
    card.power_on()
    terminal = Terminal(card.transmit)
    terminal.ok(SELECT_AP)
    first, exponent = make_key(terminal, PIN)
    assert (first.bit_length(), exponent) == (2048, 65537)
    terminal.secure_ok(SIGN_KEY)
    assert int.from_bytes(terminal.secure_ok("0047800000")[9:265], "big") != first


def test_no_key_no_signature_no_public_key(terminal):
    terminal.ok(SIGN_KEY)
    assert terminal.send("0047810000") == (b"", 0x6A88)
    terminal.open_channel("issue")
    terminal.ok(SIGN_PIN)
    terminal.secure_ok(set_pin(PIN))
    terminal.ok(verify(PIN))
    terminal.ok(SIGN_KEY)
    assert terminal.send(sign(DIGEST_INFO)) == (b"", 0x6A88)


def test_signing_needs_the_password_and_a_block_that_fits(issued):
    issued.ok(SIGN_KEY)
    assert issued.send(sign(DIGEST_INFO)) == (b"", 0x6982)
    issued.ok(SIGN_PIN)
    issued.ok(verify(PIN))
    issued.ok(SIGN_KEY)
    assert issued.send(sign(bytes(246))) == (b"", 0x6700)
    assert len(issued.ok(sign(bytes(245)))) == 256


@pytest.mark.parametrize("lacking", ["channel", "password", "issue"])
def test_generation_needs_issuing_channel_and_password(issued, lacking):
    issued.ok(SIGN_PIN)
    if lacking != "password":
        issued.ok(verify(PIN))
    issued.open_channel("reset" if lacking == "issue" else "issue")
    issued.ok(SIGN_KEY)
    send = issued.send if lacking == "channel" else issued.secure
    assert send("0047800000") == (b"", 0x6982)


def test_generation_destroys_the_certificate_first(issued, card, store, monkeypatch):
    issued.ok(SIGN_PIN)
    issued.ok(verify(PIN))
    issued.open_channel("issue")
    issued.ok(SIGN_KEY)
    written = []
    monkeypatch.setattr(store, "write", written.append)
    issued.secure_ok("0047800000")
    assert [memory.files[1][:4] for memory in written] == [bytes(4)] * 2
    issued.ok(CERTIFICATE)
    assert issued.ok("00B0000004") == bytes(4)


def test_attestation_covers_number_nonce_key_and_password_state(issued, prepared_key):
    nonce = bytes(range(16))
    spki = prepared_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    data = nonce + hashlib.sha256(spki).digest()
    (key,) = card_keys(ATTEST_MASTER, "attest", "JUKI20110000TEST", 1)
    value = issued.ok("0088003330" + data.hex() + "00")
    assert value == cmac(key, b"\x01" + b"JUKI20110000TEST" + data + b"\x01")


def test_no_attestation_of_another_key_or_of_none(terminal, issued):
    foreign = "0088003330" + bytes(48).hex() + "00"
    assert issued.send(foreign) == (b"", 0x6985)
    issued.open_channel("erase")
    issued.secure_ok("80E40000")
    assert issued.send(foreign) == (b"", 0x6985)


# --- certificates


def test_certificate_reads_back_behind_the_password_only(issued):
    issued.ok(CERTIFICATE)
    assert issued.send("00B0000004") == (b"", 0x6982)
    issued.ok(SIGN_PIN)
    issued.ok(verify(PIN))
    issued.ok(CERTIFICATE)
    assert issued.ok(read(0, len(CERTIFICATE_DER))) == CERTIFICATE_DER
    assert issued.ok("00B00004" + "10") == CERTIFICATE_DER[4:20]


@pytest.mark.parametrize("file", [CERTIFICATE, CA_CERTIFICATE, "00A4020C020006", "00A4020C02000A"])
@pytest.mark.parametrize("purpose", [None, "reset", "erase"])
def test_only_the_issuing_channel_writes(issued, file, purpose):
    issued.ok(SIGN_PIN)
    issued.ok(verify(PIN))
    if purpose:
        issued.open_channel(purpose)
    issued.ok(file)
    assert (issued.secure if purpose else issued.send)(update(0, b"\x30")) == (b"", 0x6982)


@pytest.mark.parametrize("file", ["00A4020C020006", "00A4020C02000A", "00A4020C02000B"])
def test_issuer_writes_certificates_only(terminal, file):
    terminal.open_channel("issue")
    terminal.ok(file)
    assert terminal.secure(update(0, b"\x30")) == (b"", 0x6982)


def test_writing_past_the_end_is_refused(terminal):
    terminal.open_channel("issue")
    terminal.ok(CERTIFICATE)
    assert terminal.secure(update(4095, b"\x30\x30")) == (b"", 0x6A84)
    terminal.secure_ok(update(4095, b"\x30"))
    terminal.secure_ok(update(0, bytes(4096)))


@pytest.mark.parametrize("rewrite", [False, True])
def test_certificate_cut_short_reads_as_none(terminal, replug, rewrite):
    make_key(terminal, PIN)
    if rewrite:
        write_certificate(terminal, CERTIFICATE, CERTIFICATE_DER)
        terminal.secure_ok(update(0, bytes(4)))
    terminal.secure_ok(CERTIFICATE)
    terminal.secure_ok(update(4, CERTIFICATE_DER[4:500]))
    again = replug()
    again.ok(SIGN_PIN)
    again.ok(verify(PIN))
    again.ok(CERTIFICATE)
    assert again.ok("00B0000004") == bytes(4)


# --- erasing


@pytest.mark.parametrize("purpose", [None, "issue", "reset"])
def test_only_the_erase_channel_erases(issued, store, purpose):
    before = store.read()
    if purpose:
        issued.open_channel(purpose)
    assert (issued.secure if purpose else issued.send)("80E40000") == (b"", 0x6982)
    assert store.read() == before


def test_erased_card_is_as_new(issued, store):
    issued.open_channel("erase")
    issued.secure_ok("80E40000")
    assert (store.read().files, store.read().pins, store.read().keys) == ({}, {}, {})
    assert identity(issued).endswith("c10100c20100")
    issued.ok(SIGN_PIN)
    assert issued.send(verify(PIN)) == (b"", 0x6984)
    make_key(issued, b"OTHER1")


@pytest.mark.parametrize("purpose", [None, "issue", "erase"])
def test_only_the_reset_channel_resets_the_counter(issued, purpose):
    if purpose:
        issued.open_channel(purpose)
    issued.ok(SIGN_PIN)
    issued.ok(verify(PIN))
    assert (issued.secure if purpose else issued.send)("002C028006" + b"NEW123".hex()) == (b"", 0x6982)


def test_erase_channel_sets_no_password(issued):
    issued.open_channel("erase")
    issued.ok(SIGN_PIN)
    assert issued.secure(set_pin(b"NEW123")) == (b"", 0x6982)

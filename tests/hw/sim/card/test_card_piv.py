"""The PIV card against the standard's own bytes (NIST SP 800-73-4 part 2), and what it must not let happen."""

import hashlib

import pytest
from card_terminal import Terminal
from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers import Cipher, CipherAlgorithm, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hw.sim.card.card import VirtualCard
from hw.sim.card.limits import SHORT_LENGTH, T0, CardLimits
from hw.sim.card.memory import MemoryStore
from hw.sim.card.personalization import attestation_root, new_piv_card

NUMBER = "PIV0000012345678"
SELECT = "00A404000BA00000030800001000010000"
PIN, PUK, OTHER = b"123456\xff\xff", b"12345678", b"424242\xff\xff"
KEY = bytes(range(1, 9)) * 3
VERIFY = "0020008008" + PIN.hex()


def tlv(tag: str, value: bytes) -> bytes:
    size = len(value)
    length = bytes((size,)) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes.fromhex(tag) + length + value


def command(header: str, data: bytes, le: bool = True) -> bytes:
    return bytes.fromhex(header) + b"\0" + len(data).to_bytes(2, "big") + data + (b"\0\0" if le else b"")


def encipher(cipher: CipherAlgorithm, block: bytes, decrypt: bool = False) -> bytes:
    context = Cipher(cipher, modes.ECB())
    return (context.decryptor() if decrypt else context.encryptor()).update(block)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(new_piv_card(NUMBER))


@pytest.fixture
def card(store, prepared_key) -> VirtualCard:
    card = VirtualCard(store, make_key=lambda: prepared_key)
    card.power_on()
    return card


@pytest.fixture
def terminal(card) -> Terminal:
    terminal = Terminal(card.transmit)
    terminal.ok(SELECT)
    return terminal


def manage(terminal: Terminal, algorithm: int = 3, cipher: CipherAlgorithm | None = None) -> None:
    """Mutual authentication."""
    cipher = cipher or TripleDES(KEY)
    size = 8 if algorithm == 3 else 16
    witness = terminal.ok(bytes((0, 0x87, algorithm, 0x9B, 4)) + bytes.fromhex("7C028000 00"))
    assert witness[:4] == bytes((0x7C, size + 2, 0x80, size))
    challenge = bytes(range(size))
    data = tlv("7C", tlv("80", encipher(cipher, witness[4:], decrypt=True)) + tlv("81", challenge))
    answer = terminal.ok(bytes((0, 0x87, algorithm, 0x9B, len(data))) + data + b"\0")
    assert answer == tlv("7C", tlv("82", encipher(cipher, challenge)))


def generate(terminal: Terminal, slot: int, algorithm: int) -> bytes:
    return terminal.ok(bytes((0, 0x47, 0, slot, 5)) + bytes.fromhex("AC038001") + bytes((algorithm, 0)))


def authenticate(terminal: Terminal, algorithm: int, slot: int, tag: str, value: bytes) -> tuple[bytes, int]:
    return terminal.send(command(f"0087{algorithm:02X}{slot:02X}", tlv("7C", tlv("82", b"") + tlv(tag, value))))


@pytest.mark.parametrize("name", ["A000000308", "A00000030800001000", "A000000308000010000100"])
def test_selection_by_the_whole_or_a_truncated_name_answers_the_properties(card, name):
    answer = card.transmit(bytes.fromhex(f"00A40400{len(name) // 2:02X}{name}00"))
    assert answer.hex().upper() == "61114F0600001000010079074F05A0000003089000"


@pytest.mark.parametrize("name", ["A0000003", "A0000003080000200001", "D392F000260100000001"])
def test_an_unknown_name_leaves_everything_as_it_was(terminal, name):
    terminal.ok(VERIFY)
    assert terminal.send(f"00A40400{len(name) // 2:02X}{name}") == (b"", 0x6A82)
    terminal.ok("00200080")


def test_selecting_again_keeps_the_pin_and_another_application_or_power_ends_it(terminal, card):
    terminal.ok(VERIFY)
    terminal.ok(SELECT)
    terminal.ok("00200080")
    terminal.ok("00A4040000")
    terminal.ok(SELECT)
    assert terminal.send("00200080") == (b"", 0x63C3)
    terminal.ok(VERIFY)
    card.power_on()
    terminal.ok(SELECT)
    assert terminal.send("00200080") == (b"", 0x63C3)


def test_the_holder_can_take_back_his_pin(terminal):
    terminal.ok(VERIFY)
    terminal.ok("0020FF80")
    assert terminal.send("00200080") == (b"", 0x63C3)


def test_the_discovery_object_is_always_there_and_others_are_not_found(terminal):
    expected = "7E124F0BA0000003080000100001005F2F024000"
    assert terminal.ok("00CB3FFF035C017E00").hex().upper() == expected
    for tag in ("5FC102", "5FC107", "5FC105", "5FC10C"):
        assert terminal.send(f"00CB3FFF055C03{tag}00") == (b"", 0x6A82)


@pytest.mark.parametrize("tag", ["5FC109", "5FC103", "5FC108", "5FC121"])
def test_personal_objects_are_read_with_the_pin_only(terminal, tag):
    manage(terminal)
    terminal.ok(command("00DB3FFF", bytes.fromhex("5C03" + tag) + tlv("53", b"personal"), le=False))
    assert terminal.send(f"00CB3FFF055C03{tag}00") == (b"", 0x6982)
    terminal.ok(VERIFY)
    assert terminal.ok(f"00CB3FFF055C03{tag}00") == tlv("53", b"personal")


def test_writing_needs_the_management_key_and_room(terminal):
    def put(content: bytes) -> tuple[bytes, int]:
        return terminal.send(command("00DB3FFF", bytes.fromhex("5C035FC10A") + tlv("53", content), le=False))

    assert put(b"x") == (b"", 0x6982)
    manage(terminal)
    assert put(bytes(3052))[1] == 0x9000
    assert put(bytes(3053))[1] == 0x6A84
    assert put(b"")[1] == 0x9000
    assert terminal.send("00CB3FFF055C035FC10A00") == (b"", 0x6A82)
    assert terminal.send(command("00DB3FFF", bytes.fromhex("5C025F53 5301AA"), le=False))[1] == 0x6A80


def test_a_tag_of_any_length_is_looked_for(terminal):
    assert terminal.send("00CB3FFF065C045FC1050100")[1] == 0x6A82
    assert terminal.send("00CB3FFF025C0000")[1] == 0x6A82
    assert terminal.send("00CB3FFF03530101")[1] == 0x6A80


@pytest.mark.parametrize("fetch", ["00C00000", "80C0000000", "80C00000"])
def test_the_rest_of_an_answer_is_fetched_in_either_class_and_without_length(store, prepared_key, fetch):
    card = VirtualCard(store, make_key=lambda: prepared_key, limits=CardLimits(max_answer=200))
    card.power_on()
    card.transmit(bytes.fromhex(SELECT))
    data, sw = b"", card.transmit(bytes.fromhex("00CB3FFF055C035FFF0100"))
    while sw[-2] == 0x61:
        data, sw = data + sw[:-2], card.transmit(bytes.fromhex(fetch))
    assert data + sw[:-2] == tlv("53", store.read().piv.objects[0x5FFF01]), "whole"


def test_a_pin_counts_down_to_blocked_and_the_puk_brings_it_back(terminal):
    wrong = "0020008008" + OTHER.hex()
    assert [terminal.send(wrong)[1] for _ in range(4)] == [0x63C2, 0x63C1, 0x63C0, 0x6983]
    assert terminal.send("00200080")[1] == 0x6983
    assert terminal.send(VERIFY)[1] == 0x6983
    assert terminal.send("002C008010" + (b"87654321" + OTHER).hex())[1] == 0x63C2
    terminal.ok("002C008010" + (PUK + OTHER).hex())
    assert terminal.send("00200080")[1] == 0x63C3
    terminal.ok(wrong)


@pytest.mark.parametrize("pin", [b"12345\xff\xff\xff", b"abcdef\xff\xff", b"\xff" * 8])
def test_a_pin_is_six_to_eight_digits(terminal, pin):
    assert terminal.send("0024008010" + (PIN + pin).hex())[1] == 0x6A80
    assert terminal.send("00200080")[1] == 0x63C3
    assert terminal.send("0024008010" + (OTHER + pin).hex())[1] == 0x63C2, "a wrong PIN counts all the same"


@pytest.mark.parametrize(("p2", "data"), [(0x80, b"123456"), (0x80, b"123456\xff\xff\xff"), (0x00, PIN), (0x96, PIN)])
def test_what_is_no_pin_spends_no_try(terminal, p2, data):
    answer = terminal.send(bytes((0, 0x20, 0, p2, len(data))) + data)
    assert answer[1] == (0x6A80 if p2 == 0x80 else 0x6A88)
    assert terminal.send("00200080")[1] == 0x63C3


def test_a_try_is_spent_before_the_comparison(store, terminal, card, monkeypatch):
    chip = card._applications[0]._session.chip
    seen = []
    monkeypatch.setattr(chip, "matches", lambda *_: seen.append(store.read().piv.pin.record.tries))
    terminal.send(VERIFY)
    assert seen == [2]


def test_single_authentication_of_the_host(terminal):
    challenge = terminal.ok("0087039B047C02810000")[4:]
    answer = tlv("7C", tlv("82", encipher(TripleDES(KEY), challenge)))
    assert terminal.send(bytes((0, 0x87, 3, 0x9B, len(answer))) + answer)[1] == 0x9000
    generate(terminal, 0x9A, 7)
    assert terminal.send(bytes((0, 0x87, 3, 0x9B, len(answer))) + answer)[1] == 0x6985, "once only"


@pytest.mark.parametrize("answer", ["80", "82"])
def test_a_wrong_management_key_opens_nothing(terminal, answer):
    asked = "80" if answer == "80" else "81"
    terminal.ok(f"0087039B047C02{asked}0000")
    wrong = tlv("7C", tlv(answer, bytes(8)) + (tlv("81", bytes(8)) if answer == "80" else b""))
    assert terminal.send(bytes((0, 0x87, 3, 0x9B, len(wrong))) + wrong + b"\0")[1] == 0x6982
    assert terminal.send("0047009A05AC0380010700")[1] == 0x6982


@pytest.mark.parametrize(("algorithm", "size"), [(0x08, 16), (0x0A, 24), (0x0C, 32), (0x03, 24)])
def test_the_management_key_is_replaced_by_one_of_any_algorithm(terminal, card, algorithm, size):
    new = bytes(range(0x10, 0x10 + size))
    manage(terminal)
    terminal.ok(bytes((0, 0xFF, 0xFF, 0xFF, size + 3, algorithm, 0x9B, size)) + new)
    card.power_on()
    terminal.ok(SELECT)
    if algorithm != 3:
        assert terminal.send("0087039B047C02800000")[1] == 0x6A86
    manage(terminal, algorithm, TripleDES(new) if algorithm == 3 else algorithms.AES(new))


@pytest.mark.parametrize("algorithm", [0x06, 0x07, 0x05])
def test_an_rsa_key_signs_the_block_that_the_host_padded(terminal, algorithm):
    manage(terminal)
    public = generate(terminal, 0x9A, algorithm)
    size = {6: 128, 7: 256, 5: 384}[algorithm]
    modulus = int.from_bytes(public[-5 - size : -5], "big")
    assert public[-5:] == bytes.fromhex("8203010001")
    key = rsa.RSAPublicNumbers(65537, modulus).public_key()
    info = bytes.fromhex("3031300D060960864801650304020105000420") + hashlib.sha256(b"text").digest()
    block = b"\0\1" + b"\xff" * (size - 3 - len(info)) + b"\0" + info
    assert authenticate(terminal, algorithm, 0x9A, "81", block) == (b"", 0x6982)
    terminal.ok(VERIFY)
    answer, sw = authenticate(terminal, algorithm, 0x9A, "81", block)
    assert sw == 0x9000
    key.verify(answer[-size:], b"text", padding.PKCS1v15(), SHA256())
    assert authenticate(terminal, algorithm, 0x9A, "81", block[1:])[1] == 0x6A80
    assert authenticate(terminal, 0x11, 0x9A, "81", block)[1] == 0x6A86


def test_a_signature_key_wants_the_pin_before_every_use(terminal):
    manage(terminal)
    generate(terminal, 0x9C, 0x11)
    terminal.ok(VERIFY)
    assert authenticate(terminal, 0x11, 0x9C, "81", bytes(32))[1] == 0x9000
    assert authenticate(terminal, 0x11, 0x9C, "81", bytes(32))[1] == 0x6982


@pytest.mark.parametrize(
    "between", ["00FD000000", "00CB3FFF035C017E00", SELECT, "00F7009C00", "8050000008000000000000000000"]
)
def test_a_signature_key_wants_the_pin_in_the_command_just_before(terminal, between):
    manage(terminal)
    generate(terminal, 0x9C, 0x11)
    terminal.ok(VERIFY)
    terminal.ok(between)
    assert authenticate(terminal, 0x11, 0x9C, "81", bytes(32))[1] == 0x6982
    terminal.ok("00200080")


def test_changing_the_pin_verifies_it_and_setting_it_by_the_puk_changes_nothing(terminal):
    change, reset = ("0024008010" + (PIN + OTHER).hex(), "002C008010" + (PUK + PIN).hex())
    terminal.ok(change)
    terminal.ok("00200080")
    terminal.ok(reset)
    terminal.ok("00200080")
    terminal.ok("0020FF80")
    terminal.ok(reset)
    assert terminal.send("00200080")[1] == 0x63C3
    terminal.ok(VERIFY)
    assert terminal.send("002C008010" + (OTHER + PIN).hex())[1] == 0x63C2
    assert terminal.send("00200080")[1] == 0x63C3, "a wrong PUK ends what was verified"


def test_a_new_pin_that_is_none_leaves_status_and_tries(terminal):
    bad = b"abcdef\xff\xff"
    terminal.ok(VERIFY)
    assert terminal.send("0024008010" + (PIN + bad).hex())[1] == 0x6A80
    terminal.ok("00200080")
    terminal.send("0020008008" + OTHER.hex())
    assert terminal.send("0024008010" + (PIN + bad).hex())[1] == 0x6A80
    assert terminal.send("00200080")[1] == 0x63C2


def test_the_attestation_key_stays_where_it_signs_attestations_only(terminal):
    manage(terminal)
    assert terminal.send("00F69AF9")[1] == 0x6A86
    generate(terminal, 0x9C, 0x11)
    terminal.ok("00F99C0000")
    terminal.ok("00F6FFF9")
    assert terminal.send("00F99C0000")[1] == 0x6A88, "destroyed, nothing is attested"


def test_a_card_authentication_key_wants_no_pin(terminal):
    manage(terminal)
    point = generate(terminal, 0x9E, 0x11)[-65:]
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    digest = hashlib.sha256(b"text").digest()
    answer, _ = authenticate(terminal, 0x11, 0x9E, "81", digest)
    key.verify(answer[4:], digest, ec.ECDSA(utils.Prehashed(SHA256())))


@pytest.mark.parametrize(("algorithm", "curve"), [(0x11, ec.SECP256R1()), (0x14, ec.SECP384R1())])
def test_key_agreement_gives_both_the_same_secret(terminal, algorithm, curve):
    manage(terminal)
    size = 1 + 2 * (curve.key_size // 8)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(curve, generate(terminal, 0x9D, algorithm)[-size:])
    ours = ec.generate_private_key(curve)
    terminal.ok(VERIFY)
    point = ours.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    answer, sw = authenticate(terminal, algorithm, 0x9D, "85", point)
    assert (answer[4:], sw) == (ours.exchange(ec.ECDH(), theirs), 0x9000)
    assert authenticate(terminal, algorithm, 0x9D, "85", b"\4" + bytes(size - 1))[1] == 0x6A80


def test_an_edwards_key_signs_the_message_itself(terminal):
    manage(terminal)
    key = ed25519.Ed25519PublicKey.from_public_bytes(generate(terminal, 0x9A, 0xE0)[-32:])
    terminal.ok(VERIFY)
    key.verify(authenticate(terminal, 0xE0, 0x9A, "81", b"message")[0][4:], b"message")


@pytest.mark.parametrize("data", ["", "7C00", "7C", "7C0482008100", "7C028200", "810400000000", "7C0581040000"])
def test_a_malformed_template_is_wrong_data(terminal, data):
    manage(terminal)
    generate(terminal, 0x9E, 0x11)
    raw = bytes.fromhex(data)
    sw = terminal.send(bytes((0, 0x87, 0x11, 0x9E, len(raw))) + raw if raw else bytes((0, 0x87, 0x11, 0x9E)))[1]
    assert sw == (0x6A80 if raw else 0x6700)


def test_attestation_leads_to_the_makers_root_and_names_key_and_card(terminal):
    manage(terminal)
    public = generate(terminal, 0x9C, 0x07)
    certificate = x509.load_der_x509_certificate(terminal.ok("00F99C0000"))
    held = terminal.ok("00CB3FFF055C035FFF0100")
    signer = x509.load_der_x509_certificate(held[8:-5])
    root = attestation_root()
    signer.verify_directly_issued_by(root)
    certificate.verify_directly_issued_by(signer)
    assert certificate.public_key().public_numbers().n == int.from_bytes(public[9:265], "big")
    serial = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier("1.3.6.1.4.1.41482.3.7")).value.value
    assert serial == b"\x02\x04" + (12345678).to_bytes(4, "big")


@pytest.mark.parametrize(
    ("serial", "der"), [(0, "020100"), (42, "02012A"), (128, "02020080"), (2**31 - 1, "02047FFFFFFF")]
)
def test_the_serial_number_of_an_attestation_is_der(prepared_key, serial, der):
    card = VirtualCard(MemoryStore(new_piv_card(f"PIV{serial:013d}")), make_key=lambda: prepared_key)
    card.power_on()
    terminal = Terminal(card.transmit)
    terminal.ok(SELECT)
    manage(terminal)
    generate(terminal, 0x9C, 0x07)
    certificate = x509.load_der_x509_certificate(terminal.ok("00F99C0000"))
    extension = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier("1.3.6.1.4.1.41482.3.7"))
    assert extension.value.value == bytes.fromhex(der)


def test_an_imported_key_is_used_and_never_attested(terminal, prepared_key):
    manage(terminal)
    numbers = prepared_key.private_numbers()
    parts = b"".join(tlv(tag, n.to_bytes(128, "big")) for tag, n in (("01", numbers.p), ("02", numbers.q)))
    terminal.ok(command("00FE079A", parts, le=False))
    assert terminal.send("00F99A0000")[1] == 0x6A88
    metadata = terminal.ok("00F7009A00")
    assert metadata[:10].hex() == "01010702020201030102"


def test_metadata_says_what_is_still_the_factorys(terminal):
    assert terminal.ok("00F7008000").hex() == "0101ff05010106020303"
    assert terminal.ok("00F7009B00").hex() == "01010302020001050101"
    terminal.ok("0024008010" + (PIN + OTHER).hex())
    terminal.send("0020008008" + PIN.hex())
    assert terminal.ok("00F7008000").hex() == "0101ff05010006020302"


def test_only_a_blocked_card_is_reset_and_it_is_as_new_afterwards(terminal, store):
    manage(terminal)
    generate(terminal, 0x9A, 0x11)
    assert terminal.send("00FB0000")[1] == 0x6985
    for _ in range(3):
        terminal.send("0020008008" + OTHER.hex())
        terminal.send("002C008010" + (OTHER + OTHER).hex())
    terminal.ok("00FB0000")
    terminal.ok(VERIFY)
    assert store.read().piv.keys.keys() == {0xF9}


def split(raw: bytes) -> list[bytes]:
    header, data = raw[:4], raw[7:]
    pieces = [data[at : at + 255] for at in range(0, len(data), 255)]
    chained = [bytes((0x10,)) + header[1:] + bytes((len(piece),)) + piece for piece in pieces[:-1]]
    return [*chained, header + bytes((len(pieces[-1]),)) + pieces[-1]]


def test_a_long_command_comes_in_pieces(terminal):
    manage(terminal)
    content = bytes(range(256)) * 5
    for piece in split(command("00DB3FFF", bytes.fromhex("5C035FC10A") + tlv("53", content), le=False)):
        terminal.ok(piece)
    assert terminal.ok("00CB3FFF055C035FC10A00") == tlv("53", content)


def test_a_chain_is_broken_by_another_command_which_is_not_done(terminal, store):
    manage(terminal)
    pieces = split(command("00DB3FFF", bytes.fromhex("5C035FC10A") + tlv("53", bytes(600)), le=False))
    terminal.ok(pieces[0])
    assert terminal.send(VERIFY)[1] == 0x6883
    assert terminal.send("00200080")[1] == 0x63C3
    assert 0x5FC10A not in store.read().piv.objects


@pytest.mark.parametrize("limits", [SHORT_LENGTH, CardLimits(max_answer=64), T0])
def test_a_lesser_card_refuses_what_it_cannot_and_gives_the_rest_in_pieces(store, prepared_key, limits):
    card = VirtualCard(store, make_key=lambda: prepared_key, limits=limits)
    card.power_on()
    terminal = Terminal(card.transmit)
    terminal.ok(SELECT)
    manage(terminal)
    assert generate(terminal, 0x9A, 7)[:2].hex() == "7f49"
    first = card.transmit(bytes.fromhex("00CB3FFF055C035FFF0100"))
    assert first[-2] == 0x61
    assert len(first) - 2 == {SHORT_LENGTH: 256, T0: 0}.get(limits, 64)
    extended = card.transmit(command("00DB3FFF", bytes.fromhex("5C035FC10A5301AA"), le=False))
    assert extended.hex() == ("9000" if limits.takes_extended else "6700")


def test_t0_corrects_the_length(store):
    card = VirtualCard(store, limits=T0)
    card.power_on()
    assert card.atr[1] & 0x80 == 0, "no TD1: protocol T=0"
    card.transmit(bytes.fromhex(SELECT[:-2]))
    assert card.transmit(bytes.fromhex("00FD000000")).hex() == "6c03"
    assert card.transmit(bytes.fromhex("00FD000003")).hex() == "0507029000"


def test_the_secure_channel_carries_any_command(terminal: Terminal, card: VirtualCard) -> None:
    key = bytes(range(0x40, 0x50))
    terminal.open_with(0xFF, key, key)
    terminal.secure_ok(VERIFY)
    assert terminal.secure_ok("00F8000000") == (12345678).to_bytes(4, "big")
    terminal.secure_ok("00200080")


def test_keys_are_replaced_through_the_channel_only(terminal: Terminal, store: MemoryStore) -> None:
    """That a channel is open does not make a plain command the issuer's."""
    key, before = bytes(range(0x40, 0x50)), store.read().channel_keys
    terminal.ok("00A4040008A000000151000000")
    terminal.open_with(0xFF, key, key)
    put_key = bytes.fromhex("80D8008146") + bytes(70)
    assert terminal.send(put_key)[1] == 0x6982
    assert terminal.secure(put_key)[1] == 0x6A80
    assert store.read().channel_keys == before

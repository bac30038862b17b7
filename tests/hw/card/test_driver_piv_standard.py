"""PIV cards as NIST SP 800-73-4 has them: no metadata, the PIN before every signature, two objects that must exist."""

import datetime
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace

from hw.card.apdu import EXTENDED, SHORT, Limits
from hw.card.key import CardKey
from hw.card.reader import Reader
from hw.errors import CardRefused, CardRemoved, CardUnsupported, DeviceError, PinRefused, Unsupported
from hw.ports import CardReader, CardSession, ChannelPurpose, RsaPublicKey
from hw.sim.card import tlv
from hw.sim.card.limits import STANDARD, UNLIMITED, WITHOUT_METADATA, CardLimits
from hw.sim.card.memory import CardMemory, MemoryStore, PivMemory
from hw.sim.card.personalization import FACTORY_MANAGEMENT_KEY, new_piv_card, new_standard_piv_card
from hw.sim.fault import Fault
from tests.hw.card.office import ISSUER, Desk, password_for, prove, read_certificate

NUMBER = "PIV0000012345678"
CARDS = {"without metadata": WITHOUT_METADATA, "standard": STANDARD}
IDENTIFIER, CAPABILITIES = 0x5FC102, 0x5FC107
VERIFY, SIGN = 0x20, 0x87


def desk_of(limits: CardLimits, *, reader_limits: Limits = EXTENDED, **changed: object) -> Desk:
    """A card as its maker made it, one of the standard prepared with the issuer's key; `changed` in its memory."""
    desk = Desk(kind="piv", limits=reader_limits, card_limits=limits)
    memory = new_standard_piv_card(NUMBER) if limits is STANDARD else new_piv_card(NUMBER)
    assert memory.piv is not None
    desk.memory.write(replace(memory, piv=replace(memory.piv, **changed)))
    desk.insert()
    return desk


def piv(store: MemoryStore) -> PivMemory:
    memory = store.read().piv
    assert memory is not None
    return memory


def tries(desk: Desk) -> tuple[int, int]:
    memory = piv(desk.memory)
    return memory.pin.record.tries, memory.puk.record.tries


@lru_cache
def _authority() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def certificate_of(key: RsaPublicKey) -> bytes:
    """One that carries the card's key: a card without metadata shows its key nowhere else."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Resident")])
    begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    public = rsa.RSAPublicNumbers(key.exponent, key.modulus).public_key()
    builder = x509.CertificateBuilder(name, name, public, 4711, begin, begin.replace(year=2029))
    return builder.sign(_authority(), SHA256()).public_bytes(Encoding.DER)


def issue(reader: CardReader) -> RsaPublicKey:
    """As `tests.hw.card.office.issue`, without the attestation, which is beyond the standard."""
    with reader.session() as card:
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        before = card.public_key()
        card.set_pin(password_for(card))
        card.verify_pin(password_for(card))
        made = card.generate_key()
        assert card.public_key() == made != before
        prove(CardKey(card, made), b"certificate request")
        certificate = certificate_of(made)
        card.write_certificate(certificate)
        assert card.read_certificate() == certificate
        prove(CardKey(card, made), b"test text")
        return made


@pytest.mark.parametrize("kind", CARDS)
@pytest.mark.parametrize("reader_limits", [EXTENDED, SHORT])
def test_a_card_without_metadata_is_issued_and_issued_again(kind: str, reader_limits: Limits) -> None:
    desk = desk_of(CARDS[kind], reader_limits=reader_limits)
    first = issue(desk.reader)
    assert issue(desk.reader) != first
    desk.insert()
    assert read_certificate(desk.reader) is not None
    assert tries(desk) == (3, 3)


def test_makers_use_the_same_key_with_aes_too() -> None:
    desk = desk_of(WITHOUT_METADATA, management_algorithm=0x0A)
    issue(desk.reader)
    assert piv(desk.memory).management_algorithm == 0x0C


@pytest.mark.parametrize(("algorithm", "size"), [(0x03, 24), (0x08, 16), (0x0A, 24), (0x0C, 32)])
@pytest.mark.parametrize("kind", CARDS)
def test_a_card_of_somebody_else_is_refused_as_it_was(kind: str, algorithm: int, size: int) -> None:
    desk = desk_of(CARDS[kind], management_algorithm=algorithm, management_key=bytes(range(size)))
    before = desk.memory.read()
    with pytest.raises(CardUnsupported, match="somebody else") as refused:
        issue(desk.reader)
    assert refused.value.reason is Unsupported.NOT_PREPARED
    assert desk.memory.read() == before, "and no try was spent"


def test_a_card_whose_management_key_cannot_be_replaced_is_left_to_its_makers_tools() -> None:
    desk = desk_of(STANDARD, management_algorithm=0x03, management_key=FACTORY_MANAGEMENT_KEY)
    before = desk.memory.read()
    with pytest.raises(CardUnsupported, match="maker's tools"):
        issue(desk.reader)
    assert desk.memory.read() == before


def test_a_puk_that_somebody_changed_costs_one_try_and_the_card_stays_his() -> None:
    desk = desk_of(WITHOUT_METADATA)
    desk.card.power_on()
    desk.card.transmit(bytes.fromhex("00A4040009A00000030800001000"))
    changed = desk.card.transmit(bytes.fromhex("0024008110") + b"12345678" + b"87654321")
    assert changed.hex() == "9000"
    desk.insert()
    with pytest.raises(CardUnsupported, match="PUK was changed"):
        issue(desk.reader)
    memory = piv(desk.memory)
    assert (memory.management_algorithm, memory.management_key) == (0x03, FACTORY_MANAGEMENT_KEY)
    assert tries(desk) == (3, 2)


@pytest.mark.parametrize("kind", CARDS)
@pytest.mark.parametrize("fault", ["pull-after", "torn"])
def test_such_a_card_pulled_anywhere_is_issued_again_and_no_try_is_lost(kind: str, fault: str) -> None:
    exchanges = desk_of(CARDS[kind]).exchanges_of(issue)
    for at in range(1, exchanges + 1):
        desk = desk_of(CARDS[kind])
        desk.insert({at: Fault(fault, at)})
        try:
            issue(desk.reader)
        except CardRemoved:
            pass
        desk.insert()
        issue(desk.reader)
        assert read_certificate(desk.reader) is not None, f"{fault}@{at}"
        assert tries(desk) == (3, 3), f"{fault}@{at}"


# --- the PIN before every signature


class Office:
    """An issued card in the middle of a session, and what was sent to it."""

    def __init__(self, limits: CardLimits) -> None:
        self.sent: list[bytes] = []
        self.desk = desk_of(limits)
        reader = Reader(self.desk.slot, trace=lambda command, *_: self.sent.append(command))
        issue(reader)
        self.reader = reader

    def presented(self, job: Callable[[], object]) -> int:
        """How often the PIN was presented during a job."""
        self.sent.clear()
        job()
        return sum(command[1] == VERIFY and len(command) > 5 for command in self.sent)


def sign(card: CardSession) -> bytes:
    return card.sign(bytes(51))


def test_the_pin_is_presented_again_right_before_each_of_two_signatures() -> None:
    office = Office(STANDARD)
    with office.reader.session() as card:
        assert office.presented(lambda: card.verify_pin(password_for(card))) == 1
        for _ in range(2):
            card.public_key()
            assert office.presented(lambda: sign(card)) == 1
            assert [command[1] for command in office.sent] == [VERIFY, SIGN]
        with pytest.raises(CardRefused) as refused:
            sign(card)
        assert refused.value.sw == 0x6982, "not held any longer than a certificate takes"
        card.verify_pin(password_for(card))
        sign(card)


def test_a_card_that_takes_a_policy_is_given_the_pin_once() -> None:
    office = Office(UNLIMITED)
    with office.reader.session() as card:
        assert office.presented(lambda: card.verify_pin(password_for(card))) == 1
        assert office.presented(lambda: [sign(card) for _ in range(3)]) == 0


@pytest.mark.parametrize("sw", ["63C2", "6983", "6F00", "6982"])
def test_a_pin_that_is_not_taken_the_second_time_is_not_presented_a_third(sw: str) -> None:
    office = Office(STANDARD)
    office.desk.insert({5: Fault("sw", 5, sw)})
    with office.reader.session() as card:
        card.verify_pin(password_for(card))
        with pytest.raises(DeviceError):
            sign(card)
        assert [command[1] for command in office.sent[-2:]] == [VERIFY, VERIFY]
        card.public_key()
        office.sent.clear()
        with pytest.raises(CardRefused):
            sign(card)
        assert [command[1] for command in office.sent] == [SIGN]
    assert tries(office.desk) == (3, 3)


@pytest.mark.parametrize("ending", ["change", "wrong", "set"])
def test_no_pin_is_held_after_it_was_changed_or_another_was_wrong(ending: str) -> None:
    office = Office(STANDARD)
    with office.reader.session() as card:
        card.open_channel(ChannelPurpose.RESET, ISSUER)
        card.verify_pin(password_for(card))
        if ending == "change":
            card.change_pin(password_for(card), bytearray(b"737373"))
        elif ending == "set":
            card.set_pin(bytearray(b"737373"))
        else:
            with pytest.raises(PinRefused):
                card.verify_pin(bytearray(b"999999"))
        office.sent.clear()
        try:
            sign(card)
        except CardRefused:
            assert ending != "change", "changing it verifies it"
        assert [command[1] for command in office.sent] == [SIGN]


# --- the objects that must be there


def objects(desk: Desk) -> tuple[dict[int, bytes], dict[int, bytes]]:
    held = piv(desk.memory).objects
    return tlv.decode(held[IDENTIFIER]), tlv.decode(held[CAPABILITIES])


def digits(fasc_n: bytes) -> str:
    """TIG SCEPACS 2.1, 6: characters of five bits, the lowest first, the last one its odd parity."""
    bits = "".join(f"{byte:08b}" for byte in fasc_n)
    text = ""
    for start in range(0, 195, 5):
        character = bits[start : start + 5]
        assert character.count("1") % 2, "odd parity"
        text += "0123456789:S<F>E"[int(character[3::-1], 2)]
    return text


def test_a_card_gets_identifier_and_capabilities_of_the_standards_form() -> None:
    desk = desk_of(WITHOUT_METADATA)
    issue(desk.reader)
    identifier, capabilities = objects(desk)
    assert list(identifier) == [0x30, 0x34, 0x35, 0x3E, 0xFE]
    assert digits(identifier[0x30]).startswith("S9999F9999F999999F0F1F")
    assert len(identifier[0x34]) == 16
    assert (identifier[0x34][6] >> 4, identifier[0x34][8] >> 6) == (4, 2), "a random UUID"
    assert identifier[0x35] == b"20991231"
    assert list(capabilities) == [0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE]
    assert (capabilities[0xF0][:7].hex(), len(capabilities[0xF0])) == ("a000000116ff02", 21)
    assert capabilities[0xF5] == b"\x10"


def test_what_a_card_has_stays_and_what_was_cut_short_is_written_again() -> None:
    desk = desk_of(WITHOUT_METADATA)
    issue(desk.reader)
    first = objects(desk)
    issue(desk.reader)
    assert objects(desk) == first
    memory: CardMemory = desk.memory.read()
    assert memory.piv is not None
    cut = {tag: memory.piv.objects[tag][:9] for tag in (IDENTIFIER, CAPABILITIES)}
    desk.memory.write(replace(memory, piv=replace(memory.piv, objects={**memory.piv.objects, **cut})))
    desk.insert()
    issue(desk.reader)
    assert [list(each) for each in objects(desk)] == [list(each) for each in first]


def test_an_identifier_that_makes_the_cards_number_is_never_replaced() -> None:
    """One wrong answer would make another card of it, whose keys nobody has."""
    exchanges = desk_of(STANDARD).exchanges_of(issue)
    identifier = objects_of(desk_of(STANDARD))[IDENTIFIER]
    for at in range(1, exchanges + 1):
        desk = desk_of(STANDARD)
        desk.insert({at: Fault("sw", at, "6A82")})
        with suppress(DeviceError, AssertionError):
            issue(desk.reader)
        assert objects_of(desk)[IDENTIFIER] == identifier, at


def objects_of(desk: Desk) -> dict[int, bytes]:
    return piv(desk.memory).objects


def test_two_cards_have_two_identifiers() -> None:
    desks = [desk_of(WITHOUT_METADATA) for _ in range(2)]
    for desk in desks:
        issue(desk.reader)
    assert objects(desks[0])[0][0x34] != objects(desks[1])[0][0x34]


# --- what happens to it later


@pytest.mark.parametrize("kind", CARDS)
def test_such_a_card_is_unlocked_and_emptied_again(kind: str) -> None:
    desk = desk_of(CARDS[kind])
    issue(desk.reader)
    with desk.reader.session() as card:
        for _ in range(3):
            with pytest.raises(CardRefused):
                card.verify_pin(bytearray(b"999999"))
        assert card.pin_status().attempts_remaining == 0
        card.open_channel(ChannelPurpose.RESET, ISSUER)
        card.set_pin(password_for(card))
        assert card.pin_status().attempts_remaining == 3
    key = piv(desk.memory).keys[0x9C]
    with desk.reader.session() as card:
        card.open_channel(ChannelPurpose.ERASE, ISSUER)
        card.erase()
        assert (card.public_key(), card.read_certificate()) == (None, None)
    assert piv(desk.memory).keys[0x9C] != key, "no command of the standard destroys a key, but it is another"
    issue(desk.reader)
    assert tries(desk) == (3, 3)

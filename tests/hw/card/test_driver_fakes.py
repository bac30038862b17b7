"""Cards that are not what they seem: fake, replayed, swapped, tampered with. Each is refused for a reason of its own.

What only the authority can see (an attestation under another key, a key that was certified before) is tested there.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec.structs import replace

from hw.card.memory import MemorySlot
from hw.card.pcsc import Result, error_of_connecting
from hw.card.reader import Reader
from hw.errors import (
    CardAnswerInvalid,
    CardMute,
    CardRefused,
    CardRemoved,
    CardUnsupported,
    DeviceError,
    OutcomeUnknown,
    PinLocked,
    Refused,
    Unsupported,
)
from hw.ports import CardReader, ChannelPurpose, RsaPublicKey
from hw.rsa_check import refuse_weak
from hw.sim.card.card import VirtualCard
from hw.sim.card.memory import CardMemory, MemoryStore
from hw.sim.card.personalization import MasterKeys, new_card
from hw.sim.fault import Fault
from tests.hw.card.office import CARD_NUMBER, CERTIFICATE, ISSUER, blank, key_hash, password_for, rsa_key

Change = Callable[[bytes, bytes], bytes]
"""What stands between card and reader: the command and the card's answer to what the reader gets."""

GET_DATA, INITIALIZE, GENERATE, VERIFY, READ, AUTHENTICATE, METADATA = 0xCA, 0x50, 0x47, 0x20, 0xB0, 0x87, 0xF7
SERIAL, GET_OBJECT, ATTEST = 0xF8, 0xCB, 0xF9
STRANGER = MasterKeys(*(bytes([byte]) * 16 for byte in (1, 2, 3, 4)))


class Between:
    """A card and whoever sits between it and the reader."""

    def __init__(self, card: VirtualCard, change: Change) -> None:
        self._card = card
        self._change = change

    def __getattr__(self, name: str) -> object:
        return getattr(self._card, name)

    def transmit(self, command: bytes) -> bytes:
        return self._change(command, self._card.transmit(command))


def instead(ins: int, answer: str | Callable[[bytes], bytes], at: int = 1) -> Change:
    """The `at`th answer to an instruction is another one, given in hex or made from the true one."""
    seen = 0

    def change(command: bytes, true: bytes) -> bytes:
        nonlocal seen
        seen += command[1] == ins
        if command[1] != ins or seen != at:
            return true
        return bytes.fromhex(answer) if isinstance(answer, str) else answer(true)

    return change


def always(ins: int, answer: str | Callable[[bytes], bytes]) -> Change:
    """Every answer to an instruction is another one."""
    return lambda command, true: (
        true if command[1] != ins else bytes.fromhex(answer) if isinstance(answer, str) else answer(true)
    )


def flipped(position: int) -> Callable[[bytes], bytes]:
    return lambda true: true[:position] + bytes((true[position] ^ 1,)) + true[position + 1 :]


def replayed(ins: int) -> Change:
    """The answer to an instruction is the one that the card once gave to somebody else."""
    old: list[bytes] = []

    def listen(command: bytes, true: bytes) -> bytes:
        if command[1] == ins:
            old.append(true)
        return true

    other = VirtualCard(MemoryStore(blank("juki-2011")), make_key=rsa_key)
    try:
        issue(
            Reader(MemorySlot("earlier", Between(other, lambda c, a: (old.append(a) if c[1] == ins else None, a)[1])))
        )
    except Refused:
        pass
    return always(ins, lambda _: old[0])


def earlier_answer(ins: int) -> Change:
    """The second answer to an instruction is the first one again."""
    old: list[bytes] = []

    def change(command: bytes, true: bytes) -> bytes:
        if command[1] == ins:
            old.append(true)
            return old[0]
        return true

    return change


def both(first: Change, second: Change) -> Change:
    return lambda command, true: second(command, first(command, true))


NO_CHANNEL = always(INITIALIZE, "6D00")


def telephone(command: bytes, true: bytes) -> bytes:
    if command[1] == GET_DATA:
        return bytes.fromhex("6A88")
    return b"JPKIAPGPSETOKEN".ljust(32) + b"\x90\x00" if command[1] == READ else true


def issue(reader: CardReader) -> None:
    """A whole issuance, as far as the card goes along."""
    with reader.session() as card:
        card.pin_status()
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        card.set_pin(password_for(card))
        card.verify_pin(password_for(card))
        made = card.generate_key()
        card.attest(bytes(16), key_hash(made))
        if card.public_key() != made:
            raise Refused("another key is shown than was made")
        card.sign(bytes(51))
        card.write_certificate(CERTIFICATE)
        if card.read_certificate() != CERTIFICATE:
            raise Refused("another certificate is read than was written")


def read_again(reader: CardReader) -> None:
    """The card is brought again another day."""
    with reader.session() as card:
        card.pin_status()
        card.verify_pin(password_for(card))
        card.read_certificate()


@dataclass(frozen=True)
class Fake:
    """A card that is not right, and what is said of it. `is_issued` is one that comes again after it was issued."""

    name: str
    error: type[DeviceError]
    said: str
    change: Change = lambda command, true: true
    kind: str = "juki-2011"
    memory: Callable[[CardMemory], CardMemory] = lambda memory: memory
    make_key: Callable[[], rsa.RSAPrivateKey] = rsa_key
    faults: tuple[Fault, ...] = ()
    is_issued: bool = False
    reason: Unsupported | None = None

    def reader(self) -> Reader:
        store = MemoryStore(self.memory(blank(self.kind)))
        if self.is_issued:
            issue(Reader(MemorySlot("the day before", VirtualCard(store, make_key=rsa_key))))
        card = VirtualCard(store, make_key=self.make_key, faults={fault.at: fault for fault in self.faults})
        return Reader(MemorySlot("fake", Between(card, self.change)))


def label(text: str) -> Callable[[bytes], bytes]:
    return lambda true: true.replace(b"juki-2011", text.encode())


def piv(memory: CardMemory, **fields: object) -> CardMemory:
    assert memory.piv is not None
    return replace(memory, piv=replace(memory.piv, **fields))


def other_puk(memory: CardMemory) -> CardMemory:
    assert memory.piv is not None
    return piv(memory, puk=replace(memory.piv.puk, is_default=False))


def with_exponent_3() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(3, 2048)


def of_1024_bits() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)


def bomb(true: bytes) -> bytes:
    """A certificate that gzip blows up."""
    import gzip

    packed = gzip.compress(bytes(1 << 24))[:3000]
    content = b"\x70\x82" + len(packed).to_bytes(2, "big") + packed + b"\x71\x01\x01\xfe\x00"
    return b"\x53\x82" + len(content).to_bytes(2, "big") + content + b"\x90\x00"


U = Unsupported
INVALID = CardAnswerInvalid
FAKES = (
    # another card than is needed
    Fake("another kind of card", CardUnsupported, "none of the card", always(0xA4, "6A82"), reason=U.NO_APPLICATION),
    Fake("a card of the field", CardUnsupported, "no card number", always(GET_DATA, "6A88"), reason=U.NOT_PREPARED),
    Fake("a telephone", CardUnsupported, "telephone", telephone, reason=U.EMULATED),
    Fake("another policy", CardUnsupported, "policy", always(GET_DATA, label("juki-2099")), reason=U.OTHER_POLICY),
    Fake("another layout", CardUnsupported, "policy",
         always(GET_DATA, lambda true: true[:-2] + bytes.fromhex("C301099000")), reason=U.OTHER_POLICY),
    Fake("no identity at all", INVALID, "identity", always(GET_DATA, "9000")),
    Fake("a number of another form", INVALID, "identity", always(GET_DATA, lambda t: t.replace(b"KIOSK", b"kiosk"))),
    Fake("an identity cut short", INVALID, "longer than what holds it", always(GET_DATA, lambda t: t[:9] + b"\x90\0")),
    # a card of somebody else's making
    Fake("another issuer's card", Refused, "not a card of this issuer",
         memory=lambda _: new_card(CARD_NUMBER, masters=STRANGER)),
    Fake("another card's number", Refused, "not a card of this issuer",
         always(GET_DATA, lambda t: t.replace(b"00001", b"00002"))),
    Fake("an old greeting", Refused, "not a card of this issuer", replayed(INITIALIZE)),
    Fake("another key version", INVALID, "another key", always(INITIALIZE, flipped(10))),
    Fake("another protocol", INVALID, "another protocol", always(INITIALIZE, flipped(11))),
    Fake("a channel without answer protection", INVALID, "R-MAC",
         always(INITIALIZE, lambda t: t[:12] + b"\0" + t[13:])),
    Fake("a greeting cut short", INVALID, "UPDATE answered", always(INITIALIZE, lambda t: t[:20] + b"\x90\0")),
    Fake("a challenge that was changed", Refused, "cryptogram", always(INITIALIZE, flipped(14))),
    Fake("a cryptogram that was changed", Refused, "cryptogram", always(INITIALIZE, flipped(22))),
    Fake("no channel", CardRefused, "open secure channel", always(INITIALIZE, "6D00")),
    # somebody between card and reader
    Fake("a key that was changed on its way", INVALID, "MAC is wrong", instead(GENERATE, flipped(40))),
    Fake("a key without its protection", INVALID, "MAC is wrong", instead(GENERATE, lambda t: t[8:])),
    Fake("an answer that was cut", INVALID, "MAC is wrong", instead(GENERATE, lambda t: t[:-10] + t[-2:])),
    Fake("an answer to an earlier command", INVALID, "MAC is wrong", earlier_answer(GENERATE)),
    Fake("an answer of an earlier session", INVALID, "MAC is wrong", replayed(GENERATE)),
    Fake("success without doing", INVALID, "MAC is wrong", instead(0x24, "9000")),
    Fake("a warning in place of success", CardRefused, "set password: card answered 6200", instead(0x24, "6200")),
    Fake("a refusal in place of success", CardRefused, "generate key", instead(GENERATE, "6985")),
    # a card that does not do what it says
    Fake("another key than was made", CardRefused, "attest key", faults=(Fault("wrong-key", 10),)),
    Fake("neighbouring primes", INVALID, "neighbouring primes", faults=(Fault("weak-key", 10),)),
    Fake("exponent 3", INVALID, "exponent", make_key=with_exponent_3),
    Fake("1024 bits", INVALID, "2048 bits", make_key=of_1024_bits),
    Fake("memory that fails", OutcomeUnknown, "generate key", instead(GENERATE, "6581")),
    Fake("an answer that never ends", INVALID, "never ends", faults=(Fault("loop", 3),)),
    Fake("more announced and nothing sent", INVALID, "sends nothing", 
         both(always(GET_DATA, "6120"), always(0xC0, "6120"))),
    Fake("no status word", INVALID, "no status word", always(GET_DATA, "00")),
    Fake("mute", CardMute, "does not answer", faults=(Fault("mute", 5),)),
    Fake("taken out", CardRemoved, "pulled", faults=(Fault("pull", 5),)),
    # a card that comes again
    Fake("attempts that nobody counts", CardRefused, "ask for attempts", always(VERIFY, "9000"), is_issued=True),
    Fake("locked", PinLocked, "locked", lambda c, true: b"\x69\x83" if c[1] == VERIFY and c[5:] else true,
         is_issued=True),
    Fake("something else in the file", INVALID, "holds no certificate", always(READ, "3181809000"), is_issued=True),
    Fake("a certificate that ends too early", INVALID, "ends within",
         always(READ, lambda t: t[:300] + b"\x90\0" if t[:1] == b"0" else b"\x90\0"), is_issued=True),
    # PIV cards
    Fake("no serial number, no identifier", CardUnsupported, "neither serial number", always(SERIAL, "6D00"), "piv",
         reason=U.NOT_PREPARED),
    Fake("a number that changes", INVALID, "two numbers", instead(SERIAL, "000000019000", at=2), "piv"),
    Fake("managed by others, by its algorithm", CardUnsupported, "somebody else", kind="piv", reason=U.NOT_PREPARED,
         memory=lambda memory: piv(memory, management_key=bytes(24))),
    Fake("managed by others, by its key", CardUnsupported, "somebody else", kind="piv", reason=U.NOT_PREPARED,
         memory=lambda memory: piv(memory, management_algorithm=12, management_key=bytes(32))),
    Fake("somebody else's PUK", CardUnsupported, "PUK was", kind="piv", reason=U.NOT_PREPARED, memory=other_puk),
    Fake("a management algorithm that nobody knows", CardUnsupported, "no known algorithm",
         instead(METADATA, "0101770202000105010090 00", at=2), "piv", reason=U.NOT_PREPARED),
    Fake("a card that does not know its own key", Refused, "does not have its management key",
         both(NO_CHANNEL, instead(AUTHENTICATE, flipped(5), at=2)), "piv"),
    Fake("a witness of another length", INVALID, "authentication of",
         both(NO_CHANNEL, instead(AUTHENTICATE, "7C03800100 9000")), "piv"),
    Fake("an answer under the channel that somebody changed", INVALID, "answer's MAC is wrong",
         instead(AUTHENTICATE, flipped(5)), "piv"),
    Fake("the maker's keys claimed after ours were put in", Refused, "cryptogram is wrong",
         always(INITIALIZE, lambda true: true[:10] + b"\xff" + true[11:]), "piv"),
    Fake("a key that the card did not make", CardRefused, "attest key", always(ATTEST, "6A88"), "piv"),
    Fake("a certificate that blows up", INVALID, "does not end", always(GET_OBJECT, bomb), "piv", is_issued=True),
)  # fmt: skip


@pytest.mark.parametrize("fake", FAKES, ids=lambda fake: fake.name)
def test_a_card_that_is_not_right_is_refused_for_its_own_reason(fake: Fake) -> None:
    with pytest.raises(fake.error, match=fake.said) as refused:
        (read_again if fake.is_issued else issue)(fake.reader())
    assert type(refused.value) is fake.error
    assert getattr(refused.value, "reason", None) == fake.reason


def test_the_table_is_long_enough() -> None:
    assert len({fake.name for fake in FAKES}) == len(FAKES) >= 30


def test_a_card_that_does_not_answer_to_reset_is_named() -> None:
    for result in (Result.UNRESPONSIVE_CARD, Result.UNSUPPORTED_CARD, Result.UNPOWERED_CARD):
        error = error_of_connecting(result, "a reader")
        assert isinstance(error, CardUnsupported)
        assert error.reason is Unsupported.MUTE_AT_RESET


def test_a_card_that_was_exchanged_in_the_middle_is_removed() -> None:
    slot = MemorySlot("a slot", VirtualCard(MemoryStore(blank("juki-2011")), make_key=rsa_key))
    with Reader(slot).session() as card:
        card.number()
        slot.insert(VirtualCard(MemoryStore(blank("juki-2011")), make_key=rsa_key))
        with pytest.raises(CardRemoved):
            card.pin_status()


def roca_modulus() -> int:
    """A modulus that bears the marks of CVE-2017-15361: a power of 65537 modulo the product of the small primes."""
    product = 1
    for prime in (n for n in range(3, 168) if all(n % m for m in range(2, n))):
        product *= prime
    modulus = pow(65537, 12345, product) + product * (((1 << 2047) + (1 << 2000)) // product)
    while modulus % 2 == 0 or any(modulus % n == 0 for n in range(3, 1000, 2)):
        modulus += product
    return modulus


@pytest.mark.parametrize(
    ("modulus", "said"),
    [(3 * ((1 << 2047) + 123), "small factor"), ((1 << 2048) - 2, "small factor"), (roca_modulus(), "CVE-2017-15361")],
)
def test_a_modulus_that_is_easy_to_factor_is_refused(modulus: int, said: str) -> None:
    with pytest.raises(CardAnswerInvalid, match=said):
        refuse_weak(RsaPublicKey(modulus, 65537))


def test_good_keys_are_not_refused() -> None:
    for _ in range(3):
        numbers = rsa_key().public_key().public_numbers()
        refuse_weak(RsaPublicKey(numbers.n, numbers.e))

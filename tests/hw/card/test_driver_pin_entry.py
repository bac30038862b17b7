"""A PIN typed at the reader: the bytes of PC/SC part 10, and what the driver and a simulated pad make of them."""

from collections.abc import Callable

import pytest

from hw.card import pin_entry
from hw.card.memory import MemoryConnection, MemorySlot
from hw.card.pin_entry import Feature, parse_features, verify_structure
from hw.card.reader import Reader
from hw.card.trace import RedactingTrace
from hw.errors import NotSent, PinLocked, PinRefused
from hw.ports import ChannelPurpose, KeyUse
from hw.sim.card.card import VirtualCard
from hw.sim.card.memory import MemoryStore
from hw.sim.card.pin_pad import PinPad
from tests.hw.card.office import ISSUER, blank, issue, password_for, rsa_key

USES = {"myna-2016": KeyUse.AUTHENTICATION, "piv": KeyUse.SIGNATURE}


class PadSlot(MemorySlot):
    """A slot whose reader has a pad, at which `type_digits` types."""

    def __init__(self, card: VirtualCard, type_digits: Callable[[], str | None]) -> None:
        super().__init__("a reader with a pad", card)
        self._type_digits = type_digits
        self.pad: PinPad | None = None

    def connect(self) -> MemoryConnection:
        connection = super().connect()
        self.pad = PinPad(connection.transmit, self._type_digits)
        connection.features, connection.control = self.pad.features, self.pad.control
        return connection


def issued(kind: str) -> VirtualCard:
    """A card whose PIN of digits is 4242 or 424242."""
    card = VirtualCard(MemoryStore(blank(kind)), make_key=rsa_key)
    reader = Reader(MemorySlot("the counter", card))
    issue(reader)
    with reader.session() as session:
        session.open_channel(ChannelPurpose.ISSUE, ISSUER)
        session.set_pin(password_for(session, USES[kind]), USES[kind])
        session.verify_pin(password_for(session, USES[kind]), USES[kind])
        session.generate_key(USES[kind])
    return card


@pytest.mark.parametrize(("kind", "pin"), [("myna-2016", "4242"), ("piv", "424242")])
def test_a_pin_typed_at_the_reader_is_verified_and_never_seen(kind: str, pin: str) -> None:
    lines: list[str] = []
    slot = PadSlot(issued(kind), lambda: pin)
    with Reader(slot, trace=RedactingTrace(lines.append)).session() as card:
        assert card.has_pin_pad(USES[kind])
        card.verify_pin_at_reader(USES[kind])
        assert len(card.sign(bytes(51), USES[kind])) == 256
    assert slot.pad is not None
    seen = b"".join(slot.pad.structures).hex() + "".join(lines)
    assert pin.encode().hex() not in seen
    assert "> 00200080" in lines


@pytest.mark.parametrize("kind", ["myna-2016", "piv"])
def test_a_wrong_pin_is_counted_and_one_not_typed_is_not(kind: str) -> None:
    typed = iter(
        ["9999" if kind == "myna-2016" else "999999", "", None, "1", "9" * 4 if kind == "myna-2016" else "9" * 6]
    )
    with Reader(PadSlot(issued(kind), lambda: next(typed))).session() as card:
        with pytest.raises(PinRefused):
            card.verify_pin_at_reader(USES[kind])
        for _ in range(3):
            with pytest.raises(NotSent):
                card.verify_pin_at_reader(USES[kind])
        assert card.pin_status(USES[kind]).attempts_remaining == 2
        with pytest.raises(PinRefused):
            card.verify_pin_at_reader(USES[kind])


def test_a_locked_pin_is_locked_there_too() -> None:
    with Reader(PadSlot(issued("myna-2016"), lambda: "9999")).session() as card:
        for _ in range(2):
            with pytest.raises(PinRefused):
                card.verify_pin_at_reader(KeyUse.AUTHENTICATION)
        with pytest.raises(PinLocked):
            card.verify_pin_at_reader(KeyUse.AUTHENTICATION)


def test_letters_and_readers_without_a_pad_have_it_typed_at_the_screen() -> None:
    card = issued("myna-2016")
    with Reader(PadSlot(card, lambda: "4242")).session() as session:
        assert not session.has_pin_pad()
        with pytest.raises(NotSent):
            session.verify_pin_at_reader()
    with Reader(MemorySlot("no pad", card)).session() as session:
        assert not session.has_pin_pad(KeyUse.AUTHENTICATION)
        with pytest.raises(NotSent):
            session.verify_pin_at_reader(KeyUse.AUTHENTICATION)


def test_the_structure_of_a_pin_that_is_put_behind_the_header() -> None:
    """As the CCID driver's manual shows it: bytes, position 0, left, ASCII; no block; Lc made by the reader."""
    made = verify_structure(bytes.fromhex("00200080"), minimum=4, maximum=4)
    assert made.hex().upper() == "1E1E8200000404020111040000000005000000" + "0020008000"


def test_the_structure_of_a_pin_that_is_laid_over_filling_bytes() -> None:
    made = verify_structure(bytes.fromhex("0020008008" + "FF" * 8), minimum=6, maximum=8)
    assert made.hex().upper() == "1E1E820800080602011104000000000D000000" + "0020008008" + "FF" * 8


@pytest.mark.parametrize(("minimum", "maximum"), [(0, 4), (5, 4), (4, 16)])
def test_lengths_that_no_pad_takes_are_refused(minimum: int, maximum: int) -> None:
    with pytest.raises(ValueError, match="pad"):
        verify_structure(bytes(4), minimum=minimum, maximum=maximum)


def test_features_are_read_and_unknown_ones_left_out() -> None:
    answer = bytes.fromhex("060442330006 070442330007 7E0400000000")
    assert parse_features(answer) == {Feature.VERIFY_PIN_DIRECT: 0x42330006, Feature.MODIFY_PIN_DIRECT: 0x42330007}


@pytest.mark.parametrize("answer", ["0604423300", "060342330006", "06"])
def test_malformed_features_are_refused(answer: str) -> None:
    with pytest.raises(ValueError, match="feature"):
        parse_features(bytes.fromhex(answer))
    assert pin_entry.GET_FEATURE_REQUEST == 3400

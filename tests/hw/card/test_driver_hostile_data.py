"""What a card or a reader answers in place of a key, a certificate or its features is refused as what it is."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from hw.card import pin_entry, tlv
from hw.card.memory import MemorySlot
from hw.card.piv_contents import key_hash, key_in
from hw.card.reader import Reader
from hw.errors import CardAnswerInvalid, NotSent
from hw.ports import ChannelPurpose, RsaPublicKey
from hw.sim.card.card import VirtualCard
from hw.sim.card.memory import MemoryStore
from hw.sim.fault import Fault
from kiosk.config import SHIPPED, load_policy
from kiosk.issuance.card_key import attested_key, refuse_another_key
from kiosk.issuance.failure import DeliveryUnproven
from tests.hw.card.hostile_certificates import MALFORMED, certificate_with
from tests.hw.card.hostile_data import NO_KEYS, key_objects
from tests.hw.card.office import ISSUER, blank, issue, password_for, rsa_key
from tests.hw.card.test_driver_fakes import GENERATE, METADATA, Between, always


@pytest.mark.parametrize("numbers", NO_KEYS.values(), ids=NO_KEYS)
@pytest.mark.parametrize("kind", ["juki-2011", "piv"])
def test_what_is_no_rsa_key_is_never_handed_on(kind: str, numbers: tuple[bytes, bytes]) -> None:
    card = VirtualCard(MemoryStore(blank(kind)), make_key=rsa_key)
    issue(Reader(MemorySlot("the counter", card)))
    objects = key_objects(*numbers)
    if kind == "piv":
        change = always(METADATA, lambda _: tlv.write(0x01, b"\x07") + tlv.write(0x04, objects) + b"\x90\x00")
    else:
        change = always(GENERATE, lambda _: tlv.write(0x7F49, objects) + b"\x90\x00")
    with (
        Reader(MemorySlot("a reader", Between(card, change))).session() as session,
        pytest.raises(CardAnswerInvalid, match="not one of RSA"),
    ):
        session.public_key()


@pytest.mark.parametrize("certificate", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_certificate_of_a_known_key_is_an_invalid_answer(certificate: bytes) -> None:
    with pytest.raises(CardAnswerInvalid):
        key_in(certificate)
    with pytest.raises(CardAnswerInvalid):
        key_hash(certificate)


def test_a_certificate_with_another_kind_of_key_is_none_of_the_cards() -> None:
    assert key_in(certificate_with(ec.generate_private_key(ec.SECP256R1()))) is None
    assert key_in(certificate_with(rsa.generate_private_key(65537, 1024))) is None


class Describing:
    """A reader that answers so when asked for its features."""

    def __init__(self, features: bytes) -> None:
        self._features = features

    def features(self) -> bytes:
        return self._features

    def enter_pin(self, code: int, structure: bytes, command: bytes) -> bytes:
        raise AssertionError("nothing is asked of a pad that the reader cannot describe")


@pytest.mark.parametrize("features", ["06", "060342330006", "060442330006FF", "0604423300"])
def test_a_reader_that_cannot_describe_its_pad_has_none(features: str) -> None:
    reader = Describing(bytes.fromhex(features))
    assert not pin_entry.has_pad(reader)
    with pytest.raises(NotSent):
        pin_entry.verify_at_reader(reader, bytes.fromhex("00200080"), minimum=4, maximum=4)


def test_a_weak_key_is_refused_when_it_is_read_back_too() -> None:
    """The card has it, whoever raised at its making; what is certified is what the card shows later."""
    weak = {at: Fault("weak-key", at) for at in range(1, 40)}
    card = VirtualCard(MemoryStore(blank("juki-2011")), make_key=rsa_key, faults=weak)
    with Reader(MemorySlot("a reader", card)).session() as session:
        session.open_channel(ChannelPurpose.ISSUE, ISSUER)
        session.set_pin(password_for(session))
        session.verify_pin(password_for(session))
        with pytest.raises(CardAnswerInvalid, match="neighbouring"):
            session.generate_key()
        shown = session.public_key()
        assert shown is not None
        with pytest.raises(CardAnswerInvalid, match="neighbouring"):
            attested_key(session, shown, bytes(16), load_policy(SHIPPED / "policy", "juki-2011"))


def test_another_key_than_the_one_made_is_not_gone_on_with() -> None:
    made, other = (RsaPublicKey(rsa_key().public_key().public_numbers().n, 65537) for _ in range(2))
    refuse_another_key(made, made)
    for shown in (other, None):
        with pytest.raises(DeliveryUnproven, match="another key"):
            refuse_another_key(made, shown)

"""`kiosk sign` at a reader with a pad of its own, and with a card that holds no certificate that can be read."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import pkcs7

from hw.card.memory import MemorySlot
from hw.card.reader import Reader
from hw.errors import NotSent
from hw.ports import ChannelPurpose
from hw.sim.card.card import VirtualCard
from kiosk.eapply.sign import SignatureForm
from kiosk.signature_command import NothingToSignWith, sign_by_card
from tests.hw.card.hostile_certificates import certificate_with
from tests.hw.card.office import ISSUER, rsa_key
from tests.hw.card.test_driver_pin_entry import PadSlot, issued


@pytest.fixture
def card() -> VirtualCard:
    """A PIV card with a certificate, whose PIN is 424242."""
    card = issued("piv")
    with Reader(MemorySlot("the counter", card)).session() as session:
        session.open_channel(ChannelPurpose.ISSUE, ISSUER)
        session.write_certificate(certificate_with(rsa_key()))
    return card


def test_the_password_is_typed_at_the_reader_that_has_a_pad(
    card: VirtualCard, capsys: pytest.CaptureFixture[str]
) -> None:
    slot = PadSlot(card, lambda: "424242")
    with Reader(slot).session() as session:
        signature = sign_by_card(b"a document", session, form=SignatureForm.CMS, pin_file=None)
    assert len(pkcs7.load_der_pkcs7_certificates(signature)) == 1
    assert slot.pad is not None
    assert len(slot.pad.structures) == 1
    assert "at the reader (3 attempts)" in capsys.readouterr().err


def test_who_types_nothing_has_signed_nothing(card: VirtualCard) -> None:
    with Reader(PadSlot(card, lambda: "")).session() as session, pytest.raises(NotSent, match="nobody typed"):
        sign_by_card(b"a document", session, form=SignatureForm.CMS, pin_file=None)


def test_a_password_in_a_file_is_taken_from_there(card: VirtualCard, tmp_path: Path) -> None:
    file = tmp_path / "pin"
    file.write_text("424242\n")
    slot = PadSlot(card, lambda: pytest.fail("nobody is asked at the reader"))
    with Reader(slot).session() as session:
        assert sign_by_card(b"a document", session, form=SignatureForm.CMS, pin_file=file)


def test_what_is_no_certificate_is_nothing_to_sign_with(tmp_path: Path) -> None:
    file = tmp_path / "pin"
    file.write_text("424242\n")
    with Reader(MemorySlot("no pad", issued("piv"))).session() as session, pytest.raises(NothingToSignWith):
        sign_by_card(b"a document", session, form=SignatureForm.CMS, pin_file=file)

"""The driver and the simulated card joined in memory: what holds for a card's life, and what it costs in exchanges."""

from collections.abc import Callable

import pytest

from hw.card.apdu import EXTENDED, SHORT, Limits
from hw.card.reader import Reader
from hw.card.trace import RedactingTrace
from hw.errors import CardRefused, DeviceError, NotSent, PinLocked, PinRefused, Refused
from hw.ports import CardReader, ChannelPurpose, PinStatus
from hw.sim.card.personalization import DEMO_MASTERS
from kiosk.counter.card_issuer import CardIssuer, in_memory
from tests.hw.card.office import (
    CARD_NUMBER,
    CERTIFICATE,
    ISSUER,
    PASSWORD,
    Desk,
    issue,
    key_hash,
    password,
    read_certificate,
)


def sign(reader: CardReader) -> None:
    with reader.session() as card:
        card.pin_status()
        card.verify_pin(password())
        card.sign(bytes(51))


def generate(reader: CardReader) -> None:
    with reader.session() as card:
        card.pin_status()
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        card.verify_pin(password())
        card.generate_key()


def set_password_and_generate(reader: CardReader) -> None:
    with reader.session() as card:
        card.pin_status()
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        card.set_pin(password())
        card.verify_pin(password())
        card.generate_key()


def lock(desk: Desk) -> None:
    with desk.reader.session() as card:
        for remaining in (4, 3, 2, 1):
            with pytest.raises(PinRefused) as refused:
                card.verify_pin(bytearray(b"WRONG"))
            assert refused.value.attempts_remaining == remaining
        with pytest.raises(PinLocked):
            card.verify_pin(bytearray(b"WRONG"))


def test_an_issuance_stays_within_its_exchanges(desk: Desk) -> None:
    assert desk.exchanges_of(issue) == 21


@pytest.mark.parametrize(
    ("job", "exchanges"), [(read_certificate, 6), (sign, 7), (generate, 10), (set_password_and_generate, 11)]
)
def test_a_job_takes_the_fewest_exchanges(desk: Desk, job: Callable[[CardReader], object], exchanges: int) -> None:
    issue(desk.reader)
    assert desk.exchanges_of(job) == exchanges


def test_the_session_counts_what_the_card_counts(desk: Desk) -> None:
    with desk.reader.session() as card:
        card.pin_status()
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        assert card.exchanges == desk.card.exchanges == 6


@pytest.mark.parametrize("limits", [SHORT, EXTENDED])
def test_what_was_issued_is_read_by_its_owner_only(limits: Limits) -> None:
    desk = Desk(limits=limits)
    issue(desk.reader)
    assert read_certificate(desk.reader) == CERTIFICATE
    with desk.reader.session() as card, pytest.raises(CardRefused):
        card.read_certificate()


def test_a_new_card_says_what_it_is(desk: Desk) -> None:
    reader: CardReader = desk.reader
    with reader.session() as card:
        assert (card.application, card.number()) == ("juki-2011", CARD_NUMBER)
        assert card.pin_status() == PinStatus(is_set=False, attempts_remaining=0)
        assert card.public_key() is None
        policy = card.pin_policy()
        assert (policy.minimum_length, policy.maximum_length, len(policy.characters)) == (4, 16, 62)


def test_a_password_is_set_as_soon_as_it_was_set(desk: Desk) -> None:
    with desk.reader.session() as card:
        card.number()
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        card.set_pin(password())
        assert card.pin_status() == PinStatus(is_set=True, attempts_remaining=5)


def test_a_verified_password_does_not_outlive_its_session(desk: Desk) -> None:
    issue(desk.reader)
    with desk.reader.session() as card:
        card.verify_pin(password())
        card.sign(bytes(51))
    with desk.reader.session() as card, pytest.raises(CardRefused):
        card.sign(bytes(51))


@pytest.mark.parametrize("purpose", [None, ChannelPurpose.RESET, ChannelPurpose.ERASE])
def test_nothing_is_issued_without_the_issuers_channel(desk: Desk, purpose: ChannelPurpose | None) -> None:
    made = issue(desk.reader)
    with desk.reader.session() as card:
        if purpose:
            card.open_channel(purpose, ISSUER)
        card.verify_pin(password())
        with pytest.raises(CardRefused):
            card.generate_key()
        with pytest.raises(CardRefused):
            card.write_certificate(CERTIFICATE)
        assert card.public_key() == made
        assert card.read_certificate() == CERTIFICATE


def test_a_locked_password_is_set_anew_under_a_reset_channel(desk: Desk) -> None:
    issue(desk.reader)
    lock(desk)
    with desk.reader.session() as card:
        assert card.pin_status() == PinStatus(is_set=True, attempts_remaining=0)
        card.open_channel(ChannelPurpose.RESET, ISSUER)
        card.set_pin(bytearray(b"NEW4me"))
        assert card.pin_status() == PinStatus(is_set=True, attempts_remaining=5)
        card.verify_pin(bytearray(b"NEW4me"))
        assert card.read_certificate() == CERTIFICATE


@pytest.mark.parametrize("is_in_channel", [False, True])
def test_who_knows_the_password_changes_it(desk: Desk, is_in_channel: bool) -> None:
    issue(desk.reader)
    with desk.reader.session() as card:
        if is_in_channel:
            card.open_channel(ChannelPurpose.RESET, ISSUER)
        card.change_pin(password(), bytearray(b"NEW4me"))
        card.verify_pin(bytearray(b"NEW4me"))
        with pytest.raises(PinRefused):
            card.change_pin(password(), bytearray(b"other"))
        card.verify_pin(bytearray(b"NEW4me"))


def test_a_password_that_the_card_cannot_hold_changes_nothing(desk: Desk) -> None:
    issue(desk.reader)
    with desk.reader.session() as card:
        for new in (b"abc", b"x" * 17, b"with blank"):
            with pytest.raises(CardRefused):
                card.change_pin(password(), bytearray(new))
        card.verify_pin(password())


def test_a_wrong_password_in_the_channel_is_counted_too(desk: Desk) -> None:
    issue(desk.reader)
    with desk.reader.session() as card:
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        with pytest.raises(PinRefused) as refused:
            card.verify_pin(bytearray(b"WRONG"))
        assert refused.value.attempts_remaining == card.pin_status().attempts_remaining == 4
        card.verify_pin(password())


def test_an_erased_card_is_a_new_one(desk: Desk) -> None:
    issue(desk.reader)
    with desk.reader.session() as card:
        card.open_channel(ChannelPurpose.ERASE, ISSUER)
        card.erase()
        assert card.public_key() is None
        assert card.pin_status() == PinStatus(is_set=False, attempts_remaining=0)
    assert issue(desk.reader)
    assert read_certificate(desk.reader) == CERTIFICATE


def test_a_new_key_leaves_no_certificate_of_the_old_one(desk: Desk) -> None:
    issue(desk.reader)
    with desk.reader.session() as card:
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        card.verify_pin(password())
        card.generate_key()
    assert read_certificate(desk.reader) is None


def test_the_card_attests_its_own_key_only(desk: Desk) -> None:
    made = issue(desk.reader)
    with desk.reader.session() as card:
        attested = card.attest(bytes(range(16)), key_hash(made))
        assert (attested.nonce, len(attested.value)) == (bytes(range(16)), 16)
        assert card.attest(bytes(16), key_hash(made)).value != attested.value
        with pytest.raises(CardRefused):
            card.attest(bytes(16), bytes(32))


def test_a_card_of_another_issuer_gets_no_channel_and_stays_usable(desk: Desk) -> None:
    stranger = CardIssuer(in_memory(dict.fromkeys(ChannelPurpose, DEMO_MASTERS.attest))).session_keys
    with desk.reader.session() as card:
        with pytest.raises(Refused):
            card.open_channel(ChannelPurpose.ISSUE, stranger)
        with pytest.raises(NotSent):
            card.set_pin(password())
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        card.set_pin(password())
        card.verify_pin(password())


def test_the_drivers_leave_the_callers_password_alone(desk: Desk) -> None:
    pin = password()
    with desk.reader.session() as card:
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        card.set_pin(pin)
        card.verify_pin(pin)
    assert pin == PASSWORD


def test_no_error_of_a_password_repeats_it(desk: Desk) -> None:
    issue(desk.reader)
    with desk.reader.session() as card, pytest.raises(DeviceError) as raised:
        card.verify_pin(bytearray(b"Secret77"))
    assert "Secret77" not in f"{raised.value!r} {raised.value} {raised.value.__context__!r}"


@pytest.mark.parametrize("limits", [SHORT, EXTENDED])
def test_a_traced_issuance_shows_neither_password_nor_certificate(limits: Limits) -> None:
    desk, lines = Desk(limits=limits), list[str]()
    reader = Reader(desk.slot, limits=limits, trace=RedactingTrace(lines.append))
    issue(reader)
    assert read_certificate(reader) == CERTIFICATE
    with reader.session() as card:
        card.change_pin(password(), password())
    trace = "".join(lines)
    assert len(lines) == 2 * desk.card.exchanges
    assert PASSWORD.hex().upper() not in trace
    assert not [at for at in range(0, len(CERTIFICATE) - 8, 8) if CERTIFICATE[at : at + 8].hex().upper() in trace]

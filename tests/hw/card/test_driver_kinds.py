"""What holds for every kind of card behind the one interface, whatever its reader and the card itself can do."""

import pytest

from hw.card.apdu import EXTENDED, SHORT, Limits
from hw.card.key import CardKey
from hw.errors import CardRefused, CardRemoved, NotSent, PinLocked, PinRefused, Refused
from hw.ports import CardReader, ChannelPurpose, KeyUse, PinStatus
from hw.sim.card.limits import SHORT_LENGTH, T0, UNLIMITED, CardLimits
from hw.sim.fault import Fault
from tests.hw.card.office import (
    CERTIFICATE,
    ISSUER,
    PASSWORD,
    Desk,
    issue,
    key_hash,
    password_for,
    prove,
    read_certificate,
)

KINDS = ["juki-2011", "juki-2011-b", "myna-2016", "piv"]
JPKI = KINDS[:3]
LIMITS = [(EXTENDED, UNLIMITED), (SHORT, UNLIMITED), (EXTENDED, SHORT_LENGTH), (SHORT, T0)]

AUTHENTICATION = KeyUse.AUTHENTICATION


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("limits", "card_limits"), [*LIMITS, (EXTENDED, CardLimits(max_answer=200))])
def test_every_card_is_issued_and_issued_again(kind: str, limits: Limits, card_limits: CardLimits) -> None:
    desk = Desk(limits=limits, kind=kind, card_limits=card_limits)
    first = issue(desk.reader)
    assert issue(desk.reader) != first
    desk.insert()
    assert read_certificate(desk.reader) == CERTIFICATE


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_says_what_it_is(kind: str) -> None:
    with Desk(kind=kind).reader.session() as card:
        assert card.application == kind.removesuffix("-b")
        assert len(card.number()) == 16
        policy = card.pin_policy()
        assert all(chr(byte) in policy.characters for byte in password_for(card))
        assert card.pin_status().is_set is False
        assert card.public_key() is None


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_passwords_lock_and_the_reset_channel_unlocks(kind: str) -> None:
    desk = Desk(kind=kind)
    issue(desk.reader)
    with desk.reader.session() as card:
        left = card.pin_status().attempts_remaining
        for remaining in range(left - 1, 0, -1):
            with pytest.raises(PinRefused) as refused:
                card.verify_pin(bytearray(b"999999"))
            assert refused.value.attempts_remaining == remaining
        for _ in range(2):
            with pytest.raises(PinLocked):
                card.verify_pin(bytearray(b"999999"))
        assert card.pin_status() == PinStatus(is_set=True, attempts_remaining=0)
    with desk.reader.session() as card:
        card.open_channel(ChannelPurpose.RESET, ISSUER)
        card.set_pin(password_for(card))
        card.verify_pin(password_for(card))
        assert card.pin_status().attempts_remaining == left


@pytest.mark.parametrize("kind", KINDS)
def test_its_owner_changes_the_password(kind: str) -> None:
    desk = Desk(kind=kind)
    issue(desk.reader)
    other = bytearray(b"737373" if kind == "piv" else b"OTHER99")
    with desk.reader.session() as card:
        card.change_pin(password_for(card), other)
        with pytest.raises(PinRefused):
            card.verify_pin(password_for(card))
        card.verify_pin(other)


@pytest.mark.parametrize("kind", KINDS)
def test_an_erased_card_is_as_new(kind: str) -> None:
    desk = Desk(kind=kind)
    issue(desk.reader)
    with desk.reader.session() as card:
        card.open_channel(ChannelPurpose.ERASE, ISSUER)
        card.erase()
        assert card.pin_status().is_set is False
        assert card.public_key() is None
    issue(desk.reader)
    assert read_certificate(desk.reader) == CERTIFICATE


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_set_or_made_without_a_channel(kind: str) -> None:
    with Desk(kind=kind).reader.session() as card:
        with pytest.raises(NotSent):
            card.set_pin(password_for(card))
        with pytest.raises(CardRefused):
            card.generate_key()
        with pytest.raises(CardRefused):
            card.write_certificate(CERTIFICATE)


@pytest.mark.parametrize("kind", KINDS)
def test_no_session_begins_with_the_password_of_the_one_before(kind: str) -> None:
    desk = Desk(kind=kind)
    issue(desk.reader)
    with desk.reader.session() as card:
        card.verify_pin(password_for(card))
        card.sign(bytes(51))
    with desk.reader.session() as card, pytest.raises(CardRefused):
        card.sign(bytes(51))


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_shows_its_key_without_certificate_and_proves_it(kind: str) -> None:
    desk = Desk(kind=kind)
    with desk.reader.session() as card:
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        card.set_pin(password_for(card))
        card.verify_pin(password_for(card))
        made = card.generate_key()
    desk.insert()
    with desk.reader.session() as card:
        assert card.public_key() == made
        card.verify_pin(password_for(card))
        assert card.read_certificate() is None
        assert card.attest(bytes(16), key_hash(made)).value
        with pytest.raises(CardRefused):
            card.attest(bytes(16), bytes(32))


@pytest.mark.parametrize("kind", ["myna-2016", "piv"])
def test_a_card_of_two_keys_keeps_them_apart(kind: str) -> None:
    desk = Desk(kind=kind)
    issue(desk.reader)
    other = CERTIFICATE[:-1] + b"\0"
    with desk.reader.session() as card:
        assert card.uses() == (KeyUse.SIGNATURE, AUTHENTICATION)
        signing = card.public_key()
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        card.set_pin(password_for(card, AUTHENTICATION), AUTHENTICATION)
        card.verify_pin(password_for(card, AUTHENTICATION), AUTHENTICATION)
        made = card.generate_key(AUTHENTICATION)
        assert card.attest(bytes(16), key_hash(made)).value
        card.write_certificate(other, AUTHENTICATION)
        assert card.public_key() == signing != made == card.public_key(AUTHENTICATION)
        key = CardKey(card, made, AUTHENTICATION)
        prove(key, b"log me in")
    with desk.reader.session() as card:
        assert card.read_certificate(AUTHENTICATION) == other, "free to read"
        card.verify_pin(password_for(card))
        assert card.read_certificate() == CERTIFICATE


def test_a_password_of_one_key_does_not_use_the_other() -> None:
    desk = Desk(kind="myna-2016")
    issue(desk.reader)
    with desk.reader.session() as card:
        card.verify_pin(bytearray(PASSWORD))
        with pytest.raises(CardRefused):
            card.sign(bytes(51), AUTHENTICATION)


@pytest.mark.parametrize("kind", ["juki-2011", "juki-2011-b"])
def test_a_card_of_one_key_has_no_other(kind: str) -> None:
    with Desk(kind=kind).reader.session() as card:
        assert card.uses() == (KeyUse.SIGNATURE,)
        for job in (card.public_key, card.generate_key, card.read_certificate, card.pin_status):
            with pytest.raises(NotSent):
                job(AUTHENTICATION)


@pytest.mark.parametrize("kind", JPKI)
def test_a_wrong_issuer_opens_no_channel(kind: str) -> None:
    def stranger(challenge):
        raise Refused("not mine")

    with Desk(kind=kind).reader.session() as card, pytest.raises(Refused, match="not mine"):
        card.open_channel(ChannelPurpose.ISSUE, stranger)


EXCHANGES = {"juki-2011": 21, "juki-2011-b": 21, "myna-2016": 21, "piv": 38}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", ["pull", "pull-after", "torn"])
def test_a_card_pulled_anywhere_holds_all_or_nothing_and_is_issued_again(kind: str, fault: str) -> None:
    assert Desk(kind=kind).exchanges_of(issue) == EXCHANGES[kind]
    for at in range(1, EXCHANGES[kind] + 1):
        desk = Desk(kind=kind, faults={at: Fault(fault, at)})
        try:
            issue(desk.reader)
        except CardRemoved:
            pass
        desk.insert()
        with desk.reader.session() as card:
            is_set = card.pin_status().is_set
        if is_set:
            assert read_certificate(desk.reader) in (None, CERTIFICATE), f"{fault}@{at}"
        issue(desk.reader)
        assert read_certificate(desk.reader) == CERTIFICATE
        with desk.reader.session() as card:
            assert card.pin_status().attempts_remaining == (3 if kind == "piv" else 5), "no try was spent"


@pytest.mark.parametrize(
    ("kind", "job", "exchanges"),
    [
        ("myna-2016", "free", 4),
        ("juki-2011", "protected", 6),
        ("myna-2016", "protected", 6),
        ("juki-2011", "sign", 7),
        ("myna-2016", "sign", 7),
        ("juki-2011", "generate", 11),
        ("myna-2016", "generate", 11),
        ("juki-2011", "issue", 24),
        ("myna-2016", "issue", 24),
        ("juki-2011-b", "issue", 24),
    ],
)
def test_a_job_stays_within_its_exchanges(kind: str, job: str, exchanges: int) -> None:
    desk = Desk(kind=kind)
    if job != "issue":
        issue(desk.reader)
    assert desk.exchanges_of(JOBS[job]) <= exchanges


def test_a_short_reader_issues_within_forty_exchanges() -> None:
    for kind in JPKI:
        assert Desk(kind=kind, limits=SHORT).exchanges_of(whole_issuance) <= 40


def read_free(reader: CardReader) -> None:
    with reader.session() as card:
        card.read_certificate(AUTHENTICATION)


def read_protected(reader: CardReader) -> None:
    with reader.session() as card:
        card.pin_status()
        card.verify_pin(bytearray(PASSWORD))
        assert card.read_certificate() == CERTIFICATE


def sign(reader: CardReader) -> None:
    with reader.session() as card:
        card.pin_status()
        card.verify_pin(bytearray(PASSWORD))
        card.sign(bytes(51))


def generate(reader: CardReader) -> None:
    with reader.session() as card:
        card.pin_status()
        card.open_channel(ChannelPurpose.ISSUE, ISSUER)
        card.set_pin(bytearray(PASSWORD))
        card.verify_pin(bytearray(PASSWORD))
        card.generate_key()


def whole_issuance(reader: CardReader) -> None:
    """The card inserted once at the application, its number read; then everything in one session."""
    with reader.session() as card:
        card.number()
    issue(reader)


JOBS = {"free": read_free, "protected": read_protected, "sign": sign, "generate": generate, "issue": whole_issuance}

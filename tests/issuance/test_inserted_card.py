"""The card of a case: checked to be the case's before anybody gets it, opened once, its password asked for once."""

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hw.errors import DeviceError, LinkLost, ReaderMissing
from hw.ports import ChannelPurpose, KeyReplacement, KeyUse, ManagementKeys
from hw.sim.card.card import VirtualCard
from hw.sim.fault import Fault
from kiosk.counter.card_issuer import CardIssuer, in_memory
from kiosk.issuance.failure import CardNotInserted, WrongCard
from kiosk.issuance.inserted_card import InsertedCard, wait_in_slices
from kiosk.issuance.persons import CardAction
from kiosk.issuance.roll_back import return_card
from tests.counter_bench import RESIDENT, World
from tests.issuance.myna_counter import (
    FIRST_MASTERS,
    PASSWORD,
    PIN,
    PIV_PIN,
    MynaHand,
    MynaWorld,
    make_myna_authority,
    new_myna_world,
    piv_card,
)
from tests.issuance.otherwise import But, Noting, always, raising
from tests.issuance.rest import new_world

ISSUER = CardIssuer(in_memory(FIRST_MASTERS))


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path) -> World:
    return new_world(tmp_path / "world", fresh_authority)


@pytest.fixture
def myna(tmp_path: Path) -> MynaWorld:
    """Its resident has two certificates, and a password for each."""
    myna = new_myna_world(tmp_path / "world", make_myna_authority(tmp_path / "ca"))
    myna.issue()
    return myna


@pytest.mark.parametrize("fault", ["sw", "corrupt"])
def test_a_card_whose_number_could_not_be_read_is_not_taken_for_the_cases(world: World, fault: str) -> None:
    with InsertedCard(world.station(), world.persons("1")) as card:
        world.hand.insert("1")
        card.session()
        number = card.number
        card.release()
        world.hand.insert("2")
        other = VirtualCard(
            world.hand.memories["2"], make_key=lambda: pytest.fail("no key"), faults={2: Fault(fault, 2, "6F00")}
        )
        world.slot.insert(other)
        with pytest.raises(DeviceError):
            card.session()
        with pytest.raises(WrongCard):
            card.session()
        assert card.number == number
        assert card.exchanges >= 4


Asked = list[tuple[Any, ...]]


def noted(world: World, asked: Asked, **otherwise: object) -> InsertedCard:
    """The card of a case; what it and the resident are asked is noted, and it needs no clerk's leave."""
    station = world.station()

    @contextmanager
    def session() -> Any:
        with station.reader.session() as opened:
            yield Noting(But(opened, **otherwise), asked)

    reader: Any = But(station.reader, session=session)
    persons = world.persons("1")
    resident: Any = Noting(persons.resident, asked)
    leave: Any = object()
    card = InsertedCard(
        replace(station, reader=reader, card_keys=lambda _: ISSUER.session_keys), replace(persons, resident=resident)
    )
    card.authorisation = leave
    return card


def names(asked: Asked) -> list[str]:
    quiet = ("has_own_pin", "pin_status", "pin_policy", "number")
    return [name for name, *_ in asked if name not in quiet]


def test_it_counts_its_commands_over_all_sessions(world: World) -> None:
    card = InsertedCard(world.station(), world.persons("1"))
    assert (card.exchanges, card.is_handed_in, card.key_replacements) == (0, False, ())
    opened = []
    for _ in range(3):
        opened.append(card.session())
        assert card.exchanges == sum(session.exchanges for session in opened) > 0
        card.release()
        assert card.exchanges == sum(session.exchanges for session in opened)


def test_no_channel_is_opened_without_a_clerks_leave(world: World) -> None:
    with InsertedCard(world.station(), world.persons("1")) as card, pytest.raises(AssertionError, match="leave"):
        card.under_channel()


def test_a_channel_is_opened_once_a_session_and_for_its_purpose(myna: MynaWorld) -> None:
    asked: Asked = []
    with noted(myna, asked) as card:
        for _ in range(2):
            card.under_channel()
        card.release()
        card.under_channel(ChannelPurpose.ERASE)
    assert [words[0] for name, *words in asked if name == "open_channel"] == [
        ChannelPurpose.ISSUE,
        ChannelPurpose.ERASE,
    ]


def test_what_the_issuer_wants_replaced_is_known_while_the_channel_is_open(myna: MynaWorld) -> None:
    wanted: tuple[KeyReplacement, ...] = (KeyReplacement(0x30, bytes(48)),)

    def keys(challenge: Any) -> Any:
        made: Any = ISSUER.session_keys(challenge)
        return replace(made, replacements=wanted)

    card = InsertedCard(replace(myna.station(), card_keys=lambda _: keys), myna.persons("1"))
    leave: Any = object()
    card.authorisation = leave
    with card:
        card.under_channel()
        assert card.key_replacements == wanted
        card.release()
        assert card.key_replacements == ()


def test_a_management_key_comes_with_no_replacement(world: World) -> None:
    """Of a card that is opened by its holder's issuer's key."""
    station = world.station()
    opened: list[Any] = []

    class Session:
        exchanges = 0

        def number(self) -> str:
            return "1"

        def open_channel(self, purpose: ChannelPurpose, keys: Any) -> None:
            opened.append(keys("challenge"))

    @contextmanager
    def session() -> Any:
        yield Session()

    reader: Any = But(station.reader, session=session, is_card_present=lambda: True)
    keys = ManagementKeys(bytes(32), bytes(8))
    card = InsertedCard(replace(station, reader=reader, card_keys=lambda _: lambda _: keys), world.persons("1"))
    leave: Any = object()
    card.authorisation = leave
    card.under_channel()
    assert opened == [keys] and card.key_replacements == ()


def test_each_password_is_asked_for_once_a_session_and_under_the_channel(myna: MynaWorld) -> None:
    asked: Asked = []
    with noted(myna, asked) as card:
        for use in (KeyUse.SIGNATURE, KeyUse.AUTHENTICATION, KeyUse.SIGNATURE, KeyUse.AUTHENTICATION):
            card.verified(use)
        first = [*asked]
        card.release()
        card.verified()
    assert names(first) == [
        *("card", "open_channel", "enter_password", "verify_pin", "enter_authentication_password", "verify_pin"),
    ]
    uses = [words[1] for name, *words in first if name == "verify_pin"]
    assert uses == [KeyUse.SIGNATURE, KeyUse.AUTHENTICATION]
    assert names(asked)[len(names(first)) :] == ["open_channel", "enter_password", "verify_pin"]


def test_a_card_of_one_password_is_asked_for_that(tmp_path: Path) -> None:
    world = new_myna_world(tmp_path / "world", make_myna_authority(tmp_path / "ca"), password=PIV_PIN)
    assert isinstance(world.hand, MynaHand)
    world.hand.make = piv_card
    world.issue()
    asked: Asked = []
    with noted(world, asked, open_channel=always(None)) as card:
        assert not card.session().has_own_pin(KeyUse.AUTHENTICATION)
        card.verified(KeyUse.AUTHENTICATION)
        card.verified(KeyUse.SIGNATURE)
    assert [words[1] for name, *words in asked if name == "verify_pin"] == [KeyUse.SIGNATURE]


@pytest.mark.parametrize("use", list(KeyUse))
def test_what_its_maker_has_verified_is_not_asked_for_again(myna: MynaWorld, use: KeyUse) -> None:
    asked: Asked = []
    with noted(myna, asked) as card:
        secret = PASSWORD if use is KeyUse.SIGNATURE else PIN
        card.under_channel().verify_pin(bytearray(secret.encode()), use)
        card.note_verified(use)
        card.verified(use)
    assert names(asked).count("verify_pin") == 1


def test_it_is_found_in_whichever_reader_it_lies_and_worked_with_there(world: World) -> None:
    card = InsertedCard(world.station(), world.persons("1"))
    assert card.find() is False
    world.window_hand.insert(RESIDENT)
    assert card.find() is True
    assert card.reader is not world.station().reader and card.session().number() == card.number
    card.release()
    world.window_hand.remove()
    world.hand.insert("2")
    assert card.find() is False
    world.hand.remove()


def test_who_has_no_reader_at_the_window_cannot_go_on_there(world: World) -> None:
    card = InsertedCard(replace(world.station(), window=None), world.persons("1"))
    card.hand_in()
    with pytest.raises(ReaderMissing):
        card.session()


@pytest.mark.parametrize(
    ("known", "is_handed_in", "action"),
    [(None, False, CardAction.INSERT), ("1", False, CardAction.INSERT_SAME), ("1", True, CardAction.HAND_IN)],
)
def test_the_resident_is_told_what_to_do_with_it(
    world: World, known: str | None, *, is_handed_in: bool, action: CardAction
) -> None:
    shown: list[CardAction] = []
    persons = world.persons("1")
    resident: Any = But(persons.resident, card=shown.append)
    card = InsertedCard(world.station(), replace(persons, resident=resident))
    card.number = known
    if is_handed_in:
        card.hand_in()
    with pytest.raises(CardNotInserted):
        card.session()
    assert set(shown) == {action}


def test_who_wants_to_stop_waits_for_half_a_second_at_most() -> None:
    waits: list[float] = []
    asked: list[None] = []

    def wait(timeout_s: float) -> bool:
        waits.append(timeout_s)
        return False

    assert wait_in_slices(lambda: asked.append(None), wait, 1.25) is False
    assert (waits, len(asked)) == ([0.5, 0.5, 0.25], 3)
    waits.clear()
    assert wait_in_slices(lambda: None, wait, 1.0) is False
    assert waits == [0.5, 0.5]
    assert wait_in_slices(lambda: None, lambda _: True, 1.0) is True


def test_a_reader_that_fails_keeps_nobody_from_his_card_in_the_other(world: World) -> None:
    shown: list[CardAction] = []
    persons = world.persons("1")
    resident: Any = But(persons.resident, card=shown.append)
    station = world.station()
    broken: Any = But(station.reader, is_card_present=raising(LinkLost("gone")))
    world.window_hand.insert(RESIDENT)
    return_card(replace(station, reader=broken), replace(persons, resident=resident))
    assert shown == [CardAction.TAKE]
    world.window_hand.remove()

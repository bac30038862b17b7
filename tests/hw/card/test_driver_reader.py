import pytest

from hw.card.reader import Reader
from hw.errors import CardAbsent, CardRemoved, CardUnsupported, LinkLost, NotSent, ReaderBusy
from hw.ports import CardReader
from tests.hw.card.office import Desk, password


class Slot:
    """A slot whose card answers as told; keeps what happened to it in order."""

    name = "a reader"

    def __init__(self, answer: bytes = b"\x90\x00", close_error: Exception | None = None) -> None:
        self.answer = answer
        self.close_error = close_error
        self.happened: list[str] = []

    def is_card_present(self) -> bool:
        return True

    def wait_for_card(self, timeout_s: float) -> bool:
        return True

    def wait_for_removal(self, timeout_s: float) -> bool:
        return False

    def connect(self) -> "Slot":
        self.happened.append("power on")
        return self

    def transmit(self, command: bytes) -> bytes:
        self.happened.append(command[:3].hex())
        return self.answer

    def close(self) -> None:
        self.happened.append("power off")
        if self.close_error:
            raise self.close_error


SELECT = "00a404"


def test_a_session_ends_deselected_and_without_power() -> None:
    slot = Slot()
    with Reader(slot).session():
        assert slot.happened == ["power on", SELECT]
    assert slot.happened == ["power on", SELECT, SELECT, "power off"]


def test_what_goes_wrong_at_the_end_hides_nothing() -> None:
    slot = Slot(close_error=LinkLost("at the end"))
    with pytest.raises(KeyError, match="first"), Reader(slot).session():
        slot.answer = b"\x6f\x00"
        raise KeyError("first")
    assert slot.happened == ["power on", SELECT, SELECT, "power off"]


def test_a_session_that_went_well_stays_so_whatever_happens_at_its_end() -> None:
    slot = Slot(close_error=LinkLost("at the end"))
    with Reader(slot).session():
        slot.answer = b"\x6f\x00"


def test_a_card_that_is_gone_is_not_spoken_to_again() -> None:
    slot = Slot()
    with pytest.raises(CardRemoved), Reader(slot).session():
        raise CardRemoved("pulled")
    assert slot.happened == ["power on", SELECT, "power off"]


def test_a_card_of_no_known_application_is_let_go() -> None:
    slot = Slot(answer=b"\x6a\x82")
    with pytest.raises(CardUnsupported), Reader(slot).session():
        raise AssertionError("no session")
    assert slot.happened == ["power on", SELECT, SELECT, "power off"]


def test_a_card_belongs_to_one_session_at_a_time(desk: Desk) -> None:
    with desk.reader.session(), pytest.raises(ReaderBusy), desk.reader.session():
        raise AssertionError("no session")
    with desk.reader.session():
        pass


def test_an_ended_session_sends_nothing(desk: Desk) -> None:
    with desk.reader.session() as card:
        pass
    before = desk.card.exchanges
    with pytest.raises(NotSent):
        card.verify_pin(password())
    assert desk.card.exchanges == before


def test_an_empty_reader_has_no_session(desk: Desk) -> None:
    desk.slot.remove()
    with pytest.raises(CardAbsent), desk.reader.session():
        raise AssertionError("no session")


def test_a_session_is_over_for_good_once_its_card_was_taken_out(desk: Desk) -> None:
    with pytest.raises(CardRemoved), desk.reader.session() as card:
        desk.slot.remove()
        desk.insert()
        card.number()
    with desk.reader.session() as card:
        card.number()


def test_every_exchange_is_traced_without_secrets(desk: Desk) -> None:
    lines: list[str] = []
    ticks = iter(range(100))
    reader = Reader(
        desk.slot, trace=lambda command, answer, took_s: lines.append(command.hex()), clock=lambda: float(next(ticks))
    )
    with reader.session() as card:
        card.number()
    assert [line[:4] for line in lines] == ["00a4", "00ca", "00a4"]


def test_a_reader_is_what_the_kiosk_asks_for(desk: Desk) -> None:
    reader: CardReader = desk.reader
    assert reader.name == "memory"
    assert reader.is_card_present()
    assert reader.wait_for_card(0)
    assert not reader.wait_for_removal(0)

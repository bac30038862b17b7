"""ccTalk from the host's side: bytes from the specification, the buffer's arithmetic, and a line that misbehaves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.cash.cctalk.acceptor import CoinAcceptor
from hw.cash.cctalk.bus import Bus
from hw.cash.cctalk.codes import Trouble, trouble_of
from hw.cash.cctalk.events import AcceptorReset, Coin, EventsLost, Rejection, read_buffer
from hw.cash.cctalk.frame import Answer, decode, encode
from hw.cash.cctalk.hopper import CoinHopper, Payout
from hw.errors import NotSent, OutcomeUnknown, Refused
from hw.link.memory import MemoryLink
from hw.sim.coin.fault import parse_coin_faults
from hw.sim.coin.peripheral import DONE, REFUSED, Reply
from hw.sim.coin.virtual import VirtualCoinMachine
from tests.wire.clock import Clock


@pytest.mark.parametrize(
    ("to", "header", "data", "frame"),
    [
        (2, 254, "", "020001FEFF"),  # simple poll
        (2, 229, "", "020001E518"),  # read buffered credit
        (2, 231, "0100", "020201E7010013"),  # modify inhibit
        (2, 184, "01", "020101B80143"),
        (2, 228, "01", "020101E40117"),
        (3, 164, "A5", "030101A4A5B2"),  # enable hopper (Flow manual 7.3)
        (3, 167, "000000000000000001", "030901A70000000000000000014B"),  # dispense (Aventador manual 2.1.4)
        (3, 166, "", "030001A656"),
        (3, 161, "5BDAAA6F9A5DC506", "030801A15BDAAA6F9A5DC50643"),
    ],
)
def test_commands_are_those_of_the_manuals(to, header, data, frame):
    assert encode(to, header, bytes.fromhex(data), "simple") == bytes.fromhex(frame)


def test_the_crc_example_of_part_1():
    assert encode(40, 1, b"", "crc") == bytes.fromhex("280046013F")
    assert decode(bytes.fromhex("0100300037"), "crc") == Answer(None, 0, b"")


@pytest.mark.parametrize("checksum", ["simple", "crc"])
@given(data=st.binary(max_size=40), bit=st.integers(0, 8 * 44))
def test_a_changed_bit_is_never_taken_for_an_answer(checksum, data, bit):
    if checksum == "simple":
        frame = bytearray(bytes((1, len(data), 2, 0)) + data)
        frame.append(-sum(frame) % 256)
    else:
        frame = bytearray(encode(1, 0, data, "crc"))
    assert decode(bytes(frame), checksum) is not None
    if bit < 8 * len(frame):
        frame[bit // 8] ^= 1 << bit % 8
        assert decode(bytes(frame), checksum) is None


A, B, C = (1, 1), (2, 1), (0, 20)
NONE = (0, 0)


@pytest.mark.parametrize(
    ("last", "counter", "pairs", "events"),
    [
        (0, 0, [], ()),
        (0, 1, [A], (Coin(1, 1),)),
        (4, 6, [C, A, B], (Coin(1, 1), Rejection(20))),  # newest first in the buffer, oldest first here
        (255, 1, [A, B, B, B, B], (Coin(1, 1),)),  # 255 is followed by 1
        (254, 2, [A, B, C, A, A], (Rejection(20), Coin(2, 1), Coin(1, 1))),
        (10, 17, [A] * 5, (EventsLost(2), *([Coin(1, 1)] * 5))),
        (10, 0, [], (AcceptorReset(),)),
        (10, 2, [C, A], (AcceptorReset(), Coin(1, 1), Rejection(20))),  # reset, and two events since
        (254, 4, [A, A, A, A, A], tuple([Coin(1, 1)] * 5)),  # a full buffer is no reset
    ],
)
def test_what_the_buffer_says(last, counter, pairs, events):
    data = bytes((counter, *(value for pair in [*pairs, *[NONE] * 5][:5] for value in pair)))
    assert read_buffer(data, last).events == events


def test_errors_are_what_they_are_to_the_counter():
    assert trouble_of(1) is trouble_of(131) is trouble_of(99) is Trouble.INFORMATION
    assert (trouble_of(14), trouble_of(20), trouble_of(254)) == (Trouble.JAM, Trouble.FRAUD, Trouble.OPERATOR)


class Stage:
    """A machine and a host on one wire, with a clock that goes on by hand."""

    def __init__(self, checksum="simple", **options):
        self.clock = Clock()
        self.machine = VirtualCoinMachine(monotonic=self.clock.monotonic, **options)
        self.bus = Bus(MemoryLink(self.machine), checksum, monotonic=self.clock.monotonic, pause=self.clock.pause)
        self.acceptor = CoinAcceptor(self.bus)
        self.hopper = CoinHopper(self.bus, monotonic=self.clock.monotonic, pause=self.clock.pause)


@pytest.mark.parametrize("checksum", ["simple", "crc"])
@pytest.mark.parametrize("echoes", [True, False])
def test_an_acceptor_says_who_it_is_and_holds_to_what_it_is_told(checksum, echoes):
    stage = Stage(checksum, echoes=echoes)
    assert str(stage.acceptor.identity()) == "SIM SR-SIM no. 74565"
    assert stage.acceptor.coins() == {1: 500, 2: 500, 3: 100, 4: 50, 5: 10}
    assert stage.acceptor.self_check() == 0
    stage.acceptor.open_for({1, 3})
    assert stage.acceptor.takes() == {1, 3}
    stage.acceptor.close()
    assert stage.acceptor.takes() == frozenset()


def test_a_hopper_pays_once_and_says_what_came_out():
    stage = Stage()
    assert stage.hopper.coin_yen() == 100
    assert stage.hopper.pay(3) == Payout(3, 0)
    stage.machine.hopper.memory.stock = 2
    assert stage.hopper.pay(5) == Payout(2, 3)
    assert stage.machine.hopper.memory.dispensed == 5
    with pytest.raises(ValueError, match="no payout"):
        stage.hopper.pay(0)


BEFORE_DISPENSE = [5, 6, 5, 5]  # test, enable, status, key


@pytest.mark.parametrize("lost", ["command", "answer"])
def test_when_the_command_to_pay_is_lost_the_counter_tells_whether_it_was_heard(lost):
    from hw.link.faulty import FaultyLink
    from hw.link.injury import parse_injuries

    stage = Stage(echoes=False)
    to = sum(BEFORE_DISPENSE) + 1
    back = 7 + 5 + 9 + 13 + 1
    link = FaultyLink(
        MemoryLink(stage.machine),
        parse_injuries(f"to-garble@{to + 2}" if lost == "command" else f"from-garble@{back + 2}"),
        monotonic=stage.clock.monotonic,
        pause=stage.clock.pause,
    )
    bus = Bus(link, monotonic=stage.clock.monotonic, pause=stage.clock.pause)
    hopper = CoinHopper(bus, coin_yen=100, monotonic=stage.clock.monotonic, pause=stage.clock.pause)
    if lost == "command":
        with pytest.raises(NotSent):
            hopper.pay(2)
        assert stage.machine.hopper.memory.dispensed == 0
    else:
        assert hopper.pay(2) == Payout(2, 0)
        assert stage.machine.hopper.memory.dispensed == 2


@pytest.mark.parametrize(("serial", "is_paid"), [(b"\xdf\xd7\x0a", True), (b"\xdf\xd7\x0b", False)])
def test_a_hopper_of_the_serial_kind_obeys_its_own_number_alone(serial, is_paid):
    hopper = Stage().machine.hopper
    hopper.answer(164, b"\xa5", 0.0)
    assert (hopper.answer(167, serial + b"\x01", 0.0) != REFUSED) is is_paid


def test_a_refusal_that_was_not_heard_is_no_payout_though_it_was_counted():
    stage = Stage()
    stage.hopper.pay(5)
    before = stage.hopper.status()
    stage.machine.hopper.answer(164, bytes(1), stage.clock.now_s)
    assert stage.machine.hopper.answer(167, bytes(8) + b"\x05", stage.clock.now_s) == REFUSED
    with pytest.raises(OutcomeUnknown):
        stage.hopper.outcome_of(before, 5)
    assert stage.hopper.pay(5) == Payout(5, 0)


@pytest.mark.parametrize(
    ("registers", "is_refused"),
    [((0x04, 0), False), ((0x02, 0x82), False), ((0x20, 0), True), ((0, 0x01), True), ((0, 0x40), True)],
)
def test_a_hopper_pays_after_a_cleared_jam_and_not_with_a_fault(registers, is_refused):
    stage = Stage()
    stage.machine.hopper.faults = registers
    if is_refused:
        with pytest.raises(Refused):
            stage.hopper.pay(1)
    else:
        assert stage.hopper.pay(1) == Payout(1, 0)


@pytest.mark.parametrize("header", [163, 171])
def test_a_hopper_that_answers_nonsense_pays_nothing(header, monkeypatch):
    stage = Stage()
    answer = stage.machine.hopper.answer
    nonsense = {163: DONE, 171: Reply(b"JP000A")}[header]
    monkeypatch.setattr(
        stage.machine.hopper, "answer", lambda got, *rest: nonsense if got == header else answer(got, *rest)
    )
    if header == 163:
        with pytest.raises(NotSent):
            stage.hopper.pay(1)
    else:
        with pytest.raises(Refused):
            stage.hopper.coin_yen()
    assert stage.machine.hopper.memory.dispensed == 0


def test_a_hopper_that_lost_power_in_between_tells_from_its_memory():
    stage = Stage()
    memory = stage.machine.hopper.memory
    before = stage.hopper.status()
    stage.machine.hopper.answer(164, b"\xa5", stage.clock.now_s)
    stage.machine.hopper.answer(167, bytes(8) + b"\x05", stage.clock.now_s)
    stage.clock.pause(0.5)
    stage.machine.feed(b"")
    stage.machine.cycle_power()
    assert stage.hopper.outcome_of(before, 5) == memory.paid == 2
    after = stage.hopper.status()
    with pytest.raises(OutcomeUnknown):  # the same numbers may be of the payout before or of this one
        stage.hopper.outcome_of(after, 5)
    with pytest.raises(NotSent):  # a payout of six would show
        stage.hopper.outcome_of(after, 6)
    memory.event = 9
    with pytest.raises(OutcomeUnknown):
        stage.hopper.outcome_of(after, 6)


def test_silence_is_unknown_and_a_refusal_is_a_refusal():
    stage = Stage(faults=parse_coin_faults("silent@6"))
    stage.acceptor.poll()
    with pytest.raises(OutcomeUnknown):
        stage.acceptor.poll()
    assert stage.bus.failures == 3
    with pytest.raises(Refused):
        Stage().bus.ask(2, 184, b"\x63")

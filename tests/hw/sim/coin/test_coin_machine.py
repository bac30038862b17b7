"""The simulated coin machine against bytes from the manuals, and as a coin behaves in it."""

import pytest

from hw.sim.coin import frame
from hw.sim.coin.fault import parse_coin_faults
from hw.sim.coin.frame import Checksum, FrameReader, Request
from hw.sim.coin.virtual import VirtualCoinMachine
from hw.sim.fault import FaultSpecInvalid


class Bench:
    """A machine whose clock goes on by hand."""

    def __init__(self, **options):
        self.now_s = 100.0
        self.machine = VirtualCoinMachine(monotonic=lambda: self.now_s, **{"echoes": False} | options)

    def ask(self, command):
        return self.machine.feed(bytes.fromhex(command)).hex(" ").upper()

    def open(self, mask="0100"):
        self.machine.feed(_frame(2, 231, bytes.fromhex(mask)))
        self.machine.feed(_frame(2, 229))


def _frame(to, header, data=b""):
    head = bytes((to, len(data), 1, header)) + data
    return head + bytes((-sum(head) % 256,))


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("020001FEFF", "01 00 02 00 FD"),  # simple poll: ccTalk part 1, 7.1
        ("020001F508", "01 0D 02 00 43 6F 69 6E 20 41 63 63 65 70 74 6F 72 16"),  # category
        ("020001F904", "01 02 02 00 02 14 E5"),  # polling priority: 200 ms (Colibri manual 10.2.1.2)
        ("020001E815", "01 01 02 00 00 FC"),  # self-check
        ("020001F805", "01 01 02 00 00 FC"),  # status
        ("020101B80143", "01 06 02 00 4A 50 35 30 30 41 87"),  # coin id of position 1
        ("020101B80F35", "01 06 02 00 2E 2E 2E 2E 2E 2E E3"),  # of an unused one
        ("020101B81133", "01 00 02 05 F8"),  # of one that there is not: NAK
        ("020201E7010013", "01 00 02 00 FD"),  # inhibit all but coin 1
        ("020101E40117", "01 00 02 00 FD"),  # master inhibit off
        ("020001E518", "01 0B 02 00 00 00 00 00 00 00 00 00 00 00 00 F2"),  # nothing has happened yet
        ("030001A359", "01 02 03 00 C0 00 3A"),  # hopper test: power-up, disabled (SCH2 manual p. 43)
        ("030101A4A5B2", "01 00 03 00 FC"),  # enable hopper (Flow manual 7.3)
        ("030001A656", "01 04 03 00 00 00 00 00 F8"),  # hopper status
        ("030001AC50", "01 01 03 00 00 FB"),  # emergency stop, nothing left (Flow manual p. 16)
        ("000001FD02", "02 03"),  # address poll: bare addresses (part 2, 3.3)
        ("020001FC01", "02"),  # address clash
        ("02000101FC", "01 00 02 00 FD"),  # reset
    ],
)
def test_it_answers_as_the_manuals_show(command, answer):
    assert Bench().ask(command) == answer


def test_it_answers_in_the_checksum_that_it_was_asked_in():
    # Part 1, 8: a reset of peripheral 40 is 28 00 46 01 3F, its ACK 01 00 30 00 37; over 02 00 FE the CRC is 60B1.
    assert Bench().ask("0200B1FE60") == "01 00 30 00 37"
    assert frame.reply(Request(40, 1, 1, b"", Checksum.CRC), 40, 0).hex() == "0100300037"
    reader = FrameReader((Checksum.CRC,))
    assert [reader.feed(value, 0.0) for value in bytes.fromhex("280046013F")][-1] == Request(
        40, 1, 1, b"", Checksum.CRC
    )


def test_one_checksum_alone_is_heard_when_set_so():
    assert Bench(checksums=(Checksum.CRC,)).ask("020001FEFF") == ""
    assert Bench(checksums=(Checksum.SIMPLE,)).ask("020001FEFF") != ""


def test_a_single_wire_echoes():
    assert Bench(echoes=True).ask("020001FEFF") == "02 00 01 FE FF 01 00 02 00 FD"


@pytest.mark.parametrize("command", ["020001FEFE", "050001FEFC", "02000163", "0200016395"])
def test_what_is_damaged_for_others_or_unknown_is_not_answered(command):
    bench = Bench()
    assert bench.ask(command) == ""
    bench.now_s += 0.1
    assert bench.ask("020001FEFF") == "01 00 02 00 FD"


def test_a_frame_with_a_gap_in_it_is_given_up():
    bench = Bench()
    assert bench.ask("0200") == ""
    bench.now_s += 0.06
    assert bench.ask("01FEFF") == ""
    bench.now_s += 0.06
    assert bench.ask("020001FEFF") == "01 00 02 00 FD"


def test_a_coin_is_taken_only_while_enabled_and_polled():
    bench = Bench()
    assert not bench.machine.insert(500)  # after power-up everything is inhibited
    bench.open()
    assert bench.machine.insert(500)
    assert bench.ask("020001E518") == "01 0B 02 00 01 01 01 00 00 00 00 00 00 00 00 EF"
    assert not bench.machine.insert(100)  # not enabled: event, error 2
    assert bench.ask("020001E518")[12:26] == "02 00 02 01 01"
    bench.now_s += 1.1
    assert not bench.machine.insert(500)  # not polled for a second: returned without a word
    assert bench.machine.acceptor.memory.counter == 2
    assert bench.machine.acceptor.memory.cash_box_yen == [500]


def test_the_counter_goes_from_255_to_1_and_is_0_after_a_reset():
    bench = Bench()
    bench.open()
    counters = []
    for _ in range(257):
        bench.machine.feed(_frame(2, 229))
        assert bench.machine.insert(500)
        counters.append(bench.machine.acceptor.memory.counter)
    assert counters == [*range(1, 256), 1, 2]
    bench.ask("02000101FC")
    assert bench.ask("020001E518") == "01 0B 02 00 00 00 00 00 00 00 00 00 00 00 00 F2"
    assert bench.ask("020001E617") == "01 02 02 00 00 00 FB"  # and takes nothing


def test_held_coins_go_in_when_they_are_let_in():
    bench = Bench()
    bench.machine.hold(500, 100)
    bench.open("0400")
    bench.machine.feed(_frame(2, 229))
    assert bench.machine.acceptor.memory.cash_box_yen == [100]
    assert bench.machine.drop_held() == (500,)


def test_the_hopper_pays_coin_by_coin_and_stops_when_it_is_empty():
    bench = Bench()
    bench.machine.hopper.memory.stock = 2
    bench.ask("030101A4A5B2")
    assert bench.machine.feed(_frame(3, 167, bytes(8) + b"\x03")).hex() == "0101030001fa"
    assert bench.machine.feed(_frame(3, 166))[4:8] == bytes((1, 3, 0, 0))
    bench.now_s += 0.25
    assert bench.machine.feed(_frame(3, 166))[4:8] == bytes((1, 2, 1, 0))
    bench.now_s += 5
    assert bench.machine.feed(_frame(3, 166))[4:8] == bytes((1, 0, 2, 1))
    assert bench.machine.feed(_frame(3, 163))[4] & 0x02  # payout timeout


def test_a_disabled_hopper_refuses_and_counts_it():
    bench = Bench()
    assert bench.machine.feed(_frame(3, 167, bytes(8) + b"\x01"))[3] == 5
    assert bench.machine.feed(_frame(3, 166))[4] == 1


def test_what_it_holds_survives_the_program_and_a_power_cut_only_what_it_must(tmp_path):
    bench = Bench(directory=tmp_path)
    bench.open()
    bench.machine.insert(500)
    again = VirtualCoinMachine(directory=tmp_path)
    assert again.acceptor.memory == bench.machine.acceptor.memory
    again.cycle_power()
    assert again.acceptor.memory.cash_box_yen == [500]
    assert (again.acceptor.memory.counter, again.acceptor.memory.enabled) == (0, 0)


def test_faults_come_before_their_byte():
    bench = Bench(faults=parse_coin_faults("coin@22=500,error@27=20,reset@32,silent@37"))
    bench.machine.feed(_frame(2, 231, b"\x01\x00"))  # 7 bytes
    for _ in range(2):
        bench.machine.feed(_frame(2, 229))
    assert bench.machine.feed(_frame(2, 230))[4:6] == b"\x01\x00"
    assert bench.machine.acceptor.memory.cash_box_yen == [500]
    assert bench.machine.feed(_frame(2, 229))[4:9] == bytes((2, 0, 20, 1, 1))
    assert bench.machine.feed(_frame(2, 229))[4] == 0
    assert bench.machine.feed(_frame(2, 254)) == b""


@pytest.mark.parametrize("spec", ["coin@1", "coin@1=0", "error@1=256", "reset@1=1", "fire@1"])
def test_faults_that_are_none_are_refused(spec):
    with pytest.raises(FaultSpecInvalid):
        parse_coin_faults(spec)


@pytest.mark.parametrize("order", ["", "coin", "500 yen", "error 256", "paper end"])
def test_hands_do_only_what_can_be_done(order):
    with pytest.raises(ValueError, match="none of"):
        Bench().machine.obey(order)

"""Another device in the place of the one that was there: nothing is printed on it, nothing of it is believed."""

import pytest

from hw.errors import AnotherDevice, NotSent, OutcomeUnknown, PrinterBlocked
from hw.link.memory import MemoryLink
from hw.link.reopening import ReopeningLink
from hw.ports import DepositEnd, PrintOutcome, Text
from hw.printer.escpos import EscposPrinter
from hw.printer.models import MODELS
from hw.sim.coin.virtual import VirtualCoinMachine
from hw.sim.printer.virtual import VirtualPrinter
from tests.hw.cash.coins import Coins
from tests.wire.clock import Clock


class Socket:
    """A place where a device is plugged in; what sits there can be exchanged, which cuts the line."""

    def __init__(self, core):
        self.core = core
        self._open = []
        self.link = ReopeningLink(self._opened)

    def exchange(self, core):
        self.core = core
        for link in self._open:
            link.close()

    def _opened(self):
        if self.core is None:
            raise NotSent("nothing is plugged in")
        self._open.append(MemoryLink(self.core))
        return self._open[-1]


def printer_at(socket, model="tm-t88-ja"):
    return EscposPrinter(socket.link, MODELS[model], monotonic=Clock().monotonic)


def job_of(driver, text="領収書"):
    return driver.render([Text(text)], "0017")


@pytest.mark.parametrize("is_idle_loss_seen", [False, True], ids=["at printing", "after a status"])
def test_nothing_is_printed_on_another_printer(is_idle_loss_seen):
    first, second = VirtualPrinter(), VirtualPrinter(serial="SIM0000002")
    socket = Socket(first)
    driver = printer_at(socket)
    assert driver.print(job_of(driver)) is PrintOutcome.CONFIRMED
    socket.exchange(second)
    if is_idle_loss_seen:
        driver.status()
    for _ in range(2):
        with pytest.raises(PrinterBlocked) as blocked:
            driver.print(job_of(driver))
        assert blocked.value.causes == ("another_device",)
    with pytest.raises(PrinterBlocked):
        driver.cuts()  # its count of cuts would prove the first one's paper
    with pytest.raises(AnotherDevice):
        driver.identity()
    assert not second.sheets
    driver.accept_replacement()
    assert driver.print(job_of(driver)) is PrintOutcome.CONFIRMED
    assert len(second.sheets) == 1
    socket.exchange(first)
    with pytest.raises(PrinterBlocked):
        driver.print(job_of(driver))


def test_nothing_is_printed_on_a_printer_that_came_between_the_questions():
    class Hasty:
        """Exchanges the printer after the first one has said who it is, before it is asked for its cuts."""

        is_one_way = False
        answers = 0

        def write(self, data, deadline_s):
            socket.link.write(data, deadline_s)

        def read(self, maximum, deadline_s):
            if Hasty.answers == 2:
                Hasty.answers += 1
                socket.exchange(second)
            data = socket.link.read(maximum, deadline_s)
            Hasty.answers += b"SIM0000001" in data
            return data

        drain_input = close = None

    first, second = VirtualPrinter(), VirtualPrinter(serial="SIM0000002")
    socket = Socket(first)
    driver = EscposPrinter(Hasty(), MODELS["tm-t88-ja"], monotonic=Clock().monotonic)
    with pytest.raises(PrinterBlocked) as blocked:
        driver.print(job_of(driver))
    assert blocked.value.causes == ("link_lost",)
    with pytest.raises(PrinterBlocked) as blocked:
        driver.print(job_of(driver))
    assert blocked.value.causes == ("another_device",)
    assert not first.sheets
    assert not second.sheets


def test_the_same_printer_is_welcome_back_in_whatever_state_it_was_left():
    sim = VirtualPrinter()
    socket = Socket(sim)
    driver = printer_at(socket)
    assert driver.print(job_of(driver)) is PrintOutcome.CONFIRMED
    sim.feed(b"\x1dv0\x00\x20\x00\x20\x00half an image")  # a host that was cut off within a command
    socket.exchange(sim)
    assert driver.print(job_of(driver)) is PrintOutcome.CONFIRMED
    assert [sheet.text for sheet in sim.sheets] == ["領収書\n"] * 2


def test_a_printer_that_does_not_say_who_it_is_does_not_pass_for_one_that_did():
    socket = Socket(VirtualPrinter())
    driver = printer_at(socket)
    driver.identity()
    nameless = VirtualPrinter(serial=None)
    socket.exchange(nameless)
    with pytest.raises(PrinterBlocked) as blocked:
        driver.print(job_of(driver))
    assert blocked.value.causes == ("no_answer",)
    assert not nameless.sheets


def test_a_printer_that_never_says_who_it_is_prints():
    sim = VirtualPrinter(dots=576, serial=None)
    driver = printer_at(Socket(sim), "generic-80")
    assert driver.identity() == ""
    assert driver.print(job_of(driver)) is PrintOutcome.PRINTED
    assert len(sim.sheets) == 1


def test_a_disturbed_line_makes_no_stranger_of_a_printer():
    class Disturbed(VirtualPrinter):
        answers = 0

        def feed(self, chunk):
            answer = super().feed(chunk)
            if answer.startswith(b"\x5fVIRTUAL"):
                Disturbed.answers += 1
                if Disturbed.answers == 2:
                    return answer.replace(b"V", b"W", 1)
            return answer

    sim = Disturbed()
    socket = Socket(sim)
    driver = printer_at(socket)
    assert driver.print(job_of(driver)) is PrintOutcome.CONFIRMED
    Disturbed.answers = 1
    socket.exchange(sim)
    assert driver.print(job_of(driver)) is PrintOutcome.CONFIRMED


def machine(clock, serial, counter=0):
    other = VirtualCoinMachine(monotonic=clock.monotonic)
    other.acceptor.identity = type(other.acceptor.identity)(b"Coin Acceptor", b"SR-SIM", serial)
    other.acceptor.memory.counter = counter
    return other


def test_no_coin_of_another_acceptor_is_credited_before_somebody_has_accepted_it():
    coins = Coins()
    socket = Socket(coins.machine)
    box = coins.box(link=socket.link)
    box.begin(500)
    assert box.deposit().received_yen == 0
    other = machine(coins.clock, 99, counter=3)
    other.acceptor.memory.events = [[1, 1]] * 5
    socket.exchange(other)
    for _ in range(3):
        box.deposit()
    assert isinstance(box.trouble, AnotherDevice)
    box.take_from_clerk(1000)  # the clerk can always take the money
    assert box.fix().received_yen == 1000
    assert box.end(DepositEnd.CHANGE) == 500
    assert box.unassigned_yen() == 0
    box.accept_replacement()
    box.begin(500)
    assert box.trouble is None
    assert other.insert(500)
    assert box.deposit().received_yen == 500


def test_another_hopper_pays_nothing_and_tells_nothing_of_a_payout():
    coins = Coins()
    box = coins.box(hopper=True)
    box.begin(500)
    box.take_from_clerk(1000)
    box.fix()
    assert box.end(DepositEnd.CHANGE) == 0  # the hopper paid five coins of 100 yen
    coins.machine.hopper.identity = type(coins.machine.hopper.identity)(b"Payout", b"SCH2-SIM", 98)
    box.begin(500)
    box.take_from_clerk(1000)
    box.fix()
    assert box.end(DepositEnd.CHANGE) == 500  # the clerk pays
    assert isinstance(box.hopper_failure, AnotherDevice)
    box.begin(500)
    box.take_from_clerk(1000)
    box.fix()
    told = {"event": 1, "paid": 5, "unpaid": 0, "coins": 5, "coin_yen": 100, "serial": 0x0AD7DF}
    box._ledger.note(what="pay", **told)  # it was exchanged within the payout
    with pytest.raises(OutcomeUnknown):
        box.end(DepositEnd.CHANGE)


def test_whoever_accepts_an_acceptor_has_not_accepted_a_hopper_that_nobody_was_shown():
    coins = Coins()
    box = coins.box(hopper=True)
    met = str(box.identify())
    acceptor, hopper = coins.machine.acceptor, coins.machine.hopper
    acceptor.identity = type(acceptor.identity)(b"Coin Acceptor", b"SR-SIM", 99)
    with pytest.raises(AnotherDevice) as shown:
        box.identify()
    hopper.identity = type(hopper.identity)(b"Payout", b"SCH2-SIM", 98)
    box.accept_replacement(shown.value.found)
    with pytest.raises(AnotherDevice) as shown:
        box.identify()
    assert "SCH2" in shown.value.found
    box.accept_replacement(met)
    with pytest.raises(AnotherDevice):
        box.identify()
    box.accept_replacement(shown.value.found)
    assert box.identify().serial == 99

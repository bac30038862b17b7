"""A device that comes and goes, another one in its place, and the thread that looks after it."""

import queue
import threading

import pytest

from hw.devices import open_devices
from hw.errors import LinkLost, NotSent, OutcomeUnknown, PrinterBlocked, Refused, TextDoesNotFit
from hw.hardware import CashDevice, DisplayDevice, Hardware, LampDevice, PrinterDevice
from hw.link.identity import KnownIdentity
from hw.link.reconnect import FIRST_WAIT_S, LONGEST_WAIT_S, Presence, Reconnection
from hw.monitor import monitoring
from hw.owner import Care, Owner
from hw.printer.models import MODELS
from hw.sim.printer.virtual import VirtualPrinter
from tests.hw.printer.printer_bench import serving
from tests.wire.clock import Clock

GENEROUS_S = 30


class Socket:
    """Where a device is plugged in, or another one, or none."""

    def __init__(self, who="A"):
        self.who = who
        self.openings = 0
        self.known = KnownIdentity()

    def open(self):
        self.openings += 1
        if not self.who:
            raise NotSent("nothing there")

    def identify(self):
        if self.who == "mute":
            raise OutcomeUnknown("no answer")
        who = "" if self.who == "busy" else self.who
        self.known.check(who)
        return who


class Stage:
    def __init__(self, who="A"):
        self.clock = Clock()
        self.socket = Socket(who)
        self.told = []
        self.reconnection = Reconnection(
            self.socket.open,
            self.socket.identify,
            monotonic=self.clock.monotonic,
            random=lambda: 0.5,
            on_change=lambda standing: self.told.append(standing.presence),
        )

    def attempt(self, who=None):
        if who is not None:
            self.socket.who = who
        self.clock.pause(LONGEST_WAIT_S * 2)
        self.reconnection.attempt()
        return self.reconnection.standing


def test_it_comes_goes_and_comes_back():
    stage = Stage("")
    assert stage.attempt().presence is Presence.ABSENT
    assert stage.attempt("A").presence is Presence.READY
    stage.reconnection.fail(LinkLost("pulled out"))
    assert stage.attempt("").presence is Presence.LOST
    assert stage.attempt().cause == "pulled out"
    assert stage.attempt("A").presence is Presence.READY
    # Absence from the start and a loss are told once.
    assert stage.told == [Presence.ABSENT, Presence.READY, Presence.LOST, Presence.READY]


def test_another_device_is_refused_until_it_is_gone():
    stage = Stage()
    stage.attempt()
    stage.reconnection.fail(LinkLost("pulled out"))
    standing = stage.attempt("B")
    assert (standing.presence, standing.identity) == (Presence.REFUSED, "B")
    assert stage.attempt("A").presence is Presence.READY


def test_another_device_that_a_person_accepts_is_the_right_one_from_now_on():
    stage = Stage()
    stage.attempt()
    stage.reconnection.fail(LinkLost("pulled out"))
    assert stage.attempt("B").presence is Presence.REFUSED
    stage.socket.known.accept()
    assert stage.attempt().presence is Presence.READY
    stage.reconnection.fail(LinkLost("pulled out"))
    assert stage.attempt("A").presence is Presence.REFUSED
    stage.socket.known.accept()
    stage.socket.known.accept()  # twice is once
    assert stage.attempt().presence is Presence.READY


def test_a_third_device_in_the_place_of_the_second_is_told_and_not_the_one_that_was_accepted():
    stage = Stage()
    stage.attempt()
    stage.reconnection.fail(LinkLost("pulled out"))
    assert stage.attempt("B").identity == "B"
    stage.told.clear()
    assert stage.attempt("C").identity == "C"
    assert stage.told == [Presence.REFUSED]
    stage.attempt()
    assert stage.told == [Presence.REFUSED]
    stage.socket.known.accept("B")  # whom the person saw, and who has gone
    assert stage.attempt().presence is Presence.REFUSED
    stage.socket.known.accept("C")
    assert stage.attempt().presence is Presence.READY


@pytest.mark.parametrize("error", [PrinterBlocked(("paper_end",)), PrinterBlocked(("busy",)), TextDoesNotFit("wide")])
def test_a_device_that_cannot_do_a_work_is_not_lost(error):
    owner, reports = owned(Socket())
    assert reports.get(timeout=GENEROUS_S).standing.presence is Presence.READY

    def fail(device):
        raise error

    with pytest.raises(type(error)):
        owner.call(fail)
    assert owner.call(lambda device: device.who) == "A"
    owner.close()
    assert reports.empty()


def test_a_printer_that_was_not_reached_for_a_print_is_lost():
    stage = Stage()
    stage.attempt()
    stage.reconnection.fail(PrinterBlocked(("link_lost",)))
    assert stage.reconnection.standing.presence is Presence.LOST


def test_a_device_that_cannot_say_who_it_is_now_is_taken_as_it_is():
    stage = Stage()
    stage.attempt()
    stage.reconnection.fail(OutcomeUnknown("mute"))
    assert stage.attempt("busy").presence is Presence.READY
    stage.reconnection.fail(LinkLost("pulled out"))
    assert stage.attempt("B").presence is Presence.REFUSED


def test_attempts_get_rarer_and_start_anew_after_a_success():
    stage = Stage("")
    waits = []
    for _ in range(8):
        stage.reconnection.attempt()
        waits.append(stage.reconnection.due_s - stage.clock.now_s)
        stage.clock.now_s = stage.reconnection.due_s
    assert waits[0] == pytest.approx(FIRST_WAIT_S)
    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx(LONGEST_WAIT_S)
    openings = stage.socket.openings
    stage.clock.now_s = stage.reconnection.due_s - 0.1
    stage.reconnection.attempt()
    assert stage.socket.openings == openings  # not due
    stage.attempt("A")
    stage.reconnection.fail(LinkLost("pulled out"))
    assert stage.reconnection.due_s - stage.clock.now_s == pytest.approx(FIRST_WAIT_S)


def test_a_refusal_is_no_loss():
    stage = Stage()
    stage.attempt()
    stage.reconnection.fail(Refused("not today"))
    assert stage.reconnection.is_ready


def owned(socket, troubles=()):
    reports = queue.Queue()
    care = Care(lambda device: device.open(), lambda device: device.identify(), lambda device: tuple(troubles))
    return Owner("thing", socket, care, reports.put, every_s=0.05), reports


def test_the_owner_does_what_is_asked_in_its_own_thread_and_never_again():
    owner, reports = owned(Socket())
    assert reports.get(timeout=GENEROUS_S).standing.presence is Presence.READY
    assert owner.call(lambda device: threading.current_thread().name) == "thing owner"
    done = []

    def lose(device):
        done.append(1)
        device.who = ""
        raise LinkLost("pulled out")

    with pytest.raises(LinkLost):
        owner.call(lose)
    assert reports.get(timeout=GENEROUS_S).standing.presence is Presence.LOST
    with pytest.raises(NotSent, match="lost"):
        owner.call(lambda device: done.append(2))
    with pytest.raises(NotSent):
        owner.call(lambda device: 1 / 0)
    owner._device.who = "A"
    assert reports.get(timeout=GENEROUS_S).standing.presence is Presence.READY
    with pytest.raises(ZeroDivisionError):
        owner.call(lambda device: 1 / 0)
    assert done == [1]
    owner.close()


def test_troubles_are_told_when_they_change():
    troubles = []
    owner, reports = owned(Socket(), troubles)
    assert reports.get(timeout=GENEROUS_S).troubles == ()
    troubles.append("paper_end")
    assert reports.get(timeout=GENEROUS_S).troubles == ("paper_end",)
    owner.close()


@pytest.mark.wire
def test_a_station_tells_what_happens_to_its_devices(tmp_path):
    from contextlib import ExitStack

    reports = queue.Queue()
    sim = VirtualPrinter(dots=MODELS["tm-t88-ja"].dots)

    def until(name, found):
        while True:
            report = reports.get(timeout=GENEROUS_S)
            if report.name == name and found(report):
                return report

    with ExitStack() as held:
        server = ExitStack()
        url = server.enter_context(serving(sim, "tcp"))
        hardware = Hardware(
            printer=PrinterDevice(url),
            cash=CashDevice("cctalk", "sim:"),
            display=DisplayDevice("sim:"),
            lamp=LampDevice("sim:"),
        )
        devices = open_devices(hardware, tmp_path / "sim", held)
        held.enter_context(monitoring(devices, reports.put, monotonic=lambda: 0.0, every_s=0.05))
        until("printer", lambda report: report.standing.presence is Presence.READY)
        sim.set_paper("end")
        until("printer", lambda report: report.troubles == ("paper_end",))
        sim.set_paper("ok")
        until("printer", lambda report: report.troubles == ())
        server.close()
        until("printer", lambda report: report.standing.presence is Presence.LOST)
        port = int(url.rpartition(":")[2])
        held.enter_context(serving(sim, "tcp", port))
        until("printer", lambda report: report.standing.presence is Presence.READY)
        assert devices.simulated_coins is not None
        devices.simulated_coins.obey("jam")
        until("cash", lambda report: report.troubles == ("acceptor_fault",))


def test_a_printer_that_only_listens_is_there_and_without_troubles(tmp_path):
    from contextlib import ExitStack

    reports = queue.Queue()
    with ExitStack() as held:
        devices = open_devices(Hardware(printer=PrinterDevice(f"file://{tmp_path}/paper")), tmp_path / "sim", held)
        with monitoring(devices, reports.put, monotonic=lambda: 0.0, every_s=0.01):
            assert reports.get(timeout=GENEROUS_S).standing.presence is Presence.READY
            with pytest.raises(queue.Empty):
                reports.get(timeout=0.3)

"""The signal tower's driver on the simulated tower, in every protocol and on every kind of link."""

import pytest

from hw.errors import LinkLost, OutcomeUnknown, Refused
from hw.lamp import DARK, IN_TROUBLE, IN_USE, NEEDS_CLERK, Light, Signal, SignalLamp
from hw.link.memory import MemoryLink
from hw.link.url import link_to
from hw.sim.lamp.virtual import VirtualLamp, parse_lamp_faults
from tests.hw.printer.printer_bench import serving
from tests.wire.clock import Clock, SilentFrom

PROTOCOLS = ("pns-nh", "pns-la6", "phn")
EVERYTHING = Signal(Light.ON, Light.FLASHING, Light.ON, Light.FLASHING, Light.ON, buzzer=2)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_shown_is_what_the_tower_says(protocol):
    lamp = SignalLamp(MemoryLink(VirtualLamp()), protocol)
    for signal in (IN_USE, NEEDS_CLERK, IN_TROUBLE, DARK, *([EVERYTHING] if protocol != "phn" else [])):
        lamp.show(signal)
        assert lamp.signal() == signal
    lamp.clear()
    assert lamp.signal() == DARK


@pytest.mark.wire
@pytest.mark.parametrize("kind", ["pty", "tcp"])
def test_over_a_wire(kind):
    sim = VirtualLamp()
    with serving(sim, kind) as url:
        link = link_to(url)
        SignalLamp(link).show(IN_TROUBLE)
        assert (sim.tiers[0], sim.buzzer) == (2, 1)
        link.close()


@pytest.mark.parametrize(
    ("protocol", "frame"),
    [("pns-nh", "585853000006010200020102"), ("pns-la6", "414253000006010200020102")],
)
def test_the_bytes_are_those_of_the_manuals(protocol, frame):
    received = bytearray()

    class Listening(VirtualLamp):
        def feed(self, chunk):
            received.extend(chunk)
            return super().feed(chunk)

    signal = Signal(Light.ON, Light.FLASHING, Light.OFF, Light.FLASHING, Light.ON, buzzer=2)
    SignalLamp(MemoryLink(Listening()), protocol).show(signal)
    assert received.hex() == frame


def test_the_phn_example_of_the_manual():
    sim = VirtualLamp()
    SignalLamp(MemoryLink(sim), "phn").show(Signal(Light.ON, Light.FLASHING, Light.ON, buzzer=2))
    assert sim._phn() == 0x55
    for signal in (Signal(blue=Light.ON), Signal(buzzer=3)):
        with pytest.raises(ValueError, match="cannot show"):
            SignalLamp(MemoryLink(sim), "phn").show(signal)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_refusal_silence_and_a_lost_line_are_told_apart(protocol):
    refusing = VirtualLamp(faults=parse_lamp_faults("nak@1"))
    with pytest.raises(Refused):
        SignalLamp(MemoryLink(refusing), protocol).show(IN_USE)
    silent = VirtualLamp(faults=parse_lamp_faults("silent@1"))
    with pytest.raises(OutcomeUnknown):
        SignalLamp(MemoryLink(silent), protocol).show(IN_USE)
    link = MemoryLink(VirtualLamp())
    link.close()
    with pytest.raises(LinkLost):
        SignalLamp(link, protocol).show(IN_USE)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_answer_that_is_none_is_unknown_or_a_refusal(protocol):
    class Says:
        def __init__(self, answer):
            self.answer = answer

        def feed(self, chunk):
            return self.answer if chunk else b""

    for value in range(256):
        for size in (1, 3, 6, 15):
            lamp = SignalLamp(MemoryLink(Says(bytes((value,)) * size)), protocol)
            for ask in (lambda lamp=lamp: lamp.show(IN_USE), lamp.signal):
                try:
                    ask()
                except (OutcomeUnknown, Refused):
                    continue


@pytest.mark.parametrize("act", [lambda lamp: lamp.show(IN_TROUBLE), SignalLamp.signal])
def test_a_tower_that_says_nothing_is_given_up_within_a_second(act):
    clock = Clock()
    with pytest.raises(OutcomeUnknown):
        act(SignalLamp(SilentFrom(clock, MemoryLink(VirtualLamp()), writes=0), monotonic=clock.monotonic))
    assert clock.now_s - Clock().now_s < 1.0

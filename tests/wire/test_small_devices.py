"""Display, lamp and scanner: unplugged at every byte of every command, a declared error, and the next call works."""

from collections.abc import Callable

import pytest

from hw.display import CustomerDisplay
from hw.errors import DeviceError, LinkLost
from hw.lamp import IN_TROUBLE, IN_USE, SignalLamp
from hw.link.faulty import FaultyLink
from hw.link.injury import parse_injuries
from hw.link.link import Link
from hw.link.memory import Core, MemoryLink
from hw.link.reopening import ReopeningLink
from hw.scanner import CodeScanner, Scanned
from hw.sim.display.virtual import VirtualDisplay
from hw.sim.lamp.virtual import VirtualLamp
from hw.sim.scanner.virtual import VirtualScanner
from tests.wire.clock import Clock
from tests.wire.coins import Counted, CountingLink


def line_to(core: Core, clock: Clock, spec: str) -> Link:
    injuries = parse_injuries(spec)
    return ReopeningLink(lambda: FaultyLink(MemoryLink(core), injuries, monotonic=clock.monotonic, pause=clock.pause))


def lamp(protocol: str) -> tuple[Callable[[Clock], Core], Callable[[Link, Core, Clock], None]]:
    def use(link: Link, core: Core, clock: Clock) -> None:
        driver = SignalLamp(link, protocol, monotonic=clock.monotonic)
        driver.show(IN_TROUBLE)
        driver.show(IN_USE)
        assert driver.signal() == IN_USE

    return lambda clock: VirtualLamp(monotonic=clock.monotonic), use


def display(dialect: str) -> tuple[Callable[[Clock], Core], Callable[[Link, Core, Clock], None]]:
    def use(link: Link, core: Core, clock: Clock) -> None:
        driver = CustomerDisplay(link, dialect, monotonic=clock.monotonic)
        driver.show("FEE", "500")
        assert isinstance(core, VirtualDisplay)
        assert [text.strip() for text in core.screen.lines] == ["FEE", "500"]

    return lambda clock: VirtualDisplay(is_cd5220=dialect == "cd5220"), use


def scanner() -> tuple[Callable[[Clock], Core], Callable[[Link, Core, Clock], None]]:
    def use(link: Link, core: Core, clock: Clock) -> None:
        assert isinstance(core, VirtualScanner)
        driver = CodeScanner(
            link, "[0-9]{4}-[0-9]{4}", dialect="honeywell", setup=[b"\x16M\rTRGMOD0!"], monotonic=clock.monotonic
        )
        for _ in range(2):  # a code that lay before it while the line was cut takes the first trigger
            driver.look()
            core.obey("scan 2011-0001")
            clock.pause(2)
            read = driver.read(0)
        driver.rest()
        if Scanned("2011-0001") not in read:
            raise LinkLost("the code was read into a line that was cut")

    return lambda clock: VirtualScanner(has_letters=False), use


USES = {
    "lamp-nh": lamp("pns-nh"),
    "lamp-la6": lamp("pns-la6"),
    "lamp-phn": lamp("phn"),
    "display-escpos": display("escpos"),
    "display-cd5220": display("cd5220"),
    "scanner": scanner(),
}


@pytest.mark.parametrize("name", USES)
def test_it_is_usable_again_wherever_its_line_was_cut(name: str) -> None:
    make, use = USES[name]
    clock, counted = Clock(), Counted()
    core = make(clock)
    use(CountingLink(MemoryLink(core), counted), core, clock)
    tried = 0
    for direction, total in (("to", counted.to), ("from", counted.back)):
        for at in range(1, total + 1):
            clock = Clock()
            core = make(clock)
            link = line_to(core, clock, f"{direction}-close@{at}")
            try:
                use(link, core, clock)
            except DeviceError:
                clock.pause(5)
                use(link, core, clock)
            tried += 1
    assert tried == counted.to + counted.back

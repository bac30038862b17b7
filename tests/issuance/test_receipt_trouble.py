"""A printer that fails at any byte of a receipt: one unmarked original at most, and a whole paper in the end."""

import datetime
from pathlib import Path

import msgspec
import pytest

from hw.sim.printer.fault import COVER_OPEN, CUTTER_JAM, PAPER_END, POWER_OFF, Fault
from hw.sim.printer.sheet import Sheet
from hw.sim.printer.virtual import VirtualPrinter
from kiosk.counter.reprint import CopyReason, copy_receipt
from kiosk.issuance.failure import Halted
from kiosk.issuance.hold import hold
from kiosk.issuance.persons import Persons
from kiosk.issuance.report import Phase, StepReport
from kiosk.model.application import Application, Closed
from kiosk.model.step import Step
from tests.counter_bench import OTHER_RESIDENT, RESIDENT, PowerCut, World
from tests.crash.boundary import Passage
from tests.crash.people import Till, TruthfulClerk
from tests.issuance.rest import check_rest, new_world
from tests.sweep import sweep

MOST_STARTS = 6


def persons(world: World, number: str, resident: str) -> Persons:
    """The clerk says what is so of the paper that has come out, whole or not."""

    def papers() -> list[str]:
        head = world.printer_core._head
        hanging = Sheet(0, b"", tuple(head.rows), head.dots)
        return [sheet.text for sheet in (*world.printer_core.sheets, hanging)]

    till = Till(world.directory / "till.json", (), Passage)
    played = world.persons(number, resident)
    return Persons(played.resident, TruthfulClerk(number, till, papers))


def repair(printer: VirtualPrinter) -> None:
    """What a person does who is called: a new roll, the cover shut, the cutter free."""
    printer.set_paper("ok")
    printer.set_cover(False)
    printer.mechanism.is_cutter_jammed = False


def issue_with_repairs(world: World, number: str = "1", resident: str = RESIDENT) -> Closed:
    for _ in range(MOST_STARTS):
        try:
            return world.issue(number, resident, persons=persons(world, number, resident))
        except Halted:
            repair(world.printer_core)
    raise AssertionError("it never comes to its end")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, fresh_authority: Path) -> range:
    """The numbers of the bytes that the printer receives from the receipt on."""
    world = new_world(tmp_path_factory.mktemp("whole") / "w", fresh_authority)
    first: list[int] = []

    def note(report: StepReport) -> None:
        if report.step is Step.RECEIPT and report.phase is Phase.BEGUN:
            first.append(world.printer_core._received)

    world.issue(persons=persons(world, "1", RESIDENT), report=note)
    return range(first[0] + 1, world.printer_core._received + 1)


@pytest.mark.parametrize("kind", sweep([PAPER_END, COVER_OPEN, CUTTER_JAM, POWER_OFF], suite=[0, 3]))
def test_a_printer_that_fails_anywhere_prints_one_original_at_most(
    tmp_path: Path, fresh_authority: Path, places: range, kind: str
) -> None:
    for at in places[:: len(places) // 12]:
        world = new_world(tmp_path / str(at), fresh_authority)
        world.printer_core = VirtualPrinter(faults={at: Fault(kind, at)})
        first = issue_with_repairs(world)
        second = issue_with_repairs(world, "2", OTHER_RESIDENT)
        assert (first.receipt_number, second.receipt_number) == (1, 2), at
        check_rest(world, [first, second])
        for sheet in world.printer_core.sheets:
            assert sum(f"No. {number:06d}" in sheet.text for number in (1, 2)) <= 1, "one paper for two payers"


@pytest.fixture
def hanging(tmp_path: Path, fresh_authority: Path, places: range) -> World:
    """Half of the receipt of application 2 hangs out of the printer; application 1 has its receipt."""
    world = new_world(tmp_path / "hanging", fresh_authority)
    issue_with_repairs(world, "1", OTHER_RESIDENT)
    at = places[len(places) // 2]

    class Abandoned(VirtualPrinter):
        """The station dies when it has sent so many bytes."""

        def feed(self, chunk: bytes) -> bytes:
            if self._received < at <= self._received + len(chunk):
                super().feed(chunk[: at - self._received])
                raise PowerCut
            return super().feed(chunk)

    world.printer_core = Abandoned()
    with pytest.raises(PowerCut):
        world.issue("2", persons=persons(world, "2", RESIDENT))
    assert world.printer_core._head.rows, "nothing hangs there"
    return world


def test_a_copy_is_no_part_of_the_paper_that_hung_out_of_the_printer(hanging: World) -> None:
    station = hanging.station()
    copied = copy_receipt(1, CopyReason.LOST, "demo", station.journal, station)
    assert copied.outcome.is_on_paper
    cut_off, copy = hanging.printer_core.sheets
    assert "領収書(写)" in copy.text and "No. 000001" in copy.text
    assert "領収書" in cut_off.text and "(写)" not in cut_off.text and "手数料領収書" not in copy.text


def test_a_slip_is_no_part_of_the_paper_that_hung_out_of_the_printer(hanging: World) -> None:
    hanging.station().journal.open_case("3", msgspec.json.encode(Application("3", OTHER_RESIDENT)))
    tomorrow = hanging.now.date() + datetime.timedelta(days=2)
    assert hold("3", tomorrow, hanging.station(), hanging.persons("3"), "demo").came_out
    cut_off, slip = hanging.printer_core.sheets
    assert "保留票" in slip.text and "領収書" not in slip.text
    assert "領収書" in cut_off.text

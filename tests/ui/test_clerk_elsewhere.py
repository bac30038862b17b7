"""A terminal whose clerk sits elsewhere: what its residents bring reaches him, one thing at a time."""

import asyncio
import datetime
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from hw.ports import MachineMoney, PinPolicy
from kiosk.application_file import ClerkTable
from kiosk.counter.asking import FormLooked
from kiosk.counter.remote_clerk import RemoteClerk, RemoteDecisions, RemoteTwoClerks
from kiosk.issuance.failure import Suspect
from kiosk.issuance.persons import CLERK_ALONE, Abandoned, Clerk, OpenDeposit
from kiosk.journal.records import CaseElsewhere
from kiosk.model.application import Application
from kiosk.model.decision import CarriedOut, Choice, DecisionKind
from kiosk.model.form import Form
from kiosk.model.resident import Resident, Sex
from kiosk.model.step import Actor, Step, Undo
from kiosk.model.testimony import Finding
from kiosk.played_persons import PlayedClerk, PlayedWitnesses
from kiosk.procedures import NobodyAtDesk, StationProcedures
from kiosk.ui.bell import Bell
from kiosk.ui.board import Board
from kiosk.ui.case import OpenCase
from kiosk.ui.clerk_elsewhere import have_cases_settled, persons_of, reach_clerk
from kiosk.ui.decisions_elsewhere import have_left_cases_decided
from kiosk.ui.deserted import DesertedEntry
from kiosk.ui.ending import Money
from kiosk.ui.persons import PasswordChoice
from kiosk.ui.station_thread import StationThread
from kiosk.ui.submission import Accepted, Referred, Returned, Submission
from tests.counter.two_stations import two_stations
from tests.issuance.rest import check_rest, cut, new_world, step_of_commit
from tests.ui.scripted_counter import resident
from tests.ui.walk import PATIENCE_S

FORM = Form("ほろのべ　たろう", "", datetime.date(1931, 5, 3), Sex.MALE, "幌延町")


@dataclass
class FarAway:
    """The clerk's station: every question waits until the test answers it, or the terminal gives up."""

    looked: FormLooked = field(default_factory=lambda: FormLooked(None))
    is_answering: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)

    def clerk(self, number: str, give_up: Callable[[], None]) -> Clerk:
        return FarDesk(give_up, self)

    def reception(self, give_up: Callable[[], None]) -> "FarDesk":
        return FarDesk(give_up, self)


@dataclass
class FarDesk(NobodyAtDesk):
    """The clerk at one question."""

    give_up: Callable[[], None]
    far: FarAway

    def _wait(self, kind: str) -> None:
        self.far.asked.append(kind)
        try:
            while not self.far.is_answering.wait(0.01):
                self.give_up()
        except BaseException:
            self.far.given_up.append(kind)
            raise

    def look_at_form(self, form: Form) -> FormLooked:
        self._wait("form")
        return self.far.looked

    def send_form(self) -> Resident:
        self._wait("free")
        return resident(1)

    def come(self) -> None:
        self._wait("call")

    def end_deserted(self) -> None:
        self._wait("deserted")

    def take_fee(self, due_yen: int, deposit: OpenDeposit = CLERK_ALONE) -> int:
        self._wait("fee")
        return 1000

    def count_payment(self, due_yen: int, known: MachineMoney) -> int:
        return due_yen


def reached(play: Callable[[Board, FarAway], Awaitable[None]]) -> FarAway:
    """One terminal's life."""
    far, leaving = FarAway(), threading.Event()

    async def run() -> None:
        board = Board()
        reaching = asyncio.ensure_future(reach_clerk(board, far, leaving.is_set))
        try:
            await asyncio.wait_for(play(board, far), PATIENCE_S)
        finally:
            leaving.set()
            reaching.cancel()

    asyncio.run(run())
    return far


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.01)


def test_a_terminal_that_leaves_asks_nothing_more() -> None:
    far, leaving = FarAway(), threading.Event()

    async def run() -> None:
        board = Board()
        reaching = asyncio.ensure_future(reach_clerk(board, far, leaving.is_set))
        board.greet(True)
        await until(lambda: far.asked == ["free"])
        leaving.set()
        await asyncio.wait_for(reaching, PATIENCE_S)

    asyncio.run(run())
    assert (far.asked, far.given_up) == (["free"], ["free"])


def test_a_terminal_that_greets_takes_a_form_from_the_clerk() -> None:
    async def play(board: Board, far: FarAway) -> None:
        board.greet(True)
        await until(lambda: far.asked == ["free"])
        far.is_answering.set()
        await until(lambda: board.offered is not None)
        assert board.offered == resident(1)

    reached(play)


@pytest.mark.parametrize(
    ("looked", "answer"),
    [
        (FormLooked(resident(1)), Accepted(resident(1))),
        (FormLooked(None, ("address",)), Returned(("address",))),
        (FormLooked(None), Referred()),
    ],
)
def test_a_form_that_was_typed_goes_before_everything(looked: FormLooked, answer: object) -> None:
    async def play(board: Board, far: FarAway) -> None:
        board.greet(True)
        await until(lambda: far.asked == ["free"])
        submission = Submission(FORM)
        board.submit(submission)
        await until(lambda: far.asked == ["free", "form"])
        assert far.given_up == ["free"]
        far.looked = looked
        far.is_answering.set()
        await until(lambda: submission.answer is not None)
        assert submission.answer == answer

    reached(play)


def test_a_call_is_answered_by_whoever_comes() -> None:
    async def play(board: Board, far: FarAway) -> None:
        board.call_clerk()
        await until(lambda: far.asked == ["call"])
        far.is_answering.set()
        await until(lambda: not board.is_clerk_called)

    reached(play)


@pytest.mark.parametrize("is_back", [True, False])
def test_a_password_entry_that_nobody_is_at_is_ended_elsewhere_unless_somebody_is_back(is_back: bool) -> None:
    async def play(board: Board, far: FarAway) -> None:
        case = OpenCase(Application("2026-0007", "1"), resident(0), board.bell)
        board.open(case)
        case.take(PasswordChoice(PinPolicy(4, 16, "A")))
        board.desert(entry := DesertedEntry(case))
        await until(lambda: far.asked == ["deserted"])
        if is_back:
            board.come_back()
            await until(lambda: far.given_up == ["deserted"])
        far.is_answering.set()
        await until(lambda: case.is_stopping or is_back)
        assert (case.is_stopping, entry.is_ended, board.is_deserted) == (not is_back, not is_back, False)

    reached(play)


def test_who_goes_on_in_the_moment_in_which_it_is_ended_goes_on() -> None:
    case = OpenCase(Application("2026-0007", "1"), resident(0), Bell())
    case.take(choice := PasswordChoice(PinPolicy(4, 16, "A")))
    entry = DesertedEntry(case)
    assert entry.is_open
    assert case.answer(choice, bytearray(b"AAAA"))
    entry.end()
    assert not (entry.is_open or entry.is_ended or case.is_stopping)


def test_a_form_that_is_taken_back_is_asked_about_no_longer() -> None:
    async def play(board: Board, far: FarAway) -> None:
        submission = Submission(FORM)
        board.submit(submission)
        await until(lambda: far.asked == ["form"])
        board.withdraw(submission)
        await until(lambda: far.given_up == ["form"])
        assert submission.answer is None

    reached(play)


def paying(stop: Callable[[OpenCase], None]) -> tuple[OpenCase, list[object]]:
    """A case at its fee; `stop` is called while the clerk elsewhere has not answered."""
    far, case = FarAway(), OpenCase(Application("2026-0007", "1"), resident(1), Bell())
    came: list[object] = []

    def pay() -> None:
        try:
            came.append(persons_of(case.line, "2026-0007", case.take, far).clerk.take_fee(500))
        except (Abandoned, CancelledError) as gone:
            came.append(gone)

    thread = threading.Thread(target=pay)
    thread.start()
    while not far.asked:
        far.is_answering.wait(0.01)
    stop(case)
    thread.join(0.2)
    far.is_answering.set()
    thread.join(PATIENCE_S)
    return case, came


def test_the_terminals_case_knows_what_the_clerk_elsewhere_did() -> None:
    case, came = paying(lambda case: None)
    assert came == [1000]
    assert case.is_fee_asked and case.clerk_asked is None and case.money is Money.TAKEN and not case.can_stop


def test_a_terminal_has_its_suspect_cases_settled_while_it_serves_residents(
    tmp_path: Path, fresh_authority: Path
) -> None:
    """Two clerks take their time; the station's own thread does not wait for them."""
    world = new_world(tmp_path / "w", fresh_authority)
    town = two_stations(world)
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, "fee", "done"), is_before=True)
    unsure = PlayedClerk(ClerkTable(cannot_tell=True), "1", world.till)
    with pytest.raises(Suspect):
        world.issue(persons=replace(world.persons("1"), clerk=unsure))
    asked, go_on, leaving = threading.Event(), threading.Event(), threading.Event()

    class TakeTheirTime(PlayedWitnesses):
        """Answer when the test lets them."""

        def look(self, question: Step | Undo, known: MachineMoney) -> Finding:
            asked.set()
            assert go_on.wait(PATIENCE_S)
            return super().look(question, known)

    @dataclass
    class Far(FarAway):
        """Asks over the line."""

        def two_clerks(self, give_up: Callable[[], None]) -> RemoteTwoClerks:
            return RemoteTwoClerks(town.remote(give_up=give_up))

    def suspect() -> int:
        return len(world.station().journal.suspect_cases())

    async def run() -> None:
        station_thread = StationThread()
        settling = asyncio.ensure_future(
            have_cases_settled(Far(), town.terminal(town.remote()), station_thread, leaving.is_set)
        )
        await until(asked.is_set)
        assert await asyncio.wait_for(station_thread.call(suspect), PATIENCE_S) == 1
        go_on.set()
        await until(lambda: suspect() == 0)
        leaving.set()
        settling.cancel()
        station_thread.end()

    desk = replace(town.desk(), witnesses=lambda _, number: TakeTheirTime(ClerkTable(), number, world.till))
    with town.attended(desk):
        asyncio.run(asyncio.wait_for(run(), PATIENCE_S))
    check_rest(world, [world.issue()])


@dataclass
class Ends:
    """A clerk who ends whatever he is shown, when the test lets him."""

    go_on: threading.Event
    asked: threading.Event = field(default_factory=threading.Event)
    told: list[CarriedOut] = field(default_factory=list)

    def decide(self, cases: Sequence[CaseElsewhere]) -> Choice:
        self.asked.set()
        assert self.go_on.wait(PATIENCE_S)
        return Choice(cases[0].pseudonym, DecisionKind.ABORT)

    def carried_out(self, carried_out: CarriedOut) -> None:
        self.told.append(carried_out)


def test_what_was_left_at_a_terminal_is_decided_elsewhere_while_nobody_is_there(
    tmp_path: Path, fresh_authority: Path
) -> None:
    """A resident who comes is served first, and what was decided in that moment is not done behind his back."""
    world = new_world(tmp_path / "w", fresh_authority)
    town = two_stations(world)
    cut(world, step_of_commit(tmp_path / "whole", fresh_authority, "certify", "done"), is_before=False)
    world.hand.remove()
    leaving, ends = threading.Event(), Ends(threading.Event())

    @dataclass
    class Far(FarAway):
        """Asks over the line."""

        def decisions(self, give_up: Callable[[], None]) -> RemoteDecisions:
            return RemoteDecisions(town.remote(give_up=give_up))

        def clerk(self, number: str, give_up: Callable[[], None]) -> Clerk:
            return RemoteClerk(town.remote(give_up=give_up), number)

    async def run() -> None:
        board, station_thread = Board(), StationThread()
        station = town.terminal(town.remote())
        procedures = StationProcedures(station, "demo", tmp_path)
        deciding = asyncio.ensure_future(
            have_left_cases_decided(Far(), procedures, station, station_thread, board, leaving.is_set)
        )
        await until(ends.asked.is_set)
        board.is_occupied = True
        ends.go_on.set()
        ends.asked.clear()
        await asyncio.sleep(0.5)
        assert ends.told == [] and len(world.station().journal.unfinished_cases()) == 1
        board.is_occupied = False
        board.bell.ring()
        await until(lambda: bool(ends.told))
        leaving.set()
        deciding.cancel()
        station_thread.end()

    with town.attended(replace(town.desk(), decisions=lambda _: ends)):
        asyncio.run(asyncio.wait_for(run(), PATIENCE_S))
    (told,) = ends.told
    assert told.is_done and told.decision.number == "1"
    check_rest(world, [])


def test_a_resident_who_stops_ends_the_question_elsewhere() -> None:
    case, (gone,) = paying(lambda case: case.stop(Actor.RESIDENT))
    assert isinstance(gone, Abandoned) and gone.by is Actor.RESIDENT
    assert case.money is Money.UNTOUCHED


def test_a_program_that_ends_waits_for_nobody() -> None:
    _, (gone,) = paying(lambda case: case.line.close())
    assert isinstance(gone, CancelledError)

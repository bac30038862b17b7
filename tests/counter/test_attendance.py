"""A clerk's station at which a person is asked serves several terminals at once, and nobody's money is forgotten."""

import datetime
import io
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from hw.errors import Refused
from hw.ports import ChannelChallenge, ChannelPurpose, MachineMoney
from hw.sim.till import SimulatedTill
from kiosk.application_file import ClerkTable
from kiosk.authority.credential import load_credential
from kiosk.authority.embedded.directory import add_station
from kiosk.config import SHIPPED, load_config
from kiosk.counter.asking import FormLooked
from kiosk.counter.attendance import Attendance
from kiosk.counter.line import Line, Question
from kiosk.counter.remote_clerk import (
    RemoteArchive,
    RemoteClerk,
    RemoteClerkKey,
    RemoteDesk,
    RemoteIds,
    RemoteReception,
    RemoteRegister,
    remote_card_keys,
)
from kiosk.counter.till import Till
from kiosk.drill import run_attendance
from kiosk.exit_code import ExitCode
from kiosk.issuance.persons import CLERK_ALONE, Abandoned, OpenDeposit
from kiosk.journal.database import open_database
from kiosk.journal.records import CaseElsewhere
from kiosk.model.authorisation import Authorisation, AuthorisationTerms
from kiosk.model.form import Form
from kiosk.model.resident import Resident, Sex
from kiosk.model.transition import Stage
from kiosk.played_persons import PlayedClerk
from tests.counter.two_stations import PATIENCE_S, WINDOW, TwoStations, line_key, two_stations
from tests.counter_bench import RESIDENT
from tests.issuance.rest import new_world
from tests.journal.walked_case import walk
from tests.stores import Store

APPLICATION = SHIPPED / "demo" / "application.toml"
FORM = Form("ほろのべ　たろう", "", datetime.date(1931, 5, 3), Sex.MALE, "幌延町")


@dataclass
class SlowClerk:
    """Takes money and compares forms when the test lets him."""

    resident: Resident
    till: SimulatedTill
    asked: "queue.SimpleQueue[Question]" = field(default_factory=queue.SimpleQueue)
    goes_on: threading.Event = field(default_factory=threading.Event)
    withdrawn: list[Question] = field(default_factory=list)
    cases: "queue.SimpleQueue[tuple[CaseElsewhere, ...]]" = field(default_factory=queue.SimpleQueue)

    def clerk(self, question: Question, number: str) -> "TakesTime":
        return TakesTime(ClerkTable(), "", self.till, slow=self, question=question)

    def reception(self, question: Question) -> "TakesTime":
        return TakesTime(ClerkTable(), "", self.till, slow=self, question=question)


@dataclass(frozen=True)
class TakesTime(PlayedClerk):
    """The clerk at one question."""

    slow: SlowClerk = field(kw_only=True)
    question: Question = field(kw_only=True)

    def _wait(self) -> None:
        self.slow.asked.put(self.question)
        assert self.slow.goes_on.wait(PATIENCE_S)

    def take_fee(self, due_yen: int, deposit: OpenDeposit = CLERK_ALONE) -> int:
        self._wait()
        return 1000

    def give_change(self, change_yen: int) -> None:
        """At once."""

    def count_payment(self, due_yen: int, known: MachineMoney) -> int:
        return 700

    def look_at_form(self, form: Form) -> FormLooked:
        return FormLooked(self.slow.resident if form == FORM else None, ("address",))

    def send_form(self) -> Resident:
        return self.slow.resident

    def come(self) -> None:
        """At once."""

    def end_deserted(self) -> None:
        """When he has looked."""
        self._wait()


@pytest.fixture
def town(tmp_path: Path, fresh_authority: Path, store: Store) -> TwoStations:
    return two_stations(new_world(tmp_path, fresh_authority, store))


@pytest.fixture
def slow(town: TwoStations) -> SlowClerk:
    resident = town.world.station().register.find(RESIDENT)
    assert resident is not None
    return SlowClerk(resident, town.world.till)


@contextmanager
def attended(town: TwoStations, slow: SlowClerk) -> Iterator[Till]:
    """The window at work; its till as another process sees it."""
    desk = replace(town.desk(), clerk=slow.clerk, reception=slow.reception)
    attendance = Attendance(
        desk, slow.withdrawn.append, lambda cases: slow.cases.put(tuple(cases)), monotonic=time.monotonic
    )
    stopping = threading.Event()
    thread = threading.Thread(target=attendance.serve, args=(stopping.is_set,))
    thread.start()
    try:
        yield Till(town.desk().journal)
    finally:
        stopping.set()
        thread.join()


def in_thread(act: Callable[[], object]) -> "queue.SimpleQueue[object]":
    """What comes of a call that waits for the clerk."""
    came: queue.SimpleQueue[object] = queue.SimpleQueue()

    def run() -> None:
        try:
            came.put(act())
        except Exception as error:
            came.put(error)  # looked at by the test

    threading.Thread(target=run, daemon=True).start()
    return came


def second_terminal(town: TwoStations) -> RemoteDesk:
    """Another terminal of the same clerk."""
    credential = load_credential(add_station(town.world.authority_directory, town.world.authority, "second"))
    line = Line(
        open_database(town.world.database_url),
        credential,
        line_key(77),
        lambda: town.world.now,
        town.random,
    )
    line.open()
    return RemoteDesk(line, WINDOW, PATIENCE_S, time.monotonic)


def test_one_resident_who_takes_his_time_holds_up_nobody(town: TwoStations, slow: SlowClerk) -> None:
    with attended(town, slow):
        paid = in_thread(lambda: RemoteClerk(town.remote(), "1").take_fee(500))
        assert slow.asked.get(timeout=PATIENCE_S).asker == "demo"
        assert RemoteRegister(second_terminal(town)).find(RESIDENT) == slow.resident
        slow.goes_on.set()
        assert paid.get(timeout=PATIENCE_S) == 1000


@contextmanager
def drill_attending(town: TwoStations, folder: Path, takes_s: float) -> Iterator[None]:
    """`kiosk drill --attend` at the window, with a clerk who takes so long for each answer."""
    file = folder / "application.toml"
    file.write_text(APPLICATION.read_text().replace("[persons.clerk]", f"[persons.clerk]\ntakes_s = {takes_s}", 1))
    settings = {
        "authority.url": "http://authority",
        "authority.credential": str(town.world.authority_directory / "stations" / f"{WINDOW}.pem"),
        "store.url": town.world.database_url,
    }
    config = load_config(SHIPPED / "kiosk.toml", list(settings.items()))
    stopping, ready = threading.Event(), Told()
    came = in_thread(lambda: run_attendance(config, folder / "window", file, stopping.is_set, ready))
    try:
        assert ready.told.wait(PATIENCE_S)
        yield
    finally:
        stopping.set()
        assert came.get(timeout=PATIENCE_S) is ExitCode.OK


class Told(io.StringIO):
    """Hears that the station can be asked."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Event()

    def write(self, text: str) -> int:
        self.told.set()
        return super().write(text)


def test_a_played_clerk_who_takes_his_time_holds_up_no_other_terminal(town: TwoStations, tmp_path: Path) -> None:
    """What a station answers at once it answers at once, whatever the clerk is doing: register, ids, keys, archive."""
    (folder := tmp_path / "drill").mkdir()
    with drill_attending(town, folder, takes_s=3600.0):
        remote = town.remote()
        paid = in_thread(lambda: RemoteClerk(remote, "1").take_fee(500))
        wait_until(lambda: begun(town) == ["fee"])
        for quick in (second_terminal(town), remote):
            ask_what_needs_nobody(town, quick)
        assert begun(town) == ["fee"] and paid.empty()
    # The station ends: whoever waits for its clerk is told so.
    assert isinstance(paid.get(timeout=PATIENCE_S), Abandoned)


def test_two_terminals_ask_the_clerk_at_once(town: TwoStations, slow: SlowClerk) -> None:
    """At the screens: neither's quick questions wait for the person, whoever has asked him."""
    with attended(town, slow):
        terminals = (town.remote(), second_terminal(town))
        paid = [in_thread(lambda desk=desk: RemoteClerk(desk, "1").take_fee(500)) for desk in terminals]
        assert {slow.asked.get(timeout=PATIENCE_S).asker for _ in paid} == {"demo", "second"}
        for desk in terminals:
            ask_what_needs_nobody(town, desk)
        assert all(one.empty() for one in paid)
        slow.goes_on.set()
        assert [one.get(timeout=PATIENCE_S) for one in paid] == [1000, 1000]


def ask_what_needs_nobody(town: TwoStations, desk: RemoteDesk) -> None:
    """Register, ids, keys, archive."""
    found = RemoteRegister(desk).find(RESIDENT)
    assert found is not None and found.code == RESIDENT
    assert len(RemoteIds(desk).person(RESIDENT)) == 32
    assert RemoteClerkKey(desk).name == "demo"
    with pytest.raises(Refused, match="no case that has ended"):
        RemoteArchive(desk).is_valid("f" * 32)
    with pytest.raises(Refused, match="another station's"):
        remote_card_keys(desk)(leave_of_a_third(town))(
            ChannelChallenge("JUKI", ChannelPurpose.ISSUE, 0x30, bytes(8), bytes(8), bytes(8))
        )


def leave_of_a_third(town: TwoStations) -> Authorisation:
    world = town.world
    terms = AuthorisationTerms(
        operation="issue",
        case="f" * 32,
        station="annex",
        card_number="JUKI",
        items_hash=bytes(32),
        person=bytes(32),
        nonce=bytes(16),
        issued_at=world.now,
        expires_at=world.now + datetime.timedelta(minutes=15),
        uptime=world.station().uptime(),
    )
    return world.station().clerk_key.authorise(terms)


def begun(town: TwoStations) -> list[str]:
    """What the window has begun with."""
    with open_database(town.world.database_url).read() as transaction:
        return [row.kind for row in transaction.run("SELECT kind FROM questions WHERE state = 'begun'")]


def test_what_the_drawer_took_in_is_in_its_own_stations_books(town: TwoStations, slow: SlowClerk) -> None:
    slow.goes_on.set()
    with attended(town, slow) as till:
        clerk = RemoteClerk(town.remote(), "1")
        clerk.take_fee(500)
        clerk.give_change(500)
        RemoteClerk(town.remote(), "2").take_fee(500)
        assert till.balances() == {("demo", "1"): 500, ("demo", "2"): 1000}
        # After an interruption the clerk counts; what he counts is what lies there.
        RemoteClerk(town.remote(), "2").count_payment(500, MachineMoney(0, 0))
        assert till.balances() == {("demo", "1"): 500, ("demo", "2"): 700}


def test_a_payment_that_was_given_up_is_not_in_the_books(town: TwoStations, slow: SlowClerk) -> None:
    """The clerk hears of it, and gives back what he holds."""
    gone = threading.Event()

    class Left(Exception):
        """The resident."""

    def give_up() -> None:
        if gone.is_set():
            raise Left

    with attended(town, slow) as till:
        paid = in_thread(lambda: RemoteClerk(town.remote(give_up=give_up), "1").take_fee(500))
        question = slow.asked.get(timeout=PATIENCE_S)
        gone.set()
        assert isinstance(paid.get(timeout=PATIENCE_S), Left)
        wait_until(lambda: slow.withdrawn == [question])
        slow.goes_on.set()
        assert RemoteRegister(town.remote()).find(RESIDENT) is not None
        assert not +till.balances()


def test_a_clerk_elsewhere_is_asked_once_the_payer_had_his_time_and_until_something_else_is_due(
    town: TwoStations, slow: SlowClerk
) -> None:
    is_due, has_had_time = threading.Event(), threading.Event()
    is_due.set()
    deposit = OpenDeposit(is_due.is_set, has_had_time.set)
    with attended(town, slow) as till:
        paid = in_thread(lambda: RemoteClerk(town.remote(), "1").take_fee(500, deposit))
        question = slow.asked.get(timeout=PATIENCE_S)
        assert has_had_time.is_set()
        is_due.clear()
        assert paid.get(timeout=PATIENCE_S) == 0
        wait_until(lambda: slow.withdrawn == [question])
        assert RemoteClerk(town.remote(), "2").take_fee(500, deposit) == 0
        slow.goes_on.set()
        assert RemoteRegister(town.remote()).find(RESIDENT) is not None
        assert not +till.balances()


def test_an_answer_that_came_first_counts(town: TwoStations, slow: SlowClerk) -> None:
    """The resident wants to stop in the moment in which the clerk has taken his money."""
    slow.goes_on.set()
    line = town.remote().line

    def give_up_once_answered() -> None:
        wait_until(lambda: is_answered(town))
        raise KeyError("the resident stops")

    with attended(town, slow) as till:
        remote = RemoteDesk(line, WINDOW, PATIENCE_S, time.monotonic, give_up_once_answered)
        assert RemoteClerk(remote, "1").take_fee(500) == 1000
        assert till.balances() == {("demo", "1"): 1000}


def is_answered(town: TwoStations) -> bool:
    with open_database(town.world.database_url).read() as transaction:
        return transaction.run("SELECT 1 FROM questions WHERE state = 'answered'").first() is not None


def test_residents_without_an_application_reach_the_clerk(town: TwoStations, slow: SlowClerk) -> None:
    with attended(town, slow):
        reception = RemoteReception(town.remote())
        assert reception.look_at_form(FORM) == FormLooked(slow.resident, ("address",))
        assert reception.look_at_form(replace(FORM, address="")) == FormLooked(None, ("address",))
        assert reception.send_form() == slow.resident
        reception.come()
        ended = in_thread(reception.end_deserted)
        assert slow.asked.get(timeout=PATIENCE_S).kind == "deserted" and ended.empty()
        slow.goes_on.set()
        assert ended.get(timeout=PATIENCE_S) is None
        assert reception.resident_of("2026-0001-NOTAFORM") is None


def test_a_clerks_station_that_ends_leaves_nobody_waiting(town: TwoStations, slow: SlowClerk) -> None:
    with attended(town, slow):
        paid = in_thread(lambda: RemoteClerk(town.remote(), "1").take_fee(500))
        slow.asked.get(timeout=PATIENCE_S)
    slow.goes_on.set()
    assert isinstance(paid.get(timeout=PATIENCE_S), Abandoned)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < deadline_s
        pause.wait(0.02)


def test_the_clerk_sees_how_far_terminals_are(town: TwoStations, slow: SlowClerk) -> None:
    """Of a case he is told number and stage, and how it ended."""
    with attended(town, slow):
        journal = town.terminal(town.remote()).journal
        record = journal.open_case("7", b"{}")
        (case,) = slow.cases.get(timeout=PATIENCE_S)
        assert (case.station, case.number, case.pseudonym, case.stage) == ("demo", "7", record.pseudonym, Stage.OPENED)
        walk(journal, record, Stage.ROLLED_BACK)
        while not case.stage.is_ended:
            (case,) = slow.cases.get(timeout=PATIENCE_S)
        assert case.stage is Stage.ROLLED_BACK

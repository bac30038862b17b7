"""A case that has ended is sealed to the window: the terminal asks there, and learns no more than it needs."""

import datetime
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from hw.errors import LinkLost, Refused
from kiosk.authority.client import AuthorityClient
from kiosk.authority.credential import load_credential
from kiosk.authority.embedded.directory import add_station
from kiosk.authority.errors import AuthorityUnreachable
from kiosk.books import StationBooks
from kiosk.counter import asking
from kiosk.counter.clerk_key import load_clerk_key
from kiosk.counter.line import Question
from kiosk.counter.remote_clerk import RemoteArchive, RemoteClerk, RemoteDesk, RemoteRegister
from kiosk.counter.reprint import CopyReason, ReceiptUnknown, copy_receipt
from kiosk.issuance.ended_cases import Certified
from kiosk.issuance.failure import CaseEnded, CaseUnreadable, Halted, NumberTaken, Refusal, RolledBack, StationDenied
from kiosk.issuance.hold import NotHeld, hold
from kiosk.issuance.issue import issue
from kiosk.issuance.persons import IdentityQuestion
from kiosk.issuance.put_off import held_until
from kiosk.issuance.revoke import revoke
from kiosk.issuance.station import Station
from kiosk.journal.database import open_database
from kiosk.journal.escrow import EscrowKey
from kiosk.journal.head import HeadKey
from kiosk.journal.journal import Journal
from kiosk.journal.records import CaseRecord
from kiosk.journal.seal import Seal, StationKey
from kiosk.maintenance.reconcile import reconcile
from kiosk.model.application import Application, Closed
from kiosk.model.revocation import RevocationApplication, RevocationCause
from kiosk.model.transition import Procedure, Stage
from kiosk.register.register import Register
from tests.asgi_line import AsgiLine
from tests.counter.two_stations import PATIENCE_S, WINDOW, TwoStations, two_stations
from tests.counter_bench import HEAD_KEY, OTHER_RESIDENT, RESIDENT, CuttingDatabase, PowerCut, World
from tests.issuance.rest import new_world
from tests.journal.walked_case import walk
from tests.stores import Store


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path, store: Store) -> World:
    return new_world(tmp_path, fresh_authority, store)


@pytest.fixture
def town(world: World) -> TwoStations:
    return two_stations(world)


def issue_at(
    town: TwoStations, remote: RemoteDesk, number: str = "1", resident: str = RESIDENT, **changes: Any
) -> Closed:
    persons = replace(town.persons(remote, number), resident=town.world.persons(number, resident).resident)
    return issue(Application(number, resident), town.terminal(remote, **changes), persons, lambda _: None)


def away(town: TwoStations, **changes: Any) -> Station:
    """The terminal while nobody answers at the window."""
    return town.terminal(town.remote(patience_s=0.0), **changes)


def the_case(station: Station, number: str = "1") -> CaseRecord:
    record = station.journal.latest_case(number)
    assert record is not None
    return record


def at_window(desk: Any) -> Journal:
    journal: Journal = desk.journal
    return journal


def test_a_closed_application_answers_as_before_while_the_window_is_there(town: TwoStations) -> None:
    with town.attended(town.desk()):
        remote = town.remote()
        closed = issue_at(town, remote)
        assert the_case(town.terminal(remote)).seal.elsewhere == WINDOW
        assert issue_at(town, remote) == closed
        with pytest.raises(NumberTaken):
            issue_at(town, remote, resident=OTHER_RESIDENT)
    with pytest.raises(Halted, match="K-DEVICE-001"):
        issue(Application("1", RESIDENT), away(town), town.persons(town.remote()), lambda _: None)
    with pytest.raises(Halted, match="K-DEVICE-001"):
        issue(Application("1", RESIDENT), away(town, archive=None), town.persons(town.remote()), lambda _: None)
    alone = away(town, archive=None)
    record = the_case(alone)
    for ask in (lambda: alone.ended_cases.is_valid(record), lambda: alone.ended_cases.reopened(record, RESIDENT)):
        with pytest.raises(LinkLost, match="sealed to station window, and no"):
            ask()


def test_nobody_gets_a_second_certificate_whose_first_only_the_window_knows(town: TwoStations) -> None:
    with town.attended(town.desk()):
        remote = town.remote()
        closed = issue_at(town, remote)
        with pytest.raises(Refusal, match="E07"):
            issue_at(town, remote, "2")
        persons = replace(town.persons(remote, "3"), resident=town.world.persons("3", RESIDENT).resident)
        with pytest.raises(Refusal, match="E06"):
            # Another resident comes with the first one's card.
            issue(Application("3", OTHER_RESIDENT), town.terminal(remote), persons, lambda _: None)
        town.world.now = closed.valid_until
        with pytest.raises(CaseEnded) as later:
            issue_at(town, remote, "4")
        assert later.value.code not in ("E06", "E07"), "what has run out stands in nobody's way"


def test_a_certificate_is_revoked_by_its_owner_though_the_terminal_cannot_read_its_case(town: TwoStations) -> None:
    desk = town.desk()
    with town.attended(desk):
        remote = town.remote()
        closed = issue_at(town, remote)
        station, persons = town.terminal(remote), town.persons(remote, "R-1")
        application = RevocationApplication("R-1", RESIDENT, RevocationCause.WITHDRAWN, has_card=False)
        done = revoke(application, station, persons, lambda _: None)
        assert done.serial == closed.serial
        assert the_case(station, "R-1").seal.elsewhere == WINDOW
        assert revoke(application, station, persons, lambda _: None).serial == closed.serial
        other = replace(application, resident_code=OTHER_RESIDENT)
        with pytest.raises(NumberTaken):
            revoke(other, station, persons, lambda _: None)
        assert not station.ended_cases.is_valid(the_case(station))
    with pytest.raises(Halted, match="K-DEVICE-001"):
        revoke(application, away(town), persons, lambda _: None)


def test_a_copy_of_a_receipt_is_printed_where_its_case_can_be_read(town: TwoStations) -> None:
    desk = town.desk()
    with town.attended(desk):
        remote = town.remote()
        issue_at(town, remote)
        terminal = town.terminal(remote)
        with pytest.raises(ReceiptUnknown, match="receipt 1 is read at station window"):
            copy_receipt(1, CopyReason.LOST, "clerk-1", terminal.journal, terminal)
    window = town.world.station(name=WINDOW, journal=at_window(desk))
    assert [copy_receipt(1, CopyReason.LOST, "clerk-1", at_window(desk), window).copies for _ in range(2)] == [1, 2]


def test_a_day_is_counted_without_reading_what_was_paid_by_whom(town: TwoStations) -> None:
    with town.attended(town.desk()):
        remote = town.remote()
        issue_at(town, remote)
        station = town.terminal(remote)
    takings = StationBooks(station.journal, station.register).takings(town.world.station().today(), 0)
    assert (takings.issued, takings.fees_yen, takings.receipts) == (1, 500, (1, 1))


def test_an_application_that_was_taken_back_is_filed_anew_and_not_put_off(town: TwoStations) -> None:
    desk = town.desk()
    with town.attended(desk):
        remote = town.remote()
        town.world.printer_core.set_paper("end")
        station = town.terminal(remote)
        with pytest.raises(CaseEnded):
            issue(Application("1", "0000"), station, town.persons(remote), lambda _: None)
        assert the_case(station).seal.elsewhere == WINDOW
        with pytest.raises(NotHeld):
            hold("1", station.today().replace(year=2030), station, town.persons(remote), "clerk")


def dying_terminal(town: TwoStations, remote: RemoteDesk, commit: int) -> Station:
    """The terminal, which dies after so many commits."""
    journal = Journal(
        CuttingDatabase(open_database(town.world.database_url), commit, is_before=False),
        "demo",
        StationKey(bytes(32)),
        lambda: town.world.now,
        head_key=HEAD_KEY,
        escrow_to=lambda: remote.line.escrow_to(WINDOW),
    )
    return town.terminal(remote, journal=journal)


def test_the_day_goes_on_where_the_case_that_was_taken_back_cannot_be_read_any_more(town: TwoStations) -> None:
    """Wherever the terminal dies: the key of the case that knows the day goes to the window as that case ends."""
    with town.attended(town.desk()):
        remote = town.remote()
        station, persons = town.terminal(remote), town.persons(remote)
        tomorrow = station.today() + datetime.timedelta(days=1)
        with pytest.raises(PowerCut):
            issue(Application("1", RESIDENT), dying_terminal(town, remote, 12), persons, lambda _: None)
        with pytest.raises(PowerCut):
            hold("1", tomorrow, dying_terminal(town, remote, 2), persons, "demo")
        while the_case(station).stage is not Stage.ON_HOLD:
            assert held_until(the_case(station), station.journal, station.today()) == tomorrow
            with pytest.raises(PowerCut):
                issue(Application("1", RESIDENT), dying_terminal(town, remote, 1), persons, lambda _: None)
        assert held_until(the_case(station), station.journal, station.today()) == tomorrow
    first, _ = station.journal.cases()
    assert (first.stage, first.seal.elsewhere) == (Stage.ROLLED_BACK, WINDOW)


def certified_of(station: Station) -> list[Certified]:
    (found,) = station.ended_cases.certified(station.journal.cases()).values()
    return found


def test_authority_and_journal_are_compared_with_the_help_of_the_window(town: TwoStations) -> None:
    with town.attended(town.desk()):
        remote = town.remote()
        closed = issue_at(town, remote)
        station = town.terminal(remote)
        issued = station.authority.station_record()
        assert reconcile(station.journal, issued, [], station.ended_cases.certified) == []
        (certified,) = certified_of(station)
        assert (certified.serial, certified.is_second) == (closed.serial, False)
        assert certified.transaction_id == issued[0].transaction_id
        (gap,) = reconcile(station.journal, [], [], station.ended_cases.certified)
        assert gap.subject == closed.serial
    with pytest.raises(LinkLost):
        reconcile(station.journal, issued, [], away(town).ended_cases.certified)


def test_many_cases_are_asked_about_in_pages(town: TwoStations) -> None:
    asked: list[int] = []

    class Archive:
        station = WINDOW

        def certified(self, pseudonyms: Any) -> dict[str, list[Certified]]:
            asked.append(len(pseudonyms))
            return {pseudonym: [] for pseudonym in pseudonyms}

    station = town.world.station(archive=Archive())
    record = CaseRecord("", "", None, station.journal.open_case("x", b"").stage, None, _elsewhere())
    records = [replace(record, pseudonym=str(number)) for number in range(501)]
    assert set(station.ended_cases.certified(records)) == {str(number) for number in range(501)}
    assert asked == [250, 250, 1]


def _elsewhere() -> Any:
    return Seal(None, bytes, WINDOW)


def test_the_window_gives_a_key_for_the_resident_whose_case_it_is_and_nothing_of_an_open_one(
    town: TwoStations,
) -> None:
    with town.attended(town.desk()):
        remote = town.remote()
        issue_at(town, remote)
        station = town.terminal(remote)
        pseudonym = the_case(station).pseudonym
        archive = station.archive
        assert archive is not None
        assert archive.key(pseudonym, OTHER_RESIDENT) is None and archive.key(pseudonym, "") is None
        key = archive.key(pseudonym, RESIDENT)
        assert key is not None and len(key) == 32
        opened = station.journal.open_case("2", b"{}").pseudonym
        with pytest.raises(CaseEnded):
            issue(Application("4", "0000"), station, town.persons(remote, "4"), lambda _: None)
        ended_badly = the_case(station, "4").pseudonym
        attempts: list[Callable[[], object]] = [
            lambda: archive.key(opened, RESIDENT),
            lambda: archive.is_valid(opened),
            lambda: archive.is_valid(ended_badly),
            lambda: archive.certified([pseudonym, opened]),
            lambda: archive.key("none", RESIDENT),
        ]
        for attempt in attempts:
            with pytest.raises(Refused):
                attempt()
        # Nobody was found to be the resident of that case, so that nobody is.
        assert archive.key(ended_badly, "") is None


def test_another_station_is_told_of_no_case_what_was_asked_for(town: TwoStations) -> None:
    desk = town.desk()
    with town.attended(desk):
        remote = town.remote()
        issue_at(town, remote)
        pseudonym = the_case(town.terminal(remote)).pseudonym

    def asked_by(station: str) -> asking.Reply:
        body = msgspec.json.encode(asking.Cases((pseudonym,)))
        return desk.reply(Question("", station, asking.CERTIFIED.kind, body))

    assert asked_by("beside") == asking.Denied("the case is another station's")
    assert isinstance(asked_by("demo"), asking.Said)


def test_an_authority_that_is_away_or_a_key_that_does_not_open_is_an_answer_too(town: TwoStations) -> None:
    desk = town.desk()
    with town.attended(desk):
        issue_at(town, town.remote())

    class Away:
        def status(self, *_: object) -> object:
            raise AuthorityUnreachable("nobody there")

    authority: Any = Away()
    for broken, error in (
        (replace(desk, ended_cases=replace(desk.ended_cases, authority=authority)), Refused),
        (replace(desk, journal=_with_another_key(town)), CaseUnreadable),
    ):
        with town.attended(replace(broken, ended_cases=replace(broken.ended_cases, journal=broken.journal))):
            station = town.terminal(town.remote())
            with pytest.raises(error):
                station.ended_cases.is_valid(the_case(station))


def _with_another_key(town: TwoStations) -> Journal:
    journal = at_window(town.desk())
    journal._escrow_key = EscrowKey(WINDOW, X25519PrivateKey.from_private_bytes(b"\x55" * 32))
    return journal


def test_a_terminal_at_which_nobody_has_told_a_key_yet_keeps_what_it_has(town: TwoStations) -> None:
    station = town.terminal(town.remote(patience_s=0.0))
    with pytest.raises((RolledBack, CaseEnded, LinkLost)):
        issue(Application("1", RESIDENT), station, town.persons(town.remote(patience_s=0.0)), lambda _: None)
    with open_database(town.world.database_url).read() as transaction:
        assert transaction.run("SELECT escrow FROM cases").scalar_one() is None
    assert the_case(station).seal.elsewhere is None


def test_the_terminals_entries_name_the_station_and_no_person(town: TwoStations) -> None:
    with town.attended(town.desk()):
        issue_at(town, town.remote())
    told = [json.loads(entry.body) for entry in town.terminal(town.remote()).journal.entries()]
    assert [facts["escrow"] for facts in told if "escrow" in facts] == [WINDOW]


def beside(town: TwoStations) -> tuple[RemoteDesk, Station]:
    """Another terminal of the same window."""
    town.credentials["beside"] = load_credential(
        add_station(town.world.authority_directory, town.world.authority, "beside")
    )
    remote = RemoteDesk(town.line("beside"), WINDOW, PATIENCE_S, time.monotonic)
    journal = Journal(
        open_database(town.world.database_url),
        "beside",
        StationKey(b"\x03" * 32),
        lambda: town.world.now,
        head_key=HeadKey(b"\x03" * 32),
        escrow_to=lambda: remote.line.escrow_to(WINDOW),
    )
    credential = town.credentials["beside"]
    authority = AuthorityClient(
        "http://authority",
        credential,
        credential.chain,
        clock=lambda: town.world.now,
        line=AsgiLine(town.world.application),
    )
    return remote, town.terminal(remote, name="beside", journal=journal, authority=authority)


def test_another_terminal_of_the_same_window_knows_and_revokes_what_was_issued(town: TwoStations) -> None:
    with town.attended(town.desk()):
        closed = issue_at(town, town.remote())
        remote, station = beside(town)
        persons = town.persons(remote, "2")
        with pytest.raises(Refusal, match="E07"):
            issue(Application("2", RESIDENT), station, persons, lambda _: None)
        application = RevocationApplication("R-1", RESIDENT, RevocationCause.WITHDRAWN, has_card=False)
        assert revoke(application, station, town.persons(remote, "R-1"), lambda _: None).serial == closed.serial


def test_a_station_that_is_its_own_clerks_reads_its_ended_cases_until_they_are_destroyed(world: World) -> None:
    closed = world.issue("1")
    station = world.station()
    record = the_case(station)
    opened = station.journal.open_case("2", b"{}")
    assert station.ended_cases.is_valid(record) and station.ended_cases.reopened(record, "") is record
    told = station.ended_cases.certified([record, opened])
    assert [certified.serial for certified in told[record.pseudonym]] == [closed.serial]
    assert told[opened.pseudonym] == []
    world.now = closed.valid_until
    assert not station.ended_cases.is_valid(record), "whatever the authority says, which is not asked"
    station.journal.destroy_seal(record)
    assert station.ended_cases.certified([the_case(station)]) == {}


def test_a_password_change_that_was_done_is_told_again_to_whoever_has_its_number(town: TwoStations) -> None:
    with town.attended(town.desk()):
        remote = town.remote()
        station = town.terminal(remote)
        case = walk(station.journal, station.journal.open_case("P-1", b"{}", Procedure.CHANGE), Stage.CHANGED, b"{}")
        assert case.seal.elsewhere == WINDOW
        assert station.ended_cases.reopened(case, "") is not None
        assert station.ended_cases.reopened(case, RESIDENT) is None


MOVED_TO = "北海道天塩郡天塩町字川口５番地"


def moved(town: TwoStations, *, is_gone: bool = False) -> Register:
    """The register since the resident lives elsewhere: in it with other items, or in it no more."""
    everybody = town.world.station().register.residents()
    others = [resident for resident in everybody if resident.code != RESIDENT]
    (his,) = [resident for resident in everybody if resident.code == RESIDENT]
    since = replace(his, items=replace(his.items, address=MOVED_TO))
    return Register((*others, *([] if is_gone else [since])))


@pytest.mark.parametrize("cause", [RevocationCause.WITHDRAWN, RevocationCause.MOVED])
def test_a_certificate_is_revoked_after_its_owners_data_have_changed(town: TwoStations, cause: RevocationCause) -> None:
    with town.attended(town.desk()):
        closed = issue_at(town, town.remote())
    assert revoke_at_window(town, cause, moved(town)) == closed.serial


def test_a_certificate_of_somebody_who_has_left_the_register_is_revoked_on_information(town: TwoStations) -> None:
    with town.attended(town.desk()):
        closed = issue_at(town, town.remote())
    assert revoke_at_window(town, RevocationCause.MOVED, moved(town, is_gone=True)) == closed.serial


def revoke_at_window(town: TwoStations, cause: RevocationCause, register: Register) -> str:
    """At the terminal, with the clerk at the window who has this register; the serial number."""
    with town.attended(replace(town.desk(), register=register)):
        remote = town.remote()
        application = RevocationApplication("R-1", RESIDENT, cause, has_card=False)
        second = load_clerk_key(town.world.authority_directory / "clerks" / "second.pem")
        station = town.terminal(remote)
        done = revoke(application, station, town.persons(remote, "R-1"), lambda _: None, second)
        assert not station.ended_cases.is_valid(the_case(station))
    return done.serial


def test_the_clerk_sees_what_the_certificate_says_and_no_other_is_revoked(town: TwoStations) -> None:
    with town.attended(town.desk()):
        remote = town.remote()
        issue_at(town, remote)
        RemoteRegister(remote).find(RESIDENT)
        items = replace(town.world.station().register.residents()[0].items, name="偽　次郎")
        with pytest.raises(StationDenied, match="no certificate of this resident says that"):
            RemoteClerk(remote, "R-1").approve(IdentityQuestion("R-1", items, items, (), "revoke"))


def test_a_certificate_whose_case_nobody_can_read_any_more_is_not_said_to_be_none(town: TwoStations) -> None:
    application = RevocationApplication("R-1", RESIDENT, RevocationCause.WITHDRAWN)
    with town.attended(town.desk()):
        remote = town.remote()
        issue_at(town, remote)
        with pytest.raises(Halted) as halted:
            revoke(application, town.terminal(remote, archive=None), town.persons(remote, "R-1"), lambda _: None)
    assert isinstance(halted.value.__cause__, CaseUnreadable)


def another_window(town: TwoStations, desk: RemoteDesk) -> Station:
    """The terminal after its clerk's station was replaced by one of another name."""
    archive = RemoteArchive(replace(desk, station="elsewhere"))
    return town.terminal(desk, archive=archive)


def test_a_case_that_the_clerks_station_of_today_cannot_open_is_left_to_the_authority(town: TwoStations) -> None:
    """The station has another name, or its key is lost: its former residents are no worse off than others."""
    with town.attended(town.desk()):
        issue_at(town, town.remote())
    lost = replace(town.desk(), journal=_with_another_key(town))
    with town.attended(replace(lost, ended_cases=replace(lost.ended_cases, journal=lost.journal))):
        remote = town.remote()
        for number, station in (("2", another_window(town, remote)), ("3", town.terminal(remote))):
            with pytest.raises(CaseUnreadable):
                station.ended_cases.is_valid(the_case(station))
            with pytest.raises(CaseEnded, match="E07") as refused:
                issue(Application(number, RESIDENT), station, town.persons(remote, number), lambda _: None)
            assert not isinstance(refused.value, Refusal), "the authority says so, and not the books"

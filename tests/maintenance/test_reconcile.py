"""A store that lost something, or never had it, is told apart from its witnesses."""

import datetime
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.application_file import ClerkTable
from kiosk.authority import answer, asn1, oids
from kiosk.authority.errors import AuthorityRejected
from kiosk.authority.message import BodyKind, info_item
from kiosk.issuance.failure import Halted, Refusal, RolledBack
from kiosk.journal.database import open_database
from kiosk.journal.head import parse_head
from kiosk.journal.retention import purge
from kiosk.maintenance.reconcile import Gap, GapKind, reconcile
from kiosk.model.certificate import RevocationReason
from tests.counter_bench import OTHER_RESIDENT, START, CuttingDatabase, PowerCut, World


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path) -> World:
    return World(tmp_path, Path(shutil.copytree(fresh_authority, tmp_path / "ca")))


def gaps(world: World, *stubs: str) -> list[Gap]:
    station = world.station()
    return reconcile(station.journal, station.authority.station_record(), stubs)


def kinds(found: list[Gap]) -> list[GapKind]:
    return [gap.kind for gap in found]


def proofs(world: World) -> list[str]:
    with open_database(world.database_url).read() as transaction:
        return [row.proof for row in transaction.run("SELECT proof FROM receipts ORDER BY number")]


def test_a_station_that_lost_nothing_agrees_with_everybody_at_every_commit_of_an_issuance(
    tmp_path: Path, fresh_authority: Path
) -> None:
    for cut_at in range(1, 27):
        directory = tmp_path / str(cut_at)
        directory.mkdir()
        world = World(directory, Path(shutil.copytree(fresh_authority, directory / "ca")))
        try:
            database = CuttingDatabase(open_database(world.database_url), cut_at, is_before=True)
            world.issue(station=world.station(database))
        except PowerCut:
            assert gaps(world) == []
            world.issue()
        assert gaps(world, *proofs(world)) == []


def test_what_was_taken_back_or_revoked_later_is_no_gap(world: World) -> None:
    world.printer_core.set_paper("end")
    with pytest.raises(Halted):
        world.issue("1")
    assert gaps(world) == []
    world.printer_core.set_paper("ok")
    first = world.issue("1")
    station = world.station()
    station.authority.revoke(station.authority.revoke_message(first.certificate, RevocationReason.KEY_COMPROMISE).der)
    persons = world.persons("2", OTHER_RESIDENT)
    poor = replace(persons, clerk=replace(persons.clerk, table=ClerkTable(tendered_yen=100)))
    with pytest.raises(RolledBack):
        world.issue("2", OTHER_RESIDENT, persons=poor)
    assert gaps(world, *proofs(world)) == []


def test_a_store_of_yesterday_misses_entries_and_certificates(world: World) -> None:
    world.issue("1")
    shutil.copy(world.directory / "kiosk.db", world.directory / "yesterday")
    second = world.issue("2", OTHER_RESIDENT)
    stub = proofs(world)[1]
    shutil.copy(world.directory / "yesterday", world.directory / "kiosk.db")
    found = gaps(world)
    assert kinds(found) == [GapKind.ENTRIES_LOST, GapKind.CERTIFICATE_NOT_JOURNALED]
    assert found[1].subject == second.serial
    # A receipt saw more of the journal than the authority, which was last told of it before the fee.
    by_receipt = gaps(world, stub)[0]
    assert by_receipt.kind is GapKind.ENTRIES_LOST and "a receipt has seen" in by_receipt.detail
    # Going on from yesterday, the same places hold other entries.
    refused = 0
    while world.station().journal.size() < parse_head(stub).signed.head.size:
        refused += 1
        with pytest.raises((Halted, Refusal), match=r"K-STORE-001|E18"):
            world.issue(f"3-{refused}", "10000000294")
    assert GapKind.JOURNAL_DIFFERS in kinds(gaps(world, stub))
    station = world.station()
    assert kinds(reconcile(station.journal, None, [stub])) == [GapKind.JOURNAL_DIFFERS]


def test_a_text_that_is_no_head_or_of_another_station_is_named(world: World) -> None:
    world.issue("1")
    (proof,) = proofs(world)
    damaged = proof[:-4] + ("0000" if proof[-4:] != "0000" else "1111")
    found = gaps(world, "", "KJ1:", damaged, proof)
    assert kinds(found) == [GapKind.HEAD_INVALID] * 3
    journal = world.station().journal
    journal.station = "other"
    assert kinds(reconcile(journal, None, [proof])) == [GapKind.HEAD_INVALID]


def test_store_and_authority_that_disagree_about_a_certificate_are_both_quoted(world: World) -> None:
    closed = world.issue("1")
    station = world.station()
    (record,) = station.authority.station_record()
    pending = reconcile(station.journal, [replace(record, state="pending")], [])
    assert kinds(pending) == [GapKind.CERTIFICATE_STANDS_OTHERWISE]
    assert pending[0].subject == closed.serial and "pending" in pending[0].detail
    unknown = reconcile(station.journal, [], [])
    assert kinds(unknown) == [GapKind.CERTIFICATE_NOT_KNOWN] and unknown[0].subject == closed.serial


def test_certificates_of_purged_cases_are_not_taken_for_lost_ones(world: World) -> None:
    world.issue("1")
    world.now += datetime.timedelta(days=1)
    assert len(purge(world.station().journal, START + datetime.timedelta(hours=1))) == 1
    assert gaps(world) == []
    world.issue("2", OTHER_RESIDENT)
    with open_database(world.database_url).write() as transaction:
        transaction.run("DELETE FROM effects WHERE step = 'certify'")
    assert kinds(gaps(world)) == [GapKind.CERTIFICATE_NOT_JOURNALED]


def test_a_record_of_many_pages_is_read_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.authority.embedded.responder.RECORDS_A_PAGE", 1)
    serials = [world.issue(f"{n}", resident).serial for n, resident in enumerate(("10000000100", OTHER_RESIDENT))]
    assert [record.serial for record in world.station().authority.station_record()] == sorted(serials)
    assert gaps(world) == []


def test_an_authority_that_keeps_no_record_says_so(world: World) -> None:
    client = world.station().authority
    for items in ([(oids.CONFIRM_WAIT_TIME, 0)], [(oids.STATION_RECORD, -1)], [(oids.STATION_RECORD, 1 << 70)]):
        body = asn1.sequence_of([info_item(oid, asn1.encode(value)) for oid, value in items])
        with pytest.raises(AuthorityRejected, match="badRequest"):
            client._exchange(client._message(BodyKind.GENM, body).der, answer.read_station_record)

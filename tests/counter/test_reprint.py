"""A copy carries the number of its receipt, is marked as a copy, and stands in the journal before it is printed."""

import json
import shutil
from pathlib import Path

import pytest
from cryptography import x509

from hw.errors import PrinterBlocked
from hw.ports import PrintOutcome
from kiosk.counter.reprint import COPIED, CopyReason, ReceiptUnknown, can_copy, certificate_of, copy_receipt
from kiosk.issuance.station import Station
from tests.counter_bench import World


def copies(station: Station) -> list[dict[str, object]]:
    told = [json.loads(entry.body) for entry in station.journal.entries()]
    return [facts for facts in told if facts["event"] == COPIED]


@pytest.fixture
def world(tmp_path: Path, fresh_authority: Path) -> World:
    return World(tmp_path, Path(shutil.copytree(fresh_authority, tmp_path / "ca")))


def test_every_copy_is_marked_and_counted(world: World) -> None:
    closed = world.issue()
    for count in (1, 2):
        station = world.station()
        copied = copy_receipt(closed.receipt_number, CopyReason.LOST, "yamada", station.journal, station)
        assert (copied.outcome, copied.copies) == (PrintOutcome.CONFIRMED, count)
    original, *printed = [sheet.text for sheet in world.printer_core.sheets]
    assert "手数料領収書" in original and len(printed) == 2
    for text in printed:
        assert "領収書(写)" in text and "手数料領収書" not in text
        assert f"No. {closed.receipt_number:06d}" in text and closed.serial in text
    assert [(facts["copy"], facts["reason"], facts["operator"]) for facts in copies(world.station())] == [
        (1, "lost", "yamada"),
        (2, "lost", "yamada"),
    ]


def test_the_copy_of_a_certificate_says_what_the_certificate_in_the_card_says(world: World) -> None:
    closed = world.issue()
    journal = world.station().journal
    content = certificate_of(closed.receipt_number, journal)
    certificate = x509.load_der_x509_certificate(closed.certificate)
    assert (content.serial, content.not_after) == (closed.serial, certificate.not_valid_after_utc)
    assert content.name.encode() in closed.certificate and content.address.encode() in closed.certificate
    assert content.issuer == "Hokkaido, JPKI for digital signature, JPKI-TEST, JP"
    with pytest.raises(ReceiptUnknown):
        certificate_of(closed.receipt_number + 1, journal)


def test_a_number_that_was_never_printed_leaves_no_trace(world: World) -> None:
    world.issue()
    station = world.station()
    assert can_copy(1, station.journal) and not can_copy(2, station.journal)
    with pytest.raises(ReceiptUnknown):
        copy_receipt(2, CopyReason.UNREADABLE, "yamada", station.journal, station)
    assert copies(station) == []


def test_a_printer_without_paper_prints_nothing_and_the_wish_is_journaled(world: World) -> None:
    closed = world.issue()
    world.printer_core.obey("paper end")
    station = world.station()
    with pytest.raises(PrinterBlocked):
        copy_receipt(closed.receipt_number, CopyReason.LOST, "yamada", station.journal, station)
    assert len(world.printer_core.sheets) == 1
    assert len(copies(station)) == 1

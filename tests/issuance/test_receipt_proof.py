"""The receipt: its bytes, and the proof in its QR code, by which a payer can hold the office to its journal."""

import datetime
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from hw.ports import Columns, QrCode
from hw.printer.layout import render
from hw.printer.models import MODELS
from kiosk.authority.embedded.directory import init
from kiosk.config import SHIPPED, load_config, load_receipt_form
from kiosk.issuance.failure import RolledBack
from kiosk.issuance.receipt import ReceiptValues, compose_receipt
from kiosk.journal.chain import read_heads
from kiosk.journal.database import open_database
from kiosk.journal.head import Head, ProvenHead, parse_head
from kiosk.journal.journal import Journal
from kiosk.journal.merkle import root_from_inclusion
from kiosk.journal.verify import verify_journal
from kiosk.model.application import SettledFee
from tests.counter_bench import HEAD_KEY, OTHER_RESIDENT, RESIDENT, START, CuttingDatabase, PowerCut, World

TOWN = load_config(SHIPPED / "kiosk.toml", []).town


def proof(size: int) -> str:
    """The proof of the newest of `size` entries, as long as a true one."""
    path = (bytes(32),) * (size - 1).bit_count()
    head = Head("demo", size, root_from_inclusion(bytes(32), size - 1, size, path), START)
    return ProvenHead(HEAD_KEY.sign(head), bytes(32), path).text


def values(text: str) -> ReceiptValues:
    return ReceiptValues(
        number=999_999,
        printed_on=START,
        fee=SettledFee(500, 10_000, 9_500),
        serial="F" * 32,
        valid_until=START.replace(year=START.year + 3),
        town=TOWN,
        clerk="demo",
        is_copy=False,
        proof=text,
    )


def size_of(text: str, language: str = "ja", model: str = "tm-t88-ja") -> int:
    form = load_receipt_form(language, is_training=True)
    return len(render(compose_receipt(form, values(text)), "0001", MODELS[model], ()).data)


def test_a_receipt_is_small() -> None:
    assert size_of("") <= 600
    # 49 has three bits set, so the path has three hashes; every further one takes 48 bytes.
    assert size_of(proof(50)) <= 750
    assert size_of(proof(1_000_001)) == size_of(proof(50)) + 48 * ((1_000_000).bit_count() - (49).bit_count())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_receipt_fits_every_printer(model: str, language: str) -> None:
    for text in ("", proof(1), proof(100_000)):
        assert size_of(text, language, model) > 0


def test_days_are_written_as_the_papers_language_has_them() -> None:
    """A Japanese one by the era, whose first year has a name of its own and whose days before stay ISO 8601."""
    written = load_receipt_form("ja", is_training=True).calendar
    days = {(2026, 11, 26): "令和8年11月26日", (2019, 5, 1): "令和元年5月1日", (2019, 4, 30): "平成31年4月30日"}
    for day, text in days.items():
        assert written.day(datetime.date(*day)) == text
    assert written.day(datetime.date(1868, 10, 22)) == "1868-10-22"
    english = load_receipt_form("en", is_training=True).calendar
    assert english.day(datetime.date(2026, 11, 26)) == "2026-11-26"
    lines = compose_receipt(load_receipt_form("ja", is_training=True), values(""))
    assert [line for line in lines if isinstance(line, Columns) and "令和" in line.right]


def test_a_receipt_without_proof_has_no_code() -> None:
    form = load_receipt_form("ja", is_training=True)
    assert not [line for line in compose_receipt(form, values("")) if isinstance(line, QrCode)]
    assert [line for line in compose_receipt(form, values("TEXT")) if line == QrCode("TEXT")]


@pytest.fixture
def world(tmp_path: Path) -> World:
    init(tmp_path / "ca", SHIPPED / "policy" / "juki-2011.toml", TOWN, lambda: START)
    return World(tmp_path, tmp_path / "ca")


def proofs(world: World) -> list[ProvenHead]:
    """What the papers of this printer prove, oldest first."""
    lines = [line.strip() for sheet in world.printer_core.sheets for line in sheet.text.splitlines()]
    return [parse_head(line[4:-1]) for line in lines if line.startswith("[QR ")]


def test_the_receipt_proves_the_entry_that_gives_its_number_to_its_case(world: World) -> None:
    closed = [world.issue("1"), world.issue("2", OTHER_RESIDENT)]
    database = open_database(world.database_url)
    entries = list(world.station().journal.entries())
    papers = proofs(world)
    (verified,) = verify_journal(entries, read_heads(database), papers)
    assert verified.heads == 4  # the fee and the receipt of both
    for paper, of in zip(papers, closed, strict=True):
        entry = json.loads(entries[paper.signed.head.size - 1].body)
        assert (entry["event"], entry["receipt"], entry["case"]) == ("numbered", of.receipt_number, of.case)


def test_the_proof_tells_nothing_about_the_resident(world: World) -> None:
    world.issue("1")
    (paper,) = proofs(world)
    assert set(json.loads(paper.signed.head.encode())) == {"at", "head", "root", "size", "station"}


def test_copy_and_interrupted_original_have_the_one_proof_of_their_number(world: World, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "ca", tmp_path / "whole" / "ca")
    whole = World(tmp_path / "whole", tmp_path / "whole" / "ca")
    whole.issue("1")
    entries = [json.loads(entry.body) for entry in whole.station().journal.entries()]
    numbered = next(n for n, entry in enumerate(entries, 1) if entry["event"] == "numbered")  # each is one commit
    for number, (cut_at, title) in enumerate([(numbered, "手数料領収書"), (numbered + 1, "領収書(写)")], start=1):
        resident = (RESIDENT, OTHER_RESIDENT)[number - 1]
        station = world.station(CuttingDatabase(open_database(world.database_url), cut_at, is_before=False))
        with pytest.raises(PowerCut):
            world.issue(str(number), resident, station=station)
        world.now += datetime.timedelta(minutes=5)
        world.issue(str(number), resident)
        assert title in world.printer_core.sheets[-1].text
        named = [e for e in world.station().journal.entries() if '"event":"numbered"' in e.body]
        assert len(named) == number
        assert proofs(world)[-1].signed.head.size == named[-1].seq


def test_the_authority_is_a_witness_of_the_journal_up_to_the_request(world: World) -> None:
    closed = world.issue("1")
    with world.authority.store.read(world.now) as books:
        witnessed = books.witnessed_head(closed.serial)
        assert books.witnessed_head("00") is None
    assert witnessed is not None
    head = parse_head(witnessed.decode())
    entries = list(world.station().journal.entries())
    verify_journal(entries, [], [head])
    last = json.loads(entries[head.signed.head.size - 1].body)
    assert (last["event"], last["step"]) == ("done", "request")


@dataclass(frozen=True)
class Talkative:
    """A journal whose head says too much."""

    journal: Journal
    text: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self.journal, name)

    def head(self) -> "Talkative":
        return self


def test_an_authority_keeps_no_endless_head(world: World) -> None:
    station = world.station()
    with pytest.raises(RolledBack, match="K-CA-003"):
        world.issue("1", station=replace(station, journal=Talkative(station.journal, "A" * 5000)))
    world.issue("1", station=replace(station, journal=Talkative(station.journal, "A" * 4000)))

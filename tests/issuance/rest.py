"""A counter whose power is cut at a commit, and what must hold once all is at rest."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key

from hw.sim.card.memory import CardMemory
from kiosk.authority.client import AuthorityClient
from kiosk.books import StationBooks
from kiosk.issuance.persons import Abandoned
from kiosk.issuance.station import Station
from kiosk.journal.database import open_database
from kiosk.journal.records import EffectState
from kiosk.journal.verify import verify_chain
from kiosk.model.application import Closed, Delivery
from kiosk.model.certificate import CertificateState, RevocationReason, serial_text
from kiosk.model.step import Actor
from kiosk.model.transition import Stage
from kiosk.ui.books import EVENTS, JournalQuery
from tests.counter_bench import (
    PASSWORD,
    CuttingDatabase,
    PowerCut,
    World,
)
from tests.stores import Store


def new_world(
    directory: Path, authority: Path, store: Store | None = None, delivery: Delivery = Delivery.TERMINAL
) -> World:
    directory.mkdir(exist_ok=True)
    return World(directory, Path(shutil.copytree(authority, directory / "ca")), store=store, delivery=delivery)


def check_rest(world: World, closed: list[Closed]) -> None:
    """The invariants of a counter at rest."""
    station = world.station()
    valid = {c.serial for c in closed}
    for serial, certificate in issued(world):
        state = station.authority.status(certificate).state
        assert state is (CertificateState.GOOD if serial in valid else CertificateState.REVOKED)
    memories = [store.read() for store in world.hand.memories.values()]
    held = [(certificate_in(memory.files.get(0x0001, b"")), card_key(memory)) for memory in memories]
    for one in closed:
        key = x509.load_der_x509_certificate(one.certificate).public_key()
        assert (one.certificate, key) in held
    assert world.till.total_yen() == 500 * len(closed)
    originals = [s.text for s in world.printer_core.sheets if "手数料領収書" in s.text]
    assert len(originals) <= len(closed)
    papers = [s.text for s in world.printer_core.sheets]
    for one in closed:
        assert sum(f"No. {one.receipt_number:06d}" in text for text in papers) >= 1
        assert sum(f"No. {one.receipt_number:06d}" in text for text in originals) <= 1
    assert station.journal.unfinished_cases() == []
    verify_chain(station.journal.entries())
    for line in StationBooks(station.journal, station.register).journal(JournalQuery()).lines:
        assert line.event in ({*EffectState} if line.step else {*Stage, *EVENTS}), "the audit screen has words for it"
    assert not world.slot.is_card_present() and not world.window_slot.is_card_present()
    for raw in world.stored():
        assert PASSWORD.encode() not in raw
        assert "太郎".encode() not in raw


def certificate_in(file: bytes) -> bytes | None:
    """What reads as the certificate in a card's file: one DER object, whatever an older one left behind it."""
    if file[:2] != b"\x30\x82":
        return None
    return file[: 4 + int.from_bytes(file[2:4], "big")]


def card_key(memory: CardMemory) -> object:
    """The public key of the card's key pair, None when it has none."""
    key = memory.keys.get(0x001A)
    return load_der_private_key(key, None).public_key() if key else None


def issued(world: World) -> list[tuple[str, bytes]]:
    """Serial and certificate of every resident's certificate in the authority's books."""
    with sqlite3.connect(world.authority_directory / "store.db") as connection:
        rows = connection.execute("SELECT der FROM certificate").fetchall()
    found = []
    for (der,) in rows:
        certificate = x509.load_der_x509_certificate(der)
        names = [e for e in certificate.extensions if e.oid == x509.ExtensionOID.SUBJECT_ALTERNATIVE_NAME]
        if names:
            found.append((serial_text(certificate.serial_number), der))
    return found


def cut(world: World, commit: int, *, is_before: bool) -> None:
    """An issuance whose process dies just before that commit, or just after it."""
    database = CuttingDatabase(open_database(world.database_url), commit, is_before=is_before)
    with pytest.raises(PowerCut):
        world.issue(station=world.station(database))


def commits_of_an_issuance(directory: Path, authority: Path, delivery: Delivery = Delivery.TERMINAL) -> int:
    world = new_world(directory, authority, delivery=delivery)
    counting = CuttingDatabase(open_database(world.database_url), 0, is_before=True)
    world.issue(station=world.station(counting))
    return counting.commits


def revocation_of(certificate: bytes, world: World) -> bytes:
    return world.station().authority.revoke_message(certificate, RevocationReason.SUPERSEDED).der


def bodies(world: World) -> list[dict[str, Any]]:
    return [json.loads(entry.body) for entry in world.station().journal.entries()]


def unreachable(station: Station) -> AuthorityClient:
    return AuthorityClient(
        "http://127.0.0.1:1", station.authority._credential, station.authority._trust, clock=station.clock
    )


def step_of_commit(directory: Path, authority: Path, step: str, event: str) -> int:
    """The number of the commit that records this event of a step in an undisturbed issuance."""
    whole = new_world(directory, authority)
    whole.issue()
    bodies = [json.loads(entry.body) for entry in whole.station().journal.entries()]
    return next(n for n, body in enumerate(bodies, 1) if (body.get("step"), body["event"]) == (step, event))


class Leaves:
    """A resident who walks away at one question."""

    def __init__(self, world: World, at: str) -> None:
        self._persons = world.persons("1")
        self._at = at

    def __getattr__(self, name: str) -> object:
        if name == self._at:
            return self._leave
        return getattr(self._persons.resident, name, None) or getattr(self._persons.clerk, name)

    def _leave(self, *_: object) -> None:
        raise Abandoned(Actor.RESIDENT, "left")

"""What the counter does besides issuing: a power cut at every commit, a fault at every command to the card."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hw.sim.card.faults import parse_card_faults
from kiosk.issuance.failure import BROKEN, DESTROYED, CaseEnded, Halted, NumberTaken, Refusal, RolledBack
from kiosk.issuance.filing import NOBODY
from kiosk.journal.database import open_database
from kiosk.journal.entry import ChainBroken
from kiosk.model.certificate import CertificateState
from kiosk.model.transition import Procedure
from tests.counter_bench import RESIDENT, CuttingDatabase, PowerCut, World
from tests.issuance.otherwise import noting_whose
from tests.issuance.served_counter import (
    NEW_PASSWORD,
    SERVICES,
    TRIES,
    Issued,
    Serve,
    check_books,
    has_password,
    persons,
    tries,
)

Worlds = Callable[[str], World]


@pytest.fixture
def worlds(tmp_path: Path, issued: Issued) -> Worlds:
    return lambda name: issued.world(tmp_path / name)


def check_done(name: str, world: World, issued: Issued) -> None:
    """What everybody who came wanted has happened, once; and nothing else."""
    check_books(world)
    station = world.station()
    assert not any(station.journal.unfinished_cases(procedure) for procedure in Procedure)
    state = station.authority.status(issued.closed.certificate).state
    assert not world.slot.is_card_present()
    if name == "revoke":
        assert state is CertificateState.REVOKED
        assert not world.hand.memories[RESIDENT].read().keys
    else:
        assert state is CertificateState.GOOD
        assert tries(world) == TRIES
        assert has_password(world, NEW_PASSWORD)


def run(serve: Serve, world: World, database: CuttingDatabase | None = None) -> object:
    return serve(world, world.station(database), persons(world, "1"))


@pytest.mark.parametrize("name", SERVICES)
def test_a_power_cut_at_every_commit_is_resumed_to_a_clean_end(name: str, worlds: Worlds, issued: Issued) -> None:
    serve, counted = SERVICES[name], worlds("count")
    counting = CuttingDatabase(open_database(counted.database_url), 0, is_before=True)
    run(serve, counted, counting)
    check_done(name, counted, issued)
    for cut_at in range(1, counting.commits + 1):
        for is_before in (True, False):
            world = worlds(f"{cut_at}-{is_before}")
            with pytest.raises(PowerCut):
                run(serve, world, CuttingDatabase(open_database(world.database_url), cut_at, is_before=is_before))
            world.hand.remove()
            run(serve, world)
            check_done(name, world, issued)


@pytest.mark.parametrize(("name", "whose"), [("change", NOBODY), ("unlock", RESIDENT), ("revoke", RESIDENT)])
def test_a_case_that_is_gone_on_with_is_opened_for_just_its_resident(name: str, whose: str, worlds: Worlds) -> None:
    """The clerk's station opens an ended case for him alone; of a change of password nobody has said who he is."""
    world = worlds("once")
    asked = list[str]()
    noting = noting_whose(world.station(), asked)
    for _ in range(2):
        SERVICES[name](world, noting, persons(world, "1"))
    assert set(asked) == {whose}


FAULTS = {
    "pull": "K-CARD-003",
    "pull-after": "K-CARD-003",
    "mute": "K-CARD-004",
    "corrupt": None,
    "sw=6982": None,
    "sw=6F00": None,
}
"""What befalls the card, and by which code of the failure book it is told, where that is the same at every command."""


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", SERVICES)
def test_a_fault_at_every_command_to_the_card_ends_by_its_code_and_is_mended(
    name: str, fault: str, worlds: Worlds, issued: Issued
) -> None:
    serve, counted = SERVICES[name], worlds("count")
    before = len(counted.hand.cards[RESIDENT].log)
    run(serve, counted)
    commands = len(counted.hand.cards[RESIDENT].log) - before
    assert commands >= 6
    kind, _, value = fault.partition("=")
    for number in range(1, commands + 1):
        world = worlds(f"{number}")
        card = world.hand.cards[RESIDENT]
        card._faults = parse_card_faults(f"{kind}@{number}" + (f"={value}" if value else ""))
        try:
            run(serve, world)
        except (Halted, RolledBack) as ended:
            assert ended.code == FAULTS[fault] or FAULTS[fault] is None
            assert ended.code.startswith(("K-CARD", "K-DEVICE", "E05"))
        card._faults = {}
        world.hand.remove()
        run(serve, world)
        check_books(world)
        if name != "revoke":
            check_done(name, world, issued)


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_done_is_not_done_again(name: str, worlds: Worlds) -> None:
    world, serve = worlds("again"), SERVICES[name]
    first = run(serve, world)
    entries = world.station().journal.size()
    sheets = len(world.printer_core.sheets)
    assert run(serve, world) == first
    assert (world.station().journal.size(), len(world.printer_core.sheets)) == (entries, sheets)


@pytest.mark.parametrize("name", SERVICES)
def test_a_number_is_of_one_procedure_and_of_one_content(name: str, worlds: Worlds) -> None:
    world = worlds("number")
    run(SERVICES[name], world)
    number = {"change": "P-1", "unlock": "U-1", "revoke": "R-1"}[name]
    with pytest.raises(NumberTaken) as taken:
        world.issue(number)
    assert taken.value.number == number


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_is_begun_once_the_journal_was_found_to_be_changed(name: str, worlds: Worlds) -> None:
    world = worlds("broken")
    station = world.station()
    station.audit.broken = ChainBroken("demo", 1, "was changed")
    with pytest.raises(Halted, match=BROKEN):
        SERVICES[name](world, station, persons(world, "1"))


@pytest.mark.parametrize("name", SERVICES)
def test_what_was_destroyed_is_not_gone_on_with(name: str, worlds: Worlds) -> None:
    world = worlds("purged")
    run(SERVICES[name], world)
    journal = world.station().journal
    for case in journal.cases():
        journal.destroy_seal(case)
    with pytest.raises(Refusal, match=DESTROYED):
        run(SERVICES[name], world)


@pytest.mark.parametrize("name", SERVICES)
def test_a_card_that_is_never_put_in_holds_a_change_up_and_no_revocation(name: str, worlds: Worlds) -> None:
    world = worlds("gone")
    who = persons(world, "1")
    resident: Any = who.resident
    resident.card = lambda action: None  # nobody moves it
    try:
        SERVICES[name](world, world.station(), who)
    except CaseEnded as ended:
        assert (name != "revoke", ended.code) == (True, "K-CARD-002")
    check_books(world)

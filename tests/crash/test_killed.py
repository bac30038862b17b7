"""Real processes killed in a reduced set of places; the long run is `python -m tests.crash.killed`."""

from pathlib import Path

import pytest

from tests.crash.killed import (
    PRINTER,
    RESIDENTS,
    Counted,
    Counterpart,
    Death,
    NotAsUndisturbed,
    Place,
    Town,
    Victim,
    deaths,
    die_often,
    make_authority,
    places,
    portions,
    record,
)
from tests.crash.recording import RecordingFailed
from tests.e2e.commands import run


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_authority(tmp_path_factory.mktemp("killed") / "authority")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, authority: Path) -> dict[Counted, list[Place]]:
    return record(tmp_path_factory.mktemp("town"), authority)


def test_a_drill_has_places_of_every_kind(found: dict[Counted, list[Place]]) -> None:
    kinds = {place.kind for place in found[Counted.TERMINAL]}
    assert kinds > {"commit", "card", "till", PRINTER, "authority request"}
    assert {place.kind for place in found[Counted.AUTHORITY]} == {"commit", "commit's rollback journal", "answer"}
    far = {place.kind for place in found[Counted.FAR_TERMINAL]}
    assert far > {"commit", "card", PRINTER, "authority request"}
    assert {place.kind for place in found[Counted.CLERKS_STATION]} > {"commit", "commit's rollback journal", "till"}
    commits = [place for place in found[Counted.TERMINAL] if place.call == "ftruncate"]
    assert len(commits) > 20


@pytest.mark.parametrize(
    ("victim", "call", "kind", "at"),
    [
        (Victim.TERMINAL_AND_AUTHORITY, "sendto", "authority request", -1),
        (Victim.TERMINAL, "write", PRINTER, 5),
        (Victim.AUTHORITY, "write", "answer", -1),
        # The money lies in the till, and nobody heard that it does.
        (Victim.CLERKS_STATION, "fdatasync", "commit", -1),
        (Victim.ALL, "fdatasync", "commit", -1),
        (Victim.FAR_TERMINAL, "fdatasync", "commit", -1),
    ],
)
def test_what_was_killed_goes_on_as_if_nothing_had_been(
    found: dict[Counted, list[Place]], authority: Path, victim: Victim, call: str, kind: str, at: int
) -> None:
    there = [p for p in found[victim.counted] if (p.call, p.kind) == (call, kind)]
    counts, violations = die_often(authority, [Death(victim, there[at])])
    assert violations == []
    assert counts == {f"{victim}: {kind}": 1}


def test_what_is_not_as_it_would_have_been_is_found(authority: Path, tmp_path: Path) -> None:
    with Town(tmp_path, authority) as town:
        town.serve()
        counterpart = Counterpart(town, "found", RESIDENTS[0])
        assert run(*counterpart.drill()[3:]).returncode == 0
        (counterpart.data / "sim" / "till.json").write_text('{"found": 1000}')
        with pytest.raises(NotAsUndisturbed, match="the till holds the fee"):
            counterpart.check()


def test_every_place_has_its_death_and_only_an_authority_that_dies_is_not_shared() -> None:
    found = {
        Counted.TERMINAL: [Place("fsync", n, "card") for n in range(1, 31)],
        Counted.AUTHORITY: [Place("sendto", 1, "answer")],
        Counted.CLERKS_STATION: [Place("fsync", n, "till") for n in range(1, 11)],
        Counted.FAR_TERMINAL: [Place("fsync", n, "till") for n in range(1, 7)],
    }
    wanted = deaths(found, every=1, is_all=False)
    assert len(wanted) == 2 * 30 + 2 + 2 * 10 + 6
    parts = list(portions(wanted))
    assert sorted(map(str, wanted)) == sorted(str(death) for part in parts for death in part)
    assert [len(part) for part in parts] == [12, 12, 12, 12, 12, 12, 12, 2, 1, 1]
    journal = Place("pwrite64", 1, "commit's rollback journal")
    at_terminal: dict[Counted, list[Place]] = {counted: [] for counted in Counted} | {Counted.TERMINAL: [journal]}
    assert deaths(at_terminal, every=1, is_all=False) == []
    assert len(deaths(at_terminal, every=1, is_all=True)) == 2


def test_calls_are_counted_by_name_and_thread_as_strace_does() -> None:
    trace = [
        '7 write(1<pipe:[9]>, "x", 1) = 1\n',
        '7 write(5<TCP:[127.0.0.1:1->127.0.0.1:22]>, "x", 1) = 1\n',
        "8 fsync(5</data/f>) = 0\n",
        '7 rename("/data/a", "/data/b") = 0\n',
        '9 write(6</dev/pts/4<char 136:4>>, "x", 1) = 1\n',
        "7 +++ exited with 0 +++\n",
    ]
    kinds = (("->127.0.0.1:22]", "bytes"), ("</dev/pts/4<", PRINTER), ("/data", "file"))
    assert places(trace, kinds) == [
        Place("write", 2, "bytes"),
        Place("fsync", 1, "file"),
        Place("rename", 1, "file"),
        Place("write", 1, PRINTER, "/dev/pts/4"),
    ]
    with pytest.raises(RecordingFailed, match="another thread comes to fsync 1"):
        places([*trace, "7 fsync(5</data/f>) = 0\n"], kinds)

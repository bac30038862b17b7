"""The explorer in a reduced set: one death anywhere, a random few of more, that merging is sound, and that it bites.

The long run is a command: `python -m tests.crash`.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random, SystemRandom

import pytest

from tests.crash.boundaries import is_known, sort_calls, whole_calls
from tests.crash.boundary import Kind, Phase, Point
from tests.crash.explore import CARD_CHANGES, Explorer, Finding, Merging, Reach, Tally
from tests.crash.hunt import ERRORS, Hunted, hunt
from tests.crash.invariants import no_private_key_is_in_any_file, private_prime
from tests.crash.mutation import Mutation, applied
from tests.crash.mutations import DESK_MUTATIONS
from tests.crash.office import Office, furnished
from tests.crash.plan import UNCHANGED, Death, Plan, parse_plan, text_of
from tests.crash.play import Stage, come_back, play, set_up
from tests.crash.scenario import APPLICANT, SCENARIOS


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with furnished() as office:
        yield office


@pytest.fixture(scope="module")
def stages(office: Office) -> list[Stage]:
    return [set_up(office, scenario) for scenario in SCENARIOS.values() if not scenario.is_mute]


@pytest.fixture(params=["first"])
def explorer(office: Office, request: pytest.FixtureRequest) -> Explorer:
    return Explorer(set_up(office, SCENARIOS[request.param]))


@pytest.fixture
def seed() -> int:
    """Printed when the test fails."""
    seed = SystemRandom().randrange(1 << 16)
    print(f"seed {seed}")
    return seed


def explored(explorer: Explorer, merging: Merging) -> Tally:
    total = Tally()
    for tally in merging.explore(explorer.run_level):
        total.add(tally)
    return total


def test_nothing_breaks_wherever_one_of_all_ends(explorer: Explorer) -> None:
    total = explored(explorer, Merging([Reach([UNCHANGED])]))
    assert total.findings == []
    assert total.plans[1] > 200


def test_the_authority_can_end_at_each_of_its_commits(explorer: Explorer) -> None:
    labels = dict(play(explorer.stage, ()).legs[0].passed)
    asked = [point.number for point, label in labels.items() if point.kind is Kind.AUTHORITY and "cmp" in label]
    within = [point.number for point in labels if point.kind is Kind.AUTHORITY and point.phase is Phase.WITHIN]
    # What it is asked before a key is made changes nothing there.
    assert within == sorted(set(asked))[1:]


@pytest.mark.parametrize("explorer", ["mute"], indirect=True)
def test_of_a_printer_that_does_not_tell_and_a_drawer_that_stays_shut_nothing_breaks_either(
    explorer: Explorer,
) -> None:
    undisturbed = play(explorer.stage, ())
    labels = [label for point, label in undisturbed.legs[0].passed if point.phase is Phase.BEFORE]
    assert "paper" in labels, "a person is asked, for the printer does not say that the receipt came out"
    assert sum(label.startswith("1b 70") for label in labels) == 2, "the drawer is kicked once more"
    random = Random(0)
    points = [point for point in explorer.points() if point.kind is Kind.PRINTER]
    for point in random.sample(points, 12):
        assert explorer.run_single(Death(point)).findings == []


def random_plan(explorer: Explorer, random: Random) -> Plan:
    """Two or three deaths of anybody, the card changed or not."""
    plan: Plan = ()
    for _ in range(random.choice((2, 3))):
        _, behind = explorer.run_merged(plan, is_last=False)
        deaths = [Death(point, change=random.choice(CARD_CHANGES)) for point, _ in behind.states]
        if not behind.others or random.randrange(3):
            plan = (*plan, random.choice(deaths or list(behind.others)))
        else:
            plan = (*plan, random.choice(behind.others))
    return plan


@pytest.mark.parametrize("plan", ["store12+/lapsed", "print20~1/next", "print20~2/next", "print20~3"])
def test_a_plan_that_once_broke_something_breaks_nothing_any_more(explorer: Explorer, plan: str) -> None:
    played = play(explorer.stage, parse_plan(plan))
    with explorer.stage.world(played.rest) as world:
        afterwards = come_back(explorer.stage, world, played.legs[-1].is_closed)
    assert (played.broken, afterwards) == ((), [])


@pytest.mark.parametrize("explorer", ["again", "window"], indirect=True)
def test_nothing_breaks_when_several_end_one_after_the_other(explorer: Explorer, seed: int) -> None:
    random = Random(seed)
    for _ in range(5):
        plan = random_plan(explorer, random)
        played = play(explorer.stage, plan)
        with explorer.stage.world(played.rest) as world:
            afterwards = come_back(explorer.stage, world, played.legs[-1].is_closed)
        assert (played.broken, afterwards) == ((), []), text_of(plan)


def test_plans_that_were_merged_go_the_same_way_when_they_are_really_run(explorer: Explorer, seed: int) -> None:
    merging = Merging([Reach([UNCHANGED], beset=())], seed)
    explored(explorer, merging)
    for plan, twin in merging.twins(8):
        assert plan != twin
        assert explorer.run_twins(plan, twin).findings == []


def test_half_a_receipt_and_a_whole_one_in_the_tray_are_two_states(explorer: Explorer) -> None:
    half, whole = (
        dict(explorer.run_merged(parse_plan(plan), is_last=False)[1].states)[Point.parse(point)]
        for plan, point in (("store21+ print23~1", "print16+"), ("store21+", "print23+"))
    )
    assert half != whole


def test_a_crash_that_is_raised_leaves_what_its_image_shows(explorer: Explorer, seed: int) -> None:
    points = [point for point in explorer.points() if point.kind is not Kind.CLERK]
    for point in Random(seed).sample(points, 6):
        assert explorer.run_single(Death(point)).findings == []


@pytest.mark.parametrize("mutation", ERRORS, ids=lambda mutation: mutation.name)
def test_a_design_error_is_found_out_by_the_plan_that_tells_of_it(stages: list[Stage], mutation: Mutation) -> None:
    hunted = hunt(mutation, stages, rungs=0)
    if mutation.argued:
        assert (hunted.runs, hunted.findings) == (1, ()), "it does harm"
    else:
        assert hunted.is_as_expected, hunted


@pytest.mark.parametrize(
    ("error", "is_caught"),
    [
        ("NameError: name 'count' is not defined", False),
        ("SealedElsewhere: the records of this case are sealed to station clerks", True),
    ],
)
def test_code_that_breaks_down_is_no_error_that_was_found(error: str, is_caught: bool) -> None:
    texts = ("every_application_has_ended: case 1 is delivered", f"defect: {error}")
    findings = tuple(Finding("first", "", text) for text in texts)
    assert Hunted("", "every_application_has_ended", 1, findings).is_as_expected == is_caught


def test_a_private_key_in_a_file_is_seen(explorer: Explorer) -> None:
    rest = play(explorer.stage, ()).rest
    clean = explorer.stage.examine(rest)
    assert not list(no_private_key_is_in_any_file(clean))
    card = clean.cards[APPLICANT.code]
    leaked = replace(clean, image=replace(rest, store_journal=b"..." + private_prime(card.key_der) + b"..."))
    assert list(no_private_key_is_in_any_file(leaked)) == ["a private key is in the store's journal"]


@pytest.mark.parametrize("mutation", [*ERRORS, *DESK_MUTATIONS], ids=lambda mutation: mutation.name)
def test_every_design_error_can_still_be_made(mutation: object) -> None:
    with applied(mutation):
        pass


@pytest.mark.parametrize(
    "text",
    [
        "",
        "card14+/swapped authority=ca1~1/down store9-",
        "all=print16~2/gone/late clerk=ask4+ card=card3-",
        "person2+/next",
    ],
)
def test_a_plan_is_written_as_it_is_read(text: str) -> None:
    assert text_of(parse_plan(text)) == text


@pytest.mark.parametrize(
    "text", ["card0-", "card3", "card3~", "card3-1", "authority=card3-", "card=card3-/down", "ca1-/soon"]
)
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_plan(text)


@pytest.mark.parametrize(
    ("call", "target"),
    [
        ('sendto(9<TCP:[127.0.0.1:5->127.0.0.1:9999]>, "x", 1, 0, NULL, 0) = 1', "127.0.0.1:9999"),
        ('write(9</dev/ttyUSB0<char 188:0>>, "x", 1) = 1', "ttyUSB0"),
        ('write(9</var/lib/other/file>, "x", 1) = 1', "other/file"),
        ('pwrite64(9</data/still.db>, "x", 1, 0) = 1', "still.db"),
        ('rename("/tmp/till", "/tmp/b") = 0', "tmp/till"),
        ('connect(9<UNIX-STREAM:[5]>, {sa_family=AF_UNIX, sun_path="/run/other.sock"}, 110) = 0', "run/other.sock"),
        ("connect(9<TCP:[5]>, {sa_family=AF_INET, sin_port=htons(80)}, 16) = 0", "htons(80)"),
    ],
)
def test_what_leaves_a_process_for_nowhere_known_is_seen(call: str, target: str) -> None:
    ((seen),) = sort_calls(f"12 {call}\n", Path("/data"), "8080", "9100")
    assert seen.kind is None
    assert target in seen.target
    assert not is_known(seen.target)


def test_what_leaves_a_process_for_a_device_is_a_boundary() -> None:
    pcscd = '12 connect(7<UNIX-STREAM:[5]>, {sa_family=AF_UNIX, sun_path="/run/pcscd/pcscd.comm"}, 110) = 0'
    told = [
        pcscd,
        r'12 write(7<UNIX-STREAM:[5]>, "\x10\x00\x00\x00\x09\x00\x00\x00", 8) = 8',
        '12 write(7<UNIX-STREAM:[5]>, "x", 30) = 30',
        "12 fdatasync(3</data/kiosk.db>) = 0",
        '12 sendto(8<TCP:[127.0.0.1:5->127.0.0.1:9100]>, "x", 1, 0, NULL, 0) = 1',
        "12 connect(9<TCP:[6]>, {sa_family=AF_INET, sin_port=htons(8080)}, 16) = 0",
        '12 rename("/data/sim/till.new", "/data/sim/till.json") = 0',
    ]
    kinds = [seen.kind for seen in sort_calls("\n".join(told), Path("/data"), "8080", "9100")]
    assert kinds == [Kind.CARD, Kind.STORE, Kind.PRINTER, Kind.AUTHORITY, Kind.PERSON]


def test_a_call_that_strace_tells_in_two_lines_is_one() -> None:
    told = ['12 write(5<a>, "x", 1 <unfinished ...>', "13 fsync(4<b>) = 0", "12 <... write resumed>) = 1"]
    assert list(whole_calls(told)) == ["13 fsync(4<b>) = 0", '12 write(5<a>, "x", 1) = 1']

"""Plays crash plans: a leg of a station's life from one crash to the next or to rest, live or with images of the world.

Live, a crash is really raised and the same world goes on. With images, one undisturbed leg yields what a crash at each
of its points would leave, and each image begins a world of its own. Both must be the same; a test compares them.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from tests.counter_bench import OTHER_RESIDENT, RESIDENT
from tests.crash.boundary import Crash, Fault, Kind, Passage, Phase, Point
from tests.crash.invariants import AT_EVERY_INSTANT, AT_REST, broken, broken_by_payment
from tests.crash.office import Office
from tests.crash.people import MONEY_IN, Presence
from tests.crash.plan import UNCHANGED, Change, Death, Delay, Plan, Who
from tests.crash.remains import Past, Remains, examine, open_applications
from tests.crash.scenario import APPLICANT, NEIGHBOUR, Applicant, Ending, Scenario
from tests.crash.world import Image, World

MOST_STARTS = 6
"""A station that has not come to rest after so many undisturbed starts never will."""

Listener = Callable[[Point, str], None]


@dataclass(frozen=True)
class Stage:
    """A scenario, set up in an office: the image in which it begins, and what was before."""

    office: Office
    scenario: Scenario
    image: Image
    past: Past

    def examine(self, image: Image) -> Remains:
        """What an image of this scenario shows."""
        return examine(image, self.past)

    @contextmanager
    def world(self, image: Image) -> Iterator[World]:
        """A world set up from an image."""
        world = World(self.office, image, Passage(), self.office.folder())
        try:
            yield world
        finally:
            world.close()


def set_up(office: Office, scenario: Scenario) -> Stage:
    """Prepares a scenario."""
    return Stage(office, scenario, *scenario.prepare(office))


@dataclass
class Leg:
    """How a leg went: its starts' endings, the points it passed, and what broke; `crashed_at` when it did not end."""

    endings: list[Ending] = field(default_factory=list)
    passed: list[tuple[Point, str]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    crashed_at: Point | None = None

    @property
    def is_closed(self) -> bool:
        """Whether the application ended well."""
        return bool(self.endings) and self.endings[-1].word == "closed"


def change_world(world: World, change: Change) -> None:
    """Time goes by, and people move cards, while no terminal runs."""
    world.now += change.delay.time
    world.boot += change.delay is Delay.REBOOTED
    lies_at_window = world.inserted.get("window") == APPLICANT.code
    match change.presence:
        case Presence.SWAPPED:
            world.take_out(APPLICANT.code)
            world.place_card(OTHER_RESIDENT, "window" if lies_at_window else "terminal")
        case Presence.MOVED:
            world.place_card(APPLICANT.code, "terminal" if lies_at_window else "window")
        case Presence.OUT | Presence.GONE:
            world.take_out(APPLICANT.code)


def run_leg(
    stage: Stage, world: World, change: Change, faults: tuple[Fault, ...] = (), listen: Listener | None = None
) -> Leg:
    """Starts the station after a change, again and again until it is at rest; `listen` may raise `Crash`.

    After a start that halted, whoever was missing comes: the resident with his own card, the authority.
    """
    leg = Leg()

    def on_point(point: Point, label: str) -> None:
        leg.passed.append((point, label))
        if label.startswith(MONEY_IN) and point.phase is Phase.BEFORE:
            leg.broken += broken_by_payment(stage.examine(world.image()), label.rpartition(" ")[2])
        if listen is not None:
            listen(point, label)

    world.passage = Passage(on_point, faults)
    try:
        # Whose case an interrupted start left is served first, as the drill does it.
        is_neighbour_there = change.is_next or _has_open_case(world, NEIGHBOUR)
        for applicant in (NEIGHBOUR, APPLICANT) if is_neighbour_there else (APPLICANT,):
            presence = change.presence if applicant is APPLICANT else Presence.SAME
            leg.endings.append(_serve(stage, world, applicant, presence))
    except Crash:
        leg.crashed_at = leg.passed[-1][0]
        return leg
    # An exception that leaves the product is what the explorer looks for: a finding of this plan, and the next goes on.
    except Exception as error:
        leg.broken.append(f"defect: {type(error).__name__}: {error}")
        return leg
    finally:
        world.end_terminal()
    leg.broken += broken(AT_EVERY_INSTANT + AT_REST, stage.examine(world.image()))
    return leg


def _has_open_case(world: World, applicant: Applicant) -> bool:
    return applicant.number in open_applications(world.image().store)


def _serve(stage: Stage, world: World, applicant: Applicant, presence: Presence) -> Ending:
    """One application, start by start, until it has ended or never will."""
    ending = stage.scenario.start(world, applicant, presence)
    for _ in range(MOST_STARTS - 1):
        if ending.word not in ("halted", "suspect"):
            break
        _only_own_card(world, applicant)
        ending = stage.scenario.start(world, applicant)
    return ending


def _only_own_card(world: World, applicant: Applicant) -> None:
    """Somebody looks: time goes by, and no stranger's card stays in a reader."""
    world.now += Delay.NOW.time
    for code in (RESIDENT, OTHER_RESIDENT):
        if code != applicant.code:
            world.take_out(code)


def come_back(stage: Stage, world: World, was_closed: bool) -> list[str]:
    """The resident comes once more with his own card: he gets what he did not get, and nothing for a second time."""
    world.passage = Passage()
    _only_own_card(world, APPLICANT)
    cards = {code: (card.key, card.file) for code, card in stage.examine(world.image()).cards.items()}
    try:
        again = ending = _serve(stage, world, APPLICANT, Presence.SAME)
        if was_closed:
            ending = stage.scenario.start(world, replace(APPLICANT, number="3"))
    # As in a leg: an exception that leaves the product is a finding.
    except Exception as error:
        return [f"defect: {type(error).__name__}: {error}"]
    finally:
        world.end_terminal()
    remains = stage.examine(world.image())
    found = broken(AT_EVERY_INSTANT + AT_REST, remains)
    if again.word != "closed" or ending.word != ("refused" if was_closed else "closed"):
        # A card that was taken for a neighbour's is his now.
        if again.text != "E06" or not was_taken_for_the_neighbours(remains):
            found.append(f"coming back: the same application is {again}, another one {ending}")
    if was_closed and cards != {code: (card.key, card.file) for code, card in remains.cards.items()}:
        found.append("coming back: a refused application changed a card")
    return found


def was_taken_for_the_neighbours(remains: Remains) -> bool:
    """Whether the applicant's card holds the certificate that the neighbour was given."""
    closed = [case.outcome("closed") for case in remains.store.cases if case.number == NEIGHBOUR.number]
    serials = {outcome["serial"] for outcome in closed if outcome}
    held = remains.cards[APPLICANT.code].certificate
    return any(certificate.der == held and certificate.serial in serials for certificate in remains.books.certificates)


# --- live


@dataclass(frozen=True)
class Played:
    """A plan played: its legs, what broke and after which death (0: before any), how the world was when it rested."""

    legs: tuple[Leg, ...]
    broken: tuple[tuple[int, str], ...]
    rest: Image


def play(stage: Stage, plan: Plan, story: Listener | None = None) -> Played:
    """Plays a plan from the beginning; every crash is raised in the running process, and the same world goes on.

    Raises `PlanDoesNotFit` when a point of it is never reached.
    """
    legs, found = [], list[tuple[int, str]]()
    deaths, change = deque(plan), UNCHANGED
    with stage.world(stage.image) as world:
        while True:
            faults, death = _next_leg(deaths)

            def listen(point: Point, label: str, death: Death | None = death) -> None:
                if story is not None:
                    story(point, label)
                if death is not None and point == death.point:
                    raise Crash

            leg = run_leg(stage, world, change, faults, listen)
            legs.append(leg)
            done = len(plan) - len(deaths)
            found += ((done, text) for text in leg.broken)
            if death is None or leg.crashed_at is None:
                break
            found += ((done, text) for text in broken(AT_EVERY_INSTANT, stage.examine(world.image())))
            if death.who is Who.ALL:
                world.line.replace_process()
                world.clerk_station.replace_process()
            change = death.change
            change_world(world, change)
        rest = world.image()
    if death is not None and not found:
        raise PlanDoesNotFit(f"{death} is never reached")
    return Played(tuple(legs), tuple(found), rest)


class PlanDoesNotFit(ValueError):
    """A plan names a point that its run does not come to."""


def _next_leg(deaths: deque[Death]) -> tuple[tuple[Fault, ...], Death | None]:
    """Takes the deaths of the next leg: those of the others, and the terminal's that ends it."""
    faults = []
    while deaths:
        death = deaths.popleft()
        if death.is_terminals:
            return tuple(faults), death
        faults.append(death.fault)
    return tuple(faults), None


# --- with images


@dataclass(frozen=True)
class Node:
    """Where a leg begins: a world left by a plan so far, with its last change and what will befall the others."""

    image: Image
    change: Change = UNCHANGED
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Expanded:
    """A leg, the images at its points behind the last fault, all points there, and how the world was when it rested."""

    leg: Leg
    images: tuple[tuple[Point, Image], ...]
    points: tuple[Point, ...]
    rest: Image


def expand(stage: Stage, node: Node, *, with_images: bool = True) -> Expanded:
    """Runs the leg that begins at a node to its rest; an image is taken where the terminal can end.

    It is not taken at a question to the clerk's station, which changes nothing.
    """
    images, points = list[tuple[Point, Image]](), list[Point]()
    due = {(fault.kind, fault.number) for fault in node.faults}
    with stage.world(node.image) as world:

        def listen(point: Point, label: str) -> None:
            if (point.kind, point.number) in due:
                reached.add((point.kind, point.number))
            elif reached == due:
                points.append(point)
                if with_images and point.kind is not Kind.CLERK:
                    images.append((point, world.image()))

        reached = set[tuple[Kind, int]]()
        change_world(world, node.change)
        leg = run_leg(stage, world, node.change, node.faults, listen)
        return Expanded(leg, tuple(images), tuple(points), world.image())

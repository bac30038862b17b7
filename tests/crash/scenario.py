"""What is being done while processes die: who wants what, and what was before."""

from collections.abc import Callable
from dataclasses import dataclass

from kiosk.issuance.failure import CaseEnded, Halted, NumberTaken, PutOff, Refusal, RolledBack, Suspect
from kiosk.issuance.issue import issue
from kiosk.model.application import Application, Delivery
from kiosk.model.certificate import RevocationReason
from tests.counter_bench import OTHER_RESIDENT, RESIDENT
from tests.crash.boundary import Passage
from tests.crash.office import Office
from tests.crash.people import Presence, TruthfulClerk, UnsureClerk
from tests.crash.remains import Past, examine
from tests.crash.world import Image, World, first_image


@dataclass(frozen=True)
class Applicant:
    """Who applies, and under which application number."""

    code: str
    number: str


APPLICANT = Applicant(RESIDENT, "1")
"""Whose issuance is interrupted."""

NEIGHBOUR = Applicant(OTHER_RESIDENT, "2")
"""Who comes in between."""


@dataclass(frozen=True)
class Ending:
    """How one start of the station ended: with the failure book's code, the number that is another's, or the serial."""

    word: str
    text: str

    def __str__(self) -> str:
        return f"{self.word} {self.text}"


@dataclass(frozen=True)
class Scenario:
    """One use case for one resident; `prepare` makes the world in which it begins, and says what was before.

    `is_mute`: printer and drawer keep silent, see `World.is_mute`; such a scenario is explored to one death, by images.
    """

    name: str
    prepare: Callable[[Office], tuple[Image, Past]]
    delivery: Delivery = Delivery.TERMINAL
    clerk: type[TruthfulClerk] = TruthfulClerk
    is_mute: bool = False

    def start(self, world: World, applicant: Applicant, presence: Presence = Presence.SAME) -> Ending:
        """One start of the station, to its own end. What it raises otherwise is a defect, or a crash."""
        world.is_mute = self.is_mute
        return issue_once(world, applicant, presence, self.delivery, self.clerk)


def issue_once(
    world: World,
    applicant: Applicant,
    presence: Presence = Presence.SAME,
    delivery: Delivery = Delivery.TERMINAL,
    clerk: type[TruthfulClerk] = TruthfulClerk,
) -> Ending:
    """Starts a station that issues; what waits for two clerks is settled first."""
    station = world.start_terminal(delivery)
    world.settle(applicant.number, station)
    persons = world.persons(applicant.number, applicant.code, presence, clerk)
    try:
        closed = issue(Application(applicant.number, applicant.code), station, persons, _nobody)
    except CaseEnded as ended:
        return Ending(_WORDS[type(ended)], ended.code)
    except NumberTaken as taken:
        return Ending("number_taken", taken.number)
    return Ending("closed", closed.serial)


_WORDS: dict[type[CaseEnded], str] = {
    Refusal: "refused",
    RolledBack: "rolled_back",
    PutOff: "rolled_back",
    Halted: "halted",
    Suspect: "suspect",
}


def _nobody(_: object) -> None:
    """Listens to no report."""


def _at_a_new_station(office: Office) -> tuple[Image, Past]:
    """A station never started before, a new printer, and two residents with new cards."""
    return first_image(office), Past()


def _after_a_revocation(office: Office) -> tuple[Image, Past]:
    """A station at work, a neighbour with a valid certificate, and a resident whose own was revoked in his card."""
    world = World(office, first_image(office), Passage(), office.folder())
    issue_once(world, Applicant(OTHER_RESIDENT, "before-1"))
    lost = issue_once(world, Applicant(RESIDENT, "before-2"))
    station = world.start_terminal(Delivery.TERMINAL)
    certificate = next(c.der for c in examine(world.image(), Past()).books.certificates if c.serial == lost.text)
    message = station.authority.revoke_message(certificate, RevocationReason.KEY_COMPROMISE)
    station.authority.revoke(message.der)
    image = world.image()
    world.close()
    return image, Past(revoked=frozenset({lost.text}))


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("first", _at_a_new_station),
        Scenario("again", _after_a_revocation),
        Scenario("window", _at_a_new_station, Delivery.WINDOW),
        Scenario("unsure", _at_a_new_station, clerk=UnsureClerk),
        Scenario("mute", _at_a_new_station, is_mute=True),
    )
}

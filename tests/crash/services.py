"""Explores what else the counter does: every process killed at every boundary, card and people changed.

The services, and the issuance of two certificates into a card of two keys.

    python -m tests.crash.services [--service NAME] [--every N] [--changes] [--seed N]

Every death is really raised. After each, the station starts until it is at rest; then whoever wanted something comes
once more, and must have got it, once. The rules are those of an issuance's exploration, and a few of its own.
"""

import argparse
import datetime
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from hw.errors import PinLocked, PinRefused
from hw.ports import KeyUse, PinPolicy, PinStatus
from kiosk.issuance.abort import abort
from kiosk.issuance.change_password import change_password
from kiosk.issuance.decide import carry_out
from kiosk.issuance.failure import CaseEnded, GivenUp, Halted, Refusal, RolledBack
from kiosk.issuance.hold import resume
from kiosk.issuance.persons import AskedPassword, Persons
from kiosk.issuance.revoke import revoke
from kiosk.issuance.station import Station
from kiosk.issuance.unlock import unlock
from kiosk.model.application import Delivery
from kiosk.model.decision import Choice, Decision, DecisionKind, possible_decisions
from kiosk.model.password_service import PasswordChangeApplication, UnlockApplication
from kiosk.model.revocation import RevocationApplication, RevocationCause
from kiosk.model.transition import Stage
from kiosk.played_persons import PlayedResident
from tests.counter_bench import RESIDENT
from tests.crash.boundary import Kind, Passage, Phase
from tests.crash.invariants import AT_EVERY_INSTANT, broken
from tests.crash.office import Office, furnished
from tests.crash.people import AbsentResident, Presence
from tests.crash.plan import UNCHANGED, Change, Death, Delay, Plan, other_deaths, text_of
from tests.crash.play import Node, expand, play, was_taken_for_the_neighbours
from tests.crash.play import Stage as Scene
from tests.crash.play import set_up as plain_set_up
from tests.crash.remains import Past, Remains, examine
from tests.crash.scenario import APPLICANT, SCENARIOS, Applicant, Ending, Scenario, issue_once
from tests.crash.world import (
    NEW_PASSWORD,
    NEW_SECOND_PASSWORD,
    PASSWORDS,
    SECOND_PASSWORD,
    Image,
    World,
    first_image,
)

NUMBER = "S-1"
OLD = PASSWORDS[RESIDENT]
CHANGES = (*(Change(presence, delay) for presence, delay in product(Presence, Delay)), Change(is_next=True))
_MOST_VISITS = 3
_OPERATOR = "0123456789abcdef0123456789abcdef"


class Owner(PlayedResident):
    """The card's owner, who knows which password he typed when; of a card with two he means the second."""

    def which_password(self, statuses: Mapping[KeyUse, PinStatus]) -> KeyUse:
        """The second."""
        return KeyUse.AUTHENTICATION

    def choose_password(self, policy: PinPolicy) -> bytearray:
        """The new one."""
        return bytearray(NEW_PASSWORD.encode())

    def choose_authentication_password(self, policy: PinPolicy) -> bytearray:
        """Likewise."""
        return bytearray(NEW_SECOND_PASSWORD.encode())

    def enter_old_password(self, status: PinStatus, asked: AskedPassword) -> bytearray:
        """The one that he has had."""
        return bytearray((OLD if asked.use is KeyUse.SIGNATURE else SECOND_PASSWORD).encode())

    def enter_new_password(self, status: PinStatus, asked: AskedPassword) -> bytearray:
        """The one that he chose."""
        return bytearray((NEW_PASSWORD if asked.use is KeyUse.SIGNATURE else NEW_SECOND_PASSWORD).encode())


Serve = Callable[[Station, Persons], object]
Served = Callable[[World, Remains], Iterator[str]]
"""What is not as the person wanted it, once he was served."""


@dataclass(frozen=True)
class Service(Scenario):
    """A procedure besides the issuance: how it is begun, and what must be so in the end."""

    serve: Serve = lambda station, persons: None
    served: Served = lambda world, remains: iter(())
    policy: str = "juki-2011"
    number: str = NUMBER

    def start(self, world: World, applicant: Applicant, presence: Presence = Presence.SAME) -> Ending:
        """One start of the station; whoever comes in between has a certificate issued."""
        if applicant is not APPLICANT:
            return issue_once(world, applicant, presence)
        station = world.start_terminal(Delivery.TERMINAL)
        persons = _persons(world, self.number, presence)
        try:
            self.serve(station, persons)
        except Halted as halted:
            # The leave has run out, and the card does not know the password: the clerk ends it, and begins anew.
            if halted.code == "K-CASE-001":
                return self._end(world, station, persons)
            return Ending("halted", halted.code)
        except CaseEnded as ended:
            return Ending(_WORDS[type(ended)], ended.code)
        return Ending("closed", self.number)

    def _end(self, world: World, station: Station, persons: Persons) -> Ending:
        record = station.journal.latest_case(self.number)
        assert record is not None
        ended = abort(record, station, persons)
        return Ending(_WORDS[type(ended)], ended.code)


class TwoCertificates(Service):
    """An issuance to a card of two keys."""

    def start(self, world: World, applicant: Applicant, presence: Presence = Presence.SAME) -> Ending:
        """One start of the station, as in the other issuances."""
        return issue_once(world, applicant, presence, self.delivery)


_WORDS: dict[type[CaseEnded], str] = {
    Refusal: "refused",
    RolledBack: "rolled_back",
    Halted: "halted",
    GivenUp: "given_up",
}


def _persons(world: World, number: str, presence: Presence) -> Persons:
    persons = world.persons(number, RESIDENT, presence)
    if isinstance(persons.resident, AbsentResident):
        return persons
    return replace(persons, resident=Owner(RESIDENT, OLD, world.hands["terminal"], world.hands["window"]))


class ServiceStage(Scene):
    """A stage on which a certificate may be revoked as soon as the authority was asked to."""

    def examine(self, image: Image) -> Remains:
        """What an image shows."""
        remains = examine(image, self.past)
        asked = {
            outcome["serial"]
            for case in remains.store.cases
            if "revocation" in case.effects and (outcome := case.outcome("revocation_application"))
        }
        return replace(remains, past=replace(self.past, revoked=self.past.revoked | asked))


def _with_two_certificates(office: Office) -> tuple[Image, Past]:
    """The same of a card with two keys, whose second password was typed wrong once."""
    world = World(office, first_image(office), Passage(), office.folder())
    issue_once(world, Applicant(RESIDENT, "before-1"))
    _tries(world, "0000", KeyUse.AUTHENTICATION)
    world.end_terminal()
    image = world.image()
    world.close()
    return image, Past(is_mistyped=True)


def _with_a_certificate(office: Office) -> tuple[Image, Past]:
    """A station at work, and a resident with a valid certificate, who has typed his password wrong once."""
    world = World(office, first_image(office), Passage(), office.folder())
    issue_once(world, Applicant(RESIDENT, "before-1"))
    _tries(world, "Wrong1234")
    world.end_terminal()
    image = world.image()
    world.close()
    return image, Past(is_mistyped=True)


def _tries(world: World, password: str, use: KeyUse = KeyUse.SIGNATURE) -> bool:
    """Whether the card has this password, as whoever holds it can find out."""
    station = world.start_terminal(Delivery.TERMINAL)
    world.place_card(RESIDENT)
    try:
        with station.reader.session() as session:
            session.verify_pin(bytearray(password.encode()), use)
    except (PinRefused, PinLocked):
        return False
    finally:
        world.place_card(None)
    return True


def _left(stage: str) -> Callable[[Office], tuple[Image, Past]]:
    """An issuance interrupted in this stage, as far on as can be: its next act is done, and nobody has heard of it."""

    def prepare(office: Office) -> tuple[Image, Past]:
        issuance = plain_set_up(office, SCENARIOS["first"])
        images = [image for _, image in expand(issuance, Node(issuance.image)).images]
        return [image for image in images if _stage_in(image) == stage][-1], Past()

    return prepare


def _stage_in(image: Image) -> str:
    return next((case.stage for case in examine(image, Past()).store.cases), "")


def _decide(kind: DecisionKind) -> Serve:
    """The clerk at his own station decides about the case, unless it is so already, and the terminal carries it out."""

    def serve(station: Station, persons: Persons) -> None:
        record = station.journal.latest_case(APPLICANT.number)
        assert record is not None
        if record.stage is Stage.ON_HOLD or kind not in possible_decisions(record.stage):
            return
        tomorrow = station.today() + datetime.timedelta(days=1)
        choice = Choice(record.pseudonym, kind, tomorrow)
        told = carry_out(Decision(choice, record.number, record.stage, "demo", _OPERATOR), station, persons)
        if not told.is_done:
            raise Halted(told.code)

    return serve


def _is_taken_back(world: World, remains: Remains) -> Iterator[str]:
    """Nothing of it is left in the world, and he gets his certificate when he comes again."""
    latest = [case for case in remains.store.cases if case.number == APPLICANT.number][-1]
    if latest.stage not in ("rolled_back", "refused", "on_hold"):
        yield f"the case is {latest.stage}"
    # Whoever came between has a certificate of his own.
    others = {
        pending["serial"]
        for case in remains.store.cases
        if case.number != APPLICANT.number and (pending := case.outcome("certify"))
    }
    its = [certificate for certificate in remains.books.certificates if certificate.serial not in others]
    if any(certificate.state != "revoked" for certificate in its):
        yield "a certificate of it is not revoked"
    if remains.image.till.get(APPLICANT.number):
        yield "his money is still in the till"
    if latest.stage == "on_hold":
        world.now += datetime.timedelta(days=1)
        resume(APPLICANT.number, world.start_terminal(Delivery.TERMINAL))
    ending = issue_once(world, APPLICANT)
    if ending.word != "closed":
        yield f"when he comes again for his certificate it is {ending}"


def _has_both(world: World, remains: Remains) -> Iterator[str]:
    """Both certificates are valid and in the card that he filed for, and no others of his are."""
    his = [case for case in remains.store.cases if case.number == APPLICANT.number]
    serials = {certified["serial"] for case in his if (certified := case.outcome("certify"))}
    # Not the first of all: the neighbour may have been served before him.
    person = next((c.person for c in remains.books.certificates if c.serial in serials), None)
    # Not his own card where a stranger's lay in the terminal before anything was filed: he filed for that one.
    filed = next((case.outcome("application")["card_number"] for case in his if case.stage == "closed"), None)
    card = next((card for card in remains.cards.values() if card.number == filed), remains.cards[RESIDENT])
    for valid, held in (
        (remains.books.certificates, card.certificate),
        (remains.books.seconds, card.second_certificate),
    ):
        mine = [c.der for c in valid if c.state == "good" and c.person == person]
        if mine != [held]:
            yield f"{len(mine)} certificates of one kind are valid, or another than the card's"


def _has_the_new_password(world: World, remains: Remains) -> Iterator[str]:
    if not _tries(world, NEW_PASSWORD):
        yield "the card does not have the password that its owner chose"
    (certificate,) = [c for c in remains.books.certificates if c.state == "good" and c.person == _person(remains)]
    if remains.cards[RESIDENT].certificate != certificate.der:
        yield "the card has lost its certificate"


def _has_the_new_second_password(world: World, remains: Remains) -> Iterator[str]:
    if not _tries(world, NEW_SECOND_PASSWORD, KeyUse.AUTHENTICATION):
        yield "the card does not have the second password that its owner chose"
    if not _tries(world, OLD.upper()):
        yield "the card has lost its first password"


def _person(remains: Remains) -> bytes:
    """Whom the first certificate is of."""
    return remains.books.certificates[0].person


def _is_revoked(world: World, remains: Remains) -> Iterator[str]:
    mine = [c for c in remains.books.certificates if c.person == _person(remains)]
    if [(c.state, c.reason) for c in mine] != [("revoked", "cessationOfOperation")]:
        yield f"the certificate is {[(c.state, c.reason) for c in mine]}"
    for case in remains.store.cases:
        emptied = case.outcome("revocation_empty_card")
        is_kept = remains.cards[RESIDENT].key and not was_taken_for_the_neighbours(remains)
        if emptied and emptied["is_emptied"] and is_kept:
            yield "the card is said to be empty, and has its key"
    notices = sum("失効のお知らせ" in text for text in remains.papers)
    if notices > 1:
        yield f"{notices} papers say that it is revoked"


def _change(station: Station, persons: Persons) -> object:
    return change_password(PasswordChangeApplication(NUMBER), station, persons, lambda _: None)


def _unlock(station: Station, persons: Persons) -> object:
    return unlock(UnlockApplication(NUMBER, RESIDENT), station, persons, lambda _: None)


_REVOCATION = RevocationApplication(NUMBER, RESIDENT, RevocationCause.WITHDRAWN, has_card=True)

SERVICES = {
    service.name: service
    for service in (
        *(
            TwoCertificates(
                f"issue-two-{delivery}",
                lambda office: (first_image(office), Past()),
                delivery=delivery,
                served=_has_both,
                policy="myna-2016",
                number=APPLICANT.number,
            )
            for delivery in Delivery
        ),
        Service(
            "change",
            _with_a_certificate,
            serve=_change,
            served=_has_the_new_password,
        ),
        Service(
            "unlock",
            _with_a_certificate,
            serve=_unlock,
            served=_has_the_new_password,
        ),
        *(
            Service(
                f"{name}-second",
                _with_two_certificates,
                serve=serve,
                served=_has_the_new_second_password,
                policy="myna-2016",
            )
            for name, serve in (("change", _change), ("unlock", _unlock))
        ),
        Service(
            "revoke",
            _with_a_certificate,
            serve=lambda station, persons: revoke(_REVOCATION, station, persons, lambda _: None),
            served=_is_revoked,
        ),
        *(
            Service(
                f"{name}-{stage}", _left(stage), serve=_decide(kind), served=_is_taken_back, number=APPLICANT.number
            )
            for name, kind in (("end", DecisionKind.ABORT), ("put-off", DecisionKind.HOLD))
            for stage in ("pending", "delivered")
        ),
    )
}


def set_up(office: Office, service: Service) -> ServiceStage:
    """Prepares a service."""
    return ServiceStage(office, service, *service.prepare(office))


def deaths(stage: Scene, changes: Sequence[Change] = (UNCHANGED,)) -> list[Plan]:
    """Every way in which one process can end, or the card be pulled, once; the terminal's with each of the changes."""
    points = expand(stage, Node(stage.image), with_images=False).points
    mine = [(Death(point, change=change),) for point in points if point.kind is not Kind.CLERK for change in changes]
    return mine + [(death,) for death in other_deaths(points) if death.point.phase is not Phase.WITHIN]


def found_by(stage: Scene, plan: Plan) -> list[str]:
    """What a plan breaks, up to the moment at which the person has come again, and was served."""
    service = stage.scenario
    assert isinstance(service, Service)
    played = play(stage, plan)
    found = [text for _, text in played.broken]
    with stage.world(played.rest) as world:
        ending = Ending("", "")
        for _ in range(_MOST_VISITS):
            world.take_out(RESIDENT)
            ending = service.start(world, APPLICANT)
            if ending.word == "closed":
                break
        world.end_terminal()
        remains = stage.examine(world.image())
        found += broken(AT_EVERY_INSTANT, remains)
        # A card that was taken for a neighbour's is his now.
        if ending.text != "E06" or not was_taken_for_the_neighbours(remains):
            if ending.word != "closed":
                found.append(f"served: when he comes again it is {ending}")
            found += (f"served: {text}" for text in service.served(world, remains))
        if any(NEW_PASSWORD.encode() in content for content in (remains.image.store, remains.image.store_journal)):
            found.append("no_password_is_in_any_file: the new one is")
    return found


def explore(stage: Scene, plans: Sequence[Plan], tell: Callable[[str], None]) -> Counter[str]:
    """Plays plans; how often each rule was broken."""
    rules: Counter[str] = Counter()
    for plan in plans:
        for text in found_by(stage, plan):
            rule = text.partition(":")[0]
            rules[rule] += 1
            if rules[rule] == 1:
                tell(f'{stage.scenario.name}: broken by "{text_of(plan)}": {text}')
    return rules


def main(words: Sequence[str] | None = None) -> int:
    """Explores every service; not 0 when something broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.services", description=__doc__)
    parser.add_argument("--service", choices=list(SERVICES), help="only this one (default: all)")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth plan (default 1)")
    parser.add_argument("--changes", action="store_true", help="with every change of card, people and time")
    options = parser.parse_args(words)
    total: Counter[str] = Counter()
    for name in [options.service] if options.service else SERVICES:
        with furnished(SERVICES[name].policy) as office:
            began_s = time.monotonic()
            stage = set_up(office, SERVICES[name])
            plans = deaths(stage, CHANGES if options.changes else (UNCHANGED,))[:: options.every]
            rules = explore(stage, plans, lambda text: print(text, flush=True))
            total += rules
            taken_s = time.monotonic() - began_s
            print(f"{name}: plans {len(plans):,}, violations {rules.total()}, {taken_s:.0f} s", flush=True)
    return int(bool(total))


if __name__ == "__main__":
    sys.exit(main())

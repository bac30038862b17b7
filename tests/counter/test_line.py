"""A question reaches the one who is asked, and nobody else; what was begun and not answered is not begun again."""

import datetime
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from kiosk.authority.client import AuthorityClient
from kiosk.authority.credential import Credential, CredentialFile, load_credential
from kiosk.authority.credential_renewal import renew_credential
from kiosk.authority.embedded.directory import add_station, open_authority
from kiosk.authority.embedded.generation import roll_over
from kiosk.authority.embedded.server import application
from kiosk.counter.line import Line, LineLost, Question, QuestionState, StationUnknown
from kiosk.journal.database import open_database
from tests.asgi_line import AsgiLine
from tests.counter.two_stations import WINDOW, TwoStations, two_stations
from tests.counter_bench import World
from tests.issuance.rest import new_world
from tests.stores import Store


@pytest.fixture
def town(tmp_path: Path, fresh_authority: Path, store: Store) -> TwoStations:
    world: World = new_world(tmp_path, fresh_authority, store)
    return two_stations(world)


def patient(_: QuestionState) -> None:
    """Waits as long as it takes."""


class Asker(threading.Thread):
    """Asks once, and keeps what came."""

    def __init__(self, line: Line, body: bytes = b"how much?") -> None:
        super().__init__(daemon=True)
        self.line, self.body = line, body
        self.answer: bytes | None = None
        self.lost: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.answer = self.line.ask(WINDOW, "count", self.body, patient)
        except (LineLost, StationUnknown) as lost:
            self.lost = lost


def rows(town: TwoStations) -> list[tuple[str, str]]:
    with open_database(town.world.database_url).read() as transaction:
        return [(row.kind, row.state) for row in transaction.run("SELECT kind, state FROM questions")]


def until_asked(line: Line) -> Question:
    with line.watching() as wait:
        while (question := line.begin_next()) is None:
            wait(60)
    return question


def test_an_answer_comes_to_whoever_asked_and_leaves_nothing_behind(town: TwoStations) -> None:
    window, terminal = town.line(WINDOW), town.line("demo")
    asker = Asker(terminal)
    question = until_asked(window)
    assert (question.asker, question.kind, question.body) == ("demo", "count", b"how much?")
    assert rows(town) == [("count", "begun")]
    window.answer(question, b"500 yen")
    asker.join()
    assert (asker.answer, asker.lost) == (b"500 yen", None)
    assert rows(town) == []
    assert window.begin_next() is None


def test_neither_question_nor_answer_can_be_read_in_the_store(town: TwoStations) -> None:
    window, terminal = town.line(WINDOW), town.line("demo")
    asker = Asker(terminal, "幌延　太郎".encode())
    question = until_asked(window)
    window.answer(question, "下沼２６０番地".encode())
    asker.join()
    assert asker.answer == "下沼２６０番地".encode()
    for stored in town.world.stored():
        assert "太郎".encode() not in stored and "下沼".encode() not in stored


def test_questions_are_answered_in_their_order(town: TwoStations) -> None:
    window = town.line(WINDOW)
    terminal = town.line("demo")
    askers = []
    for number in range(3):
        askers.append(Asker(terminal, str(number).encode()))
        with window.watching() as wait:
            while len(rows(town)) <= number:
                wait(60)
    for _ in askers:
        question = until_asked(window)
        window.answer(question, question.body)
    for number, asker in enumerate(askers):
        asker.join()
        assert asker.answer == str(number).encode()


def test_what_was_begun_and_not_answered_is_lost_and_not_begun_again(town: TwoStations) -> None:
    window = town.line(WINDOW)
    asker = Asker(town.line("demo"))
    until_asked(window)
    again = town.line(WINDOW)
    asker.join()
    assert isinstance(asker.lost, LineLost)
    assert again.begin_next() is None


def test_what_was_not_begun_waits_for_a_station_that_starts_anew(town: TwoStations) -> None:
    town.line(WINDOW)
    asker = Asker(town.line("demo"))
    window = town.line(WINDOW)
    window.answer(until_asked(window), b"yes")
    asker.join()
    assert asker.answer == b"yes"


def test_whoever_gives_up_takes_his_question_away(town: TwoStations) -> None:
    window, terminal = town.line(WINDOW), town.line("demo")

    class Tired(Exception):
        pass

    def give_up(state: QuestionState) -> None:
        raise Tired

    with pytest.raises(Tired):
        terminal.ask(WINDOW, "count", b"", give_up)
    assert rows(town) == [] and window.begin_next() is None


def test_a_terminal_that_starts_anew_asks_nothing_of_before(town: TwoStations) -> None:
    window = town.line(WINDOW)
    asker = Asker(town.line("demo"))
    question = until_asked(window)
    town.line("demo")
    window.answer(question, b"too late")
    asker.join()
    assert isinstance(asker.lost, LineLost) and rows(town) == []


def test_nobody_is_spoken_to_whom_the_authority_does_not_know(town: TwoStations) -> None:
    terminal = town.line("demo")
    with pytest.raises(StationUnknown, match="has not told its key"):
        terminal.ask(WINDOW, "count", b"", patient)
    town.line(WINDOW)
    for change in (
        "public_key = (SELECT public_key FROM stations WHERE name = 'demo')",
        "signature = (SELECT signature FROM stations WHERE name = 'demo')",
        "certificate = (SELECT certificate FROM stations WHERE name = 'demo'), "
        "signature = (SELECT signature FROM stations WHERE name = 'demo'), "
        "public_key = (SELECT public_key FROM stations WHERE name = 'demo')",
        "certificate = signature",
    ):
        with open_database(town.world.database_url).write() as transaction:
            transaction.run(f"UPDATE stations SET {change} WHERE name = 'window'")
        with pytest.raises(StationUnknown, match="vouched for"):
            terminal.ask(WINDOW, "count", b"", patient)
        town.line(WINDOW)


def test_a_row_that_was_moved_or_changed_is_from_nobody(town: TwoStations) -> None:
    window, terminal = town.line(WINDOW), town.line("demo")
    for change in ("kind = 'fee'", "asker = 'window'", "id = 'other'"):
        asker = Asker(terminal)
        with window.watching() as wait:
            while not rows(town):
                wait(60)
        with open_database(town.world.database_url).write() as transaction:
            transaction.run(f"UPDATE questions SET {change}")
        assert window.begin_next() is None
        asker.join()
        assert isinstance(asker.lost, LineLost)
        with open_database(town.world.database_url).write() as transaction:
            transaction.run("DELETE FROM questions")


def test_a_question_is_noticed_without_looking_for_it_again_and_again(town: TwoStations) -> None:
    window = town.line(WINDOW)
    terminal = town.line("demo")
    with window.watching() as wait:
        asker = Asker(terminal)
        wait(60)  # ends by the question, and not by its time
        question = window.begin_next()
        while question is None:
            wait(60)
            question = window.begin_next()
        window.answer(question, b"")
    asker.join(60)
    assert asker.answer == b""


def issued_again(town: TwoStations, station: str) -> Credential:
    """A station's credential as a renewal leaves it: another key, another certificate, in the same file."""
    authority, now = town.world.authority, town.world.now
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = authority.profiles.station(station, key.public_key(), authority.new_serial(), now)
    renewed = Credential(key, certificate, town.credentials[station].chain)
    path = town.world.authority_directory / "stations" / f"{station}.pem"
    fresh = path.with_suffix(".next")
    fresh.write_bytes(renewed.encode())
    fresh.replace(path)
    return renewed


def test_a_running_station_tells_its_renewed_credential(town: TwoStations) -> None:
    """Without that every line to it would be lost when the old one ends."""
    path = town.world.authority_directory / "stations" / f"{WINDOW}.pem"
    first = town.credentials[WINDOW].certificate
    window = town.line(WINDOW, renewed=CredentialFile(path).renewed)
    town.world.now = first.not_valid_after_utc - datetime.timedelta(days=1)
    town.credentials["demo"] = issued_again(town, "demo")
    terminal = town.line("demo")
    assert terminal.escrow_to(WINDOW) is not None
    renewed = issued_again(town, WINDOW)
    assert window.begin_next() is None
    with open_database(town.world.database_url).read() as transaction:
        row = transaction.run("SELECT certificate FROM stations WHERE name = 'window'").one()
    assert bytes(row.certificate) == renewed.certificate.public_bytes(Encoding.DER)
    town.world.now = first.not_valid_after_utc + datetime.timedelta(days=1)
    assert terminal.escrow_to(WINDOW) is not None
    asker = Asker(terminal)
    window.answer(until_asked(window), b"500 yen")
    asker.join()
    assert asker.answer == b"500 yen"


def test_a_credential_that_ended_is_told_by_its_own_words(town: TwoStations) -> None:
    town.line(WINDOW)
    terminal = town.line("demo")
    certificate = town.credentials[WINDOW].certificate
    town.world.now = certificate.not_valid_after_utc + datetime.timedelta(seconds=1)
    ended = f"credential of station window ended at {certificate.not_valid_after_utc:%Y-%m-%d}"
    with pytest.raises(StationUnknown, match=ended):
        terminal.ask(WINDOW, "count", b"", patient)
    town.world.now = certificate.not_valid_before_utc - datetime.timedelta(seconds=1)
    with pytest.raises(StationUnknown, match="begins at"):
        terminal.ask(WINDOW, "count", b"", patient)


def test_a_renewal_that_cannot_be_read_leaves_what_was_told(town: TwoStations) -> None:
    path = town.world.authority_directory / "stations" / f"{WINDOW}.pem"
    window = town.line(WINDOW, renewed=CredentialFile(path).renewed)
    path.write_text("half a cred")
    assert window.begin_next() is None
    path.unlink()
    assert window.begin_next() is None
    assert town.line("demo").escrow_to(WINDOW) is not None


def test_a_renewed_station_and_one_that_was_added_after_a_rollover_know_each_other(town: TwoStations) -> None:
    """One of before that was not renewed does not believe the later one; the later one believes it."""
    directory = town.world.authority_directory
    roll_over(directory, town.world.authority, None)
    after = open_authority(directory, lambda: town.world.now)
    town.credentials["later"] = load_credential(add_station(directory, after, "later"))
    path = directory / "stations" / f"{WINDOW}.pem"
    window = town.line(WINDOW, renewed=CredentialFile(path).renewed)
    later = town.line("later")
    assert later.escrow_to(WINDOW) is not None
    assert window.escrow_to("later") is None
    line = AsgiLine(application(after))
    renew_credential(
        path, lambda own: AuthorityClient("http://authority", own, own.chain, clock=after.clock, line=line)
    )
    assert window.begin_next() is None, "looks at what lies there now"
    assert window.escrow_to("later") is not None and later.escrow_to(WINDOW) is not None
    asker = Asker(later)
    window.answer(until_asked(window), b"500 yen")
    asker.join()
    assert asker.answer == b"500 yen"
    after.store.close()

"""What a station is put together from: every part that cannot be used is refused by file and reason."""

import os
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from hw.data_folder import DataInUse, hold_data
from hw.strict_toml import ConfigInvalid
from kiosk.assembly import Assembly, Endpoint, open_desk, open_station
from kiosk.authority.credential import Credential, load_credential
from kiosk.authority.embedded.directory import init
from kiosk.config import SHIPPED, load_config
from kiosk.counter.desk import Desk
from kiosk.counter.line import load_line_key
from kiosk.counter.till import Till
from kiosk.journal.database import open_database
from kiosk.journal.escrow import EscrowTo
from kiosk.journal.head import HeadKey
from kiosk.journal.journal import Journal
from kiosk.journal.seal import StationKey
from kiosk.model.step import Step
from kiosk.model.transition import Stage
from kiosk.papers.catalogue import blank, town_words
from kiosk.procedures import NobodyAtDesk
from tests.counter_bench import START
from tests.journal.walked_case import walk


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("assembly") / "authority"
    init(directory, SHIPPED / "policy" / "juki-2011.toml", load_config(SHIPPED / "kiosk.toml", []).town, lambda: START)
    return directory


def opening(data: Path, credential: Path) -> AbstractContextManager[Assembly]:
    return open_station(load_config(SHIPPED / "kiosk.toml", []), data, Endpoint("http://127.0.0.1:9", credential))


def test_a_station_opens(tmp_path: Path, authority: Path) -> None:
    with opening(tmp_path, authority / "stations" / "demo.pem") as assembly:
        assert assembly.station.name == "demo"


@pytest.mark.parametrize(("language", "town"), [("ja", "北海道幌延町"), ("en", "Horonobe-cho, Hokkaido")])
def test_its_papers_name_the_town_in_their_language_and_its_telephone(
    tmp_path: Path, authority: Path, language: str, town: str
) -> None:
    config = load_config(SHIPPED / "kiosk.toml", [("receipt.language", language), ("town.telephone", "01632-5-0000")])
    filled = dict.fromkeys(("number", "date", "return_date", "clerk", "paid_yen"), "")
    with open_station(config, tmp_path, Endpoint("http://127.0.0.1:9", authority / "stations" / "demo.pem")) as opened:
        slip = opened.station.printer.render(opened.station.roll_paper("hold", filled, ()), "0001").preview
    assert town in slip and "01632-5-0000" in slip


def test_a_credential_without_its_issuer_is_refused(tmp_path: Path, authority: Path) -> None:
    whole, path = load_credential(authority / "stations" / "demo.pem"), tmp_path / "alone.pem"
    path.write_bytes(Credential(whole.key, whole.certificate).encode())
    with (
        pytest.raises(ConfigInvalid, match=r"alone\.pem: the issuer's certificate is missing"),
        opening(tmp_path, path),
    ):
        pass


def test_a_damaged_station_key_is_refused_and_left_as_it_is(tmp_path: Path, authority: Path) -> None:
    (tmp_path / "station.key").write_bytes(b"short")
    with (
        pytest.raises(ConfigInvalid, match=rf"^{tmp_path}/station\.key: a key has 32 bytes"),
        opening(tmp_path, authority / "stations" / "demo.pem"),
    ):
        pass
    assert (tmp_path / "station.key").read_bytes() == b"short"


def test_a_credential_that_is_not_there_is_named_once(tmp_path: Path) -> None:
    path = tmp_path / "nope.pem"
    with pytest.raises(ConfigInvalid, match=f"^{path}: No such file or directory$"), opening(tmp_path, path):
        pass


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file or directory$"),
        (b"", "not a clerk's key: no PEM"),
        (b"\xff", "not a clerk's key: no PEM"),
    ],
)
def test_a_clerks_key_that_is_none_is_named_once(
    content: bytes | None, told: str, tmp_path: Path, authority: Path
) -> None:
    path = tmp_path / "clerk.pem"
    if content is not None:
        path.write_bytes(content)
    config = load_config(SHIPPED / "kiosk.toml", [("clerk.key", str(path))])
    endpoint = Endpoint("http://127.0.0.1:9", authority / "stations" / "demo.pem")
    with (
        pytest.raises(ConfigInvalid, match=f"^{path}: clerk\\.key: {told}"),
        open_station(config, tmp_path, endpoint),
    ):
        pass


def test_the_data_directory_is_the_owners_only_and_one_process_holds_it(tmp_path: Path) -> None:
    with hold_data(tmp_path / "data"):
        assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
        with pytest.raises(DataInUse), hold_data(tmp_path / "data"):
            pass


def test_a_data_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o750)
    with hold_data(tmp_path / "shared"):
        assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o750


def test_a_clerks_station_reads_at_its_own_counter_what_its_terminals_have_sealed_to_it(
    tmp_path: Path, authority: Path
) -> None:
    key = load_line_key(tmp_path / "line.key", os.urandom)
    terminal = Journal(
        open_database(f"sqlite:///{tmp_path / 'kiosk.db'}"),
        "terminal",
        StationKey(bytes(32)),
        lambda: START,
        head_key=HeadKey(bytes(32)),
        escrow_to=lambda: EscrowTo("demo", key.public),
    )
    case = walk(terminal, terminal.open_case("1", b"{}"), Stage.FILED, b"{}")
    case = terminal.complete(case, Step.IDENTITY_CHECK, b"{}", person="ab")
    case = walk(terminal, case, Stage.CLOSED, b"its record")
    with opening(tmp_path, authority / "stations" / "demo.pem") as assembly:
        journal = assembly.station.journal
        (found,) = journal.closed_cases_of("ab")
        assert found.seal.elsewhere is None
        read = journal.effect(found, Step.CLOSED)
        assert read is not None and read.outcome == b"its record"


def test_a_key_is_not_made_anew_beside_a_journal_that_the_clerks_station_wrote(tmp_path: Path, authority: Path) -> None:
    def desk() -> AbstractContextManager[Desk]:
        endpoint = Endpoint("http://127.0.0.1:1", authority / "stations" / "demo.pem")
        return open_desk(load_config(SHIPPED / "kiosk.toml", []), tmp_path, endpoint, lambda _, __: NobodyAtDesk())

    with desk() as opened:
        Till(opened.journal).move("lobby", "1", 1000)
    with desk():
        pass
    (tmp_path / "head.key").unlink()
    with pytest.raises(ConfigInvalid, match=r"head\.key"), desk():
        pass


@pytest.mark.parametrize(
    ("language", "office"),
    [("ja", {"住民生活課", "幌延町", "北海道"}), ("en", {"Residents' Section", "Horonobe-cho", "Hokkaido"})],
)
def test_its_papers_name_the_department_that_answers(language: str, office: set[str]) -> None:
    words = town_words(load_config(SHIPPED / "kiosk.toml", []).town, language)
    assert office <= set(words.values())
    for paper in ("certificate_copy", "inquiry", "password_sheet", "refusal"):
        values, _ = blank(paper, language)
        assert "department" in values and "department" in words

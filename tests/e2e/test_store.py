"""`kiosk drill` and `kiosk journal` on a PostgreSQL server that comes and goes."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.model.step import Step
from tests.e2e.commands import APPLICATION, lines, run
from tests.postgres import Server, Template


@pytest.fixture
def server(postgresql: Template) -> Iterator[Server]:
    with postgresql.server(fsync="off") as started:
        yield started


def test_a_drill_on_postgresql_is_issued_recorded_and_not_done_again(tmp_path: Path, server: Server) -> None:
    store = ["--data", tmp_path, "--set", f"store.url={server.url()}"]
    done = run("drill", APPLICATION, "--json", *store)
    assert done.returncode == 0, done.stderr
    assert [line["step"] for line in lines(done.stdout)] == [step.value for step in Step]
    assert not (tmp_path / "kiosk.db").exists()
    verified = run("journal", "verify", *store)
    assert (verified.returncode, "chain holds\n" in verified.stdout) == (0, True)

    server.stop()
    for words in (["drill", APPLICATION], ["journal", "show"]):
        refused = run(*words, *store)
        assert (refused.returncode, refused.stdout) == (70, "")
        assert "nothing was written" in refused.stderr
        assert "Traceback" not in refused.stderr

    server.start()
    again = run("drill", APPLICATION, "--json", *store)
    assert lines(again.stdout)[-1] == lines(done.stdout)[-1]


@pytest.mark.parametrize("position", [9])
def test_a_drill_that_loses_its_server_says_so_and_is_finished_by_the_next_start(
    tmp_path: Path, server: Server, position: int
) -> None:
    drill = ["drill", APPLICATION, "--json", "--data", tmp_path, "--set", f"store.url={server.url()}"]
    with subprocess.Popen(
        [sys.executable, "-m", "kiosk", *map(str, drill)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        for _ in range(position):
            process.stdout.readline()
        server.crash()
        told = process.stderr.read()
    assert process.returncode == 70
    assert "the store failed" in told
    assert "Traceback" not in told

    server.start()
    done = run(*drill)
    assert done.returncode == 0, done.stderr
    assert lines(done.stdout)[-1]["step"] == "closed"
    assert sum(bool(line.get("resumed")) for line in lines(done.stdout)) >= position


@pytest.mark.parametrize("url", ["postgresql://u@/x", "kiosk.db"])
def test_a_url_that_is_no_store_is_a_configuration_error(tmp_path: Path, url: str) -> None:
    refused = run("journal", "show", "--data", tmp_path, "--set", f"store.url={url}")
    assert (refused.returncode, refused.stdout) == (78, "")
    assert "store" in refused.stderr
    assert "Traceback" not in refused.stderr

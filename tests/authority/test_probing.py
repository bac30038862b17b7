"""What becomes of a certificate until it is confirmed is found out, once, and nothing valid is left of trying."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from authority_desk import URL, Desk
from test_holding_client import WithoutPending

from kiosk.authority.embedded.responder import Responder
from kiosk.authority.errors import AuthorityRejected, AuthorityUnreachable
from kiosk.authority.holding import HoldingClient
from kiosk.authority.http import Line
from kiosk.authority.message import BodyKind
from kiosk.authority.probing import AuthorityCannotHold, Pending, find_pending
from kiosk.model.certificate import BookedState, RevocationReason, serial_text
from tests.httpx_line import HandlerLine


def client_over(desk: Desk, line: Line, url: str = URL) -> HoldingClient:
    return HoldingClient(url, desk.station, (desk.issuer,), clock=desk.clock, line=line, pause=desk.pause)


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "authority-pending.json"


def not_revoked(desk: Desk) -> set[str]:
    with desk.authority.store.read(desk.clock.now) as books:
        rows = books._run(
            "SELECT serial FROM certificate WHERE profile = 'plain' AND state <> ?", BookedState.REVOKED.value
        )
    return {row.serial for row in rows}


def test_our_own_authority_says_it(desk: Desk, memory: Path) -> None:
    client = client_over(desk, desk.client._endpoint._line)
    assert find_pending(client, memory) is Pending.HELD
    assert not not_revoked(desk), "nothing was asked for"


def test_another_one_is_tried_out_once(desk: Desk, memory: Path) -> None:
    line = WithoutPending(desk)
    assert find_pending(client_over(desk, line), memory) is Pending.NONE
    assert line.requests == [BodyKind.GENM, BodyKind.CR, BodyKind.RR, BodyKind.CERT_CONF, BodyKind.RR]
    assert not not_revoked(desk)
    assert find_pending(client_over(desk, line), memory) is Pending.NONE
    assert len(line.requests) == 5, "it is remembered"


def test_what_is_remembered_is_of_one_authority(desk: Desk, memory: Path) -> None:
    line = WithoutPending(desk)
    find_pending(client_over(desk, line), memory)
    find_pending(client_over(desk, line, "http://other.test"), memory)
    assert line.requests.count(BodyKind.CR) == 2


def test_a_memory_that_cannot_be_read_is_none(desk: Desk, memory: Path) -> None:
    memory.write_text("{")
    assert find_pending(client_over(desk, desk.client._endpoint._line), memory) is Pending.HELD


@pytest.mark.parametrize("how", [{"refuses": "notAuthorized"}, {"ignores": True}])
def test_an_authority_that_cannot_hold_is_found_out_before_any_resident(
    desk: Desk, memory: Path, how: dict[str, object]
) -> None:
    with pytest.raises(AuthorityCannotHold):
        find_pending(client_over(desk, WithoutPending(desk, **how)), memory)
    assert not memory.exists()


def test_an_authority_that_lets_nobody_try_is_looked_at_with_each_certificate(desk: Desk, memory: Path) -> None:
    class Line(WithoutPending):
        def _answer(self, body: bytes) -> bytes:
            if self.requests[-1] != BodyKind.CR:
                return super()._answer(body)
            return Responder(unwilling).respond(body)

    unwilling = dataclasses.replace(desk.authority, is_training=False)
    assert find_pending(client_over(desk, Line(desk)), memory) is None
    assert not memory.exists()


def test_whoever_is_not_heard_finds_out_nothing(desk: Desk, memory: Path, down: Callable[[], Line]) -> None:
    with pytest.raises(AuthorityUnreachable):
        find_pending(client_over(desk, down()), memory)
    with desk.authority.store.write(desk.clock.now) as books:
        books.revoke(serial_text(desk.station.certificate.serial_number), RevocationReason.SUPERSEDED, "gone")
    with pytest.raises(AuthorityRejected):
        find_pending(client_over(desk, desk.client._endpoint._line), memory)


@pytest.fixture
def down() -> Callable[[], Line]:
    def fail(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    return lambda: HandlerLine(fail)

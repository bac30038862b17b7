"""A station's own credential: renewed, also when it was interrupted anywhere, and warned of in time."""

import datetime
from pathlib import Path

import httpx
import pytest
from authority_desk import URL, Desk

from kiosk.authority.client import AuthorityClient
from kiosk.authority.credential import WARNED_DAYS, Credential, load_credential
from kiosk.authority.credential_renewal import renew_credential
from kiosk.authority.embedded.server import application
from kiosk.authority.errors import AuthorityOutcomeUnknown, AuthorityRejected
from kiosk.authority.message import parse_message
from tests.asgi_line import AsgiLine


class Line(httpx.BaseTransport):
    """The way to the authority, which is cut after so many answers were made: the last one is lost."""

    def __init__(self, desk: Desk, answers: int = 1_000) -> None:
        self._served = AsgiLine(application(desk.authority))
        self._left = answers
        self.kinds: list[int] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        if request.url.path != "/ocsp":
            self.kinds.append(parse_message(body).kind)
        response = self._served.handle_request(request)
        self._left -= 1
        if self._left < 0:
            raise httpx.RemoteProtocolError("cut", request=request)
        return response


@pytest.fixture
def path(desk: Desk) -> Path:
    return desk.directory / "stations" / "demo.pem"


def renew(desk: Desk, path: Path, line: Line) -> Credential:
    return renew_credential(
        path, lambda own: AuthorityClient(URL, own, (desk.issuer,), clock=desk.clock, transport=line, pause=desk.pause)
    )


def test_the_file_holds_the_new_credential(desk: Desk, path: Path) -> None:
    old = load_credential(path)
    desk.clock.advance(days=700)
    new = renew(desk, path, Line(desk))
    held = load_credential(path)
    assert held.certificate == new.certificate != old.certificate
    assert held.certificate.subject == old.certificate.subject and held.key.public_key() != old.key.public_key()
    assert path.stat().st_mode & 0o777 == 0o600
    assert {file.name for file in path.parent.iterdir()} == {"demo.pem"}
    desk.station = held
    desk.serve(desk.authority)
    desk.confirmed()


@pytest.mark.parametrize("answers", range(5))
def test_an_interruption_is_made_up_for(desk: Desk, path: Path, answers: int) -> None:
    old = load_credential(path)
    line = Line(desk, answers)
    try:
        renew(desk, path, line)
        was_cut = False
    except AuthorityOutcomeUnknown:
        was_cut = True
    assert was_cut == (answers < 4)
    if was_cut:
        assert load_credential(path).certificate == old.certificate, "still the old one"
        renew(desk, path, Line(desk))
    desk.station = load_credential(path)
    desk.serve(desk.authority)
    assert desk.station.certificate != old.certificate
    desk.confirmed()


def test_what_the_authority_refuses_is_begun_anew(desk: Desk, path: Path) -> None:
    with pytest.raises(AuthorityOutcomeUnknown):
        renew(desk, path, Line(desk, 0))
    desk.clock.advance(hours=25)
    with pytest.raises(AuthorityRejected):
        renew(desk, path, Line(desk))
    renew(desk, path, Line(desk))
    assert load_credential(path).certificate != desk.station.certificate


def test_the_end_of_a_credential_is_seen_60_days_ahead(desk: Desk) -> None:
    end = desk.station.certificate.not_valid_after_utc
    assert desk.station.days_left(end - datetime.timedelta(days=WARNED_DAYS, hours=1)) == WARNED_DAYS
    assert desk.station.days_left(end - datetime.timedelta(days=59, hours=23)) < WARNED_DAYS
    assert desk.station.days_left(end + datetime.timedelta(hours=1)) < 0

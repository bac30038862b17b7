"""A station's own credential: renewed, also when it was interrupted anywhere, and warned of in time."""

import datetime
from pathlib import Path

import httpx
import pytest
from authority_desk import URL, Desk
from cryptography.hazmat.primitives.serialization import Encoding
from test_authority_client import ScriptedAuthority, issuance, speak

from kiosk.authority import asn1
from kiosk.authority.client import AuthorityClient
from kiosk.authority.credential import WARNED_DAYS, Credential, load_credential
from kiosk.authority.credential_renewal import renew_credential
from kiosk.authority.embedded.server import application
from kiosk.authority.errors import (
    AuthorityOutcomeUnknown,
    AuthorityRejected,
    CertificateUnacceptable,
    CredentialInvalid,
)
from kiosk.authority.message import BodyKind, Status, parse_message, status_info
from kiosk.model.certificate import BookedState
from tests.asgi_line import AsgiLine
from tests.httpx_line import HttpxLine


class Line(HttpxLine):
    """The way to the authority, which is cut after so many answers were made: the last one is lost."""

    def __init__(self, desk: Desk, answers: int = 1_000) -> None:
        self._served = AsgiLine(application(desk.authority))
        self.left = answers
        self.kinds: list[int] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        if request.url.path != "/ocsp":
            self.kinds.append(parse_message(body).kind)
        response = self._served.handle_request(request)
        self.left -= 1
        if self.left < 0:
            raise httpx.RemoteProtocolError("cut", request=request)
        return response


@pytest.fixture
def path(desk: Desk) -> Path:
    return desk.directory / "stations" / "demo.pem"


def renew(desk: Desk, path: Path, line: Line) -> Credential:
    return renew_credential(
        path, lambda own: AuthorityClient(URL, own, (desk.issuer,), clock=desk.clock, line=line, pause=desk.pause)
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


@pytest.mark.parametrize("answers", range(3))
def test_an_interruption_is_made_up_for(desk: Desk, path: Path, answers: int) -> None:
    old = load_credential(path)
    line = Line(desk, answers)
    try:
        renew(desk, path, line)
        was_cut = False
    except AuthorityOutcomeUnknown:
        was_cut = True
    assert was_cut == (answers < 2)
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


class AnotherMakers(Line):
    """An authority that keeps no answers: what it was asked once it does not answer again.

    It refuses a certConf with `refuses`, before it obeys or, when it `obeys`, after. What it issues may be good at
    once.
    """

    def __init__(self, desk: Desk, answers: int = 1_000, **how: object) -> None:
        super().__init__(desk, answers)
        self.desk, self.how = desk, how
        self.known: list[bytes] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        if request.url.path == "/ocsp":
            return super().handle_request(request)
        kind = parse_message(body).kind
        if body in self.known:
            return self._refuse(body, "transactionIdInUse")
        self.known.append(body)
        if kind == BodyKind.CERT_CONF and self.how.get("refuses"):
            if self.how.get("obeys"):
                super().handle_request(request)
            return self._refuse(body, str(self.how["refuses"]))
        answer = super().handle_request(request)
        if kind == BodyKind.KUR and self.how.get("is_good_at_once"):
            confirm_all(self.desk)
        return answer

    def _refuse(self, body: bytes, fail_info: str) -> httpx.Response:
        no = asn1.encode(asn1.ErrorMsgContent(status=status_info(Status.REJECTION, "no", fail_info)))
        content = speak(self.desk, BodyKind.ERROR, no)(body)
        return httpx.Response(200, headers={"Content-Type": "application/pkixcmp"}, content=content)


def confirm_all(desk: Desk) -> None:
    """Confirms whatever is pending."""
    with desk.authority.store.read(desk.clock.now) as books:
        pending = [entry.serial for entry in books.not_good(1, 0)]
    with desk.authority.store.write(desk.clock.now) as books:
        for serial in pending:
            books.confirm(serial)


def left(path: Path) -> set[str]:
    """What lies beside the credential."""
    return {file.name for file in path.parent.iterdir()} - {path.name}


def test_a_certificate_that_came_is_not_asked_for_again(desk: Desk, path: Path) -> None:
    """The acknowledgement is lost, and the authority would not issue twice upon one message."""
    line = AnotherMakers(desk, 1)
    with pytest.raises(AuthorityOutcomeUnknown):
        renew(desk, path, line)
    assert "demo.pem.next.pending" in left(path)
    line.left = 1_000
    new = renew(desk, path, line)
    assert line.kinds == [BodyKind.KUR, BodyKind.CERT_CONF, BodyKind.CERT_CONF]
    assert load_credential(path).certificate == new.certificate != desk.station.certificate
    assert left(path) == set()
    desk.station = new
    desk.serve(desk.authority)
    desk.confirmed()


def test_a_certificate_that_is_good_at_once_is_confirmed_all_the_same(desk: Desk, path: Path) -> None:
    line = AnotherMakers(desk, is_good_at_once=True)
    new = renew(desk, path, line)
    assert line.kinds == [BodyKind.KUR, BodyKind.CERT_CONF] and left(path) == set()
    assert new.certificate != desk.station.certificate


def test_a_confirmation_that_was_obeyed_and_refused_counts(desk: Desk, path: Path) -> None:
    new = renew(desk, path, AnotherMakers(desk, refuses="badRequest", obeys=True))
    assert load_credential(path).certificate == new.certificate != desk.station.certificate
    assert left(path) == set()


def test_what_is_not_confirmed_is_revoked_and_begun_anew(desk: Desk, path: Path) -> None:
    line = AnotherMakers(desk, refuses="badRequest")
    with pytest.raises(AuthorityRejected):
        renew(desk, path, line)
    assert line.kinds == [BodyKind.KUR, BodyKind.RR] and left(path) == set()
    with desk.authority.store.read(desk.clock.now) as books:
        (entry,) = books.not_good(1, 0)
        record = books.certificate(entry.serial)
    assert record is not None and record.state is BookedState.REVOKED
    assert load_credential(path).certificate == desk.station.certificate, "still the old one"
    renew(desk, path, Line(desk))
    assert load_credential(path).certificate != desk.station.certificate


def test_a_certificate_of_another_key_is_given_up(desk: Desk, path: Path) -> None:
    other = desk.authority.profiles.station("demo", desk.clerk.key.public_key(), 77, desk.clock.now)
    wrong = speak(desk, BodyKind.KUP, issuance(status_info(Status.ACCEPTED), other.public_bytes(Encoding.DER)))
    no = asn1.encode(asn1.RevRepContent(status=[status_info(Status.REJECTION, "unknown", "badCertId")]))
    authority = ScriptedAuthority(wrong, speak(desk, BodyKind.RP, no))
    with pytest.raises(CertificateUnacceptable, match="another key"):
        renew_credential(path, lambda own: desk.client_over(authority))
    assert [parse_message(request).kind for request in authority.requests] == [BodyKind.KUR, BodyKind.RR]
    assert left(path) == set()
    renew(desk, path, Line(desk))


def test_a_certificate_of_another_subject_is_given_up(desk: Desk, path: Path) -> None:
    def wrong(request: bytes) -> bytes:
        asked = asn1.decode(asn1.CertReqMsg, asn1.encode(asn1.elements(parse_message(request).body)[0]))
        template = asn1.decode(asn1.CertRequest, asn1.encode(asked.cert_req)).cert_template
        other = desk.authority.profiles.station("another", asn1.as_csr(template).public_key(), 77, desk.clock.now)
        body = issuance(status_info(Status.ACCEPTED), other.public_bytes(Encoding.DER))
        return speak(desk, BodyKind.KUP, body)(request)

    done = asn1.encode(asn1.RevRepContent(status=[status_info(Status.ACCEPTED)]))
    authority = ScriptedAuthority(wrong, speak(desk, BodyKind.RP, done))
    with pytest.raises(CertificateUnacceptable, match="another subject"):
        renew_credential(path, lambda own: desk.client_over(authority))
    assert left(path) == set()


def test_what_is_left_of_a_renewal_that_was_finished_is_put_away(desk: Desk, path: Path) -> None:
    """The power went after the credential was replaced: nothing is asked, and the new one stays."""
    kept: dict[str, bytes] = {}

    class Watched(Line):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            kept.update({name: path.with_name(name).read_bytes() for name in left(path)})
            return super().handle_request(request)

    new = renew(desk, path, Watched(desk))
    assert set(kept) == {"demo.pem.next.key", "demo.pem.next.request", "demo.pem.next.pending"}
    for name, content in kept.items():
        path.with_name(name).write_bytes(content)
    nobody = Line(desk)
    assert renew(desk, path, nobody).certificate == new.certificate
    assert nobody.kinds == [] and left(path) == set()


def test_a_file_that_holds_no_pending_certificate_is_named(desk: Desk, path: Path) -> None:
    path.with_name("demo.pem.next.pending").write_bytes(b"{}")
    with pytest.raises(CredentialInvalid, match=r"demo\.pem\.next\.pending"):
        renew(desk, path, Line(desk))


def test_the_end_of_a_credential_is_seen_60_days_ahead(desk: Desk) -> None:
    end = desk.station.certificate.not_valid_after_utc
    assert desk.station.days_left(end - datetime.timedelta(days=WARNED_DAYS, hours=1)) == WARNED_DAYS
    assert desk.station.days_left(end - datetime.timedelta(days=59, hours=23)) < WARNED_DAYS
    assert desk.station.days_left(end + datetime.timedelta(hours=1)) < 0

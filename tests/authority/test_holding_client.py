"""An authority without a pending state, simulated: its certificates are good at once, and some cannot be held."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from authority_desk import URL, Desk
from rebuilt_message import verdict

from kiosk.authority import asn1
from kiosk.authority.client import PendingCertificate
from kiosk.authority.embedded.status import StatusService
from kiosk.authority.errors import AuthorityOutcomeUnknown, CertificateUnacceptable
from kiosk.authority.holding import HoldingClient
from kiosk.authority.message import BodyKind, Head, build_message, parse_message, status_info
from kiosk.model.certificate import BookedState
from tests.httpx_line import HttpxLine

_NOT_KNOWN = asn1.encode(asn1.ErrorMsgContent(status=status_info(2, "unknown", "badRequest")))


class WithoutPending(HttpxLine):
    """The embedded authority, but for what it does with its certificates: confirmed by itself at once.

    `refuses` says what it answers to an rr instead of obeying, `ignores` that it says yes and does nothing.
    """

    def __init__(self, desk: Desk, *, refuses: str = "", ignores: bool = False) -> None:
        self.desk, self.refuses, self.ignores = desk, refuses, ignores
        self.requests: list[int] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        if request.url.path == "/ocsp":
            return httpx.Response(200, content=StatusService(self.desk.authority).ocsp(body).der)
        message = parse_message(body)
        self.requests.append(message.kind)
        return httpx.Response(200, headers={"Content-Type": "application/pkixcmp"}, content=self._answer(body))

    def _answer(self, body: bytes) -> bytes:
        message = parse_message(body)
        if message.kind == BodyKind.GENM:
            return self._say(message.header, BodyKind.ERROR, _NOT_KNOWN)
        if message.kind == BodyKind.RR and (self.refuses or self.ignores):
            return self._spoken(message.header, status_info(2 if self.refuses else 0, "", self.refuses))  # Status
        if message.kind == BodyKind.CERT_CONF:
            return self._spoken_confirmation(message.header)
        answer = self.desk.responder.respond(body)
        if verdict(answer) in ((BodyKind.IP, ""), (BodyKind.CP, "")):
            for record in self._pending():
                with self.desk.authority.store.write(self.desk.clock.now) as books:
                    books.confirm(record)
        return answer

    def _pending(self) -> Iterator[str]:
        with self.desk.authority.store.read(self.desk.clock.now) as books:
            records = [books.certificate(entry.serial) for entry in books.not_good(1, 0)]
        yield from [record.serial for record in records if record and record.state is BookedState.PENDING]

    def _spoken(self, header: asn1.PKIHeader, status: asn1.PKIStatusInfo) -> bytes:
        return self._say(header, BodyKind.RP, asn1.encode(asn1.RevRepContent(status=[status])))

    def _spoken_confirmation(self, header: asn1.PKIHeader) -> bytes:
        return self._say(header, BodyKind.PKICONF, asn1.encode(asn1.Null()))

    def _say(self, header: asn1.PKIHeader, kind: BodyKind, body: bytes) -> bytes:
        speaker = self.desk.authority.speaker
        head = Head(
            sender=speaker.certificate.subject.public_bytes(),
            recipient=self.desk.station.certificate.subject.public_bytes(),
            time=self.desk.clock.now,
            transaction_id=header.transaction_id or b"",
            sender_nonce=bytes(16),
            recipient_nonce=header.sender_nonce,
        )
        return build_message(kind, body, head, speaker)


@pytest.fixture
def holding(desk: Desk) -> Callable[..., tuple[HoldingClient, WithoutPending]]:
    def make(**how: object) -> tuple[HoldingClient, WithoutPending]:
        line = WithoutPending(desk, **how)  # the tests know the arguments
        client = HoldingClient(URL, desk.station, (desk.issuer,), clock=desk.clock, line=line, pause=desk.pause)
        return client, line

    return make


def state(desk: Desk, pending: PendingCertificate) -> str:
    with desk.authority.store.read(desk.clock.now) as books:
        record = books.certificate(pending.serial)
    assert record is not None
    return record.state


def test_what_is_good_at_once_is_held_and_released_after_the_fee(desk: Desk, holding: Callable[..., object]) -> None:
    client, line = holding()  # a pair
    pending = client.certify(desk.message().der)
    assert state(desk, pending) == "held"
    stored = client.confirm_message(pending)
    client.confirm(stored.der)
    assert state(desk, pending) == "good"
    assert line.requests == [BodyKind.IR, BodyKind.RR, BodyKind.CERT_CONF, BodyKind.RR]


def test_the_same_request_after_a_crash_finds_it_held(desk: Desk, holding: Callable[..., object]) -> None:
    client, line = holding()  # a pair
    message = desk.message()
    pending = client.certify(message.der)
    assert client.certify(message.der) == pending
    assert line.requests == [BodyKind.IR, BodyKind.RR, BodyKind.IR]


def test_a_release_that_was_obeyed_before_is_not_asked_for_again(desk: Desk, holding: Callable[..., object]) -> None:
    client, line = holding()  # a pair
    pending = client.certify(desk.message().der)
    client.confirm(client.confirm_message(pending).der)
    before = len(line.requests)
    client.confirm(client.confirm_message(pending).der)
    assert line.requests[before:] == [BodyKind.CERT_CONF]


def test_a_release_that_is_refused_leaves_the_outcome_to_the_status_service(
    desk: Desk, holding: Callable[..., object]
) -> None:
    client, line = holding()  # a pair
    pending = client.certify(desk.message().der)
    line.refuses = "badCertId"
    with pytest.raises(AuthorityOutcomeUnknown, match="release"):
        client.confirm(client.confirm_message(pending).der)
    assert state(desk, pending) == "held"


@pytest.mark.parametrize("how", [{"refuses": "notAuthorized"}, {"ignores": True}])
def test_an_authority_that_cannot_hold_is_of_no_use(desk: Desk, holding: Callable[..., object], how: object) -> None:
    client, _ = holding(**how)  # a pair; keywords
    with pytest.raises(CertificateUnacceptable, match="hold") as refused:
        client.certify(desk.message().der)
    assert refused.value.certificate, "so that it can be revoked"


def test_an_authority_that_holds_by_itself_is_left_to_it(desk: Desk) -> None:
    plain = desk.client
    client = HoldingClient(
        URL, desk.station, (desk.issuer,), clock=desk.clock, line=plain._endpoint._line, pause=desk.pause
    )
    pending = client.certify(desk.message().der)
    assert state(desk, pending) == "pending"
    client.confirm(client.confirm_message(pending).der)
    assert state(desk, pending) == "good"


@pytest.mark.parametrize("lost_after", [1, 2, 3])
def test_an_authority_that_is_gone_after_it_issued_has_perhaps_issued(desk: Desk, lost_after: int) -> None:
    """Nobody listens any more: that proves nothing was sent of this request, and not of the one before."""

    class Dying(WithoutPending):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            self.requests.append(0)
            if len(self.requests) > lost_after:
                raise httpx.ConnectError("nobody listens", request=request)
            self.requests.pop()
            self.requests.append(0)
            return super().handle_request(request)

    line = Dying(desk)
    client = HoldingClient(URL, desk.station, (desk.issuer,), clock=desk.clock, line=line, pause=desk.pause)
    with pytest.raises(AuthorityOutcomeUnknown, match="has the request"):
        client.certify(desk.message().der)

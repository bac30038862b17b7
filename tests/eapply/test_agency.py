"""The agency keeps every signed application, and what it acknowledges is signed, true, and said again when asked."""

import asyncio
import datetime
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from kiosk.authority.errors import AuthorityUnreachable
from kiosk.eapply.agency import Agency, make_credential
from kiosk.eapply.agency_server import LARGEST_SUBMISSION_BYTES, SIGNED_TYPE, application
from kiosk.eapply.verify import Verdict, verify
from kiosk.model.certificate import CertificateState, CertificateStatus
from tests.counter_bench import START, World
from tests.eapply.conftest import CONTENT, GOOD


class Desk:
    """An agency in a folder, asked over HTTP; `status` is what the authority says, None when it says nothing."""

    def __init__(self, folder: Path, world: World) -> None:
        self.status: CertificateStatus | None = GOOD
        self.folder = folder
        self.now = START
        self._own = make_credential("agency", START)
        self._world = world
        folder.mkdir()
        self.start()

    def start(self) -> None:
        """Once more over the same folder."""
        world, key = self._world, self._own.key
        assert isinstance(key, ec.EllipticCurvePrivateKey)

        def status_of(certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateStatus:
            if self.status is None:
                raise AuthorityUnreachable("no route")
            return self.status

        def judge(
            signature: bytes,
            at: datetime.datetime,
            *,
            content: bytes | None = None,
            claimed_name: str | None = None,
        ) -> Verdict:
            policies = world.authority.policy.signature_policies
            return verify(content, signature, world.authority.generations, policies, START, status_of, claimed_name)

        agency = Agency(self.folder, key, self._own.certificate, judge, lambda: self.now)
        self._served = application(agency, self._own.certificate)
        (self.folder / "agency.pem").write_bytes(self._own.certificate.public_bytes(Encoding.PEM))

    def ask(self, method: str, path: str, content: bytes = b"", media_type: str = SIGNED_TYPE) -> httpx.Response:
        """One request and its answer."""

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._served)
            async with httpx.AsyncClient(transport=transport, base_url="http://agency") as client:
                return await client.request(method, path, content=content, headers={"Content-Type": media_type})

        return asyncio.run(asked())

    def send(self, submission: bytes) -> dict[str, object]:
        """What the acknowledgement says, its signature checked by another program."""
        answer = self.ask("POST", "/submissions", submission)
        assert (answer.status_code, answer.headers["Content-Type"]) == (202, SIGNED_TYPE)
        told: dict[str, object] = json.loads(self.checked(answer.content).stdout)
        return told

    def checked(self, acknowledgement: bytes) -> subprocess.CompletedProcess[bytes]:
        """OpenSSL's word on it."""
        trust = ("-CAfile", str(self.folder / "agency.pem"), "-purpose", "any")
        command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", *trust, "-no_check_time"]
        return subprocess.run(command, input=acknowledgement, capture_output=True)

    @property
    def kept(self) -> list[str]:
        """What lies in the folder, without the digests."""
        return sorted(path.name[:6] + path.suffix for path in (self.folder / "received").iterdir())


@pytest.fixture
def desk(tmp_path: Path, signed: tuple[World, bytes, bytes]) -> Desk:
    return Desk(tmp_path / "agency", signed[0])


def test_a_signed_application_is_accepted_kept_and_acknowledged(desk: Desk, signed: tuple[World, bytes, bytes]) -> None:
    told = desk.send(signed[2])
    assert (told["number"], told["verdict"], told["received_at"]) == (1, "accepted", f"{START:%Y-%m-%dT%H:%M:%SZ}")
    (kept,) = (desk.folder / "received").glob("*.p7m")
    assert kept.read_bytes() == signed[2] and told["sha256"] == kept.stem.rpartition("-")[2]
    assert desk.ask("GET", "/agency.pem").content == (desk.folder / "agency.pem").read_bytes()


def test_the_same_application_is_the_same_arrival_also_after_a_start(
    desk: Desk, signed: tuple[World, bytes, bytes]
) -> None:
    told = desk.send(signed[2])
    desk.status, desk.now = CertificateStatus(CertificateState.REVOKED), START + datetime.timedelta(days=1)
    desk.start()
    assert desk.send(signed[2]) == told
    assert desk.send(signed[1])["number"] == 2, "another one is another arrival"
    assert desk.kept == ["000001.p7m", "000001.p7s", "000002.p7m", "000002.p7s"]


def test_what_cannot_be_decided_has_arrived_and_is_judged_when_it_comes_again(
    desk: Desk, signed: tuple[World, bytes, bytes]
) -> None:
    desk.status = None
    told = desk.send(signed[2])
    assert (told["number"], told["verdict"]) == (1, "undecided") and desk.kept == ["000001.p7m"]
    desk.status = GOOD
    arrived, desk.now = told["received_at"], START + datetime.timedelta(days=1)
    told = desk.send(signed[2])
    assert told["received_at"] == arrived, "it is the same arrival"
    assert (told["number"], told["verdict"]) == (1, "accepted") and desk.kept == ["000001.p7m", "000001.p7s"]


def test_tampering_impersonation_and_repudiation_fail_visibly(desk: Desk, signed: tuple[World, bytes, bytes]) -> None:
    assert CONTENT in signed[2]
    tampered = desk.send(signed[2].replace(CONTENT, CONTENT.replace(b"\n", b"\t")))
    assert tampered["verdict"] == "rejected" and "not the one that was signed" in str(tampered["findings"])
    detached = desk.send(signed[1])
    assert detached["verdict"] == "rejected" and "encloses no document" in str(detached["findings"])
    desk.status = CertificateStatus(CertificateState.REVOKED)
    revoked = desk.send(signed[2])
    assert revoked["verdict"] == "rejected" and "revoked" in str(revoked["findings"])


def test_an_acknowledgement_that_was_changed_is_found_out(desk: Desk, signed: tuple[World, bytes, bytes]) -> None:
    answer = desk.ask("POST", "/submissions", signed[2]).content
    assert desk.checked(answer).returncode == 0
    assert desk.checked(answer.replace(b'"accepted"', b'"acceptec"')).returncode != 0


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (lambda signed: b"rubbish", SIGNED_TYPE, 400),
        (lambda signed: b"", SIGNED_TYPE, 400),
        (lambda signed: signed[:-1], SIGNED_TYPE, 400),
        (lambda signed: signed, "application/octet-stream", 415),
        (lambda signed: signed + bytes(LARGEST_SUBMISSION_BYTES), SIGNED_TYPE, 413),
    ],
)
def test_what_is_no_signed_message_is_refused_and_not_kept(
    desk: Desk, signed: tuple[World, bytes, bytes], body: Callable[[bytes], bytes], media_type: str, status: int
) -> None:
    answer = desk.ask("POST", "/submissions", body(signed[2]), media_type)
    assert answer.status_code == status and desk.kept == []
    assert desk.ask("GET", "/submissions").status_code == 405


def test_a_file_that_was_half_written_when_the_power_went_is_written_anew(
    desk: Desk, signed: tuple[World, bytes, bytes]
) -> None:
    told = desk.send(signed[2])
    (kept,) = (desk.folder / "received").glob("*.p7m")
    kept.with_suffix(".p7s").unlink()
    kept.with_suffix(".new").write_bytes(b"half")
    desk.now += datetime.timedelta(days=1)
    desk.start()
    assert desk.send(signed[2]) == told and desk.kept == ["000001.p7m", "000001.p7s"]

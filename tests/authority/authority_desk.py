"""A counter beside an embedded authority in one process: station, clerk, card, and a clock that stands still."""

import datetime
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hw.ports import Attestation
from kiosk.authority.client import AuthorityClient, Message, PendingCertificate
from kiosk.authority.credential import Credential, load_credential
from kiosk.authority.embedded.authority import Authority
from kiosk.authority.embedded.directory import init, open_authority
from kiosk.authority.embedded.responder import Responder
from kiosk.authority.embedded.server import application
from kiosk.authority.embedded.store import open_store
from kiosk.authority.http import Line
from kiosk.model.authorisation import Authorisation, AuthorisationTerms, Uptime
from kiosk.model.certificate import CertifiedItems
from kiosk.model.town import Town
from tests.asgi_line import AsgiLine

POLICIES = Path(__file__).resolve().parents[2] / "config" / "policy"
URL = "http://authority.test"
TOWN = Town("13221", "東京都", "Tokyo", "清瀬市", "Kiyose-shi")
START = datetime.datetime(2026, 4, 1, 1, 2, 3, tzinfo=datetime.UTC)
ITEMS = CertifiedItems(
    name="住民　太郎",
    name_flags="00000",
    sex="1",
    birth="319720229",
    address="東京都清瀬市中里五丁目八百四十二番地",
    address_flags="0" * 18,
)
CARD_NUMBER = "JK00000000000001"
CARD_MASTER = bytes(range(0x70, 0x80))
PERSON = bytes(range(32))


@dataclass
class Clock:
    """Stands still until it is told to go on."""

    now: datetime.datetime = START

    def __call__(self) -> datetime.datetime:
        return self.now

    def advance(self, **delta: float) -> None:
        self.now += datetime.timedelta(**delta)


@dataclass
class Desk:
    """One station, one clerk, one card, and the authority at `directory`."""

    directory: Path
    key: rsa.RSAPrivateKey
    clock: Clock = field(default_factory=Clock)
    opened: Authority | None = None
    nonces: int = 0

    def __post_init__(self) -> None:
        self.station = load_credential(self.directory / "stations" / "demo.pem")
        self.clerk = load_credential(self.directory / "clerks" / "demo.pem")
        self.issuer = self.station.chain[0]
        if self.opened is None:
            self.reopen()
        else:
            # Reading an RSA key is slow: a copy of the same authority has the same.
            self.serve(replace(self.opened, store=open_store(self.directory / "store.db"), clock=self.clock))

    def reopen(self) -> None:
        """The authority's process ends and another starts over the same directory."""
        self.serve(open_authority(self.directory, self.clock, listening_url=URL))

    def serve(self, authority: Authority) -> None:
        self.authority = authority
        self.responder = Responder(authority)
        self.client = self.client_over(AsgiLine(application(authority)))

    def client_over(self, line: Line) -> AuthorityClient:
        trust = (self.issuer,)
        return AuthorityClient(URL, self.station, trust, clock=self.clock, line=line, pause=self.pause)

    def use_station(self, name: str) -> None:
        """The counter moves to another of the authority's stations."""
        self.station = load_credential(self.directory / "stations" / f"{name}.pem")
        self.serve(self.authority)

    def pause(self, seconds: float) -> None:
        self.clock.advance(seconds=seconds)

    @property
    def issuer_der(self) -> bytes:
        return self.issuer.public_bytes(Encoding.DER)

    def terms(self, **changes: object) -> AuthorisationTerms:
        """Terms that cover `certify`, with another nonce each time."""
        self.nonces += 1
        terms = AuthorisationTerms(
            operation="issue",
            case="case-1",
            station="demo",
            card_number=CARD_NUMBER,
            items_hash=ITEMS.hash(),
            person=PERSON,
            nonce=self.nonces.to_bytes(16, "big"),
            issued_at=self.clock.now,
            expires_at=self.clock.now + datetime.timedelta(minutes=15),
            uptime=Uptime(bytes(16), 0),
        )
        return replace(terms, **changes)  # the tests know the fields

    def authorise(self, terms: AuthorisationTerms, clerk: Credential | None = None) -> Authorisation:
        clerk = clerk or self.clerk
        assert isinstance(clerk.key, ec.EllipticCurvePrivateKey)
        payload = terms.encode()
        signature = clerk.key.sign(payload, ec.ECDSA(hashes.SHA256()))
        return Authorisation(payload, signature, clerk.certificate.public_bytes(Encoding.DER))

    def message(
        self,
        terms: AuthorisationTerms | None = None,
        key: rsa.RSAPrivateKey | None = None,
        items: CertifiedItems | None = ITEMS,
        kind: str = "signature",
    ) -> Message:
        """An `ir` that the authority grants, for this key."""
        terms, key = terms or self.terms(), key or self.key
        request = self.client.certification_request(key.public_key(), items, kind, signer(key))
        return self.client.certify_message(request, self.authorise(terms), attest(terms, key), b"head")

    def certify(self, **how: object) -> PendingCertificate:
        return self.client.certify(self.message(**how).der)  # the tests know the arguments

    def confirmed(self, **how: object) -> PendingCertificate:
        pending = self.certify(**how)
        self.client.confirm(self.client.confirm_message(pending).der)
        return pending

    def state(self, pending: PendingCertificate) -> tuple[str, str | None]:
        """What OCSP says: state and reason."""
        status = self.client.status(pending.certificate, self.issuer_der)
        return status.state, status.reason


def make_desk(template: Path, directory: Path, key: rsa.RSAPrivateKey, opened: Authority | None = None) -> Desk:
    """A desk of its own beside a copy of a ready-made authority, which may have been opened already."""
    shutil.copytree(template, directory)
    return Desk(directory, key, opened=opened)


def make_authority(directory: Path, policy: str = "juki-2011") -> Path:
    init(directory, POLICIES / f"{policy}.toml", TOWN, lambda: START)
    return directory


def signer(key: rsa.RSAPrivateKey) -> Callable[[bytes], bytes]:
    """The card's signature, in software."""
    return lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def attest(terms: AuthorisationTerms, key: rsa.RSAPrivateKey, master: bytes = CARD_MASTER) -> Attestation:
    """The card's word for its key, written down from the card's own specification."""
    card_number = terms.card_number.encode()
    card_key = _cmac(master, b"\0\0\0\1" + b"jpki-kiosk attest" + b"\0" + card_number + (128).to_bytes(4, "big"))
    key_hash = hashes.Hash(hashes.SHA256())
    key_hash.update(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    value = _cmac(card_key, b"\1" + card_number + terms.nonce + key_hash.finalize() + b"\1")
    return Attestation(terms.nonce, value)


def _cmac(key: bytes, data: bytes) -> bytes:
    cmac = CMAC(algorithms.AES(key))
    cmac.update(data)
    return cmac.finalize()


def load(pending: PendingCertificate) -> x509.Certificate:
    return x509.load_der_x509_certificate(pending.certificate)

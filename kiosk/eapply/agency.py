"""The receiving agency (署名検証者): judges each signed application, keeps it, and signs that it has arrived."""

import datetime
import hashlib
import json
import os
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kiosk.authority.credential import Credential
from kiosk.durable import sync
from kiosk.eapply.cms import read_signed_data
from kiosk.eapply.sign import sign_cms
from kiosk.eapply.verify import Judge, Outcome

_VALID = datetime.timedelta(days=5 * 365)
_STAMP = "%Y%m%dT%H%M%SZ"


def make_credential(name: str, now: datetime.datetime) -> Credential:
    """A new key, and a certificate of its own that says whose it is, for the signature under acknowledgements."""
    key = ec.generate_private_key(ec.SECP256R1())
    owner = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(owner)
        .issuer_name(owner)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Credential(key, certificate)


class Agency:
    """Has everything in one folder, which nobody else writes to: what was received, and what was acknowledged.

    `received/000001-20260401T010000Z-DIGEST.p7m` is an application as it came: its number, when it came, its SHA-256 in
    hexadecimal. The acknowledgement beside it ends in `.p7s`. Both are on the disk before anybody hears of the
    acknowledgement.
    """

    def __init__(
        self,
        folder: Path,
        key: ec.EllipticCurvePrivateKey,
        certificate: x509.Certificate,
        judge: Judge,
        clock: Callable[[], datetime.datetime],
    ) -> None:
        self._received = folder / "received"
        self._received.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync(folder)
        self._key, self._certificate = key, certificate
        self._judge = judge
        self._clock = clock
        self._lock = threading.Lock()
        self._arrivals = {path.stem.rpartition("-")[2]: path for path in self._received.glob("*.p7m")}
        """By digest where each application lies."""
        self._last = max((int(path.name.partition("-")[0]) for path in self._arrivals.values()), default=0)

    def receive(self, submission: bytes) -> bytes:
        """The acknowledgement of an application: CMS SignedData (DER) that encloses JSON.

        It holds `number`, `sha256` of what was received, `received_at`, the `verdict` with its `findings`, and the
        certificate's `serial`. The same application once more is the same arrival: what was acknowledged is said again,
        unless nothing could be decided then. Raises `SignatureUnreadable`, when it keeps nothing.
        """
        read_signed_data(submission)
        digest = hashlib.sha256(submission).hexdigest()
        with self._lock:
            place = self._arrivals.get(digest) or self._arrive(digest, submission)
        told = place.with_suffix(".p7s")
        if told.exists():
            return told.read_bytes()
        verdict = self._judge(submission, self._clock())
        number, received_at, _ = place.stem.split("-")
        content = {
            "number": int(number),
            "sha256": digest,
            "received_at": f"{datetime.datetime.strptime(received_at, _STAMP):%Y-%m-%dT%H:%M:%SZ}",
            "verdict": verdict.outcome,
            "serial": verdict.serial,
            "findings": [asdict(finding) for finding in verdict.findings],
        }
        document = json.dumps(content, ensure_ascii=False).encode()
        acknowledgement = sign_cms(document, self._certificate, self._key, is_detached=False)
        if verdict.outcome is Outcome.UNDECIDED:
            return acknowledgement
        with self._lock:
            # Somebody may have sent the same in the same moment.
            if not told.exists():
                write_durably(told, acknowledgement)
            return told.read_bytes()

    def _arrive(self, digest: str, submission: bytes) -> Path:
        place = self._received / f"{self._last + 1:06d}-{self._clock():{_STAMP}}-{digest}.p7m"
        write_durably(place, submission)
        self._last += 1
        self._arrivals[digest] = place
        return place


def write_durably(path: Path, content: bytes) -> None:
    """Puts a file there as a whole, on the disk, or not at all."""
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
    sync(path.parent)

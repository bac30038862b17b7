"""A station renews its own credential (`kur`): each step durable before it is sent, so that start is resume.

Beside `station.pem` stand, while this goes on, `station.pem.next.key` (the new key), `station.pem.next.request` (the
message, sent again as it is until an answer came) and `station.pem.next.pending` (the new certificate, from then on all
that is needed). The last step replaces `station.pem`; the old certificate stays good for what is still under way, and
ends by itself or by `rr`.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from kiosk.authority.client import AuthorityClient, PendingCertificate
from kiosk.authority.credential import Credential, load_credential
from kiosk.authority.errors import AuthorityRejected, CertificateUnacceptable, CredentialInvalid
from kiosk.durable import sync
from kiosk.model.certificate import CertificateState, RevocationReason

MakeClient = Callable[[Credential], AuthorityClient]


def renew_credential(path: Path, make_client: MakeClient) -> Credential:
    """Renews the credential in `path` and returns the new one, which then lies there.

    Raises what the client raises; the next call goes on where this one stopped. When the authority refuses, or what it
    issued is not what was asked for, that is put away with its key, so that the call after begins anew: a certificate
    that it has issued all the same is revoked, or worth nothing to anybody. Raises `CredentialInvalid`.
    """
    key_file, request_file, pending_file = (path.with_name(path.name + end) for end in (_KEY, _REQUEST, _PENDING))
    old = load_credential(path)
    pending = _kept(pending_file)
    # A certificate that lies in `path` already was put there just before an interruption.
    if pending is None or pending.certificate != old.certificate.public_bytes(Encoding.DER):
        client = make_client(old)
        try:
            if pending is None:
                pending = _ask(client, old, key_file, request_file)
                _write(pending_file, msgspec.json.encode(pending))
            _confirm(client, pending)
        except (AuthorityRejected, CertificateUnacceptable):
            _put_away(request_file, pending_file, key_file)
            raise
        _write(path, _credential(key_file, pending, old).encode())
    # The last is what says that all is done.
    _put_away(request_file, key_file, pending_file)
    return load_credential(path)


_KEY, _REQUEST, _PENDING = ".next.key", ".next.request", ".next.pending"


def _kept(pending_file: Path) -> PendingCertificate | None:
    try:
        return msgspec.json.decode(pending_file.read_bytes(), type=PendingCertificate)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise CredentialInvalid(pending_file, f"no pending certificate: {error}") from None


def _ask(client: AuthorityClient, old: Credential, key_file: Path, request_file: Path) -> PendingCertificate:
    if not request_file.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        _write(key_file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        _write(request_file, client.renewal_message(key).der)
    try:
        pending = client.renew(request_file.read_bytes())
        if x509.load_der_x509_certificate(pending.certificate).subject != old.certificate.subject:
            raise CertificateUnacceptable(pending.certificate, "it has another subject than the old one")
    except CertificateUnacceptable as unacceptable:
        _give_up(client, unacceptable.certificate)
        raise
    return pending


def _confirm(client: AuthorityClient, pending: PendingCertificate) -> None:
    """Says that the certificate came (RFC 9483, 4.1.3), also of one that is good already.

    An authority that keeps no track may refuse what it has obeyed: its status service tells.
    """
    try:
        client.confirm(client.confirm_message(pending).der)
    except AuthorityRejected:
        state = client.status(pending.certificate, pending.chain[0]).state
        if state is CertificateState.GOOD:
            return
        if state is not CertificateState.REVOKED:
            _give_up(client, pending.certificate)
        raise


def _give_up(client: AuthorityClient, certificate: bytes) -> None:
    # One that is refused leaves a certificate whose key is about to be thrown away.
    with suppress(AuthorityRejected):
        client.revoke(client.revoke_message(certificate, RevocationReason.CESSATION_OF_OPERATION).der)


def _credential(key_file: Path, pending: PendingCertificate, old: Credential) -> Credential:
    """The new one, whose owner goes on knowing every generation of the authority that he knew."""
    key = load_pem_private_key(key_file.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), "we wrote it"
    path = (x509.load_der_x509_certificate(der) for der in pending.chain)
    chain = dict.fromkeys((*path, *old.chain))
    return Credential(key, x509.load_der_x509_certificate(pending.certificate), tuple(chain))


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and durable."""
    work = path.with_name(path.name + ".part")
    descriptor = os.open(work, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(work, path)
    sync(path.parent)


def _put_away(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)

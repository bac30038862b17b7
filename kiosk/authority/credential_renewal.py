"""A station renews its own credential (`kur`): each step durable before it is sent, so that start is resume.

Beside `station.pem` stand, while this goes on, `station.pem.next.key` (the new key), `station.pem.next.request` (the
message, sent again as it is) and `station.pem.next` (the new credential, whose certificate is still pending). The last
step replaces `station.pem`; the old certificate stays good for what is still under way, and ends by itself or by `rr`.
"""

import os
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from kiosk.authority.client import AuthorityClient
from kiosk.authority.credential import Credential, load_credential
from kiosk.authority.errors import AuthorityRejected, CredentialInvalid
from kiosk.model.certificate import CertificateState

MakeClient = Callable[[Credential], AuthorityClient]


def renew_credential(path: Path, make_client: MakeClient) -> Credential:
    """Renews the credential in `path` and returns the new one, which then lies there.

    Raises what the client raises; the next call goes on where this one stopped. When the authority refuses what was
    left of an earlier try, that is put away, so that the call after begins anew. Raises `CredentialInvalid`.
    """
    key_file, request_file, next_file = (path.with_name(path.name + end) for end in (_KEY, _REQUEST, _NEXT))
    old = load_credential(path)
    client = make_client(old)
    try:
        if not next_file.exists():
            _ask(client, old, key_file, request_file, next_file)
        renewed = load_credential(next_file)
        _confirm(client, renewed, request_file)
    except AuthorityRejected:
        _put_away(next_file, request_file, key_file)
        raise
    os.replace(next_file, path)
    _sync(path.parent)
    _put_away(request_file, key_file)
    return renewed


_KEY, _REQUEST, _NEXT = ".next.key", ".next.request", ".next"


def _ask(client: AuthorityClient, old: Credential, key_file: Path, request_file: Path, next_file: Path) -> None:
    if not request_file.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        _write(key_file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        _write(request_file, client.renewal_message(key).der)
    kept = load_pem_private_key(key_file.read_bytes(), password=None)
    assert isinstance(kept, ec.EllipticCurvePrivateKey), "we wrote it"
    pending = client.renew(request_file.read_bytes())
    certificate = x509.load_der_x509_certificate(pending.certificate)
    chain = tuple(x509.load_der_x509_certificate(der) for der in pending.chain)
    _check(certificate, old)
    # The answer is fetched again for the confirmation: the authority gives the same one to the same request.
    _write(next_file, Credential(kept, certificate, chain).encode())


def _check(certificate: x509.Certificate, old: Credential) -> None:
    if certificate.subject != old.certificate.subject:
        raise CredentialInvalid("the renewed certificate has another subject than the old one")


def _confirm(client: AuthorityClient, renewed: Credential, request_file: Path) -> None:
    pending = client.renew(request_file.read_bytes())
    issuer = pending.chain[0]
    if client.status(pending.certificate, issuer).state is not CertificateState.GOOD:
        client.confirm(client.confirm_message(pending).der)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and durable."""
    work = path.with_name(path.name + ".part")
    descriptor = os.open(work, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(work, path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put_away(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)

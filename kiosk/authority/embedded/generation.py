"""The generations of an authority's key: one name, a key each, links from one to the next (RFC 9810, 4.4).

The first lies in the authority's directory itself, later ones in `generations/NUMBER/`: `ca.key`, `ocsp.pem`,
`cmp.pem`, and in `links.pem` the new key certified by the old one and the old by the new. A folder appears whole, by a
rename: from then on it is the present one. Older keys stay: what they issued is revoked, and its status told, by them.
"""

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from kiosk.authority.credential import Credential, load_credential
from kiosk.authority.embedded.authority import Authority, Generation
from kiosk.authority.embedded.key_files import alone_in, make_durable, write_secret
from kiosk.authority.embedded.registration import register
from kiosk.authority.embedded.store import Books
from kiosk.authority.profile import Profiles, authority_certificate, link_certificate
from kiosk.authority.token_key import TokenKey, make_token_key
from kiosk.durable import sync
from kiosk.model.certificate import serial_text

_FOLDER = "generations"
_PUBLISHED = "ca.pem"


def read_generations(directory: Path, passphrase: bytes | None) -> tuple[Generation, ...]:
    """All generations, the present one first. Raises `CredentialInvalid`, `OSError`, `ValueError`."""
    folder = directory / _FOLDER
    names = [path.name for path in folder.iterdir()] if folder.exists() else []
    later = sorted((int(name) for name in names if name.isdecimal()), reverse=True)
    return (*(_read(folder / str(number), number, passphrase) for number in later), _read(directory, 1, passphrase))


def _read(folder: Path, number: int, passphrase: bytes | None) -> Generation:
    delegate, links = folder / "cmp.pem", folder / "links.pem"
    return Generation(
        number=number,
        credential=load_credential(folder / "ca.key", passphrase),
        ocsp=load_credential(folder / "ocsp.pem", passphrase),
        delegate=load_credential(delegate, passphrase) if delegate.exists() else None,
        links=tuple(x509.load_pem_x509_certificates(links.read_bytes())) if links.exists() else (),
    )


def roll_over(directory: Path, authority: Authority, passphrase: bytes | None) -> Generation:
    """Makes the next generation of the authority's key; servers that run go on with the old one until they end."""
    number, now = authority.generation + 1, authority.now()
    old = authority.credential
    key: rsa.RSAPrivateKey
    if isinstance(old.key, TokenKey):
        # Of `ca` and of `ca-2` the next one's name is its number.
        base = old.key.place.key.removesuffix(f"-{authority.generation}")
        key = make_token_key(replace(old.key.place, key=f"{base}-{number}"), passphrase or b"", old.key.key_size)
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    own = authority_certificate(
        key, authority.policy, authority.town, authority.is_training, authority.new_serial(), now
    )
    new = Credential(key, own)
    links = (
        link_certificate(old, own, authority.new_serial()),
        link_certificate(new, old.certificate, authority.new_serial()),
    )
    profiles = Profiles(new, authority.policy, authority.town, authority.is_training, authority.base_url, number)
    ocsp_key, cmp_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ocsp = Credential(ocsp_key, profiles.ocsp_responder(ocsp_key.public_key(), authority.new_serial(), now), (own,))
    # Whoever trusts an old key only reaches the new one over the links.
    forward = (links[0], *authority.forward_links)
    delegate = Credential(
        cmp_key, profiles.cmp_delegate(cmp_key.public_key(), authority.new_serial(), now), (own, *forward)
    )
    made = Generation(number, new, ocsp, delegate, links)
    folder = directory / _FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".", dir=folder))
    try:
        for name, credential in (("ca.key", new), ("ocsp.pem", ocsp), ("cmp.pem", delegate)):
            write_secret(work / name, credential.encode(passphrase))
        (work / "links.pem").write_bytes(b"".join(link.public_bytes(Encoding.PEM) for link in links))
        make_durable(work)
        # A server that starts as soon as the folder is there finishes the rest itself, and waits here.
        with alone_in(directory):
            os.rename(work, folder / str(number))
            sync(folder)
            _finish(directory, made, (own, *authority.generations), authority)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return made


def finish_rollover(directory: Path, authority: Authority) -> bool:
    """Does what a rollover left that was killed once its generation was there; whether there was such a one.

    Without it the status of the new responders' certificates and links would be unknown, and `ca.pem` the old one.
    """
    present = authority.all_generations[0]
    if present.number == 1:
        return False
    with alone_in(directory):
        return _finish(directory, present, authority.generations, authority)


def _finish(
    directory: Path, made: Generation, certificates: tuple[x509.Certificate, ...], authority: Authority
) -> bool:
    """Enters a generation into the books and publishes its certificate; whether anything of that was missing."""
    serial = serial_text(made.ocsp.certificate.serial_number)
    with authority.store.write(authority.now()) as books:
        # Of servers elsewhere with the same books.
        books.lock_certificate(serial)
        is_entered = books.certificate(serial) is not None
        if not is_entered:
            _enter(books, made)
    is_published = _published(directory) == certificates
    if not is_published:
        _publish(directory, certificates)
    return not (is_entered and is_published)


def _published(directory: Path) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates((directory / _PUBLISHED).read_bytes()))
    except (OSError, ValueError):
        # Missing or cut off: it is written anew.
        return ()


def _enter(books: Books, made: Generation) -> None:
    own = made.credential.certificate
    books.note("generation", number=made.number, key=own.fingerprint(hashes.SHA256()).hex())
    for profile, credential in (("ocsp", made.ocsp), ("cmp", made.delegate)):
        if credential is not None:
            register(books, credential.certificate, profile, made.number)
    # Whoever goes over a link asks for its status as for any certificate's on the way.
    for link, signer in zip(made.links, (made.number - 1, made.number), strict=True):
        register(books, link, "link", signer)


def _publish(directory: Path, certificates: tuple[x509.Certificate, ...]) -> None:
    """Writes `ca.pem`: every certificate of the authority's own, present generation first."""
    work = directory / f"{_PUBLISHED}.part"
    work.write_bytes(b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates))
    sync(work)
    os.replace(work, directory / _PUBLISHED)
    sync(directory)

"""The key ceremony: two persons make a production authority together, and a written protocol says so.

Each brings a passphrase of his own; the key is encrypted under both, so that nobody opens it, issues by hand or revokes
by hand without the other. The protocol is signed by the new key, and printed to be signed by the two persons; it
appears together with the authority, in `ceremony.txt` and `ceremony.sig`.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.authority.credential import Credential
from kiosk.authority.embedded.directory import JOINT, PROTOCOL, Clock, init, read_passphrase
from kiosk.authority.embedded.terms import DirectoryInvalid
from kiosk.model.policy import Policy
from kiosk.model.town import Town

SHORTEST_PASSPHRASE = 12


def hold_ceremony(
    directory: Path,
    policy_file: Path,
    town: Town,
    clock: Clock,
    persons: Sequence[str],
    passphrases: Sequence[Path],
    store_url: str = "",
    token: str = "",
) -> str:
    """Makes a production authority and returns its protocol. Raises `DirectoryInvalid`."""
    if len({person.strip() for person in persons}) != 2 or not all(person.strip() for person in persons):
        raise DirectoryInvalid("a ceremony is held by two persons, each named once")
    if len(passphrases) != 2:
        raise DirectoryInvalid("each of the two persons brings a passphrase of his own")
    secrets = [read_passphrase(path) for path in passphrases]
    if secrets[0] == secrets[1] or min(map(len, secrets)) < SHORTEST_PASSPHRASE:
        raise DirectoryInvalid(f"two different passphrases of at least {SHORTEST_PASSPHRASE} characters are needed")
    secret = JOINT.join(secrets)

    def certify(own: Credential, policy: Policy) -> bytes:
        return _protocol(own.certificate, policy, policy_file, town, clock, persons, token).encode()

    init(directory, policy_file, town, clock, store_url=store_url, passphrase=secret, token=token, certify=certify)
    return (directory / PROTOCOL).read_text(encoding="utf-8")


def _protocol(
    certificate: x509.Certificate,
    policy: Policy,
    policy_file: Path,
    town: Town,
    clock: Clock,
    persons: Sequence[str],
    token: str,
) -> str:
    public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "\n".join(
        [
            "KEY CEREMONY OF A CERTIFICATION AUTHORITY",
            f"held at              {clock():%Y-%m-%dT%H:%M:%SZ}",
            *(f"by                   {person.strip()}" for person in persons),
            f"for                  {town.code} {town.prefecture_romaji}, {town.municipality_romaji}",
            f"policy               {policy.name}, SHA-256 {_digest(policy_file.read_bytes())}",
            f"subject              {certificate.subject.rfc4514_string()}",
            f"serial number        {certificate.serial_number:X}",
            f"valid                {certificate.not_valid_before_utc:%Y-%m-%d} to"
            f" {certificate.not_valid_after_utc:%Y-%m-%d}",
            f"certificate SHA-256  {certificate.fingerprint(hashes.SHA256()).hex()}",
            f"public key SHA-256   {_digest(public)}",
            f"The private key is {_where(token)} both passphrases, in this order; neither opens it alone.",
            *(f"signature of {person.strip()}: ______________________________" for person in persons),
            "",
        ]
    )


def _where(token: str) -> str:
    return f"in the token {token} under" if token else "encrypted under"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

"""Whether a PIV card made its key itself, by the certificate that its own attestation key signs over it.

The form is the one that Yubico has published and other makers follow: the key's certificate is signed by a key in slot
F9 of the card, which the maker has certified. Its subject ends in the key's slot; extensions under 1.3.6.1.4.1.41482.3
name the card's serial number (7) and what the use of the key needs (8: PIN policy, touch policy).
"""

import datetime
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.authority import asn1
from kiosk.authority.issuer import UNREADABLE, is_issued_by
from kiosk.authority.verification import load_certificate

CARD_NUMBER = re.compile("PIV[0-9]{13}")
"""What the number of a PIV card is that tells its serial number."""

_SERIAL = x509.ObjectIdentifier("1.3.6.1.4.1.41482.3.7")
_POLICIES = x509.ObjectIdentifier("1.3.6.1.4.1.41482.3.8")
_SLOT = re.compile("Attestation ([0-9a-f]{2})")
_SLOT_OF = {"signature": "9c", "authentication": "9a"}
"""Key references of SP 800-73-4, part 1, table 4b, by the kind of certificate."""

_PIN_NEEDED = (0x02, 0x03)
"""PIN policies that ask for the PIN: once a session, before every use."""

_LONGEST_PATH = 4
SIMULATED_MAKER = Path(__file__).with_name("simulated_card_maker.pem")
"""Vouches for every simulated card; its key is known to everybody."""


class AttestationInvalid(ValueError):
    """The certificates do not show that the card made this key; says why."""


class MakersInvalid(ValueError):
    """What lies in the folder of card makers cannot be trusted; names the file."""


def read_makers(folder: Path, *, is_training: bool) -> tuple[x509.Certificate, ...]:
    """The certificates of card makers that the operator has put there (PEM): self-signed ones are trusted.

    In training also that of simulated cards, which nobody trusts otherwise. Raises `MakersInvalid`.
    """
    simulated = x509.load_pem_x509_certificate(SIMULATED_MAKER.read_bytes())
    found = [simulated] if is_training else []
    for path in sorted(folder.glob("*.pem")):
        try:
            certificates = x509.load_pem_x509_certificates(path.read_bytes())
        except (OSError, ValueError) as error:
            raise MakersInvalid(f"{path}: {error}") from error
        if not is_training and any(each.public_key() == simulated.public_key() for each in certificates):
            raise MakersInvalid(f"{path}: the maker of simulated cards, whose key everybody has")
        found += certificates
    return tuple(found)


def check(
    value: bytes,
    card_number: str,
    key_hash: bytes,
    kind: str,
    makers: Sequence[x509.Certificate],
    now: datetime.datetime,
) -> None:
    """Raises `AttestationInvalid` unless the card of that number made the key of this hash (SHA-256) for this kind.

    `value` are the key's certificate and the one of the card's attestation key, DER, one after the other.
    """
    key, card = _certificates(value)
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if hashlib.sha256(spki).digest() != key_hash:
        raise AttestationInvalid("the card vouches for another key")
    _check_path([key, card], makers, now)
    if _slot(key) != _SLOT_OF[kind]:
        raise AttestationInvalid(f"the key is in slot {_slot(key)}, not where a {kind} key is")
    if _policies(key)[:1] not in [bytes((policy,)) for policy in _PIN_NEEDED]:
        raise AttestationInvalid("the key can be used without the PIN")
    if not CARD_NUMBER.fullmatch(card_number) or _serial(key) != int(card_number[3:]):
        raise AttestationInvalid("the attestation is another card's than the authorised one's")


def _certificates(value: bytes) -> tuple[x509.Certificate, x509.Certificate]:
    length = _der_length(value)
    try:
        key, card = load_certificate(value[:length]), load_certificate(value[length:])
        # What is read only when it is asked for.
        key.public_key(), key.extensions, key.subject, card.public_key(), card.extensions
    except UNREADABLE as error:
        raise AttestationInvalid(f"not two certificates: {error}") from error
    return key, card


def _der_length(value: bytes) -> int:
    """The length of the SEQUENCE that `value` begins with, for lengths of two bytes; else 0."""
    return 4 + int.from_bytes(value[2:4], "big") if value[:2] == b"\x30\x82" else 0


def _check_path(path: list[x509.Certificate], makers: Sequence[x509.Certificate], now: datetime.datetime) -> None:
    """From the key's certificate over the card's to a maker's that is trusted."""
    _check_issued(path[0], path[1], 0)
    while len(path) < _LONGEST_PATH + 1:
        issuer = next((maker for maker in makers if is_issued_by(path[-1], maker)), None)
        if issuer is None:
            break
        if path[-1] != issuer:
            _check_issued(path[-1], issuer, len(path) - 1)
            path.append(issuer)
        if issuer.issuer == issuer.subject:
            if any(not each.not_valid_before_utc <= now <= each.not_valid_after_utc for each in path):
                raise AttestationInvalid("a certificate of the attestation is not valid at this time")
            return
    raise AttestationInvalid("the card's attestation key was certified by no maker that is trusted here")


def _check_issued(certificate: x509.Certificate, issuer: x509.Certificate, authorities_between: int) -> None:
    if not is_issued_by(certificate, issuer):
        raise AttestationInvalid("the key's certificate is not by the card's attestation key")
    try:
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        raise AttestationInvalid("a certificate is by a key that must not certify") from None
    longest = constraints.path_length
    if not constraints.ca or (longest is not None and authorities_between > longest):
        raise AttestationInvalid("a certificate is by a key that must not certify")


def _slot(key: x509.Certificate) -> str:
    names = key.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    found = _SLOT.search(str(names[0].value)) if len(names) == 1 else None
    if found is None:
        raise AttestationInvalid("the attestation names no slot")
    return found[1]


def _policies(key: x509.Certificate) -> bytes:
    return _extension(key, _POLICIES)


def _serial(key: x509.Certificate) -> int:
    try:
        return asn1.decode(int, _extension(key, _SERIAL))
    except asn1.Asn1Invalid as error:
        raise AttestationInvalid("the attestation's serial number cannot be read") from error


def _extension(key: x509.Certificate, oid: x509.ObjectIdentifier) -> bytes:
    try:
        value = key.extensions.get_extension_for_oid(oid).value
    except x509.ExtensionNotFound:
        raise AttestationInvalid(f"the attestation lacks {oid.dotted_string}") from None
    assert isinstance(value, x509.UnrecognizedExtension), "nobody else reads a maker's own extension"
    return value.value

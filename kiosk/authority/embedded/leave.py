"""The two-person rule at the authority: a resident's request needs a clerk's leave and the card's word for its key."""

import datetime
import hmac

from cryptography import x509
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode

from kiosk.authority import asn1
from kiosk.authority.embedded import card_attestation
from kiosk.authority.embedded.authority import Authority
from kiosk.authority.embedded.refusal import Refusal
from kiosk.authority.embedded.requester import CLOCK_SKEW, Requester
from kiosk.authority.embedded.store import Books
from kiosk.authority.signature import SignatureInvalid, verify_signature
from kiosk.authority.verification import load_certificate
from kiosk.model.authorisation import AuthorisationInvalid, AuthorisationTerms
from kiosk.model.certificate import BookedState, CertifiedItems, serial_text

_PIN_SET = b"\x01"
_PIV_NUMBER = "PIV"
"""How the number of a PIV card begins."""


def check_authorisation(
    value: asn1.TLV | None,
    requester: Requester,
    items: CertifiedItems | None,
    kind: str,
    books: Books,
    now: datetime.datetime,
) -> AuthorisationTerms:
    """The clerk's terms, when they cover this request from this station now. Raises `Refusal`."""
    terms = _signed_terms(value, books, now)
    if terms.operation != "issue":
        raise Refusal("notAuthorized", f"the authorisation is to {terms.operation}, and not to issue")
    if terms.station != requester.name:
        raise Refusal("notAuthorized", f"the authorisation is for station {terms.station}, not {requester.name}")
    if terms.issued_at - now > CLOCK_SKEW or now >= terms.expires_at:
        raise Refusal("notAuthorized", "the authorisation is not good at this time")
    if items is not None and not hmac.compare_digest(items.hash(), terms.items_hash):
        raise Refusal("notAuthorized", "the items are not those that the clerk authorised")
    if books.is_authorisation_used(terms.nonce, kind):
        raise Refusal("notAuthorized", "the authorisation was used before")
    return terms


def check_attestation(
    value: asn1.TLV | None, terms: AuthorisationTerms, key_hash: bytes, kind: str, authority: Authority
) -> None:
    """Raises `Refusal` unless the authorised card says, for this authorisation, that it made the key of this hash.

    A JPKI card says so by a MAC under a key that the authority knows, a PIV card by its maker's certificates.
    """
    is_piv = terms.card_number.startswith(_PIV_NUMBER)
    if value is None and is_piv:
        if authority.policy.unattested_cards == "accepted":
            return
        raise Refusal("badPOP", "E21: the card's attestation of its key is missing")
    if value is None:
        raise Refusal("badPOP", "the card's attestation of its key is missing")
    try:
        attestation = asn1.decode(asn1.AttestationValue, asn1.encode(value))
        card_number = terms.card_number.encode("ascii")
    except (ValueError, AttributeError):
        raise Refusal("badDataFormat", "the card's attestation cannot be read") from None
    if attestation.nonce != terms.nonce:
        raise Refusal("badPOP", "the card's attestation is for another authorisation")
    if is_piv:
        try:
            card_attestation.check(
                attestation.value, terms.card_number, key_hash, kind, authority.card_makers, authority.now()
            )
        except card_attestation.AttestationInvalid as invalid:
            raise Refusal("badPOP", f"E21: {invalid}") from None
        return
    cmac = CMAC(algorithms.AES(_attestation_key(authority.card_master, card_number)))
    cmac.update(b"\x01" + card_number + attestation.nonce + key_hash + _PIN_SET)
    if not hmac.compare_digest(cmac.finalize(), attestation.value):
        raise Refusal("badPOP", "the authorised card does not vouch for this key")


def _signed_terms(value: asn1.TLV | None, books: Books, now: datetime.datetime) -> AuthorisationTerms:
    try:
        signed = asn1.decode(asn1.AuthorisationValue, b"" if value is None else asn1.encode(value))
        clerk_der = asn1.encode(signed.clerk_certificate)
        clerk = load_certificate(clerk_der)
        terms = AuthorisationTerms.decode(signed.payload)
    except (ValueError, AuthorisationInvalid):
        raise Refusal("badDataFormat", "the authorisation cannot be read") from None
    books.rely_on(serial_text(clerk.serial_number))
    record = books.certificate(serial_text(clerk.serial_number))
    if record is None or record.der != clerk_der or record.profile != "clerk":
        raise Refusal("notAuthorized", "the authorisation is not by a clerk of this authority")
    if record.state is not BookedState.GOOD or not clerk.not_valid_before_utc <= now <= clerk.not_valid_after_utc:
        raise Refusal("notAuthorized", "the clerk's certificate is not valid")
    try:
        verify_signature(
            x509.SignatureAlgorithmOID.ECDSA_WITH_SHA256, clerk.public_key(), signed.signature, signed.payload
        )
    except SignatureInvalid:
        raise Refusal("notAuthorized", "the clerk's signature does not verify") from None
    return terms


def _attestation_key(master: bytes, card_number: bytes) -> bytes:
    """A card's attestation key: NIST SP 800-108 in counter mode with AES-CMAC."""
    return KBKDFCMAC(
        algorithms.AES,
        Mode.CounterMode,
        length=16,
        rlen=4,
        llen=4,
        location=CounterLocation.BeforeFixed,
        label=b"jpki-kiosk attest",
        context=card_number,
        fixed=None,
    ).derive(master)

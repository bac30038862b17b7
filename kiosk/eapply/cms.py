"""Reads CMS SignedData (RFC 5652) of one signer: whose certificate, over what, and whether the signature holds."""

from dataclasses import dataclass
from typing import Any

from kiosk.eapply.errors import DAMAGE, SignatureUnreadable


@dataclass(frozen=True, repr=False)
class SignedData:
    """One signer's part of a message: his certificate (DER), the digest's name, and the document when enclosed.

    `signer` and `certificate` are asn1crypto's structures, which has no types.
    """

    signer: Any
    certificate: Any
    certificate_der: bytes
    digest_name: str
    enclosed: bytes | None


@dataclass(frozen=True)
class Integrity:
    """Whether the document is the one that was signed, and whether the certificate's key signed it."""

    is_intact: bool
    is_valid: bool


def is_cms(document: bytes) -> bool:
    """Whether it begins as a message in DER does: with a sequence."""
    return document[:1] == b"\x30"


def read_signed_data(signature: bytes) -> SignedData:
    """Reads DER (or BER) of one signer. Raises `SignatureUnreadable`."""
    from asn1crypto import cms

    try:
        message = cms.ContentInfo.load(signature, strict=True)
        if message["content_type"].native != "signed_data":
            raise SignatureUnreadable("not CMS SignedData")
        signed = message["content"]
        (signer,) = signed["signer_infos"]
        if not signer["signed_attrs"]:
            # Without them an attacker could pass signed attributes off as a document (RFC 5652, 5.4).
            raise SignatureUnreadable("no signed attributes")
        candidates = [choice.chosen for choice in signed["certificates"] or [] if choice.name == "certificate"]
        (certificate,) = [candidate for candidate in candidates if _is_signer(candidate, signer["sid"])]
        return SignedData(
            signer=signer,
            certificate=certificate,
            certificate_der=certificate.dump(),
            digest_name=str(signer["digest_algorithm"]["algorithm"].native),
            enclosed=signed["encap_content_info"]["content"].native,
        )
    except SignatureUnreadable:
        raise
    except DAMAGE as error:
        raise SignatureUnreadable("not a CMS signature of one signer with his certificate") from error


def read_padded_signed_data(padded: bytes) -> SignedData:
    """The same of DER that zeros follow, as in a PDF document. Raises `SignatureUnreadable`."""
    from asn1crypto import parser

    try:
        der = padded[: parser.peek(padded)]
    except DAMAGE as error:
        raise SignatureUnreadable("not a CMS signature") from error
    if any(padded[len(der) :]):
        raise SignatureUnreadable("something stands behind the signature")
    return read_signed_data(der)


def check_integrity(signed: SignedData, digest: bytes) -> Integrity:
    """Checks the signature over a document of this digest. Raises `SignatureUnreadable` when it cannot be checked."""
    from pyhanko.sign.validation.errors import SignatureValidationError
    from pyhanko.sign.validation.generic_cms import validate_sig_integrity

    try:
        is_intact, is_valid = validate_sig_integrity(
            signed.signer, signed.certificate, expected_content_type="data", actual_digest=digest
        )
    except (SignatureValidationError, *DAMAGE) as error:
        raise SignatureUnreadable(f"the signature cannot be checked: {error}") from error
    return Integrity(is_intact, is_valid)


def _is_signer(certificate: Any, sid: Any) -> bool:
    wanted = sid.chosen
    if sid.name == "issuer_and_serial_number":
        return bool(
            certificate.issuer == wanted["issuer"] and certificate.serial_number == wanted["serial_number"].native
        )
    return bool(certificate.key_identifier == wanted.native)

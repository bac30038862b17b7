"""Signatures inside PDF documents (PAdES baseline B-B, ETSI EN 319 142-1): made with a resident's key, read again."""

import re
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from kiosk.eapply.cms import SignedData, read_padded_signed_data
from kiosk.eapply.errors import DAMAGE, DocumentUnfit, SignatureUnreadable

MAGIC = b"%PDF-"

_FIELD = "Signature1"
_HEXADECIMAL = re.compile(rb"<(?:[0-9A-Fa-f]{2})+>")
_SUBFILTERS = ("/ETSI.CAdES.detached", "/adbe.pkcs7.detached")
_DIGEST = "sha256"


@dataclass(frozen=True, repr=False)
class SignedPdf:
    """The one signature in a document, and the digest of all that it covers."""

    signed: SignedData
    digest: bytes


def open_unsigned(document: bytes) -> Any:
    """PyHanko's writer of what is added behind a document that can be signed. Raises `DocumentUnfit`."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    try:
        writer = IncrementalPdfFileWriter(BytesIO(document))
        if writer.prev.encrypted:
            raise DocumentUnfit("the document is encrypted")
        if _filled_fields(writer.prev):
            raise DocumentUnfit("the document holds a signature already")
    except DocumentUnfit:
        raise
    except _damage() as error:
        raise DocumentUnfit(f"not a PDF document that can be signed: {error}") from error
    return writer


def sign_pdf(document: bytes, certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> bytes:
    """The document with an invisible signature over all of it added behind what was there; one use of `key`.

    Raises `DocumentUnfit`, and what the key raises.
    """
    from pyhanko.keys.internal import translate_pyca_cryptography_cert_to_asn1
    from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
    from pyhanko.sign.signers.pdf_cms import Signer
    from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    refused: list[Exception] = []

    class ByKey(Signer):
        """Signs by whatever keeps the private key."""

        async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
            if dry_run:
                return bytes(key.key_size // 8)
            try:
                return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
            # Whatever it is, such as a card that was pulled: it is told as it is, and not as damage of the document.
            except Exception as error:
                refused.append(error)
                raise

    writer = open_unsigned(document)
    try:
        signer = ByKey(
            signing_cert=translate_pyca_cryptography_cert_to_asn1(certificate),
            cert_registry=SimpleCertificateStore(),  # type: ignore[no-untyped-call]  # the library has no types here
        )
        metadata = PdfSignatureMetadata(field_name=_FIELD, md_algorithm=_DIGEST, subfilter=SigSeedSubFilter.PADES)
        pdf_signer = PdfSigner(metadata, signer=signer, new_field_spec=SigFieldSpec(_FIELD))
        return bytes(pdf_signer.sign_pdf(writer).getvalue())
    except _damage() as error:
        if refused:
            raise refused[0] from None
        raise DocumentUnfit(f"the PDF document cannot be signed: {error}") from error


def read_signed_pdf(document: bytes) -> SignedPdf:
    """The signature of a document that holds just one, over all of it. Raises `SignatureUnreadable`."""
    from pyhanko.pdf_utils.reader import PdfFileReader

    try:
        reader = PdfFileReader(BytesIO(document))
        if (count := _filled_fields(reader)) != 1:
            raise SignatureUnreadable(f"the document holds {count} signatures, and one is judged")
        signatures = [one for one in reader.embedded_signatures if one.sig_object_type == "/Sig"]
        if len(signatures) != 1 or signatures[0].sig_object.get("/SubFilter") not in _SUBFILTERS:
            raise SignatureUnreadable("the signature in the document is of a kind that is not judged")
        (signature,) = signatures
        _refuse_unless_all_is_covered(document, list(signature.byte_range), signature.pkcs7_content)
        signed = read_padded_signed_data(signature.pkcs7_content)
        if signed.enclosed is not None:
            raise SignatureUnreadable("the signature encloses another document")
        return SignedPdf(signed, signature.compute_digest(signed.digest_name))
    except SignatureUnreadable:
        raise
    except _damage() as error:
        raise SignatureUnreadable(f"not a PDF document with a signature: {error}") from error


def _refuse_unless_all_is_covered(document: bytes, byte_range: list[int], signature: bytes) -> None:
    """Everything but the signature's own hexadecimal digits, from the first byte to the last (ISO 32000-2, 12.8.1).

    The library compares lengths alone, which leaves a gap that anybody can fill, and another place for what was signed.
    """
    if len(byte_range) == 4:
        first, first_length, second, second_length = byte_range
        gap = document[first_length:second]
        is_whole = first == 0 and 0 < first_length < second and second + second_length == len(document)
        if is_whole and _HEXADECIMAL.fullmatch(gap) and bytes.fromhex(gap[1:-1].decode()) == signature:
            return
    raise SignatureUnreadable("the signature does not cover the whole document")


def _filled_fields(reader: Any) -> int:
    from pyhanko.sign.fields import enumerate_sig_fields

    return len(list(enumerate_sig_fields(reader, filled_status=True)))


def _damage() -> tuple[type[Exception], ...]:
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.sign.general import SigningError
    from pyhanko.sign.validation.errors import SignatureValidationError

    return PdfError, SigningError, SignatureValidationError, *DAMAGE

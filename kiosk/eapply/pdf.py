"""Signatures inside PDF documents (PAdES baseline B-B, ETSI EN 319 142-1): made with a resident's key, read again."""

import re
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from kiosk.eapply.cms import SignedData, read_padded_signed_data
from kiosk.eapply.errors import DocumentUnfit, SignatureUnreadable

MAGIC = b"%PDF-"

_FIELD = re.compile(r"Signature([0-9]{1,6})")
_SUBFILTERS = ("/ETSI.CAdES.detached", "/adbe.pkcs7.detached")
_DIGEST = "sha256"


@dataclass(frozen=True, repr=False)
class SignedPdf:
    """The one signature in a document, and the digest of all that it covers."""

    signed: SignedData
    digest: bytes


def sign_pdf(document: bytes, certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> bytes:
    """The document with an invisible signature over all of it added behind what was there; one use of `key`.

    Raises `DocumentUnfit`, and what the key raises.
    """
    from pyhanko.keys.internal import translate_pyca_cryptography_cert_to_asn1
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
    from pyhanko.sign.general import SigningError
    from pyhanko.sign.signers.pdf_cms import Signer
    from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    class ByKey(Signer):
        """Signs by whatever keeps the private key."""

        async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
            if dry_run:
                return bytes(key.key_size // 8)
            return key.sign(data, padding.PKCS1v15(), hashes.SHA256())

    signer = ByKey(
        signing_cert=translate_pyca_cryptography_cert_to_asn1(certificate),
        cert_registry=SimpleCertificateStore(),  # type: ignore[no-untyped-call]
    )
    try:
        writer = IncrementalPdfFileWriter(BytesIO(document))
        if writer.prev.encrypted:
            raise ValueError("it is encrypted")
        field = f"Signature{_last_field(writer.prev) + 1}"
        metadata = PdfSignatureMetadata(field_name=field, md_algorithm=_DIGEST, subfilter=SigSeedSubFilter.PADES)
        pdf_signer = PdfSigner(metadata, signer=signer, new_field_spec=SigFieldSpec(field))
    except _unreadable() as error:
        raise DocumentUnfit(f"not a PDF document that can be signed: {error}") from error
    try:
        return bytes(pdf_signer.sign_pdf(writer).getvalue())
    # Nothing wider: what the card says comes through unchanged.
    except (PdfError, SigningError) as error:
        raise DocumentUnfit(f"the PDF document cannot be signed: {error}") from error


def read_signed_pdf(document: bytes) -> SignedPdf:
    """The signature of a document that holds just one, over all of it. Raises `SignatureUnreadable`."""
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation.status import SignatureCoverageLevel

    try:
        signatures = PdfFileReader(BytesIO(document)).embedded_signatures
        if len(signatures) != 1:
            raise SignatureUnreadable(f"the document holds {len(signatures)} signatures, and one is judged")
        (signature,) = signatures
        if signature.sig_object_type != "/Sig" or signature.sig_object.get("/SubFilter") not in _SUBFILTERS:
            raise SignatureUnreadable("the signature in the document is of a kind that is not judged")
        if signature.evaluate_signature_coverage() is not SignatureCoverageLevel.ENTIRE_FILE:
            raise SignatureUnreadable("the signature does not cover the whole document")
        signed = read_padded_signed_data(signature.pkcs7_content)
        if signed.enclosed is not None:
            raise SignatureUnreadable("the signature encloses another document")
        return SignedPdf(signed, signature.compute_digest(signed.digest_name))
    except SignatureUnreadable:
        raise
    except _unreadable() as error:
        raise SignatureUnreadable(f"not a PDF document with a signature: {error}") from error


def _last_field(reader: Any) -> int:
    names = (signature.field_name for signature in reader.embedded_signatures)
    return max((int(found[1]) for name in names if (found := _FIELD.fullmatch(name))), default=0)


def _unreadable() -> tuple[type[Exception], ...]:
    """What reading a document raises that is not what it claims to be."""
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.sign.general import SigningError
    from pyhanko.sign.validation.errors import SignatureValidationError

    broken = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, OSError)
    return PdfError, SigningError, SignatureValidationError, NotImplementedError, *broken

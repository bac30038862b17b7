"""Signs a document with a resident's key, in one of the forms that receivers take."""

from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from kiosk.eapply import pdf, xml


class SignatureForm(StrEnum):
    """How signature and document belong together."""

    CMS = "cms"
    """CMS SignedData (RFC 5652) in a file beside the document."""
    CMS_ATTACHED = "cms-attached"
    """The document stands inside it."""
    PADES = "pades"
    """It stands inside the document, which is PDF (ETSI EN 319 142-1)."""
    XADES = "xades"
    """It stands inside the document, which is XML (ETSI EN 319 132-1)."""

    def path(self, document: Path) -> Path:
        """Where the signed form of a document goes, unless somebody says where."""
        if self in (SignatureForm.PADES, SignatureForm.XADES):
            return document.with_name(f"{document.stem}.signed{document.suffix}")
        return document.with_name(document.name + ".p7s")


def refuse_unfit(content: bytes, form: SignatureForm) -> None:
    """Before anybody types a password. Raises `DocumentUnfit`."""
    match form:
        case SignatureForm.PADES:
            pdf.open_unsigned(content)
        case SignatureForm.XADES:
            xml.open_unsigned(content)


def sign(content: bytes, certificate: x509.Certificate, key: rsa.RSAPrivateKey, form: SignatureForm) -> bytes:
    """A document in its signed form; one use of `key`. Raises `DocumentUnfit` where the form needs another document."""
    match form:
        case SignatureForm.PADES:
            return pdf.sign_pdf(content, certificate, key)
        case SignatureForm.XADES:
            return xml.sign_xml(content, certificate, key)
        case _:
            return sign_cms(content, certificate, key, is_detached=form is SignatureForm.CMS)


def sign_cms(
    content: bytes,
    certificate: x509.Certificate,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    *,
    is_detached: bool,
) -> bytes:
    """The signature over exactly these bytes, DER, with the signer's certificate; one use of `key`."""
    # imported here: it loads the whole of Python's e-mail package, and at the counter only trying out signs
    from cryptography.hazmat.primitives.serialization import pkcs7

    options = [pkcs7.PKCS7Options.Binary]
    if is_detached:
        options.append(pkcs7.PKCS7Options.DetachedSignature)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(certificate, key, hashes.SHA256())
    return builder.sign(Encoding.DER, options)

"""Signs a document with a resident's key: CMS SignedData (RFC 5652), the document beside it or inside."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding


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

"""Who issued a certificate, among certificates that are known; and what cryptography raises over strange ones."""

from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm

UNREADABLE = (
    *(ValueError, TypeError, NotImplementedError, UnsupportedAlgorithm, InternalError),
    *(x509.InvalidVersion, x509.DuplicateExtension, x509.ExtensionNotFound, x509.UnsupportedGeneralNameType),
)
"""What cryptography raises over strange certificates, requests and answers, whichever part of them is asked for.

Met in 400,000 mutated ones: `ValueError` over what does not decode, `TypeError` over a name with a BIT STRING in it,
`NotImplementedError` over an OCSP request about several certificates, `UnsupportedAlgorithm` over curves and signatures
that it lacks, and those of `x509` over versions, extensions and kinds of names that it does not know. Not met, and what
it raises where OpenSSL fails in a way that it does not expect: `InternalError`.
"""

NOT_ISSUED = (*UNREADABLE, InvalidSignature)
"""What it raises when one certificate is asked whether it issued another."""


def find_issuer(certificate: x509.Certificate, known: Sequence[x509.Certificate]) -> x509.Certificate | None:
    """The first of `known` that issued a certificate: by its name, and by its key (RFC 5280, 6.1.3, (a) (1) and (4)).

    None when none of them did. Says nothing about whether one that is known may issue.
    """
    return next((one for one in known if is_issued_by(certificate, one)), None)


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether a certificate bears the other's name as its issuer's, and a signature by its key."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except NOT_ISSUED:
        return False
    return True

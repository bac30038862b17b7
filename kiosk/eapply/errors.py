"""What cannot be signed, what cannot be read as signed, and what libraries raise for either."""

import zlib

from cryptography.exceptions import UnsupportedAlgorithm

DAMAGE = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError, RecursionError, OSError),
    *(NotImplementedError, UnsupportedAlgorithm, zlib.error),
)
"""What readers of ASN.1, PDF and XML raise for structures that are not what they claim to be."""


class DocumentUnfit(ValueError):
    """It is no document of the kind that was asked for, or not one that can be signed."""


class SignatureUnreadable(ValueError):
    """It is not signed by one signer whose certificate is there, or not in a form that is judged."""

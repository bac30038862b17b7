"""What cannot be signed, and what cannot be read as signed."""


class DocumentUnfit(ValueError):
    """It is no document of the kind that was asked for, or not one that can be signed."""


class SignatureUnreadable(ValueError):
    """It is not signed by one signer whose certificate is there, or not in a form that is judged."""

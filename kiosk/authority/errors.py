"""What is known about the authority's books after a request failed, for a caller to decide by type and not by text."""

from pathlib import Path


class AuthorityError(Exception):
    """The authority did not do what it was asked; the subclass tells what is known."""


class AuthorityUnreachable(AuthorityError):
    """Nothing was sent (connection refused, no such host): the authority's books are unchanged."""


class AuthorityOutcomeUnknown(AuthorityError):
    """The request left and no usable answer came: time-out, reset, an answer that cannot be authenticated.

    The authority may or may not have acted. Sending the same bytes again is safe; making a new request is not.
    """


class AuthorityNotRecognised(AuthorityOutcomeUnknown):
    """Who answers is not the authority that this station's credential comes from, nor anybody who speaks for it."""


class AuthorityRejected(AuthorityError):
    """The authority authentically said no: what was asked for was not done.

    A certificate that it does not confirm it may have revoked instead. Said to bytes that were sent before, it says
    nothing of what became of them then.

    `fail_info` is the name of the first PKIFailureInfo bit (RFC 9810, 5.2.3), such as `badPOP`, or empty; `text` the
    authority's own words.
    """

    def __init__(self, fail_info: str, text: str) -> None:
        super().__init__(f"authority refused: {fail_info or 'no reason given'}{f': {text}' if text else ''}")
        self.fail_info = fail_info
        self.text = text


class CertificateUnacceptable(AuthorityError):
    """The authority issued, but the certificate is not the one that was asked for; reject and revoke it.

    `certificate` is what came (DER), so that it can be revoked; `reason` says what is wrong with it.
    """

    def __init__(self, certificate: bytes, reason: str) -> None:
        super().__init__(f"the certificate received is not acceptable: {reason}")
        self.certificate = certificate
        self.reason = reason


class CredentialInvalid(ValueError):
    """A file that should hold a key, its certificate and the issuer does not; the message names the file.

    `reason` is the message without that name.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason = reason


class UrlRefused(ValueError):
    """The authority's URL cannot be used: no http or https, or plain HTTP where certificates are worth something."""

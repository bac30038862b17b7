"""One request and the answer to it: header, kind and protection of whatever the authority says (RFC 9483, 3.1, 3.6)."""

from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

from kiosk.authority import asn1
from kiosk.authority.credential import Credential
from kiosk.authority.embedded.authority import Authority
from kiosk.authority.embedded.requester import NONCE_BYTES, TRANSACTION_ID_BYTES
from kiosk.authority.mac import SharedSecret
from kiosk.authority.message import (
    EMPTY_NAME,
    BodyKind,
    GeneralInfo,
    Head,
    Status,
    build_message,
    status_info,
)

_OLDEST_VERSION, _NEWEST_VERSION = 2, 3


@dataclass(repr=False)
class Exchange:
    """What is known of the request so far: `header` and `kind` once they could be read, `protector` once it is proven.

    Until then answers carry the authority's signature: a MAC for somebody who has not shown that he knows the secret
    would let him try secrets at home.
    """

    authority: Authority
    protector: Credential | SharedSecret
    header: asn1.PKIHeader | None = None
    kind: int | None = None

    def new_nonce(self) -> bytes:
        """A nonce for an answer."""
        return self.authority.random_bytes(NONCE_BYTES)

    def reply(self, kind: BodyKind, body: bytes, nonce: bytes = b"", general_info: GeneralInfo = ()) -> bytes:
        """The answer; without a `nonce` a new one."""
        authority, header = self.authority, self.header
        head = Head(
            sender=_own_name(self.protector),
            recipient=_sender_name(header),
            time=authority.now(),
            transaction_id=(header and header.transaction_id) or authority.random_bytes(TRANSACTION_ID_BYTES),
            sender_nonce=nonce or self.new_nonce(),
            recipient_nonce=header.sender_nonce if header else None,
            general_info=general_info,
            # Whoever speaks a newer version is told the newest one here (RFC 9810, section 7).
            pvno=min(max(header.pvno, _OLDEST_VERSION), _NEWEST_VERSION) if header else _OLDEST_VERSION,
        )
        return build_message(kind, body, head, self.protector)

    def refuse(self, fail_info: str, text: str) -> bytes:
        """The answer that says no, in an rp to an rr (RFC 9483, 4.2), else in an error; it revokes nothing itself.

        A version that is not spoken gets an error always (RFC 9810, section 7).
        """
        status = status_info(Status.REJECTION, text, fail_info)
        if self.kind == BodyKind.RR and fail_info != "unsupportedVersion":
            return self.reply(BodyKind.RP, asn1.encode(asn1.RevRepContent(status=[status])))
        return self.reply(BodyKind.ERROR, asn1.encode(asn1.ErrorMsgContent(status=status)))


def _own_name(protector: Credential | SharedSecret) -> bytes:
    """The Name that an answer gives as its sender's: of a secret its reference, as senderKID too (RFC 9483, 3.1)."""
    if isinstance(protector, SharedSecret):
        common_name = x509.NameAttribute(NameOID.COMMON_NAME, protector.reference.decode())
        return x509.Name([common_name]).public_bytes()
    return protector.subject


def _sender_name(header: asn1.PKIHeader | None) -> bytes:
    """The sender's Name; the NULL-DN when he gave something else."""
    return (header and asn1.directory_name(header.sender)) or EMPTY_NAME

"""Requests of our own put together again with one detail changed, and what a response says of them."""

import dataclasses
from collections.abc import Callable
from typing import Any

from authority_desk import signer
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from kiosk.authority import asn1
from kiosk.authority.credential import Credential
from kiosk.authority.message import BodyKind, parse_message, read_status
from kiosk.authority.signature import sign

Change = Callable[[Any], None]


def nothing(_: object) -> None:
    """Changes nothing."""


def rebuild(
    der: bytes,
    credential: Credential,
    *,
    header: Change = nothing,
    body: Callable[[bytes], bytes] = lambda content: content,
    message: Change = nothing,
    kind: int | None = None,
) -> bytes:
    """`header` and `message` change the decoded parts; `body` maps the DER of the body's content; `kind` is its tag."""
    old = parse_message(der)
    header(old.header)
    content = body(old.body)
    protected = asn1.ProtectedPart(
        header=asn1.tlv(asn1.encode(old.header)),
        body=asn1.tlv(asn1.explicit(old.kind if kind is None else kind, content)),
    )
    new = asn1.PKIMessage(
        header=protected.header,
        body=protected.body,
        protection=asn1.BitString(sign(credential.key, asn1.encode(protected)), 0),
        extra_certs=[asn1.tlv(c) for c in old.extra_certs],
    )
    message(new)
    return asn1.encode(new)


def change_request(change: Change, key: rsa.RSAPrivateKey, *, signs: bool = True) -> Callable[[bytes], bytes]:
    """A body change: `change` gets the CertRequest, which the key then signs again."""

    def body(content: bytes) -> bytes:
        (outer,) = asn1.elements(content)
        message = asn1.decode(asn1.CertReqMsg, asn1.encode(outer))
        request = asn1.decode(asn1.CertRequest, asn1.encode(message.cert_req))
        change(request)
        raw = asn1.encode(request)
        message.cert_req = asn1.tlv(raw)
        if signs:
            proof = asn1.POPOSigningKey(
                algorithm=asn1.algorithm(x509.SignatureAlgorithmOID.RSA_WITH_SHA256, has_null=True),
                signature=asn1.BitString(signer(key)(raw), 0),
            )
            message.popo = asn1.Variant(proof, "signature")
        return asn1.sequence_of([asn1.encode(message)])

    return body


def change_message(change: Change) -> Callable[[bytes], bytes]:
    """A body change: `change` gets the CertReqMsg."""

    def body(content: bytes) -> bytes:
        (outer,) = asn1.elements(content)
        message = asn1.decode(asn1.CertReqMsg, asn1.encode(outer))
        change(message)
        return asn1.sequence_of([asn1.encode(message)])

    return body


def change_each(kind: type[Any], change: Change) -> Callable[[bytes], bytes]:
    """A body change for a SEQUENCE OF `kind`: `change` gets each element."""

    def body(content: bytes) -> bytes:
        changed = []
        for element in asn1.elements(content):
            value = asn1.decode(kind, asn1.encode(element))
            change(value)
            changed.append(asn1.encode(value))
        return asn1.sequence_of(changed)

    return body


def set_field(**values: object) -> Change:
    """Sets fields of a decoded value."""

    def change(value: Any) -> None:
        for field, content in values.items():
            assert field in {f.name for f in dataclasses.fields(value)}
            setattr(value, field, content)

    return change


def verdict(response: bytes) -> tuple[BodyKind, str]:
    """The kind of a response and its failInfo, empty when it says yes."""
    answer = parse_message(response)
    kind = BodyKind(answer.kind)
    match kind:
        case BodyKind.ERROR:
            status = asn1.decode(asn1.ErrorMsgContent, answer.body).status
        case BodyKind.IP | BodyKind.CP | BodyKind.KUP:
            status = asn1.decode(asn1.CertRepMessage, answer.body).response[0].status
        case BodyKind.RP:
            status = asn1.decode(asn1.RevRepContent, answer.body).status[0]
        case _:
            return kind, ""
    return kind, read_status(status)[0]

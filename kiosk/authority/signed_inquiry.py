"""The signature that an OCSP request may carry (RFC 6960, 4.1.1 and 4.1.2): made, and taken apart."""

from dataclasses import dataclass

from cryptography import x509

from kiosk.authority import asn1
from kiosk.authority.credential import Credential
from kiosk.authority.issuer import UNREADABLE
from kiosk.authority.signature import has_null_parameters, sign, signature_algorithm, verify_identified
from kiosk.authority.verification import load_certificate

_SEQUENCE, _EXPLICIT_0, _EXPLICIT_1 = b"\x30", b"\xa0", b"\xa1"
_DIRECTORY_NAME = 4


class InquiryInvalid(ValueError):
    """A signed request that is not as the standard has it."""


@dataclass(frozen=True)
class InquirySignature:
    """By whom a request says that it is: `signer` (DER) goes first among the certificates that came with it."""

    signer: bytes
    requestor: bytes
    algorithm: list[asn1.TLV]
    value: bytes
    signed: bytes

    def verify(self) -> x509.Certificate:
        """The signer's certificate. Raises `SignatureInvalid`, `AlgorithmUnknown` or `InquiryInvalid`."""
        try:
            certificate = load_certificate(self.signer)
            name, key = certificate.subject.public_bytes(), certificate.public_key()
        except UNREADABLE as error:
            raise InquiryInvalid(f"the signer's certificate cannot be read: {error}") from None
        if self.requestor != asn1.explicit(_DIRECTORY_NAME, name):
            raise InquiryInvalid("requestorName is not the subject of the signer's certificate")
        verify_identified(self.algorithm, key, self.value, self.signed)
        return certificate


def sign_inquiry(request: bytes, credential: Credential) -> bytes:
    """An OCSP request (DER) of nobody in particular as one by `credential`'s owner."""
    (tbs, *_) = asn1.elements(request)
    parts = [asn1.encode(part) for part in asn1.elements(asn1.encode(tbs))]
    requestor = asn1.explicit(1, asn1.explicit(_DIRECTORY_NAME, credential.subject))
    signed = asn1.sequence_of([requestor, *parts])
    oid = signature_algorithm(credential.key)
    algorithm = asn1.sequence_of([asn1.encode(part) for part in asn1.algorithm(oid, has_null_parameters(oid))])
    value = asn1.encode(asn1.BitString(sign(credential.key, signed), 0))
    certificates = asn1.explicit(0, asn1.sequence_of(list(credential.ders)))
    return asn1.sequence_of([signed, asn1.explicit(0, asn1.sequence_of([algorithm, value, certificates]))])


def read_inquiry_signature(request: bytes) -> InquirySignature | None:
    """A request's signature, not verified yet; None when it has none. Raises `InquiryInvalid`."""
    try:
        tbs, *rest = asn1.elements(request)
        if not rest:
            return None
        (explicit,) = rest
        if explicit.tag_bytes != _EXPLICIT_0:
            raise InquiryInvalid("not an OCSPRequest")
        algorithm, value, *certificates = asn1.elements(bytes(explicit.data))
        signed = asn1.encode(tbs)
        requestors = [part for part in asn1.elements(signed) if part.tag_bytes == _EXPLICIT_1]
        if len(certificates) != 1 or not requestors:
            raise InquiryInvalid("a signed request names its requestor, and brings his certificate")
        return InquirySignature(
            signer=asn1.encode(asn1.elements(bytes(certificates[0].data))[0]),
            requestor=bytes(requestors[0].data),
            algorithm=asn1.elements(asn1.encode(algorithm)),
            value=asn1.decode(asn1.BitString, asn1.encode(value)).as_bytes(),
            signed=signed,
        )
    except (asn1.Asn1Invalid, ValueError, IndexError) as error:
        raise InquiryInvalid(f"not an OCSPRequest: {error}") from None

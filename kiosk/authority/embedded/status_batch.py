"""OCSP requests about several certificates (RFC 6960, 4.1.1): taken apart, and their answers put together and signed.

The library underneath speaks of one certificate a message.
"""

from kiosk.authority import asn1
from kiosk.authority.credential import Credential
from kiosk.authority.signature import has_null_parameters, sign, signature_algorithm

LARGEST_BATCH = 32

_SEQUENCE, _EXPLICIT_0 = b"\x30", b"\xa0"


def split(request: bytes) -> list[bytes]:
    """The request as one request a certificate, each with the whole one's extensions; itself when it is about one.

    Raises `Asn1Invalid` for what is no request, one about too many, or one with a critical extension of a part of it.
    """
    outer = asn1.elements(request)
    if not outer:
        raise asn1.Asn1Invalid("not an OCSPRequest")
    parts = asn1.elements(asn1.encode(outer[0]))
    (place,) = [number for number, part in enumerate(parts) if part.tag_bytes == _SEQUENCE] or (None,)
    if place is None:
        raise asn1.Asn1Invalid("not an OCSPRequest")
    asked = asn1.elements(asn1.encode(parts[place]))
    for single in asked:
        _refuse_critical(asn1.encode(single))
    if len(asked) == 1:
        return [request]
    if not 1 < len(asked) <= LARGEST_BATCH:
        raise asn1.Asn1Invalid(f"a request is about 1 to {LARGEST_BATCH} certificates")
    before, after = ([asn1.encode(part) for part in some] for some in (parts[:place], parts[place + 1 :]))
    return [
        asn1.sequence_of([asn1.sequence_of([*before, asn1.sequence_of([asn1.encode(one)]), *after])]) for one in asked
    ]


def is_bare(request: bytes) -> bool:
    """Whether a request names one certificate and says nothing else: unsigned, without extensions or requestor."""
    inner = request
    # OCSPRequest, TBSRequest, requestList, Request
    for _ in range(4):
        parts = asn1.elements(inner)
        if len(parts) != 1:
            return False
        inner = asn1.encode(parts[0])
    return True


def _refuse_critical(single: bytes) -> None:
    """No extension of a Request is understood here (RFC 6960, 4.4); what is not critical may be passed over."""
    for extensions in asn1.elements(single)[1:]:
        if any(asn1.decode(asn1.Extension, asn1.encode(e)).critical for e in asn1.elements(bytes(extensions.data))):
            raise asn1.Asn1Invalid("a critical extension that is not understood")


def join(answers: list[bytes], responder: Credential) -> bytes:
    """Successful answers of one certificate each as one answer, signed by the responder of the first.

    Raises `Asn1Invalid` when one of them is not successful.
    """
    singles = [_single_responses(answer) for answer in answers]
    tbs = asn1.elements(_basic(answers[0])[0])
    # ResponderID, producedAt, responses, extensions
    parts = [asn1.encode(part) for part in tbs]
    place = next(number for number, part in enumerate(tbs) if part.tag_bytes == _SEQUENCE)
    parts[place] = asn1.sequence_of([single for some in singles for single in some])
    signed = asn1.sequence_of(parts)
    algorithm = signature_algorithm(responder.key)
    identifier = asn1.algorithm(algorithm, has_null_parameters(algorithm))
    signature = asn1.encode(asn1.BitString(sign(responder.key, signed), 0))
    certificates = _basic(answers[0])[3:]
    basic = asn1.sequence_of(
        [signed, asn1.sequence_of([asn1.encode(part) for part in identifier]), signature, *certificates]
    )
    status, content = asn1.elements(answers[0])
    (kind, _) = asn1.elements(bytes(content.data))
    inner = asn1.sequence_of([asn1.encode(kind), asn1.encode(basic)])
    return asn1.sequence_of([asn1.encode(status), asn1.explicit(0, inner)])


def _basic(answer: bytes) -> list[bytes]:
    """The parts of a BasicOCSPResponse."""
    outer = asn1.elements(answer)
    if len(outer) != 2 or outer[1].tag_bytes != _EXPLICIT_0:
        raise asn1.Asn1Invalid("not a successful OCSPResponse")
    _, octets = asn1.elements(bytes(outer[1].data))
    return [asn1.encode(part) for part in asn1.elements(asn1.decode(bytes, asn1.encode(octets)))]


def _single_responses(answer: bytes) -> list[bytes]:
    tbs = asn1.elements(_basic(answer)[0])
    (responses,) = [part for part in tbs if part.tag_bytes == _SEQUENCE]
    return [asn1.encode(single) for single in asn1.elements(asn1.encode(responses))]

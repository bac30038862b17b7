"""What a station asks of the authority, in DER: the parts of its messages, before header and protection."""

from collections.abc import Callable
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hw.ports import Attestation
from kiosk.authority import asn1, oids
from kiosk.authority.items import write_items
from kiosk.authority.message import GeneralInfo, info_item
from kiosk.authority.profile import usage
from kiosk.model.authorisation import Authorisation
from kiosk.model.certificate import CertifiedItems, RevocationReason

CertificateKind = Literal["signature", "authentication"]
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
Sign = Callable[[bytes], bytes]

_KEY_USAGE = {"signature": usage("digitalSignature", "nonRepudiation"), "authentication": usage("digitalSignature")}
"""By the key usage that is asked for, the authority knows which kind of certificate is meant."""


def certification_request(
    public_key: rsa.RSAPublicKey,
    items: CertifiedItems | None,
    kind: CertificateKind,
    sign: Callable[[bytes], bytes],
) -> bytes:
    """A CertReqMsg (RFC 4211, section 3) with a signature as proof of possession; the authority chooses the subject."""
    extensions: list[x509.Extension[x509.ExtensionType]] = [x509.Extension(x509.KeyUsage.oid, True, _KEY_USAGE[kind])]
    if items is not None:
        extensions.append(x509.Extension(x509.SubjectAlternativeName.oid, False, write_items(items)))
    template = asn1.CertTemplate(
        subject=[],
        public_key=asn1.elements(public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
        extensions=asn1.extensions(x509.Extensions(extensions)),
    )
    request = asn1.encode(asn1.CertRequest(cert_req_id=0, cert_template=template))
    proof = asn1.POPOSigningKey(
        algorithm=asn1.algorithm(x509.SignatureAlgorithmOID.RSA_WITH_SHA256, has_null=True),
        signature=asn1.BitString(sign(request), 0),
    )
    return asn1.encode(asn1.CertReqMsg(cert_req=asn1.tlv(request), popo=asn1.Variant(proof, "signature")))


def key_update_request(old: x509.Certificate, public_key: PublicKey, algorithm: list[asn1.TLV], sign: Sign) -> bytes:
    """A CertReqMsg that asks for another certificate of the same subject in place of `old` (RFC 9483, 4.1.3)."""
    issuer = asn1.tlv(asn1.explicit(4, old.issuer.public_bytes()))
    named = asn1.encode(asn1.CertId(issuer=issuer, serial_number=old.serial_number))
    control = [asn1.tlv(asn1.encode(oids.OLD_CERT_ID)), asn1.tlv(named)]
    return own_request(old, public_key, algorithm, sign, [control])


def own_request(
    own: x509.Certificate,
    public_key: PublicKey,
    algorithm: list[asn1.TLV],
    sign: Sign,
    controls: list[list[asn1.TLV]] | None = None,
) -> bytes:
    """A CertReqMsg that asks for a certificate of the same subject as `own`."""
    template = asn1.CertTemplate(
        subject=asn1.rdns(own.subject.public_bytes()),
        public_key=asn1.elements(public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
    )
    request = asn1.encode(asn1.CertRequest(cert_req_id=0, cert_template=template, controls=controls))
    proof = asn1.POPOSigningKey(algorithm=algorithm, signature=asn1.BitString(sign(request), 0))
    return asn1.encode(asn1.CertReqMsg(cert_req=asn1.tlv(request), popo=asn1.Variant(proof, "signature")))


def leave(authorisation: Authorisation, attestation: Attestation | None, journal_head: bytes | None) -> GeneralInfo:
    """The items of a header that carry the clerk's leave, the card's word for its key, and the journal's head."""
    items = [(oids.AUTHORISATION, asn1.encode(_signed(authorisation)))]
    if attestation is not None:
        value = asn1.AttestationValue(nonce=attestation.nonce, value=attestation.value)
        items.append((oids.ATTESTATION, asn1.encode(value)))
    if journal_head is not None:
        items.append((oids.JOURNAL_HEAD, asn1.encode(journal_head)))
    return tuple(items)


def confirmation(certificate: x509.Certificate, status: asn1.PKIStatusInfo | None) -> bytes:
    """CertConfirmContent (RFC 9810, 5.3.18); `status` None accepts the certificate."""
    algorithm = certificate.signature_hash_algorithm
    assert algorithm is not None, "pvno 2 cannot confirm a certificate that is signed without a hash"
    content = asn1.CertStatus(cert_hash=certificate.fingerprint(algorithm), cert_req_id=0, status_info=status)
    return asn1.sequence_of([asn1.encode(content)])


def poll(cert_req_id: int) -> bytes:
    """PollReqContent (RFC 9810, 5.3.22); -1 stands for an answer as a whole."""
    return asn1.sequence_of([asn1.encode(asn1.PollReq(cert_req_id=cert_req_id))])


def prospect(authorisation: Authorisation, key_hash: bytes) -> bytes:
    """GenMsgContent (RFC 9810, 5.3.19) that asks whether a request on this leave would be met."""
    value = asn1.ProspectValue(authorisation=_signed(authorisation), key_hash=key_hash)
    return asn1.sequence_of([info_item(oids.PROSPECT, asn1.encode(value))])


def _signed(authorisation: Authorisation) -> asn1.AuthorisationValue:
    return asn1.AuthorisationValue(
        payload=authorisation.payload,
        signature=authorisation.signature,
        clerk_certificate=asn1.tlv(authorisation.clerk_certificate),
    )


def station_record(after: int) -> bytes:
    """GenMsgContent (RFC 9810, 5.3.19) that asks for what was issued to the sender, from its certificate `after` on."""
    return asn1.sequence_of([info_item(oids.STATION_RECORD, asn1.encode(after))])


def revocation(issuer: bytes, serial: int, reason: RevocationReason) -> bytes:
    """RevReqContent (RFC 9810, 5.3.9) for the certificate of this issuer (Name, DER) and serial number."""
    return _revocation(issuer, serial, x509.ReasonFlags(reason.value))


def release(issuer: bytes, serial: int) -> bytes:
    """RevReqContent that takes a certificate off its hold (RFC 9483, 4.2)."""
    return _revocation(issuer, serial, x509.ReasonFlags.remove_from_crl)


def _revocation(issuer: bytes, serial: int, reason: x509.ReasonFlags) -> bytes:
    entry = x509.CRLReason(reason).public_bytes()
    details = asn1.RevDetails(
        cert_details=asn1.CertTemplate(serial_number=serial, issuer=asn1.rdns(issuer)),
        crl_entry_details=[asn1.Extension(oid=oids.CRL_REASON, value=entry)],
    )
    return asn1.sequence_of([asn1.encode(details)])

"""Key update: the owner of a certificate asks, by its key, for one of a new key in its place (RFC 9483, 4.1.3).

For stations and plain certificates. A resident's certificate is renewed by revoking and issuing, because making a key
in a card destroys the old one.
"""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from kiosk.authority import asn1
from kiosk.authority.embedded.authority import Authority
from kiosk.authority.embedded.issuing import (
    PLAIN,
    Issued,
    Wanted,
    check_plain_key,
    check_profile,
    check_template,
    enter,
    old_certificate,
    plain_extensions,
    read_request,
)
from kiosk.authority.embedded.refusal import Refusal
from kiosk.authority.embedded.requester import Requester
from kiosk.authority.embedded.store import Books, CertificateRecord
from kiosk.authority.embedded.subject import name_holder
from kiosk.authority.message import MessageInvalid, Received, read, read_elements
from kiosk.model.certificate import BookedState, serial_text

STATION = "station"
_DIRECTORY_NAME = b"\xa4"


def renew(
    message: Received,
    info: dict[x509.ObjectIdentifier, asn1.TLV | None],
    requester: Requester,
    authority: Authority,
    books: Books,
) -> Issued:
    """A pending certificate that renews the one that signed the message. Raises `Refusal`, `MessageInvalid`.

    Of a station, which may have put its own protection in the place of another's (RFC 9483, 5.2.3), the plain one that
    oldCertId names.
    """
    if requester.serial is None:
        raise MessageInvalid("wrongIntegrity", "a key update is signed by the key that it updates")
    wanted = read_request(message)
    check_template(wanted, authority)
    record = _renewed(wanted.old_certificate, requester, requester.serial, authority, books)
    old = x509.load_der_x509_certificate(record.der)
    if record.profile not in (STATION, PLAIN):
        raise Refusal("notAuthorized", f"a {record.profile} certificate is not renewed by message")
    check_profile(info, record.profile)
    _check_names(wanted, old)
    if not (wanted.is_proven or requester.vouches):
        raise Refusal("notAuthorized", "only a station may vouch for the possession of a key")
    check_plain_key(wanted.public_key)
    if books.profiles_of_key(wanted.key_hash):
        raise Refusal("badCertTemplate", "E19: a key update needs a new key")
    certificate, has_mods = _certificate(wanted, record, old, authority)
    issued = enter(certificate, record.profile, wanted, None, requester, authority, books, has_mods=has_mods)
    books.succeed(issued.serial, books.owner(record.serial), record.serial)
    return issued


def renewed_serial(message: Received) -> str | None:
    """Which certificate a kur names as the one that it renews, None when it names none, or nothing that can be read."""
    try:
        (request,) = read_elements(asn1.CertReqMsg, message.body)
        named = old_certificate(read(asn1.CertRequest, asn1.encode(request.cert_req)).controls or [])
    except (MessageInvalid, Refusal, ValueError):
        return None
    return None if named is None else serial_text(named.serial_number)


def _check_names(wanted: Wanted, old: x509.Certificate) -> None:
    """Raises `Refusal` unless the holder stays who he is (RFC 9483, 4.1.3); what is left out means the old name."""
    if list(wanted.subject) and not asn1.is_same_name(wanted.subject.public_bytes(), old.subject.public_bytes()):
        raise Refusal("badCertTemplate", "a key update does not change the subject")
    if wanted.extension(x509.SubjectAlternativeName) not in (None, _alternative_names(old)):
        raise Refusal("badCertTemplate", "a key update does not change the alternative names")


def _alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    kind = x509.SubjectAlternativeName
    return next((e.value for e in certificate.extensions if isinstance(e.value, kind)), None)


def _renewed(
    named: asn1.CertId | None, requester: Requester, own_serial: str, authority: Authority, books: Books
) -> CertificateRecord:
    """The certificate that is to be renewed. Raises `Refusal`."""
    serial = own_serial
    if named is not None:
        own = authority.credential.certificate.subject.public_bytes()
        if named.issuer.tag_bytes != _DIRECTORY_NAME or not asn1.is_same_name(bytes(named.issuer.data), own):
            raise Refusal("badCertId", "oldCertId is of another issuer")
        serial = serial_text(named.serial_number)
    # Whoever revokes it meanwhile, and what was renewed from it, must see this one or come first.
    books.lock_certificate(serial)
    record = books.certificate(serial)
    is_own = serial == own_serial
    if record is None or not (is_own or (requester.is_station and record.profile == PLAIN)):
        raise Refusal("badCertId", "oldCertId is not the certificate that signed the message")
    if record.state is BookedState.REVOKED:
        raise Refusal("certRevoked", "what is revoked is not renewed")
    if record.state is not BookedState.GOOD:
        raise Refusal("badCertId", f"what is {record.state} is not renewed")
    return record


def _certificate(
    wanted: Wanted, record: CertificateRecord, old: x509.Certificate, authority: Authority
) -> tuple[x509.Certificate, bool]:
    now, serial = authority.now(), authority.new_serial()
    if record.profile == STATION:
        if not isinstance(wanted.public_key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
            raise Refusal("badCertTemplate", "E20: a key of a kind that stations do not have")
        (name,) = old.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        certificate = authority.profiles.station(str(name.value), wanted.public_key, serial, now)
        return certificate, bool(list(wanted.extensions)) or wanted.validity is not None
    granted, has_mods = plain_extensions(wanted)
    if not list(wanted.extensions):
        # Nothing was asked for: what the old one has stays.
        granted, _ = plain_extensions(Wanted(0, old.subject, wanted.public_key, old.extensions, is_proven=True))
    elif (names := _alternative_names(old)) and not any(isinstance(value, type(names)) for value, _ in granted):
        granted.append((names, False))
    granted = name_holder(old.subject, granted)
    return authority.profiles.plain(old.subject, wanted.public_key, granted, serial, now), has_mods

"""Key update: the owner of a certificate asks, by its key, for one of a new key in its place (RFC 9483, 4.1.3).

For stations and plain certificates. A resident's certificate is renewed by revoking and issuing, because making a key
in a card destroys the old one.
"""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from kiosk.authority import asn1
from kiosk.authority.embedded.authority import Authority
from kiosk.authority.embedded.in_step import Stages
from kiosk.authority.embedded.issuing import (
    INHERITED,
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
    usable_part,
    with_usage,
)
from kiosk.authority.embedded.refusal import Refusal
from kiosk.authority.embedded.requester import Requester
from kiosk.authority.embedded.store import Books, CertificateRecord
from kiosk.authority.embedded.subject import name_holder
from kiosk.authority.message import MessageInvalid, Received, read, read_elements
from kiosk.model.certificate import BookedState, serial_text

STATION = "station"


def renew(
    message: Received,
    info: dict[x509.ObjectIdentifier, asn1.TLV | None],
    requester: Requester,
    authority: Authority,
    books: Books,
) -> Stages[Issued]:
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
    yield
    certificate, has_mods = _certificate(wanted, record, old, authority)
    yield
    issued = enter(certificate, record.profile, wanted, None, requester, authority, books, has_mods=has_mods)
    books.succeed(issued.serial, books.owner(record.serial), record.serial)
    return issued


def renews(message: Received, serial: str, authority: Authority) -> bool:
    """Whether a kur that is signed with this certificate is about it; one that cannot be read is about none."""
    try:
        (request,) = read_elements(asn1.CertReqMsg, message.body)
        named = old_certificate(read(asn1.CertRequest, asn1.encode(request.cert_req)).controls or [])
    except (Refusal, ValueError):
        return False
    return named is None or (_is_issuer(named.issuer, authority) and serial_text(named.serial_number) == serial)


def _is_issuer(general_name: asn1.TLV, authority: Authority) -> bool:
    name = asn1.directory_name(general_name)
    return name is not None and authority.is_named(name)


def _check_names(wanted: Wanted, old: x509.Certificate) -> None:
    """Raises `Refusal` unless the holder stays who he is (RFC 9483, 4.1.3); what is left out means the old name."""
    if list(wanted.subject) and not asn1.is_same_name(wanted.subject.public_bytes(), old.subject.public_bytes()):
        raise Refusal("badCertTemplate", "a key update does not change the subject")
    names = _alternative_names(wanted.extensions)
    if names and names != _alternative_names(old.extensions):
        raise Refusal("badCertTemplate", "a key update does not change the alternative names")


def _alternative_names(extensions: x509.Extensions) -> set[x509.GeneralName]:
    return {name for e in extensions if isinstance(e.value, x509.SubjectAlternativeName) for name in e.value}


def _renewed(
    named: asn1.CertId | None, requester: Requester, own_serial: str, authority: Authority, books: Books
) -> CertificateRecord:
    """The certificate that is to be renewed. Raises `Refusal`."""
    serial = own_serial
    if named is not None:
        if not _is_issuer(named.issuer, authority):
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
    # The old names stay as they are, and whatever else is not asked for.
    asked = [(value, critical) for value, critical in granted if not isinstance(value, x509.SubjectAlternativeName)]
    kinds = {type(value) for value, _ in asked}
    old_ones = [(e.value, e.critical) for e in old.extensions if isinstance(e.value, INHERITED)]
    kept = [(value, critical) for value, critical in old_ones if type(value) not in kinds]
    usable = [(usable_part(value, wanted.public_key), critical) for value, critical in kept]
    granted = [*asked, *((value, critical) for value, critical in usable if value is not None)]
    granted = name_holder(old.subject, with_usage(granted))
    return authority.profiles.plain(old.subject, wanted.public_key, granted, serial, now), has_mods or usable != kept

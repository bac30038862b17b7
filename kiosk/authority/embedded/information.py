"""What the authority tells whoever asks in a general message (RFC 9483, 4.3; RFC 9810, 5.3.19): data, no decisions."""

import datetime
from collections.abc import Callable, Mapping
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kiosk.authority import asn1, oids
from kiosk.authority.embedded.authority import Authority
from kiosk.authority.embedded.issuing import PLAIN, check_prospect
from kiosk.authority.embedded.refusal import Refusal
from kiosk.authority.embedded.registration import registered_serial
from kiosk.authority.embedded.requester import Requester
from kiosk.authority.embedded.status import FULL, StatusService
from kiosk.authority.embedded.store import Books
from kiosk.authority.issuer import is_issued_by
from kiosk.authority.message import MessageInvalid, Received, info_item, read, read_body_elements
from kiosk.authority.profile import crl_name, usage
from kiosk.authority.verification import load_certificate

Answer = Callable[[asn1.TLV | None, Authority], bytes]
"""From the value that was asked with to the InfoTypeAndValue (DER) of the answer."""

_BEYOND_ANY_RECORD = 1 << 62
_CRL_QUESTIONS = (oids.CRL_STATUS_LIST, oids.CURRENT_CRL)


def inform(
    message: Received,
    profile: str | None,
    requester: Requester,
    authority: Authority,
    books: Books,
    records_a_page: int,
) -> list[bytes]:
    """The items that answer a genm. Raises `MessageInvalid`.

    One item is asked for (RFC 9483, 4.3); without any, the authority tells what it likes to (RFC 9810, 5.3.19).
    `profile` is which certificate the question is about, where it says so.
    """
    if len(read_body_elements(message.body)) > 1:
        raise MessageInvalid("badRequest", "one item a general message")
    asked = message.general_message
    if oids.CERT_REQ_TEMPLATE in asked:
        return [_request_template(asked[oids.CERT_REQ_TEMPLATE], profile, authority)]
    return [_answer(*item, requester, authority, books, records_a_page) for item in asked.items()] or [
        answer(None, authority) for answer in _told_unasked(authority)
    ]


def _told_unasked(authority: Authority) -> tuple[Answer, ...]:
    everybody = (_ca_certificates, _key_types)
    return everybody if authority.policy.relying_parties == "registered" else (*everybody, _current_crl)


def _answer(
    oid: x509.ObjectIdentifier,
    value: asn1.TLV | None,
    requester: Requester,
    authority: Authority,
    books: Books,
    records_a_page: int,
) -> bytes:
    if oid == oids.STATION_RECORD and value is not None:
        return info_item(oid, _station_record(value, requester, books, records_a_page))
    if oid == oids.PROSPECT and value is not None:
        try:
            check_prospect(value, requester, authority, books)
        except Refusal as refusal:
            raise MessageInvalid(refusal.fail_info, refusal.text) from None
        return info_item(oid, asn1.encode(books.newest_head(requester.owner)))
    if oid not in _ANSWERS:
        raise MessageInvalid("badRequest", "this information is not offered here")
    if oid not in _CRL_QUESTIONS or authority.policy.relying_parties != "registered":
        return _ANSWERS[oid](value, authority)
    serial = registered_serial(requester)
    if serial is None:
        raise MessageInvalid("notAuthorized", "CRLs are told to registered relying parties")
    answer = _ANSWERS[oid](value, authority)
    with authority.store.write(authority.now()) as counted:
        counted.count_told(serial, "crl")
    return answer


def _station_record(place: asn1.TLV, requester: Requester, books: Books, records_a_page: int) -> bytes:
    """What was issued to a station, a page at a time."""
    if not requester.is_station:
        raise MessageInvalid("notAuthorized", "only a station has a record here")
    after = read(int, asn1.encode(place))
    if not 0 <= after < _BEYOND_ANY_RECORD:
        raise MessageInvalid("badRequest", "a record has no such place")
    values = [
        asn1.encode(
            asn1.IssuedValue(
                transaction_id=transaction_id,
                serial_number=int(record.serial, 16),
                state=record.state.value,
                issued_at=asn1.GeneralizedTime(datetime.datetime.fromtimestamp(record.issued_at, datetime.UTC)),
                journal_head=head,
            )
        )
        for transaction_id, record, head in books.issued_to(requester.owner, after, records_a_page)
    ]
    return asn1.sequence_of(values)


def _ca_certificates(value: asn1.TLV | None, authority: Authority) -> bytes:
    """Every certificate of the authority's own, present generation first (RFC 9483, 4.3.1)."""
    _refuse_value(value)
    return info_item(oids.CA_CERTS, asn1.sequence_of([_der(c) for c in (*authority.generations, *authority.links)]))


def _root_update(value: asn1.TLV | None, authority: Authority) -> bytes:
    """The root that follows the one that is shown, with the links between both; nothing when there is none (4.3.2)."""
    present, *older = authority.generations
    shown = older[0] if older else present
    if value is not None:
        try:
            shown = load_certificate(asn1.encode(value))
        except ValueError:
            raise MessageInvalid("badDataFormat", "rootCaCert must be a certificate") from None
    if shown not in older:
        return asn1.sequence_of([asn1.encode(oids.ROOT_CA_KEY_UPDATE)])
    parts = [_der(present)]
    for number, (by, of) in enumerate(((shown, present), (present, shown))):
        parts += [asn1.explicit(number, _der(link)) for link in authority.links if _links(link, by, of)][:1]
    return info_item(oids.ROOT_CA_KEY_UPDATE, asn1.sequence_of(parts))


def _request_template(value: asn1.TLV | None, profile: str | None, authority: Authority) -> bytes:
    """What a request for a certificate of the policy should hold, and how long its key must be (RFC 9483, 4.3.3).

    The policy's first one, where no `profile` is named; of a plain one nothing is asked for, and there is no value.
    """
    _refuse_value(value)
    if profile == PLAIN and authority.is_training:
        return asn1.sequence_of([asn1.encode(oids.CERT_REQ_TEMPLATE)])
    rules = next((r for r in authority.policy.certificates if profile in (None, r.kind)), None)
    if rules is None:
        raise MessageInvalid("badRequest", "there is no certificate profile of this name here")
    key_usage = x509.Extension(x509.KeyUsage.oid, True, usage(*rules.key_usage))
    template = asn1.CertTemplate(extensions=asn1.extensions(x509.Extensions([key_usage])))
    length = [asn1.tlv(asn1.encode(oids.RSA_KEY_LENGTH)), asn1.tlv(asn1.encode(rules.key_bits))]
    return info_item(
        oids.CERT_REQ_TEMPLATE, asn1.encode(asn1.CertReqTemplate(cert_template=template, key_spec=[length]))
    )


def _newer_crls(value: asn1.TLV | None, authority: Authority) -> bytes:
    """The CRLs of the sources that are named, each when it is newer than what the asking side has (4.3.4)."""
    if value is None:
        raise MessageInvalid("badRequest", "crlStatusList needs a value")
    try:
        statuses = [asn1.elements(asn1.encode(element)) for element in asn1.elements(asn1.encode(value))]
        asked = [(asn1.encode(source), asn1.time(since[0]) if since else None) for source, *since in statuses]
    except (asn1.Asn1Invalid, ValueError):
        raise MessageInvalid("badDataFormat", "crlStatusList cannot be read") from None
    if not asked:
        raise MessageInvalid("badRequest", "crlStatusList names no source")
    known = _crl_sources(authority)
    found = []
    for source, since in asked:
        if source not in known:
            raise MessageInvalid("badRequest", "no CRL has this source here")
        der = StatusService(authority).crl(known[source])
        assert der is not None, "these CRLs exist"
        if since is None or x509.load_der_x509_crl(der).last_update_utc > since:
            found.append(der)
    if not found:
        return asn1.sequence_of([asn1.encode(oids.CRLS)])
    return info_item(oids.CRLS, asn1.sequence_of(found))


def _current_crl(value: asn1.TLV | None, authority: Authority) -> bytes:
    _refuse_value(value)
    der = StatusService(authority).crl(crl_name(FULL, authority.generation))
    assert der is not None, "this CRL exists"
    return info_item(oids.CURRENT_CRL, der)


def _pending(value: asn1.TLV | None, authority: Authority) -> bytes:
    """What becomes of a certificate here until it is confirmed: it is held."""
    _refuse_value(value)
    return info_item(oids.PENDING, asn1.encode("held"))


def _key_types(value: asn1.TLV | None, authority: Authority) -> bytes:
    """Which keys are certified: RSA (RFC 9810, 5.3.19.2)."""
    _refuse_value(value)
    rsa = [asn1.encode(part) for part in asn1.algorithm(x509.PublicKeyAlgorithmOID.RSAES_PKCS1_v1_5, has_null=True)]
    return info_item(oids.SIGN_KEY_PAIR_TYPES, asn1.sequence_of([asn1.sequence_of(rsa)]))


_ANSWERS: Mapping[x509.ObjectIdentifier, Answer] = MappingProxyType(
    {
        oids.CA_CERTS: _ca_certificates,
        oids.ROOT_CA_CERT: _root_update,
        oids.CRL_STATUS_LIST: _newer_crls,
        oids.CURRENT_CRL: _current_crl,
        oids.SIGN_KEY_PAIR_TYPES: _key_types,
        oids.PENDING: _pending,
    }
)


def _crl_sources(authority: Authority) -> dict[bytes, str]:
    """The name of each CRL by its CRLSource (DER): the distribution point, or the issuer's name for the full one."""
    point = authority.profiles.distribution_point(authority.base_url)
    extension = x509.CRLDistributionPoints([point]).public_bytes()
    ((name_field, *_),) = [asn1.elements(asn1.encode(element)) for element in asn1.elements(extension)]
    # DistributionPoint has its name under [0] EXPLICIT, being a CHOICE; CRLSource has it under [0] EXPLICIT too.
    full, town = (crl_name(base, authority.generation) for base in (FULL, authority.town.code))
    issuer = asn1.explicit(4, authority.credential.certificate.subject.public_bytes())
    sources = {asn1.encode(name_field): town, asn1.explicit(1, asn1.sequence_of([issuer])): full}
    for general_name in point.full_name or []:
        alone = x509.CRLDistributionPoints([x509.DistributionPoint([general_name], None, None, None)]).public_bytes()
        ((one, *_),) = [asn1.elements(asn1.encode(element)) for element in asn1.elements(alone)]
        sources[asn1.encode(one)] = town
    return sources


def _links(link: x509.Certificate, by: x509.Certificate, of: x509.Certificate) -> bool:
    return link.public_key() == of.public_key() and is_issued_by(link, by)


def _refuse_value(value: asn1.TLV | None) -> None:
    if value is not None and asn1.encode(value) != asn1.encode(asn1.Null()):
        raise MessageInvalid("badRequest", "this information is asked for without a value")


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)

"""The certificates that an authority makes: one function a profile, by policy and town (RFC 5280).

The resident's profile follows the cards of the real service: opaque subject, personal data in the subject alternative
name, critical certificatePolicies, CRL distribution point of the municipality, no basicConstraints.
"""

import datetime
import ipaddress
from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from kiosk.authority import names, oids
from kiosk.authority.certificate_form import CertificateForm, encode_extension, encode_key
from kiosk.authority.credential import Credential, SigningKey
from kiosk.authority.items import write_items
from kiosk.model.certificate import CertifiedItems
from kiosk.model.policy import CertificateRules, Policy
from kiosk.model.town import Town

AUTHORITY_YEARS = 20
STAFF_YEARS = 2
PLAIN_DAYS = 90
TLS_DAYS = 398
"""A server gets a new one whenever it starts."""

_JAPAN = datetime.timezone(datetime.timedelta(hours=9))
_USAGE = {
    "digitalSignature": "digital_signature",
    "nonRepudiation": "content_commitment",
    "keyEncipherment": "key_encipherment",
    "dataEncipherment": "data_encipherment",
    "keyAgreement": "key_agreement",
    "keyCertSign": "key_cert_sign",
    "cRLSign": "crl_sign",
    "encipherOnly": "encipher_only",
    "decipherOnly": "decipher_only",
}

Extensions = Iterable[tuple[x509.ExtensionType, bool]]
"""Extensions with whether each is critical."""


def usage(*names: str) -> x509.KeyUsage:
    """A key usage by the standard's names of its bits (RFC 5280, 4.2.1.3)."""
    return x509.KeyUsage(**{field: name in names for name, field in _USAGE.items()})


def policy_oid(rules: CertificateRules, is_training: bool) -> str:
    """The certificate policy that this kind of certificate asserts."""
    return rules.test_policy_oid if is_training else rules.policy_oid


def validity_end(rules: CertificateRules, birth: str | None, start: datetime.datetime) -> datetime.datetime:
    """The last second of validity of a certificate issued at `start`.

    So many years count from the day of issue, that day included: the end is the eve of the anniversary, Japanese time.
    With `ends_on_birthday` it is the so-many-eth birthday after the day of issue; `birth` is the certified item
    EYYYYMMDD, and an unknown date of birth (None, or zeros in it) counts from the day of issue.
    """
    first = start.astimezone(_JAPAN).date()
    last = _in_year(first, first.year + rules.validity_years) - datetime.timedelta(days=1)
    if rules.ends_on_birthday and birth and (born := _date(birth[1:])):
        has_passed = _in_year(born, first.year) <= first
        last = _in_year(born, first.year + rules.validity_years - (not has_passed))
    return datetime.datetime.combine(last, datetime.time(23, 59, 59), _JAPAN).astimezone(datetime.UTC)


def authority_certificate(
    key: SigningKey, policy: Policy, town: Town, is_training: bool, serial: int, start: datetime.datetime
) -> x509.Certificate:
    """The authority's own certificate, self-signed; in training it asserts the test policies."""
    subject = _name(names.ORGANISATION[is_training], names.UNIT, town.prefecture_romaji)
    policies = [
        x509.PolicyInformation(x509.ObjectIdentifier(policy_oid(rules, is_training)), None)
        for rules in policy.certificates
    ]
    end = start.replace(year=start.year + AUTHORITY_YEARS, day=min(start.day, 28))
    extensions = (
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (usage("digitalSignature", "keyCertSign", "cRLSign"), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False),
        (x509.CertificatePolicies(policies), False),
    )
    return _sign(key, subject, subject, key.public_key(), serial, start, end, extensions)


def link_certificate(signer: Credential, other: x509.Certificate, serial: int) -> x509.Certificate:
    """Another generation's key, certified by this one's under the same name (RFC 9810, 4.4.1).

    Valid as the other's own certificate, so that the old key signed by the new one counts from when it was made; the
    new key signed by the old one ends with the old.
    """
    kept = (e for e in other.extensions if not isinstance(e.value, x509.AuthorityKeyIdentifier))
    end = min(other.not_valid_after_utc, signer.certificate.not_valid_after_utc)
    own_key_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    extensions = (*((e.value, e.critical) for e in kept), (own_key_id, False))
    subject = other.subject
    key = other.public_key()
    return _sign(
        signer.key, signer.certificate.subject, subject, key, serial, other.not_valid_before_utc, end, extensions
    )


def crl_name(base: str, generation: int) -> str:
    """The name of a CRL: each generation of the key has its own, the first without a number."""
    return base if generation == 1 else f"{base}-{generation}"


class Profiles:
    """The profiles of one generation of an authority.

    `base_url` is where its status services answer, empty when not known yet.
    """

    def __init__(
        self,
        issuer: Credential,
        policy: Policy,
        town: Town,
        is_training: bool,
        base_url: str,
        generation: int = 1,
    ) -> None:
        self._issuer = issuer
        self._generation = generation
        self._town = town
        self._is_training = is_training
        self._organisation = names.ORGANISATION[is_training]
        own_key_id = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        key_id = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own_key_id)
        self._form = CertificateForm(issuer.key, issuer.subject)
        # In DER, because every certificate has them.
        self._key_id = encode_extension(key_id, False)
        self._status = [encode_extension(x509.CRLDistributionPoints([self.distribution_point(base_url)]), False)]
        if base_url:
            access = x509.AccessDescription(
                AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(f"{base_url}/ocsp")
            )
            self._status.append(encode_extension(x509.AuthorityInformationAccess([access]), False))
        issuer_alternative = x509.IssuerAlternativeName([x509.DirectoryName(_issuing_head(policy, town))])
        self._issuer_alternative = encode_extension(issuer_alternative, False)
        notice = x509.UserNotice(None, names.TRAINING_NOTICE)
        not_a_resident = x509.CertificatePolicies([x509.PolicyInformation(oids.NOT_A_RESIDENT, [notice])])
        self._not_a_resident = encode_extension(not_a_resident, False)

    def distribution_point(self, base_url: str) -> x509.DistributionPoint:
        """Where the municipality's CRL is: by directory name, and by URL when known."""
        directory = x509.Name(
            [
                *_name(self._organisation, names.UNIT, names.DISTRIBUTION_POINTS, self._town.prefecture_romaji),
                x509.NameAttribute(NameOID.COMMON_NAME, self._town.municipality_romaji),
            ]
        )
        full_name: list[x509.GeneralName] = [x509.DirectoryName(directory)]
        if base_url:
            name = crl_name(self._town.code, self._generation)
            full_name.append(x509.UniformResourceIdentifier(f"{base_url}/crl/{name}.crl"))
        return x509.DistributionPoint(full_name, None, None, None)

    def resident(
        self,
        rules: CertificateRules,
        public_key: CertificatePublicKeyTypes,
        items: CertifiedItems | None,
        pseudonym: str,
        serial: int,
        start: datetime.datetime,
        end: datetime.datetime,
    ) -> x509.Certificate:
        """A resident's certificate of one kind; `pseudonym` is the subject's opaque common name."""
        oid = x509.ObjectIdentifier(policy_oid(rules, self._is_training))
        extensions = [
            encode_extension(usage(*rules.key_usage), True),
            self._issuer_alternative,
            encode_extension(x509.CertificatePolicies([x509.PolicyInformation(oid, None)]), True),
            *self._status,
        ]
        if items is not None:
            extensions.insert(1, encode_extension(write_items(items), False))
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "JP"),
                x509.NameAttribute(NameOID.LOCALITY_NAME, self._town.prefecture_romaji),
                x509.NameAttribute(NameOID.LOCALITY_NAME, self._town.municipality_romaji),
                x509.NameAttribute(NameOID.COMMON_NAME, pseudonym),
            ]
        )
        return self._issue(subject, public_key, serial, start, end, extensions)

    def plain(
        self,
        subject: x509.Name,
        public_key: CertificatePublicKeyTypes,
        wanted: Extensions,
        serial: int,
        start: datetime.datetime,
    ) -> x509.Certificate:
        """A training certificate for any subject, marked by a policy of its own as no resident's."""
        extensions = [*(encode_extension(*one) for one in wanted), self._not_a_resident, *self._status]
        return self._issue(subject, public_key, serial, start, start + datetime.timedelta(days=PLAIN_DAYS), extensions)

    def station(
        self, name: str, public_key: CertificatePublicKeyTypes, serial: int, start: datetime.datetime
    ) -> x509.Certificate:
        """A station's certificate: it may ask for residents' certificates, and shows it in TLS."""
        purposes = (oids.STATION, ExtendedKeyUsageOID.CLIENT_AUTH)
        return self._staff(name, "Stations", purposes, public_key, serial, start)

    def relying_party(
        self, name: str, public_key: CertificatePublicKeyTypes, serial: int, start: datetime.datetime
    ) -> x509.Certificate:
        """A relying party's certificate: it signs what it asks."""
        return self._staff(name, "Relying parties", (ExtendedKeyUsageOID.CLIENT_AUTH,), public_key, serial, start)

    def clerk(
        self, name: str, public_key: CertificatePublicKeyTypes, serial: int, start: datetime.datetime
    ) -> x509.Certificate:
        """A clerk's certificate: he may sign authorisations."""
        return self._staff(name, "Clerks", (oids.CLERK,), public_key, serial, start)

    def ocsp_responder(
        self, public_key: CertificatePublicKeyTypes, serial: int, start: datetime.datetime
    ) -> x509.Certificate:
        """The certificate of the delegated OCSP responder (RFC 6960, 4.2.2.2), itself beyond revocation."""
        extensions = [
            *_purposes(ExtendedKeyUsageOID.OCSP_SIGNING),
            encode_extension(x509.OCSPNoCheck(), False),
        ]
        subject = x509.Name(
            [*_name(self._organisation, names.UNIT), x509.NameAttribute(NameOID.COMMON_NAME, "OCSP responder")]
        )
        return self._issue(subject, public_key, serial, start, self._issuer.certificate.not_valid_after_utc, extensions)

    def cmp_delegate(
        self, public_key: CertificatePublicKeyTypes, serial: int, start: datetime.datetime
    ) -> x509.Certificate:
        """The certificate of the key that protects the authority's messages (RFC 9483, 1.2; EKU of RFC 6402, 2.10)."""
        subject = x509.Name(
            [*_name(self._organisation, names.UNIT), x509.NameAttribute(NameOID.COMMON_NAME, "CMP responder")]
        )
        end = self._issuer.certificate.not_valid_after_utc
        extensions = [*_purposes(oids.CMP_AUTHORITY), *self._status]
        return self._issue(subject, public_key, serial, start, end, extensions)

    def tls_server(
        self, host: str, public_key: CertificatePublicKeyTypes, serial: int, start: datetime.datetime
    ) -> x509.Certificate:
        """The certificate of the authority's own HTTPS server at this name or address."""
        subject = x509.Name(
            [*_name(self._organisation, names.UNIT), x509.NameAttribute(NameOID.COMMON_NAME, "HTTPS server")]
        )
        try:
            name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            name = x509.DNSName(host)
        extensions = [
            *_purposes(ExtendedKeyUsageOID.SERVER_AUTH),
            encode_extension(x509.SubjectAlternativeName([name]), False),
            *self._status,
        ]
        end = start + datetime.timedelta(days=TLS_DAYS)
        return self._issue(subject, public_key, serial, start, end, extensions)

    def _staff(
        self,
        name: str,
        unit: str,
        purposes: Iterable[x509.ObjectIdentifier],
        public_key: CertificatePublicKeyTypes,
        serial: int,
        start: datetime.datetime,
    ) -> x509.Certificate:
        subject = x509.Name(
            [
                *_name(self._organisation, unit, self._town.municipality_romaji),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        end = start.replace(year=start.year + STAFF_YEARS, day=min(start.day, 28))
        return self._issue(subject, public_key, serial, start, end, [*_purposes(*purposes), *self._status])

    def _issue(
        self,
        subject: x509.Name,
        public_key: CertificatePublicKeyTypes,
        serial: int,
        start: datetime.datetime,
        end: datetime.datetime,
        extensions: Iterable[bytes],
    ) -> x509.Certificate:
        key_id = encode_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), False)
        end = min(end, self._issuer.certificate.not_valid_after_utc)
        all_extensions = (*extensions, self._key_id, key_id)
        return self._form.fill_in(subject.public_bytes(), encode_key(public_key), serial, start, end, all_extensions)


def _sign(
    key: SigningKey,
    issuer: x509.Name,
    subject: x509.Name,
    public_key: CertificatePublicKeyTypes,
    serial: int,
    start: datetime.datetime,
    end: datetime.datetime,
    extensions: Extensions,
) -> x509.Certificate:
    form = CertificateForm(key, issuer.public_bytes())
    encoded = [encode_extension(extension, is_critical) for extension, is_critical in extensions]
    return form.fill_in(subject.public_bytes(), encode_key(public_key), serial, start, end, encoded)


def _name(organisation: str, *units: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "JP"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            *(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units),
        ]
    )


def _issuing_head(policy: Policy, town: Town) -> x509.Name:
    place = town.prefecture if policy.issuer == "governor" else town.municipality
    return _name(names.SERVICE, place + names.ISSUER_TITLE[policy.issuer])


def _purposes(*purposes: x509.ObjectIdentifier) -> list[bytes]:
    return [encode_extension(usage("digitalSignature"), True), encode_extension(x509.ExtendedKeyUsage(purposes), False)]


def _in_year(day: datetime.date, year: int) -> datetime.date:
    # Someone born on 29 February has his birthday on 28 February of a common year.
    is_leap_day = (day.month, day.day) == (2, 29)
    return datetime.date(year, 2, 28) if is_leap_day and not _is_leap(year) else day.replace(year=year)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _date(digits: str) -> datetime.date | None:
    try:
        return datetime.datetime.strptime(digits, "%Y%m%d").date()
    except ValueError:
        return None

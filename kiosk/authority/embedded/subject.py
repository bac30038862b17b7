"""What the subject of a certificate may be, where its requester chooses it (RFC 5280, 4.1.2.6 and appendix A.1)."""

from collections.abc import Mapping
from types import MappingProxyType

from cryptography import x509
from cryptography.x509.oid import NameOID

from kiosk.authority.embedded.refusal import Refusal

Granted = list[tuple[x509.ExtensionType, bool]]
"""Extensions with whether each is critical."""

_COUNTRY_LETTERS = 2

_MOST_CHARACTERS: Mapping[x509.ObjectIdentifier, int] = MappingProxyType(
    {
        NameOID.COMMON_NAME: 64,
        NameOID.COUNTRY_NAME: _COUNTRY_LETTERS,
        NameOID.LOCALITY_NAME: 128,
        NameOID.STATE_OR_PROVINCE_NAME: 128,
        NameOID.ORGANIZATION_NAME: 64,
        NameOID.ORGANIZATIONAL_UNIT_NAME: 64,
        NameOID.TITLE: 64,
        NameOID.SERIAL_NUMBER: 64,
        NameOID.PSEUDONYM: 128,
        NameOID.EMAIL_ADDRESS: 255,
    }
)
"""The upper bounds of RFC 5280, appendix A.1."""


def check_subject(subject: x509.Name, issuer: x509.Name) -> None:
    """Raises `Refusal` for the issuer's own name, and for one that no relying party would take."""
    if subject == issuer:
        raise Refusal("badCertTemplate", "the subject is the authority's own name")
    for attribute in subject:
        length = len(attribute.value)
        if not 1 <= length <= _MOST_CHARACTERS.get(attribute.oid, length):
            raise Refusal("badCertTemplate", f"the subject's {attribute.rfc4514_attribute_name} has no such length")
        if attribute.oid == NameOID.COUNTRY_NAME and length != _COUNTRY_LETTERS:
            raise Refusal("badCertTemplate", f"a country has {_COUNTRY_LETTERS} letters")


def name_holder(subject: x509.Name, granted: Granted) -> Granted:
    """The extensions of a certificate for this subject; raises `Refusal` when nothing in it would name its holder.

    An empty subject is named by its alternative names alone, which are critical then (RFC 5280, 4.2.1.6).
    """
    if list(subject):
        return granted
    if not any(isinstance(value, x509.SubjectAlternativeName) and list(value) for value, _ in granted):
        raise Refusal("badCertTemplate", "the subject is empty, and there is no alternative name")
    return [(value, critical or isinstance(value, x509.SubjectAlternativeName)) for value, critical in granted]

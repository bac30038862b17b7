"""The six personal data items of a resident's certificate as otherNames of its subject alternative name.

Arc 1.2.392.200149.8.5.5, each value a UTF8String, in the order in which real cards have them: 1, 4, 3, 5, 2, 6.
"""

import re

from cryptography import x509

from kiosk.authority import asn1, oids
from kiosk.model.certificate import CertifiedItems
from kiosk.model.characters import uncertifiable

_TYPES = (
    ("name", x509.ObjectIdentifier(f"{oids.ITEM_ARC}.1")),
    ("birth", x509.ObjectIdentifier(f"{oids.ITEM_ARC}.4")),
    ("sex", x509.ObjectIdentifier(f"{oids.ITEM_ARC}.3")),
    ("address", x509.ObjectIdentifier(f"{oids.ITEM_ARC}.5")),
    ("name_flags", x509.ObjectIdentifier(f"{oids.ITEM_ARC}.2")),
    ("address_flags", x509.ObjectIdentifier(f"{oids.ITEM_ARC}.6")),
)


class ItemsInvalid(ValueError):
    """Some items are there, but not each once as a UTF8String, or a flag string is not as long as its text."""


LONGEST_ADDRESS = 200
_SEXES = {"1", "2", "3", "9"}
_BIRTH = re.compile(r"[0-5][0-9]{8}")


def check_items(items: CertifiedItems) -> None:
    """Raises `ItemsInvalid` for what no resident's certificate carries, whatever the station made of it."""
    for field, text in (("name", items.name), ("address", items.address)):
        if not text or len(text) > LONGEST_ADDRESS:
            raise ItemsInvalid(f"{field} is empty, or longer than {LONGEST_ADDRESS} characters")
        if uncertifiable(text):
            raise ItemsInvalid(f"{field} holds a character outside JIS X 0208 and JIS X 0212")
    if not _BIRTH.fullmatch(items.birth):
        raise ItemsInvalid("birth is not EYYYYMMDD")
    if items.sex not in _SEXES:
        raise ItemsInvalid("sex is none of its digits")


def write_items(items: CertifiedItems) -> x509.SubjectAlternativeName:
    """The subject alternative name that carries these items."""
    return x509.SubjectAlternativeName(x509.OtherName(oid, asn1.encode(getattr(items, field))) for field, oid in _TYPES)


def read_items(name: x509.SubjectAlternativeName) -> CertifiedItems | None:
    """The items in a subject alternative name, None when it carries none of them. Raises `ItemsInvalid`."""
    fields = {oid: field for field, oid in _TYPES}
    values: dict[str, str] = {}
    for other in name.get_values_for_type(x509.OtherName):
        if field := fields.get(other.type_id):
            if field in values:
                raise ItemsInvalid(f"{field} occurs twice")
            try:
                values[field] = asn1.decode(str, other.value)
            except asn1.Asn1Invalid:
                raise ItemsInvalid(f"{field} is not a UTF8String") from None
    if not values:
        return None
    if missing := fields.values() - values.keys():
        raise ItemsInvalid(f"missing: {', '.join(sorted(missing))}")
    items = CertifiedItems(**values)
    for text, flags in ((items.name, items.name_flags), (items.address, items.address_flags)):
        if len(text) != len(flags) or set(flags) - set("01"):
            raise ItemsInvalid("flags do not fit their text")
    return items

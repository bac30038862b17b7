"""What could not be read, and why, in the words of ASN.1: a parser tells it in its own names for things."""

import re
from collections.abc import Mapping
from types import MappingProxyType

_PARSE_ERROR = re.compile(r"ParseError \{ kind: (\w+)")

_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "ShortData": "it ends too early",
        "ExtraData": "something follows its end",
        "UnexpectedTag": "it holds something else than it may",
    }
)

_STANDARD_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "bool": "a BOOLEAN",
        "bytes": "an OCTET STRING",
        "int": "an INTEGER",
        "str": "a UTF8String",
        "BitString": "a BIT STRING",
        "Null": "a NULL",
        "ObjectIdentifier": "an OBJECT IDENTIFIER",
        "TLV": "a value",
        "_Elements": "a SEQUENCE",
        "_Name": "a Name",
    }
)


def reason(error: Exception) -> str:
    """Why something cannot be read; what was said in words already stays as it is."""
    found = _PARSE_ERROR.search(str(error))
    return _REASONS.get(found[1], "it is not in DER") if found else str(error)


def standard_name(kind: type) -> str:
    """What the standards call that which is read as this class."""
    return _STANDARD_NAMES.get(kind.__name__, kind.__name__)

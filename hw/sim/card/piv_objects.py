"""The data objects and key references of a PIV card, as data (NIST SP 800-73-4 part 1, tables 3, 4b and 6)."""

from dataclasses import dataclass

ONCE, ALWAYS, NEVER = 0x02, 0x03, 0x01
"""When a key asks for the PIN (wire values of the policy data object AA)."""


@dataclass(frozen=True)
class KeyReference:
    """A private key's place: the data object that holds its certificate, and when its use needs the PIN."""

    certificate: int
    pin_policy: int


_RETIRED = {0x82 + number: KeyReference(0x5FC10D + number, ONCE) for number in range(20)}

KEY_REFERENCES = {
    0x9A: KeyReference(0x5FC105, ONCE),
    0x9C: KeyReference(0x5FC10A, ALWAYS),
    0x9D: KeyReference(0x5FC10B, ONCE),
    0x9E: KeyReference(0x5FC101, NEVER),
    **_RETIRED,
}

DISCOVERY, BIOMETRIC_TEMPLATES = 0x7E, 0x7F61

PIN_PROTECTED = frozenset({0x5FC103, 0x5FC108, 0x5FC109, 0x5FC121, 0x5FC123})
"""Fingerprints, facial image, printed information, iris images, pairing code reference: read with the PIN only."""

OBJECTS = frozenset(
    {
        0x5FC107,  # card capability container
        0x5FC102,  # card holder unique identifier
        0x5FC106,  # security object
        0x5FC10C,  # key history
        0x5FC122,  # secure messaging certificate signer
        BIOMETRIC_TEMPLATES,
        0x5FFF01,  # certificate of the attestation key
        *PIN_PROTECTED,
        *(reference.certificate for reference in KEY_REFERENCES.values()),
    }
)
"""What can be written and read; tags 5F0000 to 5FFFFF beyond these are the card holder's own."""

LARGEST_OBJECT = 3052
"""Bytes of one data object; the standard's largest container (3,000) and what encloses it fit."""

DISCOVERY_OBJECT = bytes.fromhex("7E12 4F0B A000000308000010000100 5F2F02 4000")
"""PIV application identifier, and the PIN usage policy: the application's own PIN and no other."""

APPLICATION_IDENTIFIER = bytes.fromhex("A000000308000010000100")
APPLICATION_PROPERTY_TEMPLATE = bytes.fromhex("6111 4F06 000010000100 7907 4F05 A000000308")
"""Answer to SELECT: the proprietary part of the identifier, and whose it is (part 2, table 3)."""

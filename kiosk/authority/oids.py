"""Object identifiers and the names of failures, as data."""

from types import MappingProxyType

from cryptography.x509 import ObjectIdentifier as _Oid

# InfoTypeAndValue, RFC 9810, appendix F
IMPLICIT_CONFIRM = _Oid("1.3.6.1.5.5.7.4.13")
CONFIRM_WAIT_TIME = _Oid("1.3.6.1.5.5.7.4.14")

# Ours, under a UUID (ITU-T X.667)
_ARC = "2.25.244495395529117621145476584463899058533"
AUTHORISATION = _Oid(f"{_ARC}.1")
"""InfoTypeAndValue: the clerk's authorisation."""
ATTESTATION = _Oid(f"{_ARC}.2")
"""InfoTypeAndValue: the card's attestation of its key."""
JOURNAL_HEAD = _Oid(f"{_ARC}.3")
"""InfoTypeAndValue: the head of the station's journal."""
STATION_RECORD = _Oid(f"{_ARC}.6")
"""InfoTypeAndValue of a general message: what the authority issued to the asking station."""
PROSPECT = _Oid(f"{_ARC}.7")
"""InfoTypeAndValue of a general message: whether a request on a clerk's leave would be met, before a key is made."""
CLERK = _Oid(f"{_ARC}.4")
"""Extended key usage: may sign authorisations."""
NOT_A_RESIDENT = _Oid(f"{_ARC}.5")
"""Certificate policy: a training certificate that names no resident."""

STATION = _Oid("1.3.6.1.5.5.7.3.28")
"""Extended key usage id-kp-cmcRA: may ask for other people's certificates (RFC 6402, 2.10)."""
CMP_AUTHORITY = _Oid("1.3.6.1.5.5.7.3.27")
"""Extended key usage id-kp-cmcCA: may answer in an authority's name (RFC 6402, 2.10)."""

ITEM_ARC = "1.2.392.200149.8.5.5"
"""otherName types of a resident's certificate: name, name flags, sex, birth, address, address flags are .1 to .6."""

TRAINING_POLICIES = frozenset({"1.2.392.200149.8.5.1.0.20", "1.2.392.200149.8.5.1.2.30"})
"""Test policies: an authority whose own certificate asserts one of them makes certificates for training only."""

CRL_REASON = _Oid("2.5.29.21")

MAC_PROTECTIONS = frozenset({"1.2.840.113533.7.66.13", "1.2.840.113533.7.66.30", "1.2.840.113549.1.5.14"})
"""Protection by a shared secret: PasswordBasedMac, DHBasedMac, PBMAC1."""

FAIL_INFO = (
    "badAlg",
    "badMessageCheck",
    "badRequest",
    "badTime",
    "badCertId",
    "badDataFormat",
    "wrongAuthority",
    "incorrectData",
    "missingTimeStamp",
    "badPOP",
    "certRevoked",
    "certConfirmed",
    "wrongIntegrity",
    "badRecipientNonce",
    "timeNotAvailable",
    "unacceptedPolicy",
    "unacceptedExtension",
    "addInfoNotAvailable",
    "badSenderNonce",
    "badCertTemplate",
    "signerNotTrusted",
    "transactionIdInUse",
    "unsupportedVersion",
    "notAuthorized",
    "systemUnavail",
    "systemFailure",
    "duplicateCertReq",
)
"""PKIFailureInfo (RFC 9810, 5.2.3): the name of each bit."""

CRL_REASONS = MappingProxyType(
    {
        0: "unspecified",
        1: "keyCompromise",
        2: "cACompromise",
        3: "affiliationChanged",
        4: "superseded",
        5: "cessationOfOperation",
        6: "certificateHold",
        8: "removeFromCRL",
        9: "privilegeWithdrawn",
        10: "aACompromise",
    }
)
"""CRLReason (RFC 5280, 5.3.1)."""

"""Object identifiers and the names of failures, as data."""

from types import MappingProxyType

from cryptography.x509 import ObjectIdentifier as _Oid

# InfoTypeAndValue, RFC 9810, appendix F
IMPLICIT_CONFIRM = _Oid("1.3.6.1.5.5.7.4.13")
CERT_PROFILE = _Oid("1.3.6.1.5.5.7.4.21")
CONFIRM_WAIT_TIME = _Oid("1.3.6.1.5.5.7.4.14")

CA_CERTS = _Oid("1.3.6.1.5.5.7.4.17")
"""InfoTypeAndValue: the certificates of the authority (RFC 9483, 4.3.1)."""
ROOT_CA_CERT = _Oid("1.3.6.1.5.5.7.4.20")
"""InfoTypeAndValue: the root that the asking side has (RFC 9483, 4.3.2)."""
ROOT_CA_KEY_UPDATE = _Oid("1.3.6.1.5.5.7.4.18")
"""InfoTypeAndValue: the root that comes after it, with links."""
CERT_REQ_TEMPLATE = _Oid("1.3.6.1.5.5.7.4.19")
"""InfoTypeAndValue: what a request should hold (RFC 9483, 4.3.3)."""
CRL_STATUS_LIST = _Oid("1.3.6.1.5.5.7.4.22")
"""InfoTypeAndValue: which CRLs the asking side has (RFC 9483, 4.3.4)."""
CRLS = _Oid("1.3.6.1.5.5.7.4.23")
"""InfoTypeAndValue: newer ones."""
CURRENT_CRL = _Oid("1.3.6.1.5.5.7.4.6")
"""InfoTypeAndValue: the CRL of everything (RFC 9810, 5.3.19.6)."""
SIGN_KEY_PAIR_TYPES = _Oid("1.3.6.1.5.5.7.4.2")
"""InfoTypeAndValue: which signature keys are certified (RFC 9810, 5.3.19.2)."""

# Controls, RFC 4211, section 6 and RFC 9810, 5.3.19.16
OLD_CERT_ID = _Oid("1.3.6.1.5.5.7.5.1.5")
RSA_KEY_LENGTH = _Oid("1.3.6.1.5.5.7.5.1.12")

# Ours, under the arc that Microsoft keeps for identifiers made from a UUID, in pieces of 16 and 24 bits: many programs
# (all that are written in Go, for one) cannot read the one large number that ITU-T X.667 has for it.
_ARC = "1.2.840.113556.1.8000.2554.47088.6576.41386.19515.43225.9586450.15753573"
AUTHORISATION = _Oid(f"{_ARC}.1")
"""InfoTypeAndValue: the clerk's authorisation."""
ATTESTATION = _Oid(f"{_ARC}.2")
"""InfoTypeAndValue: the card's attestation of its key."""
JOURNAL_HEAD = _Oid(f"{_ARC}.3")
"""InfoTypeAndValue: the head of the station's journal."""
STATION_RECORD = _Oid(f"{_ARC}.6")
"""InfoTypeAndValue of a general message: what the authority issued to the asking station."""
PENDING = _Oid(f"{_ARC}.8")
"""In a general message: what becomes of a certificate here until it is confirmed; the answer is a UTF8String."""
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
INVALIDITY_DATE = _Oid("2.5.29.24")

PASSWORD_BASED_MAC = _Oid("1.2.840.113533.7.66.13")
"""PasswordBasedMac (RFC 9810, 5.1.3.1)."""
PBMAC1 = _Oid("1.2.840.113549.1.5.14")
PBKDF2 = _Oid("1.2.840.113549.1.5.12")
DH_BASED_MAC = _Oid("1.2.840.113533.7.66.30")

MAC_PROTECTIONS = frozenset({PASSWORD_BASED_MAC, PBMAC1, DH_BASED_MAC})
"""Protection by a shared secret."""

DIGESTS = MappingProxyType(
    {
        _Oid("1.3.14.3.2.26"): "sha1",
        _Oid("2.16.840.1.101.3.4.2.1"): "sha256",
        _Oid("2.16.840.1.101.3.4.2.2"): "sha384",
        _Oid("2.16.840.1.101.3.4.2.3"): "sha512",
    }
)
"""Hash algorithms by hashlib's names (RFC 5754, section 2)."""

HMACS = MappingProxyType(
    {
        _Oid("1.3.6.1.5.5.8.1.2"): "sha1",
        _Oid("1.2.840.113549.2.7"): "sha1",
        _Oid("1.2.840.113549.2.9"): "sha256",
        _Oid("1.2.840.113549.2.10"): "sha384",
        _Oid("1.2.840.113549.2.11"): "sha512",
    }
)
"""HMAC with a hash algorithm (RFC 9481, 6.2)."""

MGF1 = _Oid("1.2.840.113549.1.1.8")

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

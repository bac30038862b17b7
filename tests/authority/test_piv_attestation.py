"""A PIV card's word for its key is believed when its maker's certificates lead to it, and for that very key only."""

import datetime
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from authority_desk import ITEMS, START, Desk, load, signer
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hw.ports import Attestation
from hw.sim.card.personalization import attestation_root
from kiosk.authority.client import PendingCertificate
from kiosk.authority.embedded.card_attestation import AttestationInvalid, MakersInvalid, check, read_makers
from kiosk.authority.errors import AuthorityRejected

SERIAL = 12345678
CARD = f"PIV{SERIAL:013d}"
ARC = "1.3.6.1.4.1.41482.3."
UNUSED_BITS = (b"\x03\x47\x00", b"\x03\x48\x00", b"\x03\x49\x00", b"\x03\x46\x00")
"""How the BIT STRING of an ECDSA signature begins, in the lengths that it has."""
PIN_ONCE, PIN_ALWAYS, PIN_NEVER = 2, 3, 1


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Signer:
    """A maker, one of its issuing keys, or a card's attestation key."""

    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


@dataclass(frozen=True)
class Form:
    """The details of a certificate that a test changes."""

    subject: str = "PIV Attestation 9c"
    begin: datetime.datetime = START - datetime.timedelta(days=900)
    end: datetime.datetime = START + datetime.timedelta(days=9000)
    serial_extension: bytes | None = b"\x02\x04" + SERIAL.to_bytes(4, "big")
    policy_extension: bytes | None = bytes((PIN_ONCE, 1))


def certify(
    subject: str,
    public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    form: Form,
    *,
    ca: bool = False,
    path_length: int | None = None,
    extensions: tuple[tuple[str, bytes | None], ...] = (),
) -> x509.Certificate:
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in (issuer, subject)]
    builder = x509.CertificateBuilder(*names, public_key, x509.random_serial_number(), form.begin, form.end)
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(True, path_length), critical=True)
    for oid, value in extensions:
        if value is not None:
            extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(ARC + oid), value)
            builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, SHA256())


def authority_under(issuer: Signer | None, name: str, form: Form = Form(), **constraints: int) -> Signer:
    key = new_key()
    by, signing = (name, key) if issuer is None else (issuer.name, issuer.key)
    return Signer(name, key, certify(name, key.public_key(), by, signing, form, ca=True, **constraints))


def attestation(key: rsa.RSAPrivateKey, card: Signer, form: Form = Form()) -> bytes:
    """What a card gives: its certificate over the key, and its maker's over its own."""
    extensions = (("3", b"\5\7\2"), ("7", form.serial_extension), ("8", form.policy_extension))
    made = certify(form.subject, key.public_key(), card.name, card.key, form, extensions=extensions)
    return made.public_bytes(Encoding.DER) + card.certificate.public_bytes(Encoding.DER)


@pytest.fixture(scope="module")
def maker() -> Signer:
    return authority_under(None, "Maker Root")


@pytest.fixture(scope="module")
def card(maker: Signer) -> Signer:
    return authority_under(maker, "Card", path_length=0)


@pytest.fixture
def trusting(desk: Desk, maker: Signer) -> Desk:
    desk.serve(replace(desk.authority, card_makers=(maker.certificate,)))
    return desk


def request(desk: Desk, value: bytes | None, card_number: str = CARD) -> PendingCertificate:
    """What the authority makes of a request with this attestation. Raises `AuthorityRejected`."""
    terms = desk.terms(card_number=card_number)
    asked = desk.client.certification_request(desk.key.public_key(), ITEMS, "signature", signer(desk.key))
    proof = None if value is None else Attestation(terms.nonce, value)
    return desk.client.certify(desk.client.certify_message(asked, desk.authorise(terms), proof).der)


@pytest.mark.parametrize("policy", [PIN_ONCE, PIN_ALWAYS])
def test_a_key_that_the_authorised_card_made_is_certified(trusting: Desk, card: Signer, policy: int) -> None:
    form = Form(policy_extension=bytes((policy, 1)))
    issued = request(trusting, attestation(trusting.key, card, form))
    assert load(issued).public_key() == trusting.key.public_key()


def test_a_makers_issuing_key_may_stand_between(trusting: Desk, maker: Signer) -> None:
    issuing = authority_under(maker, "Maker Issuing")
    card = authority_under(issuing, "Card", path_length=0)
    value = attestation(trusting.key, card)
    with pytest.raises(AuthorityRejected, match="no maker that is trusted"):
        request(trusting, value)
    trusting.serve(replace(trusting.authority, card_makers=(issuing.certificate, maker.certificate)))
    assert request(trusting, value)


STRANGER = authority_under(authority_under(None, "Maker Root"), "Card")
"""A card of one who has taken the maker's name."""

Wrong = Callable[[Desk, Signer, Signer], bytes]

WRONG: dict[str, tuple[Wrong, str]] = {
    "another maker's card": (lambda d, m, c: attestation(d.key, STRANGER), "no maker that is trusted"),
    "signed by another than the card": (
        lambda d, m, c: attestation(d.key, replace(STRANGER, certificate=c.certificate)),
        "not by the card's attestation key",
    ),
    "a card that must not certify": (
        lambda d, m, c: attestation(
            d.key, replace(c, certificate=certify("Card", c.key.public_key(), m.name, m.key, Form()))
        ),
        "must not certify",
    ),
    "a card below a card": (
        lambda d, m, c: attestation(d.key, authority_under(c, "Card below")),
        "no maker that is trusted",
    ),
    "the maker's certificate has ended": (
        lambda d, m, c: attestation(d.key, authority_under(m, "Card", Form(end=START - datetime.timedelta(days=1)))),
        "not valid at this time",
    ),
    "another key": (
        lambda d, m, c: attestation(rsa.generate_private_key(65537, 2048), c),
        "another key",
    ),
    "the slot for authentication": (
        lambda d, m, c: attestation(d.key, c, Form(subject="PIV Attestation 9a")),
        "slot 9a",
    ),
    "no slot": (lambda d, m, c: attestation(d.key, c, Form(subject="PIV Attestation")), "no slot"),
    "usable without the PIN": (
        lambda d, m, c: attestation(d.key, c, Form(policy_extension=bytes((PIN_NEVER, 1)))),
        "without the PIN",
    ),
    "no policy": (lambda d, m, c: attestation(d.key, c, Form(policy_extension=b"")), "without the PIN"),
    "policy left out": (lambda d, m, c: attestation(d.key, c, Form(policy_extension=None)), "lacks " + ARC + "8"),
    "another card": (
        lambda d, m, c: attestation(d.key, c, Form(serial_extension=b"\x02\x04" + (SERIAL + 1).to_bytes(4, "big"))),
        "another card's",
    ),
    "no card": (lambda d, m, c: attestation(d.key, c, Form(serial_extension=None)), "lacks " + ARC + "7"),
    "a serial number that is none": (
        lambda d, m, c: attestation(d.key, c, Form(serial_extension=b"\x04\x01a")),
        "serial number cannot be read",
    ),
    "no certificates": (lambda d, m, c: bytes(16), "not two certificates"),
    "one certificate": (
        lambda d, m, c: attestation(d.key, c)[: -len(c.certificate.public_bytes(Encoding.DER))],
        "not two certificates",
    ),
    "nothing": (lambda d, m, c: b"", "not two certificates"),
}


@pytest.mark.parametrize("name", WRONG)
def test_whatever_does_not_lead_from_the_maker_to_this_key_is_refused(
    trusting: Desk, maker: Signer, card: Signer, name: str
) -> None:
    make, reason = WRONG[name]
    with pytest.raises(AuthorityRejected, match=f"E21: .*{reason}"):
        request(trusting, make(trusting, maker, card))


def test_no_octet_of_an_attestation_can_be_changed_and_none_brings_anything_but_a_refusal(
    trusting: Desk, maker: Signer, card: Signer
) -> None:
    """Versions that nobody has defined and extensions that come twice are among what this makes."""
    value = attestation(trusting.key, card)
    key = trusting.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key_hash = hashlib.sha256(key).digest()
    check(value, CARD, key_hash, "signature", (maker.certificate,), START)
    for place in range(len(value)):
        for mask in (0x01, 0x04, 0x80):
            changed = value[:place] + bytes([value[place] ^ mask]) + value[place + 1 :]
            try:
                check(changed, CARD, key_hash, "signature", (maker.certificate,), START)
            except AttestationInvalid:
                continue
            # How many bits of a signature's last octet are unused is no part of what was signed.
            assert value[place - 2 : place + 1] in UNUSED_BITS, f"octet {place} ^ {mask}"


def test_a_key_in_a_card_below_a_trusted_card_is_refused(trusting: Desk, maker: Signer, card: Signer) -> None:
    """Who can have an attestation key certify must not become a maker by it."""
    trusting.serve(replace(trusting.authority, card_makers=(maker.certificate, card.certificate)))
    with pytest.raises(AuthorityRejected, match="must not certify"):
        request(trusting, attestation(trusting.key, authority_under(card, "Card below")))


def test_an_attestation_is_good_for_the_card_that_the_clerk_authorised_only(trusting: Desk, card: Signer) -> None:
    value = attestation(trusting.key, card)
    for number in ("PIV0000000000001", "PIVGABCDEFGHIJKL"):
        with pytest.raises(AuthorityRejected, match="another card's"):
            request(trusting, value, number)
    # What a JPKI card says about itself is no certificate.
    with pytest.raises(AuthorityRejected, match="does not vouch"):
        request(trusting, value, "JK00000000000001")


def test_no_card_is_believed_whose_maker_nobody_has_named(desk: Desk, card: Signer) -> None:
    with pytest.raises(AuthorityRejected, match="no maker that is trusted"):
        request(desk, attestation(desk.key, card))


def test_a_card_without_attestation_is_refused_unless_the_policy_takes_it(trusting: Desk) -> None:
    with pytest.raises(AuthorityRejected, match=r"E21: .*missing"):
        request(trusting, None)
    accepting = replace(trusting.authority.policy, unattested_cards="accepted")
    trusting.serve(replace(trusting.authority, policy=accepting))
    with pytest.raises(AuthorityRejected, match="missing"):
        request(trusting, None, "JK00000000000001")
    assert request(trusting, None)


def test_makers_are_whom_the_operator_names_and_simulated_ones_in_training(tmp_path: Path, maker: Signer) -> None:
    simulated = attestation_root()
    assert [each.public_key() for each in read_makers(tmp_path, is_training=True)] == [simulated.public_key()]
    assert read_makers(tmp_path, is_training=False) == ()
    (tmp_path / "maker.pem").write_bytes(maker.certificate.public_bytes(Encoding.PEM))
    assert read_makers(tmp_path, is_training=False) == (maker.certificate,)
    (tmp_path / "simulated.pem").write_bytes(simulated.public_bytes(Encoding.PEM))
    with pytest.raises(MakersInvalid, match=r"simulated\.pem.*simulated"):
        read_makers(tmp_path, is_training=False)
    (tmp_path / "simulated.pem").write_text("no certificate")
    with pytest.raises(MakersInvalid, match=r"simulated\.pem"):
        read_makers(tmp_path, is_training=True)

"""Protection by a shared secret: PasswordBasedMac and PBMAC1, computed here by the standards (RFC 9483, 3.2, 4.1.5)."""

import dataclasses
import datetime
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import pytest
from authority_desk import START, Desk
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pyasn1.codec.der import decoder, encoder
from pyasn1_alt_modules import rfc8018, rfc9480
from rebuilt_message import verdict

from kiosk.authority import asn1
from kiosk.authority.embedded.directory import add_client, read_secret
from kiosk.authority.embedded.terms import DirectoryInvalid
from kiosk.authority.mac import MacAlgorithm, SharedSecret, read_mac_algorithm
from kiosk.authority.message import BodyKind, Head, build_message, parse_message, verify_protection
from kiosk.model.certificate import RevocationReason

REFERENCE = "client-1"
SECRET = b"correct horse battery"
SHA1, SHA256, SHA384, SHA512 = (
    x509.ObjectIdentifier(o)
    for o in (
        "1.3.14.3.2.26",
        "2.16.840.1.101.3.4.2.1",
        "2.16.840.1.101.3.4.2.2",
        "2.16.840.1.101.3.4.2.3",
    )
)
HMAC_SHA1, HMAC_SHA256, HMAC_SHA512 = (
    x509.ObjectIdentifier(o) for o in ("1.3.6.1.5.5.8.1.2", "1.2.840.113549.2.9", "1.2.840.113549.2.11")
)
PRF_SHA1 = x509.ObjectIdentifier("1.2.840.113549.2.7")
"""HMAC with SHA-1 by the name that PBKDF2 has for it (RFC 8018, B.1.1)."""
PBM = MacAlgorithm(False, bytes(16), 1000, SHA256, HMAC_SHA256)
PBMAC1 = MacAlgorithm(True, bytes(16), 10_000, HMAC_SHA256, HMAC_SHA256, has_null=True)
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, REFERENCE)])


@pytest.fixture
def client(desk: Desk) -> Desk:
    add_client(desk.authority, REFERENCE, SECRET)
    return desk


def request(
    desk: Desk,
    algorithm: MacAlgorithm = PBM,
    secret: bytes = SECRET,
    kind: BodyKind = BodyKind.P10CR,
    body: bytes | None = None,
    **head: Any,
) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder(NAME).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    desk.nonces += 1
    fields = {
        "sender": NAME.public_bytes(),
        "recipient": desk.issuer.subject.public_bytes(),
        "time": desk.clock.now,
        "transaction_id": (0xC0000 + desk.nonces).to_bytes(16, "big"),
        "sender_nonce": bytes(16),
    }
    shared = SharedSecret(REFERENCE.encode(), secret, algorithm)
    return build_message(kind, csr if body is None else body, Head(**(fields | head)), shared)


def mac_by_the_book(der: bytes, secret: bytes) -> tuple[bytes, bytes]:
    """The MAC that a message must have, and the one it has, by pyasn1 and hashlib."""
    message, _ = decoder.decode(der, asn1Spec=rfc9480.PKIMessage())
    protected = rfc9480.ProtectedPart()
    protected["header"], protected["body"] = message["header"], message["body"]
    data = encoder.encode(protected)
    algorithm = message["header"]["protectionAlg"]
    if algorithm["algorithm"] == rfc9480.id_PasswordBasedMac:
        value, _ = decoder.decode(algorithm["parameters"], asn1Spec=rfc9480.PBMParameter())
        name = {str(SHA256.dotted_string): "sha256", SHA512.dotted_string: "sha512", SHA1.dotted_string: "sha1"}[
            str(value["owf"]["algorithm"])
        ]
        key = secret + bytes(value["salt"])
        for _ in range(int(value["iterationCount"])):
            key = hashlib.new(name, key).digest()
        mac = str(value["mac"]["algorithm"])
    else:
        value, _ = decoder.decode(algorithm["parameters"], asn1Spec=rfc8018.PBMAC1_params())
        kdf, _ = decoder.decode(value["keyDerivationFunc"]["parameters"], asn1Spec=rfc8018.PBKDF2_params())
        assert str(kdf["prf"]["algorithm"]) == HMAC_SHA256.dotted_string
        key = hashlib.pbkdf2_hmac(
            "sha256", secret, bytes(kdf["salt"]["specified"]), int(kdf["iterationCount"]), int(kdf["keyLength"])
        )
        mac = str(value["messageAuthScheme"]["algorithm"])
    digest = {HMAC_SHA1.dotted_string: "sha1", HMAC_SHA256.dotted_string: "sha256", HMAC_SHA512.dotted_string: "sha512"}
    return hmac.new(key, data, digest[mac]).digest(), message["protection"].asOctets()


ALGORITHMS = {
    "PBM with SHA-256": PBM,
    "PBM with HMAC-SHA-1, as openssl does by default": dataclasses.replace(PBM, mac_oid=HMAC_SHA1, iterations=500),
    "PBM with SHA-512": dataclasses.replace(PBM, hash_oid=SHA512, mac_oid=HMAC_SHA512, has_null=True),
    "PBMAC1": PBMAC1,
    "PBMAC1 with a longer key": dataclasses.replace(PBMAC1, mac_oid=HMAC_SHA512, key_bytes=64),
}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_question_and_answer_are_protected_by_the_same_secret(client: Desk, name: str) -> None:
    asked = request(client, ALGORITHMS[name])
    expected, found = mac_by_the_book(asked, SECRET)
    assert expected == found
    answer = client.responder.respond(asked)
    assert verdict(answer) == (BodyKind.CP, "")
    expected, found = mac_by_the_book(answer, SECRET)
    assert expected == found
    header = parse_message(answer).header
    assert header.sender_kid == REFERENCE.encode(), "3.1: senderKID names the secret"
    assert header.protection_alg != parse_message(asked).header.protection_alg, "a salt of its own"
    assert parse_message(answer).extra_certs == (client.issuer_der,)


def test_the_certificate_of_a_client_is_confirmed_under_the_same_secret(client: Desk) -> None:
    asked = request(client)
    answer = parse_message(client.responder.respond(asked))
    response = asn1.decode(asn1.CertRepMessage, answer.body).response[0]
    assert response.certified_key_pair is not None
    certificate = x509.load_der_x509_certificate(asn1.encode(response.certified_key_pair.certificate))
    accepted = asn1.CertStatus(cert_hash=certificate.fingerprint(hashes.SHA256()), cert_req_id=-1)
    conclusion = {
        "kind": BodyKind.CERT_CONF,
        "body": asn1.sequence_of([asn1.encode(accepted)]),
        "transaction_id": answer.header.transaction_id,
        "recipient_nonce": answer.header.sender_nonce,
    }
    by_another_kind = client.client._message(
        BodyKind.CERT_CONF, conclusion["body"], answer.header.transaction_id, answer.header.sender_nonce
    )
    refused = client.responder.respond(by_another_kind.der)
    assert verdict(refused) == (BodyKind.ERROR, "wrongIntegrity"), "3.5: one kind of protection a transaction"
    assert verdict(client.responder.respond(request(client, **conclusion))) == (BodyKind.PKICONF, "")


def test_the_first_answer_to_an_ir_brings_the_authoritys_certificate(client: Desk) -> None:
    """4.1.5: whoever shares a secret may have no other way to learn whom to trust."""
    signer_key = ec.generate_private_key(ec.SECP256R1())
    template = asn1.CertTemplate(
        subject=asn1.rdns(NAME.public_bytes()),
        public_key=asn1.elements(signer_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
    )
    raw = asn1.encode(asn1.CertRequest(cert_req_id=0, cert_template=template))
    proof = asn1.POPOSigningKey(
        algorithm=asn1.algorithm(x509.SignatureAlgorithmOID.ECDSA_WITH_SHA256, has_null=False),
        signature=asn1.BitString(signer_key.sign(raw, ec.ECDSA(hashes.SHA256())), 0),
    )
    message = asn1.CertReqMsg(cert_req=asn1.tlv(raw), popo=asn1.Variant(proof, "signature"))
    body = asn1.sequence_of([asn1.encode(message)])
    answer = client.responder.respond(request(client, kind=BodyKind.IR, body=body))
    assert verdict(answer) == (BodyKind.IP, "")
    content = asn1.decode(asn1.CertRepMessage, parse_message(answer).body)
    assert [asn1.encode(c) for c in content.ca_pubs or []] == [client.issuer_der]
    vouched = asn1.CertReqMsg(cert_req=asn1.tlv(raw), popo=asn1.Variant(asn1.Null(), "ra_verified"))
    body = asn1.sequence_of([asn1.encode(vouched)])
    answer = client.responder.respond(request(client, kind=BodyKind.IR, body=body))
    assert verdict(answer) == (BodyKind.IP, "notAuthorized"), "5.2.3.1: raVerified is for a registration authority"


BAD: dict[str, tuple[Callable[[Desk], bytes], str]] = {
    "another secret": (lambda d: request(d, secret=b"another secret"), "badMessageCheck"),
    "unknown reference": (
        lambda d: build_message(
            BodyKind.GENM,
            asn1.sequence_of([]),
            Head(NAME.public_bytes(), NAME.public_bytes(), d.clock.now, bytes(16), bytes(16)),
            SharedSecret(b"nobody", SECRET, PBM),
        ),
        "badMessageCheck",
    ),
    "too few iterations": (lambda d: request(d, dataclasses.replace(PBM, iterations=10)), "badAlg"),
    "too many iterations": (lambda d: request(d, forged(200_000)), "badAlg"),
    "a salt too short": (lambda d: request(d, dataclasses.replace(PBM, salt=bytes(7))), "badAlg"),
    "a salt too short in PBMAC1": (lambda d: request(d, dataclasses.replace(PBMAC1, salt=bytes(7))), "badAlg"),
    "an unknown one-way function": (lambda d: request(d, forged(1000, "1.2.3.4")), "badAlg"),
    "a key update": (lambda d: request(d, kind=BodyKind.KUR, body=asn1.sequence_of([])), "wrongIntegrity"),
}


class Forged(MacAlgorithm):
    """Says something else than it does, so that the test need not do what the authority must refuse to do."""

    def compute(self, secret: bytes, data: bytes) -> bytes:
        return bytes(32)


def forged(iterations: int, function: str = SHA256.dotted_string) -> MacAlgorithm:
    return Forged(False, bytes(16), iterations, x509.ObjectIdentifier(function), HMAC_SHA256)


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_with_a_shared_secret_is_said(client: Desk, name: str) -> None:
    make, fail_info = BAD[name]
    assert verdict(client.responder.respond(make(client))) == (BodyKind.ERROR, fail_info)


def test_whoever_did_not_prove_the_secret_gets_no_mac_made_with_it(client: Desk) -> None:
    """A MAC for a stranger would let him try secrets without asking again."""
    answer = parse_message(client.responder.respond(request(client, secret=b"a guess")))
    assert verify_protection(answer) == client.authority.speaker.certificate


def test_a_refusal_after_the_secret_was_proven_is_protected_by_it(client: Desk) -> None:
    answer = client.responder.respond(request(client, recipient_nonce=bytes(16)))
    assert verdict(answer) == (BodyKind.ERROR, "badRequest")
    expected, found = mac_by_the_book(answer, SECRET)
    assert expected == found


def test_a_client_gets_no_residents_certificate(client: Desk) -> None:
    issued = parse_message(client.message().der)
    head = {"general_info": tuple((asn1.oid(o), asn1.encode(v)) for o, v in issued.header.general_info or [])}
    answer = client.responder.respond(request(client, kind=BodyKind.IR, body=issued.body, **head))
    assert verdict(answer) == (BodyKind.IP, "notAuthorized")


def test_a_shared_secret_revokes_nothing(client: Desk) -> None:
    """RFC 9483, 4.2: a revocation is signed, by the certificate's key or by a station (5.3.2)."""
    answer = parse_message(client.responder.respond(request(client)))
    pair = asn1.decode(asn1.CertRepMessage, answer.body).response[0].certified_key_pair
    assert pair is not None
    body = parse_message(
        client.client.revoke_message(asn1.encode(pair.certificate), RevocationReason.SUPERSEDED).der
    ).body
    answered = client.responder.respond(request(client, kind=BodyKind.RR, body=body))
    assert verdict(answered) == (BodyKind.RP, "wrongIntegrity")


@pytest.mark.parametrize(
    ("head", "fail_info"),
    [
        ({"sender_nonce": bytes(8)}, "badSenderNonce"),
        ({"transaction_id": bytes(8)}, "badDataFormat"),
        ({"pvno": 1}, "unsupportedVersion"),
        ({"time": START - datetime.timedelta(hours=1)}, "badTime"),
    ],
)
def test_who_knows_the_secret_is_told_under_it_what_is_wrong_with_his_header(
    client: Desk, head: dict[str, Any], fail_info: str
) -> None:
    """3.2: an answer is protected as the question was; he may trust nothing else (4.1.5)."""
    answer = client.responder.respond(request(client, **head))
    assert verdict(answer) == (BodyKind.ERROR, fail_info)
    expected, found = mac_by_the_book(answer, SECRET)
    assert expected == found
    stranger = client.responder.respond(request(client, secret=b"a guess", **head))
    assert verify_protection(parse_message(stranger)) == client.authority.speaker.certificate


def test_secrets_have_a_length_and_production_knows_none(desk: Desk, tmp_path: Any) -> None:
    made = read_secret(tmp_path / "secret")
    assert read_secret(tmp_path / "secret") == made and len(made) == 32
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    with pytest.raises(DirectoryInvalid, match="at least 8"):
        add_client(desk.authority, REFERENCE, b"short")
    with pytest.raises(DirectoryInvalid, match="reference"):
        add_client(desk.authority, "two words", SECRET)
    with pytest.raises(DirectoryInvalid, match="production"):
        add_client(dataclasses.replace(desk.authority, is_training=False), REFERENCE, SECRET)


@pytest.mark.parametrize("algorithm", [PBM, PBMAC1])
def test_an_answer_names_the_secret_as_its_sender(client: Desk, algorithm: MacAlgorithm) -> None:
    """RFC 9483, 3.1: under MAC-based protection the sender's common name and senderKID identify the shared secret."""
    header = parse_message(client.responder.respond(request(client, algorithm))).header
    assert asn1.directory_name(header.sender) == NAME.public_bytes()
    assert header.sender_kid == REFERENCE.encode()


def test_a_signed_answer_names_who_signed_it(client: Desk) -> None:
    """Also the one to a message whose MAC is wrong, which is not under the secret."""
    header = parse_message(client.responder.respond(request(client, secret=b"another secret"))).header
    assert asn1.directory_name(header.sender) == client.authority.speaker.subject
    assert header.sender_kid == client.authority.speaker.key_id


def test_what_a_standard_takes_for_granted_is_left_out(client: Desk) -> None:
    """RFC 8018, A.2: prf DEFAULT HMAC with SHA-1; X.690, 11.5: DER leaves a default out."""
    algorithm = dataclasses.replace(PBMAC1, hash_oid=PRF_SHA1)
    header = parse_message(client.responder.respond(request(client, algorithm))).header
    assert header.protection_alg is not None
    parameters = asn1.decode(asn1.PBMAC1Params, asn1.encode(header.protection_alg[1]))
    derivation = asn1.decode(asn1.PBKDF2Params, asn1.encode(parameters.key_derivation[1]))
    assert derivation.prf is None
    read = read_mac_algorithm(header.protection_alg)
    assert (read.hash_oid, read.has_null) == (PRF_SHA1, True)

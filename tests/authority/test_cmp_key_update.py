"""Key update (RFC 9483, 4.1.3): by the key that is updated, for the same name, and never for a resident."""

from collections.abc import Callable
from typing import Any

import pytest
from authority_desk import ITEMS, Desk
from ca_program import ca
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from rebuilt_message import rebuild, set_field, verdict

from kiosk.authority import asn1, oids
from kiosk.authority.credential import Credential, load_credential
from kiosk.authority.embedded.directory import add_station
from kiosk.authority.embedded.revocation import revoke_by_hand
from kiosk.authority.items import write_items
from kiosk.authority.message import BodyKind, Status, parse_message
from kiosk.authority.profile import usage
from kiosk.model.certificate import RevocationReason, serial_text

Key = ec.EllipticCurvePrivateKey
SUPERSEDED = RevocationReason.SUPERSEDED


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def old_id(certificate: x509.Certificate, serial: int | None = None) -> bytes:
    issuer = asn1.tlv(asn1.explicit(4, certificate.issuer.public_bytes()))
    return asn1.encode(asn1.CertId(issuer=issuer, serial_number=serial or certificate.serial_number))


def update(
    credential: Credential,
    key: Key,
    *,
    old: bytes | None = None,
    subject: x509.Name | None = None,
    proof: Any = "signature",
    extensions: tuple[x509.ExtensionType, ...] = (),
) -> bytes:
    """The body of a kur."""
    wanted = x509.Extensions([x509.Extension(value.oid, False, value) for value in extensions])
    template = asn1.CertTemplate(
        subject=asn1.rdns((subject or credential.certificate.subject).public_bytes()),
        public_key=asn1.elements(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
        extensions=asn1.extensions(wanted) if extensions else None,
    )
    old = old_id(credential.certificate) if old is None else old
    controls = [[asn1.tlv(asn1.encode(oids.OLD_CERT_ID)), asn1.tlv(old)]] if old else None
    request = asn1.CertRequest(cert_req_id=0, cert_template=template, controls=controls)
    raw = asn1.encode(request)
    popo: Any = asn1.Variant(asn1.Null(), "ra_verified")
    if proof == "signature":
        value = asn1.POPOSigningKey(
            algorithm=asn1.algorithm(x509.SignatureAlgorithmOID.ECDSA_WITH_SHA256, has_null=False),
            signature=asn1.BitString(key.sign(raw, ec.ECDSA(hashes.SHA256())), 0),
        )
        popo = asn1.Variant(value, "signature")
    return asn1.sequence_of([asn1.encode(asn1.CertReqMsg(cert_req=asn1.tlv(raw), popo=popo))])


def as_sender(desk: Desk, credential: Credential) -> Desk:
    desk.station = credential
    desk.serve(desk.authority)
    return desk


def ask(desk: Desk, body: bytes) -> bytes:
    return desk.responder.respond(desk.client._message(BodyKind.KUR, body).der)


def issued(answer: bytes) -> x509.Certificate:
    content = asn1.decode(asn1.CertRepMessage, parse_message(answer).body)
    pair = content.response[0].certified_key_pair
    assert pair is not None and content.ca_pubs is None
    return x509.load_der_x509_certificate(asn1.encode(pair.certificate))


def confirm(desk: Desk, answer: bytes, certificate: x509.Certificate) -> bytes:
    header = parse_message(answer).header
    accepted = asn1.CertStatus(cert_hash=certificate.fingerprint(hashes.SHA256()), cert_req_id=0)
    body = asn1.sequence_of([asn1.encode(accepted)])
    message = desk.client._message(BodyKind.CERT_CONF, body, header.transaction_id, header.sender_nonce)
    return desk.responder.respond(message.der)


def renewed(desk: Desk, credential: Credential) -> Credential:
    key = new_key()
    answer = ask(desk, update(credential, key))
    assert verdict(answer) == (BodyKind.KUP, "")
    certificate = issued(answer)
    assert verdict(confirm(desk, answer, certificate)) == (BodyKind.PKICONF, "")
    return Credential(key, certificate, credential.chain)


@pytest.fixture
def holder(desk: Desk) -> Credential:
    """Somebody with a plain certificate."""
    key = new_key()
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "holder")])
    names = x509.SubjectAlternativeName([x509.DNSName("holder.example")])
    csr = x509.CertificateSigningRequestBuilder(subject).add_extension(names, False).sign(key, hashes.SHA256())
    answer = desk.responder.respond(desk.client._message(BodyKind.P10CR, csr.public_bytes(Encoding.DER)).der)
    certificate = issued(answer)
    confirm(desk, answer, certificate)
    return Credential(key, certificate, (desk.issuer,))


def test_a_station_renews_its_own_credential_and_stays_who_it_is(desk: Desk) -> None:
    old, pending = desk.station, desk.certify()
    new = renewed(desk, old)
    assert new.certificate.subject == old.certificate.subject
    assert list(usages(new.certificate)) == list(usages(old.certificate))
    as_sender(desk, new)
    desk.client.confirm(desk.client.confirm_message(pending).der)
    assert desk.state(pending) == ("good", None), "what it began under the old key it ends under the new one"
    assert [record.serial for record in desk.client.station_record()] == [pending.serial]


def test_a_renewed_station_may_leave_out_its_certificate_too(desk: Desk) -> None:
    """RFC 9483, 3.3: it is the one that came with the first message of the transaction."""
    new = renewed(desk, desk.station)
    as_sender(desk, new)
    pending = desk.certify()
    bare = rebuild(desk.client.confirm_message(pending).der, new, message=set_field(extra_certs=None))
    assert verdict(desk.responder.respond(bare)) == (BodyKind.PKICONF, "")


def usages(certificate: x509.Certificate) -> x509.ExtendedKeyUsage:
    return certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value


def test_a_station_puts_away_what_it_has_renewed_and_nothing_else(desk: Desk) -> None:
    add_station(desk.directory, desk.authority, "terminal-2")
    other = x509.load_pem_x509_certificate((desk.directory / "stations" / "terminal-2.pem").read_bytes())
    old = desk.station.certificate
    as_sender(desk, renewed(desk, desk.station))
    for certificate, fail_info in (
        (desk.station.certificate, "notAuthorized"),
        (other, "notAuthorized"),
        (old, ""),
    ):
        message = desk.client.revoke_message(certificate.public_bytes(Encoding.DER), RevocationReason.SUPERSEDED)
        assert verdict(desk.responder.respond(message.der)) == (BodyKind.RP, fail_info)


def test_a_plain_certificate_is_renewed_with_what_it_says(desk: Desk, holder: Credential) -> None:
    as_sender(desk, holder)
    new = renewed(desk, holder)
    kinds = (x509.SubjectAlternativeName, x509.KeyUsage, x509.CertificatePolicies)
    assert [values(new.certificate, kind) for kind in kinds] == [values(holder.certificate, kind) for kind in kinds]


def values(certificate: x509.Certificate, kind: type[Any]) -> Any:
    return certificate.extensions.get_extension_for_class(kind).value


def test_the_name_may_be_left_out(desk: Desk, holder: Credential) -> None:
    as_sender(desk, holder)
    assert issued(ask(desk, update(holder, new_key(), subject=x509.Name([])))).subject == holder.certificate.subject


@pytest.mark.parametrize("is_named", [True, False])
def test_other_extensions_may_be_asked_for_and_the_alternative_names_stay(
    desk: Desk, holder: Credential, is_named: bool
) -> None:
    as_sender(desk, holder)
    names = values(holder.certificate, x509.SubjectAlternativeName)
    asked = (usage("keyAgreement"), *((names,) if is_named else ()))
    new = issued(ask(desk, update(holder, new_key(), extensions=asked)))
    assert values(new, x509.KeyUsage) == usage("keyAgreement") and values(new, x509.SubjectAlternativeName) == names


def test_whoever_has_no_subject_keeps_his_alternative_names(desk: Desk) -> None:
    key, names = new_key(), x509.SubjectAlternativeName([x509.DNSName("device.test")])
    csr = x509.CertificateSigningRequestBuilder(x509.Name([])).add_extension(names, False).sign(key, hashes.SHA256())
    answer = desk.responder.respond(desk.client._message(BodyKind.P10CR, csr.public_bytes(Encoding.DER)).der)
    certificate = issued(answer)
    confirm(desk, answer, certificate)
    nameless = Credential(key, certificate, (desk.issuer,))
    other = x509.SubjectAlternativeName([x509.DNSName("evil.test")])
    refused = ask(desk, update(nameless, new_key(), extensions=(other,)))
    assert verdict(refused) == (BodyKind.KUP, "badCertTemplate")
    renewed_one = issued(ask(desk, update(nameless, new_key(), extensions=(usage("keyAgreement"),))))
    found = renewed_one.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert found.value == names and found.critical


def test_what_the_new_key_cannot_be_used_for_is_left_out_and_that_is_told(
    desk: Desk, keys: list[rsa.RSAPrivateKey]
) -> None:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "holder")])
    builder = x509.CertificateSigningRequestBuilder(subject)
    for value, critical in (
        (usage("digitalSignature", "keyEncipherment"), True),
        (x509.SubjectAlternativeName([x509.DNSName("a.test"), x509.DNSName("b.test")]), True),
        (x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH]), False),
    ):
        builder = builder.add_extension(value, critical)
    csr = builder.sign(keys[1], hashes.SHA256()).public_bytes(Encoding.DER)
    answer = desk.responder.respond(desk.client._message(BodyKind.P10CR, csr).der)
    certificate = issued(answer)
    confirm(desk, answer, certificate)
    as_sender(desk, Credential(keys[1], certificate, (desk.issuer,)))
    turned = x509.SubjectAlternativeName([x509.DNSName("b.test"), x509.DNSName("a.test")])
    for asked in ((), (turned,)):
        answer = ask(desk, update(desk.station, new_key(), extensions=asked))
        status = asn1.decode(asn1.CertRepMessage, parse_message(answer).body).response[0].status.status
        assert status == Status.GRANTED_WITH_MODS
        new = issued(answer)
        assert values(new, x509.KeyUsage) == usage("digitalSignature")
        for kind in (x509.SubjectAlternativeName, x509.ExtendedKeyUsage):
            found, before = (one.extensions.get_extension_for_class(kind) for one in (new, certificate))
            assert (found.value, found.critical) == (before.value, before.critical)


def test_a_revoked_certificate_is_not_renewed_by_its_own_key(desk: Desk, holder: Credential) -> None:
    """4.1.3: what the message is about is revoked; of the signer of any other message that would not be said."""
    revoke = desk.client.revoke_message(holder.certificate.public_bytes(Encoding.DER), SUPERSEDED)
    assert verdict(desk.responder.respond(revoke.der)) == (BodyKind.RP, "")
    as_sender(desk, holder)
    for old in (None, b""):
        assert verdict(ask(desk, update(holder, new_key(), old=old))) == (BodyKind.ERROR, "certRevoked")
    another = old_id(holder.certificate, 4711)
    for body in (update(holder, new_key(), old=another), asn1.encode(asn1.Null())):
        assert verdict(ask(desk, body)) == (BodyKind.ERROR, "signerNotTrusted")


def test_an_update_need_not_name_what_it_updates(desk: Desk, holder: Credential) -> None:
    as_sender(desk, holder)
    assert verdict(ask(desk, update(holder, new_key(), old=b""))) == (BodyKind.KUP, "")


OTHER = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody else")])

BAD: dict[str, tuple[Callable[[Desk, Credential], bytes], str]] = {
    "another certificate": (lambda d, h: update(h, new_key(), old=old_id(h.certificate, 4711)), "badCertId"),
    "another issuer": (
        lambda d, h: update(
            h,
            new_key(),
            old=asn1.encode(
                asn1.CertId(
                    issuer=asn1.tlv(asn1.explicit(4, OTHER.public_bytes())), serial_number=h.certificate.serial_number
                )
            ),
        ),
        "badCertId",
    ),
    "an oldCertId that is none": (lambda d, h: update(h, new_key(), old=b"\x05\x00"), "badDataFormat"),
    "another name": (lambda d, h: update(h, new_key(), subject=OTHER), "badCertTemplate"),
    "another alternative name": (
        lambda d, h: update(h, new_key(), extensions=(x509.SubjectAlternativeName([x509.DNSName("another.example")]),)),
        "badCertTemplate",
    ),
    "the same key": (lambda d, h: update(h, h.key), "badCertTemplate"),  # it is EC
    "a resident's name": (
        lambda d, h: update(h, new_key(), extensions=(usage("digitalSignature", "nonRepudiation"), write_items(ITEMS))),
        "badCertTemplate",
    ),
    "power over others": (lambda d, h: update(h, new_key(), extensions=(usage("cRLSign"),)), "notAuthorized"),
    "raVerified by its holder": (lambda d, h: update(h, new_key(), proof="none"), "notAuthorized"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_update_is_refused(desk: Desk, holder: Credential, name: str) -> None:
    make, fail_info = BAD[name]
    as_sender(desk, holder)
    assert verdict(ask(desk, make(desk, holder))) == (BodyKind.KUP, fail_info)


def test_a_station_that_put_its_protection_in_the_place_of_the_holders_renews_for_him(
    desk: Desk, holder: Credential
) -> None:
    """5.2.3: by oldCertId alone it is told whose certificate that is; the new one is the holder's."""
    key = new_key()
    answer = ask(desk, update(holder, key))
    assert verdict(answer) == (BodyKind.KUP, "")
    new = issued(answer)
    assert new.subject == holder.certificate.subject
    assert verdict(confirm(desk, answer, new)) == (BodyKind.PKICONF, "")
    station = desk.station
    as_sender(desk, Credential(key, new, holder.chain))
    old = desk.client.revoke_message(holder.certificate.public_bytes(Encoding.DER), RevocationReason.SUPERSEDED)
    assert verdict(desk.responder.respond(old.der)) == (BodyKind.RP, "")
    as_sender(desk, station)
    assert verdict(ask(desk, update(holder, new_key()))) == (BodyKind.KUP, "certRevoked")


def test_a_station_renews_no_other_station(desk: Desk) -> None:
    add_station(desk.directory, desk.authority, "terminal-2")
    other = load_credential(desk.directory / "stations" / "terminal-2.pem")
    assert verdict(ask(desk, update(other, new_key()))) == (BodyKind.KUP, "badCertId")


def test_neither_clerk_nor_resident_is_renewed_by_message(desk: Desk) -> None:
    as_sender(desk, desk.clerk)
    assert verdict(ask(desk, update(desk.clerk, new_key()))) == (BodyKind.KUP, "notAuthorized")


def test_a_renewed_certificate_that_is_declined_speaks_for_nobody(desk: Desk) -> None:
    old, key = desk.station, new_key()
    answer = ask(desk, update(old, key))
    certificate = issued(answer)
    header = parse_message(answer).header
    message = desk.client._message(BodyKind.CERT_CONF, asn1.sequence_of([]), header.transaction_id, header.sender_nonce)
    assert verdict(desk.responder.respond(message.der)) == (BodyKind.PKICONF, "")
    as_sender(desk, Credential(key, certificate, old.chain))
    assert verdict(desk.responder.respond(desk.message().der)) == (BodyKind.ERROR, "signerNotTrusted")


def serial(credential: Credential) -> str:
    return serial_text(credential.certificate.serial_number)


def test_a_stolen_key_takes_along_what_was_renewed_with_it(desk: Desk) -> None:
    first = desk.station
    second = renewed(desk, first)
    as_sender(desk, second)
    third, waiting = renewed(desk, second), issued(ask(desk, update(second, new_key())))
    with desk.authority.store.write(desk.clock.now) as books:
        done = revoke_by_hand(serial(first), RevocationReason.KEY_COMPROMISE, books)
    assert set(done.revoked) == {serial(second), serial(third), serial_text(waiting.serial_number)}
    as_sender(desk, third)
    assert verdict(desk.responder.respond(desk.message().der)) == (BodyKind.ERROR, "signerNotTrusted")


def test_a_stolen_key_that_was_put_away_by_the_thief_takes_along_his_own(desk: Desk) -> None:
    first = desk.station
    as_sender(desk, renewed(desk, first))
    desk.client.revoke(desk.client.revoke_message(first.certificate.public_bytes(Encoding.DER), SUPERSEDED).der)
    words = ("revoke", serial(first), "--reason", "keyCompromise", "--data", str(desk.directory))
    assert ca(*words).out.startswith(serial(desk.station))
    again = ca(*words)
    assert again.code == 1 and "revoked already" in again.err


def test_whoever_revokes_for_another_reason_is_told_what_still_stands(desk: Desk) -> None:
    first = desk.station
    second = renewed(desk, first)
    done = ca("revoke", serial(first), "--reason", "superseded", "--data", str(desk.directory))
    assert done.code == 0 and serial(second) in done.err and "still stands" in done.err
    as_sender(desk, second)
    assert verdict(desk.responder.respond(desk.message().der)) == (BodyKind.IP, "")

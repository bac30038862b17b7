"""Our ASN.1 against another's: pyasn1 with the modules of RFC 9810 and RFC 4211 reads what we write, and we its own."""

import pytest
from authority_desk import START, Desk
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.der.decoder import decode as oracle_decode
from pyasn1.codec.der.encoder import encode as oracle_encode
from pyasn1.type import univ
from pyasn1_alt_modules import rfc4211, rfc9480, rfc9810

from kiosk.authority import asn1, oids
from kiosk.authority.message import Status, parse_message, read_status, status_info
from kiosk.model.certificate import RevocationReason


def exchanges(desk: Desk) -> dict[str, bytes]:
    """One message of every kind that we write."""
    ir = desk.message().der
    pending = desk.client.certify(ir)
    confirm = desk.client.confirm_message(pending).der
    reject = desk.client.reject_message(pending, "no").der
    rr = desk.client.revoke_message(pending.certificate, RevocationReason.KEY_COMPROMISE).der
    return {
        "ir": ir,
        "ip": desk.responder.respond(ir),
        "certConf": confirm,
        "certConf that declines": reject,
        "pkiConf": desk.responder.respond(confirm),
        "rr": rr,
        "rp": desk.responder.respond(rr),
        "error": desk.responder.respond(b""),
    }


def test_the_oracle_reads_every_message_and_writes_the_same_bytes(desk: Desk) -> None:
    for name, der in exchanges(desk).items():
        message, rest = oracle_decode(der, asn1Spec=rfc9810.PKIMessage())
        assert not rest, name
        if name == "ir":
            # pyasn1 does not write the empty subject that it has read.
            assert oracle_encode(message["header"]) in der
        else:
            assert oracle_encode(message) == der, name


def test_the_oracle_finds_the_same_values(desk: Desk) -> None:
    der = desk.message().der
    message, _ = oracle_decode(der, asn1Spec=rfc9810.PKIMessage())
    header = parse_message(der).header
    assert int(message["header"]["pvno"]) == header.pvno == 2
    assert bytes(message["header"]["transactionID"]) == header.transaction_id
    assert bytes(message["header"]["senderKID"]) == header.sender_kid
    assert message["header"]["messageTime"].asDateTime == START
    assert message["body"].getName() == "ir"
    request = message["body"]["ir"][0]["certReq"]
    assert int(request["certReqId"]) == 0
    key = bytes(request["certTemplate"]["publicKey"]["subjectPublicKey"].asOctets())
    assert key == desk.key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    types = [str(item["infoType"]) for item in message["header"]["generalInfo"]]
    assert types == [oid.dotted_string for oid in (oids.AUTHORISATION, oids.ATTESTATION, oids.JOURNAL_HEAD)]


def test_we_read_a_template_of_the_oracles(desk: Desk) -> None:
    template = rfc4211.CertTemplate()
    template["version"] = 2
    template["serialNumber"] = 4711
    name = desk.issuer.subject
    template["issuer"] = oracle_decode(asn1.explicit(3, name.public_bytes()), asn1Spec=template["issuer"].clone())[0]
    ours = asn1.decode(asn1.CertTemplate, oracle_encode(template))
    assert (ours.version, ours.serial_number) == (2, 4711)
    assert ours.issuer is not None and asn1.name(ours.issuer) == name.public_bytes()
    assert asn1.encode(ours) == oracle_encode(template)


@pytest.mark.parametrize("number", range(len(oids.FAIL_INFO)))
def test_failure_names_are_the_standards_bits(number: int) -> None:
    der = asn1.encode(status_info(Status.REJECTION, "why", oids.FAIL_INFO[number]))
    status, _ = oracle_decode(der, asn1Spec=rfc9480.PKIStatusInfo())
    assert oracle_encode(status) == der
    assert [i for i, bit in enumerate(status["failInfo"]) if bit] == [number]
    named = dict(rfc9480.PKIFailureInfo().namedValues.items())
    assert named[oids.FAIL_INFO[number]] == number
    assert read_status(asn1.decode(asn1.PKIStatusInfo, der)) == (oids.FAIL_INFO[number], "why")


@given(st.binary(max_size=64))
def test_bytes_that_are_no_der_are_one_kind_of_error(data: bytes) -> None:
    for kind in (asn1.PKIMessage, asn1.PKIHeader, asn1.CertReqMsg, asn1.CertStatus, asn1.RevDetails):
        try:
            value = asn1.decode(kind, data)
        except asn1.Asn1Invalid:
            continue
        assert asn1.encode(value) == data


@given(st.lists(st.integers(0, 2**70), max_size=5))
def test_elements_undo_sequence_of(values: list[int]) -> None:
    der = asn1.sequence_of([asn1.encode(value) for value in values])
    sequence = univ.SequenceOf(componentType=univ.Integer())
    sequence.clear()
    sequence.extend(values)
    assert oracle_encode(sequence) == der
    assert [asn1.decode(int, asn1.encode(element)) for element in asn1.elements(der)] == values


def test_a_template_becomes_a_request_that_cryptography_reads(desk: Desk) -> None:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "一")])
    key = desk.issuer.public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    constraints = x509.Extension(x509.BasicConstraints.oid, True, x509.BasicConstraints(ca=False, path_length=None))
    template = asn1.CertTemplate(
        subject=asn1.rdns(name.public_bytes()),
        public_key=asn1.elements(spki),
        extensions=asn1.extensions(x509.Extensions([constraints])),
    )
    csr = asn1.as_csr(template)
    assert (csr.subject, csr.public_key(), list(csr.extensions)) == (name, key, [constraints])


def test_the_unstable_api_still_has_what_we_stand_on() -> None:
    """A canary: when cryptography changes its ASN.1 classes, this says so first."""
    element = asn1.tlv(b"\x30\x03\x02\x01\x05")
    assert (element.tag_bytes, bytes(element.data)) == (b"\x30", b"\x02\x01\x05")
    status = asn1.PKIStatusInfo(status=0)
    assert asn1.encode(status) == b"\x30\x03\x02\x01\x00"
    with pytest.raises(asn1.Asn1Invalid):
        asn1.decode(asn1.PKIStatusInfo, b"\x30\x03\x02\x01\x00\x00")
    with pytest.raises(asn1.Asn1Invalid):
        asn1.decode(asn1.PKIStatusInfo, b"\x30\x80\x02\x01\x00\x00\x00")

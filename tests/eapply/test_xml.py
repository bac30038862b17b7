"""An XML document with a resident's signature in it: accepted as it is, rejected with anything changed or wrapped."""

import base64
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.signer import SignatureReference
from signxml.xades.xades import XAdESSigner

from kiosk.eapply.errors import DocumentUnfit
from kiosk.eapply.verify import Outcome
from kiosk.eapply.xml import sign_xml
from kiosk.model.certificate import CertificateState, CertificateStatus
from tests.counter_bench import START, World
from tests.eapply.conftest import forged_like, judge_document, resident_key

FORM = '<?xml version="1.0"?><form xmlns="urn:town"><name Id="name">幌延　太郎</name><income>1</income></form>'.encode()
DS = "{http://www.w3.org/2000/09/xmldsig#}"


@pytest.fixture(scope="module")
def signed_form(signed: tuple[World, bytes, bytes]) -> tuple[World, bytes]:
    world = signed[0]
    with resident_key(world) as (key, certificate):
        return world, sign_xml(FORM, certificate, key)


def xmlsec(document: bytes, world: World, folder: Path) -> int:
    """The verdict of libxmlsec's program; 0 when the signature holds under the authority's certificate."""
    (folder / "document.xml").write_bytes(document)
    (folder / "ca.pem").write_bytes(world.authority.generations[0].public_bytes(Encoding.PEM))
    ids = ("http://uri.etsi.org/01903/v1.3.2#:SignedProperties", "http://www.w3.org/2000/09/xmldsig#:KeyInfo")
    named = [word for name in ids for word in ("--id-attr:Id", name)]
    trust = ("--trusted-pem", "ca.pem", "--verification-time", f"{START:%Y-%m-%d %H:%M:%S}")
    command = ["xmlsec1", "--verify", *trust, *named, "--enabled-key-data", "x509", "document.xml"]
    return subprocess.run(command, cwd=folder, capture_output=True, env={"TZ": "UTC"}).returncode


def test_a_signed_form_is_accepted_and_libxmlsec_agrees(signed_form: tuple[World, bytes], tmp_path: Path) -> None:
    world, document = signed_form
    assert judge_document(world, document).outcome is Outcome.ACCEPTED
    assert xmlsec(document, world, tmp_path) == 0
    assert xmlsec(document.replace(b"<income>1<", b"<income>0<"), world, tmp_path) != 0


def test_a_signed_form_is_accepted_however_it_is_written(signed_form: tuple[World, bytes]) -> None:
    world, document = signed_form
    assert judge_document(world, document, name="幌延 太郎").outcome is Outcome.ACCEPTED
    with resident_key(world) as (key, certificate):
        named = sign_xml(FORM.replace(b"<form ", b'<form Id="form" '), certificate, key)
    assert b'URI="#form"' in named and judge_document(world, named).outcome is Outcome.ACCEPTED
    doubled = named.replace(b'Id="name"', b'ID="form"')
    assert judge_document(world, doubled).outcome is Outcome.REJECTED
    again = etree.tostring(etree.fromstring(document), encoding="UTF-16")
    assert judge_document(world, again).outcome is Outcome.ACCEPTED, "the same document in another encoding"


def test_only_a_good_certificate_and_the_certified_name_are_accepted(signed_form: tuple[World, bytes]) -> None:
    world, document = signed_form
    assert judge_document(world, document, CertificateStatus(CertificateState.REVOKED)).outcome is Outcome.REJECTED
    assert judge_document(world, document, name="天塩 花子").outcome is Outcome.REJECTED


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_whatever_byte_is_changed_no_other_document_is_accepted(
    signed_form: tuple[World, bytes], data: st.DataObject
) -> None:
    world, document = signed_form
    changed = bytearray(document)
    changed[data.draw(st.integers(0, len(document) - 1))] ^= data.draw(st.integers(1, 255))
    if judge_document(world, bytes(changed)).outcome is not Outcome.REJECTED:
        assert without_signature(bytes(changed)) == without_signature(document)


def without_signature(document: bytes) -> bytes:
    """What a receiver reads, in its canonical form."""
    root = etree.fromstring(document)
    for signature in root.findall(f"{DS}Signature"):
        root.remove(signature)
    return etree.tostring(root, method="c14n")


def wrapped(root: etree._Element) -> etree._Element:
    """The signed form stands within another one that says something else."""
    other = etree.fromstring(FORM.replace(b"<income>1<", b"<income>0<"))
    other.append(root)
    return other


def moved_in(root: etree._Element) -> etree._Element:
    """Another form has the signature in its root, and what was signed somewhere within."""
    other = etree.fromstring(FORM.replace(b"<income>1<", b"<income>0<"))
    (signature,) = root.findall(f"{DS}Signature")
    root.remove(signature)
    other.append(root)
    other.append(signature)
    return other


def twice(root: etree._Element) -> etree._Element:
    """Two signatures."""
    root.append(etree.fromstring(etree.tostring(root.find(f"{DS}Signature"))))
    return root


def parted(root: etree._Element) -> etree._Element:
    """A comment parts a word in two, which no canonical form has."""
    name = next(root.iter("{urn:town}name"))
    name.text, rest = "幌延", name.text[2:]
    comment = etree.Comment("")
    comment.tail = rest
    name.insert(0, comment)
    return root


def with_another_object(root: etree._Element) -> etree._Element:
    """Nobody signs what a signature's own container holds besides, and somebody may take it for the form's."""
    added = etree.SubElement(root.find(f"{DS}Signature"), f"{DS}Object")
    added.append(etree.fromstring('<income xmlns="urn:town">0</income>'))
    return root


@contextmanager
def signer(world: World) -> Iterator[Callable[..., bytes]]:
    """Signs otherwise than we do, so that the signature holds."""
    with resident_key(world) as (key, certificate):

        def sign(document: bytes, **how: object) -> bytes:
            method = {"signature_algorithm": SignatureMethod.RSA_SHA256, "digest_algorithm": DigestAlgorithm.SHA256}
            signed = XAdESSigner(**method).sign(etree.fromstring(document), key=key, cert=[certificate], **how)
            return etree.tostring(signed)

        yield sign


def test_a_signature_that_holds_and_covers_a_part_is_rejected(signed: tuple[World, bytes, bytes]) -> None:
    world = signed[0]
    with signer(world) as sign:
        part = sign(FORM, reference_uri="#name")
        exclusive = SignatureReference(
            URI="#form", c14n_method=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
        )
        changed = sign(FORM.replace(b"<form ", b'<form Id="form" '), reference_uri=[exclusive])
    for document, reason in ((part, "does not cover the whole"), (changed, "a changed form")):
        verdict = judge_document(world, document)
        assert verdict.outcome is Outcome.REJECTED and reason in str(verdict.findings)


@pytest.mark.parametrize("attribute", ["w:Id", "ID", "xml:id"])
def test_what_is_signed_by_its_id_cannot_stand_in_another_of_the_same_id(
    signed: tuple[World, bytes, bytes], attribute: str
) -> None:
    world = signed[0]
    begin = b'<form xmlns="urn:town" xmlns:w="urn:w" '
    with signer(world) as sign:
        real = sign(begin + attribute.encode() + b'="form"><income>1</income></form>', reference_uri="#form")
    inner = etree.fromstring(real)
    (signature,) = inner.findall(f"{DS}Signature")
    inner.remove(signature)
    for outer in (b'id="form"', b'w:id="form"', b'w:ID="form"'):
        other = etree.fromstring(begin + outer + b"><income>0</income></form>")
        other.append(inner)
        other.append(signature)
        verdict = judge_document(world, etree.tostring(other))
        assert verdict.outcome is Outcome.REJECTED and "does not cover the whole" in str(verdict.findings)


def test_a_key_of_another_kind_beside_the_certificate_is_refused_in_words(signed_form: tuple[World, bytes]) -> None:
    world, document = signed_form
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    for der in (other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), b"0\x00"):
        root = etree.fromstring(document)
        info = root.find(f"{DS}Signature/{DS}KeyInfo")
        key = etree.SubElement(info, "{http://www.w3.org/2009/xmldsig11#}DEREncodedKeyValue")
        key.text = base64.b64encode(der).decode()
        assert judge_document(world, etree.tostring(root)).outcome is Outcome.REJECTED
    begin = b"<ds:X509Certificate>"
    assert judge_document(world, document.replace(begin, begin + "ん".encode())).outcome is Outcome.REJECTED


def test_white_space_behind_the_signature_belongs_to_the_document(signed: tuple[World, bytes, bytes]) -> None:
    world = signed[0]
    place = b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="placeholder"/>'
    with signer(world) as sign:
        document = sign(FORM.replace(b"<income>", place + b"\n  <income>"))
    assert judge_document(world, document).outcome is Outcome.ACCEPTED
    assert judge_document(world, document.replace(b"\n  <income>", b"\n   <income>")).outcome is Outcome.REJECTED


def test_a_style_sheet_that_was_put_before_what_is_signed_is_rejected(signed_form: tuple[World, bytes]) -> None:
    world, document = signed_form
    for place in (document.index(b"<form"), len(document)):
        made = document[:place] + b'<?xml-stylesheet href="other.xsl"?>' + document[place:]
        assert judge_document(world, made).outcome is Outcome.REJECTED


@pytest.mark.parametrize("attack", [wrapped, moved_in, twice, parted, with_another_object])
def test_a_document_that_was_made_of_a_signed_one_is_rejected(
    signed_form: tuple[World, bytes], attack: Callable[[etree._Element], etree._Element]
) -> None:
    world, document = signed_form
    made = etree.tostring(attack(etree.fromstring(document)))
    assert judge_document(world, made).outcome is Outcome.REJECTED


BAD = {
    "nothing": b"",
    "text": b"income 1",
    "cut": FORM[:-3],
    "external": b'<!DOCTYPE form [<!ENTITY x SYSTEM "file:///etc/passwd">]><form>&x;</form>',
    "bomb": b'<!DOCTYPE f [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><f>&b;</f>',
    "style sheet": FORM.replace(b"<form", b'<?xml-stylesheet href="other.xsl"?><form'),
    "identifier of two": FORM.replace(b"<form ", b'<form Id="a" ').replace(b"<income>", b'<income ID="a">'),
    "comment": FORM.replace(b"<income>", b"<!-- --><income>"),
}


@pytest.mark.parametrize("document", BAD.values(), ids=BAD)
def test_what_is_no_plain_xml_document_is_refused(signed: tuple[World, bytes, bytes], document: bytes) -> None:
    world = signed[0]
    assert judge_document(world, document).outcome is Outcome.REJECTED
    with resident_key(world) as (key, certificate), pytest.raises(DocumentUnfit):
        sign_xml(document, certificate, key)


def test_what_is_signed_is_not_signed_again(signed_form: tuple[World, bytes]) -> None:
    world, document = signed_form
    with resident_key(world) as (key, certificate), pytest.raises(DocumentUnfit, match="already"):
        sign_xml(document, certificate, key)


def test_a_certificate_of_its_own_is_rejected(signed_form: tuple[World, bytes]) -> None:
    world, _ = signed_form
    with resident_key(world) as (_, real):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        forged = forged_like(real, key)
    assert judge_document(world, sign_xml(FORM, forged, key)).outcome is Outcome.REJECTED


def test_an_unsigned_document_is_rejected(signed: tuple[World, bytes, bytes]) -> None:
    verdict = judge_document(signed[0], FORM)
    assert verdict.outcome is Outcome.REJECTED and "0 signatures" in str(verdict.findings)

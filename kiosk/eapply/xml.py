"""Signatures inside XML documents (XAdES baseline B-B, ETSI EN 319 132-1): made with a resident's key, read again."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from kiosk.eapply.errors import DAMAGE, DocumentUnfit, SignatureUnreadable

_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_ANY_SIGNATURE = f".//{_DS}Signature"
_IDS = frozenset({"Id", "ID", "id"})
"""Local names of attributes by which a reference may find an element, of any namespace."""
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_DIGESTS = ("SHA256", "SHA384", "SHA512")
_CANONICAL = frozenset(
    {
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2006/12/xml-c14n11",
    }
)
"""Canonical forms that leave out nothing but comments; the exclusive one leaves out namespaces that values may use."""

_OWN_NAMESPACES = frozenset(
    {
        "http://www.w3.org/2000/09/xmldsig#",
        "http://www.w3.org/2009/xmldsig11#",
        "http://uri.etsi.org/01903/v1.3.2#",
        "http://uri.etsi.org/01903/v1.4.1#",
    }
)
"""What a signature is made of. Nobody signs what else stands in it, and a receiver may take it for the document's."""


@dataclass(frozen=True, repr=False)
class SignedXml:
    """The one signature in a document: whose certificate (DER), and what checks it.

    `check` raises `SignatureUnreadable` unless that certificate's key has signed all of the document.
    """

    certificate_der: bytes
    check: Callable[[], None]


def sign_xml(document: bytes, certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> bytes:
    """The document with a signature over all of it as its root's last child; one use of `key`.

    Raises `DocumentUnfit`, and what the key raises.
    """
    from lxml import etree
    from signxml.algorithms import DigestAlgorithm, SignatureMethod
    from signxml.xades.xades import XAdESDataObjectFormat, XAdESSigner

    root = open_unsigned(document)
    signer = XAdESSigner(
        signature_algorithm=SignatureMethod.RSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        data_object_format=XAdESDataObjectFormat(Description="", MimeType="text/xml"),
    )
    signed = signer.sign(root, key=key, cert=[certificate])
    return bytes(etree.tostring(signed, xml_declaration=True, encoding="UTF-8"))


def open_unsigned(document: bytes) -> Any:
    """The root of a document that can be signed. Raises `DocumentUnfit`."""
    root = _parse(document)
    if root.find(_ANY_SIGNATURE) is not None:
        raise DocumentUnfit("the document holds a signature already")
    own = root.get("Id", root.get("ID"))
    if own is not None and not _means_root(f"#{own}", root):
        raise DocumentUnfit("the root's identifier is another element's, too")
    return root


def read_signed_xml(document: bytes) -> SignedXml:
    """The signature of a document that holds just one, in its root. Raises `SignatureUnreadable`."""
    try:
        root = _parse(document)
    except DocumentUnfit as error:
        raise SignatureUnreadable(str(error)) from error
    signatures = root.findall(_ANY_SIGNATURE)
    if len(signatures) != 1:
        raise SignatureUnreadable(f"the document holds {len(signatures)} signatures, and one is judged")
    (signature,) = signatures
    if signature.getparent() is not root:
        raise SignatureUnreadable("the signature does not stand in the document's root")
    _refuse_unless_all_is_covered(signature)
    text = signature.findtext(f"{_DS}KeyInfo/{_DS}X509Data/{_DS}X509Certificate") or ""
    try:
        certificate = base64.b64decode("".join(text.split()), validate=True)
    except ValueError as error:
        raise SignatureUnreadable("the signature carries no certificate that can be read") from error
    return SignedXml(certificate, lambda: _check(document, certificate))


def _parse(document: bytes) -> Any:
    """The root of a document that a signature covers as a whole; neither file nor network is read for it.

    Raises `DocumentUnfit`: for comments too, which no canonical form of a whole document has, so that somebody could
    part a signed word in two by one; and for what stands beside the root, such as a style sheet's name.
    """
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise DocumentUnfit(f"not an XML document: {error}") from error
    tree = root.getroottree()
    if tree.docinfo.doctype:
        raise DocumentUnfit("the document has a document type, which is not taken")
    if next(tree.iter(etree.Comment), None) is not None:
        raise DocumentUnfit("the document has comments, which a signature does not cover")
    if [*root.itersiblings(preceding=True), *root.itersiblings()]:
        raise DocumentUnfit("something stands beside the document's root, which a signature does not cover")
    return root


def _refuse_unless_all_is_covered(signature: Any) -> None:
    """Else another element could be signed and this one shown (signature wrapping)."""
    whole = _whole(signature)
    if len(whole) != 1:
        raise SignatureUnreadable("the signature does not cover the whole document")
    transforms = [one.get("Algorithm") for one in whole[0].findall(f"{_DS}Transforms/{_DS}Transform")]
    if transforms.count(_ENVELOPED) != 1 or not {*transforms} - {_ENVELOPED} <= _CANONICAL:
        raise SignatureUnreadable("the signature covers a changed form of the document")
    if any(one.tag[1:].partition("}")[0] not in _OWN_NAMESPACES for one in signature.iter()):
        raise SignatureUnreadable("something stands in the signature that is no part of one")


def _whole(signature: Any) -> list[Any]:
    """The references to the whole document."""
    references = signature.findall(f"{_DS}SignedInfo/{_DS}Reference")
    return [one for one in references if _means_root(one.get("URI"), signature.getparent())]


def _means_root(uri: str | None, root: Any) -> bool:
    """Whether it refers to the root and cannot be taken to mean another element: by no fragment, or by its own id."""
    if not uri:
        return uri == ""
    ids = ((one, name, value) for one in root.iter() for name, value in one.attrib.items())
    return [one for one, name, value in ids if name.rpartition("}")[2] in _IDS and f"#{value}" == uri] == [root]


def _check(document: bytes, certificate: bytes) -> None:
    from lxml import etree
    from signxml.algorithms import DigestAlgorithm, SignatureMethod
    from signxml.exceptions import SignXMLException
    from signxml.xades.xades import XAdESSignatureConfiguration, XAdESVerifier

    try:
        loaded = x509.load_der_x509_certificate(certificate)
        expected = XAdESSignatureConfiguration(
            location="./",
            expect_references=True,
            signature_methods=frozenset(SignatureMethod[f"RSA_{name}"] for name in _DIGESTS),
            digest_algorithms=frozenset(DigestAlgorithm[name] for name in _DIGESTS),
            # Whether it is valid now is asked with the path.
            verification_time=loaded.not_valid_before_utc,
        )
        digested = XAdESVerifier().verify(document, x509_cert=loaded, expect_config=expected)
        covered = {etree.tostring(one.signed_xml, method="c14n") for one in digested if one.signed_xml is not None}
    except (SignXMLException, etree.LxmlError, *DAMAGE) as error:
        raise SignatureUnreadable(f"the signature does not hold: {error}") from error
    if _without_signature(document) not in covered:
        raise SignatureUnreadable("the signature covers another document than the one that is there")


def _without_signature(document: bytes) -> bytes:
    """What the signature has to cover: the root in its canonical form."""
    from lxml import etree

    root = _parse(document)
    (signature,) = root.findall(_ANY_SIGNATURE)
    if signature.tail:
        before = signature.getprevious()
        if before is None:
            root.text = (root.text or "") + signature.tail
        else:
            before.tail = (before.tail or "") + signature.tail
    root.remove(signature)
    return bytes(etree.tostring(root, method="c14n"))

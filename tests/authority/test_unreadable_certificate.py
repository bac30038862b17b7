"""A certificate in which a name is no text: whoever asks it for something is told that it cannot be read."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from kiosk.authority.items import ItemsInvalid
from kiosk.authority.verification import certified_items, is_link, load_certificate
from tests.counter_bench import START

TEXT, BITS = b"\x0c\x02\x00a", b"\x03\x02\x00a"


@pytest.fixture
def strange() -> x509.Certificate:
    """With a BIT STRING as the common name among its alternative names."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "\0a")])
    alternatives = x509.SubjectAlternativeName([x509.DirectoryName(name)])
    nobody, end = x509.Name([]), START + datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(nobody, nobody, key.public_key(), 1, START, end)
    good = builder.add_extension(alternatives, critical=False).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    assert good.count(TEXT) == 1
    return load_certificate(good.replace(TEXT, BITS))


def test_its_items_cannot_be_read(strange: x509.Certificate) -> None:
    with pytest.raises(ItemsInvalid):
        certified_items(strange)


def test_it_is_no_link(strange: x509.Certificate) -> None:
    assert not is_link(strange, strange, START)

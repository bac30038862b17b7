import copy
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, utils
from cryptography.x509.oid import NameOID

from hw.card.key import CardKey
from hw.errors import CardRefused
from tests.hw.card.office import Desk, issue, password

TEXT = b"what is signed"
PKCS1 = padding.PKCS1v15()


@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_a_signature_of_the_card_is_one_of_the_library(desk: Desk, algorithm: hashes.HashAlgorithm) -> None:
    made = issue(desk.reader)
    digest = hashes.Hash(algorithm)
    digest.update(TEXT)
    with desk.reader.session() as card:
        card.verify_pin(password())
        key = CardKey(card, made)
        key.public_key().verify(key.sign(TEXT, PKCS1, algorithm), TEXT, PKCS1, algorithm)
        signature = key.sign(data=digest.finalize(), padding=PKCS1, algorithm=utils.Prehashed(algorithm))
        key.public_key().verify(signature, TEXT, PKCS1, algorithm)


def test_the_library_builds_a_certificate_request_on_it(desk: Desk) -> None:
    made = issue(desk.reader)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    with desk.reader.session() as card:
        card.verify_pin(password())
        before = card.exchanges
        request = x509.CertificateSigningRequestBuilder(name).sign(CardKey(card, made), hashes.SHA256())
        assert card.exchanges - before == 2
    assert request.is_signature_valid
    assert isinstance(request.public_key(), type(CardKey(card, made).public_key()))


def test_what_the_card_cannot_do_is_unsupported_and_asks_nothing_of_it(desk: Desk) -> None:
    made = issue(desk.reader)
    with desk.reader.session() as card:
        key = CardKey(card, made)
        before = card.exchanges
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        unsupported: list[Callable[[], object]] = [
            lambda: key.sign(TEXT, pss, hashes.SHA256()),
            lambda: key.sign(TEXT, PKCS1, hashes.SHA1()),
            lambda: key.sign(bytes(32), PKCS1, utils.Prehashed(hashes.SHA3_256())),
            lambda: key.sign(TEXT, PKCS1, utils.NoDigestInfo()),
            lambda: key.decrypt(bytes(256), PKCS1),
            key.private_numbers,
            lambda: key.private_bytes(
                serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        ]
        for refused in unsupported:
            with pytest.raises(UnsupportedAlgorithm):
                refused()
        with pytest.raises(ValueError):
            key.sign(bytes(31), PKCS1, utils.Prehashed(hashes.SHA256()))
        assert card.exchanges == before


def test_the_cards_refusal_passes_through_the_library(desk: Desk) -> None:
    made = issue(desk.reader)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    with desk.reader.session() as card, pytest.raises(CardRefused):
        x509.CertificateSigningRequestBuilder(name).sign(CardKey(card, made), hashes.SHA256())


def test_a_copy_is_the_same_key(desk: Desk) -> None:
    made = issue(desk.reader)
    with desk.reader.session() as card:
        key = CardKey(card, made)
    assert copy.copy(key) is key
    assert copy.deepcopy(key) is key
    assert key.key_size == 2048

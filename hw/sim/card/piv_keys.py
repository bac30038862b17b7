"""The algorithms of a PIV card by their identifiers, and what its keys do with them (NIST SP 800-78-4, table 6-2).

The identifiers beyond the standard (RSA 1024 and 4096, Ed25519, X25519) are those that other cards and tools use.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, CipherAlgorithm, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from hw.sim.card import tlv
from hw.sim.card.key_maker import MakeKey

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | x25519.X25519PrivateKey

RSA_BITS = {0x05: 3072, 0x06: 1024, 0x07: 2048, 0x16: 4096}
_CURVES: dict[int, tuple[ec.EllipticCurve, HashAlgorithm]] = {
    0x11: (ec.SECP256R1(), SHA256()),
    0x14: (ec.SECP384R1(), SHA384()),
}
_ED25519, _X25519 = 0xE0, 0xE1
ALGORITHMS = frozenset({*RSA_BITS, *_CURVES, _ED25519, _X25519})


class InputWrong(ValueError):
    """What a key was given is not of its length or its form."""


@dataclass(frozen=True)
class SecretAlgorithm:
    """A block cipher for the card management key: sizes in bytes, and the cipher for a key."""

    key_size: int
    block_size: int
    cipher: Callable[[bytes], CipherAlgorithm]


SECRET_ALGORITHMS = {
    0x03: SecretAlgorithm(24, 8, TripleDES),
    0x08: SecretAlgorithm(16, 16, algorithms.AES),
    0x0A: SecretAlgorithm(24, 16, algorithms.AES),
    0x0C: SecretAlgorithm(32, 16, algorithms.AES),
}
"""3TDEA, AES-128, AES-192, AES-256 in ECB mode; the identifier 00 means 03."""


def encipher(algorithm: int, key: bytes, block: bytes) -> bytes:
    """One block under a card management key."""
    cipher = Cipher(SECRET_ALGORITHMS[algorithm].cipher(key), modes.ECB())  # noqa: S305 - one random block
    return cipher.encryptor().update(block)


def generate(algorithm: int, make_rsa_2048: MakeKey) -> bytes:
    """A new key pair as PKCS#8 DER."""
    key: PrivateKey
    if algorithm in RSA_BITS:
        bits = RSA_BITS[algorithm]
        key = make_rsa_2048() if bits == 2048 else rsa.generate_private_key(65537, bits)
    elif algorithm in _CURVES:
        key = ec.generate_private_key(_CURVES[algorithm][0])
    else:
        key = ed25519.Ed25519PrivateKey.generate() if algorithm == _ED25519 else x25519.X25519PrivateKey.generate()
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def imported(algorithm: int, parts: dict[int, bytes]) -> bytes:
    """A key pair from the parts that an import brings: p, q (01, 02), or the scalar (06 to 08). Raises `InputWrong`."""
    key: PrivateKey
    try:
        if algorithm in RSA_BITS:
            p, q = (int.from_bytes(parts[tag], "big") for tag in (0x01, 0x02))
            d = pow(65537, -1, (p - 1) * (q - 1))
            private = rsa.RSAPrivateNumbers(
                p, q, d, d % (p - 1), d % (q - 1), rsa.rsa_crt_iqmp(p, q), rsa.RSAPublicNumbers(65537, p * q)
            )
            key = private.private_key()
            if key.key_size != RSA_BITS[algorithm]:
                raise InputWrong("a modulus of another size")
        elif algorithm in _CURVES:
            key = ec.derive_private_key(int.from_bytes(parts[0x06], "big"), _CURVES[algorithm][0])
        elif algorithm == _ED25519:
            key = ed25519.Ed25519PrivateKey.from_private_bytes(parts[0x07])
        else:
            key = x25519.X25519PrivateKey.from_private_bytes(parts[0x08])
    except (KeyError, ValueError, InvalidKey) as error:
        raise InputWrong("not the parts of a key of this algorithm") from error
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def load(der: bytes) -> PrivateKey:
    """A key that this card made or checked when it was imported."""
    key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, PrivateKey)
    return key


def public_objects(key: PrivateKey) -> bytes:
    """The public key as data objects: 81 modulus and 82 exponent, or 86 the point (SP 800-73-4 part 2, table 11)."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        return b"".join(
            tlv.encode(tag, number.to_bytes((number.bit_length() + 7) // 8, "big"))
            for tag, number in ((0x81, numbers.n), (0x82, numbers.e))
        )
    if isinstance(key, ec.EllipticCurvePrivateKey):
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    else:
        point = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return tlv.encode(0x86, point)


def answer_challenge(algorithm: int, key: PrivateKey, challenge: bytes) -> bytes:
    """What the key makes of a challenge: RSA over the padded block, ECDSA over the digest, EdDSA over the message.

    Raises `InputWrong`.
    """
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        n = numbers.public_numbers.n
        block = int.from_bytes(challenge, "big")
        if len(challenge) != key.key_size // 8 or block >= n:
            raise InputWrong("not one block below the modulus")
        digest_info = _padded_in(challenge)
        if digest_info:
            return key.sign(digest_info, padding.PKCS1v15(), utils.NoDigestInfo())
        # By the Chinese remainder theorem, as cards do; for another padding than the common one no library call fits.
        m_p, m_q = pow(block, numbers.dmp1, numbers.p), pow(block, numbers.dmq1, numbers.q)
        result = m_q + (numbers.iqmp * (m_p - m_q) % numbers.p) * numbers.q
        return result.to_bytes(len(challenge), "big")
    if isinstance(key, ec.EllipticCurvePrivateKey):
        hash_ = _CURVES[algorithm][1]
        if not 0 < len(challenge) <= hash_.digest_size:
            raise InputWrong("longer than the curve's order")
        return key.sign(challenge.rjust(hash_.digest_size, b"\0"), ec.ECDSA(utils.Prehashed(hash_)))
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(challenge)
    raise InputWrong("a key for agreement only")


def _padded_in(block: bytes) -> bytes:
    """What the padding of PKCS#1 v1.5 encloses; nothing for a block that is padded otherwise."""
    filling, _, content = block[2:].partition(b"\x00")
    is_padded = block[:2] == b"\x00\x01" and len(filling) >= 8 and not filling.strip(b"\xff")
    return content if is_padded else b""


def agree(key: PrivateKey, point: bytes) -> bytes:
    """The shared secret with another's public point (SP 800-56A, cofactor ECDH). Raises `InputWrong`."""
    try:
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(key.curve, point))
        if isinstance(key, x25519.X25519PrivateKey):
            return key.exchange(x25519.X25519PublicKey.from_public_bytes(point))
    except ValueError as error:
        raise InputWrong("not a point of the key's curve") from error
    raise InputWrong("not a key for agreement")

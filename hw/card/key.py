"""The key pair in a card as a private key of the `cryptography` library: the card signs whatever that can build."""

from typing import NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa, utils

from hw.ports import CardSession, KeyUse, RsaPublicKey

_DIGEST_INFO = {
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}
"""What stands before the digest in a DER DigestInfo (RFC 8017, 9.2, note 1)."""


class CardKey(rsa.RSAPrivateKey):
    """Signs by the card in `session`, whose password for that `use` must have been verified; its errors pass unchanged.

    PKCS #1 v1.5 with SHA-256, SHA-384 or SHA-512, also `Prehashed`; everything else raises `UnsupportedAlgorithm`.
    """

    def __init__(self, session: CardSession, public_key: RsaPublicKey, use: KeyUse = KeyUse.SIGNATURE) -> None:
        self._session = session
        self._use = use
        self._public_key = rsa.RSAPublicNumbers(public_key.exponent, public_key.modulus).public_key()

    @property
    def key_size(self) -> int:
        """Length of the modulus in bits."""
        return self._public_key.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        """The public half, a key of the library's own."""
        return self._public_key

    def sign(
        self,
        data: bytes,
        padding: rsa_padding.AsymmetricPadding,
        algorithm: utils.Prehashed | hashes.HashAlgorithm | utils.NoDigestInfo,
    ) -> bytes:
        """One signature over `data`, or over the digest that `data` is when `algorithm` is `Prehashed`."""
        if not isinstance(padding, rsa_padding.PKCS1v15):
            raise UnsupportedAlgorithm("the card signs with the padding of PKCS #1 v1.5 only")
        if isinstance(algorithm, utils.Prehashed):
            # There is no public way to ask which hash it was, and lengths do not tell SHA-256 from SHA3-256.
            name, digest = algorithm._algorithm.name, data
            if len(digest) != algorithm.digest_size:
                raise ValueError(f"a digest of {len(digest)} bytes is not one of {name}")
        elif isinstance(algorithm, hashes.HashAlgorithm):
            name, digest = algorithm.name, _digest(data, algorithm)
        else:
            raise UnsupportedAlgorithm("the card signs a DigestInfo only")
        if name not in _DIGEST_INFO:
            raise UnsupportedAlgorithm(f"the card does not sign with {name}")
        return self._session.sign(_DIGEST_INFO[name] + digest, self._use)

    def decrypt(self, ciphertext: bytes, padding: rsa_padding.AsymmetricPadding) -> NoReturn:
        """Not what a signature key is for."""
        raise UnsupportedAlgorithm("the card's key signs only")

    def private_numbers(self) -> NoReturn:
        """The private key never leaves the card."""
        raise UnsupportedAlgorithm("the private key never leaves the card")

    def private_bytes(
        self,
        encoding: serialization.Encoding,
        format: serialization.PrivateFormat,
        encryption_algorithm: serialization.KeySerializationEncryption,
    ) -> NoReturn:
        """The private key never leaves the card."""
        raise UnsupportedAlgorithm("the private key never leaves the card")

    def __copy__(self) -> "CardKey":
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> "CardKey":
        return self


def _digest(data: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(data)
    return digest.finalize()

"""A private key in a PKCS#11 token: made there, used there, never anywhere else (OASIS PKCS #11 3.0).

The only module that knows the PKCS#11 library, which is imported when a token is first used.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import quote, unquote

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric import utils as asymmetric_utils
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509 import PublicKeyAlgorithmOID

from kiosk.authority import asn1


class TokenUnusable(Exception):
    """The token cannot be reached, is not logged in to, or has no such key; says which."""


@dataclass(frozen=True)
class TokenPlace:
    """Where a key is: the token's library, the token's label and the key's."""

    module: str
    token: str
    key: str

    @property
    def uri(self) -> str:
        """As a PKCS #11 URI (RFC 7512)."""
        token, key, module = (quote(text, safe="/-_.~") for text in (self.token, self.key, self.module))
        return f"pkcs11:token={token};object={key}?module-path={module}"


def read_uri(uri: str) -> TokenPlace:
    """The place that a PKCS #11 URI (RFC 7512) names by token, object and module-path. Raises `ValueError`."""
    scheme, _, rest = uri.strip().partition(":")
    path, _, query = rest.partition("?")
    pairs = [pair.partition("=") for pair in (*path.split(";"), *query.split("&")) if pair]
    named = {name: unquote(value) for name, _, value in pairs}
    if scheme != "pkcs11" or not {"token", "object", "module-path"} <= named.keys():
        raise ValueError("a key in a token is pkcs11:token=LABEL;object=LABEL?module-path=FILE")
    return TokenPlace(named["module-path"], named["token"], named["object"])


class TokenKey(rsa.RSAPrivateKey):
    """An RSA key of which only the public half is here; may be used by several threads, and after a fork."""

    def __init__(self, place: TokenPlace, pin: bytes, public_key: rsa.RSAPublicKey) -> None:
        self.place = place
        self._pin = pin
        self._public_key = public_key
        self._lock = threading.Lock()
        self._opened: tuple[int, Any] | None = None

    @property
    def key_size(self) -> int:
        """The length of the modulus in bits."""
        return self._public_key.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        """The public half."""
        return self._public_key

    def sign(
        self,
        data: Any,
        padding: padding.AsymmetricPadding,  # the library's names, by which callers give them
        algorithm: asymmetric_utils.Prehashed | hashes.HashAlgorithm | asymmetric_utils.NoDigestInfo,
    ) -> bytes:
        """A PKCS#1 v1.5 signature with SHA-256, made by the token. Raises `TokenUnusable`."""
        if type(padding).__name__ != "PKCS1v15" or not isinstance(algorithm, hashes.SHA256):
            raise ValueError("a token's key signs by PKCS#1 v1.5 with SHA-256")
        import pkcs11

        with self._lock, _told(self.place):
            return bytes(self._key().sign(bytes(data), mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS))

    def _key(self) -> Any:
        import pkcs11

        if self._opened is None or self._opened[0] != os.getpid():
            session = _session(self.place, self._pin, has_forked=self._opened is not None)
            key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=self.place.key)
            self._opened = (os.getpid(), key)
        return self._opened[1]

    def decrypt(self, ciphertext: bytes, padding: padding.AsymmetricPadding) -> NoReturn:
        """Refused: the key signs."""
        raise ValueError("a token's key signs, and does nothing else")

    def private_numbers(self) -> NoReturn:
        """Refused: they are in the token."""
        raise ValueError("the key does not leave its token")

    def private_bytes(self, encoding: object, format: object, encryption_algorithm: object) -> NoReturn:
        """Refused: they are in the token."""
        raise ValueError("the key does not leave its token")

    def __copy__(self) -> "TokenKey":
        return self

    def __deepcopy__(self, memo: object) -> "TokenKey":
        return self


def make_token_key(place: TokenPlace, pin: bytes, bits: int) -> TokenKey:
    """Makes a key pair in the token, which does not give the private half away. Raises `TokenUnusable`."""
    import pkcs11
    from pkcs11.util.rsa import encode_rsa_public_key

    with _told(place):
        session = _session(place, pin)
        for taken in session.get_objects({pkcs11.Attribute.LABEL: place.key}):
            raise TokenUnusable(f"token {place.token} has a key {place.key} already; {taken.object_class.name}")
        keep = {pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False}
        public, _ = session.generate_keypair(
            pkcs11.KeyType.RSA, bits, store=True, label=place.key, private_template=keep
        )
        der = encode_rsa_public_key(public)
        session.close()
    loaded = load_der_public_key(_as_spki(der))
    assert isinstance(loaded, rsa.RSAPublicKey), "it was made as one"
    return TokenKey(place, pin, loaded)


def _as_spki(rsa_public_key: bytes) -> bytes:
    algorithm = [asn1.encode(p) for p in asn1.algorithm(PublicKeyAlgorithmOID.RSAES_PKCS1_v1_5, has_null=True)]
    return asn1.sequence_of([asn1.sequence_of(algorithm), asn1.encode(asn1.BitString(rsa_public_key, 0))])


def _session(place: TokenPlace, pin: bytes, *, has_forked: bool = False) -> Any:
    import pkcs11

    library = pkcs11.lib(place.module)
    if has_forked:
        library.reinitialize()
    token = library.get_token(token_label=place.token)
    try:
        return token.open(user_pin=pin.decode(), rw=True)
    except pkcs11.UserAlreadyLoggedIn:
        # A process logs in once, for all of its sessions.
        return token.open(rw=True)


@contextmanager
def _told(place: TokenPlace) -> Iterator[None]:
    """Tells the library's many errors as ours; their texts hold no PIN."""
    import pkcs11

    try:
        yield
    except (pkcs11.PKCS11Error, OSError, RuntimeError) as error:
        where = f"token {place.token} ({place.module})"
        raise TokenUnusable(f"{where}: {type(error).__name__} {error}".rstrip()) from error

"""Keys in a PKCS#11 token: used there, never anywhere else (OASIS PKCS #11 3.0).

A private key that signs, and AES keys that authenticate and thereby derive.

The only module that knows the PKCS#11 library, which is imported when a token is first used.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote, unquote

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric import utils as asymmetric_utils
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509 import PublicKeyAlgorithmOID

from kiosk.authority import asn1

_BLOCK_BYTES = 16

_Worked = TypeVar("_Worked")


class TokenUnusable(Exception):
    """The token cannot be reached, is not logged in to, or has no such key; says which."""


class TokenPinRefused(TokenUnusable):
    """The token does not take the PIN, or is not shown it because that could lock the token."""


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
            session = _logged_in(_token(self.place, is_anew=self._opened is not None), self._pin)
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
        session = _logged_in(_token(place), pin)
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


@dataclass(frozen=True)
class MacKeyTraits:
    """What a token says of one of its AES keys.

    `is_confined`: sensitive and not extractable, so that the token gives it to nobody. `is_native`: made in the token
    and never outside of it.
    """

    bits: int
    is_confined: bool
    is_native: bool


class MacKeys:
    """The AES keys of one token that make AES-CMACs in it (RFC 4493), by their labels.

    It is the one user of its library in this process, since it begins that anew. May be used by several threads, and
    after a fork. `read_pin` is asked whenever the token is logged in to, and what it gives is wiped; a PIN that was
    refused is not presented a second time, which might be the last one.
    """

    def __init__(self, place: TokenPlace, read_pin: Callable[[], bytearray]) -> None:
        self.place = place
        self._read_pin = read_pin
        self._lock = threading.Lock()
        self._opened: Any = None
        self._process: int | None = None
        self._refused = ""

    def traits(self) -> dict[str, MacKeyTraits]:
        """Every key that is there, by its label. Raises `TokenUnusable`, also when two have the same one."""
        import pkcs11

        def look(session: Any) -> dict[str, MacKeyTraits]:
            found: dict[str, MacKeyTraits] = {}
            wanted = {
                pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY,
                pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.AES,
            }
            for key in session.get_objects(wanted):
                if key.label in found:
                    raise TokenUnusable(f"token {self.place.token}: two keys are called {key.label}")
                found[key.label] = MacKeyTraits(
                    bits=8 * key[pkcs11.Attribute.VALUE_LEN],
                    is_confined=key[pkcs11.Attribute.SENSITIVE] and not key[pkcs11.Attribute.EXTRACTABLE],
                    is_native=key[pkcs11.Attribute.LOCAL] and key[pkcs11.Attribute.NEVER_EXTRACTABLE],
                )
            return found

        return self._with_session(look)

    def cmac(self, label: str, message: bytes) -> bytes:
        """16 bytes of AES-CMAC, worked out by the token. Raises `TokenUnusable`.

        By CKM_AES_CMAC where token and key allow it, else by CKM_AES_CBC: then the key may encrypt.
        """
        import pkcs11

        def work_out(session: Any) -> bytes:
            key = session.get_key(object_class=pkcs11.ObjectClass.SECRET_KEY, label=label)
            offered = session.token.slot.get_mechanisms()
            if key[pkcs11.Attribute.SIGN] and pkcs11.Mechanism.AES_CMAC in offered:
                return bytes(key.sign(message, mechanism=pkcs11.Mechanism.AES_CMAC))
            if key[pkcs11.Attribute.ENCRYPT] and pkcs11.Mechanism.AES_CBC in offered:
                cbc, zeros = pkcs11.Mechanism.AES_CBC, bytes(_BLOCK_BYTES)
                return cmac_by_cbc(
                    lambda blocks: bytes(key.encrypt(blocks, mechanism=cbc, mechanism_param=zeros)), message
                )
            raise TokenUnusable(f"token {self.place.token}: key {label} makes no AES-CMAC there, nor AES-CBC")

        return self._with_session(work_out, label)

    def make(self, label: str, bits: int) -> None:
        """Makes a key that the token never gives away. Raises `TokenUnusable`, also when the label is taken."""
        import pkcs11

        def generate(session: Any) -> None:
            use, template = self._new_key(session, label)
            session.generate_key(pkcs11.KeyType.AES, bits, label=label, store=True, capabilities=use, template=template)

        self._with_session(generate)

    def put_in(self, label: str, key: bytes) -> None:
        """Puts a key in that was made elsewhere; from now on the token gives it to nobody. Raises `TokenUnusable`."""
        import pkcs11

        def create(session: Any) -> None:
            use, template = self._new_key(session, label)
            session.create_object(
                {
                    **template,
                    pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY,
                    pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.AES,
                    pkcs11.Attribute.VALUE: key,
                    pkcs11.Attribute.LABEL: label,
                    pkcs11.Attribute.TOKEN: True,
                    pkcs11.Attribute.SIGN: use is pkcs11.MechanismFlag.SIGN,
                    pkcs11.Attribute.ENCRYPT: use is pkcs11.MechanismFlag.ENCRYPT,
                }
            )

        self._with_session(create)

    def _new_key(self, session: Any, label: str) -> tuple[Any, dict[Any, bool]]:
        """What a new key may be used for, one thing alone, and what else it is."""
        import pkcs11

        for _ in session.get_objects({pkcs11.Attribute.LABEL: label}):
            raise TokenUnusable(f"token {self.place.token} has a key {label} already")
        has_cmac = pkcs11.Mechanism.AES_CMAC in session.token.slot.get_mechanisms()
        use = pkcs11.MechanismFlag.SIGN if has_cmac else pkcs11.MechanismFlag.ENCRYPT
        template = {
            pkcs11.Attribute.PRIVATE: True,
            pkcs11.Attribute.SENSITIVE: True,
            pkcs11.Attribute.EXTRACTABLE: False,
        }
        return use, template

    def _with_session(self, work: Callable[[Any], _Worked], label: str = "") -> _Worked:
        """Does it, once more in a fresh session when the one at hand is no longer good: nothing is done twice by it."""
        import pkcs11

        with self._lock, _told(self.place, label):
            is_fresh = self._opened is None or self._process != os.getpid()
            try:
                return work(self._session())
            except pkcs11.PKCS11Error:
                self._opened = None
                if is_fresh:
                    raise
            return work(self._session())

    def _session(self) -> Any:
        if self._refused:
            raise TokenPinRefused(self._refused)
        process = os.getpid()
        if self._opened is None or self._process != process:
            # A library whose token went away, or that was forked, knows what was there before until it begins anew.
            is_anew, self._process = self._process is not None, process
            self._opened = self._log_in(_token(self.place, is_anew=is_anew))
        return self._opened

    def _log_in(self, token: Any) -> Any:
        try:
            refuse_last_try(token.flags, self.place)
            pin = self._read_pin()
            try:
                return _logged_in(token, pin)
            finally:
                pin[:] = bytes(len(pin))
        except TokenPinRefused as refused:
            self._refused = str(refused)
            raise


def cmac_by_cbc(encrypt: Callable[[bytes], bytes], message: bytes) -> bytes:
    """AES-CMAC of a message (RFC 4493, 2.4) by a cipher that encrypts whole blocks in CBC mode with an IV of zeros."""
    subkey = _doubled(encrypt(bytes(_BLOCK_BYTES)))
    start = max(0, (len(message) - 1) // _BLOCK_BYTES * _BLOCK_BYTES)
    last = message[start:]
    if len(last) < _BLOCK_BYTES:
        subkey, last = _doubled(subkey), (last + b"\x80").ljust(_BLOCK_BYTES, b"\0")
    mixed = bytes(a ^ b for a, b in zip(last, subkey, strict=True))
    return encrypt(message[:start] + mixed)[-_BLOCK_BYTES:]


def _doubled(block: bytes) -> bytes:
    """Times x in the field of RFC 4493, 2.3."""
    value = int.from_bytes(block, "big") << 1
    return (value ^ 0x87 if value >> 128 else value).to_bytes(17, "big")[1:]


def refuse_last_try(flags: int, place: TokenPlace) -> None:
    """A program presents no PIN that could be the last one. Raises `TokenPinRefused`."""
    import pkcs11

    if flags & (pkcs11.TokenFlag.USER_PIN_FINAL_TRY | pkcs11.TokenFlag.USER_PIN_LOCKED):
        raise TokenPinRefused(
            f"token {place.token} ({place.module}): its PIN is locked, or has one try left, which is a person's"
        )


def _token(place: TokenPlace, *, is_anew: bool = False) -> Any:
    import pkcs11

    library = pkcs11.lib(place.module)
    if is_anew:
        library.reinitialize()
    return library.get_token(token_label=place.token)


class _Pin:
    """A PIN as the library takes it, which asks for its bytes and makes no copy of them."""

    def __init__(self, pin: bytes | bytearray) -> None:
        self._pin = pin

    def encode(self, encoding: str) -> bytes | bytearray:
        """The bytes."""
        return self._pin


def _logged_in(token: Any, pin: bytes | bytearray) -> Any:
    import pkcs11

    try:
        return token.open(user_pin=_Pin(pin), rw=True)
    except pkcs11.UserAlreadyLoggedIn:
        # A process logs in once, for all of its sessions.
        return token.open(rw=True)
    except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange, pkcs11.PinLocked) as error:
        raise TokenPinRefused(f"token {token.label}: it does not take the PIN ({type(error).__name__})") from error


@contextmanager
def _told(place: TokenPlace, key: str = "") -> Iterator[None]:
    """Tells the library's many errors as ours; their texts hold no PIN."""
    import pkcs11

    where = f"token {place.token} ({place.module})"
    try:
        yield
    except pkcs11.NoSuchToken as error:
        raise TokenUnusable(f"{where}: there is no such token") from error
    except pkcs11.NoSuchKey as error:
        raise TokenUnusable(f"{where}: there is no key {key or place.key} in it") from error
    except (pkcs11.PKCS11Error, OSError, RuntimeError) as error:
        raise TokenUnusable(f"{where}: {type(error).__name__} {error}".rstrip()) from error

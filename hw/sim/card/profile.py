"""What a card of a kind holds: its files, passwords and keys, as data."""

from dataclasses import dataclass, replace

_ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True)
class TransparentFile:
    """A file of `size` bytes that begins with `content` and reads as zeros behind it.

    Reading needs the password of the PIN file `read_pin` where one is named; only the issuer writes, and only where
    `issuer_writes`.
    """

    fid: int
    size: int
    content: bytes = b""
    read_pin: int | None = None
    issuer_writes: bool = False


@dataclass(frozen=True)
class PinFile:
    """A password and its number of `tries`; one that is not `in_use` answers its tries and can never be set."""

    fid: int
    tries: int
    characters: str
    minimum_length: int
    maximum_length: int
    in_use: bool = True

    def accepts(self, pin: bytes) -> bool:
        """Whether `pin` may become this password."""
        return self.minimum_length <= len(pin) <= self.maximum_length and not set(pin) - set(self.characters.encode())


@dataclass(frozen=True)
class KeyFile:
    """An RSA-2048 key pair, the PIN file that guards its use and the certificate file that belongs to it."""

    fid: int
    pin: int
    certificate: int


@dataclass(frozen=True)
class Profile:
    """A kind of card; `label` is the policy that it was made for, `signature_key` the key its identity begins with.

    Cards of `layout` 1 keep a certificate in a file that reads as zeros behind it and can be written anywhere. Those of
    `layout` 2 have certificate files with a life cycle (ISO/IEC 7816-9): written from the beginning on while
    deactivated, read while activated, and as long as what was written.
    """

    name: str
    label: str
    files: tuple[TransparentFile, ...]
    pins: tuple[PinFile, ...]
    keys: tuple[KeyFile, ...]
    signature_key: KeyFile
    layout: int = 1

    @property
    def files_with_life_cycle(self) -> frozenset[int]:
        """The files that are activated and deactivated."""
        return frozenset(key.certificate for key in self.keys) if self.layout == 2 else frozenset()

    @property
    def fids(self) -> set[int]:
        """Every file that can be selected."""
        return {file.fid for file in self.files} | {pin.fid for pin in self.pins} | {key.fid for key in self.keys}


_SIGNATURE = KeyFile(0x001A, pin=0x001B, certificate=0x0001)

# The juki card has one certificate. 000A, 000B and 0018 belong to the user-authentication certificate of later cards
# and are there because readers of those cards ask for them before anything else.
JUKI_2011 = Profile(
    name="juki-2011",
    label="juki-2011",
    files=(
        TransparentFile(0x0006, 0x20, content=b"JPKIAPICCTOKEN".ljust(0x20)),
        TransparentFile(0x0001, 4096, read_pin=0x001B, issuer_writes=True),
        TransparentFile(0x0002, 4096, issuer_writes=True),
        TransparentFile(0x000A, 4096),
        TransparentFile(0x000B, 4096),
    ),
    pins=(
        PinFile(0x001B, 5, _ALPHANUMERIC, 4, 16),
        PinFile(0x0018, 3, _ALPHANUMERIC, 4, 16, in_use=False),
    ),
    keys=(_SIGNATURE,),
    signature_key=_SIGNATURE,
)

_SMALL_FILES = {0x0001: 2048, 0x0002: 2048}
JUKI_2011_B = replace(
    JUKI_2011,
    name="juki-2011-b",
    files=tuple(replace(file, size=_SMALL_FILES.get(file.fid, file.size)) for file in JUKI_2011.files),
    layout=2,
)

_DIGITS = "0123456789"
_UPPER_CASE_AND_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + _DIGITS
_AUTHENTICATION = KeyFile(0x0017, pin=0x0018, certificate=0x000A)

MYNA_2016 = Profile(
    name="myna-2016",
    label="myna-2016",
    files=(
        TransparentFile(0x0006, 0x20, content=b"JPKIAPICCTOKEN".ljust(0x20)),
        TransparentFile(0x0001, 4096, read_pin=0x001B, issuer_writes=True),
        TransparentFile(0x0002, 4096, issuer_writes=True),
        TransparentFile(0x000A, 4096, issuer_writes=True),
        TransparentFile(0x000B, 4096, issuer_writes=True),
    ),
    pins=(
        PinFile(0x001B, 5, _UPPER_CASE_AND_DIGITS, 6, 16),
        PinFile(0x0018, 3, _DIGITS, 4, 4),
    ),
    keys=(_SIGNATURE, _AUTHENTICATION),
    signature_key=_SIGNATURE,
)

PROFILES = {profile.name: profile for profile in (JUKI_2011, JUKI_2011_B, MYNA_2016)}
"""The kinds of card with the JPKI application."""

PIV = "piv"
"""The kind of card with the PIV application; what it holds is the standard's, not a profile's."""

PROFILE_NAMES = (*PROFILES, PIV)

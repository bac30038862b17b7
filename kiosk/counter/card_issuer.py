"""The card issuer's keys, held at the clerk's station, and what they yield for one card and one secure channel.

The masters themselves lie in memory here (from a file, for training), or in a token (`kiosk.counter.token_masters`).

SCP03: GlobalPlatform Card Specification 2.3.1, Amendment D 1.1.2, section 4.1.5 (derivation) and 6.2.2 (cryptograms).
Static keys of a card: NIST SP 800-108 in counter mode with AES-CMAC over the card number.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode

from hw.errors import Refused
from hw.ports import (
    FACTORY_KEY_VERSION,
    MANAGEMENT_KEY_VERSION,
    ChannelChallenge,
    ChannelPurpose,
    KeyReplacement,
    ManagementKeys,
    SessionKeys,
)

KEY_VERSION = {ChannelPurpose.ISSUE: 0x30, ChannelPurpose.RESET: 0x31, ChannelPurpose.ERASE: 0x32}
"""Which key set on the card serves which purpose, of the first generation of keys; each later one has 4 more."""

VERSIONS_A_GENERATION, LATER_GENERATIONS = 4, 3

PIV_NUMBER, PIV_KEY_VERSION = "PIV", 0x01
"""How the numbers of PIV cards begin, and the version of their key set of the first generation, for all purposes."""

_FACTORY_KEYS = bytes(range(0x40, 0x50)) * 3
"""K-ENC, K-MAC and K-DEK with which PIV cards come from the shop; known to everybody."""

_STATIC_KEYS_BYTES = 48
"""K-ENC, K-MAC and K-DEK, in that order."""

CHECK_VALUE_BYTES = 3
"""So long is what one master in two places is known by."""

_S_ENC, _S_MAC, _S_RMAC, _CARD_CRYPTOGRAM = 0x04, 0x06, 0x07, 0x00


class Master(Protocol):
    """One AES-128 key, wherever it lies, from which the keys of cards are derived."""

    def derive(self, label: str, card_number: str, size: int) -> bytes:
        """So many bytes for one card and one use of them (SP 800-108)."""

    def check_value(self) -> bytes:
        """The beginning of the AES-CMAC of a block of zeros."""


@dataclass(frozen=True, repr=False)
class MasterBytes:
    """A master whose 16 bytes are here."""

    key: bytes

    def derive(self, label: str, card_number: str, size: int) -> bytes:
        """Worked out here."""
        return KBKDFCMAC(
            algorithms.AES,
            Mode.CounterMode,
            length=size,
            rlen=4,
            llen=4,
            location=CounterLocation.BeforeFixed,
            label=f"jpki-kiosk {label}".encode(),
            context=card_number.encode("ascii"),
            fixed=None,
        ).derive(self.key)

    def check_value(self) -> bytes:
        """Worked out here."""
        cmac = CMAC(algorithms.AES(self.key))
        cmac.update(bytes(16))
        return cmac.finalize()[:CHECK_VALUE_BYTES]


def in_memory(masters: Mapping[ChannelPurpose, bytes]) -> dict[ChannelPurpose, Master]:
    """Masters whose bytes are here."""
    return {purpose: MasterBytes(key) for purpose, key in masters.items()}


@dataclass(frozen=True, repr=False)
class CardIssuer:
    """Answers a card's challenge with keys for it alone; the masters, one a purpose, stay where they are.

    What it does raises `kiosk.authority.token_key.TokenUnusable` too, when they lie in a token.
    """

    masters: Mapping[ChannelPurpose, Master]
    later_masters: tuple[Mapping[ChannelPurpose, Master], ...] = ()
    """Of the generations after the first, in order; what was replaced is kept for cards that still have it."""

    def replacements(self, card_number: str, versions: Mapping[ChannelPurpose, int]) -> list[KeyReplacement]:
        """What brings a card with these key versions to the newest generation, the keys for issuing last.

        All of it goes through one issue channel, which the card holds with the keys it was opened with.
        """
        dek = self._static(card_number, ChannelPurpose.ISSUE, versions[ChannelPurpose.ISSUE])[32:]
        made = []
        for purpose in (ChannelPurpose.ERASE, ChannelPurpose.RESET, ChannelPurpose.ISSUE):
            newest = KEY_VERSION[purpose] + VERSIONS_A_GENERATION * len(self.later_masters)
            if versions[purpose] != newest:
                keys = self._static(card_number, purpose, newest)
                made.append(_replacement(versions[purpose], newest, dek, keys))
        return made

    def _piv_static(self, card_number: str, version: int) -> bytes:
        if version == FACTORY_KEY_VERSION:
            return _FACTORY_KEYS
        if not 0 <= version - PIV_KEY_VERSION <= len(self.later_masters):
            raise Refused(f"card offers key version {version:02X}")
        master = (self.masters, *self.later_masters)[version - PIV_KEY_VERSION][ChannelPurpose.ISSUE]
        return master.derive("piv-channel", card_number, _STATIC_KEYS_BYTES)

    def _piv_replacements(self, card_number: str, version: int) -> tuple[KeyReplacement, ...]:
        newest = PIV_KEY_VERSION + len(self.later_masters)
        if version == newest:
            return ()
        dek = self._piv_static(card_number, version)[32:]
        return (_replacement(version, newest, dek, self._piv_static(card_number, newest)),)

    def _wanted(self, challenge: ChannelChallenge) -> tuple[KeyReplacement, ...]:
        """What the card lacks of the newest generation; put in under the keys for issuing only."""
        is_complete = challenge.key_versions.keys() == set(ChannelPurpose)
        if challenge.purpose is not ChannelPurpose.ISSUE:
            return ()
        if challenge.card_number.startswith(PIV_NUMBER):
            return self._piv_replacements(challenge.card_number, challenge.key_version)
        if not is_complete:
            return ()
        return tuple(self.replacements(challenge.card_number, challenge.key_versions))

    def _static(self, card_number: str, purpose: ChannelPurpose, version: int) -> bytes:
        """K-ENC, K-MAC and K-DEK of one card for one purpose."""
        return self._master(purpose, version).derive(purpose, card_number, _STATIC_KEYS_BYTES)

    def _master(self, purpose: ChannelPurpose, version: int) -> Master:
        """The master of a key version. Raises `Refused` for one that is not for that purpose, or not known here."""
        generation, rest = divmod(version - KEY_VERSION[purpose], VERSIONS_A_GENERATION)
        if rest or not 0 <= generation <= len(self.later_masters):
            raise Refused(f"card offers key version {version:02X} for {purpose}")
        return (self.masters, *self.later_masters)[generation][purpose]

    def management_keys(self, card_number: str, *, is_secured: bool) -> ManagementKeys:
        """Of one PIV card: its management key from the master for issuing, its PUK from the one for resetting.

        A card that was taken over under a secure channel has other ones than in clear: who keeps it from offering its
        channel later gets it to accept nothing, and never hears the ones that it has.
        """
        issue, reset = self.masters[ChannelPurpose.ISSUE], self.masters[ChannelPurpose.RESET]
        way = "-secured" if is_secured else ""
        key = issue.derive(f"piv-management{way}", card_number, 32)
        number = int.from_bytes(reset.derive(f"piv-puk{way}", card_number, 16), "big")
        return ManagementKeys(key, f"{number % 10**8:08d}".encode("ascii"))

    def session_keys(self, challenge: ChannelChallenge) -> SessionKeys | ManagementKeys:
        """Session keys for this channel, or what manages a card that has no such keys.

        Raises `hw.errors.Refused` when the card does not prove its own keys.
        """
        if challenge.key_version == MANAGEMENT_KEY_VERSION:
            return self.management_keys(challenge.card_number, is_secured=challenge.is_secured)
        if challenge.card_number.startswith(PIV_NUMBER):
            static = self._piv_static(challenge.card_number, challenge.key_version)
        else:
            static = self._static(challenge.card_number, challenge.purpose, challenge.key_version)
        enc, mac = static[:16], static[16:32]
        context = challenge.host_challenge + challenge.card_challenge
        s_mac = _derive(mac, _S_MAC, 128, context)
        if not hmac.compare_digest(_derive(s_mac, _CARD_CRYPTOGRAM, 64, context), challenge.card_cryptogram):
            raise Refused("card cryptogram is wrong: not a card of this issuer")
        return SessionKeys(
            enc=_derive(enc, _S_ENC, 128, context),
            mac=s_mac,
            rmac=_derive(mac, _S_RMAC, 128, context),
            replacements=self._wanted(challenge),
        )


def _replacement(old_version: int, version: int, dek: bytes, keys: bytes) -> KeyReplacement:
    blocks = (_key_block(dek, keys[start : start + 16]) for start in (0, 16, 32))
    return KeyReplacement(old_version, bytes((version,)) + b"".join(blocks))


def _key_block(dek: bytes, key: bytes) -> bytes:
    """One AES key for PUT KEY (Amendment D, 7.2): encrypted under K-DEK, with its check value (4.1.4)."""
    encrypted = Cipher(algorithms.AES(dek), modes.CBC(bytes(16))).encryptor().update(key)
    check = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(b"\x01" * 16)[:3]  # noqa: S305 - as it says
    return b"\x88\x11\x10" + encrypted + b"\x03" + check


def _derive(key: bytes, constant: int, length_bits: int, context: bytes) -> bytes:
    cmac = CMAC(algorithms.AES(key))
    cmac.update(bytes(11) + bytes([constant, 0]) + length_bits.to_bytes(2, "big") + b"\x01" + context)
    return cmac.finalize()[: length_bits // 8]

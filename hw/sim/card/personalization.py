"""How a card leaves the card maker: a number, the channel keys and the attestation key derived for it, nothing else.

Static keys: SP 800-108 in counter mode over AES-CMAC, label `jpki-kiosk ` and the purpose, context the card number.
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode

from hw.ports import ChannelPurpose
from hw.sim.card.memory import CARD_NUMBER, CardMemory, StaticKeys
from hw.sim.card.profile import JUKI_2011, Profile

KEY_VERSIONS = {0x30: ChannelPurpose.ISSUE, 0x31: ChannelPurpose.RESET, 0x32: ChannelPurpose.ERASE}


@dataclass(frozen=True, repr=False)
class MasterKeys:
    """The issuer's AES-128 master keys from which the keys of all its cards derive."""

    issue: bytes
    reset: bytes
    erase: bytes
    attest: bytes


DEMO_MASTERS = MasterKeys(
    issue=bytes.fromhex("404142434445464748494a4b4c4d4e4f"),
    reset=bytes.fromhex("505152535455565758595a5b5c5d5e5f"),
    erase=bytes.fromhex("606162636465666768696a6b6c6d6e6f"),
    attest=bytes.fromhex("707172737475767778797a7b7c7d7e7f"),
)
"""For training: public, and the same in every simulated card."""


def new_card(number: str, profile: Profile = JUKI_2011, masters: MasterKeys = DEMO_MASTERS) -> CardMemory:
    """The memory of a card that nobody has used yet; `number` is 16 characters of A-Z and 0-9, else `ValueError`."""
    if not CARD_NUMBER.fullmatch(number):
        raise ValueError("a card number is 16 characters of A-Z and 0-9")
    by_purpose = {
        ChannelPurpose.ISSUE: masters.issue,
        ChannelPurpose.RESET: masters.reset,
        ChannelPurpose.ERASE: masters.erase,
    }
    channel_keys = {}
    for version, purpose in KEY_VERSIONS.items():
        derived = _derive(by_purpose[purpose], purpose.value, number, 48)
        channel_keys[version] = StaticKeys(derived[:16], derived[16:32], derived[32:])
    return CardMemory(profile.name, number, channel_keys, _derive(masters.attest, "attest", number, 16))


def _derive(master: bytes, purpose: str, number: str, size: int) -> bytes:
    return KBKDFCMAC(
        algorithms.AES,
        Mode.CounterMode,
        length=size,
        rlen=4,
        llen=4,
        location=CounterLocation.BeforeFixed,
        label=f"jpki-kiosk {purpose}".encode("ascii"),
        context=number.encode("ascii"),
        fixed=None,
    ).derive(master)

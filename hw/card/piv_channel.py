"""The secure channel (SCP03) of a PIV card that offers one, as cards in the shops do beside their standard.

Such a card comes with its maker's key set, which everybody knows. The issuer's takes its place first of all, through
the issuer security domain (GlobalPlatform Card Specification 2.3.1, 11.8, PUT KEY): only then is the channel worth
anything, and only then do management key, PUK and PIN pass.
"""

from collections.abc import Callable

from hw.card.apdu import SHORT, Command
from hw.card.connection import CommandPort
from hw.card.exchange import do
from hw.card.secure_channel import CHALLENGE_BYTES, Greeting, SecureChannel, initialize_update
from hw.card.status import Status
from hw.errors import CardAnswerInvalid, CardRefused
from hw.ports import FACTORY_KEY_VERSION, KeyReplacement, SessionKeys

Ask = Callable[[Greeting, bytes], SessionKeys]
"""Asks whoever holds the issuer's keys, with the card's greeting and the host's challenge. Raises `Refused`."""

_ISSUER_DOMAIN = bytes.fromhex("A000000151000000")
_ANY_KEY_VERSION, _NEW_KEY_VERSION, _THREE_KEYS = 0x00, 0x00, 0x81
NOT_OFFERED = {
    Status.INSTRUCTION_NOT_SUPPORTED,
    Status.CLASS_NOT_SUPPORTED,
    Status.FUNCTION_NOT_SUPPORTED,
    Status.WRONG_P1_P2,
    Status.REFERENCED_DATA_NOT_FOUND,
}
"""What a card that has no such channel answers to the question for one."""


def open_channel(
    port: CommandPort, ask: Ask, random: Callable[[int], bytes], select: Callable[[], object]
) -> SecureChannel | None:
    """The channel to the PIV application that is selected at `port`; None where the card offers none.

    Puts the issuer's keys into the card when `ask` says so, and then calls `select` to have the application back.
    Raises `CardRefused`, `CardAnswerInvalid`.
    """
    for _ in range(2):
        challenge = random(CHALLENGE_BYTES)
        try:
            greeting = initialize_update(port, _ANY_KEY_VERSION, challenge)
        except CardRefused as refused:
            if refused.sw in NOT_OFFERED:
                return None
            raise
        keys = ask(greeting, challenge)
        if not keys.replacements:
            return SecureChannel.open(port, keys, challenge + greeting.card_challenge)
        _replace_keys(port, ask, random, greeting.key_version)
        select()
    raise CardAnswerInvalid("the card offers its old keys after it took new ones")


def _replace_keys(port: CommandPort, ask: Ask, random: Callable[[int], bytes], key_version: int) -> None:
    do(port, "select issuer security domain", Command(0x00, 0xA4, 0x04, 0x00, _ISSUER_DOMAIN, SHORT.answer))
    challenge = random(CHALLENGE_BYTES)
    greeting = initialize_update(port, key_version, challenge)
    keys = ask(greeting, challenge)
    channel = SecureChannel.open(port, keys, challenge + greeting.card_challenge)
    for replacement in keys.replacements:
        _put_keys(channel, replacement)


def _put_keys(channel: SecureChannel, replacement: KeyReplacement) -> None:
    """The maker's set cannot be named in P1, which has seven bits; it goes when the first set of one's own comes."""
    old = _NEW_KEY_VERSION if replacement.old_version == FACTORY_KEY_VERSION else replacement.old_version
    answer = do(channel, "replace keys", Command(0x80, 0xD8, old, _THREE_KEYS, replacement.data, SHORT.answer))
    if answer[:1] != replacement.data[:1]:
        raise CardAnswerInvalid("the card has stored keys of another version")

"""How a PIV card is opened to the issuer: whose it is, the secure channel, the management key, and its take-over.

A card with metadata (INS F7) tells what is still its maker's. The standard has no such command: of a card without it
the maker's management key is tried, as the standard tells it (NIST SP 800-73-4 part 2, 3.2.4 and A.1), which spends
nothing. What replaces that key is beyond the standard too (INS FF): a card that has not this either is opened when it
was prepared with the issuer's key by its maker's tools.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from hw.card import piv_channel, piv_management, piv_metadata, piv_objects, piv_pin
from hw.card.apdu import Command
from hw.card.connection import CommandPort
from hw.card.exchange import do
from hw.card.piv_management import AES_256, ALGORITHMS, FACTORY_KEY, TDEA, Algorithm
from hw.card.secure_channel import Greeting
from hw.card.status import Status
from hw.errors import (
    CardAnswerInvalid,
    CardRefused,
    CardUnsupported,
    NotSent,
    PinLocked,
    PinRefused,
    Refused,
    Unsupported,
)
from hw.ports import (
    FACTORY_KEY_VERSION,
    MANAGEMENT_KEY_VERSION,
    ChannelChallenge,
    ChannelKeys,
    ChannelPurpose,
    ManagementKeys,
    SessionKeys,
)

_OTHER_ALGORITHM = {
    Status.WRONG_DATA,
    Status.FUNCTION_NOT_SUPPORTED,
    Status.WRONG_P1_P2,
    Status.REFERENCED_DATA_NOT_FOUND,
}
"""What cards answer when the management key is of another algorithm than P1 says (the standard: 6A86)."""


@dataclass(frozen=True)
class Issuer:
    """Who opens the card, and what for: `keys` answers its challenges, `random` makes those of the host."""

    purpose: ChannelPurpose
    keys: ChannelKeys
    random: Callable[[int], bytes]


@dataclass(frozen=True, repr=False)
class Opened:
    """An opened card: the port through which it is managed, and its PUK, unless `has_doubtful_puk` the issuer's.

    A card without metadata that was pulled at its take-over may still have the maker's.
    """

    port: CommandPort
    puk: bytes
    has_doubtful_puk: bool


@dataclass(frozen=True)
class _Ownership:
    """Algorithm of the management key, and what is still the maker's; of the PUK None where the card does not tell."""

    algorithm: Algorithm
    is_factory: bool
    has_factory_puk: bool | None


def open_card(port: CommandPort, number: str, issuer: Issuer, select: Callable[[], object]) -> Opened:
    """Authenticates to the selected card of that number, through a secure channel where the card offers one.

    One fresh from the shop gets keys for the channel, a management key and a PUK of its own. `select` selects the
    application again.

    Raises `CardUnsupported` for a card of somebody else, which loses no try, but for one of a PUK that was changed
    behind the maker's management key on a card that does not tell. What `issuer.keys` raises leaves the card as it was,
    or as the issuer knows it.
    """
    ownership = _ownership(port, issuer.random)
    port, is_secured = _secured(port, number, issuer, ownership.is_factory, select)
    witness = piv_management.ask_witness(port, ownership.algorithm)
    wanted = ChannelChallenge(number, issuer.purpose, MANAGEMENT_KEY_VERSION, b"", witness, b"", is_secured=is_secured)
    answer = issuer.keys(wanted)
    if not isinstance(answer, ManagementKeys):
        raise NotSent("the issuer answered with keys of another kind of card")
    challenge = issuer.random(ownership.algorithm.block_bytes)
    key = FACTORY_KEY if ownership.is_factory else answer.management_key
    try:
        piv_management.prove(port, ownership.algorithm, key, witness, challenge)
    except CardRefused as refused:
        raise _of_somebody_else() from refused
    if ownership.is_factory:
        _take_over(port, number, answer.management_key)
    if ownership.has_factory_puk:
        _replace_factory_puk(port, answer.puk)
    elif ownership.is_factory:
        _try_factory_puk(port, answer.puk, ownership.algorithm)
    return Opened(port, answer.puk, ownership.has_factory_puk is None and not ownership.is_factory)


def _replace_factory_puk(port: CommandPort, puk: bytes) -> None:
    """Puts the issuer's PUK in the place of the maker's. Raises `PinRefused` where it is another."""
    command = Command(0x00, 0x24, 0x00, piv_pin.PUK_REFERENCE, piv_pin.FACTORY_PUK + puk)
    do(port, "replace PUK", command)


def reset_pin(opened: Opened, operation: str, pin: bytes | bytearray) -> None:
    """RESET RETRY COUNTER: sets the PIN by the PUK, whatever it was.

    A PUK that is still the maker's is found out by a try of the issuer's, which its replacement gives back.
    """
    command = Command(0x00, 0x2C, 0x00, piv_pin.REFERENCE, opened.puk + piv_pin.padded(pin))
    try:
        do(opened.port, operation, command)
    except PinRefused:
        if not opened.has_doubtful_puk:
            raise
        _replace_factory_puk(opened.port, opened.puk)
        do(opened.port, operation, command)


def _ownership(port: CommandPort, random: Callable[[int], bytes]) -> _Ownership:
    # Asked in the extended form: a card that knows short ones only says so here, where it can still be repeated.
    metadata = piv_metadata.read_metadata(port, MANAGEMENT_KEY_VERSION, piv_objects.ANSWER_BYTES)
    if not metadata:
        return _tried(port, random)
    is_factory = metadata.get(piv_metadata.IS_DEFAULT) == b"\x01"
    identifier = int.from_bytes(metadata.get(piv_metadata.ALGORITHM, bytes((TDEA.identifier,))), "big")
    if identifier not in ALGORITHMS:
        raise CardUnsupported("the card's management key is of no known algorithm", Unsupported.NOT_PREPARED)
    algorithm = ALGORITHMS[identifier]
    if not is_factory and algorithm is not AES_256:
        raise _of_somebody_else()
    # A PUK that is neither the maker's nor ours would cost a try each time. Of a card that was pulled while it was
    # taken over, the key is ours and the PUK still the maker's.
    has_factory_puk = piv_metadata.is_default(piv_metadata.read_metadata(port, piv_pin.PUK_REFERENCE))
    if is_factory and not has_factory_puk:
        raise _with_another_puk()
    return _Ownership(algorithm, is_factory, has_factory_puk)


def _tried(port: CommandPort, random: Callable[[int], bytes]) -> _Ownership:
    """The card answers with the one algorithm that its key has. The issuer's keys are of AES-256, no maker's is."""
    for algorithm in ALGORITHMS.values():
        try:
            witness = piv_management.ask_witness(port, algorithm)
        except CardRefused as refused:
            if refused.sw not in _OTHER_ALGORITHM:
                raise
            continue
        if algorithm is AES_256:
            return _Ownership(algorithm, is_factory=False, has_factory_puk=None)
        if algorithm.key_bytes != len(FACTORY_KEY):
            raise _of_somebody_else()
        try:
            piv_management.prove(port, algorithm, FACTORY_KEY, witness, random(algorithm.block_bytes))
        except Refused as refused:
            raise _of_somebody_else() from refused
        return _Ownership(algorithm, is_factory=True, has_factory_puk=None)
    raise CardUnsupported("the card's management key is of no known algorithm", Unsupported.NOT_PREPARED)


def _secured(
    port: CommandPort, number: str, issuer: Issuer, is_factory: bool, select: Callable[[], object]
) -> tuple[CommandPort, bool]:
    """The port through a secure channel, and whether the issuer's own; the plain one where the card offers none.

    The maker's keys are replaced on a card that is wholly as its maker made it: another may be somebody's own.
    """
    is_number_certain = is_secured = False

    def ask(greeting: Greeting, host_challenge: bytes) -> SessionKeys:
        nonlocal is_number_certain, is_secured
        answer = issuer.keys(
            ChannelChallenge(
                number,
                issuer.purpose,
                greeting.key_version,
                host_challenge,
                greeting.card_challenge,
                greeting.card_cryptogram,
            )
        )
        if not isinstance(answer, SessionKeys):
            raise NotSent("the issuer answered with keys of another kind of card")
        # Under the maker's keys everybody can listen, which is no better than in clear.
        is_secured = greeting.key_version != FACTORY_KEY_VERSION
        if greeting.key_version == FACTORY_KEY_VERSION and not is_factory:
            answer = replace(answer, replacements=())
        if answer.replacements and not is_number_certain:
            _refuse_another_number(port, number)
            is_number_certain = True
        return answer

    secured = piv_channel.open_channel(port, ask, issuer.random, select)
    return (port, False) if secured is None else (secured, is_secured)


def _take_over(port: CommandPort, number: str, key: bytes) -> None:
    """Gives the card a key of its number."""
    _refuse_another_number(port, number)
    try:
        piv_management.replace_key(port, key)
    except CardRefused as refused:
        if refused.sw not in piv_metadata.UNKNOWN:
            raise
        raise CardUnsupported(
            "only its maker's tools can replace the card's management key", Unsupported.NOT_PREPARED
        ) from refused


def _try_factory_puk(port: CommandPort, puk: bytes, algorithm: Algorithm) -> None:
    """As `_replace_factory_puk`; a card that has another PUK gets its management key back and is refused."""
    try:
        _replace_factory_puk(port, puk)
    except (PinRefused, PinLocked) as refused:
        piv_management.replace_key(port, FACTORY_KEY, algorithm)
        raise _with_another_puk() from refused


def _refuse_another_number(port: CommandPort, number: str) -> None:
    """Asks the number again: under another one nobody would find the keys that are made of it."""
    if piv_objects.card_number(port) != number:
        raise CardAnswerInvalid("the card has two numbers")


def _of_somebody_else() -> CardUnsupported:
    return CardUnsupported("the card is managed by somebody else", Unsupported.NOT_PREPARED)


def _with_another_puk() -> CardUnsupported:
    return CardUnsupported("the card's PUK was changed by somebody else", Unsupported.NOT_PREPARED)

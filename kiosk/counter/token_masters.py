"""The card issuer's masters in a PKCS #11 token: found there, made there, put in, and never taken out.

Each master is an AES-128 key of the token, named after its purpose and its generation. A card's keys are derived by
NIST SP 800-108 in counter mode, of which the token works out every AES-CMAC.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hw.ports import ChannelPurpose
from kiosk.authority.token_key import MacKeys, MacKeyTraits, TokenUnusable
from kiosk.counter.card_issuer import CHECK_VALUE_BYTES, LATER_GENERATIONS, CardIssuer, Master, MasterBytes

MASTER_BITS = 128
_BLOCK_BYTES = 16
_GENERATIONS = 1 + LATER_GENERATIONS


class MasterUnfit(TokenUnusable):
    """A master in the token is not what it must be; says which and why."""


@dataclass(frozen=True)
class TokenMaster:
    """One master, by its label."""

    keys: MacKeys
    label: str

    def derive(self, label: str, card_number: str, size: int) -> bytes:
        """Counter mode with the counter in four bytes before the rest (SP 800-108, 4.1). Raises `TokenUnusable`."""
        length_bits = (8 * size).to_bytes(4, "big")
        fixed = f"jpki-kiosk {label}".encode() + b"\0" + card_number.encode("ascii") + length_bits
        blocks = range(1, -(-size // _BLOCK_BYTES) + 1)
        return b"".join(self.keys.cmac(self.label, at.to_bytes(4, "big") + fixed) for at in blocks)[:size]

    def check_value(self) -> bytes:
        """The beginning of the AES-CMAC of a block of zeros. Raises `TokenUnusable`."""
        return self.keys.cmac(self.label, bytes(_BLOCK_BYTES))[:CHECK_VALUE_BYTES]


@dataclass(frozen=True)
class FoundMaster:
    """A master in the token, what serves as its name on cards, and what the token says of it."""

    master: TokenMaster
    purpose: ChannelPurpose
    generation: int
    traits: MacKeyTraits


def label_of(base: str, purpose: ChannelPurpose, generation: int) -> str:
    """What a master is called: `card-issue` of the first generation, `card-issue-2` of the second."""
    return f"{base}-{purpose}" if generation == 1 else f"{base}-{purpose}-{generation}"


def find_masters(keys: MacKeys) -> tuple[FoundMaster, ...]:
    """Every master in the token, generation by generation. Raises `TokenUnusable`."""
    there = keys.traits()
    return tuple(
        FoundMaster(TokenMaster(keys, label), purpose, generation, there[label])
        for generation in range(1, _GENERATIONS + 1)
        for purpose in ChannelPurpose
        if (label := label_of(keys.place.key, purpose, generation)) in there
    )


def open_issuer(keys: MacKeys) -> CardIssuer:
    """The issuer whose masters are all in the token. Raises `TokenUnusable`, and `MasterUnfit` naming the first one.

    A master that the token would give away is refused: it could be copied by whoever has the PIN.
    """
    found = find_masters(keys)
    for each in found:
        _refuse_unfit(each)
    newest = max((each.generation for each in found), default=1)
    if missing := _missing(keys, newest, found):
        raise MasterUnfit(f"token {keys.place.token}: there is no key {missing[0]} in it")
    generations: list[dict[ChannelPurpose, Master]] = [{} for _ in range(newest)]
    for each in found:
        generations[each.generation - 1][each.purpose] = each.master
    return CardIssuer(generations[0], tuple(generations[1:]))


def _refuse_unfit(found: FoundMaster) -> None:
    where = f"token {found.master.keys.place.token}: key {found.master.label}"
    if not found.traits.is_confined:
        raise MasterUnfit(f"{where} can be taken out (not sensitive, or extractable)")
    if found.traits.bits != MASTER_BITS:
        raise MasterUnfit(f"{where} has {found.traits.bits} bits, not {MASTER_BITS}")
    found.master.check_value()


def _missing(keys: MacKeys, generations: int, found: Sequence[FoundMaster]) -> tuple[str, ...]:
    """The labels of so many generations that are not there."""
    there = {each.master.label for each in found}
    wanted = (
        label_of(keys.place.key, purpose, generation)
        for generation in range(1, generations + 1)
        for purpose in ChannelPurpose
    )
    return tuple(label for label in wanted if label not in there)


def make_generation(keys: MacKeys) -> tuple[str, ...]:
    """Makes the next generation of masters in the token, or what is missing of the newest; returns their labels.

    Cards get keys of it the next time they come. Raises `TokenUnusable`; `MasterUnfit` where a master of an older
    generation is missing, which cannot be made again.
    """
    found = find_masters(keys)
    newest = max((each.generation for each in found), default=0)
    if lost := _missing(keys, newest - 1, found):
        raise MasterUnfit(f"token {keys.place.token}: there is no key {lost[0]} in it, and another one opens no card")
    wanted = _missing(keys, newest, found)
    if not wanted and newest == _GENERATIONS:
        raise MasterUnfit(f"token {keys.place.token}: all {_GENERATIONS} generations that a card counts are there")
    wanted = wanted or _missing(keys, newest + 1, found)
    for label in wanted:
        keys.make(label, MASTER_BITS)
    return wanted


def put_in(keys: MacKeys, generations: Sequence[Mapping[ChannelPurpose, bytes]]) -> tuple[str, ...]:
    """Puts masters that were made elsewhere into the token; returns the labels of those that were not there yet.

    One that is there has to be the same. Raises `TokenUnusable`, before anything is put in where another one is there.
    """
    there = keys.traits()
    wanted = {
        label_of(keys.place.key, purpose, generation): masters[purpose]
        for generation, masters in enumerate(generations, 1)
        for purpose in ChannelPurpose
    }
    for label, master in wanted.items():
        if label in there and TokenMaster(keys, label).check_value() != MasterBytes(master).check_value():
            raise MasterUnfit(f"token {keys.place.token}: key {label} is another one than that of the file")
    missing = tuple(label for label in wanted if label not in there)
    for label in missing:
        keys.put_in(label, wanted[label])
    return missing

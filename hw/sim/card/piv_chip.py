"""What the PIV application runs on: its part of the non-volatile memory, every change of which is one write."""

import hmac
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from hw.sim.card.chip import RandomBytes, pin_digest
from hw.sim.card.key_maker import KeyMaker
from hw.sim.card.memory import CardMemory, NonVolatile, PinRecord, PivKey, PivMemory, Reference, StaticKeys
from hw.sim.card.personalization import FACTORY_PIN, FACTORY_PUK, factory_piv


class PivChip:
    """One PIV card's memory; `make_key` makes RSA-2048 keys, `random_bytes` challenges and salts."""

    def __init__(self, nonvolatile: NonVolatile, make_key: KeyMaker, random_bytes: RandomBytes) -> None:
        self._nonvolatile = nonvolatile
        self.make_key = make_key
        self.random_bytes = random_bytes
        self.card: CardMemory = nonvolatile.read()

    @property
    def memory(self) -> PivMemory:
        """What the application keeps."""
        assert self.card.piv is not None
        return self.card.piv

    def write_object(self, tag: int, content: bytes) -> None:
        """Replaces a data object; an empty one is no longer there."""
        objects = {known: value for known, value in self.memory.objects.items() if known != tag}
        self._change(objects={**objects, tag: content} if content else objects)

    def write_key(self, slot: int, key: PivKey) -> None:
        """Replaces the key of a reference."""
        self._change(keys={**self.memory.keys, slot: key})

    def move_key(self, source: int, target: int | None) -> None:
        """Moves a key that exists to another reference; without one, destroys it."""
        keys = dict(self.memory.keys)
        key = keys.pop(source)
        self._change(keys=keys if target is None else {**keys, target: key})

    def write_management_key(self, algorithm: int, key: bytes) -> None:
        """Replaces the card management key."""
        self._change(management_algorithm=algorithm, management_key=key)

    def replace_channel_keys(self, keys: Mapping[int, StaticKeys]) -> None:
        """Replaces all key sets of the secure channel in one write."""
        card = replace(self.card, channel_keys=dict(keys))
        self._nonvolatile.write(card)
        self.card = card

    def set_reference(self, name: str, value: bytes) -> None:
        """Replaces PIN or PUK (`name` is the field) and gives it all its tries."""
        held: Reference = getattr(self.memory, name)
        salt = self.random_bytes(16)
        record = PinRecord(salt, pin_digest(salt, value), held.maximum)
        factory = FACTORY_PIN if name == "pin" else FACTORY_PUK
        self._change(**{name: replace(held, record=record, is_default=value == factory)})

    def set_tries(self, name: str, tries: int) -> None:
        """Records how many tries are left."""
        held: Reference = getattr(self.memory, name)
        self._change(**{name: replace(held, record=replace(held.record, tries=tries))})

    def matches(self, name: str, value: bytes) -> bool:
        """Whether `value` is the PIN or PUK; counts nothing."""
        record: PinRecord = getattr(self.memory, name).record
        return hmac.compare_digest(record.digest, pin_digest(record.salt, value))

    def reset(self, pin_tries: int, puk_tries: int, *, keeps_contents: bool) -> None:
        """PIN and PUK become the factory's; without `keeps_contents` so does all else, but for the attestation key."""
        new = factory_piv(self.random_bytes, pin_tries, puk_tries, self.memory)
        if keeps_contents:
            self._change(pin=new.pin, puk=new.puk)
        else:
            self._keep(new)

    def _change(self, **fields: Any) -> None:
        self._keep(replace(self.memory, **fields))

    def _keep(self, memory: PivMemory) -> None:
        card = replace(self.card, piv=memory)
        self._nonvolatile.write(card)
        self.card = card

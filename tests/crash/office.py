"""What no run changes: configuration, register, keys and the authority as it was made, read once a process.

Nothing of the product is replaced: its own loaders read its own files. They only read them once, and keys are prepared,
because loading and making keys takes longer than a whole issuance.
"""

import asyncio
import datetime
import functools
import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric import rsa

from hw.ports import ChannelPurpose
from hw.sim.card import chip
from hw.sim.card.personalization import DEMO_MASTERS
from hw.sim.printer import interpreter
from hw.sim.printer.bits import BitImage
from kiosk.authority.credential import Credential, load_credential
from kiosk.authority.embedded import server
from kiosk.authority.embedded.authority import Authority
from kiosk.authority.embedded.directory import RandomBytes, init, open_authority
from kiosk.authority.embedded.gathering import Gathering
from kiosk.authority.embedded.store import open_store
from kiosk.clock import Clock
from kiosk.config import SHIPPED, Config, load_config, load_receipt_form
from kiosk.counter.card_issuer import CardIssuer, in_memory
from kiosk.counter.clerk_key import ClerkKeyFile, load_clerk_key
from kiosk.issuance.receipt import ReceiptForm
from kiosk.model.policy import FeeRules
from kiosk.register.register import Register, load_register

Answer = TypeVar("Answer")
Request = TypeVar("Request")

START = datetime.datetime(2026, 3, 31, 15, 5, tzinfo=datetime.UTC)
"""Five minutes past midnight at the counter: the margin before pending ends then lies within the same day."""

MEMORY_FILES = Path("/dev/shm")
"""A file system in memory: the stores' files are real, and syncing them costs nothing."""


@dataclass
class KeyStock:
    """Key pairs that cards hand out in this order; each is made when it is first asked for, and kept."""

    _keys: list[rsa.RSAPrivateKey] = field(default_factory=list)

    def __getitem__(self, index: int) -> rsa.RSAPrivateKey:
        while len(self._keys) <= index:
            self._keys.append(rsa.generate_private_key(public_exponent=65537, key_size=2048))
        return self._keys[index]


@dataclass(frozen=True)
class Office:
    """One town office, furnished: everything that is the same in every world. `scratch` is for the worlds' files."""

    config: Config
    register: Register
    receipt_form: ReceiptForm
    card_issuer: CardIssuer
    credential: Credential
    clerk_key: ClerkKeyFile
    second_clerk: ClerkKeyFile
    authority: Authority
    books: bytes
    keys: KeyStock
    scratch: Path
    runner: asyncio.Runner
    _folders: Iterator[int] = field(default_factory=itertools.count)

    def folder(self) -> Path:
        """A path under `scratch` that nobody has used."""
        return self.scratch / str(next(self._folders))

    def authority_on(self, books: Path, clock: Clock, random_bytes: RandomBytes) -> Authority:
        """The authority's process started anew on these books, its keys being loaded already."""
        return replace(self.authority, store=open_store(books), clock=clock, random_bytes=random_bytes)


@contextmanager
def furnished(policy: str = "juki-2011") -> Iterator[Office]:
    """An office under a policy, with a training authority of its own, and a folder in memory for its worlds."""
    with (
        tempfile.TemporaryDirectory(prefix="kiosk-crash-", dir=MEMORY_FILES) as scratch,
        asyncio.Runner() as runner,
        _quickened(),
    ):
        directory = Path(scratch) / "authority"
        config = load_config(SHIPPED / "kiosk.toml", [("policy.profile", policy)])
        # The rules count with one fee, whatever the policy.
        config = replace(config, policy=replace(config.policy, fee=FeeRules(500)))
        init(directory, SHIPPED / "policy" / f"{policy}.toml", config.town, lambda: START)
        authority = open_authority(directory, lambda: START)
        authority.store.close()
        yield Office(
            config=config,
            register=load_register(config.register_file),
            receipt_form=load_receipt_form("ja", is_training=True),
            card_issuer=CardIssuer(
                in_memory({purpose: getattr(DEMO_MASTERS, purpose.value) for purpose in ChannelPurpose})
            ),
            credential=load_credential(directory / "stations" / "demo.pem"),
            clerk_key=load_clerk_key(directory / "clerks" / "demo.pem"),
            second_clerk=load_clerk_key(directory / "clerks" / "second.pem"),
            authority=authority,
            books=(directory / "store.db").read_bytes(),
            keys=KeyStock(),
            scratch=Path(scratch),
            runner=runner,
        )


@contextmanager
def _quickened() -> Iterator[None]:
    """Simulated chips that remember digests and loaded keys, which are pure functions of their arguments.

    Printers that leave the dots of a QR code white: nobody looks at them, for its text stands beside it. And an
    authority that answers in the thread that asks, for nobody else asks meanwhile: its end is the end of that thread.
    """

    async def answer_here(answer: Callable[..., Answer], *arguments: object) -> Answer:
        return answer(*arguments)

    async def answer_alone(gathering: Gathering[Request], request: Request) -> bytes:
        return gathering._answer_all([request])[0]

    digest, load, draw = chip.pin_digest, chip.load_der_private_key, interpreter.draw_symbol
    in_threadpool, gathered = server.run_in_threadpool, Gathering.answer
    server.run_in_threadpool, Gathering.answer = answer_here, answer_alone
    chip.pin_digest = functools.lru_cache(4096)(digest)
    chip.load_der_private_key = functools.lru_cache(256)(load)
    interpreter.draw_symbol = lambda stored: BitImage(width=8, height=8, bits=bytes(8))
    try:
        yield
    finally:
        chip.pin_digest, chip.load_der_private_key = digest, load
        interpreter.draw_symbol = draw
        server.run_in_threadpool, Gathering.answer = in_threadpool, gathered

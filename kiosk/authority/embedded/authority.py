"""One embedded authority, opened: its keys, its rules, its books, and where time and randomness come from."""

import datetime
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kiosk.authority import asn1
from kiosk.authority.credential import Credential
from kiosk.authority.embedded.store import Store
from kiosk.authority.profile import Profiles
from kiosk.model.policy import Policy
from kiosk.model.town import Town

_SERIAL_BYTES = 16


@dataclass(frozen=True, repr=False)
class Generation:
    """One generation of an authority's key, with whom it lets speak of its certificates, and for it."""

    number: int
    credential: Credential
    ocsp: Credential
    delegate: Credential | None = None
    links: tuple[x509.Certificate, ...] = ()


@dataclass(frozen=True, repr=False)
class Authority:
    """Everything that the services of an authority share.

    `credential` is the present generation of its key, `generations` every certificate of its own, present first;
    `links` join one generation to another, each signed by the other's key.
    `card_master` is the master of the cards' attestation keys (16 bytes). `base_url` is where it answers.
    """

    credential: Credential
    generations: tuple[x509.Certificate, ...]
    ocsp: Credential
    policy: Policy
    town: Town
    is_training: bool
    card_master: bytes
    person_key: bytes
    base_url: str
    profiles: Profiles
    store: Store
    clock: Callable[[], datetime.datetime]
    random_bytes: Callable[[int], bytes]
    delegate: Credential | None = None
    links: tuple[x509.Certificate, ...] = ()
    generation: int = 1
    older: tuple[Generation, ...] = ()
    card_makers: tuple[x509.Certificate, ...] = ()
    """By whom the attestation keys of PIV cards are certified; self-signed ones are trusted."""

    @property
    def all_generations(self) -> tuple[Generation, ...]:
        """Every generation whose key is here, present first."""
        carried = {link for generation in self.older for link in generation.links}
        links = tuple(link for link in self.links if link not in carried)
        return (Generation(self.generation, self.credential, self.ocsp, self.delegate, links), *self.older)

    @property
    def forward_links(self) -> tuple[x509.Certificate, ...]:
        """The links by which whoever trusts an older generation alone reaches the present one (newWithOld)."""
        return tuple(generation.links[0] for generation in self.all_generations if generation.links)

    @property
    def known_by(self) -> tuple[x509.Certificate, ...]:
        """What goes along with a certificate that is handed out: by it the owner knows every generation."""
        return (*self.generations, *self.links)

    def profiles_of(self, generation: Generation) -> Profiles:
        """The profiles of one generation."""
        if generation.number == self.generation:
            return self.profiles
        return Profiles(
            generation.credential, self.policy, self.town, self.is_training, self.base_url, generation.number
        )

    @property
    def speaker(self) -> Credential:
        """By whom messages are protected: the delegate, so that the authority's own key signs nothing but its acts."""
        return self.delegate or self.credential

    @cached_property
    def own_ders(self) -> tuple[bytes, ...]:
        """The authority's own certificates in DER."""
        return tuple(certificate.public_bytes(Encoding.DER) for certificate in self.generations)

    def is_named(self, name: bytes) -> bool:
        """Whether a Name (DER) is this authority's."""
        return asn1.is_same_name(name, self.credential.subject)

    def now(self) -> datetime.datetime:
        """The present second, UTC."""
        return self.clock().astimezone(datetime.UTC).replace(microsecond=0)

    def new_serial(self) -> int:
        """A serial number that was not used before: positive, random, of 16 octets at most (RFC 5280, 4.1.2.2)."""
        return new_serial(self.random_bytes)

    def person(self, town_id: bytes) -> bytes:
        """The town's keyed id of a resident under the authority's own key, so that the books alone tell nothing."""
        return hmac.new(self.person_key, town_id, hashlib.sha256).digest()


def new_serial(random_bytes: Callable[[int], bytes]) -> int:
    """A random positive serial number of 127 bits."""
    return int.from_bytes(random_bytes(_SERIAL_BYTES), "big") >> 1 or 1

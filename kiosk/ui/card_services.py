"""What a resident may do at the terminal with the certificate that he has: look at it, and have it judged."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, repr=False)
class OwnCertificate:
    """The certificate in the resident's card: for whom, from when to when, and what the authority says of it now.

    `state` is `good`, `pending`, `revoked`, `unknown`, or `unreachable` when the authority does not answer.
    """

    name: str
    address: str
    valid_from: datetime.date
    valid_until: datetime.date
    serial: str
    state: str


class CardUnusable(Exception):
    """The card did not do it; `reason` names why: `empty`, `no_card`, `wrong` (password), `locked` or `trouble`.

    `attempts` is how often the password may still be wrong.
    """

    def __init__(self, reason: str, attempts: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.attempts = attempts


@dataclass(frozen=True)
class Judgement:
    """What an agency says to a signed application: `accepted` or not, and the checks with what each found.

    A check is `path`, `signature`, `usage`, `status` or `name`; its outcome `accepted`, `rejected` or `undecided`.
    """

    is_accepted: bool
    findings: tuple[tuple[str, str], ...]


class CardServices(Protocol):
    """What a resident may do with the certificate that he has. Called on the station's thread."""

    def attempts(self) -> int:
        """How often the card's password may still be wrong. Raises `CardUnusable`, also for a card without any."""
        ...

    def own_certificate(self, password: bytearray, sample: Callable[[str], str] | None = None) -> OwnCertificate:
        """The certificate in the card, which only its password opens; the caller wipes it. Raises `CardUnusable`.

        `sample` makes a text for the name in the certificate; the card signs it, and `judge` keeps the signature.
        """
        ...

    def judge(self, document: str, name: str) -> Judgement:
        """What an agency says when this text comes with that signature, and this name on the form."""
        ...

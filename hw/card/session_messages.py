"""What a card process and its parent say to each other: a session's calls, and what comes of them."""

from dataclasses import dataclass
from typing import Any

from hw.card.apdu import Limits
from hw.errors import DeviceError
from hw.ports import ChannelChallenge, ManagementKeys, SessionKeys


@dataclass(frozen=True)
class Open:
    """To the process: take the card in this reader and begin a session."""

    reader_name: str
    limits: Limits
    is_traced: bool


@dataclass(frozen=True)
class Call:
    """To the process: call a method of the session. `secrets` follow as that many messages, in place of the `None`s."""

    method: str
    arguments: tuple[Any, ...]
    secrets: int


@dataclass(frozen=True)
class Close:
    """To the process: end the session and the process."""


@dataclass(frozen=True)
class Answered:
    """From the process: what the call returned, and the exchanges with the card so far."""

    value: Any
    exchanges: int


@dataclass(frozen=True)
class Failed:
    """From the process: what the call raised. An exception's own pickling would call its constructor with its text."""

    kind: type[DeviceError]
    arguments: tuple[Any, ...]
    fields: dict[str, Any]
    exchanges: int

    @classmethod
    def of(cls, error: DeviceError, exchanges: int) -> "Failed":
        """Takes an error apart."""
        return cls(type(error), error.args, dict(vars(error)), exchanges)

    def error(self) -> DeviceError:
        """The error again."""
        error = self.kind.__new__(self.kind)
        error.args = self.arguments
        vars(error).update(self.fields)
        return error


@dataclass(frozen=True)
class Traced:
    """From the process: a line of the redacted trace."""

    line: str


@dataclass(frozen=True)
class Asked:
    """From the process, in the middle of a call: the card's challenge; `Keys` or `Denied` is the answer."""

    challenge: ChannelChallenge


@dataclass(frozen=True, repr=False)
class Keys:
    """To the process: what whoever holds the issuer's keys has answered."""

    keys: SessionKeys | ManagementKeys


@dataclass(frozen=True)
class Denied:
    """To the process: why there are no keys."""

    failure: Failed

"""A PC/SC reader whose cards are each worked with in a process of their own, which a mute card cannot make wait.

See `hw.card.card_process` for why. The next card's process is started while nobody waits for it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from socket import socketpair
from typing import Any, cast

from hw.card.apdu import EXTENDED, Limits
from hw.card.pcsc import PcscSlot
from hw.card.session_messages import Answered, Asked, Call, Close, Denied, Failed, Keys, Open, Traced
from hw.errors import CardMute, CardRemoved, DeviceError, LinkLost, NotSent
from hw.ports import (
    Attestation,
    CardSession,
    ChannelKeys,
    ChannelPurpose,
    KeyReplacement,
    KeyUse,
    PinPolicy,
    PinStatus,
    RsaPublicKey,
)

DEADLINE_S = 20.0
"""For every call: no card takes so long, but for making a key."""

GENERATION_DEADLINE_S = 120.0
"""RSA-2048 takes a card from 2 to 60 s, by chance."""

PIN_ENTRY_DEADLINE_S = 30.0 * (15 + 2)
"""The reader itself gives a person 30 s for the first digit and between two, of 15 at most, and for the enter key."""

_END_S = 5.0


class ProcessReader:
    """Implements `hw.ports.CardReader` for the PC/SC reader of that name.

    `limits` is what the reader passes on in one command; `trace` hears the redacted trace, a line at a time. The
    deadlines are in seconds, for one call of a session.
    """

    def __init__(
        self,
        slot: PcscSlot,
        *,
        limits: Limits = EXTENDED,
        trace: Callable[[str], None] | None = None,
        deadline_s: float = DEADLINE_S,
        generation_deadline_s: float = GENERATION_DEADLINE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = slot.name
        self._slot = slot
        self._limits = limits
        self._trace = trace
        self._deadlines_s = {
            "generate_key": generation_deadline_s,
            "verify_pin_at_reader": PIN_ENTRY_DEADLINE_S,
        }
        self._deadline_s = deadline_s
        self._monotonic = monotonic
        self._spare: _Process | None = None

    def is_card_present(self) -> bool:
        """Whether a card lies in the reader now. Raises `ReaderMissing`."""
        return self._slot.is_card_present()

    def wait_for_card(self, timeout_s: float) -> bool:
        """Blocks until a card is inserted; False when the time is up. Raises `ReaderMissing` only after that time."""
        self.prepare()
        return self._slot.wait_for_card(timeout_s)

    def wait_for_removal(self, timeout_s: float) -> bool:
        """Blocks until the reader is empty; False when the time is up. Raises `ReaderMissing` only after that time."""
        return self._slot.wait_for_removal(timeout_s)

    def prepare(self) -> None:
        """Starts the next card's process, so that its start does not add to the session's time."""
        if self._spare is None or not self._spare.is_running():
            self.close()
            self._spare = _Process()

    def close(self) -> None:
        """Ends the process that waits for the next card."""
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.kill()

    @contextmanager
    def session(self) -> Iterator[CardSession]:
        """Takes the card in a process of its own, which is gone when the session is.

        Raises what `hw.card.reader.Reader.session` does, and `CardMute` for a card that passes its deadline; its
        process is killed, and the card stays out of reach until it is taken out.
        """
        self.prepare()
        process, self._spare = self._spare, None
        assert process is not None
        try:
            session = _Session(process, self._trace, self._deadline_s, self._deadlines_s, self._monotonic)
            session.request(Open(self.name, self._limits, self._trace is not None))
            yield session
            session.end()
            process.kill()  # the card is let go by now, and the interpreter's own end takes longer than anything before
        finally:
            # Whatever happened: closing the connection has the process deselect, and it is not waited for long.
            process.end()


class _Process:
    """One card process and the connection to it."""

    def __init__(self) -> None:
        ours, theirs = socketpair()
        lifeline, self._held = os.pipe()
        fds = (theirs.fileno(), lifeline)
        self._process = subprocess.Popen(  # noqa: S603 - our own program, by this interpreter
            [sys.executable, "-m", "hw.card.card_process", *map(str, fds)], pass_fds=fds, stdin=subprocess.DEVNULL
        )
        theirs.close()
        os.close(lifeline)
        self.connection = Connection(ours.detach())

    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def end(self) -> None:
        """Lets it end by itself, kills it when it does not."""
        if self._held < 0:
            return
        self.connection.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
        self.kill()

    def kill(self) -> None:
        """Ends it now."""
        if self._held >= 0:
            os.close(self._held)
            self._held = -1
        if self.is_running():
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        with suppress(OSError):
            self.connection.close()


class _Session:
    """The session in the process; implements `hw.ports.CardSession`."""

    def __init__(
        self,
        process: _Process,
        trace: Callable[[str], None] | None,
        deadline_s: float,
        deadlines_s: dict[str, float],
        monotonic: Callable[[], float],
    ) -> None:
        self._process = process
        self._trace = trace
        self._deadline_s = deadline_s
        self._deadlines_s = deadlines_s
        self._monotonic = monotonic
        self._exchanges = 0
        self._is_over = False

    @property
    def exchanges(self) -> int:
        """Command/response pairs since the session began."""
        return self._exchanges

    @property
    def application(self) -> str:
        """See `CardSession`."""
        return cast(str, self._call("application"))

    def uses(self) -> tuple[KeyUse, ...]:
        """See `CardSession`."""
        return cast(tuple[KeyUse, ...], self._call("uses"))

    def number(self) -> str:
        """See `CardSession`."""
        return cast(str, self._call("number"))

    def pin_policy(self, use: KeyUse = KeyUse.SIGNATURE) -> PinPolicy:
        """See `CardSession`."""
        return cast(PinPolicy, self._call("pin_policy", use))

    def pin_status(self, use: KeyUse = KeyUse.SIGNATURE) -> PinStatus:
        """See `CardSession`."""
        return cast(PinStatus, self._call("pin_status", use))

    def open_channel(self, purpose: ChannelPurpose, keys: ChannelKeys) -> None:
        """See `CardSession`; `keys` is asked in this process."""
        self._call("open_channel", purpose, keys=keys)

    def set_pin(self, pin: bytearray, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """See `CardSession`."""
        self._call("set_pin", pin, use)

    def verify_pin(self, pin: bytearray, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """See `CardSession`."""
        self._call("verify_pin", pin, use)

    def has_pin_pad(self, use: KeyUse = KeyUse.SIGNATURE) -> bool:
        """See `CardSession`."""
        return cast(bool, self._call("has_pin_pad", use))

    def verify_pin_at_reader(self, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """See `CardSession`."""
        self._call("verify_pin_at_reader", use)

    def change_pin(self, old: bytearray, new: bytearray, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """See `CardSession`."""
        self._call("change_pin", old, new, use)

    def generate_key(self, use: KeyUse = KeyUse.SIGNATURE) -> RsaPublicKey:
        """See `CardSession`."""
        return cast(RsaPublicKey, self._call("generate_key", use))

    def public_key(self, use: KeyUse = KeyUse.SIGNATURE) -> RsaPublicKey | None:
        """See `CardSession`."""
        return cast("RsaPublicKey | None", self._call("public_key", use))

    def key_versions(self) -> dict[ChannelPurpose, int]:
        """See `CardSession`."""
        return cast(dict[ChannelPurpose, int], self._call("key_versions"))

    def replace_channel_keys(self, replacement: KeyReplacement) -> None:
        """See `CardSession`."""
        self._call("replace_channel_keys", replacement)

    def has_own_pin(self, use: KeyUse) -> bool:
        """See `CardSession`."""
        return cast(bool, self._call("has_own_pin", use))

    def attests(self) -> bool:
        """See `CardSession`."""
        return cast(bool, self._call("attests"))

    def attest(self, nonce: bytes, key_hash: bytes) -> Attestation:
        """See `CardSession`."""
        return cast(Attestation, self._call("attest", nonce, key_hash))

    def sign(self, digest_info: bytes, use: KeyUse = KeyUse.SIGNATURE) -> bytes:
        """See `CardSession`."""
        return cast(bytes, self._call("sign", digest_info, use))

    def write_certificate(self, certificate: bytes, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """See `CardSession`."""
        self._call("write_certificate", certificate, use)

    def read_certificate(self, use: KeyUse = KeyUse.SIGNATURE) -> bytes | None:
        """See `CardSession`."""
        return cast("bytes | None", self._call("read_certificate", use))

    def erase(self) -> None:
        """See `CardSession`."""
        self._call("erase")

    def end(self) -> None:
        """Has the card deselected; what goes wrong at the end is nobody's trouble any more."""
        with suppress(DeviceError):
            self.request(Close())
        self._is_over = True

    def request(
        self, message: Open | Call | Close, secrets: tuple[bytearray, ...] = (), keys: ChannelKeys | None = None
    ) -> Any:
        """Sends a message and returns what comes of it. Raises what the driver raised, `CardMute`, `LinkLost`."""
        if self._is_over:
            raise NotSent("the session with the card is over")
        deadline_s = self._deadlines_s.get(message.method if isinstance(message, Call) else "", self._deadline_s)
        with self._process_running():
            self._process.connection.send(message)
            for secret in secrets:
                self._process.connection.send_bytes(secret)
        return self._result(deadline_s, keys)

    @contextmanager
    def _process_running(self) -> Iterator[None]:
        """While something is said to the process or heard from it; it ends by itself when the card has left."""
        try:
            yield
        except (EOFError, OSError) as error:
            self._is_over = True
            raise CardRemoved("the card left, and its process ended with it") from error

    def _call(self, method: str, *arguments: Any, keys: ChannelKeys | None = None) -> Any:
        secrets = tuple(argument for argument in arguments if isinstance(argument, bytearray))
        open_arguments = tuple(None if isinstance(argument, bytearray) else argument for argument in arguments)
        return self.request(Call(method, open_arguments, len(secrets)), secrets, keys)

    def _result(self, deadline_s: float, keys: ChannelKeys | None) -> Any:
        """What comes of a call within its deadline; the time that whoever holds the keys takes is not the card's."""
        ends_s = self._monotonic() + deadline_s
        while True:
            match self._heard(ends_s, deadline_s):
                case Answered(value, exchanges):
                    self._exchanges = exchanges
                    return value
                case Failed() as failed:
                    self._exchanges = max(self._exchanges, failed.exchanges)
                    raise failed.error()
                case Traced(line):
                    assert self._trace is not None
                    self._trace(line)
                case Asked(challenge):
                    assert keys is not None
                    asked_s = self._monotonic()
                    self._answer(keys, challenge)
                    ends_s += self._monotonic() - asked_s
                case message:
                    raise LinkLost(f"the card process said {type(message).__name__}")

    def _heard(self, ends_s: float, deadline_s: float) -> Any:
        with self._process_running():
            if self._process.connection.poll(max(0.0, ends_s - self._monotonic())):
                return self._process.connection.recv()
        self._is_over = True
        self._process.kill()
        raise CardMute(f"the card did not answer within {deadline_s:g} s; its process was ended")

    def _answer(self, keys: ChannelKeys, challenge: Any) -> None:
        try:
            answer: Keys | Denied = Keys(keys(challenge))
        except DeviceError as error:
            answer = Denied(Failed.of(error, 0))
        with self._process_running():
            self._process.connection.send(answer)

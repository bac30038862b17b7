"""What the kiosk may ask of a device: protocols, and the values that cross them.

Drivers satisfy these protocols, use cases are written against them; neither knows the other. All calls block and may
raise the errors of `hw.errors`; none retries by itself.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

# --- card -----------------------------------------------------------------------------------------------------------


class ChannelPurpose(StrEnum):
    """What a secure channel is opened for; each purpose has keys of its own on the card."""

    ISSUE = "issue"
    RESET = "reset"
    ERASE = "erase"


class KeyUse(StrEnum):
    """What a key pair is for; a card has one for each of its certificates."""

    SIGNATURE = "signature"
    AUTHENTICATION = "authentication"


MANAGEMENT_KEY_VERSION = 0x9B
"""Stands in a challenge for the card management key of a PIV card, which is its key reference (SP 800-73-4)."""


FACTORY_KEY_VERSION = 0xFF
"""Of the key set for the secure channel with which cards come from the shop (GlobalPlatform 2.3.1, 11.1.9)."""


@dataclass(frozen=True)
class ChannelChallenge:
    """What the card said when a secure channel was asked for (SCP03, INITIALIZE UPDATE).

    `card_number` names the card's static keys; `host_challenge` and `card_challenge` are 8 bytes each;
    `card_cryptogram` (8 bytes) proves that the card knows them. For the management of a PIV card, whose `key_version`
    is `MANAGEMENT_KEY_VERSION`, `card_challenge` is the witness it gave (8 or 16 bytes), and there is no cryptogram.
    `key_versions` are those of all its key sets by purpose, as far as it tells. `is_secured` says that a PIV card's
    management is asked for under a secure channel with the issuer's own keys; it has other keys for it than in clear.
    """

    card_number: str
    purpose: ChannelPurpose
    key_version: int
    host_challenge: bytes
    card_challenge: bytes
    card_cryptogram: bytes
    key_versions: dict[ChannelPurpose, int] = field(default_factory=dict)
    is_secured: bool = False


@dataclass(frozen=True, repr=False)
class SessionKeys:
    """Session keys of one secure channel (SCP03: S-ENC, S-MAC, S-RMAC, 16 bytes each), good for this channel only.

    `replacements` are what the issuer wants put in the place of the card's key sets under this channel, in this order.
    """

    enc: bytes
    mac: bytes
    rmac: bytes
    replacements: "tuple[KeyReplacement, ...]" = ()


@dataclass(frozen=True, repr=False)
class ManagementKeys:
    """What manages one PIV card: its card management key (AES-256, 32 bytes) and its PUK (8 bytes of digits).

    They are no session keys: whoever once had these can manage this one card until they are replaced.
    """

    management_key: bytes
    puk: bytes


@dataclass(frozen=True, repr=False)
class KeyReplacement:
    """One key set of a card replaced by the next version's (GlobalPlatform 2.3.1, 11.8, PUT KEY).

    `data` holds the new keys encrypted under the old set's K-DEK: whoever carries it to the card cannot read them.
    """

    old_version: int
    data: bytes


ChannelKeys = Callable[[ChannelChallenge], SessionKeys | ManagementKeys]
"""Whoever holds the issuer's keys: checks the card's cryptogram and answers with session keys, or raises `Refused`."""


@dataclass(frozen=True)
class PinPolicy:
    """The passwords a card application can hold: length in characters, and every character allowed."""

    minimum_length: int
    maximum_length: int
    characters: str


@dataclass(frozen=True)
class PinStatus:
    """State of a password as the card reports it now; `attempts_remaining` is 0 when locked."""

    is_set: bool
    attempts_remaining: int


@dataclass(frozen=True)
class RsaPublicKey:
    """An RSA public key as a card returns it."""

    modulus: int
    exponent: int


@dataclass(frozen=True)
class Attestation:
    """The card's proof that it generated a key itself: AES-CMAC over card number, nonce, key hash and PIN state.

    Of a PIV card `value` is the key's attestation certificate and the one of the card's attestation key, DER, one after
    the other; the nonce is not in them.
    """

    nonce: bytes
    value: bytes


class CardSession(Protocol):
    """One inserted card, held exclusively from entering to leaving; the domain interface of every card application.

    A session ends with the application deselected and the card powered off, so that no verified PIN outlives it.
    PIN arguments are `bytearray`s of ASCII; the caller wipes them, no callee keeps them (but for
    `hw.card.piv_pin`). `use` says which of the card's key pairs is meant, with its password and its certificate; a card
    that has no such pair raises `NotSent`.
    """

    @property
    def application(self) -> str:
        """The policy's word for what this card is, such as `juki-2011`. May ask the card."""
        ...

    def uses(self) -> tuple[KeyUse, ...]:
        """The uses for which the card has a key pair, the signature's first. May ask the card."""
        ...

    @property
    def exchanges(self) -> int:
        """Command/response pairs since the session began."""
        ...

    def number(self) -> str:
        """The card's number."""
        ...

    def pin_policy(self, use: KeyUse = KeyUse.SIGNATURE) -> PinPolicy:
        """What this card application accepts as a password."""
        ...

    def pin_status(self, use: KeyUse = KeyUse.SIGNATURE) -> PinStatus:
        """Asks the card; never answers from memory."""
        ...

    def open_channel(self, purpose: ChannelPurpose, keys: ChannelKeys) -> None:
        """Opens the secure channel under which everything that writes or sets must run."""
        ...

    def set_pin(self, pin: bytearray, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """Sets the first or a new password under the channel."""
        ...

    def verify_pin(self, pin: bytearray, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """Presents the password once. Raises `PinRefused`, `PinLocked`."""
        ...

    def has_pin_pad(self, use: KeyUse = KeyUse.SIGNATURE) -> bool:
        """Whether this password can be typed at the reader itself: it is one of digits, and the reader has a pad."""
        ...

    def verify_pin_at_reader(self, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """Has the password typed at the reader's pad and presented once; this computer never sees it.

        Raises `NotSent` where it cannot be or nobody typed, else as `verify_pin`.
        """
        ...

    def change_pin(self, old: bytearray, new: bytearray, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """Replaces the password by one who knows it."""
        ...

    def generate_key(self, use: KeyUse = KeyUse.SIGNATURE) -> RsaPublicKey:
        """Makes a key pair in the card; the one that was there is gone afterwards. Channel and verified PIN needed."""
        ...

    def public_key(self, use: KeyUse = KeyUse.SIGNATURE) -> RsaPublicKey | None:
        """The public key of the key pair in the card, or None when there is none."""
        ...

    def key_versions(self) -> dict[ChannelPurpose, int]:
        """The version of the channel's keys for each purpose, empty for a card that has no such keys."""
        ...

    def replace_channel_keys(self, replacement: KeyReplacement) -> None:
        """Replaces one key set under an issue channel, which goes on with the keys it was opened with."""
        ...

    def has_own_pin(self, use: KeyUse) -> bool:
        """Whether this key pair has a password of its own, and does not share the signature's."""
        ...

    def attests(self) -> bool:
        """Whether this card can prove of a key at all that it made it itself. May ask the card."""
        ...

    def attest(self, nonce: bytes, key_hash: bytes) -> Attestation:
        """Proof that this card made the key.

        Over `nonce` (16 bytes) and `key_hash` (SHA-256 of the SubjectPublicKeyInfo).

        Raises `CardRefused` for any other key.
        """
        ...

    def sign(self, digest_info: bytes, use: KeyUse = KeyUse.SIGNATURE) -> bytes:
        """PKCS#1 v1.5 signature over a DER DigestInfo; the password must have been verified in this session."""
        ...

    def write_certificate(self, certificate: bytes, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """Writes the DER certificate so that a card pulled meanwhile reads as having none. Channel needed."""
        ...

    def read_certificate(self, use: KeyUse = KeyUse.SIGNATURE) -> bytes | None:
        """The DER certificate, or None; the password must have been verified in this session."""
        ...

    def erase(self) -> None:
        """Removes all certificates, keys and passwords under an erase channel."""
        ...


class CardReader(Protocol):
    """A slot for one card."""

    name: str

    def is_card_present(self) -> bool:
        """Whether a card lies in the reader now."""
        ...

    def wait_for_card(self, timeout_s: float) -> bool:
        """Blocks until a card is inserted; False when the time is up."""
        ...

    def wait_for_removal(self, timeout_s: float) -> bool:
        """Blocks until the reader is empty; False when the time is up."""
        ...

    def session(self) -> AbstractContextManager[CardSession]:
        """Takes the card exclusively and chooses its application by what it answers.

        Raises `CardAbsent`, `ReaderBusy`, `ReaderMissing`, `CardUnsupported`.
        """
        ...


# --- paper ----------------------------------------------------------------------------------------------------------

Align = Literal["left", "center", "right"]


@dataclass(frozen=True)
class Text:
    """One printed line; `scale` 1 or 2 doubles width and height."""

    text: str
    align: Align = "left"
    scale: Literal[1, 2] = 1
    bold: bool = False


@dataclass(frozen=True)
class Columns:
    """One printed line with a text at the left edge and one at the right."""

    left: str
    right: str
    bold: bool = False


@dataclass(frozen=True)
class Rule:
    """A line across the paper."""


@dataclass(frozen=True)
class Feed:
    """Empty lines."""

    lines: int = 1


@dataclass(frozen=True)
class QrCode:
    """A native QR code over ASCII data."""

    data: str


PaperLine = Text | Columns | Rule | Feed | QrCode
Paper = Sequence[PaperLine]
"""A document on the roll, top to bottom; it ends in one cut."""


class PrintOutcome(StrEnum):
    """States of a print job; the caller persists them. A job that is UNKNOWN is settled by a person, never resent.

    How a caller persists each, `kiosk.issuance.issue.print_receipt` being the one for receipts: PLANNED is its durable
    intent, with the number and the hash of the bytes. SENDING and SENT add nothing that a later start could act on: as
    long as no outcome is durable, the paper may be out, and a person is asked. CONFIRMED and PRINTED are the durable
    outcome; UNKNOWN is durable before anybody looks, so that whatever is printed next is a copy; NOT_STARTED is durable
    as a failure that left the world as it was, and the same original may be printed later.
    """

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    CONFIRMED = "confirmed"
    """Printed and cut off, as the printer's own counter of cuts says too."""
    PRINTED = "printed"
    """Printed, as the printer says; it counts no cuts, so that the paper may still hang in it."""
    UNKNOWN = "unknown"
    NOT_STARTED = "not_started"

    @property
    def is_on_paper(self) -> bool:
        """Whether the printer said that all of it was printed."""
        return self in (PrintOutcome.CONFIRMED, PrintOutcome.PRINTED)


@dataclass(frozen=True)
class PrinterStatus:
    """What the printer says of itself; `causes` name everything that blocks it, empty when it can print."""

    is_online: bool
    causes: tuple[str, ...]
    is_paper_near_end: bool
    is_drawer_open: bool


@dataclass(frozen=True)
class PrintJob:
    """A paper rendered for one printer: its exact bytes, the print-confirmation id, and a plain-text preview."""

    job_id: str
    data: bytes
    preview: str


class ReceiptPrinter(Protocol):
    """A receipt printer with a cutter."""

    def status(self) -> PrinterStatus:
        """Asks the printer. Raises `OutcomeUnknown` when it does not answer, `LinkLost` when it is gone."""
        ...

    def render(self, paper: Paper, job_id: str) -> PrintJob:
        """Turns a paper into bytes, sends nothing. `job_id`: 4 printable ASCII characters. Raises `TextDoesNotFit`."""
        ...

    def print(self, job: PrintJob, on_state: Callable[[PrintOutcome], None] | None = None) -> PrintOutcome:
        """Sends the job once: CONFIRMED or PRINTED when the printer says it came out, UNKNOWN otherwise.

        Raises `PrinterBlocked` before anything was sent. `on_state` hears SENDING and SENT as they happen.
        """
        ...

    def cuts(self) -> int | None:
        """The printer's own counter of paper cuts, where it has one: one more means that the paper came out."""
        ...

    def open_drawer(self) -> None:
        """Kicks the cash drawer on the printer's connector, also while paper is out."""
        ...


# --- cash -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Deposit:
    """What a payer has put in: `received_yen` so far against `due_yen`; `is_discrepant` when counters do not add up."""

    due_yen: int
    received_yen: int
    is_discrepant: bool = False


@dataclass(frozen=True)
class MachineMoney:
    """What a machine knows of a payment that was left without an end, for the clerk who counts it.

    `coins_yen` it took for this payment and still holds; `paid_yen` it has given out for certain; `perhaps_paid_yen` it
    was told to give out and nobody can say whether it did. `unassigned_yen` lie in it besides and may be anybody's;
    with `is_count_lost` there may be more coins than it knows of.
    """

    coins_yen: int = 0
    paid_yen: int = 0
    perhaps_paid_yen: int = 0
    unassigned_yen: int = 0
    is_count_lost: bool = False


@dataclass(frozen=True)
class UnownedMoney:
    """What a coin machine holds, or may hold or have paid, and of no deposit that was ended (未処理入金).

    Of `unassigned_yen` it took `of_payments_yen` for payments that were left, and still tells whose they are.
    `lost_events` may have been coins; `coins_in_doubt` it was told to pay, and perhaps did; `exchanged_unread`
    acceptors were taken away with coins unread. `entry` is the number of its ledger's last entry that this is of.
    """

    unassigned_yen: int
    of_payments_yen: int
    lost_events: int
    coins_in_doubt: int
    exchanged_unread: int
    entry: int

    def __bool__(self) -> bool:
        """Whether a person has anything to count."""
        return bool(self.unassigned_yen or self.lost_events or self.coins_in_doubt or self.exchanged_unread)


class DepositEnd(StrEnum):
    """How a deposit ends: the town keeps the fee and gives change, or everything is repaid."""

    CHANGE = "change"
    REPAY = "repay"


class CashTrouble(StrEnum):
    """What is wrong with cash that a clerk takes or gives, and that he alone can put right."""

    COUNTS_DISAGREE = "counts_disagree"
    """A machine may have taken money that it does not count (`Deposit.is_discrepant`)."""
    DRAWER_SHUT = "drawer_shut"
    """The drawer did not open (`CashBox.is_drawer_shut`)."""


class CashBox(Protocol):
    """Where the fee goes: a clerk's drawer or an acceptor, one deposit at a time (UnifiedPOS CashChanger model)."""

    kind: str

    def counter(self) -> int:
        """The device's own event counter, journaled before a deposit begins; 0 where it has none."""
        ...

    def begin(self, due_yen: int, payment: str = "") -> None:
        """Accepts money from now on; `payment` names by which case a machine keeps what it did."""
        ...

    def left_over(self, payment: str) -> MachineMoney:
        """What the machine took and gave out for `payment` when that was left without an end, as far as it can tell.

        Asked before a clerk counts. A deposit of which nobody could say how it ended is given up by this.
        """
        ...

    def close_payment(self, payment: str) -> None:
        """How `payment` ended is durable, and what was left over is accounted for: nobody will ask for it again."""
        ...

    def take_from_clerk(self, amount_yen: int) -> None:
        """Money that a clerk took by hand and attests."""
        ...

    def deposit(self) -> Deposit:
        """What has been received so far."""
        ...

    def await_payment(self) -> Deposit:
        """What has been received, once the payer has had time to put in by himself what is due.

        At once where only a clerk takes money, where the whole is there already, and where the device is in trouble.
        """
        ...

    def fix(self) -> Deposit:
        """Accepts nothing more; the deposit's final value."""
        ...

    def end(self, how: DepositEnd) -> int:
        """Closes the deposit and returns the yen to be handed back to the payer."""
        ...

    def dispense(self, amount_yen: int) -> None:
        """Gives money out of the box outside a deposit, for a refund."""
        ...

    def is_drawer_shut(self) -> bool:
        """Whether a drawer that should have opened when money last went in or out did not, as far as that is known."""
        ...

"""The commands of the JPKI application, one function each.

Public part (select, read, verify, sign): as the JPKI cards in the field answer it. Issuance part: ours, on ISO/IEC
7816-4 and -8. A function is called with a command whose form its table row has checked, and with the purpose of the
secure channel that carried it, None outside. It answers, or raises `Refusal` having done nothing.
"""

from dataclasses import dataclass, field
from typing import TypeVar

from hw.ports import ChannelPurpose
from hw.sim.card import channel, tlv
from hw.sim.card.apdu import Answer, Command, Refusal, Status
from hw.sim.card.channel import ChannelEnd
from hw.sim.card.chip import Chip
from hw.sim.card.personalization import FIRST_KEY_VERSION, KEY_VERSIONS, PURPOSES, VERSIONS_A_GENERATION
from hw.sim.card.profile import KeyFile, PinFile, Profile, TransparentFile

AID = bytes.fromhex("D392F000260100000001")

ATTESTATION_DATA_SIZE = 16 + 32
"""INTERNAL AUTHENTICATE: the authorisation's nonce and the SHA-256 of the public key."""

_DIVERSIFICATION_SIZE = 10
PUT_KEY_DATA = range(channel.PUT_KEY_SIZE, channel.PUT_KEY_SIZE + 1)
_EMPTY_CERTIFICATE_HEADER = bytes(4)
_OFFSET_IS_FILE_REFERENCE = 0x80


@dataclass
class Session:
    """What the application remembers from its selection to the next one or to loss of power."""

    chip: Chip
    profile: Profile
    selected: int | None = None
    verified: set[int] = field(default_factory=set)
    end: ChannelEnd = field(init=False)

    def __post_init__(self) -> None:
        memory = self.chip.memory
        diversification = memory.number[-_DIVERSIFICATION_SIZE:].encode("ascii")
        self.end = ChannelEnd(memory.channel_keys, KEY_VERSIONS, diversification, self.chip.random_bytes)

    def reset(self) -> None:
        """Forgets the selected file, every verified password and the channel."""
        self.selected = None
        self.verified.clear()
        self.end.reset()


_F = TypeVar("_F", TransparentFile, PinFile, KeyFile)


def _selected(session: Session, kind: tuple[_F, ...]) -> _F:
    if session.selected is None:
        raise Refusal(Status.NO_FILE_SELECTED)
    for file in kind:
        if file.fid == session.selected:
            return file
    raise Refusal(Status.FILE_KIND_WRONG)


def _demand(allowed: bool) -> None:
    if not allowed:
        raise Refusal(Status.SECURITY_NOT_SATISFIED)


# --- selection and files


def select_application(session: Session, command: Command, right: ChannelPurpose | None) -> Answer:
    """Begins again: no file selected, no password verified, no channel."""
    if command.data != AID:
        raise Refusal(Status.FILE_NOT_FOUND)
    session.reset()
    return Answer()


def select_file(session: Session, command: Command, right: ChannelPurpose | None) -> Answer:
    """Makes a file, a password or a key the one that the next commands mean."""
    fid = int.from_bytes(command.data, "big")
    if fid not in session.profile.fids:
        raise Refusal(Status.FILE_NOT_FOUND)
    session.selected = fid
    return Answer()


def _file_and_offset(session: Session, command: Command) -> tuple[TransparentFile, int]:
    """The file that a command reads or writes, and where: the selected one, or the one of a short file identifier.

    The identifier is the lower five bits of the file's (ISO/IEC 7816-4, 7.3.2); it selects the file.
    """
    if not command.p1 & _OFFSET_IS_FILE_REFERENCE:
        return _selected(session, session.profile.files), command.p1p2
    if command.p1 & 0x60 or not 1 <= command.p1 & 0x1F <= 30:
        raise Refusal(Status.P1P2_WRONG)
    for file in session.profile.files:
        if file.fid == command.p1 & 0x1F:
            session.selected = file.fid
            return file, command.p2
    raise Refusal(Status.FILE_NOT_FOUND)


def read_binary(session: Session, command: Command, right: ChannelPurpose | None) -> Answer:
    """A part of the selected file; fewer bytes than asked for at its end."""
    file, offset = _file_and_offset(session, command)
    _demand(file.read_pin is None or file.read_pin in session.verified)
    assert command.le is not None
    content = session.chip.memory.files.get(file.fid, file.content)
    if file.fid in session.profile.files_with_life_cycle:
        return _read_with_life_cycle(session, file, content[offset : offset + command.le], command.le)
    if offset >= file.size:
        raise Refusal(Status.OFFSET_WRONG)
    return Answer(content.ljust(file.size, b"\x00")[offset : offset + command.le])


def _read_with_life_cycle(session: Session, file: TransparentFile, part: bytes, wanted: int) -> Answer:
    if file.fid in session.chip.memory.deactivated:
        return Answer(sw=Status.FILE_DEACTIVATED)
    if not part:
        raise Refusal(Status.OFFSET_WRONG)
    return Answer(part, Status.OK if len(part) == wanted else Status.END_OF_FILE)


def update_binary(session: Session, command: Command, right: ChannelPurpose | None) -> Answer:
    """Overwrites a part of the selected file."""
    file, offset = _file_and_offset(session, command)
    _demand(file.issuer_writes and right is ChannelPurpose.ISSUE)
    if file.fid in session.profile.files_with_life_cycle:
        if file.fid not in session.chip.memory.deactivated:
            raise Refusal(Status.CONDITIONS_NOT_SATISFIED)
        if offset != len(session.chip.memory.files.get(file.fid, b"")):
            raise Refusal(Status.OFFSET_WRONG)
    if offset + len(command.data) > file.size:
        raise Refusal(Status.FILE_TOO_SMALL)
    session.chip.write_file(file.fid, offset, command.data)
    return Answer()


def deactivate_file(session: Session, command: Command, right: ChannelPurpose | None) -> Answer:
    """Empties the selected file and keeps it from being read."""
    session.chip.deactivate_file(_file_with_life_cycle(session, right))
    return Answer()


def activate_file(session: Session, command: Command, right: ChannelPurpose | None) -> Answer:
    """Lets the selected file be read, if anything was written to it."""
    fid = _file_with_life_cycle(session, right)
    if not session.chip.memory.files.get(fid):
        raise Refusal(Status.CONDITIONS_NOT_SATISFIED)
    session.chip.activate_file(fid)
    return Answer()


def _file_with_life_cycle(session: Session, right: ChannelPurpose | None) -> int:
    file = _selected(session, session.profile.files)
    if file.fid not in session.profile.files_with_life_cycle:
        raise Refusal(Status.FILE_KIND_WRONG)
    _demand(right is ChannelPurpose.ISSUE)
    return file.fid


def get_identity(session: Session, command: Command, right: ChannelPurpose | None) -> Answer:
    """Card number, application label, whether the signature password is set, whether there is a signature key.

    Behind them, where there is more than that to say: the layout, the same two of the user-authentication key, and the
    generations of the channel's keys.
    """
    memory, profile, key = session.chip.memory, session.profile, session.profile.signature_key
    identity = (
        tlv.encode(0x5A, memory.number.encode("ascii"))
        + tlv.encode(0x50, profile.label.encode("ascii"))
        + tlv.encode(0xC1, _is_pin_set(session, key))
        + tlv.encode(0xC2, bytes((key.fid in memory.keys,)))
    )
    if profile.layout != 1:
        identity += tlv.encode(0xC3, bytes((profile.layout,)))
    for other in profile.keys:
        if other is not key:
            identity += tlv.encode(0xC4, _is_pin_set(session, other))
            identity += tlv.encode(0xC5, bytes((other.fid in memory.keys,)))
    generations = _key_generations(session)
    if any(generations):
        identity += tlv.encode(0xC6, generations)
    return Answer(identity)


def _key_generations(session: Session) -> bytes:
    """The generation of the keys for each purpose."""
    by_purpose = {KEY_VERSIONS[version]: version for version in session.chip.memory.channel_keys}
    return bytes(
        (by_purpose.get(purpose, FIRST_KEY_VERSION) - FIRST_KEY_VERSION) // VERSIONS_A_GENERATION
        for purpose in PURPOSES
    )


# --- passwords


def verify(session: Session, command: Command, right: ChannelPurpose | None) -> Answer:
    """Compares a password; without data, answers the tries left, also when it is already verified."""
    pin = _selected(session, session.profile.pins)
    record = session.chip.memory.pins.get(pin.fid)
    if not command.data:
        tries = record.tries if record else 0 if pin.in_use else pin.tries
        return Answer(sw=Status.TRIES | tries)
    session.verified.discard(pin.fid)
    if record is None:
        raise Refusal(Status.PIN_UNSET)
    if record.tries == 0:
        raise Refusal(Status.PIN_BLOCKED)
    # The try is spent before the comparison: whoever pulls the card at the right moment gains nothing by it.
    session.chip.set_tries(pin.fid, record.tries - 1)
    if not session.chip.is_pin(pin.fid, command.data):
        return Answer(sw=Status.TRIES | record.tries - 1)
    session.chip.set_tries(pin.fid, pin.tries)
    session.verified.add(pin.fid)
    return Answer()


def change_pin(session: Session, command: Command, right: ChannelPurpose | None) -> Answer:
    """Sets a password: by the issuer, or by the holder who has just presented the old one."""
    pin = _selected(session, session.profile.pins)
    _demand(right in (ChannelPurpose.ISSUE, ChannelPurpose.RESET) or pin.fid in session.verified)
    return _set_pin(session, pin, command.data)


def reset_retry_counter(session: Session, command: Command, right: ChannelPurpose | None) -> Answer:
    """Sets a new password and gives it all its tries."""
    pin = _selected(session, session.profile.pins)
    _demand(right is ChannelPurpose.RESET)
    return _set_pin(session, pin, command.data)


def _set_pin(session: Session, pin: PinFile, value: bytes) -> Answer:
    if not pin.in_use:
        raise Refusal(Status.CONDITIONS_NOT_SATISFIED)
    if not pin.accepts(value):
        raise Refusal(Status.DATA_WRONG)
    session.verified.discard(pin.fid)
    session.chip.set_pin(pin.fid, value, pin.tries)
    return Answer()


def _is_pin_set(session: Session, key: KeyFile) -> bytes:
    return bytes((key.pin in session.chip.memory.pins,))


# --- keys


def generate_key(session: Session, command: Command, right: ChannelPurpose | None) -> Answer:
    """Replaces the selected key pair; its certificate goes first, so that none is ever beside a key it does not fit."""
    key = _selected(session, session.profile.keys)
    _demand(right is ChannelPurpose.ISSUE and key.pin in session.verified)
    if command.data not in (b"", b"\xac\x00"):
        raise Refusal(Status.DATA_WRONG)
    if key.certificate in session.profile.files_with_life_cycle:
        session.chip.deactivate_file(key.certificate)
    else:
        session.chip.write_file(key.certificate, 0, _EMPTY_CERTIFICATE_HEADER)
    session.chip.generate_key(key.fid)
    return _public_key(session, key)


def read_public_key(session: Session, command: Command, right: ChannelPurpose | None) -> Answer:
    """The public key of the selected key pair."""
    key = _selected(session, session.profile.keys)
    if key.fid not in session.chip.memory.keys:
        raise Refusal(Status.REFERENCE_NOT_FOUND)
    return _public_key(session, key)


def _public_key(session: Session, key: KeyFile) -> Answer:
    public = session.chip.public_numbers(key.fid)
    modulus, exponent = (n.to_bytes((n.bit_length() + 7) // 8, "big") for n in (public.n, public.e))
    return Answer(tlv.encode(0x7F49, tlv.encode(0x81, modulus) + tlv.encode(0x82, exponent)))


def sign(session: Session, command: Command, right: ChannelPurpose | None) -> Answer:
    """PKCS#1 v1.5 signature of the selected key over the DigestInfo given."""
    key = _selected(session, session.profile.keys)
    _demand(key.pin in session.verified)
    if key.fid not in session.chip.memory.keys:
        raise Refusal(Status.REFERENCE_NOT_FOUND)
    return Answer(session.chip.sign(key.fid, command.data))


def attest(session: Session, command: Command, right: ChannelPurpose | None) -> Answer:
    """The card's word that it made the key pair whose hash is given, and that it still has it."""
    memory = session.chip.memory
    key_hash = command.data[-32:]
    for key in session.profile.keys:
        if key.fid in memory.keys and session.chip.public_key_hash(key.fid) == key_hash:
            message = b"\x01" + memory.number.encode("ascii") + command.data + _is_pin_set(session, key)
            return Answer(session.chip.attest(message))
    raise Refusal(Status.CONDITIONS_NOT_SATISFIED)


def erase(session: Session, command: Command, right: ChannelPurpose | None) -> Answer:
    """Makes the card what it was before its first use; certificates go first, as at `generate_key`."""
    _demand(right is ChannelPurpose.ERASE)
    session.verified.clear()
    for fid in session.profile.files_with_life_cycle:
        session.chip.deactivate_file(fid)
    session.chip.clear_files({file.fid for file in session.profile.files if file.issuer_writes})
    session.chip.clear_keys()
    session.chip.clear_pins()
    return Answer()


# --- secure channel


def put_key(session: Session, command: Command, right: ChannelPurpose | None) -> Answer:
    """Replaces the three keys of a version by those of the next one for the same purpose (GlobalPlatform 11.8)."""
    _demand(right is ChannelPurpose.ISSUE and session.end.channel is not None)
    assert session.end.channel is not None
    held = session.chip.memory.channel_keys
    old, new = command.p1, command.data[0]
    if old not in held:
        raise Refusal(Status.REFERENCE_NOT_FOUND)
    if new in held or KEY_VERSIONS.get(new) != KEY_VERSIONS[old]:
        raise Refusal(Status.DATA_WRONG)
    keys, answer = channel.new_keys(session.end.channel.dek, command.data)
    session.chip.replace_channel_keys(old, new, keys)
    session.end.keys = session.chip.memory.channel_keys
    return answer


def initialize_update(session: Session, command: Command, right: ChannelPurpose | None) -> Answer:
    """Ends an open channel and offers a new one; key version 00 means the issuer's."""
    return session.end.initialize_update(command)


def external_authenticate(session: Session, command: Command, right: ChannelPurpose | None) -> Answer:
    """Opens the channel that was offered last."""
    return session.end.external_authenticate(command)

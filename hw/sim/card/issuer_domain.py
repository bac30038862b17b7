"""The issuer security domain: what GlobalPlatform tools select first, and where they open the secure channel.

GlobalPlatform Card Specification 2.3.1, 11.9 (SELECT), 11.3 (GET DATA), H.2 (card recognition data); Amendment D for
the channel. Nothing can be loaded or deleted in it: these cards have no applications beyond those they were made with.
Those that come with their maker's key set have it replaced here (11.8, PUT KEY).
"""

from collections.abc import Callable, Mapping

from hw.ports import ChannelPurpose
from hw.sim.card import tlv
from hw.sim.card.apdu import Answer, Command, Refusal, Status
from hw.sim.card.channel import (
    CHALLENGE_SIZE,
    CRYPTOGRAM_SIZE,
    FULL_SECURITY_LEVEL,
    MAC_SIZE,
    SECURED_BIT,
    ChannelEnd,
    new_keys,
)
from hw.sim.card.memory import StaticKeys

AID = bytes.fromhex("A000000151000000")
_SHORTEST_NAME = 5

_OBJECT_IDENTIFIER = bytes.fromhex("2A864886FC6B")  # 1.2.840.114283, the prefix of all of GlobalPlatform's
_RECOGNITION_DATA = tlv.encode(
    0x73,
    tlv.encode(0x06, _OBJECT_IDENTIFIER + b"\x01")
    + tlv.encode(0x60, tlv.encode(0x06, _OBJECT_IDENTIFIER + b"\x02\x02\x03\x01"))
    + tlv.encode(0x63, tlv.encode(0x06, _OBJECT_IDENTIFIER + b"\x03"))
    + tlv.encode(0x64, tlv.encode(0x06, _OBJECT_IDENTIFIER + b"\x04\x03\x60")),
)
"""GlobalPlatform 2.3.1, and SCP03 with i=60."""

_SELECTED = tlv.encode(
    0x6F, tlv.encode(0x84, AID) + tlv.encode(0xA5, tlv.encode(0x9F65, b"\xff") + tlv.encode(0x9F6E, b""))
)
_AES_128 = bytes((0x88, 0x10))

FACTORY_VERSION, OWN_VERSIONS = 0xFF, range(1, 0x80)
"""Of the key set with which a card comes, and of those that take its place."""

_THREE_KEYS, _MOST_SETS = 0x81, 3


class IssuerDomain:
    """One card's issuer security domain."""

    chains_commands = False

    def __init__(self, end: ChannelEnd, keep: Callable[[Mapping[int, StaticKeys]], None] | None = None) -> None:
        """`keep` makes new key sets durable; without it they are not replaced here."""
        self._end = end
        self._keep = keep

    def is_named(self, aid: bytes) -> bool:
        """An empty name means the domain too (11.9.2.3), and so does the beginning of its own."""
        return not aid or (len(aid) >= _SHORTEST_NAME and AID.startswith(aid))

    def select(self, command: Command, *, is_again: bool) -> Answer:
        """Ends the channel; answers what it is."""
        if command.p2 not in (0x00, 0x0C):
            raise Refusal(Status.P1P2_WRONG)
        self.reset()
        return Answer(_SELECTED) if command.p2 == 0 else Answer()

    def reset(self) -> None:
        """Ends the channel."""
        self._end.reset()

    def execute(self, command: Command) -> Answer:
        """Does what the command says. Raises `Refusal`."""
        match command.cla, command.ins:
            case 0x80, 0x50:
                return self._end.initialize_update(_with_data(command, CHALLENGE_SIZE))
            case 0x84, 0x82:
                return self._end.external_authenticate(_with_data(command, CRYPTOGRAM_SIZE + MAC_SIZE))
            case cla, _ if cla & ~0x80 == SECURED_BIT:
                return self._end.execute_secured(command, self._execute_unwrapped)
        return self._execute(command, came_secured=False)

    def _execute_unwrapped(self, command: Command, right: ChannelPurpose | None) -> Answer:
        return self._execute(command, came_secured=True)

    def _execute(self, command: Command, *, came_secured: bool) -> Answer:
        if command.cla & ~0x80:
            raise Refusal(Status.CLA_UNKNOWN)
        if command.ins == 0xD8 and self._keep is not None:
            if not came_secured:
                raise Refusal(Status.SECURITY_NOT_SATISFIED)
            return self._put_key(command, self._keep)
        if command.ins != 0xCA:
            raise Refusal(Status.INS_UNKNOWN)
        objects = {0x0066: _RECOGNITION_DATA, 0x00E0: self._key_information()}
        if command.p1p2 not in objects:
            raise Refusal(Status.REFERENCE_NOT_FOUND)
        value = objects[command.p1p2]
        # In the class of ISO/IEC 7816-4 the answer is the value alone, in GlobalPlatform's own the whole data object.
        return Answer(tlv.encode(command.p1p2, value) if command.cla & 0x80 else value)

    def _put_key(self, command: Command, keep: Callable[[Mapping[int, StaticKeys]], None]) -> Answer:
        """Adds a key set (P1 00), by which the maker's goes, or replaces the one that P1 names.

        The command came through the open channel; that there is one does not make a plain command the issuer's.
        """
        channel = self._end.channel
        if channel is None or channel.level != FULL_SECURITY_LEVEL:
            raise Refusal(Status.SECURITY_NOT_SATISFIED)
        if command.p2 != _THREE_KEYS:
            raise Refusal(Status.P1P2_WRONG)
        keys, answer = new_keys(channel.dek, command.data)
        old, new = command.p1, command.data[0]
        held = {version: known for version, known in self._end.keys.items() if version not in (old, FACTORY_VERSION)}
        if old and old not in self._end.keys:
            raise Refusal(Status.REFERENCE_NOT_FOUND)
        if new not in OWN_VERSIONS or new in held:
            raise Refusal(Status.DATA_WRONG)
        if len(held) == _MOST_SETS:
            raise Refusal(Status.FILE_TOO_SMALL)
        self._end.keys = {**held, new: keys}
        keep(self._end.keys)
        return answer

    def _key_information(self) -> bytes:
        """Key identifiers 1 to 3 of every version (11.3.3.1)."""
        return b"".join(
            tlv.encode(0xC0, bytes((identifier, version)) + _AES_128)
            for version in sorted(self._end.keys)
            for identifier in (1, 2, 3)
        )


def _with_data(command: Command, size: int) -> Command:
    if len(command.data) != size:
        raise Refusal(Status.LENGTH_WRONG)
    return command

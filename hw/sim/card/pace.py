"""How long real cards take, by instruction and by byte, for rehearsals that shall not feel like a computer's."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """Seconds an exchange takes at least, and more by instruction and by byte that passes."""

    exchange_s: float
    byte_s: float
    by_instruction_s: Mapping[int, float]

    def duration_s(self, command: bytes, answer: bytes) -> float:
        """How long a card of this pace is busy with one exchange."""
        ins = command[1] if len(command) > 1 else 0
        passed = len(command) + len(answer)
        return self.exchange_s + self.byte_s * passed + self.by_instruction_s.get(ins, 0.0)


CONTACT_CARD = Pace(
    exchange_s=0.012,
    byte_s=0.0001,
    by_instruction_s={0x47: 4.0, 0x2A: 0.35, 0x87: 0.35, 0x20: 0.02, 0x24: 0.04, 0x2C: 0.04, 0xD6: 0.03, 0xDB: 0.05},
)
"""A contact card at about 100 kbit/s: RSA-2048 made in some seconds, signed with in a third of one."""

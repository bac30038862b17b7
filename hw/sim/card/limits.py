"""What a card can do less than the standard allows: the knobs by which simulated cards differ as real ones do."""

from dataclasses import dataclass

from hw.sim.card.apdu import EXTENDED_ANSWER_SIZE


@dataclass(frozen=True)
class CardLimits:
    """`takes_extended` length fields; at most `max_answer` bytes in one answer; `is_t0`, the older protocol.

    `lacks` are instructions that its PIV application does not know; one that does not attest (F9) has no certificate of
    its maker either and takes no policies with a key.

    With T=0 a command that carries data is answered by 61xx and its answer fetched by GET RESPONSE, and a wrong Le by
    6Cxx (ISO/IEC 7816-3, 12.2).
    """

    takes_extended: bool = True
    max_answer: int = EXTENDED_ANSWER_SIZE
    is_t0: bool = False
    lacks: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if not 1 <= self.max_answer <= EXTENDED_ANSWER_SIZE:
            raise ValueError("an answer is 1 to 65536 bytes long")


UNLIMITED = CardLimits()
SHORT_LENGTH = CardLimits(takes_extended=False)
T0 = CardLimits(takes_extended=False, is_t0=True)

_INITIALIZE_UPDATE, _MOVE_KEY, _GET_METADATA = 0x50, 0xF6, 0xF7
WITHOUT_METADATA = CardLimits(lacks=frozenset({_INITIALIZE_UPDATE, _MOVE_KEY, _GET_METADATA}))
"""PIV cards of the years before their makers gave them metadata and a secure channel."""

STANDARD = CardLimits(lacks=frozenset({_INITIALIZE_UPDATE, *range(0xF6, 0x100)}))
"""PIV as NIST SP 800-73-4 has it, and nothing beyond."""

"""What a card can do less than the standard allows: the knobs by which simulated cards differ as real ones do."""

from dataclasses import dataclass

from hw.sim.card.apdu import EXTENDED_ANSWER_SIZE


@dataclass(frozen=True)
class CardLimits:
    """`takes_extended` length fields; at most `max_answer` bytes in one answer; `is_t0`, the older protocol.

    With T=0 a command that carries data is answered by 61xx and its answer fetched by GET RESPONSE, and a wrong Le by
    6Cxx (ISO/IEC 7816-3, 12.2).
    """

    takes_extended: bool = True
    max_answer: int = EXTENDED_ANSWER_SIZE
    is_t0: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.max_answer <= EXTENDED_ANSWER_SIZE:
            raise ValueError("an answer is 1 to 65536 bytes long")


UNLIMITED = CardLimits()
SHORT_LENGTH = CardLimits(takes_extended=False)
T0 = CardLimits(takes_extended=False, is_t0=True)

"""Seeded design errors in pairs: what the product prevents in two ways, with both of them taken away.

Alone, the one error does no harm (the arguments in `tests.crash.mutations` say why), or a table or a desk refuses it.
Without that second barrier a rule about the world has to find it: so the arguments are true, and the rules bite.
"""

from tests.crash.mutation import Mutation, Rewrite
from tests.crash.mutations import MUTATIONS

_TABLE = Rewrite(
    "kiosk.model.transition:next_stage",
    "raise TransitionRefused(cell) from None",
    "return AFTER_ACT.get(event, stage)",
)
"""Steps are done in whatever order they are asked for."""

_DESK = Rewrite(
    "kiosk.counter.card_desk:CardDesk._refuse_unless_authorised",
    "terms.card_number != challenge.card_number",
    "False",
)
"""The clerk's station gives keys for any card."""

_CARD = Rewrite("kiosk.issuance.issue:_check_eligibility", "raise case.refuse(CARD_OF_ANOTHER)", "pass")
"""The terminal does not look whether his card holds a valid certificate."""

_BOOKS = "kiosk.authority.embedded.store:Books"
_PROSPECT = Rewrite(f"{_BOOKS}.has_live_certificate", "return any(", "return False and any(")
"""The authority does not look whether the key that is to be replaced is certified."""

_PERSON = (
    Rewrite(f"{_BOOKS}.live_certificate", "return next(", "return None and next("),
    Rewrite(f"{_BOOKS}.has_other_good", "return any(", "return False and any("),
)
"""The authority does not look whether the resident has a certificate: neither when it issues nor when it confirms."""

_COUNT = Rewrite(
    "kiosk.issuance.roll_back:_refund",
    "if rest_yen := _count(case, fee.fee_yen, station, persons):",
    "if rest_yen := intent.amount_yen:",
)
"""What lies in the till is not counted before a refund is given again."""

_FOUND = Rewrite(
    "kiosk.issuance.roll_back:_refund",
    "if fee is None or not fee.fee_yen:",
    "if fee is None or not fee.fee_yen or case.outcome_of(FEE) is None:",
)
"""What lies in the till without being journaled is not given back."""

_CARD_WRITE = "hw.card.jpki:JpkiSession._write_first_byte_last"
_TORN = (
    Rewrite(
        "kiosk.issuance.issue:write",
        "is_there = card.verified().read_certificate() == pending.certificate",
        "is_there = card.verified().read_certificate() is not None",
    ),
    Rewrite(_CARD_WRITE, "self._update(0, _NOTHING)", "pass"),
    Rewrite(_CARD_WRITE, "self._update_all(certificate, len(_SEQUENCE))", "self._update_all(certificate, 0)"),
    Rewrite("hw.card.jpki:JpkiSession._update_all", "size = self._port.limits.data", "size = 128"),
)
"""A write that was interrupted is taken for done when any certificate is there; one that was cut short is one.

It goes into the card in pieces, as into one that takes short commands only.
"""


def _without(name: str, second: str, catcher: str, *barriers: Rewrite) -> Mutation:
    error = next(mutation for mutation in MUTATIONS if mutation.name == name)
    return Mutation(f"{name}, and {second}", catcher, (*error.rewrites, *barriers))


_VALID = "a_valid_certificate_is_in_a_card_that_holds_its_key"
_TILL = "the_till_equals_the_journal"
_ANY_ORDER = "the table refuses nothing"
_ANY_CARD = "the clerk's station gives keys for any card"

PAIRS: tuple[Mutation, ...] = (
    # --- without the table
    _without("confirm comes before the fee", _ANY_ORDER, "a_new_valid_certificate_has_a_journaled_fee", _TABLE),
    _without("the fee comes before the delivery", _ANY_ORDER, "money_goes_in_only_after_delivery", _TABLE),
    _without("the receipt comes before the confirmation", _ANY_ORDER, "an_original_is_of_a_settled_fee", _TABLE),
    _without("the certificate is not read back", _ANY_ORDER, "money_goes_in_only_after_delivery", _TABLE),
    _without("neither written nor read back", _ANY_ORDER, _VALID, _TABLE),
    _without("a number is drawn when the key is made", _ANY_ORDER, "receipt_numbers_have_no_gap", _TABLE),
    _without("fee is done again though done", _ANY_ORDER, "every_application_has_ended", _TABLE),
    _without("receipt is done again though done", _ANY_ORDER, "every_application_has_ended", _TABLE),
    _without("trouble after the fee is rolled back", _ANY_ORDER, "receipt_numbers_have_no_gap", _TABLE),
    # --- without the keys' lying elsewhere
    _without("the card's number is not compared", _ANY_CARD, _VALID, _DESK),
    _without("a roll-back goes on without knowing its card", _ANY_CARD, _VALID, _DESK),
    # --- without the authority's own look
    _without(
        "a resident with a valid certificate may apply again",
        "nobody looks at the card or asks the authority",
        "a_resident_has_at_most_one_valid_certificate",
        _CARD,
        *_PERSON,
        _PROSPECT,
    ),
    _without("a card with another's valid certificate is taken", "the authority does not look", _VALID, _PROSPECT),
    # --- without the other count or comparison
    _without("refund is done again though done", "nobody counts", _TILL, _COUNT),
    _without("whoever stops paying gets nothing back", "nobody counts", _TILL, _FOUND),
    _without("a certificate is taken for written when any is there", "a torn one reads as one", _VALID, *_TORN),
)

"""The keys of a card's secure channel are replaced by the issuer's newest when the card comes to the counter.

Nobody has to call cards in for it: whoever holds the issuer's masters adds a generation, and from then on the answer to
a card's challenge, on a clerk's leave, carries what the card lacks. A card that leaves in between has keys of two
generations, and the issuer knows both.
"""

from kiosk.issuance.effect import Case, World
from kiosk.issuance.inserted_card import InsertedCard
from kiosk.issuance.steps import REPLACE_CARD_KEYS, CardKeysIntent, CardKeysReplaced


def renew_card_keys(case: Case, card: InsertedCard) -> CardKeysReplaced | None:
    """Brings the card to the issuer's newest keys; None where it has them.

    Asked after an interruption: the card, which tells the versions of its keys; what it still lacks comes again with
    the answer to its next challenge.
    """
    session = card.under_channel()
    if not card.key_replacements and case.intent_of(REPLACE_CARD_KEYS) is None:
        return None

    def replace(_: CardKeysIntent) -> CardKeysReplaced:
        while card.key_replacements:
            session.replace_channel_keys(card.key_replacements[0])
            card.key_replacements = card.key_replacements[1:]
        return CardKeysReplaced(session.key_versions())

    def look(_: CardKeysIntent) -> CardKeysReplaced | World:
        return World.NOT_HAPPENED if card.key_replacements else CardKeysReplaced(session.key_versions())

    return case.run(
        REPLACE_CARD_KEYS,
        prepare=lambda: CardKeysIntent(session.number(), session.key_versions()),
        perform=replace,
        inquire=look,
    )

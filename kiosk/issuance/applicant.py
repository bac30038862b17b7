"""What can stand against whoever applies, for an issuance or an unlocking: his characters, and his card's cases."""

from kiosk.issuance.effect import Case
from kiosk.issuance.station import Station
from kiosk.journal.records import CaseRecord
from kiosk.model.certificate import CertifiedItems, Uncertifiable, certify_items
from kiosk.model.eligibility import CARD_IN_USE, CHARACTER_UNCERTIFIABLE
from kiosk.model.resident import Resident
from kiosk.model.transition import Stage


def certified_items(case: Case, resident: Resident) -> CertifiedItems:
    """The resident's items as a certificate carries them. Raises `Refusal` when it cannot."""
    try:
        return certify_items(resident.items, resident.kana)
    except Uncertifiable:
        raise case.refuse(CHARACTER_UNCERTIFIABLE) from None


def closed_cases_on_card(case: Case, card_number: str, station: Station) -> list[CaseRecord]:
    """The issuances to this card that were closed. Raises `Refusal` while another case of the card is open."""
    others = station.journal.other_cases_with(station.card(card_number).hex(), case.record)
    if any(not other.stage.is_ended for other in others):
        raise case.refuse(CARD_IN_USE)
    return [other for other in others if other.stage is Stage.CLOSED]

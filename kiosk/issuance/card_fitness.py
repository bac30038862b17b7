"""Into which cards the policy lets a certificate."""

from hw.errors import CardUnsupported, Unsupported
from hw.ports import CardSession
from kiosk.issuance.failure import CardUnattested
from kiosk.model.policy import Policy


def refuse_unfit(session: CardSession, policy: Policy) -> None:
    """Raises `CardUnsupported` for a kind of card that the policy does not name, `CardUnattested` as it says."""
    if session.application not in policy.card_applications:
        raise CardUnsupported(
            f"policy {policy.name} issues into no {session.application} card", Unsupported.OTHER_POLICY
        )
    if policy.unattested_cards == "refused" and not session.attests():
        raise CardUnattested("the card cannot prove that it makes its keys itself")


def is_attesting(session: CardSession, policy: Policy) -> bool:
    """Whether the card's proof is to be had; where the policy demands one, a card without it fails at giving it."""
    return policy.unattested_cards == "refused" or session.attests()

"""The clerk's station answers a card's challenge: session keys for what a clerk authorised, and for nothing else.

The issuer's master keys never leave it. A terminal that was stolen, or that asks for another card, another case or
another purpose than the case has come to, gets none; neither does a challenge that was answered before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cryptography import x509

from hw.errors import Refused
from hw.ports import ChannelChallenge, ChannelKeys, ChannelPurpose, ManagementKeys, SessionKeys
from kiosk.authority.token_key import TokenUnusable
from kiosk.clock import Clock
from kiosk.counter.card_issuer import CardIssuer
from kiosk.counter.clerk_key import verify_authorisation
from kiosk.issuance.failure import IssuerKeysUnavailable
from kiosk.model.authorisation import Authorisation, AuthorisationInvalid, Operation
from kiosk.model.transition import Stage

OPEN_TO: Mapping[tuple[Operation, ChannelPurpose], tuple[Stage, ...]] = {
    ("issue", ChannelPurpose.ISSUE): (
        Stage.AUTHORISED,
        Stage.KEY_READY,
        Stage.REQUESTED,
        Stage.PENDING,
        Stage.WRITTEN,
        # The second certificate of a card that has two is written once the first is delivered.
        Stage.DELIVERED,
    ),
    ("issue", ChannelPurpose.ERASE): (Stage.ROLLING_BACK,),
    ("revoke", ChannelPurpose.ERASE): (Stage.REVOCATION_EFFECTED,),
    ("reset_password", ChannelPurpose.RESET): (Stage.UNLOCK_AUTHORISED,),
}
"""The stages of a case in which its card may be opened for a purpose, on an authorisation for an operation."""

_UNDER_A_FRESH_LEAVE = (Stage.AUTHORISED, Stage.UNLOCK_AUTHORISED)
"""In these the card has not been worked with yet on this leave, which must not have run out."""


@dataclass(frozen=True, repr=False)
class CardDesk:
    """Holds the issuer's keys for the cases of its town.

    `stage_of` reads a case's stage from the store by its pseudonym, None for an unknown one; `clerk_issuers` are
    the authority's own certificates, by which clerks' are signed.
    """

    issuer: CardIssuer
    clerk_issuers: Sequence[x509.Certificate]
    stage_of: Callable[[str], Stage | None]
    clock: Clock
    _answered: set[bytes] = field(default_factory=set)

    def keys(self, authorisation: Authorisation) -> ChannelKeys:
        """Who answers the challenges of the authorised card.

        It raises `Refused` where it does not, `IssuerKeysUnavailable` where it would, and the token cannot be used.
        """

        def answer(challenge: ChannelChallenge) -> SessionKeys | ManagementKeys:
            self._refuse_unless_authorised(authorisation, challenge)
            try:
                keys = self.issuer.session_keys(challenge)
            except TokenUnusable as error:
                raise IssuerKeysUnavailable(str(error)) from error
            self._answered.add(challenge.card_challenge)
            return keys

        return answer

    def _refuse_unless_authorised(self, authorisation: Authorisation, challenge: ChannelChallenge) -> None:
        try:
            terms = verify_authorisation(authorisation, self.clerk_issuers, self.clock())
        except AuthorisationInvalid as error:
            raise Refused(f"no session keys: {error}") from None
        if terms.card_number != challenge.card_number:
            raise Refused("no session keys: another card was authorised")
        stage = self.stage_of(terms.case)
        if stage not in OPEN_TO.get((terms.operation, challenge.purpose), ()):
            raise Refused(f"no session keys: a case that is {stage} does not {challenge.purpose}")
        # A clock that was put back makes no leave longer.
        if stage in _UNDER_A_FRESH_LEAVE and not terms.issued_at <= self.clock() < terms.expires_at:
            raise Refused("no session keys: the authorisation has expired")
        if challenge.card_challenge in self._answered:
            raise Refused("no session keys: this challenge was answered before")

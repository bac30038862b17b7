"""What is asked of the authority for a certificate, first and second alike: to certify a key, and to confirm.

A request carries the newest head of the journal, so that the authority becomes a witness of what it says up to there.
"""

from hw.ports import Attestation
from kiosk.authority.client import Message, PendingCertificate
from kiosk.authority.errors import AuthorityRejected
from kiosk.issuance.effect import Case, Effect, World
from kiosk.issuance.failure import CertificateLapsed
from kiosk.issuance.station import Station
from kiosk.issuance.steps import Confirmed
from kiosk.model.application import AuthorisedApplicant, KeyReady
from kiosk.model.certificate import CertificateState


def certify_message(request: bytes, authorised: AuthorisedApplicant, key: KeyReady, station: Station) -> Message:
    """The message that asks for a certificate: request, leave, the card's attestation and the head of the journal."""
    attestation = Attestation(key.attestation_nonce, key.attestation) if key.attestation else None
    head = station.journal.head().text.encode()
    return station.authority.certify_message(request, authorised.authorisation, attestation, head)


def confirm_pending(
    case: Case, effect: Effect[Message, Confirmed], pending: PendingCertificate, station: Station
) -> Confirmed:
    """The authority makes the certificate valid. Asked after an interruption: its status service.

    Raises `CertificateLapsed` when it is no longer pending, so that the fee is repaid.
    """

    def send(message: Message) -> Confirmed:
        try:
            station.authority.confirm(message.der)
        except AuthorityRejected:
            # It will not confirm; unless it has done so before, the payer gets his money back.
            if isinstance(ask(message), World):
                raise CertificateLapsed("the authority does not confirm the certificate") from None
        return Confirmed(pending.serial)

    def ask(_: Message) -> Confirmed | World:
        match station.authority.status(pending.certificate, station.issuer).state:
            case CertificateState.GOOD:
                return Confirmed(pending.serial)
            case CertificateState.PENDING:
                return World.NOT_HAPPENED
            case _:
                raise CertificateLapsed("the certificate is no longer pending")

    return case.run(effect, prepare=lambda: station.authority.confirm_message(pending), perform=send, inquire=ask)

"""What is asked of the authority for a certificate, first and second alike: to certify a key, and to confirm.

A request carries the newest head of the journal, so that the authority becomes a witness of what it says up to there.
What comes is compared with the policy profile before anything is written: the authority may be another maker's.
"""

import datetime

from cryptography import x509

from hw.ports import Attestation
from kiosk.authority.client import Message, PendingCertificate
from kiosk.authority.errors import AuthorityOutcomeUnknown, AuthorityRejected, CertificateUnacceptable
from kiosk.authority.issuer import is_issued_by
from kiosk.authority.profile import policy_oid, usage, validity_end
from kiosk.authority.training import is_training
from kiosk.authority.verification import asserted_policies
from kiosk.issuance.effect import Case, Effect, World
from kiosk.issuance.failure import CertificateLapsed
from kiosk.issuance.station import Station
from kiosk.issuance.steps import Confirmed
from kiosk.model.application import AuthorisedApplicant, KeyReady
from kiosk.model.certificate import CertificateState
from kiosk.model.policy import CertificateRules, PasswordKind

_TOLERANCE = datetime.timedelta(days=3)
"""A year counted as 365 days, and an end at the hour of issue, stay within it in up to five years."""
_DAY = datetime.timedelta(days=1)


def certify_message(request: bytes, authorised: AuthorisedApplicant, key: KeyReady, station: Station) -> Message:
    """The message that asks for a certificate: request, leave, the card's attestation and the head of the journal."""
    attestation = Attestation(key.attestation_nonce, key.attestation) if key.attestation else None
    head = station.journal.head().text.encode()
    return station.authority.certify_message(request, authorised.authorisation, attestation, head)


def refuse_unlike_policy(
    pending: PendingCertificate,
    kind: PasswordKind,
    authorised: AuthorisedApplicant,
    station: Station,
    first: PendingCertificate | None = None,
) -> None:
    """Raises `CertificateUnacceptable` for another key usage, policy or validity than the profile has for this kind.

    Key and items the client has compared with the request. `first` is the certificate beside which this is the second;
    it may end with that. The certificate is in the journal by now, so that giving it up asks nobody for it.
    """
    rules = next(rules for rules in station.policy.certificates if rules.kind == kind)
    certificate = x509.load_der_x509_certificate(pending.certificate)
    issuer = x509.load_der_x509_certificate(pending.chain[0])
    oid = policy_oid(rules, is_training(issuer, station.policy))
    birth = authorised.identified.eligible.items.birth
    ends = _ends(rules, birth, pending) + ([first.not_after] if first else [])
    earliest = authorised.authorisation.terms.issued_at - _TOLERANCE
    if usage(*rules.key_usage) not in [extension.value for extension in certificate.extensions]:
        raise CertificateUnacceptable(pending.certificate, "its key usage is not the one that was asked for")
    if oid not in asserted_policies(certificate):
        raise CertificateUnacceptable(pending.certificate, f"it does not assert the certificate policy {oid}")
    if pending.not_before < earliest or all(abs(pending.not_after - end) > _TOLERANCE for end in ends):
        raise CertificateUnacceptable(
            pending.certificate, f"it is valid from {pending.not_before} to {pending.not_after}"
        )


def _ends(rules: CertificateRules, birth: str, pending: PendingCertificate) -> list[datetime.datetime]:
    """When such a certificate may end, its issuer's own end being the last; around a birthday there are two answers."""
    issuer = x509.load_der_x509_certificate(pending.chain[0])
    starts = (pending.not_before - _DAY, pending.not_before, pending.not_before + _DAY)
    ends = [validity_end(rules, birth, start) for start in starts]
    if not is_issued_by(issuer, issuer):
        # A link from an older generation ends with that, and not with the issuer.
        return ends
    return [min(end, issuer.not_valid_after_utc) for end in ends]


def confirm_pending(
    case: Case, effect: Effect[Message, Confirmed], pending: PendingCertificate, station: Station
) -> Confirmed:
    """The authority makes the certificate valid. Asked after an interruption: its status service.

    Raises `CertificateLapsed` when it is revoked, or pending and the confirmation refused: the roll-back that follows
    sees it revoked before the fee is repaid.
    """

    def send(message: Message) -> Confirmed:
        try:
            station.authority.confirm(message.der)
        except AuthorityRejected:
            # It will not confirm, unless it has done so before.
            if isinstance(ask(message), World):
                raise CertificateLapsed("the authority does not confirm the certificate") from None
        return Confirmed(pending.serial)

    def ask(_: Message) -> Confirmed | World:
        state = station.authority.status(pending.certificate).state
        if state is CertificateState.GOOD:
            return Confirmed(pending.serial)
        if state is CertificateState.PENDING:
            return World.NOT_HAPPENED
        if state is CertificateState.REVOKED:
            raise CertificateLapsed("the certificate is no longer pending")
        # An authority that has lost it, or has not told its responder yet, may still say that it is good.
        raise AuthorityOutcomeUnknown("the status service does not know the certificate")

    return case.run(effect, prepare=lambda: station.authority.confirm_message(pending), perform=send, inquire=ask)

"""The way of work with an authority that has no pending state: what it issues is held at once, and released later.

Between the authority's issuing and its answer to the hold the certificate is valid although nothing is settled: one
round trip. An authority that cannot hold is of no use here; its certificate is refused, and revoked by whoever asked.
"""

from cryptography.x509 import load_der_x509_certificate

from kiosk.authority import asn1
from kiosk.authority.client import AuthorityClient, CertificateId, Message, PendingCertificate, after_it_was_heard
from kiosk.authority.errors import AuthorityOutcomeUnknown, AuthorityRejected, CertificateUnacceptable
from kiosk.model.certificate import CertificateState, RevocationReason

_DONE_BEFORE = ("certRevoked", "badCertId", "badRequest")
"""What an authority may answer to a release or a hold that was obeyed before, when its answer did not reach us."""


class HoldingClient(AuthorityClient):
    """An `AuthorityClient` for an authority whose certificates are good as soon as they are issued."""

    def certify(self, der: bytes) -> PendingCertificate:
        """As the plain client; the certificate is on hold when this returns.

        Raises `CertificateUnacceptable` when the authority does not hold it.
        """
        pending = super().certify(der)
        with after_it_was_heard():
            return self._held(pending)

    def _held(self, pending: PendingCertificate) -> PendingCertificate:
        issuer = pending.chain[0]
        if self.status(pending.certificate, issuer).state is CertificateState.PENDING:
            return pending
        try:
            self.revoke(self.revoke_message(pending.certificate, RevocationReason.CERTIFICATE_HOLD).der)
        except AuthorityRejected as rejected:
            if rejected.fail_info not in _DONE_BEFORE:
                raise CertificateUnacceptable(
                    pending.certificate, f"the authority does not hold it: {rejected.text or rejected.fail_info}"
                ) from rejected
        if self.status(pending.certificate, issuer).state is not CertificateState.PENDING:
            raise CertificateUnacceptable(pending.certificate, "the authority says that it holds it, and does not")
        return pending

    def confirm_message(self, pending: PendingCertificate) -> Message:
        """The `certConf`, and the `rr` that releases the certificate after it, in one piece to be stored."""
        confirmation = super().confirm_message(pending)
        issuer, serial = _issuer_of(pending), int(pending.serial, 16)
        release = self.release_message(CertificateId(issuer, serial))
        return Message(confirmation.transaction_id, asn1.sequence_of([confirmation.der, release.der]))

    def confirm(self, der: bytes) -> None:
        """Sends both. An authority that keeps no track of confirmations may refuse the first one a second time."""
        confirmation, release = (asn1.encode(part) for part in asn1.elements(der))
        try:
            super().confirm(confirmation)
        except AuthorityRejected as rejected:
            if rejected.fail_info not in _DONE_BEFORE:
                raise
        try:
            self.revoke(release)
        except AuthorityRejected as rejected:
            # Released before, perhaps; whether it is good only the status service tells.
            raise AuthorityOutcomeUnknown(
                f"the release was refused: {rejected.fail_info} {rejected.text}"
            ) from rejected


def _issuer_of(pending: PendingCertificate) -> bytes:
    return load_der_x509_certificate(pending.certificate).issuer.public_bytes()

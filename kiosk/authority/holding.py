"""The way of work with an authority that has no pending state: what it issues is held at once, and released later.

Between the authority's issuing and its answer to the hold the certificate is valid although nothing is settled: one
round trip. An authority that cannot hold is of no use here; its certificate is refused, and revoked by whoever asked.
With an authority that holds by itself it works too, and asks the status service twice more.
"""

from cryptography.x509 import load_der_x509_certificate

from kiosk.authority import asn1
from kiosk.authority.client import AuthorityClient, CertificateId, Message, PendingCertificate, after_it_was_heard
from kiosk.authority.errors import AuthorityOutcomeUnknown, AuthorityRejected, CertificateUnacceptable
from kiosk.authority.message import BodyKind
from kiosk.model.certificate import CertificateState, RevocationReason

_DONE_BEFORE = ("certRevoked", "badCertId", "badRequest")
"""What an authority may answer to a release or a hold that was obeyed before, when its answer did not reach us."""


class HoldingClient(AuthorityClient):
    """An `AuthorityClient` for an authority whose certificates are good as soon as they are issued.

    `certify` and `confirm` ask up to four questions each, every one bounded by `timeout_s`.
    """

    def certify(self, der: bytes) -> PendingCertificate:
        """As the plain client; the certificate is on hold when this returns.

        Raises `CertificateUnacceptable` when the authority does not hold it.
        """
        pending = super().certify(der)
        with after_it_was_heard():
            self._hold(pending)
        return pending

    def certify_own(self, der: bytes) -> tuple[PendingCertificate, bool]:
        """The same for a `cr` in this station's own name; also whether the authority held it by itself."""
        pending = self._enrol(der, BodyKind.CP)
        with after_it_was_heard():
            return pending, self._hold(pending)

    def _hold(self, pending: PendingCertificate) -> bool:
        """Sees to it that the certificate is on hold; whether it was already."""
        issuer = pending.chain[0]
        if self.status(pending.certificate, issuer).state is CertificateState.PENDING:
            return True
        try:
            self.revoke(self.revoke_message(pending.certificate, RevocationReason.CERTIFICATE_HOLD).der)
        except AuthorityRejected as rejected:
            if rejected.fail_info not in _DONE_BEFORE:
                raise CertificateUnacceptable(
                    pending.certificate, f"the authority does not hold it: {rejected.text or rejected.fail_info}"
                ) from rejected
        if self.status(pending.certificate, issuer).state is not CertificateState.PENDING:
            raise CertificateUnacceptable(pending.certificate, "the authority says that it holds it, and does not")
        return False

    def confirm_message(self, pending: PendingCertificate) -> Message:
        """The `certConf`, the `rr` that releases the certificate after it, and the certificate with its issuer.

        In one piece to be stored.
        """
        confirmation = super().confirm_message(pending)
        certificate = load_der_x509_certificate(pending.certificate)
        release = self.release_message(CertificateId(certificate.issuer.public_bytes(), certificate.serial_number))
        parts = [confirmation.der, release.der, pending.certificate, pending.chain[0]]
        return Message(confirmation.transaction_id, asn1.sequence_of(parts))

    def confirm(self, der: bytes) -> None:
        """Sends the first, and the second where the certificate is still on hold after it.

        An authority that keeps no track of confirmations may refuse the first one a second time.
        """
        confirmation, release, certificate, issuer = (asn1.encode(part) for part in asn1.elements(der))
        try:
            super().confirm(confirmation)
        except AuthorityRejected as rejected:
            if rejected.fail_info not in _DONE_BEFORE:
                raise
        with after_it_was_heard():
            if self.status(certificate, issuer).state is CertificateState.GOOD:
                return
            try:
                self.revoke(release)
            except AuthorityRejected as rejected:
                # Released before, perhaps; whether it is good only the status service tells.
                raise AuthorityOutcomeUnknown(
                    f"the release was refused: {rejected.fail_info} {rejected.text}"
                ) from rejected

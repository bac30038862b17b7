"""What a resident may do at the counter with the certificate in his card: look at it, and try it out.

Nothing here changes a card, a certificate or the journal. Trying out is the agency's own verdict on a sample that the
card has really signed, so that a changed character is refused for the reason for which it would be refused later.
"""

from cryptography import x509

from hw.card.key import CardKey
from hw.errors import CardAbsent, DeviceError, PinLocked, PinRefused
from hw.ports import CardSession
from kiosk.authority.errors import AuthorityError
from kiosk.authority.verification import StatusUndecidable, certified_items, load_certificate
from kiosk.clock import JAPAN
from kiosk.eapply.sign import sign_cms
from kiosk.eapply.verify import Outcome, verify
from kiosk.issuance.station import Station
from kiosk.model.certificate import CertificateStatus, serial_text
from kiosk.ui.counter import CannotSign, Judgement, OwnCertificate


class StationCardServices:
    """`kiosk.ui.counter.CardServices` at a station's reader."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._issuer = x509.load_der_x509_certificate(station.issuer)
        self._signature = b""

    def own_certificate(self) -> OwnCertificate | None:
        """Reads the certificate, which needs no password, and asks the authority about it."""
        try:
            with self._station.reader.session() as card:
                der, attempts = card.read_certificate(), card.pin_status().attempts_remaining
        except CardAbsent as error:
            raise CannotSign("no_card") from error
        except DeviceError as error:
            raise CannotSign("trouble") from error
        if der is None:
            return None
        try:
            certificate = load_certificate(der)
            items = certified_items(certificate)
        except ValueError as error:
            raise CannotSign("trouble") from error
        return OwnCertificate(
            name=items.name if items else "",
            address=items.address if items else "",
            valid_from=certificate.not_valid_before_utc.astimezone(JAPAN).date(),
            valid_until=certificate.not_valid_after_utc.astimezone(JAPAN).date(),
            serial=serial_text(certificate.serial_number),
            state=self._state(der),
            attempts=attempts,
        )

    def _state(self, der: bytes) -> str:
        try:
            return self._station.authority.status(der, self._station.issuer).state.value
        except (AuthorityError, StatusUndecidable):
            return "unreachable"

    def sign(self, document: str, password: bytearray) -> None:
        """Signs with the card, once."""
        try:
            with self._station.reader.session() as card:
                self._signature = _sign(card, document.encode(), password)
        except CardAbsent as error:
            raise CannotSign("no_card") from error
        except PinLocked as error:
            raise CannotSign("locked") from error
        except PinRefused as error:
            raise CannotSign("wrong", error.attempts_remaining) from error
        except DeviceError as error:
            raise CannotSign("trouble") from error

    def judge(self, document: str, name: str) -> Judgement:
        """The agency's verdict; only this station's own authority is trusted."""
        verdict = verify(
            document.encode(), self._signature, (self._issuer,), self._station.clock(), self._status_of, name
        )
        findings = tuple((finding.check, finding.outcome.value) for finding in verdict.findings)
        return Judgement(verdict.outcome is Outcome.ACCEPTED, findings)

    def _status_of(self, certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateStatus:
        from cryptography.hazmat.primitives.serialization import Encoding

        return self._station.authority.status(certificate.public_bytes(Encoding.DER), issuer.public_bytes(Encoding.DER))


def _sign(card: CardSession, content: bytes, password: bytearray) -> bytes:
    public_key, certificate = card.public_key(), card.read_certificate()
    if public_key is None or certificate is None or not card.pin_status().is_set:
        raise CannotSign("empty")
    card.verify_pin(password)
    key = CardKey(card, public_key)
    return sign_cms(content, x509.load_der_x509_certificate(certificate), key, is_detached=True)

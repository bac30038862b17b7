"""What a resident may do at the counter with the certificate in his card: look at it, and try it out.

Nothing here changes a card, a certificate or the journal. Trying out is the agency's own verdict on a sample that the
card has really signed, so that a changed character is refused for the reason for which it would be refused later.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hw.card.key import CardKey
from hw.errors import CardAbsent, CardRemoved, DeviceError, PinLocked, PinRefused
from hw.ports import CardSession
from kiosk.authority.errors import AuthorityError
from kiosk.authority.verification import StatusUndecidable, certified_items, load_certificate
from kiosk.clock import JAPAN
from kiosk.eapply.sign import sign_cms
from kiosk.eapply.verify import Outcome, verify
from kiosk.issuance.station import Station
from kiosk.model.certificate import CertificateStatus, serial_text
from kiosk.ui.card_services import CardUnusable, Judgement, OwnCertificate


class StationCardServices:
    """`kiosk.ui.card_services.CardServices` at a station's reader."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._signature = b""

    def attempts(self) -> int:
        """What the card itself says."""
        with self._card() as card:
            status = card.pin_status()
        if not status.is_set:
            raise CardUnusable("empty")
        return status.attempts_remaining

    def own_certificate(self, password: bytearray, sample: Callable[[str], str] | None = None) -> OwnCertificate:
        """Reads the certificate, signs the sample with its key, and asks the authority about it."""
        with self._card() as card:
            card.verify_pin(password)
            der, public_key = card.read_certificate(), card.public_key()
            if der is None or public_key is None:
                raise CardUnusable("empty")
            try:
                certificate = load_certificate(der)
                items = certified_items(certificate)
                valid_from, valid_until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
            except ValueError as error:
                raise CardUnusable("trouble") from error
            name = items.name if items else ""
            if sample is not None:
                key = CardKey(card, public_key)
                self._signature = sign_cms(sample(name).encode(), certificate, key, is_detached=True)
        return OwnCertificate(
            name=name,
            address=items.address if items else "",
            valid_from=valid_from.astimezone(JAPAN).date(),
            valid_until=valid_until.astimezone(JAPAN).date(),
            serial=serial_text(certificate.serial_number),
            state=self._state(der),
        )

    @contextmanager
    def _card(self) -> Iterator[CardSession]:
        """The card in the terminal's reader; its troubles as `CardUnusable`."""
        try:
            with self._station.reader.session() as card:
                yield card
        except (CardAbsent, CardRemoved) as error:
            raise CardUnusable("no_card") from error
        except PinLocked as error:
            raise CardUnusable("locked") from error
        except PinRefused as error:
            raise CardUnusable("wrong", error.attempts_remaining) from error
        except DeviceError as error:
            raise CardUnusable("trouble") from error

    def _state(self, der: bytes) -> str:
        try:
            return self._station.authority.status(der).state.value
        except (AuthorityError, StatusUndecidable):
            return "unreachable"

    def judge(self, document: str, name: str) -> Judgement:
        """The agency's verdict; only this station's own authority is trusted."""
        verdict = verify(
            document.encode(),
            self._signature,
            self._station.generations,
            self._station.policy.signature_policies,
            self._station.clock(),
            self._status_of,
            name,
        )
        findings = tuple((finding.check, finding.outcome.value) for finding in verdict.findings)
        return Judgement(verdict.outcome is Outcome.ACCEPTED, findings)

    def _status_of(self, certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateStatus:
        return self._station.authority.status(certificate.public_bytes(Encoding.DER), issuer.public_bytes(Encoding.DER))

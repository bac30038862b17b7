"""The second certificate of a card with two keys (利用者証明用), issued beside the first in the same case.

On the same leave, under the same fee: `kiosk.issuance.issue` calls in here where the first certificate has come as far.
Its key is made before the card is handed in, both certificates are delivered before anybody pays, and this one becomes
valid before the first: until then everything can be taken back.
"""

import hashlib

from hw.ports import KeyUse
from kiosk.authority.client import Message, PendingCertificate
from kiosk.issuance.card_key import (
    attested_key,
    digest_info,
    key_hash,
    load_public_key,
    password_policy,
    prove_delivery,
    refuse_another_key,
)
from kiosk.issuance.certification import certify_message, confirm_pending, refuse_unlike_policy
from kiosk.issuance.effect import Case, World, outcome_in
from kiosk.issuance.inserted_card import InsertedCard
from kiosk.issuance.leave import refuse_unless_issuing
from kiosk.issuance.persons import Persons
from kiosk.issuance.station import Station
from kiosk.issuance.steps import (
    CERTIFY,
    SECOND_CERTIFY,
    SECOND_CONFIRM,
    SECOND_KEY,
    SECOND_READ_BACK,
    SECOND_REQUEST,
    SECOND_WRITE,
    KeyIntent,
    WriteIntent,
    Written,
)
from kiosk.journal.journal import Journal
from kiosk.journal.records import CaseRecord
from kiosk.model.application import AuthorisedApplicant, KeyReady
from kiosk.model.secret import wipe
from kiosk.model.transition import Stage

_USE = KeyUse.AUTHENTICATION


def second_certificate_of(record: CaseRecord, journal: Journal) -> PendingCertificate | None:
    """The second certificate of a case, None when it has none."""
    return outcome_in(journal.effect(record, SECOND_CERTIFY.step), SECOND_CERTIFY)


def make_key(
    case: Case, card: InsertedCard, authorised: AuthorisedApplicant, station: Station, persons: Persons
) -> KeyReady | None:
    """The resident chooses the other password and makes the other key, which signs its own request.

    None where the policy or the card has no second certificate. Asked after an interruption: as for the first key.
    """
    if case.record.stage is not Stage.REQUESTED:
        return case.outcome_of(SECOND_KEY)
    if all(rules.kind != _USE for rules in station.policy.certificates) or _USE not in card.session().uses():
        return None
    terms = authorised.authorisation.terms

    def look_at_card() -> KeyIntent:
        refuse_unless_issuing(case.record.pseudonym, authorised, station)
        before = key_hash(card.under_channel().public_key(_USE))
        station.authority.check_prospect(authorised.authorisation, bytes.fromhex(before))
        return KeyIntent(terms.card_number, before)

    def make(_: KeyIntent) -> KeyReady:
        session = card.under_channel()
        if session.has_own_pin(_USE):
            rules = password_policy(station.policy.passwords["authentication"], session.pin_policy(_USE))
            password = persons.resident.choose_authentication_password(rules)
            try:
                session.set_pin(password, _USE)
                session.verify_pin(password, _USE)
            finally:
                wipe(password)
            card.note_verified(_USE)
        card.verified(_USE)
        made = session.generate_key(_USE)
        refuse_another_key(made, shown := session.public_key(_USE))
        return attested_key(session, shown, terms.nonce, station.policy)

    def look_again(intent: KeyIntent) -> KeyReady | World:
        refuse_unless_issuing(case.record.pseudonym, authorised, station)
        session = card.under_channel()
        key = session.public_key(_USE)
        if key is None or key_hash(key) == intent.key_before:
            return World.NOT_HAPPENED
        return attested_key(session, key, terms.nonce, station.policy)

    key = case.run(SECOND_KEY, prepare=look_at_card, perform=make, inquire=look_again)
    case.note(SECOND_REQUEST, lambda: _request(card, key, station))
    return key


def _request(card: InsertedCard, key: KeyReady, station: Station) -> bytes:
    """This certificate carries no personal data (the policy's rules for it say so too)."""

    def sign(tbs: bytes) -> bytes:
        return card.verified(_USE).sign(digest_info(tbs), _USE)

    return station.authority.certification_request(load_public_key(key), None, _USE.value, sign)


def deliver(
    case: Case, card: InsertedCard, authorised: AuthorisedApplicant, key: KeyReady, station: Station
) -> PendingCertificate:
    """Certified, written, read back and proven, each asked after an interruption as for the first certificate."""
    pending = _certify(case, authorised, key, station)
    certificate_hash = hashlib.sha256(pending.certificate).hexdigest()

    def write(_: WriteIntent) -> Written:
        card.under_channel().write_certificate(pending.certificate, _USE)
        return Written(certificate_hash)

    def compare(_: WriteIntent) -> Written | World:
        is_there = card.session().read_certificate(_USE) == pending.certificate
        return Written(certificate_hash) if is_there else World.NOT_HAPPENED

    case.run(SECOND_WRITE, prepare=lambda: WriteIntent(certificate_hash), perform=write, inquire=compare)
    case.note(SECOND_READ_BACK, lambda: prove_delivery(card.verified(_USE), pending.certificate, _USE))
    return pending


def _certify(case: Case, authorised: AuthorisedApplicant, key: KeyReady, station: Station) -> PendingCertificate:
    def message() -> Message:
        request = case.outcome_of(SECOND_REQUEST)
        assert request is not None, "a second key comes with its request"
        return certify_message(request, authorised, key, station)

    def send(stored: Message) -> PendingCertificate:
        return station.authority.certify(stored.der)

    pending = case.run(SECOND_CERTIFY, prepare=message, perform=send, inquire=send)
    if not case.was_begun(SECOND_WRITE.step):
        refuse_unlike_policy(pending, "authentication", authorised, station, case.outcome_of(CERTIFY))
    return pending


def confirm(case: Case, station: Station) -> None:
    """The second certificate, if there is one, becomes valid. Raises `CertificateLapsed` as for the first."""
    pending = case.outcome_of(SECOND_CERTIFY)
    if pending is None or case.record.stage is not Stage.SETTLED:
        return

    confirm_pending(case, SECOND_CONFIRM, pending, station)

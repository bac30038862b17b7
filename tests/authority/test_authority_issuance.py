"""The life of a resident's certificate at the authority: pending, good, revoked, and once only."""

import dataclasses
import datetime
from pathlib import Path

import msgspec
import pytest
from authority_desk import ITEMS, PERSON, START, Desk, load, make_authority, make_desk
from cryptography.hazmat.primitives.asymmetric import rsa

from kiosk.authority.client import CertificateId, PendingCertificate
from kiosk.authority.errors import AuthorityRejected
from kiosk.model.certificate import RevocationReason


def test_a_certificate_is_on_hold_until_it_is_confirmed(desk: Desk) -> None:
    pending = desk.certify()
    assert desk.state(pending) == ("pending", "certificateHold")
    desk.client.confirm(desk.client.confirm_message(pending).der)
    assert desk.state(pending) == ("good", None)


def test_the_pending_certificate_says_how_long_it_may_wait(desk: Desk) -> None:
    pending = desk.certify()
    assert pending.confirm_before == START + datetime.timedelta(hours=24)
    assert pending.serial == f"{load(pending).serial_number:032X}"[-len(pending.serial) :]
    assert pending.chain == (desk.issuer_der,)


def test_a_pending_certificate_survives_as_json(desk: Desk) -> None:
    pending = desk.certify()
    assert msgspec.json.decode(msgspec.json.encode(pending), type=PendingCertificate) == pending


def test_a_declined_certificate_is_revoked(desk: Desk) -> None:
    pending = desk.certify()
    desk.client.reject(desk.client.reject_message(pending, "not what I asked for").der)
    assert desk.state(pending) == ("revoked", "cessationOfOperation")


def test_a_certificate_that_nobody_confirms_in_time_is_revoked(desk: Desk) -> None:
    pending = desk.certify()
    confirmation = desk.client.confirm_message(pending).der
    desk.clock.advance(hours=24)
    assert desk.state(pending) == ("revoked", "cessationOfOperation")
    with pytest.raises(AuthorityRejected, match="certRevoked"):
        desk.client.confirm(confirmation)


def test_a_confirmation_made_before_a_long_interruption_still_counts(desk: Desk) -> None:
    pending = desk.certify()
    confirmation = desk.client.confirm_message(pending).der
    desk.clock.advance(hours=23)
    desk.client.confirm(confirmation)
    assert desk.state(pending) == ("good", None)


def test_the_confirmation_of_another_certificate_revokes(desk: Desk, keys: list[rsa.RSAPrivateKey]) -> None:
    pending = desk.certify()
    other = desk.certify(key=keys[1], terms=desk.terms(person=bytes(32)))
    confused = dataclasses.replace(pending, certificate=other.certificate)
    with pytest.raises(AuthorityRejected, match="badCertId"):
        desk.client.confirm(desk.client.confirm_message(confused).der)
    assert desk.state(pending) == ("revoked", "cessationOfOperation")
    assert desk.state(other) == ("pending", "certificateHold")


@pytest.mark.parametrize("by_name_only", [False, True])
def test_a_revocation_keeps_its_reason(desk: Desk, by_name_only: bool) -> None:
    pending = desk.confirmed()
    certificate = load(pending)
    target = CertificateId(certificate.issuer.public_bytes(), certificate.serial_number)
    message = desk.client.revoke_message(
        target if by_name_only else pending.certificate, RevocationReason.KEY_COMPROMISE
    )
    desk.client.revoke(message.der)
    status = desk.client.status(pending.certificate, desk.issuer_der)
    assert (status.state, status.reason, status.revoked_at) == ("revoked", "keyCompromise", START)


def test_a_revoked_certificate_stays_revoked_for_its_first_reason(desk: Desk) -> None:
    pending = desk.confirmed()
    desk.client.revoke(desk.client.revoke_message(pending.certificate, RevocationReason.SUPERSEDED).der)
    with pytest.raises(AuthorityRejected, match="certRevoked"):
        desk.client.revoke(desk.client.revoke_message(pending.certificate, RevocationReason.KEY_COMPROMISE).der)
    assert desk.state(pending) == ("revoked", "superseded")


def test_a_revocation_may_arrive_late(desk: Desk) -> None:
    pending = desk.confirmed()
    message = desk.client.revoke_message(pending.certificate, RevocationReason.SUPERSEDED)
    desk.clock.advance(days=3)
    desk.client.revoke(message.der)
    assert desk.state(pending) == ("revoked", "superseded")


def test_a_pending_certificate_can_be_revoked(desk: Desk) -> None:
    pending = desk.certify()
    desk.client.revoke(desk.client.revoke_message(pending.certificate, RevocationReason.CESSATION_OF_OPERATION).der)
    assert desk.state(pending) == ("revoked", "cessationOfOperation")


def test_a_certificate_can_be_put_on_hold_and_then_revoked(desk: Desk) -> None:
    pending = desk.confirmed()
    desk.client.revoke(desk.client.revoke_message(pending.certificate, RevocationReason.CERTIFICATE_HOLD).der)
    assert desk.state(pending) == ("pending", "certificateHold")
    desk.client.revoke(desk.client.revoke_message(pending.certificate, RevocationReason.KEY_COMPROMISE).der)
    assert desk.state(pending) == ("revoked", "keyCompromise")


def test_the_same_bytes_give_the_same_certificate_also_after_a_restart(desk: Desk) -> None:
    message = desk.message()
    first = desk.client.certify(message.der)
    desk.reopen()
    # Long after the authorisation, and the message's own time, have run out.
    desk.clock.advance(hours=2)
    assert desk.client.certify(message.der) == first


def test_an_answer_that_was_committed_and_never_arrived_is_given_again(desk: Desk) -> None:
    message = desk.message()
    lost = desk.responder.respond(message.der)
    desk.reopen()
    assert desk.responder.respond(message.der) == lost


def test_the_same_confirmation_is_acknowledged_again(desk: Desk) -> None:
    pending = desk.certify()
    message = desk.client.confirm_message(pending)
    desk.client.confirm(message.der)
    desk.client.confirm(message.der)
    assert desk.responder.respond(message.der) == desk.responder.respond(message.der)


def test_another_confirmation_of_a_confirmed_certificate_is_no_trouble(desk: Desk) -> None:
    pending = desk.confirmed()
    desk.client.confirm(desk.client.confirm_message(pending).der)
    assert desk.state(pending) == ("good", None)


def test_a_revocation_sent_twice_is_answered_twice_the_same_way(desk: Desk) -> None:
    pending = desk.confirmed()
    message = desk.client.revoke_message(pending.certificate, RevocationReason.SUPERSEDED)
    desk.client.revoke(message.der)
    desk.client.revoke(message.der)


def test_a_refusal_is_answered_again_even_when_its_cause_is_gone(desk: Desk, keys: list[rsa.RSAPrivateKey]) -> None:
    first = desk.confirmed()
    message = desk.message(key=keys[1])
    with pytest.raises(AuthorityRejected):
        desk.client.certify(message.der)
    desk.client.revoke(desk.client.revoke_message(first.certificate, RevocationReason.SUPERSEDED).der)
    # Otherwise a message delayed on its way could issue what the station believes refused.
    with pytest.raises(AuthorityRejected):
        desk.client.certify(message.der)


@pytest.mark.parametrize("is_confirmed", [False, True])
def test_a_person_has_one_signature_certificate(desk: Desk, keys: list[rsa.RSAPrivateKey], is_confirmed: bool) -> None:
    if is_confirmed:
        desk.confirmed()
    else:
        desk.certify()
    with pytest.raises(AuthorityRejected) as refused:
        desk.certify(key=keys[1])
    assert (refused.value.fail_info, refused.value.text.partition(":")[0]) == ("duplicateCertReq", "E07")


def test_a_person_whose_certificate_is_revoked_gets_another(desk: Desk, keys: list[rsa.RSAPrivateKey]) -> None:
    first = desk.confirmed()
    desk.client.revoke(desk.client.revoke_message(first.certificate, RevocationReason.SUPERSEDED).der)
    desk.certify(key=keys[1])


def test_a_person_whose_certificate_has_lapsed_gets_another(desk: Desk, keys: list[rsa.RSAPrivateKey]) -> None:
    desk.certify()
    desk.clock.advance(hours=24)
    desk.certify(key=keys[1])


def test_a_person_whose_certificate_has_ended_gets_another(desk: Desk, keys: list[rsa.RSAPrivateKey]) -> None:
    first = desk.confirmed()
    desk.clock.now = first.not_after + datetime.timedelta(seconds=1)
    for who in (desk.station, desk.clerk):
        assert who.certificate.not_valid_after_utc < desk.clock.now
    with desk.authority.store.read(desk.authority.now()) as books:
        assert books.live_certificate(desk.authority.person(PERSON), "signature") is None
    desk.clock.now = first.not_after - datetime.timedelta(seconds=1)
    with desk.authority.store.read(desk.authority.now()) as books:
        assert books.live_certificate(desk.authority.person(PERSON), "signature") is not None


def test_a_key_is_certified_once(desk: Desk) -> None:
    first = desk.certify()
    desk.client.revoke(desk.client.revoke_message(first.certificate, RevocationReason.SUPERSEDED).der)
    with pytest.raises(AuthorityRejected) as refused:
        desk.certify(terms=desk.terms(person=bytes(32)))
    assert (refused.value.fail_info, refused.value.text.partition(":")[0]) == ("badCertTemplate", "E19")


def test_an_authorisation_is_good_for_one_certificate(desk: Desk, keys: list[rsa.RSAPrivateKey]) -> None:
    terms = desk.terms()
    first = desk.certify(terms=terms)
    desk.client.revoke(desk.client.revoke_message(first.certificate, RevocationReason.SUPERSEDED).der)
    with pytest.raises(AuthorityRejected, match=r"notAuthorized.*used before"):
        desk.certify(terms=terms, key=keys[1])


def test_one_authorisation_covers_both_certificates_of_a_card(tmp_path: Path, keys: list[rsa.RSAPrivateKey]) -> None:
    desk = make_desk(make_authority(tmp_path / "made", "myna-2016"), tmp_path / "authority", keys[0])
    terms = desk.terms()
    signature = desk.certify(terms=terms)
    authentication = desk.certify(terms=terms, key=keys[1], items=None, kind="authentication")
    assert authentication.not_after == signature.not_after
    # Born on 29 February: the fifth birthday after 1 April 2026, its last second in Japan.
    assert signature.not_after == datetime.datetime(2031, 2, 28, 14, 59, 59, tzinfo=datetime.UTC)


def test_the_books_do_not_tell_a_person_by_the_towns_id(desk: Desk) -> None:
    desk.certify()
    content = (desk.directory / "store.db").read_bytes()
    assert ITEMS.name.encode() in content, "the certificate itself is there"
    assert PERSON not in content

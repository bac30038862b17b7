"""A new key of the authority, as stations of before and after meet it: TLS, renewal, each other's word, the dates."""

from collections.abc import Callable
from pathlib import Path

import pytest
from authority_desk import URL, Desk, load
from ca_program import ca
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from test_authority_server import serving

from kiosk.authority.client import AuthorityClient, PendingCertificate
from kiosk.authority.credential import Credential, load_credential
from kiosk.authority.credential_renewal import renew_credential
from kiosk.authority.embedded.directory import add_relying_party, add_station
from kiosk.authority.embedded.generation import roll_over
from kiosk.authority.embedded.server import application
from kiosk.authority.profile import Profiles, authority_certificate, validity_end
from kiosk.authority.verification import PathInvalid, validate_path
from kiosk.clock import system_clock
from kiosk.counter.clerk_key import verify_authorisation
from kiosk.issuance.certification import _ends
from kiosk.model.authorisation import AuthorisationInvalid
from kiosk.model.certificate import CertificateState
from tests.asgi_line import AsgiLine


def roll(desk: Desk, days: float = 30) -> None:
    """The authority's key is renewed, so many days later, and its server started anew."""
    desk.clock.advance(days=days)
    roll_over(desk.directory, desk.authority, None)
    desk.authority.store.close()
    desk.reopen()


def renew(desk: Desk, name: str = "demo") -> Credential:
    """`kiosk ca renew` at a station, which trusts what its credential says."""
    line = AsgiLine(application(desk.authority))
    path = desk.directory / "stations" / f"{name}.pem"
    return renew_credential(path, lambda own: AuthorityClient(URL, own, own.chain, clock=desk.clock, line=line))


# --- over TLS


@pytest.mark.parametrize("times", [1, 2])
def test_a_station_of_before_reaches_the_authority_over_tls(tmp_path: Path, times: int) -> None:
    """So does the same station renewed, and one that was added since."""
    directory = tmp_path / "authority"
    assert ca("init", "--data", str(directory)).code == 0
    for _ in range(times):
        assert ca("rollover", "--data", str(directory)).code == 0
    assert ca("station", "later", "--data", str(directory)).code == 0
    demo = directory / "stations" / "demo.pem"
    with serving(directory, "--tls") as served:

        def reaches(station: Credential) -> bool:
            return AuthorityClient(served.url, station, station.chain, clock=system_clock).is_pending_known()

        assert reaches(load_credential(demo))
        assert reaches(load_credential(directory / "stations" / "later.pem"))
        renewed = renew_credential(demo, lambda own: AuthorityClient(served.url, own, own.chain, clock=system_clock))
        assert reaches(renewed)


# --- what a station knows


def test_a_renewed_station_knows_every_generation(desk: Desk) -> None:
    first = desk.station
    roll(desk)
    second = renew(desk)
    new, old = desk.authority.generations
    assert second.issuer == new and first.issuer == old
    assert set(second.chain) == {new, old, desk.authority.links[0]} and len(second.chain) == 3
    roll(desk)
    third = renew(desk)
    assert third.issuer == desk.authority.generations[0]
    assert set(desk.authority.generations) <= set(third.generations)
    assert len(set(third.chain)) == len(third.chain)


def test_a_station_that_was_renewed_late_knows_the_generation_in_between_too(
    desk: Desk, keys: list[rsa.RSAPrivateKey]
) -> None:
    roll(desk)
    in_between = load(desk.confirmed(key=keys[1]))
    roll(desk)
    renewed = renew(desk)
    assert validate_path(in_between, renewed.chain, desk.clock.now).chain[0].public_key() == (
        desk.authority.generations[1].public_key()
    )


def test_a_station_of_before_is_told_the_status_of_what_came_after(desk: Desk) -> None:
    """It names the generation that it knows; so it did before it could know another."""
    roll(desk)
    later = desk.confirmed()
    assert desk.client.status(later.certificate).state is CertificateState.GOOD


@pytest.mark.parametrize("add", [add_station, add_relying_party])
def test_who_is_added_after_a_rollover_knows_what_was_before(desk: Desk, add: Callable[..., Path]) -> None:
    before = load(desk.confirmed())
    roll(desk)
    roll(desk)
    added = load_credential(add(desk.directory, desk.authority, "later"))
    assert added.issuer == desk.authority.generations[0]
    assert set(added.chain) == {*desk.authority.generations, *desk.authority.links}
    assert validate_path(before, added.chain, desk.clock.now).chain == (desk.authority.generations[2],)


def test_a_residents_certificate_of_before_is_valid_for_a_renewed_station(desk: Desk) -> None:
    before = desk.confirmed()
    roll(desk)
    renewed = renew(desk)
    path = validate_path(load(before), renewed.chain, desk.clock.now)
    assert path.chain == (desk.authority.generations[1],)
    client = AuthorityClient(URL, renewed, renewed.chain, clock=desk.clock, line=AsgiLine(application(desk.authority)))
    assert client.status(before.certificate).state is CertificateState.GOOD


def test_a_path_over_links_ends_at_what_is_trusted(desk: Desk, keys: list[rsa.RSAPrivateKey]) -> None:
    roll(desk)
    roll(desk)
    pending = desk.confirmed(key=keys[1])
    (third, _, first), (second_to_third, _, first_to_second, _) = desk.authority.generations, desk.authority.links
    path = validate_path(load(pending), (first,), desk.clock.now, intermediates=(first_to_second, second_to_third))
    assert path.chain == (second_to_third, first_to_second, first)
    mixed = (second_to_third, third, first_to_second)
    assert validate_path(load(pending), (first,), desk.clock.now, intermediates=mixed).chain == (
        third,
        second_to_third,
        first_to_second,
        first,
    )
    with pytest.raises(PathInvalid):
        validate_path(load(pending), (first,), desk.clock.now, intermediates=(second_to_third, third))


# --- whose word counts


def test_a_clerks_leave_of_before_counts_at_a_renewed_station(desk: Desk) -> None:
    before = desk.station
    roll(desk)
    renewed = renew(desk)
    leave = desk.authorise(desk.terms())
    for station in (before, renewed):
        assert verify_authorisation(leave, station.generations, desk.clock.now).station == "demo"


def certified(desk: Desk, issuer: Credential, name: str = "demo") -> Credential:
    """A clerk whom this issuer has certified."""
    authority, key = desk.authority, ec.generate_private_key(ec.SECP256R1())
    profiles = Profiles(issuer, authority.policy, authority.town, is_training=True, base_url=URL)
    return Credential(key, profiles.clerk(name, key.public_key(), authority.new_serial(), desk.clock.now))


def test_a_clerk_of_after_counts_once_the_station_is_renewed(desk: Desk) -> None:
    before = desk.station
    roll(desk)
    leave = desk.authorise(desk.terms(), certified(desk, desk.authority.credential))
    with pytest.raises(AuthorisationInvalid, match="not signed by a clerk of this authority"):
        verify_authorisation(leave, before.generations, desk.clock.now)
    verify_authorisation(leave, renew(desk).generations, desk.clock.now)


def test_the_authoritys_name_alone_makes_nobody_its_generation(desk: Desk) -> None:
    """Neither a root of the same name with another key, nor a link that nobody trusted has signed."""
    roll(desk)
    authority, now = desk.authority, desk.clock.now
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = Credential(
        key, authority_certificate(key, authority.policy, authority.town, True, authority.new_serial(), now)
    )
    assert forged.certificate.subject == authority.credential.certificate.subject
    clerk = certified(desk, forged)
    renewed = renew(desk)
    with pytest.raises(AuthorisationInvalid, match="not signed by a clerk of this authority"):
        verify_authorisation(desk.authorise(desk.terms(), clerk), renewed.generations, now)
    with pytest.raises(PathInvalid):
        validate_path(clerk.certificate, renewed.chain, now, intermediates=(forged.certificate,))
    lone = Credential(clerk.key, clerk.certificate, renewed.chain)
    assert lone.issuer is None, "found by its key, not by its name"


def test_another_authority_above_is_no_generation(desk: Desk) -> None:
    """Of an authority below another one only its own people's word counts, not everybody's whom that one certified."""
    roll(desk)
    renewed = renew(desk)
    above = x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(x509.Name([]))
    key = ec.generate_private_key(ec.SECP256R1())
    root = (
        above.public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(desk.clock.now)
        .not_valid_after(desk.clock.now.replace(year=2040))
        .sign(key, load(desk.certify()).signature_hash_algorithm)
    )
    below = Credential(renewed.key, renewed.certificate, (*renewed.chain, root))
    assert root not in below.generations and below.generations == renewed.generations


def test_a_link_ends_with_the_old_key_and_not_what_the_new_one_issues(desk: Desk) -> None:
    """Known by a link alone, an issuer's own end is not known; known by its root, it is the last."""
    roll(desk, days=19 * 365)
    rules, now = desk.authority.policy.certificates[0], desk.clock.now
    (new, _), (link, _) = desk.authority.generations, desk.authority.links
    end = validity_end(rules, None, now)
    assert link.not_valid_after_utc < end < new.not_valid_after_utc
    for issuer in (link, new):
        chain = (issuer.public_bytes(Encoding.DER),)
        assert end in _ends(rules, "0" * 9, PendingCertificate(b"", b"", "", b"", chain, now, end, None))

"""The agency's verdict: what must be accepted is, and nothing else ever."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.authority.credential import load_credential
from kiosk.authority.errors import AuthorityUnreachable
from kiosk.eapply.name import NameMatch, match_name
from kiosk.eapply.sign import sign_cms
from kiosk.eapply.verify import Outcome, Verdict, verify
from kiosk.model.certificate import (
    CertificateState,
    CertificateStatus,
    CertifiedItems,
    RevocationReason,
)
from tests.counter_bench import START, World
from tests.eapply.conftest import CONTENT, GOOD, forged_like


def judge(
    world: World,
    content: bytes | None,
    signature: bytes,
    status: CertificateStatus | Exception = GOOD,
    at: datetime.datetime = START,
    name: str | None = None,
) -> Verdict:
    def status_of(certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateStatus:
        if isinstance(status, Exception):
            raise status
        return status

    policies = world.authority.policy.signature_policies
    return verify(content, signature, world.authority.generations, policies, at, status_of, name)


def test_a_valid_signature_is_accepted_beside_and_around_its_document(signed: tuple[World, bytes, bytes]) -> None:
    world, detached, enclosing = signed
    assert judge(world, CONTENT, detached, name="幌延 太郎").outcome is Outcome.ACCEPTED
    assert judge(world, None, enclosing).outcome is Outcome.ACCEPTED
    assert judge(world, CONTENT, enclosing).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (CertificateStatus(CertificateState.REVOKED, RevocationReason.KEY_COMPROMISE, START), Outcome.REJECTED),
        (CertificateStatus(CertificateState.PENDING), Outcome.REJECTED),
        (CertificateStatus(CertificateState.UNKNOWN), Outcome.REJECTED),
        (AuthorityUnreachable("no route"), Outcome.UNDECIDED),
    ],
)
def test_only_a_good_status_is_accepted(
    signed: tuple[World, bytes, bytes], status: CertificateStatus | Exception, outcome: Outcome
) -> None:
    assert judge(signed[0], CONTENT, signed[1], status).outcome is outcome


def test_another_document_is_rejected(signed: tuple[World, bytes, bytes]) -> None:
    world, detached, enclosing = signed
    for other in (CONTENT[:-1], CONTENT + b"\n", b"", CONTENT.replace(b"\n", b"\r\n")):
        assert judge(world, other, detached).outcome is Outcome.REJECTED
        assert judge(world, other, enclosing).outcome is Outcome.REJECTED
    assert judge(world, None, detached).outcome is Outcome.REJECTED


@pytest.mark.parametrize("years", [-1, 3.5])
def test_outside_its_validity_the_certificate_is_rejected(signed: tuple[World, bytes, bytes], years: float) -> None:
    at = START + datetime.timedelta(days=365 * years)
    assert judge(signed[0], CONTENT, signed[1], at=at).outcome is Outcome.REJECTED


def test_a_self_made_certificate_with_the_same_name_is_rejected(signed: tuple[World, bytes, bytes]) -> None:
    world, detached, _ = signed
    real = pkcs7.load_der_pkcs7_certificates(detached)[0]
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = forged_like(real, key)
    signature = sign_cms(CONTENT, forged, key, is_detached=True)
    verdict = judge(world, CONTENT, signature)
    assert [f.check for f in verdict.findings if f.outcome is Outcome.REJECTED] == ["path"]


def test_a_signature_that_says_it_is_of_another_kind_of_key_is_rejected(signed: tuple[World, bytes, bytes]) -> None:
    world, detached, _ = signed
    rsa_of_pkcs1 = bytes.fromhex("06092a864886f70d010101")
    place = detached.rindex(rsa_of_pkcs1)
    # The same length: ecdsa-with-SHA256 in a longer encoding is none, so another arc of nine bytes.
    for other in ("06092a864886f70d01010a", "06092b0e03020206020304", "060960864801650304030a"):
        changed = detached[:place] + bytes.fromhex(other) + detached[place + 11 :]
        assert judge(world, CONTENT, changed).outcome is Outcome.REJECTED


def test_a_signature_by_another_key_under_the_real_certificate_is_rejected(signed: tuple[World, bytes, bytes]) -> None:
    world, detached, _ = signed
    real = pkcs7.load_der_pkcs7_certificates(detached)[0]
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signature = pkcs7.PKCS7SignatureBuilder().set_data(CONTENT).add_signer(real, key, hashes.SHA256())
    der = signature.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.DetachedSignature])
    assert judge(world, CONTENT, der).outcome is Outcome.REJECTED


def test_a_signature_without_signed_attributes_is_rejected(signed: tuple[World, bytes, bytes]) -> None:
    world, detached, _ = signed
    real = pkcs7.load_der_pkcs7_certificates(detached)[0]
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    bare = pkcs7.PKCS7SignatureBuilder().set_data(CONTENT).add_signer(real, key, hashes.SHA256())
    options = [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.NoAttributes]
    verdict = judge(world, CONTENT, bare.sign(Encoding.DER, options))
    assert verdict.findings[0].reason == "no signed attributes"


def test_the_stations_own_certificate_is_not_a_residents(signed: tuple[World, bytes, bytes]) -> None:
    world = signed[0]
    station = load_credential(world.authority_directory / "stations" / "demo.pem")
    verdict = judge(world, CONTENT, sign_cms(CONTENT, station.certificate, station.key, is_detached=True))
    assert [f.check for f in verdict.findings if f.outcome is Outcome.REJECTED] == ["usage"]


def test_a_certificate_of_another_policy_is_not_a_residents_whatever_it_says(
    signed: tuple[World, bytes, bytes],
) -> None:
    world, detached, _ = signed
    real = pkcs7.load_der_pkcs7_certificates(detached)[0]
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    wanted: list[tuple[x509.ExtensionType, bool]] = [
        (extension.value, extension.critical)
        for extension in real.extensions
        if isinstance(extension.value, x509.KeyUsage | x509.SubjectAlternativeName)
    ]
    plain = world.authority.profiles.plain(real.subject, key.public_key(), wanted, 4711, START)
    verdict = judge(world, CONTENT, sign_cms(CONTENT, plain, key, is_detached=True), name="幌延 太郎")
    assert [f.check for f in verdict.findings if f.outcome is Outcome.REJECTED] == ["usage"]


def test_the_authoritys_own_certificate_is_not_a_residents(signed: tuple[World, bytes, bytes]) -> None:
    own = signed[0].authority.credential
    # Whoever has only the certificate, which is public, can put it beside a signature of his own.
    anybody = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    options = [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.DetachedSignature]
    forged = pkcs7.PKCS7SignatureBuilder().set_data(CONTENT).add_signer(own.certificate, anybody, hashes.SHA256())
    real = sign_cms(CONTENT, own.certificate, own.key, is_detached=True)
    for signature in (real, forged.sign(Encoding.DER, options)):
        verdict = judge(signed[0], CONTENT, signature)
        assert verdict.outcome is Outcome.REJECTED
        assert verdict.findings[0].reason == "the authority's own certificate is no resident's"


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_changed_signature_raises_nothing_and_never_accepts_other_content(
    signed: tuple[World, bytes, bytes], data: st.DataObject
) -> None:
    world, detached, enclosing = signed
    whole = data.draw(st.sampled_from([detached, enclosing]))
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    del changed[data.draw(st.integers(1, len(whole)) | st.just(len(whole))) :]
    assert judge(world, CONTENT + b"!", bytes(changed)).outcome is Outcome.REJECTED
    judge(world, CONTENT, bytes(changed))
    judge(world, None, bytes(changed))


def items(name: str, flags: str | None = None) -> CertifiedItems:
    return CertifiedItems(name, flags or "0" * len(name), "1", "319310503", "幌延町", "000")


@pytest.mark.parametrize(
    ("form", "certified", "match"),
    [
        ("幌延　太郎", items("幌延　太郎"), NameMatch.EQUAL),
        ("幌延太郎", items("幌延　太郎"), NameMatch.EQUAL),
        ("ｽﾐｽ ｼﾞｮﾝ", items("スミス　ジョン"), NameMatch.EQUAL),
        ("幌延　太朗", items("幌延　太郎"), NameMatch.DIFFERENT),
        ("幌延　太", items("幌延　太郎"), NameMatch.DIFFERENT),
        ("𠮷野　守", items("吉野　守", "1000"), NameMatch.NEEDS_PERSON),
        ("𠮷野　護", items("吉野　守", "1000"), NameMatch.DIFFERENT),
        ("𠮷野　守", items("よしの　守", "11100"), NameMatch.NEEDS_PERSON),
        ("葛\U000e0100城　守", items("葛城　守", "1000"), NameMatch.NEEDS_PERSON),
        ("　守", items("よしの　守", "11100"), NameMatch.DIFFERENT),
        ("吉野　守", items("吉野　守", "10"), NameMatch.DIFFERENT),
    ],
)
def test_names_match_by_folding_and_a_substitute_needs_a_person(
    form: str, certified: CertifiedItems, match: NameMatch
) -> None:
    assert match_name(form, certified) is match

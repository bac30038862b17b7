"""What certificates say, field by field, as the cards of the real service do."""

import datetime
from dataclasses import replace

import pytest
from authority_desk import ITEMS, START, TOWN, Desk, load
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from kiosk.authority import asn1
from kiosk.authority.items import ItemsInvalid, read_items, write_items
from kiosk.authority.profile import usage, validity_end
from kiosk.authority.verification import PathInvalid, asserted_policies, certified_items, validate_path
from kiosk.model.policy import CertificateRules

JAPAN = datetime.timezone(datetime.timedelta(hours=9))
TEST_POLICY = "1.2.392.200149.8.5.1.0.20"
RULES = CertificateRules(
    kind="signature",
    policy_oid="1.2.392.200149.8.5.1.1.20",
    test_policy_oid=TEST_POLICY,
    key_bits=2048,
    validity_years=3,
    ends_on_birthday=False,
    carries_personal_data=True,
    key_usage=("digitalSignature", "nonRepudiation"),
)
TO_BIRTHDAY = replace(RULES, validity_years=5, ends_on_birthday=True)


def extension(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> x509.Extension[x509.ExtensionType]:
    found: x509.Extension[x509.ExtensionType] = certificate.extensions.get_extension_for_class(kind)
    return found


def test_the_subject_names_the_place_and_nobody(desk: Desk) -> None:
    subject = load(desk.certify()).subject
    assert [a.oid for a in subject] == [
        NameOID.COUNTRY_NAME,
        NameOID.LOCALITY_NAME,
        NameOID.LOCALITY_NAME,
        NameOID.COMMON_NAME,
    ]
    assert [a.value for a in subject][:3] == ["JP", TOWN.prefecture_romaji, TOWN.municipality_romaji]
    name = str(list(subject)[3].value)
    assert name.endswith(TOWN.code) and len(name) == 25


def test_the_alternative_name_carries_the_items_in_the_order_of_real_cards(desk: Desk) -> None:
    names = extension(load(desk.certify()), x509.SubjectAlternativeName)
    assert not names.critical
    assert isinstance(names.value, x509.SubjectAlternativeName)
    others = names.value.get_values_for_type(x509.OtherName)
    assert [o.type_id.dotted_string.rpartition(".")[2] for o in others] == ["1", "4", "3", "5", "2", "6"]
    assert others[0].value == b"\x0c" + bytes([len(ITEMS.name.encode())]) + ITEMS.name.encode()
    assert len(others) == len(list(names.value))


def test_extensions_and_their_criticality(desk: Desk) -> None:
    certificate = load(desk.certify())
    critical = {e.oid._name: e.critical for e in certificate.extensions}
    assert critical == {
        "keyUsage": True,
        "certificatePolicies": True,
        "subjectAltName": False,
        "issuerAltName": False,
        "cRLDistributionPoints": False,
        "authorityInfoAccess": False,
        "authorityKeyIdentifier": False,
        "subjectKeyIdentifier": False,
    }
    assert extension(certificate, x509.KeyUsage).value == usage("digitalSignature", "nonRepudiation")
    assert asserted_policies(certificate) == {TEST_POLICY}


def test_the_crl_is_named_by_the_municipality_and_by_address(desk: Desk) -> None:
    points = extension(load(desk.certify()), x509.CRLDistributionPoints).value
    assert isinstance(points, x509.CRLDistributionPoints)
    (point,) = points
    assert point.full_name is not None
    directory, address = point.full_name
    assert directory.value.rfc4514_string().startswith("CN=Kiyose-shi,OU=Tokyo,OU=CRL Distribution Points")
    assert address.value == "http://authority.test/crl/13221.crl"


def test_the_issuer_is_the_head_that_the_policy_names(desk: Desk) -> None:
    names = extension(load(desk.certify()), x509.IssuerAlternativeName).value
    assert isinstance(names, x509.IssuerAlternativeName)
    (name,) = names.get_values_for_type(x509.DirectoryName)
    assert [a.value for a in name] == ["JP", "公的個人認証サービス", "東京都知事"]


def test_an_authority_for_training_says_so_itself(desk: Desk) -> None:
    assert asserted_policies(desk.issuer) == {TEST_POLICY}
    assert desk.issuer.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "JPKI-TEST"


def test_the_path_is_valid_for_the_policy_and_the_time_only(desk: Desk) -> None:
    certificate, trust = load(desk.certify()), (desk.issuer,)
    path = validate_path(certificate, trust, START, policies={TEST_POLICY})
    assert path.chain == (desk.issuer,)
    assert path.policies == {TEST_POLICY}
    with pytest.raises(PathInvalid, match="none of the policies"):
        validate_path(certificate, trust, START, policies={RULES.policy_oid})
    for moment in (
        START - datetime.timedelta(seconds=1),
        certificate.not_valid_after_utc + datetime.timedelta(seconds=1),
    ):
        with pytest.raises(PathInvalid):
            validate_path(certificate, trust, moment)
    with pytest.raises(PathInvalid):
        validate_path(certificate, (desk.station.certificate,), START)
    assert certified_items(certificate) == ITEMS


@pytest.mark.parametrize("who", ["station", "clerk"])
def test_the_authoritys_own_people_have_valid_paths_too(desk: Desk, who: str) -> None:
    certificate = getattr(desk, who).certificate
    assert validate_path(certificate, (desk.issuer,), START).chain == (desk.issuer,)
    assert certified_items(certificate) is None


def test_three_years_end_on_the_eve_of_the_anniversary() -> None:
    end = validity_end(RULES, None, START)
    assert end.astimezone(JAPAN) == datetime.datetime(2029, 3, 31, 23, 59, 59, tzinfo=JAPAN)


@pytest.mark.parametrize(
    ("birth", "end"),
    [
        ("319800217", (2031, 2, 17)),
        ("319800402", (2030, 4, 2)),
        ("319800401", (2031, 4, 1)),
        ("319720229", (2031, 2, 28)),
        ("400000000", (2031, 3, 31)),
        (None, (2031, 3, 31)),
    ],
)
def test_the_fifth_birthday_after_the_day_of_issue(birth: str | None, end: tuple[int, int, int]) -> None:
    assert validity_end(TO_BIRTHDAY, birth, START).astimezone(JAPAN).date() == datetime.date(*end)


@given(
    st.datetimes(datetime.datetime(2010, 1, 1), datetime.datetime(2090, 1, 1), timezones=st.just(datetime.UTC)),
    st.dates(datetime.date(1900, 1, 1), datetime.date(2009, 12, 31)),
)
def test_validity_is_never_longer_than_its_years(start: datetime.datetime, born: datetime.date) -> None:
    for rules in (RULES, TO_BIRTHDAY):
        end = validity_end(rules, f"3{born:%Y%m%d}", start)
        days = (end - start).days
        assert 365 * (rules.validity_years - 1) <= days <= 366 * rules.validity_years
        assert (end + datetime.timedelta(seconds=1)).astimezone(JAPAN).time() == datetime.time()


ITEM_OIDS = [f"1.2.392.200149.8.5.5.{n}" for n in (1, 4, 3, 5, 2, 6)]
GOOD = ["山田", "319700101", "1", "東京", "00", "00"]


def alternative_name(values: list[bytes], types: list[str] = ITEM_OIDS) -> x509.SubjectAlternativeName:
    pairs = zip(types, values, strict=True)
    return x509.SubjectAlternativeName([x509.OtherName(x509.ObjectIdentifier(t), v) for t, v in pairs])


BROKEN = {
    "one missing": alternative_name([asn1.encode(v) for v in GOOD[:5]], ITEM_OIDS[:5]),
    "one twice": alternative_name([asn1.encode(v) for v in [*GOOD, "x"]], [*ITEM_OIDS, ITEM_OIDS[0]]),
    "another type": alternative_name([asn1.encode(v.encode()) for v in GOOD]),
    "flags too short": alternative_name([asn1.encode(v) for v in [*GOOD[:4], "0", "00"]]),
    "flags no digits": alternative_name([asn1.encode(v) for v in [*GOOD[:4], "0x", "00"]]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_items_are_refused(name: str) -> None:
    with pytest.raises(ItemsInvalid):
        read_items(BROKEN[name])


def test_items_are_read_as_they_were_written() -> None:
    assert read_items(write_items(ITEMS)) == ITEMS
    assert read_items(alternative_name([asn1.encode(v) for v in GOOD])) is not None
    assert read_items(x509.SubjectAlternativeName([x509.DNSName("example.jp")])) is None

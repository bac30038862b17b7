"""The domain's values and rules at their boundaries."""

import datetime
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hw.strict_toml import ConfigInvalid, apply_settings, convert, read_tables
from kiosk.authority.errors import AuthorityError
from kiosk.config import SHIPPED, _KioskFile, load_config, load_policy
from kiosk.failure_book import FailureText, load_failure_book
from kiosk.issuance.failure import _CODES, TROUBLE
from kiosk.issuance.persons import DeliverySummary, IdentityQuestion
from kiosk.issuance.receipt import ReceiptValues
from kiosk.issuance.station import Station
from kiosk.issuer_keys import _IssuerFile
from kiosk.journal.records import EffectRecord, EffectState
from kiosk.model.application import (
    APPLICATION_NUMBER,
    LONGEST_NUMBER,
    Application,
    Delivery,
    FiledApplication,
)
from kiosk.model.authorisation import Authorisation, AuthorisationInvalid, AuthorisationTerms, Uptime
from kiosk.model.certificate import (
    CertificateState,
    CertificateStatus,
    CertifiedItems,
    Uncertifiable,
    certify_items,
    serial_text,
)
from kiosk.model.eligibility import REFUSALS, differing_items, refusal_code
from kiosk.model.policy import Deadlines, PasswordKind
from kiosk.model.resident import FourItems, Resident, Sex
from kiosk.model.secret import wipe
from kiosk.model.step import PROCEDURE, Step, position_of
from kiosk.register.register import _Line
from tests.time_zone import standing_in

POLICY = load_policy(SHIPPED / "policy", "juki-2011")
DAY = datetime.date(2026, 4, 1)


def resident(**changes: object) -> Resident:
    birth = changes.pop("birth_date", datetime.date(1931, 5, 3))
    items = FourItems("幌延　太郎", "北海道天塩郡幌延町１番地", birth, Sex.MALE)
    return Resident("10000000100", items, "ほろのべ　たろう", **changes)


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (None, "E01"),
        (resident(), None),
        (resident(is_japanese_national=False), "E02"),
        (resident(birth_date=datetime.date(2011, 4, 2)), "E03"),
        (resident(birth_date=datetime.date(2011, 4, 1)), None),
        (resident(is_adult_ward=True), "E04"),
    ],
)
def test_the_register_decides_who_may_apply(who: Resident | None, code: str | None) -> None:
    assert refusal_code(who, POLICY.eligibility, DAY) == code


def test_who_is_born_on_29_february_ages_on_1_march() -> None:
    born = resident(birth_date=datetime.date(2012, 2, 29))
    assert born.age_on(datetime.date(2027, 2, 28)) == 14
    assert born.age_on(datetime.date(2027, 3, 1)) == 15


@pytest.mark.parametrize("character", ["\n", "\x1b", "\u202e", "\ufdd0", "\ud800"])
def test_what_is_no_character_is_named(character: str) -> None:
    with pytest.raises(Uncertifiable) as caught:
        certify_items(FourItems(f"幌{character}延", "北海道", datetime.date(1980, 1, 1), Sex.OTHER), "ほろのべ")
    assert caught.value.item == "name"
    assert caught.value.characters == (character,)


@pytest.mark.parametrize(
    ("birth", "certified"),
    [
        (datetime.date(1868, 10, 22), "018681022"),
        (datetime.date(1868, 10, 23), "118681023"),
        (datetime.date(1912, 7, 30), "219120730"),
        (datetime.date(1926, 12, 24), "219261224"),
        (datetime.date(1926, 12, 25), "319261225"),
        (datetime.date(1989, 1, 8), "419890108"),
        (datetime.date(2019, 4, 30), "420190430"),
        (datetime.date(2019, 5, 1), "520190501"),
    ],
)
def test_a_birth_date_carries_the_digit_of_its_era(birth: datetime.date, certified: str) -> None:
    assert certify_items(resident(birth_date=birth).items, "").birth == certified


def terms(**changes: object) -> AuthorisationTerms:
    values: dict[str, object] = {
        "operation": "issue",
        "case": "c" * 32,
        "station": "demo",
        "card_number": "JUKI000000000001",
        "items_hash": b"\x01" * 32,
        "person": b"\x02" * 32,
        "nonce": b"\x03" * 16,
        "issued_at": datetime.datetime(2026, 4, 1, 1, 2, 3, tzinfo=datetime.UTC),
        "expires_at": datetime.datetime(2026, 4, 1, 1, 17, 3, tzinfo=datetime.UTC),
        "uptime": Uptime(b"\x04" * 16, 86_400),
    }
    return AuthorisationTerms(**(values | changes))  # one detail changed


@given(case=st.text(), station=st.text(), nonce=st.binary(min_size=16, max_size=16))
def test_an_authorisation_reads_back_as_it_was_signed(case: str, station: str, nonce: bytes) -> None:
    try:
        payload = terms(case=case, station=station, nonce=nonce).encode()
    except UnicodeEncodeError:
        return
    assert AuthorisationTerms.decode(payload).encode() == payload


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_bytes_that_are_no_authorisation_are_refused(payload: bytes) -> None:
    with pytest.raises(AuthorisationInvalid):
        AuthorisationTerms.decode(payload)


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        (b'"nonce":"03', b'"nonce":"'),
        (b'"items_hash":"01', b'"items_hash":"'),
        (b'"person":"02', b'"person":"'),
        (b'"station":"demo"', b'"station":7'),
        (b'"version":2', b'"version": 2'),
        (b'"issue"', b'"erase"'),
        (b'"boot":"04', b'"boot":"'),
        (b'"uptime_s":86400', b'"uptime_s":86400.0'),
        (b'"uptime_s":86400', b'"uptime_s":"86400"'),
        (b'"uptime_s":86400', b'"uptime_s":true'),
        (b"}", b',"more":1}'),
        (b"+00:00", b"+09:00"),
    ],
)
def test_an_authorisation_in_another_form_is_refused(found: bytes, instead: bytes) -> None:
    with pytest.raises(AuthorisationInvalid):
        AuthorisationTerms.decode(terms().encode().replace(found, instead, 1))


@pytest.mark.parametrize("which", get_args(PasswordKind))
def test_a_leave_names_the_password_that_is_set_anew(which: PasswordKind) -> None:
    leave = terms(operation="reset_password", which=which)
    assert AuthorisationTerms.decode(leave.encode()) == leave
    older = terms(operation="reset_password").encode()
    assert AuthorisationTerms.decode(older).which is None and b"which" not in older, "of a time before it was named"
    for changed in (
        terms(which=which).encode(),
        leave.encode().replace(which.encode(), b"puk"),
        leave.encode().replace(b'"version":3', b'"version":2'),
        older.replace(b'"version":2', b'"version":3'),
        older.replace(b"}", b',"which":null}'),
        terms(card_number="JUKI幌延").encode(),
    ):
        with pytest.raises(AuthorisationInvalid):
            AuthorisationTerms.decode(changed)


def test_the_signed_bytes_of_an_authorisation_are_sorted_json_in_utc() -> None:
    issued_at = datetime.datetime(2026, 4, 1, 10, 2, 3, 999_999, datetime.timezone(datetime.timedelta(hours=9)))
    with standing_in("Asia/Tokyo"):
        payload = terms(station="幌延", issued_at=issued_at).encode()
    assert payload.decode() == (
        f'{{"boot":"{"04" * 16}","card_number":"JUKI000000000001","case":"{"c" * 32}",'
        '"expires_at":"2026-04-01T01:17:03+00:00","issued_at":"2026-04-01T01:02:03+00:00",'
        f'"items_hash":"{"01" * 32}","nonce":"{"03" * 16}","operation":"issue","person":"{"02" * 32}",'
        '"station":"幌延","uptime_s":86400,"version":2}'
    )
    assert Authorisation(payload, b"", b"").terms.station == "幌延"


def test_a_certificate_carries_the_items_as_registered_with_a_flag_a_character() -> None:
    items = certify_items(FourItems("幌延　花子", "北海道１番地", datetime.date(1990, 1, 2), Sex.FEMALE), "")
    assert items == CertifiedItems("幌延　花子", "00000", "2", "419900102", "北海道１番地", "000000")
    joined = "\x1f".join(("幌延　花子", "00000", "2", "419900102", "北海道１番地", "000000"))
    assert items.hash() == hashlib.sha256(joined.encode()).digest()
    assert [sex.digit for sex in (Sex.MALE, Sex.FEMALE, Sex.OTHER)] == ["1", "2", "3"]


def test_an_address_that_cannot_be_certified_is_named_with_its_characters() -> None:
    with pytest.raises(
        Uncertifiable, match=r"address holds codes that are no part of a written text: '\\x07' '\\x00'"
    ) as caught:
        certify_items(FourItems("幌延", "\x07町\x00\x07", datetime.date(1980, 1, 1), Sex.OTHER), "")
    assert (caught.value.item, caught.value.characters) == ("address", ("\x07", "\x00"))


@pytest.mark.parametrize(
    "change",
    [
        {"name": "幌延　次郎"},
        {"address": "札幌市"},
        {"birth_date": datetime.date(1931, 5, 4)},
        {"sex": Sex.OTHER},
    ],
)
def test_an_item_in_which_a_form_differs_is_named(change: dict[str, Any]) -> None:
    items = resident().items
    assert differing_items(items, items) == ()
    assert differing_items(items, replace(items, **change)) == tuple(change)


def test_items_that_differ_are_named_in_the_order_of_the_form() -> None:
    other = FourItems("次郎", "札幌市", datetime.date(1990, 1, 1), Sex.OTHER)
    assert differing_items(resident().items, other) == ("name", "address", "birth_date", "sex")


def test_who_is_registered_without_further_remarks_is_an_ordinary_resident() -> None:
    who = resident()
    assert (who.is_japanese_national, who.is_adult_ward, who.is_protected) == (True, False, False)
    application = Application("1", who.code)
    assert application.form_items is None
    assert FiledApplication("c" * 32, application, "JUKI000000000001").delivery is Delivery.TERMINAL
    assert CertificateStatus(CertificateState.GOOD) == CertificateStatus(CertificateState.GOOD, None, None)


def test_a_password_is_overwritten_where_it_lies() -> None:
    password = bytearray(b"Horonobe2011")
    seen_elsewhere = memoryview(password)
    wipe(password)
    assert bytes(seen_elsewhere) == bytes(12)


def test_a_serial_is_written_as_openssl_does() -> None:
    assert serial_text(0xA1B) == "0A1B"
    assert serial_text(0xFF00) == "FF00"


def test_personal_data_has_no_representation() -> None:
    who = resident()
    question = IdentityQuestion("2011-0001", who.items, who.items, ())
    summary = DeliverySummary(who.items.name, datetime.datetime(2029, 4, 1, tzinfo=datetime.UTC), 500, who.items.name)
    line = _Line(who.code, who.items.name, who.kana, who.items.address, who.items.birth_date, who.items.sex)
    effect = EffectRecord(EffectState.DONE, who.items.name.encode(), None)
    for value in (who, who.items, certify_items(who.items, who.kana), question, summary, line, effect):
        assert "太郎" not in repr(value)
        assert repr(value) == f"{type(value).__name__}(...)" or repr(value).startswith("<")
        assert "幌延" not in f"{value}"
        assert repr(who.items.name.encode())[2:-1] not in repr(value)


def test_keys_have_no_representation() -> None:
    file = convert(read_tables(SHIPPED / "demo" / "issuer.toml"), _IssuerFile, "")
    for value in (file, file.masters, file.town):
        assert file.masters.issue not in repr(value)
        assert file.town.person_key not in repr(value)
    assert Station.__repr__ is object.__repr__
    assert ReceiptValues.__repr__ is object.__repr__


def test_every_failure_code_is_in_the_book_in_every_language() -> None:
    book = load_failure_book()
    codes = {code for _, code in _CODES} | {rule.code for rule in REFUSALS} | {"E01", "E07", "E09", "E14"}
    assert codes <= set(book)
    for code, entry in book.items():
        assert re.fullmatch(r"E\d\d|K-[A-Z]+-\d{3}", code)
        for text in (entry.ja, entry.en):
            assert text.what.strip() and text.remedy.strip()
        assert entry.ja.what != entry.en.what
        assert entry.text("ja@easy") == FailureText(entry.easy, entry.ja.remedy)


def test_every_trouble_has_a_failure_code() -> None:
    def kinds(of: type[Exception]) -> set[type[Exception]]:
        return {of}.union(*map(kinds, of.__subclasses__()))

    nameless = {AuthorityError}  # is never raised itself
    for kind in set().union(*map(kinds, TROUBLE)) - nameless:
        assert any(issubclass(kind, known) for known, _ in _CODES), kind


@pytest.mark.parametrize("profile", ["juki-2011", "myna-2016"])
def test_the_shipped_policies_load(profile: str) -> None:
    assert load_policy(SHIPPED / "policy", profile).name == profile


@pytest.mark.parametrize(
    ("grounds", "key"),
    [
        ([("Disaster", "災害")], "fee.exemptions.code"),
        ([("disaster", "災害"), ("disaster", "水害")], "fee.exemptions.code"),
        ([("disaster", "")], "fee.exemptions.name"),
        ([("disaster", "災害\x1b[0m")], "fee.exemptions.name"),
        ([("disaster", "災害により家を失った方")], "fee.exemptions.name"),
        ([(f"ground_{number}", "災害") for number in range(9)], "fee.exemptions: more than 8"),
    ],
)
def test_grounds_on_which_no_clerk_could_exempt_are_refused(
    tmp_path: Path, grounds: list[tuple[str, str]], key: str
) -> None:
    shipped = (SHIPPED / "policy" / "juki-2011.toml").read_text()
    tables = [f"[[fee.exemptions]]\ncode = {code!r}\nname = {json.dumps(name)}\n" for code, name in grounds]
    (tmp_path / "town.toml").write_text(shipped + "\n" + "\n".join(tables))
    with pytest.raises(ConfigInvalid, match=re.escape(key)) as refused:
        load_policy(tmp_path, "town")
    assert "town.toml" in str(refused.value)


def test_the_shipped_configuration_loads_and_states_every_key() -> None:
    config = load_config(SHIPPED / "kiosk.toml", [])
    assert config.policy.name == "juki-2011"
    tables = read_tables(SHIPPED / "kiosk.toml")
    for table, kind in _KioskFile.__dataclass_fields__.items():
        assert set(tables[table]) == set(getattr(convert(tables, _KioskFile, ""), table).__dataclass_fields__), kind


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("[town]\ncod = 1", "town.cod", "did you mean 'code'"),
        ("[town]\ncode = 1", "town.code", "Expected `str`"),
        ("[twon]", "twon", "did you mean 'town'"),
        ("[town", "", "not TOML"),
        ("", "town", "missing"),
        ("[town]\ncode='1'", "town.prefecture", "missing"),
    ],
)
def test_a_bad_file_is_refused_with_file_key_and_reason(tmp_path: Path, text: str, key: str, reason: str) -> None:
    path = tmp_path / "kiosk.toml"
    path.write_text(text)
    with pytest.raises(ConfigInvalid) as caught:
        convert(read_tables(path), _KioskFile, str(path))
    assert caught.value.file == str(path)
    assert caught.value.key == key
    assert reason in caught.value.reason


def test_a_setting_is_converted_to_its_keys_type() -> None:
    tables: dict[str, object] = {}
    apply_settings(tables, [("authority.timeout_s", "2.5"), ("station.name", "12")], _KioskFile)
    assert tables == {"authority": {"timeout_s": 2.5}, "station": {"name": "12"}}
    with pytest.raises(ConfigInvalid, match="not a number"):
        apply_settings(tables, [("authority.timeout_s", "soon")], _KioskFile)
    with pytest.raises(ConfigInvalid, match="unknown key"):
        apply_settings(tables, [("authority.uri", "x")], _KioskFile)


@pytest.mark.parametrize(
    "text",
    ["[2026-01-01, 2026-05-06]", '["2026-01-01", "2026-05-06"]', "2026-01-01,2026-05-06", " 2026-01-01 , 2026-05-06 "],
)
def test_a_list_is_set_by_its_items_or_as_toml_writes_it(text: str) -> None:
    config = load_config(SHIPPED / "kiosk.toml", [("counter.holidays", text)])
    assert config.counter.holidays == (datetime.date(2026, 1, 1), datetime.date(2026, 5, 6))
    setup = load_config(SHIPPED / "kiosk.toml", [("scanner.setup", "16540d")]).hardware.scanner.setup
    assert setup == ("16540d",)


def test_an_empty_list_is_set_by_nothing() -> None:
    for text in ("", " ", "[]"):
        assert load_config(SHIPPED / "kiosk.toml", [("counter.holidays", text)]).counter.holidays == ()


@pytest.mark.parametrize(
    ("key", "text", "told"),
    [
        ("counter.holidays", "soon", r"--set counter\.holidays\[0\]: "),
        ("counter.holidays", "[2026-01-01", r"--set counter\.holidays: '\[2026-01-01' is no list"),
        ("counter.holidays", "[]\nx = 1", r"--set counter\.holidays: .* is more than a list"),
        ("counter.delivery", "foo", r"--set counter\.delivery: .*'terminal'"),
        ("authority.timeout_s", "-1", r"--set authority\.timeout_s: "),
        ("policy.profile", "x", r"--set policy\.profile: no 'x'"),
        ("station.hardware", "/nope", r"--set station\.hardware: /nope: no such file"),
        ("printer.link", "foo://x", r"--set printer\.link: 'foo://x' is not a link"),
        ("card.link", "usb:", r"--set card\.link: 'usb:'"),
    ],
)
def test_a_value_on_the_command_line_is_not_blamed_on_a_file(key: str, text: str, told: str) -> None:
    with pytest.raises(ConfigInvalid, match=f"^{told}"):
        load_config(SHIPPED / "kiosk.toml", [(key, text)])


def test_what_a_file_says_is_blamed_on_the_file_beside_settings(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.toml"
    path.write_text((SHIPPED / "kiosk.toml").read_text().replace("timeout_s = 10.0", "timeout_s = -1"))
    with pytest.raises(ConfigInvalid, match=rf"^{path}: authority\.timeout_s: -1"):
        load_config(path, [("authority.url", "")])


@given(
    clock_s=st.integers(-2000, 2000),
    elapsed_s=st.integers(-2000, 2000),
    is_same_boot=st.booleans(),
)
@example(clock_s=0, elapsed_s=0, is_same_boot=True)
@example(clock_s=899, elapsed_s=899, is_same_boot=True)
@example(clock_s=900, elapsed_s=0, is_same_boot=True)
@example(clock_s=0, elapsed_s=900, is_same_boot=True)
def test_an_authorisation_is_fresh_only_while_clock_and_uptime_both_say_so(
    clock_s: int, elapsed_s: int, is_same_boot: bool
) -> None:
    given_ = terms()
    uptime = Uptime(given_.uptime.boot if is_same_boot else bytes(16), given_.uptime.elapsed_s + elapsed_s)
    is_fresh = given_.is_fresh(given_.issued_at + datetime.timedelta(seconds=clock_s), uptime)
    assert is_fresh == (is_same_boot and 0 <= clock_s < 900 and 0 <= elapsed_s < 900)


def test_records_are_kept_for_thirteen_years_where_an_older_profile_says_nothing() -> None:
    assert Deadlines(pending_h=24, fee_margin_min=30, authorisation_min=15).records_years == 13


def test_every_effect_stands_at_one_place_of_the_procedure() -> None:
    assert [position_of(step) for step in Step] == sorted(position_of(step) for step in Step)
    assert {PROCEDURE[position_of(step)][0] for step in Step} == {name for name, effects in PROCEDURE if effects}


@pytest.mark.parametrize(
    ("number", "is_one"),
    [("2026-0001", True), ("a", True), ("0" * 40, True), ("0" * 41, False), ("", False), ("-1", False), ("1 2", False)],
)
def test_an_application_is_numbered_with_what_can_be_typed_everywhere(number: str, is_one: bool) -> None:
    assert LONGEST_NUMBER == 40
    assert (APPLICATION_NUMBER.fullmatch(number) is not None) is is_one


def test_a_resident_signs_under_the_policies_of_signature_certificates_alone() -> None:
    policy = load_policy(SHIPPED / "policy", "myna-2016")
    signing = [rules for rules in policy.certificates if rules.kind == "signature"]
    assert len(signing) == 1 < len(policy.certificates)
    assert policy.signature_policies == {signing[0].policy_oid, signing[0].test_policy_oid}

"""A form finds its resident in the register, also where something on it is wrong, and finds nobody for a stranger."""

import datetime
from dataclasses import replace

from kiosk.model.form import Form
from kiosk.model.resident import FourItems, Resident, Sex
from kiosk.register.candidates import candidates

HOME = "北海道天塩郡幌延町下沼８４番地２７"


def resident(code: str, name: str, kana: str, year: int, address: str = HOME, sex: Sex = Sex.FEMALE) -> Resident:
    return Resident(code, FourItems(name, address, datetime.date(year, 7, 1), sex), kana)


HANAKO = resident("1", "幌延　花子", "ほろのべ　はなこ", 1953)
TARO = resident("2", "幌延　太郎", "ほろのべ　たろう", 1950, sex=Sex.MALE)
KIYOSHI = resident("3", "斎藤　清", "さいとう　きよし", 1953, "北海道天塩郡幌延町元町１番地", Sex.MALE)
NAMESAKE = resident("4", "幌延　花子", "ほろのべ　はなこ", 1980, "北海道天塩郡幌延町元町９番地")
REGISTER = (TARO, KIYOSHI, NAMESAKE, HANAKO)
FORM = Form("ほろのべ　はなこ", "", datetime.date(1953, 7, 1), Sex.FEMALE, "北海道天塩郡幌延町下沼84番地27")


def test_the_right_one_is_found_alone() -> None:
    assert candidates(REGISTER, FORM) == (HANAKO,)


def test_a_wrong_birth_date_or_address_still_finds_her() -> None:
    assert candidates(REGISTER, replace(FORM, birth_date=datetime.date(1953, 7, 7)))[0] == HANAKO
    assert candidates(REGISTER, replace(FORM, address="北海道天塩郡幌延町問寒別1"))[0] == HANAKO


def test_namesakes_stand_beside_one_another_when_nothing_else_tells_them_apart() -> None:
    neither = replace(FORM, birth_date=datetime.date(1960, 1, 1), address="北海道天塩郡幌延町問寒別1")
    assert set(candidates(REGISTER, neither)) == {HANAKO, NAMESAKE}


def test_nobody_is_found_for_a_stranger() -> None:
    stranger = Form("よそ　もの", "", datetime.date(1990, 1, 1), Sex.MALE, "どこか1番地")
    assert candidates(REGISTER, stranger) == ()

"""What drivers and simulators say in English, as the technician reads it in his language."""

import re
from pathlib import Path

import pytest

from hw.sim.coin.virtual import VirtualCoinMachine
from hw.sim.lamp.virtual import VirtualLamp
from hw.sim.panel import hand_at
from hw.sim.printer.virtual import VirtualPrinter
from hw.sim.scanner.virtual import VirtualScanner
from kiosk.config import load_config, locate_config
from kiosk.configured_counter import ConfiguredCounter
from kiosk.ui.technician.flow import self_test_text
from kiosk.ui.technician.terms import in_words
from kiosk.ui.words import load_words
from kiosk.ui.workbench import SelfTest

_SAID_IN_WORDS = ("hours", "counter.delivery", "cash.kind", "register", "clerk.roster", "issuer.keys", "training")
"""Settings that are no name, place or address."""
_ENGLISH = re.compile(r"\b[a-z]{3,}\b")


@pytest.mark.parametrize(
    ("english", "japanese"),
    [
        ("paper near end", "用紙残りわずか"),
        ("no", "いいえ"),
        ("takes documents", "文書の受付け"),
        ("a place", "保存先がある"),
        ("105 residents", "105人"),
        ("3 tries left", "残り3回"),
        ("paper ok, cover closed, drawer open, 2 papers cut off", "用紙：あり・カバー：閉・引き出し：開・出た紙：2枚"),
        ("paper_end, cover_open", "用紙がありません・カバーが開いています"),
        ("red lit, buzzer", "赤：点灯・ブザー"),
        ("https://ca.example: answers in 12 ms, this station's credential: good", None),
        ("EPSON TM-T88V, 4.20", "EPSON TM-T88V, 4.20"),
    ],
)
def test_what_has_a_term_is_told_and_what_has_none_stays(english: str, japanese: str | None, locale: Path) -> None:
    told = in_words(english, load_words("ja", locale))
    assert told == japanese if japanese is not None else "応答12ミリ秒" in told and "有効" in told
    if "_" not in english:
        assert in_words(english, load_words("en", locale)) == english


def test_every_simulated_device_is_seen_in_japanese(locale: Path) -> None:
    cores = {
        "printer": VirtualPrinter(),
        "cash": VirtualCoinMachine(),
        "lamp": VirtualLamp(),
        "scanner": VirtualScanner(),
    }
    for name, core in cores.items():
        seen = in_words(hand_at(name, core).look(), load_words("ja", locale))
        assert not _ENGLISH.findall(seen), f"{name}: {seen}"


@pytest.mark.parametrize(
    ("measured", "told"),
    [
        (("paper near end", "no", "no", "passed"), "  PASS  paper near end: no"),
        (("kanji printed", "no", "yes", "failed"), "  FAIL  kanji printed: no (wanted: yes)"),
        (("lights seen", "skipped", "yes", "unknown"), "  unknown  lights seen: skipped (wanted: yes)"),
        (("identity", "SIM SR-SIM no. 7", "any", "passed"), "  PASS  identity: SIM SR-SIM no. 7"),
        (("money unassigned", "0", "0 yen", "passed"), "  PASS  money unassigned: 0"),
        (("money unassigned", "500", "0 yen", "failed"), "  FAIL  money unassigned: 500 (wanted: 0 yen)"),
        (("answer time ms", "0.4", "at most 500", "passed"), "  PASS  answer time in ms: 0.4 (wanted: at most 500)"),
        # As an earlier program kept it.
        (("card", "False", "any", "passed"), "  PASS  card: no"),
        (("paper near end", "True", "false", "failed"), "  FAIL  paper near end: yes (wanted: no)"),
        (("takes documents", "True", "true", "passed"), "  PASS  takes documents: yes"),
        (("paper near end", "False", "false", "passed"), "  PASS  paper near end: no"),
    ],
)
def test_a_measurement_is_told_with_what_is_wanted_where_that_is_not_said_by_its_value(
    measured: tuple[str, str, str, str], told: str, locale: Path
) -> None:
    test = SelfTest("2026-11-22T10:00:00+09:00", "printer", "internal", measured[-1], (measured,), {})
    assert self_test_text(test, load_words("en", locale)).splitlines()[1] == told


def test_no_self_test_tells_how_a_program_writes_yes_and_no(tmp_path: Path, locale: Path) -> None:
    path = locate_config(None)
    counter = ConfiguredCounter(
        load_config(path, [("cash.kind", "cash_changer"), ("cash.link", "sim:")]), path, tmp_path
    )
    counter.open()
    try:
        for is_so in (True, False, None):
            tests = counter.workbench().self_test("interactive", lambda _, is_so=is_so: is_so)
            measured = [part for test in tests for measured in test.measurements for part in measured]
            assert not {"True", "False", "true", "false", "None"} & {*measured}
            told = "".join(self_test_text(test, load_words("en", locale)) for test in tests)
            assert "()" not in told and "  (" not in told and " :" not in told
    finally:
        counter.close()


def test_health_supplies_and_card_of_a_station_are_told_in_japanese(tmp_path: Path, locale: Path) -> None:
    path = locate_config(None)
    counter = ConfiguredCounter(load_config(path, []), path, tmp_path)
    counter.open()
    try:
        tools, words = counter.workbench(), load_words("ja", locale)
        tests = tools.self_test("internal", lambda _: None)
        told = [
            part for test in tests for name, value, limits, _ in test.measurements for part in (name, value, limits)
        ]
        told += [part for check in (*tools.supplies(), *tools.card_probes()) for part in (check.name, check.detail)]
        told += [check.detail for check in counter.checks() if check.name in _SAID_IN_WORDS]
        # A place on the disk is no word.
        named = (text for text in told if not text.startswith("/"))
        left = {text: found for text in named if (found := _ENGLISH.findall(in_words(text, words)))}
        assert not left
    finally:
        counter.close()

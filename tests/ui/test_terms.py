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
from kiosk.ui.technician.terms import in_words
from kiosk.ui.words import load_words

_SAID_IN_WORDS = ("hours", "counter.delivery", "cash.kind", "register", "clerk.roster", "issuer.keys", "training")
"""Settings that are no name, place or address."""
_ENGLISH = re.compile(r"\b[a-z]{3,}\b")


@pytest.mark.parametrize(
    ("english", "japanese"),
    [
        ("paper near end", "用紙残りわずか"),
        ("False", "いいえ"),
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

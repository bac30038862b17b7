"""Papers printed by name, as the screens ask for them."""

from contextlib import ExitStack

import pytest

from hw.devices import open_devices
from hw.errors import NotSent, PrinterBlocked
from hw.hardware import DocumentsDevice, Hardware, PrinterDevice
from hw.ports import PrintOutcome
from kiosk.model.town import Town
from kiosk.papers.press import PaperUnusable, Press

TOWN = Town("01487", "北海道", "Hokkaido", "幌延町", "Horonobe-cho")


@pytest.fixture
def station(tmp_path):
    with ExitStack() as held:
        yield open_devices(Hardware(documents=DocumentsDevice("sim:")), tmp_path / "sim", held)


def press_of(devices, *, is_training=True):
    return Press(devices.printer, devices.documents, TOWN, is_training=is_training)


def test_a_paper_on_the_roll_says_whether_it_came_out(station, tmp_path):
    printed = press_of(station).print("hold", "ja", {"number": "2011-0001"})
    assert (printed.outcome, printed.where) == (PrintOutcome.CONFIRMED, "")
    text = (tmp_path / "sim" / "printer" / "0001.txt").read_text("utf-8")
    assert "2011-0001" in text
    assert "訓練・無効" in text


def test_a_paper_on_a4_says_where_it_went_and_carries_the_town(station, tmp_path):
    press = press_of(station, is_training=False)
    printed = press.print("refusal", "ja", {})
    assert printed.outcome is PrintOutcome.SENT
    assert printed.where == str(tmp_path / "sim" / "documents" / "refusal-0001.pdf")
    assert "幌延町" in press.preview("password_sheet", "ja", {})
    assert "訓練・無効" not in press.preview("refusal", "ja", {})


def test_an_english_paper_names_the_town_in_letters(station):
    text = press_of(station).preview("hold", "en", {})
    assert "Horonobe-cho, Hokkaido" in text
    assert "北海道" not in text


def test_what_a_paper_does_not_have_is_refused(station):
    press = press_of(station)
    with pytest.raises(PaperUnusable, match="password"):
        press.print("password_sheet", "ja", {"password": "Horonobe2011"})
    with pytest.raises(PaperUnusable, match="coins"):
        press.print("day_close", "ja", {}, {"coins": []})


def test_a_blocked_printer_and_a_missing_one_print_nothing(tmp_path):
    with ExitStack() as held:
        absent = Hardware(printer=PrinterDevice("tcp://127.0.0.1:1"))
        devices = open_devices(absent, tmp_path / "sim", held)
        press = press_of(devices)
        assert press.can_print("hold")
        assert not press.can_print("refusal")
        with pytest.raises(NotSent):
            press.print("refusal", "ja", {})
        with pytest.raises(PrinterBlocked):
            press.print("hold", "ja", {})

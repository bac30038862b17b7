"""From a hardware file to devices: what is refused at once, what waits for its first use, which card a name means."""

import json
import socket
from pathlib import Path
from typing import Literal

import pytest

from hw.bench import SimulatedReader, check_hardware, open_bench, open_reader
from hw.errors import NotSent, PrinterBlocked, ReaderMissing
from hw.hardware import CardDevice, CashDevice, Hardware, PrinterDevice
from hw.ports import Text
from hw.sim.card.memory import CARD_NUMBER
from hw.strict_toml import ConfigInvalid


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.mark.parametrize(
    ("hardware", "key"),
    [
        (Hardware(card=CardDevice("usb:")), "card.link"),
        (Hardware(card=CardDevice("sim")), "card.link"),
        (Hardware(card=CardDevice("pcsc:")), "card.link"),
        (Hardware(card=CardDevice("pcsc: ")), "card.link"),
        (Hardware(printer=PrinterDevice("carrier-pigeon:")), "printer.link"),
        (Hardware(printer=PrinterDevice("tcp://host")), "printer.link"),
        (Hardware(printer=PrinterDevice(model="abacus")), "printer.model"),
    ],
)
def test_a_link_or_model_that_is_none_is_refused_before_anything_is_opened(
    hardware: Hardware, key: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigInvalid) as checked:
        check_hardware(hardware)
    with pytest.raises(ConfigInvalid) as opened, open_bench(hardware, tmp_path / "sim"):
        pass
    assert checked.value.key == opened.value.key == key
    assert not (tmp_path / "sim").exists()


@pytest.mark.parametrize("link", ["sim:", "serial:///dev/nope", "tcp://127.0.0.1:1", "file:///nonexistent/paper"])
def test_checking_touches_no_device(link: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_hardware(Hardware(card=CardDevice("pcsc:No Such Reader"), printer=PrinterDevice(link)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("link", ["serial:///dev/nope", "tcp://127.0.0.1:{free}", "file:///nonexistent/paper"])
def test_a_printer_that_is_absent_is_trouble_of_the_paper_not_of_the_station(link: str, tmp_path: Path) -> None:
    hardware = Hardware(printer=PrinterDevice(link.format(free=free_port())))
    with open_bench(hardware, tmp_path) as bench:
        assert bench.simulated_reader is not None
        bench.simulated_reader.insert("1")
        assert bench.reader.is_card_present()
        job = bench.printer.render([Text("領収書")], "0001")
        with pytest.raises(PrinterBlocked) as blocked:
            bench.printer.print(job)
        assert blocked.value.causes == ("link_lost",)
        with pytest.raises(NotSent):
            bench.printer.open_drawer()


def test_a_reader_needs_no_printer_and_a_real_one_no_files(tmp_path: Path) -> None:
    reader, hand = open_reader(CardDevice("pcsc:No Such Reader"), tmp_path / "sim")
    assert hand is None
    with pytest.raises(ReaderMissing):
        reader.is_card_present()
    assert not (tmp_path / "sim").exists()
    reader, hand = open_reader(CardDevice(), tmp_path / "sim")
    assert hand is not None
    hand.insert("1")
    assert reader.is_card_present()
    assert not (tmp_path / "sim" / "printer").exists()


def test_a_reader_that_passes_short_commands_only_is_sent_no_other(tmp_path: Path) -> None:
    asked = {}
    for length in ("extended", "short"):
        lines: list[str] = []
        reader, hand = open_reader(CardDevice(length=length), tmp_path / length, trace=lines.append)
        assert hand is not None
        hand.insert("1")
        with reader.session() as card:
            card.number()
        asked[length] = next(line for line in lines if line.startswith("> 00CA0101"))
    assert asked == {"extended": "> 00CA0101 000200", "short": "> 00CA0101 00"}


NAMES = [
    "1",
    "01",
    "123456789012",
    "1234567890123",
    "nobody",
    "a/b",
    "../../a",
    "",
    " ",
    "１２３",
    "幌延" * 200,
    "a\0b",
]


def test_any_text_names_a_card_of_its_own_which_stays_the_same(tmp_path: Path) -> None:
    hand = SimulatedReader(tmp_path)
    for name in NAMES:
        hand.insert(name)
    cards = {path: json.loads(path.read_text()) for path in tmp_path.glob("card-*.json")}
    assert len(cards) == len(NAMES)
    assert all(CARD_NUMBER.fullmatch(card["number"]) for card in cards.values())
    assert len({card["number"] for card in cards.values()}) == len(NAMES)
    for name in NAMES:
        hand.insert(name)
        assert SimulatedReader(tmp_path).is_inserted
    assert {path: json.loads(path.read_text()) for path in tmp_path.glob("card-*.json")} == cards


@pytest.mark.parametrize("profile", ["juki-2011", "juki-2011-b", "myna-2016", "piv"])
def test_a_residents_code_is_not_told_by_his_card(profile: Literal["juki-2011", "piv"], tmp_path: Path) -> None:
    lines: list[str] = []
    code = "10000000100"
    reader, hand = open_reader(CardDevice(profile=profile), tmp_path, trace=lines.append)
    assert hand is not None
    hand.insert(code)
    with reader.session() as card:
        number = card.number()
    traced = "".join(lines).casefold()
    assert code not in number
    assert not any(part in traced for part in (code, code.encode().hex(), f"{int(code):x}"))
    # Whoever made cards for all the codes there are would not find it among them.
    (tmp_path / "other").mkdir()
    other = SimulatedReader(tmp_path / "other", profile=profile)
    other.insert(code)
    paths = (tmp_path / f"card-{code}.json", tmp_path / "other" / f"card-{code}.json")
    assert len({json.loads(path.read_text())["number"] for path in paths}) == 2


@pytest.mark.parametrize(
    ("name", "hardware"),
    [
        ("reader.json", Hardware()),
        ("card-1.json", Hardware()),
        ("changer.json", Hardware(cash=CashDevice("cash_changer", "sim:"))),
        ("coin.json", Hardware(cash=CashDevice("cctalk", "sim:"))),
        ("printer/counters.json", Hardware()),
    ],
)
@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff"])
def test_a_damaged_file_of_a_simulated_device_is_named_and_left_as_it_is(
    name: str, hardware: Hardware, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(ConfigInvalid) as refused, open_bench(hardware, tmp_path) as bench:
        assert bench.simulated_reader is not None
        bench.simulated_reader.insert("1")
    assert refused.value.file == str(path)
    assert str(refused.value).count(str(path)) == 1
    assert path.read_bytes() == content

"""The simulated signal tower against the examples of its makers' manuals."""

import json

import pytest

from hw.sim.lamp.virtual import VirtualLamp, parse_lamp_faults


def ask(lamp, command):
    return lamp.feed(bytes.fromhex(command)).hex()


def test_the_writing_example_of_the_pns_page():
    lamp = VirtualLamp()  # NHL manual 3.6: red lit, amber flashing 1, green flashing 2, buzzer pattern 4
    assert ask(lamp, "585853000006 010203000004") == "06"
    assert (lamp.tiers, lamp.buzzer) == ([1, 2, 3, 0, 0], 4)
    assert ask(lamp, "585847000000") == "010203000004"  # status acquisition
    assert ask(lamp, "585853000006 090900090909") == "06"  # 09 changes nothing
    assert ask(lamp, "585847000000") == "010200000004"
    assert ask(lamp, "585843000000") == "06"  # clear
    assert ask(lamp, "585847000000") == "000000000000"


def test_the_writing_example_of_the_phn_page():
    lamp = VirtualLamp()  # NHL manual 3.5: red lit, amber flashing, green lit, buzzer pattern 2
    assert lamp.feed(b"\x57\x55") == b"ACK"
    assert (lamp.tiers[:3], lamp.buzzer) == ([1, 2, 1], 2)
    assert lamp.feed(b"R") == b"R\x55"
    assert VirtualLamp().feed(b"\x57\x51") == b"ACK"  # LA6-POE manual 5.2


def test_the_la6_answers_with_fifteen_and_forty_bytes():
    lamp = VirtualLamp()
    # LA6-POE leaflet: tiers green, blue, off, white, red lit; alarm 11.
    assert ask(lamp, "414244000007 0406000901000b") == "06"
    assert ask(lamp, "414247000000") == "0000000000000000" + "00" + "0101000101" + "0b"
    assert len(lamp.feed(bytes.fromhex("414245000000"))) == 40


@pytest.mark.parametrize(
    "command",
    [
        "585853000006 040000000000",  # a light that is none
        "585853000006 000000000005",  # a buzzer pattern that the product has not
        "585853000005 0000000000",
        "58585a000000",
        "59",
        "415853000006 010000000000",
    ],
)
def test_what_is_no_command_is_refused(command):
    assert ask(VirtualLamp(), command) == "15"


def test_pieces_and_gaps():
    now = [0.0]
    lamp = VirtualLamp(monotonic=lambda: now[0])
    assert ask(lamp, "585853") == ""
    assert ask(lamp, "000006 01") == ""
    now[0] += 1.5
    assert ask(lamp, "585847000000") == "000000000000"


def test_faults_and_hands(tmp_path):
    lamp = VirtualLamp(directory=tmp_path, faults=parse_lamp_faults("power-off@13,silent@20"))
    ask(lamp, "585853000006 010000000000")
    assert json.loads((tmp_path / "lamp.json").read_text())["red"] == 1
    assert ask(lamp, "585847000000") == "000000000000"
    lamp.obey("refuse")
    assert ask(lamp, "5758") == ""
    with pytest.raises(ValueError, match="none of"):
        lamp.obey("explode")

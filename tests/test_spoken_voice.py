"""The voice speaks the newest text, tells nobody else, and a missing program is only silent. Programs of the shell play
synthesiser and loudspeaker; Open JTalk itself is asked for its options where it is installed.
"""

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.spoken_voice import DICTIONARY, SpokenVoice, alsa_player, open_jtalk

PATIENCE_S = 30.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def loudspeaker(path: Path) -> tuple[str, ...]:
    """Keeps what it is given."""
    return ("sh", "-c", f"cat >> {path}")


def test_a_text_is_spoken_and_stands_in_no_argument(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    voice = SpokenVoice(("sh", "-c", "cat; sleep 5"), loudspeaker(heard))
    voice.say("次へ: Enter")
    until(lambda: heard.exists() and heard.read_text() == "次へ: Enter\n")
    arguments = b"".join(path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
    assert "次へ: Enter".encode() not in arguments
    voice.close()


def test_the_newest_text_silences_the_one_before(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    voice = SpokenVoice(("sh", "-c", "read text; [ $text = long ] && sleep 60; echo $text"), loudspeaker(heard))
    voice.say("long")
    voice.say("short")
    until(lambda: heard.exists() and heard.read_text() == "short\n")
    voice.close()


@pytest.mark.parametrize("commands", [(("/nowhere",), ("cat",)), (("cat",), ("/nowhere",))])
def test_a_missing_program_is_silent(commands: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    voice = SpokenVoice(*commands)
    voice.say("text")
    voice.close()


def test_the_headset_is_named_to_the_player() -> None:
    assert alsa_player("plughw:1,0") == ("aplay", "-q", "-D", "plughw:1,0", "-")


def test_open_jtalk_knows_the_options() -> None:
    told = subprocess.run(["open_jtalk"], capture_output=True, text=True, check=False)
    usage = told.stdout + told.stderr
    assert all(f"    {option} " in usage for option in open_jtalk("voice.htsvoice") if option.startswith("-"))
    assert open_jtalk("voice.htsvoice")[2] == DICTIONARY

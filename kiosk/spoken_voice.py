"""A voice of its own for the resident's headset: Open JTalk, played through ALSA. Off unless it is configured.

Debian has the program and its dictionary (open-jtalk, open-jtalk-mecab-naist-jdic, both BSD-3-clause), and no voice
model in its main archive; the model is a file that the town brings (`voice.model`). Texts go to the program by a pipe,
never by its arguments, which everybody on the computer could read.
"""

import subprocess
import threading
from collections.abc import Sequence

DICTIONARY = "/var/lib/mecab/dic/open-jtalk/naist-jdic"
_END_S = 2.0


def open_jtalk(model: str, dictionary: str = DICTIONARY) -> tuple[str, ...]:
    """The command that turns a text on its standard input into a WAV on its standard output (open_jtalk(1))."""
    return ("open_jtalk", "-x", dictionary, "-m", model, "-ow", "/dev/stdout")


def alsa_player(device: str) -> tuple[str, ...]:
    """The command that plays a WAV from its standard input (aplay(1)); `device` is the headset's."""
    return ("aplay", "-q", "-D", device, "-")


class SpokenVoice:
    """`kiosk.ui.voice.Voice`: the newest text silences the one before. A voice that is broken is silent."""

    def __init__(self, synthesiser: Sequence[str], player: Sequence[str]) -> None:
        self._synthesiser = tuple(synthesiser)
        self._player = tuple(player)
        self._running: tuple[subprocess.Popen[bytes], ...] = ()
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """Begins to speak and returns; what is still being said ends."""
        with self._lock:
            self._silence()
            try:
                self._running = self._start()
            except OSError:
                return  # not installed: everything can be done without
            synthesiser = self._running[0]
        threading.Thread(target=_feed, args=(synthesiser, text), name="voice", daemon=True).start()

    def close(self) -> None:
        """Falls silent."""
        with self._lock:
            self._silence()

    def _start(self) -> tuple[subprocess.Popen[bytes], ...]:
        pipe, null = subprocess.PIPE, subprocess.DEVNULL
        synthesiser = subprocess.Popen(self._synthesiser, stdin=pipe, stdout=pipe, stderr=null)  # noqa: S603  # ours
        try:
            player = subprocess.Popen(self._player, stdin=synthesiser.stdout, stdout=null, stderr=null)  # noqa: S603
        except OSError:
            synthesiser.kill()
            synthesiser.wait(_END_S)
            raise
        # The player alone reads, so that the synthesiser ends when the player does.
        assert synthesiser.stdout is not None, "it was asked for"
        synthesiser.stdout.close()
        return synthesiser, player

    def _silence(self) -> None:
        for process in self._running:
            process.kill()
            process.wait(_END_S)
        self._running = ()


def _feed(process: subprocess.Popen[bytes], text: str) -> None:
    assert process.stdin is not None, "it was asked for"
    try:
        with process.stdin as stdin:
            stdin.write(f"{text}\n".encode())
    except OSError:
        pass  # silenced meanwhile

"""The tone is a WAV that a player plays to its end, and a player that is missing or hangs keeps nobody waiting."""

import io
import shutil
import time
import wave
from pathlib import Path

import pytest

from kiosk import tone


def test_a_tone_is_short_swells_and_fades() -> None:
    with wave.open(io.BytesIO(tone.tone())) as sound:
        assert sound.getnchannels() == 1 and 0.1 < sound.getnframes() / sound.getframerate() < 0.3
        samples = memoryview(sound.readframes(sound.getnframes())).cast("h")
    assert abs(samples[0]) < 500 and abs(samples[-1]) < 3000 and max(samples) > 15_000


def test_it_rings_by_the_player_and_returns_when_it_has(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    ring = tone.bell(("sh", "-c", f"cat >> {heard}"))
    ring()
    ring()
    assert heard.read_bytes() == tone.tone() * 2


def test_a_player_that_is_missing_or_hangs_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    tone.bell(("/nowhere",))()
    monkeypatch.setattr(tone, "_TAKES_S", 0.2)
    begun_s = time.monotonic()
    tone.bell((shutil.which("sleep") or "sleep", "60"))()
    assert time.monotonic() - begun_s < 30

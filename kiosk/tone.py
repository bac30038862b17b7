"""A short tone through ALSA: the bell where the terminal that shows the screens has none, as foot has not."""

import array
import io
import math
import subprocess
import wave
from collections.abc import Callable

_RATE_HZ = 16_000
_PITCH_HZ = 880
_LENGTH_S = 0.18
_FADE_S = 0.02
_LOUDEST = 0.6 * 32767
_TAKES_S = 2.0


def tone() -> bytes:
    """One tone as WAV: a sine of 880 Hz that swells and fades, so that it does not crack."""
    count, fade = int(_RATE_HZ * _LENGTH_S), _RATE_HZ * _FADE_S
    samples = array.array(
        "h",
        (
            int(_LOUDEST * min(1.0, n / fade, (count - n) / fade) * math.sin(2 * math.pi * _PITCH_HZ * n / _RATE_HZ))
            for n in range(count)
        ),
    )
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(samples.itemsize)
        sound.setframerate(_RATE_HZ)
        sound.writeframes(samples.tobytes())
    return file.getvalue()


def bell(player: tuple[str, ...]) -> Callable[[], None]:
    """What rings once by this player (aplay(1)), and returns when it has; one that is not there is silent."""
    heard = tone()

    def ring() -> None:
        try:
            # Nothing of it is anybody's input: the program is ours to name, the device the configuration's. Whatever it
            # says or ends with, the lamp and the screens say the same.
            subprocess.run(player, input=heard, capture_output=True, check=False, timeout=_TAKES_S)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired):
            return

    return ring

"""A link over a serial line, opened and claimed by pyserial."""

import contextlib
import os
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from hw.errors import NotSent
from hw.link.descriptor import DescriptorLink

if TYPE_CHECKING:
    from hw.link.rfc2217 import Port


@dataclass(frozen=True)
class SerialLine:
    """How a serial line is set; flow control by RTS/CTS or XON/XOFF only where the device is set to it too.

    The kernel holds bytes back by either: a write then waits for the device until its deadline.
    """

    baudrate: int = 9600
    data_bits: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    has_rts_cts: bool = False
    has_xon_xoff: bool = False


def open_serial(path: str, line: SerialLine, *, monotonic: Callable[[], float] = time.monotonic) -> DescriptorLink:
    """Opens the device file `path` (/dev/serial/by-id/..., /dev/pts/N) and claims it exclusively.

    What had arrived before is discarded. Raises `NotSent` when the port is missing, claimed, or refuses the setting.
    """
    import serial  # imported here: a station without serial devices never loads it

    # A pty keeps CS8 without parity whatever is asked, and the second open with another setting fails with EINVAL.
    if os.path.realpath(path).startswith("/dev/pts/"):
        line = replace(line, data_bits=8, parity="N", stop_bits=1)
    url = f"serial://{path}"
    try:
        port = serial.Serial(
            path,
            line.baudrate,
            bytesize=line.data_bits,
            parity=line.parity,
            stopbits=line.stop_bits,
            rtscts=line.has_rts_cts,
            xonxoff=line.has_xon_xoff,
            exclusive=True,
            timeout=0,
            write_timeout=0,
        )
    except (OSError, termios.error, ValueError) as error:
        raise NotSent(f"cannot open {url}: {error}") from error

    def release() -> None:
        with contextlib.suppress(OSError, termios.error):
            port.close()

    descriptor = port.fileno()
    os.set_blocking(descriptor, False)
    return DescriptorLink(descriptor, url, release, monotonic=monotonic)


def open_rfc2217_port(url: str, line: SerialLine) -> "Port":
    """Opens pyserial's client for `url` (rfc2217://HOST:PORT) without waiting reads. Raises `NotSent`."""
    import serial.rfc2217

    try:
        return serial.rfc2217.Serial(
            url,
            line.baudrate,
            bytesize=line.data_bits,
            parity=line.parity,
            stopbits=line.stop_bits,
            rtscts=line.has_rts_cts,
            xonxoff=line.has_xon_xoff,
            timeout=0,
        )
    except (OSError, ValueError) as error:
        raise NotSent(f"cannot open {url}: {error}") from error

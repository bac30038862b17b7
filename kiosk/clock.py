"""Where the time comes from: one value that is passed to whoever needs it."""

import datetime
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from kiosk.model.authorisation import Uptime

Clock = Callable[[], datetime.datetime]
"""Answers the present time, aware, in UTC."""

JAPAN = datetime.timezone(datetime.timedelta(hours=9), "JST")
"""The counter's time zone; Japan has had no summer time since 1951."""


def system_clock() -> datetime.datetime:
    """The computer's clock."""
    return datetime.datetime.now(datetime.UTC)


def system_uptime() -> Uptime:
    """The computer's own time: the kernel's boot id (proc(5)) and CLOCK_BOOTTIME (clock_gettime(2)), with sleep."""
    boot = uuid.UUID(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    return Uptime(boot.bytes, int(time.clock_gettime(time.CLOCK_BOOTTIME)))

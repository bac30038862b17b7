"""Where tests keep files that many short-lived processes write: in memory, which is fast, where there is enough."""

import shutil
import tempfile
from pathlib import Path

_NEEDED_BYTES = 1 << 30


def memory_folder() -> Path:
    """A memory file system where there is a large one (a container's may be tiny), else the disk."""
    memory = Path("/dev/shm")
    is_large = memory.is_dir() and shutil.disk_usage(memory).free > _NEEDED_BYTES
    return memory if is_large else Path(tempfile.gettempdir())

"""What a simulated device reads back from a file of its own, which a hand or a full disk may have damaged meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hw.strict_toml import ConfigInvalid


@contextmanager
def reading_kept(path: Path, device: str) -> Iterator[None]:
    """While the content of `path` is taken apart. Raises `ConfigInvalid` when it is not what `device` keeps there."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ConfigInvalid(str(path), "", f"damaged, not what a simulated {device} keeps") from error

"""A PKCS #11 token of a test's own, by SoftHSM from Debian's package; its configuration is this process's."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pkcs11

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "two persons together"


@contextmanager
def token(folder: Path, label: str) -> Iterator[str]:
    """A token with this label; yields the beginning of the URIs of its keys. Fails when SoftHSM is not there."""
    assert Path(MODULE).exists(), "not installed: softhsm2 (Debian package)"
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    try:
        words = ["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "12345678"]
        subprocess.run(["softhsm2-util", *words], check=True, capture_output=True, timeout=30)
        # This process may have opened the library over another test's tokens.
        pkcs11.lib(MODULE).reinitialize()
        yield f"pkcs11:token={label}"
    finally:
        if before is None:
            del os.environ["SOFTHSM2_CONF"]
        else:
            os.environ["SOFTHSM2_CONF"] = before

"""What an open station does not need is not loaded into its process, where each megabyte stays for the whole day."""

import subprocess
import sys
from pathlib import Path

LOADED = {"http.client", "sqlite3", "cryptography", "kiosk.workbench"}
"""What an open station that has asked its authority something does hold."""

NEVER = (
    "httpx",
    "click",
    "pygments",
    "rich.progress",
    "rich.syntax",
    # the authority's own side, which runs in a process of its own
    "kiosk.authority.embedded.authority",
    "kiosk.authority.embedded.directory",
    "kiosk.authority.embedded.store",
    # until somebody tries a signature out, checks a card's compatibility, packs a support bundle or prints
    "cryptography.hazmat.primitives.serialization.pkcs7",
    "email.policy",
    "hw.card.conformance",
    "tarfile",
    "importlib.metadata",
    "PIL",
    "reportlab",
    # what the libraries have for others
    "textual.widgets._markdown",
    "textual.widgets._text_area",
    "tree_sitter",
    "starlette",
    "uvicorn",
    "psycopg",
    "pydoc",
    "unittest",
    "hypothesis",
)

_OPEN = """
import sys
from pathlib import Path
import kiosk.ui.app
from kiosk.authority.http import post
from kiosk.authority.errors import AuthorityUnreachable
from kiosk.config import load_config, locate_config
from kiosk.configured_counter import ConfiguredCounter

path = locate_config(None)
counter = ConfiguredCounter(load_config(path, []), path, Path(sys.argv[1]))
counter.open()
try:
    try:
        post("http://127.0.0.1:1/", "text/plain", b"", 5.0)
    except AuthorityUnreachable:
        pass
    print("\\n".join(sys.modules))
finally:
    counter.close()
"""


def test_an_open_station_holds_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    opened = subprocess.run([sys.executable, "-c", _OPEN, str(tmp_path)], capture_output=True, text=True)
    assert opened.returncode == 0, opened.stderr
    loaded = set(opened.stdout.split())
    assert loaded >= LOADED
    assert not [name for name in NEVER if name in loaded]

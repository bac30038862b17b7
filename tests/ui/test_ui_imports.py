"""The first paint waits for nothing heavy: importing the app loads neither store nor network nor device drivers."""

import subprocess
import sys

HEAVY = (
    "sqlite3",
    "http",
    "cryptography",
    "PIL",
    "serial",
    "smartcard",
    "escpos",
    "msgspec",
    "asyncpg",
    "starlette",
    "hashlib",
)


def test_the_app_is_light_to_import() -> None:
    program = "import sys; import kiosk.ui.app; print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not [name for name in loaded if name.split(".")[0] in HEAVY]
    assert not [name for name in loaded if name.startswith(("kiosk.ui.clerk.", "kiosk.ui.technician.", "hw.card"))]
